import { describe, expect, it } from '@jest/globals';
import { sign } from 'node:crypto';
import { SurfaceApCardRecordVerifier, CardIssuerKeyError } from '../../src/infrastructure/card/card-record-verifier.js';
import {
  assembleRecord,
  buildCardRecord,
  buildIssuerCertificate,
  cardKeyId,
  encodeRsaPublicKey,
  encodeTlv,
  rsaPublicParts,
  sha256DigestInfo,
  signCardRecordGroups,
  signChallenge,
  signDigestInfo,
  type CardFaceFields,
} from '../../src/sandbox/card/card-record-writer.js';
import { rsaKey } from './support/certificate-factory.js';

const root = rsaKey();
const municipality = rsaKey();
const card = rsaKey();
const stranger = rsaKey();

const JP2 = Buffer.concat([Buffer.from('0000000c6a5020200d0a870a', 'hex'), Buffer.alloc(6000, 0x5a)]);
const PNG = Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), Buffer.alloc(300, 1)]);
const fields: CardFaceFields = {
  birthDate: '19800217',
  sex: '1',
  cardKey: rsaPublicParts(card.privateKey),
  nameImage: PNG,
  addressImage: PNG,
  faceImage: JP2,
  expiry: '20350217',
  securityCodeImage: PNG,
};
const rootId = cardKeyId('6000023', '001');
const cardRecord = buildCardRecord(fields, municipality.privateKey);
const issuerCertificate = buildIssuerCertificate(
  {
    issuerKeyId: rootId,
    subjectKeyId: cardKeyId('1322121', '000'),
    subjectKey: rsaPublicParts(municipality.privateKey),
  },
  root.privateKey,
);
const challenge = Buffer.from('the nonce of the server');
const genuine = {
  cardRecord,
  issuerCertificate,
  challenge,
  challengeSignature: signChallenge(challenge, card.privateKey),
};

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const rootKey = { keyIdHex: hex(rootId), modulus: hex(rsaPublicParts(root.privateKey).modulus), exponent: '010001' };
const verifier = new SurfaceApCardRecordVerifier({ issuerKeys: [rootKey], environment: 'test' });

function flipped(bytes: Uint8Array, index: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[index]! ^= 1;
  return copy;
}

function find(bytes: Uint8Array, tag: string): number {
  return Buffer.from(bytes).indexOf(Buffer.from(tag, 'hex'));
}

