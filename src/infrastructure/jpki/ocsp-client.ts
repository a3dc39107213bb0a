import { randomBytes } from 'node:crypto';
import type { Certificate } from '../x509/certificate/certificate.js';
import { encodeOcspRequest, type CertIdHash } from '../x509/revocation/ocsp-request.js';
import { OCSP_RESPONSE_BYTES_MAX } from '../x509/revocation/ocsp-response.js';
import type { OwnTls } from '../http/own-tls.js';
import { exchange, statusUrl, type StatusHttpFailure } from '../http/bounded-exchange.js';

export interface OcspClientOptions {
  /** Address of the responder. Never taken from a certificate. */
  readonly url: string;
  /** For the whole exchange. Default 5000. */
  readonly timeoutMs?: number;
  readonly tls?: OwnTls | null;
  /** Largest answer. Default 64 KiB. */
  readonly bytesMax?: number;
  /** Hash in CertID. Default sha1, which every responder understands (RFC 5019 section 2.1.1); it protects nothing, the
   * signature does. */
  readonly certIdHash?: CertIdHash;
}

export interface OcspAnswer {
  readonly response: Buffer;
  readonly nonce: Buffer;
}

/** 32 bytes: as long as RFC 9654 asks clients to support at least. */
const NONCE_BYTES = 32;

/** Asks one OCSP responder over HTTP. @req R6 */
export class OcspClient {
  readonly url: URL;
  readonly certIdHash: CertIdHash;

  constructor(private readonly options: OcspClientOptions) {
    this.url = statusUrl(options.url);
    this.certIdHash = options.certIdHash ?? 'sha1';
  }

  /** @returns the raw answer and the nonce that it must contain, or why there is none */
  async ask(certificate: Certificate, issuer: Certificate): Promise<OcspAnswer | StatusHttpFailure> {
    const nonce = randomBytes(NONCE_BYTES);
    const answer = await exchange({
      url: this.url,
      method: 'POST',
      headers: { 'content-type': 'application/ocsp-request', accept: 'application/ocsp-response' },
      body: encodeOcspRequest(certificate, issuer, { nonce, hash: this.certIdHash }),
      tls: this.options.tls ?? null,
      timeoutMs: this.options.timeoutMs ?? 5000,
      bytesMax: this.options.bytesMax ?? OCSP_RESPONSE_BYTES_MAX,
      contentTypes: ['application/ocsp-response'],
    });
    return 'cause' in answer ? answer : { response: answer.body, nonce };
  }
}
