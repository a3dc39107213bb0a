import { createHash, createPublicKey, randomBytes, sign, type KeyObject } from 'node:crypto';
import * as asn1js from 'asn1js';
import * as pkijs from 'pkijs';
import type { RevocationReason } from '../../domain/values/certificate-status.js';

/** Certificates and CRLs of the stand-ins, written by pkijs and signed by Node's cryptography. The server reads them
 *  with a parser of its own,
 *  so that neither side can agree on the other's mistakes. Where pkijs writes something else than the standards ask
 *  for, the
 *  part is put together from ASN.1 and the place says why. */

/** Relative distinguished names in the order of the certificate, one attribute each. */
export type DistinguishedName = readonly (readonly [attribute: 'C' | 'O' | 'OU' | 'L' | 'CN', value: string])[];

export interface CertificateFields {
  readonly serial: Uint8Array;
  readonly issuer: DistinguishedName;
  readonly subject: DistinguishedName;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly publicKey: KeyObject;
  readonly extensions: readonly pkijs.Extension[];
}

/** Writes and signs a version 3 certificate; the algorithm follows from the issuer's key (RSA: SHA-256, P-384:
 * SHA-384). */
export function writeCertificate(fields: CertificateFields, issuerKey: KeyObject): Buffer {
  const certificate = new pkijs.Certificate({
    version: 2,
    serialNumber: integer(fields.serial),
    issuer: nameOf(fields.issuer),
    subject: nameOf(fields.subject),
    notBefore: time(fields.notBefore),
    notAfter: time(fields.notAfter),
    subjectPublicKeyInfo: keyInfo(fields.publicKey),
    extensions: [...fields.extensions],
  });
  return signed(certificate, issuerKey);
}

export interface RevokedEntry {
  readonly serial: Uint8Array;
  readonly revokedAt: Date;
  readonly reason: RevocationReason;
}

export interface CrlFields {
  readonly issuer: DistinguishedName;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  readonly number: number;
  readonly authorityKey: KeyObject;
  readonly revoked: readonly RevokedEntry[];
}

/** Writes a complete version 2 CRL with CRL number and authority key identifier. Source: RFC 5280 section 5. */
export function writeCrl(fields: CrlFields, issuerKey: KeyObject): Buffer {
  const { issuer, thisUpdate, nextUpdate, number, authorityKey, revoked } = fields;
  const extensions = [
    authorityKeyIdentifier(authorityKey),
    extension('2.5.29.20', new asn1js.Integer({ value: number })),
  ];
  const list = new pkijs.CertificateRevocationList({
    version: 1,
    issuer: nameOf(issuer),
    thisUpdate: time(thisUpdate),
    nextUpdate: time(nextUpdate),
    // The list must be absent, not empty, when nothing is revoked (RFC 5280 section 5.1.2.6).
    ...(revoked.length > 0 && { revokedCertificates: revoked.map(revokedCertificate) }),
    crlExtensions: new pkijs.Extensions({ extensions }),
  });
  return signed(list, issuerKey);
}

function revokedCertificate({ serial, revokedAt, reason }: RevokedEntry): pkijs.RevokedCertificate {
  const extensions = [extension('2.5.29.21', new asn1js.Enumerated({ value: reasonCode(reason) }))];
  return new pkijs.RevokedCertificate({
    userCertificate: integer(serial),
    revocationDate: time(revokedAt),
    crlEntryExtensions: new pkijs.Extensions({ extensions }),
  });
}

const REASON_CODES: Readonly<Record<RevocationReason, number>> = {
  unspecified: 0,
  key_compromise: 1,
  ca_compromise: 2,
  affiliation_changed: 3,
  superseded: 4,
  cessation_of_operation: 5,
  certificate_hold: 6,
  remove_from_crl: 8,
  privilege_withdrawn: 9,
  aa_compromise: 10,
};

/** CRLReason of RFC 5280 section 5.3.1. */
export function reasonCode(reason: RevocationReason): number {
  return REASON_CODES[reason];
}

export function isRevocationReason(text: unknown): text is RevocationReason {
  return typeof text === 'string' && Object.hasOwn(REASON_CODES, text);
}

/** Signs what it is given through Node, which has the keys as they are kept; pkijs would want them from WebCrypto, and
 *  a promise. */
function signed(object: pkijs.Certificate | pkijs.CertificateRevocationList, key: KeyObject): Buffer {
  object.signature = object.signatureAlgorithm = signatureAlgorithm(key);
  const [tbs] = (object.toSchema(true) as asn1js.Sequence).valueBlock.value as [asn1js.Sequence];
  object.signatureValue = new asn1js.BitString({ valueHex: signWith(key, encoded(tbs)) });
  return encoded(object.toSchema(true));
}

