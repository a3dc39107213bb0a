import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Socket } from 'node:net';
import { once } from 'node:events';
import type { LightMyRequestResponse } from 'fastify';
import { EnrolBooth, SuspendBooth } from '../../src/application/commands/manage-booth.js';
import { CommandBus } from '@nestjs/cqrs';
import { writeMultipart } from '../../src/booth/multipart-body.js';
import { caseOwner, frameBlob } from '../../src/application/case/case-material.js';
import { ImageVault } from '../../src/application/ports/registrant/image-vault.js';
import { AnswerSchemas } from './support/answer-schemas.js';
import { ApiServer, NOW } from './support/api-server.js';
import {
  CARD_RECORD,
  envelopeOf,
  frameDigests,
  framePart,
  FRAMES,
  newBooth,
  partsOf,
  PHOTO,
  requestJson,
  type TestBooth,
} from './support/booth.js';
import { BOUNDARY, multipartBody, type WrittenPart } from './support/multipart.js';

// @req R1 R2 R4 R10 R21
let api: ApiServer;
let booth: TestBooth;
let counter = 0;

beforeAll(async () => {
  api = await ApiServer.start({ limits: { photoBytesMax: 200_000, frameBytesMax: 20_000 } });
  booth = newBooth('booth-0001');
  await api.app
    .get(CommandBus, { strict: false })
    .execute(new EnrolBooth('enrol-1', booth.boothId, booth.publicKey, 'admin'));
});
afterAll(() => api.close());
let schemas: AnswerSchemas;
beforeAll(async () => {
  schemas = new AnswerSchemas((await api.inject({ method: 'GET', url: '/openapi.json' })).json());
});
beforeEach(() => {
  api.clock.now = NOW;
  api.store.trouble = null;
});

async function nonce(boothId = booth.boothId): Promise<string> {
  const answer = await api.inject({
    method: 'POST',
    url: '/v1/challenges',
    headers: { 'content-type': 'application/json' },
    payload: { boothId },
  });
  expect(answer.statusCode).toBe(201);
  return answer.json<{ nonce: string }>().nonce;
}

/** What is answered is also what the interface description says. */
async function post(body: Buffer, headers: Record<string, string> = {}): Promise<LightMyRequestResponse> {
  const answer = await api.inject({
    method: 'POST',
    url: '/v1/registrations',
    headers: {
      'content-type': `multipart/form-data; boundary=${BOUNDARY}`,
      'idempotency-key': `key-${counter++}`,
      ...headers,
    },
    payload: body,
  });
  expect(schemas.mistakes('POST', '/v1/registrations', answer)).toEqual([]);
  return answer;
}

const send = (parts: readonly WrittenPart[], headers: Record<string, string> = {}) =>
  post(multipartBody(parts), headers);

async function honestParts(
  changes: Parameters<typeof envelopeOf>[2] = {},
  photo: Uint8Array = PHOTO,
): Promise<WrittenPart[]> {
  return partsOf(requestJson(booth, envelopeOf(booth, await nonce(), changes, photo)), photo);
}

/** Sends something that must be refused: the problem, exactly one refusal on record, and nothing else stored. */
async function thenRefused(
  sending: () => Promise<LightMyRequestResponse>,
  code: string,
  status: number,
  boothId: string | null = null,
): Promise<LightMyRequestResponse> {
  const before = (await api.events()).length;
  const answer = await sending();
  expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
  expect(answer.json()).toMatchObject({ code, status, type: `/problems/${code}` });
  expect(answer.statusCode).toBe(status);
  const stored = (await api.events()).slice(before);
  expect(stored.map((e) => [e.type, e.data])).toEqual([['RequestRefusedAtDoor', { code, boothId }]]);
  return answer;
}

describe('a good request', () => {
  it('is answered 202 with a receipt and its place', async () => {
    const answer = await send(await honestParts());
    expect(answer.statusCode).toBe(202);
    const { receipt, status } = answer.json<{ receipt: string; status: string }>();
    expect(status).toBe('received');
    expect(receipt).toMatch(/^[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){3}$/);
    expect(answer.headers['location']).toBe(`/v1/registrations/${receipt}`);
    expect(answer.headers['cache-control']).toBe('no-store');
  });

  it('gets the identical answer when it is repeated, and is stored once (@req A18)', async () => {
    const parts = await honestParts();
    const first = await send(parts, { 'idempotency-key': 'same-key' });
    const before = (await api.events()).length;
    const second = await send(parts, { 'idempotency-key': 'same-key' });
    expect(second.body).toBe(first.body);
    expect(second.statusCode).toBe(202);
    expect(second.headers['location']).toBe(first.headers['location']);
    expect((await api.events()).length).toBe(before);
  });

  it('may come with its parts in any order, with an optional charset and without file names', async () => {
    const parts = (await honestParts()).map(({ fileName: _, ...part }) => part).reverse();
    const answer = await send(
      parts.map((p) => (p.name === 'request' ? { ...p, contentType: 'application/json; charset=utf-8' } : p)),
    );
    expect(answer.statusCode).toBe(202);
  });

  it('may be written by the booth program of this project', async () => {
    const { bytes, contentType } = writeMultipart(
      (await honestParts()).map(({ name, contentType: type = '', bytes: content }) => ({
        name,
        contentType: type,
        content,
      })),
      'b012345678901',
    );
    expect((await post(Buffer.from(bytes), { 'content-type': contentType })).statusCode).toBe(202);
  });

  it('may have a random UUID as its key, also one whose groups look like a My Number', async () => {
    const answer = await send(await honestParts(), { 'idempotency-key': '0f8e2a1c-1234-4567-8901-123456789012' });
    expect(answer.statusCode).toBe(202);
  });

  it('may have a boundary of twelve digits, as one common client chooses them', async () => {
    const boundary = '----formdata-undici-012345678901';
    const answer = await post(multipartBody(await honestParts(), { boundary }), {
      'content-type': `multipart/form-data; boundary=${boundary}`,
    });
    expect(answer.statusCode).toBe(202);
  });
});

