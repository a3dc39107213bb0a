import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  verify,
  type KeyObject,
} from 'node:crypto';
import { CAPTURE_LABEL, captureEnvelopeText, type CaptureEnvelope } from '../../src/domain/booth/capture-envelope.js';
import { challengeRequestText } from '../../src/domain/booth/challenge-request.js';
import { photoCheckText } from '../../src/domain/booth/photo-check.js';
import { uploadPlaceText } from '../../src/domain/booth/upload-place.js';
import { KeyedSecrets } from '../../src/infrastructure/settings/keyed-secrets.js';
import { plainJpeg } from '../support/jpeg-writer.js';

type KeyName = 'booth' | 'otherBooth' | 'cardRsa' | 'cardP384' | 'cardRecordRsa';

interface WireKey {
  readonly algorithm: 'Ed25519' | 'RSA-2048' | 'ECDSA-P-384';
  /** PKCS#8, DER, base64: made for these vectors and for nothing else. */
  readonly privateKeyPkcs8: string;
  readonly publicKeySpki: string;
  /** Of RSA: the modulus, hexadecimal; the exponent is 65537. */
  readonly modulus?: string;
}

interface WireSignature {
  readonly by: KeyName;
  readonly signature: string;
}

/** A text that is signed, from what it says to its signatures. */
interface WireText {
  readonly about: string;
  readonly kind: 'challenge-request' | 'photo-check' | 'upload-place' | 'capture';
  readonly says: object;
  readonly text: string;
  readonly bytesHex: string;
  readonly sha256: string;
  readonly signatures: Readonly<Record<string, WireSignature>>;
}

/** A registration, and what the server says to it at `nowUtc`. */
interface WireRequest {
  readonly about: string;
  /** The part `request`. */
  readonly request: {
    readonly envelope: object;
    readonly boothSignature: string;
    readonly cardSignature: string;
    readonly cardChallengeSignature: string;
  };
  /** Names of `material`, in the order of the parts. */
  readonly frames: readonly string[];
  readonly status: number;
  /** Absent: it is taken. */
  readonly code?: string;
}

export interface WireVectors {
  readonly about: string;
  readonly nowUtc: string;
  readonly keys: Readonly<Record<KeyName, WireKey>>;
  readonly material: Readonly<Record<string, string>>;
  readonly texts: readonly WireText[];
  readonly requests: readonly WireRequest[];
}

/** Of the servers of tests: with it nonces can be made that are the same in every run. */
const secrets = new KeyedSecrets(Buffer.alloc(32, 8));
export const WIRE_NOW = '2026-11-23T08:05:00.000Z';
export const WIRE_BOOTH = 'booth-0001';
const EXPIRES_AT = '2026-11-23T08:15:00.000Z';

const material = {
  photo: plainJpeg(0, 2),
  frame0: plainJpeg(1, 2),
  frame1: plainJpeg(2, 2),
  certificate: Buffer.from('in place of a certificate'),
  cardRecord: Buffer.from('in place of a face record'),
  cardIssuerCertificate: Buffer.from("in place of its issuer's certificate"),
};

/** Everything in docs/wire-vectors.json, the same in every run.
 * @param kept what is there: its keys stay, and its ECDSA signatures, which no two runs make alike, while they are
 *   right */
export function wireVectors(kept: WireVectors | null): WireVectors {
  const keys = kept?.keys ?? newKeys();
  const earlier = new Map(kept?.texts.map(({ about, signatures }) => [about, signatures]));
  const { by, signed } = signerOf(keys);
  const envelope = envelopeOf(1);
  const withFrames: CaptureEnvelope = {
    ...envelopeOf(2),
    counter: 2_147_483_648,
    mode: 'REGISTRY_ONLY',
    capturedAtUtc: '2026-11-23T08:00:00Z',
    framesSha256: [sha256(material.frame0), sha256(material.frame1)],
    consent: { textVersion: '2026-11', keepReferenceImage: true },
  };
  const signing: CaptureEnvelope = { ...envelopeOf(3), certificateType: 'digital_signature' };
  const ask = { boothId: WIRE_BOOTH, requestedAtUtc: WIRE_NOW };
  const check = { boothId: WIRE_BOOTH, nonce: envelope.nonce, photoSha256: envelope.photoSha256 };
  const claim = { boothId: WIRE_BOOTH, nonce: envelope.nonce };
  const card = (text: string, name: 'cardRsa' | 'cardP384', about: string) => ({
    boothSignature: by('booth', text),
    cardSignature: by(name, text, earlier.get(about)?.['cardSignature']),
    cardChallengeSignature: by('cardRecordRsa', text),
  });
  const capture = (about: string, says: CaptureEnvelope, name: 'cardRsa' | 'cardP384') => {
    const text = captureEnvelopeText(says);
    return textOf({ about, kind: 'capture', says, text, signatures: card(text, name, about) });
  };
  const small = (about: string, kind: WireText['kind'], says: object, text: string) =>
    textOf({ about, kind, says, text, signatures: { boothSignature: by('booth', text) } });
  return {
    about: 'Described in wire.md. The keys were made for these vectors and protect nothing.',
    nowUtc: WIRE_NOW,
    keys,
    material: Object.fromEntries(Object.entries(material).map(([name, bytes]) => [name, bytes.toString('base64')])),
    texts: [
      small('a question for a challenge', 'challenge-request', ask, challengeRequestText(ask)),
      small('a photo check', 'photo-check', check, photoCheckText(check)),
      small('a place for an upload', 'upload-place', claim, uploadPlaceText(claim)),
      capture('a capture', envelope, 'cardRsa'),
      capture('a capture with two further frames', withFrames, 'cardRsa'),
      capture('a capture with a key of P-384', signing, 'cardP384'),
    ],
    requests: requestsOf({
      envelope,
      withFrames,
      signed,
      checkSignature: by('booth', photoCheckText(check)).signature,
    }),
  };
}

