import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readiness } from '../../src/api/health-checks.js';
import { languageOf, PROBLEMS } from '../../src/api/contract/problems.js';
import { RateLimiter } from '../../src/api/edge/rate-limiter.js';
import { headersHoldMyNumber, parseJson } from '../../src/api/contract/json-body.js';
import { AnswerSchemas } from './support/answer-schemas.js';
import { ApiServer } from './support/api-server.js';
import { AS_OPERATOR } from '../support/operator.js';
import { peer } from '../support/peers.js';
import { itUnless } from '../support/unless.js';

let api: ApiServer;
beforeAll(async () => {
  api = await ApiServer.start();
});
afterAll(() => api.close());

describe('problem documents', () => {
  it.each([
    ['GET', '/nothing/here'],
    ['DELETE', '/v1/registrations'],
    ['PUT', '/v1/challenges'],
    ['HEAD', '/v1/nothing'],
    ['OPTIONS', '/v1/registrations'],
    ['GET', '/v1/registrations/'],
  ] as const)('answer %s %s, which is not there', async (method, url) => {
    const answer = await api.inject({ method, url });
    expect(answer.statusCode).toBe(404);
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
    if (method !== 'HEAD' && url !== '/v1/registrations/')
      expect(answer.json()).toMatchObject({ type: '/problems/route_not_found', code: 'route_not_found', status: 404 });
  });

  it.each([
    ['/v1/registrations/%E0%A4%A', 400],
    [`/v1/registrations/${'x'.repeat(300)}`, 414],
  ])('answer an address that the router cannot read: %s', async (url, status) => {
    const answer = await api.inject({ method: 'GET', url });
    expect(answer.statusCode).toBe(status);
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(answer.json()).toMatchObject({ status });
  });

  it('have all members of RFC 9457, a number for questions, and tell nothing of the request', async () => {
    const answer = await api.inject({ method: 'GET', url: '/secret-address' });
    const body = answer.json<Record<string, unknown>>();
    expect(Object.keys(body).sort()).toEqual(['code', 'detail', 'instance', 'status', 'title', 'type']);
    expect(body['instance']).toBe(`urn:uuid:${answer.headers['x-request-id']}`);
    expect(answer.body).not.toContain('secret-address');
  });

  it('speak Japanese when it is liked better', async () => {
    const answer = await api.inject({
      method: 'GET',
      url: '/x',
      headers: { 'accept-language': 'ja-JP,ja;q=0.9,en;q=0.8' },
    });
    expect(answer.headers['content-language']).toBe('ja');
    expect(answer.json<{ detail: string }>().detail).toBe(PROBLEMS.route_not_found.ja);
  });

  it.each([
    [undefined, 'en'],
    ['', 'en'],
    ['ja', 'ja'],
    ['en,ja', 'en'],
    ['ja;q=0.5,en', 'en'],
    ['en;q=0.5, ja-JP;q=0.7', 'ja'],
    ['fr,ja;q=0', 'en'],
    ['*', 'en'],
    [';;;,,q=9', 'en'],
  ])('take %j as %s', (header, language) => {
    expect(languageOf(header)).toBe(language);
  });

  it('are explained at their type, every one of them in both languages', async () => {
    for (const [code, kind] of Object.entries(PROBLEMS)) {
      const answer = await api.inject({ method: 'GET', url: `/problems/${code}` });
      expect(answer.json()).toEqual({ code, ...kind });
      expect(kind.status).toBeGreaterThanOrEqual(400);
      expect(kind.ja).toMatch(/[ぁ-んァ-ン一-龯]/);
      expect(kind.en).toMatch(/^[A-Z].*\.$/);
    }
    expect((await api.inject({ method: 'GET', url: '/problems/toString' })).json()).toMatchObject({
      code: 'not_found',
    });
  });
});

interface Operation {
  readonly operationId?: string;
  readonly responses: Record<string, { description?: string; content?: Record<string, { schema?: object }> }>;
  readonly parameters?: readonly { name: string; in: string; required?: boolean }[];
  readonly requestBody?: { content: Record<string, { encoding?: object }> };
}
interface OpenApi {
  readonly openapi: string;
  readonly info: { title: string; version: string };
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: Record<string, Record<string, unknown>>;
}

