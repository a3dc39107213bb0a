import { createHash, timingSafeEqual } from 'node:crypto';
import type { RevocationReason, UnknownCertificateCause } from '../../../domain/values/certificate-status.js';
import type { Certificate, Extension } from '../certificate/certificate.js';
import { DerError, DerReader, TAG } from '../asn1/der.js';
import { sameName } from '../certificate/distinguished-name.js';
import { parseOcspResponse, type BasicOcspResponse, type CertId, type SingleResponse } from './ocsp-response.js';
import { KEY_USAGE, OID } from '../asn1/oids.js';
import { checkSignature, PublicKey, type AlgorithmPolicy } from '../certificate/public-key.js';

/** The authority that issued the certificate in question. */
export interface StatusIssuer {
  readonly certificate: Certificate;
  readonly publicKey: PublicKey;
}

export interface OcspCheck {
  readonly response: Uint8Array;
  readonly certificate: Certificate;
  readonly issuer: StatusIssuer;
  /** The nonce of our request, or null when none was sent. */
  readonly nonce: Uint8Array | null;
  /** An answer without our nonce is refused. Without this, such an answer must be fresh by its times. */
  readonly requireNonce: boolean;
  /** Hash of the CertID in our request; an answer with another one is not an answer to it. Null: any that we know. */
  readonly certIdHash: 'sha1' | 'sha256' | null;
  /** Seconds since 1970 at which the answer is judged. */
  readonly at: number;
  /** How far the responder's clock may be ahead of ours, seconds. */
  readonly clockToleranceSeconds: number;
  /** Oldest acceptable thisUpdate, seconds; null: nextUpdate alone limits, and seven days where there is none. */
  readonly maxStatusAgeSeconds: number | null;
  readonly algorithms: AlgorithmPolicy;
  /** Refuses an answer that was made after the certificate ran out: responders need not remember those. Not for the
   * server, which may ask about a card that was valid when it was read and has run out since. */
  readonly producedWithinValidity?: boolean;
}

/** What the authentication server says of one certificate, or why its answer does not count. */
export type CertificateStatus =
  | { readonly status: 'good'; readonly evidence: StatusEvidence }
  | {
      readonly status: 'revoked';
      readonly reason: RevocationReason | null;
      /** Seconds since 1970. */
      readonly revokedAt: number;
      /** Since when the key was known or suspected to be bad, where a CRL says so; seconds since 1970. */
      readonly invalidSince?: number | null;
      readonly evidence: StatusEvidence;
    }
  | StatusProblem;

export interface StatusProblem {
  readonly status: 'unknown';
  readonly cause: UnknownCertificateCause;
  readonly detail: string;
}

export interface StatusEvidence {
  /** Seconds since 1970. */
  readonly thisUpdate: number;
  readonly nextUpdate: number | null;
  /** SHA-256 of the signer's public key (the BIT STRING content), hex. */
  readonly signerKeySha256: string;
  /** Certificate of a delegated responder that the authority did not exempt from revocation checks
   * (id-pkix-ocsp-nocheck): whoever has a CRL of the authority looks it up there. Null in every other case. */
  readonly responderToCheck: Certificate | null;
}

export const DEFAULT_STATUS_AGE_SECONDS = 7 * 86400;

/** Judges one OCSP response. It never throws on input, and says `good` only when every rule holds.
 *  Source: RFC 6960 section 3.2, RFC 9654. @req R6 */
export function verifyOcspResponse(check: OcspCheck): CertificateStatus {
  try {
    const response = parseOcspResponse(check.response);
    if ('error' in response) return unknown('responder_error', `the responder answered ${response.error}`);
    return judge(response, check);
  } catch (error) {
    if (error instanceof DerError) return unknown('status_malformed', error.message);
    throw error;
  }
}

