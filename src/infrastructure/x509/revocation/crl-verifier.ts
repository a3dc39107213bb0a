import type { Certificate } from '../certificate/certificate.js';
import { entriesFor, parseCrl, type Crl, type IssuingDistributionPoint, type RevokedEntry } from './crl.js';
import { DerError, DerReader, encodeDer, TAG } from '../asn1/der.js';
import { canonicalName, sameName } from '../certificate/distinguished-name.js';
import {
  NAME_FORM,
  type DistributionPoint,
  type DistributionPointName,
  type GeneralName,
} from '../certificate/general-name.js';
import {
  DEFAULT_STATUS_AGE_SECONDS,
  keySha256,
  unknown,
  type CertificateStatus,
  type StatusEvidence,
  type StatusIssuer,
  type StatusProblem,
} from './ocsp-response-verifier.js';
import { KEY_USAGE } from '../asn1/oids.js';
import { checkSignature, type AlgorithmPolicy, type PublicKey } from '../certificate/public-key.js';

/** How a CRL's own form and age are judged. */
export interface CrlRules {
  /** Seconds since 1970 at which the CRL is judged. */
  readonly at: number;
  /** How far the issuer's clock may be ahead of ours, seconds. */
  readonly clockToleranceSeconds: number;
  /** Oldest acceptable thisUpdate, seconds; null: nextUpdate alone limits, and seven days where there is none. */
  readonly maxStatusAgeSeconds: number | null;
  readonly algorithms: AlgorithmPolicy;
  /** Insist on what RFC 5280 section 5 demands of issuers: version 2, nextUpdate, CRL number. */
  readonly conforming: boolean;
}

export interface CrlCheck extends CrlRules {
  readonly crl: Crl;
  readonly certificate: Certificate;
  /** The authority that issued the certificate; only a CRL signed by this very key counts. */
  readonly issuer: StatusIssuer;
  /** The caller checked the signature of this CRL with the issuer's key before (a store does it once per CRL). */
  readonly signatureKnownGood?: boolean;
}

/** ReasonFlags bits 1 to 8: every reason for which a certificate can be revoked (RFC 5280 section 4.2.1.13). */
export const ALL_REASONS = 0b1_1111_1110;

/** Judges a CRL that the authority itself signed, for one of its certificates. Delta CRLs, indirect CRLs and CRLs for
 * some of the reasons never make a certificate good here. Never throws on input. Source: RFC 5280 sections 5 and 6.3.
 * @req R6 */
export function verifyCrl(check: CrlCheck): CertificateStatus {
  const { crl, certificate, issuer } = check;
  const problem = refuseKind(crl) ?? refuseForm(crl, check) ?? refuseSigner(crl, issuer) ?? refuseTimes(crl, check);
  if (problem !== null) return problem;
  if (!sameName(crl.issuer, certificate.issuer)) return unknown('status_mismatch', 'the CRL of another authority');
  const reasons = coveredReasons(crl, certificate);
  if (typeof reasons === 'string') return unknown('status_mismatch', reasons);
  if (check.signatureKnownGood !== true) {
    const signature = checkCrlSignature(crl, issuer.publicKey, check.algorithms);
    if (signature !== null) return signature;
  }
  const entry = worstOf(entriesFor(crl, certificate.serial, (name) => sameName(name, certificate.issuer)));
  const evidence = crlEvidence(crl, issuer.certificate);
  if (entry !== null) return { status: 'revoked', ...entry, evidence };
  return reasons === ALL_REASONS
    ? { status: 'good', evidence }
    : unknown('status_unknown', 'the CRL speaks of some reasons of revocation only');
}

/** As {@link verifyCrl}, from the bytes. */
export function verifyCrlBytes(bytes: Uint8Array, check: Omit<CrlCheck, 'crl'>): CertificateStatus {
  try {
    return verifyCrl({ ...check, crl: parseCrl(bytes) });
  } catch (error) {
    if (error instanceof DerError) return unknown('status_malformed', error.message);
    throw error;
  }
}

