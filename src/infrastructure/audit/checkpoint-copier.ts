import { Logger } from '@nestjs/common';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { AuditLog } from '../../application/ports/audit-log.js';
import { syncFolder, writeWhole } from './durable-file.js';

export interface CopierOptions {
  readonly log: AuditLog;
  /** Write-once storage; each checkpoint is a file named by its size, and none is ever written twice. */
  readonly folder: string | null;
  /** Gets each checkpoint by POST. */
  readonly url: string | null;
  readonly everyMs: number;
}

const ANSWER_MS_MAX = 10_000;

/** Takes checkpoints out of the operator's hands: what somebody else has kept cannot be rewritten. Only the newest is sent, because it
 *  covers all before it; one that could not be delivered is followed by a newer one, and the failure is said once. */
export class CheckpointCopier {
  private readonly logger = new Logger('AuditCopies');
  private readonly delivered = { folder: 0, url: 0 };
  private failing = new Set<string>();
  private timer: NodeJS.Timeout | null = null;
  private running: Promise<void> = Promise.resolve();

  constructor(private readonly options: CopierOptions) {}

  start(): void {
    if (this.options.folder === null && this.options.url === null) return;
    this.timer = setInterval(() => void (this.running = this.running.then(() => this.copy())), this.options.everyMs);
  }

  /** Copies a last time, so that what was published before the stop is outside too. */
  async stop(): Promise<void> {
    if (this.timer === null) return;
    clearInterval(this.timer);
    await this.running;
    await this.copy();
  }

  /** Delivers the newest checkpoint wherever it has not been delivered. Never throws. */
  async copy(): Promise<void> {
    const { folder, url } = this.options;
    if (folder !== null) await this.attempt('folder', (size, note) => toFolder(folder, size, note));
    if (url !== null) await this.attempt('url', (_, note) => toUrl(url, note));
  }

  private async attempt(where: 'folder' | 'url', deliver: (size: number, note: string) => Promise<void>): Promise<void> {
    try {
      const newest = this.options.log.checkpoint();
      if (!newest || newest.size <= this.delivered[where]) return;
      await deliver(newest.size, newest.note);
      this.delivered[where] = newest.size;
      this.failing.delete(where);
    } catch (error) {
      if (!this.failing.has(where)) this.logger.error(`checkpoints cannot be copied to the ${where}: ${error instanceof Error ? error.message : String(error)}`);
      this.failing.add(where);
    }
  }
}

async function toFolder(folder: string, size: number, note: string): Promise<void> {
  const path = join(folder, `checkpoint-${size}`);
  if (existsSync(path)) return;
  await writeWhole(path, note);
  await syncFolder(folder);
}

async function toUrl(url: string, note: string): Promise<void> {
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'text/plain; charset=utf-8' }, body: note, redirect: 'error', signal: AbortSignal.timeout(ANSWER_MS_MAX) });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
}
