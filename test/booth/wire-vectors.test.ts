import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { verify } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CommandBus } from '@nestjs/cqrs';
import { EnrolBooth } from '../../src/application/commands/manage-booth.js';
import { ApiServer } from '../api/support/api-server.js';
import { BOUNDARY, multipartBody, type WrittenPart } from '../api/support/multipart.js';
import { foreignEnvironment, peer, peerProgram } from '../support/peers.js';
import { describeUnless } from '../support/unless.js';
import { digestOf, publicKeyOf, WIRE_BOOTH, WIRE_NOW, wireVectors, type WireVectors } from './wire-vectors.js';

const FILE = path.resolve('docs/wire-vectors.json');
const isWriting = process.env['UPDATE_WIRE_VECTORS'] === '1';
const stored = existsSync(FILE) ? (JSON.parse(readFileSync(FILE, 'utf8')) as WireVectors) : null;
const vectors = wireVectors(stored);
if (isWriting) writeFileSync(FILE, `${JSON.stringify(vectors, null, 1)}\n`);

/** @fault B1 */
describe('the vectors of docs/wire.md', () => {
  it('are what the code writes: UPDATE_WIRE_VECTORS=1 writes them', () => {
    expect(readFileSync(FILE, 'utf8') === `${JSON.stringify(vectors, null, 1)}\n`).toBe(true);
  });

  const texts = vectors.texts.map((each) => [each.about, each] as const);
  it.each(texts)('have signatures that are right: %s', (_, { text, bytesHex, signatures }) => {
    expect(Buffer.from(bytesHex, 'hex').toString('utf8')).toBe(text);
    for (const { by, signature } of Object.values(signatures)) {
      const { algorithm, publicKeySpki } = vectors.keys[by];
      const [key, bytes] = [publicKeyOf(publicKeySpki), Buffer.from(signature, 'base64')];
      const isRight = verify(digestOf(algorithm), Buffer.from(text), key, bytes);
      expect([by, isRight]).toEqual([by, true]);
    }
  });

  it('are named in the document, label by label', () => {
    const document = readFileSync(path.resolve('docs/wire.md'), 'utf8');
    for (const { text } of vectors.texts) expect(document).toContain((JSON.parse(text) as { label: string }).label);
    expect(document).toContain(vectors.texts.find(({ kind }) => kind === 'upload-place')?.text);
  });
});

/** @fault B1 */
describe('a server that is given the vectors', () => {
  let api: ApiServer;
  beforeAll(async () => {
    api = await ApiServer.start();
    api.clock.now = WIRE_NOW;
    const { publicKeySpki } = vectors.keys.booth;
    const enrol = new EnrolBooth('enrol-1', WIRE_BOOTH, publicKeySpki, 'admin');
    await api.app.get(CommandBus, { strict: false }).execute(enrol);
  });
  afterAll(() => api.close());

  // In this order: a nonce is used up by the first of them.
  it('answers each as they say', async () => {
    const answers = [];
    for (const { about, request, frames } of vectors.requests) {
      const isAgain = about.startsWith('the same again');
      const payload = multipartBody(partsOf(request, frames));
      const key = `vector-${isAgain ? 0 : vectors.requests.findIndex((each) => each.about === about)}`;
      const headers = { 'content-type': `multipart/form-data; boundary=${BOUNDARY}`, 'idempotency-key': key };
      const answer = await api.inject({ method: 'POST', url: '/v1/registrations', headers, payload });
      answers.push({ about, status: answer.statusCode, code: answer.json<{ code?: string }>().code });
    }
    expect(answers).toEqual(vectors.requests.map(({ about, status, code }) => ({ about, status, code })));
  });
});

/** A booth's side that was written from the document alone: it shares nothing with ours.
 *  @fault B1 */
describeUnless(peer('python3'), 'a program in another language', () => {
  it('makes the same bytes from what each text says', () => {
    const program = path.resolve('test/booth/second-booth/wire.py');
    const options = { encoding: 'utf8', env: foreignEnvironment(), timeout: 120_000 } as const;
    const { stdout, stderr } = spawnSync(peerProgram('python3') ?? '', [program, FILE], options);
    expect(stderr).toBe('');
    const lines = stdout.trim().split('\n');
    process.stdout.write(`the second booth: ${lines.at(-1)}\n`);
    expect(lines.slice(0, -1)).toEqual([
      ...vectors.texts.map(({ about }) => `right: ${about}`),
      ...vectors.requests.map(({ about, code }) => `${isWrong(about, code) ? 'wrong' : 'right'} signature: ${about}`),
    ]);
  });
});

/** Whether the vectors say that the booth's signature does not hold. */
function isWrong(about: string, code: string | undefined): boolean {
  return code === 'booth_signature_invalid' || about === 'with a signature without padding';
}

function partsOf(request: object, frames: readonly string[]): WrittenPart[] {
  const part = (name: string, contentType: string): WrittenPart => ({
    name,
    contentType,
    bytes: Buffer.from(vectors.material[name] ?? '', 'base64'),
  });
  return [
    { name: 'request', contentType: 'application/json', bytes: Buffer.from(JSON.stringify(request)) },
    part('certificate', 'application/pkix-cert'),
    part('cardRecord', 'application/octet-stream'),
    part('cardIssuerCertificate', 'application/octet-stream'),
    part('photo', 'image/jpeg'),
    ...frames.map((name) => part(name, 'image/jpeg')),
  ];
}