describe('a challenge', () => {
  const ask = (payload: string, contentType = 'application/json') =>
    api.inject({ method: 'POST', url: '/v1/challenges', headers: { 'content-type': contentType }, payload });

  it('is a nonce with an expiry', async () => {
    const answer = await ask(JSON.stringify({ boothId: 'booth-0001' }));
    expect(answer.statusCode).toBe(201);
    expect(answer.json()).toEqual({
      nonce: expect.stringMatching(/^[A-Za-z0-9_-]{16,}$/),
      expiresAtUtc: '2026-11-23T08:15:00.000Z',
      prompt: expect.stringMatching(/^turn-(left|right)$/),
    });
  });

  it.each([
    ['no JSON', '{"boothId":', 'malformed_request'],
    ['an empty body', '', 'malformed_request'],
    ['null', 'null', 'malformed_request'],
    ['a list', '[]', 'malformed_request'],
    ['a booth id of another form', '{"boothId":"Booth 1"}', 'malformed_request'],
    ['a number as booth id', '{"boothId":1}', 'malformed_request'],
    ['no booth id', '{}', 'malformed_request'],
    ['a My Number', '{"boothId":"123456789012"}', 'my_number_present'],
    ['a My Number behind escapes', '{"boothId":"\\u0031\\u0032\\u0033\\u0034 5678 9012"}', 'my_number_present'],
  ])('is refused for %s', async (_name, payload, code) => {
    await thenRefused(() => ask(payload), code, code === 'my_number_present' ? 422 : 400);
  });

  it('is refused for a member that does not belong there, naming the booth on record', async () => {
    const answer = await thenRefused(
      () => ask('{"boothId":"booth-0001","holder":"x"}'),
      'malformed_request',
      400,
      'booth-0001',
    );
    expect(answer.json<{ errors: unknown }>().errors).toEqual([{ pointer: '/holder', expected: 'no such member' }]);
  });

  it('is refused when it is too large or of another content type, also where the HTTP library says so', async () => {
    await thenRefused(() => ask(JSON.stringify({ boothId: 'x'.repeat(20_000) })), 'request_too_large', 413);
    await thenRefused(() => ask('<a/>', 'text/xml'), 'malformed_request', 400);
  });
});

