import type { IncomingMessage } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import { ReadableStream } from 'node:stream/web';

/** How a booth shows itself in the handshake, and whom it believes there. All PEM. */
export interface BoothTls {
  /** Its certificate, whose common name is the booth's id, and what leads to the authority. Absent with its key: it shows
   *  none. */
  readonly cert?: string;
  readonly key?: string;
  /** Authorities that may have issued the server's certificate; absent: those that Node knows. */
  readonly ca?: string;
}

type Ask = (url: string, init: RequestInit & { readonly signal: AbortSignal }) => Promise<Response>;

/** `fetch` with a certificate of the booth, which Node's own takes none of. Fails as `fetch` fails: a broken exchange is
 *  a TypeError with a cause. Redirects are not followed. */
export function fetchAsBooth(tls: BoothTls): Ask {
  const agent = new Agent({ ...tls, keepAlive: true });
  return async (url, init) => {
    const { signal } = init;
    const failed = (cause: unknown): unknown =>
      signal.aborted ? signal.reason : new TypeError('the exchange failed', { cause });
    const headers = Object.fromEntries(new Headers(init.headers));
    const body = init.body as string | Uint8Array | undefined;
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const options = { method: init.method ?? 'GET', headers: { ...headers, ...length }, agent, signal };
    const incoming = await new Promise<IncomingMessage>((resolve, reject) => {
      const outgoing = httpsRequest(url, options, resolve);
      outgoing.once('error', (error) => reject(failed(error) as Error));
      outgoing.end(body);
    });
    const { statusCode: status = 0 } = incoming;
    const given = Object.entries(incoming.headers).map(([name, value]): [string, string] => [name, String(value)]);
    const isEmpty = status === 204 || status === 304;
    if (isEmpty) incoming.resume();
    const stream = isEmpty ? null : ReadableStream.from(bytesOf(incoming, failed));
    return new Response(stream as ReadableStream<Uint8Array<ArrayBuffer>> | null, { status, headers: given });
  };
}

async function* bytesOf(
  incoming: IncomingMessage,
  failed: (cause: unknown) => unknown,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  try {
    for await (const chunk of incoming) yield new Uint8Array(chunk as Buffer);
  } catch (error) {
    throw failed(error);
  }
}
