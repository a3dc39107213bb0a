import type { Certificate } from '../../x509/certificate/certificate.js';
import { entriesFor, type Crl, type RevokedEntry } from '../../x509/revocation/crl.js';
import {
  ALL_REASONS,
  checkCrlSignature,
  crlEvidence,
  distributionPointsOf,
  namesMatch,
  reasonsOf,
  refuseCertificateKind,
  refuseForm,
  refuseSigner,
  refuseTimes,
  worstOf,
  type CrlRules,
} from '../../x509/revocation/crl-verifier.js';
import { DerError } from '../../x509/asn1/der.js';
import { sameName } from '../../x509/certificate/distinguished-name.js';
import { NAME_FORM, type DistributionPoint } from '../../x509/certificate/general-name.js';
import {
  unknown,
  verifyOcspResponse,
  type CertificateStatus,
  type StatusIssuer,
  type StatusProblem,
} from '../../x509/revocation/ocsp-response-verifier.js';
import { KEY_USAGE } from '../../x509/asn1/oids.js';
import { searchPaths, type PathRequest, type ValidPath } from '../../x509/path/path-verifier.js';
import { PublicKey, readPublicKey } from '../../x509/certificate/public-key.js';

export type RevocationMode = 'off' | 'crl' | 'ocsp' | 'ocsp-then-crl';

/** Status material that was handed over together with a path, and how it is judged. */
export interface RevocationMaterial {
  readonly mode: Exclude<RevocationMode, 'off'>;
  readonly crls: readonly Crl[];
  /** Why handed-over CRLs could not be read, each. */
  readonly unreadable?: readonly string[];
  readonly ocspResponses: readonly Uint8Array[];
  /** The nonce that every OCSP answer must carry, or null. */
  readonly ocspNonce: Uint8Array | null;
  readonly rules: CrlRules;
}

/** The status of one certificate of a path and what said so. */
export interface PathStatus {
  readonly certificate: Certificate;
  readonly source: 'ocsp' | 'crl' | null;
  readonly status: CertificateStatus;
}

/** Judged CRLs per certificate and nested paths of CRL signers are bounded: status material is hostile too. */
const SIGNERS_MAX = 8;
const SIGNER_DEPTH_MAX = 4;

/** The revocation status of every certificate in a valid path, judged with all of RFC 5280 section 6.3: distribution
 * points, partial reasons, delta CRLs, indirect CRLs and CRL signers other than the issuer, whose own path must end in
 * the same anchor. */
export class PathRevocation {
  /** Signature checks by CRL and key, each made once. */
  private readonly signatures = new Map<Crl, Map<string, StatusProblem | null>>();
  private readonly crls: readonly Crl[];

  constructor(
    private readonly request: PathRequest,
    private readonly material: RevocationMaterial,
  ) {
    // The newest CRL of a scope decides: what an older one says is history.
    this.crls = [...material.crls].sort(
      (a, b) => b.thisUpdate - a.thisUpdate || Number((b.number ?? 0n) - (a.number ?? 0n)),
    );
  }

  /** @returns the statuses from the anchor down to the leaf; ends at the first that is not good */
  check(path: ValidPath): PathStatus[] {
    const statuses: PathStatus[] = [];
    for (let i = path.certificates.length - 1; i >= 0; i--) {
      const status = this.statusOf(path.certificates[i]!, path, i, new Set());
      statuses.push(status);
      if (status.status.status !== 'good') break;
    }
    return statuses;
  }

  private statusOf(
    certificate: Certificate,
    path: ValidPath,
    index: number,
    pending: ReadonlySet<Certificate>,
  ): PathStatus {
    const { mode } = this.material;
    const issuer = issuerAt(path, index);
    let ocsp: CertificateStatus = unknown('no_status_source', 'no OCSP answer');
    if (mode !== 'crl') {
      ocsp = this.ocspStatus(certificate, issuer, path, pending);
      if (ocsp.status !== 'unknown' || mode === 'ocsp') return { certificate, source: 'ocsp', status: ocsp };
    }
    const status = this.crlStatus(certificate, issuer, path, pending);
    return {
      certificate,
      source: 'crl',
      status:
        status.status === 'unknown' && mode === 'ocsp-then-crl'
          ? unknown(status.cause, `ocsp: ${ocsp.status === 'unknown' ? ocsp.detail : ''}; crl: ${status.detail}`)
          : status,
    };
  }

  /** Of several answers that each hold, revoked outweighs good. */
  private ocspStatus(
    certificate: Certificate,
    issuer: StatusIssuer,
    path: ValidPath,
    pending: ReadonlySet<Certificate>,
  ): CertificateStatus {
    const { rules, ocspNonce } = this.material;
    let best: CertificateStatus = unknown('no_status_source', 'no OCSP answer');
    for (const response of this.material.ocspResponses) {
      const status = verifyOcspResponse({
        response,
        certificate,
        issuer,
        nonce: ocspNonce,
        requireNonce: ocspNonce !== null,
        certIdHash: null,
        ...rules,
      });
      const responder = status.status === 'unknown' ? null : status.evidence.responderToCheck;
      if (responder !== null && this.crlStatus(responder, issuer, path, pending).status === 'revoked') {
        best = best.status === 'good' ? best : unknown('responder_unauthorised', 'the responder was revoked');
        continue;
      }
      if (status.status === 'revoked') return status;
      if (status.status === 'good' || best.status === 'unknown') best = status;
    }
    return best;
  }

