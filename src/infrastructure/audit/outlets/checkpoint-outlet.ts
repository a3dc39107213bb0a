import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import type { PublishedCheckpoint } from '../../../application/ports/audit/audit-log.js';
import type { OutletName, OutletStatus } from '../../../application/ports/audit/checkpoint-outlets.js';
import { parseLeaf, type LeafEvent } from '../../../domain/audit/log/leaf.js';
import { writeWhole } from '../durable-file.js';
import { AuditLogDamagedError, type TileLog } from '../log/tile-log.js';

/** Where one checkpoint goes. */
export interface Outlet {
  readonly name: OutletName;
  /** Shortest time between two deliveries. */
  readonly everyMs: number;
  /** Tried once more when the server stops, so that what was published before the stop is outside too. */
  readonly alsoAtStop: boolean;
  /** @throws {Error} in words for an operator; it is tried again later */
  deliver(checkpoint: PublishedCheckpoint): Promise<void>;
  close?(): Promise<void>;
}

/** Somebody outside remembers a history of this log that is not its own. */
export class WitnessForkError extends Error {}

/** What was delivered last: a plain file, so that a restart goes on from it and `honnin doctor` can look from
 * outside. */
export interface Delivered {
  readonly size: number;
  readonly sha256: string;
  readonly atUtc: string;
}

const WHERE: Readonly<Record<OutletName, string>> = {
  timestamp: 'timestamp authority',
  folder: 'folder of copies',
  url: 'address of copies',
  kafka: 'Kafka topic of copies',
  witness: 'witnesses',
};
const POLL_MS_MAX = 1_000;
const RETRY_MS_MAX = 300_000;
const GRACE_MS = 60_000;
const STOP_MS_MAX = 10_000;

/** Takes the newest checkpoint to one outlet, at most once per interval. It covers all before it, so an older one is
 * never sent after it. One retry policy for all outlets: one second, doubled up to five minutes or the interval.
 * Nothing here is waited for by whoever appends, and nothing fails silently: each new trouble is logged as an error,
 * all are counted, and being late shows until it has passed. */
export class OutletRunner {
  private readonly logger = new Logger('AuditOutlets');
  private readonly stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();
  private delivered: Delivered | null;
  private behindSinceMs: number | null = null;
  private failures = 0;
  private streak = 0;
  private lastError: string | null = null;
  private isFork = false;

  constructor(
    private readonly outlet: Outlet,
    private readonly log: TileLog,
  ) {
    this.delivered = lastDelivered(log.folder, outlet.name);
    this.behindSinceMs = undeliveredSinceMs(log, this.delivered);
  }

  start(): void {
    this.running = this.run();
  }

  /** Ends the loop, with a last delivery where the outlet wants one. A broker that does not answer holds no stop up:
   * the next start goes on. */
  async stop(): Promise<void> {
    this.stopping.abort();
    const limit = new AbortController();
    await Promise.race([this.finish(), sleep(STOP_MS_MAX, undefined, { signal: limit.signal }).catch(() => {})]);
    limit.abort();
  }

  private async finish(): Promise<void> {
    await this.running;
    if (this.outlet.alsoAtStop) await this.attempt();
    await this.outlet.close?.();
  }

  status(): OutletStatus {
    const behindMs = this.behindSinceMs === null ? 0 : Math.max(0, Date.now() - this.behindSinceMs);
    return {
      outlet: this.outlet.name,
      deliveredSize: this.delivered?.size ?? null,
      deliveredAtMs: this.delivered === null ? null : Date.parse(this.delivered.atUtc),
      behindMs,
      isLate: isLate(behindMs, this.outlet.everyMs),
      failures: this.failures,
      lastError: this.lastError,
      isFork: this.isFork,
    };
  }

