import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { rowChecksum, type ChecksummedRow } from '../../src/infrastructure/event-store/sqlite/sqlite-schema.js';
import { checkpointText, parseCheckpoint } from '../../src/domain/audit/log/checkpoint.js';
import { decodeEntries, encodeEntries, tilePath, tileWidth } from '../../src/domain/audit/log/tiles.js';
import { LogKeys } from '../../src/infrastructure/audit/log-keys.js';
import { fsck, type FsckReport } from '../../src/infrastructure/audit/fsck/fsck.js';
import { TileWriter } from '../../src/infrastructure/audit/log/tile-writer.js';
import { leafText } from '../../src/domain/audit/log/leaf.js';
import { storedText } from '../../src/infrastructure/audit/log/log-builder.js';
import { SyntheticHistory } from '../../src/sandbox/synthetic-history.js';
import { writeNote } from '../../src/domain/audit/log/signed-note.js';
import { AuditWorld, ORIGIN } from './support.js';

let world: AuditWorld;
let earlier: string;
const history = () => new SyntheticHistory({ seed: 11, startUtc: '2026-11-01T00:00:00.000Z' });

beforeEach(async () => {
  world = await AuditWorld.open();
  const appends = [...history().appends(40, { registrants: 8 })];
  await world.append(appends.slice(0, 200));
  await world.publish();
  earlier = world.log.checkpoint()!.note;
  await world.append(appends.slice(200));
  await world.publish();
});
afterEach(() => world.close());

async function check(copies: readonly string[] = []): Promise<FsckReport> {
  return fsck({
    eventsFile: join(world.folder, 'events.db'),
    auditFolder: world.auditFolder,
    signer: LogKeys.published(world.auditFolder),
    pseudonyms: world.pseudonyms,
    vault: null,
    copies,
  });
}
const oneMore = () => ({
  stream: `challenge-${randomUUID()}`,
  expected: 'no_stream' as const,
  events: [
    {
      id: randomUUID(),
      type: 'ChallengeConsumed',
      schemaVersion: 1,
      data: {},
      metadata: {
        actor: 'booth:a',
        correlationId: 'c',
        causationId: 'c',
        recordedAtUtc: new Date().toISOString(),
        policyVersion: null,
      },
    },
  ],
});
const codes = ({ problems }: FsckReport) => problems.map((p) => p.code);
/** Edits the event log by hand, as somebody with the file and our source code would: the checksum is put right
 * again. */
function editEvent(
  where: string,
  change: (row: ChecksummedRow) => Partial<ChecksummedRow>,
  { fixChecksum = true } = {},
): number {
  const database = new DatabaseSync(join(world.folder, 'events.db'));
  const row = database
    .prepare(
      `SELECT e.position, s.name AS stream, e.revision, e.id, e.type, e.schema_version, e.data, e.metadata FROM events e JOIN streams s ON s.no = e.stream_no WHERE ${where} LIMIT 1`,
    )
    .get() as unknown as ChecksummedRow;
  const changed = { ...row, ...change(row) };
  database
    .prepare('UPDATE events SET data = ?, metadata = ?, type = ? WHERE position = ?')
    .run(changed.data, changed.metadata, changed.type, row.position);
  if (fixChecksum)
    database.prepare('UPDATE events SET checksum = ? WHERE position = ?').run(rowChecksum(changed), row.position);
  database.close();
  return row.position - 1;
}
const flip = (path: string, at: number) => {
  const bytes = readFileSync(join(world.auditFolder, path));
  bytes[at] = (bytes[at] as number) ^ 1;
  writeFileSync(join(world.auditFolder, path), bytes);
};

