import type { InvalidCertificateReason } from '../../../domain/values/certificate-status.js';
import type { Certificate } from '../certificate/certificate.js';
import { canonicalName, describeName, sameName } from '../certificate/distinguished-name.js';
import { NAME_FORM, type GeneralName } from '../certificate/general-name.js';
import { isHostName, isMailbox, NameConstraintState } from './name-constraints.js';
import { KEY_USAGE, OID } from '../asn1/oids.js';
import { PolicyGraph, type PolicyInputs } from './policy-graph.js';
import type { Profile } from './profiles.js';
import {
  checkKey,
  checkSignature,
  PublicKey,
  readPublicKey,
  type SignatureProblem,
} from '../certificate/public-key.js';
import type { TrustAnchor } from './trust-anchors.js';
import type { DerError } from '../asn1/der.js';

export interface PathRequest {
  readonly certificate: Certificate;
  readonly intermediates: readonly Certificate[];
  readonly anchors: readonly TrustAnchor[];
  /** Seconds since 1970 at which the path is judged; fractions are cut off. */
  readonly at: number;
  readonly profile: Profile;
  readonly policies: PolicyInputs;
}

/** A path that holds: leaf first, then the certificates above it, without the anchor. */
export interface ValidPath {
  readonly certificates: readonly Certificate[];
  readonly anchor: TrustAnchor;
  /** Policies under which the path is valid. */
  readonly policies: readonly string[];
}

export interface PathProblem {
  readonly reason: InvalidCertificateReason;
  readonly detail: string;
}

/** Thrown nowhere: a path search yields every valid path in turn and tells at the end why none (other) was found. */
export interface PathSearch {
  readonly paths: Iterable<ValidPath>;
  /** After `paths` ran out: the most telling reason why nothing (more) was found. */
  problem(): PathProblem;
}

/** Signatures that one request may cost. Hostile sets of a hundred cross-signed certificates stay below a quarter of a
 * second. */
const SIGNATURES_MAX = 100;
const PATHS_MAX = 40;
/** Certificates in a path, whatever the profile counts. */
const PATH_CERTIFICATES_MAX = 24;

/** Finds and validates the path of a certificate. @returns the first valid path or why there is none
 *  Source: RFC 5280 section 6.1. @req R6 */
export function verifyPath(request: PathRequest): { readonly path: ValidPath } | { readonly problem: PathProblem } {
  const search = searchPaths(request);
  for (const path of search.paths) return { path };
  return { problem: search.problem() };
}

/** All valid paths, lazily; a caller whose revocation check fails for one may try the next. */
export function searchPaths(request: PathRequest): PathSearch {
  const search = new Search(request);
  return { paths: search.run(), problem: () => search.problem };
}

class Search {
  problem: PathProblem = { reason: 'untrusted_issuer', detail: 'no configured trust anchor issued this certificate' };
  private problemStage = 0;
  private signatures = 0;
  private candidates = 0;
  private readonly keys = new Map<Certificate, PublicKey | DerError>();
  private readonly bySubject = new Map<string, Certificate[]>();
  private readonly at: number;

  constructor(private readonly request: PathRequest) {
    this.at = Math.floor(request.at);
    if (request.profile.maxIntermediates === 0) return;
    for (const certificate of request.intermediates) {
      const subject = canonicalName(certificate.subject);
      const same = this.bySubject.get(subject);
      if (same === undefined) this.bySubject.set(subject, [certificate]);
      else if (!same.some((c) => c.der.equals(certificate.der))) same.push(certificate);
    }
  }

  *run(): Generator<ValidPath> {
    yield* this.extend([this.request.certificate], 0);
  }