const OPERATIONS = [
  'activatePolicy',
  'approveAct',
  'approvePolicy',
  'auditCheckpoint',
  'auditCosigned',
  'auditKeys',
  'auditList',
  'auditListDifference',
  'caseDifference',
  'caseStateAt',
  'checkPhoto',
  'compareWithShippedDefault',
  'declineAct',
  'endRequest',
  'explainCase',
  'explainProblem',
  'exportBundle',
  'getBoothSettings',
  'getHold',
  'getRegistrationStatus',
  'getSignIn',
  'giveOpinion',
  'issueChallenge',
  'listActs',
  'listBooths',
  'listCases',
  'listConsumers',
  'listHolds',
  'listLockouts',
  'listPolicies',
  'listWaitingCases',
  'live',
  'lockOut',
  'metrics',
  'offlineVerifier',
  'proposeBooth',
  'proposeBoothKey',
  'proposeErasure',
  'proposePolicy',
  'proposeReadmission',
  'proposeResumption',
  'proposeSkip',
  'proveConsistency',
  'proveInclusion',
  'proveReceipt',
  'ready',
  'receiveRegistration',
  'replayCase',
  'replayParked',
  'resolveHold',
  'resumeConsumer',
  'resumeEffect',
  'streamNews',
  'streamRegistrationStatus',
  'suspendBooth',
  'viewImage',
  'whatIf',
  'whoAmI',
  'withdrawOpinion',
];

