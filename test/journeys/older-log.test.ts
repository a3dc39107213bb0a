import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { StoredEvent } from '../../src/domain/event-envelope.js';
import { SqliteEventStore } from '../../src/infrastructure/event-store/sqlite/sqlite-event-store.js';
import { newEvent } from '../contract/event-store.contract.js';
import { ServerStart, START_MS_MAX } from '../support/server-start.js';
import { until } from '../support/real-server.js';

const FILES = ['events.db', 'events.db-wal', 'events.db-shm'];

// @fault O17
describe('an older copy of the event log that is put back', () => {
  let folder: string;
  let data: string;
  const running: ServerStart[] = [];
  const start = async (): Promise<ServerStart> => {
    const started = await ServerStart.of(data);
    running.push(started);
    expect(started.said).toContain('listens');
    return started;
  };
  const events = async (): Promise<readonly StoredEvent[]> => {
    const store = SqliteEventStore.open({ file: join(data, 'events.db'), mode: 'read' });
    const { events: all } = await store.readAll(null, { limit: 4096 });
    await store.close();
    return all;
  };
  /** Refusals at the door: each is an event. */
  const refuseSome = async (server: ServerStart, count: number): Promise<void> => {
    for (let n = 0; n < count; n += 1)
      expect((await fetch(`${server.url}/v1/challenges`, { method: 'POST' })).status).toBe(400);
  };
  const settled = (server: ServerStart): Promise<true> =>
    until('the consumers', async () => {
      const { parts } = await server.ready();
      return ['audit-log', 'registration-saga', 'case-timeline'].every((name) => parts[name]?.detail === 'live')
        ? true
        : null;
    });

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'honnin-older-log-'));
    data = join(folder, 'data');
  });
  afterAll(async () => {
    await Promise.all(running.map((started) => started.end('SIGKILL')));
    rmSync(folder, { recursive: true, force: true });
  });

  it(
    'is refused by what follows it, and nothing is accepted into it, however long it grows',
    async () => {
      const first = await start();
      await refuseSome(first, 3);
      await settled(first);
      await first.end();
      const older = join(folder, 'older');
      cpSync(data, older, { recursive: true });
      const second = await start();
      await refuseSome(second, 5);
      await settled(second);
      await second.end();
      const before = (await events()).length;

      for (const grownBy of [0, 2, 30]) {
        for (const file of FILES) rmSync(join(data, file), { force: true });
        cpSync(join(older, 'events.db'), join(data, 'events.db'));
        const store = SqliteEventStore.open({ file: join(data, 'events.db') });
        for (let n = 0; n < grownBy; n += 1) await store.append(`door-other-${n}`, [newEvent()], 'no_stream');
        await store.close();
        const there = (await events()).length;
        if (grownBy === 30) expect(there).toBeGreaterThan(before);

        const server = await start();
        const { status, parts } = await server.ready();
        expect(status).toBe(503);
        expect(parts['intake']).toEqual({
          ok: false,
          detail: expect.stringMatching(/nothing is accepted: the event log/),
        });
        const challenge = await server.challenge();
        expect({ status: challenge.status, wait: challenge.headers.get('retry-after') }).toEqual({
          status: 503,
          wait: '30',
        });
        expect(await challenge.json()).toMatchObject({ code: 'not_accepting' });
        const upload = await fetch(`${server.url}/v1/registrations`, { method: 'POST', body: new FormData() });
        expect({ status: upload.status, body: await upload.json() }).toMatchObject({
          status: 503,
          body: { code: 'not_accepting' },
        });
        await server.end();
        expect((await events()).length).toBe(there);
      }
    },
    6 * START_MS_MAX,
  );
});