  /** Depth first, anchors before intermediates; every certificate at most once in a path. */
  private *extend(path: readonly Certificate[], counted: number): Generator<ValidPath> {
    const last = path.at(-1)!;
    for (const anchor of this.request.anchors) {
      if (!sameName(anchor.certificate.subject, last.issuer) || !this.keyIdentifiersAgree(last, anchor.certificate))
        continue;
      if (!this.signedBy(last, anchor.publicKey)) continue;
      if (++this.candidates > PATHS_MAX)
        return this.fail(9, { reason: 'limit_exceeded', detail: 'too many possible paths' });
      const problem = this.validate(path, anchor);
      if ('certificates' in problem) yield problem;
      else this.fail(3, problem);
    }
    if (this.bySubject.size === 0) return;
    for (const next of this.bySubject.get(canonicalName(last.issuer)) ?? []) {
      if (path.some((c) => c.der.equals(next.der)) || !this.keyIdentifiersAgree(last, next)) continue;
      const nowCounted = counted + (isSelfIssued(next) ? 0 : 1);
      if (nowCounted > this.request.profile.maxIntermediates || path.length >= PATH_CERTIFICATES_MAX) {
        this.fail(1, { reason: 'path_length', detail: 'the path would be longer than is allowed here' });
        continue;
      }
      const key = this.keyOf(next);
      if (key !== null && this.signedBy(last, key)) yield* this.extend([...path, next], nowCounted);
    }
  }

  /** Several generations of one authority share a name; the key identifier tells them apart before a signature is
   * spent. */
  private keyIdentifiersAgree(certificate: Certificate, issuer: Certificate): boolean {
    const authority = certificate.extensions.authorityKeyIdentifier;
    const subject = issuer.extensions.subjectKeyIdentifier;
    if (authority === null) return true;
    if (authority.keyIdentifier !== null && subject !== null && !authority.keyIdentifier.equals(subject)) return false;
    if (authority.serial !== null && !authority.serial.equals(issuer.serial)) return false;
    const named = authority.issuer?.find((n) => n.form === NAME_FORM.directoryName);
    return named === undefined || sameName(named.value, issuer.issuer);
  }

  private signedBy(certificate: Certificate, key: PublicKey): boolean {
    if (!certificate.signatureAlgorithm.equals(certificate.tbsSignatureAlgorithm)) {
      this.fail(2, {
        reason: 'bad_signature',
        detail: 'the signature algorithms inside and outside of the signed part differ',
      });
      return false;
    }
    if (++this.signatures > SIGNATURES_MAX) {
      this.fail(9, { reason: 'limit_exceeded', detail: 'too many signatures to check' });
      return false;
    }
    const problem = checkSignature(
      { message: certificate.tbs, signature: certificate.signature, algorithm: certificate.signatureAlgorithm },
      key,
      this.request.profile.algorithms,
    );
    if (problem !== null) this.fail(2, problem);
    return problem === null;
  }

  private keyOf(certificate: Certificate): PublicKey | null {
    let key = this.keys.get(certificate);
    if (key === undefined) {
      key = readPublicKey(certificate.spki);
      this.keys.set(certificate, key);
    }
    if (key instanceof PublicKey) return key;
    this.fail(2, { reason: 'malformed', detail: `key of an issuer: ${key.message}` });
    return null;
  }

  /** The furthest stage tells most; among equals the first one met. */
  private fail(stage: number, problem: PathProblem | SignatureProblem): void {
    if (stage <= this.problemStage) return;
    this.problemStage = stage;
    this.problem = problem;
  }