describe('the interface description', () => {
  let document: OpenApi;
  beforeAll(async () => {
    const answer = await api.inject({ method: 'GET', url: '/openapi.json' });
    expect([answer.statusCode, answer.headers['content-type']]).toEqual([
      200,
      expect.stringMatching(/^application\/json/),
    ]);
    document = answer.json<OpenApi>();
  });

  const operations = () =>
    Object.entries(document.paths).flatMap(([route, item]) =>
      Object.entries(item).map(([method, operation]) => ({ route, method, operation })),
    );

  /** Calls back with every object inside. */
  function everyObject(value: unknown, visit: (object: Record<string, unknown>, at: string) => void, at = '#'): void {
    if (value === null || typeof value !== 'object') return;
    if (!Array.isArray(value)) visit(value as Record<string, unknown>, at);
    for (const [key, member] of Object.entries(value)) everyObject(member, visit, `${at}/${key}`);
  }

  it('is OpenAPI 3.1 with the members that it must have', () => {
    expect(document.openapi).toMatch(/^3\.1\.\d+$/);
    expect(document.info).toMatchObject({ title: 'Honnin', version: '1' });
    expect(
      operations()
        .map(({ operation }) => operation.operationId)
        .sort(),
    ).toEqual(OPERATIONS);
  });

  it('has none of the words of OpenAPI 3.0 that 3.1 has given up', () => {
    const found: string[] = [];
    everyObject(document, (object, at) => {
      if ('nullable' in object) found.push(`${at}: nullable`);
      for (const bound of ['exclusiveMinimum', 'exclusiveMaximum'])
        if (typeof object[bound] === 'boolean') found.push(`${at}: ${bound}`);
      if (Array.isArray(object['type']) && new Set(object['type']).size !== object['type'].length)
        found.push(`${at}: type`);
    });
    expect(found).toEqual([]);
  });

  it('says that null is possible where it is', () => {
    const holds = document.components['schemas']?.['HoldAnswer'] as {
      properties: Record<string, { type?: unknown; enum?: unknown[] }>;
    };
    expect(holds.properties['registeredPoints']?.type).toEqual(['integer', 'null']);
    expect(holds.properties['outcome']?.type).toEqual(['string', 'null']);
    expect(holds.properties['outcome']?.enum).toEqual(expect.arrayContaining(['released', null]));
  });

  it('has schemas that are JSON Schema 2020-12, as OpenAPI 3.1 asks', () => {
    expect(new AnswerSchemas(document).compileAll()).toBeGreaterThan(20);
  });

  it('is held against answers by a check that finds mistakes', () => {
    const schemas = new AnswerSchemas(document);
    const answer = (statusCode: number, type: string, body: object) =>
      ({
        statusCode,
        headers: { 'content-type': type },
        body: JSON.stringify(body),
        json: () => body,
      }) as unknown as Parameters<typeof schemas.mistakes>[2];
    const good = { receipt: '7K3M-9QXD-2VTB-HW60', status: 'received', updatedAtUtc: '2026-11-23T08:00:00.000Z' };
    const url = '/v1/registrations/7K3M-9QXD-2VTB-HW60';
    expect(schemas.mistakes('GET', url, answer(200, 'application/json', good))).toEqual([]);
    for (const wrong of [
      { ...good, status: 'held' },
      { ...good, updatedAtUtc: 'yesterday' },
      { receipt: good.receipt },
    ]) {
      expect(schemas.mistakes('GET', url, answer(200, 'application/json', wrong))).not.toEqual([]);
    }
    expect(schemas.mistakes('GET', url, answer(418, 'application/json', good))).not.toEqual([]);
    expect(schemas.mistakes('GET', url, answer(200, 'text/plain', good))).not.toEqual([]);
    expect(
      schemas.mistakes(
        'GET',
        url,
        answer(404, 'application/problem+json', {
          type: '/problems/forbidden',
          title: 'x',
          status: 404,
          code: 'forbidden',
          detail: 'x',
          instance: 'urn:uuid:x',
        }),
      ),
    ).not.toEqual([]);
  });

  it('has only references that lead somewhere', () => {
    let references = 0;
    everyObject(document, (object) => {
      const reference = object['$ref'];
      if (typeof reference !== 'string') return;
      references++;
      const target = reference
        .split('/')
        .slice(1)
        .reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], document);
      expect([reference, typeof target]).toEqual([reference, 'object']);
    });
    expect(references).toBeGreaterThan(50);
  });

  it('gives every operation an id of its own, a success, and its problems as problem documents', () => {
    const ids = operations().map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { route, method, operation } of operations()) {
      const statuses = Object.keys(operation.responses);
      expect([route, method, statuses.filter((s) => s.startsWith('2')).length]).toEqual([route, method, 1]);
      expect(statuses).toEqual(expect.arrayContaining(['500', '503']));
      for (const status of statuses.filter((s) => !s.startsWith('2'))) {
        expect(operation.responses[status]).toMatchObject({
          description: expect.any(String),
          content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
          'x-problem-codes': expect.arrayContaining([expect.any(String)]),
        });
      }
      for (const {
        responses: { [operationSuccess(operation)]: success },
      } of [operation])
        expect(success?.description).toBeTruthy();
    }
  });

  it('names every parameter of a path, and no other', () => {
    for (const { route, operation } of operations()) {
      const inPath = (operation.parameters ?? []).filter((p) => p.in === 'path');
      expect(inPath.map((p) => p.name).sort()).toEqual([...route.matchAll(/\{(\w+)\}/g)].map((m) => m[1]).sort());
      expect(inPath.every((p) => p.required === true)).toBe(true);
    }
  });

  it('describes the upload with the content type of each part', () => {
    const upload = document.paths['/v1/registrations']?.['post'];
    expect(upload?.requestBody?.content['multipart/form-data']?.encoding).toEqual({
      request: { contentType: 'application/json' },
      certificate: { contentType: 'application/pkix-cert' },
      cardRecord: { contentType: 'application/octet-stream' },
      cardIssuerCertificate: { contentType: 'application/octet-stream' },
      photo: { contentType: 'image/jpeg' },
      ...Object.fromEntries([0, 1, 2, 3].map((i) => [`frame${i}`, { contentType: 'image/jpeg' }])),
    });
    const fields = (upload?.parameters as { name: string; in: string; required: boolean }[]).map(
      ({ name, in: place, required }) => [name, place, required],
    );
    expect(fields.sort()).toEqual([
      ['Honnin-Booth-Id', 'header', false],
      ['Honnin-Booth-Signature', 'header', false],
      ['Honnin-Challenge', 'header', false],
      ['Idempotency-Key', 'header', true],
    ]);
  });

  it('is shown as a page, from this server alone', async () => {
    const page = await api.inject({ method: 'GET', url: '/docs' });
    expect([page.statusCode, page.headers['content-type']]).toEqual([200, expect.stringMatching(/^text\/html/)]);
    expect(page.headers['content-security-policy']).toContain("default-src 'self'");
    const sources = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map((m) => m[1] as string);
    expect(sources.length).toBeGreaterThan(2);
    for (const source of sources) {
      expect(source).not.toMatch(/^https?:/);
      expect((await api.inject({ method: 'GET', url: new URL(source, 'http://x/docs').pathname })).statusCode).toBe(
        200,
      );
    }
    expect((await api.inject({ method: 'GET', url: '/docs/nothing.js' })).headers['content-type']).toMatch(
      /^application\/problem\+json/,
    );
  });
});

