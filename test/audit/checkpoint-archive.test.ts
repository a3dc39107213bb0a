import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { notesInText } from '../../src/domain/audit/copies/compare-copies.js';
import type { Position } from '../../src/domain/event-envelope.js';
import { CheckpointArchive } from '../../src/infrastructure/audit/log/checkpoint-archive.js';
import { fsck } from '../../src/infrastructure/audit/fsck/fsck.js';
import { LogKeys } from '../../src/infrastructure/audit/log-keys.js';
import { TileLog } from '../../src/infrastructure/audit/log/tile-log.js';
import { TileWriter, type NewLeaf } from '../../src/infrastructure/audit/log/tile-writer.js';
import { notesIn } from '../../src/cli/audit/arguments.js';
import { SyntheticHistory } from '../../src/sandbox/synthetic-history.js';
import { AuditWorld, ORIGIN } from './support.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'honnin-archive-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const noteOf = (size: number) =>
  `${ORIGIN}\n${size}\n${Buffer.alloc(32, size).toString('base64')}\n\n\u2014 ${ORIGIN} ${Buffer.alloc(68, size).toString('base64')}\n`;
const sizes = (archive = new CheckpointArchive(folder), after = 0) => [...archive.after(after)].map(({ size }) => size);
const EDGES = [1, 2, 65_535, 65_536, 65_537, 131_071, 131_072, 1_000_000];

/** The folder as a version before decision 0049 wrote it: each checkpoint in a file of its own. */
function asOlderVersion(auditFolder: string): void {
  const log = new TileLog(auditFolder);
  const notes = log.archivedAfter(0).map((size) => [size, log.checkpointOf(size)!.note] as const);
  rmSync(join(auditFolder, 'checkpoints'), { recursive: true });
  mkdirSync(join(auditFolder, 'checkpoints'));
  for (const [size, note] of notes) writeFileSync(join(auditFolder, 'checkpoints', String(size)), note);
}

describe('the archive of checkpoints', () => {
  it('keeps every note byte by byte, in one file per 65,536 sizes', () => {
    const archive = new CheckpointArchive(folder);
    for (const size of EDGES) archive.append(size, noteOf(size));
    expect(readdirSync(folder).toSorted()).toEqual(['0-65535', '131072-196607', '65536-131071', '983040-1048575']);
    for (const reader of [archive, new CheckpointArchive(folder)]) {
      for (const size of EDGES) expect(reader.noteOf(size)).toBe(noteOf(size));
      for (const size of [0, 3, 65_534, 65_538, 500_000]) expect(reader.noteOf(size)).toBeNull();
      expect(sizes(reader)).toEqual(EDGES);
      expect(sizes(reader, 65_535)).toEqual(EDGES.slice(3));
      expect(sizes(reader, 1_000_000)).toEqual([]);
    }
    // The text of a file is what the tools for kept copies read.
    expect(notesInText(readFileSync(join(folder, '0-65535'), 'utf8'))).toEqual([1, 2, 65_535].map(noteOf));
    expect(notesIn(folder)).toHaveLength(EDGES.length);
  });

  it('has nothing before the first checkpoint', () => {
    const archive = new CheckpointArchive(join(folder, 'none'));
    archive.repair();
    expect(archive.noteOf(1)).toBeNull();
    expect(sizes(archive)).toEqual([]);
  });

  it.each([
    [8, 9],
    [65_530, 65_536],
  ])('counts no part of a record that a crash left, and goes on in its place (%i, then %i)', (torn, next) => {
    new CheckpointArchive(folder).append(5, noteOf(5));
    const before = readFileSync(join(folder, '0-65535'));
    const record = Buffer.from(`${noteOf(torn)}\n`);
    for (let length = 0; length <= record.length; length += 1) {
      rmSync(folder, { recursive: true });
      new CheckpointArchive(folder).append(5, noteOf(5));
      appendFileSync(join(folder, '0-65535'), record.subarray(0, length));
      const isWhole = length === record.length;
      const archive = new CheckpointArchive(folder);
      expect(sizes(archive)).toEqual(isWhole ? [5, torn] : [5]);
      expect(archive.noteOf(torn)).toBe(isWhole ? noteOf(torn) : null);
      archive.repair();
      expect(readFileSync(join(folder, '0-65535'))).toEqual(isWhole ? Buffer.concat([before, record]) : before);
      archive.append(next, noteOf(next));
      expect(sizes()).toEqual(isWhole ? [5, torn, next] : [5, next]);
    }
  });

  it('loses no more than the records around a damaged byte, and says which file has them', () => {
    const archive = new CheckpointArchive(folder);
    const written = [10, 20, 30, 40, 50];
    for (const size of written) archive.append(size, noteOf(size));
    const whole = readFileSync(join(folder, '0-65535'));
    const length = whole.length / written.length;
    for (let at = 2 * length; at < 3 * length; at += 1) {
      const damaged = Buffer.from(whole);
      damaged[at] = (damaged[at] as number) ^ 0x55;
      writeFileSync(join(folder, '0-65535'), damaged);
      const found = [...new CheckpointArchive(folder).after(0)];
      const good = found.filter(({ size, note }) => size !== null && note === noteOf(size)).map(({ size }) => size);
      expect(good).toEqual(expect.arrayContaining([10, 20, 50]));
      // Either the record is still one, with another content, or it is named as damaged.
      expect(found.some(({ size, note, file }) => file === '0-65535' && (size === null || note !== noteOf(size)))).toBe(
        true,
      );
    }
  });

  it('takes no record for a checkpoint that belongs into another file', () => {
    writeFileSync(join(folder, '0-65535'), `${noteOf(7)}\n${noteOf(70_000)}\n`);
    expect(sizes()).toEqual([null, 7]);
  });
});

