import type { FaceRecordStatements } from '../../domain/registration/card-agreement.js';
import { asBuffer } from '../x509/asn1/der.js';

/** The bytes are not a record of the surface application (券面事項確認AP). */
export class CardRecordError extends Error {}

/** RSA key of a card or an issuer: unsigned big-endian numbers. */
export interface CardRsaKey {
  readonly modulus: Buffer;
  readonly exponent: Buffer;
}

/** EF 0002, as read. Views on the input. */
export interface CardFaceRecord {
  /** The card's own key (DF24), which answers challenges. */
  readonly cardKey: CardRsaKey;
  /** The same as written: content of DF24. */
  readonly cardKeyObject: Buffer;
  /** DF22, DF23 and DF29. */
  readonly statements: FaceRecordStatements;
  /** JPEG 2000 in a JP2 container (DF27). */
  readonly faceImage: Buffer;
  /** DF28. */
  readonly signature: Buffer;
  /** What the signature covers, as written: DF22–DF24, DF25–DF26, DF27. */
  readonly signedGroups: readonly [Buffer, Buffer, Buffer];
}

/** EF 0004: the card-verifiable certificate of the key that signs records. */
export interface CardIssuerCertificate {
  /** 証明者鍵ID, hex: which configured key signed this. */
  readonly issuerKeyId: string;
  /** 被証明者鍵ID, hex. */
  readonly subjectKeyId: string;
  readonly key: CardRsaKey;
  /** The 297 bytes that are signed. */
  readonly body: Buffer;
  readonly signature: Buffer;
}

/** A card file is read with a 15-bit offset. */
export const CARD_RECORD_BYTES_MAX = 0x7fff;
const ISSUER_CERTIFICATE_BYTES_MAX = 1024;

const RECORD_TAGS = [0xdf21, 0xdf22, 0xdf23, 0xdf24, 0xdf25, 0xdf26, 0xdf27, 0xdf28, 0xdf29, 0xdf2a];

/** Parses EF 0002. The objects must be the ten known ones in their order, and the offset table must agree with where
 * they are.
 * @throws {CardRecordError} */
export function parseCardFaceRecord(bytes: Uint8Array): CardFaceRecord {
  const file = asBuffer(bytes);
  if (file.length > CARD_RECORD_BYTES_MAX) throw new CardRecordError('the record is larger than a card file');
  const outer = readTlv(file, 0, file.length, 2);
  if (outer.tag !== 0xff20 || outer.end !== file.length) throw new CardRecordError('not exactly one FF20 record');
  const objects = readObjects(file, outer);
  if (objects.length !== RECORD_TAGS.length || objects.some((o, i) => o.tag !== RECORD_TAGS[i]))
    throw new CardRecordError('the objects are not those of a card-face record');
  const [table, birthDate, sex, cardKey, name, address, photograph, signature, expiry] = objects as [
    Tlv,
    Tlv,
    Tlv,
    Tlv,
    Tlv,
    Tlv,
    Tlv,
    Tlv,
    Tlv,
  ];
  checkOffsets(file, table, objects.slice(1));
  checkDigits(file, birthDate, 8, 'date of birth');
  checkDigits(file, sex, 1, 'sex');
  checkDigits(file, expiry, 8, 'expiry');
  return {
    cardKey: readKey(file, cardKey),
    cardKeyObject: file.subarray(cardKey.content, cardKey.end),
    statements: { birthDate: textOf(file, birthDate), sex: textOf(file, sex), expiry: textOf(file, expiry) },
    faceImage: file.subarray(photograph.content, photograph.end),
    signature: file.subarray(signature.content, signature.end),
    signedGroups: [
      file.subarray(birthDate.start, cardKey.end),
      file.subarray(name.start, address.end),
      file.subarray(photograph.start, photograph.end),
    ],
  };
}

