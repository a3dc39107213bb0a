import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DerReader, TAG, contextConstructed, readOid } from '../../../src/infrastructure/x509/asn1/der.js';
import { OID } from '../../../src/infrastructure/x509/asn1/oids.js';

/** What to do with one request. `nonce` is what the request carried. */
export type FakeAnswer = (
  request: { readonly nonce: Buffer | null; readonly body: Buffer },
  response: ServerResponse,
) => void;

/** A responder that misbehaves on command: stale, silent, dripping, lying. `openssl ocsp` is always honest. */
export class FakeResponder {
  answer: FakeAnswer = (_request, response) => response.writeHead(500).end();
  requests = 0;
  private constructor(private readonly server: Server) {}

  static async start(): Promise<FakeResponder> {
    const server = createServer();
    const fake = new FakeResponder(server);
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        fake.requests += 1;
        const body = Buffer.concat(chunks);
        fake.answer({ nonce: body.length === 0 ? null : nonceOf(body), body }, response);
      });
    });
    // A test that waits for a program holds up the timers too: no connection must be taken for idle meanwhile.
    server.keepAliveTimeout = 0;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return fake;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/`;
  }

  /** Answers every request with this OCSP response. */
  respond(make: (nonce: Buffer | null) => Buffer): void {
    this.answer = ({ nonce }, response) =>
      response.writeHead(200, { 'content-type': 'application/ocsp-response' }).end(make(nonce));
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

/** The nonce of an OCSPRequest, or null. */
export function nonceOf(request: Buffer): Buffer | null {
  const tbs = new DerReader(request).enter(TAG.sequence).enter(TAG.sequence);
  tbs.element(TAG.sequence);
  const explicit = tbs.enterOptional(contextConstructed(2));
  if (explicit === null) return null;
  const list = explicit.enter(TAG.sequence);
  while (!list.atEnd) {
    const one = list.enter(TAG.sequence);
    if (readOid(one) === OID.ocspNonce) return new DerReader(one.read(TAG.octetString)).read(TAG.octetString);
  }
  return null;
}
