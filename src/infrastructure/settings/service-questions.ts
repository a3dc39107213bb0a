import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fetchOver, type OwnTls } from '../http/own-tls.js';
import { certificatesIn } from './certificate-files.js';
import { parseCertificate } from '../x509/certificate/certificate.js';
import { indexCrl } from '../x509/revocation/crl-stream.js';
import { encodeOcspRequest } from '../x509/revocation/ocsp-request.js';

/** A question that a service answers only when it is the one that is meant. */
export interface ServiceQuestion {
  readonly url: string;
  readonly init?: RequestInit;
  /** Our own certificates for it; absent or null: none. */
  readonly tls?: OwnTls | null;
  /** @returns what is wrong with the answer, in words, or null where it is right */
  readonly wrongWith: (answer: ServiceAnswer) => string | null | Promise<string | null>;
}

export interface ServiceAnswer {
  readonly status: number;
  readonly type: string;
  readonly body: Buffer;
}

/** Asks it. @returns what is wrong with the answer, or null, and the clock of who answered
 *  @throws where nobody answers */
export async function askService(
  { url, init, tls = null, wrongWith }: ServiceQuestion,
  timeoutMs: number,
): Promise<{ readonly fault: string | null; readonly date: string | null }> {
  const response = await fetchOver(tls, url, { ...init, redirect: 'manual', signal: AbortSignal.timeout(timeoutMs) });
  const body = Buffer.from(await response.arrayBuffer());
  const { headers, status } = response;
  const type = (headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  return { fault: await wrongWith({ status, type, body }), date: headers.get('date') };
}

const LINK_QUESTION = { issuer: '3000', serial: '1' };

/** For the state of a submission that never was: who knows the interface says so, as JSON. */
export function governmentQuestion(base: string, tokenFile: string | null): ServiceQuestion {
  const token = tokenFile === null ? null : readFileSync(tokenFile, 'utf8').trim();
  return {
    url: `${base}/v1/face-registrations/${randomUUID()}`,
    init: { headers: { accept: 'application/json', ...(token !== null && { authorization: `Bearer ${token}` }) } },
    wrongWith: ({ status, body }) => {
      if (status === 401 || status === 403) return 'refuses our token (HONNIN_GOVERNMENT_TOKEN_FILE)';
      if (status !== 404 || !isJsonObject(body)) return `is not the interface of docs/wire.md (status ${status})`;
      return null;
    },
  };
}

/** For the cards of nobody. */
export function linkQuestion(url: string): ServiceQuestion {
  const address = new URL(url);
  for (const [name, value] of Object.entries(LINK_QUESTION)) address.searchParams.set(name, value);
  return {
    url: address.href,
    init: { headers: { accept: 'application/json' } },
    wrongWith: ({ status, body }) =>
      // It may say that it knows no such certificate.
      [200, 404].includes(status) && isJsonObject(body) ? null : `is not the link service (status ${status})`,
  };
}

/** For the status of a trust anchor itself. Whatever a responder says of it, it says so as an OCSP response. */
export function ocspQuestion(url: string, anchorFile: string): ServiceQuestion | null {
  const [first] = certificatesIn(readFileSync(anchorFile)) ?? [];
  if (first === undefined) return null;
  const anchor = parseCertificate(first.raw);
  const body = encodeOcspRequest(anchor, anchor, { nonce: randomBytes(32), hash: 'sha1' });
  return {
    url,
    init: { method: 'POST', headers: { 'content-type': 'application/ocsp-request' }, body: new Uint8Array(body) },
    wrongWith: ({ status, type }) =>
      status === 200 && type === 'application/ocsp-response' ? null : `is no OCSP responder (status ${status})`,
  };
}

export function crlQuestion(url: string): ServiceQuestion {
  return {
    url,
    wrongWith: ({ status, body }) => {
      if (status !== 200) return `gives no list of revocations (status ${status})`;
      try {
        indexCrl(body);
        return null;
      } catch {
        // Why is a matter of its bytes; here it is enough that it is none.
        return 'gives something that is no list of revocations';
      }
    },
  };
}

/** For its discovery document, and then for its keys. */
export function signInQuestion(
  issuer: string,
  jwksUrl: string | null,
  timeoutMs: number,
  tls: OwnTls | null = null,
): ServiceQuestion {
  const keys = async (url: unknown): Promise<string | null> => {
    if (typeof url !== 'string' || !URL.canParse(url)) return 'names no address of its keys (jwks_uri)';
    const init = { redirect: 'error', signal: AbortSignal.timeout(timeoutMs) } as const;
    const answer = await fetchOver(tls, url, init).catch(() => null);
    if (answer === null) return `its keys at ${url} cannot be had`;
    return keysIn(Buffer.from(await answer.arrayBuffer())) ? null : `gives no keys at ${url} (status ${answer.status})`;
  };
  if (jwksUrl !== null)
    return {
      url: jwksUrl,
      tls,
      wrongWith: ({ status, body }) => (keysIn(body) ? null : `gives no keys (status ${status})`),
    };
  return {
    url: `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`,
    tls,
    wrongWith: async ({ status, body }) => {
      if (status !== 200 || !isJsonObject(body)) return `gives no discovery document (status ${status})`;
      const { issuer: named, jwks_uri: at } = JSON.parse(body.toString('utf8')) as Readonly<Record<string, unknown>>;
      return named === issuer ? keys(at) : `calls itself ${String(named)}; HONNIN_OIDC_ISSUER must be the same text`;
    },
  };
}

function keysIn(body: Buffer): boolean {
  if (!isJsonObject(body)) return false;
  const { keys } = JSON.parse(body.toString('utf8')) as { readonly keys?: unknown };
  return Array.isArray(keys) && keys.length > 0;
}

function isJsonObject(body: Buffer): boolean {
  try {
    const value = JSON.parse(body.toString('utf8')) as unknown;
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    // A page of somebody else.
    return false;
  }
}