/** @fault L9 L5 */
describe('every file of the audit folder', () => {
  const put = (path: string, content: string | Uint8Array) => {
    mkdirSync(join(world.auditFolder, path, '..'), { recursive: true });
    writeFileSync(join(world.auditFolder, path), content);
  };
  const told = async () => (await check()).problems.map(({ code, detail }) => `${code}: ${detail}`);

  it('has an owner', async () => {
    put('tile/0/extra', 'x');
    put('notes.txt', 'x');
    put('keys/0.vkey', 'x');
    put('checkpoint.tmp', 'left over');
    const found = await told();
    for (const name of ['tile/0/extra', 'notes.txt', 'keys/0.vkey'])
      expect(found).toContainEqual(expect.stringContaining(`file_unknown: ${name}`));
    expect(found.join()).not.toContain('checkpoint.tmp');
  });

  it.each(['tile/0', 'tile/entries'])('also an older, narrower one that is still served: %s', async (folder) => {
    const { size } = parseCheckpoint(earlier).checkpoint;
    const index = Math.floor((size - 1) / 256);
    const level = folder === 'tile/0' ? 0 : 'entries';
    const narrow = tilePath({ level, index, width: size - index * 256 });
    const whole = world.log.file(
      tilePath({ level, index, width: tileWidth(level, index, world.log.checkpoint()!.size) }),
    )!;
    const entries =
      level === 'entries'
        ? encodeEntries(decodeEntries(whole)!.slice(0, size - index * 256))
        : whole.subarray(0, (size - index * 256) * 32);
    put(narrow, entries);
    expect(await told()).toEqual([]);
    flip(narrow, entries.length - 1);
    expect(await told()).toEqual([expect.stringContaining(`tile_differs: ${narrow} is still served`)]);
  });

  it('also an older one beside a present one that is cut: both are named, and the check goes on', async () => {
    const { size } = parseCheckpoint(earlier).checkpoint;
    const index = Math.floor((size - 1) / 256);
    const present = tilePath({
      level: 'entries',
      index,
      width: tileWidth('entries', index, world.log.checkpoint()!.size),
    });
    const whole = world.log.file(present)!;
    const narrow = tilePath({ level: 'entries', index, width: size - index * 256 });
    put(narrow, encodeEntries(decodeEntries(whole)!.slice(0, size - index * 256)));
    put(present, whole.subarray(0, whole.length >> 1));
    put('notes.txt', 'x');
    const found = (await told()).join('\n');
    expect(found).toContain(`tile_differs: ${narrow} is still served and cannot be compared`);
    expect(found).toMatch(/unreadable: /);
    expect(found).toContain('file_unknown: notes.txt');
  });

  it('positions', async () => {
    flip('positions', 8 * 20 + 7);
    expect((await check()).problems).toEqual([expect.objectContaining({ code: 'position_differs', index: 20 })]);
  });

  it('keys: one that is none, one under another number, a succession of others', async () => {
    await world.keys.rotate(world.log.checkpoint(), { destroyOld: false });
    const [first, second] = ['1.vkey', '2.vkey'].map((name) =>
      readFileSync(join(world.auditFolder, 'keys', name), 'utf8'),
    ) as [string, string];
    expect(await told()).toEqual([]);
    put('keys/1.vkey', first.replace(/\+[0-9a-f]{8}\+/, '+00000000+'));
    expect(await told()).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^key_wrong: keys\/1\.vkey: the key id 00000000 does not belong to this key/),
      ]),
    );
    put('keys/1.vkey', second);
    expect(await told()).toEqual(
      expect.arrayContaining([expect.stringContaining('key_wrong: keys/2.succession speaks of other keys')]),
    );
    put('keys/1.vkey', `${first} `);
    expect(await told()).toEqual(expect.arrayContaining([expect.stringContaining('not written as it should be')]));
    put('keys/1.vkey', first);
    rmSync(join(world.auditFolder, 'keys/2.succession'));
    expect((await check()).problems.map(({ code }) => code)).toContain('key_wrong');
  });
});