  private validate(path: readonly Certificate[], anchor: TrustAnchor): ValidPath | PathProblem {
    const { profile, policies } = this.request;
    const names = new NameConstraintState();
    const anchorProblem = checkAnchor(anchor, this.at, profile) ?? names.add(anchor.certificate);
    if (anchorProblem !== null) return anchorProblem;
    const graph = new PolicyGraph(policies, path.length);
    // What an anchor demands of policies is meant for every path below it (RFC 5937 section 3.2), as are its limits of
    // length and names.
    if (!anchor.trustedByKey) graph.constrain(anchor.certificate);
    // RFC 5280 leaves the anchor's own limit to the verifier; a root that limits its paths means it (RFC 5937).
    let pathLengthLeft = anchor.trustedByKey
      ? Infinity
      : (anchor.certificate.extensions.basicConstraints?.pathLength ?? Infinity);
    let purposes = profile.leafExtendedKeyUsage;
    if (!anchor.trustedByKey) purposes = certifiedPurposes(anchor.certificate, purposes);
    for (let index = 1; index <= path.length; index++) {
      const certificate = path[path.length - index]!;
      const isLeaf = index === path.length;
      const selfIssued = isSelfIssued(certificate);
      const problem =
        checkCommon(certificate, this.at, profile) ??
        (selfIssued && !isLeaf ? null : names.check(certificate, isLeaf)) ??
        policyProblem(graph.process(certificate, index, selfIssued));
      if (problem !== null) return problem;
      if (isLeaf) break;
      const purposeProblem = checkPurpose(certificate, purposes);
      if (purposeProblem !== null) return purposeProblem;
      purposes = certifiedPurposes(certificate, purposes);
      if (!selfIssued && pathLengthLeft-- <= 0)
        return { reason: 'path_length', detail: 'an issuer allows fewer certificates below it' };
      const issuerProblem =
        policyProblem(graph.prepareNext(certificate, selfIssued)) ??
        checkIssuer(certificate, profile) ??
        names.add(certificate);
      if (issuerProblem !== null) return issuerProblem;
      pathLengthLeft = Math.min(pathLengthLeft, certificate.extensions.basicConstraints?.pathLength ?? Infinity);
    }
    const outcome = graph.finish(path[0]!);
    if ('problem' in outcome) return { reason: 'policy', detail: outcome.problem };
    const leafProblem = checkLeaf(path[0]!, { ...profile, leafExtendedKeyUsage: purposes });
    return leafProblem ?? { certificates: path, anchor, policies: outcome.policies };
  }
}

function policyProblem(detail: string | null): PathProblem | null {
  return detail === null ? null : { reason: 'policy', detail };
}

export function isSelfIssued(certificate: Certificate): boolean {
  return sameName(certificate.issuer, certificate.subject);
}

/** An authority that may certify for some purposes only: what it certifies for others is not for them. Without a
 * purpose (nobody said what for) a critical limit cannot be acted upon, so it refuses; any other informs. */
function checkPurpose(certificate: Certificate, leafExtendedKeyUsage: readonly string[] | null): PathProblem | null {
  const { extendedKeyUsage } = certificate.extensions;
  if (extendedKeyUsage === null || extendedKeyUsage.includes(OID.anyExtendedKeyUsage)) return null;
  const isCritical = certificate.extensionList.some(({ oid, critical }) => oid === OID.extendedKeyUsage && critical);
  if (leafExtendedKeyUsage === null) {
    return isCritical
      ? { reason: 'extended_key_usage', detail: 'an authority for some purposes only, and no purpose is asked for' }
      : null;
  }
  if (leafExtendedKeyUsage.some((usage) => extendedKeyUsage.includes(usage))) return null;
  return { reason: 'extended_key_usage', detail: `${describeName(certificate.subject)} certifies for other purposes` };
}

/** What is left of the purposes that were asked for below an authority: one that the whole path allows is needed, not one
 * here and another there. */
function certifiedPurposes(
  { extensions: { extendedKeyUsage } }: Certificate,
  asked: readonly string[] | null,
): readonly string[] | null {
  if (extendedKeyUsage === null || extendedKeyUsage.includes(OID.anyExtendedKeyUsage)) return asked;
  return asked?.filter((usage) => extendedKeyUsage.includes(usage)) ?? null;
}

/** Extensions that path validation acts on or that only inform. Any other critical one refuses the certificate. */
const PROCESSED = new Set<string>([
  OID.basicConstraints,
  OID.keyUsage,
  OID.extendedKeyUsage,
  OID.certificatePolicies,
  OID.policyMappings,
  OID.policyConstraints,
  OID.inhibitAnyPolicy,
  OID.nameConstraints,
  OID.subjectAltName,
  OID.issuerAltName,
  OID.crlDistributionPoints,
]);
const NEVER_CRITICAL = new Set<string>([
  OID.authorityKeyIdentifier,
  OID.subjectKeyIdentifier,
  OID.authorityInfoAccess,
  OID.freshestCrl,
]);
const ALWAYS_CRITICAL = new Set<string>([OID.nameConstraints, OID.policyConstraints, OID.inhibitAnyPolicy]);
const REFUSED_ON_CARDS = new Set<string>([
  OID.nameConstraints,
  OID.policyMappings,
  OID.policyConstraints,
  OID.inhibitAnyPolicy,
]);

