import type {
  CertificateCheck,
  CertificateSettings,
  CertificateVerdict,
  SealedCertificateEvidence,
} from '../../application/ports/outside/certificate-verifier.js';
import type {
  CertificateEvidence,
  CertificateType,
  InvalidCertificateReason,
} from '../../domain/values/certificate-status.js';
import { parseCertificate, serialHex, type Certificate } from '../x509/certificate/certificate.js';
import { asBuffer, DerError } from '../x509/asn1/der.js';
import { searchPaths, type PathProblem, type ValidPath } from '../x509/path/path-verifier.js';
import { statementsOf } from './holder-statements.js';
import { profileFor, profileNameFor, type Profile } from '../x509/path/profiles.js';
import {
  checkSignature,
  PublicKey,
  signatureRuleByName,
  type AlgorithmPolicy,
} from '../x509/certificate/public-key.js';
import type { CertificateStatus, StatusIssuer } from '../x509/revocation/ocsp-response-verifier.js';
import type { TrustAnchors } from '../x509/path/trust-anchors.js';

/** The version of these rules, stored with every verdict. Raised whenever a rule changes what is accepted. */
export const CERTIFICATE_RULES = { id: 'honnin-certificate', version: '1' } as const;

/** Card certificates are one to two kilobytes. */
export const CARD_CERTIFICATE_BYTES_MAX = 8 * 1024;

export interface CertificateRules {
  readonly anchors: TrustAnchors;
  readonly profiles: Readonly<Record<CertificateType, Profile>>;
  readonly status: StatusRules;
}

/** How answers about the status are judged. */
export interface StatusRules {
  /** An OCSP answer without our nonce may be an old one played again. */
  readonly requireNonce: boolean;
  /** Hash of CertID in our OCSP requests. */
  readonly certIdHash: 'sha1' | 'sha256';
  /** Oldest acceptable thisUpdate of an OCSP answer. */
  readonly maxStatusAgeSeconds: number;
  /** How far the responder's clock may be ahead. */
  readonly clockToleranceSeconds: number;
}

/** Defaults: nonce required, SHA-1 in CertID (every responder understands it and it protects nothing), one day (the
 * authentication server refreshes every 15 minutes), five minutes. */
export type StatusRuleOptions = { readonly [K in keyof StatusRules]?: StatusRules[K] | undefined };

export interface CertificateRuleOptions {
  /** Replaces the policy OIDs of a certificate type, for the test environment of the certification service. */
  readonly policyOids?: Partial<Record<CertificateType, readonly string[]>> | undefined;
  /** Replaces the extended key usages that a certificate type may be limited to: those of the real cards are not
   *  public. */
  readonly usageOids?: Partial<Record<CertificateType, readonly string[]>> | undefined;
  /** Certificates in a path, leaf and anchor counted; card certificates need 2. */
  readonly maxDepth?: number | undefined;
  readonly status?: StatusRuleOptions | undefined;
}

export function certificateRules(anchors: TrustAnchors, options: CertificateRuleOptions = {}): CertificateRules {
  const maxIntermediates = Math.max(0, (options.maxDepth ?? 2) - 2);
  const profile = (type: CertificateType): Profile =>
    profileFor(profileNameFor(type), {
      policies: options.policyOids?.[type],
      extendedKeyUsage: options.usageOids?.[type],
      maxIntermediates,
    });
  const {
    requireNonce = true,
    certIdHash = 'sha1',
    maxStatusAgeSeconds = 86_400,
    clockToleranceSeconds = 300,
  } = options.status ?? {};
  return {
    anchors,
    profiles: { user_authentication: profile('user_authentication'), digital_signature: profile('digital_signature') },
    status: { requireNonce, certIdHash, maxStatusAgeSeconds, clockToleranceSeconds },
  };
}

