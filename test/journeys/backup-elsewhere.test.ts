import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { StoredEvent } from '../../src/domain/event-envelope.js';
import { judgeBackup, restoreBackup } from '../../src/infrastructure/backup/restore-backup.js';
import { SystemClock } from '../../src/infrastructure/clock/system-clock.js';
import { openEventStore } from '../../src/infrastructure/event-store/open-event-store.js';
import { withConfiguredLog } from '../../src/infrastructure/recovery/configured-log.js';
import { findGone, findLoss } from '../../src/infrastructure/recovery/find-loss.js';
import { Recovery } from '../../src/infrastructure/recovery/recover.js';
import { Config } from '../../src/infrastructure/settings/config.js';
import { newEvent } from '../contract/event-store.contract.js';
import { KurrentClusterStandIn } from '../support/kurrent-stand-in.js';
import { built } from '../support/peers.js';
import { until } from '../support/real-server.js';
import { honnin } from '../support/run-honnin.js';
import { ServerStart, START_MS_MAX } from '../support/server-start.js';
import { describeUnless } from '../support/unless.js';

const ORIGIN = 'elsewhere.example/log';
const clock = new SystemClock();

/** @fault O34 @fault O10 */
describeUnless(built('cli/main.js'), 'an installation whose events are in a store elsewhere', () => {
  let folder: string;
  let first: KurrentClusterStandIn;
  const clusters: KurrentClusterStandIn[] = [];
  const running: ServerStart[] = [];
  const at = (name: string) => join(folder, name);
  const keys = () => at('keys');
  const envOf = (cluster: KurrentClusterStandIn | null, origin = ORIGIN) => ({
    HONNIN_AUDIT_ORIGIN: origin,
    ...(cluster && { HONNIN_EVENT_STORE: cluster.address() }),
  });
  const emptyStore = async (): Promise<KurrentClusterStandIn> => {
    const cluster = await KurrentClusterStandIn.start();
    clusters.push(cluster);
    return cluster;
  };
  const start = async (data: string, env: Record<string, string>): Promise<ServerStart> => {
    const started = await ServerStart.of(data, env);
    running.push(started);
    expect(started.said).toContain('listens');
    return started;
  };
  const eventsOf = async (cluster: KurrentClusterStandIn): Promise<readonly StoredEvent[]> => {
    const store = await openEventStore(cluster.address(), '/nowhere', { mode: 'read' });
    return (await store.readAll(null, { limit: 4096 }).finally(() => store.close())).events;
  };
  const checkpointOf = (data: string) => readFileSync(join(data, 'audit', 'checkpoint'), 'utf8');
  const signed = (data: string) =>
    existsSync(join(data, 'audit', 'checkpoint')) ? Number(checkpointOf(data).split('\n')[1]) : 0;
  const withoutPosition = ({ position: _position, ...event }: StoredEvent) => event;
  const command = (args: string[], data: string, env: Record<string, string>) =>
    honnin([...args, '--data', data], { env });

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'honnin-backup-elsewhere-'));
    first = await emptyStore();
    const server = await start(at('data'), envOf(first));
    const events = (await eventsOf(first)).length;
    await until('the signed log', async () => (signed(at('data')) >= events ? true : null));
    const made = await command(['backup', at('copy'), '--keys', keys()], at('data'), envOf(first));
    expect(made).toEqual({ status: 0, out: expect.stringMatching(/\d+ events, \d+ entries .*; written and checked/) });
    await server.end();
  }, 2 * START_MS_MAX);
  afterAll(async () => {
    await Promise.all(running.map((started) => started.end('SIGKILL')));
    await Promise.all(clusters.map((cluster) => cluster.stop()));
    rmSync(folder, { recursive: true, force: true });
  });

  it(
    'is copied while it serves and restored into an empty store, with other positions and all else the same',
    async () => {
      const store = await emptyStore();
      // Positions there are others than those of the store before.
      store.write('$something', [systemEvent()], 'any');
      const data = at('restored');
      const restore = ['restore', at('copy'), '--keys', keys()];
      expect((await command([...restore, '--check'], data, envOf(store))).status).toBe(0);
      expect(existsSync(data)).toBe(false);
      expect(await command(restore, data, envOf(store))).toEqual({
        status: 0,
        out: expect.stringContaining('restored'),
      });
      expect(readdirSync(data).filter((name) => /^(events|readmodel)\.db|unfinished|log-copy/.test(name))).toEqual([]);
      const restored = await eventsOf(store);
      const before = (await eventsOf(first)).slice(0, restored.length);
      expect(restored.map(withoutPosition)).toEqual(before.map(withoutPosition));
      expect(restored.map(({ position }) => position)).not.toEqual(before.map(({ position }) => position));

      const server = await start(data, envOf(store));
      const grown = (await eventsOf(store)).length;
      expect(grown).toBeGreaterThan(restored.length);
      await until('the signed log', async () => (signed(data) >= grown ? true : null));
      await server.end();
      // Every command asks the store that is configured.
      expect(await command(['audit', 'fsck'], data, envOf(store))).toEqual({
        status: 0,
        out: expect.stringContaining('all is right'),
      });
      expect(await command(['events', 'backup', at('events.db')], data, envOf(store))).toEqual({
        status: 0,
        out: expect.stringMatching(/events\.db: \d+ events, checked/),
      });
      expect(readdirSync(data).filter((name) => name.startsWith('log-copy'))).toEqual([]);
    },
    3 * START_MS_MAX,
  );

  it(
    'can move into the data folder by its backup',
    async () => {
      const data = at('embedded');
      expect((await command(['restore', at('copy'), '--keys', keys()], data, envOf(null))).status).toBe(0);
      const fsck = await command(['audit', 'fsck'], data, envOf(null));
      expect(fsck).toEqual({ status: 0, out: expect.stringContaining('all is right') });
    },
    START_MS_MAX,
  );

  it(
    'is restored over what a restoring that was cut short wrote, and over nothing else',
    async () => {
      const places = { target: at('copy'), keys: keys(), erased: [], copies: [] };
      const store = await emptyStore();
      const config = (data: string) => Config.from({ HONNIN_DATA: at(data), ...envOf(store) });
      const whole = await eventsOf(first);
      const opened = await openEventStore(store.address(), '/nowhere');
      const [begun] = whole as [StoredEvent];
      await opened.append(begun.stream, [{ ...withoutPosition(begun) }], 'no_stream');
      await restoreBackup(places, config('again'), clock);
      const { manifest } = await judgeBackup(places);
      expect(await eventsOf(store)).toHaveLength(manifest.events);
      await opened.append('registration-of-another', [newEvent()], 'no_stream');
      await opened.close();
      await expect(restoreBackup(places, config('third'), clock)).rejects.toThrow(
        /the store holds SomethingHappened .* and the backup has no more there: a backup is restored into an empty store/,
      );
      expect(existsSync(at('third'))).toBe(false);
    },
    START_MS_MAX,
  );

  it(
    'goes on after a loss that two people accepted',
    async () => {
      const server = await start(at('data'), envOf(first));
      const events = (await eventsOf(first)).length;
      await until('the signed log', async () => (signed(at('data')) >= events ? true : null));
      await server.end();
      const copies = [checkpointOf(at('data'))];
      const [store, data] = [await emptyStore(), at('older')];
      const config = Config.from({ HONNIN_DATA: data, ...envOf(store) });
      const { judged } = await restoreBackup({ target: at('copy'), keys: keys(), erased: [], copies }, config, clock);
      expect(judged.signedBeyond).not.toBe(null);
      const by = (name: string) =>
        ({ newOrigin: `${ORIGIN}-2`, reason: 'storage_failed', reference: 'INC-9', by: name }) as const;
      await withConfiguredLog(config, clock, async (log) => {
        const recovery = new Recovery(config, clock, log);
        const found = findLoss(config, log.file, copies);
        expect(found).toMatchObject({ isLost: true, events: judged.manifest.events });
        const { lossId } = await recovery.propose(found, findGone(log.file, []), by('administrator'));
        await recovery.accept(lossId, 'administrator-b', copies);
      });
      const next = envOf(store, `${ORIGIN}-2`);
      const again = await start(data, next);
      const grown = (await eventsOf(store)).length;
      await until('the signed log', async () => (signed(data) >= grown ? true : null));
      await again.end();
      expect(await command(['audit', 'fsck'], data, next)).toMatchObject({ status: 0 });
      expect(checkpointOf(data).split('\n')[0]).toBe(`${ORIGIN}-2`);
    },
    3 * START_MS_MAX,
  );
});

function systemEvent() {
  const json = { contentType: 'application/json', data: Buffer.from('{}'), metadata: Buffer.from('') };
  return { id: 'f3f2c6de-6a0e-4a52-9d3f-0c0f5f7a1c12', type: '$something', ...json };
}
