import { createHash, createPublicKey, randomBytes, type KeyObject } from 'node:crypto';
import * as asn1js from 'asn1js';
import * as pkijs from 'pkijs';
import type { CertifiedKey } from '../pki/certificate-authority.js';
import { readWhole } from '../jpki/ocsp-responder.js';
import {
  authorityKeyIdentifier,
  basicConstraintsCa,
  directoryName,
  encoded,
  extendedKeyUsage,
  extension,
  freshSerial,
  inSeconds,
  integer,
  keyUsage,
  namedBits,
  signatureAlgorithm,
  signWith,
  subjectKeyIdentifier,
  writeCertificate,
  writeCrl,
  type DistinguishedName,
  type RevokedEntry,
} from '../pki/x509-writer.js';

/** What the authority does wrong. Each is an answer that must not count. */
export const TIMESTAMP_FAULTS = [
  'none',
  'rejection',
  'waiting',
  'granted_with_mods',
  'granted_without_token',
  'garbage',
  'truncated',
  'trailing_bytes',
  'trailing_in_token',
  'oversize',
  'http_500',
  'wrong_media_type',
  'drop',
  'hang',
  'wrong_imprint',
  'sha1_imprint',
  'wrong_nonce',
  'without_nonce',
  'other_policy',
  'from_the_future',
  'from_the_past',
  'critical_extension',
  'other_tsa_name',
  'other_tstinfo_version',
  'malformed_time',
  'without_eku',
  'eku_not_critical',
  'extra_eku',
  'any_eku',
  'key_encipherment',
  'expired_signer',
  'not_yet_valid_signer',
  'authority_signs',
  'foreign_authority',
  'unknown_critical_in_certificate',
  'tampered_content',
  'tampered_attributes',
  'bad_signature',
  'wrong_digest',
  'wrong_content_type',
  'unsorted_attributes',
  'without_attributes',
  'other_content',
  'wrong_certificate_hash',
  'sha1_certificate_hash',
  'without_certificate_hash',
  'wrong_issuer_serial',
  'without_certificates',
  'two_signers',
  'sha1_digest',
] as const;
export type TimestampFault = (typeof TIMESTAMP_FAULTS)[number];

/** Invented: an arc for examples. */
export const TIMESTAMP_POLICY = '1.3.6.1.4.1.32473.1.1';
const OTHER_POLICY = '1.3.6.1.4.1.32473.1.2';
const UNKNOWN_EXTENSION = '1.3.6.1.4.1.32473.9';
const TIME_STAMPING = '1.3.6.1.5.5.7.3.8';
const TSTINFO = '1.2.840.113549.1.9.16.1.4';
const HOUR_MS = 3_600_000;
const YEAR_MS = 8766 * HOUR_MS;

export interface TimestampQuestion {
  readonly imprint: Buffer;
  readonly policy: string | null;
  readonly nonce: asn1js.Integer | null;
  readonly wantsCertificates: boolean;
}

/** Reads a TimeStampReq. @throws {RangeError} Source: RFC 3161 section 2.4.1. */
export function readTimestampRequest(bytes: Uint8Array): TimestampQuestion {
  const { version, messageImprint, reqPolicy, nonce, certReq } = readWhole(
    bytes,
    (schema) => new pkijs.TimeStampReq({ schema }),
  );
  if (version !== 1) throw new RangeError('not a timestamp request');
  const imprint = Buffer.from(messageImprint.hashedMessage.valueBlock.valueHexView);
  if (messageImprint.hashAlgorithm.algorithmId !== OIDS.sha256 || imprint.length !== 32)
    throw new RangeError('only imprints with SHA-256 are taken');
  if (reqPolicy !== undefined && reqPolicy !== TIMESTAMP_POLICY) throw new RangeError('unaccepted policy');
  return { imprint, policy: reqPolicy ?? null, nonce: nonce ?? null, wantsCertificates: certReq === true };
}

const OIDS = {
  sha1: '1.3.14.3.2.26',
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
  signedData: '1.2.840.113549.1.7.2',
  data: '1.2.840.113549.1.7.1',
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  signingCertificate: '1.2.840.113549.1.9.16.2.12',
  signingCertificateV2: '1.2.840.113549.1.9.16.2.47',
} as const;

/** What signs the tokens: a root and keys, all P-384. */
export interface TimestampKeys {
  readonly anchor: CertifiedKey;
  readonly signerKey: KeyObject;
  /** A root that nobody trusts. */
  readonly foreign: CertifiedKey;
}