describe('further frames', () => {
  const framed = async (
    frames: readonly Uint8Array[],
    framesSha256: unknown = frameDigests(frames),
  ): Promise<WrittenPart[]> => [
    ...(await honestParts({ framesSha256 } as Parameters<typeof envelopeOf>[2])),
    ...frames.map((bytes, i) => framePart(i, bytes)),
  ];

  it.each([0, 1, 2, 4])(
    'may be %i; they are sealed with the case, and the event holds the prompt and their commitments',
    async (count) => {
      const before = (await api.events()).length;
      expect((await send(await framed(FRAMES.slice(0, count)))).statusCode).toBe(202);
      const received = (await api.events()).slice(before).find((e) => e.type === 'RequestReceived');
      const requestId = String(received?.data['requestId']);
      const frames = received?.data['frames'] as { prompt: string; material: string[] } | null;
      if (count === 0) return expect(frames).toBeNull();
      expect(frames?.prompt).toMatch(/^turn-(left|right)$/);
      const vault = api.app.get(ImageVault, { strict: false });
      const opened = await Promise.all(
        (frames?.material ?? []).map((commitment, i) => vault.open(caseOwner(requestId), frameBlob(i), { commitment })),
      );
      expect(opened.map((bytes) => Buffer.from(bytes))).toEqual(FRAMES.slice(0, count));
    },
  );

  it('may come in any order of parts; the name says which is which', async () => {
    expect((await send((await framed(FRAMES)).reverse())).statusCode).toBe(202);
  });

  it('are judged by the prompt that was given out with the nonce', async () => {
    const challenge = (
      await api.inject({
        method: 'POST',
        url: '/v1/challenges',
        headers: { 'content-type': 'application/json' },
        payload: { boothId: booth.boothId },
      })
    ).json<{ nonce: string; prompt: string }>();
    const before = (await api.events()).length;
    await send([
      ...partsOf(
        requestJson(booth, envelopeOf(booth, challenge.nonce, { framesSha256: frameDigests(FRAMES.slice(0, 1)) })),
      ),
      framePart(0, FRAMES[0] as Buffer),
    ]);
    expect((await api.events()).slice(before).find((e) => e.type === 'RequestReceived')?.data['frames']).toMatchObject({
      prompt: challenge.prompt,
    });
  });

  it('are part of what an idempotency key stands for', async () => {
    const key = { 'idempotency-key': 'frames-key' };
    const challenge = await nonce();
    const parts = (frames: readonly Uint8Array[]) => [
      ...partsOf(requestJson(booth, envelopeOf(booth, challenge, { framesSha256: frameDigests(frames) }))),
      ...frames.map((bytes, i) => framePart(i, bytes)),
    ];
    const first = await send(parts(FRAMES.slice(0, 2)), key);
    expect((await send(parts(FRAMES.slice(0, 2)), key)).body).toBe(first.body);
    await thenRefused(() => send(parts(FRAMES.slice(1, 3)), key), 'idempotency_key_reused', 409, booth.boothId);
  });

  it.each<[string, () => Promise<WrittenPart[]>, string, number, string | null]>([
    [
      'a frame that was not signed for',
      async () => [...(await honestParts()), framePart(0, FRAMES[0] as Buffer)],
      'digest_mismatch',
      422,
      'booth-0001',
    ],
    [
      'a signed frame that is missing',
      async () => (await framed(FRAMES.slice(0, 2))).slice(0, -1),
      'digest_mismatch',
      422,
      'booth-0001',
    ],
    [
      'frames in another order',
      async () => framed(FRAMES.slice(0, 2), frameDigests(FRAMES.slice(0, 2)).reverse()),
      'digest_mismatch',
      422,
      'booth-0001',
    ],
    [
      'a gap in the numbers',
      async () => [
        ...(await honestParts({ framesSha256: frameDigests([FRAMES[1] as Buffer]) })),
        framePart(1, FRAMES[1] as Buffer),
      ],
      'malformed_request',
      400,
      null,
    ],
    [
      'a frame twice',
      async () => [...(await framed(FRAMES.slice(0, 1))), framePart(0, FRAMES[0] as Buffer)],
      'malformed_request',
      400,
      null,
    ],
    [
      'a fifth frame',
      async () => [...(await framed(FRAMES)), framePart(4, FRAMES[0] as Buffer)],
      'malformed_request',
      400,
      null,
    ],
    [
      'five digests',
      async () => framed(FRAMES, frameDigests([...FRAMES, FRAMES[0] as Buffer])),
      'malformed_request',
      400,
      'booth-0001',
    ],
    ['a digest that is none', async () => framed(FRAMES.slice(0, 1), ['x']), 'malformed_request', 400, 'booth-0001'],
    ['digests that are no list', async () => framed([], 'x'.repeat(64)), 'malformed_request', 400, 'booth-0001'],
    [
      'null instead of a list',
      async () =>
        (await honestParts()).map((p) =>
          p.name === 'request'
            ? { ...p, bytes: Buffer.from(String(p.bytes).replace('"nonce"', '"framesSha256":null,"nonce"')) }
            : p,
        ),
      'malformed_request',
      400,
      'booth-0001',
    ],
    ['a frame that is no JPEG', async () => framed([Buffer.alloc(300, 1)]), 'photo_unsupported', 415, 'booth-0001'],
    [
      'an empty frame',
      async () => [...(await honestParts()), framePart(0, Buffer.alloc(0))],
      'photo_unsupported',
      415,
      null,
    ],
    [
      'a frame of another type',
      async () => [...(await honestParts()), { ...framePart(0, FRAMES[0] as Buffer), contentType: 'image/png' }],
      'photo_unsupported',
      415,
      null,
    ],
    ['a frame one byte above its bound', async () => framed([Buffer.alloc(20_001, 1)]), 'photo_too_large', 413, null],
  ])('are refused for %s', async (_name, parts, code, status, boothId) => {
    await thenRefused(async () => send(await parts()), code, status, boothId);
  });

  it('cannot be left out of a signature that names them', async () => {
    const parts = await framed(FRAMES.slice(0, 1));
    const json = JSON.parse(String(parts[0]?.bytes)) as { envelope: Record<string, unknown> };
    delete json.envelope['framesSha256'];
    const stripped = [
      { ...(parts[0] as WrittenPart), bytes: Buffer.from(JSON.stringify(json)) },
      ...parts.slice(1, -1),
    ];
    await thenRefused(() => send(stripped), 'booth_signature_invalid', 403, 'booth-0001');
  });
});

