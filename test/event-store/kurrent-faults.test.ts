import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { AppendResult, EventStore } from '../../src/application/ports/store/event-store.js';
import { IdConflictError } from '../../src/application/ports/store/event-store.js';
import { KurrentEventStore } from '../../src/infrastructure/event-store/kurrent/kurrent-event-store.js';
import { openEventStore } from '../../src/infrastructure/event-store/open-event-store.js';
import { newEvent } from '../contract/event-store.contract.js';
import { built } from '../support/peers.js';
import { until } from '../support/real-server.js';
import { describeUnless } from '../support/unless.js';
import { KurrentClusterStandIn, type AppendFault } from '../support/kurrent-stand-in.js';

/** Beyond what a busy machine takes for an answer that comes. */
const CALL_MS = 1_000;

describe('KurrentDB client under faults', () => {
  let cluster: KurrentClusterStandIn;
  let stores: KurrentEventStore[];

  beforeEach(async () => {
    stores = [];
    cluster = await KurrentClusterStandIn.start();
  });
  afterEach(async () => {
    await Promise.all(stores.map((store) => store.close()));
    // A batch append has no time limit and shares a table with every other client of the process: it must never be
    // used.
    for (const node of cluster.nodes) expect(node.calls.batchAppend).toBe(0);
    await cluster.stop();
  });

  function connect(address = cluster.address(), pollMs = 60_000): KurrentEventStore {
    const store = new KurrentEventStore({ connection: address, callMs: CALL_MS, pollMs });
    stores.push(store);
    return store;
  }

  function appended(result: AppendResult): Extract<AppendResult, { outcome: 'appended' }> {
    if (result.outcome !== 'appended') throw new Error(`expected an append, got ${JSON.stringify(result)}`);
    return result;
  }

  const idsOf = async (store: EventStore, stream: string): Promise<string[]> =>
    (await store.readStream(stream)).map((event) => event.id);

  describe('an append whose outcome is unknown', () => {
    it.each([
      ['broke before anything was written', ['lost_before']],
      ['broke after everything was written', ['lost_after']],
      ['was never answered and not written', ['silent_before']],
      ['was never answered and written', ['silent_after']],
      ['broke three times in different ways', ['lost_before', 'silent_before', 'lost_after']],
    ] as [string, AppendFault[]][])(
      'is asked again with the same ids and is there once: it %s',
      async (_case, faults) => {
        const store = connect();
        const events = [newEvent(), newEvent()];
        await store.append('registration-1', [newEvent()], 'no_stream');
        cluster.leadingNode.appendFaults.push(...faults);
        expect(appended(await store.append('registration-1', events, 0))).toMatchObject({ revision: 2 });
        expect((await idsOf(store, 'registration-1')).slice(1)).toEqual(events.map((event) => event.id));
        expect(appended(await store.append('registration-1', events, 0))).toMatchObject({
          revision: 2,
          repeated: true,
        });
      },
    );

    it('stays unknown when nobody answers, and a later repeat tells the truth', async () => {
      const store = connect();
      const event = newEvent();
      cluster.leadingNode.appendFaults.push('silent_after');
      const appending = store.append('registration-1', [event], 'no_stream');
      while (cluster.stream('registration-1').length === 0) await sleep(5);
      await cluster.leadingNode.kill();
      expect(await appending).toMatchObject({ outcome: 'unknown' });
      await cluster.leadingNode.start();
      expect(appended(await store.append('registration-1', [event], 'no_stream'))).toMatchObject({
        revision: 0,
        repeated: true,
      });
      expect(cluster.stream('registration-1')).toHaveLength(1);
    });

    it('is not unknown when the server could not be reached at all: certainly nothing was written', async () => {
      const store = connect();
      await cluster.leadingNode.kill();
      await expect(store.append('registration-1', [newEvent()], 'no_stream')).rejects.toMatchObject({
        reason: 'unreachable',
      });
      await expect(store.readStream('registration-1')).rejects.toMatchObject({ reason: 'unreachable' });
      await expect(store.head()).rejects.toMatchObject({ reason: 'unreachable' });
    });

    it('ends after four attempts that nobody answers', async () => {
      const store = connect();
      await store.readStream('registration-1');
      cluster.leadingNode.appendFaults.push(...Array.from({ length: 4 }, () => 'silent_before' as const));
      expect(await store.append('registration-1', [newEvent()], 'no_stream')).toMatchObject({ outcome: 'unknown' });
      expect(cluster.leadingNode.appendFaults).toEqual([]);
    });
  });

  describe('a read', () => {
    it.each(['half', 'lost', 'silent'] as const)(
      'that is %s is an error and never a part of the events',
      async (fault) => {
        const store = connect();
        await store.append(
          'registration-1',
          Array.from({ length: 10 }, () => newEvent()),
          'no_stream',
        );
        cluster.leadingNode.readFaults.push(fault);
        await expect(store.readStream('registration-1')).rejects.toMatchObject({ reason: 'unreachable' });
        cluster.leadingNode.readFaults.push(fault);
        await expect(store.readAll(null, { limit: 100 })).rejects.toMatchObject({ reason: 'unreachable' });
        expect(await store.readStream('registration-1')).toHaveLength(10);
      },
    );

    it('gives no system events, and goes past them', async () => {
      const store = connect();
      const system = {
        id: randomUUID(),
        type: '$metadata',
        contentType: 'application/json',
        data: Buffer.from('{}'),
        metadata: Buffer.from(''),
      };
      for (let n = 0; n < 5; n += 1) {
        cluster.write('$$registration-1', [{ ...system, id: randomUUID() }], 'any');
        await store.append(`registration-${n}`, [newEvent()], 'no_stream');
        cluster.write('audit', [{ ...system, id: randomUUID(), type: '$>' }], 'any');
      }
      const { events, position, caughtUp } = await store.readAll(null, { limit: 100 });
      expect(events.map((event) => event.stream)).toEqual([0, 1, 2, 3, 4].map((n) => `registration-${n}`));
      expect({ position, caughtUp }).toEqual({ position: await store.head(), caughtUp: true });
    });

    it('names an event that this program did not write', async () => {
      const store = connect();
      cluster.write(
        'registration-1',
        [
          {
            id: randomUUID(),
            type: 'Foreign',
            contentType: 'application/json',
            data: Buffer.from('{"a":1}'),
            metadata: Buffer.from('{}'),
          },
        ],
        'any',
      );
      await expect(store.readStream('registration-1')).rejects.toMatchObject({
        reason: 'corrupt',
        message: expect.stringContaining('registration-1 revision 0') as unknown as string,
      });
    });
  });

  describe('two processes', () => {
    it('meet the events of the other one: conflict with the actual revision, in spite of what is remembered', async () => {
      const [one, other] = [connect(), connect()];
      await one.append('registration-1', [newEvent()], 'no_stream');
      expect(await other.readStream('registration-1')).toHaveLength(1);
      await one.append('registration-1', [newEvent(), newEvent()], 0);
      expect(await other.append('registration-1', [newEvent()], 0)).toEqual({ outcome: 'conflict', actual: 2 });
      expect(await other.append('registration-1', [newEvent()], 'no_stream')).toEqual({
        outcome: 'conflict',
        actual: 2,
      });
      expect(appended(await other.append('registration-1', [newEvent()], 2)).revision).toBe(3);
    });

    it('store a command once that both carry out, also when the second expects the present end', async () => {
      const [one, other] = [connect(), connect()];
      const event = newEvent();
      const first = appended(await one.append('registration-1', [event], 'no_stream'));
      expect(appended(await other.append('registration-1', [event], 'no_stream'))).toEqual({
        ...first,
        repeated: true,
      });
      // The server itself would write these a second time.
      expect(appended(await other.append('registration-1', [event], 0))).toEqual({ ...first, repeated: true });
      await expect(other.append('registration-1', [{ ...event, data: { other: true } }], 0)).rejects.toBeInstanceOf(
        IdConflictError,
      );
      expect(cluster.stream('registration-1')).toHaveLength(1);
    });

    it('answer with the position of the first one where the server leaves it out', async () => {
      const [one, other] = [connect(), connect()];
      const event = newEvent();
      // Both believe that the stream does not exist, so both send, and the server recognises the second.
      expect([await one.readStream('registration-1'), await other.readStream('registration-1')]).toEqual([[], []]);
      const first = appended(await one.append('registration-1', [event], 'no_stream'));
      const second = appended(await other.append('registration-1', [event], 'no_stream'));
      expect([second.revision, second.position]).toEqual([first.revision, first.position]);
      expect(cluster.stream('registration-1')).toHaveLength(1);
    });
  });

  describe('a subscription', () => {
    it('is woken by an append of another process, after the server has dropped it and after a restart of the server', async () => {
      const [reader, writer] = [connect(), connect()];
      const stop = new AbortController();
      const seen: string[] = [];
      let last: Awaited<ReturnType<EventStore['head']>> = null;
      const reading = (async () => {
        while (!stop.signal.aborted) {
          try {
            // A reader goes on from its last position, as the subscription runner does.
            for await (const batch of reader.subscribe({ after: last, signal: stop.signal })) {
              seen.push(...batch.events.map((event) => event.id));
              last = batch.position;
            }
          } catch {
            await sleep(20);
          }
        }
      })();
      const wrote: string[] = [];
      const write = async (): Promise<void> => {
        const event = newEvent();
        wrote.push(event.id);
        appended(await writer.append(`registration-${wrote.length}`, [event], 'no_stream'));
        const deadline = performance.now() + 8000;
        while (seen.length < wrote.length && performance.now() < deadline) await sleep(5);
        expect(seen).toEqual(wrote);
      };
      const subscribed = async (): Promise<void> => {
        while (cluster.leadingNode.subscribers === 0) await sleep(5);
      };
      await subscribed();
      await write();
      await write();
      cluster.leadingNode.dropSubscriptions();
      await subscribed();
      await write();
      await cluster.leadingNode.kill();
      await cluster.leadingNode.start();
      await subscribed();
      await write();
      expect(cluster.leadingNode.calls.subscribe).toBeGreaterThanOrEqual(3);
      stop.abort();
      await reading;
    });
  });

  describe('a cluster', () => {
    it('is followed to its new leader, and nothing is written twice or lost', async () => {
      const three = await KurrentClusterStandIn.start(3);
      const store = connect(three.address());
      const ids: string[] = [];
      const expectedOf = (): 'no_stream' | number => (ids.length === 0 ? 'no_stream' : ids.length - 1);
      const append = async (): Promise<void> => {
        const event = newEvent();
        const result = await store.append('registration-1', [event], expectedOf()).catch(() => null);
        // Nobody answered in time: the same events again, as a caller does.
        if (result?.outcome !== 'appended') appended(await store.append('registration-1', [event], expectedOf()));
        ids.push(event.id);
      };
      await append();
      three.lead(1);
      await append();
      const before = three.leadingNode;
      three.lead(2);
      await before.kill();
      await append();
      await append();
      expect(await idsOf(store, 'registration-1')).toEqual(ids);
      expect(three.stream('registration-1')).toHaveLength(4);
      await store.close();
      await three.stop();
    });
  });

  // @fault O36
  describe('a stream that somebody cut short on the server', () => {
    const cutShort = {
      reason: 'corrupt',
      message: expect.stringMatching(/registration-1 was cut short on the server/),
    };
    const five = async (): Promise<void> => {
      appended(
        await connect().append(
          'registration-1',
          Array.from({ length: 5 }, () => newEvent()),
          'no_stream',
        ),
      );
    };

    it.each([
      [1, {}],
      [3, {}],
      [2, { from: 1 }],
      [2, { direction: 'backwards' }],
    ] as const)('before revision %d is not taken for the whole: %j', async (before, options) => {
      await five();
      cluster.truncatedBefore.set('registration-1', before);
      const store = connect();
      await expect(store.readStream('registration-1', options)).rejects.toMatchObject(cutShort);
      await expect(store.append('registration-1', [newEvent()], 4)).rejects.toMatchObject(cutShort);
      expect(cluster.stream('registration-1')).toHaveLength(5);
    });

    it('as a whole takes nothing more, and is missed by who knew it', async () => {
      const knows = connect();
      appended(await knows.append('registration-1', [newEvent(), newEvent()], 'no_stream'));
      await knows.readStream('registration-1');
      cluster.truncatedBefore.set('registration-1', 2);
      await expect(knows.readStream('registration-1')).rejects.toMatchObject(cutShort);
      await expect(connect().append('registration-1', [newEvent()], 'no_stream')).rejects.toMatchObject(cutShort);
    });

    it('still reads on where nothing is missing', async () => {
      await five();
      cluster.truncatedBefore.set('registration-1', 2);
      expect((await connect().readStream('registration-1', { from: 2 })).map(({ revision }) => revision)).toEqual([
        2, 3, 4,
      ]);
      expect(await connect().readStream('registration-1', { from: 5 })).toEqual([]);
    });
  });

  // @fault O38
  describe('a follower', () => {
    it('that is asked for a read names the leader, who is asked then', async () => {
      const two = await KurrentClusterStandIn.start(2);
      const writer = connect(two.address());
      const event = newEvent();
      appended(await writer.append('registration-1', [event], 'no_stream'));
      const [, follower] = two.nodes;
      const reader = connect(`esdb://127.0.0.1:${follower?.port}?tls=false&keepAliveInterval=10000`);
      expect(await idsOf(reader, 'registration-1')).toEqual([event.id]);
      expect((await reader.readAll(null, { limit: 10 })).events.map(({ id }) => id)).toEqual([event.id]);
      await Promise.all([writer.close(), reader.close()]);
      await two.stop();
    });

    it.each(['follower', 'readOnlyReplica', 'random'])('is not what an address may ask for: %s', async (preference) => {
      await expect(
        openEventStore(`esdb://127.0.0.1:1?tls=false&nodePreference=${preference}`, '/nowhere'),
      ).rejects.toThrow(`nodePreference=${preference} cannot be used`);
    });

    it.each(['-1', '0', 'x'])('is not looked for %s times', async (attempts) => {
      await expect(
        openEventStore(`esdb://127.0.0.1:1?tls=false&maxDiscoverAttempts=${attempts}`, '/nowhere'),
      ).rejects.toThrow('Leave it out');
    });
  });

  // @fault O32
  describeUnless(built('infrastructure/event-store/open-event-store.js'), 'no leader for seconds', () => {
    it.each(['esdb', 'esdb+discover'])(
      'with 60 calls in flight does not end the process, which goes on when there is one: %s',
      async (scheme) => {
        const three = await KurrentClusterStandIn.start(scheme === 'esdb' ? 3 : 1);
        const program = fileURLToPath(new URL('./processes/append-without-leader.mjs', import.meta.url));
        const child = spawn(
          process.execPath,
          ['--disable-warning=ExperimentalWarning', program, three.address(scheme)],
          { stdio: ['pipe', 'pipe', 'inherit'] },
        );
        let output = '';
        child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
        const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
        await until('its first events', () => (three.log.length > 100 ? true : null));
        three.isElecting = true;
        // So long the library would look by itself, many times over.
        await sleep(3_000);
        expect(child.exitCode).toBeNull();
        await Promise.all(three.nodes.map((node) => node.kill()));
        await sleep(1_000);
        expect(child.exitCode).toBeNull();
        const before = three.log.length;
        three.isElecting = false;
        await Promise.all(three.nodes.map((node) => node.start()));
        await until('further events', () => (three.log.length > before + 100 ? true : null));
        child.stdin.write('enough');
        expect([await ended, output]).toEqual([0, expect.stringMatching(/stored \d{2,}/)]);
        await three.stop();
      },
      60_000,
    );
  });

  describe('the setting', () => {
    it('takes both names of the product', async () => {
      const store = await openEventStore(cluster.address('kurrentdb'), '/nowhere');
      expect(appended(await store.append('registration-1', [newEvent()], 'no_stream')).revision).toBe(0);
      await store.close();
    });

    it.each(['esdb://', 'http://127.0.0.1:2113', 'kurrent://x', 'mysql'])('refuses %s in words', async (setting) => {
      await expect(openEventStore(setting, '/nowhere')).rejects.toBeInstanceOf(RangeError);
    });

    it('refuses the option under which the client reports wrong revisions, and never prints a password', async () => {
      await expect(
        openEventStore('esdb://127.0.0.1:1?tls=false&throwOnAppendFailure=false', '/nowhere'),
      ).rejects.toThrow('wrong revisions');
      const error = await openEventStore('esdb://admin:secret@:?', '/nowhere').then(
        (store) => store.close(),
        (reason: unknown) => reason,
      );
      expect(String(error)).not.toContain('secret');
    });

    it('refuses an append that the server would not take', async () => {
      const events = Array.from({ length: 5 }, () => newEvent({ text: 'x'.repeat(250 * 1024) }));
      await expect(connect().append('registration-1', events, 'no_stream')).rejects.toBeInstanceOf(RangeError);
    });
  });
});
