import { constants, statSync } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { StorageUnavailableError } from '../../application/ports/store/storage-trouble.js';
import type { Keys } from './key-ring.js';

/** No owner has this name: whether it has a key can be asked of a ring that answers. */
const NOBODY = 'health:nobody';

/** Whether sealed files and their keys can be had now. The folder is known by what it is and not by its name: a disk
 *  that was taken away leaves an empty one in its place, and what is sealed into that is gone when the disk comes
 *  back. */
export class VaultHealth {
  private readonly known: { readonly dev: number; readonly ino: number };

  /** @param folder of the sealed files, as it is at the start. @throws when it is not there */
  constructor(
    private readonly folder: string,
    private readonly keys: Pick<Keys, 'existingKey'>,
  ) {
    const { dev, ino } = statSync(folder);
    this.known = { dev, ino };
  }

  /** @returns why nothing can be sealed or opened, in words, or null. */
  async trouble(): Promise<string | null> {
    try {
      await this.assertThere();
      await this.keys.existingKey(NOBODY);
      return null;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  /** Before anything is written into the folder. @throws {StorageUnavailableError} when it is not the folder of the
   *  start */
  async assertThere(): Promise<void> {
    const state = await stat(this.folder).catch(() => null);
    if (state === null || state.dev !== this.known.dev || state.ino !== this.known.ino) {
      const what = state === null ? 'is gone' : 'is another one than at the start';
      throw new StorageUnavailableError(`the folder of the sealed files ${this.folder} ${what}: is its disk there?`);
    }
    await access(this.folder, constants.W_OK | constants.X_OK).catch((cause: unknown) => {
      throw new StorageUnavailableError(`the folder of the sealed files ${this.folder} cannot be written`, { cause });
    });
  }
}