function operationSuccess(operation: Operation): string {
  return Object.keys(operation.responses).find((s) => s.startsWith('2')) as string;
}

describe('health', () => {
  it('says alive, and ready part by part', async () => {
    expect((await api.inject({ method: 'GET', url: '/health/live' })).json()).toEqual({ status: 'ok' });
    expect((await api.inject({ method: 'GET', url: '/health/ready', ...AS_OPERATOR })).json()).toEqual({
      status: 'ok',
      troubles: [],
      parts: { store: { ok: true, detail: 'writes' } },
    });
  });

  it('says not ready with what is missing', async () => {
    api.health.readiness = { ok: false, parts: { models: { ok: false, detail: 'loading' } } };
    const answer = await api.inject({ method: 'GET', url: '/health/ready', ...AS_OPERATOR });
    expect(answer.json()).toMatchObject({
      code: 'not_ready',
      status: 503,
      troubles: ['models'],
      parts: { models: { ok: false, detail: 'loading' } },
    });
    expect((await api.inject({ method: 'GET', url: '/health/live' })).statusCode).toBe(200);
    api.health.readiness = { ok: true, parts: {} };
  });
});

const linesWith = (text: string, part: string) =>
  text.split('\n').filter((line) => line.includes(part) && !line.startsWith('#'));