/** What every certificate of a path must meet, the anchor included. */
function checkExtensions(certificate: Certificate, profile: Profile): PathProblem | null {
  if (certificate.duplicateExtension !== null)
    return { reason: 'duplicate_extension', detail: `extension ${certificate.duplicateExtension} appears twice` };
  for (const { oid, critical } of certificate.extensionList) {
    if (critical && !PROCESSED.has(oid))
      return {
        reason: 'critical_extension',
        detail: NEVER_CRITICAL.has(oid) ? `extension ${oid} must not be critical` : `unknown critical extension ${oid}`,
      };
    if (!critical && ALWAYS_CRITICAL.has(oid) && !isPlainPolicyRequirement(certificate, oid))
      return { reason: 'critical_extension', detail: `extension ${oid} must be critical` };
    if (profile.cardRules && REFUSED_ON_CARDS.has(oid))
      return { reason: 'unsupported', detail: `extension ${oid} has no place in a card certificate's path` };
  }
  return checkPolicyQualifiers(certificate) ?? checkCaExtensions(certificate);
}

/** RFC 5280 asks for critical policy constraints; authorities from before it wrote "a policy is required from here on"
 * without the mark. That one meaning is taken as written. A non-critical constraint that starts to bind only further
 * down is refused. */
function isPlainPolicyRequirement(certificate: Certificate, oid: string): boolean {
  const constraints = certificate.extensions.policyConstraints;
  return (
    oid === OID.policyConstraints &&
    constraints?.requireExplicitPolicy === 0 &&
    constraints.inhibitPolicyMapping === null
  );
}

/** RFC 5280 section 4.2.1.4: in a critical policies extension every qualifier must be understood. */
function checkPolicyQualifiers(certificate: Certificate): PathProblem | null {
  const policies = certificate.extensions.certificatePolicies;
  if (policies === null || !certificate.extensionList.some((e) => e.oid === OID.certificatePolicies && e.critical))
    return null;
  const unknown = policies
    .flatMap((p) => p.qualifiers)
    .find((q) => q !== OID.qualifierCps && q !== OID.qualifierUserNotice);
  return unknown === undefined
    ? null
    : { reason: 'critical_extension', detail: `policy qualifier ${unknown} in a critical extension` };
}

/** keyCertSign, cA, pathLen and name constraints must tell the same story (RFC 5280 sections 4.2.1.3, 4.2.1.9,
 * 4.2.1.10). */
function checkCaExtensions(certificate: Certificate): PathProblem | null {
  const { basicConstraints, keyUsage, nameConstraints } = certificate.extensions;
  const ca = basicConstraints?.ca ?? false;
  const signsCertificates = keyUsage !== null && (keyUsage & KEY_USAGE.keyCertSign) !== 0;
  if (keyUsage === 0) return { reason: 'key_usage', detail: 'a keyUsage without any usage' };
  if (!ca && signsCertificates)
    return { reason: 'key_usage', detail: 'keyCertSign in a certificate that is not an authority' };
  if (!ca && basicConstraints?.pathLength != null)
    return { reason: 'basic_constraints', detail: 'a path length in a certificate that is not an authority' };
  if (ca && basicConstraints?.pathLength != null && keyUsage !== null && !signsCertificates) {
    return { reason: 'basic_constraints', detail: 'a path length in a certificate that may not sign certificates' };
  }
  if (!ca && nameConstraints !== null)
    return { reason: 'name_constraints', detail: 'name constraints in a certificate that is not an authority' };
  return null;
}

function checkCommon(certificate: Certificate, at: number, profile: Profile): PathProblem | null {
  return (
    checkExtensions(certificate, profile) ??
    checkValidity(certificate, at) ??
    checkSerial(certificate) ??
    checkNames(certificate) ??
    checkIdentifiers(certificate, profile, false)
  );
}

function checkValidity(certificate: Certificate, at: number): PathProblem | null {
  if (at < certificate.notBefore)
    return {
      reason: 'not_yet_valid',
      detail: `${describeName(certificate.subject)} is not valid before ${iso(certificate.notBefore)}`,
    };
  if (at > certificate.notAfter)
    return {
      reason: 'expired',
      detail: `${describeName(certificate.subject)} is not valid after ${iso(certificate.notAfter)}`,
    };
  return null;
}

function iso(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}

