import { once } from 'node:events';
import { sign } from 'node:crypto';
import { Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { CommandBus } from '@nestjs/cqrs';
import type { LightMyRequestResponse } from 'fastify';
import { DEFAULT_UPLOADS, type UploadSettings } from '../../src/api/api-settings.js';
import { SignatureDoubts } from '../../src/api/booth/signature-doubts.js';
import { RefuseAtDoor } from '../../src/application/door/refuse-at-door.js';
import { EnrolBooth, SuspendBooth } from '../../src/application/commands/manage-booth.js';
import { challengeRequestText } from '../../src/domain/booth/challenge-request.js';
import { uploadPlaceText } from '../../src/domain/booth/upload-place.js';
import { ApiServer, NOW } from './support/api-server.js';
import { envelopeOf, newBooth, partsOf, requestJson, type TestBooth } from './support/booth.js';
import { BOUNDARY, multipartBody } from './support/multipart.js';
import { AS_OPERATOR } from '../support/operator.js';

type Kind = 'booth' | 'challenge' | 'stranger';

let booth: TestBooth;
let suspended: TestBooth;
const opened: ApiServer[] = [];
let counter = 0;

beforeAll(() => {
  booth = newBooth('booth-0001');
  suspended = newBooth('booth-0002');
});
const closeAll = async () => void (await Promise.all(opened.splice(0).map((api) => api.close())));

/** A server that has places of these kinds only. */
async function serverWith(...kinds: readonly Kind[]): Promise<ApiServer> {
  const none = (kind: Kind) => ({ ...DEFAULT_UPLOADS[kind], ...(kinds.includes(kind) ? {} : { placesMax: 0 }) });
  const uploads: UploadSettings = {
    ...DEFAULT_UPLOADS,
    booth: none('booth'),
    challenge: none('challenge'),
    stranger: none('stranger'),
  };
  const api = await ApiServer.start({ uploads });
  opened.push(api);
  const commands = api.app.get(CommandBus, { strict: false });
  await commands.execute(new EnrolBooth('enrol-1', booth.boothId, booth.publicKey, 'admin'));
  await commands.execute(new EnrolBooth('enrol-2', suspended.boothId, suspended.publicKey, 'admin'));
  await commands.execute(new SuspendBooth('suspend-2', suspended.boothId, 'lost', 'admin'));
  return api;
}

async function nonceFrom(api: ApiServer, boothId = booth.boothId): Promise<string> {
  const answer = await api.inject({
    method: 'POST',
    url: '/v1/challenges',
    headers: { 'content-type': 'application/json' },
    payload: { boothId },
  });
  return answer.json<{ nonce: string }>().nonce;
}

const shown = (boothId: string, nonce: string): Record<string, string> => ({
  'honnin-booth-id': boothId,
  'honnin-challenge': nonce,
});
const signed = (by: TestBooth, nonce: string, boothId = by.boothId): Record<string, string> => ({
  ...shown(boothId, nonce),
  'honnin-booth-signature': sign(null, Buffer.from(uploadPlaceText({ boothId, nonce })), by.privateKey).toString(
    'base64',
  ),
});

function post(
  api: ApiServer,
  nonce: string,
  headers: Record<string, string>,
  { by = booth, key = `key-${counter++}` } = {},
): Promise<LightMyRequestResponse> {
  const payload = multipartBody(partsOf(requestJson(by, envelopeOf(by, nonce))));
  return api.inject({
    method: 'POST',
    url: '/v1/registrations',
    headers: { 'content-type': `multipart/form-data; boundary=${BOUNDARY}`, 'idempotency-key': key, ...headers },
    payload,
  });
}

describe('the places of an upload', () => {
  afterEach(closeAll);

  it.each([
    ['an enrolled booth that signed for its challenge', 'booth', (nonce: string) => signed(booth, nonce), 202],
    ['a fresh challenge alone', 'challenge', (nonce: string) => shown(booth.boothId, nonce), 202],
    [
      "a fresh challenge with somebody else's signature",
      'challenge',
      (nonce: string) => signed(newBooth('x'), nonce, booth.boothId),
      202,
    ],
    [
      'a fresh challenge with a signature of another form',
      'challenge',
      (nonce: string) => ({ ...shown(booth.boothId, nonce), 'honnin-booth-signature': 'AAAA' }),
      202,
    ],
    ['nothing', 'stranger', () => ({}), 202],
  ] as const)('are, for %s, those of kind %s and no other', async (_name, kind, headers, status) => {
    const right = await serverWith(kind);
    const nonce = await nonceFrom(right);
    expect((await post(right, nonce, headers(nonce))).statusCode).toBe(status);
    const others = await serverWith(...(['booth', 'challenge', 'stranger'] as const).filter((each) => each !== kind));
    const elsewhere = await nonceFrom(others);
    const answer = await post(others, elsewhere, headers(elsewhere));
    expect(answer.json()).toMatchObject({ code: 'too_many_uploads', status: 503 });
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  });

  it('are not a booth’s own once it is suspended', async () => {
    const api = await serverWith('booth');
    const nonce = await nonceFrom(api, suspended.boothId);
    expect((await post(api, nonce, signed(suspended, nonce), { by: suspended })).json()).toMatchObject({
      code: 'too_many_uploads',
    });
  });

  it('are those of everybody once the challenge has expired, where a repeated request gets its first answer', async () => {
    const api = await serverWith('booth', 'stranger');
    const nonce = await nonceFrom(api);
    const first = await post(api, nonce, signed(booth, nonce), { key: 'queued' });
    expect(first.statusCode).toBe(202);
    api.clock.now = new Date(Date.parse(NOW) + 24 * 3_600_000).toISOString();
    const again = await post(api, nonce, signed(booth, nonce), { key: 'queued' });
    expect([again.statusCode, again.body]).toEqual([202, first.body]);
    // One that the server never had is told what it is.
    expect((await post(api, nonce, signed(booth, nonce), { key: 'never-sent' })).json()).toMatchObject({
      code: 'nonce_expired',
    });
  });
});

describe('questions for challenges', () => {
  afterEach(closeAll);

  it('of a booth that signs are not counted with those of its address', async () => {
    const limited = await ApiServer.start({ rateLimits: { challengesPerMinute: 2 } });
    opened.push(limited);
    await limited.app
      .get(CommandBus, { strict: false })
      .execute(new EnrolBooth('enrol-1', booth.boothId, booth.publicKey, 'admin'));
    const ask = async (headers: Record<string, string> = {}) =>
      (
        await limited.inject({
          method: 'POST',
          url: '/v1/challenges',
          headers: { 'content-type': 'application/json', ...headers },
          payload: { boothId: booth.boothId },
        })
      ).statusCode;
    const asked = (by: TestBooth, requestedAtUtc = NOW) => ({
      'honnin-booth-id': booth.boothId,
      'honnin-requested-at': requestedAtUtc,
      'honnin-booth-signature': sign(
        null,
        Buffer.from(challengeRequestText({ boothId: booth.boothId, requestedAtUtc })),
        by.privateKey,
      ).toString('base64'),
    });
    expect([await ask(), await ask(), await ask()]).toEqual([201, 201, 429]);
    expect([
      await ask(asked(booth)),
      await ask(asked(newBooth('x'))),
      await ask(asked(booth, '2026-11-23T07:54:59.000Z')),
    ]).toEqual([201, 429, 429]);
    expect([await ask(asked(booth, '2026-11-23T08:15:00.000Z')), await ask(asked(booth))]).toEqual([201, 429]);
  });
});

describe('turns', () => {
  afterEach(closeAll);
  const one = { perSecondBeside: 50, waitingMax: 2, waitingPerAddressMax: 2, waitMsMax: 5_000 };
  const boothAsks = () => ({
    'honnin-booth-id': booth.boothId,
    'honnin-requested-at': NOW,
    'honnin-booth-signature': sign(
      null,
      Buffer.from(challengeRequestText({ boothId: booth.boothId, requestedAtUtc: NOW })),
      booth.privateKey,
    ).toString('base64'),
  });

  it('are not waited for by a booth that signs; of others that come at once, too many are sent away unread, counted and not told one by one', async () => {
    const api = await ApiServer.start({ turns: { question: one } });
    opened.push(api);
    await api.app
      .get(CommandBus, { strict: false })
      .execute(new EnrolBooth('enrol-1', booth.boothId, booth.publicKey, 'admin'));
    const ask = (headers: Record<string, string> = {}, payload: object = { boothId: booth.boothId }) =>
      api.inject({
        method: 'POST',
        url: '/v1/challenges',
        headers: { 'content-type': 'application/json', ...headers },
        payload,
      });
    const answers = await Promise.all([
      ...Array.from({ length: 12 }, () => ask({}, { no: 'question' })),
      ask(boothAsks()),
      ask(boothAsks()),
    ]);
    expect(answers.slice(-2).map(({ statusCode }) => statusCode)).toEqual([201, 201]);
    const away = answers.filter(({ statusCode }) => statusCode === 429);
    expect(away.length).toBeGreaterThan(0);
    expect(answers.filter(({ statusCode }) => statusCode === 400).length).toBe(12 - away.length);
    for (const answer of away) {
      expect(answer.json()).toMatchObject({ code: 'too_many_requests' });
      expect(answer.headers).toMatchObject({ 'retry-after': '2', connection: 'close' });
    }
    expect(await api.doorRefusals()).toHaveLength(12 - away.length);
    expect((await api.inject({ method: 'GET', url: '/metrics', ...AS_OPERATOR })).body).toContain(
      `honnin_requests_turned_away_total{turn="question"} ${away.length}`,
    );
    expect(api.logLines.filter((line) => line.includes('"status":429'))).toEqual([]);
  });

  it('come to everybody when nobody else asks: one after the other, strangers are refused as fast as before', async () => {
    const api = await ApiServer.start({ turns: { stranger: { ...one, perSecondBeside: 1 } } });
    opened.push(api);
    const started = performance.now();
    for (let i = 0; i < 50; i += 1) expect((await post(api, 'A'.repeat(51), {})).statusCode).toBe(403);
    // Fifty turns of one a second would be fifty seconds.
    expect(performance.now() - started).toBeLessThan(25_000);
  });
});

describe('signatures that are checked before the turn', () => {
  const socket = () => ({}) as Socket;

  it('are none on a connection that brought a wrong one, and those of a booth that keeps its connection whatever others bring', async () => {
    const doubts = new SignatureDoubts();
    const [wrong, proved, fresh] = [socket(), socket(), socket()];
    doubts.right(proved);
    await doubts.wrong('a', wrong);
    expect([await doubts.mayCheck('a', wrong), await doubts.mayCheck('a', fresh)]).toEqual([false, true]);
    for (let i = 0; i < 19; i += 1) await doubts.wrong('a', socket());
    expect([
      await doubts.mayCheck('a', fresh),
      await doubts.mayCheck('b', fresh),
      await doubts.mayCheck('a', proved),
    ]).toEqual([false, true, true]);
    for (let i = 0; i < 80; i += 1) await doubts.wrong(`c${i}`, socket());
    expect([await doubts.mayCheck('b', fresh), await doubts.mayCheck('b', proved)]).toEqual([false, true]);
    await doubts.wrong('a', proved);
    expect(await doubts.mayCheck('a', proved)).toBe(false);
  });

  it('behind a proxy count by address alone', async () => {
    const doubts = new SignatureDoubts();
    doubts.right(null);
    for (let i = 0; i < 20; i += 1) await doubts.wrong('a', null);
    expect([await doubts.mayCheck('a', null), await doubts.mayCheck('b', null)]).toEqual([false, true]);
  });
});

describe('refusals beyond their budget', () => {
  const garbage = (api: ApiServer) =>
    api.inject({
      method: 'POST',
      url: '/v1/registrations',
      headers: { 'content-type': `multipart/form-data; boundary=${BOUNDARY}`, 'idempotency-key': 'k' },
      payload: 'x',
    });

  it('are answered all the same, counted in the metric, and told in one event for their minute, also when the process ends', async () => {
    const api = await ApiServer.start({ refusals: { perSourcePerMinute: 2, perMinute: 10 } });
    const { store } = api;
    for (let i = 0; i < 5; i += 1) expect((await garbage(api)).statusCode).toBe(400);
    expect(await api.doorRefusals()).toHaveLength(2);
    expect((await api.inject({ method: 'GET', url: '/metrics', ...AS_OPERATOR })).body).toContain(
      'honnin_door_refusals_total{code="malformed_request"} 5',
    );
    api.clock.now = '2026-11-23T08:06:01.000Z';
    await garbage(api);
    await api.app.get(RefuseAtDoor, { strict: false }).flush({ all: false });
    const counted = async () =>
      (await store.readAll(null, { limit: 4096 })).events
        .filter((e) => e.type === 'RequestsRefusedAtDoor')
        .map((e) => e.data);
    const first = {
      sinceUtc: '2026-11-23T08:05:00.000Z',
      untilUtc: '2026-11-23T08:06:00.000Z',
      refusals: [{ code: 'malformed_request', count: 3 }],
    };
    expect(await counted()).toEqual([first]);
    for (let i = 0; i < 3; i += 1) await garbage(api);
    await api.close();
    expect(await counted()).toEqual([
      first,
      {
        sinceUtc: '2026-11-23T08:06:00.000Z',
        untilUtc: '2026-11-23T08:07:00.000Z',
        refusals: [{ code: 'malformed_request', count: 2 }],
      },
    ]);
  });

  it('are kept while they cannot be stored, and stored once', async () => {
    const api = await ApiServer.start({ refusals: { perSourcePerMinute: 0, perMinute: 0 } });
    opened.push(api);
    await garbage(api);
    const door = api.app.get(RefuseAtDoor, { strict: false });
    api.store.trouble = { streamPrefix: 'door-', kind: 'throws' };
    await door.flush({ all: true });
    api.store.trouble = null;
    await door.flush({ all: true });
    await door.flush({ all: true });
    expect(
      (await api.events()).filter((e) => e.type === 'RequestsRefusedAtDoor').map((e) => e.data['refusals']),
    ).toEqual([[{ code: 'malformed_request', count: 1 }]]);
    await closeAll();
  });
});

describe('header fields that are none of ours', () => {
  let api: ApiServer;
  beforeAll(async () => {
    api = await serverWith('booth', 'challenge', 'stranger');
  });
  afterAll(closeAll);

  async function thenRefused(answer: LightMyRequestResponse, code: string, boothId: string | null): Promise<void> {
    expect(answer.json()).toMatchObject({ code });
    expect((await api.doorRefusals()).at(-1)?.data).toEqual({ code, boothId });
  }

  it('are refused when the challenge was never given out, or to another booth', async () => {
    const nonce = await nonceFrom(api, 'booth-0009');
    await thenRefused(await post(api, nonce, shown(booth.boothId, nonce)), 'nonce_unknown', booth.boothId);
    await thenRefused(await post(api, nonce, shown(booth.boothId, 'A'.repeat(51))), 'nonce_unknown', booth.boothId);
  });

  it.each([
    ['a challenge without a booth', (nonce: string) => ({ 'honnin-challenge': nonce })],
    ['a booth without a challenge', () => ({ 'honnin-booth-id': 'booth-0001' })],
    ['a challenge of another form', () => shown('booth-0001', 'a b')],
    ['a booth id of another form', (nonce: string) => shown('Booth 1', nonce)],
  ] as const)('are refused when they are not whole: %s', async (_name, headers) => {
    const nonce = await nonceFrom(api);
    await thenRefused(await post(api, nonce, headers(nonce)), 'malformed_request', null);
  });

  it('are refused when the body names another challenge, or another booth', async () => {
    const [one, other] = [await nonceFrom(api), await nonceFrom(api)];
    await thenRefused(await post(api, other, shown(booth.boothId, one)), 'malformed_request', booth.boothId);
    const theirs = await nonceFrom(api, suspended.boothId);
    await thenRefused(await post(api, theirs, shown(suspended.boothId, theirs)), 'malformed_request', booth.boothId);
  });

  it('are refused before a byte of the body has come', async () => {
    const address = new URL(await api.listen());
    const socket = new Socket().connect(Number(address.port), address.hostname);
    await once(socket, 'connect');
    socket.write(
      `POST /v1/registrations HTTP/1.1\r\nHost: x\r\nIdempotency-Key: k\r\nHonnin-Booth-Id: booth-0001\r\nHonnin-Challenge: ${'A'.repeat(51)}\r\nContent-Type: multipart/form-data; boundary=${BOUNDARY}\r\nContent-Length: 900000\r\n\r\n`,
    );
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 422 /);
    socket.destroy();
  });
});
