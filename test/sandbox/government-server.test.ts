import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createHash, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import { startGovernmentServer, type GovernmentServer } from '../../src/sandbox/government/government-server.js';
import { extension, writeCertificate } from '../../src/sandbox/pki/x509-writer.js';
import { samplePicture, temporaryFolder } from './support.js';

const key = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey;
const certificate = writeCertificate(
  {
    serial: Buffer.of(1),
    issuer: [['CN', 'x']],
    subject: [['CN', 'x']],
    notBefore: new Date(0),
    notAfter: new Date(1e12),
    publicKey: createPublicKey(key),
    extensions: [extension('2.5.29.19', Buffer.from('3000', 'hex'))],
  },
  key,
);
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

let government: GovernmentServer;
let photo: Buffer;
const lines: string[] = [];

beforeEach(async () => {
  photo = await samplePicture();
  government = await startGovernmentServer({ print: (line) => lines.push(line) });
});

afterEach(() => government.close());

interface Wanted {
  id?: string;
  photo?: Uint8Array;
  capturedAtUtc?: string;
  key?: string;
  statement?: Record<string, unknown>;
  timeoutMs?: number;
}

function submit(wanted: Wanted = {}, url = government.url): Promise<Response> {
  const bytes = wanted.photo ?? photo;
  const id = wanted.id ?? 'submission-1';
  const statement = {
    submissionId: id,
    capturedAtUtc: wanted.capturedAtUtc ?? '2026-11-23T01:02:03.000Z',
    photoSha256: sha256(bytes),
    certificateType: 'user_authentication',
    policyVersion: 1,
    ...wanted.statement,
  };
  const form = new FormData();
  form.append('submission', new Blob([JSON.stringify(statement)], { type: 'application/json' }));
  form.append('photo', new Blob([Uint8Array.from(bytes)], { type: 'image/jpeg' }), 'photo.jpg');
  form.append(
    'certificate',
    new Blob([Uint8Array.from(certificate)], { type: 'application/pkix-cert' }),
    'certificate.der',
  );
  return fetch(`${url}/v1/face-registrations`, {
    method: 'POST',
    headers: { 'idempotency-key': wanted.key ?? id },
    body: form,
    redirect: 'manual',
    signal: AbortSignal.timeout(wanted.timeoutMs ?? 5_000),
  });
}

const ask = async (id = 'submission-1'): Promise<{ status: string; reason?: string; reference?: string }> =>
  (await (await fetch(`${government.url}/v1/face-registrations/${id}`)).json()) as { status: string };

