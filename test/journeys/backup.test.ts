import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { BoothClient } from '../../src/booth/booth-client.js';
import { generateBoothKey } from '../../src/booth/booth-key.js';
import { DurableCaptureCounter } from '../../src/booth/capture-counter.js';
import { readManifest } from '../../src/infrastructure/backup/backup-folder.js';
import { makeBackup } from '../../src/infrastructure/backup/make-backup.js';
import { judgeBackup, type RestorePlaces } from '../../src/infrastructure/backup/restore-backup.js';
import { Config } from '../../src/infrastructure/settings/config.js';
import { WriterLock } from '../../src/infrastructure/event-store/sqlite/writer-lock.js';
import { sealedFolderOf } from '../../src/infrastructure/vault/encrypted-image-vault.js';
import { KeyRing } from '../../src/infrastructure/vault/key-ring.js';
import { DEMO_STORIES, loadCardPhoto, loadDemoFace } from '../../src/sandbox/card/demo-faces.js';
import type { SyntheticCard } from '../../src/sandbox/card/synthetic-card.js';
import { built, elsewhere } from '../support/peers.js';
import { filesUnder, RealServer, until } from '../support/real-server.js';
import { honnin } from '../support/run-honnin.js';
import { ServerStart } from '../support/server-start.js';
import { describeUnless, itUnless } from '../support/unless.js';
import { dieAtEachStep } from './dying-steps.js';

/** Why no small disk can be had here, or null. */
function noSmallDisk(): string | null {
  const probe = spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']);
  return process.platform === 'linux' && probe.status === 0
    ? null
    : 'a small disk of its own needs the right to mount one';
}

