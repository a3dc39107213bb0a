import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import path from 'node:path';
import { BoothClient } from '../../src/booth/booth-client.js';
import { BoothNotTrustedError, RecaptureNeededError, ServerRefusedError } from '../../src/booth/booth-errors.js';
import { generateBoothKey } from '../../src/booth/booth-key.js';
import { DurableCaptureCounter } from '../../src/booth/capture-counter.js';
import { OfflineQueue, registerDurably } from '../../src/booth/offline-queue.js';
import { sandboxSettings, startSandbox, type Sandbox } from '../../src/sandbox/sandbox.js';
import type { SyntheticCard } from '../../src/sandbox/card/synthetic-card.js';
import { startServer, type RunningServer } from '../../src/server.js';
import { samplePicture, temporaryFolder } from '../sandbox/support.js';
import { enrol as enrolBooth } from '../support/two-people.js';

const folder = temporaryFolder();
const key = generateBoothKey();
let sandbox: Sandbox;
let server: RunningServer;
let card: SyntheticCard;
let photo: Buffer;

const settings = (port: string): Record<string, string> => ({
  ...sandboxSettings(sandbox),
  HONNIN_DATA: path.join(folder.path, 'data'),
  HONNIN_PORT: port,
  HONNIN_LOG_LEVEL: 'silent',
});

beforeAll(async () => {
  photo = await samplePicture();
  sandbox = await startSandbox({ folder: path.join(folder.path, 'sandbox'), print: () => undefined });
  card = await sandbox.jpki.issueCard({
    picture: photo,
    certificateTypes: ['user_authentication', 'digital_signature'],
  });
  server = await startServer(settings('0'));
  for (const boothId of ['booth-1', 'booth-2']) await enrol(boothId);
});

afterAll(async () => {
  await server.close();
  await sandbox.close();
  folder.remove();
});

async function asAdministrator(target: string, body: object): Promise<void> {
  const answer = await fetch(`${server.url}${target}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${await sandbox.tokens.signIn('administrator')}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${target}: ${answer.status} ${await answer.text()}`);
}

const enrol = (boothId: string): Promise<void> =>
  enrolBooth(server.url, (user) => sandbox.tokens.signIn(user), boothId, key.publicKeySpki);

const booth = (boothId = 'booth-1'): BoothClient =>
  new BoothClient({
    baseUrl: server.url,
    boothId,
    key,
    counter: new DurableCaptureCounter(path.join(folder.path, boothId)),
    attemptsMax: 2,
    wait: async () => undefined,
  });

function capture(): Parameters<BoothClient['register']>[0] {
  const { authenticationPin, accessNumber } = card.secrets;
  return {
    card: card.connect(),
    pin: authenticationPin,
    accessNumber,
    photo,
    consent: { textVersion: '2026-11', keepReferenceImage: true },
  };
}

/** The booth is tested against the server that it is for, over HTTP, with nothing in between. */
describe('the booth against the server', () => {
  it('gets one receipt for one request, however often it is sent @req R1 R4 R21', async () => {
    const request = await booth().prepare(capture());
    const first = await booth().send(request);
    expect(await booth().send(request)).toEqual(first);
    const other = await booth().register({
      ...capture(),
      certificateType: 'digital_signature',
      pin: card.secrets.signingPassword,
    });
    expect(other.receipt).not.toBe(first.receipt);
  });

  it('is refused for another request under a used key', async () => {
    const idempotencyKey = 'used-key';
    await booth().register({ ...capture(), idempotencyKey });
    await expect(booth().register({ ...capture(), idempotencyKey })).rejects.toMatchObject({
      name: 'ServerRefusedError',
      code: 'idempotency_key_reused',
      status: 409,
    });
  });

  it('must capture again when its nonce was used by another request', async () => {
    const request = await booth().prepare(capture());
    await booth().send(request);
    await expect(booth().send({ ...request, idempotencyKey: 'another-key' })).rejects.toBeInstanceOf(
      RecaptureNeededError,
    );
  });

  it('hears in its own language why it is refused', async () => {
    const failure = await booth()
      .register({ ...capture(), consent: { textVersion: 'never-shown', keepReferenceImage: false } })
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ServerRefusedError);
    expect(failure).toMatchObject({ code: 'consent_text_unknown' });
    expect((failure as Error).message).toMatch(/[぀-ヿ一-鿿]/);
  });

  it('is not trusted before it is enrolled, with another key, or after it was suspended', async () => {
    await expect(booth('booth-nobody').register(capture())).rejects.toBeInstanceOf(BoothNotTrustedError);
    const impostor = new BoothClient({
      baseUrl: server.url,
      boothId: 'booth-2',
      key: generateBoothKey(),
      counter: { next: () => 1 },
    });
    await expect(impostor.register(capture())).rejects.toMatchObject({ code: 'booth_signature_invalid' });
    await asAdministrator('/v1/booths/booth-2/suspension', { reason: 'lost' });
    await expect(booth('booth-2').register(capture())).rejects.toMatchObject({
      name: 'BoothNotTrustedError',
      code: 'booth_is_suspended',
    });
  });

  it('follows a request by events and by questions', async () => {
    const { receipt } = await booth().register(capture());
    for (const by of ['events', 'poll'] as const) {
      for await (const status of booth().follow(receipt, { by })) {
        expect(status.receipt).toBe(receipt);
        break;
      }
    }
    expect((await booth().status(receipt)).receipt).toBe(receipt);
  });

  it('delivers what waited while the server was away, and gets the first receipt for what it had sent before', async () => {
    const queue = new OfflineQueue({ folder: path.join(folder.path, 'queue'), key: Buffer.alloc(32, 3) });
    const known = await booth().prepare(capture());
    const { receipt } = await booth().send(known);
    const port = new URL(server.url).port;
    const waiting = await booth().prepare(capture());
    await server.close();
    queue.add(known);
    queue.add(waiting);
    expect(await queue.deliver(booth())).toEqual([]);
    await expect(registerDurably(booth(), queue, capture())).rejects.toMatchObject({ name: 'ServerUnreachableError' });
    server = await startServer(settings(port));
    const [first, second] = await queue.deliver(booth());
    const promise = expect.stringMatching(/^honnin receipt promise v1\n/);
    expect(first?.outcome).toEqual({ result: 'received', receipt, status: 'received', promise });
    expect(second?.outcome).toMatchObject({ result: 'received' });
    queue.close();
  });
});
