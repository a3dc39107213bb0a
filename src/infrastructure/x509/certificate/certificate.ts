import { createHash } from 'node:crypto';
import {
  asBuffer,
  context,
  contextConstructed,
  DerError,
  DerReader,
  readBitStringBytes,
  readDefaultFalse,
  readInteger,
  readNamedBits,
  readOid,
  readSmallInteger,
  readTime,
  TAG,
} from '../asn1/der.js';
import { checkName } from './distinguished-name.js';
import {
  readDistributionPoints,
  readGeneralName,
  readGeneralNames,
  type DistributionPoint,
  type GeneralName,
} from './general-name.js';
import { OID } from '../asn1/oids.js';

export interface Extension {
  readonly oid: string;
  readonly critical: boolean;
  /** DER of the extension's own structure. */
  readonly value: Buffer;
}

export interface PolicyInformation {
  readonly policy: string;
  /** OIDs of the qualifiers. */
  readonly qualifiers: readonly string[];
}

export interface Subtree {
  readonly base: GeneralName;
}

export interface AuthorityKeyIdentifier {
  readonly keyIdentifier: Buffer | null;
  readonly issuer: readonly GeneralName[] | null;
  readonly serial: Buffer | null;
}

/** What the extensions say, each absent one as null. Everything that path validation uses is read once, at parse
 * time. */
export interface CertificateExtensions {
  readonly basicConstraints: { readonly ca: boolean; readonly pathLength: number | null } | null;
  /** Bits of KEY_USAGE. */
  readonly keyUsage: number | null;
  readonly extendedKeyUsage: readonly string[] | null;
  readonly certificatePolicies: readonly PolicyInformation[] | null;
  readonly policyMappings: readonly { readonly issuer: string; readonly subject: string }[] | null;
  readonly policyConstraints: {
    readonly requireExplicitPolicy: number | null;
    readonly inhibitPolicyMapping: number | null;
  } | null;
  readonly inhibitAnyPolicy: number | null;
  readonly nameConstraints: { readonly permitted: readonly Subtree[]; readonly excluded: readonly Subtree[] } | null;
  readonly subjectAltName: readonly GeneralName[] | null;
  readonly subjectKeyIdentifier: Buffer | null;
  readonly authorityKeyIdentifier: AuthorityKeyIdentifier | null;
  readonly crlDistributionPoints: readonly DistributionPoint[] | null;
  readonly freshestCrl: readonly DistributionPoint[] | null;
  readonly ocspNoCheck: boolean;
}

/** A parsed certificate. Buffers are views on the bytes that were given; they are never re-encoded. */
export interface Certificate {
  readonly der: Buffer;
  /** The signed part, exactly as signed. */
  readonly tbs: Buffer;
  /** 1, 2 or 3. */
  readonly version: number;
  /** Content of the serial number, two's complement. */
  readonly serial: Buffer;
  /** AlgorithmIdentifier outside and inside the signed part. */
  readonly signatureAlgorithm: Buffer;
  readonly tbsSignatureAlgorithm: Buffer;
  readonly issuer: Buffer;
  readonly subject: Buffer;
  /** Seconds since 1970. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** SubjectPublicKeyInfo. */
  readonly spki: Buffer;
  /** The key itself: content of the BIT STRING. Its hash is what OCSP's CertID calls the issuer key hash. */
  readonly publicKeyBits: Buffer;
  readonly extensionList: readonly Extension[];
  readonly extensions: CertificateExtensions;
  /** An OID that appears twice, or null (RFC 5280 section 4.2 forbids it). */
  readonly duplicateExtension: string | null;
  readonly signature: Buffer;
}

/** No certificate on a card is near this; larger input is refused before it is parsed. */
export const CERTIFICATE_BYTES_MAX = 64 * 1024;
const EXTENSIONS_MAX = 64;

/** Parses one certificate, strictly.
 *  @param bytes exactly one DER certificate; trailing bytes are refused
 *  @throws {DerError} on anything that is not DER of RFC 5280's Certificate. */
