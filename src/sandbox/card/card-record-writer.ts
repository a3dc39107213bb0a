import { constants, createHash, createPublicKey, privateEncrypt, sign, type KeyObject } from 'node:crypto';

/** An RSA public key as the card's surface application writes it: big-endian unsigned, no sign byte. */
export interface RsaPublicParts {
  readonly modulus: Uint8Array;
  readonly exponent: Uint8Array;
}

/** What the municipality writes into EF 0002 (券面事項確認AP) of a card. */
export interface CardFaceFields {
  /** Date of birth, `YYYYMMDD`. */
  readonly birthDate: string;
  /** One digit of JIS X 0303: 1 male, 2 female, 9 not applicable, 0 unknown. */
  readonly sex: '0' | '1' | '2' | '9';
  /** The card's own RSA-2048 key, which answers the active challenge. */
  readonly cardKey: RsaPublicParts;
  /** 1-bit PNG of the name. */
  readonly nameImage: Uint8Array;
  /** 1-bit PNG of the address. */
  readonly addressImage: Uint8Array;
  /** The photograph: JPEG 2000 in a JP2 container, grey. */
  readonly faceImage: Uint8Array;
  /** Card expiry, `YYYYMMDD`. Not covered by the signature. */
  readonly expiry: string;
  /** PNG of the four-digit security code. Not covered by the signature. */
  readonly securityCodeImage: Uint8Array;
}

/** Builds EF 0002: the `FF20` record with its offset table and the issuer's three-group signature.
 * @param issuerKey private RSA-2048 key whose public half the `7F21` certificate certifies.
 * @returns the record without filler, less than 32 KiB.
 * @throws {RangeError} when the record does not fit into a card file (15-bit read offset, u16 offset table). Layout:
 *   DF21 offsets, DF22 birth date, DF23 sex, DF24 card key, DF25 name, DF26 address, DF27 photograph, DF28 signature,
 *   DF29 expiry, DF2A code. */
export function buildCardRecord(fields: CardFaceFields, issuerKey: KeyObject): Uint8Array {
  const birthDate = encodeTlv(0xdf22, ascii(fields.birthDate));
  const sex = encodeTlv(0xdf23, ascii(fields.sex));
  const key = encodeTlv(0xdf24, encodeRsaPublicKey(fields.cardKey));
  const name = encodeTlv(0xdf25, fields.nameImage);
  const address = encodeTlv(0xdf26, fields.addressImage);
  const photograph = encodeTlv(0xdf27, fields.faceImage);
  const groups = [concat([birthDate, sex, key]), concat([name, address]), photograph];
  const signature = encodeTlv(0xdf28, signCardRecordGroups(groups, issuerKey));
  const unsigned = [encodeTlv(0xdf29, ascii(fields.expiry)), encodeTlv(0xdf2a, fields.securityCodeImage)];
  return assembleRecord([birthDate, sex, key, name, address, photograph, signature, ...unsigned]);
}

/** Puts finished objects behind an offset table and the outer `FF20` tag. Exported so that tests can build wrong
 * records.
 * @param objects complete TLV objects in file order, without the table itself. */
export function assembleRecord(objects: readonly Uint8Array[]): Uint8Array {
  const tableLength = encodeTlv(0xdf21, new Uint8Array(objects.length * 2)).length;
  const bodyLength = tableLength + objects.reduce((sum, o) => sum + o.length, 0);
  const headerLength = tagBytes(0xff20).length + lengthBytes(bodyLength).length;
  if (headerLength + bodyLength > 0x7fff)
    throw new RangeError(`a card file holds at most 32767 bytes, this record has ${headerLength + bodyLength}`);
  const table = Buffer.alloc(objects.length * 2);
  let position = headerLength + tableLength;
  objects.forEach((object, i) => {
    table.writeUInt16BE(position, i * 2);
    position += object.length;
  });
  return encodeTlv(0xff20, concat([encodeTlv(0xdf21, table), ...objects]));
}

/** The issuer's signature over the three groups: one DigestInfo that holds three SHA-256 digests one after another (96
 * bytes). */
export function signCardRecordGroups(groups: readonly Uint8Array[], issuerKey: KeyObject): Uint8Array {
  return signDigestInfo(sha256DigestInfo(concat(groups.map(sha256))), issuerKey);
}

export interface IssuerCertificateFields {
  /** 証明者鍵ID: the 16 bytes that name the key which signs. See {@link cardKeyId}. */
  readonly issuerKeyId: Uint8Array;
  /** 被証明者鍵ID: the 16 bytes that name the certified key. */
  readonly subjectKeyId: Uint8Array;
  /** The municipality's key, which signs the records. */
  readonly subjectKey: RsaPublicParts;
}