/** Requests in their order: a nonce is used up by the first that has it. */
function requestsOf({
  envelope,
  withFrames,
  signed,
  checkSignature,
}: {
  readonly envelope: CaptureEnvelope;
  readonly withFrames: CaptureEnvelope;
  readonly signed: (of: object, text: string, booth?: KeyName) => WireRequest['request'];
  readonly checkSignature: string;
}): readonly WireRequest[] {
  const frames = ['frame0', 'frame1'];
  const text = captureEnvelopeText(envelope);
  const right = signed(envelope, text);
  const { consent, photoSha256 } = envelope;
  const taken = (about: string, request = right): WireRequest => ({ about, request, frames: [], status: 202 });
  const wrong = (code: keyof typeof STATUS, about: string, request: WireRequest['request']): WireRequest => ({
    about,
    request,
    frames: [],
    status: STATUS[code],
    code,
  });
  /** Signed as it is, and refused for what it says. */
  const changed = (code: keyof typeof STATUS, about: string, by: Partial<CaptureEnvelope>): WireRequest => {
    const other = { ...envelope, ...by };
    return wrong(code, about, signed(other, captureEnvelopeText(other)));
  };
  /** Signed over another text than the one that the envelope has. */
  const misread = (about: string, other: string): WireRequest =>
    wrong('booth_signature_invalid', about, signed(envelope, other));
  const { consent: _, ...flat } = { ...envelope, ...consent, label: CAPTURE_LABEL };
  const unpadded = right.boothSignature.replace(/=+$/, '');
  const elsewhere = { capturedAtUtc: '2026-11-23T17:00:00.000+09:00' };
  return [
    taken('a capture'),
    taken('the same again: the same answer'),
    { ...taken('with further frames', signed(withFrames, captureEnvelopeText(withFrames))), frames },
    misread('signed with members in another order', JSON.stringify({ label: CAPTURE_LABEL, ...envelope })),
    misread('signed with white space', JSON.stringify(JSON.parse(text) as object, null, 1)),
    misread('signed with a line feed at the end', `${text}\n`),
    misread('signed without the label', text.replace(`"label":"${CAPTURE_LABEL}",`, '')),
    misread('signed with the label of another text', text.replace(CAPTURE_LABEL, 'honnin/photo-check/v1')),
    misread('signed with an empty list of frames', text.replace('"label"', '"framesSha256":[],"label"')),
    misread('signed with the consent not nested', JSON.stringify(Object.fromEntries(Object.entries(flat).toSorted()))),
    misread('signed over the digest of the text', sha256(Buffer.from(text))),
    wrong('booth_signature_invalid', 'signed by the key of another booth', signed(envelope, text, 'otherBooth')),
    wrong('booth_signature_invalid', 'with the signature of a photo check', {
      ...right,
      boothSignature: checkSignature,
    }),
    wrong('malformed_request', 'with a signature without padding', { ...right, boothSignature: unpadded }),
    changed('malformed_request', 'with a digest in capital letters', { photoSha256: photoSha256.toUpperCase() }),
    changed('malformed_request', 'with an offset in place of Z', elsewhere),
    changed('malformed_request', 'with microseconds', { capturedAtUtc: '2026-11-23T08:00:00.000000Z' }),
    wrong('malformed_request', 'with the label in the envelope', {
      ...right,
      envelope: { ...envelope, label: CAPTURE_LABEL },
    }),
    changed('booth_not_enrolled', 'of a booth that is not enrolled', { boothId: 'booth-0002' }),
    changed('digest_mismatch', 'with the digest of other bytes', { certificateSha256: sha256(material.cardRecord) }),
    wrong('digest_mismatch', 'with frames that were not sent', signed(withFrames, captureEnvelopeText(withFrames))),
    changed('nonce_unknown', 'with a nonce of nobody', { nonce: 'A'.repeat(51) }),
    changed('nonce_expired', 'with a nonce whose time is over', { nonce: nonceOf(9, '2026-11-23T08:04:59.999Z') }),
    changed('nonce_replayed', 'with the nonce of another request', { counter: 7 }),
    changed('captured_in_future', 'captured in the future', {
      nonce: nonceOf(10),
      capturedAtUtc: '2026-11-23T08:07:00.001Z',
    }),
    changed('captured_too_long_ago', 'captured too long ago', {
      nonce: nonceOf(11),
      capturedAtUtc: '2026-11-22T08:04:59.999Z',
    }),
    changed('consent_text_unknown', 'with consent to a text that is not in use', {
      nonce: nonceOf(12),
      consent: { ...consent, textVersion: '2020-01' },
    }),
    changed('consent_needed_for_registry', 'for the registry without the consent to it', {
      nonce: nonceOf(13),
      mode: 'REGISTRY_ONLY',
      consent: { ...consent, keepReferenceImage: false },
    }),
  ];
}

