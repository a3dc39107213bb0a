import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { booths } from '../../src/application/decisions/aggregates.js';
import { CASE_BLOBS, caseOwner, frameBlob } from '../../src/application/case/case-material.js';
import { BlobDiffersError } from '../../src/application/ports/registrant/image-vault.js';
import {
  assertSigned,
  ReceivedMaterial,
  SignedTextDiffersError,
} from '../../src/application/door/received-material.js';
import { captureEnvelopeText, type CaptureEnvelope } from '../../src/domain/booth/capture-envelope.js';
import type { BoothCommand } from '../../src/domain/booth/booth.js';
import type { ReceivedRequest } from '../../src/domain/registration/registration.events.js';
import { EncryptedImageVault } from '../../src/infrastructure/vault/encrypted-image-vault.js';
import { KeyRing } from '../../src/infrastructure/vault/key-ring.js';
import { request } from '../support/registration-facts.js';
import { application } from './fixture.js';

const SENT = {
  photo: Buffer.from('a photograph'),
  certificate: Buffer.from('a certificate'),
  cardRecord: Buffer.from('a record'),
  cardIssuerCertificate: Buffer.from('an issuer'),
};
const FRAMES = [Buffer.from('a frame'), Buffer.from('another frame')];
const BLOBS = ['photo', 'certificate', 'cardRecord', 'cardIssuerCertificate'] as const;
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** On the real vault, with a real booth's signature. @req R5 R10 */
describe('what a booth sent, opened again', () => {
  let folder: string;
  let keys: KeyRing;
  let vault: EncryptedImageVault;
  let app: Awaited<ReturnType<typeof application>>;
  let received: ReceivedMaterial;
  const booth = generateKeyPairSync('ed25519');

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'honnin-received-'));
    keys = new KeyRing(join(folder, 'keys.db'), Buffer.alloc(32, 7));
    vault = new EncryptedImageVault(join(folder, 'sealed'), keys);
    app = await application();
    received = ReceivedMaterial.of(vault, app.aggregates);
    await ofBooth({ type: 'EnrolBooth', boothId: 'booth-1', publicKey: publicKey(booth.publicKey), by: 'a' });
  });
  afterEach(() => {
    keys.close();
    rmSync(folder, { recursive: true });
  });

  const publicKey = (key: typeof booth.publicKey) => key.export({ format: 'der', type: 'spki' }).toString('base64');
  let commands = 0;
  const ofBooth = (command: BoothCommand) =>
    app.aggregates.execute(booths, 'booth-1', command, {
      commandId: `booth-${(commands += 1)}`,
      actor: 'officer:a',
      correlationId: 'booth-1',
      causationId: 'booth-1',
      policyVersion: null,
    });

  /** What the door would have sealed for an envelope that says something else than it should, or is signed by somebody
   * else. */
  async function seal({
    says = {},
    by = booth.privateKey,
    hasCommitment = true,
  }: {
    says?: Partial<CaptureEnvelope>;
    by?: typeof booth.privateKey;
    hasCommitment?: boolean;
  } = {}): Promise<ReceivedRequest> {
    const plain = request({ requestId: 'r1' });
    const { boothId, counter, certificateType, mode, capturedAtUtc, consent } = plain;
    const envelope: CaptureEnvelope = {
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
      framesSha256: FRAMES.map(sha256),
      ...says,
    };
    const envelopeText = captureEnvelopeText(envelope);
    const signatures = Buffer.from(
      JSON.stringify({
        envelopeText,
        boothSignature: sign(null, Buffer.from(envelopeText), by).toString('base64'),
        cardSignature: 'aa',
        cardChallengeSignature: 'aa',
      }),
    );
    const owner = caseOwner('r1');
    const [photo, certificate, cardRecord, cardIssuerCertificate] = (await Promise.all(
      BLOBS.map((blob) => vault.seal(owner, CASE_BLOBS[blob], SENT[blob])),
    )) as [string, string, string, string];
    const sealed = await vault.seal(owner, CASE_BLOBS.signatures, signatures);
    const material = await Promise.all(FRAMES.map((frame, i) => vault.seal(owner, frameBlob(i), frame)));
    return {
      ...plain,
      frames: { prompt: 'turn-left', material },
      material: { photo, certificate, cardRecord, cardIssuerCertificate, signatures: hasCommitment ? sealed : null },
    };
  }

  it.each([true, false])(
    'is given out when it is what was received and signed (commitment to the text: %s)',
    async (hasCommitment) => {
      const r = await seal({ hasCommitment });
      const { signed, bytes } = await received.open(r, BLOBS);
      for (const blob of BLOBS) expect(Buffer.from(bytes[blob]).equals(SENT[blob])).toBe(true);
      expect((await received.frames(r, signed)).map((frame) => Buffer.from(frame))).toEqual(FRAMES);
    },
  );

  it('is still given out after the booth got another key, and after it was suspended', async () => {
    const r = await seal();
    await ofBooth({ type: 'RotateBoothKey', publicKey: publicKey(generateKeyPairSync('ed25519').publicKey), by: 'a' });
    await ofBooth({ type: 'SuspendBooth', reason: 'lost', by: 'a' });
    expect((await received.open(r, ['photo'])).bytes.photo).toHaveLength(SENT.photo.length);
    await expect(received.open({ ...r, boothKeyVersion: 2 }, ['photo'])).rejects.toMatchObject({
      constructor: SignedTextDiffersError,
      difference: 'signature',
    });
    await expect(received.open({ ...r, boothKeyVersion: 3 }, ['photo'])).rejects.toMatchObject({
      constructor: SignedTextDiffersError,
      difference: 'signature',
    });
  });

  it.each(BLOBS)('is not given out when the event commits to another %s', async (blob) => {
    const r = await seal();
    await expect(
      received.open(
        {
          ...r,
          material: {
            ...r.material,
            [blob]: r.material.photo === r.material[blob] ? r.material.certificate : r.material.photo,
          },
        },
        [blob],
      ),
    ).rejects.toThrow(BlobDiffersError);
  });

  it.each(BLOBS)('is not given out when the signed text names another %s', async (blob) => {
    const r = await seal({ says: { [`${blob}Sha256`]: sha256(Buffer.from('another')) } });
    await expect(received.open(r, [blob])).rejects.toMatchObject({
      constructor: SignedTextDiffersError,
      difference: 'signed_text',
      blobId: CASE_BLOBS[blob],
    });
    for (const other of BLOBS.filter((each) => each !== blob))
      expect((await received.open(r, [other])).bytes[other]).toHaveLength(SENT[other].length);
  });

  it.each<[string, Partial<CaptureEnvelope>]>([
    ['the booth', { boothId: 'booth-2' }],
    ['the number of the capture', { counter: 2 }],
    ['the mode', { mode: 'REGISTRY_ONLY' }],
    ['the kind of certificate', { certificateType: 'digital_signature' }],
    ['the time', { capturedAtUtc: '2026-11-23T08:59:00.001Z' }],
    ['the text that was agreed to', { consent: { textVersion: '2026-12', keepReferenceImage: true } }],
    ['what was agreed to', { consent: { textVersion: '2026-11', keepReferenceImage: false } }],
  ])('is not given out when text and event differ in %s', async (_what, says) => {
    await expect(received.open(await seal({ says }), ['photo'])).rejects.toMatchObject({
      constructor: SignedTextDiffersError,
      difference: 'signed_text',
      blobId: 'signatures',
    });
  });

  it.each([true, false])(
    "is not given out when the booth's key did not sign the text (commitment to the text: %s)",
    async (hasCommitment) => {
      await expect(
        received.open(await seal({ by: generateKeyPairSync('ed25519').privateKey, hasCommitment }), ['photo']),
      ).rejects.toMatchObject({ constructor: SignedTextDiffersError, difference: 'signature' });
    },
  );

  it('is not given out when the text is another one than was committed to, though the booth signed both', async () => {
    const r = await seal();
    await vault.remove(caseOwner('r1'), CASE_BLOBS.signatures);
    await seal({ says: { nonce: 'another' } });
    await expect(received.open(r, ['photo'])).rejects.toMatchObject({
      constructor: BlobDiffersError,
      difference: 'other_bytes',
      blobId: 'signatures',
    });
  });

  it.each<[string, readonly string[]]>([
    ['another frame', [sha256(SENT.photo), sha256(FRAMES[1] as Buffer)]],
    ['the frames in another order', FRAMES.map(sha256).reverse()],
    ['one frame fewer', FRAMES.slice(1).map(sha256)],
    ['none', []],
  ])('gives out no frames when the text names %s', async (_what, framesSha256) => {
    const r = await seal({ says: { framesSha256 } });
    const { signed } = await received.open(r, ['photo']);
    const isCount = framesSha256.length !== FRAMES.length;
    await expect(received.frames(r, signed)).rejects.toMatchObject({
      constructor: SignedTextDiffersError,
      difference: 'signed_text',
      // Where both differ, either may be opened first.
      blobId: isCount ? 'signatures' : expect.stringMatching(/^frame-[01]$/),
    });
  });

  it('has no frames where none came and none were signed', async () => {
    const r = { ...(await seal({ says: { framesSha256: undefined } as never })), frames: null };
    const { signed } = await received.open(r, ['photo']);
    expect(await received.frames(r, signed)).toEqual([]);
  });

  it('is opened by the key that the booth had then, also where that was not its first', async () => {
    const second = generateKeyPairSync('ed25519');
    await ofBooth({ type: 'RotateBoothKey', publicKey: publicKey(second.publicKey), by: 'a' });
    const r = { ...(await seal({ by: second.privateKey })), boothKeyVersion: 2 };
    expect((await received.open(r, ['photo'])).bytes.photo).toHaveLength(SENT.photo.length);
    await ofBooth({ type: 'SuspendBooth', reason: 'lost', by: 'a' });
    expect((await received.open(r, ['photo'])).bytes.photo).toHaveLength(SENT.photo.length);
  });

  it.each<[string, (kept: { envelopeText: string }) => string]>([
    ['no JSON', () => 'nothing'],
    ['JSON without the text', () => '{}'],
    ['the text with a space before it', (kept) => JSON.stringify({ ...kept, envelopeText: ` ${kept.envelopeText}` })],
  ])('is not given out where instead of the signed text there is %s', async (_what, change) => {
    const r = await seal();
    const place = [caseOwner('r1'), CASE_BLOBS.signatures] as const;
    const kept = await vault.open(...place, { commitment: r.material.signatures! });
    await vault.remove(...place);
    const changed = change(JSON.parse(Buffer.from(kept).toString()) as { envelopeText: string });
    const signatures = await vault.seal(...place, Buffer.from(changed));
    await expect(received.open({ ...r, material: { ...r.material, signatures } }, ['photo'])).rejects.toMatchObject({
      constructor: SignedTextDiffersError,
      difference: 'signed_text',
      message: 'signatures of request r1 is not what was signed (signed_text)',
    });
    const uncommitted = { ...r, material: { ...r.material, signatures: null } };
    await expect(received.open(uncommitted, ['photo'])).rejects.toThrow(BlobDiffersError);
  });

  it('is compared once more right before it leaves', async () => {
    const r = await seal();
    const { signed, bytes } = await received.open(r, ['photo']);
    assertSigned(r, signed, 'photo', bytes.photo);
    bytes.photo[0] = (bytes.photo[0] as number) ^ 1;
    expect(() => assertSigned(r, signed, 'photo', bytes.photo)).toThrow(SignedTextDiffersError);
  });
});
