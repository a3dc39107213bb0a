import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Certificate } from './certificate.js';
import { CrlIndexing, type IndexingOutcome } from './crl-indexing.js';
import { CRL_BYTES_MAX } from './crl-stream.js';
import { openCrl, type Crl } from './crl.js';
import { refuseForm, refuseSigner, refuseTimes, verifyCrl, type CrlRules } from './crl-verifier.js';
import { DerError } from './der.js';
import { keySha256, unknown, type CertificateStatus, type StatusIssuer, type StatusProblem } from './ocsp-response-verifier.js';
import type { CrlSource } from './ocsp-certificate-verifier.js';
import { CARD_ALGORITHMS, checkLargeSignature, type AlgorithmPolicy } from './public-key.js';
import { exchange, statusUrl } from './status-http.js';

export interface CrlStoreOptions {
  /** Configured address of the CRL. Never taken from a certificate. */
  readonly url: string;
  /** For one download, all of it. Default 60 s. */
  readonly timeoutMs?: number;
  /** How long a check waits for a download; the download goes on. Default 5 s. */
  readonly waitMs?: number;
  /** Largest CRL. Default 64 MiB. */
  readonly bytesMax?: number;
  /** Asks for a newer CRL this long after the last answer. Default 900 s. */
  readonly refreshSeconds?: number;
  /** Asks at the latest this long before nextUpdate, or a quarter of the CRL's life where that is shorter. Default 3600 s. */
  readonly refreshBeforeSeconds?: number;
  /** Pause after a failure, and the least between two requests. Default 10 s. */
  readonly retrySeconds?: number;
  /** Oldest acceptable thisUpdate; null: nextUpdate alone limits. Default null. */
  readonly maxStatusAgeSeconds?: number | null;
  /** How far the issuer's clock may be ahead. Default 300. */
  readonly clockToleranceSeconds?: number;
  readonly algorithms?: AlgorithmPolicy;
  /** File that keeps the newest CRL over a restart, so that its number cannot go back then either. Null: memory only. */
  readonly keepIn?: string | null;
  /** Refreshes on a timer too, not only when asked. Default true. */
  readonly background?: boolean;
  /** Milliseconds since 1970. Default: the system clock. */
  readonly now?: () => number;
}

interface HeldCrl {
  readonly crl: Crl;
  /** Keys of which its signature is known to be. */
  readonly signedBy: Set<string>;
  readonly etag: string | null;
  readonly lastModified: string | null;
}

const INDEXING_TIMEOUT_MS = 10_000;
/** Authorities that use one address: the generations of one root. */
const ISSUERS_MAX = 16;

/** Keeps one CRL fresh: fetched from the configured address, read on a worker thread, verified, replaced before it runs out, never by an
 *  older one. Any number of checks share one download. @req R6 */
export class CrlStore implements CrlSource {
  readonly url: string;
  private readonly address: URL;
  private readonly issuers = new Map<string, StatusIssuer>();
  private held: HeldCrl | null = null;
  private problem: StatusProblem = unknown('no_status_source', 'no CRL was fetched yet');
  private nextRefreshAt = 0;
  private refreshing: Promise<void> | null = null;
  private restoring: Promise<void> | null = null;
  private timer: NodeJS.Timeout | undefined;
  private closed = false;
  private readonly now: () => number;

  /** @throws {RangeError} on an address that is not plain http(s) */
  constructor(private readonly options: CrlStoreOptions) {
    this.address = statusUrl(options.url);
    this.url = this.address.href;
    this.now = options.now ?? Date.now;
  }

  async statusOf(certificate: Certificate, issuer: StatusIssuer, at: number): Promise<{ readonly status: CertificateStatus; readonly crl: Uint8Array | null }> {
    await this.prepare(issuer, at);
    const { held } = this;
    if (held === null) return { status: this.problem, crl: null };
    const foreign = refuseSigner(held.crl, issuer) ?? ((await this.isSignedBy(held, issuer)) ? null : unknown('status_signature', 'the CRL is not signed by the issuer of this certificate'));
    if (foreign !== null) return { status: foreign, crl: null };
    const status = verifyCrl({ crl: held.crl, certificate, issuer, signatureKnownGood: true, ...this.rules(at) });
    if (status.status === 'unknown' && status.cause === 'status_stale') return { status: unknown('status_stale', `${status.detail}; last download: ${this.problem.detail}`), crl: null };
    return { status, crl: held.crl.indexed.bytes };
  }

