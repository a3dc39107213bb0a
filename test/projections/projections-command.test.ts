import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { SubscriptionRunner } from '../../src/application/subscriptions/subscription-runner.js';
import { UsageError } from '../../src/cli/command.js';
import { command } from '../../src/cli/data/projections.js';
import type { JsonObject } from '../../src/domain/event-envelope.js';
import { currentVersion, upcast } from '../../src/domain/event-registry.js';
import { SqliteEventStore } from '../../src/infrastructure/event-store/sqlite/sqlite-event-store.js';
import { ReadModelDatabase } from '../../src/infrastructure/read-model/read-model-database.js';
import { SqlReadModels } from '../../src/infrastructure/read-model/sql-read-models.js';
import { SqlitePositionStore } from '../../src/infrastructure/read-model/sqlite-position-store.js';
import { SqliteReadModel } from '../../src/infrastructure/read-model/sqlite-read-model.js';
import { ALL_PROJECTIONS } from '../../src/projections/all-projections.js';
import { newId } from '../contract/event-store.contract.js';
import { certificateVerified, faceMatched, received } from '../support/registration-facts.js';

describe('honnin projections', () => {
  let folder: string;
  let output: string;

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'honnin-projections-'));
    output = '';
    for (const stream of [process.stdout, process.stderr]) {
      jest.spyOn(stream, 'write').mockImplementation((text) => {
        output += String(text);
        return true;
      });
    }
  });
  afterEach(() => {
    jest.restoreAllMocks();
    rmSync(folder, { recursive: true });
  });

  const run = (...args: string[]): Promise<number> => command.run([...args, '--data', folder]);

  /** What a server keeps open on the folder: the store, the read models and a runner for each projection. */
  function serve() {
    const store = SqliteEventStore.open({ file: path.join(folder, 'events.db') });
    const database = ReadModelDatabase.open(path.join(folder, 'readmodel.db'));
    const positions = new SqlitePositionStore(database);
    const model = new SqliteReadModel(database, positions, ALL_PROJECTIONS);
    const runners = ALL_PROJECTIONS.map(
      ({ name, handles }) =>
        new SubscriptionRunner({
          consumer: name,
          store,
          positions,
          handler: model.handler(name, { store, upcast: (event) => [upcast(event)] }),
          poison: 'stop',
          filter: { types: handles },
          upcast: (event) => [upcast(event)],
          retry: { firstDelayMs: 1, delayMsMax: 5 },
        }),
    );
    for (const runner of runners) runner.start();
    const statuses = () => runners.map((runner) => runner.status());
    const close = async (): Promise<void> => {
      await Promise.all(runners.map((runner) => runner.stop()));
      database.close();
      await store.close();
    };
    return { store, database, models: new SqlReadModels(model, store), close, statuses };
  }
  type Server = ReturnType<typeof serve>;

  async function register({ store }: Server, requestId: string): Promise<void> {
    const events = [received({ requestId, receipt: `receipt-${requestId}` }), certificateVerified(), faceMatched()];
    const metadata = {
      actor: 'system:test',
      correlationId: requestId,
      causationId: 'c',
      recordedAtUtc: '2026-11-23T09:00:00.000Z',
      policyVersion: null,
    };
    await store.append(
      `registration-${requestId}`,
      events.map(({ type, data }) => ({
        id: newId(),
        type,
        schemaVersion: currentVersion(type),
        data: data as unknown as JsonObject,
        metadata,
      })),
      'no_stream',
    );
  }

  async function registerAndProject(server: Server, count: number): Promise<void> {
    for (let n = 0; n < count; n += 1) await register(server, `r${n}`);
    const head = await server.store.head();
    expect(head !== null && (await server.models.caughtUpTo(head, 10_000))).toBe(true);
  }

  it('tells how far each read model of a stopped server is', async () => {
    const server = serve();
    await registerAndProject(server, 5);
    await server.close();
    expect(await run('status')).toBe(0);
    expect(output).toContain('the event log ends at position 15');
    expect(output).toMatch(/request-status\s+version 1, position 15, caught up, 5 rows, no server projects now/);
    expect(output).toMatch(/case-timeline\s+version 2, position 15, caught up, 15 rows/);
  });

  it('says how many events wait, and what has not been built', async () => {
    const store = SqliteEventStore.open({ file: path.join(folder, 'events.db') });
    await register({ store } as Server, 'r1');
    await store.close();
    await run('status', '--name', 'case-timeline');
    expect(output).toMatch(/case-timeline\s+not built yet, position -, 3 events behind/);
    expect(output).not.toContain('hold-desk');
  });

  it('builds every read model from nothing where there was none', async () => {
    const store = SqliteEventStore.open({ file: path.join(folder, 'events.db') });
    await register({ store } as Server, 'r1');
    await store.close();
    expect(await run('rebuild')).toBe(0);
    expect(output.match(/nothing to compare with/g)).toHaveLength(ALL_PROJECTIONS.length);
    const server = serve();
    expect(server.models.requestByReceipt('receipt-r1')).toMatchObject({ status: 'processing' });
    await server.close();
  });

  it('rebuilds beside a server that goes on projecting, prints equal digests, and no answer is lost meanwhile', async () => {
    const server = serve();
    await registerAndProject(server, 400);
    let rebuilding = true;
    let registered = 400;
    const load = (async () => {
      while (rebuilding) {
        await register(server, `r${registered}`);
        registered += 1;
        expect(server.models.requestById('r7')).toMatchObject({ status: 'processing' });
        await sleep(1);
      }
    })();
    const code = await run('rebuild');
    rebuilding = false;
    await load;
    expect(code).toBe(0);
    expect(output.match(/equal at position/g)).toHaveLength(ALL_PROJECTIONS.length);
    expect(output).not.toContain('DIFFERENT');
    expect(registered).toBeGreaterThan(400);
    const head = await server.store.head();
    expect(head !== null && (await server.models.caughtUpTo(head, 10_000))).toBe(true);
    // The switch must not look like a fault of the events that were under way.
    for (const status of server.statuses())
      expect(status).toMatchObject({ state: 'live', failures: 0, lastError: null });
    for (let n = 0; n < registered; n += 1)
      expect(server.models.requestById(`r${n}`)).toMatchObject({ status: 'processing' });
    output = '';
    expect(await run('check')).toBe(0);
    expect(output.match(/equal at position/g)).toHaveLength(ALL_PROJECTIONS.length);
    await server.close();
  });

  it('finds a row that does not follow from the events, and a rebuild puts it right', async () => {
    const server = serve();
    await registerAndProject(server, 3);
    await server.database.write(() =>
      server.database.execute(
        `UPDATE "request-status/request_status/1" SET status = 'registered' WHERE request_id = 'r1'`,
      ),
    );
    expect(await run('check', '--name', 'request-status')).toBe(1);
    expect(output).toContain('DIFFERENT at position');
    expect(server.models.requestById('r1')).toMatchObject({ status: 'registered' });
    expect(await run('rebuild', '--name', 'request-status')).toBe(0);
    expect(server.models.requestById('r1')).toMatchObject({ status: 'processing' });
    output = '';
    expect(await run('check', '--name', 'request-status')).toBe(0);
    await server.close();
  });

  it('says in words what is missing', async () => {
    expect(await run('status')).toBe(1);
    expect(output).toContain(`there is no event log at ${path.join(folder, 'events.db')}`);
    await expect(run('mend')).rejects.toThrow(UsageError);
    await expect(run('rebuild', '--name', 'nothing')).rejects.toThrow("there is no read model 'nothing'");
    await expect(run()).rejects.toThrow(UsageError);
  });
});
