import { randomBytes } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  EVENT_LIMITS,
  IdConflictError,
  type AppendResult,
  type EventBatch,
  type EventFilter,
  type EventStore,
} from '../../src/application/ports/store/event-store.js';
import type { JsonObject, NewEvent, Position, StoredEvent } from '../../src/domain/event-envelope.js';

/** What a store must offer so that the suite can run against it. */
export interface EventStoreUnderTest {
  readonly store: EventStore;
  /** Ends the store and removes what it left behind. */
  dispose(): Promise<void>;
}

/** A valid UUID; ids need not be reproducible, only different. */
export function newId(): string {
  const hex = randomBytes(16).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`;
}

export function newEvent(data: JsonObject = {}, change: Partial<NewEvent> = {}): NewEvent {
  return {
    id: newId(),
    type: 'SomethingHappened',
    schemaVersion: 1,
    data,
    metadata: {
      actor: 'system:test',
      correlationId: 'case-1',
      causationId: 'command-1',
      recordedAtUtc: '2026-11-23T00:00:00.000Z',
      policyVersion: null,
    },
    ...change,
  };
}

function newEvents(count: number, change: Partial<NewEvent> = {}): NewEvent[] {
  return Array.from({ length: count }, (_, n) => newEvent({ n }, change));
}

function appended(result: AppendResult): Extract<AppendResult, { outcome: 'appended' }> {
  if (result.outcome !== 'appended') throw new Error(`expected an append, got ${JSON.stringify(result)}`);
  return result;
}

const ids = (events: readonly { id: string }[]): string[] => events.map((event) => event.id);

/** What every event store must keep, whatever it is made of. Streams have new names in every test, and tests of the
 * whole log start at its present head, so that the suite can also run against a server that holds other events. */
export function eventStoreContract(name: string, open: () => Promise<EventStoreUnderTest>): void {
  describe(`event store contract: ${name}`, () => {
    let under: EventStoreUnderTest;
    let store: EventStore;
    let stream: string;

    beforeEach(async () => {
      under = await open();
      store = under.store;
      stream = `registration-${newId()}`;
    });
    afterEach(() => under.dispose());

    async function readLog(
      after: Position | null,
      options: { filter?: EventFilter; limit?: number } = {},
    ): Promise<StoredEvent[]> {
      const all: StoredEvent[] = [];
      for (let from = after; ;) {
        const batch = await store.readAll(from, {
          limit: options.limit ?? 100,
          filter: options.filter ?? { streamPrefixes: [stream] },
        });
        all.push(...batch.events);
        from = batch.position;
        if (batch.caughtUp) return all;
      }
    }

    describe('appending with an expected revision', () => {
      it('starts a stream at revision 0 and goes on without holes', async () => {
        expect(appended(await store.append(stream, newEvents(1), 'no_stream'))).toMatchObject({
          revision: 0,
          repeated: false,
        });
        expect(appended(await store.append(stream, newEvents(3), 0))).toMatchObject({ revision: 3, repeated: false });
        expect((await store.readStream(stream)).map((event) => event.revision)).toEqual([0, 1, 2, 3]);
      });

      it.each([
        ['a stream that exists is expected not to', 'no_stream', 1],
        ['the expectation is behind', 0, 1],
        ['the expectation is ahead', 2, 1],
      ] as const)('answers the actual revision and writes nothing when %s', async (_case, expected, actual) => {
        await store.append(stream, newEvents(2), 'no_stream');
        expect(await store.append(stream, newEvents(1), expected)).toEqual({ outcome: 'conflict', actual });
        expect(await store.readStream(stream)).toHaveLength(2);
      });

      it('answers no_stream when a revision of a missing stream is expected', async () => {
        expect(await store.append(stream, newEvents(1), 0)).toEqual({ outcome: 'conflict', actual: 'no_stream' });
        expect(await store.readStream(stream)).toEqual([]);
      });

      it('lets exactly one of many concurrent writers win each revision', async () => {
        const writers = 12;
        const rounds = 8;
        for (let round = 0; round < rounds; round += 1) {
          const results = await Promise.all(
            Array.from({ length: writers }, (_, writer) =>
              store.append(stream, [newEvent({ round, writer })], round === 0 ? 'no_stream' : round - 1),
            ),
          );
          expect(results.filter((result) => result.outcome === 'appended')).toHaveLength(1);
          expect(results.filter((result) => result.outcome === 'conflict')).toHaveLength(writers - 1);
        }
        expect((await store.readStream(stream)).map((event) => event.data['round'])).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
      });

      it('does not let one conflict disturb appends that arrive with it', async () => {
        await store.append(stream, newEvents(1), 'no_stream');
        const others = Array.from({ length: 20 }, (_, n) => `${stream}-${n}`);
        const results = await Promise.all([
          ...others.slice(0, 10).map((other) => store.append(other, newEvents(2), 'no_stream')),
          store.append(stream, newEvents(1), 5),
          ...others.slice(10).map((other) => store.append(other, newEvents(2), 'no_stream')),
        ]);
        expect(results.filter((result) => result.outcome === 'appended')).toHaveLength(20);
        expect(results[10]).toEqual({ outcome: 'conflict', actual: 0 });
      });

      it('stores a batch whole: after a conflict none of its events can be read', async () => {
        const head = await store.head();
        const batch = newEvents(EVENT_LIMITS.eventsPerAppend);
        expect(await store.append(stream, batch, 7)).toMatchObject({ outcome: 'conflict' });
        expect(await readLog(head)).toEqual([]);
        expect(appended(await store.append(stream, batch, 'no_stream')).revision).toBe(
          EVENT_LIMITS.eventsPerAppend - 1,
        );
        expect(ids(await readLog(head))).toEqual(ids(batch));
      });
    });

    describe('repeating an append', () => {
      it('gives the same answer and writes nothing, also after later appends', async () => {
        const batch = newEvents(2);
        const first = appended(await store.append(stream, batch, 'no_stream'));
        expect(await store.append(stream, batch, 'no_stream')).toEqual({ ...first, repeated: true });
        await store.append(stream, newEvents(3), 1);
        expect(await store.append(stream, batch, 'no_stream')).toEqual({ ...first, repeated: true });
        expect(await store.readStream(stream)).toHaveLength(5);
      });

      it('gives the same answer to repeats that arrive at the same time', async () => {
        const batch = newEvents(2);
        const results = await Promise.all(Array.from({ length: 5 }, () => store.append(stream, batch, 'no_stream')));
        expect(new Set(results.map((result) => appended(result).position)).size).toBe(1);
        expect(ids(await store.readStream(stream))).toEqual(ids(batch));
      });

      it('knows the events again when the writer has read the stream anew and expects its present end', async () => {
        const batch = newEvents(2);
        await store.append(stream, batch, 'no_stream');
        expect(appended(await store.append(stream, batch, 1))).toMatchObject({ revision: 1, repeated: true });
        expect(await store.readStream(stream)).toHaveLength(2);
      });

      it('takes a repeat whose only difference is a later time of recording, and keeps the first time', async () => {
        const event = newEvent({ a: 1 });
        await store.append(stream, [event], 'no_stream');
        const later = { ...event, metadata: { ...event.metadata, recordedAtUtc: '2026-11-24T00:00:00.000Z' } };
        expect(appended(await store.append(stream, [later], 'no_stream')).repeated).toBe(true);
        expect((await store.readStream(stream))[0]?.metadata.recordedAtUtc).toBe(event.metadata.recordedAtUtc);
      });

      it('treats the order of keys as no difference', async () => {
        const event = newEvent({ a: 1, b: { c: 2, d: 3 } });
        await store.append(stream, [event], 'no_stream');
        expect(
          appended(await store.append(stream, [{ ...event, data: { b: { d: 3, c: 2 }, a: 1 } }], 'no_stream')).repeated,
        ).toBe(true);
      });

      it.each([
        ['data', { data: { n: 2 } }],
        ['type', { type: 'SomethingElseHappened' }],
        ['schema version', { schemaVersion: 2 }],
        ['actor', { metadata: { ...newEvent().metadata, actor: 'system:other' } }],
      ] satisfies [string, Partial<NewEvent>][])('refuses a known id with another %s', async (_what, change) => {
        const event = newEvent({ n: 1 });
        await store.append(stream, [event], 'no_stream');
        await expect(store.append(stream, [{ ...event, ...change }], 'no_stream')).rejects.toBeInstanceOf(
          IdConflictError,
        );
        await expect(store.append(stream, [{ ...event, ...change }], 0)).rejects.toBeInstanceOf(IdConflictError);
        expect(await store.readStream(stream)).toHaveLength(1);
      });

      it.each([
        ['the first half is known', (known: NewEvent[], fresh: NewEvent[]) => [...known, ...fresh]],
        ['the second half is known', (known: NewEvent[], fresh: NewEvent[]) => [...fresh, ...known]],
        ['the order differs', (known: NewEvent[]) => [...known].reverse()],
      ])('refuses a batch of which %s', async (_case, mix) => {
        const known = newEvents(2);
        await store.append(stream, known, 'no_stream');
        const batch = mix(known, newEvents(2));
        await expect(store.append(stream, batch, 'no_stream')).rejects.toBeInstanceOf(IdConflictError);
        await expect(store.append(stream, batch, 1)).rejects.toBeInstanceOf(IdConflictError);
        expect(await store.readStream(stream)).toHaveLength(2);
      });

      it('keeps ids apart by stream', async () => {
        const event = newEvent();
        expect(appended(await store.append(stream, [event], 'no_stream')).repeated).toBe(false);
        expect(appended(await store.append(`${stream}-other`, [event], 'no_stream')).repeated).toBe(false);
      });
    });

    describe('reading a stream', () => {
      it('is empty for a stream that does not exist', async () => {
        expect(await store.readStream(stream)).toEqual([]);
        expect(await store.readStream(stream, { direction: 'backwards' })).toEqual([]);
      });

      it('gives back exactly what was appended', async () => {
        const event = newEvent({
          text: '本人確認 🪪 \u0000 "\\" \u2028',
          nested: { list: [1, -0.5, 1e21, true, null, []], empty: {} },
          鍵: '値',
        });
        const result = appended(await store.append(stream, [event], 'no_stream'));
        expect(await store.readStream(stream)).toEqual([{ ...event, stream, revision: 0, position: result.position }]);
      });

      it('pages forwards and backwards from a revision', async () => {
        const events = newEvents(10);
        await store.append(stream, events, 'no_stream');
        expect(ids(await store.readStream(stream, { from: 3, limit: 4 }))).toEqual(ids(events.slice(3, 7)));
        expect(ids(await store.readStream(stream, { from: 8 }))).toEqual(ids(events.slice(8)));
        expect(ids(await store.readStream(stream, { from: 10 }))).toEqual([]);
        expect(ids(await store.readStream(stream, { direction: 'backwards', limit: 2 }))).toEqual(
          ids([...events].reverse().slice(0, 2)),
        );
        expect(ids(await store.readStream(stream, { direction: 'backwards', from: 4, limit: 3 }))).toEqual(
          ids([...events].reverse().slice(5, 8)),
        );
      });

      it('sees its own append at once', async () => {
        for (let revision = 0; revision < 20; revision += 1) {
          await store.append(stream, newEvents(1), revision === 0 ? 'no_stream' : revision - 1);
          expect(await store.readStream(stream)).toHaveLength(revision + 1);
        }
      });

      it('keeps streams apart whose names contain one another', async () => {
        await store.append(stream, newEvents(1), 'no_stream');
        await store.append(`${stream}-日本`, newEvents(2), 'no_stream');
        expect(await store.readStream(stream)).toHaveLength(1);
        expect(await store.readStream(`${stream}-日本`)).toHaveLength(2);
      });
    });

    describe('reading the whole log', () => {
      it('orders all events by position, in the order of the answers', async () => {
        const head = await store.head();
        const positions: Position[] = [];
        for (let n = 0; n < 10; n += 1)
          positions.push(appended(await store.append(`${stream}-${n % 3}-${n}`, newEvents(2), 'no_stream')).position);
        const log = await readLog(head);
        expect(log).toHaveLength(20);
        expect(log.map((event) => event.position)).toEqual(
          [...log].map((event) => event.position).sort((a, b) => (a < b ? -1 : 1)),
        );
        expect(log.filter((_, index) => index % 2 === 1).map((event) => event.position)).toEqual(positions);
        expect(await store.head()).toBe(positions.at(-1));
      });

      it('pages without gap or repetition at every page size', async () => {
        const head = await store.head();
        const events = newEvents(25);
        await store.append(stream, events, 'no_stream');
        for (const limit of [1, 2, 7, 25, 26]) expect(ids(await readLog(head, { limit }))).toEqual(ids(events));
      });

      it('filters by type and by stream prefix, and advances the position past what it left out', async () => {
        const head = await store.head();
        const wanted = newEvents(3, { type: 'Wanted' });
        await store.append(`${stream}-a`, [...newEvents(5), ...wanted.slice(0, 2), ...newEvents(5)], 'no_stream');
        await store.append(`${stream}-b`, [...wanted.slice(2), ...newEvents(9)], 'no_stream');
        expect(ids(await readLog(head, { filter: { types: ['Wanted'], streamPrefixes: [stream] } }))).toEqual(
          ids(wanted),
        );
        expect(ids(await readLog(head, { filter: { types: ['Wanted'], streamPrefixes: [`${stream}-b`] } }))).toEqual(
          ids(wanted.slice(2)),
        );
        expect(
          ids(
            await readLog(head, {
              filter: { types: ['Wanted', 'SomethingHappened'], streamPrefixes: [`${stream}-a`, `${stream}-b`] },
            }),
          ),
        ).toHaveLength(22);

        let from = head;
        for (let batch: EventBatch | undefined; batch?.caughtUp !== true; from = batch.position)
          batch = await store.readAll(from, { limit: 50, filter: { types: ['Never'] } });
        expect(from).toBe(await store.head());
      });

      it('says that it is caught up only at the end', async () => {
        const head = await store.head();
        await store.append(stream, newEvents(4), 'no_stream');
        const first = await store.readAll(head, { limit: 3 });
        expect(first.caughtUp).toBe(false);
        const rest = await store.readAll(first.position, { limit: 3 });
        expect(rest).toMatchObject({ caughtUp: true });
        expect(await store.readAll(rest.position, { limit: 3 })).toEqual({
          events: [],
          position: rest.position,
          caughtUp: true,
        });
      });

      it('never shows a later event before an earlier one to readers that tail it during appends', async () => {
        const head = await store.head();
        const total = 300;
        let writing = true;
        const tail = async (): Promise<string[]> => {
          const seen: string[] = [];
          for (let from = head; ;) {
            const before = writing;
            const batch = await store.readAll(from, { limit: 17, filter: { streamPrefixes: [stream] } });
            seen.push(...ids(batch.events));
            from = batch.position;
            if (batch.caughtUp && !before) return seen;
            await nextTurn();
          }
        };
        const readers = [tail(), tail(), tail()];
        await Promise.all(Array.from({ length: 10 }, (_, writer) => writeOneByOne(`${stream}-${writer}`, total / 10)));
        writing = false;
        const log = ids(await readLog(head));
        expect(log).toHaveLength(total);
        for (const seen of await Promise.all(readers)) expect(seen).toEqual(log);
      });
    });

    describe('the event that a position points to', () => {
      const anchorOf = ({ position, id, metadata: { recordedAtUtc } }: StoredEvent) => ({
        position,
        id,
        recordedAtUtc,
      });

      it('is the one at the position, or the newest before it', async () => {
        await store.append(stream, newEvents(3), 'no_stream');
        const [first, second] = (await store.readStream(stream)) as [StoredEvent, StoredEvent];
        expect(await store.anchorAt(second.position)).toEqual(anchorOf(second));
        const between = (second.position - 1n) as Position;
        expect(await store.anchorAt(between)).toEqual(anchorOf(first));
      });

      it('is the newest of all at the end of the log, whatever the server itself has stored there', async () => {
        await store.append(stream, newEvents(2), 'no_stream');
        const last = (await store.readStream(stream)).at(-1) as StoredEvent;
        const { position } = await store.readAll(last.position, { limit: 10 });
        expect(await store.anchorAt(position as Position)).toEqual(anchorOf(last));
      });

      it('is none before the first event', async () => {
        await store.append(stream, newEvents(1), 'no_stream');
        expect(await store.anchorAt(0n as Position)).toBeNull();
      });
    });

    describe('subscribing', () => {
      it('catches up and goes live without gap or repetition during concurrent appends', async () => {
        const head = await store.head();
        await writeOneByOne(`${stream}-before`, 40);
        const stop = new AbortController();
        const collected = collect(
          { after: head, filter: { streamPrefixes: [stream] }, batchSize: 7, signal: stop.signal },
          160,
          stop,
        );
        await Promise.all(Array.from({ length: 6 }, (_, writer) => writeOneByOne(`${stream}-${writer}`, 20)));
        const events = await collected;
        expect(ids(events)).toEqual(ids(await readLog(head)));
      });

      it('is woken by an append instead of waiting for the next look', async () => {
        const stop = new AbortController();
        const batches = store.subscribe({ after: await store.head(), signal: stop.signal })[Symbol.asyncIterator]();
        expect((await batches.next()).value).toMatchObject({ caughtUp: true });
        const took: number[] = [];
        for (let n = 0; n < 12; n += 1) {
          const next = batches.next();
          await nextTurn();
          const start = performance.now();
          const event = newEvent();
          await store.append(`${stream}-${n}`, [event], 'no_stream');
          expect(ids((await next).value?.events ?? [])).toEqual([event.id]);
          took.push(performance.now() - start);
        }
        stop.abort();
        // A store that only looks once a second needs half a second on average.
        expect(took.sort((a, b) => a - b)[5]).toBeLessThan(250);
      });

      // @fault O35
      it('ends when it is aborted: while it waits, and between batches', async () => {
        const waiting = new AbortController();
        const idle = store.subscribe({ after: await store.head(), signal: waiting.signal })[Symbol.asyncIterator]();
        await idle.next();
        const end = idle.next();
        await nextTurn();
        waiting.abort();
        expect((await end).done).toBe(true);

        await store.append(stream, newEvents(10), 'no_stream');
        const between = new AbortController();
        let batches = 0;
        // The server's own events may come first; the end is asked for in the first batch that holds one of ours.
        for await (const batch of store.subscribe({ after: null, batchSize: 2, signal: between.signal })) {
          if (batch.events.length === 0) continue;
          batches += 1;
          between.abort();
        }
        expect(batches).toBe(1);
        for await (const _ of store.subscribe({ after: null, signal: AbortSignal.abort() }))
          throw new Error('a subscription that is aborted from the start gave a batch');
      });

      it('reads no further than one batch ahead of a slow consumer', async () => {
        const head = await store.head();
        await store.append(stream, newEvents(30), 'no_stream');
        const stop = new AbortController();
        const seen: StoredEvent[] = [];
        for await (const batch of store.subscribe({
          after: head,
          batchSize: 5,
          filter: { streamPrefixes: [stream] },
          signal: stop.signal,
        })) {
          expect(batch.events.length).toBeLessThanOrEqual(5);
          seen.push(...batch.events);
          // Appended while the consumer holds its first batch: it must come at the end, once, and not earlier.
          if (seen.length === 5) await store.append(stream, [newEvent({ late: true })], 29);
          if (seen.length === 31) stop.abort();
        }
        expect(seen.map((event) => event.revision)).toEqual(Array.from({ length: 31 }, (_, n) => n));
      });

      it('tells a consumer of rare events how far it has looked', async () => {
        const stop = new AbortController();
        const batches = store
          .subscribe({ after: await store.head(), filter: { types: ['Never'] }, signal: stop.signal })
          [Symbol.asyncIterator]();
        await batches.next();
        const next = batches.next();
        const { position } = appended(await store.append(stream, newEvents(3), 'no_stream'));
        expect((await next).value).toEqual({ events: [], position, caughtUp: true });
        stop.abort();
      });
    });

    describe('limits', () => {
      it.each([
        ['no events', [], 'no_stream'],
        ['too many events', newEvents(EVENT_LIMITS.eventsPerAppend + 1), 'no_stream'],
        ['an event that is too large', [newEvent({ text: 'x'.repeat(EVENT_LIMITS.eventBytesMax) })], 'no_stream'],
        [
          'an event whose size is only too large in UTF-8',
          [newEvent({ text: '本'.repeat(EVENT_LIMITS.eventBytesMax / 3) })],
          'no_stream',
        ],
        ['an id that is no UUID', [newEvent({}, { id: 'event-1' })], 'no_stream'],
        ['the same id twice', ((event) => [event, event])(newEvent()), 'no_stream'],
        ['a type of the server itself', [newEvent({}, { type: '$metadata' })], 'no_stream'],
        ['schema version 0', [newEvent({}, { schemaVersion: 0 })], 'no_stream'],
        ['NaN', [newEvent({ n: Number.NaN })], 'no_stream'],
        ['undefined', [newEvent({ n: undefined as never })], 'no_stream'],
        ['a Date', [newEvent({ at: new Date(0) as never })], 'no_stream'],
        ['a bigint', [newEvent({ n: 1n as never })], 'no_stream'],
        ['a negative expectation', newEvents(1), -1],
        ['half an expectation', newEvents(1), 0.5],
      ] as [string, NewEvent[], 'no_stream' | number][])(
        'refuses %s before anything is written',
        async (_what, events, expected) => {
          await expect(store.append(stream, events, expected)).rejects.toBeInstanceOf(RangeError);
          expect(await store.readStream(stream)).toEqual([]);
        },
      );

      it.each(['', '$all', `s${'x'.repeat(EVENT_LIMITS.streamNameMax)}`, 'a\nb', '\ud800'])(
        'refuses the stream name %j',
        async (bad) => {
          await expect(store.append(bad, newEvents(1), 'no_stream')).rejects.toBeInstanceOf(RangeError);
          await expect(store.readStream(bad)).rejects.toBeInstanceOf(RangeError);
        },
      );

      it('stores an event of exactly the largest size, and a stream name of the greatest length', async () => {
        const long = `s${'本'.repeat(EVENT_LIMITS.streamNameMax - stream.length - 1)}${stream}`;
        const empty = newEvent({ text: '' });
        const used = Buffer.byteLength(JSON.stringify(empty.data) + JSON.stringify(empty.metadata));
        await store.append(
          long,
          [{ ...empty, data: { text: 'x'.repeat(EVENT_LIMITS.eventBytesMax - used) } }],
          'no_stream',
        );
        expect(await store.readStream(long)).toHaveLength(1);
      });

      it.each([0, -1, 1.5, EVENT_LIMITS.eventsPerRead + 1])('refuses to read %d events', async (limit) => {
        await expect(store.readAll(null, { limit })).rejects.toBeInstanceOf(RangeError);
        await expect(store.readStream(stream, { limit })).rejects.toBeInstanceOf(RangeError);
      });
    });

    it('refuses everything after close', async () => {
      await store.close();
      await expect(store.append(stream, newEvents(1), 'no_stream')).rejects.toMatchObject({ reason: 'closed' });
      await expect(store.readStream(stream)).rejects.toMatchObject({ reason: 'closed' });
      await expect(store.readAll(null, { limit: 1 })).rejects.toMatchObject({ reason: 'closed' });
      await expect(store.head()).rejects.toMatchObject({ reason: 'closed' });
    });

    async function writeOneByOne(to: string, count: number): Promise<void> {
      for (let n = 0; n < count; n += 1) appended(await store.append(to, newEvents(1), n === 0 ? 'no_stream' : n - 1));
    }

    async function collect(
      options: Parameters<EventStore['subscribe']>[0],
      count: number,
      stop: AbortController,
    ): Promise<StoredEvent[]> {
      const events: StoredEvent[] = [];
      for await (const batch of store.subscribe(options)) {
        events.push(...batch.events);
        if (events.length >= count) stop.abort();
      }
      return events;
    }
  });
}
