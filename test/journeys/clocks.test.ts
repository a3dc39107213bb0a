import { createServer } from 'node:http';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CLOCK_AHEAD, until } from '../support/real-server.js';
import { ServerStart, START_MS_MAX } from '../support/server-start.js';

const DAY_MS = 24 * 3_600_000;
/** A container has another host name at each start. */
const HOST_NAME = `
import os from 'node:os';
import { syncBuiltinESMExports } from 'node:module';
os.hostname = () => process.env.TEST_HOST_NAME;
syncBuiltinESMExports();
`;
const CONSUMERS = ['audit-log', 'registration-saga', 'case-timeline', 'pending-effects', 'registrant-erasure'];

describe('a clock that is wrong', () => {
  let folder: string;
  let ahead: string;
  const running: ServerStart[] = [];
  const set = (ms: number): void => writeFileSync(ahead, String(ms));
  async function start(data: string, host: string, env: Record<string, string> = {}): Promise<ServerStart> {
    const preloads = ['host-name.mjs', 'clock-ahead.mjs'].flatMap((name) => ['--import', join(folder, name)]);
    const own = { TEST_CLOCK_AHEAD: ahead, TEST_HOST_NAME: host, ...env };
    const started = await ServerStart.of(join(folder, data), own, { node: preloads });
    running.push(started);
    expect(started.said).toContain('listens');
    return started;
  }
  /** Every consumer follows the log. */
  const live = (server: ServerStart): Promise<true> =>
    until('the consumers', async () => {
      const { parts } = await server.ready();
      return CONSUMERS.every((name) => parts[name]?.detail === 'live') ? true : null;
    });
  const clockOf = async (server: ServerStart) => (await server.ready()).parts['clock'];

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'honnin-clocks-'));
    ahead = join(folder, 'ahead');
    writeFileSync(join(folder, 'host-name.mjs'), HOST_NAME);
    writeFileSync(join(folder, 'clock-ahead.mjs'), CLOCK_AHEAD);
  });
  afterAll(async () => {
    await Promise.all(running.map((started) => started.end('SIGKILL')));
    rmSync(folder, { recursive: true, force: true });
  });

  // @fault O12
  it(
    'was a month ahead once, in another container: all consumers go on at once, and somebody is told',
    async () => {
      set(30 * DAY_MS);
      const first = await start('was-ahead', 'container-1');
      await live(first);
      await first.end('SIGKILL');
      set(0);
      const second = await start('was-ahead', 'container-2');
      await live(second);
      const clock = await clockOf(second);
      expect(clock).toMatchObject({ ok: false, detail: expect.stringMatching(/it went back, or was ahead then/) });
      const [, id] = /HONNIN_CLOCK_WAS_AHEAD=(\S+)/.exec(clock?.detail ?? '') ?? [];
      await second.end();
      const third = await start('was-ahead', 'container-3', { HONNIN_CLOCK_WAS_AHEAD: id as string });
      expect(await clockOf(third)).toEqual({ ok: true, detail: 'time goes forward' });
      await third.end();
    },
    4 * START_MS_MAX,
  );

  // @fault O19
  it(
    'goes back by two days between two starts, and by two hours while it runs: not ready, with that reason',
    async () => {
      set(0);
      const first = await start('went-back', 'container-1');
      await live(first);
      await first.end();
      set(-2 * DAY_MS);
      const second = await start('went-back', 'container-1');
      await live(second);
      expect((await second.ready()).status).toBe(503);
      expect(await clockOf(second)).toMatchObject({
        ok: false,
        detail: expect.stringMatching(/^the clock says \S+ and event/),
      });
      set(0);
      await until('the right time', async () => ((await clockOf(second))?.ok ? true : null));
      set(-2 * 3_600_000);
      await until('that it went back', async () => ((await clockOf(second))?.ok === false ? true : null));
      expect((await clockOf(second))?.detail).toMatch(/before: it went back; put it right$/);
      await second.end();
    },
    3 * START_MS_MAX,
  );

  // @fault O19
  it(
    'jumps ahead while it runs: not ready, by the clocks of the services of the settings',
    async () => {
      const services = await Promise.all(
        [1, 2].map(async () => {
          const service = createServer((_, response) => response.writeHead(404).end());
          await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
          return service;
        }),
      );
      const [authority, links] = services.map(
        (one) => `http://127.0.0.1:${(one.address() as { port: number }).port}`,
      ) as [string, string];
      set(0);
      const server = await start('jumps', 'container-1', {
        HONNIN_JPKI_OCSP_URL: authority,
        HONNIN_JPKI_LINK_URL: links,
      });
      expect(await clockOf(server)).toEqual({ ok: true, detail: 'time goes forward' });
      set(2 * 3_600_000);
      const told = await until('that it is ahead', async () =>
        ((clock) => (clock?.ok === false ? clock : null))(await clockOf(server)),
      );
      expect(told.detail).toMatch(/^the clock is 7\d\d\d s ahead of 2 of 2 services that answered: put it right$/);
      expect((await server.ready()).status).toBe(503);
      await server.end();
      for (const service of services) service.close();
    },
    2 * START_MS_MAX,
  );
});
