import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DurableCaptureCounter } from '../../src/booth/capture-counter.js';
import { OfflineQueue, QueueInUseError, registerDurably } from '../../src/booth/offline-queue.js';
import type { SignedRequest } from '../../src/booth/booth-client.js';
import { temporaryFolder } from '../sandbox/support.js';
import { accepted, drop, RECEIPT, refusal, ScriptedServer } from './fake-registration-server.js';
import { cardMaker, clientOf } from './support.js';

const key = randomBytes(32);
let server: ScriptedServer;
let folder: ReturnType<typeof temporaryFolder>;
let made: Awaited<ReturnType<typeof cardMaker>>;
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

beforeAll(async () => {
  made = await cardMaker();
});

beforeEach(async () => {
  server = await ScriptedServer.start();
  folder = temporaryFolder();
});

afterEach(async () => {
  await server.close();
  folder.remove();
});

const open = (options: { keepMsMax?: number; now?: () => Date } = {}): OfflineQueue =>
  new OfflineQueue({ folder: folder.path, key, ...options });

function request(name: string): SignedRequest {
  const body = Buffer.from(`body of ${name}`);
  return {
    idempotencyKey: name,
    contentType: 'multipart/form-data; boundary=x',
    body,
    bodySha256: sha256(body),
    preparedAtUtc: '2026-11-23T00:00:00.000Z',
    nonceExpiresAtUtc: '2026-11-23T00:05:00.000Z',
  };
}

const atPreparation = (): Date => new Date('2026-11-23T00:00:01.000Z');

