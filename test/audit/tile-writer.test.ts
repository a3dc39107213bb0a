import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parseCheckpoint } from '../../src/domain/audit/log/checkpoint.js';
import { keysThatFollow } from '../../src/domain/audit/log/key-succession.js';
import {
  GrowingTree,
  consistencyProof,
  inclusionProof,
  isConsistent,
  rootFromInclusion,
  sameHash,
} from '../../src/domain/audit/log/merkle-tree.js';
import { judgeNote, parseNote, verifierKeyText, writeNote } from '../../src/domain/audit/log/signed-note.js';
import { tilePath, tileWidth } from '../../src/domain/audit/log/tiles.js';
import type { Position } from '../../src/domain/event-envelope.js';
import { hasher, isSignedEd25519, sha256 } from '../../src/infrastructure/audit/digest.js';
import { LogKeys } from '../../src/infrastructure/audit/log-keys.js';
import { TileLog } from '../../src/infrastructure/audit/log/tile-log.js';
import { AuditLogForkError, TileWriter, type NewLeaf } from '../../src/infrastructure/audit/log/tile-writer.js';

const ORIGIN = 'log.example/honnin';
let folder: string;
let keys: LogKeys;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'honnin-tiles-'));
  keys = await LogKeys.open({
    origin: ORIGIN,
    secretFolder: join(folder, 'secret'),
    auditFolder: join(folder, 'audit'),
  });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const audit = () => join(folder, 'audit');
const leaf = (i: number): NewLeaf => ({ text: `{"leaf":${i}}`, position: BigInt(i * 3 + 1) as Position });
const leaves = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => leaf(from + i));
function rootOf(size: number) {
  const tree = new GrowingTree(hasher);
  for (const { text } of leaves(0, size)) tree.append(hasher.leaf(Buffer.from(text)));
  return tree.root();
}
/** Everything that a published checkpoint promises. */
function expectSound(log = new TileLog(audit())): number {
  const published = log.checkpoint();
  if (!published) return 0;
  const { checkpoint, note } = parseCheckpoint(published.note);
  const trusted = keysThatFollow(keys.keys().slice(0, 1), keys.successions(), {
    hash: sha256,
    isSigned: isSignedEd25519,
  });
  expect(judgeNote(note, trusted, isSignedEd25519).verdict).toBe('signed');
  expect(sameHash(checkpoint.root, rootOf(checkpoint.size))).toBe(true);
  expect([...log.leaves(0, checkpoint.size)]).toEqual(leaves(0, checkpoint.size).map((l) => l.text));
  for (const index of [0, checkpoint.size >> 1, checkpoint.size - 1]) {
    const proof = inclusionProof(hasher, log.nodes(checkpoint.size), { index, size: checkpoint.size });
    const led = rootFromInclusion(hasher, proof, {
      index,
      size: checkpoint.size,
      leaf: hasher.leaf(Buffer.from(leaf(index).text)),
    });
    expect(led && sameHash(led, checkpoint.root)).toBe(true);
    expect(log.indexOf(leaf(index).position)).toBe(index);
  }
  expect(log.indexOf(2n as Position)).toBeNull();
  for (const size of log.archivedAfter(0)) {
    const earlier = log.checkpointOf(size);
    if (!earlier || size > checkpoint.size) continue;
    const proof = consistencyProof(hasher, log.nodes(checkpoint.size), { first: size, second: checkpoint.size });
    expect(
      isConsistent(hasher, proof, {
        first: size,
        firstRoot: earlier.root,
        second: checkpoint.size,
        secondRoot: checkpoint.root,
      }),
    ).toBe(true);
  }
  return checkpoint.size;
}

