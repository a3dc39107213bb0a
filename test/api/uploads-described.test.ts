import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { LightMyRequestResponse } from 'fastify';
import { SIGNED_INSTANT, utcInstantOf } from '../../src/api/contract/validation.js';
import { EnrolBooth } from '../../src/application/commands/manage-booth.js';
import { CommandBus } from '@nestjs/cqrs';
import { AnswerSchemas } from './support/answer-schemas.js';
import { ApiServer } from './support/api-server.js';
import { envelopeOf, framePart, FRAMES, newBooth, partsOf, requestJson, type TestBooth } from './support/booth.js';
import { BOUNDARY, multipartBody, type WrittenPart } from './support/multipart.js';

interface Schema {
  readonly type?: string;
  readonly format?: string;
  readonly pattern?: string;
  readonly contentMediaType?: string;
  readonly additionalProperties?: unknown;
  readonly $ref?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
}

interface Body {
  readonly content: Readonly<Record<string, { readonly schema: Schema }>>;
}

interface Described {
  readonly paths: Readonly<Record<string, { readonly post: { readonly requestBody: Body } }>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

let api: ApiServer;
let booth: TestBooth;
let document: Described;
let schemas: AnswerSchemas;

beforeAll(async () => {
  api = await ApiServer.start({ limits: { photoBytesMax: 60_000, certificateBytesMax: 2_000 } });
  booth = newBooth('booth-0001');
  const enrol = new EnrolBooth('enrol-1', booth.boothId, booth.publicKey, 'admin');
  await api.app.get(CommandBus, { strict: false }).execute(enrol);
  const answer = await api.inject({ method: 'GET', url: '/openapi.json' });
  document = answer.json();
  schemas = new AnswerSchemas(answer.json());
});
afterAll(() => api.close());

function formOf(path: string): Readonly<Record<string, Schema>> {
  return document.paths[path]?.post.requestBody.content['multipart/form-data']?.schema.properties ?? {};
}

/** @fault B2 */
describe('an upload as it is described', () => {
  it.each(['/v1/registrations', '/v1/photo-checks'])('has a type for every part: %s', (path) => {
    const { request, ...files } = formOf(path);
    expect(request?.$ref).toMatch(/Body$/);
    expect(Object.keys(files)).toContain('photo');
    for (const [part, schema] of Object.entries(files)) {
      expect([part, schema]).toEqual([part, expect.objectContaining({ type: 'string', format: 'binary' })]);
      expect(schema.contentMediaType).toMatch(/^(?:image|application)\//);
    }
  });

  it('has bodies that hold nothing but what is named', () => {
    for (const name of ['RegistrationRequestBody', 'CaptureEnvelopeBody', 'ConsentBody', 'ProposalBody'])
      expect([name, document.components.schemas[name]?.additionalProperties]).toEqual([name, false]);
  });
});

let sent = 0;
function send(parts: readonly WrittenPart[]): Promise<LightMyRequestResponse> {
  const headers = { 'content-type': `multipart/form-data; boundary=${BOUNDARY}`, 'idempotency-key': `key-${sent++}` };
  return api.inject({ method: 'POST', url: '/v1/registrations', headers, payload: multipartBody(parts) });
}

/** @fault B2 */
describe('a refused upload', () => {
  const change = (part: string, by: Partial<WrittenPart>) => (parts: WrittenPart[]) =>
    parts.map((each) => (each.name === part ? { ...each, ...by } : each));
  const without = (part: string) => (parts: WrittenPart[]) => parts.filter(({ name }) => name !== part);

  it.each<[string, (parts: WrittenPart[]) => WrittenPart[], number, readonly string[]]>([
    ['a part that is missing', without('cardRecord'), 400, ['cardRecord']],
    ['two parts that are missing', (parts) => without('photo')(without('request')(parts)), 400, ['request', 'photo']],
    ['a frame without the one before', (parts) => [...parts, framePart(1, FRAMES[1] as Buffer)], 400, ['frame0']],
    ['a part that comes twice', (parts) => [...parts, parts[1] as WrittenPart], 400, ['certificate']],
    ['a part of another name', change('certificate', { name: 'cert' }), 400, ['cert']],
    ['another content type', change('cardRecord', { contentType: 'text/plain' }), 400, ['cardRecord']],
    ['a photograph of another type', change('photo', { contentType: 'image/png' }), 415, ['photo']],
    ['an empty part', change('cardIssuerCertificate', { bytes: Buffer.alloc(0) }), 400, ['cardIssuerCertificate']],
    ['a certificate that is too large', change('certificate', { bytes: Buffer.alloc(2_001, 1) }), 413, ['certificate']],
    ['a photograph that is too large', change('photo', { bytes: Buffer.alloc(60_001, 1) }), 413, ['photo']],
    ['a request that is no JSON', change('request', { bytes: Buffer.from('{') }), 400, ['request']],
    ['a request of another form', change('request', { bytes: Buffer.from('{"envelope":1}') }), 400, ['request']],
  ])('says which part it is: %s', async (_what, made, status, parts) => {
    const honest = partsOf(requestJson(booth, envelopeOf(booth, 'a-nonce-of-nobody')));
    const answer = await send(made(honest));
    expect(schemas.mistakes('POST', '/v1/registrations', answer)).toEqual([]);
    expect(answer.statusCode).toBe(status);
    const { errors } = answer.json<{ errors: { part: string; expected: string }[] }>();
    expect([...new Set(errors.map(({ part }) => part))]).toEqual(parts);
    for (const { expected } of errors) expect(expected).not.toBe('');
  });

  it('is told that it is no upload at all', async () => {
    const headers = { 'content-type': 'application/json', 'idempotency-key': 'no-upload' };
    const answer = await api.inject({ method: 'POST', url: '/v1/registrations', headers, payload: '{}' });
    expect(answer.json()).toMatchObject({ code: 'malformed_request', errors: [{ header: 'Content-Type' }] });
  });
});

/** @fault B3 */
describe('an instant as it is described', () => {
  const describedInstant = () => document.components.schemas['CaptureEnvelopeBody']?.properties?.['capturedAtUtc'];

  it('is described where it is signed by its one form, and by no format that generated clients would rewrite', () => {
    const captured = describedInstant();
    expect(captured).toMatchObject({ type: 'string', pattern: SIGNED_INSTANT.source });
    expect(captured?.format).toBeUndefined();
  });

  it.each([
    ['2026-11-23T08:00:00.000Z', true],
    ['2026-11-23T08:00:00Z', true],
    ['2026-11-23T08:00:00.1Z', true],
    ['2026-11-23T08:00:00.123456Z', false],
    ['2026-11-23T17:00:00.000+09:00', false],
    ['2026-11-23T08:00:00.000+00:00', false],
    ['2026-11-23T08:00:00.000z', false],
    ['2026-11-23T24:00:00Z', false],
    ['2026-13-23T08:00:00Z', false],
    ['２０２６-11-23T08:00:00Z', false],
  ])('is taken by server and schema alike: %s', async (capturedAtUtc, isTaken) => {
    const envelope = envelopeOf(booth, 'a-nonce-of-nobody', { capturedAtUtc });
    const answer = await send(partsOf(requestJson(booth, envelope)));
    const pointers = answer.json<{ errors?: { pointer: string }[] }>().errors?.map(({ pointer }) => pointer) ?? [];
    expect(pointers.includes('/envelope/capturedAtUtc')).toBe(!isTaken);
    const ajv = new Ajv2020({ strict: false });
    expect(ajv.validate(describedInstant() ?? false, capturedAtUtc)).toBe(isTaken);
  });

  it('is none where its offset leads out of the years that have four digits', () => {
    expect(utcInstantOf('9999-12-31T23:59:59-01:00')).toBeNull();
    expect(utcInstantOf('0000-01-01T00:00:00+09:00')).toBeNull();
    expect(utcInstantOf('9999-12-31T23:59:59+01:00')).toBe('9999-12-31T22:59:59.000Z');
  });
});