describe('fsck', () => {
  it('finds nothing wrong with a log that is right', async () => {
    const report = await check([earlier]);
    expect(report.problems).toEqual([]);
    expect(report.events).toBe(world.log.checkpoint()!.size);
    expect(report.checkpoints).toBe(world.log.archivedAfter(0).length);
  });

  it('names an event that was edited in SQLite by hand', async () => {
    const index = editEvent("e.type = 'FaceMatched'", (row) => ({
      data: row.data.replace(/"cardPoints":\d+/, '"cardPoints":9999'),
    }));
    const report = await check();
    expect(codes(report)).toEqual(['leaf_differs']);
    expect(report.problems[0]?.index).toBe(index);
  });

  it('names an event whose byte flipped on the disk', async () => {
    const index = editEvent("e.type = 'Held'", (row) => ({ metadata: row.metadata.replace('system', 'sXstem') }), {
      fixChecksum: false,
    });
    const report = await check();
    expect(codes(report)).toEqual(['event_checksum', 'leaf_differs']);
    expect(report.problems[0]?.index).toBe(index);
  });

  it('names an event that was given to another registrant', async () => {
    const index = editEvent("e.type = 'CertificateVerified'", (row) => ({
      data: row.data.replace(/"subjectKey":"[^"]+"/, '"subjectKey":"ffffffffffffffffffffffffffffffff"'),
    }));
    const report = await check();
    expect(codes(report)).toEqual(['leaf_differs']);
    expect(report.problems[0]?.index).toBe(index);
  });

  it.each([
    ['an entry', 'tile/entries/000', 40, 'leaf_differs'],
    ['a leaf hash', 'tile/0/000', 64, 'leaf_hash_differs'],
    ['a hash above', 'tile/1/000.p/', 5, 'tile_differs'],
  ])('names %s that was changed in the tiles', async (_, path, at, code) => {
    const size = world.log.checkpoint()!.size;
    flip(path.endsWith('/') ? `${path}${Math.floor(size / 256)}` : path, at);
    expect(codes(await check())).toContain(code);
  });

  it('names what is in the vault and belongs to no request, no claim, or to a request that has lapsed', async () => {
    const started = (stream: string, type: string, recordedAtUtc: string) => ({
      stream,
      expected: 'no_stream' as const,
      events: [
        {
          id: randomUUID(),
          type,
          schemaVersion: 1,
          data: {},
          metadata: {
            actor: 'booth:a',
            correlationId: stream,
            causationId: stream,
            recordedAtUtc,
            policyVersion: null,
          },
        },
      ],
    });
    const now = new Date().toISOString();
    for (const id of ['nobody', 'claimed', 'stuck', 'lapsed'])
      await world.vault.seal(`case:${id}`, 'photo', Buffer.from('a face'));
    await world.append([
      started('claim-claimed', 'RequestClaimed', now),
      started('claim-stuck', 'RequestClaimed', '2026-11-01T00:00:00.000Z'),
      started('registration-lapsed', 'RequestLapsed', now),
    ]);
    await world.publish();
    const { problems } = await fsck({
      eventsFile: join(world.folder, 'events.db'),
      auditFolder: world.auditFolder,
      signer: world.keys,
      pseudonyms: world.pseudonyms,
      vault: world.vault,
      copies: [],
    });
    const unowned = problems
      .filter(({ code }) => code === 'material_unowned')
      .map(({ detail }) => detail.slice(0, detail.indexOf(' ')));
    expect(unowned).toEqual(['case:lapsed', 'case:nobody', 'case:stuck']);
  });

  it('names a tile that is gone', async () => {
    rmSync(join(world.auditFolder, 'tile/0/000'));
    expect((await check()).problems[0]).toMatchObject({ code: 'tile_missing', index: 0 });
  });

  it('tells that the end of the store was cut off', async () => {
    const database = new DatabaseSync(join(world.folder, 'events.db'));
    database.exec('DELETE FROM events WHERE position > (SELECT max(position) - 20 FROM events)');
    database.close();
    expect(codes(await check())).toContain('event_missing');
  });

  it('tells that events in the middle were removed and others moved up', async () => {
    const database = new DatabaseSync(join(world.folder, 'events.db'));
    database.exec('DELETE FROM events WHERE position = 100');
    database.close();
    expect((await check()).problems[0]).toMatchObject({ code: 'leaf_differs', index: 99 });
  });

  it('tells that two events were exchanged, with checksums put right', async () => {
    const database = new DatabaseSync(join(world.folder, 'events.db'));
    const read = (position: number) =>
      database
        .prepare(
          'SELECT e.position, s.name AS stream, e.revision, e.id, e.type, e.schema_version, e.data, e.metadata, e.stream_no FROM events e JOIN streams s ON s.no = e.stream_no WHERE position = ?',
        )
        .get(position) as unknown as ChecksummedRow & { stream_no: number };
    const [a, b] = [read(60), read(61)];
    database.exec('DELETE FROM events WHERE position IN (60, 61)');
    for (const [row, position] of [
      [a, 61],
      [b, 60],
    ] as const)
      database
        .prepare(
          'INSERT INTO events (position, stream_no, revision, id, type, schema_version, data, metadata, checksum) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
        )
        .run(
          position,
          row.stream_no,
          row.revision,
          row.id,
          row.type,
          row.schema_version,
          row.data,
          row.metadata,
          rowChecksum({ ...row, position }),
        );
    database.close();
    const report = await check();
    expect(report.problems.map(({ code, index }) => [code, index])).toEqual([
      ['leaf_differs', 59],
      ['leaf_differs', 60],
    ]);
  });

  it('tells that an event was put in between', async () => {
    const database = new DatabaseSync(join(world.folder, 'events.db'));
    database.exec(
      'UPDATE events SET position = -position - 1 WHERE position >= 100; UPDATE events SET position = -position WHERE position < 0',
    );
    database.exec("INSERT INTO streams (name) VALUES ('registration-forged')");
    const row = {
      position: 100,
      stream: 'registration-forged',
      revision: 0,
      id: 'forged',
      type: 'RequestReceived',
      schema_version: 1,
      data: '{}',
      metadata: '{"actor":"system:x"}',
    };
    database
      .prepare(
        "INSERT INTO events (position, stream_no, revision, id, type, schema_version, data, metadata, checksum) SELECT 100, no, 0, 'forged', 'RequestReceived', 1, '{}', '{\"actor\":\"system:x\"}', ? FROM streams WHERE name = 'registration-forged'",
      )
      .run(rowChecksum(row));
    database.close();
    expect((await check()).problems[0]).toMatchObject({
      code: 'leaf_differs',
      index: 99,
      detail: expect.stringContaining('event forged'),
    });
  });

  it('tells that the log was cut, grown again and signed again: two heads of one size', async () => {
    const newest = world.log.checkpoint()!;
    // The last event is exchanged for another one, and the log is built anew over it with the true key.
    editEvent('e.position = (SELECT max(position) FROM events)', (row) => ({
      data: row.data.replace(/^\{/, row.data === '{}' ? '{"a":1' : '{"a":1,'),
    }));
    for (const path of ['tile', 'checkpoints', 'checkpoint', 'positions', '../audit.head'])
      rmSync(join(world.auditFolder, path), { recursive: true });
    await world.publish();
    expect(world.log.checkpoint()!.size).toBe(newest.size);
    expect(codes(await check())).toEqual([]);
    expect((await check([newest.note])).problems).toContainEqual(
      expect.objectContaining({ code: 'copy_differs', index: newest.size - 1 }),
    );
  });

  /** @fault O18 */
  it('tells that the folder does not hold what is kept beside it', async () => {
    const head = `${world.auditFolder}.head`;
    const note = readFileSync(head, 'utf8');
    const { size } = world.log.checkpoint()!;
    const state = (entries: number, root: Uint8Array) => {
      const text = checkpointText({ origin: ORIGIN, size: entries, root });
      return writeNote({ text, signatures: world.keys.sign(text) });
    };
    const other = state(size, new Uint8Array(32));
    const later = state(size + 5, new Uint8Array(32));
    for (const [text, words] of [
      [other, /is another one/],
      [later, /is an older copy/],
      ['', /is no checkpoint/],
    ] as const) {
      writeFileSync(head, text);
      expect((await check()).problems).toEqual([
        { code: 'head_differs', index: null, detail: expect.stringMatching(words) },
      ]);
    }
    writeFileSync(head, note);
    expect(codes(await check())).toEqual([]);
  });

  /** @fault O18 */
  it('tells that the store tells of another tree than the log has', async () => {
    const { size, root } = world.log.checkpoint()!;
    const record = (told: Uint8Array) => ({
      ...oneMore(),
      stream: `signed-log-${randomUUID()}`,
      events: [
        {
          ...oneMore().events[0]!,
          type: 'CheckpointRecorded',
          data: { origin: ORIGIN, size, root: Buffer.from(told).toString('base64') },
        },
      ],
    });
    await world.append([record(root)]);
    await world.publish();
    expect(codes(await check())).toEqual([]);
    await world.append([record(new Uint8Array(32))]);
    await world.publish();
    expect((await check()).problems).toEqual([
      {
        code: 'record_differs',
        index: size + 1,
        detail: expect.stringContaining(`a checkpoint of ${size} entries under another root`),
      },
    ]);
  });

  it('tells that the checkpoint was set back, and that a copy is ahead', async () => {
    const newest = world.log.checkpoint()!.note;
    await world.append([oneMore()]);
    await world.publish();
    writeFileSync(join(world.auditFolder, 'checkpoint'), earlier);
    const found = codes(await check());
    expect(found).toContain('checkpoint_rolled_back');
    expect(found).not.toContain('tile_missing');
    expect(codes(await check([newest])).filter((code) => code === 'checkpoint_rolled_back')).toHaveLength(2);
  });

  it('takes what a crash between archive and renaming leaves for the log that it will be', async () => {
    const size = world.log.checkpoint()!.size;
    writeFileSync(join(world.auditFolder, 'checkpoint'), earlier);
    const report = await check([earlier]);
    expect(report.problems).toEqual([]);
    expect(report.events).toBe(size);
    // But not for one that nobody signed.
    const archived = join(world.auditFolder, 'checkpoints/0-65535');
    const signed = readFileSync(archived, 'utf8');
    writeFileSync(
      archived,
      signed.replace(/(.{20})(.)(.{6}\n\n)$/, (_, a: string, b: string, c: string) => a + (b === 'A' ? 'B' : 'A') + c),
    );
    expect(codes(await check())).toEqual(['checkpoint_signature']);
    writeFileSync(archived, signed.replace(new RegExp(`\n${size}\n.`), `\n${size}\n*`));
    expect((await check()).problems).toContainEqual({
      code: 'checkpoint_malformed',
      index: null,
      detail: expect.stringContaining('the newest checkpoint cannot be read'),
    });
    writeFileSync(archived, signed);
    expect(codes(await check(['no checkpoint']))).toEqual(['checkpoint_malformed']);
  });

  it('tells by a copy that event and tree were both rewritten and signed again', async () => {
    editEvent("e.type = 'FaceMatched'", (row) => ({ data: row.data.replace(/"cardPoints":\d+/, '"cardPoints":9999') }));
    const copies = [earlier, world.log.checkpoint()!.note];
    rmSync(join(world.auditFolder, 'tile'), { recursive: true });
    rmSync(join(world.auditFolder, 'checkpoints'), { recursive: true });
    rmSync(join(world.auditFolder, 'checkpoint'));
    rmSync(`${world.auditFolder}.head`);
    const writer = TileWriter.open(world.auditFolder, world.keys);
    const { events } = await world.store.readAll(null, { limit: 4096 });
    writer.publish(
      events.map((event) => ({
        text: leafText(storedText(event), (person) => world.pseudonyms.tokenOf(person)),
        position: event.position,
      })),
    );
    // Everything fits together again ...
    expect(codes(await check())).toEqual([]);
    // ... but not with what others have kept.
    expect(codes(await check(copies))).toContain('copy_differs');
  });

  it('tells that a checkpoint is signed by nobody of this log', async () => {
    const note = readFileSync(join(world.auditFolder, 'checkpoint'), 'utf8');
    writeFileSync(join(world.auditFolder, 'checkpoint'), note.replace(/ ([A-Za-z0-9+/]{6})/, ' AAAAAA'));
    expect(codes(await check())).toContain('checkpoint_signature');
  });
});

describe('fsck of the archive of checkpoints', () => {
  const file = () => join(world.auditFolder, 'checkpoints/0-65535');
  const damage = (change: (text: string) => string) => writeFileSync(file(), change(readFileSync(file(), 'utf8')));

  it('names a record that was damaged, and checks those around it', async () => {
    const size = world.log.archivedAfter(0)[0]!;
    damage((text) => text.replace(`\n${size}\n`, '\n*\n'));
    const report = await check();
    expect(report.problems).toEqual([
      {
        code: 'checkpoint_malformed',
        index: null,
        detail: expect.stringContaining('checkpoints/0-65535 holds something'),
      },
    ]);
    expect(report.checkpoints).toBe(world.log.archivedAfter(0).length);
    // A copy of it that somebody kept is not there to be compared with.
    expect(codes(await check([earlier]))).toContain('copy_differs');
  });

  it('names a record whose root was changed', async () => {
    const root = earlier.split('\n')[2]!;
    damage((text) =>
      text.replace(
        root,
        root.replace(/^./, (c) => (c === 'A' ? 'B' : 'A')),
      ),
    );
    expect((await check()).problems).toContainEqual(
      expect.objectContaining({ code: 'root_differs', index: Number(earlier.split('\n')[1]) - 1 }),
    );
  });

  it('tells that the present checkpoint is not in it', async () => {
    damage((text) => text.slice(0, -30));
    expect(codes(await check())).toEqual(['checkpoint_missing']);
    rmSync(join(world.auditFolder, 'checkpoints'), { recursive: true });
    expect(codes(await check())).toEqual(['checkpoint_missing']);
  });

  it('passes over the half of a record that a crash left at the end, but not in a file that was closed', async () => {
    damage((text) => `${text}log.example/honnin\n9999\nAAAA`);
    expect((await check()).problems).toEqual([]);
    writeFileSync(join(world.auditFolder, 'checkpoints/65536-131071'), '');
    expect(codes(await check())).toEqual(['checkpoint_malformed']);
  });
});

describe('an erased registrant', () => {
  it('leaves a history that verifies, and a bundle that says when and by which rule', async () => {
    const synthetic = new SyntheticHistory({ seed: 12, startUtc: '2026-11-01T00:00:00.000Z' });
    const own = await AuditWorld.open();
    try {
      await own.append([...synthetic.appends(30, { registrants: 3 })]);
      const { events } = await own.store.readAll(null, { limit: 4096 });
      const key = events.find((e) => e.stream.startsWith('registrant-'))!.stream.slice('registrant-'.length);
      const before = own.pseudonyms.tokenOf({ kind: 'registrant', id: key });
      await own.append(synthetic.eraseRegistrant(key));
      await own.publish();
      const options = {
        eventsFile: join(own.folder, 'events.db'),
        auditFolder: own.auditFolder,
        signer: own.keys,
        pseudonyms: own.pseudonyms,
        vault: null,
        copies: [],
      };
      await own.vault.destroyOwner(`registrant:${key}`);
      expect(own.pseudonyms.existingSaltOf({ kind: 'registrant', id: key })).toBeNull();
      const lines = await own.bundle({ kind: 'range', from: 0, to: null }, { withOpenings: true });
      const report = own.verify(lines);
      expect(report.discrepancies).toEqual([]);
      expect(report.replay.reproduced).toBe(report.replay.decisions);
      expect(report.erased).toEqual([
        { registrant: before, index: expect.any(Number), atUtc: expect.any(String), rule: 'request_of_the_person' },
      ]);
      expect(JSON.parse(lines[1]!).openings[before]).toBeUndefined();
      expect(lines.some((line) => line.includes(key))).toBe(false);
      expect((await fsck(options)).problems).toEqual([]);
    } finally {
      await own.close();
    }
  });
});
