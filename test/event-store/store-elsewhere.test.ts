import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { openEventStore } from '../../src/infrastructure/event-store/open-event-store.js';
import {
  leastRights,
  surveyStore,
  writeLeastRights,
} from '../../src/infrastructure/event-store/kurrent/store-rights.js';
import { newEvent } from '../contract/event-store.contract.js';
import { KurrentClusterStandIn } from '../support/kurrent-stand-in.js';
import { built, peer } from '../support/peers.js';
import { ServerStart, START_MS_MAX } from '../support/server-start.js';
import { describeUnless } from '../support/unless.js';

const cli = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

let folder: string;
let cluster: KurrentClusterStandIn;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'honnin-elsewhere-'));
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const subject = ['-subj', '/CN=store', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const files = ['-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem')];
  execFileSync('openssl', ['req', '-x509', ...kind, ...subject, ...files], { stdio: 'ignore' });
});
beforeEach(async () => {
  const [key, cert] = ['key.pem', 'cert.pem'].map((name) => readFileSync(join(folder, name))) as [Buffer, Buffer];
  cluster = await KurrentClusterStandIn.start(1, { key, cert, users: { admin: 'a', honnin: 'h', other: 'o' } });
});
afterEach(() => cluster.stop());
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** @param user with a password as the stand-in knows it */
const as = (user: string): string => {
  const { port } = cluster.leadingNode;
  return `esdb://${user}:${user[0]}@127.0.0.1:${port}?tlsCAFile=${encodeURIComponent(join(folder, 'cert.pem'))}`;
};
const append = async (user: string): Promise<string> => {
  const store = await openEventStore(as(user), '/nowhere');
  try {
    return (await store.append('registration-1', [newEvent()], 'no_stream')).outcome;
  } catch (error) {
    return (error as { reason?: string }).reason ?? String(error);
  } finally {
    await store.close();
  }
};

// @fault O37
describeUnless(peer('openssl'), 'the rights in an event store elsewhere', () => {
  it('are the least that are enough, once an administrator has written them', async () => {
    expect(await surveyStore(as('admin'))).toMatchObject({ rights: 'open' });
    // As a new server is, anybody may append to our streams.
    expect(await append('other')).toBe('appended');
    expect(await writeLeastRights(as('honnin'), as('admin'))).toBe(true);
    expect(await append('other')).toBe('refused');
    const store = await openEventStore(as('honnin'), '/nowhere');
    expect(await store.append('registration-2', [newEvent()], 'no_stream')).toMatchObject({ outcome: 'appended' });
    expect((await store.readAll(null, { limit: 10 })).events).toHaveLength(2);
    await store.close();
    expect(await surveyStore(as('honnin'))).toMatchObject({ rights: 'least' });
    expect(await writeLeastRights(as('honnin'), as('admin'))).toBe(false);
    const [settings] = cluster.stream('$settings').slice(-1);
    expect(settings?.type).toBe('$settings');
    expect(JSON.parse(String(Buffer.from(settings?.data ?? [])))).toEqual(leastRights('honnin'));
  });

  it('can be written by administrators alone, and never for themselves', async () => {
    await expect(writeLeastRights(as('honnin'), as('other'))).rejects.toMatchObject({ reason: 'refused' });
    await expect(writeLeastRights(as('admin'), as('admin'))).rejects.toThrow('make a user of its own');
    await expect(writeLeastRights('esdb://127.0.0.1:1?tls=false', as('admin'))).rejects.toThrow('must name a user');
    expect(cluster.stream('$settings')).toHaveLength(1);
  });

  it('that somebody else has set are told', async () => {
    const rights = { ...leastRights('honnin'), $userStreamAcl: { $r: 'honnin', $w: ['honnin', 'other'] } };
    const json = {
      contentType: 'application/json',
      data: Buffer.from(JSON.stringify(rights)),
      metadata: Buffer.from(''),
    };
    cluster.write('$settings', [{ id: 'f3f2c6de-6a0e-4a52-9d3f-0c0f5f7a1c11', type: '$settings', ...json }], 'any');
    expect(await surveyStore(as('honnin'))).toMatchObject({ rights: 'other' });
    expect(await writeLeastRights(as('honnin'), as('admin'))).toBe(true);
  });
});

