import type {
  CertificateCheck,
  CertificateSettings,
  CertificateVerdict,
  SealedCertificateEvidence,
} from '../../application/ports/outside/certificate-verifier.js';
import type { FaceRecordStatements } from '../../domain/registration/card-agreement.js';
import type { CertificateEvidence } from '../../domain/values/certificate-status.js';
import {
  checkPresented,
  decide,
  secondsOf,
  type CertificateRules,
  type PresentedCertificate,
} from './certificate-check.js';
import { verifyCrlBytes } from '../x509/revocation/crl-verifier.js';
import { asBuffer } from '../x509/asn1/der.js';
import { unknown, verifyOcspResponse, type CertificateStatus } from '../x509/revocation/ocsp-response-verifier.js';
import { CARD_ALGORITHMS } from '../x509/certificate/public-key.js';

/** What was kept of a certificate check: the sealed evidence, the request that was signed, and what the event says. */
export interface KeptCheck {
  readonly sealed: SealedCertificateEvidence;
  readonly certificateType: CertificateCheck['certificateType'];
  /** The bytes that the card signed, and its signature, from the kept request. */
  readonly signedBytes: Uint8Array;
  readonly signature: Uint8Array;
  /** The instant at which the path was judged, ISO-8601 UTC. */
  readonly at: string;
  /** Evidence of the stored event: when the status was judged and what it said. */
  readonly evidence: CertificateEvidence;
}

/** Recomputes a verdict at its own time from what was kept, years later and without asking anyone. Nothing comes from
 * the clock, the network or the event's conclusion; of the event only the instants and the address count.
 * @param rules anchors, policy OIDs and status rules as they were configured then
 * @returns the verdict as it must have been. Pure. @req R6 R22 */
export function recomputeVerdict(kept: KeptCheck, rules: CertificateRules): CertificateVerdict {
  const { sealed, certificateType, signedBytes, signature, at, evidence } = kept;
  const checkedAt = secondsOf(evidence.checkedAtUtc);
  const presented = checkPresented(
    { certificate: sealed.certificate, certificateType, signedBytes, signature, at },
    rules,
    checkedAt,
  );
  if ('verdict' in presented) return presented;
  const status = statusFrom(sealed, presented, checkedAt, rules);
  if (status.status === 'unknown') return { verdict: 'unknown', cause: status.cause, detail: status.detail };
  return decide(presented, {
    method: sealed.statusKind!,
    source: evidence.source,
    response: sealed.statusResponse!,
    nonce: sealed.ocspNonce === null ? null : Buffer.from(sealed.ocspNonce, 'hex'),
    checkedAt,
    status,
  });
}

function statusFrom(
  sealed: SealedCertificateEvidence,
  { certificate, issuer }: PresentedCertificate,
  at: number,
  rules: CertificateRules,
): CertificateStatus {
  const { statusKind, statusResponse, ocspNonce } = sealed;
  if (statusKind === null || statusResponse === null)
    return unknown('no_status_source', 'no answer about the status was kept');
  const common = {
    certificate,
    issuer,
    at,
    clockToleranceSeconds: rules.status.clockToleranceSeconds,
    algorithms: CARD_ALGORITHMS,
  };
  if (statusKind === 'crl')
    return verifyCrlBytes(statusResponse, { ...common, maxStatusAgeSeconds: null, conforming: true });
  const { requireNonce, certIdHash, maxStatusAgeSeconds } = rules.status;
  return verifyOcspResponse({
    ...common,
    response: statusResponse,
    nonce: ocspNonce === null ? null : Buffer.from(ocspNonce, 'hex'),
    requireNonce,
    certIdHash,
    maxStatusAgeSeconds,
  });
}

/** Names of the evidence fields in which a stored verdict and the recomputed one differ; empty when the record holds.
 *  @param stored verdict of the stored event */
