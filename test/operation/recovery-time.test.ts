import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from '@jest/globals';
import { encodeAppend } from '../../src/infrastructure/event-store/event-bytes.js';
import { SqliteLogWriter } from '../../src/infrastructure/event-store/sqlite/sqlite-log-writer.js';
import { built } from '../support/peers.js';
import { until } from '../support/real-server.js';
import { honnin } from '../support/run-honnin.js';
import { ServerStart } from '../support/server-start.js';
import { soakCount, soakFactor } from '../support/soak.js';
import { describeUnless } from '../support/unless.js';

/** Two million in the lane of hours. */
const EVENTS = soakCount({ ci: 5_000, soak: 20_000 });
const MS_MAX = 300_000;
/** Appends of one transaction. */
const TOGETHER = 5_000;

const READ_MODELS = ['readmodel.db', 'readmodel.db-wal', 'readmodel.db-shm'];

/** Everything that this server can be ready with: it has no authority and no government to ask. */
async function isBack(server: ServerStart): Promise<true | null> {
  const { parts } = await server.ready();
  const follow = ['audit-log', 'registration-saga', 'case-timeline'].every((name) => parts[name]?.detail === 'live');
  return follow && parts['signed-log']?.ok === true && parts['intake']?.ok === true ? true : null;
}

const seconds = (ms: number): string => (ms / 1000).toFixed(1);

/** Events of the kind that is cheapest to make: a nonce that was used. Each is a stream, a leaf and a step of every
 *  consumer. */
function fill(file: string): void {
  const writer = new SqliteLogWriter(file);
  const metadata = {
    actor: 'booth:a',
    correlationId: 'c',
    causationId: 'c',
    recordedAtUtc: new Date().toISOString(),
    policyVersion: null,
  };
  const one = () => ({ id: randomUUID(), type: 'ChallengeConsumed', schemaVersion: 1, data: {}, metadata });
  for (let made = 0; made < EVENTS; made += TOGETHER) {
    const requests = Array.from({ length: TOGETHER }, () => {
      const stream = `challenge-${randomUUID()}`;
      return { stream, events: encodeAppend(stream, [one()], 'no_stream'), expected: 'no_stream' } as const;
    });
    expect(writer.commit(requests).outcome).toBe('committed');
  }
  writer.close();
}

describeUnless(built('cli/main.js'), 'the time in which an installation is back', () => {
  const folder = mkdtempSync(join(tmpdir(), 'honnin-recovery-time-'));
  const at = (...names: string[]) => join(folder, ...names);
  const sizeOf = (data: string) => Number(readFileSync(join(data, 'audit', 'checkpoint'), 'utf8').split('\n')[1]);
  const running: ServerStart[] = [];
  const start = async (data: string): Promise<ServerStart> => {
    const started = await ServerStart.of(data);
    running.push(started);
    return started;
  };
  afterAll(async () => {
    await Promise.all(running.map((started) => started.end('SIGKILL')));
    rmSync(folder, { recursive: true, force: true });
  });

  /** Where they are lost it answers meanwhile that it cannot say yet, and never that there is nothing. */
  async function withoutReadModels(): Promise<string> {
    for (const name of READ_MODELS) rmSync(at('back', name), { force: true });
    const begun = performance.now();
    const server = await start(at('back'));
    const answers = new Set<number>();
    await until(
      'its read models',
      async () => {
        const { parts } = await server.ready();
        const { status } = await fetch(`${server.url}/v1/registrations/0000-0000-0000-0000`);
        answers.add(status);
        return parts['request-status']?.ok === true && status === 404 ? isBack(server) : null;
      },
      MS_MAX,
    );
    const built = performance.now();
    await server.end();
    expect([...answers].filter((status) => status !== 404 && status !== 503)).toEqual([]);
    return `, ready in ${seconds(built - begun)} s without its read models`;
  }

  it(
    `is five minutes at most, from the restore to a server that takes requests (${EVENTS} events)`,
    async () => {
      await (await start(at('data'))).end();
      fill(at('data', 'events.db'));
      const before = await start(at('data'));
      await until('the signed log', () => (sizeOf(at('data')) >= EVENTS ? true : null), 1_800_000);
      await before.end();
      const begun = performance.now();
      expect((await honnin(['backup', at('copy'), '--keys', at('keys'), '--data', at('data')])).status).toBe(0);
      const lost = performance.now();
      const restored = await honnin(['restore', at('copy'), '--keys', at('keys'), '--data', at('back')]);
      expect(restored.status).toBe(0);
      const after = await start(at('back'));
      await until('its parts', () => isBack(after), MS_MAX);
      const back = performance.now();
      await after.end();
      // In CI there is too little to build for anybody to see it.
      const rest = soakFactor() === 1 ? '' : await withoutReadModels();
      process.stdout.write(
        `${EVENTS} events: backup ${seconds(lost - begun)} s, back in ${seconds(back - lost)} s${rest}\n`,
      );
      expect(back - lost).toBeLessThan(MS_MAX);
      expect(sizeOf(at('back'))).toBeGreaterThanOrEqual(EVENTS);
    },
    300_000 + 60_000 * soakFactor(),
  );
});