describeUnless(peer('openssl') ?? built('cli/main.js'), 'a command', () => {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(HONNIN_|NODE_OPTIONS)/.test(name));
  const run = (args: readonly string[], env: Record<string, string> = {}) =>
    new Promise<{ code: number; output: string }>((resolve) => {
      const settings = {
        HONNIN_EVENT_STORE: as('honnin'),
        HONNIN_DATA: join(folder, 'data'),
        HONNIN_ENVIRONMENT: 'test',
        ...env,
      };
      const options = { env: { ...Object.fromEntries(inherited), ...settings }, timeout: START_MS_MAX };
      const child = execFile(
        process.execPath,
        ['--disable-warning=ExperimentalWarning', cli, ...args],
        options,
        (_, out, err) => resolve({ code: child.exitCode ?? -1, output: `${out}${err}` }),
      );
    });

  // @fault O34 O37
  it(
    'asks the event store that is configured, which the server and doctor do too, and tells rights that are missing',
    async () => {
      const open = { HONNIN_EVENT_STORE: as('admin') };
      const data = join(folder, 'data');
      const started = await ServerStart.of(data, open);
      expect(started.said).toMatch(
        /honnin start: every user of the event store may append to our streams.*events rights --apply/,
      );
      await started.end();
      const stored = cluster.log.filter(({ type }) => !type.startsWith('$')).length;
      expect(stored).toBeGreaterThan(1);

      const shown = await run(['events', 'rights'], open);
      expect(shown).toMatchObject({ code: 1, output: expect.stringMatching(/every user of the event store may/) });
      const applied = await run(['events', 'rights', '--apply'], { HONNIN_EVENT_STORE_ADMIN: as('admin') });
      expect(applied).toMatchObject({
        code: 0,
        output: expect.stringMatching(/the least rights were written\n.*nobody deletes/),
      });

      const doctor = await run(['doctor']);
      expect(doctor.output).toMatch(/ok +event log +\S.* 23\.10\.0, led by 127\.0\.0\.1:\d+, last position \d+/);
      expect(doctor.output).toMatch(/ok +event store rights +the user of the server appends and reads/);
      const wrongUser = await run(['doctor'], { HONNIN_EVENT_STORE: as('honnin').replace(':h@', ':x@') });
      expect(wrongUser.output).toMatch(/WRONG +event log +the event store refuses the user/);

      const check = await run(['events', 'check']);
      expect(check).toEqual({
        code: 0,
        output: expect.stringMatching(new RegExp(`event store at 127.*: ${stored} events in \\d+ streams, nothing`)),
      });
      expect((await run(['events', 'print', '--limit', '1'])).output).toMatch(/^\{"id":.*"position":"\d+"\}\n/);
      expect(cluster.log.at(-1)?.stream).toMatch(/^access-/);
      const backup = await run(['events', 'backup', join(folder, 'copy.db')]);
      expect(backup).toEqual({ code: 0, output: expect.stringMatching(/copy\.db: \d+ events, checked/) });
      expect((await run(['schemas', 'check'])).output).toMatch(/events looked at/);
      expect((await run(['projections', 'status'])).output).toMatch(/the event log ends at position \d+/);
      expect((await run(['kafka', 'lag'])).output).toMatch(/events wait|everything is published/);

      // A hole is found, and a store that is away is said to be away, as its own matter and not as an empty log.
      const [lost] = cluster.log.splice(
        cluster.log.findIndex(({ stream }) => stream === 'installation-server'),
        1,
      );
      expect((await run(['events', 'check'])).output).toMatch(
        /installation-server revision 1\): revision 0 of its stream was expected/,
      );
      expect(lost).toBeDefined();
      await cluster.leadingNode.kill();
      for (const args of [
        ['events', 'check'],
        ['events', 'rights'],
        ['projections', 'status'],
        ['kafka', 'lag'],
      ]) {
        expect(await run(args)).toEqual({ code: 1, output: expect.stringMatching(/the event store does not answer/) });
      }
      expect((await run(['doctor'])).output).toMatch(/WRONG +event log +the event store does not answer/);
    },
    6 * START_MS_MAX,
  );
});
