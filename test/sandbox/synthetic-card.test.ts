import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import openjpeg from '@cornerstonejs/codec-openjpeg/wasmjs';
import { createPublicKey, verify, X509Certificate } from 'node:crypto';
import sharp from 'sharp';
import { cardPhotoFrom } from '../../src/sandbox/card/card-photo.js';
import { startJpkiServer, type JpkiServer } from '../../src/sandbox/jpki/jpki-server.js';
import { accessNumberOf, CardError, SyntheticCard, type CardErrorCode } from '../../src/sandbox/card/synthetic-card.js';
import { samplePicture } from './support.js';

let jpki: JpkiServer;
let original: SyntheticCard;

beforeAll(async () => {
  jpki = await startJpkiServer({ print: () => undefined });
  original = await jpki.issueCard({
    picture: await samplePicture(),
    certificateTypes: ['user_authentication', 'digital_signature'],
  });
});

afterAll(() => jpki.close());

/** A fresh copy, so that no test sees the wrong tries of another. */
const freshCard = (): SyntheticCard => new SyntheticCard(original.toJson());
const refusal = async (what: Promise<unknown>): Promise<[CardErrorCode, number | null]> => {
  try {
    await what;
  } catch (error) {
    if (error instanceof CardError) return [error.code, error.triesLeft];
    throw error;
  }
  throw new Error('nothing was refused');
};

