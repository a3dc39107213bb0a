import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { captureEnvelopeText, type CaptureEnvelope } from '../../../src/domain/booth/capture-envelope.js';
import { plainJpeg } from '../../support/jpeg-writer.js';
import type { WrittenPart } from './multipart.js';

export interface TestBooth {
  readonly boothId: string;
  /** SubjectPublicKeyInfo, DER, base64. */
  readonly publicKey: string;
  readonly privateKey: KeyObject;
}

export function newBooth(boothId: string): TestBooth {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  return { boothId, publicKey: publicKey.export({ format: 'der', type: 'spki' }).toString('base64'), privateKey };
}

export const PHOTO = plainJpeg(0, 36);
export const CERTIFICATE = Buffer.alloc(900, 1);
export const CARD_RECORD = Buffer.alloc(6_000, 2);
export const CARD_ISSUER_CERTIFICATE = Buffer.alloc(500, 3);

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** What an honest booth says about the material above. */
export function envelopeOf(
  booth: TestBooth,
  nonce: string,
  changes: Partial<CaptureEnvelope> = {},
  photo: Uint8Array = PHOTO,
): CaptureEnvelope {
  return {
    nonce,
    boothId: booth.boothId,
    counter: 1,
    certificateType: 'user_authentication',
    mode: 'GOVERNMENT_SUBMISSION',
    capturedAtUtc: '2026-11-23T08:00:00.000Z',
    photoSha256: sha256(photo),
    certificateSha256: sha256(CERTIFICATE),
    cardRecordSha256: sha256(CARD_RECORD),
    cardIssuerCertificateSha256: sha256(CARD_ISSUER_CERTIFICATE),
    consent: { textVersion: '2026-11', keepReferenceImage: true },
    ...changes,
  };
}

/** The JSON of part `request`, signed by the booth. The card's signatures are checked later, by the saga, not at the
 * door. */
export function requestJson(booth: TestBooth, envelope: CaptureEnvelope): Record<string, unknown> {
  return {
    envelope,
    boothSignature: sign(null, Buffer.from(captureEnvelopeText(envelope)), booth.privateKey).toString('base64'),
    cardSignature: Buffer.alloc(256, 4).toString('base64'),
    cardChallengeSignature: Buffer.alloc(256, 5).toString('base64'),
  };
}

/** Pictures that differ from each other, as far as the door can tell. */
export const FRAMES = [1, 2, 3, 4].map((n) => plainJpeg(n, 10));
export const frameDigests = (frames: readonly Uint8Array[]): string[] => frames.map(sha256);
export const framePart = (i: number, bytes: Uint8Array): WrittenPart => ({
  name: `frame${i}`,
  contentType: 'image/jpeg',
  fileName: `f${i}.jpg`,
  bytes,
});

/** The five parts of an honest upload; `request` may be an object, or a text that is written as it is. */
export function partsOf(request: unknown, photo: Uint8Array = PHOTO): WrittenPart[] {
  return [
    {
      name: 'request',
      contentType: 'application/json',
      bytes: Buffer.from(typeof request === 'string' ? request : JSON.stringify(request)),
    },
    { name: 'certificate', contentType: 'application/pkix-cert', fileName: 'c.der', bytes: CERTIFICATE },
    { name: 'cardRecord', contentType: 'application/octet-stream', fileName: 'r.bin', bytes: CARD_RECORD },
    {
      name: 'cardIssuerCertificate',
      contentType: 'application/octet-stream',
      fileName: 'i.bin',
      bytes: CARD_ISSUER_CERTIFICATE,
    },
    { name: 'photo', contentType: 'image/jpeg', fileName: 'p.jpg', bytes: photo },
  ];
}
