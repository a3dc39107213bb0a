import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { ApiSettings } from '../api-settings.js';
import { showsToken } from './operator-token.js';
import { PROBLEM_TYPE } from '../contract/problem.filter.js';
import { languageOf, problemDocument, PROBLEMS, type ProblemCode } from '../contract/problems.js';
import { HSTS, SECURITY_HEADERS } from './security-headers.js';

const COME_AGAIN_SECONDS = 5;
/** So long a client that is still sending has to see the answer. */
const LINGER_MS = 500;
/** The part of the server that it waits for, as `/health/ready` names it. */
const PART = 'events';

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: object;
}

/** The door while there is nothing behind it yet: the event store is away, or elects a leader. The process lives, is
 *  not ready, and asks everybody to come again. What serves later takes its socket over. */
export class WaitingDoor {
  private reason = 'the event store is being opened';

  private constructor(
    private readonly server: Server,
    private readonly settings: ApiSettings,
  ) {}

  /** Listens. @throws as Node does, when the port is taken. */
  static async open(
    settings: ApiSettings,
    { host, port }: { readonly host: string; readonly port: number },
  ): Promise<WaitingDoor> {
    const { tls, limits } = settings;
    const timeouts = { headersTimeout: limits.headersMsMax, requestTimeout: limits.requestMsMax };
    const server = tls ? createSecureServer({ ...timeouts, ...tls, minVersion: 'TLSv1.2' }) : createServer(timeouts);
    server.maxConnections = limits.connectionsMax;
    const door = new WaitingDoor(server, settings);
    server.on('request', (request, response) => door.answer(request, response));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, resolve);
    });
    return door;
  }

  /** The port that it listens on, also where the settings leave it open. */
  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** @param reason in words for an operator, why it still waits */
  says(reason: string): void {
    this.reason = reason;
  }

  /** Where the server behind it listens: on this very socket, so that nobody who connects meanwhile is refused. Node
   *  takes the handle of another server for an address to listen on; no copy of these options may have it, because
   *  Fastify makes copies for further addresses of one name. */
  successor({ host }: { readonly host: string }): { readonly host: string; readonly port: number } {
    return Object.defineProperty({ host, port: this.port }, '_handle', { value: handleOf(this.server)._handle });
  }

  /** The socket belongs to the successor now. What was accepted here is still answered here. */
  retire(): void {
    handleOf(this.server)._handle = null;
    this.server.close();
  }

  /** Lets the port go. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.server.closeAllConnections();
    await closed;
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const { status, type, body } = this.answerTo(request);
    const text = JSON.stringify(body);
    response.writeHead(status, {
      ...SECURITY_HEADERS,
      ...(this.settings.tls && { 'strict-transport-security': HSTS }),
      ...(status !== 200 && { 'retry-after': String(COME_AGAIN_SECONDS) }),
      'content-type': type,
      'content-length': Buffer.byteLength(text),
      connection: 'close',
    });
    response.write(text);
    // Cut at once, the connection of a client that is still sending would take the answer with it.
    const end = (): void => void response.end();
    const timer = setTimeout(end, LINGER_MS);
    response.once('close', () => clearTimeout(timer));
    request.on('error', end).once('end', end).resume();
  }

  private answerTo(request: IncomingMessage): Answer {
    const path = (request.url ?? '').split('?')[0];
    if (path === '/health/live') return { status: 200, type: 'application/json', body: { status: 'ok' } };
    if (path !== '/health/ready') return problem('not_accepting', request);
    const details = showsToken(this.settings, request.headers.authorization);
    const parts = { [PART]: { ok: false, detail: this.reason } };
    return problem('not_ready', request, { troubles: [PART], ...(details && { parts }) });
  }
}

/** What Node keeps of a listening socket. */
function handleOf(server: Server): { _handle: unknown } {
  return server as unknown as { _handle: unknown };
}

function problem(
  code: ProblemCode,
  { headers }: IncomingMessage,
  extensions: Readonly<Record<string, unknown>> = {},
): Answer {
  const language = languageOf(headers['accept-language']);
  const body = problemDocument(code, { requestId: randomUUID(), language, extensions });
  return { status: PROBLEMS[code].status, type: PROBLEM_TYPE, body };
}