describe('the tile writer', () => {
  it('publishes sound checkpoints at every size around the edges of tiles', async () => {
    let writer = TileWriter.open(audit(), keys);
    for (const size of [1, 2, 255, 256, 257, 511, 512, 513, 1024, 1300]) {
      writer.publish(leaves(writer.size, size));
      expect(expectSound()).toBe(size);
      writer = TileWriter.open(audit(), keys);
      expect(writer.size).toBe(size);
      expect(writer.lastPosition()).toBe(leaf(size - 1).position);
    }
  });

  it('reaches the third level of tiles', async () => {
    const writer = TileWriter.open(audit(), keys);
    for (let size = 0; size < 66_000; size += 6_000) writer.publish(leaves(size, size + 6_000));
    expect(tileWidth(2, 0, 66_000)).toBe(1);
    expect(new TileLog(audit()).file(tilePath({ level: 2, index: 0, width: 1 }))?.length).toBe(32);
    expect(expectSound()).toBe(66_000);
    expect(TileWriter.open(audit(), keys).size).toBe(66_000);
  });

  it('is sound after a crash at every step, and goes on to the same tree', async () => {
    const steps: string[] = [];
    const start = TileWriter.open(audit(), keys);
    start.publish(leaves(0, 250));
    const before = join(folder, 'before');
    cpSync(audit(), before, { recursive: true });
    const headBefore = readFileSync(`${audit()}.head`);
    const whole = TileWriter.open(audit(), keys, (step) => void steps.push(step));
    whole.publish(leaves(250, 600));
    expect(steps).toEqual(
      expect.arrayContaining([
        'positions',
        'tile/entries/000',
        'tile/0/000',
        'tile/1/000.p/2',
        'sign',
        'head',
        'archive',
        'checkpoint',
        'clean',
      ]),
    );
    for (let at = 0; at < steps.length; at += 1) {
      rmSync(audit(), { recursive: true, force: true });
      cpSync(before, audit(), { recursive: true });
      writeFileSync(`${audit()}.head`, headBefore);
      let count = 0;
      const crashing = TileWriter.open(audit(), keys, (step) => {
        if (count++ === at) throw new Error(`crash before ${step}`);
      });
      expect(() => crashing.publish(leaves(250, 600))).toThrow('crash before');
      const size = expectSound();
      expect([250, 600]).toContain(size);
      const again = TileWriter.open(audit(), keys);
      // Fewer events may be at hand than before the crash: what was not published is not promised.
      const next = again.size === 250 ? 400 : 700;
      again.publish(leaves(again.size, next));
      expect(expectSound()).toBe(next);
      again.publish(leaves(next, 800));
      expect(expectSound()).toBe(800);
    }
  });

  it('does not sign when the files are not what was signed', async () => {
    const writer = TileWriter.open(audit(), keys);
    writer.publish(leaves(0, 300));
    writer.publish(leaves(300, 310));
    writer.publish(leaves(310, 320));
    const flip = (path: string) => {
      const bytes = readFileSync(join(audit(), path));
      bytes[5] = (bytes[5] as number) ^ 1;
      writeFileSync(join(audit(), path), bytes);
    };
    flip('tile/0/001.p/64');
    expect(() => TileWriter.open(audit(), keys)).toThrow(AuditLogForkError);
    flip('tile/0/001.p/64');
    // An earlier checkpoint put in the place of the newest.
    const newest = readFileSync(join(audit(), 'checkpoint'));
    writeFileSync(join(audit(), 'checkpoint'), new TileLog(audit()).checkpointOf(300)!.note);
    expect(() => TileWriter.open(audit(), keys)).toThrow(/set back/);
    writeFileSync(join(audit(), 'checkpoint'), newest);
    expect(TileWriter.open(audit(), keys).size).toBe(320);
    const stranger = await LogKeys.open({
      origin: ORIGIN,
      secretFolder: join(folder, 'other'),
      auditFolder: join(folder, 'other'),
    });
    expect(() => TileWriter.open(audit(), stranger)).toThrow(/not signed by a key/);
    const renamed = await LogKeys.open({
      origin: 'other.example',
      secretFolder: join(folder, 'other2'),
      auditFolder: join(folder, 'other2'),
    });
    expect(() => TileWriter.open(audit(), renamed)).toThrow(/this server is/);
  });

  it('gives out only what a checkpoint covers', async () => {
    const writer = TileWriter.open(audit(), keys);
    writer.publish(leaves(0, 10));
    const log = new TileLog(audit());
    expect(log.file('tile/0/000.p/10')).not.toBeNull();
    expect(log.file('tile/0/000.p/11')).toBeNull();
    expect(log.file('../secret/log-1.key')).toBeNull();
    expect(log.file('positions')).toBeNull();
    expect(() => log.leaf(10)).toThrow(RangeError);
  });
});

describe('the keys of the log', () => {
  it('rotate: the old key vouches for the new one, and trust in the first key reaches all', async () => {
    const writer = TileWriter.open(audit(), keys);
    writer.publish(leaves(0, 5));
    const first = keys.keys()[0]!;
    await keys.rotate(new TileLog(audit()).checkpoint(), { destroyOld: false });
    writer.publish(leaves(5, 9));
    await keys.rotate(new TileLog(audit()).checkpoint(), { destroyOld: true });
    writer.publish(leaves(9, 12));
    const note = parseNote(new TileLog(audit()).checkpoint()!.note);
    expect(judgeNote(note, [first], isSignedEd25519).verdict).toBe('unsigned');
    const all = keysThatFollow([first], keys.successions().toReversed(), { hash: sha256, isSigned: isSignedEd25519 });
    expect(all.map(verifierKeyText)).toEqual(keys.keys().map(verifierKeyText));
    expect(judgeNote(note, all, isSignedEd25519).verdict).toBe('signed');
    expect(expectSound()).toBe(12);
    expect(
      TileWriter.open(
        audit(),
        await LogKeys.open({ origin: ORIGIN, secretFolder: join(folder, 'secret'), auditFolder: audit() }),
      ).size,
    ).toBe(12);
  });

  it('are not followed to a key that only signed for itself, or under a borrowed signature', async () => {
    await keys.rotate(null, { destroyOld: false });
    const [note] = keys.successions() as [string];
    const parsed = parseNote(note);
    const first = keys.keys()[0]!;
    const thief = await LogKeys.open({
      origin: ORIGIN,
      secretFolder: join(folder, 'thief'),
      auditFolder: join(folder, 'thief'),
    });
    const follow = (forged: string) =>
      keysThatFollow([first], [forged], { hash: sha256, isSigned: isSignedEd25519 }).length;
    expect(follow(note)).toBe(2);
    const stolen = parsed.text.replace(verifierKeyText(keys.keys()[1]!), verifierKeyText(thief.keys()[0]!));
    expect(follow(writeNote({ text: stolen, signatures: [...parsed.signatures, ...thief.sign(stolen)] }))).toBe(1);
    expect(follow(writeNote({ text: stolen, signatures: thief.sign(stolen) }))).toBe(1);
    expect(follow(writeNote({ text: parsed.text, signatures: parsed.signatures.slice(0, 1) }))).toBe(1);
  });

  it('are not replaced silently when the secret one is missing', async () => {
    rmSync(join(folder, 'secret'), { recursive: true });
    await expect(
      LogKeys.open({ origin: ORIGIN, secretFolder: join(folder, 'secret'), auditFolder: audit() }),
    ).rejects.toThrow(/is missing/);
  });
});