/** AlgorithmIdentifier of the signatures that this key makes here. @throws {TypeError} for other kinds of keys. */
export function signatureAlgorithm(key: KeyObject): pkijs.AlgorithmIdentifier {
  if (key.asymmetricKeyType === 'rsa') {
    return new pkijs.AlgorithmIdentifier({ algorithmId: '1.2.840.113549.1.1.11', algorithmParams: new asn1js.Null() });
  }
  if (key.asymmetricKeyType === 'ec') return new pkijs.AlgorithmIdentifier({ algorithmId: '1.2.840.10045.4.3.3' });
  throw new TypeError(`no signature algorithm for ${key.asymmetricKeyType ?? 'a secret key'}`);
}

/** RSASSA-PKCS1-v1_5 with SHA-256, or DER-encoded ECDSA with SHA-384. */
export function signWith(key: KeyObject, bytes: Uint8Array): Buffer {
  return sign(key.asymmetricKeyType === 'ec' ? 'sha384' : 'sha256', bytes, key);
}

/** The bytes of a structure. */
export function encoded(structure: pkijs.PkiObject | asn1js.AsnType): Buffer {
  const schema = structure instanceof pkijs.PkiObject ? (structure.toSchema() as asn1js.AsnType) : structure;
  return Buffer.from(schema.toBER());
}

/** DER Name. */
export function encodeName(name: DistinguishedName): Buffer {
  return encoded(nameOf(name));
}

const ATTRIBUTE_OIDS = { C: '2.5.4.6', O: '2.5.4.10', OU: '2.5.4.11', L: '2.5.4.7', CN: '2.5.4.3' } as const;

/** Country is a PrintableString, everything else UTF8String. Source: RFC 5280 section 4.1.2.4. */
export function nameOf(name: DistinguishedName): pkijs.RelativeDistinguishedNames {
  const sets = name.map(([attribute, value]) => {
    const text = attribute === 'C' ? new asn1js.PrintableString({ value }) : new asn1js.Utf8String({ value });
    const pair = new pkijs.AttributeTypeAndValue({ type: ATTRIBUTE_OIDS[attribute], value: text });
    return new asn1js.Set({ value: [pair.toSchema()] });
  });
  // From its parts pkijs writes all of them into one SET, as one relative name with several attributes; what it has
  // read it writes as it was.
  return pkijs.RelativeDistinguishedNames.fromBER(new asn1js.Sequence({ value: sets }).toBER());
}

/** A name as one of several in an extension. */
export function directoryName(name: DistinguishedName): pkijs.GeneralName {
  return new pkijs.GeneralName({ type: 4, value: nameOf(name) });
}

/** INTEGER from unsigned big-endian bytes, in its shortest form. */
export function integer(value: Uint8Array): asn1js.Integer {
  return asn1js.Integer.fromBigInt(BigInt(`0x${Buffer.from(value).toString('hex') || '0'}`));
}

/** Time of a certificate or CRL: UTCTime up to 2049, GeneralizedTime from 2050. Source: RFC 5280 section 4.1.2.5. */
function time(at: Date): pkijs.Time {
  const year = at.getUTCFullYear();
  return new pkijs.Time({
    type: year >= 1950 && year < 2050 ? pkijs.TimeType.UTCTime : pkijs.TimeType.GeneralizedTime,
    value: inSeconds(at),
  });
}

/** Without its milliseconds, which asn1js would write; neither certificates nor OCSP answers may have any. */
export function inSeconds(at: Date): Date {
  return new Date(Math.floor(at.getTime() / 1000) * 1000);
}

function keyInfo(key: KeyObject): pkijs.PublicKeyInfo {
  const spki = (key.type === 'private' ? createPublicKey(key) : key).export({ format: 'der', type: 'spki' });
  return pkijs.PublicKeyInfo.fromBER(spki);
}

/** Key bits as they are hashed for key identifiers and CertIDs: the content of subjectPublicKey without the count of
 * unused bits. */
export function publicKeyBits(key: KeyObject): Buffer {
  return Buffer.from(keyInfo(key).subjectPublicKey.valueBlock.valueHexView);
}

export function keyIdentifier(key: KeyObject): Buffer {
  return createHash('sha1').update(publicKeyBits(key)).digest();
}

/** @param value what stands inside of the OCTET STRING */
export function extension(
  oid: string,
  value: pkijs.PkiObject | asn1js.AsnType | Uint8Array,
  isCritical = false,
): pkijs.Extension {
  const bytes = value instanceof Uint8Array ? value : encoded(value);
  return new pkijs.Extension({ extnID: oid, critical: isCritical, extnValue: Uint8Array.from(bytes).buffer });
}

