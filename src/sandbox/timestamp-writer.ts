import { createHash, createPublicKey, randomBytes, type KeyObject } from 'node:crypto';
import { bitString, context, der, generalizedTime, integer, nullValue, objectIdentifier, octetString, readDer, readElements, sequence, set, utf8String } from './der.js';
import {
  authorityKeyIdentifier, basicConstraintsCa, encodeExtension, encodeName, extendedKeyUsage, freshSerial, keyUsage, signatureAlgorithm, signWith, subjectKeyIdentifier, writeCertificate, writeCrl,
  type DistinguishedName, type Extension, type RevokedEntry,
} from './x509-writer.js';
import type { CertifiedKey } from './certificate-authority.js';

/** What the authority does wrong. Each is an answer that must not count. */
export const TIMESTAMP_FAULTS = [
  'none', 'rejection', 'waiting', 'granted_with_mods', 'granted_without_token', 'garbage', 'truncated', 'trailing_bytes', 'trailing_in_token', 'oversize', 'http_500', 'wrong_media_type', 'drop', 'hang',
  'wrong_imprint', 'sha1_imprint', 'wrong_nonce', 'without_nonce', 'other_policy', 'from_the_future', 'from_the_past', 'critical_extension', 'other_tsa_name', 'other_tstinfo_version', 'malformed_time',
  'without_eku', 'eku_not_critical', 'extra_eku', 'any_eku', 'key_encipherment', 'expired_signer', 'not_yet_valid_signer', 'authority_signs', 'foreign_authority', 'unknown_critical_in_certificate',
  'tampered_content', 'tampered_attributes', 'bad_signature', 'wrong_digest', 'wrong_content_type', 'unsorted_attributes', 'without_attributes', 'other_content', 'wrong_certificate_hash', 'sha1_certificate_hash', 'without_certificate_hash', 'wrong_issuer_serial',
  'without_certificates', 'two_signers', 'sha1_digest',
] as const;
export type TimestampFault = (typeof TIMESTAMP_FAULTS)[number];

/** Invented: an arc for examples. */
export const TIMESTAMP_POLICY = '1.3.6.1.4.1.32473.1.1';
const OTHER_POLICY = '1.3.6.1.4.1.32473.1.2';
const TIME_STAMPING = '1.3.6.1.5.5.7.3.8';
const TSTINFO = '1.2.840.113549.1.9.16.1.4';
const HOUR_MS = 3_600_000;
const YEAR_MS = 8766 * HOUR_MS;

export interface TimestampQuestion {
  readonly imprint: Buffer;
  readonly policy: string | null;
  /** The INTEGER element as it came, or null. */
  readonly nonce: Buffer | null;
  readonly wantsCertificates: boolean;
}

/** Reads a TimeStampReq. @throws {RangeError} Source: RFC 3161 section 2.4.1. */
export function readTimestampRequest(bytes: Uint8Array): TimestampQuestion {
  const [version, imprint, ...rest] = readElements(readDer(bytes).content);
  if (version?.content.equals(Buffer.of(1)) !== true || imprint?.tag !== 0x30) throw new RangeError('not a timestamp request');
  const [algorithm, hash] = readElements(imprint.content);
  if (algorithm === undefined || hash?.tag !== 0x04 || hash.content.length !== 32 || !readElements(algorithm.content)[0]?.raw.equals(objectIdentifier(OIDS.sha256))) throw new RangeError('only imprints with SHA-256 are taken');
  const policy = rest.find(({ tag }) => tag === 0x06);
  if (policy !== undefined && !policy.raw.equals(objectIdentifier(TIMESTAMP_POLICY))) throw new RangeError('unaccepted policy');
  return { imprint: hash.content, policy: policy === undefined ? null : TIMESTAMP_POLICY, nonce: rest.find(({ tag }) => tag === 0x02)?.raw ?? null, wantsCertificates: rest.some(({ tag, content }) => tag === 0x01 && content[0] === 0xff) };
}

const OIDS = {
  sha1: '1.3.14.3.2.26', sha256: '2.16.840.1.101.3.4.2.1', sha384: '2.16.840.1.101.3.4.2.2', signedData: '1.2.840.113549.1.7.2', data: '1.2.840.113549.1.7.1', contentType: '1.2.840.113549.1.9.3', messageDigest: '1.2.840.113549.1.9.4',
  signingCertificate: '1.2.840.113549.1.9.16.2.12', signingCertificateV2: '1.2.840.113549.1.9.16.2.47',
} as const;

/** What signs the tokens: a root and keys, all P-384. */
export interface TimestampKeys {
  readonly anchor: CertifiedKey;
  readonly signerKey: KeyObject;
  /** A root that nobody trusts. */
  readonly foreign: CertifiedKey;
}

