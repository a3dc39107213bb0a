import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { plainJpeg } from '../support/jpeg-writer.js';
import { createHash, createPublicKey, verify, X509Certificate } from 'node:crypto';
import { captureEnvelopeText, type CaptureEnvelope } from '../../src/domain/booth/capture-envelope.js';
import { photoCheckText } from '../../src/domain/booth/photo-check.js';
import {
  BoothNotTrustedError,
  LastTryNotConfirmedError,
  RecaptureNeededError,
  ServerRefusedError,
  ServerUnreachableError,
  UncertainOutcomeError,
} from '../../src/booth/booth-errors.js';
import { exportBoothKey, importBoothKey } from '../../src/booth/booth-key.js';
import { BoothClient, type RequestStatus } from '../../src/booth/booth-client.js';
import { CardError } from '../../src/sandbox/card/synthetic-card.js';
import {
  accepted,
  answer,
  drop,
  events,
  hang,
  RECEIPT,
  refusal,
  ScriptedServer,
  status,
  type Arrived,
  type Step,
} from './fake-registration-server.js';
import { boothKey, cardMaker, clientOf } from './support.js';

let server: ScriptedServer;
let made: Awaited<ReturnType<typeof cardMaker>>;
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

beforeAll(async () => {
  made = await cardMaker();
});

beforeEach(async () => {
  server = await ScriptedServer.start();
});

afterEach(() => server.close());

/** The parts as the platform's own parser reads them. */
async function partsOf({ headers, body }: Arrived): Promise<Record<string, Buffer>> {
  const form = await new Response(Uint8Array.from(body), {
    headers: { 'content-type': headers['content-type'] ?? '' },
  }).formData();
  const parts: Record<string, Buffer> = {};
  for (const [name, value] of form)
    parts[name] = typeof value === 'string' ? Buffer.from(value) : Buffer.from(await value.arrayBuffer());
  return parts;
}

