import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { agentFor, type OwnTls } from './own-tls.js';
import type { UnknownCertificateCause } from '../../domain/values/certificate-status.js';

export interface StatusHttpRequest {
  readonly url: URL;
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | null;
  /** For the whole exchange, from connecting to the last byte; a responder that drips bytes does not prolong it. */
  readonly timeoutMs: number;
  readonly bytesMax: number;
  /** Accepted media types, lower case, without parameters. */
  readonly contentTypes: readonly string[];
  /** Our own certificates; absent or null: none, and those that Node believes. */
  readonly tls?: OwnTls | null;
  /** Besides 200; 304 for conditional requests. */
  readonly alsoAccept?: readonly number[];
  /** Receives the body of a 200 answer piece by piece; the answer's own body is then empty. */
  readonly sink?: (chunk: Buffer) => void;
}

export interface StatusHttpAnswer {
  readonly statusCode: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

export interface StatusHttpFailure {
  readonly cause: UnknownCertificateCause;
  readonly detail: string;
}

/** An address from the configuration. @throws {RangeError} when it is not plain http(s) without credentials */
export function statusUrl(address: string): URL {
  const url = new URL(address);
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new RangeError(`${address}: only http and https addresses are asked for certificate status`);
  if (url.username !== '' || url.password !== '') throw new RangeError('a status address must not hold credentials');
  return url;
}

/** Sockets are reused: an answer is signed, so the connection itself proves nothing and costs a round trip. */
const agents = {
  'http:': new HttpAgent({ keepAlive: true, maxSockets: 32 }),
  'https:': new HttpsAgent({ keepAlive: true, maxSockets: 32 }),
};

/** One exchange with the authentication server. Redirects are refused: only configured addresses are asked.
 *  Never rejects; whatever goes wrong is a cause. @req R6 */
export function exchange(request: StatusHttpRequest): Promise<StatusHttpAnswer | StatusHttpFailure> {
  return new Promise((resolve) => {
    const fail = (cause: UnknownCertificateCause, detail: string): void => settle({ cause, detail });
    const deadline = setTimeout(
      () => fail('responder_timeout', `no complete answer within ${request.timeoutMs} ms`),
      request.timeoutMs,
    );
    const protocol = request.url.protocol === 'https:' ? 'https:' : 'http:';
    const send = protocol === 'https:' ? httpsRequest : httpRequest;
    const headers =
      request.body === null ? request.headers : { ...request.headers, 'content-length': String(request.body.length) };
    const outgoing = send(request.url, { method: request.method, headers, agent: agentOf(request, protocol) });
    let settled = false;
    const settle = (outcome: StatusHttpAnswer | StatusHttpFailure): void => {
      if (settled) return;
      settled = true;
      clearTimeout(deadline);
      if ('cause' in outcome) outgoing.destroy();
      resolve(outcome);
    };
    outgoing.on('error', (error: NodeJS.ErrnoException) => fail('responder_unreachable', error.code ?? error.message));
    outgoing.on('response', (incoming) => receive(incoming, request, settle));
    outgoing.end(request.body ?? undefined);
  });
}

function agentOf({ tls }: StatusHttpRequest, protocol: keyof typeof agents): HttpAgent {
  return protocol === 'https:' && tls ? agentFor(tls) : agents[protocol];
}

function receive(
  incoming: IncomingMessage,
  request: StatusHttpRequest,
  settle: (outcome: StatusHttpAnswer | StatusHttpFailure) => void,
): void {
  const fail = (cause: UnknownCertificateCause, detail: string): void => settle({ cause, detail });
  incoming.on('error', () => fail('responder_unreachable', 'the connection broke during the answer'));
  incoming.on('aborted', () => fail('responder_unreachable', 'the connection broke during the answer'));
  const refusal = refuseHead(incoming, request);
  if (refusal !== null) return fail('responder_error', refusal);
  const chunks: Buffer[] = [];
  let size = 0;
  incoming.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > request.bytesMax) return fail('responder_error', `the answer is larger than ${request.bytesMax} bytes`);
    if (request.sink !== undefined && incoming.statusCode === 200) request.sink(chunk);
    else chunks.push(chunk);
  });
  incoming.on('end', () =>
    settle({ statusCode: incoming.statusCode ?? 0, headers: incoming.headers, body: Buffer.concat(chunks) }),
  );
}

function refuseHead(incoming: IncomingMessage, request: StatusHttpRequest): string | null {
  const { statusCode = 0, headers } = incoming;
  if (request.alsoAccept?.includes(statusCode) === true) return null;
  if (statusCode !== 200)
    return statusCode >= 300 && statusCode < 400
      ? `HTTP ${statusCode}: redirects are not followed`
      : `HTTP ${statusCode}`;
  const contentType = headers['content-type']?.split(';')[0]?.trim().toLowerCase() ?? '';
  if (!request.contentTypes.includes(contentType)) return `content type '${contentType}'`;
  if (headers['content-encoding'] !== undefined && headers['content-encoding'] !== 'identity') return 'an encoded body';
  return Number(headers['content-length'] ?? 0) > request.bytesMax
    ? `the answer is larger than ${request.bytesMax} bytes`
    : null;
}
