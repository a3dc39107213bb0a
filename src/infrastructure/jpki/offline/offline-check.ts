import { fingerprint, parseCertificate, serialHex, type Certificate } from '../../x509/certificate/certificate.js';
import { CARD_CERTIFICATE_BYTES_MAX, iso, issuerOf } from '../certificate-check.js';
import { parseCrl, type Crl } from '../../x509/revocation/crl.js';
import { DerError } from '../../x509/asn1/der.js';
import { describeName } from '../../x509/certificate/distinguished-name.js';
import type { CertificateStatus } from '../../x509/revocation/ocsp-response-verifier.js';
import { PathRevocation, type PathStatus, type RevocationMode } from './path-revocation.js';
import { searchPaths, type PathRequest, type ValidPath } from '../../x509/path/path-verifier.js';
import { profileFor, type ProfileName } from '../../x509/path/profiles.js';
import { trustAnchor, type TrustAnchor } from '../../x509/path/trust-anchors.js';

/** One certificate with everything that it is judged by. Nothing is fetched. */
export interface OfflineCheck {
  readonly certificate: Uint8Array;
  readonly trustAnchors: readonly Uint8Array[];
  readonly intermediates?: readonly Uint8Array[] | undefined;
  readonly crls?: readonly Uint8Array[] | undefined;
  readonly ocspResponses?: readonly Uint8Array[] | undefined;
  /** The nonce that OCSP answers must carry. */
  readonly ocspNonce?: Uint8Array | null | undefined;
  /** Seconds since 1970. */
  readonly at: number;
  readonly profile?: ProfileName | undefined;
  /** rfc5280: user-initial-policy-set, absent means any. Card profiles: policy OIDs in place of the profile's own. */
  readonly policies?: readonly string[] | undefined;
  readonly requireExplicitPolicy?: boolean | undefined;
  readonly inhibitPolicyMapping?: boolean | undefined;
  readonly inhibitAnyPolicy?: boolean | undefined;
  /** Default: by what is given; `off` when neither CRLs nor OCSP answers are. */
  readonly revocation?: RevocationMode | undefined;
  /** Certificates between leaf and anchor, those not counted that are self-issued. Default: the profile's. */
  readonly maxDepth?: number | undefined;
  readonly maxStatusAgeSeconds?: number | undefined;
  readonly extendedKeyUsage?: readonly string[] | undefined;
  readonly allowSha1ForTest?: boolean | undefined;
  /** Takes an authority's own certificate too; without this only certificates of holders are. */
  readonly allowAuthority?: boolean | undefined;
  /** Anchors count as a name and a key only (RFC 5280 section 6.1.1 d). */
  readonly issuerTrustedByKey?: boolean | undefined;
}

export interface OfflineVerdict {
  readonly verdict: 'valid' | 'invalid' | 'unknown';
  /** `valid`, an InvalidCertificateReason or an UnknownCertificateCause. */
  readonly reason: string;
  readonly detail: string;
  /** Leaf first, anchor last; empty when no path was found. */
  readonly path: readonly { readonly subject: string; readonly serial: string; readonly sha256: string }[];
  readonly revocation: OfflineRevocation;
  /** Policies under which the path is valid. */
  readonly policies: readonly string[];
}

export interface OfflineRevocation {
  readonly source: 'ocsp' | 'crl' | null;
  readonly status: 'good' | 'revoked' | 'unknown' | 'not_checked';
  readonly reason: string | null;
  readonly revokedAt: string | null;
  readonly thisUpdate: string | null;
  readonly nextUpdate: string | null;
  /** SHA-256 of the key that signed the status, hex. */
  readonly responder: string | null;
}

/** How far the clock of a status issuer may be ahead, seconds. */
const CLOCK_TOLERANCE_SECONDS = 300;
/** Certificates and CRLs that one check may bring along. */
const INTERMEDIATES_MAX = 256;
const CRLS_MAX = 64;
const OCSP_RESPONSES_MAX = 16;

/** Says whether a certificate is valid, from nothing but what is given. The path, signature and status rules are those
 * of the server. Never throws on input. Source: RFC 5280 section 6, RFC 6960 section 3.2. @req R6 */
export function checkOffline(check: OfflineCheck): OfflineVerdict {
  try {
    return judge(check);
  } catch (error) {
    if (error instanceof DerError) return refusal('invalid', 'malformed', error.message);
    throw error;
  }
}

function judge(check: OfflineCheck): OfflineVerdict {
  const { intermediates = [], crls = [], ocspResponses = [] } = check;
  if (intermediates.length > INTERMEDIATES_MAX || crls.length > CRLS_MAX || ocspResponses.length > OCSP_RESPONSES_MAX)
    return refusal('invalid', 'limit_exceeded', 'too many certificates, CRLs or OCSP answers');
  if ((check.profile ?? 'rfc5280') !== 'rfc5280' && check.certificate.length > CARD_CERTIFICATE_BYTES_MAX)
    return refusal('invalid', 'limit_exceeded', 'larger than any card certificate');
  const request = pathRequest(check);
  const mode = check.revocation ?? defaultMode(check);
  const search = searchPaths(request);
  if (mode === 'off') {
    for (const path of search.paths) return valid(path, []);
    return refusal('invalid', search.problem().reason, search.problem().detail);
  }
  const rules = {
    at: request.at,
    clockToleranceSeconds: CLOCK_TOLERANCE_SECONDS,
    maxStatusAgeSeconds: check.maxStatusAgeSeconds ?? null,
    algorithms: request.profile.algorithms,
    conforming: true,
  };
  const revocation = new PathRevocation(request, {
    mode,
    ...readCrls(crls),
    ocspResponses,
    ocspNonce: check.ocspNonce ?? null,
    rules,
  });
  let best: OfflineVerdict | null = null;
  for (const path of search.paths) {
    const statuses = revocation.check(path);
    const verdict = verdictOf(path, statuses);
    if (verdict.verdict === 'valid') return verdict;
    // Revoked tells more than a status that could not be had.
    if (best === null || (best.verdict === 'unknown' && verdict.verdict === 'invalid')) best = verdict;
  }
  return best ?? refusal('invalid', search.problem().reason, search.problem().detail);
}