describe('measurements', () => {
  it('count requests by route pattern and hold the delay of the event loop', async () => {
    await api.inject({ method: 'GET', url: '/v1/registrations/7K3M-9QXD-2VTB-HW60' });
    await api.inject({ method: 'GET', url: '/v1/anything/7K3M-9QXD-2VTB-HW60' });
    const answer = await api.inject({ method: 'GET', url: '/metrics', ...AS_OPERATOR });
    expect(answer.headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(
      linesWith(
        answer.body,
        'honnin_http_request_seconds_count{method="GET",route="/v1/registrations/:receipt",status="404"}',
      ),
    ).toHaveLength(1);
    expect(
      linesWith(answer.body, 'honnin_http_request_seconds_count{method="GET",route="unmatched",status="404"}'),
    ).toHaveLength(1);
    expect(linesWith(answer.body, 'nodejs_eventloop_lag_p99_seconds')).toHaveLength(1);
    expect(linesWith(answer.body, '7K3M')).toEqual([]);
  });

  it('count refusals at the door by code', async () => {
    await api.inject({
      method: 'POST',
      url: '/v1/challenges',
      headers: { 'content-type': 'application/json' },
      payload: '[]',
    });
    const { body } = await api.inject({ method: 'GET', url: '/metrics', ...AS_OPERATOR });
    expect(linesWith(body, 'honnin_door_refusals_total')).toEqual([
      'honnin_door_refusals_total{code="malformed_request"} 1',
    ]);
  });

  it('ask for their token', async () => {
    const guarded = await ApiServer.start({ metricsToken: 'scrape-me' });
    const ask = (authorization?: string) =>
      guarded.inject({ method: 'GET', url: '/metrics', headers: authorization === undefined ? {} : { authorization } });
    expect([
      (await ask()).statusCode,
      (await ask('Bearer scrape-mx')).statusCode,
      (await ask('Bearer scrape-me')).statusCode,
    ]).toEqual([401, 401, 200]);
    await guarded.close();
  });
});

// @fault O9
describe('the port of the booths', () => {
  const ask = (server: ApiServer, url: string, authorization?: string) =>
    server.inject({ method: 'GET', url, headers: authorization === undefined ? {} : { authorization } });
  const troubled: Readiness = {
    ok: false,
    parts: { events: { ok: false, detail: 'unable to open /srv/honnin/events.db' } },
  };

  it.each([
    ['without the token', 'scrape-me', undefined],
    ['with another one', 'scrape-me', 'Bearer scrape-mx'],
    ['where no token is set', null, undefined],
    ['where no token is set, with an empty one', null, 'Bearer '],
    ['where no token is set, with the word for it', null, 'Bearer null'],
  ])('shows measurements and the words of what is wrong to nobody %s', async (_how, metricsToken, authorization) => {
    const server = await ApiServer.start({ metricsToken });
    const metrics = await ask(server, '/metrics', authorization);
    expect(metrics.json()).toMatchObject({ status: 401, code: 'unauthenticated' });
    const fine = await ask(server, '/health/ready', authorization);
    expect([fine.statusCode, fine.json()]).toEqual([200, { status: 'ok', troubles: [] }]);
    server.health.readiness = troubled;
    const ready = await ask(server, '/health/ready', authorization);
    expect(ready.json()).toMatchObject({ status: 503, code: 'not_ready', troubles: ['events'] });
    expect(ready.headers['retry-after']).toBe('5');
    expect(ready.body).not.toMatch(/"parts"|srv|unable/);
    server.health.readiness = { ok: true, degraded: true, parts: { cases: { ok: false, detail: '3 are open' } } };
    expect((await ask(server, '/health/ready', authorization)).json()).toEqual({
      status: 'degraded',
      troubles: ['cases'],
    });
    await server.close();
  });

  it('serves of the documentation what its page needs, and nothing else of its package', async () => {
    const files = readdirSync(
      path.join(path.dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'))),
    );
    expect(files.length).toBeGreaterThan(20);
    const page = (await ask(api, '/docs')).body;
    const served: string[] = [];
    for (const file of files) if ((await ask(api, `/docs/${file}`)).statusCode === 200) served.push(file);
    const needed = files.filter((file) => page.includes(`/${file}"`));
    expect(served.sort()).toEqual(needed.sort());
    for (const url of [
      '/docs/package.json',
      '/docs/%70ackage.json',
      '/docs/./package.json',
      '/docs//package.json',
      '/docs/x/../package.json',
      '/docs/swagger-ui.css.map',
      '/docs/index.html',
      '/docs-json',
      '/docs-yaml',
    ]) {
      const answer = await ask(api, url);
      expect([url, answer.statusCode, answer.headers['content-type']]).toEqual([
        url,
        404,
        expect.stringMatching(/^application\/problem\+json/),
      ]);
    }
  });

  it('leaves both to a port of its own, where that is set', async () => {
    const probe = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => probe.once('listening', resolve));
    const { port } = probe.address() as { port: number };
    await new Promise((resolve) => probe.close(resolve));
    const server = await ApiServer.start({ metricsToken: null, operatorPort: { host: '127.0.0.1', port } });
    const get = (url: string, method = 'GET') => fetch(`http://127.0.0.1:${port}${url}`, { method });
    expect(await (await get('/metrics')).text()).toContain('honnin_http_request_seconds');
    server.health.readiness = troubled;
    const ready = await get('/health/ready');
    expect([ready.status, await ready.json()]).toEqual([
      503,
      { status: 'not_ready', troubles: ['events'], parts: troubled.parts },
    ]);
    expect((await get('/health/live')).status).toBe(200);
    for (const [url, method] of [
      ['/', 'GET'],
      ['/v1/challenges', 'POST'],
      ['/metrics', 'POST'],
      ['/docs', 'GET'],
    ] as const) {
      expect([url, (await get(url, method)).status]).toEqual([url, 404]);
    }
    await server.close();
    await expect(get('/metrics')).rejects.toThrow('fetch failed');
  });
});

describe('the log', () => {
  it('has one line per request with id, method, route pattern, status and time', async () => {
    const before = api.logLines.length;
    const answer = await api.inject({
      method: 'GET',
      url: '/health/live?token=abc',
      headers: { authorization: 'Bearer secret-token' },
    });
    await new Promise((resolve) => setImmediate(resolve));
    const lines = api.logLines.slice(before).map((l) => JSON.parse(l) as Record<string, unknown>);
    expect(lines).toEqual([
      {
        level: 30,
        time: expect.stringMatching(/Z$/),
        service: 'honnin',
        id: answer.headers['x-request-id'],
        method: 'GET',
        route: '/health/live',
        status: 200,
        ms: expect.any(Number),
        msg: 'request',
      },
    ]);
  });
});

describe('shutting down', () => {
  it('asks new requests to come back, while the process still says that it lives', async () => {
    const closing = await ApiServer.start();
    const { Lifecycle } = await import('../../src/api/lifecycle.js');
    closing.app.get(Lifecycle, { strict: false }).onModuleDestroy();
    const answer = await closing.inject({
      method: 'POST',
      url: '/v1/challenges',
      headers: { 'content-type': 'application/json' },
      payload: {},
    });
    expect(answer.json()).toMatchObject({ code: 'shutting_down', status: 503 });
    expect(answer.headers).toMatchObject({ 'retry-after': '5', connection: 'close' });
    expect((await closing.inject({ method: 'GET', url: '/health/live' })).statusCode).toBe(200);
    await closing.close();
  });
});

describe('TLS', () => {
  itUnless(peer('openssl'), 'is spoken when certificate and key are set, from version 1.2 on', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'honnin-tls-'));
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-days',
        '1',
        '-subj',
        '/CN=localhost',
        '-addext',
        'subjectAltName=IP:127.0.0.1',
        '-keyout',
        path.join(folder, 'key.pem'),
        '-out',
        path.join(folder, 'cert.pem'),
      ],
      { stdio: 'ignore' },
    );
    const cert = readFileSync(path.join(folder, 'cert.pem'), 'utf8');
    const secure = await ApiServer.start({ tls: { cert, key: readFileSync(path.join(folder, 'key.pem'), 'utf8') } });
    const url = new URL('/health/live', await secure.listen());
    expect(url.protocol).toBe('https:');
    const ask = (options: object) =>
      new Promise<{ status: number; hsts: unknown }>((resolve, reject) => {
        httpsRequest(url, { ca: cert, agent: false, ...options }, (response) => {
          response.resume();
          resolve({ status: response.statusCode as number, hsts: response.headers['strict-transport-security'] });
        })
          .on('error', reject)
          .end();
      });
    expect(await ask({})).toEqual({ status: 200, hsts: 'max-age=31536000' });
    await expect(ask({ maxVersion: 'TLSv1.1', minVersion: 'TLSv1' })).rejects.toThrow();
    await secure.close();
    rmSync(folder, { recursive: true, force: true });
  });
});