const ANCHOR_NAME: DistinguishedName = [
  ['C', 'JP'],
  ['O', 'TIMESTAMP-TEST'],
  ['CN', 'Timestamp root (TEST)'],
];
const SIGNER_NAME: DistinguishedName = [
  ['C', 'JP'],
  ['O', 'TIMESTAMP-TEST'],
  ['CN', 'Timestamp authority (TEST)'],
];

export function timestampAnchor(key: KeyObject, now: Date): CertifiedKey {
  const dates = { notBefore: new Date(now.getTime() - YEAR_MS), notAfter: new Date(now.getTime() + 9 * YEAR_MS) };
  const extensions = [basicConstraintsCa(), keyUsage('keyCertSign', 'cRLSign'), subjectKeyIdentifier(key)];
  return {
    privateKey: key,
    certificate: writeCertificate(
      {
        serial: freshSerial(),
        issuer: ANCHOR_NAME,
        subject: ANCHOR_NAME,
        ...dates,
        publicKey: createPublicKey(key),
        extensions,
      },
      key,
    ),
  };
}

/** The root's complete CRL, with these of its certificates revoked. */
export function timestampCrl(anchor: CertifiedKey, now: Date, revoked: readonly RevokedEntry[] = []): Buffer {
  return writeCrl(
    {
      issuer: ANCHOR_NAME,
      thisUpdate: now,
      nextUpdate: new Date(now.getTime() + 24 * HOUR_MS),
      number: Math.floor(now.getTime() / 1000),
      authorityKey: anchor.privateKey,
      revoked,
    },
    anchor.privateKey,
  );
}

/** Certificate of the signer as the fault wants it. */
function signerCertificate({ anchor, foreign, signerKey }: TimestampKeys, fault: TimestampFault, now: Date): Buffer {
  const issuer = fault === 'foreign_authority' ? foreign : anchor;
  const purposes: Partial<Record<TimestampFault, readonly string[]>> = {
    without_eku: [],
    extra_eku: [TIME_STAMPING, '1.3.6.1.5.5.7.3.3'],
    any_eku: ['2.5.29.37.0'],
  };
  const usage = purposes[fault] ?? [TIME_STAMPING];
  const extensions = [
    fault === 'key_encipherment' ? keyUsage('digitalSignature', 'keyEncipherment') : keyUsage('digitalSignature'),
    ...(usage.length === 0 ? [] : [extendedKeyUsage(usage, fault !== 'eku_not_critical')]),
    subjectKeyIdentifier(signerKey),
    authorityKeyIdentifier(issuer.privateKey),
    ...(fault === 'unknown_critical_in_certificate' ? [extension(UNKNOWN_EXTENSION, new asn1js.Null(), true)] : []),
  ];
  const notBefore = new Date(now.getTime() + (fault === 'not_yet_valid_signer' ? HOUR_MS : -YEAR_MS / 12));
  const notAfter = new Date(now.getTime() + (fault === 'expired_signer' ? -HOUR_MS : YEAR_MS));
  return writeCertificate(
    {
      serial: freshSerial(),
      issuer: ANCHOR_NAME,
      subject: SIGNER_NAME,
      notBefore,
      notAfter,
      publicKey: createPublicKey(signerKey),
      extensions,
    },
    issuer.privateKey,
  );
}

/** Answers with a token, right or wrong in exactly one way. Source: RFC 3161 section 2.4.2, RFC 5652, RFC 5035. */
export function writeTimestamp(
  question: TimestampQuestion,
  keys: TimestampKeys,
  options: { readonly fault: TimestampFault; readonly now: Date; readonly serial: number },
): Buffer {
  const { fault } = options;
  const status = new pkijs.PKIStatusInfo({ status: { granted_with_mods: 1, waiting: 3 }[fault as string] ?? 0 });
  if (fault === 'granted_without_token' || fault === 'waiting') return encoded(new pkijs.TimeStampResp({ status }));
  const certificate =
    fault === 'authority_signs' ? Buffer.from(keys.anchor.certificate) : signerCertificate(keys, fault, options.now);
  const content = encoded(withMalformedTime(timestampInfo(question, options), fault));
  const digest = digestOf(content, fault);
  const signer = signerInfo(
    { digest, certificate, key: fault === 'authority_signs' ? keys.anchor.privateKey : keys.signerKey },
    fault,
  );
  const signedData = new pkijs.SignedData({
    digestAlgorithms: [algorithm(OIDS[hashOf(fault)])],
    encapContentInfo: encapsulated(
      fault === 'tampered_content' ? flipped(content, content.indexOf(question.imprint)) : content,
      fault,
    ),
    ...(question.wantsCertificates &&
      fault !== 'without_certificates' && { certificates: [pkijs.Certificate.fromBER(certificate)] }),
    signerInfos: fault === 'two_signers' ? [signer, signer] : [signer],
  });
  const token = new pkijs.ContentInfo({ contentType: OIDS.signedData, content: signedDataOf(signedData) });
  const response = encoded(withTrailing(new pkijs.TimeStampResp({ status, timeStampToken: token }), fault));
  // What was signed is not what is shown: the digest stands in the answer once, among the signed attributes.
  return fault === 'tampered_attributes' ? flipped(response, response.indexOf(digest)) : response;
}