function judge(response: BasicOcspResponse, check: OcspCheck): CertificateStatus {
  const signer = findSigner(response, check);
  if ('cause' in signer) return signer;
  const problem = checkNonce(response.extensions, check) ?? checkCriticalExtensions(response.extensions, OID.ocspNonce);
  if (problem !== null) return problem;
  const matching = response.responses.filter((single) => isAbout(single.certId, check));
  if (matching.length !== 1)
    return unknown(
      'status_mismatch',
      matching.length === 0 ? 'the answer is about another certificate' : 'several answers about one certificate',
    );
  const single = matching[0]!;
  const singleProblem =
    checkCriticalExtensions(single.extensions, OID.certificateTimestamps) ?? checkTimes(response, single, check);
  if (singleProblem !== null) return singleProblem;
  const evidence = {
    thisUpdate: single.thisUpdate,
    nextUpdate: single.nextUpdate,
    signerKeySha256: keySha256(signer.certificate),
    responderToCheck: signer === check.issuer || signer.certificate.extensions.ocspNoCheck ? null : signer.certificate,
  };
  if (single.status.kind === 'unknown') return unknown('status_unknown', 'the responder does not know the certificate');
  if (single.status.kind === 'good') return { status: 'good', evidence };
  return { status: 'revoked', reason: single.status.reason, revokedAt: single.status.revokedAt, evidence };
}

export function unknown(cause: UnknownCertificateCause, detail: string): StatusProblem {
  return { status: 'unknown', cause, detail };
}

export function keySha256(certificate: Certificate): string {
  return createHash('sha256').update(certificate.publicKeyBits).digest('hex');
}

/** Who signed: the authority itself, or a responder that this very key of the authority has certified for it. */
function findSigner(response: BasicOcspResponse, check: OcspCheck): StatusIssuer | StatusProblem {
  const { issuer } = check;
  let problem = unknown('responder_unauthorised', 'no certificate of the answer may speak for the authority');
  if (namesResponder(response, issuer.certificate)) {
    const signed = checkSigned(response, issuer, check);
    if (signed === null) return issuer;
    problem = signed;
  }
  for (const certificate of response.certificates) {
    if (!namesResponder(response, certificate) || certificate.publicKeyBits.equals(issuer.certificate.publicKeyBits))
      continue;
    const refusal = refuseDelegate(certificate, check);
    if (refusal !== null) {
      problem = unknown('responder_unauthorised', refusal);
      continue;
    }
    const delegate = { certificate, publicKey: new PublicKey(certificate.spki) };
    const signed = checkSigned(response, delegate, check);
    if (signed === null) return delegate;
    problem = signed;
  }
  return problem;
}

function namesResponder(response: BasicOcspResponse, certificate: Certificate): boolean {
  if ('byName' in response.responder) return sameName(response.responder.byName, certificate.subject);
  return createHash('sha1').update(certificate.publicKeyBits).digest().equals(response.responder.byKey);
}

function checkSigned(response: BasicOcspResponse, signer: StatusIssuer, check: OcspCheck): StatusProblem | null {
  const problem = checkSignature(
    { message: response.tbs, signature: response.signature, algorithm: response.signatureAlgorithm },
    signer.publicKey,
    check.algorithms,
  );
  return problem === null ? null : unknown('status_signature', problem.detail);
}

/** Extensions of a responder certificate that may be critical. */
const DELEGATE_EXTENSIONS = new Set<string>([
  OID.basicConstraints,
  OID.keyUsage,
  OID.extendedKeyUsage,
  OID.certificatePolicies,
  OID.subjectAltName,
  OID.issuerAltName,
  OID.crlDistributionPoints,
  OID.ocspNoCheck,
]);

/** Why a certificate may not sign answers for the authority, or null. Source: RFC 6960 section 4.2.2.2. */
function refuseDelegate(certificate: Certificate, check: OcspCheck): string | null {
  const { issuer, at } = check;
  const { extendedKeyUsage, keyUsage, basicConstraints } = certificate.extensions;
  if (!sameName(certificate.issuer, issuer.certificate.subject))
    return 'the responder was certified by another authority';
  // anyExtendedKeyUsage does not do: an ordinary certificate must never become a responder by being generous.
  if (extendedKeyUsage === null || !extendedKeyUsage.includes(OID.ocspSigning))
    return 'the signer is not marked as a responder';
  if (keyUsage !== null && (keyUsage & (KEY_USAGE.digitalSignature | KEY_USAGE.nonRepudiation)) === 0)
    return 'the responder may not sign';
  if (basicConstraints?.ca === true) return 'the responder is an authority of its own';
  if (certificate.duplicateExtension !== null) return 'the responder has an extension twice';
  const critical = certificate.extensionList.find((e) => e.critical && !DELEGATE_EXTENSIONS.has(e.oid));
  if (critical !== undefined) return `unknown critical extension ${critical.oid} in the responder's certificate`;
  if (at < certificate.notBefore || at > certificate.notAfter)
    return "the responder's certificate is not valid at this time";
  if (!certificate.signatureAlgorithm.equals(certificate.tbsSignatureAlgorithm))
    return "the responder's certificate names two algorithms";
  const signed = checkSignature(
    { message: certificate.tbs, signature: certificate.signature, algorithm: certificate.signatureAlgorithm },
    issuer.publicKey,
    check.algorithms,
  );
  return signed === null ? null : `the responder was not certified by this authority's key: ${signed.detail}`;
}