// @req R5 R32
describe('card record', () => {
  it('hands out the photograph of a genuine record of a card that is present', () => {
    const verdict = verifier.verify(genuine);
    expect(verdict).toMatchObject({ verdict: 'valid', issuerKeyId: hex(rootId) });
    expect(verdict.verdict === 'valid' && Buffer.from(verdict.faceImage).equals(JP2)).toBe(true);
  });

  it.each([
    ['date of birth', 'df22'],
    ["card's key", 'df24'],
    ['name', 'df25'],
    ['address', 'df26'],
    ['photograph', 'df27'],
    ['signature', 'df28'],
  ])('refuses a record whose %s was changed', (_what, tag) => {
    const verdict = verifier.verify({
      ...genuine,
      cardRecord: flipped(cardRecord, find(cardRecord, tag) + (tag === 'df22' ? 4 : 40)),
    });
    expect(verdict).toMatchObject({ verdict: 'invalid', reason: 'record_signature' });
  });

  it('refuses a photograph of another card put between genuine groups', () => {
    const other = buildCardRecord(
      { ...fields, faceImage: Buffer.concat([JP2.subarray(0, -1), Buffer.of(0)]) },
      municipality.privateKey,
    );
    const at = find(cardRecord, 'df27');
    const mixed = Buffer.concat([
      cardRecord.subarray(0, at),
      Buffer.from(other).subarray(at, at + JP2.length + 5),
      cardRecord.subarray(at + JP2.length + 5),
    ]);
    expect(verifier.verify({ ...genuine, cardRecord: mixed })).toMatchObject({ reason: 'record_signature' });
  });

  it('refuses a self-made record even when its own key and issuer are consistent', () => {
    const forgedIssuer = buildIssuerCertificate(
      {
        issuerKeyId: rootId,
        subjectKeyId: cardKeyId('1322121', '000'),
        subjectKey: rsaPublicParts(stranger.privateKey),
      },
      stranger.privateKey,
    );
    expect(
      verifier.verify({
        ...genuine,
        cardRecord: buildCardRecord(fields, stranger.privateKey),
        issuerCertificate: forgedIssuer,
      }),
    ).toMatchObject({ reason: 'issuer_certificate' });
  });

  it('refuses an issuer that no configured key stands for, compared by all 16 bytes', () => {
    const almost = Buffer.from(rootId);
    almost[15] = 1;
    const other = buildIssuerCertificate(
      { issuerKeyId: almost, subjectKeyId: rootId, subjectKey: rsaPublicParts(municipality.privateKey) },
      root.privateKey,
    );
    expect(verifier.verify({ ...genuine, issuerCertificate: other })).toMatchObject({ reason: 'unknown_issuer' });
  });

  it('refuses a genuine record without the card: a challenge signed by another key or another challenge', () => {
    expect(
      verifier.verify({ ...genuine, challengeSignature: signChallenge(challenge, stranger.privateKey) }),
    ).toMatchObject({ reason: 'challenge_signature' });
    expect(verifier.verify({ ...genuine, challenge: Buffer.from('the next nonce') })).toMatchObject({
      reason: 'challenge_signature',
    });
    expect(verifier.verify({ ...genuine, challengeSignature: new Uint8Array(0) })).toMatchObject({
      reason: 'challenge_signature',
    });
    expect(verifier.verify({ ...genuine, challengeSignature: new Uint8Array(256).fill(0xff) })).toMatchObject({
      reason: 'challenge_signature',
    });
  });

  it('refuses the ordinary SHA-256 signature where the three-group one is due, and the reverse', () => {
    const objects = [
      encodeTlv(0xdf22, Buffer.from('19800217')),
      encodeTlv(0xdf23, Buffer.from('1')),
      encodeTlv(0xdf24, encodeRsaPublicKey(fields.cardKey)),
      encodeTlv(0xdf25, PNG),
      encodeTlv(0xdf26, PNG),
      encodeTlv(0xdf27, JP2),
    ];
    const plain = sign('sha256', Buffer.concat(objects), municipality.privateKey);
    const record = assembleRecord([
      ...objects,
      encodeTlv(0xdf28, plain),
      encodeTlv(0xdf29, Buffer.from('20350217')),
      encodeTlv(0xdf2a, PNG),
    ]);
    expect(verifier.verify({ ...genuine, cardRecord: record })).toMatchObject({ reason: 'record_signature' });
    const bareDigest = signDigestInfo(sha256DigestInfo(challenge.subarray(0, 20)), card.privateKey);
    expect(verifier.verify({ ...genuine, challengeSignature: bareDigest })).toMatchObject({
      reason: 'challenge_signature',
    });
  });

  it('refuses a signature whose digest hides behind shorter padding', () => {
    const groups = [Buffer.from('a'), Buffer.from('b'), Buffer.from('c')];
    const short = signCardRecordGroups(groups, municipality.privateKey);
    expect(short.length).toBe(256);
    const trailing = signDigestInfo(
      Buffer.concat([sha256DigestInfo(Buffer.alloc(32)), Buffer.alloc(30)]),
      card.privateKey,
    );
    expect(verifier.verify({ ...genuine, challenge: Buffer.alloc(0), challengeSignature: trailing })).toMatchObject({
      reason: 'challenge_signature',
    });
  });

  it.each([
    ['bytes after the record', () => Buffer.concat([cardRecord, Buffer.of(0xff)])],
    ['an offset table that lies', () => flipped(cardRecord, find(cardRecord, 'df21') + 4)],
    [
      'objects in another order',
      () => assembleRecord([encodeTlv(0xdf23, Buffer.from('1')), encodeTlv(0xdf22, Buffer.from('19800217'))]),
    ],
    ['nothing', () => Buffer.alloc(0)],
    ['more than a card file', () => Buffer.alloc(0x8000, 0xff)],
    ['a length of four bytes', () => Buffer.from('ff2084000000010000', 'hex')],
  ])('calls %s malformed', (_what, make) => {
    expect(verifier.verify({ ...genuine, cardRecord: make() })).toMatchObject({
      verdict: 'invalid',
      reason: 'malformed',
    });
  });

  it('refuses a signed record without a photograph', () => {
    const record = buildCardRecord({ ...fields, faceImage: PNG }, municipality.privateKey);
    expect(verifier.verify({ ...genuine, cardRecord: record })).toMatchObject({ reason: 'no_face_image' });
  });

  it('refuses keys of the test hierarchy in production, and keys that are not RSA-2048', () => {
    expect(() => new SurfaceApCardRecordVerifier({ issuerKeys: [rootKey], environment: 'production' })).toThrow(
      CardIssuerKeyError,
    );
    expect(
      () =>
        new SurfaceApCardRecordVerifier({
          issuerKeys: [{ ...rootKey, modulus: 'ff'.repeat(128) }],
          environment: 'test',
        }),
    ).toThrow(CardIssuerKeyError);
    expect(
      () => new SurfaceApCardRecordVerifier({ issuerKeys: [{ ...rootKey, exponent: '03' }], environment: 'test' }),
    ).toThrow(CardIssuerKeyError);
  });
});