/** @fault O10 */
describeUnless(built('cli/main.js'), 'a backup', () => {
  let server: RealServer;
  let booth: BoothClient;
  const at = (name: string) => server.at(name);
  const env = () => ({ HONNIN_ERASED_FILE: at('elsewhere/erased') });
  const copy = () => at('copy');
  const keys = () => at('keys');
  const config = () => Config.from({ HONNIN_DATA: server.data, ...env() });

  beforeAll(async () => {
    server = await RealServer.beside('backup', ['auditor']);
    mkdirSync(at('elsewhere'));
    await server.start({ env: env() });
    const key = generateBoothKey();
    await server.enrol('booth-backup-01', key.publicKeySpki);
    booth = new BoothClient({
      baseUrl: server.url,
      boothId: 'booth-backup-01',
      key,
      counter: new DurableCaptureCounter(at('booth')),
    });
    boothKey = key;
  }, 180_000);
  afterAll(() => server?.close(), 180_000);

  let boothKey: ReturnType<typeof generateBoothKey>;
  const issued = async (): Promise<SyntheticCard> =>
    server.sandbox.jpki.issueCard({ faceImage: await loadCardPhoto(DEMO_STORIES.samePerson.card) });
  const register = async (card: SyntheticCard): Promise<string> => {
    const { authenticationPin: pin, accessNumber } = card.secrets;
    const photo = await loadDemoFace(DEMO_STORIES.samePerson.captured);
    const consent = { textVersion: '2026-11', keepReferenceImage: true };
    return (await booth.register({ card: card.connect(), pin, accessNumber, photo, consent })).receipt;
  };
  /** Cases with material that were received: what was only claimed at the moment of the backup lapses later. */
  const openCases = async (): Promise<string[]> => {
    const owners = [...server.keysOf('case').keys()].map((owner) => owner.slice('case:'.length));
    const histories = await Promise.all(owners.map((id) => server.call('auditor', 'GET', `/v1/cases/${id}/history`)));
    const known = histories.filter(({ status }) => status === 200);
    const told = await Promise.all(
      known.map(async (answer) =>
        ((await answer.json()) as { events: { type: string }[] }).events.map(({ type }) => type).join(),
      ),
    );
    // Between a nonce that is used and the request that is received a backup may fall as well.
    return told.filter((types) => types.includes('RequestReceived'));
  };
  const picture = (requestId: string) =>
    server.call('auditor', 'GET', `/v1/cases/${requestId}/images/registered_face?purpose=audit`);

  it('is taken while people register and restored: the erased stay erased, all fits, registrations go on', async () => {
    const hanako = await server.caseWith(await register(await issued()), 'FaceImageConfirmed');
    const [ownerOfHanako] = [...server.keysOf('registrant').keys()] as [string];
    const taro = await server.caseWith(await register(await issued()), 'FaceImageConfirmed');

    let isTaken = false;
    const receipts: string[] = [];
    const registering = (async () => {
      while (!isTaken) receipts.push(await register(await issued()));
    })();
    await until('a registration beside it', () => (receipts.length > 0 ? true : null));
    const made = await honnin(['backup', copy(), '--keys', keys(), '--data', server.data]);
    isTaken = true;
    await registering;
    expect(made).toEqual({
      status: 0,
      out: expect.stringMatching(
        /\d+ events, \d+ entries of the signed log, as of .*; written and checked[^]*keep it on another disk/,
      ),
    });
    expect(filesUnder(copy()).filter((file) => /\.(key|secret)$|keys\.db|ring\.db/.test(file))).toEqual([]);
    for (const folder of [copy(), keys()]) {
      const open = [folder, ...filesUnder(folder)].filter((file) => (statSync(file).mode & 0o077) !== 0);
      expect(open).toEqual([]);
    }
    expect(filesUnder(join(server.data, 'vault')).filter((file) => file.includes('/vault/backup-'))).toEqual([]);
    // A person is erased afterwards: the copy does not know of it.
    await server.twoPeople('/v1/audit/erasures', { requestId: hanako, rule: 'request_of_the_person' });
    await until('the end of the key', () => (server.keysOf('registrant').has(ownerOfHanako) ? null : true));
    await server.end();
    expect(existsSync(join(copy(), 'vault', 'sealed', sealedFolderOf(ownerOfHanako)))).toBe(true);

    renameSync(server.data, at('lost'));
    const restore = ['restore', copy(), '--keys', keys(), '--erased', at('elsewhere/erased'), '--data', server.data];
    expect(await honnin([...restore, '--check'])).toEqual({
      status: 0,
      out: expect.stringMatching(/it can be restored/),
    });
    expect(existsSync(server.data)).toBe(false);
    const restored = await honnin(restore);
    expect(restored).toEqual({
      status: 0,
      out: expect.stringMatching(/1 people who were erased after the backup are erased again/),
    });
    expect(existsSync(join(server.data, 'vault', 'sealed', sealedFolderOf(ownerOfHanako)))).toBe(false);

    await server.start({ env: env() });
    booth = new BoothClient({
      baseUrl: server.url,
      boothId: 'booth-backup-01',
      key: boothKey,
      counter: new DurableCaptureCounter(at('booth')),
    });
    await until('the end of the key', () => (server.keysOf('registrant').has(ownerOfHanako) ? null : true));
    expect([404, 410]).toContain((await picture(hanako)).status);
    const others = await picture(taro);
    expect([others.status, (await others.arrayBuffer()).byteLength > 5_000]).toEqual([200, true]);
    await server.caseWith(await register(await issued()), 'GovernmentAccepted');
    await until('the cases that were open at that moment', async () =>
      (await openCases()).length === 0 ? true : null,
    ).catch(async (error: unknown) => expect([error, await openCases()]).toBeNull());
    await server.signedLog();
    expect(await honnin(['audit', 'fsck', '--data', server.data])).toEqual({
      status: 0,
      out: expect.stringMatching(/1 erased registrants?: all is right/),
    });
    expect(await server.call('auditor', 'GET', '/health/ready').then((answer) => answer.status)).toBe(200);
    await server.end();
  }, 600_000);

  it('takes the next keys in the place of the older ones: who was erased since is in no older backup', async () => {
    const erased = [...ownersIn(join(keys(), 'ring.db'))].filter(
      (owner) => !server.keysOf('registrant').has(owner) && owner.startsWith('registrant:'),
    );
    expect(erased.length).toBeGreaterThan(0);
    await makeBackup({ config: config(), target: at('second'), keys: keys() }, '2026-12-01T00:00:00.000Z');
    const now = ownersIn(join(keys(), 'ring.db'));
    for (const owner of erased) expect(now.has(owner)).toBe(false);
    const judged = await judgeBackup(placesOf(copy()));
    expect({ problems: judged.problems, found: judged.found.join('\n') }).toEqual({
      problems: [],
      found: expect.stringMatching(/newer than the backup: who was erased in between stays erased/),
    });
  }, 120_000);

  it.each([
    [
      'keys within the backup',
      () => ({ target: at('x'), keys: at('x/keys') }),
      /the keys must not lie within the backup/,
    ],
    [
      'keys within it by a link',
      () => {
        mkdirSync(at('y'), { recursive: true });
        symlinkSync(at('y'), at('link'));
        return { target: at('y'), keys: at('link/keys') };
      },
      /the keys must not lie within the backup/,
    ],
    [
      'a backup within the keys',
      () => ({ target: at('k/x'), keys: at('k') }),
      /the backup must not lie within the folder of the keys/,
    ],
    [
      'keys in the data folder',
      () => ({ target: at('x'), keys: join(server.data, 'keys') }),
      /the keys must not lie within the data folder/,
    ],
    [
      'a folder that holds something',
      () => ({ target: copy(), keys: keys() }),
      /is not empty: a backup goes into a folder of its own/,
    ],
  ] as const)('refuses %s', async (_, places, words) => {
    await expect(makeBackup({ config: config(), ...places() }, '2026-12-01T00:00:00.000Z')).rejects.toThrow(words);
    expect(readManifest(copy()).format).toBe(1);
  });

  it('waits for no other, and lets a second one at the same moment go', async () => {
    const lock = WriterLock.acquire(join(server.data, 'backup'));
    await expect(
      makeBackup({ config: config(), target: at('third'), keys: keys() }, '2026-12-01T00:00:00.000Z'),
    ).rejects.toThrow(/another backup of this data folder is being made/);
    lock.release();
    expect(existsSync(at('third'))).toBe(false);
  });

  it('that was killed is told as unfinished, and is never taken for one', async () => {
    const target = at('killed');
    const { status } = await honnin(['backup', target, '--keys', keys(), '--data', server.data], {
      killWhen: () => existsSync(join(target, 'events.db')),
    });
    expect(status).toBe(null);
    await expect(judgeBackup(placesOf(target))).rejects.toThrow(
      /is an unfinished backup, begun at 2\S+: it was interrupted, or still runs/,
    );
    await expect(makeBackup({ config: config(), target, keys: keys() }, '2026-12-01T00:00:00.000Z')).rejects.toThrow(
      /is not finished/,
    );
    // What it held on to in the vault is gone with the next one.
    await makeBackup({ config: config(), target: at('after'), keys: keys() }, '2026-12-01T00:00:00.000Z');
    expect(filesUnder(join(server.data, 'vault')).filter((file) => file.includes('/vault/backup-'))).toEqual([]);
  }, 120_000);

  itUnless(
    built('cli/main.js') ?? elsewhere(noSmallDisk()),
    'leaves nothing on a disk that is full',
    async () => {
      mkdirSync(at('small'));
      expect(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=300k', 'tmpfs', at('small')]).status).toBe(0);
      try {
        const ended = await honnin(['backup', at('small/copy'), '--keys', keys(), '--data', server.data]);
        expect(ended).toEqual({ status: 1, out: expect.stringMatching(/honnin backup: .*\nno backup was made/) });
        expect(filesUnder(at('small'))).toEqual([]);
      } finally {
        spawnSync('umount', [at('small')]);
      }
      expect((await judgeBackup(placesOf(copy()))).problems).toEqual([]);
    },
    120_000,
  );

  it.each([
    [
      'a changed byte',
      (dir: string) => flip(join(dir, 'audit', 'checkpoint')),
      /audit\/checkpoint is not as it was written/,
    ],
    ['a changed event log', (dir: string) => flip(join(dir, 'events.db')), /events\.db is not as it was written/],
    ['a lost picture', (dir: string) => rmSync(filesUnder(join(dir, 'vault'))[0] as string), /\.sealed is missing/],
    [
      'a file that was added',
      (dir: string) => writeFileSync(join(dir, 'audit', 'more'), 'x'),
      /was not part of the backup/,
    ],
    ['a changed list of digests', (dir: string) => flip(join(dir, 'digests')), /digests is missing or was changed/],
  ] as const)(
    'with %s is called wrong, and is not restored',
    async (_, change, words) => {
      const dir = at('changed');
      cpSync(copy(), dir, { recursive: true });
      change(dir);
      expect((await judgeBackup(placesOf(dir))).problems.join('\n')).toMatch(words);
      rmSync(dir, { recursive: true });
    },
    60_000,
  );

  it.each([
    ['without the master key', (dir: string) => rmSync(join(dir, 'master.key')), /master\.key is missing/],
    [
      'with another master key',
      (dir: string) => writeFileSync(join(dir, 'master.key'), Buffer.alloc(32, 1)),
      /master\.key is not the one of this installation/,
    ],
    [
      'without the key of the signed log',
      (dir: string) => rmSync(join(dir, 'audit'), { recursive: true }),
      /log-1\.key is missing/,
    ],
    ['without the keys of people', (dir: string) => rmSync(join(dir, 'ring.db')), /ring\.db is missing/],
  ] as const)(
    '%s is called wrong',
    async (_, change, words) => {
      const dir = at('changed-keys');
      cpSync(keys(), dir, { recursive: true });
      change(dir);
      expect((await judgeBackup({ ...placesOf(copy()), keys: dir })).problems.join('\n')).toMatch(words);
      rmSync(dir, { recursive: true });
    },
    60_000,
  );

  it('goes into an empty data folder only, and one that was interrupted is not started', async () => {
    const into = at('occupied');
    mkdirSync(into);
    writeFileSync(join(into, 'something'), '');
    const refused = await honnin(['restore', copy(), '--keys', keys(), '--data', into]);
    expect(refused).toEqual({
      status: 1,
      out: expect.stringMatching(/is not empty: a backup is restored into an empty data folder/),
    });
    expect(filesUnder(into)).toEqual([join(into, 'something')]);
    const half = at('half');
    const killed = await honnin(['restore', copy(), '--keys', keys(), '--data', half], {
      killWhen: () => existsSync(join(half, 'restore.unfinished')),
    });
    expect(killed.status).toBe(null);
    renameSync(server.data, at('whole'));
    renameSync(half, server.data);
    await expect(server.start({ env: env() })).rejects.toThrow(
      /restoring a backup into .* was interrupted: restore it again/,
    );
  }, 120_000);

  it('whose restoring was cut short anywhere is restored by doing it again', async () => {
    const data = at('dying');
    const died = await dieAtEachStep({
      what: 'restore',
      data,
      makeData: () => {},
      needs: {
        places: { target: copy(), keys: keys(), erased: [at('elsewhere/erased')], copies: [] },
        env: { HONNIN_DATA: data, ...env() },
      },
      always: /^rm\w* restore\.unfinished$|^cp\w* events\.db$/,
      look: async (step) => {
        const names = readdirSync(data).filter((name) => name !== 'events.db.lock');
        expect({ step, left: names.filter((name) => /unfinished/.test(name)) }).toEqual({ step, left: [] });
        expect(names).toEqual(expect.arrayContaining(['audit', 'audit.head', 'events.db', 'keys', 'vault']));
      },
    });
    expect(died).toEqual(expect.arrayContaining(['cpSync events.db', 'rmSync restore.unfinished']));
  }, 300_000);

  /** @fault O17 */
  it('that is older than what was signed is restored and not served: the words name the way out', async () => {
    const newest = at('lost/audit.head');
    const data = at('behind');
    const restored = await honnin(['restore', copy(), '--keys', keys(), '--copies', newest, '--data', data]);
    expect(restored).toEqual({
      status: 2,
      out: expect.stringMatching(/the log had signed \d+ entries, .*honnin recover/),
    });
    const started = await ServerStart.of(data);
    try {
      const { status, parts } = await started.ready();
      const words = /events were lost; restore the newest copy of it, .*\.\/honnin recover/;
      expect([status, parts['intake']]).toEqual([503, { ok: false, detail: expect.stringMatching(words) }]);
      expect((await started.challenge()).status).toBe(503);
    } finally {
      await started.end();
    }
    expect(await honnin(['recover', '--data', data])).toEqual({
      status: 2,
      out: expect.stringMatching(/LOST {2}\d+ entries/),
    });
    expect(readFileSync(join(data, 'audit.head'), 'utf8')).toBe(readFileSync(newest, 'utf8'));
  }, 240_000);

  const placesOf = (target: string): RestorePlaces => ({ target, keys: keys(), erased: [], copies: [] });
});

function ownersIn(file: string): Set<string> {
  const ring = KeyRing.hold(file);
  const owners = new Set(ring.allOwnersAfter('', 10_000));
  ring.release();
  return owners;
}

function flip(file: string): void {
  const bytes = readFileSync(file);
  const place = Math.floor(bytes.length / 2);
  bytes[place] = (bytes[place] as number) ^ 1;
  writeFileSync(file, bytes);
}
