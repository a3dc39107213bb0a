import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  TimestampAuthority,
  TimestampRefusedError,
  type Timestamp,
} from '../../application/ports/audit/timestamp-authority.js';
import { exchange } from '../http/bounded-exchange.js';
import type { OwnTls } from '../http/own-tls.js';
import type { TrustAnchor } from '../x509/path/trust-anchors.js';
import { encodeTimestampRequest } from './timestamp-request.js';
import { TIMESTAMP_BYTES_MAX } from './timestamp-response.js';
import { verifyTimestamp } from './timestamp-verifier.js';

export interface HttpTimestampAuthorityOptions {
  readonly url: string;
  readonly anchors: readonly TrustAnchor[];
  /** Policy to ask for, and the only one that is then accepted; null: the authority's own. */
  readonly policy: string | null;
  /** For the whole exchange, from connecting to the last byte. */
  readonly timeoutMs: number;
  /** How far the authority's clock may be from ours. */
  readonly clockToleranceMs: number;
  /** CRLs of the authorities in its certificate's path; empty: revocation is not judged. */
  readonly crlUrls: readonly string[];
  /** Our own certificates for it and for its CRLs; absent or null: none. */
  readonly tls?: OwnTls | null;
  /** User name and file with the password, for authorities that ask for them. */
  readonly basic: { readonly username: string; readonly passwordFile: string } | null;
}

const NONCE_BYTES = 16;
const CRL_TYPES = ['application/pkix-crl', 'application/x-pkcs7-crl', 'application/octet-stream'] as const;
/** A timestamp authority has a handful of certificates; its root may have issued more. */
const CRL_BYTES_MAX = 8 * 1024 * 1024;

/** Asks one RFC 3161 authority over HTTP (section 3.4). One question, one answer: repeating is the caller's. */
export class HttpTimestampAuthority extends TimestampAuthority {
  override readonly configured = true;
  private readonly url: URL;

  constructor(private readonly options: HttpTimestampAuthorityOptions) {
    super();
    this.url = new URL(options.url);
  }

  override async stamp(message: Uint8Array): Promise<Timestamp> {
    const { anchors, policy, timeoutMs, clockToleranceMs, tls = null } = this.options;
    const nonce = freshNonce();
    const askedMs = Date.now();
    const answer = await exchange({
      url: this.url,
      method: 'POST',
      body: encodeTimestampRequest({ message, nonce, policy }),
      timeoutMs,
      bytesMax: TIMESTAMP_BYTES_MAX,
      headers: {
        'content-type': 'application/timestamp-query',
        accept: 'application/timestamp-reply',
        ...this.authorization(),
      },
      contentTypes: ['application/timestamp-reply'],
      tls,
    });
    if ('cause' in answer) throw new Error(`the timestamp authority gave no answer: ${answer.detail}`);
    const notAfterMs = Date.now() + clockToleranceMs;
    const crls = await Promise.all(this.options.crlUrls.map((url) => this.crl(url)));
    const revocation = crls.length === 0 ? {} : { crls, crlsInForceAt: Date.now() / 1000 };
    const result = verifyTimestamp({
      response: answer.body,
      message,
      nonce,
      policy,
      anchors,
      notBeforeMs: askedMs - clockToleranceMs,
      notAfterMs,
      ...revocation,
    });
    if (result.verdict === 'refused') throw new TimestampRefusedError(result.reason, result.detail);
    return { response: answer.body, atMs: result.timestamp.atMs, crls };
  }

  private async crl(url: string): Promise<Buffer> {
    const answer = await exchange({
      url: new URL(url),
      method: 'GET',
      headers: { accept: CRL_TYPES[0] },
      body: null,
      timeoutMs: this.options.timeoutMs,
      bytesMax: CRL_BYTES_MAX,
      contentTypes: CRL_TYPES,
      tls: this.options.tls ?? null,
    });
    if ('cause' in answer)
      throw new Error(`the CRL of the timestamp authority cannot be had from ${url}: ${answer.detail}`);
    return answer.body;
  }

  /** The password is read each time: secrets are exchanged while the server runs. */
  private authorization(): Record<string, string> {
    const { basic } = this.options;
    if (basic === null) return {};
    const password = readFileSync(basic.passwordFile, 'utf8').trim();
    return { authorization: `Basic ${Buffer.from(`${basic.username}:${password}`).toString('base64')}` };
  }
}

/** Stands where no authority is configured. */
export class NoTimestampAuthority extends TimestampAuthority {
  override readonly configured = false;

  override async stamp(): Promise<Timestamp> {
    throw new Error('no timestamp authority is configured; set HONNIN_TSA_URL and HONNIN_TSA_ANCHORS');
  }
}

/** Content of a positive INTEGER in its shortest form: the first byte is 01..7F. */
function freshNonce(): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  nonce[0] = (nonce[0]! & 0x7f) | 0x40;
  return nonce;
}