const STATUS = {
  malformed_request: 400,
  booth_signature_invalid: 403,
  booth_not_enrolled: 403,
  nonce_replayed: 409,
  digest_mismatch: 422,
  nonce_unknown: 422,
  nonce_expired: 422,
  captured_in_future: 422,
  captured_too_long_ago: 422,
  consent_text_unknown: 422,
  consent_needed_for_registry: 422,
} as const;

function envelopeOf(no: number): CaptureEnvelope {
  return {
    nonce: nonceOf(no),
    boothId: WIRE_BOOTH,
    counter: no,
    certificateType: 'user_authentication',
    mode: 'GOVERNMENT_SUBMISSION',
    capturedAtUtc: '2026-11-23T08:00:00.000Z',
    photoSha256: sha256(material.photo),
    certificateSha256: sha256(material.certificate),
    cardRecordSha256: sha256(material.cardRecord),
    cardIssuerCertificateSha256: sha256(material.cardIssuerCertificate),
    consent: { textVersion: '2026-11', keepReferenceImage: false },
  };
}

/** A nonce that the servers of tests take for their own: 16 bytes of chance, its end, and a keyed hash. */
function nonceOf(no: number, expiresAtUtc: string = EXPIRES_AT): string {
  const body = Buffer.alloc(22, no);
  body.writeUIntBE(Date.parse(expiresAtUtc), 16, 6);
  const mac = Buffer.from(secrets.keyedHash('challenge', Buffer.concat([body, Buffer.from(WIRE_BOOTH)])));
  return Buffer.concat([body, mac.subarray(0, 16)]).toString('base64url');
}

interface Signer {
  /** @param before an earlier signature, which stays where the algorithm makes another one each time */
  readonly by: (name: KeyName, text: string, before?: WireSignature) => WireSignature;
  readonly signed: (of: object, text: string, booth?: KeyName) => WireRequest['request'];
}

function signerOf(keys: WireVectors['keys']): Signer {
  const by: Signer['by'] = (name, text, before) => {
    const { algorithm, privateKeyPkcs8, publicKeySpki } = keys[name];
    const [digest, bytes] = [digestOf(algorithm), Buffer.from(text, 'utf8')];
    const isKept =
      algorithm === 'ECDSA-P-384' &&
      before !== undefined &&
      verify(digest, bytes, publicKeyOf(publicKeySpki), Buffer.from(before.signature, 'base64'));
    const key = createPrivateKey({ key: Buffer.from(privateKeyPkcs8, 'base64'), format: 'der', type: 'pkcs8' });
    return isKept ? before : { by: name, signature: sign(digest, bytes, key).toString('base64') };
  };
  const signed: Signer['signed'] = (envelope, text, booth = 'booth') => ({
    envelope,
    boothSignature: by(booth, text).signature,
    cardSignature: by('cardRsa', text).signature,
    cardChallengeSignature: by('cardRecordRsa', text).signature,
  });
  return { by, signed };
}

/** What node:crypto calls the digest of an algorithm. */
export function digestOf(algorithm: WireKey['algorithm']): string | null {
  return { Ed25519: null, 'RSA-2048': 'sha256', 'ECDSA-P-384': 'sha384' }[algorithm];
}

export function publicKeyOf(spki: string): KeyObject {
  return createPublicKey({ key: Buffer.from(spki, 'base64'), format: 'der', type: 'spki' });
}

function textOf(made: Omit<WireText, 'bytesHex' | 'sha256'>): WireText {
  const { about, kind, says, text, signatures } = made;
  const bytes = Buffer.from(text, 'utf8');
  return { about, kind, says, text, bytesHex: bytes.toString('hex'), sha256: sha256(bytes), signatures };
}

function newKeys(): WireVectors['keys'] {
  const rsa = () => keyOf('RSA-2048', generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey);
  const ed25519 = () => keyOf('Ed25519', generateKeyPairSync('ed25519').privateKey);
  const p384 = keyOf('ECDSA-P-384', generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey);
  return { booth: ed25519(), otherBooth: ed25519(), cardRsa: rsa(), cardP384: p384, cardRecordRsa: rsa() };
}

function keyOf(algorithm: WireKey['algorithm'], privateKey: KeyObject): WireKey {
  const publicKey = createPublicKey(privateKey);
  const modulus = publicKey.export({ format: 'jwk' }).n;
  return {
    algorithm,
    privateKeyPkcs8: privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64'),
    publicKeySpki: publicKey.export({ format: 'der', type: 'spki' }).toString('base64'),
    ...(modulus !== undefined && { modulus: Buffer.from(modulus, 'base64url').toString('hex') }),
  };
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
