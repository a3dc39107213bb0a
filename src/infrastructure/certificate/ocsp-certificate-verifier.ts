import { createHash } from 'node:crypto';
import { CertificateVerifier, type CertificateCheck, type CertificateVerdict } from '../../application/ports/certificate-verifier.js';
import type { CertificateType } from '../../domain/values/certificate-status.js';
import { CERTIFICATE_RULES, certificateRules, checkPresented, decide, type CertificateRules, type DecidedStatus, type PresentedCertificate } from './certificate-check.js';
import { OcspClient, type OcspClientOptions } from './ocsp-client.js';
import { unknown, verifyOcspResponse, type CertificateStatus, type StatusIssuer, type StatusProblem } from './ocsp-response-verifier.js';
import { CARD_ALGORITHMS } from './public-key.js';
import { TrustAnchors, type TrustAnchorSource } from './trust-anchors.js';
import type { Certificate } from './certificate.js';

export type StatusOrder = 'ocsp' | 'crl' | 'ocsp-then-crl' | 'crl-then-ocsp';

export interface OcspCertificateVerifierOptions {
  /** Roots per certificate type, PEM or DER; several generations with one name are fine. */
  readonly trustAnchors: Readonly<Record<CertificateType, readonly TrustAnchorSource[]>>;
  /** `production` refuses the test hierarchy. */
  readonly environment: 'production' | 'test';
  readonly order: StatusOrder;
  /** Needed unless the order is `crl`. */
  readonly ocsp: (OcspClientOptions & OcspJudgement) | null;
  /** Needed when the order names it. */
  readonly crl: CrlSource | null;
  /** Policy OIDs that a leaf must carry, per type, instead of the certification service's own. */
  readonly policyOids?: Partial<Record<CertificateType, readonly string[]>>;
  /** Certificates in a path, leaf and anchor counted. Default 2: card certificates are issued by the root. */
  readonly maxDepth?: number;
  /** How long a `good` OCSP answer serves the same certificate again, seconds. Default 0: never. */
  readonly reuseAnswerSeconds?: number;
  /** Milliseconds since 1970. Default: the system clock. The age of answers is judged by it. */
  readonly now?: () => number;
}

export interface OcspJudgement {
  /** Default true: an answer without our nonce may be an old one played again. */
  readonly requireNonce?: boolean;
  /** Oldest acceptable thisUpdate. Default 86400 (the authentication server refreshes every 15 minutes). */
  readonly maxStatusAgeSeconds?: number;
  /** How far the responder's clock may be ahead. Default 300. */
  readonly clockToleranceSeconds?: number;
}

/** Where a CRL comes from: a store that keeps it fresh and knows its serial numbers. */
export interface CrlSource {
  /** Configured address. */
  readonly url: string;
  /** @param at seconds since 1970 @returns the status and the CRL that says so */
  statusOf(certificate: Certificate, issuer: StatusIssuer, at: number): Promise<{ readonly status: CertificateStatus; readonly crl: Uint8Array | null }>;
}

/** Checks card certificates with the authentication server: path, card signature, then OCSP or CRL as configured.
 *  An outage, a stale answer or a strange one is `unknown`; nothing is ever guessed. @req R6 */
export class OcspCertificateVerifier extends CertificateVerifier {
  readonly algorithm = CERTIFICATE_RULES;
  private readonly rules: CertificateRules;
  private readonly ocsp: OcspClient | null;
  private readonly answers = new AnswerCache();
  private readonly now: () => number;

  /** @throws {TrustAnchorError} on unusable anchors, {RangeError} on unusable settings: the server must not start with either */
  constructor(private readonly options: OcspCertificateVerifierOptions) {
    super();
    this.rules = certificateRules(TrustAnchors.load(options.trustAnchors, options.environment), { ...(options.policyOids && { policyOids: options.policyOids }), ...(options.maxDepth !== undefined && { maxDepth: options.maxDepth }) });
    if (options.order !== 'crl' && options.ocsp === null) throw new RangeError(`order ${options.order} needs an OCSP address`);
    if (options.order !== 'ocsp' && options.crl === null) throw new RangeError(`order ${options.order} needs a CRL address`);
    this.ocsp = options.ocsp === null ? null : new OcspClient(options.ocsp);
    this.now = options.now ?? Date.now;
  }