describe('the offline queue', () => {
  it('keeps a request whose answer was lost, and delivers the same bytes after a restart', async () => {
    server.script(drop, drop, accepted);
    const { client } = clientOf(server.url, { attemptsMax: 2 });
    const first = open();
    const entry = await registerDurably(client, first, made.capture());
    expect(entry.outcome).toBeNull();
    first.close();
    const second = open();
    const [delivered] = await second.deliver(client);
    expect(delivered).toMatchObject({ id: entry.id, outcome: { result: 'received', receipt: RECEIPT } });
    expect(server.registrations).toHaveLength(3);
    expect(
      new Set(server.registrations.map(({ body, headers }) => `${headers['idempotency-key']} ${sha256(body)}`)).size,
    ).toBe(1);
    second.acknowledge(entry.id);
    expect(second.list()).toEqual([]);
    second.close();
  });

  it('reports an expired nonce for recapture, and never signs again', async () => {
    server.script(drop, refusal(422, 'nonce_expired'));
    const { client } = clientOf(server.url, { attemptsMax: 1 });
    const queue = open();
    await registerDurably(client, queue, made.capture());
    const [outcome] = await queue.deliver(client);
    expect(outcome?.outcome).toEqual({ result: 'recapture_needed', code: 'nonce_expired' });
    expect(await queue.deliver(client)).toHaveLength(1);
    expect(server.registrations).toHaveLength(2);
    expect(server.arrived.filter(({ path: where }) => where === '/v1/challenges')).toHaveLength(1);
    queue.close();
  });

  it('queues nothing when the server could not be reached for a nonce: there is nothing honest to queue', async () => {
    await server.close();
    const queue = open();
    await expect(
      registerDurably(clientOf(server.url, { attemptsMax: 1 }).client, queue, made.capture()),
    ).rejects.toMatchObject({ name: 'ServerUnreachableError' });
    expect(queue.list()).toEqual([]);
    queue.close();
    server = await ScriptedServer.start();
  });

  it('delivers oldest first and stops at the first unclear answer', async () => {
    const queue = open({ now: atPreparation });
    for (const name of ['a', 'b', 'c']) queue.add(request(name));
    server.script(accepted, drop);
    const { client } = clientOf(server.url, { attemptsMax: 1 });
    expect((await queue.deliver(client)).map(({ idempotencyKey }) => idempotencyKey)).toEqual(['a']);
    expect(server.registrations.map(({ headers }) => headers['idempotency-key'])).toEqual(['a', 'b']);
    server.script(accepted, refusal(413, 'photo_too_large'));
    expect((await queue.deliver(client)).map(({ outcome }) => outcome?.result)).toEqual([
      'received',
      'received',
      'refused',
    ]);
    queue.close();
  });

  it('keeps its requests when the booth is suspended: that says nothing about an earlier sending', async () => {
    const queue = open({ now: atPreparation });
    queue.add(request('a'));
    server.script(refusal(403, 'booth_is_suspended'));
    const { client } = clientOf(server.url, { attemptsMax: 1 });
    expect(await queue.deliver(client)).toEqual([]);
    server.script(accepted);
    expect((await queue.deliver(client))[0]?.outcome).toMatchObject({ result: 'received' });
    queue.close();
  });

  it('erases a photograph that waited too long, and says that its outcome is unknown', async () => {
    let now = Date.parse('2026-11-23T01:00:00.000Z');
    const queue = open({ keepMsMax: 3600_000, now: () => new Date(now) });
    const id = queue.add(request('secret-marker'));
    const { client } = clientOf(server.url, { attemptsMax: 1 });
    server.script(drop);
    expect(await queue.deliver(client)).toEqual([]);
    const size = readFileSync(path.join(folder.path, `${id}.entry`)).length;
    now += 1;
    expect((await queue.deliver(client))[0]?.outcome).toEqual({ result: 'outcome_unknown' });
    expect(server.registrations).toHaveLength(1);
    expect(readFileSync(path.join(folder.path, `${id}.entry`)).length).toBeLessThan(size + 100);
    queue.close();
  });

  it('does not forget a request whose outcome is open', () => {
    const queue = open();
    const id = queue.add(request('a'));
    expect(() => queue.acknowledge(id)).toThrow(/still open/);
    queue.close();
  });

  it('writes nothing readable to the disk', async () => {
    server.script(drop);
    const queue = open();
    await registerDurably(clientOf(server.url, { attemptsMax: 1 }).client, queue, made.capture());
    for (const name of readdirSync(folder.path)) {
      const bytes = readFileSync(path.join(folder.path, name));
      for (const clear of ['honnin', 'booth-1', 'photo', 'multipart', 'idempotency'])
        expect(bytes.includes(clear)).toBe(false);
      expect(bytes.includes(made.photo.subarray(100, 132))).toBe(false);
    }
    queue.close();
  });

  it.each(['flip', 'truncate', 'exchange', 'other key'])(
    'notices a damaged file (%s), reports it and sets it aside',
    async (how) => {
      const queue = open({ now: atPreparation });
      const id = queue.add(request('a'));
      const other = queue.add(request('b'));
      const file = path.join(folder.path, `${id}.entry`);
      const bytes = readFileSync(file);
      if (how === 'flip')
        writeFileSync(
          file,
          bytes.map((byte, i) => (i === 40 ? byte ^ 1 : byte)),
        );
      if (how === 'truncate') writeFileSync(file, bytes.subarray(0, 20));
      if (how === 'exchange') copyFileSync(path.join(folder.path, `${other}.entry`), file);
      queue.close();
      const again =
        how === 'other key'
          ? new OfflineQueue({ folder: folder.path, key: randomBytes(32), now: atPreparation })
          : open({ now: atPreparation });
      expect(again.list()[0]).toMatchObject({ id, outcome: { result: 'unreadable' } });
      if (how !== 'other key') server.script(accepted);
      await again.deliver(clientOf(server.url).client);
      expect(server.registrations.map(({ headers }) => headers['idempotency-key'])).toEqual(
        how === 'other key' ? [] : ['b'],
      );
      again.acknowledge(id);
      expect(readdirSync(folder.path)).toContain(`${id}.entry.damaged`);
      expect(again.list().map((entry) => entry.id)).not.toContain(id);
      again.close();
    },
  );

  it('drops the draft of a write that was cut short, and never uses a number again', () => {
    const queue = open();
    queue.add(request('a'));
    writeFileSync(path.join(folder.path, '000000000002.entry.new'), 'half');
    queue.close();
    const again = open();
    expect(readdirSync(folder.path).filter((name) => name.endsWith('.new'))).toEqual([]);
    expect(again.add(request('b'))).toBe('000000000003');
    expect(again.list()).toHaveLength(2);
    again.close();
  });

  it('is open once only, and is free again after its process was killed', async () => {
    const queue = open();
    expect(() => open()).toThrow(QueueInUseError);
    queue.close();
    // Another process takes the lock as the queue does, and is killed while it holds it.
    const program = `const { DatabaseSync } = require('node:sqlite'); const d = new DatabaseSync(process.argv[1], { timeout: 0 }); d.exec('BEGIN EXCLUSIVE'); console.log('held'); setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['-e', program, path.join(folder.path, 'lock.db')], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    expect(() => open()).toThrow(QueueInUseError);
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
    open().close();
  });
});

describe('the capture counter', () => {
  it('never goes back, over restarts and after the loss of its file', () => {
    const now = (): Date => new Date('2026-11-23T00:00:00.000Z');
    const first = new DurableCaptureCounter(folder.path, now);
    const start = first.next();
    expect(start).toBe((now().getTime() - Date.UTC(2020, 0, 1)) / 1000 + 1);
    expect(start).toBeLessThan(2 ** 31);
    expect(first.next()).toBe(start + 1);
    expect(new DurableCaptureCounter(folder.path, now).next()).toBe(start + 2);
  });

  it('does not guess when its file is damaged', () => {
    writeFileSync(path.join(folder.path, 'capture-counter'), '12');
    expect(() => new DurableCaptureCounter(folder.path)).toThrow(/damaged/);
  });
});
