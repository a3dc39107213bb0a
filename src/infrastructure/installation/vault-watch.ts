import { Logger } from '@nestjs/common';
import type { ReadModelDatabase } from '../read-model/read-model-database.js';
import type { KeyRing } from '../vault/key-ring.js';

const NOTE_EVERY_MS = 60_000;

/** Notes beside the read models how many changes of keys the vault has seen: an older copy of the vault, in which
 *  destroyed keys live again, then has seen fewer, which the next start finds. */
export class VaultWatch {
  private readonly log = new Logger('VaultWatch');
  private readonly timer: NodeJS.Timeout;

  constructor(
    private readonly installationId: string,
    private readonly ring: Pick<KeyRing, 'changes'>,
    private readonly database: ReadModelDatabase,
  ) {
    this.timer = setInterval(() => void this.note(), NOTE_EVERY_MS);
    this.timer.unref();
  }

  /** Notes the last state. Before ring and database are closed. */
  async close(): Promise<void> {
    clearInterval(this.timer);
    await this.note();
  }

  private async note(): Promise<void> {
    try {
      await this.database.markFor(this.installationId, this.ring.changes());
    } catch (error) {
      // Noted again a minute later; until then only a copy from this minute would pass for the newest.
      this.log.warn(
        `the changes of keys could not be noted: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }
}