/** What of these rules an operator may set, for one certificate type. */
export function settingsOf(
  { profiles, status, anchors }: CertificateRules,
  type: CertificateType,
): CertificateSettings {
  const { leafPolicies, leafExtendedKeyUsage } = profiles[type];
  return {
    policies: leafPolicies ?? [],
    extendedKeyUsages: leafExtendedKeyUsage ?? [],
    statusAgeSecondsMax: status.maxStatusAgeSeconds,
    anchors: anchors.for(type).map(({ sha256 }) => sha256),
  };
}

/** The same rules with these settings for one certificate type. Anchors and everything else stay. */
export function withSettings(
  rules: CertificateRules,
  type: CertificateType,
  settings: CertificateSettings,
): CertificateRules {
  const profile = {
    ...rules.profiles[type],
    leafPolicies: settings.policies,
    leafExtendedKeyUsage: settings.extendedKeyUsages,
  };
  return {
    ...rules,
    profiles: { ...rules.profiles, [type]: profile },
    status: { ...rules.status, maxStatusAgeSeconds: settings.statusAgeSecondsMax },
  };
}

/** A certificate whose path and card signature hold. Whether it was revoked is still open. */
export interface PresentedCertificate {
  readonly certificate: Certificate;
  readonly path: ValidPath;
  /** The authority to ask: who issued the leaf. */
  readonly issuer: StatusIssuer;
  readonly settings: CertificateSettings;
}

/** Path and presence: everything that can be decided without the authentication server.
 *  @returns the certificate, or the finished `invalid` verdict. Source: RFC 5280 section 6. @req R6 R32 */
export function checkPresented(
  check: CertificateCheck,
  rules: CertificateRules,
  checkedAt: number,
): PresentedCertificate | Extract<CertificateVerdict, { verdict: 'invalid' }> {
  const settings = settingsOf(rules, check.certificateType);
  const refuse = (
    problem: PathProblem,
    path: ValidPath | null,
  ): Extract<CertificateVerdict, { verdict: 'invalid' }> => ({
    verdict: 'invalid',
    reason: problem.reason,
    detail: problem.detail,
    evidence: evidenceWithoutStatus(path, checkedAt),
    sealed: { certificate: check.certificate, statusResponse: null, statusKind: null, ocspNonce: null, settings },
  });
  if (check.certificate.length > CARD_CERTIFICATE_BYTES_MAX)
    return refuse({ reason: 'limit_exceeded', detail: 'larger than any card certificate' }, null);
  const certificate = tryParse(check.certificate);
  if (certificate instanceof DerError) return refuse({ reason: 'malformed', detail: certificate.message }, null);
  const found = findPath(certificate, rules, check.certificateType, secondsOf(check.at));
  if ('reason' in found) return refuse(found, null);
  const signatureProblem = checkCardSignature(certificate, check, rules.profiles[check.certificateType].algorithms);
  if (signatureProblem !== null) return refuse(signatureProblem, found);
  return { certificate, path: found, issuer: issuerOf(found), settings };
}

function tryParse(bytes: Uint8Array): Certificate | DerError {
  try {
    return parseCertificate(bytes);
  } catch (error) {
    if (error instanceof DerError) return error;
    throw error;
  }
}

function findPath(
  certificate: Certificate,
  rules: CertificateRules,
  type: CertificateType,
  at: number,
): ValidPath | PathProblem {
  const profile = rules.profiles[type];
  const policies = {
    acceptable: profile.leafPolicies,
    requireExplicitPolicy: true,
    inhibitPolicyMapping: true,
    inhibitAnyPolicy: true,
  };
  const search = searchPaths({
    certificate,
    intermediates: [],
    anchors: rules.anchors.for(type),
    at,
    profile,
    policies,
  });
  for (const path of search.paths) return path;
  return search.problem();
}

/** The authority that issued the leaf of a path. */
export function issuerOf(path: ValidPath): StatusIssuer {
  const above = path.certificates[1];
  return above === undefined
    ? { certificate: path.anchor.certificate, publicKey: path.anchor.publicKey }
    : { certificate: above, publicKey: new PublicKey(above.spki) };
}

