import { createHash, sign } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { CommandBus } from '@nestjs/cqrs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { LightMyRequestResponse } from 'fastify';
import { EnrolBooth, SuspendBooth } from '../../src/application/commands/manage-booth.js';
import { captureEnvelopeText } from '../../src/domain/booth/capture-envelope.js';
import { photoCheckText } from '../../src/domain/booth/photo-check.js';
import { AnswerSchemas } from './support/answer-schemas.js';
import { ApiServer, NOW } from './support/api-server.js';
import {
  CERTIFICATE,
  envelopeOf,
  framePart,
  newBooth,
  partsOf,
  PHOTO,
  requestJson,
  type TestBooth,
} from './support/booth.js';
import { BOUNDARY, multipartBody, type WrittenPart } from './support/multipart.js';

// @req R21
const URL = '/v1/photo-checks';
let api: ApiServer;
let booth: TestBooth;
let schemas: AnswerSchemas;
let keys = 0;

beforeAll(async () => {
  api = await ApiServer.start({ limits: { photoBytesMax: 200_000 }, rateLimits: { photoChecksPerMinute: 1_000 } });
  booth = newBooth('booth-0001');
  await api.app
    .get(CommandBus, { strict: false })
    .execute(new EnrolBooth('enrol-1', booth.boothId, booth.publicKey, 'admin'));
  schemas = new AnswerSchemas((await api.inject({ method: 'GET', url: '/openapi.json' })).json());
});
afterAll(() => api.close());
beforeEach(() => {
  api.clock.now = NOW;
  api.faces.assessment = { outcome: 'assessed', reasons: [], quality: {} };
  api.faces.assessed.length = 0;
});

async function nonceFor(boothId = booth.boothId): Promise<string> {
  const answer = await api.inject({
    method: 'POST',
    url: '/v1/challenges',
    headers: { 'content-type': 'application/json' },
    payload: { boothId },
  });
  return answer.json<{ nonce: string }>().nonce;
}

async function question({
  nonce,
  photo = PHOTO,
  by = booth,
  change = {},
}: { nonce?: string; photo?: Uint8Array; by?: TestBooth; change?: Record<string, unknown> } = {}): Promise<
  WrittenPart[]
> {
  const check = {
    boothId: by.boothId,
    nonce: nonce ?? (await nonceFor(by.boothId)),
    photoSha256: createHash('sha256').update(photo).digest('hex'),
  };
  const boothSignature = sign(null, Buffer.from(photoCheckText(check)), by.privateKey).toString('base64');
  return [
    {
      name: 'request',
      contentType: 'application/json',
      bytes: Buffer.from(JSON.stringify({ ...check, boothSignature, ...change })),
    },
    { name: 'photo', contentType: 'image/jpeg', fileName: 'p.jpg', bytes: photo },
  ];
}

async function ask(
  parts: readonly WrittenPart[],
  headers: Record<string, string> = {},
): Promise<LightMyRequestResponse> {
  const answer = await api.inject({
    method: 'POST',
    url: URL,
    headers: { 'content-type': `multipart/form-data; boundary=${BOUNDARY}`, ...headers },
    payload: multipartBody(parts),
  });
  expect(schemas.mistakes('POST', URL, answer)).toEqual([]);
  return answer;
}

async function thenRefused(
  parts: readonly WrittenPart[],
  code: string,
  status: number,
  boothId: string | null,
): Promise<void> {
  const before = (await api.events()).length;
  const answer = await ask(parts);
  expect(answer.json()).toMatchObject({ code, status });
  expect((await api.events()).slice(before).map((e) => [e.type, e.data])).toEqual([
    ['RequestRefusedAtDoor', { code, boothId }],
  ]);
  expect(api.faces.assessed).toEqual([]);
}

const sealedFiles = (): number =>
  existsSync(path.join(api.folder, 'sealed'))
    ? readdirSync(path.join(api.folder, 'sealed'), { recursive: true }).length
    : 0;

