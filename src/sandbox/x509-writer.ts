import { createHash, createPublicKey, randomBytes, sign, type KeyObject } from 'node:crypto';
import {
  bitString, boolean, context, contextPrimitive, enumerated, ia5String, integer, namedBits, nullValue, objectIdentifier, octetString,
  printableString, readDer, readElements, sequence, set, time, utf8String,
} from './der.js';
import type { RevocationReason } from '../domain/values/certificate-status.js';

/** Relative distinguished names in the order of the certificate, one attribute each. */
export type DistinguishedName = readonly (readonly [attribute: 'C' | 'O' | 'OU' | 'L' | 'CN', value: string])[];

/** One X.509 extension: `value` is the DER inside the OCTET STRING. */
export interface Extension {
  readonly oid: string;
  readonly critical: boolean;
  readonly value: Uint8Array;
}

export interface CertificateFields {
  readonly serial: Uint8Array;
  readonly issuer: DistinguishedName;
  readonly subject: DistinguishedName;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly publicKey: KeyObject;
  readonly extensions: readonly Extension[];
}

const ATTRIBUTE_OIDS = { C: '2.5.4.6', O: '2.5.4.10', OU: '2.5.4.11', L: '2.5.4.7', CN: '2.5.4.3' } as const;

/** DER Name. Country is a PrintableString, everything else UTF8String. Source: RFC 5280 section 4.1.2.4. */
export function encodeName(name: DistinguishedName): Buffer {
  return sequence(...name.map(([attribute, value]) => set(sequence(objectIdentifier(ATTRIBUTE_OIDS[attribute]), attribute === 'C' ? printableString(value) : utf8String(value)))));
}

/** Writes and signs a version 3 certificate; the algorithm follows from the issuer's key (RSA: SHA-256, P-384: SHA-384). */
export function writeCertificate(fields: CertificateFields, issuerKey: KeyObject): Buffer {
  const algorithm = signatureAlgorithm(issuerKey);
  const tbs = sequence(
    context(0, integer(2)),
    integer(fields.serial),
    algorithm,
    encodeName(fields.issuer),
    sequence(time(fields.notBefore), time(fields.notAfter)),
    encodeName(fields.subject),
    fields.publicKey.export({ format: 'der', type: 'spki' }),
    context(3, sequence(...fields.extensions.map(encodeExtension))),
  );
  return sequence(tbs, algorithm, bitString(signWith(issuerKey, tbs)));
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
  const algorithm = signatureAlgorithm(issuerKey);
  const entries = fields.revoked.map((entry) => sequence(integer(entry.serial), time(entry.revokedAt), sequence(encodeExtension(reasonExtension(entry.reason)))));
  const extensions = [authorityKeyIdentifier(fields.authorityKey), { oid: '2.5.29.20', critical: false, value: integer(fields.number) }];
  const tbs = sequence(
    integer(1),
    algorithm,
    encodeName(fields.issuer),
    time(fields.thisUpdate),
    time(fields.nextUpdate),
    // The list must be absent, not empty, when nothing is revoked (RFC 5280 section 5.1.2.6).
    ...(entries.length > 0 ? [sequence(...entries)] : []),
    context(0, sequence(...extensions.map(encodeExtension))),
  );
  return sequence(tbs, algorithm, bitString(signWith(issuerKey, tbs)));
}

function reasonExtension(reason: RevocationReason): Extension {
  return { oid: '2.5.29.21', critical: false, value: enumerated(reasonCode(reason)) };
}

const REASON_CODES: Readonly<Record<RevocationReason, number>> = {
  unspecified: 0, key_compromise: 1, ca_compromise: 2, affiliation_changed: 3, superseded: 4, cessation_of_operation: 5,
  certificate_hold: 6, remove_from_crl: 8, privilege_withdrawn: 9, aa_compromise: 10,
};

/** CRLReason of RFC 5280 section 5.3.1. */
export function reasonCode(reason: RevocationReason): number {
  return REASON_CODES[reason];
}

export function isRevocationReason(text: unknown): text is RevocationReason {
  return typeof text === 'string' && Object.hasOwn(REASON_CODES, text);
}

/** AlgorithmIdentifier of the signatures that this key makes here. @throws {TypeError} for other kinds of keys. */
export function signatureAlgorithm(key: KeyObject): Buffer {
  if (key.asymmetricKeyType === 'rsa') return sequence(objectIdentifier('1.2.840.113549.1.1.11'), nullValue());
  if (key.asymmetricKeyType === 'ec') return sequence(objectIdentifier('1.2.840.10045.4.3.3'));
  throw new TypeError(`no signature algorithm for ${key.asymmetricKeyType ?? 'a secret key'}`);
}

