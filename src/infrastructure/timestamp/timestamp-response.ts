import { readExtensionSequence, type Extension } from '../x509/certificate/certificate.js';
import {
  asBuffer,
  context,
  contextConstructed,
  decodeTimeAt,
  DerError,
  DerReader,
  readBoolean,
  readInteger,
  readOid,
  readSmallInteger,
  TAG,
} from '../x509/asn1/der.js';
import { readGeneralName, readGeneralNames, type GeneralName } from '../x509/certificate/general-name.js';

/** Object identifiers of CMS and of timestamps (RFC 5652, RFC 3161, RFC 5035). */
export const CMS = {
  signedData: '1.2.840.113549.1.7.2',
  tstInfo: '1.2.840.113549.1.9.16.1.4',
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  signingCertificate: '1.2.840.113549.1.9.16.2.12',
  signingCertificateV2: '1.2.840.113549.1.9.16.2.47',
} as const;

/** Tokens with a chain of certificates have 2 to 8 KiB. */
export const TIMESTAMP_BYTES_MAX = 64 * 1024;
const CERTIFICATES_MAX = 16;
const ATTRIBUTES_MAX = 32;

/** A TimeStampResp, read and not yet judged. Buffers are views on the input. */
export type TimestampResponse = { readonly status: TimestampStatus; readonly token: TimestampToken | null };

export interface TimestampStatus {
  /** 0 granted, 1 granted with modifications, 2 rejected, 3 waiting, 4 revocation warning, 5 revoked. */
  readonly code: number;
  readonly texts: readonly string[];
  /** Bits of PKIFailureInfo, or null. */
  readonly failure: number | null;
}

export interface TimestampToken {
  /** DER of TSTInfo: the content that the signature covers through its digest. */
  readonly content: Buffer;
  readonly info: TimestampInfo;
  /** DER of the certificates that came with it, in their order. */
  readonly certificates: readonly Buffer[];
  readonly signer: SignerInfo;
}

export interface TimestampInfo {
  readonly policy: string;
  readonly imprintAlgorithm: string;
  readonly imprint: Buffer;
  /** Content of the serial number INTEGER. */
  readonly serial: Buffer;
  /** Milliseconds since 1970; finer fractions are cut off. */
  readonly genTimeMs: number;
  /** How far the true time may be from `genTimeMs`, microseconds; null: the authority does not say. */
  readonly accuracyMicroseconds: number | null;
  readonly ordering: boolean;
  /** Content of the nonce INTEGER, or null. */
  readonly nonce: Buffer | null;
  readonly tsa: GeneralName | null;
  readonly extensions: readonly Extension[];
}

export type SignerName = { readonly issuer: Buffer; readonly serial: Buffer } | { readonly keyIdentifier: Buffer };

export interface SignerInfo {
  readonly name: SignerName;
  readonly digestAlgorithm: string;
  /** The attributes as they are signed: with the tag of a SET instead of `[0]` (RFC 5652 section 5.4). */
  readonly signedBytes: Buffer;
  readonly attributes: readonly {
    readonly oid: string;
    /** DER of each value. */
    readonly values: readonly Buffer[];
  }[];
  /** DER of AlgorithmIdentifier. */
  readonly signatureAlgorithm: Buffer;
  readonly signature: Buffer;
}

/** The first identified certificate of a SigningCertificateV2 is the signer's; further ones limit its path. */
export interface IdentifiedCertificate {
  readonly hashAlgorithm: string;
  readonly hash: Buffer;
  readonly issuer: readonly GeneralName[] | null;
  readonly serial: Buffer | null;
}

/** Reads an answer of a timestamp authority, strictly: DER everywhere (authorities sign DER and send DER), one signer,
 * no bytes after the end. @throws {DerError} naming the part that is not as RFC 3161 and RFC 5652 ask */
export function parseTimestampResponse(bytes: Uint8Array): TimestampResponse {
  const outer = new DerReader(asBuffer(bytes));
  const response = outer.enter(TAG.sequence);
  outer.finish('timestamp answer');
  const status = readStatus(response.enter(TAG.sequence));
  const token = response.atEnd ? null : readToken(response.enter(TAG.sequence));
  response.finish('timestamp answer');
  return { status, token };
}

function readStatus(r: DerReader): TimestampStatus {
  const code = readSmallInteger(r, 255);
  const texts: string[] = [];
  const free = r.enterOptional(TAG.sequence);
  // Shown to an operator: nothing in it may move a cursor or forge a line.
  while (free !== null && !free.atEnd)
    texts.push(
      free
        .read(TAG.utf8String)
        .toString('utf8')
        .replace(/[\p{C}\p{Z}]+/gu, ' ')
        .slice(0, 200),
    );
  const failure = r.peek() === TAG.bitString ? readFailure(r) : null;
  r.finish('status');
  return { code, texts: texts.slice(0, 4), failure };
}