function pathRequest(check: OfflineCheck): PathRequest {
  const { profile: name = 'rfc5280', policies, maxDepth, extendedKeyUsage, allowSha1ForTest } = check;
  const profile = profileFor(name, {
    policies,
    maxIntermediates: maxDepth,
    extendedKeyUsage,
    allowSha1ForTest,
    authorityAsLeaf: check.allowAuthority,
  });
  const card = profile.cardRules;
  return {
    certificate: parseCertificate(check.certificate),
    intermediates: (check.intermediates ?? []).flatMap(readableCertificate),
    anchors: check.trustAnchors.map((der, i) => readAnchor(der, i, check.issuerTrustedByKey)),
    at: check.at,
    profile,
    // Card profiles ask for the strictest policy processing, whatever the caller says: their leaf must carry the policy
    // itself.
    policies: {
      acceptable: card ? profile.leafPolicies : (policies ?? null),
      requireExplicitPolicy: card || check.requireExplicitPolicy === true,
      inhibitPolicyMapping: card || check.inhibitPolicyMapping === true,
      inhibitAnyPolicy: card || check.inhibitAnyPolicy === true,
    },
  };
}

function defaultMode({ crls = [], ocspResponses = [] }: OfflineCheck): RevocationMode {
  if (ocspResponses.length > 0) return crls.length > 0 ? 'ocsp-then-crl' : 'ocsp';
  return crls.length > 0 ? 'crl' : 'off';
}

function readAnchor(der: Uint8Array, index: number, trustedByKey: boolean | undefined): TrustAnchor {
  try {
    return trustAnchor(der, { trustedByKey });
  } catch (error) {
    if (error instanceof DerError) throw new DerError(`trust anchor ${index + 1}: ${error.message}`);
    throw error;
  }
}

/** An intermediate that cannot be read can only be missing; it cannot make anything valid. */
function readableCertificate(der: Uint8Array): Certificate[] {
  return readable(() => parseCertificate(der));
}

function readCrls(files: readonly Uint8Array[]): {
  readonly crls: readonly Crl[];
  readonly unreadable: readonly string[];
} {
  const crls: Crl[] = [];
  const unreadable: string[] = [];
  for (const der of files) {
    try {
      crls.push(parseCrl(der));
    } catch (error) {
      if (!(error instanceof DerError)) throw error;
      unreadable.push(error.message);
    }
  }
  return { crls, unreadable };
}

function readable<T>(read: () => T): T[] {
  try {
    return [read()];
  } catch (error) {
    if (error instanceof DerError) return [];
    throw error;
  }
}

function verdictOf(path: ValidPath, statuses: readonly PathStatus[]): OfflineVerdict {
  const last = statuses.at(-1)!;
  if (last.status.status === 'good') return valid(path, statuses);
  const who = describeName(last.certificate.subject);
  const rest = { path: describePath(path), revocation: revocationOf(last), policies: path.policies };
  if (last.status.status === 'revoked')
    return {
      verdict: 'invalid',
      reason: 'revoked',
      detail: `${who} was revoked: ${last.status.reason ?? 'no reason stated'}`,
      ...rest,
    };
  return { verdict: 'unknown', reason: last.status.cause, detail: `status of ${who}: ${last.status.detail}`, ...rest };
}

function valid(path: ValidPath, statuses: readonly PathStatus[]): OfflineVerdict {
  return {
    verdict: 'valid',
    reason: 'valid',
    detail: `issued by ${describeName(issuerOf(path).certificate.subject)}`,
    path: describePath(path),
    revocation: revocationOf(statuses.at(-1)),
    policies: path.policies,
  };
}

function refusal(verdict: 'invalid' | 'unknown', reason: string, detail: string): OfflineVerdict {
  return { verdict, reason, detail, path: [], revocation: revocationOf(undefined), policies: [] };
}

function describePath(path: ValidPath): OfflineVerdict['path'] {
  return [...path.certificates, path.anchor.certificate].map((c) => ({
    subject: describeName(c.subject),
    serial: serialHex(c.serial),
    sha256: fingerprint(c),
  }));
}

function revocationOf(found: PathStatus | undefined): OfflineRevocation {
  if (found === undefined)
    return {
      source: null,
      status: 'not_checked',
      reason: null,
      revokedAt: null,
      thisUpdate: null,
      nextUpdate: null,
      responder: null,
    };
  return describeStatus(found.source, found.status);
}

/** A status as the tools print it. */
export function describeStatus(source: 'ocsp' | 'crl' | null, status: CertificateStatus): OfflineRevocation {
  if (status.status === 'unknown')
    return {
      source,
      status: 'unknown',
      reason: status.cause,
      revokedAt: null,
      thisUpdate: null,
      nextUpdate: null,
      responder: null,
    };
  const { thisUpdate, nextUpdate, signerKeySha256 } = status.evidence;
  return {
    source,
    status: status.status,
    reason: status.status === 'revoked' ? (status.reason ?? 'unspecified') : null,
    revokedAt: status.status === 'revoked' ? iso(status.revokedAt) : null,
    thisUpdate: iso(thisUpdate),
    nextUpdate: nextUpdate === null ? null : iso(nextUpdate),
    responder: signerKeySha256,
  };
}
