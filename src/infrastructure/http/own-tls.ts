import { readFileSync } from 'node:fs';
import { Agent, request as httpsRequest } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';

/** How we show ourselves to one service over TLS, and whom we believe there. */
export interface OwnTls {
  /** Certificates of the authorities that may have issued the service's one, PEM; null: those that Node knows. */
  readonly ca: string | null;
  /** Our chain and its key, PEM; null: we show none. */
  readonly client: { readonly cert: string; readonly key: string } | null;
}

/** Files that settings name. They were looked at before. @returns null where none is named */
export function readOwnTls({
  caFile,
  certFile,
  keyFile,
}: {
  readonly caFile: string | null;
  readonly certFile: string | null;
  readonly keyFile: string | null;
}): OwnTls | null {
  if (caFile === null && certFile === null) return null;
  const read = (file: string): string => readFileSync(file, 'utf8');
  return {
    ca: caFile === null ? null : read(caFile),
    client: certFile === null || keyFile === null ? null : { cert: read(certFile), key: read(keyFile) },
  };
}

const agents = new WeakMap<OwnTls, Agent>();

/** Connections of one service are its own: who is believed there is believed nowhere else. */
export function agentFor(tls: OwnTls): Agent {
  const known = agents.get(tls);
  if (known) return known;
  const { ca, client } = tls;
  const agent = new Agent({ keepAlive: true, maxSockets: 32, ...(ca !== null && { ca }), ...client });
  agents.set(tls, agent);
  return agent;
}

/** Asks as `fetch` does, with our own certificates. Redirects are not followed: they end it where `redirect` says so.
 *  Node's `fetch` takes no certificates.
 *  @param tls null: `fetch` itself */
export async function fetchOver(tls: OwnTls | null, url: string, init: RequestInit = {}): Promise<Response> {
  if (tls === null || new URL(url).protocol !== 'https:') return fetch(url, init);
  // It writes forms and their boundaries.
  const request = new Request(url, init);
  const body = request.body === null ? null : Buffer.from(await request.arrayBuffer());
  const headers = Object.fromEntries(request.headers);
  const { method } = request;
  const signal = init.signal ?? undefined;
  const incoming = await new Promise<IncomingMessage>((resolve, reject) => {
    const length = body === null ? {} : { 'content-length': String(body.length) };
    const options = { method, headers: { ...headers, ...length }, agent: agentFor(tls), signal };
    const outgoing = httpsRequest(url, options, resolve);
    outgoing.once('error', (error) => reject(signal?.aborted ? (signal.reason as Error) : error));
    outgoing.end(body ?? undefined);
  });
  const status = incoming.statusCode ?? 0;
  const isRedirect = status >= 300 && status < 400;
  if (isRedirect && init.redirect === 'error') {
    incoming.destroy();
    throw new TypeError(`${url} answers ${status}: redirects are not followed`);
  }
  const given = Object.entries(incoming.headers).flatMap(([name, value]): [string, string][] =>
    value === undefined ? [] : [[name, String(value)]],
  );
  const isEmpty = status === 204 || status === 304;
  if (isEmpty) incoming.resume();
  return new Response(isEmpty ? null : (Readable.toWeb(incoming) as ReadableStream<Uint8Array>), {
    status,
    headers: given,
  });
}
