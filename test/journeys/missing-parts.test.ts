import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Config } from '../../src/infrastructure/settings/config.js';
import { Foundation } from '../../src/infrastructure/installation/foundation.js';
import { keyFile } from '../../src/infrastructure/settings/key-files.js';
import { KeyRing } from '../../src/infrastructure/vault/key-ring.js';
import { KurrentClusterStandIn } from '../support/kurrent-stand-in.js';
import { ServerStart, START_MS_MAX } from '../support/server-start.js';

const cli = resolve('dist/cli/main.js');

function configOf(data: string): Config {
  return Config.from({ HONNIN_DATA: data });
}

/** Makes a data folder what a version before the claim left: the claim and every mark go. */
function forgetTheClaim(data: string): void {
  const change = (file: string, sql: string): void => {
    const database = new DatabaseSync(join(data, file));
    database.exec(sql);
    database.close();
  };
  const stream = "(SELECT no FROM streams WHERE name = 'installation-claim')";
  change('events.db', `DELETE FROM events WHERE stream_no = ${stream}; DELETE FROM streams WHERE no = ${stream}`);
  change('vault/keys.db', 'DROP TABLE installation');
  change('readmodel.db', 'DELETE FROM installation');
}

describe('parts of an installation that are missing, foreign or older', () => {
  let folder: string;
  let whole: string;
  let other: string;
  const running: ServerStart[] = [];
  const start = async (data: string, env?: Record<string, string>): Promise<ServerStart> => {
    const started = await ServerStart.of(data, env);
    running.push(started);
    return started;
  };
  let copies = 0;
  /** A copy of an installation's data folder, to do something bad to. */
  const copyOf = (data: string): string => {
    const copy = join(folder, `copy-${(copies += 1)}`);
    cpSync(data, copy, { recursive: true });
    return copy;
  };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'honnin-parts-'));
    [whole, other] = [join(folder, 'whole'), join(folder, 'other')];
    const first = await start(whole);
    expect(first.said).toContain('listens');
    await first.end();
    await (await Foundation.open(configOf(other))).close();
  }, START_MS_MAX);
  afterAll(async () => {
    await Promise.all(running.map((started) => started.end('SIGKILL')));
    rmSync(folder, { recursive: true, force: true });
  });

  // @fault O11
  it(
    'end the process with the words of what to restore',
    async () => {
      const data = copyOf(whole);
      for (const part of ['keys', 'vault', 'audit']) rmSync(join(data, part), { recursive: true });
      const started = await start(data);
      expect({ url: started.url, code: started.child.exitCode }).toEqual({ url: null, code: 1 });
      expect(started.said).toMatch(
        /^honnin start: this is not a whole installation:\n {2}the event log \S+events.db has \d+ events/,
      );
      expect(started.said).toMatch(
        /this data folder holds no keys: restore keys, vault and audit folder from the backup/,
      );
      expect(['keys', 'vault', 'audit'].filter((part) => existsSync(join(data, part)))).toEqual([]);
    },
    START_MS_MAX,
  );

  it.each([
    [
      'no keys at all',
      ['keys', 'vault', 'audit'],
      /the event log \S+events.db has \d+ events of installation \S+ and this data folder holds no keys: restore/,
    ],
    ['no master key', ['keys/master.key'], /has \d+ events .* and no master key: \S+master.key is missing; restore/],
    ['no server secret', ['keys/server.secret'], /and no server secret: \S+server.secret is missing; restore/],
    ['no key that signs the log', ['keys/audit'], /and no key that signs it: \S+log-1.key is missing; restore/],
    ['no audit folder', ['audit'], /and no public keys of the signed log: \S+ is missing or empty; restore/],
    ['no vault', ['vault'], /and no vault: \S+keys.db is missing; restore/],
    ['no sealed files', ['vault/sealed'], /and no sealed files: \S+sealed is missing; restore/],
    [
      'no event log',
      ['events.db', 'events.db-wal', 'events.db-shm'],
      /the event log \S+events.db is empty: restore it/,
    ],
  ])('refuses to start with %s, and makes nothing anew', async (_what, gone, words) => {
    const data = copyOf(whole);
    for (const part of gone) rmSync(join(data, part), { recursive: true, force: true });
    await expect(Foundation.open(configOf(data))).rejects.toThrow(words);
    for (const part of gone.filter((name) => !name.startsWith('events.db')))
      expect(existsSync(join(data, part))).toBe(false);
  });

  it.each([
    ['a key', ['keys/server.secret'], /^WRONG {2}installation .* and no server secret: \S+ is missing; restore/m],
    [
      'the log',
      ['events.db', 'events.db-wal', 'events.db-shm'],
      /^WRONG {2}installation .*events.db is empty: restore/m,
    ],
  ])('are told by doctor before a start: %s', (_what, gone, words) => {
    const data = copyOf(whole);
    for (const part of gone) rmSync(join(data, part), { force: true });
    const inherited = Object.entries(process.env).filter(([name]) => !/^(HONNIN_|NODE_OPTIONS$)/.test(name));
    const env = { ...Object.fromEntries(inherited), HONNIN_DATA: data };
    const told = spawnSync(process.execPath, [cli, 'doctor'], { env, encoding: 'utf8', timeout: START_MS_MAX });
    expect(told.stdout).toMatch(words);
    expect(told.stdout).not.toContain('will be made');
    expect(told.status).toBe(1);
    expect(gone.filter((part) => existsSync(join(data, part)))).toEqual([]);
  });

  it.each([
    ['the master key', ['keys/master.key'], /master.key is not the master key of this installation: restore/],
    [
      'the server secret',
      ['keys/server.secret'],
      /server.secret is not the server secret of this installation: restore/,
    ],
    [
      'the keys of the signed log',
      ['keys/audit', 'audit'],
      /begins with another key than this installation's signed log/,
    ],
    ['the vault', ['vault'], /keys.db belongs to installation \S+; one store serves one installation/],
    [
      'the read models',
      ['readmodel.db'],
      /readmodel.db belongs to installation \S+: restore the right one, or remove it/,
    ],
    ['the event log', ['events.db'], /is not this data folder's/],
  ])("refuses another installation's: %s", async (_what, parts, words) => {
    const data = copyOf(whole);
    for (const part of parts) {
      rmSync(join(data, part), { recursive: true, force: true });
      cpSync(join(other, part), join(data, part), { recursive: true });
    }
    await expect(Foundation.open(configOf(data))).rejects.toThrow(words);
  });

  // @fault O11 for the key of tombstones too: without it nobody who was erased would be known, and nothing would say so.
  it('refuses to go on without the key under which tombstones were made', async () => {
    const data = copyOf(whole);
    const vault = new DatabaseSync(join(data, 'vault', 'keys.db'));
    vault.exec("INSERT INTO tombstone VALUES (x'01', '2036-01-01'); DELETE FROM data_key WHERE owner = 'tombstones'");
    vault.close();
    await expect(Foundation.open(configOf(data))).rejects.toThrow(
      /keys.db holds \d+ marks of cards and tombstones, .* is missing: restore \S+keys.db from the newest backup/,
    );
  });

  it(
    'builds the read models again where they are gone',
    async () => {
      const data = copyOf(whole);
      for (const part of ['readmodel.db', 'readmodel.db-wal', 'readmodel.db-shm'])
        rmSync(join(data, part), { force: true });
      const started = await start(data);
      expect(started.said).toContain('listens');
      await started.end();
    },
    START_MS_MAX,
  );

  describe('on one KurrentDB', () => {
    let cluster: KurrentClusterStandIn;
    let address: Record<string, string>;
    beforeAll(async () => {
      cluster = await KurrentClusterStandIn.start();
      address = { HONNIN_EVENT_STORE: cluster.address() };
    });
    afterAll(() => cluster.stop());

    // @fault C1 @fault C2 @fault C3
    it(
      'serves one server of one installation, and refuses every other',
      async () => {
        const first = await start(join(folder, 'k1'), address);
        expect(first.said).toContain('listens');
        // Another installation: it would keep case material that the log calls erased, and sign a second log of one
        // origin.
        const foreign = await start(join(folder, 'k2'), address);
        expect({ url: foreign.url, code: foreign.child.exitCode }).toEqual({ url: null, code: 1 });
        expect(foreign.said).toMatch(
          /has events of installation \S+ and this data folder holds no keys: restore .* a store of its own/,
        );
        expect(existsSync(join(folder, 'k2', 'keys'))).toBe(false);
        // The same folder, while the first one runs.
        const second = await start(join(folder, 'k1'), address);
        expect({ url: second.url, code: second.child.exitCode }).toEqual({ url: null, code: 1 });
        expect(second.said).toMatch(/another server works in this data folder \(process \d+ on /);
        // A copy of the folder: the same installation, and still a second server.
        const third = await start(copyOf(join(folder, 'k1')), address);
        expect({ url: third.url, code: third.child.exitCode }).toEqual({ url: null, code: 1 });
        expect(third.said).toMatch(/another server of this installation works on this event store/);
        expect((await fetch(`${first.url}/health/live`)).status).toBe(200);
        await first.end();
        // Ended in order, it has said that the store is free.
        const next = await start(join(folder, 'k1'), address);
        expect(next.said).toContain('listens');
        await next.end();
      },
      4 * START_MS_MAX,
    );

    it(
      'refuses an empty store under a data folder that has worked',
      async () => {
        const empty = await KurrentClusterStandIn.start();
        const moved = await start(copyOf(join(folder, 'k1')), { HONNIN_EVENT_STORE: empty.address() });
        await empty.stop();
        expect({ url: moved.url, code: moved.child.exitCode }).toEqual({ url: null, code: 1 });
        expect(moved.said).toMatch(
          /belongs to installation \S+, and the event store that HONNIN_EVENT_STORE names is empty/,
        );
      },
      START_MS_MAX,
    );
  });

  it(
    'lets a second server on the same folder go away with the embedded log too',
    async () => {
      const first = await start(copyOf(whole));
      const second = await ServerStart.of(join(folder, `copy-${copies}`));
      expect({ url: second.url, code: second.child.exitCode }).toEqual({ url: null, code: 1 });
      expect(second.said).toMatch(/another server works in this data folder \(process \d+ on /);
      await first.end();
    },
    2 * START_MS_MAX,
  );

  it(
    'refuses an older copy of the vault, in which destroyed keys live again',
    async () => {
      const data = copyOf(whole);
      const older = join(folder, 'older-vault');
      cpSync(join(data, 'vault'), older, { recursive: true });
      const ring = new KeyRing(
        join(data, 'vault', 'keys.db'),
        keyFile(join(data, 'keys', 'master.key'), { create: false }),
      );
      ring.keyFor('registrant:one');
      ring.destroy('registrant:one', { forever: false });
      ring.close();
      const seen = await start(data);
      expect(seen.said).toContain('listens');
      await seen.end();
      rmSync(join(data, 'vault'), { recursive: true });
      renameSync(older, join(data, 'vault'));
      const words = /is an older copy: .* restore the newest copy of the vault/;
      await expect(Foundation.open(configOf(data))).rejects.toThrow(words);
    },
    START_MS_MAX,
  );

  it('claims an installation that is older than the claim, once, and guards it from then on', async () => {
    const data = copyOf(whole);
    forgetTheClaim(data);
    const claims = async (): Promise<unknown[]> => {
      const foundation = await Foundation.open(configOf(data));
      const events = await foundation.store.readStream('installation-claim');
      await foundation.close();
      return events.map((event) => event.data);
    };
    const [claim, ...more] = await claims();
    expect(claim).toMatchObject({ isFirstStart: false, origin: 'honnin.localhost/log' });
    expect(more).toEqual([]);
    expect(await claims()).toEqual([claim]);
    rmSync(join(data, 'keys', 'server.secret'));
    await expect(Foundation.open(configOf(data))).rejects.toThrow(/and no server secret/);
  });

  it('refuses an installation that is older than the claim and has lost its keys', async () => {
    const data = copyOf(whole);
    forgetTheClaim(data);
    rmSync(join(data, 'keys', 'master.key'));
    await expect(Foundation.open(configOf(data))).rejects.toThrow(/has \d+ events and no master key/);
  });
});
