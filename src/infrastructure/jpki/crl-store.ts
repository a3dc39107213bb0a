import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Certificate } from '../x509/certificate/certificate.js';
import { CrlIndexing, type IndexingOutcome } from './crl-indexing.js';
import { CRL_BYTES_MAX } from '../x509/revocation/crl-stream.js';
import { openCrl, type Crl } from '../x509/revocation/crl.js';
import { refuseForm, refuseSigner, refuseTimes, verifyCrl, type CrlRules } from '../x509/revocation/crl-verifier.js';
import { DerError } from '../x509/asn1/der.js';
import {
  keySha256,
  unknown,
  type CertificateStatus,
  type StatusIssuer,
  type StatusProblem,
} from '../x509/revocation/ocsp-response-verifier.js';
import type { CrlSource } from './ocsp-certificate-verifier.js';
import { CARD_ALGORITHMS, checkLargeSignature, type AlgorithmPolicy } from '../x509/certificate/public-key.js';
import { exchange, statusUrl } from '../http/bounded-exchange.js';
import type { OwnTls } from '../http/own-tls.js';

export interface CrlStoreOptions {
  /** Configured address of the CRL, or several: of mirrors, of generations of the authority. Never taken from a
   * certificate. */
  readonly url: string | readonly string[];
  readonly tls?: OwnTls | null;
  /** For one download, all of it. Default 60 s. */
  readonly timeoutMs?: number;
  /** How long a check waits for a download; the download goes on. Default 5 s. */
  readonly waitMs?: number;
  /** Largest CRL. Default 64 MiB. */
  readonly bytesMax?: number;
  /** Asks for a newer CRL this long after the last answer. Default 900 s. */
  readonly refreshSeconds?: number;
  /** Asks at the latest this long before nextUpdate, or a quarter of the CRL's life where that is shorter. Default 3600
   * s. */
  readonly refreshBeforeSeconds?: number;
  /** Pause after a failure, and the least between two requests. Default 10 s. */
  readonly retrySeconds?: number;
  /** Oldest acceptable thisUpdate; null: nextUpdate alone limits. Default null. */
  readonly maxStatusAgeSeconds?: number | null;
  /** How far the issuer's clock may be ahead. Default 300. */
  readonly clockToleranceSeconds?: number;
  readonly algorithms?: AlgorithmPolicy;
  /** File that keeps the newest CRL over a restart, so that its number cannot go back then either; those of further
   * keys lie beside it. Null: memory only. */
  readonly keepIn?: string | null;
  /** Refreshes on a timer too, not only when asked. Default true. */
  readonly background?: boolean;
  /** Milliseconds since 1970. Default: the system clock. */
  readonly now?: () => number;
}

interface HeldCrl {
  readonly crl: Crl;
  /** Where it came from; null: out of the kept file. */
  readonly from: string | null;
}

/** One configured address, and what was last heard of it. */
interface Address {
  readonly url: URL;
  /** The CRL that it gave last and that was taken, with what a server asks back for. */
  given: { readonly crl: Crl; readonly etag: string | null; readonly lastModified: string | null } | null;
  /** One that no authority of which anybody has asked has signed: the next one may have. */
  unclaimed: NonNullable<Address['given']> | null;
  problem: StatusProblem;
  nextRefreshAt: number;
  refreshing: Promise<void> | null;
  timer: NodeJS.Timeout | undefined;
}

const INDEXING_TIMEOUT_MS = 10_000;
/** Authorities whose lists are here: the generations of one root. */
const ISSUERS_MAX = 16;

/** Keeps one CRL fresh for each key of an authority: fetched from the configured addresses, read on a worker thread,
 * verified, replaced before it runs out, never by an older one of the same key. Numbers of two keys say nothing about
 * each other: generations of a root may share an address, or have one each. Any number of checks share one download.
 * @req R6 */
export class CrlStore implements CrlSource {
  readonly url: string;
  private readonly addresses: readonly Address[];
  /** By the key that signed. */
  private readonly held = new Map<string, HeldCrl>();
  private readonly issuers = new Map<string, StatusIssuer>();
  private readonly knowing = new Map<string, Promise<void>>();
  /** Keys whose list lies in the file of the option itself; others have files of their own beside it. */
  private mainKey: string | null = null;
  private closed = false;
  private readonly now: () => number;