/** PKIFailureInfo names bits up to 25, more than named bits elsewhere. */
function readFailure(r: DerReader): number {
  const content = r.read(TAG.bitString);
  if (content.length < 2 || content.length > 5 || content[0]! > 7) throw new DerError('failInfo');
  let bits = 0;
  for (let i = 0; i < (content.length - 1) * 8; i += 1)
    if ((content[1 + (i >> 3)]! & (0x80 >> (i & 7))) !== 0) bits += 2 ** i;
  return bits;
}

function readToken(contentInfo: DerReader): TimestampToken {
  if (readOid(contentInfo) !== CMS.signedData) throw new DerError('the token is not signed data');
  const explicit = contentInfo.enter(contextConstructed(0));
  contentInfo.finish('token');
  const signedData = explicit.enter(TAG.sequence);
  explicit.finish('token');
  // Version 3, because the content is not plain data and the certificates are of X.509 (RFC 5652 section 5.1).
  if (readSmallInteger(signedData, 255) !== 3) throw new DerError('signed data of another version');
  const announced = readAlgorithms(signedData.enter(TAG.set));
  const content = readContent(signedData.enter(TAG.sequence));
  const certificates = readCertificates(signedData.enterOptional(contextConstructed(0)));
  if (signedData.peek() === contextConstructed(1)) signedData.next();
  const signer = readOnlySigner(signedData.enter(TAG.set));
  signedData.finish('signed data');
  if (!announced.includes(signer.digestAlgorithm)) throw new DerError('a digest algorithm that is not announced');
  return { content, info: parseTimestampInfo(content), certificates, signer };
}

function readContent(r: DerReader): Buffer {
  if (readOid(r) !== CMS.tstInfo) throw new DerError('the signed content is not a timestamp');
  const explicit = r.enter(contextConstructed(0));
  r.finish('content');
  const content = explicit.read(TAG.octetString);
  explicit.finish('content');
  return content;
}

function readCertificates(r: DerReader | null): Buffer[] {
  const certificates: Buffer[] = [];
  while (r !== null && !r.atEnd) {
    certificates.push(r.element(TAG.sequence));
    if (certificates.length > CERTIFICATES_MAX) throw new DerError('too many certificates');
  }
  return certificates;
}

/** RFC 3161 section 2.4.2: the token has no signature but that of the authority. */
function readOnlySigner(set: DerReader): SignerInfo {
  const r = set.enter(TAG.sequence);
  if (!set.atEnd) throw new DerError('more than one signer');
  const version = readSmallInteger(r, 255);
  const name = readSignerName(r);
  if (version !== ('issuer' in name ? 1 : 3)) throw new DerError('a signer of another version');
  const digestAlgorithm = readAlgorithm(r);
  const attributesElement = r.element(contextConstructed(0));
  const signatureAlgorithm = r.element(TAG.sequence);
  const signature = r.read(TAG.octetString);
  // Unsigned attributes say nothing that anybody vouches for.
  if (r.peek() === contextConstructed(1)) r.next();
  r.finish('signer');
  return {
    name,
    digestAlgorithm,
    signedBytes: Buffer.concat([Buffer.of(TAG.set), attributesElement.subarray(1)]),
    attributes: readAttributes(attributesElement),
    signatureAlgorithm,
    signature,
  };
}

function readSignerName(r: DerReader): SignerName {
  if (r.peek() === context(0)) return { keyIdentifier: r.read(context(0)) };
  const pair = r.enter(TAG.sequence);
  const name = { issuer: pair.element(TAG.sequence), serial: readInteger(pair) };
  pair.finish('name of the signer');
  return name;
}

/** OID of an AlgorithmIdentifier whose parameters are absent or NULL (RFC 5754 section 2). */
function readAlgorithm(reader: DerReader): string {
  const r = reader.enter(TAG.sequence);
  const oid = readOid(r);
  if (!r.atEnd && r.read(TAG.null).length !== 0) throw new DerError('digest algorithm');
  r.finish('digest algorithm');
  return oid;
}

function readAlgorithms(set: DerReader): string[] {
  const algorithms: string[] = [];
  while (!set.atEnd && algorithms.length < CERTIFICATES_MAX) algorithms.push(readAlgorithm(set));
  set.finish('digest algorithms');
  return algorithms;
}

function readAttributes(element: Buffer): SignerInfo['attributes'] {
  const set = new DerReader(element).enter(contextConstructed(0));
  const attributes: { oid: string; values: Buffer[] }[] = [];
  let previous: Buffer | null = null;
  while (!set.atEnd) {
    const whole = set.element(TAG.sequence);
    // DER sorts a SET OF. Another order could be signed by one program and read by another.
    if (previous !== null && Buffer.compare(previous, whole) >= 0)
      throw new DerError('signed attributes that are not in the order of DER');
    previous = whole;
    const one = new DerReader(whole).enter(TAG.sequence);
    const oid = readOid(one);
    const valueSet = one.enter(TAG.set);
    one.finish('attribute');
    const values: Buffer[] = [];
    while (!valueSet.atEnd) values.push(valueSet.element());
    attributes.push({ oid, values });
    if (attributes.length > ATTRIBUTES_MAX) throw new DerError('too many attributes');
  }
  return attributes;
}