/** Version 3, also where the content claims to be plain data, for which pkijs would write version 1 (RFC 5652 section
 *  5.1). */
function signedDataOf(data: pkijs.SignedData): asn1js.Sequence {
  const schema = data.toSchema(true) as asn1js.Sequence;
  schema.valueBlock.value[0] = new asn1js.Integer({ value: 3 });
  return schema;
}

/** Given as a value, pkijs cuts the content into pieces of a constructed OCTET STRING, which is BER; a timestamp is
 *  DER. */
function encapsulated(content: Uint8Array, fault: TimestampFault): pkijs.EncapsulatedContentInfo {
  const info = new pkijs.EncapsulatedContentInfo({ eContentType: fault === 'other_content' ? OIDS.data : TSTINFO });
  info.eContent = new asn1js.OctetString({ valueHex: content });
  return info;
}

/** Something after the signed data, inside of the tag around it. */
function withTrailing(response: pkijs.TimeStampResp, fault: TimestampFault): asn1js.Sequence {
  const schema = response.toSchema() as asn1js.Sequence;
  const [, explicit] = (schema.valueBlock.value[1] as asn1js.Sequence).valueBlock.value;
  if (fault === 'trailing_in_token') (explicit as asn1js.Constructed).valueBlock.value.push(new asn1js.Null());
  return schema;
}

/** A refusal with its reason. @param failureBit of PKIFailureInfo */
export function writeTimestampRejection(text: string, failureBit: number): Buffer {
  const statusStrings = [new asn1js.Utf8String({ value: text })];
  const status = new pkijs.PKIStatusInfo({
    status: pkijs.PKIStatus.rejection,
    statusStrings,
    failInfo: namedBits([failureBit]),
  });
  return encoded(new pkijs.TimeStampResp({ status }));
}

function timestampInfo(
  { imprint, nonce }: TimestampQuestion,
  { fault, now, serial }: { readonly fault: TimestampFault; readonly now: Date; readonly serial: number },
): pkijs.TSTInfo {
  const at = inSeconds(
    new Date(now.getTime() + ({ from_the_future: 2 * HOUR_MS, from_the_past: -48 * HOUR_MS }[fault as string] ?? 0)),
  );
  const hash = fault === 'wrong_imprint' ? createHash('sha256').update('other bytes').digest() : imprint;
  const stated = fault === 'sha1_imprint' ? { oid: OIDS.sha1, hash: hash.subarray(0, 20) } : { oid: OIDS.sha256, hash };
  const givenNonce =
    fault === 'wrong_nonce'
      ? integer(Buffer.concat([Buffer.of(0x41), randomBytes(15)]))
      : fault === 'without_nonce'
        ? null
        : nonce;
  return new pkijs.TSTInfo({
    version: fault === 'other_tstinfo_version' ? 2 : 1,
    policy: fault === 'other_policy' ? OTHER_POLICY : TIMESTAMP_POLICY,
    messageImprint: new pkijs.MessageImprint({
      hashAlgorithm: algorithm(stated.oid),
      hashedMessage: new asn1js.OctetString({ valueHex: stated.hash }),
    }),
    serialNumber: new asn1js.Integer({ value: serial }),
    genTime: at,
    accuracy: new pkijs.Accuracy({ seconds: 1 }),
    ...(givenNonce && { nonce: givenNonce }),
    tsa: directoryName(fault === 'other_tsa_name' ? ANCHOR_NAME : SIGNER_NAME),
    ...(fault === 'critical_extension' && { extensions: [extension(UNKNOWN_EXTENSION, new asn1js.Null(), true)] }),
  });
}