export function parseCertificate(bytes: Uint8Array): Certificate {
  const der = asBuffer(bytes);
  if (der.length > CERTIFICATE_BYTES_MAX) throw new DerError('certificate too large');
  const outer = new DerReader(der);
  const certificate = outer.enter(TAG.sequence);
  outer.finish('certificate');
  const tbs = certificate.element(TAG.sequence);
  const signatureAlgorithm = certificate.element(TAG.sequence);
  const signature = readBitStringBytes(certificate);
  certificate.finish('certificate');
  return { der, tbs, signatureAlgorithm, signature, ...parseTbs(tbs) };
}

function parseTbs(tbs: Buffer): Omit<Certificate, 'der' | 'tbs' | 'signatureAlgorithm' | 'signature'> {
  const r = new DerReader(tbs).enter(TAG.sequence);
  const version = readVersion(r);
  const serial = readInteger(r);
  const tbsSignatureAlgorithm = r.element(TAG.sequence);
  const issuer = readName(r);
  const validity = readValidity(r.enter(TAG.sequence));
  const subject = readName(r);
  const spki = r.element(TAG.sequence);
  const publicKeyBits = readPublicKeyBits(spki);
  skipUniqueIdentifiers(r, version);
  const extensionList = readExtensionList(r, version);
  r.finish('certificate');
  const { extensions, duplicate } = readExtensions(extensionList);
  return {
    version,
    serial,
    tbsSignatureAlgorithm,
    issuer,
    subject,
    ...validity,
    spki,
    publicKeyBits,
    extensionList,
    extensions,
    duplicateExtension: duplicate,
  };
}

function readVersion(r: DerReader): number {
  const explicit = r.enterOptional(contextConstructed(0));
  if (explicit === null) return 1;
  const version = readSmallInteger(explicit, 2) + 1;
  explicit.finish('version');
  // Version 1 is the default, and DER forbids to write a default.
  if (version === 1) throw new DerError('version 1 written out');
  return version;
}

function readName(r: DerReader): Buffer {
  const name = r.element(TAG.sequence);
  checkName(name);
  return name;
}

function readValidity(r: DerReader): Pick<Certificate, 'notBefore' | 'notAfter'> {
  const notBefore = readTime(r);
  const notAfter = readTime(r);
  r.finish('validity');
  return { notBefore, notAfter };
}

function readPublicKeyBits(spki: Buffer): Buffer {
  const r = new DerReader(spki).enter(TAG.sequence);
  r.element(TAG.sequence);
  const bits = readBitStringBytes(r);
  r.finish('public key');
  return bits;
}

function skipUniqueIdentifiers(r: DerReader, version: number): void {
  for (const tag of [context(1), context(2)]) {
    if (r.peek() !== tag) continue;
    if (version === 1) throw new DerError('unique identifiers in a version 1 certificate');
    r.next();
  }
}

function readExtensionList(r: DerReader, version: number): Extension[] {
  const explicit = r.enterOptional(contextConstructed(3));
  if (explicit === null) return [];
  if (version !== 3) throw new DerError('extensions in a certificate that is not version 3');
  const list = readExtensionSequence(explicit.enter(TAG.sequence));
  explicit.finish('extensions');
  return list;
}