/** Reads a TSTInfo. Source: RFC 3161 section 2.4.2. @throws {DerError} */
export function parseTimestampInfo(bytes: Buffer): TimestampInfo {
  const outer = new DerReader(bytes);
  const r = outer.enter(TAG.sequence);
  outer.finish('timestamp');
  if (readSmallInteger(r, 255) !== 1) throw new DerError('a timestamp of another version');
  const policy = readOid(r);
  const imprintReader = r.enter(TAG.sequence);
  const imprintAlgorithm = readAlgorithm(imprintReader);
  const imprint = imprintReader.read(TAG.octetString);
  imprintReader.finish('imprint');
  const serial = readInteger(r);
  const genTimeMs = readGenTime(r.read(TAG.generalizedTime));
  const accuracyReader = r.enterOptional(TAG.sequence);
  const accuracyMicroseconds = accuracyReader === null ? null : readAccuracy(accuracyReader);
  const ordering = r.peek() === TAG.boolean ? readBoolean(r) : null;
  if (ordering === false) throw new DerError('a default that is written out');
  const nonce = r.peek() === TAG.integer ? readInteger(r) : null;
  const tsaReader = r.enterOptional(contextConstructed(0));
  const tsa = tsaReader === null ? null : readGeneralName(tsaReader);
  tsaReader?.finish('name of the authority');
  const extensionReader = r.enterOptional(contextConstructed(1));
  const extensions = extensionReader === null ? [] : readExtensionSequence(extensionReader);
  r.finish('timestamp');
  return {
    policy,
    imprintAlgorithm,
    imprint,
    serial,
    genTimeMs,
    accuracyMicroseconds,
    ordering: ordering ?? false,
    nonce,
    tsa,
    extensions,
  };
}

/** `YYYYMMDDhhmmss[.f]Z`: fractions are allowed here, without zeros at their end. @returns milliseconds since 1970 */
function readGenTime(content: Buffer): number {
  const [, whole, fraction] = /^(\d{14})(?:\.(\d{0,8}[1-9]))?Z$/.exec(content.toString('latin1')) ?? [];
  if (whole === undefined) throw new DerError('a time not written as RFC 3161 asks');
  const seconds = decodeTimeAt(Buffer.from(`${whole}Z`), { tag: TAG.generalizedTime, start: 0, end: 15 });
  return seconds * 1000 + Number((fraction ?? '').padEnd(3, '0').slice(0, 3));
}

function readAccuracy(r: DerReader): number {
  const seconds = r.peek() === TAG.integer ? readSmallInteger(r, 86_400) : 0;
  const [milli, micro] = [0, 1].map((n) => (r.peek() === context(n) ? readFraction(r, n) : 0)) as [number, number];
  r.finish('accuracy');
  return (seconds * 1000 + milli) * 1000 + micro;
}

/** `INTEGER (1..999)` (RFC 3161 section 2.4.2): nothing at all is left out, not written. */
function readFraction(r: DerReader, n: number): number {
  const value = readSmallInteger(r, 999, context(n));
  if (value === 0) throw new DerError('accuracy of 0');
  return value;
}

const SHA256 = '2.16.840.1.101.3.4.2.1';

/** SigningCertificateV2 (RFC 5035 section 3). @throws {DerError} */
export function parseSigningCertificateV2(bytes: Buffer): readonly IdentifiedCertificate[] {
  return readIdentified(bytes, (r) => (r.peek() === TAG.sequence ? readAlgorithm(r) : SHA256));
}

/** The older SigningCertificate, which knows SHA-1 only (RFC 2634 section 5.4). @throws {DerError} */
export function parseSigningCertificate(bytes: Buffer): readonly IdentifiedCertificate[] {
  return readIdentified(bytes, () => '1.3.14.3.2.26');
}

function readIdentified(bytes: Buffer, algorithmOf: (r: DerReader) => string): IdentifiedCertificate[] {
  const outer = new DerReader(bytes);
  const r = outer.enter(TAG.sequence);
  outer.finish('signing certificate');
  const list = r.enter(TAG.sequence);
  if (!r.atEnd) r.element(TAG.sequence);
  r.finish('signing certificate');
  const identified: IdentifiedCertificate[] = [];
  while (!list.atEnd) {
    const one = list.enter(TAG.sequence);
    const hashAlgorithm = algorithmOf(one);
    const hash = one.read(TAG.octetString);
    const issuerSerial = one.enterOptional(TAG.sequence);
    const issuer = issuerSerial === null ? null : readGeneralNames(issuerSerial.enter(TAG.sequence));
    const serial = issuerSerial === null ? null : readInteger(issuerSerial);
    issuerSerial?.finish('signing certificate');
    one.finish('signing certificate');
    identified.push({ hashAlgorithm, hash, issuer, serial });
    if (identified.length > CERTIFICATES_MAX) throw new DerError('signing certificate: too many');
  }
  if (identified.length === 0) throw new DerError('signing certificate: empty');
  return identified;
}