  /** Delivers the newest checkpoint when it is another than the last delivered one. Never throws. */
  async attempt(): Promise<void> {
    try {
      const newest = this.newest();
      if (newest === null) return;
      await this.outlet.deliver(newest);
      await this.remember(newest);
    } catch (error) {
      this.failures += 1;
      this.streak += 1;
      const message = error instanceof Error ? error.message : String(error);
      // Said once, and again when it is another trouble.
      if (message !== this.lastError)
        this.logger.error(`checkpoints do not get to the ${WHERE[this.outlet.name]}: ${message}; trying again`);
      this.lastError = message;
      this.isFork ||= error instanceof WitnessForkError;
    }
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      await sleep(this.waitMs(), undefined, { signal }).catch(() => {});
      if (!signal.aborted && this.isDue()) await this.attempt();
    }
  }

  private waitMs(): number {
    const poll = Math.min(this.outlet.everyMs, POLL_MS_MAX);
    return this.streak === 0
      ? poll
      : Math.max(poll, Math.min(this.outlet.everyMs, RETRY_MS_MAX, 1000 * 2 ** Math.min(this.streak - 1, 20)));
  }

  /** Looks for something new at every poll, so that being behind is noticed when it begins. */
  private isDue(): boolean {
    try {
      if (this.newest() === null) return false;
    } catch {
      // The attempt reads it again and says what is wrong.
      return true;
    }
    return this.delivered === null || Date.now() >= Date.parse(this.delivered.atUtc) + this.outlet.everyMs;
  }

  /** The newest checkpoint if it was not delivered yet. Another note, not a larger one, is what counts: a log that was
   * set back must not be silent until it has grown beyond its old size. */
  private newest(): PublishedCheckpoint | null {
    const newest = this.log.checkpoint();
    if (newest === null || newest.size === 0 || digestOf(newest.note) === this.delivered?.sha256) {
      this.behindSinceMs = null;
      return null;
    }
    this.behindSinceMs ??= Date.now();
    return newest;
  }

  private async remember({ size, note }: PublishedCheckpoint): Promise<void> {
    if (this.delivered !== null && size < this.delivered.size)
      this.logger.error(
        `the log has ${size} entries and a checkpoint of ${this.delivered.size} was given to the ${WHERE[this.outlet.name]} before: it was set back`,
      );
    const delivered: Delivered = { size, sha256: digestOf(note), atUtc: new Date().toISOString() };
    await writeWhole(deliveredFile(this.log.folder, this.outlet.name), `${JSON.stringify(delivered)}\n`);
    if (this.streak > 0) this.logger.log(`checkpoints get to the ${WHERE[this.outlet.name]} again`);
    this.delivered = delivered;
    this.behindSinceMs = null;
    this.streak = 0;
    this.lastError = null;
    this.isFork = false;
  }
}

/** Two intervals and a minute: one interval is how things are meant to be. */
export function isLate(behindMs: number, everyMs: number): boolean {
  return behindMs > 2 * everyMs + GRACE_MS;
}

/** What was delivered last, or null when nothing was or the file is not readable: then it is delivered again. */
export function lastDelivered(auditFolder: string, outlet: OutletName): Delivered | null {
  try {
    const { size, sha256, atUtc } = JSON.parse(readFileSync(deliveredFile(auditFolder, outlet), 'utf8')) as Delivered;
    return Number.isSafeInteger(size) && typeof sha256 === 'string' && !Number.isNaN(Date.parse(atUtc))
      ? { size, sha256, atUtc }
      : null;
  } catch {
    // None yet, or damaged: a repeated delivery harms nobody.
    return null;
  }
}

/** Since when the oldest entry waits that the delivered checkpoint does not cover, by the time at which its event was
 * recorded: it is under a checkpoint a second later. null: none waits. */
export function undeliveredSinceMs(log: TileLog, delivered: Delivered | null): number | null {
  const covered = delivered?.size ?? 0;
  if (covered >= (log.checkpoint()?.size ?? 0)) return null;
  const recordedMs = Date.parse(leafIfReadable(log, covered)?.metadata.recordedAtUtc ?? '');
  // The checker names what is damaged. It waits all the same, from now on.
  return Number.isNaN(recordedMs) ? Date.now() : recordedMs;
}

function leafIfReadable(log: TileLog, index: number): LeafEvent | null {
  try {
    return parseLeaf(log.leaf(index));
  } catch (error) {
    if (error instanceof AuditLogDamagedError) return null;
    throw error;
  }
}

function deliveredFile(auditFolder: string, outlet: OutletName): string {
  return join(auditFolder, 'outlets', `${outlet}.json`);
}

function digestOf(note: string): string {
  return createHash('sha256').update(note).digest('hex');
}
