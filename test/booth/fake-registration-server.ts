import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One request as it arrived. */
export interface Arrived {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** Answers one request, or `drop`s the connection. */
export type Step = (request: Arrived, response: ServerResponse) => void;

/** A registration server whose every answer the test dictates: the booth is what is tested here, not the server. */
export class ScriptedServer {
  readonly arrived: Arrived[] = [];
  readonly #server = createServer((message, response) => void this.#serve(message, response));
  #script: Step[] = [];
  url = '';

  static async start(): Promise<ScriptedServer> {
    const scripted = new ScriptedServer();
    await new Promise<void>((resolve) => scripted.#server.listen(0, '127.0.0.1', resolve));
    scripted.url = `http://127.0.0.1:${(scripted.#server.address() as AddressInfo).port}`;
    return scripted;
  }

  /** Answers for the next requests, in order. Challenges are always answered by themselves. */
  script(...steps: Step[]): void {
    this.#script.push(...steps);
  }

  get registrations(): Arrived[] {
    return this.arrived.filter(({ method, path }) => method === 'POST' && path === '/v1/registrations');
  }

  get unplayed(): number {
    return this.#script.length;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of message as AsyncIterable<Buffer>) chunks.push(chunk);
    const request = {
      method: message.method ?? '',
      path: message.url ?? '',
      headers: message.headers,
      body: Buffer.concat(chunks),
    };
    this.arrived.push(request);
    const step = request.path === '/v1/challenges' ? challenge : this.#script.shift();
    if (step === undefined) response.writeHead(599).end();
    else step(request, response);
  }
}

export const RECEIPT = 'ABCD-EFGH-JKMN-PQRS';

export const answer =
  (status: number, body: unknown, headers: Record<string, string> = {}): Step =>
  (_, response) =>
    void response
      .writeHead(status, { 'content-type': 'application/json', ...headers })
      .end(typeof body === 'string' ? body : JSON.stringify(body));

export const challenge = answer(201, {
  nonce: 'bm9uY2U',
  expiresAtUtc: '2099-01-01T00:00:00.000Z',
  prompt: 'turn-right',
});
export const accepted = answer(202, { receipt: RECEIPT, status: 'received' });
export const refusal = (status: number, code: string): Step =>
  answer(status, { type: 'about:blank', status, code, detail: 'no' }, { 'content-type': 'application/problem+json' });
export const drop: Step = (_, response) => void response.socket?.destroy();
/** Never answers; the client's time limit ends it. */
export const hang: Step = () => undefined;
export const status = (name: string): Step =>
  answer(200, { receipt: RECEIPT, status: name, updatedAtUtc: '2026-11-23T00:00:00.000Z' });
/** Server-sent events, then the end of the stream. */
export const events =
  (...names: string[]): Step =>
  (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(': welcome\n\n');
    for (const name of names)
      response.write(
        `event: status\nid: 1\ndata: {"receipt":"${RECEIPT}",\ndata: "status":"${name}","updatedAtUtc":"2026-11-23T00:00:00.000Z"}\r\n\r\n`,
      );
    response.end();
  };