  /** Section 6.3.3 for one certificate: gathers reasons over distribution points and CRLs until all are covered or one
   * says revoked. */
  private crlStatus(
    certificate: Certificate,
    issuer: StatusIssuer,
    path: ValidPath,
    pending: ReadonlySet<Certificate>,
  ): CertificateStatus {
    let covered = 0;
    let good: CertificateStatus | null = null;
    let problem: StatusProblem = this.noCrl();
    for (const point of distributionPointsOf(certificate)) {
      for (const crl of this.crls) {
        if (covered === ALL_REASONS) break;
        if (crl.baseNumber !== null || !inScope(crl, point, certificate)) continue;
        const reasons = reasonsOf(crl, point);
        if ((reasons & ~covered) === 0) continue;
        const judged = this.judge(crl, certificate, issuer, path, pending);
        if (judged.status === 'revoked') return judged;
        if (judged.status === 'unknown') {
          problem = judged;
          continue;
        }
        covered |= reasons;
        good = judged;
      }
    }
    if (covered === ALL_REASONS && good !== null) return good;
    return covered === 0 ? problem : unknown('status_unknown', 'the CRLs speak of some reasons of revocation only');
  }

  /** A CRL that cannot be read may be the one that was needed. */
  private noCrl(): StatusProblem {
    const [first] = this.material.unreadable ?? [];
    return first === undefined
      ? unknown('no_status_source', 'no CRL of the authority')
      : unknown('status_malformed', `a CRL that cannot be read: ${first}`);
  }

  private judge(
    crl: Crl,
    certificate: Certificate,
    issuer: StatusIssuer,
    path: ValidPath,
    pending: ReadonlySet<Certificate>,
  ): CertificateStatus {
    const unusable = refuseForm(crl, this.material.rules) ?? refuseTimes(crl, this.material.rules);
    if (unusable !== null) return unusable;
    const signer = this.signerOf(crl, issuer, path, new Set([...pending, certificate]));
    if ('cause' in signer) return signer;
    const superseded = this.refuseSuperseded(crl, signer);
    if (superseded !== null) return superseded;
    const entry = this.entryOf(crl, this.deltaFor(crl, signer), certificate);
    const evidence = crlEvidence(crl, signer.certificate);
    return entry === null ? { status: 'good', evidence } : { status: 'revoked', ...entry, evidence };
  }

  /** An older CRL that still runs cannot speak beside a newer one of the same key and scope, even one that ran out: the
   * newer one may know of revocations that the older one does not. */
  private refuseSuperseded(crl: Crl, signer: StatusIssuer): StatusProblem | null {
    const { rules } = this.material;
    const isNewer = (other: Crl): boolean =>
      other !== crl &&
      other.baseNumber === null &&
      crl.number !== null &&
      other.number !== null &&
      other.number > crl.number &&
      other.thisUpdate <= rules.at + rules.clockToleranceSeconds &&
      sameName(other.issuer, crl.issuer) &&
      sameScope(other, crl) &&
      refuseForm(other, rules) === null &&
      refuseSigner(other, signer) === null &&
      this.signatureProblem(other, signer.publicKey) === null;
    const newer = this.crls.find(isNewer);
    return newer === undefined
      ? null
      : unknown(
          'status_stale',
          `CRL number ${crl.number} was superseded by number ${newer.number}, which is not in force`,
        );
  }

  /** Steps (i) to (k): the delta CRL speaks first; an entry that it removes is no revocation. */
  private entryOf(crl: Crl, delta: Crl | null, certificate: Certificate): RevokedEntry | null {
    const find = (list: Crl): RevokedEntry | null =>
      worstOf(entriesFor(list, certificate.serial, (name) => sameName(name, certificate.issuer)));
    const changed = delta === null ? null : find(delta);
    if (changed !== null) return changed.reason === 'remove_from_crl' ? null : changed;
    return find(crl);
  }

  /** Step (c), and section 5.2.4 for which delta CRL continues which complete CRL. A delta CRL is only ever signed by
   * the complete CRL's key. */
  private deltaFor(crl: Crl, signer: StatusIssuer): Crl | null {
    const { rules } = this.material;
    const continues = (delta: Crl): boolean =>
      delta.baseNumber !== null &&
      delta.number !== null &&
      crl.number !== null &&
      crl.number >= delta.baseNumber &&
      crl.number < delta.number &&
      sameName(delta.issuer, crl.issuer) &&
      sameScope(delta, crl);
    return (
      this.crls.find(
        (delta) =>
          continues(delta) &&
          refuseForm(delta, rules) === null &&
          refuseTimes(delta, rules) === null &&
          refuseSigner(delta, signer) === null &&
          this.signatureProblem(delta, signer.publicKey) === null,
      ) ?? null
    );
  }