/** The content of an `Extensions` sequence (certificates, CRLs, CRL entries and OCSP share it). */
export function readExtensionSequence(r: DerReader): Extension[] {
  const list: Extension[] = [];
  while (!r.atEnd) {
    const one = r.enter(TAG.sequence);
    const oid = readOid(one);
    const critical = readDefaultFalse(one);
    list.push({ oid, critical, value: one.read(TAG.octetString) });
    one.finish('extension');
    if (list.length > EXTENSIONS_MAX) throw new DerError('too many extensions');
  }
  if (list.length === 0) throw new DerError('an empty list of extensions');
  return list;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

function readExtensions(list: readonly Extension[]): { extensions: CertificateExtensions; duplicate: string | null } {
  const found: Writable<CertificateExtensions> = {
    basicConstraints: null,
    keyUsage: null,
    extendedKeyUsage: null,
    certificatePolicies: null,
    policyMappings: null,
    policyConstraints: null,
    inhibitAnyPolicy: null,
    nameConstraints: null,
    subjectAltName: null,
    subjectKeyIdentifier: null,
    authorityKeyIdentifier: null,
    crlDistributionPoints: null,
    freshestCrl: null,
    ocspNoCheck: false,
  };
  let duplicate: string | null = null;
  const seen = new Set<string>();
  for (const { oid, value } of list) {
    if (seen.has(oid)) duplicate = oid;
    seen.add(oid);
    EXTENSION_READERS.get(oid)?.(found, value);
  }
  return { extensions: found, duplicate };
}

/** Reads a value that is one SEQUENCE and nothing else. */
function sequenceOf<T>(value: Buffer, what: string, read: (r: DerReader) => T): T {
  const outer = new DerReader(value);
  const inner = outer.enter(TAG.sequence);
  outer.finish(what);
  const result = read(inner);
  inner.finish(what);
  return result;
}

function single<T>(value: Buffer, what: string, read: (r: DerReader) => T): T {
  const r = new DerReader(value);
  const result = read(r);
  r.finish(what);
  return result;
}

/** Lists in extensions are SIZE (1..MAX) and bounded here, so that one certificate cannot keep the verifier busy. */
const LIST_MAX = 1024;

function readList<T>(value: Buffer, what: string, readOne: (r: DerReader) => T): T[] {
  return sequenceOf(value, what, (r) => {
    const items: T[] = [];
    while (!r.atEnd) {
      items.push(readOne(r));
      if (items.length > LIST_MAX) throw new DerError(`${what}: too many`);
    }
    if (items.length === 0) throw new DerError(`${what}: empty`);
    return items;
  });
}

const NULL = Buffer.from('0500', 'hex');
const SKIP_CERTS_MAX = 0xffff_ffff;

const EXTENSION_READERS = new Map<string, (found: Writable<CertificateExtensions>, value: Buffer) => void>([
  [
    OID.basicConstraints,
    (found, value) => {
      found.basicConstraints = sequenceOf(value, 'basicConstraints', (r) => ({
        ca: readDefaultFalse(r),
        pathLength: r.atEnd ? null : readSmallInteger(r, SKIP_CERTS_MAX),
      }));
    },
  ],
  [
    OID.keyUsage,
    (found, value) => {
      found.keyUsage = single(value, 'keyUsage', readNamedBits);
    },
  ],
  [
    OID.extendedKeyUsage,
    (found, value) => {
      found.extendedKeyUsage = readList(value, 'extendedKeyUsage', readOid);
    },
  ],
  [
    OID.certificatePolicies,
    (found, value) => {
      found.certificatePolicies = readPolicies(value);
    },
  ],
  [
    OID.policyMappings,
    (found, value) => {
      found.policyMappings = readList(value, 'policyMappings', (r) => {
        const pair = r.enter(TAG.sequence);
        const mapping = { issuer: readOid(pair), subject: readOid(pair) };
        pair.finish('policy mapping');
        return mapping;
      });
    },
  ],
  [
    OID.policyConstraints,
    (found, value) => {
      found.policyConstraints = sequenceOf(value, 'policyConstraints', (r) => {
        if (r.atEnd) throw new DerError('policyConstraints: empty');
        return {
          requireExplicitPolicy: r.peek() === context(0) ? readSmallInteger(r, SKIP_CERTS_MAX, context(0)) : null,
          inhibitPolicyMapping: r.peek() === context(1) ? readSmallInteger(r, SKIP_CERTS_MAX, context(1)) : null,
        };
      });
    },
  ],
  [
    OID.inhibitAnyPolicy,
    (found, value) => {
      found.inhibitAnyPolicy = single(value, 'inhibitAnyPolicy', (r) => readSmallInteger(r, SKIP_CERTS_MAX));
    },
  ],
  [
    OID.nameConstraints,
    (found, value) => {
      found.nameConstraints = sequenceOf(value, 'nameConstraints', readNameConstraints);
    },
  ],
  [
    OID.subjectAltName,
    (found, value) => {
      found.subjectAltName = sequenceOf(value, 'subjectAltName', readGeneralNames);
    },
  ],
  [
    OID.issuerAltName,
    (_found, value) => {
      sequenceOf(value, 'issuerAltName', readGeneralNames);
    },
  ],
  [
    OID.subjectKeyIdentifier,
    (found, value) => {
      found.subjectKeyIdentifier = single(value, 'subjectKeyIdentifier', (r) => r.read(TAG.octetString));
    },
  ],
  [
    OID.authorityKeyIdentifier,
    (found, value) => {
      found.authorityKeyIdentifier = sequenceOf(value, 'authorityKeyIdentifier', readAuthorityKeyIdentifier);
    },
  ],
  [
    OID.crlDistributionPoints,
    (found, value) => {
      found.crlDistributionPoints = readDistributionPoints(value);
    },
  ],
  [
    OID.freshestCrl,
    (found, value) => {
      found.freshestCrl = readDistributionPoints(value);
    },
  ],
  [
    OID.ocspNoCheck,
    (found, value) => {
      if (!value.equals(NULL)) throw new DerError('id-pkix-ocsp-nocheck: not NULL');
      found.ocspNoCheck = true;
    },
  ],
]);

function readPolicies(value: Buffer): PolicyInformation[] {
  const policies = readList(value, 'certificatePolicies', (r) => {
    const information = r.enter(TAG.sequence);
    const policy = readOid(information);
    const qualifiers = information.atEnd ? [] : readQualifiers(information.enter(TAG.sequence));
    information.finish('policy information');
    return { policy, qualifiers };
  });
  if (new Set(policies.map((p) => p.policy)).size !== policies.length)
    throw new DerError('certificatePolicies: a policy twice');
  return policies;
}

function readQualifiers(list: DerReader): string[] {
  const qualifiers: string[] = [];
  while (!list.atEnd) {
    const qualifier = list.enter(TAG.sequence);
    qualifiers.push(readOid(qualifier));
    qualifier.next();
    qualifier.finish('policy qualifier');
  }
  return qualifiers;
}

function readNameConstraints(r: DerReader): { permitted: Subtree[]; excluded: Subtree[] } {
  if (r.atEnd) throw new DerError('nameConstraints: empty');
  const permitted = r.enterOptional(contextConstructed(0));
  const excluded = r.enterOptional(contextConstructed(1));
  return {
    permitted: permitted === null ? [] : readSubtrees(permitted),
    excluded: excluded === null ? [] : readSubtrees(excluded),
  };
}

function readSubtrees(list: DerReader): Subtree[] {
  const subtrees: Subtree[] = [];
  while (!list.atEnd) {
    const subtree = list.enter(TAG.sequence);
    subtrees.push({ base: readGeneralName(subtree) });
    // RFC 5280 section 4.2.1.10: minimum is zero (so, in DER, absent) and maximum is absent.
    subtree.finish('name subtree');
    if (subtrees.length > LIST_MAX) throw new DerError('nameConstraints: too many');
  }
  if (subtrees.length === 0) throw new DerError('nameConstraints: empty list');
  return subtrees;
}

export function readAuthorityKeyIdentifier(r: DerReader): AuthorityKeyIdentifier {
  const keyIdentifier = r.peek() === context(0) ? r.read(context(0)) : null;
  const issuerReader = r.enterOptional(contextConstructed(1));
  const issuer = issuerReader === null ? null : readGeneralNames(issuerReader);
  const serial = r.peek() === context(2) ? readInteger(r, context(2)) : null;
  return { keyIdentifier, issuer, serial };
}

/** Names a certificate for people and caches: SHA-256 of the exact DER, hex. */
export function fingerprint(certificate: Certificate): string {
  return createHash('sha256').update(certificate.der).digest('hex');
}

/** Serial number as lower-case hex without leading zeros; a negative one has a minus sign. */
export function serialHex(serial: Buffer): string {
  const negative = serial.length > 0 && serial[0]! >= 0x80;
  const value = BigInt(`0x${serial.toString('hex') || '0'}`);
  return negative ? `-${((1n << BigInt(serial.length * 8)) - value).toString(16)}` : value.toString(16);
}
