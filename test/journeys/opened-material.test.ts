import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CASE_BLOBS, caseOwner } from '../../src/application/case/case-material.js';
import type { VaultOwner } from '../../src/application/ports/registrant/image-vault.js';
import { BoothClient } from '../../src/booth/booth-client.js';
import { generateBoothKey } from '../../src/booth/booth-key.js';
import { DurableCaptureCounter } from '../../src/booth/capture-counter.js';
import type { RegistrationMode } from '../../src/domain/booth/capture-envelope.js';
import { EncryptedImageVault } from '../../src/infrastructure/vault/encrypted-image-vault.js';
import { keyFile } from '../../src/infrastructure/settings/key-files.js';
import { KeyRing } from '../../src/infrastructure/vault/key-ring.js';
import { DEMO_STORIES, loadCardPhoto, loadDemoFace } from '../../src/sandbox/card/demo-faces.js';
import { RealServer, until } from '../support/real-server.js';

const WHY = { reason: 'tampering_suspected', reference: 'INC-2026-0117' };
/** Tried often, so that a case that waits goes on soon. */
const RETRY = { firstDelaySeconds: 1, delaySecondsMax: 2, attemptsMax: 1_000 };

type Event = { readonly type: string; readonly data: Readonly<Record<string, unknown>> };
interface Case {
  readonly requestId: string;
  readonly receipt: string;
}