describe('a rate limiter', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());
  const many = async (limiter: RateLimiter, count: number, key = 'a') => {
    const waits: number[] = [];
    for (let i = 0; i < count; i += 1) waits.push(await limiter.take(key));
    return waits;
  };

  it('lets as many through in a minute as allowed, key by key, and says how long to wait', async () => {
    const limiter = new RateLimiter(60);
    expect(await many(limiter, 61)).toEqual([...Array<number>(60).fill(0), 60]);
    expect(await limiter.take('b')).toBe(0);
    jest.advanceTimersByTime(59_500);
    expect(await limiter.take('a')).toBe(1);
    jest.advanceTimersByTime(600);
    expect(await many(limiter, 61)).toEqual([...Array<number>(60).fill(0), 60]);
  });

  it('is off at 0, and does not grow without end', async () => {
    expect((await many(new RateLimiter(0), 1_000)).every((wait) => wait === 0)).toBe(true);
    const limiter = new RateLimiter(1);
    expect(await limiter.take('first')).toBe(0);
    for (let i = 0; i < 10_000; i++) await limiter.take(`k${i}`);
    // The oldest was forgotten to make room, so it starts anew.
    expect(await limiter.take('first')).toBe(0);
    expect(await limiter.take('k9999')).toBeGreaterThan(0);
  });
});

describe('looking for a My Number', () => {
  it.each<[string, Record<string, string | string[]>, boolean]>([
    [
      'usual headers',
      {
        host: '127.0.0.1:3000',
        'content-length': '123456',
        'user-agent': 'node',
        date: 'Mon, 23 Nov 2026 08:05:00 GMT',
        traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      },
      false,
    ],
    ['a random UUID with digits', { 'idempotency-key': '0f8e2a1c-1234-4567-8901-123456789012' }, false],
    ['a boundary, quoted or not', { 'content-type': 'multipart/form-data; boundary="----a-123456789012"' }, false],
    [
      'a content type that is more than its boundary',
      { 'content-type': 'multipart/form-data; boundary=x; note=123456789012' },
      true,
    ],
    ['the boundary word in another header', { 'x-a': 'a; boundary=123456789012' }, true],
    ['one of several values', { 'x-a': ['a', '1234 5678 9012'] }, true],
    ['a UUID beside a number', { 'x-a': '0f8e2a1c-1234-4567-8901-123456789012 123456789012' }, true],
  ])('in %s', (_name, headers, found) => {
    expect(headersHoldMyNumber(headers)).toBe(found);
  });

  it('finds none in base64, digests and times as they occur in a request', () => {
    const body = {
      a: Buffer.alloc(256, 0x35).toString('base64'),
      b: '0123456789'.repeat(6) + 'abcd',
      c: '2026-11-23T08:15:30.123Z',
      d: 2 ** 31,
    };
    expect(parseJson(Buffer.from(JSON.stringify(body))).outcome).toBe('parsed');
  });
});
