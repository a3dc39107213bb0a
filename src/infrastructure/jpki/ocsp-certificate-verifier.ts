import { createHash } from 'node:crypto';
import {
  CertificateVerifier,
  type CertificateCheck,
  type CertificateVerdict,
} from '../../application/ports/outside/certificate-verifier.js';
import type { CertificateType } from '../../domain/values/certificate-status.js';
import {
  CERTIFICATE_RULES,
  certificateRules,
  checkPresented,
  decide,
  type CertificateRules,
  type DecidedStatus,
  type PresentedCertificate,
  type StatusRuleOptions,
} from './certificate-check.js';
import { OcspClient, type OcspAnswer, type OcspClientOptions } from './ocsp-client.js';
import {
  unknown,
  verifyOcspResponse,
  type CertificateStatus,
  type StatusIssuer,
  type StatusProblem,
} from '../x509/revocation/ocsp-response-verifier.js';
import { CARD_ALGORITHMS } from '../x509/certificate/public-key.js';
import { TrustAnchors, type TrustAnchorSource } from '../x509/path/trust-anchors.js';
import type { Certificate } from '../x509/certificate/certificate.js';

export type StatusOrder = 'ocsp' | 'crl' | 'ocsp-then-crl' | 'crl-then-ocsp';

export interface OcspCertificateVerifierOptions {
  /** Roots per certificate type, PEM or DER; several generations with one name are fine. */
  readonly trustAnchors: Readonly<Record<CertificateType, readonly TrustAnchorSource[]>>;
  /** `production` refuses the test hierarchy. */
  readonly environment: 'production' | 'test';
  readonly order: StatusOrder;
  /** Needed unless the order is `crl`. */
  readonly ocsp: (OcspClientOptions & StatusRuleOptions) | null;
  /** Needed when the order names it. */
  readonly crl: Readonly<Record<CertificateType, CrlSource | null>> | null;
  /** Policy OIDs that a leaf must carry, per type, instead of the certification service's own. */
  readonly policyOids?: Partial<Record<CertificateType, readonly string[]>>;
  /** Extended key usages of which a leaf that limits its use must allow one, per type, instead of the profile's own. */
  readonly usageOids?: Partial<Record<CertificateType, readonly string[]>>;
  /** Certificates in a path, leaf and anchor counted. Default 2: card certificates are issued by the root. */
  readonly maxDepth?: number;
  /** How long a `good` OCSP answer serves the same certificate again, seconds. Default 0: never. */
  readonly reuseAnswerSeconds?: number;
  /** Milliseconds since 1970. Default: the system clock. The age of answers is judged by it. */
  readonly now?: () => number;
}

/** Where a CRL comes from: a store that keeps it fresh and knows its serial numbers. */
export interface CrlSource {
  /** Configured address or addresses. */
  readonly url: string;
  /** @param at seconds since 1970 @returns the status, the CRL that says so, and the address that gave it, where that
   *   is known */
  statusOf(
    certificate: Certificate,
    issuer: StatusIssuer,
    at: number,
  ): Promise<{ readonly status: CertificateStatus; readonly crl: Uint8Array | null; readonly source?: string }>;
}

/** Checks card certificates with the authentication server: path, card signature, then OCSP or CRL as configured.
 *  An outage, a stale answer or a strange one is `unknown`; nothing is ever guessed. @req R6 */
export class OcspCertificateVerifier extends CertificateVerifier {
  readonly algorithm = CERTIFICATE_RULES;
  private readonly rules: CertificateRules;
  private readonly ocsp: OcspClient | null;
  private readonly answers = new AnswerCache();
  private readonly now: () => number;

  /** @throws {TrustAnchorError} on unusable anchors, {RangeError} on unusable settings: the server must not start with
   *   either */
  constructor(private readonly options: OcspCertificateVerifierOptions) {
    super();
    this.rules = certificateRules(TrustAnchors.load(options.trustAnchors, options.environment), {
      policyOids: options.policyOids,
      usageOids: options.usageOids,
      maxDepth: options.maxDepth,
      status: { ...options.ocsp },
    });
    if (options.order !== 'crl' && options.ocsp === null)
      throw new RangeError(`order ${options.order} needs an OCSP address`);
    if (
      options.order !== 'ocsp' &&
      (options.crl?.user_authentication ?? options.crl?.digital_signature ?? null) === null
    )
      throw new RangeError(`order ${options.order} needs a CRL address`);
    this.ocsp = options.ocsp === null ? null : new OcspClient(options.ocsp);
    this.now = options.now ?? Date.now;
  }

  async verify(check: CertificateCheck): Promise<CertificateVerdict> {
    const presented = checkPresented(check, this.rules, this.now() / 1000);
    if ('verdict' in presented) return presented;
    const outcome = await this.statusOf(presented, check.certificateType);
    if ('cause' in outcome) return { verdict: 'unknown', cause: outcome.cause, detail: outcome.detail };
    return decide(presented, outcome);
  }

