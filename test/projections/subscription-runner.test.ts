import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Position, StoredEvent } from '../../src/domain/event-envelope.js';
import type { Lease } from '../../src/application/ports/store/position-store.js';
import {
  TransientFailure,
  type SubscriptionHandler,
} from '../../src/application/subscriptions/subscription-handler.js';
import {
  SubscriptionRunner,
  type SubscriptionOptions,
  type SubscriptionStatus,
} from '../../src/application/subscriptions/subscription-runner.js';
import { InMemoryEventStore } from '../../src/infrastructure/event-store/in-memory-event-store.js';
import { ReadModelDatabase } from '../../src/infrastructure/read-model/read-model-database.js';
import { SqlitePositionStore, THIS_PROCESS } from '../../src/infrastructure/read-model/sqlite-position-store.js';
import { newEvent } from '../contract/event-store.contract.js';

/** Polls with a limit. */
async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 120_000;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited too long for: ${what}`);
    await sleep(2);
  }
}

describe('subscription runner', () => {
  let folder: string;
  let store: InMemoryEventStore;
  let database: ReadModelDatabase;
  let positions: SqlitePositionStore;
  let runners: SubscriptionRunner[];

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'honnin-runner-'));
    store = new InMemoryEventStore();
    database = ReadModelDatabase.open(path.join(folder, 'readmodel.db'));
    positions = new SqlitePositionStore(database);
    runners = [];
  });
  afterEach(async () => {
    await Promise.all(runners.map((runner) => runner.stop()));
    database.close();
    rmSync(folder, { recursive: true });
  });

  function runner(handler: SubscriptionHandler, change: Partial<SubscriptionOptions> = {}): SubscriptionRunner {
    const created = new SubscriptionRunner({
      consumer: 'consumer',
      store,
      positions,
      handler,
      poison: 'stop',
      retry: { firstDelayMs: 1, delayMsMax: 4, attemptsMax: 3 },
      leaseMs: 300,
      ...change,
    });
    runners.push(created);
    return created;
  }

  /** Appends one event to the end of a stream; `label` is what tests look for. */
  async function happen(stream: string, label: string): Promise<StoredEvent> {
    const last = (await store.readStream(stream)).at(-1)?.revision ?? 'no_stream';
    await store.append(stream, [newEvent({ label })], last);
    return (await store.readStream(stream)).at(-1) as StoredEvent;
  }

  const label = (event: StoredEvent): string => event.data['label'] as string;

  /** Keeps what it is given; fails for the labels in `bad`. */
  function collector(): SubscriptionHandler & {
    readonly seen: string[];
    readonly bad: Map<string, Error>;
    calls: number;
  } {
    const seen: string[] = [];
    const bad = new Map<string, Error>();
    return {
      seen,
      bad,
      calls: 0,
      async handle(events) {
        this.calls += 1;
        const failing = events.find((event) => bad.has(label(event)));
        if (failing) throw bad.get(label(failing));
        seen.push(...events.map(label));
      },
    };
  }

  it('catches up, goes live, and goes on after a restart where it stopped', async () => {
    for (const name of ['a', 'b', 'c']) await happen('s', name);
    const first = collector();
    const running = runner(first);
    running.start();
    await until('live', () => running.status().state === 'live');
    await happen('s', 'd');
    await until('the new event', () => first.seen.length === 4);
    await running.stop();
    expect(first.seen).toEqual(['a', 'b', 'c', 'd']);
    expect(await positions.load('consumer')).toBe(await store.head());

    await happen('s', 'e');
    const second = collector();
    runner(second).start();
    await until('the rest', () => second.seen.length === 1);
    expect(second.seen).toEqual(['e']);
  });

  it('stores the position only after the handler is done: a crash in between delivers again', async () => {
    await happen('s', 'a');
    const seen: string[] = [];
    let crash: (reason: Error) => void = () => {};
    const crashed = new Promise<void>((_, reject) => (crash = reject));
    const dying = runner({
      async handle(events) {
        seen.push(...events.map(label));
        await crashed;
      },
    });
    dying.start();
    await until('the delivery', () => seen.length === 1);
    expect(await positions.load('consumer')).toBeNull();
    const stopped = dying.stop();
    crash(new Error('crash'));
    await stopped;
    const next = collector();
    runner(next).start();
    await until('the repetition', () => next.seen.length === 1);
  });

  it('passes over what its filter leaves out and stores how far it has looked', async () => {
    for (let n = 0; n < 20; n += 1) await happen('s', String(n));
    const handler = collector();
    const quiet = runner(handler, { filter: { types: ['Never'] } });
    quiet.start();
    await until('live', () => quiet.status().state === 'live');
    await quiet.stop();
    expect(handler.calls).toBe(0);
    expect(await positions.load('consumer')).toBe(await store.head());
  });

  describe('one active instance', () => {
    it('lets a second instance wait and take over when the first stops', async () => {
      const [one, two] = [collector(), collector()];
      const [first, second] = [runner(one), runner(two)];
      first.start();
      await until('the first to be live', () => first.status().state === 'live');
      second.start();
      await until('the second to stand by', () => second.status().state === 'standby');
      await happen('s', 'a');
      await until('a', () => one.seen.length === 1);
      await first.stop();
      await happen('s', 'b');
      second.wake();
      await until('b', () => two.seen.length === 1);
      expect([one.seen, two.seen]).toEqual([['a'], ['b']]);
    });

    it('refuses the step of an instance that slept through the end of its lease', async () => {
      const time = { ms: 0 };
      const clocked = new SqlitePositionStore(database, () => time.ms);
      const old = (await clocked.acquire('consumer', 'one', 1000)) as Lease;
      const first = 10n as Position;
      expect(
        await clocked.save({
          consumer: 'consumer',
          previous: null,
          next: first,
          anchor: null,
          fencingToken: old.fencingToken,
        }),
      ).toBe('saved');
      expect(await clocked.acquire('consumer', 'two', 1000)).toBeNull();
      time.ms = 1001;
      const young = (await clocked.acquire('consumer', 'two', 1000)) as Lease;
      expect(young.fencingToken).toBeGreaterThan(old.fencingToken);
      expect(
        await clocked.save({
          consumer: 'consumer',
          previous: first,
          next: 20n as Position,
          anchor: null,
          fencingToken: old.fencingToken,
        }),
      ).toBe('fenced');
      expect(await clocked.renew(old)).toBe(false);
      expect(
        await clocked.save({
          consumer: 'consumer',
          previous: null,
          next: 20n as Position,
          anchor: null,
          fencingToken: young.fencingToken,
        }),
      ).toBe('moved');
      expect(
        await clocked.save({
          consumer: 'consumer',
          previous: first,
          next: 20n as Position,
          anchor: null,
          fencingToken: young.fencingToken,
        }),
      ).toBe('saved');
      await clocked.release(old);
      expect(await clocked.acquire('consumer', 'three', 1000)).toBeNull();
    });

    // @fault O12
    it('believes no time that another process wrote, and no lease for longer than its time', async () => {
      const time = { ms: 0 };
      const ahead = new SqlitePositionStore(database, undefined, 'elsewhere/1/1');
      await ahead.acquire('consumer', 'x', 1000);
      // As a version wrote it that trusted a clock which was a month ahead.
      await database.write(() =>
        database.execute(`UPDATE consumers SET lease_renewals = ${Date.now() + 30 * 86_400_000}`),
      );
      const clocked = new SqlitePositionStore(database, () => time.ms);
      expect(await clocked.acquire('consumer', 'y', 1000)).toBeNull();
      time.ms = 999;
      expect(await clocked.acquire('consumer', 'y', 1000)).toBeNull();
      time.ms = 1000;
      expect(await clocked.acquire('consumer', 'y', 1000)).not.toBeNull();
    });

    // @fault O12
    describe('with a wall clock that jumps', () => {
      afterEach(() => {
        jest.restoreAllMocks();
      });

      const DAYS_30 = 30 * 86_400_000;
      const [host, pid] = THIS_PROCESS.split('/');
      // Of another machine, of this machine before its last boot, and of a process that still has the number.
      const holders = ['elsewhere/1/1', `${host}/${pid}/1`, `${host}/${process.ppid}/99999999999999`];
      it.each(holders.flatMap((holder) => [DAYS_30, -DAYS_30].map((jump) => ({ holder, jump }))))(
        'never believes a lease for longer than twice its time ($holder, $jump ms)',
        async ({ holder, jump }) => {
          const [time, wall, leaseMs] = [{ ms: 5 }, Date.now(), 1000];
          const shift = { ms: 0 };
          jest.spyOn(performance, 'now').mockImplementation(() => time.ms);
          jest.spyOn(Date, 'now').mockImplementation(() => wall + time.ms + shift.ms);
          const [other, ours] = [
            new SqlitePositionStore(database, undefined, holder),
            new SqlitePositionStore(database),
          ];
          expect(await other.acquire('consumer', 'x', leaseMs)).not.toBeNull();
          const takenAt = time.ms;
          // Nobody renews it, and the clock jumps once others have seen it; they look as often as who stands by.
          while ((await ours.acquire('consumer', 'y', leaseMs)) === null) {
            expect(time.ms - takenAt).toBeLessThanOrEqual(2 * leaseMs);
            shift.ms = jump;
            time.ms += leaseMs / 4;
          }
          // Who certainly is gone holds nothing; everybody else holds it for the whole of its time.
          expect(time.ms - takenAt).toBe(holder === `${host}/${pid}/1` ? 0 : leaseMs);
          // And whoever renews in time keeps it, whatever the clock says.
          const third = new SqlitePositionStore(database, undefined, 'third/1/1');
          const lease = { consumer: 'consumer', owner: THIS_PROCESS, fencingToken: 2 };
          for (const end = time.ms + 5 * leaseMs; time.ms < end; time.ms += leaseMs / 3) {
            expect(await third.acquire('consumer', 'z', leaseMs)).toBeNull();
            shift.ms = -shift.ms;
            expect(await ours.renew(lease)).toBe(true);
          }
        },
      );
    });

    it('leaves a lease that is renewed to its holder, however often and long others look', async () => {
      const time = { ms: 0 };
      const other = new SqlitePositionStore(database, undefined, 'elsewhere/1/1');
      const lease = (await other.acquire('consumer', 'x', 1000)) as Lease;
      const clocked = new SqlitePositionStore(database, () => time.ms);
      for (; time.ms < 20_000; time.ms += 333) {
        expect(await clocked.acquire('consumer', 'y', 1000)).toBeNull();
        expect(await other.renew(lease)).toBe(true);
      }
    });

    it('is taken over at once by the process whose lock proves that no other server works here', async () => {
      const other = new SqlitePositionStore(database, undefined, 'elsewhere/1/1');
      await other.acquire('consumer', 'x', 60_000);
      await other.acquire('rebuild:balances', 'rebuild', 60_000);
      const command = new SqlitePositionStore(database, undefined, `${THIS_PROCESS.split('/')[0]}/${process.ppid}/1`);
      await command.acquire('rebuild:hold-desk', 'rebuild', 60_000);
      const alone = SqlitePositionStore.alone(database);
      const lease = await alone.acquire('consumer', 'y', 60_000);
      expect(lease).not.toBeNull();
      expect(await alone.acquire('rebuild:balances', 'rebuild', 60_000)).not.toBeNull();
      // A command that rebuilds beside the server, and another runner of this very process, keep theirs.
      expect(await alone.acquire('rebuild:hold-desk', 'rebuild', 60_000)).toBeNull();
      expect(await alone.acquire('consumer', 'z', 60_000)).toBeNull();
    });

    it('takes the lease of a dead process at once, and not that of a living one', async () => {
      const host = (await positions.acquire('probe', 'x', 1))?.owner.split('/')[0];
      const dead = new SqlitePositionStore(database, undefined, `${host}/999999999/1`);
      const earlierSelf = new SqlitePositionStore(database, undefined, `${host}/${process.pid}/1`);
      const parent = new SqlitePositionStore(database, undefined, `${host}/${process.ppid}/1`);
      const elsewhere = new SqlitePositionStore(database, undefined, `elsewhere/999999999/1`);
      for (const [other, taken] of [
        [dead, true],
        [earlierSelf, true],
        [parent, false],
        [elsewhere, false],
      ] as const) {
        const lease = (await other.acquire('consumer', 'x', 60_000)) as Lease;
        const mine = await positions.acquire('consumer', 'x', 0);
        expect(mine !== null).toBe(taken);
        await positions.release(mine ?? lease);
      }
    });

    it('begins again from what is stored when somebody else moved the position', async () => {
      for (const name of ['a', 'b', 'c']) await happen('s', name);
      const events = await store.readStream('s');
      const seen: string[] = [];
      const moved = runner(
        {
          async handle(batch) {
            seen.push(...batch.map(label));
            // Like the switch of a rebuild: the position jumps while a delivery is under way.
            if (seen.length === 1)
              await database.write(() =>
                database
                  .statement("UPDATE consumers SET position = ? WHERE name = 'consumer'")
                  .run(String(events[1]?.position)),
              );
          },
        },
        { batchSize: 1 },
      );
      moved.start();
      await until('the end', () => moved.status().position === events[2]?.position);
      expect(seen).toEqual(['a', 'c']);
    });
  });

  describe('failures', () => {
    it('finds the failing event of a batch, tries it as often as allowed, and stops there with an alarm', async () => {
      for (const name of ['a', 'b', 'c', 'd']) await happen('s', name);
      const handler = collector();
      handler.bad.set('c', new Error('c is bad'));
      const alarms: SubscriptionStatus[] = [];
      const stopping = runner(handler, { onStatus: (status) => status.state === 'stopped' && alarms.push(status) });
      stopping.start();
      await until('the stop', () => stopping.status().state === 'stopped');
      expect(handler.seen).toEqual(['a', 'b']);
      expect(handler.calls).toBe(1 + 2 + 3);
      expect(alarms).toHaveLength(1);
      expect(stopping.status().lastError).toMatchObject({
        message: 'c is bad',
        event: expect.stringContaining('(s revision 2, position'),
      });

      stopping.wake();
      await nextTurn();
      expect(stopping.status().state).toBe('stopped');
      handler.bad.clear();
      stopping.resume();
      await until('the rest', () => handler.seen.length === 4);
      expect(handler.seen).toEqual(['a', 'b', 'c', 'd']);
    });

    it('parks the stream of a poison event, goes on with the others, and replays what was parked in order', async () => {
      await happen('good', 'g1');
      const poison = await happen('bad', 'b1');
      await happen('bad', 'b2');
      await happen('good', 'g2');
      const handler = collector();
      handler.bad.set('b1', new Error('b1 is bad'));
      const parking = runner(handler, { poison: 'park-stream' });
      parking.start();
      await until('live', () => parking.status().state === 'live');
      await happen('bad', 'b3');
      await happen('good', 'g3');
      await until('g3', () => handler.seen.length === 3);
      expect(handler.seen).toEqual(['g1', 'g2', 'g3']);
      expect(parking.status().parkedStreams).toBe(1);
      expect((await positions.parked('consumer')).map(({ revision, error }) => [revision, error])).toEqual([
        [0, 'b1 is bad'],
        [1, 'an earlier event of this stream is parked'],
        [2, 'an earlier event of this stream is parked'],
      ]);
      expect((await positions.parked('consumer'))[0]).toMatchObject({ eventId: poison.id, position: poison.position });

      await expect(parking.replayParked('bad')).rejects.toThrow('b1 is bad');
      expect(await positions.parked('consumer')).toHaveLength(3);
      handler.bad.clear();
      expect(await parking.replayParked('bad')).toBe(3);
      await happen('bad', 'b4');
      await until('b4', () => handler.seen.length === 7);
      expect(handler.seen.slice(3)).toEqual(['b1', 'b2', 'b3', 'b4']);
      expect(await positions.parked('consumer')).toEqual([]);
    });

    it('keeps what belongs together waiting together, and goes on with the rest (@fault O23)', async () => {
      const orderOf = (stream: string) => stream.slice(stream.indexOf('-') + 1);
      await happen('registration-1', 'r1');
      await happen('hold-1', 'h1');
      await happen('hold-2', 'h2');
      const handler = collector();
      handler.bad.set('r1', new Error('r1 is bad'));
      const troubles: string[] = [];
      const onTrouble = async (outcome: string, { type }: { type: string }) => void troubles.push(`${outcome} ${type}`);
      const parking = runner(handler, { poison: 'park-stream', orderOf, onTrouble });
      parking.start();
      await until('live', () => parking.status().state === 'live');
      expect(handler.seen).toEqual(['h2']);
      expect(troubles).toHaveLength(1);
      handler.bad.clear();
      expect(await parking.replayParked('registration-1')).toBe(2);
      expect(handler.seen).toEqual(['h2', 'r1', 'h1']);
      expect(parking.status().parkedStreams).toBe(0);
    });

    it.each(['stop', 'park-stream'] as const)(
      'goes past what people agreed to skip, where it fails again: %s (@fault O23)',
      async (poison) => {
        const { id } = await happen('bad', 'b1');
        await happen('bad', 'b2');
        const skipped = new Set<string>();
        const handler = collector();
        handler.bad.set('b1', new Error('b1 is bad'));
        const one = runner(handler, { poison, isSkipped: async (eventId) => skipped.has(eventId) });
        one.start();
        await until('trouble', () => one.status().state === 'stopped' || one.status().parkedStreams > 0);
        expect(one.status().stoppedAt?.eventId ?? null).toBe(poison === 'stop' ? id : null);
        skipped.add(id);
        if (poison === 'stop') one.resume();
        else expect(await one.replayParked('bad')).toBe(2);
        await until('b2', () => handler.seen.length === 1);
        await until('live', () => one.status().state === 'live');
        expect([handler.seen, one.status().stoppedAt, await positions.parked('consumer')]).toEqual([['b2'], null, []]);
      },
    );

    it('remembers after a restart which streams are parked', async () => {
      await happen('bad', 'b1');
      const handler = collector();
      handler.bad.set('b1', new Error('bad'));
      const first = runner(handler, { poison: 'park-stream' });
      first.start();
      await until('parked', () => first.status().parkedStreams === 1);
      await first.stop();
      await happen('bad', 'b2');
      const second = runner(handler, { poison: 'park-stream' });
      second.start();
      await until('live', () => second.status().state === 'live');
      expect(handler.seen).toEqual([]);
      expect(await positions.parked('consumer')).toHaveLength(2);
    });

    it('tries a failure of the outside without limit and never parks or stops for it', async () => {
      await happen('s', 'a');
      await happen('s', 'b');
      const handler = collector();
      handler.bad.set('b', new TransientFailure('the broker is away'));
      const patient = runner(handler, { poison: 'park-stream' });
      patient.start();
      await until('many attempts', () => patient.status().failures > 10);
      expect(patient.status()).toMatchObject({ state: 'retrying', parkedStreams: 0 });
      handler.bad.clear();
      patient.wake();
      await until('both', () => handler.seen.length === 2);
      expect(handler.seen).toEqual(['a', 'b']);
    });

    it('stops loudly at an event that is newer than this program, whatever the policy', async () => {
      await happen('s', 'a');
      const handler = collector();
      const old = runner(handler, {
        poison: 'park-stream',
        upcast: () => {
          throw new Error('SomethingHappened has version 9 and this program knows 1');
        },
      });
      old.start();
      await until('the stop', () => old.status().state === 'stopped');
      expect(old.status().lastError?.message).toContain('version 9');
      expect(handler.calls).toBe(0);
      expect(await positions.parked('consumer')).toEqual([]);
    });

    it('hands over upcast events, also when one becomes several or none', async () => {
      for (const name of ['a', 'b', 'c']) await happen('s', name);
      const handler = collector();
      const upcasting = runner(handler, {
        upcast: (event) => (label(event) === 'b' ? [] : [event, { ...event, data: { label: `${label(event)}2` } }]),
      });
      upcasting.start();
      await until('live', () => upcasting.status().state === 'live');
      expect(handler.seen).toEqual(['a', 'a2', 'c', 'c2']);
    });

    it('says so when the log ends before its position, and touches nothing', async () => {
      await happen('s', 'a');
      const first = runner(collector());
      first.start();
      await until('live', () => first.status().state === 'live');
      await first.stop();
      const position = await positions.load('consumer');
      const emptied = runner(collector(), { store: new InMemoryEventStore() });
      emptied.start();
      await until('the alarm', () => emptied.status().state === 'failing');
      expect(emptied.status().lastError?.message).toContain('events were lost, or this is another log');
      expect(await positions.load('consumer')).toBe(position);
    });

    it('goes on by itself when the store could not be read for a while', async () => {
      await happen('s', 'a');
      const handler = collector();
      let broken = true;
      const flaky = new Proxy(store, {
        get: (target, key) =>
          key === 'subscribe' && broken
            ? () => {
                throw new Error('unreachable');
              }
            : (Reflect.get(target, key) as unknown),
      });
      const persistent = runner(handler, { store: flaky });
      persistent.start();
      await until('failing', () => persistent.status().failures > 3);
      broken = false;
      await until('a', () => handler.seen.length === 1);
      expect(persistent.status().state).not.toBe('failing');
    });
  });

  it('waits at stop for the delivery that is under way', async () => {
    await happen('s', 'a');
    let release: () => void = () => {};
    const gate = new Promise<void>((resolve) => (release = resolve));
    let handling = false;
    const slow = runner({
      async handle() {
        handling = true;
        await gate;
      },
    });
    slow.start();
    await until('the delivery', () => handling);
    let stopped = false;
    const stopping = slow.stop().then(() => (stopped = true));
    await nextTurn();
    expect(stopped).toBe(false);
    release();
    await stopping;
    expect(await positions.load('consumer')).toBe(await store.head());
    expect(slow.status().state).toBe('idle');
  });

  // @fault O17
  describe('on a log that is not the one that it knows', () => {
    /** Runs a consumer through a log of so many events. @returns that log's events */
    async function known(events: number): Promise<readonly StoredEvent[]> {
      for (let n = 0; n < events; n += 1) await happen('s', `known ${n}`);
      const first = collector();
      const running = runner(first);
      running.start();
      await until('all known', () => first.seen.length === events);
      await running.stop();
      return store.readStream('s');
    }

    /** Another log, or an older copy of the same, that has grown since. */
    async function putBack(copy: readonly StoredEvent[], more: number): Promise<void> {
      store = new InMemoryEventStore();
      for (const { id, type, schemaVersion, data, metadata, revision } of copy) {
        await store.append(
          's',
          [{ id, type, schemaVersion, data, metadata }],
          revision === 0 ? 'no_stream' : revision - 1,
        );
      }
      for (let n = 0; n < more; n += 1) await happen('s', `other ${n}`);
    }

    async function refusal(handler: SubscriptionHandler): Promise<string> {
      const running = runner(handler);
      running.start();
      await until('refused', () => running.status().state === 'failing');
      const { refusesLog } = running.status();
      await running.stop();
      return refusesLog ?? 'nothing';
    }

    it.each([
      ['an older copy', 6, 0, /ends at position \d+, before event \S+ at position \d+ of consumer: events were lost/],
      [
        'an older copy that has grown as long again',
        6,
        4,
        /the event log has event \S+ at position \d+ where consumer saw event/,
      ],
      [
        'an older copy that has grown longer than before',
        6,
        40,
        /where consumer saw event .*: an older copy was put back/,
      ],
      ['another log', 0, 40, /the event log has (no event|event \S+) at position \d+ where consumer saw event/],
      ['an empty log', 0, 0, /the event log is empty, before event/],
    ])('handles nothing and says why: %s', async (_what, kept, more, words) => {
      const events = await known(10);
      await putBack(events.slice(0, kept), more);
      const second = collector();
      expect(await refusal(second)).toMatch(words);
      expect(second.calls).toBe(0);
    });

    it('goes on with the log that it knows, and with a longer one', async () => {
      const events = await known(10);
      await putBack(events, 3);
      const second = collector();
      const running = runner(second);
      running.start();
      await until('the rest', () => second.seen.length === 3);
      expect(running.status().refusesLog).toBeNull();
    });

    it('knows the event also behind what its filter leaves out', async () => {
      const filter = { types: ['Never'] };
      for (let n = 0; n < 10; n += 1) await happen('s', `known ${n}`);
      const events = await store.readStream('s');
      const quiet = runner(collector(), { filter });
      quiet.start();
      await until('live', () => quiet.status().state === 'live');
      await quiet.stop();
      await putBack(events.slice(0, 9), 20);
      const again = runner(collector(), { filter });
      again.start();
      await until('refused', () => again.status().refusesLog !== null);
    });

    it('notices it at the next renewal of its lease', async () => {
      const events = await known(5);
      const handler = collector();
      const running = runner(handler, { leaseMs: 30 });
      running.start();
      await until('live', () => running.status().state === 'live');
      // The store goes on under the same object, as a server does that lost what its leader had not passed on.
      const shorter = new InMemoryEventStore();
      for (const { id, type, schemaVersion, data, metadata, revision } of events.slice(0, 3)) {
        await shorter.append(
          's',
          [{ id, type, schemaVersion, data, metadata }],
          revision === 0 ? 'no_stream' : revision - 1,
        );
      }
      Object.assign(store, { log: (shorter as unknown as { log: unknown }).log });
      await until('refused', () => running.status().refusesLog !== null);
    });

    it('goes by what is there where its position was stored before positions knew their events', async () => {
      await known(4);
      await database.write(() => database.execute('UPDATE consumers SET event_id = NULL, event_position = NULL'));
      await happen('s', 'later');
      const second = collector();
      const running = runner(second);
      running.start();
      await until('the rest', () => second.seen.length === 1);
      await running.stop();
      expect((await positions.find('consumer'))?.anchor).toEqual({
        position: expect.anything(),
        id: expect.any(String),
      });
    });

    it('compares the record that a handler has of its own', async () => {
      const events = await known(3);
      await database.write(() => database.execute('DELETE FROM consumers'));
      const anchor = { position: (events[2] as StoredEvent).position, id: 'another' };
      const own: SubscriptionHandler = { anchor: async () => anchor, handle: async () => {} };
      expect(await refusal(own)).toMatch(/where the record of consumer saw event another/);
    });
  });
});
