import { cpSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { BoothClient } from '../../src/booth/booth-client.js';
import { generateBoothKey } from '../../src/booth/booth-key.js';
import { DurableCaptureCounter } from '../../src/booth/capture-counter.js';
import { DEMO_STORIES, loadCardPhoto, loadDemoFace } from '../../src/sandbox/card/demo-faces.js';
import { sandboxSettings } from '../../src/sandbox/sandbox.js';
import { readLoss } from '../../src/domain/audit/log/loss-declaration.js';
import { isSignedEd25519, sha256 } from '../../src/infrastructure/audit/digest.js';
import { LogKeys } from '../../src/infrastructure/audit/log-keys.js';
import { Config } from '../../src/infrastructure/settings/config.js';
import { Foundation } from '../../src/infrastructure/installation/foundation.js';
import { AS_OPERATOR } from '../support/operator.js';
import { built } from '../support/peers.js';
import { RealServer } from '../support/real-server.js';
import { honnin, type Ended } from '../support/run-honnin.js';
import { describeUnless } from '../support/unless.js';
import { dieAtEachStep } from './dying-steps.js';

const ORIGIN = 'recover.example/log';
const NEXT = 'recover.example/log-2';

/** @fault O17 O18 */
describeUnless(built('cli/main.js'), 'a loss that no copy can mend', () => {
  let server: RealServer;
  let booth: BoothClient;
  let boothKey: ReturnType<typeof generateBoothKey>;
  let kept: string;
  let lost: string;
  let lossId: string;
  const at = (name: string) => server.at(name);
  const env = (origin = ORIGIN) => ({
    HONNIN_AUDIT_ORIGIN: origin,
    HONNIN_AUDIT_COPY_FOLDER: at('worm'),
    HONNIN_AUDIT_COPY_SECONDS: '1',
  });
  const sizeNow = () => Number(readFileSync(join(server.data, 'audit', 'checkpoint'), 'utf8').split('\n')[1]);
  /** Entries of the checkpoints outside. The server hands over the newest one when it stops. */
  const sizesCopied = () =>
    readdirSync(at('worm')).map((name) => Number(readFileSync(join(at('worm'), name), 'utf8').split('\n')[1]));

  beforeAll(async () => {
    server = await RealServer.beside('recover', ['auditor']);
    await server.start({ env: env() });
    boothKey = generateBoothKey();
    await server.enrol('booth-recover-01', boothKey.publicKeySpki);
    connect();
  }, 180_000);
  afterAll(() => server?.close(), 180_000);

  const connect = () => {
    booth = new BoothClient({
      baseUrl: server.url,
      boothId: 'booth-recover-01',
      key: boothKey,
      counter: new DurableCaptureCounter(at('booth')),
    });
  };
  const register = async (): Promise<string> => {
    const card = await server.sandbox.jpki.issueCard({ faceImage: await loadCardPhoto(DEMO_STORIES.samePerson.card) });
    const { authenticationPin: pin, accessNumber } = card.secrets;
    const photo = await loadDemoFace(DEMO_STORIES.samePerson.captured);
    const received = await booth.register({
      card: card.connect(),
      pin,
      accessNumber,
      photo,
      consent: { textVersion: '2026-11', keepReferenceImage: true },
    });
    await server.caseWith(received.receipt, 'FaceImageConfirmed');
    writeFileSync(at(`${received.receipt}.json`), JSON.stringify(received));
    return received.receipt;
  };
  const token = async (user: string): Promise<string> => {
    writeFileSync(at(`${user}.token`), await server.sandbox.tokens.signIn(user));
    return at(`${user}.token`);
  };
  const recover = (...args: string[]): Promise<Ended> =>
    honnin(['recover', '--data', server.data, ...args], { env: { ...sandboxSettings(server.sandbox), ...env() } });

  it('closes the door, and the words name the way out', async () => {
    kept = await register();
    await server.signedLog();
    const printed = await honnin(['audit', 'key', '--data', server.data, '--out', at('log.vkey')], { env: env() });
    expect(printed.status).toBe(0);
    await server.end();
    cpSync(join(server.data, 'events.db'), at('older.db'));
    await server.start({ env: env() });
    connect();
    lost = await register();
    await server.signedLog();
    await server.end();
    expect(Math.max(...sizesCopied())).toBe(sizeNow());

    for (const end of ['', '-wal', '-shm']) rmSync(join(server.data, `events.db${end}`), { force: true });
    cpSync(at('older.db'), join(server.data, 'events.db'));
    await server.start({ env: env() });
    const ready = await fetch(`${server.url}/health/ready`, AS_OPERATOR);
    const { parts } = (await ready.json()) as { parts: Record<string, { ok: boolean; detail: string }> };
    expect([ready.status, parts['intake']]).toEqual([
      503,
      { ok: false, detail: expect.stringMatching(/events were lost; .*\.\/honnin recover/) },
    ]);
    const challenge = await fetch(`${server.url}/v1/challenges`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ boothId: 'booth-recover-01' }),
    });
    expect(challenge.status).toBe(503);
    expect(await recover()).toEqual({
      status: 1,
      out: expect.stringMatching(/a server works in this data folder .* stop it first/),
    });
    await server.end();
  }, 300_000);

  it('is stated, with the receipts that are gone', async () => {
    writeFileSync(at('receipts.txt'), `${kept}\n${lost}\n`);
    writeFileSync(
      at('published.jsonl'),
      `${JSON.stringify({ id: '00000000-0000-5000-8000-000000000000', type: 'x' })}\n`,
    );
    const { status, out } = await recover(
      '--have',
      at('receipts.txt'),
      '--have',
      at('published.jsonl'),
      '--gone',
      at('gone.txt'),
    );
    expect({ status, out }).toEqual({
      status: 2,
      out: expect.stringMatching(
        /LOST {2}\d+ entries that were signed: the log would go on from its first \d+\n2 of 3 receipts/,
      ),
    });
    expect(readFileSync(at('gone.txt'), 'utf8')).toBe(`${lost}\n00000000-0000-5000-8000-000000000000\n`);
  }, 60_000);

  const proposal = async (user: string, ...more: string[]) => proposalOf(NEXT, user, ...more);
  const proposalOf = async (origin: string, user: string, ...more: string[]) =>
    recover(
      '--propose',
      '--origin',
      origin,
      '--reason',
      'storage_failed',
      '--reference',
      'INC-7',
      '--token-file',
      await token(user),
      ...more,
    );

  it('needs two administrators, who are known', async () => {
    expect(
      await recover('--propose', '--origin', NEXT, '--reason', 'storage_failed', '--reference', 'INC-7'),
    ).toMatchObject({ status: 1, out: expect.stringMatching(/who are you\?/) });
    expect(await proposal('auditor')).toMatchObject({ status: 1, out: expect.stringMatching(/is no administrator/) });
    writeFileSync(at('forged.token'), `${readFileSync(await token('administrator'), 'utf8').slice(0, -8)}AAAAAAAA`);
    expect(
      await recover(
        '--propose',
        '--origin',
        NEXT,
        '--reason',
        'storage_failed',
        '--reference',
        'INC-7',
        '--token-file',
        at('forged.token'),
      ),
    ).toMatchObject({ status: 1, out: expect.stringMatching(/the token is not valid/) });
    const proposed = await proposal('administrator', '--have', at('receipts.txt'));
    expect(proposed.status).toBe(0);
    const [, id] = /proposed by \S+: (\S+)/.exec(proposed.out) as unknown as [string, string];
    expect(await recover('--accept', id, '--token-file', await token('administrator'))).toMatchObject({
      status: 1,
      out: expect.stringMatching(/has proposed it: another administrator must accept/),
    });
    expect(await recover('--accept', '00000000', '--token-file', await token('administrator-b'))).toMatchObject({
      status: 1,
      out: expect.stringMatching(/there is no proposal 00000000; the newest is /),
    });
    cpSync(server.data, at('proposed'), { recursive: true });
    lossId = id;
    const accepted = await recover('--accept', id, '--token-file', await token('administrator-b'));
    expect(accepted).toEqual({
      status: 0,
      out: expect.stringMatching(
        /accepted by \S+: the signed log goes on as recover\.example\/log-2 from its first \d+ entries[^]*set HONNIN_AUDIT_ORIGIN=recover\.example\/log-2/,
      ),
    });
    // Accepting again, as after a crash, changes nothing.
    const note = readFileSync(join(server.data, 'audit', 'checkpoint'), 'utf8');
    expect((await recover('--accept', id, '--token-file', await token('administrator-b'))).status).toBe(0);
    expect(readFileSync(join(server.data, 'audit', 'checkpoint'), 'utf8')).toBe(note);
  }, 120_000);

  it('that was cut short anywhere ends well when it is accepted again, and lets nothing start before', async () => {
    const data = at('dying');
    const needs = {
      lossId,
      by: 'administrator-b',
      copies: readdirSync(at('worm')).map((name) => readFileSync(join(at('worm'), name), 'utf8')),
      env: { ...env(), HONNIN_DATA: data },
    };
    const died = await dieAtEachStep({
      what: 'recover',
      data,
      makeData: () => cpSync(at('proposed'), data, { recursive: true }),
      needs,
      always: /^rename\w* audit(\.recovering)?$|^rm\w* (recover\.unfinished|readmodel\.db)$/,
      look: async (step) => {
        const checkpoint = readFileSync(join(data, 'audit', 'checkpoint'), 'utf8');
        expect({ step, origin: checkpoint.split('\n')[0] }).toEqual({ step, origin: NEXT });
        expect(readdirSync(data).filter((name) => /recovering|unfinished|readmodel/.test(name))).toEqual([]);
        expect(readdirSync(data).filter((name) => name.startsWith('audit.lost-'))).toHaveLength(1);
      },
    });
    expect(died).toEqual(expect.arrayContaining(['renameSync audit', 'renameSync audit.recovering']));
    // Before the end of it nothing starts, and the words say how it ends.
    const half = Config.from({ HONNIN_DATA: data, HONNIN_AUDIT_ORIGIN: NEXT });
    writeFileSync(join(data, 'recover.unfinished'), `${lossId}\n`);
    await expect(Foundation.open(half)).rejects.toThrow(`interrupted: './honnin recover --accept ${lossId}`);
    renameSync(join(data, 'audit'), join(data, 'audit.recovering'));
    const told = await honnin(['recover', '--data', data], { env: env() });
    expect(told).toEqual({ status: 1, out: expect.stringContaining(`recover --accept ${lossId}`) });
  }, 300_000);

  it('lets the server go on under the new name only, and is declared to everybody', async () => {
    await expect(server.start({ env: env() })).rejects.toThrow(
      /HONNIN_AUDIT_ORIGIN is recover\.example\/log and the signed log is recover\.example\/log-2/,
    );
    await server.start({ env: env(NEXT) });
    connect();
    await register();
    await server.signedLog();
    expect((await fetch(`${server.url}/health/ready`, AS_OPERATOR)).status).toBe(200);
    expect(await honnin(['audit', 'fsck', '--data', server.data], { env: env(NEXT) })).toEqual({
      status: 0,
      out: expect.stringMatching(/all is right/),
    });

    const withOld = ['--key', at('log.vkey')];
    const compared = await honnin(['audit', 'compare', '--server', server.url, '--copies', at('worm'), ...withOld]);
    expect(compared).toEqual({
      status: 2,
      out: expect.stringMatching(
        /LOSS {7}loss declared: recover\.example\/log had signed \d+ entries[^]*nothing else is wrong/,
      ),
    });
    expect(compared.out).not.toMatch(/WRONG|FORK/);
    // Who kept a checkpoint from before the loss gets a proof that it is in what is left.
    const sizeOf = (name: string) => Number(readFileSync(join(at('worm'), name), 'utf8').split('\n')[1]);
    const [early] = readdirSync(at('worm')).toSorted((a, b) => sizeOf(a) - sizeOf(b)) as [string];
    const exported = await honnin([
      'audit',
      'export',
      '--known',
      join(at('worm'), early),
      '--from',
      '0',
      '--list',
      'requests',
      '--server',
      server.url,
      '--token',
      readFileSync(await token('auditor'), 'utf8'),
      '--out',
      at('all.honnin'),
    ]);
    expect(exported.out).toMatch(/bytes/);
    const verified = await honnin([
      'audit',
      'verify',
      at('all.honnin'),
      ...withOld,
      '--known',
      join(at('worm'), early),
    ]);
    expect(verified).toEqual({
      status: 2,
      out: expect.stringMatching(/loss declared: recover\.example\/log had signed .*loss_declared/),
    });
    expect(verified.out).toMatch(/agrees with 1 checkpoints/);
    expect(verified.out).not.toMatch(/WRONG/);

    // Promises of before: what was kept is shown, and what is gone is told with the reason.
    writeFileSync(at('keys.json'), await (await fetch(`${server.url}/v1/audit/keys`)).text());
    const proof = await fetch(`${server.url}/v1/registrations/${kept}/proof`);
    writeFileSync(at('proof.json'), await proof.text());
    expect((await fetch(`${server.url}/v1/registrations/${lost}/proof`)).status).toBe(404);
    for (const [receipt, more, shown] of [
      [kept, 'proof.json', /in the log of \d+ entries/],
      [lost, 'keys.json', /not shown to be in the log/],
    ] as const) {
      const judged = await honnin(['audit', 'verify-receipt', at(`${receipt}.json`), at(more), ...withOld]);
      expect(judged).toEqual({
        status: 2,
        out: expect.stringMatching(/loss declared: recover\.example\/log had signed/),
      });
      expect(judged.out).toMatch(shown);
      expect(judged.out).not.toMatch(/WRONG/);
    }
    await server.end();
  }, 300_000);

  it('can be followed by one that keeps less, which is declared too', async () => {
    // What an older copy than the one of the first time has: as much as an early checkpoint covers.
    const sizes = readdirSync(at('worm'))
      .map((name) => readFileSync(join(at('worm'), name), 'utf8').split('\n'))
      .flatMap(([origin, size]) => (origin === ORIGIN ? [Number(size)] : []))
      .toSorted((a, b) => a - b);
    const [first] = LogKeys.published(join(server.data, 'audit')).losses();
    const { kept: keptFirst } = readLoss(first!, { hash: sha256, isSigned: isSignedEd25519 })!;
    const left = sizes.find((size) => size < keptFirst.size)!;
    const events = new DatabaseSync(join(server.data, 'events.db'));
    events.exec(`DELETE FROM events WHERE position > ${left};
      DELETE FROM streams WHERE no NOT IN (SELECT stream_no FROM events);`);
    events.close();

    const found = await recover();
    expect(found).toEqual({ status: 2, out: expect.stringMatching(new RegExp(`go on from its first ${left}\\b`)) });
    const proposed = await proposalOf('recover.example/log-3', 'administrator');
    expect(proposed.status).toBe(0);
    const [, id] = /proposed by \S+: (\S+)/.exec(proposed.out) as unknown as [string, string];
    const accepted = await recover('--accept', id, '--token-file', await token('administrator-b'));
    expect(accepted.status).toBe(0);
    expect(accepted.out).toMatch(new RegExp(`goes on as recover\\.example/log-3 from its first ${left} entries`));

    await server.start({ env: env('recover.example/log-3') });
    // That booths were enrolled is gone too.
    await server.enrol('booth-recover-01', boothKey.publicKeySpki);
    connect();
    await register();
    await server.signedLog();
    const fsck = await honnin(['audit', 'fsck', '--data', server.data], { env: env('recover.example/log-3') });
    expect(fsck).toEqual({ status: 0, out: expect.stringMatching(/all is right/) });
    const withOld = ['--key', at('log.vkey')];
    const compared = await honnin(['audit', 'compare', '--server', server.url, '--copies', at('worm'), ...withOld]);
    expect(compared.status).toBe(2);
    expect(compared.out).toMatch(/loss declared: recover\.example\/log had signed/);
    expect(compared.out).toMatch(/loss declared: recover\.example\/log-2 had signed/);
    expect(compared.out).not.toMatch(/WRONG|FORK/);
    const auditor = readFileSync(await token('auditor'), 'utf8');
    const options = ['--from', '0', '--list', 'requests', '--server', server.url, '--token', auditor];
    expect((await honnin(['audit', 'export', ...options, '--out', at('third.honnin')])).status).toBe(0);
    const verified = await honnin(['audit', 'verify', at('third.honnin'), ...withOld]);
    expect(verified).toEqual({
      status: 2,
      out: expect.stringMatching(/log-2 had signed[^]*log had signed .* of these a later loss left the first \d+ /),
    });
    expect(verified.out).not.toMatch(/WRONG/);
    await server.end();
  }, 300_000);
});