/** RSASSA-PKCS1-v1_5 with SHA-256, or DER-encoded ECDSA with SHA-384. */
export function signWith(key: KeyObject, bytes: Uint8Array): Buffer {
  return sign(key.asymmetricKeyType === 'ec' ? 'sha384' : 'sha256', bytes, key);
}

/** Key bits as they are hashed for key identifiers and CertIDs: the content of subjectPublicKey without the count of unused bits. */
export function publicKeyBits(key: KeyObject): Buffer {
  const spki = (key.type === 'private' ? createPublicKey(key) : key).export({ format: 'der', type: 'spki' });
  const bits = readElements(readDer(spki).content)[1];
  if (bits === undefined) throw new RangeError('not a SubjectPublicKeyInfo');
  return bits.content.subarray(1);
}

export function keyIdentifier(key: KeyObject): Buffer {
  return createHash('sha1').update(publicKeyBits(key)).digest();
}

export function encodeExtension(extension: Extension): Buffer {
  return sequence(objectIdentifier(extension.oid), ...(extension.critical ? [boolean(true)] : []), octetString(extension.value));
}

/** keyUsage bits by their RFC 5280 numbers. */
export const KEY_USAGE = { digitalSignature: 0, nonRepudiation: 1, keyCertSign: 5, cRLSign: 6 } as const;

export function keyUsage(...usages: readonly (keyof typeof KEY_USAGE)[]): Extension {
  return { oid: '2.5.29.15', critical: true, value: namedBits(usages.map((usage) => KEY_USAGE[usage])) };
}

export function extendedKeyUsage(...oids: readonly string[]): Extension {
  return { oid: '2.5.29.37', critical: false, value: sequence(...oids.map(objectIdentifier)) };
}

export function basicConstraintsCa(): Extension {
  return { oid: '2.5.29.19', critical: true, value: sequence(boolean(true)) };
}

export function subjectKeyIdentifier(key: KeyObject): Extension {
  return { oid: '2.5.29.14', critical: false, value: octetString(keyIdentifier(key)) };
}

export function authorityKeyIdentifier(key: KeyObject): Extension {
  return { oid: '2.5.29.35', critical: false, value: sequence(contextPrimitive(0, keyIdentifier(key))) };
}

/** One policy with its practice statement's address. */
export function certificatePolicies(oid: string, practiceStatement: string): Extension {
  const qualifier = sequence(objectIdentifier('1.3.6.1.5.5.7.2.1'), ia5String(practiceStatement));
  return { oid: '2.5.29.32', critical: true, value: sequence(sequence(objectIdentifier(oid), sequence(qualifier))) };
}

/** CRL distribution point given as a directory name, never as an address: the card's certificates name no server. */
export function crlDistributionPoint(name: DistinguishedName): Extension {
  return { oid: '2.5.29.31', critical: false, value: sequence(sequence(context(0, context(0, context(4, encodeName(name)))))) };
}

export function issuerAltName(name: DistinguishedName): Extension {
  return { oid: '2.5.29.18', critical: false, value: sequence(context(4, encodeName(name))) };
}

/** subjectAltName with one directory name. */
export function subjectAltDirectoryName(name: DistinguishedName): Extension {
  return { oid: '2.5.29.17', critical: false, value: sequence(context(4, encodeName(name))) };
}

/** subjectAltName with `otherName` entries whose values are UTF8String. */
export function subjectAltOtherNames(entries: readonly (readonly [oid: string, value: string])[]): Extension {
  const names = entries.map(([oid, value]) => context(0, objectIdentifier(oid), context(0, utf8String(value))));
  return { oid: '2.5.29.17', critical: false, value: sequence(...names) };
}

/** id-pkix-ocsp-nocheck: the responder's own certificate is not looked up. Source: RFC 6960 section 4.2.2.2.1. */
export function ocspNoCheck(): Extension {
  return { oid: '1.3.6.1.5.5.7.48.1.5', critical: false, value: nullValue() };
}

/** A positive serial number of eight bytes that is not repeated in practice. */
export function freshSerial(): Buffer {
  const serial = randomBytes(8);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  return serial;
}

/** Text form for people and control calls. */
export function pem(label: string, bytes: Uint8Array): string {
  const lines = Buffer.from(bytes).toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

