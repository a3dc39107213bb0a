import type { RevocationReason } from '../../../domain/values/certificate-status.js';
import { readAuthorityKeyIdentifier, type AuthorityKeyIdentifier, type Extension } from '../certificate/certificate.js';
import {
  asBuffer,
  context,
  contextConstructed,
  DerError,
  DerReader,
  readDefaultFalse,
  readInteger,
  readNamedBits,
  TAG,
} from '../asn1/der.js';
import { entryParts, findEntries, indexCrl, parseCrlOutline, parseCrlTail, type IndexedCrl } from './crl-stream.js';
import {
  NAME_FORM,
  readDistributionPointName,
  readDistributionPoints,
  readGeneralNames,
  type DistributionPointName,
} from '../certificate/general-name.js';
import { revocationReason } from './ocsp-response.js';
import { OID } from '../asn1/oids.js';

/** What a CRL says it covers. Source: RFC 5280 section 5.2.5. */
export interface IssuingDistributionPoint {
  readonly name: DistributionPointName | null;
  readonly onlyUserCertificates: boolean;
  readonly onlyAuthorityCertificates: boolean;
  readonly onlyAttributeCertificates: boolean;
  /** Bits of ReasonFlags, or null for all reasons. */
  readonly onlySomeReasons: number | null;
  readonly indirect: boolean;
  /** The extension's own DER, to compare the scope of two CRLs. */
  readonly der: Buffer;
}

/** A revocation that a CRL lists. */
export interface RevokedEntry {
  /** Seconds since 1970. */
  readonly revokedAt: number;
  readonly reason: RevocationReason | null;
  /** invalidityDate, seconds since 1970, or null. */
  readonly invalidSince: number | null;
}

/** A CRL that was read, not yet judged. */
export interface Crl {
  readonly indexed: IndexedCrl;
  /** The signed part, exactly as signed. */
  readonly tbs: Buffer;
  readonly version: 1 | 2;
  readonly signatureAlgorithm: Buffer;
  readonly tbsSignatureAlgorithm: Buffer;
  readonly signature: Buffer;
  readonly issuer: Buffer;
  /** Seconds since 1970. */
  readonly thisUpdate: number;
  readonly nextUpdate: number | null;
  readonly number: bigint | null;
  /** Number of the CRL that this delta CRL builds upon; null for a complete CRL. */
  readonly baseNumber: bigint | null;
  readonly issuingDistributionPoint: IssuingDistributionPoint | null;
  readonly authorityKeyIdentifier: AuthorityKeyIdentifier | null;
  /** A critical extension, of the CRL or of an entry, that is not understood, or null. */
  readonly unknownCritical: string | null;
  /** An extension that RFC 5280 says must not be critical and is, or null. */
  readonly wronglyCritical: string | null;
}

/** Reads a CRL. @throws {DerError} on anything that is not DER of RFC 5280's CertificateList */
export function parseCrl(bytes: Uint8Array): Crl {
  return openCrl(indexCrl(bytes));
}

/** The fields of a CRL whose entries were indexed, here or by a worker thread. @throws {DerError} */
export function openCrl(indexed: IndexedCrl): Crl {
  const bytes = asBuffer(indexed.bytes);
  const outline = parseCrlOutline(bytes);
  const { extensions, signatureAlgorithm, signature } = parseCrlTail(bytes, outline);
  return {
    indexed: { ...indexed, bytes: bytes as Buffer<ArrayBuffer> },
    tbs: bytes.subarray(outline.tbsStart, outline.tbsEnd),
    signatureAlgorithm,
    signature,
    version: outline.version,
    tbsSignatureAlgorithm: outline.tbsSignatureAlgorithm,
    issuer: outline.issuer,
    thisUpdate: outline.thisUpdate,
    nextUpdate: outline.nextUpdate,
    ...readCrlExtensions(extensions, indexed),
  };
}

type CrlExtensions = Pick<
  Crl,
  | 'number'
  | 'baseNumber'
  | 'issuingDistributionPoint'
  | 'authorityKeyIdentifier'
  | 'unknownCritical'
  | 'wronglyCritical'
>;
type Writable<T> = { -readonly [K in keyof T]: T[K] };

function readCrlExtensions(list: readonly Extension[], indexed: IndexedCrl): CrlExtensions {
  const found: Writable<CrlExtensions> = {
    number: null,
    baseNumber: null,
    issuingDistributionPoint: null,
    authorityKeyIdentifier: null,
    unknownCritical: indexed.unknownCriticalEntryExtension,
    wronglyCritical: null,
  };
  for (const { oid, critical, value } of list) {
    const reader = CRL_EXTENSIONS[oid];
    reader?.read(found, value);
    if (critical && reader === undefined) found.unknownCritical ??= oid;
    if (critical && reader?.neverCritical === true) found.wronglyCritical ??= oid;
  }
  return found;
}

