import { randomUUID } from 'node:crypto';
import { STATUS_CODES, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import cookie from '@fastify/cookie';
import multipart from '@fastify/multipart';
import type { DynamicModule, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { SwaggerModule } from '@nestjs/swagger';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { ApiSettings } from './api-settings.js';
import { isTrusted } from './edge/client-address.js';
import { Connections } from './edge/connections.js';
import { EdgeGate } from './edge/edge-gate.js';
import { EdgeLimits } from './edge/edge-limits.js';
import { Lifecycle } from './lifecycle.js';
import { createLog, NestLog } from './log.js';
import { Metrics } from './metrics.js';
import { openApiDocument } from './contract/openapi.js';
import { PROBLEM_TYPE, sendProblem } from './contract/problem.filter.js';
import { codeOfStatus, ProblemError, problemDocument } from './contract/problems.js';
import { HSTS, SECURITY_HEADERS } from './edge/security-headers.js';

const PATH_PARAMETER_MAX = 256;
/** Routes that answer also while the server is shutting down: the orchestrator still asks whether the process lives. */
const ANSWERED_TO_THE_END = '/health/live';
/** A form has the number of a receipt, or the signed word of a sign-in service that somebody signed out. */
const FORM_BYTES_MAX = 4_096;
const TAKES_FORMS = new Set(['/receipt', '/console/back-channel-sign-out']);
const TIMEOUT_SLACK_MS = 2_000;
/** How often Node looks for connections whose time is over. */
const CHECK_MS = 1_000;
/** In logs and measurements: the client went away before it had the answer. */
const CLIENT_GONE = 499;
/** The documentation is a page: its own scripts and styles, and nothing from elsewhere. */
const DOCS_POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; script-src 'self'";

/** What that page needs. The package that it comes from has more: its own description, sources, other builds. */
const DOCS_FILES = new Set([
  '/docs',
  '/docs/',
  '/docs/swagger-ui.css',
  '/docs/swagger-ui-bundle.js',
  '/docs/swagger-ui-standalone-preset.js',
  '/docs/swagger-ui-init.js',
  '/docs/favicon-16x16.png',
  '/docs/favicon-32x32.png',
]);

/** Builds the HTTP server around a module that imports `ApiModule.register(…)`. Not listening yet: call `listen`, or
 * `init` in tests.
 * @param log where the log lines go; default: standard output */
export async function createApp(
  module: Type | DynamicModule,
  settings: ApiSettings,
  log: Logger = createLog(settings),
): Promise<NestFastifyApplication> {
  const app = await NestFactory.create<NestFastifyApplication>(module, adapterOf(settings), {
    bodyParser: false,
    abortOnError: false,
    logger: new NestLog(log),
  });
  const server = app.getHttpAdapter().getInstance() as unknown as FastifyInstance;
  await app.register(multipart as never);
  await app.register(cookie as never);
  server.removeContentTypeParser('text/plain');
  // The body stays bytes until somebody has looked for a My Number in it.
  server.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer', bodyLimit: settings.limits.jsonBytesMax },
    (_request, body, done) => done(null, body),
  );
  takeFormsOfPages(server);
  addHooks(server, {
    settings,
    log,
    metrics: app.get(Metrics, { strict: false }),
    lifecycle: app.get(Lifecycle, { strict: false }),
    gate: app.get(EdgeGate, { strict: false }),
  });
  boundConnections(server, settings, app.get(EdgeLimits, { strict: false }));
  SwaggerModule.setup('docs', app, () => openApiDocument(app), {
    jsonDocumentUrl: 'openapi.json',
    raw: ['json'],
    customSiteTitle: 'Honnin API',
  });
  return app;
}

function adapterOf(settings: ApiSettings): FastifyAdapter {
  const { limits, tls, boothCertificates } = settings;
  // Who shows none is let in: officers and probes have none. Booths are asked again at their routes.
  const asking = boothCertificates
    ? { requestCert: true, rejectUnauthorized: false, ca: [...boothCertificates.authorities] }
    : {};
  const timeouts = { headersTimeout: limits.headersMsMax, connectionsCheckingInterval: CHECK_MS };
  const options = {
    // Its own log lines hold addresses, and an address holds the receipt; ours are written in `addHooks`.
    logger: false,
    genReqId: () => randomUUID(),
    bodyLimit: limits.jsonBytesMax,
    // Uploads have a limit of their own that can say what was wrong; this one is behind it.
    requestTimeout: limits.requestMsMax + TIMEOUT_SLACK_MS,
    // Which address counts is decided in one place (`EdgeLimits`).
    trustProxy: false,
    // HEAD on an event stream would never end.
    exposeHeadRoutes: false,
    // We say it ourselves, as a problem document.
    return503OnClosing: false,
    routerOptions: { maxParamLength: PATH_PARAMETER_MAX },
    frameworkErrors: (error: { statusCode?: number }, request: FastifyRequest, reply: FastifyReply) =>
      sendProblem(request, reply, new ProblemError(codeOfStatus(error.statusCode ?? 400))),
    clientErrorHandler: (error: NodeJS.ErrnoException, socket: Socket) => answerUnparsable(error, socket),
    ...(tls
      ? { https: { ...timeouts, cert: tls.cert, key: tls.key, ...asking, minVersion: 'TLSv1.2' as const } }
      : { http: timeouts }),
  };
  return new FastifyAdapter(options as object);
}

function boundConnections(server: FastifyInstance, { limits, trustProxy }: ApiSettings, edge: EdgeLimits): void {
  const rules = {
    isProxy: (peer: string) => isTrusted(trustProxy, peer),
    isKept: (socket: Socket) => edge.isPlaced(socket),
  };
  new Connections(
    { connectionsMax: limits.connectionsMax, perAddressMax: limits.connectionsPerAddressMax },
    rules,
  ).attach(server.server);
}

interface Hooked {
  readonly settings: ApiSettings;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly lifecycle: Lifecycle;
  readonly gate: EdgeGate;
}

function addHooks(server: FastifyInstance, { settings, log, metrics, lifecycle, gate }: Hooked): void {
  server.addHook('onRequest', (request, reply, done) => {
    const started = performance.now();
    onEnd(reply.raw, (status) => {
      if (!gate.hasSentAway(request)) report(request, { status, ms: performance.now() - started, log, metrics });
    });
    reply.headers(SECURITY_HEADERS);
    reply.header('x-request-id', request.id);
    if (settings.tls) reply.header('strict-transport-security', HSTS);
    const isDocs = request.url.startsWith('/docs') || request.routeOptions.url?.startsWith('/docs') === true;
    if (isDocs) reply.header('content-security-policy', DOCS_POLICY);
    if (!isDocs || DOCS_FILES.has(request.url.split('?')[0] as string)) return done();
    sendProblem(request, reply, new ProblemError('route_not_found'));
  });
  server.addHook('onRequest', (request, reply, done) => {
    const begin = (): void => {
      if (!lifecycle.closing.aborted || request.routeOptions.url === ANSWERED_TO_THE_END) return done();
      reply.header('connection', 'close');
      sendProblem(request, reply, new ProblemError('shutting_down', { retryAfterSeconds: 5 }));
    };
    gate
      .admit(request, reply)
      .then(begin, (error: unknown) =>
        sendProblem(request, reply, error instanceof ProblemError ? error : new ProblemError('internal_error')),
      );
  });
  server.addHook('preClose', (done) => {
    // A client that holds a connection without asking anything must not keep the server from ending.
    setTimeout(() => server.server.closeAllConnections(), settings.limits.shutdownMsMax).unref();
    done();
  });
  server.addHook('onSend', (_request, reply, _payload, done) => {
    // Connections that were busy when the server began to close would otherwise be kept until their client lets go.
    if (lifecycle.closing.aborted) reply.header('connection', 'close');
    done();
  });
}

/** Tells once how an answer ended: its status, or that the client went away before. Not by `stream.finished`, which
 * listens twice to the close of an answer: Fastify and Nest listen eight times when they send a stream, and Node takes
 * the eleventh listener for a leak. */
function onEnd(raw: ServerResponse, tell: (status: number) => void): void {
  let isSent = false;
  raw.once('finish', () => {
    isSent = true;
    tell(raw.statusCode);
  });
  raw.once('close', () => {
    if (!isSent) tell(CLIENT_GONE);
  });
  // Something was written to a client that had gone: its close tells it.
  raw.on('error', () => {});
}

/** One line per request: the route's pattern, never its address, which may hold a receipt. */
function report(
  request: FastifyRequest,
  { status, ms, log, metrics }: { status: number; ms: number; log: Logger; metrics: Metrics },
): void {
  const route = request.is404 ? 'unmatched' : (request.routeOptions.url ?? 'unmatched');
  metrics.httpSeconds.observe({ method: request.method, route, status: String(status) }, ms / 1000);
  log.info({ id: request.id, method: request.method, route, status, ms: Math.round(ms * 10) / 10 }, 'request');
}

/** What is not even HTTP gets a problem document too, written by hand: there is no request object yet. */
function answerUnparsable(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const code =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? 'headers_too_large'
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? 'request_timeout'
        : 'invalid_request';
  const document = problemDocument(code, { requestId: randomUUID(), language: 'en' });
  const body = JSON.stringify(document);
  socket.end(
    `HTTP/1.1 ${document.status} ${STATUS_CODES[document.status]}\r\nContent-Type: ${PROBLEM_TYPE}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

/** Two addresses take forms; everywhere else that type stays unsupported. */
function takeFormsOfPages(server: FastifyInstance): void {
  server.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'buffer', bodyLimit: FORM_BYTES_MAX },
    ({ routeOptions }, body, done) => {
      if (TAKES_FORMS.has(routeOptions.url ?? '')) done(null, body);
      else done(new ProblemError('unsupported_media_type'));
    },
  );
}