describe('a log whose process dies while it archives', () => {
  const leaf = (i: number): NewLeaf => ({ text: `{"leaf":${i}}`, position: BigInt(i + 1) as Position });
  const leaves = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => leaf(from + i));

  /** Logs of before kept nothing beside their folder: there a record that is not whole was never signed, as far as
   * anybody can tell. */
  it.each([
    ['publishes what was signed', true],
    ['goes on from before, where nothing is kept beside the folder,', false],
  ])('opens with any part of the record, %s and the next checkpoint', async (_, isKept) => {
    const audit = join(folder, 'audit');
    const keys = await LogKeys.open({ origin: ORIGIN, secretFolder: join(folder, 'secret'), auditFolder: audit });
    TileWriter.open(audit, keys).publish(leaves(0, 3));
    const before = readFileSync(join(audit, 'checkpoint'));
    const archived = readFileSync(join(audit, 'checkpoints/0-65535'));
    TileWriter.open(audit, keys).publish(leaves(3, 5));
    const whole = readFileSync(join(audit, 'checkpoints/0-65535'));
    const signed = readFileSync(`${audit}.head`);
    cpSync(audit, join(folder, 'second'), { recursive: true });
    for (let length = archived.length; length <= whole.length; length += 7) {
      // The last part is all of it: then the archive is one step ahead of the checkpoint.
      const end = length + 7 > whole.length ? whole.length : length;
      rmSync(audit, { recursive: true });
      cpSync(join(folder, 'second'), audit, { recursive: true });
      writeFileSync(join(audit, 'checkpoint'), before);
      writeFileSync(join(audit, 'checkpoints/0-65535'), whole.subarray(0, end));
      if (isKept) writeFileSync(`${audit}.head`, signed);
      else rmSync(`${audit}.head`, { force: true });
      const writer = TileWriter.open(audit, keys);
      const isSigned = isKept || end === whole.length;
      expect(writer.size).toBe(isSigned ? 5 : 3);
      writer.publish(leaves(writer.size, 6));
      expect(new TileLog(audit).archivedAfter(0)).toEqual(isSigned ? [3, 5, 6] : [3, 6]);
      expect(TileWriter.open(audit, keys).size).toBe(6);
    }
  });

  it('puts the present checkpoint back when damage took it from the archive', async () => {
    const audit = join(folder, 'audit');
    const keys = await LogKeys.open({ origin: ORIGIN, secretFolder: join(folder, 'secret'), auditFolder: audit });
    TileWriter.open(audit, keys).publish(leaves(0, 3));
    writeFileSync(join(audit, 'checkpoints/0-65535'), '');
    TileWriter.open(audit, keys).publish(leaves(3, 4));
    expect(new TileLog(audit).archivedAfter(0)).toEqual([3, 4]);
  });
});

describe('a folder that an older version wrote', () => {
  let world: AuditWorld;
  const appends = [...new SyntheticHistory({ seed: 3 }).appends(6)];
  const problems = async (copies: readonly string[] = []) =>
    (
      await fsck({
        eventsFile: join(world.folder, 'events.db'),
        auditFolder: world.auditFolder,
        signer: world.keys,
        pseudonyms: world.pseudonyms,
        vault: null,
        copies,
      })
    ).problems;
  const grow = async (from: number, to: number) => {
    await world.append(appends.slice(from, to));
    await world.publish();
  };

  beforeEach(async () => {
    world = await AuditWorld.open();
    await grow(0, 10);
    await grow(10, 20);
    asOlderVersion(world.auditFolder);
  });
  afterEach(() => world.close());

  it('is read, checked and continued; both forms stay readable', async () => {
    const old = world.log.archivedAfter(0);
    const notes = old.map((size) => world.log.checkpointOf(size)!.note);
    expect(old).toHaveLength(2);
    expect(await problems(notes)).toEqual([]);
    await grow(20, 30);
    await grow(30, 40);
    expect(readdirSync(join(world.auditFolder, 'checkpoints')).toSorted()).toEqual(
      [...old.map(String), '0-65535'].toSorted(),
    );
    expect(world.log.archivedAfter(0)).toEqual([...old, ...world.log.archivedAfter(old[1]!)]);
    expect(world.log.archivedAfter(0)).toHaveLength(4);
    expect(world.log.archivedAfter(0).map((size) => world.log.checkpointOf(size)!.size)).toEqual(
      world.log.archivedAfter(0),
    );
    expect(await problems(notes)).toEqual([]);
  });

  it('may have been left by a crash between archive and renaming', async () => {
    const [first, second] = world.log.archivedAfter(0) as [number, number];
    writeFileSync(join(world.auditFolder, 'checkpoint'), world.log.checkpointOf(first)!.note);
    expect(await problems()).toEqual([]);
    expect(TileWriter.open(world.auditFolder, world.keys).size).toBe(second);
    expect(world.log.checkpoint()!.size).toBe(second);
  });

  it('may have been carried on by the older version meanwhile', async () => {
    await grow(20, 30);
    const size = world.log.checkpoint()!.size;
    await grow(30, 40);
    // The older version would have put this one into a file of its own.
    const file = join(world.auditFolder, 'checkpoints/0-65535');
    writeFileSync(join(world.auditFolder, 'checkpoints', String(size)), world.log.checkpointOf(size)!.note);
    writeFileSync(
      file,
      notesInText(readFileSync(file, 'utf8'))
        .filter((note) => !note.includes(`\n${size}\n`))
        .map((note) => `${note}\n`)
        .join(''),
    );
    expect(world.log.archivedAfter(0)).toHaveLength(4);
    expect(world.log.archivedAfter(0)).toEqual(world.log.archivedAfter(0).toSorted((a, b) => a - b));
    expect(await problems()).toEqual([]);
  });
});