  /** Step (f): whose key signed, out of certificates that a path to the same anchor vouches for. */
  private signerOf(
    crl: Crl,
    issuer: StatusIssuer,
    path: ValidPath,
    pending: ReadonlySet<Certificate>,
  ): StatusIssuer | StatusProblem {
    let problem = unknown('responder_unauthorised', 'no certificate of the CRL issuer');
    const accept = (signer: StatusIssuer): boolean => {
      const refusal = refuseSigner(crl, signer) ?? this.signatureProblem(crl, signer.publicKey);
      if (refusal !== null && sameName(crl.issuer, signer.certificate.subject)) problem = refusal;
      return refusal === null;
    };
    const inPath = path.certificates.slice(1).map((_certificate, i): StatusIssuer => issuerAt(path, i));
    const anchor = { certificate: path.anchor.certificate, publicKey: path.anchor.publicKey };
    for (const signer of [issuer, ...inPath, anchor]) if (accept(signer)) return signer;
    let tried = 0;
    for (const certificate of this.request.intermediates) {
      if (
        !sameName(certificate.subject, crl.issuer) ||
        pending.has(certificate) ||
        certificate.extensions.keyUsage === null ||
        (certificate.extensions.keyUsage & KEY_USAGE.crlSign) === 0
      )
        continue;
      if (++tried > SIGNERS_MAX || pending.size > SIGNER_DEPTH_MAX)
        return unknown('status_unknown', 'too many certificates that might have signed the CRL');
      const publicKey = readPublicKey(certificate.spki);
      if (publicKey instanceof DerError) continue;
      const signer = { certificate, publicKey };
      if (!accept(signer)) continue;
      const refusal = this.refuseSeparateSigner(certificate, { issuer, path, pending });
      if (refusal === null) return signer;
      problem = refusal;
    }
    return problem;
  }

  /** A certificate that only signs CRLs needs a path of its own, to the same anchor, and a status of its own. RFC 5280
   * asks for no more, but names are not unique below an anchor: another authority might certify a namesake. So the
   * signer must come from the issuer itself or from whoever certified the issuer. */
  private refuseSeparateSigner(
    certificate: Certificate,
    {
      issuer,
      path,
      pending,
    }: { readonly issuer: StatusIssuer; readonly path: ValidPath; readonly pending: ReadonlySet<Certificate> },
  ): StatusProblem | null {
    const position = path.certificates.indexOf(issuer.certificate);
    const origins = [issuer, ...(position < 0 ? [] : [issuerAt(path, position)])];
    const search = searchPaths({
      ...this.request,
      certificate,
      anchors: [path.anchor],
      profile: { ...this.request.profile, leafExtendedKeyUsage: null, authorityAsLeaf: true },
      policies: {
        acceptable: null,
        requireExplicitPolicy: false,
        inhibitPolicyMapping: false,
        inhibitAnyPolicy: false,
      },
    });
    let problem = unknown('responder_unauthorised', 'the certificate of the CRL signer has no valid path');
    for (const own of search.paths) {
      if (!origins.some((origin) => origin.publicKey.spki.equals(issuerAt(own, 0).publicKey.spki))) continue;
      const failed = own.certificates
        .map((c, i) => this.statusOf(c, own, i, pending).status)
        .find((s) => s.status !== 'good');
      if (failed === undefined) return null;
      problem =
        failed.status === 'unknown'
          ? failed
          : unknown('responder_unauthorised', 'the certificate of the CRL signer is revoked');
    }
    return problem;
  }

  private signatureProblem(crl: Crl, key: PublicKey): StatusProblem | null {
    const checked = this.signatures.get(crl) ?? new Map<string, StatusProblem | null>();
    this.signatures.set(crl, checked);
    const id = key.spki.toString('latin1');
    if (!checked.has(id)) checked.set(id, checkCrlSignature(crl, key, this.material.rules.algorithms));
    return checked.get(id) ?? null;
  }
}

/** The authority above certificate number `index` of a path (0 is the leaf). */
function issuerAt(path: ValidPath, index: number): StatusIssuer {
  const above = path.certificates[index + 1];
  return above === undefined
    ? { certificate: path.anchor.certificate, publicKey: path.anchor.publicKey }
    : { certificate: above, publicKey: new PublicKey(above.spki) };
}

/** Steps (b)(1) and (b)(2). */
function inScope(crl: Crl, point: DistributionPoint, certificate: Certificate): boolean {
  const named = point.crlIssuer?.filter((n) => n.form === NAME_FORM.directoryName) ?? null;
  const byRightIssuer =
    named === null
      ? sameName(crl.issuer, certificate.issuer)
      : crl.issuingDistributionPoint?.indirect === true && named.some((n) => sameName(n.value, crl.issuer));
  return (
    byRightIssuer &&
    namesMatch(crl, point, certificate) &&
    refuseCertificateKind(crl.issuingDistributionPoint, certificate) === null
  );
}

function sameScope(a: Crl, b: Crl): boolean {
  const [x, y] = [a.issuingDistributionPoint, b.issuingDistributionPoint];
  return x === null || y === null ? x === y : x.der.equals(y.der);
}