describe('a photo check', () => {
  it('tells what could be better, worst first, with hints in both languages', async () => {
    api.faces.assessment = {
      outcome: 'assessed',
      reasons: [],
      quality: { Sharpness: 25, HeadPoseYaw: 12, DynamicRange: 30, EyesOpen: 'not_assessed' },
    };
    const answer = await ask(await question());
    expect(answer.statusCode).toBe(200);
    const hint = { ja: expect.stringMatching(/[ぁ-ん]/), en: expect.stringMatching(/^[A-Z]/) };
    expect(answer.json()).toEqual({
      usable: true,
      review: false,
      reasons: [],
      guidance: [
        { measure: 'HeadPoseYaw', value: 12, hint },
        { measure: 'Sharpness', value: 25, hint },
      ],
    });
    expect(api.faces.assessed).toEqual([PHOTO]);
  });

  it('says why a photograph would not be compared', async () => {
    api.faces.assessment = { outcome: 'assessed', reasons: ['several_faces'], quality: {} };
    expect((await ask(await question())).json()).toMatchObject({
      usable: false,
      reasons: [{ reason: 'several_faces' }],
      guidance: [],
    });
  });

  it('stores nothing, and leaves the nonce for the capture', async () => {
    const nonce = await nonceFor();
    const [events, files] = [(await api.events()).length, sealedFiles()];
    for (let i = 0; i < 2; i += 1) expect((await ask(await question({ nonce }))).statusCode).toBe(200);
    expect([(await api.events()).length, sealedFiles()]).toEqual([events, files]);
    const parts = partsOf(requestJson(booth, envelopeOf(booth, nonce)));
    const capture = await api.inject({
      method: 'POST',
      url: '/v1/registrations',
      headers: { 'content-type': `multipart/form-data; boundary=${BOUNDARY}`, 'idempotency-key': `check-${keys++}` },
      payload: multipartBody(parts),
    });
    expect(capture.statusCode).toBe(202);
    expect(sealedFiles()).toBeGreaterThan(files);
  });

  it.each(['busy', 'timeout', 'worker_failed'] as const)('asks to come back when the machine is %s', async (cause) => {
    api.faces.assessment = { outcome: 'unknown', cause, detail: '' };
    const answer = await ask(await question());
    expect([answer.statusCode, answer.headers['retry-after'], answer.json<{ code: string }>().code]).toEqual([
      503,
      '2',
      'photo_check_busy',
    ]);
  });

  it('is for enrolled booths only', async () => {
    const stranger = newBooth('booth-none');
    await thenRefused(await question({ by: stranger }), 'booth_not_enrolled', 403, stranger.boothId);
    const lost = newBooth('booth-lost');
    const bus = api.app.get(CommandBus, { strict: false });
    await bus.execute(new EnrolBooth('enrol-lost', lost.boothId, lost.publicKey, 'admin'));
    await bus.execute(new SuspendBooth('suspend-lost', lost.boothId, 'lost', 'admin'));
    await thenRefused(await question({ by: lost }), 'booth_is_suspended', 403, lost.boothId);
    await thenRefused(
      await question({ by: { ...stranger, boothId: booth.boothId } }),
      'booth_signature_invalid',
      403,
      booth.boothId,
    );
  });

  it('takes no signature that was made for a capture', async () => {
    const envelope = envelopeOf(booth, await nonceFor());
    const boothSignature = sign(null, Buffer.from(captureEnvelopeText(envelope)), booth.privateKey).toString('base64');
    await thenRefused(
      await question({ nonce: envelope.nonce, change: { boothSignature } }),
      'booth_signature_invalid',
      403,
      booth.boothId,
    );
  });

  it('is refused for another photograph, a strange nonce, one of another booth, and an old one', async () => {
    const [request] = await question();
    await thenRefused(
      [request as WrittenPart, framePart(0, PHOTO)].map((p, i) =>
        i === 1 ? { ...p, name: 'photo', bytes: Buffer.concat([PHOTO, PHOTO]) } : p,
      ),
      'digest_mismatch',
      422,
      booth.boothId,
    );
    await thenRefused(await question({ nonce: 'A'.repeat(51) }), 'nonce_unknown', 422, booth.boothId);
    await thenRefused(await question({ nonce: await nonceFor('booth-0002') }), 'nonce_unknown', 422, booth.boothId);
    const old = await question();
    api.clock.now = '2026-11-23T08:15:00.001Z';
    await thenRefused(old, 'nonce_expired', 422, booth.boothId);
  });

  it('has the size limits of a registration, and exactly two parts', async () => {
    await thenRefused(await question({ photo: Buffer.alloc(200_001, 1) }), 'photo_too_large', 413, null);
    await thenRefused(await question({ photo: Buffer.alloc(300, 1) }), 'photo_unsupported', 415, booth.boothId);
    await thenRefused(await question({ photo: PHOTO.subarray(0, 900) }), 'photo_damaged', 422, booth.boothId);
    const parts = await question();
    await thenRefused(parts.slice(0, 1), 'malformed_request', 400, null);
    await thenRefused(parts.slice(1), 'malformed_request', 400, null);
    await thenRefused([...parts, parts[1] as WrittenPart], 'malformed_request', 400, null);
    await thenRefused(
      [...parts, { name: 'certificate', contentType: 'application/pkix-cert', bytes: CERTIFICATE }],
      'malformed_request',
      400,
      null,
    );
    await thenRefused([...parts, framePart(0, PHOTO)], 'malformed_request', 400, null);
  });

  it.each<[string, Record<string, unknown>, string, string | null]>([
    ['a member too many', { holder: 'x' }, 'malformed_request', 'booth-0001'],
    ['a digest in capitals', { photoSha256: 'A'.repeat(64) }, 'malformed_request', 'booth-0001'],
    ['no signature', { boothSignature: undefined }, 'malformed_request', 'booth-0001'],
    ['a booth id of another form', { boothId: 'Booth 1' }, 'malformed_request', null],
    ['a My Number', { nonce: '123456789018' }, 'my_number_present', null],
  ])('is refused for %s', async (_name, change, code, boothId) => {
    await thenRefused(await question({ change }), code, code === 'my_number_present' ? 422 : 400, boothId);
  });

  it('is limited by address', async () => {
    const limited = await ApiServer.start({ rateLimits: { photoChecksPerMinute: 1 } });
    const post = () =>
      limited.inject({ method: 'POST', url: URL, headers: { 'content-type': 'application/json' }, payload: '{}' });
    expect((await post()).statusCode).toBe(400);
    expect((await post()).statusCode).toBe(429);
    await limited.close();
  });
});
