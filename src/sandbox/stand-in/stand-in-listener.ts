import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** How a stand-in is unreachable: the connection is refused, or every request is answered 503. */
export type Outage = 'none' | 'refused' | 'unavailable';
export const OUTAGES = ['none', 'refused', 'unavailable'] as const satisfies readonly Outage[];

export interface StandInOptions {
  /** 0 or absent: a free port. */
  readonly port?: number;
  /** Where the lines go; standard output when absent. */
  readonly print?: (line: string) => void;
  readonly now?: () => Date;
}

/** What every stand-in gives its starter. */
export interface StandIn {
  /** Address of the service itself, without a trailing slash. */
  readonly url: string;
  /** Address that answers `/control/…` even while the service is down. */
  readonly controlUrl: string;
  close(): Promise<void>;
}

/** One request, its body read completely. */
export interface StandInRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
  readonly bodySha256: string;
}

export interface StandInAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
  /** Breaks the connection instead of answering. */
  readonly drop?: boolean;
  /** Sends the answer a second time on the same connection, unasked. */
  readonly twice?: boolean;
}

export type Handler = (request: StandInRequest) => Promise<StandInAnswer> | StandInAnswer;

/** Requests that a library answers by itself, from the stream. @returns null for those that it leaves to the others */
export type Library = (message: IncomingMessage) => ((response: ServerResponse) => Promise<void>) | null;

export interface Handlers {
  readonly service: Handler;
  readonly control: Handler;
  readonly library?: Library;
}

/** Bodies beyond this are refused with 413; a photograph has at most a few megabytes. */
const BODY_BYTES_MAX = 16 * 1024 * 1024;

export function json(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): StandInAnswer {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(value) };
}

/** Problem document of RFC 9457 with our stable member `code`. */
export function problem(status: number, code: string, detail: string): StandInAnswer {
  return {
    status,
    headers: { 'content-type': 'application/problem+json' },
    body: JSON.stringify({ type: 'about:blank', title: code, status, code, detail }),
  };
}

/** Listens on 127.0.0.1 twice: once for the service, which can go down and come back on the same port, once for
 * control. */
export class StandInListener implements StandIn {
  readonly #service: Handler;
  readonly #control: Handler;
  readonly #library: Library;
  readonly #sockets = new Set<Socket>();
  readonly #closing = new AbortController();
  #server: Server | null = null;
  #controlServer: Server | null = null;
  #port = 0;
  #controlPort = 0;
  #outage: Outage = 'none';
  #slowMs = 0;

  private constructor({ service, control, library = () => null }: Handlers) {
    this.#service = service;
    this.#control = control;
    this.#library = library;
  }

