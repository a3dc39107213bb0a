import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { booths, registrants, registrations, type Aggregate } from '../../src/application/decisions/aggregates.js';
import { CASE_BLOBS, caseOwner, registrantOwner } from '../../src/application/case/case-material.js';
import { derivedId } from '../../src/application/decisions/ids.js';
import type { FaceComparisonRequest } from '../../src/application/ports/outside/face-comparer.js';
import { RegistrantGroup } from '../../src/application/case/registrant-group.js';
import { RegistrantErasure } from '../../src/application/audit/registrant-erasure.js';
import { PerformEffect } from '../../src/application/saga/perform-effect.js';
import { TransientFailure } from '../../src/application/subscriptions/subscription-handler.js';
import { captureEnvelopeText } from '../../src/domain/booth/capture-envelope.js';
import type { DomainEvent } from '../../src/domain/decider.js';
import { upcast } from '../../src/domain/event-registry.js';
import type { RegistrationEvent } from '../../src/domain/registration/registration.events.js';
import type { RegistrationCommand } from '../../src/domain/registration/registration.js';
import { EncryptedImageVault } from '../../src/infrastructure/vault/encrypted-image-vault.js';
import { KeyRing } from '../../src/infrastructure/vault/key-ring.js';
import { KnownCards } from '../support/known-cards.js';
import { ALGORITHM, policy, request, VALID } from '../support/registration-facts.js';
import { application } from './fixture.js';

const SENT = {
  photo: Buffer.from('a photograph'),
  certificate: Buffer.from('a certificate'),
  cardRecord: Buffer.from('a record'),
  cardIssuerCertificate: Buffer.from('an issuer'),
};
const BLOBS = ['photo', 'certificate', 'cardRecord', 'cardIssuerCertificate'] as const;
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const IMAGE = { imageId: 'image-before', requestId: 'before', capturedAtUtc: '2026-01-01T00:00:00.000Z', image: 'aa' };

