import { describe, expect, it } from '@jest/globals';
import type { EventBatch } from '../../src/application/ports/store/event-store.js';
import type { Position, StoredEvent } from '../../src/domain/event-envelope.js';
import { AppendSignal, followLog } from '../../src/infrastructure/event-store/log-subscription.js';

/** A log that counts how often it is read. */
class CountedLog {
  readonly appended = new AppendSignal();
  reads = 0;
  private head = 0n;

  append(): void {
    this.head += 1n;
    this.appended.notify();
  }

  readPage(after: Position | null): EventBatch {
    this.reads += 1;
    const events = Array.from(
      { length: Number(this.head - (after ?? 0n)) },
      (_, n) => ({ position: ((after ?? 0n) + BigInt(n) + 1n) as Position }) as StoredEvent,
    );
    return { events, position: this.head === 0n ? null : (this.head as Position), caughtUp: true };
  }

  follow(gatherMs: number, signal: AbortSignal): AsyncGenerator<EventBatch, void, void> {
    return followLog(
      { after: null, signal },
      { readPage: (after) => this.readPage(after), appended: this.appended, pollMs: 60_000, gatherMs },
    );
  }
}

describe('following the log', () => {
  it('hands an event that comes alone over at once, however long the time of gathering', async () => {
    const [log, stop] = [new CountedLog(), new AbortController()];
    const batches = log.follow(1000, stop.signal);
    await batches.next();
    const next = batches.next();
    await quietFor(1050);
    const begun = performance.now();
    log.append();
    expect((await next).value?.events).toHaveLength(1);
    // Less than the time of gathering, which it would wait for otherwise.
    expect(performance.now() - begun).toBeLessThan(900);
    stop.abort();
  });

  it('gathers what comes in a stream: every event, in order, in far fewer reads', async () => {
    const [log, stop] = [new CountedLog(), new AbortController()];
    const seen: bigint[] = [];
    const following = (async () => {
      for await (const { events } of log.follow(20, stop.signal)) {
        seen.push(...events.map((event) => event.position));
        if (seen.length === 500) return;
      }
    })();
    for (let n = 0; n < 500; n += 1) {
      log.append();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await following;
    expect(seen).toEqual(Array.from({ length: 500 }, (_, n) => BigInt(n + 1)));
    expect(log.reads).toBeLessThan(100);
    stop.abort();
  });

  it('ends at once while it gathers', async () => {
    const [log, stop] = [new CountedLog(), new AbortController()];
    const batches = log.follow(60_000, stop.signal);
    await batches.next();
    const next = batches.next();
    log.append();
    await quietFor(5);
    stop.abort();
    expect((await next).done).toBe(true);
  });
});

/** Lets the loop come to rest. A wait for something that must not happen has no other form. */
function quietFor(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms));
}