/** Files and keys of the vault exchanged under a real server, at each stage of a case. @req R5 R9 R34 */
describe('material that is not what was received', () => {
  let server: RealServer;
  let booth: BoothClient;
  let photo: Uint8Array;
  let cardPhoto: Uint8Array;
  const vaultFolder = () => join(server.data, 'vault', 'sealed');

  beforeAll(async () => {
    server = await RealServer.beside('opened', [
      'auditor',
      'administrator',
      'administrator-b',
      'officer-a',
      'officer-b',
    ]);
    await server.start();
    const key = generateBoothKey();
    const enrolment = { boothId: 'booth-opened-01', publicKey: key.publicKeySpki };
    await server.enrol(enrolment.boothId, enrolment.publicKey);
    const counter = new DurableCaptureCounter(server.at('booth'));
    booth = new BoothClient({ baseUrl: server.url, boothId: enrolment.boothId, key, counter });
    [photo, cardPhoto] = [
      await loadDemoFace(DEMO_STORIES.samePerson.captured),
      await loadCardPhoto(DEMO_STORIES.samePerson.card),
    ];
    // Everybody is held, so that a case waits for officers before it goes anywhere.
    const { versions } = await json<{ versions: { values: object }[] }>(
      await server.call('auditor', 'GET', '/v1/policies'),
    );
    const held = { cardMatchPointsMin: 10_000, referralPointsMin: 1, holdInReferralBand: true, retry: RETRY };
    expect(
      (await server.call('administrator', 'POST', '/v1/policies', { ...versions[0]!.values, ...held })).status,
    ).toBe(201);
    expect((await server.call('administrator-b', 'POST', '/v1/policies/2/approval')).status).toBe(200);
    expect((await server.call('administrator-b', 'POST', '/v1/policies/2/activation')).status).toBe(200);
  }, 90_000);
  afterAll(() => server.close(), 30_000);

  const json = async <T>(answer: Response): Promise<T> => (await answer.json()) as T;

  async function register(waitFor: string, mode: RegistrationMode = 'GOVERNMENT_SUBMISSION'): Promise<Case> {
    const card = await server.sandbox.jpki.issueCard({ faceImage: cardPhoto });
    const { authenticationPin: pin, accessNumber } = card.secrets;
    const consent = { textVersion: '2026-11', keepReferenceImage: true };
    const { receipt } = await booth.register({ card: card.connect(), pin, accessNumber, photo, consent, mode });
    return { receipt, requestId: await server.caseWith(receipt, waitFor) };
  }

  function fileOf(owner: VaultOwner, blobId: string): string {
    const name = createHash('sha256').update(owner).digest('hex');
    return join(
      vaultFolder(),
      name.slice(0, 2),
      name.slice(2, 42),
      `${createHash('sha256').update(blobId).digest('hex').slice(0, 40)}.sealed`,
    );
  }

  const photoOf = ({ requestId }: Case) => fileOf(caseOwner(requestId), CASE_BLOBS.photo);

  /** As whoever has the keys could do it: sealed well, and something else. */
  async function sealInstead({ requestId }: Case, bytes: Uint8Array): Promise<void> {
    const ring = new KeyRing(
      join(server.data, 'vault', 'keys.db'),
      keyFile(join(server.data, 'keys', 'master.key'), { create: false }),
    );
    const vault = new EncryptedImageVault(vaultFolder(), ring);
    await vault.remove(caseOwner(requestId), CASE_BLOBS.photo);
    await vault.seal(caseOwner(requestId), CASE_BLOBS.photo, bytes);
    ring.close();
  }

  function flip(file: string): void {
    const bytes = readFileSync(file);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 1;
    writeFileSync(file, bytes);
  }

  function inKeys<T>(work: (db: DatabaseSync) => T): T {
    const db = new DatabaseSync(join(server.data, 'vault', 'keys.db'), { timeout: 5_000 });
    try {
      return work(db);
    } finally {
      db.close();
    }
  }

  const hasKey = ({ requestId }: Case) =>
    inKeys((db) => db.prepare('SELECT 1 FROM data_key WHERE owner = ?').get(caseOwner(requestId)) !== undefined);
  const exchangeKey = (each: Case, other: Case) =>
    inKeys((db) =>
      db
        .prepare('UPDATE data_key SET wrapped = (SELECT wrapped FROM data_key WHERE owner = ?) WHERE owner = ?')
        .run(caseOwner(other.requestId), caseOwner(each.requestId)),
    );

  const history = async ({ requestId }: Case) =>
    (await json<{ events: Event[] }>(await server.call('auditor', 'GET', `/v1/cases/${requestId}/history`))).events;
  const eventOf = (each: Case, type: string) =>
    until(`${type} of ${each.requestId}`, async () => (await history(each)).find((e) => e.type === type) ?? null);
  const statusOf = async ({ receipt }: Case) =>
    (await json<{ status: string }>(await fetch(`${server.url}/v1/registrations/${receipt}`))).status;
  const end = (each: Case, body = WHY) => server.call('administrator', 'POST', `/v1/cases/${each.requestId}/end`, body);
  const ready = async () =>
    json<{ status: string; parts: Record<string, { ok: boolean; detail: string }> }>(
      await server.asOperator('/health/ready'),
    );
  const fsck = () => server.honnin('audit', 'fsck', '--data', server.data).stdout;
  const metric = async (line: string) =>
    (await (await server.asOperator('/metrics')).text()).split('\n').find((each) => each.startsWith(line));
  const storedAtGovernment = () => server.sandbox.government.submissions.length;

  async function release(each: Case): Promise<void> {
    for (const officer of ['officer-a', 'officer-b']) {
      expect(
        (
          await server.call(officer, 'POST', `/v1/holds/${each.requestId}/opinions`, {
            opinion: 'release',
            reason: 'same_person',
          })
        ).status,
      ).toBe(200);
    }
    expect(
      (
        await server.call('officer-a', 'POST', `/v1/holds/${each.requestId}/resolution`, {
          outcome: 'released',
          reason: 'same_person',
        })
      ).status,
    ).toBe(200);
  }

  /** What holds of every case that stopped before its photograph went anywhere, until and after its end. */
  async function endsStopped(each: Case): Promise<void> {
    expect(await statusOf(each)).toMatch(/^(received|processing)$/);
    expect((await end(each)).status).toBe(204);
    await until('visit_again', async () => ((await statusOf(each)) === 'visit_again' ? true : null));
    await until('the end of the key', () => (hasKey(each) ? null : true));
    expect((await end(each)).status).toBe(204);
    expect(await json(await end(each, { ...WHY, reference: 'INC-2' }))).toMatchObject({ code: 'wrong_stage' });
    const ends = (await history(each)).filter((e) => e.type === 'RequestEndedByOperator').map((e) => e.data);
    expect(ends).toEqual([
      { cause: expect.any(String), stuckEffectId: null, ...WHY, by: expect.any(String), earlierOutcome: null },
    ]);
  }

  const differed = (material: string, difference: string, foundAt: string) => ({
    type: 'MaterialDiffered',
    data: { material, difference, foundAt, submission: 'not_attempted' },
  });

  it('before the certificate check and before the faces: every case stops, and nothing of it goes on', async () => {
    const { jpki } = server.sandbox;
    jpki.ocspFaults.always('drop');
    jpki.crlFaults.always('drop');
    const wait = () => register('CertificateCheckDeferred');
    const [swapped, exchanged, flipped] = [await wait(), await wait(), await wait()];
    const [gone, rekeyed, healthy] = [await wait(), await wait(), await wait()];
    expect(await ready()).toMatchObject({ status: 'ok', parts: { cases: { ok: true } } });
    expect(await json(await end(healthy))).toMatchObject({ code: 'case_can_go_on', status: 409 });

    copyFileSync(photoOf(healthy), photoOf(swapped));
    await sealInstead(exchanged, Buffer.concat([photo, Buffer.from([0])]));
    flip(fileOf(caseOwner(flipped.requestId), CASE_BLOBS.certificate));
    rmSync(fileOf(caseOwner(gone.requestId), CASE_BLOBS.signatures));
    exchangeKey(rekeyed, healthy);
    // Beside the running server, before anything was opened: each part that is wrong is named.
    const named = fsck();
    for (const each of [swapped, exchanged, flipped, gone, rekeyed]) expect(named).toContain(each.requestId);
    expect(named).not.toContain(healthy.requestId);
    const differences = [
      'photo is not what was received (undecryptable)',
      'photo is not what was received (other_bytes)',
      'certificate is not what was received (undecryptable)',
      'signatures is gone',
      '(key)',
    ];
    for (const difference of differences) expect(named).toContain(difference);

    jpki.ocspFaults.always('none');
    jpki.crlFaults.always('none');
    expect(await eventOf(swapped, 'MaterialDiffered')).toMatchObject(
      differed('photo', 'undecryptable', 'face_comparison'),
    );
    expect(await eventOf(exchanged, 'MaterialDiffered')).toMatchObject(
      differed('photo', 'other_bytes', 'face_comparison'),
    );
    expect(await eventOf(flipped, 'MaterialDiffered')).toMatchObject(
      differed('certificate', 'undecryptable', 'certificate_check'),
    );
    expect(await eventOf(rekeyed, 'MaterialDiffered')).toMatchObject({
      type: 'MaterialDiffered',
      data: { difference: 'key', foundAt: 'certificate_check' },
    });
    expect(await eventOf(gone, 'MaterialMissing')).toMatchObject({
      type: 'MaterialMissing',
      data: { material: 'signatures', foundAt: 'certificate_check' },
    });
    await eventOf(healthy, 'HoldOpened');

    const degraded = await until('degraded', async () => ((r) => (r.status === 'degraded' ? r : null))(await ready()));
    expect(degraded.parts['cases']).toEqual({
      ok: false,
      detail: expect.stringMatching(/^material of 4 is not .*; material of 1 is gone/),
    });
    expect(await metric('honnin_cases_stopped{cause="material_differed"}')).toMatch(/ 4$/);
    for (const each of [swapped, exchanged, flipped, gone, rekeyed]) {
      // Nothing is tried again.
      expect((await history(each)).some((e) => e.type === 'EffectFailed' || e.type === 'EffectStuck')).toBe(false);
      await endsStopped(each);
    }
    expect(server.asAuditor('audit', 'why', '--registration', swapped.requestId, '--lang', 'en').stdout).toMatch(
      /is not what was received[^]*The holder is asked to come again/,
    );
    expect(server.asAuditor('audit', 'why', '--registration', swapped.requestId, '--lang', 'ja').stdout).toMatch(
      /受け付けたものと異なる[^]*もう一度来てもらう/,
    );
    await until('ok again', async () => ((await ready()).status === 'ok' ? true : null));
    expect(fsck()).toContain('all is right');
    expect(server.sandbox.government.history).toEqual([]);
  }, 150_000);

  it('at the look of an officer, before the submission and before the image is kept: nothing is shown, sent or kept', async () => {
    const [looked, sent] = [await register('HoldOpened'), await register('HoldOpened')];
    const [kept, good] = [await register('HoldOpened', 'REGISTRY_ONLY'), await register('HoldOpened')];
    const before = storedAtGovernment();

    flip(photoOf(looked));
    const look = await server.call(
      'officer-a',
      'GET',
      `/v1/cases/${looked.requestId}/images/photo?purpose=hold_review`,
    );
    expect([look.status, (await json<{ code: string }>(look)).code]).toEqual([409, 'material_differs']);
    expect(await eventOf(looked, 'MaterialDiffered')).toMatchObject({ data: { material: 'photo', foundAt: 'view' } });
    await eventOf(looked, 'HoldClosed');
    const opinion = await server.call('officer-a', 'POST', `/v1/holds/${looked.requestId}/opinions`, {
      opinion: 'release',
      reason: 'same_person',
    });
    expect(await json(opinion)).toMatchObject({ code: 'hold_not_open' });

    await sealInstead(sent, Buffer.concat([photo, Buffer.from([1])]));
    rmSync(photoOf(kept));
    for (const each of [sent, kept, good]) await release(each);
    expect(await eventOf(sent, 'MaterialDiffered')).toMatchObject(differed('photo', 'other_bytes', 'submission'));
    expect(await eventOf(kept, 'MaterialMissing')).toMatchObject({
      data: { material: 'photo', foundAt: 'image_registration' },
    });
    await eventOf(good, 'GovernmentAccepted');
    expect(storedAtGovernment()).toBe(before + 1);
    expect(server.sandbox.government.submissions.at(-1)?.photoSha256).toBe(
      createHash('sha256').update(photo).digest('hex'),
    );
    for (const each of [looked, sent, kept]) {
      expect(
        (await history(each)).some((e) => e.type === 'SubmissionAttempted' || e.type === 'FaceImageRegistered'),
      ).toBe(false);
      expect(fsck()).toContain(each.requestId);
      await endsStopped(each);
    }
    await until('ok again', async () => ((await ready()).status === 'ok' ? true : null));
    expect(await json(await end(good))).toMatchObject({ code: 'wrong_stage' });
  }, 150_000);

  it('at the export of evidence: it is left out, and the case keeps the outcome that its holder was told', async () => {
    const done = await register('HoldOpened');
    await release(done);
    const { data } = await eventOf(done, 'CertificateVerified');
    await eventOf(done, 'FaceImageConfirmed');
    await until('the end of the case', () => (existsSync(photoOf(done)) ? null : true));
    const evidence = fileOf(`registrant:${String(data['subjectKey'])}`, String(data['sealedEvidenceId']));
    expect(existsSync(evidence)).toBe(true);
    flip(evidence);
    await server.signedLog();
    const exported = server.asAuditor(
      'audit',
      'export',
      '--registration',
      done.requestId,
      '--with-evidence',
      '--out',
      server.at('case.honnin'),
    );
    expect(exported.stdout).toMatch(/bytes/);
    expect(JSON.parse(readFileSync(server.at('case.honnin'), 'utf8').split('\n')[1] as string)).toMatchObject({
      evidence: {},
    });
    expect(await eventOf(done, 'MaterialDiffered')).toMatchObject({
      data: {
        material: 'certificate_evidence',
        difference: 'undecryptable',
        foundAt: 'export',
        submission: 'submitted',
      },
    });
    await until('degraded', async () => ((await ready()).status === 'degraded' ? true : null));
    expect(fsck()).toContain(`request ${done.requestId}: certificate evidence is not what was received`);
    expect((await end(done)).status).toBe(204);
    await until('ok again', async () => ((await ready()).status === 'ok' ? true : null));
    expect(await statusOf(done)).toBe('registered');
    expect((await eventOf(done, 'RequestEndedByOperator')).data).toMatchObject({ earlierOutcome: 'accepted' });
  }, 120_000);
});