describe('a synthetic card @req R2 A2', () => {
  it('blocks the authentication PIN after three wrong tries, for every later session', async () => {
    const card = freshCard();
    const session = card.connect();
    expect(await refusal(session.verifyPin('user_authentication', '0000'))).toEqual(['wrong_secret', 2]);
    expect(await refusal(session.verifyPin('user_authentication', '0000'))).toEqual(['wrong_secret', 1]);
    expect(await refusal(session.verifyPin('user_authentication', '0000'))).toEqual(['blocked', 0]);
    const later = new SyntheticCard(card.toJson()).connect();
    expect(await refusal(later.verifyPin('user_authentication', card.secrets.authenticationPin))).toEqual([
      'blocked',
      0,
    ]);
    await later.verifyPin('digital_signature', card.secrets.signingPassword);
  });

  it('blocks the signing password after five wrong tries', async () => {
    const session = freshCard().connect();
    for (const left of [4, 3, 2, 1])
      expect(await refusal(session.verifyPin('digital_signature', 'WRONG99'))).toEqual(['wrong_secret', left]);
    expect(await refusal(session.verifyPin('digital_signature', 'WRONG99'))).toEqual(['blocked', 0]);
  });

  it('gives all tries back after a right one, and takes none for a badly formed one', async () => {
    const card = freshCard();
    const session = card.connect();
    await refusal(session.verifyPin('user_authentication', '0000'));
    expect(await refusal(session.verifyPin('user_authentication', 'abc'))).toEqual(['bad_format', null]);
    expect(await session.triesLeft('authenticationPin')).toBe(2);
    await session.verifyPin('user_authentication', card.secrets.authenticationPin);
    expect(await session.triesLeft('authenticationPin')).toBe(3);
  });

  it('opens the record with the access number only, and forgets it when the other application is selected', async () => {
    const card = freshCard();
    const session = card.connect();
    expect(await refusal(session.readCardRecord())).toEqual(['not_verified', null]);
    await session.verifyAccessNumber(card.secrets.accessNumber);
    expect(
      Buffer.from(await session.readCardRecord())
        .subarray(0, 2)
        .toString('hex'),
    ).toBe('ff20');
    await session.readCertificate('user_authentication');
    expect(await refusal(session.readCardRecord())).toEqual(['not_verified', null]);
  });

  it('shows the user-authentication certificate freely, the signing certificate only after the password', async () => {
    const card = freshCard();
    const session = card.connect();
    await session.readCertificate('user_authentication');
    expect(await refusal(session.readCertificate('digital_signature'))).toEqual(['not_verified', null]);
    await session.verifyPin('digital_signature', card.secrets.signingPassword);
    expect(new X509Certificate(await session.readCertificate('digital_signature')).subject).toContain('L=Test-shi');
  });

  it('signs only after the PIN, with the key of its certificate', async () => {
    const card = freshCard();
    const session = card.connect();
    const message = Buffer.from('envelope');
    expect(await refusal(session.sign('user_authentication', message))).toEqual(['not_verified', null]);
    await session.verifyPin('user_authentication', card.secrets.authenticationPin);
    const signature = await session.sign('user_authentication', message);
    const key = new X509Certificate(card.certificate('user_authentication')).publicKey;
    expect(verify('sha256', message, key, signature)).toBe(true);
    expect(verify('sha256', Buffer.from('another'), key, signature)).toBe(false);
  });

  it('answers the active challenge with the key that the record holds', async () => {
    const card = freshCard();
    const challenge = Buffer.from('challenge');
    const signature = await card.connect().signChallenge(challenge);
    expect(verify('sha256', challenge, keyInRecord(card.cardRecord), signature)).toBe(true);
  });

  it('ends a session when it is put on another reader', async () => {
    const card = freshCard();
    const first = card.connect();
    card.connect();
    expect(await refusal(first.readCertificate('user_authentication'))).toEqual(['removed', null]);
  });

  it('carries a grey photograph of 240 x 320 in at most 2,000 bytes, which a decoder reads', async () => {
    const record = Buffer.from(original.cardRecord);
    // The JP2 starts with its signature box; the length of DF27 stands in the two bytes before it.
    const start = record.indexOf(Buffer.from('0000000c6a5020200d0a870a', 'hex'));
    const length = record.readUInt16BE(start - 2);
    expect(length).toBeGreaterThan(500);
    expect(length).toBeLessThanOrEqual(2000);
    const module = await openjpeg({ print: () => undefined, printErr: () => undefined });
    const decoder = new module.J2KDecoder();
    decoder.getEncodedBuffer(length).set(record.subarray(start, start + length));
    decoder.decode();
    expect(decoder.getFrameInfo()).toMatchObject({ width: 240, height: 320, bitsPerSample: 8, componentCount: 1 });
    decoder.delete();
  });

  it('shows the part of a picture that is asked for', async () => {
    const [left, right] = [Buffer.alloc(100 * 200, 20), Buffer.alloc(100 * 200, 230)];
    const rows = Array.from({ length: 200 }, (_, y) =>
      Buffer.concat([left.subarray(y * 100, y * 100 + 100), right.subarray(y * 100, y * 100 + 100)]),
    );
    const picture = await sharp(Buffer.concat(rows), { raw: { width: 200, height: 200, channels: 1 } })
      .png()
      .toBuffer();
    const module = await openjpeg({ print: () => undefined, printErr: () => undefined });
    for (const [at, expected] of [
      [0, 20],
      [100, 230],
    ] as const) {
      const jp2 = await cardPhotoFrom(picture, { left: at, top: 0, width: 100, height: 133 });
      const decoder = new module.J2KDecoder();
      decoder.getEncodedBuffer(jp2.length).set(jp2);
      decoder.decode();
      const pixels = Uint8Array.from(decoder.getDecodedBuffer());
      expect(Math.abs((pixels[160 * 240 + 120] ?? 0) - expected)).toBeLessThan(8);
      decoder.delete();
    }
  });

  it('forms the access number from the era year, the expiry year and the security code', () => {
    expect(accessNumberOf('1980-02-17', 2035, '2285')).toBe('55021720352285');
    expect(accessNumberOf('2019-05-01', 2035, '0001')).toBe('01050120350001');
  });
});

/** DF24 holds `90 exponent, 91 modulus`; found here by searching, independently of the writer. */
function keyInRecord(record: Uint8Array): ReturnType<typeof createPublicKey> {
  const bytes = Buffer.from(record);
  const exponentAt = bytes.indexOf(Buffer.from('9003010001', 'hex'));
  const modulus = bytes.subarray(exponentAt + 5 + 4, exponentAt + 5 + 4 + 256);
  return createPublicKey({ format: 'jwk', key: { kty: 'RSA', e: 'AQAB', n: modulus.toString('base64url') } });
}