/** Builds EF 0004: `7F21 { 5F4E body (297 bytes), 5F37 signature }`, RSA PKCS#1 v1.5 over SHA-256 of the body.
 *  @param rootKey private RSA-2048 key of the authority that `issuerKeyId` names. */
export function buildIssuerCertificate(fields: IssuerCertificateFields, rootKey: KeyObject): Uint8Array {
  if (fields.issuerKeyId.length !== 16 || fields.subjectKeyId.length !== 16)
    throw new RangeError('a key id has 16 bytes');
  const body = concat([fields.issuerKeyId, fields.subjectKeyId, encodeRsaPublicKey(fields.subjectKey)]);
  const signature = sign('sha256', body, rootKey);
  return encodeTlv(0x7f21, concat([encodeTlv(0x5f4e, body), encodeTlv(0x5f37, signature)]));
}

/** The 16-byte key id: seven digits, `08 05`, three digits, four bytes of padding.
 *  @param number such as `6000023` (test cards; production numbers start with 5)
 *  @param group such as `001` */
export function cardKeyId(number: string, group: string): Uint8Array {
  if (!/^\d{7}$/.test(number) || !/^\d{3}$/.test(group))
    throw new RangeError('a key id is written as seven digits and a group of three digits');
  return concat([ascii(number), Uint8Array.of(0x08, 0x05), ascii(group), new Uint8Array(4)]);
}

/** What the card does for COMPUTE DIGITAL SIGNATURE: it pads the given DigestInfo (1–245 bytes) and signs it as it is.
 *  @param digestInfo DER, made by the host. @returns 256 bytes for RSA-2048. */
export function signDigestInfo(digestInfo: Uint8Array, cardKey: KeyObject): Uint8Array {
  return privateEncrypt({ key: cardKey, padding: constants.RSA_PKCS1_PADDING }, digestInfo);
}

/** The active challenge as a booth asks for it: DigestInfo of SHA-256(challenge), signed by the card's own key. */
export function signChallenge(challenge: Uint8Array, cardKey: KeyObject): Uint8Array {
  return signDigestInfo(sha256DigestInfo(sha256(challenge)), cardKey);
}

/** DER DigestInfo for SHA-256. The digest is 32 bytes, or 96 in the card-face record.
 *  Source: RFC 8017 section 9.2; the 96-byte form is the card's own. */
export function sha256DigestInfo(digest: Uint8Array): Uint8Array {
  const algorithm = Buffer.from('300d06096086480165030402010500', 'hex');
  const content = concat([algorithm, Uint8Array.of(0x04, digest.length), digest]);
  return concat([Uint8Array.of(0x30, content.length), content]);
}

/** Modulus and exponent of an RSA key, private or public, as unsigned big-endian bytes. */
export function rsaPublicParts(key: KeyObject): RsaPublicParts {
  const jwk = (key.type === 'private' ? createPublicKey(key) : key).export({ format: 'jwk' });
  if (jwk.kty !== 'RSA' || jwk.n === undefined || jwk.e === undefined) throw new TypeError('not an RSA key');
  return { modulus: Buffer.from(jwk.n, 'base64url'), exponent: Buffer.from(jwk.e, 'base64url') };
}

/** `90` exponent, `91` modulus: 265 bytes for RSA-2048 with exponent 65537. */
export function encodeRsaPublicKey(key: RsaPublicParts): Uint8Array {
  return concat([encodeTlv(0x90, key.exponent), encodeTlv(0x91, key.modulus)]);
}

/** One BER-TLV object with a one- or two-byte tag and the shortest definite length.
 *  @param tag as written, for example 0x90 or 0xdf22 */
export function encodeTlv(tag: number, value: Uint8Array): Uint8Array {
  return concat([tagBytes(tag), lengthBytes(value.length), value]);
}

function tagBytes(tag: number): Uint8Array {
  return tag > 0xff ? Uint8Array.of(tag >> 8, tag & 0xff) : Uint8Array.of(tag);
}

function lengthBytes(length: number): Uint8Array {
  if (length < 0x80) return Uint8Array.of(length);
  if (length <= 0xff) return Uint8Array.of(0x81, length);
  if (length <= 0xffff) return Uint8Array.of(0x82, length >> 8, length & 0xff);
  throw new RangeError('longer than any card file');
}

function sha256(bytes: Uint8Array): Uint8Array {
  return createHash('sha256').update(bytes).digest();
}

function ascii(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(parts);
}