  /** Asks the sources in their order. The first that decides is final: a CRL never overrides what OCSP said. */
  private async statusOf(
    presented: PresentedCertificate,
    type: CertificateType,
  ): Promise<DecidedStatus | StatusProblem> {
    const order: readonly ('ocsp' | 'crl')[] =
      this.options.order === 'ocsp-then-crl'
        ? ['ocsp', 'crl']
        : this.options.order === 'crl-then-ocsp'
          ? ['crl', 'ocsp']
          : [this.options.order];
    const problems: StatusProblem[] = [];
    for (const source of order) {
      const outcome = source === 'ocsp' ? await this.askOcsp(presented, type) : await this.askCrl(presented, type);
      if (!('cause' in outcome)) return outcome;
      problems.push(outcome);
    }
    return unknown(
      problems[0]?.cause ?? 'no_status_source',
      problems.map((p, i) => `${order[i]}: ${p.detail}`).join('; '),
    );
  }

  private async askOcsp(
    presented: PresentedCertificate,
    type: CertificateType,
  ): Promise<DecidedStatus | StatusProblem> {
    const { certificate, issuer } = presented;
    const key = `${this.rules.anchors.version}:${createHash('sha256').update(certificate.der).digest('hex')}`;
    const kept = this.answers.get(key, this.now());
    // A kept answer is judged again at this instant, so that the record holds what really carried the verdict.
    const again = kept === undefined ? undefined : this.judgeOcsp(kept, presented);
    if (again?.status.status === 'good') return again as DecidedStatus;
    const answer = await this.ocsp!.ask(certificate, issuer.certificate);
    if ('cause' in answer) return unknown(answer.cause, answer.detail);
    const judged = this.judgeOcsp(answer, presented);
    if (judged.status.status === 'unknown') return judged.status;
    const responder = await this.refuseResponder(judged.status.evidence.responderToCheck, presented, type);
    if (responder !== null) return responder;
    if (judged.status.status === 'good')
      this.answers.keep(key, answer, this.reuseUntil(judged.status.evidence.nextUpdate));
    return judged as DecidedStatus;
  }

  /** A delegated responder that is not exempt is looked up in the CRL where one is configured: a stolen key that was
   * revoked must not speak for the authority. A CRL that cannot be had does not silence the responder (RFC 6960 section
   * 4.2.2.2.1 leaves this to us). */
  private async refuseResponder(
    responder: Certificate | null,
    { issuer }: PresentedCertificate,
    type: CertificateType,
  ): Promise<StatusProblem | null> {
    const source = this.options.crl?.[type] ?? null;
    if (responder === null || source === null) return null;
    const { status } = await source.statusOf(responder, issuer, this.now() / 1000);
    return status.status === 'revoked' ? unknown('responder_unauthorised', 'the responder was revoked') : null;
  }

  private judgeOcsp(
    answer: OcspAnswer,
    { certificate, issuer }: PresentedCertificate,
  ): Omit<DecidedStatus, 'status'> & { status: CertificateStatus } {
    const checkedAt = this.now() / 1000;
    const status = verifyOcspResponse({
      response: answer.response,
      certificate,
      issuer,
      nonce: answer.nonce,
      at: checkedAt,
      ...this.rules.status,
      algorithms: CARD_ALGORITHMS,
    });
    return {
      method: 'ocsp',
      source: this.ocsp!.url.href,
      response: answer.response,
      nonce: answer.nonce,
      checkedAt,
      status,
    };
  }

  private reuseUntil(nextUpdate: number | null): number {
    return Math.min(this.now() + (this.options.reuseAnswerSeconds ?? 0) * 1000, (nextUpdate ?? Infinity) * 1000);
  }

  private async askCrl(
    { certificate, issuer }: PresentedCertificate,
    type: CertificateType,
  ): Promise<DecidedStatus | StatusProblem> {
    const source = this.options.crl?.[type] ?? null;
    if (source === null) return unknown('no_status_source', 'no CRL address for this type of certificate');
    const checkedAt = this.now() / 1000;
    const { status, crl, source: from } = await source.statusOf(certificate, issuer, checkedAt);
    if (status.status === 'unknown') return status;
    return {
      method: 'crl',
      source: from ?? source.url,
      response: crl ?? new Uint8Array(),
      nonce: null,
      checkedAt,
      status,
    };
  }
}

/** Good answers that may serve again, by the exact certificate and the exact set of anchors. */
class AnswerCache {
  private static readonly ENTRIES_MAX = 10_000;
  private readonly entries = new Map<string, { readonly answer: OcspAnswer; readonly until: number }>();

  get(key: string, now: number): OcspAnswer | undefined {
    const entry = this.entries.get(key);
    if (entry === undefined || now < entry.until) return entry?.answer;
    this.entries.delete(key);
    return undefined;
  }

  keep(key: string, answer: OcspAnswer, until: number): void {
    // The oldest goes first: Map keeps the order of insertion.
    if (this.entries.size >= AnswerCache.ENTRIES_MAX) this.entries.delete(this.entries.keys().next().value!);
    this.entries.set(key, { answer, until });
  }
}