/** RFC 5280 section 4.1.2.2: positive and at most 20 bytes. A serial number that is neither cannot be asked for
 * reliably. */
function checkSerial(certificate: Certificate): PathProblem | null {
  const { serial } = certificate;
  if (serial[0]! >= 0x80 || serial.every((byte) => byte === 0))
    return { reason: 'malformed', detail: 'a serial number that is not positive' };
  return serial.length > 20 ? { reason: 'malformed', detail: 'a serial number of more than 20 bytes' } : null;
}

const EMPTY_NAME = Buffer.from('3000', 'hex');

function checkNames(certificate: Certificate): PathProblem | null {
  if (certificate.issuer.equals(EMPTY_NAME)) return { reason: 'name_chaining', detail: 'an empty issuer name' };
  const names = certificate.extensions.subjectAltName;
  if (certificate.subject.equals(EMPTY_NAME)) {
    if (certificate.extensions.basicConstraints?.ca === true)
      return { reason: 'name_chaining', detail: 'an authority with an empty name' };
    if (names === null || !certificate.extensionList.some((e) => e.oid === OID.subjectAltName && e.critical))
      return { reason: 'critical_extension', detail: 'no subject name and no critical subjectAltName' };
  }
  const bad = names?.find((name) => !wellFormedName(name));
  return bad === undefined
    ? null
    : { reason: 'malformed', detail: `a name of form ${bad.form} in subjectAltName that is not one` };
}

function wellFormedName(name: GeneralName): boolean {
  const text = (): string => name.value.toString('latin1');
  if (name.form === NAME_FORM.dnsName)
    return isHostName(text().replace(/^\*\./, '')) && !/^\d+\.\d+\.\d+\.\d+$/.test(text());
  if (name.form === NAME_FORM.rfc822Name) return isMailbox(text());
  if (name.form === NAME_FORM.ipAddress) return name.value.length === 4 || name.value.length === 16;
  if (name.form === NAME_FORM.uri) return /^[a-z][a-z0-9+.-]*:/i.test(text());
  return true;
}

/** RFC 5280 sections 4.2.1.1 and 4.2.1.2. Which identifiers card certificates carry is not published, so only the
 * general profile insists. */
function checkIdentifiers(certificate: Certificate, profile: Profile, anchor: boolean): PathProblem | null {
  if (profile.cardRules) return null;
  const { authorityKeyIdentifier, subjectKeyIdentifier, basicConstraints } = certificate.extensions;
  const missing = authorityKeyIdentifier === null || authorityKeyIdentifier.keyIdentifier === null;
  if (missing && !(anchor && (isSelfIssued(certificate) || isSelfSigned(certificate, profile))))
    return { reason: 'malformed', detail: 'no authority key identifier' };
  return basicConstraints?.ca === true && subjectKeyIdentifier === null
    ? { reason: 'malformed', detail: 'an authority without subject key identifier' }
    : null;
}

/** RFC 5280 section 4.2.1.1 spares self-signed certificates the authority key identifier; a few roots name another
 * issuer and yet sign themselves. */
function isSelfSigned(certificate: Certificate, profile: Profile): boolean {
  const key = readPublicKey(certificate.spki);
  return (
    key instanceof PublicKey &&
    checkSignature(
      { message: certificate.tbs, signature: certificate.signature, algorithm: certificate.signatureAlgorithm },
      key,
      profile.algorithms,
    ) === null
  );
}

/** What an anchor must be to sign at all; an anchor trusted by key is not looked at. */
function checkAnchor(anchor: TrustAnchor, at: number, profile: Profile): PathProblem | null {
  if (anchor.trustedByKey) return null;
  const { certificate } = anchor;
  if (!certificate.signatureAlgorithm.equals(certificate.tbsSignatureAlgorithm))
    return { reason: 'malformed', detail: 'the signature algorithms inside and outside of the anchor differ' };
  return (
    checkExtensions(certificate, profile) ??
    checkValidity(certificate, at) ??
    checkNames(certificate) ??
    checkIdentifiers(certificate, profile, true) ??
    checkIssuerRights(certificate, true) ??
    checkPurpose(certificate, profile.leafExtendedKeyUsage) ??
    checkAnchorPolicies(certificate)
  );
}

