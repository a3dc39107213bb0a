import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { EventBatch, SubscribeOptions } from '../../application/ports/store/event-store.js';
import type { Position } from '../../domain/event-envelope.js';

/** Events per batch where the subscriber does not say: about two milliseconds of reading. */
const BATCH_SIZE = 256;

/** Wakes everybody who waits for more events. Counting makes it impossible to miss a call between looking and
 * waiting. */
export class AppendSignal {
  private count = 0;
  private readonly waiting = new Set<() => void>();

  /** Tells all waiters that there may be more to read. */
  notify(): void {
    this.count += 1;
    for (const wake of [...this.waiting]) wake();
  }

  /** Number of calls so far; taken before a read and handed to `after`. */
  seen(): number {
    return this.count;
  }

  /** Resolves at the next call after `seen`, after `pollMs`, or when the signal aborts. */
  after(seen: number, pollMs: number, signal: AbortSignal): Promise<void> {
    if (this.count !== seen || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        this.waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, pollMs);
      signal.addEventListener('abort', done);
      this.waiting.add(done);
    });
  }
}

/** One loop for catching up and for following: read, hand over, and wait only after a read that found the end. There is
 * no second path for live events, so nothing can fall between the two. The first batch always comes, also when it is
 * empty, so that a consumer learns that it is caught up.
 * @param source.readPage reads one page of the log
 * @param source.pollMs how often to look without being woken, for appends of another process
 * @param source.gatherMs shortest time between two reads at the end of the log: an event that comes alone is handed
 *   over at once, a stream of them in batches, so that a consumer's cost is per moment and not per event. Default 0 */
export async function* followLog(
  options: SubscribeOptions,
  source: {
    readonly readPage: (after: Position | null, limit: number) => EventBatch | Promise<EventBatch>;
    readonly appended: AppendSignal;
    readonly pollMs: number;
    readonly gatherMs?: number;
  },
): AsyncGenerator<EventBatch, void, void> {
  let after = options.after;
  let first = true;
  while (!options.signal.aborted) {
    const seen = source.appended.seen();
    const readAtMs = performance.now();
    const batch = await source.readPage(after, options.batchSize ?? BATCH_SIZE);
    const moved = batch.position !== after;
    after = batch.position;
    if (options.signal.aborted) return;
    if (moved || first) yield batch;
    first = false;
    // Reading is synchronous in the embedded store: giving up the turn keeps a long catch-up from starving everything
    // else.
    if (!batch.caughtUp) await nextTurn();
    else {
      await source.appended.after(seen, source.pollMs, options.signal);
      const restMs = (source.gatherMs ?? 0) - (performance.now() - readAtMs);
      if (restMs > 0) await sleep(restMs, undefined, { signal: options.signal }).catch(() => {});
    }
  }
}
