import { beforeEach, describe, expect, it } from '@jest/globals';
import type { EventBatch, EventFilter } from '../../src/application/ports/store/event-store.js';
import type { Position, StoredEvent } from '../../src/domain/event-envelope.js';
import { LogTail } from '../../src/infrastructure/event-store/sqlite/log-tail.js';

const FRESH_MS = 5;
const METADATA = { actor: 'a', correlationId: 'c', causationId: 'c', recordedAtUtc: '', policyVersion: null };
const FILTERS: readonly (EventFilter | undefined)[] = [
  undefined,
  { types: ['A'] },
  { types: ['A', 'B'], streamPrefixes: ['one-'] },
  { streamPrefixes: ['two-', 'one-1'] },
  { types: [] },
  { streamPrefixes: [] },
];

/** A log with one event after the other, which counts how often it is read. */
class Log {
  readonly events: StoredEvent[] = [];
  reads = 0;
  damaged: number | null = null;

  append(type: string, stream: string): void {
    const position = BigInt(this.events.length + 1) as Position;
    const data = { deep: { of: [this.events.length] } };
    this.events.push({
      stream,
      revision: 0,
      position,
      id: `id-${position}`,
      type,
      schemaVersion: 1,
      data,
      metadata: METADATA,
    });
  }

  read(after: Position | null, limit: number, filter?: EventFilter): EventBatch {
    this.reads += 1;
    const behind = this.events.slice(Number(after ?? 0n));
    const wanted = behind.filter(
      ({ type, stream }) =>
        (filter?.types?.includes(type) ?? true) &&
        (filter?.streamPrefixes?.some((prefix) => stream.startsWith(prefix)) ?? true),
    );
    const events = wanted.slice(0, limit);
    if (events.some(({ position }) => Number(position) === this.damaged)) throw new Error(`${this.damaged} is damaged`);
    const position = events.length === limit ? events.at(-1)!.position : (this.events.at(-1)?.position ?? null);
    return { events, position, caughtUp: position === (this.events.at(-1)?.position ?? null) };
  }
}

describe('the newest events, read once for all', () => {
  let log: Log;
  let appends: number;
  let nowMs: number;
  let tail: LogTail;
  beforeEach(() => {
    [log, appends, nowMs] = [new Log(), 0, 0];
    tail = new LogTail({
      read: (after, limit) => log.read(after, limit),
      appends: () => appends,
      freshMs: FRESH_MS,
      nowMs: () => nowMs,
    });
  });
  const append = (type: string, stream: string): void => {
    log.append(type, stream);
    appends += 1;
  };
  /** As a consumer reads that follows the log. */
  const page = (after: Position | null, filter?: EventFilter, limit = 10): EventBatch => {
    const kept = tail.page(after, filter, limit);
    if (kept) return kept;
    const batch = log.read(after, limit, filter);
    if (batch.caughtUp) tail.reached(batch.position);
    return batch;
  };

  it('gives what a read would give, whatever the filter, the limit and the place', () => {
    page(null);
    for (let n = 0; n < 40; n += 1) append('ABC'[n % 3]!, `${n % 2 ? 'one' : 'two'}-${n % 5}`);
    for (const filter of FILTERS) {
      for (const limit of [1, 3, 64]) {
        for (let after = 0; after <= 40; after += 1) {
          const from = after === 0 ? null : (BigInt(after) as Position);
          expect(tail.page(from, filter, limit)).toEqual(log.read(from, limit, filter));
        }
      }
    }
  });

  it('reads once for a dozen consumers, and again after the next append', () => {
    page(null);
    const begun = log.reads;
    let after: Position | null = null;
    for (let n = 1; n <= 5; n += 1) {
      append('A', 'one-1');
      const pages = Array.from({ length: 12 }, () => page(after, { types: ['A'] }));
      expect(new Set(pages.map(({ events }) => events[0]!.id))).toEqual(new Set([`id-${n}`]));
      after = pages[0]!.position;
      expect(log.reads).toBe(begun + n);
    }
  });

  it('looks for appends of other processes after a while', () => {
    page(null);
    page(null);
    log.append('A', 'one-1');
    nowMs = FRESH_MS - 1;
    expect(page(null).events).toHaveLength(0);
    nowMs = FRESH_MS;
    expect(page(null).events).toHaveLength(1);
  });

  it('leaves those to read for themselves who are further behind than it keeps, or ahead of it', () => {
    page(null);
    for (let n = 0; n < 300; n += 1) append('A', 'one-1');
    page(null);
    for (let n = 0; n < 300; n += 1) append('A', 'one-1');
    expect(page(300n as Position, undefined, 64).events[0]!.position).toBe(301n);
    expect(tail.page(10n as Position, undefined, 64)).toBeNull();
    expect(tail.page(601n as Position, undefined, 64)).toBeNull();
    expect(page(10n as Position, undefined, 64).events[0]!.position).toBe(11n);
  });

  it('lets only those fail who want the event that is damaged', () => {
    page(null);
    append('A', 'one-1');
    append('B', 'one-1');
    log.damaged = 2;
    expect(page(null, { types: ['A'] }).events).toHaveLength(1);
    expect(() => page(null, { types: ['B'] })).toThrow('2 is damaged');
    append('A', 'one-1');
    expect(page(2n as Position, { types: ['A'] }).events).toHaveLength(1);
  });

  it('lets no consumer change an event for the others', () => {
    page(null);
    append('A', 'one-1');
    const [event] = page(null).events;
    expect(() => ((event!.data as { deep: { of: number[] } }).deep.of[0] = 7)).toThrow(TypeError);
    expect(Object.isFrozen(event!.metadata)).toBe(true);
  });
});