describe('an upload that is not one of ours', () => {
  const without = (parts: readonly WrittenPart[], name: string) => parts.filter((p) => p.name !== name);
  const changed = (parts: readonly WrittenPart[], name: string, change: Partial<WrittenPart>) =>
    parts.map((p) => (p.name === name ? { ...p, ...change } : p));

  it.each(['request', 'certificate', 'cardRecord', 'cardIssuerCertificate', 'photo'])(
    'is refused without part %s',
    async (name) => {
      const parts = without(await honestParts(), name);
      await thenRefused(() => send(parts), 'malformed_request', 400);
    },
  );

  it.each(['request', 'certificate', 'cardRecord', 'cardIssuerCertificate', 'photo'])(
    'is refused with part %s twice',
    async (name) => {
      const parts = await honestParts();
      await thenRefused(
        () => send([...parts, parts.find((p) => p.name === name) as WrittenPart]),
        'malformed_request',
        400,
      );
      // Four different ones and one of them twice: the number of parts alone does not help.
      const five = [
        ...without(parts, name === 'photo' ? 'certificate' : 'photo'),
        parts.find((p) => p.name === name) as WrittenPart,
      ];
      await thenRefused(() => send(five), 'malformed_request', 400);
    },
  );

  it.each(['notes', 'Photo', 'photo ', '__proto__', 'toString', ''])(
    'is refused with a part named %j',
    async (name) => {
      const parts = await honestParts();
      await thenRefused(
        () => send([{ name, contentType: 'text/plain', bytes: Buffer.from('x') }, ...parts]),
        'malformed_request',
        400,
      );
      await thenRefused(
        () => send([...parts, { name, contentType: 'text/plain', bytes: Buffer.from('x') }]),
        'malformed_request',
        400,
      );
    },
  );

  it.each([
    ['request', 16 * 1024, 'request_too_large'],
    ['certificate', 8 * 1024, 'request_too_large'],
    ['cardRecord', 32 * 1024, 'request_too_large'],
    ['cardIssuerCertificate', 4 * 1024, 'request_too_large'],
    ['photo', 200_000, 'photo_too_large'],
  ])('is refused when part %s is one byte above %i bytes', async (name, bytesMax, code) => {
    const parts = await honestParts();
    await thenRefused(() => send(changed(parts, name, { bytes: Buffer.alloc(bytesMax + 1, 0x20) })), code, 413);
    // At the bound it is read, and refused for what it holds.
    const atBound = await send(changed(parts, name, { bytes: Buffer.alloc(bytesMax, 0x20) }));
    expect([400, 422]).toContain(atBound.statusCode);
  });

  it.each([
    ['request', 'text/plain', 'malformed_request', 400],
    ['certificate', 'application/octet-stream', 'malformed_request', 400],
    ['cardRecord', 'image/jpeg', 'malformed_request', 400],
    ['cardIssuerCertificate', 'application/json', 'malformed_request', 400],
    ['photo', 'image/png', 'photo_unsupported', 415],
    ['photo', undefined, 'photo_unsupported', 415],
  ])('is refused when part %s is of type %s', async (name, contentType, code, status) => {
    const parts = (await honestParts()).map((p) =>
      p.name !== name ? p : contentType === undefined ? { name: p.name, bytes: p.bytes } : { ...p, contentType },
    );
    await thenRefused(() => send(parts), code, status);
  });

  it('is refused when a part is encoded once more', async () => {
    const parts = changed(await honestParts(), 'photo', { headers: ['Content-Transfer-Encoding: base64'] });
    await thenRefused(() => send(parts), 'malformed_request', 400);
  });

  it.each(['certificate', 'cardRecord', 'cardIssuerCertificate', 'request'])(
    'is refused when part %s is empty',
    async (name) => {
      await thenRefused(
        async () => send(changed(await honestParts(), name, { bytes: Buffer.alloc(0) })),
        'malformed_request',
        400,
      );
    },
  );

  it('is refused when the photograph is empty', async () => {
    await thenRefused(
      async () => send(changed(await honestParts(), 'photo', { bytes: Buffer.alloc(0) })),
      'photo_unsupported',
      415,
    );
  });

  it('is refused when it ends in the middle, wherever that is', async () => {
    const whole = multipartBody(await honestParts());
    for (const end of [0, 10, 80, 400, 1_500, 5_000, whole.length - 30, whole.length - 6]) {
      await thenRefused(() => post(whole.subarray(0, end)), 'malformed_request', 400);
    }
  });

  it('is refused when it is not multipart, or its boundary is missing or another', async () => {
    const body = multipartBody(await honestParts());
    await thenRefused(() => post(body, { 'content-type': 'application/json' }), 'malformed_request', 400);
    await thenRefused(
      () => post(Buffer.alloc(20_000, 0x20), { 'content-type': 'application/json' }),
      'request_too_large',
      413,
    );
    await thenRefused(() => post(Buffer.from('{}'), { 'content-type': 'application/json' }), 'malformed_request', 400);
    await thenRefused(() => post(body, { 'content-type': 'application/octet-stream' }), 'malformed_request', 400);
    await thenRefused(() => post(body, { 'content-type': 'multipart/form-data' }), 'malformed_request', 400);
    await thenRefused(
      () => post(body, { 'content-type': 'multipart/form-data; boundary=other' }),
      'malformed_request',
      400,
    );
  });

  it('is refused by its total size before it is read, and while it is read', async () => {
    const parts = await honestParts();
    await thenRefused(() => post(multipartBody(parts, { preamble: 'x'.repeat(400_000) })), 'request_too_large', 413);
  });
});