function checkNonce(extensions: readonly Extension[], check: OcspCheck): StatusProblem | null {
  if (check.nonce === null) return null;
  const extension = extensions.find((e) => e.oid === OID.ocspNonce);
  if (extension === undefined) return check.requireNonce ? unknown('nonce_mismatch', 'the answer has no nonce') : null;
  const r = new DerReader(extension.value);
  const echoed = r.read(TAG.octetString);
  r.finish('nonce');
  return echoed.length === check.nonce.length && timingSafeEqual(echoed, check.nonce)
    ? null
    : unknown('nonce_mismatch', 'the answer has the nonce of another request');
}

/** @param understood an extension that may be critical: the nonce of an answer, and proofs of logging of a certificate
 *   (RFC 6962 section 3.3), which say nothing about revocation */
function checkCriticalExtensions(extensions: readonly Extension[], understood: string): StatusProblem | null {
  const critical = extensions.find((e) => e.critical && e.oid !== understood);
  return critical === undefined
    ? null
    : unknown('status_malformed', `unknown critical extension ${critical.oid} in the answer`);
}

const CERT_ID_HASHES: Readonly<Record<string, string>> = {
  [OID.sha1]: 'sha1',
  [OID.sha256]: 'sha256',
  [OID.sha384]: 'sha384',
  [OID.sha512]: 'sha512',
};

/** All of CertID: the hash algorithm, the issuer's name and key, and the serial number. A serial number alone names
 * many certificates. */
function isAbout(certId: CertId, check: OcspCheck): boolean {
  const hash = CERT_ID_HASHES[certId.hashOid];
  if (hash === undefined || (check.certIdHash !== null && hash !== check.certIdHash)) return false;
  const digest = (bytes: Buffer): Buffer => createHash(hash).update(bytes).digest();
  return (
    certId.serial.equals(check.certificate.serial) &&
    certId.issuerNameHash.equals(digest(check.certificate.issuer)) &&
    certId.issuerKeyHash.equals(digest(check.issuer.certificate.publicKeyBits))
  );
}

/** An answer counts from thisUpdate (with a tolerance for the responder's clock) to nextUpdate (with none). */
function checkTimes(response: BasicOcspResponse, single: SingleResponse, check: OcspCheck): StatusProblem | null {
  const { at, clockToleranceSeconds, maxStatusAgeSeconds } = check;
  const stale = (detail: string): StatusProblem => unknown('status_stale', detail);
  if (single.nextUpdate !== null && single.nextUpdate < single.thisUpdate)
    return unknown('status_malformed', 'nextUpdate before thisUpdate');
  if (single.thisUpdate > at + clockToleranceSeconds || response.producedAt > at + clockToleranceSeconds)
    return stale('the answer is from the future');
  if (response.producedAt < check.certificate.notBefore) return stale('the answer was made before the certificate');
  if (check.producedWithinValidity === true && response.producedAt > check.certificate.notAfter)
    return stale('the answer was made after the certificate ran out');
  if (single.nextUpdate !== null && at > single.nextUpdate) return stale('the time of the next update has passed');
  const limit = maxStatusAgeSeconds ?? (single.nextUpdate === null ? DEFAULT_STATUS_AGE_SECONDS : Infinity);
  return at - single.thisUpdate > limit ? stale(`the answer is older than ${limit} s`) : null;
}