const CRL_EXTENSIONS: Readonly<
  Record<
    string,
    { readonly neverCritical?: true; readonly read: (found: Writable<CrlExtensions>, value: Buffer) => void }
  >
> = {
  [OID.crlNumber]: {
    neverCritical: true,
    read: (found, value) => {
      found.number = readCrlNumber(value);
    },
  },
  [OID.deltaCrlIndicator]: {
    read: (found, value) => {
      found.baseNumber = readCrlNumber(value);
    },
  },
  [OID.issuingDistributionPoint]: {
    read: (found, value) => {
      found.issuingDistributionPoint = readIssuingDistributionPoint(value);
    },
  },
  [OID.authorityKeyIdentifier]: {
    neverCritical: true,
    read: (found, value) => {
      const outer = new DerReader(value);
      const inner = outer.enter(TAG.sequence);
      outer.finish('authorityKeyIdentifier');
      found.authorityKeyIdentifier = readAuthorityKeyIdentifier(inner);
      inner.finish('authorityKeyIdentifier');
    },
  },
  [OID.freshestCrl]: {
    neverCritical: true,
    read: (_found, value) => {
      readDistributionPoints(value);
    },
  },
  [OID.issuerAltName]: {
    read: (_found, value) => {
      readGeneralNames(new DerReader(value).enter(TAG.sequence));
    },
  },
};

/** RFC 5280 section 5.2.3: at most 20 bytes, not negative. */
function readCrlNumber(value: Buffer): bigint {
  const r = new DerReader(value);
  const content = readInteger(r);
  r.finish('CRL number');
  if (content[0]! >= 0x80 || content.length > 20) throw new DerError('CRL number');
  return BigInt(`0x${content.toString('hex')}`);
}

function readIssuingDistributionPoint(der: Buffer): IssuingDistributionPoint {
  const outer = new DerReader(der);
  const r = outer.enter(TAG.sequence);
  outer.finish('issuingDistributionPoint');
  if (r.atEnd) throw new DerError('issuingDistributionPoint: empty');
  const nameReader = r.enterOptional(contextConstructed(0));
  const point = {
    name: nameReader === null ? null : readDistributionPointName(nameReader),
    onlyUserCertificates: readDefaultFalse(r, context(1)),
    onlyAuthorityCertificates: readDefaultFalse(r, context(2)),
    onlySomeReasons: r.peek() === context(3) ? readNamedBits(r, context(3)) : null,
    indirect: readDefaultFalse(r, context(4)),
    onlyAttributeCertificates: readDefaultFalse(r, context(5)),
    der,
  };
  r.finish('issuingDistributionPoint');
  if (
    Number(point.onlyUserCertificates) +
      Number(point.onlyAuthorityCertificates) +
      Number(point.onlyAttributeCertificates) >
    1
  )
    throw new DerError('issuingDistributionPoint: several kinds of certificates');
  return point;
}

/** The entries of a CRL for one certificate. More than one is not forbidden; whoever asks must take the worst.
 *  @param isIssuer decides whether a name (DER) is the issuer of the certificate */
export function entriesFor(crl: Crl, serial: Buffer, isIssuer: (name: Buffer) => boolean): RevokedEntry[] {
  const bytes = asBuffer(crl.indexed.bytes);
  const entries: RevokedEntry[] = [];
  for (const at of findEntries(crl.indexed, serial)) {
    if (!entryIssuerNames(crl, at).some(isIssuer)) continue;
    const { time, extensions } = entryParts(bytes, at);
    const code = extensions?.reasonCode ?? null;
    entries.push({
      revokedAt: time,
      reason: code === null ? null : revocationReason(code),
      invalidSince: extensions?.invalidSince ?? null,
    });
  }
  return entries;
}

/** In an indirect CRL an entry without a certificate issuer has that of the entry before it; the first has the CRL's
 * own. */
function entryIssuerNames(crl: Crl, at: number): Buffer[] {
  const change = crl.indexed.issuerChanges.findLast((c) => c.at <= at);
  if (change === undefined) return [crl.issuer];
  return readGeneralNames(new DerReader(asBuffer(crl.indexed.bytes), change.start, change.end))
    .filter((n) => n.form === NAME_FORM.directoryName)
    .map((n) => n.value);
}