  async verify(check: CertificateCheck): Promise<CertificateVerdict> {
    const presented = checkPresented(check, this.rules, this.now() / 1000);
    if ('verdict' in presented) return presented;
    const outcome = await this.statusOf(presented);
    if ('cause' in outcome) return { verdict: 'unknown', cause: outcome.cause, detail: outcome.detail };
    return decide(presented, outcome, this.now() / 1000);
  }

  /** Asks the sources in their order. The first that decides is final: a CRL never overrides what OCSP said. */
  private async statusOf(presented: PresentedCertificate): Promise<DecidedStatus | StatusProblem> {
    const order: readonly ('ocsp' | 'crl')[] = this.options.order === 'ocsp-then-crl' ? ['ocsp', 'crl'] : this.options.order === 'crl-then-ocsp' ? ['crl', 'ocsp'] : [this.options.order];
    const problems: StatusProblem[] = [];
    for (const source of order) {
      const outcome = source === 'ocsp' ? await this.askOcsp(presented) : await this.askCrl(presented);
      if (!('cause' in outcome)) return outcome;
      problems.push(outcome);
    }
    return unknown(problems[0]?.cause ?? 'no_status_source', problems.map((p, i) => `${order[i]}: ${p.detail}`).join('; '));
  }

  private async askOcsp({ certificate, issuer }: PresentedCertificate): Promise<DecidedStatus | StatusProblem> {
    const key = `${this.rules.anchors.version}:${createHash('sha256').update(certificate.der).digest('hex')}`;
    const kept = this.answers.get(key, this.now());
    if (kept !== undefined) return kept;
    const answer = await this.ocsp!.ask(certificate, issuer.certificate);
    if ('cause' in answer) return unknown(answer.cause, answer.detail);
    const settings = this.options.ocsp!;
    const status = verifyOcspResponse({
      response: answer.response,
      certificate,
      issuer,
      nonce: answer.nonce,
      requireNonce: settings.requireNonce ?? true,
      certIdHash: this.ocsp!.certIdHash,
      at: this.now() / 1000,
      clockToleranceSeconds: settings.clockToleranceSeconds ?? 300,
      maxStatusAgeSeconds: settings.maxStatusAgeSeconds ?? 86_400,
      algorithms: CARD_ALGORITHMS,
    });
    if (status.status === 'unknown') return status;
    const decided: DecidedStatus = { method: 'ocsp', source: this.ocsp!.url.href, response: answer.response, nonce: answer.nonce, status };
    if (status.status === 'good') this.answers.keep(key, decided, this.reuseUntil(status.evidence.nextUpdate));
    return decided;
  }

  private reuseUntil(nextUpdate: number | null): number {
    return Math.min(this.now() + (this.options.reuseAnswerSeconds ?? 0) * 1000, (nextUpdate ?? Infinity) * 1000);
  }

  private async askCrl({ certificate, issuer }: PresentedCertificate): Promise<DecidedStatus | StatusProblem> {
    const source = this.options.crl!;
    const { status, crl } = await source.statusOf(certificate, issuer, this.now() / 1000);
    if (status.status === 'unknown') return status;
    return { method: 'crl', source: source.url, response: crl ?? new Uint8Array(), nonce: null, status };
  }
}

/** Good answers that may serve again, by the exact certificate and the exact set of anchors. */
class AnswerCache {
  private static readonly ENTRIES_MAX = 10_000;
  private readonly entries = new Map<string, { readonly decided: DecidedStatus; readonly until: number }>();

  get(key: string, now: number): DecidedStatus | undefined {
    const entry = this.entries.get(key);
    if (entry === undefined || now < entry.until) return entry?.decided;
    this.entries.delete(key);
    return undefined;
  }

  keep(key: string, decided: DecidedStatus, until: number): void {
    // The oldest goes first: Map keeps the order of insertion.
    if (this.entries.size >= AnswerCache.ENTRIES_MAX) this.entries.delete(this.entries.keys().next().value!);
    this.entries.set(key, { decided, until });
  }
}