describe('a request part that is not in the agreed form', () => {
  const text = async (change: (json: { envelope: Record<string, unknown> } & Record<string, unknown>) => unknown) => {
    const json = requestJson(booth, envelopeOf(booth, await nonce())) as { envelope: Record<string, unknown> } & Record<
      string,
      unknown
    >;
    return partsOf(change(structuredClone(json)));
  };
  const inEnvelope = (change: Record<string, unknown>) =>
    text((json) => ({ ...json, envelope: { ...json.envelope, ...change } }));

  it.each<[string, Record<string, unknown>, string]>([
    ['a nonce with a plus', { nonce: 'abc+'.repeat(8) }, '/envelope/nonce'],
    ['a short nonce', { nonce: 'abc' }, '/envelope/nonce'],
    ['a digest in capitals', { photoSha256: 'A'.repeat(64) }, '/envelope/photoSha256'],
    ['a digest of 63 digits', { certificateSha256: 'a'.repeat(63) }, '/envelope/certificateSha256'],
    ['a digest that is a number', { cardRecordSha256: 1 }, '/envelope/cardRecordSha256'],
    ['a missing digest', { cardIssuerCertificateSha256: undefined }, '/envelope/cardIssuerCertificateSha256'],
    ['a local time', { capturedAtUtc: '2026-11-23T17:00:00+09:00' }, '/envelope/capturedAtUtc'],
    ['a date alone', { capturedAtUtc: '2026-11-23' }, '/envelope/capturedAtUtc'],
    ['a day that does not exist', { capturedAtUtc: '2026-13-45T08:00:00.000Z' }, '/envelope/capturedAtUtc'],
    ['a negative counter', { counter: -1 }, '/envelope/counter'],
    ['a counter with a fraction', { counter: 1.5 }, '/envelope/counter'],
    ['a counter as text', { counter: '1' }, '/envelope/counter'],
    ['a counter above its bound', { counter: 2 ** 31 + 1 }, '/envelope/counter'],
    ['an unknown mode', { mode: 'registry_only' }, '/envelope/mode'],
    ['an unknown certificate type', { certificateType: 'other' }, '/envelope/certificateType'],
    ['a member that does not belong there', { holderName: 'x' }, '/envelope/holderName'],
    ['no consent', { consent: undefined }, '/envelope/consent'],
    ['consent as a list', { consent: [] }, '/envelope/consent'],
    ['consent without its answer', { consent: { textVersion: '2026-11' } }, '/envelope/consent/keepReferenceImage'],
    [
      'consent as "true"',
      { consent: { textVersion: '2026-11', keepReferenceImage: 'true' } },
      '/envelope/consent/keepReferenceImage',
    ],
    [
      'a consent with more',
      { consent: { textVersion: '2026-11', keepReferenceImage: true, signature: 'x' } },
      '/envelope/consent/signature',
    ],
  ])('is refused for %s', async (_name, change, pointer) => {
    const answer = await thenRefused(
      async () => send(await inEnvelope(change)),
      'malformed_request',
      400,
      booth.boothId,
    );
    expect(answer.json<{ errors: { pointer: string }[] }>().errors[0]?.pointer).toBe(pointer);
  });

  it.each<[string, (json: Record<string, unknown>) => unknown, string | null]>([
    ['no envelope', ({ envelope: _, ...rest }) => rest, null],
    ['an envelope that is a text', (json) => ({ ...json, envelope: 'x' }), null],
    [
      'a booth id of another form',
      (json) => ({ ...json, envelope: { ...(json['envelope'] as object), boothId: 'Booth_1' } }),
      null,
    ],
    ['an unknown member', (json) => ({ ...json, extra: 1 }), 'booth-0001'],
    ['no booth signature', ({ boothSignature: _, ...rest }) => rest, 'booth-0001'],
    [
      'a booth signature of 63 bytes',
      (json) => ({ ...json, boothSignature: Buffer.alloc(63).toString('base64') }),
      'booth-0001',
    ],
    [
      'base64url instead of base64',
      (json) => ({ ...json, cardSignature: Buffer.alloc(64, 0xff).toString('base64url') }),
      'booth-0001',
    ],
    ['base64 with spaces', (json) => ({ ...json, cardSignature: ' AAAA' }), 'booth-0001'],
    ['an empty card signature', (json) => ({ ...json, cardSignature: '' }), 'booth-0001'],
    [
      'a card signature above its bound',
      (json) => ({ ...json, cardChallengeSignature: Buffer.alloc(1_025).toString('base64') }),
      'booth-0001',
    ],
  ])('is refused for %s', async (_name, change, boothId) => {
    await thenRefused(async () => send(await text(change)), 'malformed_request', 400, boothId);
  });

  it.each([
    ['deep nesting', '['.repeat(8_000) + ']'.repeat(8_000)],
    ['deep nesting that never closes', '{"a":'.repeat(3_000)],
    ['nine levels', '[[[[[[[[[1]]]]]]]]]'],
    ['bytes that are not UTF-8', null],
    ['a byte order mark', '\ufeff{}'],
    ['two values', '{}{}'],
    ['a member __proto__', '{"__proto__":{"envelope":{}}}'],
    ['a member constructor', '{"envelope":{"constructor":{"prototype":{}}}}'],
    ['null', 'null'],
    ['a text', '"envelope"'],
  ])('is refused for %s', async (_name, json) => {
    const parts = partsOf(json ?? '');
    const bytes = json === null ? Buffer.from([0x7b, 0xff, 0xfe, 0x7d]) : Buffer.from(json);
    await thenRefused(
      () => send(parts.map((p) => (p.name === 'request' ? { ...p, bytes } : p))),
      'malformed_request',
      400,
    );
  });
});