  /** Ends the background refresh. */
  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
  }

  /** Makes the CRL usable if that is possible within the wait: kept file first, then the network. A usable CRL is refreshed behind the back of the check. */
  private async prepare(issuer: StatusIssuer, at: number): Promise<void> {
    if (this.issuers.size < ISSUERS_MAX) this.issuers.set(keySha256(issuer.certificate), issuer);
    await (this.restoring ??= this.restore());
    const usable = this.held !== null && refuseTimes(this.held.crl, this.rules(at)) === null;
    const refresh = this.now() >= this.nextRefreshAt ? this.refresh() : this.refreshing;
    if (usable || refresh === null) return;
    await within(refresh, this.options.waitMs ?? 5000);
    if (this.held === null && this.refreshing !== null) this.problem = unknown('responder_timeout', 'the CRL is still being downloaded');
  }

  /** Downloads once, however many ask. */
  private refresh(): Promise<void> {
    this.refreshing ??= this.download().finally(() => {
      this.refreshing = null;
      this.schedule();
    });
    return this.refreshing;
  }

  private async download(): Promise<void> {
    const { bytesMax = CRL_BYTES_MAX, timeoutMs = 60_000, retrySeconds = 10 } = this.options;
    this.nextRefreshAt = this.now() + retrySeconds * 1000;
    const indexing = new CrlIndexing({ bytesMax, timeoutMs: INDEXING_TIMEOUT_MS });
    const conditions = { ...(this.held?.etag != null && { 'if-none-match': this.held.etag }), ...(this.held?.lastModified != null && { 'if-modified-since': this.held.lastModified }) };
    const answer = await exchange({
      url: this.address,
      method: 'GET',
      headers: { accept: 'application/pkix-crl', ...conditions },
      body: null,
      timeoutMs,
      bytesMax,
      contentTypes: ['application/pkix-crl', 'application/x-pkcs7-crl', 'application/octet-stream'],
      alsoAccept: this.held === null ? [] : [304],
      sink: (chunk) => indexing.write(chunk),
    });
    if ('cause' in answer) {
      indexing.abort();
      this.problem = unknown(answer.cause, answer.detail);
      return;
    }
    if (answer.statusCode === 304) {
      indexing.abort();
      return this.planRefresh(this.held!.crl);
    }
    const etag = answer.headers.etag ?? null;
    await this.take(await indexing.finish(), { etag, lastModified: answer.headers['last-modified'] ?? null });
  }

  /** Puts a CRL in place of the one held, if it is one, signed, and not older. */
  private async take(outcome: IndexingOutcome, validators: Pick<HeldCrl, 'etag' | 'lastModified'>): Promise<void> {
    const candidate = openOutcome(outcome);
    const problem = 'cause' in candidate ? candidate : await this.refuse(candidate, validators);
    if (problem !== null) {
      this.problem = problem;
      return;
    }
    const { crl } = this.held!;
    this.planRefresh(crl);
    await this.keep(crl);
  }

  /** @returns why the CRL is not taken; null when it now is the one held */
  private async refuse(crl: Crl, validators: Pick<HeldCrl, 'etag' | 'lastModified'>): Promise<StatusProblem | null> {
    if (crl.baseNumber !== null || crl.issuingDistributionPoint?.indirect === true) return unknown('status_mismatch', 'a delta or indirect CRL');
    const early = refuseForm(crl, this.rules(this.now() / 1000)) ?? this.refuseFuture(crl) ?? this.refuseOlder(crl);
    if (early !== null) return early;
    const candidate: HeldCrl = { crl, signedBy: new Set(), ...validators };
    let problem = unknown('status_mismatch', 'the CRL of another authority');
    for (const issuer of this.issuers.values()) {
      const refusal = refuseSigner(crl, issuer);
      if (refusal !== null) problem = refusal;
      else if (!(await this.isSignedBy(candidate, issuer))) problem = unknown('status_signature', 'the signature of the CRL is wrong');
    }
    // Looked at again: while the signature was checked another CRL may have been taken.
    const older = this.refuseOlder(crl);
    if (candidate.signedBy.size === 0 || older !== null) return older ?? problem;
    this.held = candidate;
    return null;
  }

  private refuseFuture(crl: Crl): StatusProblem | null {
    return crl.thisUpdate > this.now() / 1000 + (this.options.clockToleranceSeconds ?? 300) ? unknown('status_stale', 'the CRL is from the future') : null;
  }

  /** The number of a CRL never goes back, nor does its date: an older CRL knows fewer revocations. */
  private refuseOlder(crl: Crl): StatusProblem | null {
    const held = this.held?.crl;
    if (held === undefined) return null;
    if (held.number !== null && (crl.number === null || crl.number < held.number)) return unknown('status_stale', `the CRL number goes back from ${held.number} to ${crl.number ?? 'none'}`);
    return crl.thisUpdate < held.thisUpdate ? unknown('status_stale', 'the CRL is older than the one that is held') : null;
  }

  /** One check per CRL and key, on the thread pool: hashing megabytes on the event loop would hold up everyone. */
  private async isSignedBy(held: HeldCrl, issuer: StatusIssuer): Promise<boolean> {
    const id = keySha256(issuer.certificate);
    if (held.signedBy.has(id)) return true;
    const { tbs: message, signature, signatureAlgorithm: algorithm } = held.crl;
    if ((await checkLargeSignature({ message, signature, algorithm }, issuer.publicKey, this.options.algorithms ?? CARD_ALGORITHMS)) !== null) return false;
    held.signedBy.add(id);
    return true;
  }

  private rules(at: number): CrlRules {
    const { clockToleranceSeconds = 300, maxStatusAgeSeconds = null, algorithms = CARD_ALGORITHMS } = this.options;
    return { at, clockToleranceSeconds, maxStatusAgeSeconds, algorithms, conforming: true };
  }

  private planRefresh(crl: Crl): void {
    const { refreshSeconds = 900, refreshBeforeSeconds = 3600, retrySeconds = 10 } = this.options;
    const life = (crl.nextUpdate ?? Infinity) - crl.thisUpdate;
    const latest = ((crl.nextUpdate ?? Infinity) - Math.min(refreshBeforeSeconds, life / 4)) * 1000;
    this.nextRefreshAt = Math.max(this.now() + retrySeconds * 1000, Math.min(this.now() + refreshSeconds * 1000, latest));
    this.problem = unknown('status_stale', 'the CRL was confirmed as the newest');
  }

  private schedule(): void {
    if (this.closed || this.options.background === false) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.refresh(), Math.max(1000, this.nextRefreshAt - this.now()));
    this.timer.unref();
  }

  private async keep(crl: Crl): Promise<void> {
    const { keepIn = null } = this.options;
    if (keepIn === null) return;
    try {
      await mkdir(dirname(keepIn), { recursive: true });
      await writeFile(`${keepIn}.new`, crl.indexed.bytes, { mode: 0o600 });
      await rename(`${keepIn}.new`, keepIn);
    } catch (error) {
      // The CRL in memory is good without the file; what is lost is only the memory of its number over a restart.
      this.problem = unknown('status_stale', `the CRL could not be kept: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /** Reads the kept file once. What it holds is verified as if it had been downloaded now. */
  private async restore(): Promise<void> {
    const { keepIn = null, bytesMax = CRL_BYTES_MAX } = this.options;
    const bytes = keepIn === null ? null : await readFile(keepIn).catch(() => null);
    if (bytes === null) return;
    const indexing = new CrlIndexing({ bytesMax, timeoutMs: INDEXING_TIMEOUT_MS });
    indexing.write(bytes);
    const crl = openOutcome(await indexing.finish());
    if (!('cause' in crl)) await this.refuse(crl, { etag: null, lastModified: null });
  }
}

function openOutcome(outcome: IndexingOutcome): Crl | StatusProblem {
  if (outcome.kind !== 'indexed') return unknown('status_malformed', outcome.detail);
  try {
    return openCrl(outcome.indexed);
  } catch (error) {
    if (error instanceof DerError) return unknown('status_malformed', error.message);
    throw error;
  }
}

/** Waits for a promise, but not longer than this. It goes on either way. */
async function within(work: Promise<void>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([work, new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)))]);
  clearTimeout(timer);
}