/** The algorithm follows from the key in the certificate, never from the request: RSA with SHA-256, P-384 with
 * SHA-384. */
function checkCardSignature(
  certificate: Certificate,
  check: Pick<CertificateCheck, 'signedBytes' | 'signature'>,
  algorithms: AlgorithmPolicy,
): PathProblem | null {
  const key = new PublicKey(certificate.spki);
  const { algorithm } = signatureRuleByName(key.shape.kind === 'ec' ? 'ecdsa-with-SHA384' : 'sha256WithRSAEncryption')!;
  const problem = checkSignature(
    { message: asBuffer(check.signedBytes), signature: asBuffer(check.signature), algorithm },
    key,
    algorithms,
  );
  return problem === null ? null : { reason: 'card_signature', detail: problem.detail };
}

/** A status that decides, with where it came from. */
export interface DecidedStatus {
  readonly method: 'ocsp' | 'crl';
  /** Address that answered, or null for bytes that were kept. */
  readonly source: string | null;
  readonly response: Uint8Array;
  readonly nonce: Uint8Array | null;
  /** The instant at which the answer was judged, seconds since 1970. */
  readonly checkedAt: number;
  readonly status: Exclude<CertificateStatus, { status: 'unknown' }>;
}

/** Puts path and status together into the verdict. */
export function decide(
  presented: PresentedCertificate,
  decided: DecidedStatus,
): Extract<CertificateVerdict, { verdict: 'valid' | 'invalid' }> {
  const { certificate, path } = presented;
  const { status } = decided;
  const evidence: CertificateEvidence = {
    ...evidenceWithoutStatus(path, decided.checkedAt),
    method: decided.method,
    source: decided.source,
    status: status.status,
    revocationReason: status.status === 'revoked' ? (status.reason ?? 'unspecified') : null,
    revokedAtUtc: status.status === 'revoked' ? iso(status.revokedAt) : null,
    thisUpdateUtc: iso(status.evidence.thisUpdate),
    nextUpdateUtc: status.evidence.nextUpdate === null ? null : iso(status.evidence.nextUpdate),
    responderKeySha256: status.evidence.signerKeySha256,
  };
  const sealed: SealedCertificateEvidence = {
    certificate: certificate.der,
    statusResponse: decided.response,
    statusKind: decided.method,
    ocspNonce: decided.nonce === null ? null : Buffer.from(decided.nonce).toString('hex'),
    settings: presented.settings,
  };
  if (status.status === 'good')
    return {
      verdict: 'valid',
      evidence,
      sealed,
      holder: { issuerName: certificate.issuer, serialNumber: serialHex(certificate.serial) },
      statements: statementsOf(certificate),
    };
  const reason: InvalidCertificateReason = 'revoked';
  return { verdict: 'invalid', reason, detail: `revoked: ${status.reason ?? 'no reason stated'}`, evidence, sealed };
}

function evidenceWithoutStatus(path: ValidPath | null, checkedAt: number): CertificateEvidence {
  return {
    method: 'none',
    source: null,
    status: 'not_checked',
    revocationReason: null,
    revokedAtUtc: null,
    thisUpdateUtc: null,
    nextUpdateUtc: null,
    responderKeySha256: null,
    trustAnchorSha256: path?.anchor.sha256 ?? null,
    pathLength: path === null ? 0 : path.certificates.length + 1,
    checkedAtUtc: iso(checkedAt),
  };
}

/** ISO-8601 UTC of seconds since 1970. */
export function iso(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}

/** Seconds since 1970 of an ISO-8601 instant. @throws {RangeError} when it is not one: that is a bug of the caller */
export function secondsOf(instant: string): number {
  const milliseconds = Date.parse(instant);
  if (Number.isNaN(milliseconds)) throw new RangeError(`not an instant: ${instant}`);
  return milliseconds / 1000;
}
