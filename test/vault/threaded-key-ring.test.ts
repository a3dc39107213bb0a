import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { StorageUnavailableError } from '../../src/application/ports/store/storage-trouble.js';
import { KeyRing } from '../../src/infrastructure/vault/key-ring.js';
import { ThreadedKeyRing } from '../../src/infrastructure/vault/threaded-key-ring.js';

const masterKey = Buffer.alloc(32, 7);

describe('the key ring on a thread @req R12', () => {
  let folder: string;
  let file: string;
  let ring: ThreadedKeyRing;
  beforeEach(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'honnin-keys-'));
    file = path.join(folder, 'keys.db');
    ring = await ThreadedKeyRing.open(file, masterKey);
  });
  afterEach(async () => {
    await ring.close();
    rmSync(folder, { recursive: true });
  });

  it('makes one key for an owner, however often and at once it is asked, and another ring opens the same', async () => {
    const keys = await Promise.all(Array.from({ length: 20 }, () => ring.keyFor('case:a')));
    expect(new Set(keys.map((key) => Buffer.from(key as Uint8Array).toString('hex'))).size).toBe(1);
    const other = new KeyRing(file, masterKey);
    expect(Buffer.from(other.existingKey('case:a') as Uint8Array)).toEqual(Buffer.from(keys[0] as Uint8Array));
    other.close();
    expect(await ring.existingKey('case:b')).toBeNull();
  });

  it('destroys for ever, or until the owner comes back, in the order of the wishes', async () => {
    const [first, , never, again, gone, second] = await Promise.all([
      ring.keyFor('case:a'),
      ring.destroy('case:a', { forever: true }),
      ring.keyFor('case:a'),
      ring.keyFor('registrant:b'),
      ring.destroy('registrant:b', { forever: false }),
      ring.keyFor('registrant:b'),
    ]);
    expect(first).toHaveLength(32);
    expect(never).toBeNull();
    expect(gone).toBeUndefined();
    expect(Buffer.from(second as Uint8Array)).not.toEqual(Buffer.from(again as Uint8Array));
  });

  it('answers for keys that are there before it waits for the disk on account of others', async () => {
    const made = await ring.keyFor('case:a');
    const held = KeyRing.hold(file);
    let isMade = false;
    const another = ring.keyFor('case:b').then(() => (isMade = true));
    const [read, again] = await Promise.all([ring.existingKey('case:a'), ring.keyFor('case:a')]);
    expect([read, again, isMade]).toEqual([made, made, false]);
    held.release();
    await another;
    expect(await ring.existingKey('case:b')).toHaveLength(32);
  });

  it('answers for a key that is made or destroyed before, in the order of the wishes', async () => {
    await ring.keyFor('case:a');
    const [, gone, made, there] = await Promise.all([
      ring.destroy('case:a', { forever: true }),
      ring.existingKey('case:a'),
      ring.keyFor('case:b'),
      ring.existingKey('case:b'),
    ]);
    expect(gone).toBeNull();
    expect(there).toEqual(made);
  });

  it('tells a key that does not open to the one who asked for it, and serves the others of the group', async () => {
    await ring.keyFor('case:bad');
    const database = new DatabaseSync(file, { timeout: 1000 });
    database.exec("UPDATE data_key SET wrapped = zeroblob(60) WHERE owner = 'case:bad'");
    database.close();
    const [good, bad, other] = await Promise.allSettled([
      ring.keyFor('case:good'),
      ring.keyFor('case:bad'),
      ring.keyFor('case:other'),
    ]);
    expect([good.status, bad.status, other.status]).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect((bad as PromiseRejectedResult).reason).toMatchObject({
      message: expect.stringContaining('the key of case:bad does not open'),
    });
    expect(await ring.existingKey('case:good')).toHaveLength(32);
  });

  it('does what was wished for before it closes, and nothing afterwards', async () => {
    const wishes = Array.from({ length: 30 }, (_, n) => ring.keyFor(`case:${n}`));
    await ring.close();
    expect((await Promise.all(wishes)).every((key) => key?.length === 32)).toBe(true);
    await expect(ring.keyFor('case:late')).rejects.toThrow('the key ring is closed');
  });

  const endThread = () => (ring as unknown as { thread: { terminate(): Promise<number> } }).thread.terminate();

  it('lets nobody wait for a thread that died, and begins another for the next wish', async () => {
    const key = await ring.keyFor('case:there');
    const wish = ring.keyFor('case:a');
    await endThread();
    const outcome = await wish.then(
      () => 'made',
      (error: Error) => [error.constructor, error.message],
    );
    expect(['made', [StorageUnavailableError, 'the thread of the key ring is gone: it ended']]).toContainEqual(outcome);
    const [again, there] = await Promise.all([ring.keyFor('case:a'), ring.existingKey('case:there')]);
    expect(again).toHaveLength(32);
    expect(there).toEqual(key);
    await endThread();
    expect(await ring.existingKey('case:a')).toEqual(again);
  });

  it.each([
    ['is gone', () => {}],
    ['is another one', () => new KeyRing(file, masterKey).close()],
  ])('begins no thread over a file that %s: its keys would be made anew', async (_, leave) => {
    await ring.keyFor('case:there');
    renameSync(file, `${file}.away`);
    leave();
    await endThread();
    const refused = ring.keyFor('case:there');
    await expect(refused).rejects.toThrow(StorageUnavailableError);
    await expect(refused).rejects.toThrow(/is gone, or another file than at the start/);
    renameSync(`${file}.away`, file);
    expect(await ring.existingKey('case:there')).toHaveLength(32);
  });

  it('says why it cannot be opened', async () => {
    await expect(ThreadedKeyRing.open(path.join(folder, 'no', 'such', 'folder.db'), masterKey)).rejects.toThrow(
      /unable to open/,
    );
    await expect(ThreadedKeyRing.open(file, Buffer.alloc(5))).rejects.toThrow('32 bytes');
  });
});

describe('several things in one step', () => {
  it('are all undone when one of them fails', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'honnin-keys-'));
    const ring = new KeyRing(path.join(folder, 'keys.db'), masterKey);
    expect(() =>
      ring.together(() => {
        ring.keyFor('case:a');
        ring.destroy('case:b', { forever: true });
        throw new Error('in the middle');
      }),
    ).toThrow('in the middle');
    expect(ring.existingKey('case:a')).toBeNull();
    expect(ring.keyFor('case:b')).toHaveLength(32);
    ring.close();
    rmSync(folder, { recursive: true });
  });
});
