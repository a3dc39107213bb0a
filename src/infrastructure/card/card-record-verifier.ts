import { constants, createHash, createPublicKey, publicDecrypt, timingSafeEqual, type KeyObject } from 'node:crypto';
import {
  CardRecordVerifier,
  type CardRecordCheck,
  type CardRecordVerdict,
} from '../../application/ports/outside/card-record-verifier.js';
import type { InvalidCardRecordReason } from '../../domain/values/certificate-status.js';
import {
  CardRecordError,
  checkCardKey,
  parseCardFaceRecord,
  parseCardIssuerCertificate,
  type CardFaceRecord,
  type CardIssuerCertificate,
  type CardRsaKey,
} from './card-record.js';
import { asBuffer } from '../x509/asn1/der.js';

/** A root key of the cards' issuer hierarchy, as the operator configures it. It is never read from a card. */
export interface CardIssuerKey {
  /** The 16 bytes of 証明者鍵ID, hex: compared whole, so a test hierarchy never stands in for the real one. */
  readonly keyIdHex: string;
  /** RSA-2048 modulus, hex. */
  readonly modulus: string;
  /** Exponent, hex, for example `010001`. */
  readonly exponent: string;
}

export interface SurfaceApCardRecordVerifierOptions {
  readonly issuerKeys: readonly CardIssuerKey[];
  /** `production` refuses keys of the test hierarchy (numbers that start with 6). */
  readonly environment: 'production' | 'test';
}

/** Thrown at start-up: keys that cannot be used as configured. */
export class CardIssuerKeyError extends Error {}

/** Proves a face record of the surface application (券面事項確認AP): issuer key certified by a configured root, record signed
 * by that issuer key, and this very card present, because the key in the signed record answered the challenge. @req R5
 * R32 */
export class SurfaceApCardRecordVerifier extends CardRecordVerifier {
  readonly algorithm = { id: 'surface-ap-rsa2048-sha256', version: '1' };
  private readonly roots = new Map<string, KeyObject>();

  /** @throws {CardIssuerKeyError} */
  constructor(options: SurfaceApCardRecordVerifierOptions) {
    super();
    for (const key of options.issuerKeys)
      this.roots.set(key.keyIdHex.toLowerCase(), readConfiguredKey(key, options.environment));
  }

  verify(check: CardRecordCheck): CardRecordVerdict {
    try {
      return this.judge(check);
    } catch (error) {
      if (error instanceof CardRecordError) return invalid('malformed', error.message);
      throw error;
    }
  }

  /** The picture alone, for a record that was verified before. */
  faceImageOf(cardRecord: Uint8Array): Uint8Array | null {
    try {
      const { faceImage } = parseCardFaceRecord(cardRecord);
      return isJp2(faceImage) ? faceImage : null;
    } catch (error) {
      if (error instanceof CardRecordError) return null;
      throw error;
    }
  }

  private judge(check: CardRecordCheck): CardRecordVerdict {
    const issuer = parseCardIssuerCertificate(check.issuerCertificate);
    const record = parseCardFaceRecord(check.cardRecord);
    const root = this.roots.get(issuer.issuerKeyId);
    if (root === undefined) return invalid('unknown_issuer', 'no configured key has the id that the card names');
    if (!verifyDigestInfo(root, sha256(issuer.body), issuer.signature))
      return invalid('issuer_certificate', 'the certificate of the issuer key is not signed by the configured key');
    if (!issuedRecord(record, issuer))
      return invalid('record_signature', 'the face record is not signed by the issuer');
    // Only now the key in the record is known to be the card's. A challenge checked with an unverified key would prove
    // nothing.
    if (!verifyDigestInfo(toKeyObject(record.cardKey), sha256(check.challenge), asBuffer(check.challengeSignature)))
      return invalid('challenge_signature', 'the card did not sign this challenge');
    if (!isJp2(record.faceImage)) return invalid('no_face_image', 'the record holds no JPEG 2000 image');
    return {
      verdict: 'valid',
      faceImage: record.faceImage,
      issuerKeyId: issuer.issuerKeyId,
      statements: record.statements,
      cardKeySha256: sha256(record.cardKeyObject).toString('hex'),
    };
  }
}

function invalid(reason: InvalidCardRecordReason, detail: string): CardRecordVerdict {
  return { verdict: 'invalid', reason, detail };
}

/** The record's signature covers three digests in one DigestInfo of 96 bytes. */
function issuedRecord(record: CardFaceRecord, issuer: CardIssuerCertificate): boolean {
  return verifyDigestInfo(toKeyObject(issuer.key), Buffer.concat(record.signedGroups.map(sha256)), record.signature);
}

/** RSA PKCS#1 v1.5 over a DigestInfo whose digest need not be 32 bytes, which `crypto.verify` cannot check. The whole
 * padded block is rebuilt and compared, so nothing can hide behind the digest (as in CVE-2006-4339). Source: RFC 8017
 * section 8.2.2. */
function verifyDigestInfo(key: KeyObject, digest: Buffer, signature: Buffer): boolean {
  const algorithm = Buffer.from('300d06096086480165030402010500', 'hex');
  const content = Buffer.concat([algorithm, Buffer.of(0x04, digest.length), digest]);
  const digestInfo = Buffer.concat([Buffer.of(0x30, content.length), content]);
  const expected = Buffer.concat([
    Buffer.of(0x00, 0x01),
    Buffer.alloc(256 - 3 - digestInfo.length, 0xff),
    Buffer.of(0x00),
    digestInfo,
  ]);
  const opened = rsaPublicOperation(key, signature);
  return opened !== null && timingSafeEqual(opened, expected);
}

function rsaPublicOperation(key: KeyObject, signature: Buffer): Buffer | null {
  if (signature.length !== 256) return null;
  try {
    return publicDecrypt({ key, padding: constants.RSA_NO_PADDING }, signature);
  } catch {
    // OpenSSL refuses numbers not below the modulus; such a signature is no signature.
    return null;
  }
}

function toKeyObject(key: CardRsaKey): KeyObject {
  return createPublicKey({
    key: { kty: 'RSA', n: key.modulus.toString('base64url'), e: key.exponent.toString('base64url') },
    format: 'jwk',
  });
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}

const JP2_SIGNATURE = Buffer.from('0000000c6a5020200d0a870a', 'hex');

function isJp2(image: Buffer): boolean {
  return image.length > JP2_SIGNATURE.length && image.subarray(0, JP2_SIGNATURE.length).equals(JP2_SIGNATURE);
}

function readConfiguredKey(key: CardIssuerKey, environment: 'production' | 'test'): KeyObject {
  if (!/^[0-9a-f]{32}$/i.test(key.keyIdHex))
    throw new CardIssuerKeyError(`card issuer key id ${key.keyIdHex}: 16 bytes in hexadecimal are needed`);
  if (environment === 'production' && key.keyIdHex.startsWith('36'))
    throw new CardIssuerKeyError(`card issuer key ${key.keyIdHex} belongs to the test hierarchy`);
  const parts = { modulus: Buffer.from(key.modulus, 'hex'), exponent: Buffer.from(key.exponent, 'hex') };
  try {
    checkCardKey(parts);
  } catch (error) {
    if (error instanceof CardRecordError)
      throw new CardIssuerKeyError(`card issuer key ${key.keyIdHex}: ${error.message}`);
    throw error;
  }
  return toKeyObject(parts);
}