const ANCHOR_NAME: DistinguishedName = [['C', 'JP'], ['O', 'TIMESTAMP-TEST'], ['CN', 'Timestamp root (TEST)']];
const SIGNER_NAME: DistinguishedName = [['C', 'JP'], ['O', 'TIMESTAMP-TEST'], ['CN', 'Timestamp authority (TEST)']];

export function timestampAnchor(key: KeyObject, now: Date): CertifiedKey {
  const dates = { notBefore: new Date(now.getTime() - YEAR_MS), notAfter: new Date(now.getTime() + 9 * YEAR_MS) };
  const extensions = [basicConstraintsCa(), keyUsage('keyCertSign', 'cRLSign'), subjectKeyIdentifier(key)];
  return { privateKey: key, certificate: writeCertificate({ serial: freshSerial(), issuer: ANCHOR_NAME, subject: ANCHOR_NAME, ...dates, publicKey: createPublicKey(key), extensions }, key) };
}

/** The root's complete CRL, with these of its certificates revoked. */
export function timestampCrl(anchor: CertifiedKey, now: Date, revoked: readonly RevokedEntry[] = []): Buffer {
  return writeCrl({ issuer: ANCHOR_NAME, thisUpdate: now, nextUpdate: new Date(now.getTime() + 24 * HOUR_MS), number: Math.floor(now.getTime() / 1000), authorityKey: anchor.privateKey, revoked }, anchor.privateKey);
}

/** Certificate of the signer as the fault wants it. */
function signerCertificate({ anchor, foreign, signerKey }: TimestampKeys, fault: TimestampFault, now: Date): Buffer {
  const issuer = fault === 'foreign_authority' ? foreign : anchor;
  const purposes: Partial<Record<TimestampFault, readonly string[]>> = { without_eku: [], extra_eku: [TIME_STAMPING, '1.3.6.1.5.5.7.3.3'], any_eku: ['2.5.29.37.0'] };
  const usage = purposes[fault] ?? [TIME_STAMPING];
  const extensions: Extension[] = [
    fault === 'key_encipherment' ? { oid: '2.5.29.15', critical: true, value: bitString(Buffer.of(0b1010_0000), 5) } : keyUsage('digitalSignature'),
    ...(usage.length === 0 ? [] : [{ ...extendedKeyUsage(...usage), critical: fault !== 'eku_not_critical' }]),
    subjectKeyIdentifier(signerKey),
    authorityKeyIdentifier(issuer.privateKey),
    ...(fault === 'unknown_critical_in_certificate' ? [{ oid: '1.3.6.1.4.1.32473.9', critical: true, value: nullValue() }] : []),
  ];
  const notBefore = new Date(now.getTime() + (fault === 'not_yet_valid_signer' ? HOUR_MS : -YEAR_MS / 12));
  const notAfter = new Date(now.getTime() + (fault === 'expired_signer' ? -HOUR_MS : YEAR_MS));
  return writeCertificate({ serial: freshSerial(), issuer: ANCHOR_NAME, subject: SIGNER_NAME, notBefore, notAfter, publicKey: createPublicKey(signerKey), extensions }, issuer.privateKey);
}

/** Answers with a token, right or wrong in exactly one way. Source: RFC 3161 section 2.4.2, RFC 5652, RFC 5035. */
export function writeTimestamp(question: TimestampQuestion, keys: TimestampKeys, options: { readonly fault: TimestampFault; readonly now: Date; readonly serial: number }): Buffer {
  const { fault } = options;
  const certificate = fault === 'authority_signs' ? Buffer.from(keys.anchor.certificate) : signerCertificate(keys, fault, options.now);
  const content = timestampInfo(question, options);
  const signer = signerInfo(content, certificate, fault === 'authority_signs' ? keys.anchor.privateKey : keys.signerKey, fault);
  const sent = fault === 'tampered_content' ? flipped(content, content.indexOf(question.imprint)) : content;
  const signedData = sequence(
    integer(3),
    set(algorithm(OIDS[fault === 'sha1_digest' ? 'sha1' : 'sha384'])),
    sequence(objectIdentifier(fault === 'other_content' ? OIDS.data : TSTINFO), context(0, octetString(sent))),
    ...(question.wantsCertificates && fault !== 'without_certificates' ? [context(0, certificate)] : []),
    set(signer, ...(fault === 'two_signers' ? [signer] : [])),
  );
  const token = sequence(objectIdentifier(OIDS.signedData), context(0, signedData, ...(fault === 'trailing_in_token' ? [nullValue()] : [])));
  const status = { granted_with_mods: 1, waiting: 3 }[fault as string] ?? 0;
  return sequence(sequence(integer(status)), ...(fault === 'granted_without_token' || fault === 'waiting' ? [] : [token]));
}