  /** @throws {RangeError} on an address that is not plain http(s) */
  constructor(private readonly options: CrlStoreOptions) {
    const urls = typeof options.url === 'string' ? [options.url] : options.url;
    this.addresses = urls.map((url) => ({
      url: statusUrl(url),
      given: null,
      unclaimed: null,
      problem: unknown('no_status_source', 'no CRL was fetched yet'),
      nextRefreshAt: 0,
      refreshing: null,
      timer: undefined,
    }));
    this.url = this.addresses.map(({ url }) => url.href).join(', ');
    this.now = options.now ?? Date.now;
  }

  async statusOf(
    certificate: Certificate,
    issuer: StatusIssuer,
    at: number,
  ): Promise<{ readonly status: CertificateStatus; readonly crl: Uint8Array | null; readonly source?: string }> {
    const key = keySha256(issuer.certificate);
    await this.prepare(issuer, key, at);
    const held = this.held.get(key);
    if (held === undefined) return { status: this.whyNone(issuer), crl: null };
    const status = verifyCrl({ crl: held.crl, certificate, issuer, signatureKnownGood: true, ...this.rules(at) });
    if (status.status === 'unknown' && status.cause === 'status_stale')
      return { status: unknown('status_stale', `${status.detail}; last download: ${this.problems()}`), crl: null };
    return { status, crl: held.crl.indexed.bytes, ...(held.from !== null && { source: held.from }) };
  }

  /** Ends the background refresh. */
  close(): void {
    this.closed = true;
    for (const { timer } of this.addresses) clearTimeout(timer);
  }

  /** Makes a CRL of this key usable if that is possible within the wait: kept file first, then the network. A usable
   * CRL is refreshed behind the back of the check. */
  private async prepare(issuer: StatusIssuer, key: string, at: number): Promise<void> {
    await this.know(issuer, key);
    const isUsable = (): boolean => {
      const held = this.held.get(key);
      return held !== undefined && refuseTimes(held.crl, this.rules(at)) === null;
    };
    const refreshes = this.addresses.flatMap((address) =>
      this.now() >= address.nextRefreshAt ? this.refresh(address) : (address.refreshing ?? []),
    );
    if (isUsable() || refreshes.length === 0) return;
    // The first address that makes it usable is enough.
    const all = Promise.all(refreshes).then(() => {});
    const enough = refreshes.map(async (refresh) => {
      await refresh;
      if (!isUsable()) await all;
    });
    await within(Promise.race([all, ...enough]), this.options.waitMs ?? 5000);
    if (this.held.size > 0) return;
    for (const address of this.addresses)
      if (address.refreshing !== null)
        address.problem = unknown('responder_timeout', 'the CRL is still being downloaded');
  }

  /** An authority of which nobody has asked before: its kept list is read, and what nobody had signed may be its own.
   * Known to downloads that are under way only after that, so that none of them comes before the number that was
   * kept. */
  private async know(issuer: StatusIssuer, key: string): Promise<void> {
    let known = this.knowing.get(key);
    if (known === undefined) {
      known = this.restore(issuer, key).then(() => {
        if (this.issuers.size < ISSUERS_MAX) this.issuers.set(key, issuer);
        return this.claim();
      });
      if (this.knowing.size < ISSUERS_MAX) this.knowing.set(key, known);
    }
    await known;
  }

  private async claim(): Promise<void> {
    for (const address of this.addresses) {
      const { unclaimed } = address;
      address.unclaimed = null;
      if (unclaimed !== null) await this.take(unclaimed, address);
    }
  }

  /** Why there is no CRL of this authority, when others are there or none. */
  private whyNone(issuer: StatusIssuer): StatusProblem {
    const [other] = this.held.values();
    const cause = this.addresses[0]?.problem.cause ?? 'no_status_source';
    if (this.addresses.length > 1 || other === undefined) return unknown(cause, this.problems());
    return (
      refuseSigner(other.crl, issuer) ??
      unknown('status_signature', 'the CRL is not signed by the issuer of this certificate')
    );
  }

  private problems(): string {
    if (this.addresses.length === 1) return (this.addresses[0] as Address).problem.detail;
    return this.addresses.map(({ url, problem }) => `${url.href}: ${problem.detail}`).join('; ');
  }