  /** @param name said on the first line, which names this as a stand-in. */
  static async start(name: string, handlers: Handlers, options: StandInOptions): Promise<StandInListener> {
    const listener = new StandInListener(handlers);
    listener.#server = await listener.#listen(options.port ?? 0, 'service');
    listener.#port = (listener.#server.address() as AddressInfo).port;
    listener.#controlServer = await listener.#listen(0, 'control');
    listener.#controlPort = (listener.#controlServer.address() as AddressInfo).port;
    const print = options.print ?? ((line: string) => process.stdout.write(`${line}\n`));
    print(
      `STAND-IN: this is a sandbox ${name}, not the real one. It listens on ${listener.url}, control on ${listener.controlUrl}/control/`,
    );
    return listener;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get controlUrl(): string {
    return `http://127.0.0.1:${this.#controlPort}`;
  }

  get outage(): Outage {
    return this.#outage;
  }

  /** Settles when the stand-in is closed: for answers that never come. */
  get closing(): Promise<void> {
    const { signal } = this.#closing;
    return new Promise((resolve) =>
      signal.aborted ? resolve() : signal.addEventListener('abort', () => resolve(), { once: true }),
    );
  }

  /** Every answer of the service waits this long first. */
  slow(milliseconds: number): void {
    if (!Number.isFinite(milliseconds) || milliseconds < 0)
      throw new RangeError('slowness is a number of milliseconds from 0');
    this.#slowMs = milliseconds;
  }

  /** Takes the service down or brings it back on its old port. Open connections are broken when it refuses
   * connections. */
  async setOutage(outage: Outage): Promise<void> {
    this.#outage = outage;
    if (outage === 'refused' && this.#server) {
      const server = this.#server;
      this.#server = null;
      await stop(server, this.#serviceSockets());
    } else if (outage !== 'refused' && !this.#server) {
      this.#server = await this.#listen(this.#port, 'service');
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    const servers = [this.#server, this.#controlServer].filter((server) => server !== null);
    this.#server = null;
    this.#controlServer = null;
    await Promise.all(servers.map((server) => stop(server, this.#sockets)));
  }

  #serviceSockets(): Socket[] {
    return [...this.#sockets].filter((socket) => socket.localPort === this.#port);
  }

  async #listen(port: number, kind: 'service' | 'control'): Promise<Server> {
    const server = createServer((request, response) => void this.#serve(kind, request, response));
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', resolve);
    });
    return server;
  }

  async #serve(kind: 'service' | 'control', message: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const asked = kind === 'service' ? this.#library(message) : null;
      const trouble = asked && (await this.#trouble());
      if (trouble) return send(response, trouble);
      if (asked) return await asked(response);
      const request = await readRequest(message);
      const answer =
        request === null
          ? problem(413, 'too_large', `at most ${BODY_BYTES_MAX} bytes`)
          : await this.#answer(kind, request);
      send(response, answer);
    } catch (error) {
      // The peer hung up, or we are closing: there is nobody to answer.
      if (response.destroyed || response.headersSent || this.#closing.signal.aborted) return;
      send(response, problem(500, 'stand_in_failed', error instanceof Error ? error.message : String(error)));
    }
  }

  async #answer(kind: 'service' | 'control', request: StandInRequest): Promise<StandInAnswer> {
    if (request.path.startsWith('/control/')) return this.#controlled(request);
    if (kind === 'control') return problem(404, 'not_found', 'this address answers /control/ only');
    return (await this.#trouble()) ?? this.#service(request);
  }

  /** Waits where it is slow. @returns the answer of an outage */
  async #trouble(): Promise<StandInAnswer | null> {
    if (this.#slowMs > 0) await delay(this.#slowMs, undefined, { signal: this.#closing.signal });
    return this.#outage === 'unavailable' ? problem(503, 'unavailable', 'the stand-in plays an outage') : null;
  }

  async #controlled(request: StandInRequest): Promise<StandInAnswer> {
    try {
      return await this.#control(request);
    } catch (error) {
      if (error instanceof RangeError || error instanceof SyntaxError)
        return problem(400, 'bad_control_call', error.message);
      throw error;
    }
  }
}

/** JSON body of a control call; an absent body is an empty object. @throws {SyntaxError | RangeError} */
export function controlBody(request: StandInRequest): Record<string, unknown> {
  const value: unknown = request.body.length === 0 ? {} : JSON.parse(request.body.toString('utf8'));
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new RangeError('the body of a control call is a JSON object');
  return value as Record<string, unknown>;
}

/** Control calls that every stand-in has: `slow {ms}`, `outage {mode}`, `faults {always?, play?, clear?}`.
 * @returns null for other paths. */
export async function commonControl(
  request: StandInRequest,
  listener: StandInListener,
  faults: {
    play(names: readonly string[]): void;
    always(name: string): void;
    clear(): void;
    readonly played: readonly string[];
  },
): Promise<StandInAnswer | null> {
  if (request.method === 'GET' && request.path === '/control/faults') return json(200, { played: faults.played });
  if (request.method !== 'POST') return null;
  const body = () => controlBody(request);
  switch (request.path) {
    case '/control/slow':
      listener.slow(Number(body()['ms']));
      return json(200, { slowMs: Number(body()['ms']) });
    case '/control/outage':
      await listener.setOutage(outageOf(body()['mode']));
      return json(200, { outage: listener.outage });
    case '/control/faults':
      applyFaults(body(), faults);
      return json(200, { ok: true });
    default:
      return null;
  }
}

function applyFaults(
  body: Record<string, unknown>,
  faults: { play(names: readonly string[]): void; always(name: string): void; clear(): void },
): void {
  const { always, play, clear } = body;
  if (clear === true) faults.clear();
  if (typeof always === 'string') faults.always(always);
  if (Array.isArray(play)) faults.play(play.map(String));
}

function outageOf(text: unknown): Outage {
  const outage = OUTAGES.find((name) => name === text);
  if (outage === undefined) throw new RangeError(`mode is one of ${OUTAGES.join(', ')}`);
  return outage;
}

async function readRequest(message: IncomingMessage): Promise<StandInRequest | null> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > BODY_BYTES_MAX) return null;
    chunks.push(chunk);
  }
  const body = Buffer.concat(chunks);
  const address = new URL(message.url ?? '/', 'http://127.0.0.1');
  return {
    method: message.method ?? 'GET',
    path: address.pathname,
    query: address.searchParams,
    headers: message.headers,
    body,
    bodySha256: createHash('sha256').update(body).digest('hex'),
  };
}

function send(response: ServerResponse, answer: StandInAnswer): void {
  if (answer.drop === true) {
    response.socket?.destroy();
    return;
  }
  const body = Buffer.from(answer.body ?? '');
  const socket = response.socket;
  const headers = { 'content-length': String(body.length), ...answer.headers };
  if (answer.twice === true) response.once('finish', () => socket?.write(rawAnswer(answer.status, headers, body)));
  response.writeHead(answer.status, headers);
  response.end(body);
}

function rawAnswer(status: number, headers: Readonly<Record<string, string>>, body: Buffer): Buffer {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([Buffer.from(`HTTP/1.1 ${status} Again\r\n${lines.join('')}\r\n`, 'latin1'), body]);
}

async function stop(server: Server, sockets: Iterable<Socket>): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  for (const socket of sockets) socket.destroy();
  await closed;
}