/** A refusal with its reason. @param failureBit of PKIFailureInfo */
export function writeTimestampRejection(text: string, failureBit: number): Buffer {
  const bits = Buffer.alloc((failureBit >> 3) + 1);
  bits[failureBit >> 3] = 0x80 >> (failureBit & 7);
  return sequence(sequence(integer(2), sequence(utf8String(text)), bitString(bits, 7 - (failureBit & 7))));
}

function timestampInfo({ imprint, nonce }: TimestampQuestion, { fault, now, serial }: { readonly fault: TimestampFault; readonly now: Date; readonly serial: number }): Buffer {
  const at = new Date(now.getTime() + ({ from_the_future: 2 * HOUR_MS, from_the_past: -48 * HOUR_MS }[fault as string] ?? 0));
  const hash = fault === 'wrong_imprint' ? createHash('sha256').update('other bytes').digest() : imprint;
  const stated = fault === 'sha1_imprint' ? sequence(algorithm(OIDS.sha1), octetString(hash.subarray(0, 20))) : sequence(algorithm(OIDS.sha256), octetString(hash));
  const givenNonce = fault === 'wrong_nonce' ? integer(Buffer.concat([Buffer.of(0x41), randomBytes(15)])) : fault === 'without_nonce' ? null : nonce;
  return sequence(
    integer(fault === 'other_tstinfo_version' ? 2 : 1),
    objectIdentifier(fault === 'other_policy' ? OTHER_POLICY : TIMESTAMP_POLICY),
    stated,
    integer(serial),
    fault === 'malformed_time' ? der(0x18, Buffer.from('20261123101010.120Z')) : generalizedTime(at),
    sequence(integer(1)),
    ...(givenNonce === null ? [] : [givenNonce]),
    context(0, context(4, encodeName(fault === 'other_tsa_name' ? ANCHOR_NAME : SIGNER_NAME))),
    ...(fault === 'critical_extension' ? [context(1, encodeExtension({ oid: '1.3.6.1.4.1.32473.9', critical: true, value: nullValue() }))] : []),
  );
}

function signerInfo(content: Buffer, certificate: Buffer, key: KeyObject, fault: TimestampFault): Buffer {
  const hash = fault === 'sha1_digest' ? 'sha1' : 'sha384';
  const digest = createHash(hash).update(fault === 'wrong_digest' ? 'other content' : content).digest();
  const attributes = [
    attribute(OIDS.contentType, objectIdentifier(fault === 'wrong_content_type' ? OIDS.data : TSTINFO)),
    attribute(OIDS.messageDigest, octetString(digest)),
    ...identification(certificate, fault),
  ].sort(Buffer.compare);
  if (fault === 'unsorted_attributes') attributes.reverse();
  const signed = set(...attributes);
  const signature = signWith(key, signed);
  const shown = fault === 'tampered_attributes' ? flipped(signed, signed.indexOf(digest)) : signed;
  return sequence(
    integer(1),
    nameOf(certificate),
    algorithm(OIDS[hash]),
    ...(fault === 'without_attributes' ? [] : [Buffer.concat([Buffer.of(0xa0), shown.subarray(1)])]),
    signatureAlgorithm(key),
    octetString(fault === 'bad_signature' ? flipped(signature, signature.length - 1) : signature),
  );
}

/** SigningCertificateV2 over the certificate, or what the fault makes of it. SHA-256 is the default and not written. */
function identification(certificate: Buffer, fault: TimestampFault): Buffer[] {
  if (fault === 'without_certificate_hash') return [];
  if (fault === 'sha1_certificate_hash') return [attribute(OIDS.signingCertificate, sequence(sequence(sequence(octetString(createHash('sha1').update(certificate).digest())))))];
  const hash = createHash('sha256').update(fault === 'wrong_certificate_hash' ? 'another certificate' : certificate).digest();
  const { issuer, serial } = issuerAndSerial(certificate);
  const issuerSerial = sequence(sequence(context(4, issuer)), fault === 'wrong_issuer_serial' ? integer(freshSerial()) : serial);
  return [attribute(OIDS.signingCertificateV2, sequence(sequence(sequence(octetString(hash), issuerSerial))))];
}

function nameOf(certificate: Buffer): Buffer {
  const { issuer, serial } = issuerAndSerial(certificate);
  return sequence(issuer, serial);
}

function issuerAndSerial(certificate: Buffer): { readonly issuer: Buffer; readonly serial: Buffer } {
  const [tbs] = readElements(readDer(certificate).content);
  const [, serial, , issuer] = readElements(tbs?.content ?? Buffer.alloc(0));
  if (serial === undefined || issuer === undefined) throw new RangeError('not a certificate');
  return { issuer: issuer.raw, serial: serial.raw };
}

function attribute(oid: string, value: Buffer): Buffer {
  return sequence(objectIdentifier(oid), set(value));
}

function algorithm(oid: string): Buffer {
  return sequence(objectIdentifier(oid));
}

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}