  /** Downloads once, however many ask. */
  private refresh(address: Address): Promise<void> {
    address.refreshing ??= this.download(address).finally(() => {
      address.refreshing = null;
      this.schedule(address);
    });
    return address.refreshing;
  }

  private async download(address: Address): Promise<void> {
    const { bytesMax = CRL_BYTES_MAX, timeoutMs = 60_000, retrySeconds = 10 } = this.options;
    const { given } = address;
    address.nextRefreshAt = this.now() + retrySeconds * 1000;
    const indexing = new CrlIndexing({ bytesMax, timeoutMs: INDEXING_TIMEOUT_MS });
    const conditions = {
      ...(given?.etag != null && { 'if-none-match': given.etag }),
      ...(given?.lastModified != null && { 'if-modified-since': given.lastModified }),
    };
    const answer = await exchange({
      url: address.url,
      method: 'GET',
      headers: { accept: 'application/pkix-crl', ...conditions },
      body: null,
      tls: this.options.tls ?? null,
      timeoutMs,
      bytesMax,
      contentTypes: ['application/pkix-crl', 'application/x-pkcs7-crl', 'application/octet-stream'],
      alsoAccept: given === null ? [] : [304],
      sink: (chunk) => indexing.write(chunk),
    });
    if ('cause' in answer) {
      indexing.abort();
      address.problem = unknown(answer.cause, answer.detail);
      return;
    }
    if (answer.statusCode === 304) {
      indexing.abort();
      return this.planRefresh(address, given!.crl);
    }
    const crl = openOutcome(await indexing.finish());
    if ('cause' in crl) address.problem = crl;
    else
      await this.take(
        { crl, etag: answer.headers.etag ?? null, lastModified: answer.headers['last-modified'] ?? null },
        address,
      );
  }

  /** Puts a CRL in place of the one held for its key, if it is one, signed, and not older. */
  private async take(given: NonNullable<Address['given']>, address: Address): Promise<void> {
    const { crl } = given;
    const outcome = await this.refuse(crl, address.url.href);
    if ('cause' in outcome) {
      address.problem = outcome;
      if (outcome.cause === 'status_mismatch') address.unclaimed = given;
      return;
    }
    address.given = given;
    this.planRefresh(address, crl);
    for (const key of outcome.keys) await this.keep(crl, key, address);
  }

  /** @returns the keys for which the CRL is now the one held, or why there is none */
  private async refuse(
    crl: Crl,
    from: string | null,
    issuers: Iterable<readonly [string, StatusIssuer]> = this.issuers,
  ): Promise<{ readonly keys: readonly string[] } | StatusProblem> {
    if (crl.baseNumber !== null || crl.issuingDistributionPoint?.indirect === true)
      return unknown('status_mismatch', 'a delta or indirect CRL');
    const early = refuseForm(crl, this.rules(this.now() / 1000)) ?? this.refuseFuture(crl);
    if (early !== null) return early;
    let problem = unknown('status_mismatch', 'the CRL of another authority');
    const keys: string[] = [];
    for (const [key, issuer] of issuers) {
      const refusal = refuseSigner(crl, issuer) ?? this.refuseOlder(crl, key);
      if (refusal !== null) problem = refusal;
      else if (!(await this.isSignedBy(crl, issuer)))
        problem = unknown('status_signature', 'the signature of the CRL is wrong');
      else {
        // Looked at again: while the signature was checked another CRL may have been taken.
        const older = this.refuseOlder(crl, key);
        if (older !== null) problem = older;
        else {
          this.held.set(key, { crl, from });
          keys.push(key);
        }
      }
    }
    return keys.length > 0 ? { keys } : problem;
  }

  private refuseFuture(crl: Crl): StatusProblem | null {
    return crl.thisUpdate > this.now() / 1000 + (this.options.clockToleranceSeconds ?? 300)
      ? unknown('status_stale', 'the CRL is from the future')
      : null;
  }