/** A person is erased by an earlier case while a later one is worked on. On the real vault. @fault D2 */
describe('a registrant who is erased between certificate check and comparison', () => {
  let folder: string;
  let keys: KeyRing;
  let vault: EncryptedImageVault;
  let app: Awaited<ReturnType<typeof application>>;
  let performer: PerformEffect;
  const compared: FaceComparisonRequest[] = [];

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'honnin-erased-meanwhile-'));
    keys = new KeyRing(join(folder, 'keys.db'), Buffer.alloc(32, 7));
    vault = new EncryptedImageVault(join(folder, 'sealed'), keys);
    app = await application();
    compared.length = 0;
    const faces = {
      compare: async (what: FaceComparisonRequest) => {
        compared.push(what);
        const signals = {
          nearDuplicateOfCard: false,
          nearDuplicateOfRegistered: 'not_assessed',
          frames: 'not_assessed',
        };
        return {
          outcome: 'compared',
          cardPoints: 9_500,
          registeredPoints: what.registered ? 9_400 : null,
          algorithm: ALGORITHM,
          quality: {},
          signals,
        };
      },
    };
    const cardRecords = { faceImageOf: () => Buffer.from('the face of the card') };
    const nobody = {} as never;
    performer = new PerformEffect(
      app.aggregates,
      app.policies,
      app.clock,
      vault,
      nobody,
      cardRecords as never,
      faces as never,
      nobody,
      nobody,
      new RegistrantGroup(app.aggregates),
    );
    await received();
  });
  afterEach(() => {
    keys.close();
    rmSync(folder, { recursive: true });
  });

  let commands = 0;
  async function run<S, C, E extends DomainEvent>(
    aggregate: Aggregate<S, C, E>,
    id: string,
    command: C,
  ): Promise<void> {
    const commandId = derivedId('test', (commands += 1));
    const context = { commandId, actor: 'test', correlationId: id, causationId: id, policyVersion: 1 };
    expect(await app.aggregates.execute(aggregate, id, command, context)).toMatchObject({ outcome: 'decided' });
  }

  /** A person with a registered image comes again, and the certificate is verified. */
  async function received(): Promise<void> {
    const booth = generateKeyPairSync('ed25519');
    const publicKey = booth.publicKey.export({ format: 'der', type: 'spki' }).toString('base64');
    const plain = request({ requestId: 'r1' });
    const { boothId, counter, certificateType, mode, capturedAtUtc, consent } = plain;
    await run(booths, boothId, { type: 'EnrolBooth', boothId, publicKey, by: 'a' });
    const envelopeText = captureEnvelopeText({
      nonce: 'n',
      boothId,
      counter,
      certificateType,
      mode,
      capturedAtUtc,
      consent,
      photoSha256: sha256(SENT.photo),
      certificateSha256: sha256(SENT.certificate),
      cardRecordSha256: sha256(SENT.cardRecord),
      cardIssuerCertificateSha256: sha256(SENT.cardIssuerCertificate),
      framesSha256: [],
    });
    const boothSignature = sign(null, Buffer.from(envelopeText), booth.privateKey).toString('base64');
    const signed = Buffer.from(
      JSON.stringify({ envelopeText, boothSignature, cardSignature: 'aa', cardChallengeSignature: 'aa' }),
    );
    const sealed = await Promise.all(BLOBS.map((blob) => vault.seal(caseOwner('r1'), CASE_BLOBS[blob], SENT[blob])));
    const [photo, certificate, cardRecord, cardIssuerCertificate] = sealed as [string, string, string, string];
    const signatures = await vault.seal(caseOwner('r1'), CASE_BLOBS.signatures, signed);
    const material = { photo, certificate, cardRecord, cardIssuerCertificate, signatures };
    await run(registrations, 'r1', { type: 'ReceiveRequest', request: { ...plain, frames: null, material } });
    await run(registrants, 's1', { type: 'GiveConsent', textVersion: 'v', requestId: 'before' });
    const image = await vault.seal(registrantOwner('s1'), IMAGE.imageId, Buffer.from('the image of before'));
    await run(registrants, 's1', { type: 'RegisterImage', ...IMAGE, image });
    await run(registrants, 's1', { type: 'ConfirmImage', imageId: IMAGE.imageId });
    const verdict = { ...VALID, material: { certificate, cardRecord } } as Extract<
      RegistrationCommand,
      { type: 'RecordCertificateVerdict' }
    >['verdict'];
    const nowUtc = app.clock.nowUtc();
    await run(registrations, 'r1', { type: 'RecordCertificateVerdict', verdict, attempt: 1, policy: policy(), nowUtc });
  }

  const erase = () =>
    run(registrants, 's1', {
      type: 'EraseRegistrant',
      rule: 'request_of_the_person',
      by: 'a',
      tombstone: { days: 1, untilUtc: '2026-11-24T09:00:00.000Z' },
    });
  const events = async () => (await app.aggregates.load(registrations, 'r1')).stored as unknown as RegistrationEvent[];
  const job = { requestId: 'r1', effectId: derivedId('effect') };

  it('is compared with the registered image while nobody is erased', async () => {
    expect(await performer.perform(job, { effect: 'CompareFaces', attempt: 1 })).toBeNull();
    expect(compared[0]?.registered).not.toBeNull();
    expect((await events()).at(-1)).toMatchObject({ type: 'FaceMatched', data: { confirmation: 'confirmed' } });
  });

  it('is compared with nothing of before, and held; what was sealed under the key meanwhile goes', async () => {
    await erase();
    await vault.destroyOwner(registrantOwner('s1'));
    await vault.seal(registrantOwner('s1'), 'evidence-late', Buffer.from('the certificate of the later case'));
    expect(await performer.perform(job, { effect: 'CompareFaces', attempt: 1 })).toBeNull();
    expect(compared.map(({ registered }) => registered)).toEqual([null]);
    expect((await events()).slice(-2)).toMatchObject([
      {
        type: 'FaceMatched',
        data: { registered: { comparison: 'not_applicable', reason: 'erased' }, confirmation: 'on_hold' },
      },
      { type: 'Held', data: { reason: 'erased_before', registeredPoints: null, boundPoints: null } },
    ]);
    expect(keys.existingKey(registrantOwner('s1'))).toBeNull();
  });

  it('gets no image under the key that was erased, and nothing stays of the attempt', async () => {
    await erase();
    await vault.destroyOwner(registrantOwner('s1'));
    expect(await performer.perform(job, { effect: 'RegisterImage' })).toEqual({ code: 'registrant_erased' });
    expect(keys.existingKey(registrantOwner('s1'))).toBeNull();
    expect((await app.aggregates.load(registrants, 's1')).state.images.map(({ status }) => status)).toEqual([
      'withdrawn',
    ]);
  });

  it('leaves no key behind where the verdict was stored after the erasure was carried out, once the entry of it is made', async () => {
    let entries = 0;
    const erasure = new RegistrantErasure(
      app.aggregates,
      vault,
      { indexOf: () => (entries > 0 ? 0 : null) } as never,
      { caughtUpTo: async () => true, keysLinkedTo: () => [], requestsErasedBy: () => [] } as never,
      new KnownCards(),
    );
    const stored = async (type: string) =>
      (await app.store.readAll(null, { filter: { types: [type] }, limit: 10 })).events.map((event) => upcast(event));
    // The verdict before an erasure is the erasure's own business.
    await erasure.handle(await stored('CertificateVerified'));
    expect(keys.existingKey(registrantOwner('s1'))).not.toBeNull();
    await erase();
    const [verdict] = await stored('CertificateVerified');
    const [told] = await stored('RegistrantErased');
    if (!verdict || !told) throw new Error('something is missing');
    const late = { ...verdict, position: ((told.position as bigint) + 1n) as typeof verdict.position };
    await expect(erasure.handle([late])).rejects.toThrow(TransientFailure);
    expect(keys.existingKey(registrantOwner('s1'))).not.toBeNull();
    entries = 1;
    await erasure.handle([late]);
    expect(keys.existingKey(registrantOwner('s1'))).toBeNull();
  });
});