describe('a My Number (@req A1)', () => {
  const NUMBER = '123456789018';

  it.each([
    ['as a member', `{"myNumber":"${NUMBER}"}`],
    ['as a number', `{"a":${NUMBER}}`],
    ['as a number with an exponent', '{"a":1.23456789018e11}'],
    ['as a member name', `{"${NUMBER}":1}`],
    ['in groups', '{"a":"1234-5678-9018"}'],
    ['in full-width digits', '{"a":"１２３４５６７８９０１８"}'],
    ['behind escapes', '{"a":"\\u0031\\u0032\\u0033\\u0034\\u0035\\u0036\\u0037\\u0038\\u0039\\u0030\\u0031\\u0038"}'],
    ['in a text that is no JSON at all', `hello ${NUMBER}`],
    ['deep inside', `[[[[[[[[[["${NUMBER}"]]]]]]]]]]`],
  ])('is refused in the request part %s, and none of it is kept', async (_name, json) => {
    const answer = await thenRefused(() => send(partsOf(json)), 'my_number_present', 422);
    expect(answer.body).not.toContain(NUMBER);
  });

  it('is refused in an otherwise good request, before anything else is said about it', async () => {
    const json = requestJson(booth, envelopeOf(booth, await nonce()));
    await thenRefused(() => send(partsOf({ ...json, note: `no ${NUMBER} no` })), 'my_number_present', 422);
  });

  it.each([
    ['the idempotency key', { 'idempotency-key': NUMBER }],
    ['any header', { 'x-note': `a ${NUMBER} b` }],
    ['a header name', { [`x-${'1234-5678-9018'}`]: 'a' }],
  ])('is refused in %s', async (_name, headers) => {
    await thenRefused(
      async () => send(await honestParts(), headers as Record<string, string>),
      'my_number_present',
      422,
    );
  });

  it('is refused in the file name or the name of a part', async () => {
    const parts = await honestParts();
    await thenRefused(
      () => send(parts.map((p) => (p.name === 'photo' ? { ...p, fileName: `${NUMBER}.jpg` } : p))),
      'my_number_present',
      422,
    );
    await thenRefused(
      () => send([{ name: NUMBER, contentType: 'text/plain', bytes: Buffer.from('x') }, ...parts]),
      'my_number_present',
      422,
    );
  });

  it('never comes into a log line or an event', async () => {
    expect(api.logLines.join('')).not.toMatch(/123456789018|1234-5678-9018/);
    expect(JSON.stringify((await api.events()).map((e) => e.data))).not.toContain(NUMBER);
  });
});

describe('what the command refuses', () => {
  it.each<[string, () => Promise<WrittenPart[]>, string, number, string]>([
    [
      'a booth that is not enrolled',
      async () => {
        const other = newBooth('booth-9999');
        return partsOf(requestJson(other, envelopeOf(other, await nonce('booth-9999'))));
      },
      'booth_not_enrolled',
      403,
      'booth-9999',
    ],
    [
      'a signature by another key',
      async () => {
        const other = newBooth(booth.boothId);
        return partsOf(requestJson(other, envelopeOf(other, await nonce())));
      },
      'booth_signature_invalid',
      403,
      'booth-0001',
    ],
    [
      'another photograph than was signed',
      async () =>
        partsOf(requestJson(booth, envelopeOf(booth, await nonce())), Buffer.concat([PHOTO, Buffer.from([1])])),
      'digest_mismatch',
      422,
      'booth-0001',
    ],
    ['a nonce that nobody gave', () => honestParts({ nonce: 'A'.repeat(51) }), 'nonce_unknown', 422, 'booth-0001'],
    [
      'a photograph that is no JPEG',
      () => honestParts({}, Buffer.alloc(500, 1)),
      'photo_unsupported',
      415,
      'booth-0001',
    ],
    [
      'a photograph that goes on',
      () => honestParts({}, Buffer.concat([PHOTO, PHOTO])),
      'photo_unsupported',
      415,
      'booth-0001',
    ],
    ['half a photograph', () => honestParts({}, PHOTO.subarray(0, 1_000)), 'photo_damaged', 422, 'booth-0001'],
    [
      'a capture in the future',
      () => honestParts({ capturedAtUtc: '2026-11-23T08:10:00.000Z' }),
      'captured_in_future',
      422,
      'booth-0001',
    ],
    [
      'a capture long ago',
      () => honestParts({ capturedAtUtc: '2026-11-21T08:10:00.000Z' }),
      'captured_too_long_ago',
      422,
      'booth-0001',
    ],
    [
      'a consent text that is not in use',
      () => honestParts({ consent: { textVersion: '1999-01', keepReferenceImage: true } }),
      'consent_text_unknown',
      422,
      'booth-0001',
    ],
    [
      'registry mode without that consent',
      () => honestParts({ mode: 'REGISTRY_ONLY', consent: { textVersion: '2026-11', keepReferenceImage: false } }),
      'consent_needed_for_registry',
      422,
      'booth-0001',
    ],
  ])('%s', async (_name, parts, code, status, boothId) => {
    await thenRefused(async () => send(await parts()), code, status, boothId);
  });

  it('the other type of certificate where nobody tells which two are on one card', async () => {
    api.links.isConfigured = false;
    try {
      const signing = async () => send(await honestParts({ certificateType: 'digital_signature' }));
      await thenRefused(signing, 'certificate_type_not_accepted', 422, 'booth-0001');
      expect((await send(await honestParts())).statusCode).toBe(202);
    } finally {
      api.links.isConfigured = true;
    }
    expect((await send(await honestParts({ certificateType: 'digital_signature' }))).statusCode).toBe(202);
  });

  it('a photograph or a frame that has two readings, with the place and the remedy', async () => {
    const data = async (parts: WrittenPart[]): Promise<unknown> => (await send(parts)).json();
    const spoilt = Buffer.from(PHOTO);
    spoilt.writeUInt16BE(800, PHOTO.indexOf(Buffer.from([0xff, 0xc0])) + 5);
    const remedy = { ja: expect.any(String), en: expect.any(String) };
    expect(await data(await honestParts({}, spoilt))).toMatchObject({
      code: 'photo_damaged',
      data: { part: 'photo', segment: 'scan 1', byte: PHOTO.length - 2, reason: 'rows_missing', remedy },
    });
    const commented = Buffer.concat([
      PHOTO.subarray(0, 20),
      Buffer.from([0xff, 0xfe, 0, 4, 65, 66]),
      PHOTO.subarray(20),
    ]);
    const frames = [FRAMES[0] as Buffer, commented];
    const parts = await honestParts({ framesSha256: frameDigests(frames) });
    expect(await data([...parts, ...frames.map((frame, i) => framePart(i, frame))])).toMatchObject({
      code: 'photo_unsupported',
      data: { part: 'frame1', segment: 'COM', byte: 20, reason: 'comment', remedy },
    });
  });

  it('a photograph that nobody can read just now: nothing is stored, and the booth comes again', async () => {
    api.photos.busy = true;
    const parts = await honestParts();
    const answer = await send(parts);
    api.photos.busy = false;
    const { statusCode, headers } = answer;
    expect({ statusCode, code: answer.json().code, wait: headers['retry-after'] }).toEqual({
      statusCode: 503,
      code: 'too_many_uploads',
      wait: '1',
    });
    expect((await send(parts)).statusCode).toBe(202);
  });

  it('an expired nonce (@req A13)', async () => {
    const parts = await honestParts();
    api.clock.now = '2026-11-23T08:15:00.001Z';
    await thenRefused(() => send(parts), 'nonce_expired', 422, 'booth-0001');
  });

  it('a nonce that another request has used', async () => {
    const used = await nonce();
    expect((await send(partsOf(requestJson(booth, envelopeOf(booth, used))))).statusCode).toBe(202);
    await thenRefused(
      () => send(partsOf(requestJson(booth, envelopeOf(booth, used)))),
      'nonce_replayed',
      409,
      'booth-0001',
    );
  });

  it('a key that another body has used (@req A18)', async () => {
    expect((await send(await honestParts(), { 'idempotency-key': 'taken' })).statusCode).toBe(202);
    await thenRefused(
      async () => send(await honestParts({ counter: 2 }), { 'idempotency-key': 'taken' }),
      'idempotency_key_reused',
      409,
      'booth-0001',
    );
  });

  it('a suspended booth', async () => {
    const other = newBooth('booth-0002');
    const bus = api.app.get(CommandBus, { strict: false });
    await bus.execute(new EnrolBooth('enrol-2', other.boothId, other.publicKey, 'admin'));
    await bus.execute(new SuspendBooth('suspend-2', other.boothId, 'lost', 'admin'));
    await thenRefused(
      async () => send(partsOf(requestJson(other, envelopeOf(other, await nonce(other.boothId))))),
      'booth_is_suspended',
      403,
      'booth-0002',
    );
  });
});

