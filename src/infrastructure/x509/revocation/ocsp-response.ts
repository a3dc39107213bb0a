import type { RevocationReason } from '../../../domain/values/certificate-status.js';
import {
  parseCertificate,
  readExtensionSequence,
  type Certificate,
  type Extension,
} from '../certificate/certificate.js';
import {
  asBuffer,
  context,
  contextConstructed,
  DerError,
  DerReader,
  readBitStringBytes,
  readGeneralizedTime,
  readInteger,
  readOid,
  readSmallInteger,
  TAG,
} from '../asn1/der.js';
import { checkName } from '../certificate/distinguished-name.js';
import { OID } from '../asn1/oids.js';

export interface CertId {
  readonly hashOid: string;
  readonly issuerNameHash: Buffer;
  readonly issuerKeyHash: Buffer;
  /** Content of the INTEGER. */
  readonly serial: Buffer;
}

export type OcspCertStatus =
  | { readonly kind: 'good' }
  | {
      readonly kind: 'revoked';
      /** Seconds since 1970. */
      readonly revokedAt: number;
      readonly reason: RevocationReason | null;
    }
  | { readonly kind: 'unknown' };

export interface SingleResponse {
  readonly certId: CertId;
  readonly status: OcspCertStatus;
  /** Seconds since 1970. */
  readonly thisUpdate: number;
  readonly nextUpdate: number | null;
  readonly extensions: readonly Extension[];
}

export interface BasicOcspResponse {
  /** The signed part, exactly as signed. */
  readonly tbs: Buffer;
  readonly responder: { readonly byName: Buffer } | { readonly byKey: Buffer };
  /** Seconds since 1970. */
  readonly producedAt: number;
  readonly responses: readonly SingleResponse[];
  readonly extensions: readonly Extension[];
  readonly signatureAlgorithm: Buffer;
  readonly signature: Buffer;
  readonly certificates: readonly Certificate[];
}

/** Names of OCSPResponseStatus (RFC 6960 section 4.2.1). */
const RESPONSE_STATUS: Readonly<Record<number, string>> = {
  1: 'malformedRequest',
  2: 'internalError',
  3: 'tryLater',
  5: 'sigRequired',
  6: 'unauthorized',
};

/** Answers larger than this are refused before they are read. */
export const OCSP_RESPONSE_BYTES_MAX = 64 * 1024;
const CERTIFICATES_MAX = 8;
const RESPONSES_MAX = 128;

/** Parses an OCSP response.
 *  @returns the signed answer, or the name of the error that the responder states
 *  @throws {DerError} when the bytes are not an OCSP response of the basic type */
export function parseOcspResponse(bytes: Uint8Array): BasicOcspResponse | { readonly error: string } {
  if (bytes.length > OCSP_RESPONSE_BYTES_MAX) throw new DerError('OCSP response too large');
  const outer = new DerReader(asBuffer(bytes));
  const response = outer.enter(TAG.sequence);
  outer.finish('OCSP response');
  const status = readSmallInteger(response, 255, TAG.enumerated);
  const explicit = response.enterOptional(contextConstructed(0));
  response.finish('OCSP response');
  if (status !== 0) return { error: RESPONSE_STATUS[status] ?? `status ${status}` };
  if (explicit === null) throw new DerError('a successful OCSP response without an answer');
  const body = explicit.enter(TAG.sequence);
  explicit.finish('OCSP response');
  if (readOid(body) !== OID.ocspBasic) throw new DerError('an OCSP response of a type other than basic');
  const basic = body.read(TAG.octetString);
  body.finish('OCSP response');
  return parseBasic(basic);
}

function parseBasic(bytes: Buffer): BasicOcspResponse {
  const outer = new DerReader(bytes);
  const basic = outer.enter(TAG.sequence);
  outer.finish('basic OCSP response');
  const tbs = basic.element(TAG.sequence);
  const signatureAlgorithm = basic.element(TAG.sequence);
  const signature = readBitStringBytes(basic);
  const certificateReader = basic.enterOptional(contextConstructed(0));
  basic.finish('basic OCSP response');
  const certificates = certificateReader === null ? [] : readCertificates(certificateReader);
  return {
    tbs,
    signatureAlgorithm,
    signature,
    certificates,
    ...parseResponseData(new DerReader(tbs).enter(TAG.sequence)),
  };
}