/** Parses EF 0004. @throws {CardRecordError} */
export function parseCardIssuerCertificate(bytes: Uint8Array): CardIssuerCertificate {
  const file = asBuffer(bytes);
  if (file.length > ISSUER_CERTIFICATE_BYTES_MAX)
    throw new CardRecordError('the certificate is larger than any on a card');
  const outer = readTlv(file, 0, file.length, 2);
  if (outer.tag !== 0x7f21 || outer.end !== file.length) throw new CardRecordError('not exactly one 7F21 certificate');
  const objects = readObjects(file, outer);
  if (objects.length !== 2 || objects[0]!.tag !== 0x5f4e || objects[1]!.tag !== 0x5f37)
    throw new CardRecordError('the objects are not those of a card-verifiable certificate');
  const body = file.subarray(objects[0]!.content, objects[0]!.end);
  if (body.length !== 297) throw new CardRecordError(`the certificate body has ${body.length} bytes, not 297`);
  return {
    issuerKeyId: body.toString('hex', 0, 16),
    subjectKeyId: body.toString('hex', 16, 32),
    key: readKey(file, { tag: 0, start: 0, content: objects[0]!.content + 32, end: objects[0]!.end }),
    body,
    signature: file.subarray(objects[1]!.content, objects[1]!.end),
  };
}

interface Tlv {
  readonly tag: number;
  readonly start: number;
  readonly content: number;
  readonly end: number;
}

/** One object with a tag of a known number of bytes. Definite lengths of one, two or three bytes; a card writes no
 * others. */
function readTlv(file: Buffer, start: number, limit: number, tagBytes: 1 | 2): Tlv {
  let p = start + tagBytes;
  if (p + 1 > limit) throw new CardRecordError('the record ends too early');
  const tag = file.readUIntBE(start, tagBytes);
  let length = file[p++]!;
  if (length >= 0x80) {
    const count = length & 0x7f;
    if (count !== 1 && count !== 2) throw new CardRecordError('a length that no card writes');
    if (p + count > limit) throw new CardRecordError('the record ends inside a length');
    length = file.readUIntBE(p, count);
    p += count;
  }
  if (p + length > limit) throw new CardRecordError('an object is longer than what holds it');
  return { tag, start, content: p, end: p + length };
}

function readObjects(file: Buffer, outer: Tlv): Tlv[] {
  const objects: Tlv[] = [];
  for (let p = outer.content; p < outer.end;) {
    const object = readTlv(file, p, outer.end, 2);
    objects.push(object);
    if (objects.length > RECORD_TAGS.length) throw new CardRecordError('too many objects');
    p = object.end;
  }
  return objects;
}

/** The table is not signed, so it proves nothing; but a record that contradicts itself was not written by an issuer. */
function checkOffsets(file: Buffer, table: Tlv, objects: readonly Tlv[]): void {
  if (table.end - table.content !== objects.length * 2)
    throw new CardRecordError('the offset table does not fit the objects');
  objects.forEach((object, i) => {
    if (file.readUInt16BE(table.content + i * 2) !== object.start)
      throw new CardRecordError('the offset table contradicts the record');
  });
}

function textOf(file: Buffer, object: Tlv): string {
  return file.toString('latin1', object.content, object.end);
}

function checkDigits(file: Buffer, object: Tlv, count: number, what: string): void {
  const text = textOf(file, object);
  if (text.length !== count || !/^\d+$/.test(text)) throw new CardRecordError(`${what}: not ${count} digits`);
}

/** `90` exponent, `91` modulus, in this order and nothing else: RSA-2048 with an odd exponent of at least 65537. */
function readKey(file: Buffer, holder: Tlv): CardRsaKey {
  const exponent = readTlv(file, holder.content, holder.end, 1);
  const modulus = readTlv(file, exponent.end, holder.end, 1);
  if (exponent.tag !== 0x90 || modulus.tag !== 0x91 || modulus.end !== holder.end)
    throw new CardRecordError('a key that is not exponent and modulus');
  const key = {
    modulus: file.subarray(modulus.content, modulus.end),
    exponent: file.subarray(exponent.content, exponent.end),
  };
  checkCardKey(key);
  return key;
}

/** @throws {CardRecordError} unless the key is RSA-2048 with an odd modulus and an odd exponent from 65537 to 2^32 */
export function checkCardKey(key: CardRsaKey): void {
  if (key.modulus.length !== 256 || key.modulus[0]! < 0x80 || key.modulus[255]! % 2 === 0)
    throw new CardRecordError('a key that is not RSA-2048');
  const exponent =
    key.exponent.length === 0 || key.exponent.length > 4 ? 0 : key.exponent.readUIntBE(0, key.exponent.length);
  if (exponent < 65537 || exponent % 2 === 0)
    throw new CardRecordError('a key with an exponent that is not acceptable');
}