describe('the booth client', () => {
  it('tells the time of a capture by the clock of the server, once it has asked for it', async () => {
    const booth = { boothId: 'booth-1', standing: 'enrolled', keyVersion: 1 };
    server.script(
      answer(200, { serverTimeUtc: '2026-11-23T08:00:00.000Z', booth, consentTexts: [], limits: {} }),
      accepted,
    );
    const now = (): Date => new Date('2026-11-21T00:00:00.000Z');
    const options = { baseUrl: server.url, boothId: 'booth-1', key: boothKey, counter: { next: () => 1 }, now };
    const client = new BoothClient(options);
    await client.settings();
    const { capturedAtUtc: _, ...capture } = made.capture();
    await client.register(capture);
    const parts = await partsOf(server.registrations[0] as Arrived);
    const { envelope } = JSON.parse(String(parts['request'])) as { envelope: CaptureEnvelope };
    expect(envelope.capturedAtUtc).toBe('2026-11-23T08:00:00.000Z');
  });

  it('sends one envelope with three signatures that each verify, and the exact bytes that were signed for @req R1 R2 R3 R4 R5 R10', async () => {
    server.script(accepted);
    const card = made.card();
    const { client } = clientOf(server.url);
    expect(await client.register(made.capture(card))).toEqual({
      receipt: RECEIPT,
      status: 'received',
      updatedAtUtc: null,
      promise: null,
      promiseProblem: null,
    });
    const arrived = server.registrations[0];
    if (arrived === undefined) throw new Error('nothing arrived');
    const parts = await partsOf(arrived);
    expect(Object.keys(parts)).toEqual(['request', 'certificate', 'cardRecord', 'cardIssuerCertificate', 'photo']);
    const request = JSON.parse(String(parts['request'])) as {
      envelope: CaptureEnvelope;
      boothSignature: string;
      cardSignature: string;
      cardChallengeSignature: string;
    };
    const { envelope } = request;
    expect(envelope).toEqual({
      nonce: 'bm9uY2U',
      boothId: 'booth-1',
      counter: 1,
      certificateType: 'user_authentication',
      mode: 'GOVERNMENT_SUBMISSION',
      capturedAtUtc: '2026-11-23T01:02:03.000Z',
      photoSha256: sha256(made.photo),
      certificateSha256: sha256(card.certificate('user_authentication')),
      cardRecordSha256: sha256(card.cardRecord),
      cardIssuerCertificateSha256: sha256(card.cardIssuerCertificate),
      consent: { textVersion: 'consent-1', keepReferenceImage: true },
    });
    for (const [name, digest] of [
      ['photo', envelope.photoSha256],
      ['certificate', envelope.certificateSha256],
      ['cardRecord', envelope.cardRecordSha256],
      ['cardIssuerCertificate', envelope.cardIssuerCertificateSha256],
    ] as const) {
      expect(sha256(parts[name] ?? Buffer.alloc(0))).toBe(digest);
    }
    const text = Buffer.from(captureEnvelopeText(envelope));
    const boothPublic = createPublicKey({
      key: Buffer.from(boothKey.publicKeySpki, 'base64'),
      format: 'der',
      type: 'spki',
    });
    expect(verify(null, text, boothPublic, Buffer.from(request.boothSignature, 'base64'))).toBe(true);
    expect(
      verify(
        'sha256',
        text,
        new X509Certificate(card.certificate('user_authentication')).publicKey,
        Buffer.from(request.cardSignature, 'base64'),
      ),
    ).toBe(true);
    const record = Buffer.from(card.cardRecord);
    const keyAt = record.indexOf(Buffer.from('9003010001', 'hex')) + 9;
    const surface = createPublicKey({
      format: 'jwk',
      key: { kty: 'RSA', e: 'AQAB', n: record.subarray(keyAt, keyAt + 256).toString('base64url') },
    });
    expect(verify('sha256', text, surface, Buffer.from(request.cardChallengeSignature, 'base64'))).toBe(true);
  });

  it('sends the frames that it takes once the server has said which way to turn, and signs for them', async () => {
    server.script(accepted, accepted);
    const asked: string[] = [];
    const frames = [plainJpeg(1, 2), plainJpeg(2, 2)];
    const { client } = clientOf(server.url);
    await client.register({ ...made.capture(), frames: async (prompt) => (asked.push(prompt), frames) });
    expect(asked).toEqual(['turn-right']);
    const parts = await partsOf(server.registrations[0] as Arrived);
    expect([parts['frame0'], parts['frame1'], parts['frame2']]).toEqual([...frames, undefined]);
    const { envelope, boothSignature } = JSON.parse(String(parts['request'])) as {
      envelope: CaptureEnvelope;
      boothSignature: string;
    };
    expect(envelope.framesSha256).toEqual(frames.map(sha256));
    const boothPublic = createPublicKey({
      key: Buffer.from(boothKey.publicKeySpki, 'base64'),
      format: 'der',
      type: 'spki',
    });
    expect(
      verify(null, Buffer.from(captureEnvelopeText(envelope)), boothPublic, Buffer.from(boothSignature, 'base64')),
    ).toBe(true);
    await client.register({ ...made.capture(), frames: () => [] });
    expect(Object.keys(await partsOf(server.registrations[1] as Arrived))).toEqual([
      'request',
      'certificate',
      'cardRecord',
      'cardIssuerCertificate',
      'photo',
    ]);
  });

  it('does not touch the card for too many frames, or one that is no JPEG', async () => {
    const jpeg = plainJpeg(1, 2);
    const { client } = clientOf(server.url);
    const card = {
      ...made.capture().card,
      verifyAccessNumber: () => Promise.reject(new Error('the card was touched')),
    };
    for (const frames of [Array<Buffer>(5).fill(jpeg), [jpeg, Buffer.from('x')]]) {
      await expect(client.prepare({ ...made.capture(), card: card as never, frames: () => frames })).rejects.toThrow(
        RangeError,
      );
    }
  });

  it('asks about a photograph beforehand, waits while the server is busy, and does not count a capture', async () => {
    const guidance = {
      usable: false,
      review: false,
      reasons: [{ reason: 'no_face', hint: { ja: 'x', en: 'y' } }],
      guidance: [],
    };
    server.script(refusal(503, 'photo_check_busy'), answer(200, guidance));
    const { client, waits } = clientOf(server.url);
    expect(await client.checkPhoto(made.photo)).toEqual(guidance);
    expect(waits).toHaveLength(1);
    const arrived = server.arrived.filter(({ path }) => path === '/v1/photo-checks');
    expect(arrived).toHaveLength(2);
    const parts = await partsOf(arrived[1] as Arrived);
    expect(Object.keys(parts)).toEqual(['request', 'photo']);
    expect(parts['photo']?.equals(made.photo)).toBe(true);
    const { boothSignature, ...check } = JSON.parse(String(parts['request'])) as {
      boothId: string;
      nonce: string;
      photoSha256: string;
      boothSignature: string;
    };
    expect(check).toEqual({ boothId: 'booth-1', nonce: 'bm9uY2U', photoSha256: sha256(made.photo) });
    const boothPublic = createPublicKey({
      key: Buffer.from(boothKey.publicKeySpki, 'base64'),
      format: 'der',
      type: 'spki',
    });
    expect(verify(null, Buffer.from(photoCheckText(check)), boothPublic, Buffer.from(boothSignature, 'base64'))).toBe(
      true,
    );
  });

  it('takes no answer about a photograph that is not one, and hears refusals', async () => {
    const { client } = clientOf(server.url, { attemptsMax: 1 });
    for (const odd of [
      {},
      { usable: 'yes', reasons: [], guidance: [] },
      { usable: true, reasons: [{}], guidance: [] },
    ]) {
      server.script(answer(200, odd));
      await expect(client.checkPhoto(made.photo)).rejects.toBeInstanceOf(ServerUnreachableError);
    }
    server.script(refusal(403, 'booth_not_enrolled'));
    await expect(client.checkPhoto(made.photo)).rejects.toBeInstanceOf(BoothNotTrustedError);
    await expect(client.checkPhoto(Buffer.from('x'))).rejects.toThrow(RangeError);
  });

  it('signs with the other certificate when it is asked to', async () => {
    server.script(accepted);
    const card = made.card();
    await clientOf(server.url).client.register({
      ...made.capture(card),
      certificateType: 'digital_signature',
      pin: card.secrets.signingPassword,
    });
    const arrived = server.registrations[0];
    if (arrived === undefined) throw new Error('nothing arrived');
    const parts = await partsOf(arrived);
    const { envelope, cardSignature } = JSON.parse(String(parts['request'])) as {
      envelope: CaptureEnvelope;
      cardSignature: string;
    };
    const key = new X509Certificate(parts['certificate'] ?? Buffer.alloc(0)).publicKey;
    expect(
      verify('sha256', Buffer.from(captureEnvelopeText(envelope)), key, Buffer.from(cardSignature, 'base64')),
    ).toBe(true);
  });

  it.each<[string, Step]>([
    ['a broken connection', drop],
    ['no answer in time', hang],
    ['500', answer(500, 'oops')],
    ['503 as a problem document', refusal(503, 'overloaded')],
    ['429', refusal(429, 'slow_down')],
    ["a portal's page with status 200", answer(200, '<html>', { 'content-type': 'text/html' })],
    ["a portal's page with status 403", answer(403, '<html>', { 'content-type': 'text/html' })],
    ['a redirect', answer(302, '', { location: 'http://127.0.0.1:9/' })],
    ['a 202 without a receipt', answer(202, {})],
    ['a 202 with a wrong receipt', answer(202, { receipt: '../../x', status: 'received' })],
    ['an endless answer', answer(202, 'x'.repeat(200_000))],
  ])('repeats the very same bytes under the same key after %s', async (_, step) => {
    server.script(step, step, accepted);
    const { client, waits } = clientOf(server.url, { timeoutMs: step === hang ? 150 : 5_000 });
    expect((await client.register(made.capture())).receipt).toBe(RECEIPT);
    expect(server.registrations).toHaveLength(3);
    expect(new Set(server.registrations.map(({ body }) => sha256(body))).size).toBe(1);
    expect(new Set(server.registrations.map(({ headers }) => headers['idempotency-key'])).size).toBe(1);
    expect(new Set(server.registrations.map(({ headers }) => headers['content-type'])).size).toBe(1);
    expect(waits).toHaveLength(2);
    // The photograph was taken once and the card asked once: one challenge for all attempts.
    expect(server.arrived.filter(({ path }) => path === '/v1/challenges')).toHaveLength(1);
  });

  it('waits longer each time, and as long as the server asks', async () => {
    server.script(drop, drop, drop, answer(503, '', { 'retry-after': '7' }), accepted);
    const { client, waits } = clientOf(server.url);
    await client.register(made.capture());
    const [first = 0, second = 0, third = 0, asked = 0] = waits;
    expect(first).toBeGreaterThanOrEqual(125);
    expect(first).toBeLessThanOrEqual(250);
    expect(second).toBeGreaterThanOrEqual(250);
    expect(third).toBeGreaterThanOrEqual(500);
    expect(asked).toBe(7000);
  });

  it('says that nothing is known when no answer was clear, and can go on with the same bytes', async () => {
    server.script(drop, drop, accepted);
    const { client } = clientOf(server.url, { attemptsMax: 2 });
    const request = await client.prepare(made.capture());
    await expect(client.send(request)).rejects.toMatchObject({ name: 'UncertainOutcomeError', attempts: 2 });
    expect((await client.send(request)).receipt).toBe(RECEIPT);
    expect(new Set(server.registrations.map(({ body }) => sha256(body))).size).toBe(1);
  });

  it('never sends a request whose bytes were changed after signing', async () => {
    const { client } = clientOf(server.url);
    const request = await client.prepare(made.capture());
    const body = Uint8Array.from(request.body);
    body[body.length - 100] = (body[body.length - 100] ?? 0) ^ 1;
    await expect(client.send({ ...request, body })).rejects.toThrow(/changed after it was signed/);
    expect(server.registrations).toHaveLength(0);
  });

  it.each([
    [409, 'idempotency_key_reused', ServerRefusedError],
    [422, 'my_number_present', ServerRefusedError],
    [413, 'photo_too_large', ServerRefusedError],
    [403, 'booth_is_suspended', BoothNotTrustedError],
    [401, 'booth_signature_invalid', BoothNotTrustedError],
    [422, 'nonce_expired', RecaptureNeededError],
    [409, 'nonce_replayed', RecaptureNeededError],
    [422, 'captured_too_long_ago', RecaptureNeededError],
  ])('takes %i %s as final: one sending', async (code, name, errorClass) => {
    server.script(refusal(code, name));
    const failure = await clientOf(server.url)
      .client.register(made.capture())
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(errorClass);
    expect((failure as Error).constructor).toBe(errorClass);
    expect(failure).toMatchObject({ status: code, code: name });
    expect(server.registrations).toHaveLength(1);
  });

  it('touches the card only when the server can be reached', async () => {
    await server.close();
    const card = made.card();
    await expect(
      clientOf(server.url, { attemptsMax: 2 }).client.register({ ...made.capture(card), pin: '0000' }),
    ).rejects.toBeInstanceOf(ServerUnreachableError);
    expect(card.toJson().triesLeft).toEqual({ authenticationPin: 3, signingPassword: 5, accessNumber: 10 });
    server = await ScriptedServer.start();
  });

  it('costs one try per wrong PIN, sends nothing, and does not use the last try unasked', async () => {
    const card = made.card();
    const { client } = clientOf(server.url);
    const wrong = () => client.register({ ...made.capture(card), pin: '0000' });
    await expect(wrong()).rejects.toMatchObject({ code: 'wrong_secret', triesLeft: 2 });
    await expect(wrong()).rejects.toMatchObject({ code: 'wrong_secret', triesLeft: 1 });
    await expect(wrong()).rejects.toBeInstanceOf(LastTryNotConfirmedError);
    expect(card.toJson().triesLeft.authenticationPin).toBe(1);
    await expect(client.register({ ...made.capture(card), pin: '0000', lastTryConfirmed: true })).rejects.toMatchObject(
      { code: 'blocked', triesLeft: 0 },
    );
    await expect(client.register({ ...made.capture(card), lastTryConfirmed: true })).rejects.toBeInstanceOf(CardError);
    expect(server.registrations).toHaveLength(0);
  });

  it('refuses a photograph that is no JPEG before anything else', async () => {
    await expect(
      clientOf(server.url).client.register({ ...made.capture(), photo: Buffer.from('PNG') }),
    ).rejects.toThrow(RangeError);
    expect(server.arrived).toHaveLength(0);
  });

  it('counts its captures', async () => {
    server.script(accepted, accepted);
    const { client } = clientOf(server.url);
    await client.register(made.capture());
    await client.register(made.capture());
    const counters = await Promise.all(
      server.registrations.map(
        async (arrived) =>
          (JSON.parse(String((await partsOf(arrived))['request'])) as { envelope: CaptureEnvelope }).envelope.counter,
      ),
    );
    expect(counters).toEqual([1, 2]);
  });

  it('follows by questions until the final status, each status once', async () => {
    server.script(
      status('received'),
      status('processing'),
      answer(503, ''),
      status('processing'),
      status('registered'),
    );
    expect(await statuses(clientOf(server.url).client.follow(RECEIPT, { by: 'poll' }))).toEqual([
      'received',
      'processing',
      'registered',
    ]);
    expect(server.unplayed).toBe(0);
  });

  it('follows by server-sent events, and asks where a stream breaks', async () => {
    server.script(
      events('received', 'processing'),
      status('processing'),
      drop,
      status('processing'),
      answer(404, ''),
      status('processing'),
      events('processing', 'visit_again'),
    );
    expect(await statuses(clientOf(server.url).client.follow(RECEIPT))).toEqual([
      'received',
      'processing',
      'visit_again',
    ]);
    expect(server.unplayed).toBe(0);
  });

  it('waits for a fresh receipt to become known, but not for ever', async () => {
    const unknown = refusal(404, 'not_found');
    server.script(unknown, unknown, status('received'), status('registered'));
    expect(await statuses(clientOf(server.url).client.follow(RECEIPT, { by: 'poll' }))).toEqual([
      'received',
      'registered',
    ]);
    server.script(...Array.from({ length: 11 }, () => unknown));
    await expect(statuses(clientOf(server.url).client.follow(RECEIPT, { by: 'poll' }))).rejects.toMatchObject({
      code: 'not_found',
      status: 404,
    });
    expect(server.unplayed).toBe(0);
  });

  it('keeps a promise as it came, tells what is wrong with it, and counts the request as received', async () => {
    const wrong = 'honnin receipt promise v1\nlog.example/x\n\n\u2014 log.example/x AAAAAAAA\n';
    server.script(answer(202, { receipt: RECEIPT, status: 'received', promise: wrong }));
    expect(await clientOf(server.url).client.register(made.capture())).toMatchObject({
      receipt: RECEIPT,
      promise: wrong,
      promiseProblem: expect.stringMatching(/says something else/),
    });
  });

  it('ends following when it is told to', async () => {
    const abort = new AbortController();
    server.script(events('received'), status('received'));
    const seen: string[] = [];
    for await (const { status: name } of clientOf(server.url).client.follow(RECEIPT, { signal: abort.signal })) {
      seen.push(name);
      abort.abort();
    }
    expect(seen).toEqual(['received']);
  });

  it('takes only what looks like a receipt', async () => {
    await expect(clientOf(server.url).client.status('../admin')).rejects.toThrow(RangeError);
  });

  it('says that an aborted sending is uncertain', async () => {
    server.script(hang);
    const { client } = clientOf(server.url);
    const request = await client.prepare(made.capture());
    await expect(client.send(request, AbortSignal.timeout(100))).rejects.toBeInstanceOf(UncertainOutcomeError);
  });
});

describe('a booth key', () => {
  it('survives export and import, with and without a passphrase', () => {
    for (const passphrase of [undefined, 'correct horse']) {
      const again = importBoothKey(exportBoothKey(boothKey, passphrase), passphrase);
      expect(again.publicKeySpki).toBe(boothKey.publicKeySpki);
      expect(again.fingerprint).toBe(boothKey.fingerprint);
    }
    expect(exportBoothKey(boothKey, 'correct horse')).toMatch(/ENCRYPTED PRIVATE KEY/);
    expect(() => importBoothKey(exportBoothKey(boothKey, 'correct horse'), 'wrong')).toThrow();
  });
});

async function statuses(stream: AsyncIterable<RequestStatus>): Promise<string[]> {
  const seen: string[] = [];
  for await (const { status: name } of stream) seen.push(name);
  return seen;
}
