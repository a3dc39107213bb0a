import { setTimeout as sleepFor } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import type { Position } from '../../domain/event-envelope.js';
import type { EventStore } from '../ports/store/event-store.js';
import type { Lease, PositionStore } from '../ports/store/position-store.js';
import { assertSameLog } from '../subscriptions/same-log.js';

const LEASE_MS = 60_000;

/** Looks for something again and again, one look after the other, until it is stopped. */
export class PeriodicLook {
  private stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();
  private readonly log: Logger;

  /** @param options.of what is looked at, for the log line of a look that failed */
  constructor(private readonly options: { readonly name: string; readonly of: string; readonly everyMs: number }) {
    this.log = new Logger(options.name);
  }

  get isStopping(): boolean {
    return this.stopping.signal.aborted;
  }

  start(look: () => Promise<unknown>): void {
    this.stopping = new AbortController();
    this.running = this.run(look, this.stopping.signal);
  }

  /** Lets the look that is under way end. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  /** Store or vault are away, or one thing cannot be done: nothing is lost by looking again later. */
  failed(error: unknown): void {
    this.log.warn(
      `${this.options.of} could not be looked at, trying again: ${error instanceof Error ? error.message : String(error)}`,
    );
  }

  private async run(look: () => Promise<unknown>, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await look().catch((error: unknown) => this.failed(error));
      await sleepFor(this.options.everyMs, undefined, { signal }).catch(() => {
        // Aborted: the loop ends.
      });
    }
  }
}

/** One look from where the consumer stands, by whoever has its lease, and only in the log that its position is of.
 *  @returns what the look returns, or 0 where another process looks */
export async function underLease(
  { store, positions }: { readonly store: EventStore; readonly positions: PositionStore },
  { consumer, holder }: { readonly consumer: string; readonly holder: string },
  look: (after: Position | null, lease: Lease) => Promise<number>,
): Promise<number> {
  const lease = await positions.acquire(consumer, holder, LEASE_MS);
  if (!lease) return 0;
  try {
    const found = await positions.find(consumer);
    if (found) await assertSameLog(store, consumer, found);
    return await look(found?.position ?? null, lease);
  } finally {
    await positions.release(lease);
  }
}