function refuseKind(crl: Crl): StatusProblem | null {
  if (crl.baseNumber !== null) return unknown('status_mismatch', 'a delta CRL, which says nothing on its own');
  return crl.issuingDistributionPoint?.indirect === true
    ? unknown('status_mismatch', 'an indirect CRL, which is not taken here')
    : null;
}

/** Form alone: what makes a CRL unusable for every certificate. */
export function refuseForm(crl: Crl, rules: CrlRules): StatusProblem | null {
  const malformed = (detail: string): StatusProblem => unknown('status_malformed', detail);
  if (crl.unknownCritical !== null) return malformed(`unknown critical extension ${crl.unknownCritical} in the CRL`);
  if (crl.wronglyCritical !== null) return malformed(`extension ${crl.wronglyCritical} of a CRL must not be critical`);
  if (!crl.signatureAlgorithm.equals(crl.tbsSignatureAlgorithm))
    return malformed('the signature algorithms inside and outside of the signed part differ');
  if (crl.indexed.issuerChanges.length > 0 && crl.issuingDistributionPoint?.indirect !== true)
    return malformed('entries of other authorities in a CRL that is not indirect');
  if (crl.nextUpdate !== null && crl.nextUpdate < crl.thisUpdate) return malformed('nextUpdate before thisUpdate');
  if (!rules.conforming) return null;
  // Which one of version 1 cannot have.
  if (crl.number === null) return malformed('a CRL without CRL number');
  return crl.nextUpdate === null ? malformed('a CRL without next update') : null;
}

/** A CRL counts from thisUpdate (with a tolerance for the issuer's clock) to nextUpdate (with none). */
export function refuseTimes(crl: Crl, rules: CrlRules): StatusProblem | null {
  const stale = (detail: string): StatusProblem => unknown('status_stale', detail);
  if (crl.thisUpdate > rules.at + rules.clockToleranceSeconds) return stale('the CRL is from the future');
  if (crl.nextUpdate !== null && rules.at > crl.nextUpdate)
    return stale('the time of the next update of the CRL has passed');
  const limit = rules.maxStatusAgeSeconds ?? (crl.nextUpdate === null ? DEFAULT_STATUS_AGE_SECONDS : Infinity);
  return rules.at - crl.thisUpdate > limit ? stale(`the CRL is older than ${limit} s`) : null;
}

/** Whether this certificate may sign this CRL: name, key usage, key identifier. The signature itself is {@link
 * checkCrlSignature}. */
export function refuseSigner(crl: Crl, signer: StatusIssuer): StatusProblem | null {
  const { keyUsage, subjectKeyIdentifier } = signer.certificate.extensions;
  if (!sameName(crl.issuer, signer.certificate.subject))
    return unknown('status_mismatch', 'the CRL of another authority');
  if (keyUsage !== null && (keyUsage & KEY_USAGE.crlSign) === 0)
    return unknown('responder_unauthorised', 'the authority may not sign CRLs');
  const named = crl.authorityKeyIdentifier?.keyIdentifier ?? null;
  if (named !== null && subjectKeyIdentifier !== null && !named.equals(subjectKeyIdentifier))
    return unknown('status_mismatch', 'the CRL names another key of the authority');
  return null;
}

export function checkCrlSignature(crl: Crl, key: PublicKey, algorithms: AlgorithmPolicy): StatusProblem | null {
  const problem = checkSignature(
    { message: crl.tbs, signature: crl.signature, algorithm: crl.signatureAlgorithm },
    key,
    algorithms,
  );
  return problem === null ? null : unknown('status_signature', problem.detail);
}

export function crlEvidence(crl: Crl, signer: Certificate): StatusEvidence {
  return {
    thisUpdate: crl.thisUpdate,
    nextUpdate: crl.nextUpdate,
    signerKeySha256: keySha256(signer),
    responderToCheck: null,
  };
}

/** Several entries for one certificate: revoked by any of them. "Removed" counts only when it is all that is said. */
export function worstOf(entries: readonly RevokedEntry[]): RevokedEntry | null {
  return entries.find((e) => e.reason !== 'remove_from_crl') ?? entries[0] ?? null;
}