describe('the government stand-in', () => {
  it('says on its first line that it is a stand-in', () => {
    expect(lines[0]).toMatch(/^STAND-IN: .*government server/);
  });

  it('accepts, and links the capture time to the photograph @req R11', async () => {
    const answer = await submit();
    expect(answer.status).toBe(201);
    expect(await answer.json()).toMatchObject({
      submissionId: 'submission-1',
      status: 'accepted',
      reference: expect.stringMatching(/^GOV-/),
    });
    const linked = await fetch(`${government.controlUrl}/control/photos/${sha256(photo)}`);
    expect(await linked.json()).toEqual({ photoSha256: sha256(photo), capturedAtUtc: ['2026-11-23T01:02:03.000Z'] });
    expect((await fetch(`${government.controlUrl}/control/photos/${'0'.repeat(64)}`)).status).toBe(404);
  });

  it('stores a submission id once: the same content is answered again, other content is 409', async () => {
    expect((await submit()).status).toBe(201);
    expect((await submit()).status).toBe(200);
    expect((await submit({ capturedAtUtc: '2026-11-23T01:02:04.000Z' })).status).toBe(409);
    expect(government.submissions).toHaveLength(1);
    expect(government.history.map(({ outcome }) => outcome)).toEqual(['stored', 'repeated', 'submission_id_reused']);
    const [first, second] = government.history;
    // Another multipart boundary, the same content: both digests are kept so that the two can be told apart.
    expect(second?.bodySha256).not.toBe(first?.bodySha256);
    expect(second?.contentSha256).toBe(first?.contentSha256);
  });

  it('receives first and decides after so many questions, or refuses with a reason', async () => {
    government.decide({ decide: 'receive', then: 'accept', afterPolls: 2 });
    expect(await (await submit()).json()).toMatchObject({ status: 'received' });
    expect((await ask()).status).toBe('received');
    expect((await ask()).status).toBe('accepted');
    government.decide({ decide: 'refuse', reason: 'photo_not_acceptable' });
    expect(await (await submit({ id: 'submission-2' })).json()).toEqual({
      submissionId: 'submission-2',
      status: 'refused',
      reason: 'photo_not_acceptable',
    });
    expect((await ask()).status).toBe('accepted');
  });

  it('decides after a time by its own clock', async () => {
    let now = Date.parse('2026-11-23T00:00:00Z');
    const clocked = await startGovernmentServer({ print: () => undefined, now: () => new Date(now) });
    try {
      clocked.decide({ decide: 'receive', then: 'refuse', reason: 'late', afterMs: 1000 });
      await submit({}, clocked.url);
      now += 999;
      expect(clocked.submissions[0]?.status).toBe('received');
      now += 1;
      expect(clocked.submissions[0]?.status).toBe('refused');
    } finally {
      await clocked.close();
    }
  });

  it.each([
    ['drop_before_storing', 0],
    ['drop_after_storing', 1],
  ] as const)('breaks the connection (%s) so that the client cannot know; %i stored', async (fault, stored) => {
    government.faults.play([fault]);
    await expect(submit()).rejects.toThrow();
    expect(government.submissions).toHaveLength(stored);
    expect((await fetch(`${government.url}/v1/face-registrations/submission-1`)).status).toBe(stored === 1 ? 200 : 404);
    expect((await submit()).status).toBe(stored === 1 ? 200 : 201);
    expect(government.submissions).toHaveLength(1);
    expect(government.history.at(0)).toMatchObject({ status: null, fault });
  });

  it('stores and then hangs', async () => {
    government.faults.play(['hang_after_storing']);
    await expect(submit({ timeoutMs: 200 })).rejects.toThrow();
    expect(government.submissions).toHaveLength(1);
  });

  it('answers twice on one connection', async () => {
    await submit();
    government.faults.play(['answer_twice']);
    const raw = await rawGet('/v1/face-registrations/submission-1');
    expect(raw.match(/HTTP\/1\.1 200/g)).toHaveLength(2);
  });

  it.each([
    ['http500_before_storing', 500],
    ['http500_after_storing', 500],
    ['redirect', 302],
    ['too_many_requests', 429],
    ['unauthorized', 401],
    ['garbage', 200],
    ['wrong_submission_id', 200],
  ] as const)('plays %s', async (fault, status) => {
    government.faults.play([fault]);
    expect((await submit()).status).toBe(status);
  });

  it.each([
    [{ key: 'another' }, 400, 'idempotency_key_mismatch'],
    [{ statement: { photoSha256: 'f'.repeat(64) } }, 422, 'photo_digest_mismatch'],
    [{ photo: Buffer.from('not a jpeg') }, 422, 'photo_unsupported'],
    [{ statement: { capturedAtUtc: 'yesterday' } }, 400, 'malformed_submission'],
    [{ statement: { certificateType: 'library_card' } }, 400, 'malformed_submission'],
  ] as const)('refuses %j', async (wanted, status, code) => {
    const answer = await submit(wanted);
    expect(answer.status).toBe(status);
    expect(await answer.json()).toMatchObject({ code });
    expect(government.submissions).toHaveLength(0);
  });

  it('asks for the bearer token when it has one', async () => {
    const guarded = await startGovernmentServer({ print: () => undefined, bearerToken: 'secret' });
    try {
      expect((await submit({}, guarded.url)).status).toBe(401);
      const answer = await fetch(`${guarded.url}/v1/face-registrations/x`, {
        headers: { authorization: 'Bearer secret' },
      });
      expect(answer.status).toBe(404);
    } finally {
      await guarded.close();
    }
  });

  it('goes down and comes back on the same address with its memory', async () => {
    await submit();
    await government.down();
    await expect(submit()).rejects.toThrow();
    await government.up();
    expect((await submit()).status).toBe(200);
  });

  it('remembers submissions and attempts over a restart, also when its last line was cut short', async () => {
    const folder = temporaryFolder();
    const logFile = path.join(folder.path, 'government.jsonl');
    const first = await startGovernmentServer({ logFile, print: () => undefined });
    await submit({}, first.url);
    await first.close();
    appendFileSync(logFile, '{"attempt":{"number":');
    for (const expected of [200, 200]) {
      const next = await startGovernmentServer({ logFile, print: () => undefined });
      expect((await submit({}, next.url)).status).toBe(expected);
      await next.close();
    }
    const last = await startGovernmentServer({ logFile, print: () => undefined });
    expect(last.history.map(({ outcome }) => outcome)).toEqual(['stored', 'repeated', 'repeated']);
    await last.close();
    folder.remove();
  });
});

function rawGet(target: string): Promise<string> {
  const { hostname, port } = new URL(government.url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    let text = '';
    socket.setTimeout(3_000, () => socket.destroy(new Error(`only got ${text}`)));
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      if ((text.match(/HTTP\/1\.1/g) ?? []).length === 2) socket.destroy();
    });
    socket.on('close', () => resolve(text));
    socket.on('error', reject);
    socket.write(`GET ${target} HTTP/1.1\r\nhost: x\r\n\r\n`);
  });
}