  /** The number of a key's CRL never goes back, nor does its date: an older CRL knows fewer revocations. */
  private refuseOlder(crl: Crl, key: string): StatusProblem | null {
    const held = this.held.get(key)?.crl;
    if (held === undefined) return null;
    if (held.number !== null && (crl.number === null || crl.number < held.number))
      return unknown('status_stale', `the CRL number goes back from ${held.number} to ${crl.number ?? 'none'}`);
    return crl.thisUpdate < held.thisUpdate
      ? unknown('status_stale', 'the CRL is older than the one that is held')
      : null;
  }

  /** One check per CRL and key, on the thread pool: hashing megabytes on the event loop would hold up everyone. */
  private async isSignedBy(
    { tbs: message, signature, signatureAlgorithm: algorithm }: Crl,
    issuer: StatusIssuer,
  ): Promise<boolean> {
    return (
      (await checkLargeSignature(
        { message, signature, algorithm },
        issuer.publicKey,
        this.options.algorithms ?? CARD_ALGORITHMS,
      )) === null
    );
  }

  private rules(at: number): CrlRules {
    const { clockToleranceSeconds = 300, maxStatusAgeSeconds = null, algorithms = CARD_ALGORITHMS } = this.options;
    return { at, clockToleranceSeconds, maxStatusAgeSeconds, algorithms, conforming: true };
  }

  private planRefresh(address: Address, crl: Crl): void {
    const { refreshSeconds = 900, refreshBeforeSeconds = 3600, retrySeconds = 10 } = this.options;
    const life = (crl.nextUpdate ?? Infinity) - crl.thisUpdate;
    const latest = ((crl.nextUpdate ?? Infinity) - Math.min(refreshBeforeSeconds, life / 4)) * 1000;
    address.nextRefreshAt = Math.max(
      this.now() + retrySeconds * 1000,
      Math.min(this.now() + refreshSeconds * 1000, latest),
    );
    address.problem = unknown('status_stale', 'the CRL was confirmed as the newest');
  }

  private schedule(address: Address): void {
    if (this.closed || this.options.background === false) return;
    clearTimeout(address.timer);
    address.timer = setTimeout(() => void this.refresh(address), Math.max(1000, address.nextRefreshAt - this.now()));
    address.timer.unref();
  }

  private fileOf(key: string): string | null {
    const { keepIn = null } = this.options;
    if (keepIn === null) return null;
    return key === this.mainKey ? keepIn : `${keepIn}.${key.slice(0, 16)}`;
  }

  private async keep(crl: Crl, key: string, address: Address): Promise<void> {
    this.mainKey ??= key;
    const file = this.fileOf(key);
    if (file === null) return;
    try {
      await mkdir(dirname(file), { recursive: true });
      await writeFile(`${file}.new`, crl.indexed.bytes, { mode: 0o600 });
      await rename(`${file}.new`, file);
    } catch (error) {
      // The CRL in memory is good without the file; what is lost is only the memory of its number over a restart.
      address.problem = unknown(
        'status_stale',
        `the CRL could not be kept: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }

  /** Reads the kept files of an authority once. What they hold is verified as if it had been downloaded now. */
  private async restore(issuer: StatusIssuer, key: string): Promise<void> {
    const { keepIn = null } = this.options;
    if (keepIn === null) return;
    const main = await this.kept(keepIn);
    if (main !== null) {
      const outcome = await this.refuse(main, null, [[key, issuer]]);
      // Of which key it is nobody knows before its authority is asked for; until then no other key's list goes there.
      this.mainKey ??= 'keys' in outcome ? (outcome.keys[0] as string) : NOT_TOLD;
      if ('keys' in outcome && this.mainKey === NOT_TOLD) this.mainKey = outcome.keys[0] as string;
    }
    const own = await this.kept(`${keepIn}.${key.slice(0, 16)}`);
    if (own !== null) await this.refuse(own, null, [[key, issuer]]);
  }

  private async kept(file: string): Promise<Crl | null> {
    const bytes = await readFile(file).catch(() => null);
    if (bytes === null) return null;
    const indexing = new CrlIndexing({
      bytesMax: this.options.bytesMax ?? CRL_BYTES_MAX,
      timeoutMs: INDEXING_TIMEOUT_MS,
    });
    indexing.write(bytes);
    const crl = openOutcome(await indexing.finish());
    return 'cause' in crl ? null : crl;
  }
}

/** The main file holds the list of a key of which nobody has asked yet. */
const NOT_TOLD = '';

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