export function differences(
  stored: { readonly verdict: CertificateVerdict['verdict']; readonly evidence: CertificateEvidence },
  recomputed: CertificateVerdict,
): string[] {
  if (stored.verdict !== recomputed.verdict) return ['verdict'];
  if (recomputed.verdict === 'unknown') return [];
  const fields = Object.keys(stored.evidence) as (keyof CertificateEvidence)[];
  return fields.filter((field) => stored.evidence[field] !== recomputed.evidence[field]);
}

/** Everything that was kept of a check. */
export interface KeptEvidence {
  readonly sealed: SealedCertificateEvidence;
  /** What the card signed and when it was judged; null in evidence of the time before that was kept. */
  readonly presented:
    | (Pick<KeptCheck, 'certificateType' | 'signedBytes' | 'signature' | 'at'> & {
        /** null in evidence of the time before it was kept, and where nobody looked. */
        readonly faceRecord: FaceRecordStatements | null;
      })
    | null;
}

/** The sealed evidence as the vault holds it. @throws {TypeError} when the bytes are something else */
export function readSealedEvidence(bytes: Uint8Array): SealedCertificateEvidence {
  return readKeptEvidence(bytes).sealed;
}

/** The same with what the card signed. @throws {TypeError} when the bytes are something else */
export function readKeptEvidence(bytes: Uint8Array): KeptEvidence {
  const wrong = new TypeError('not the sealed evidence of a certificate check');
  let value: unknown;
  try {
    value = JSON.parse(asBuffer(bytes).toString('utf8'));
  } catch {
    throw wrong;
  }
  const { certificate, statusKind, statusResponse, ocspNonce, settings, presented } = (value ?? {}) as Record<
    string,
    unknown
  >;
  const isTextOrNull = (field: unknown): field is string | null => field === null || typeof field === 'string';
  if (
    typeof certificate !== 'string' ||
    !isTextOrNull(statusResponse) ||
    !isTextOrNull(ocspNonce) ||
    (statusKind !== 'ocsp' && statusKind !== 'crl' && statusKind !== null)
  )
    throw wrong;
  return {
    sealed: {
      certificate: Buffer.from(certificate, 'base64'),
      statusKind,
      statusResponse: statusResponse === null ? null : Buffer.from(statusResponse, 'base64'),
      ocspNonce,
      settings: readSettings(settings, wrong),
    },
    presented: presented === undefined ? null : readPresented(presented, wrong),
  };
}

/** @returns null where none were kept */
function readSettings(value: unknown, wrong: TypeError): CertificateSettings | null {
  if (value === undefined) return null;
  const { policies, extendedKeyUsages, statusAgeSecondsMax, anchors } = (value ?? {}) as Record<string, unknown>;
  const isTexts = (list: unknown): list is string[] =>
    Array.isArray(list) && list.every((each) => typeof each === 'string');
  if (!isTexts(policies) || !isTexts(extendedKeyUsages) || !isTexts(anchors) || !Number.isInteger(statusAgeSecondsMax))
    throw wrong;
  return { policies, extendedKeyUsages, statusAgeSecondsMax: statusAgeSecondsMax as number, anchors };
}

function readPresented(value: unknown, wrong: TypeError): NonNullable<KeptEvidence['presented']> {
  const { certificateType, signedText, signature, at, faceRecord } = (value ?? {}) as Record<string, unknown>;
  if (
    (certificateType !== 'user_authentication' && certificateType !== 'digital_signature') ||
    typeof signedText !== 'string' ||
    typeof signature !== 'string' ||
    typeof at !== 'string' ||
    Number.isNaN(Date.parse(at))
  )
    throw wrong;
  return {
    certificateType,
    signedBytes: Buffer.from(signedText),
    signature: Buffer.from(signature, 'base64'),
    at,
    faceRecord: readFaceRecord(faceRecord, wrong),
  };
}

function readFaceRecord(value: unknown, wrong: TypeError): FaceRecordStatements | null {
  if (value === undefined || value === null) return null;
  const { birthDate, sex, expiry } = value as Record<string, unknown>;
  if (typeof birthDate !== 'string' || typeof sex !== 'string' || typeof expiry !== 'string') throw wrong;
  return { birthDate, sex, expiry };
}