/** A zero at the end of a fraction, which RFC 3161 does not allow and asn1js does not write. */
function withMalformedTime(info: pkijs.TSTInfo, fault: TimestampFault): asn1js.Sequence {
  const schema = info.toSchema() as asn1js.Sequence;
  const valueHex = Buffer.from('20261123101010.120Z');
  if (fault === 'malformed_time')
    schema.valueBlock.value[4] = new asn1js.Primitive({ idBlock: { tagClass: 1, tagNumber: 24 }, valueHex });
  return schema;
}

const hashOf = (fault: TimestampFault): 'sha1' | 'sha384' => (fault === 'sha1_digest' ? 'sha1' : 'sha384');

function digestOf(content: Uint8Array, fault: TimestampFault): Buffer {
  return createHash(hashOf(fault))
    .update(fault === 'wrong_digest' ? 'other content' : content)
    .digest();
}

interface Signing {
  readonly digest: Buffer;
  readonly certificate: Buffer;
  readonly key: KeyObject;
}

function signerInfo({ digest, certificate, key }: Signing, fault: TimestampFault): pkijs.SignerInfo {
  const attributes = [
    attribute(
      OIDS.contentType,
      new asn1js.ObjectIdentifier({ value: fault === 'wrong_content_type' ? OIDS.data : TSTINFO }),
    ),
    attribute(OIDS.messageDigest, new asn1js.OctetString({ valueHex: digest })),
    ...identification(certificate, fault),
    // DER sorts a SET OF; pkijs writes it in the order in which it is given.
  ].sort((a, b) => Buffer.compare(encoded(a), encoded(b)));
  if (fault === 'unsorted_attributes') attributes.reverse();
  const signedAttrs = new pkijs.SignedAndUnsignedAttributes({ type: 0, attributes });
  const signature = signWith(key, Buffer.concat([Buffer.of(0x31), encoded(signedAttrs).subarray(1)]));
  const { issuer, serialNumber } = pkijs.Certificate.fromBER(certificate);
  return new pkijs.SignerInfo({
    version: 1,
    sid: new pkijs.IssuerAndSerialNumber({ issuer, serialNumber }),
    digestAlgorithm: algorithm(OIDS[hashOf(fault)]),
    ...(fault !== 'without_attributes' && { signedAttrs }),
    signatureAlgorithm: signatureAlgorithm(key),
    signature: new asn1js.OctetString({
      valueHex: fault === 'bad_signature' ? flipped(signature, signature.length - 1) : signature,
    }),
  });
}

/** SigningCertificateV2 over the certificate, or what the fault makes of it; pkijs knows neither. SHA-256 is the
 *  default and not written. */
function identification(certificate: Buffer, fault: TimestampFault): pkijs.Attribute[] {
  const identified = (...parts: asn1js.AsnType[]) => sequence(sequence(sequence(...parts)));
  const hashed = (hash: Buffer) => new asn1js.OctetString({ valueHex: hash });
  if (fault === 'without_certificate_hash') return [];
  if (fault === 'sha1_certificate_hash')
    return [attribute(OIDS.signingCertificate, identified(hashed(createHash('sha1').update(certificate).digest())))];
  const hash = createHash('sha256')
    .update(fault === 'wrong_certificate_hash' ? 'another certificate' : certificate)
    .digest();
  const { issuer, serialNumber } = pkijs.Certificate.fromBER(certificate);
  const names = new pkijs.GeneralNames({ names: [new pkijs.GeneralName({ type: 4, value: issuer })] });
  const issuerSerial = sequence(
    names.toSchema(),
    fault === 'wrong_issuer_serial' ? integer(freshSerial()) : serialNumber,
  );
  return [attribute(OIDS.signingCertificateV2, identified(hashed(hash), issuerSerial))];
}

function sequence(...value: asn1js.AsnType[]): asn1js.Sequence {
  return new asn1js.Sequence({ value });
}

function attribute(oid: string, value: asn1js.AsnType): pkijs.Attribute {
  return new pkijs.Attribute({ type: oid, values: [value] });
}

function algorithm(oid: string): pkijs.AlgorithmIdentifier {
  return new pkijs.AlgorithmIdentifier({ algorithmId: oid });
}

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}