/** The reasons for which this CRL can speak about a certificate of the same issuer, or why it cannot speak at all. */
function coveredReasons(crl: Crl, certificate: Certificate): number | string {
  const kind = refuseCertificateKind(crl.issuingDistributionPoint, certificate);
  if (kind !== null) return kind;
  let covered = 0;
  for (const point of distributionPointsOf(certificate)) {
    if (point.crlIssuer === null && namesMatch(crl, point, certificate)) covered |= reasonsOf(crl, point);
  }
  return covered === 0 ? 'the CRL of another distribution point' : covered;
}

/** Steps 6.3.3 (b)(2)(ii) to (iv). */
export function refuseCertificateKind(scope: IssuingDistributionPoint | null, certificate: Certificate): string | null {
  const isAuthority = certificate.extensions.basicConstraints?.ca === true;
  // Section 5.2.5 divides certificates by their basic constraints, which versions 1 and 2 do not have: which half they
  // are in is nowhere said.
  const isDivided = scope?.onlyUserCertificates === true || scope?.onlyAuthorityCertificates === true;
  if (isDivided && certificate.version !== 3)
    return 'a CRL for one kind of certificates, and the certificate does not say of which kind it is';
  if (scope?.onlyAttributeCertificates === true) return 'a CRL for attribute certificates';
  if (scope?.onlyUserCertificates === true && isAuthority) return 'a CRL for certificates of users only';
  if (scope?.onlyAuthorityCertificates === true && !isAuthority) return 'a CRL for certificates of authorities only';
  return null;
}

/** Where the certificate says its CRLs are; without a word of it, at its issuer (RFC 5280 section 6.3.3, last
 * paragraph). */
export function distributionPointsOf(certificate: Certificate): readonly DistributionPoint[] {
  const issuer: GeneralName = { form: NAME_FORM.directoryName, value: certificate.issuer, der: certificate.issuer };
  return (
    certificate.extensions.crlDistributionPoints ?? [
      { name: { fullName: [issuer], relativeName: null }, reasons: null, crlIssuer: null },
    ]
  );
}

export function reasonsOf(crl: Crl, point: DistributionPoint): number {
  return ALL_REASONS & (point.reasons ?? ALL_REASONS) & (crl.issuingDistributionPoint?.onlySomeReasons ?? ALL_REASONS);
}

/** Step 6.3.3 (b)(2)(i): one name of the CRL's own distribution point is one of the certificate's, or of its CRL
 * issuer. */
export function namesMatch(crl: Crl, point: DistributionPoint, certificate: Certificate): boolean {
  const own = crl.issuingDistributionPoint?.name ?? null;
  if (own === null) return true;
  const ownNames = expandedNames(own, crl.issuer);
  const wanted =
    point.name === null
      ? new Set((point.crlIssuer ?? []).map(comparableName))
      : expandedNames(point.name, issuerOfPoint(point, certificate));
  return [...ownNames].some((name) => wanted.has(name));
}

/** A relative name continues the name of the CRL issuer, or of the certificate's issuer where no CRL issuer is
 * named. */
function issuerOfPoint(point: DistributionPoint, certificate: Certificate): Buffer {
  return point.crlIssuer?.find((n) => n.form === NAME_FORM.directoryName)?.value ?? certificate.issuer;
}

function expandedNames(name: DistributionPointName, base: Buffer): Set<string> {
  if (name.fullName !== null) return new Set(name.fullName.map(comparableName));
  return new Set([`${NAME_FORM.directoryName}:${canonicalName(extendName(base, name.relativeName!))}`]);
}

function comparableName(name: GeneralName): string {
  return name.form === NAME_FORM.directoryName
    ? `${name.form}:${canonicalName(name.value)}`
    : `${name.form}:${name.value.toString('hex')}`;
}

/** A name with one more RDN. @param rdn content of the SET */
function extendName(base: Buffer, rdn: Buffer): Buffer {
  return encodeDer(TAG.sequence, new DerReader(base).read(TAG.sequence), encodeDer(TAG.set, rdn));
}