/** keyUsage bits by their RFC 5280 numbers. */
export const KEY_USAGE = {
  digitalSignature: 0,
  nonRepudiation: 1,
  keyEncipherment: 2,
  keyCertSign: 5,
  cRLSign: 6,
} as const;

export function keyUsage(...usages: readonly (keyof typeof KEY_USAGE)[]): pkijs.Extension {
  return extension('2.5.29.15', namedBits(usages.map((usage) => KEY_USAGE[usage])), true);
}

/** BIT STRING of named bits (bit 0 is the first bit), without trailing zero bits. */
export function namedBits(bits: readonly number[]): asn1js.BitString {
  const highest = Math.max(...bits);
  const content = Buffer.alloc((highest >> 3) + 1);
  for (const bit of bits) content[bit >> 3] = (content[bit >> 3] ?? 0) | (0x80 >> (bit & 7));
  return new asn1js.BitString({ valueHex: content, unusedBits: 7 - (highest & 7) });
}

export function extendedKeyUsage(oids: readonly string[], isCritical = false): pkijs.Extension {
  return extension('2.5.29.37', new pkijs.ExtKeyUsage({ keyPurposes: [...oids] }), isCritical);
}

export function basicConstraintsCa(): pkijs.Extension {
  return extension('2.5.29.19', new pkijs.BasicConstraints({ cA: true }), true);
}

export function subjectKeyIdentifier(key: KeyObject): pkijs.Extension {
  return extension('2.5.29.14', new asn1js.OctetString({ valueHex: keyIdentifier(key) }));
}

export function authorityKeyIdentifier(key: KeyObject): pkijs.Extension {
  const identifier = new asn1js.OctetString({ valueHex: keyIdentifier(key) });
  return extension('2.5.29.35', new pkijs.AuthorityKeyIdentifier({ keyIdentifier: identifier }));
}

/** One policy with its practice statement's address. */
export function certificatePolicies(oid: string, practiceStatement: string): pkijs.Extension {
  const qualifier = new asn1js.IA5String({ value: practiceStatement });
  const policyQualifiers = [new pkijs.PolicyQualifierInfo({ policyQualifierId: '1.3.6.1.5.5.7.2.1', qualifier })];
  const policy = new pkijs.PolicyInformation({ policyIdentifier: oid, policyQualifiers });
  return extension('2.5.29.32', new pkijs.CertificatePolicies({ certificatePolicies: [policy] }), true);
}

/** CRL distribution point given as a directory name, never as an address: the card's certificates name no server. */
export function crlDistributionPoint(name: DistinguishedName): pkijs.Extension {
  const point = new pkijs.DistributionPoint({ distributionPoint: [directoryName(name)] });
  return extension('2.5.29.31', new pkijs.CRLDistributionPoints({ distributionPoints: [point] }));
}

export function issuerAltName(name: DistinguishedName): pkijs.Extension {
  return extension('2.5.29.18', new pkijs.AltName({ altNames: [directoryName(name)] }));
}

/** subjectAltName with one directory name. */
export function subjectAltDirectoryName(name: DistinguishedName): pkijs.Extension {
  return extension('2.5.29.17', new pkijs.AltName({ altNames: [directoryName(name)] }));
}

/** subjectAltName with `otherName` entries whose values are UTF8String. pkijs has one element in the tag of an
 *  otherName, where RFC 5280 asks for
 *  two (its identifier and its value), so these are written element by element. */
export function subjectAltOtherNames(entries: readonly (readonly [oid: string, value: string])[]): pkijs.Extension {
  const names = entries.map(([oid, value]) =>
    tagged(0, new asn1js.ObjectIdentifier({ value: oid }), tagged(0, new asn1js.Utf8String({ value }))),
  );
  return extension('2.5.29.17', new asn1js.Sequence({ value: names }));
}

/** `[number]` around elements. */
export function tagged(number: number, ...value: asn1js.AsnType[]): asn1js.Constructed {
  return new asn1js.Constructed({ idBlock: { tagClass: 3, tagNumber: number }, value });
}

/** id-pkix-ocsp-nocheck: the responder's own certificate is not looked up. Source: RFC 6960 section 4.2.2.2.1. */
export function ocspNoCheck(): pkijs.Extension {
  return extension('1.3.6.1.5.5.7.48.1.5', new asn1js.Null());
}

/** A positive serial number of eight bytes that is not repeated in practice. */
export function freshSerial(): Buffer {
  const serial = randomBytes(8);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  return serial;
}

/** Text form for people and control calls. */
export function pem(label: string, bytes: Uint8Array): string {
  const lines =
    Buffer.from(bytes)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