/** Policies of an anchor are not matched with those of the path: an anchor that insists on some cannot be obeyed, so it
 * is refused. */
function checkAnchorPolicies({ extensions, extensionList }: Certificate): PathProblem | null {
  const insists = (oid: string): boolean =>
    extensionList.some((extension) => extension.oid === oid && extension.critical);
  const limits =
    extensions.certificatePolicies !== null &&
    !extensions.certificatePolicies.some(({ policy }) => policy === OID.anyPolicy);
  if ((limits && insists(OID.certificatePolicies)) || insists(OID.policyMappings))
    return { reason: 'unsupported', detail: 'an anchor with critical policies of its own' };
  return null;
}

/** Steps 6.1.4 (k), (n) and the algorithm rules: a certificate that issues others. */
function checkIssuer(certificate: Certificate, profile: Profile): PathProblem | null {
  const rights = checkIssuerRights(certificate, profile.cardRules);
  if (rights !== null) return rights;
  const key = readPublicKey(certificate.spki);
  return key instanceof PublicKey
    ? checkKey(key.shape, profile.algorithms)
    : { reason: 'malformed', detail: key.message };
}

/** @param strict basicConstraints must be critical: for anchors and on cards. Intermediates of older authorities are
 *   taken without the mark (RFC 3280). */
function checkIssuerRights(certificate: Certificate, strict: boolean): PathProblem | null {
  const { basicConstraints, keyUsage } = certificate.extensions;
  if (certificate.version !== 3 || basicConstraints === null || !basicConstraints.ca)
    return { reason: 'basic_constraints', detail: `${describeName(certificate.subject)} is not an authority` };
  if (strict && !certificate.extensionList.some((e) => e.oid === OID.basicConstraints && e.critical))
    return { reason: 'critical_extension', detail: 'basicConstraints of an authority must be critical' };
  if (keyUsage !== null && (keyUsage & KEY_USAGE.keyCertSign) === 0)
    return { reason: 'key_usage', detail: `${describeName(certificate.subject)} may not sign certificates` };
  return null;
}

function checkLeaf(certificate: Certificate, profile: Profile): PathProblem | null {
  const key = readPublicKey(certificate.spki);
  if (!(key instanceof PublicKey)) return { reason: 'malformed', detail: key.message };
  return (
    checkKey(key.shape, profile.algorithms) ??
    (profile.cardRules ? checkVersion(certificate) : null) ??
    checkNoAuthority(certificate, profile) ??
    checkLeafUsage(certificate, profile)
  );
}

function checkVersion(certificate: Certificate): PathProblem | null {
  return certificate.version === 3 ? null : { reason: 'malformed', detail: 'a card certificate has version 3' };
}

function checkNoAuthority(certificate: Certificate, profile: Profile): PathProblem | null {
  const refused = !profile.authorityAsLeaf && certificate.extensions.basicConstraints?.ca === true;
  return refused ? { reason: 'basic_constraints', detail: 'an authority, not a certificate of a holder' } : null;
}

function checkLeafUsage(certificate: Certificate, profile: Profile): PathProblem | null {
  const { keyUsage, extendedKeyUsage, certificatePolicies } = certificate.extensions;
  if (profile.leafKeyUsage !== null) {
    const { required, forbidden } = profile.leafKeyUsage;
    if (keyUsage === null || (keyUsage & required) !== required)
      return { reason: 'key_usage', detail: 'a key usage that this purpose needs is absent' };
    if ((keyUsage & forbidden) !== 0) return { reason: 'key_usage', detail: 'a key usage that this purpose excludes' };
  }
  if (
    profile.leafExtendedKeyUsage !== null &&
    extendedKeyUsage !== null &&
    !extendedKeyUsage.includes(OID.anyExtendedKeyUsage) &&
    !profile.leafExtendedKeyUsage.some((u) => extendedKeyUsage.includes(u))
  ) {
    return { reason: 'extended_key_usage', detail: 'the certificate is for other purposes' };
  }
  if (
    profile.leafPolicies !== null &&
    !(certificatePolicies ?? []).some((p) => profile.leafPolicies!.includes(p.policy))
  )
    return { reason: 'policy', detail: 'the certificate was not issued under the policy of this purpose' };
  return null;
}