describe('the idempotency key', () => {
  it('is needed', async () => {
    const body = multipartBody(await honestParts());
    await thenRefused(
      () =>
        api.inject({
          method: 'POST',
          url: '/v1/registrations',
          headers: { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` },
          payload: body,
        }),
      'idempotency_key_missing',
      400,
    );
  });

  it.each([
    ['129 characters', 'k'.repeat(129)],
    ['a space', 'a b'],
    ['a letter outside ASCII', 'schlüssel'],
  ])('is refused with %s', async (_name, key) => {
    await thenRefused(async () => send(await honestParts(), { 'idempotency-key': key }), 'malformed_request', 400);
  });
});

describe('when the store has trouble', () => {
  it('answers that the outcome is unknown, with a time to come back', async () => {
    const parts = await honestParts();
    api.store.trouble = { streamPrefix: 'registration-', kind: 'unknown' };
    const answer = await send(parts, { 'idempotency-key': 'unknown-1' });
    expect(answer.statusCode).toBe(503);
    expect(answer.json()).toMatchObject({ code: 'outcome_unknown', status: 503 });
    expect(answer.headers['retry-after']).toBe('2');
    api.store.trouble = null;
    expect((await send(parts, { 'idempotency-key': 'unknown-1' })).statusCode).toBe(202);
  });

  it('does not answer a refusal that is not on record', async () => {
    api.store.trouble = { streamPrefix: 'door-', kind: 'unknown' };
    expect((await send([])).json()).toMatchObject({ code: 'outcome_unknown' });
    const tooLarge = await api.inject({
      method: 'POST',
      url: '/v1/challenges',
      headers: { 'content-type': 'application/json' },
      payload: 'x'.repeat(20_000),
    });
    expect(tooLarge.json()).toMatchObject({ code: 'outcome_unknown', status: 503 });
  });

  it('tells nothing of the inside when something breaks', async () => {
    api.store.trouble = { streamPrefix: 'door-', kind: 'throws' };
    const answer = await send([]);
    expect(answer.json()).toMatchObject({ code: 'internal_error', status: 500 });
    expect(answer.body).not.toMatch(/disk|stack|\.ts/);
    expect(api.logLines.some((line) => line.includes('the disk is full'))).toBe(true);
  });
});

describe('limits', () => {
  it('asks an address that sends too much to wait, without filling the record', async () => {
    const limited = await ApiServer.start({
      rateLimits: { challengesPerMinute: 2, registrationsPerMinute: 1, statusPerMinute: 1 },
    });
    const challenge = () =>
      limited.inject({
        method: 'POST',
        url: '/v1/challenges',
        headers: { 'content-type': 'application/json' },
        payload: { boothId: 'booth-0001' },
      });
    expect([(await challenge()).statusCode, (await challenge()).statusCode]).toEqual([201, 201]);
    const third = await challenge();
    expect(third.json()).toMatchObject({ code: 'too_many_requests', status: 429 });
    expect(Number(third.headers['retry-after'])).toBeGreaterThan(0);
    expect(Number(third.headers['retry-after'])).toBeLessThanOrEqual(60);
    expect(await limited.doorRefusals()).toEqual([]);
    await limited.close();
  });

  it('reads only so many uploads at the same time', async () => {
    const limited = await ApiServer.start({
      uploads: { stranger: { placesMax: 0, perHolderMax: 2, bytesMax: 1_000_000, bytesPerSecondMax: 1_000_000 } },
    });
    const answer = await limited.inject({
      method: 'POST',
      url: '/v1/registrations',
      headers: { 'content-type': `multipart/form-data; boundary=${BOUNDARY}`, 'idempotency-key': 'k' },
      payload: multipartBody([]),
    });
    expect(answer.json()).toMatchObject({ code: 'too_many_uploads', status: 503 });
    await limited.close();
  });
});

describe('over a real connection', () => {
  let live: ApiServer;
  let address: URL;
  beforeAll(async () => {
    live = await ApiServer.start({ limits: { photoBytesMax: 50_000, frameBytesMax: 20_000, requestMsMax: 30_000 } });
    address = new URL(await live.listen());
  });
  afterAll(() => live.close());

  it('answers while the client is still sending too much, in chunks without a length', async () => {
    let sent = 0;
    const stream = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (sent === 0)
          controller.enqueue(
            Buffer.from(
              `--${BOUNDARY}\r\nContent-Disposition: form-data; name="photo"; filename="p"\r\nContent-Type: image/jpeg\r\n\r\n`,
            ),
          );
        if (sent++ > 40) controller.close();
        else controller.enqueue(Buffer.alloc(10_000, 1));
      },
    });
    const answer = await fetch(new URL('/v1/registrations', address), {
      method: 'POST',
      duplex: 'half',
      headers: { 'content-type': `multipart/form-data; boundary=${BOUNDARY}`, 'idempotency-key': 'k' },
      body: stream,
    } as RequestInit);
    expect(answer.status).toBe(413);
    expect(await answer.json()).toMatchObject({ code: 'photo_too_large' });
  });

  it('counts what lies outside the parts too', async () => {
    let sent = 0;
    const stream = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (sent++ > 40) controller.close();
        else controller.enqueue(Buffer.alloc(10_000, 0x78));
      },
    });
    const answer = await fetch(new URL('/v1/registrations', address), {
      method: 'POST',
      duplex: 'half',
      headers: { 'content-type': `multipart/form-data; boundary=${BOUNDARY}`, 'idempotency-key': 'k' },
      body: stream,
    } as RequestInit);
    expect(await answer.json()).toMatchObject({ code: 'request_too_large' });
  });

  it('records an upload whose sender went away, and keeps nothing of it', async () => {
    const before = (await live.doorRefusals()).length;
    const socket = new Socket().connect(Number(address.port), address.hostname);
    await once(socket, 'connect');
    socket.write(
      `POST /v1/registrations HTTP/1.1\r\nHost: x\r\nIdempotency-Key: k\r\nContent-Type: multipart/form-data; boundary=${BOUNDARY}\r\nContent-Length: 9000\r\n\r\n--${BOUNDARY}\r\nContent-Disposition: form-data; name="cardRecord"\r\nContent-Type: application/octet-stream\r\n\r\n${CARD_RECORD.toString('latin1').slice(0, 3_000)}`,
    );
    await new Promise((resolve) => setImmediate(resolve));
    socket.destroy();
    for (let tries = 0; tries < 200 && (await live.doorRefusals()).length === before; tries++)
      await new Promise((resolve) => setTimeout(resolve, 10));
    expect((await live.doorRefusals()).at(-1)?.data).toEqual({ code: 'malformed_request', boothId: null });
  });

  it('answers what is not HTTP with a problem document', async () => {
    const socket = new Socket().connect(Number(address.port), address.hostname);
    await once(socket, 'connect');
    socket.write('this is not HTTP\r\n\r\n');
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    await once(socket, 'close');
    const text = Buffer.concat(chunks).toString();
    expect(text).toMatch(/^HTTP\/1\.1 400 /);
    expect(text).toContain('application/problem+json');
    expect(JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4))).toMatchObject({
      code: 'invalid_request',
      status: 400,
    });
  });

  it('answers header fields that are too large with a problem document', async () => {
    const answer = await fetch(new URL('/health/live', address), { headers: { 'x-long': 'x'.repeat(40_000) } });
    expect(answer.status).toBe(431);
    expect(await answer.json()).toMatchObject({ code: 'headers_too_large' });
  });
});
