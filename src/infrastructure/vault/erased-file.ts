import { createHash } from 'node:crypto';
import { constants, existsSync, readFileSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { LastingErasure, VaultOwner } from '../../application/ports/registrant/image-vault.js';
import { StorageUnavailableError } from '../../application/ports/store/storage-trouble.js';

/** An erasure as the file tells it. Owners are known by a hash. */
export interface NotedErasure {
  readonly ownerHash: string;
  /** Id of the event that says so: a copy of the log that has it knows of the erasure. */
  readonly eventId: string;
  readonly rule: string;
  readonly atUtc: string;
}

export interface NotedErasures {
  readonly registrants: readonly NotedErasure[];
  /** Hashes of owners: cases of those people, whose material must not live again in a copy in which they are open. */
  readonly cases: ReadonlySet<string>;
  /** Lines that say nothing: damaged, or cut off by a crash. */
  readonly unreadable: number;
  /** The lines as they stand, for who merges two files. */
  readonly lines: readonly string[];
}

const REGISTRANT = /^registrant ([0-9a-f]{64}) (\S{1,64}) ([a-z_]{1,40}) (\d{4}-\d\d-\d\dT[\d:.]+Z)$/;
const CASE = /^case ([0-9a-f]{64})$/;

/** The erasures of people, in a small file that is only ever added to. It belongs where neither the data folder nor its
 *  backups are: a copy of the data that is older than an erasure does not know of it, and this file does. */
export class ErasedFile {
  constructor(readonly file: string) {}

  /** On the disk when this returns. @throws when it cannot be written, or its folder is not there (a disk that is not
   *  mounted): then nothing may be destroyed yet */
  async note(owner: VaultOwner, { eventId, rule, atUtc, cases }: LastingErasure): Promise<void> {
    const lines = [
      ...cases.map((one) => `case ${hashOfOwner(one)}`),
      `registrant ${hashOfOwner(owner)} ${eventId} ${rule} ${atUtc}`,
    ];
    const isNew = !existsSync(this.file);
    const handle = await this.opened();
    try {
      // What a crash left of a line must not swallow the next one. A line that is there twice says nothing more.
      await handle.appendFile(`${(await endsInLine(handle)) ? '' : '\n'}${lines.join('\n')}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    if (isNew) await syncFolderOf(this.file);
  }

  private async opened(): Promise<FileHandle> {
    try {
      return await open(this.file, constants.O_RDWR | constants.O_APPEND | constants.O_CREAT, 0o600);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new StorageUnavailableError(`the file of erasures cannot be written: ${why}`, { cause });
    }
  }

  /** What the file tells; nothing where there is none. */
  static read(file: string): NotedErasures {
    return readErasures(existsSync(file) ? readFileSync(file, 'utf8') : '');
  }
}

export function readErasures(text: string): NotedErasures {
  const [registrants, cases, lines]: [NotedErasure[], Set<string>, string[]] = [[], new Set(), []];
  let unreadable = 0;
  for (const line of text.split('\n')) {
    const [, ownerHash, eventId, rule, atUtc] = REGISTRANT.exec(line) ?? [];
    const ofCase = CASE.exec(line)?.[1];
    if (ownerHash && eventId && rule && atUtc) registrants.push({ ownerHash, eventId, rule, atUtc });
    else if (ofCase) cases.add(ofCase);
    else if (line !== '') unreadable += 1;
    if (ownerHash || ofCase) lines.push(line);
  }
  return { registrants, cases, unreadable, lines };
}

export function hashOfOwner(owner: string): string {
  return createHash('sha256').update(owner).digest('hex');
}

async function endsInLine(handle: Awaited<ReturnType<typeof open>>): Promise<boolean> {
  const { size } = await handle.stat();
  if (size === 0) return true;
  const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, size - 1);
  return buffer[0] === 0x0a;
}

async function syncFolderOf(file: string): Promise<void> {
  const folder = await open(dirname(file), constants.O_RDONLY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