function readCertificates(explicit: DerReader): Certificate[] {
  const list = explicit.enter(TAG.sequence);
  explicit.finish('certificates');
  const certificates: Certificate[] = [];
  while (!list.atEnd) {
    certificates.push(parseCertificate(list.element(TAG.sequence)));
    if (certificates.length > CERTIFICATES_MAX) throw new DerError('too many certificates in an OCSP response');
  }
  return certificates;
}

function parseResponseData(
  r: DerReader,
): Pick<BasicOcspResponse, 'responder' | 'producedAt' | 'responses' | 'extensions'> {
  const version = r.enterOptional(contextConstructed(0));
  if (version !== null) {
    readSmallInteger(version, 0);
    version.finish('version');
  }
  const responder = readResponderId(r);
  const producedAt = readGeneralizedTime(r);
  const list = r.enter(TAG.sequence);
  const responses: SingleResponse[] = [];
  while (!list.atEnd) {
    responses.push(readSingleResponse(list.enter(TAG.sequence)));
    if (responses.length > RESPONSES_MAX) throw new DerError('too many answers in one OCSP response');
  }
  const extensions = readOptionalExtensions(r, contextConstructed(1));
  r.finish('OCSP response data');
  return { responder, producedAt, responses, extensions };
}

function readResponderId(r: DerReader): BasicOcspResponse['responder'] {
  const byName = r.enterOptional(contextConstructed(1));
  if (byName !== null) {
    const name = byName.element(TAG.sequence);
    byName.finish('responder name');
    checkName(name);
    return { byName: name };
  }
  const byKey = r.enter(contextConstructed(2));
  const hash = byKey.read(TAG.octetString);
  byKey.finish('responder key');
  return { byKey: hash };
}

function readSingleResponse(r: DerReader): SingleResponse {
  const certId = readCertId(r.enter(TAG.sequence));
  const status = readStatus(r);
  const thisUpdate = readGeneralizedTime(r);
  const next = r.enterOptional(contextConstructed(0));
  const nextUpdate = next === null ? null : readGeneralizedTime(next);
  next?.finish('next update');
  const extensions = readOptionalExtensions(r, contextConstructed(1));
  r.finish('single OCSP answer');
  return { certId, status, thisUpdate, nextUpdate, extensions };
}

function readCertId(r: DerReader): CertId {
  const algorithm = r.enter(TAG.sequence);
  const hashOid = readOid(algorithm);
  if (!algorithm.atEnd && algorithm.read(TAG.null).length !== 0) throw new DerError('a NULL with content');
  algorithm.finish('hash algorithm');
  const certId = {
    hashOid,
    issuerNameHash: r.read(TAG.octetString),
    issuerKeyHash: r.read(TAG.octetString),
    serial: readInteger(r),
  };
  r.finish('CertID');
  return certId;
}

function readStatus(r: DerReader): OcspCertStatus {
  const tag = r.peek();
  if (tag === context(0) || tag === context(2)) {
    if (r.read(tag).length !== 0) throw new DerError('a status with content where there is none');
    return { kind: tag === context(0) ? 'good' : 'unknown' };
  }
  const revoked = r.enter(contextConstructed(1));
  const revokedAt = readGeneralizedTime(revoked);
  const reasonReader = revoked.enterOptional(contextConstructed(0));
  const reason = reasonReader === null ? null : revocationReason(readSmallInteger(reasonReader, 10, TAG.enumerated));
  reasonReader?.finish('revocation reason');
  revoked.finish('revoked status');
  return { kind: 'revoked', revokedAt, reason };
}

const REASONS: readonly (RevocationReason | null)[] = [
  'unspecified',
  'key_compromise',
  'ca_compromise',
  'affiliation_changed',
  'superseded',
  'cessation_of_operation',
  'certificate_hold',
  null,
  'remove_from_crl',
  'privilege_withdrawn',
  'aa_compromise',
];

/** CRLReason by number. @throws {DerError} for 7 (unused) and unknown numbers. Source: RFC 5280 section 5.3.1. */
export function revocationReason(code: number): RevocationReason {
  const reason = REASONS[code] ?? null;
  if (reason === null) throw new DerError('an unknown reason of revocation');
  return reason;
}

function readOptionalExtensions(r: DerReader, tag: number): Extension[] {
  const explicit = r.enterOptional(tag);
  if (explicit === null) return [];
  const list = readExtensionSequence(explicit.enter(TAG.sequence));
  explicit.finish('extensions');
  if (new Set(list.map((e) => e.oid)).size !== list.length) throw new DerError('an extension twice');
  return list;
}
