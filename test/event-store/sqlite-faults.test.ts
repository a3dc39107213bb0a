import { setImmediate as nextTurn } from 'node:timers/promises';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { EventStoreUnavailableError, type EventStoreFailure } from '../../src/application/ports/store/event-store.js';
import { checkEventLog } from '../../src/infrastructure/event-store/check-event-log.js';
import { SqliteEventStore } from '../../src/infrastructure/event-store/sqlite/sqlite-event-store.js';
import { WAL_BYTES_KEPT } from '../../src/infrastructure/event-store/sqlite/sqlite-log-writer.js';
import { newEvent } from '../contract/event-store.contract.js';
import { elsewhere } from '../support/peers.js';
import { itUnless } from '../support/unless.js';

const root = path.resolve(import.meta.dirname, '../..');

/** Why this user may not mount a disk of a few megabytes that only a child process sees, or null. */
const noSmallDisk = (() => {
  try {
    execFileSync('unshare', ['-m', 'sh', '-c', 'mount -t tmpfs -o size=1m tmpfs "$0"', tmpdir()], { stdio: 'ignore' });
    return null;
  } catch {
    return 'a disk that is really full needs unshare and the right to mount';
  }
})();

/** Matches an error of the store by its reason. */
function failure(reason: EventStoreFailure): Error {
  return expect.objectContaining({ reason }) as unknown as Error;
}

describe('SQLite event store under faults', () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'honnin-faults-'));
    file = path.join(folder, 'events.db');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  async function storeWith(streams: number, eventsEach: number): Promise<void> {
    const store = SqliteEventStore.open({ file });
    for (let s = 0; s < streams; s += 1) {
      await store.append(
        `stream-${s}`,
        Array.from({ length: eventsEach }, (_, n) =>
          newEvent({ n, marker: `marker-${s}-${n}-end`, filling: 'x'.repeat(400) }),
        ),
        'no_stream',
      );
    }
    await store.close();
  }

  /** Every event as text, read through the port. */
  async function readEverything(log: string): Promise<string[]> {
    const store = SqliteEventStore.open({ file: log, mode: 'read' });
    try {
      const { events } = await store.readAll(null, { limit: 4096 });
      return events.map((event) => JSON.stringify({ ...event, position: String(event.position) }));
    } finally {
      await store.close();
    }
  }

  function flipByte(marker: string): void {
    const bytes = readFileSync(file);
    const at = bytes.indexOf(marker);
    expect(at).toBeGreaterThan(0);
    const handle = openSync(file, 'r+');
    writeSync(handle, Buffer.from([bytes.readUInt8(at) ^ 0x01]), 0, 1, at);
    closeSync(handle);
  }

  describe('one writer', () => {
    it('refuses a second writer in the same process, and allows it after the first has closed', async () => {
      const first = SqliteEventStore.open({ file });
      expect(() => SqliteEventStore.open({ file })).toThrow(failure('locked'));
      await first.close();
      await SqliteEventStore.open({ file }).close();
    });

    it('refuses a writer while another process writes, naming it, and takes over at once after kill -9', async () => {
      const holder = `
        const { DatabaseSync } = require('node:sqlite');
        new DatabaseSync(${JSON.stringify(`${file}.lock`)}).exec('BEGIN EXCLUSIVE');
        require('node:fs').writeFileSync(${JSON.stringify(`${file}.writer.json`)}, JSON.stringify({ pid: process.pid, host: 'here', sinceUtc: 'now' }));
        console.log('held'); setInterval(() => {}, 1000);`;
      const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', '-e', holder], {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: { ...process.env, NODE_OPTIONS: '' },
      });
      try {
        await once(child.stdout, 'data');
        expect(() => SqliteEventStore.open({ file })).toThrow(`process ${child.pid} on here`);
      } finally {
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
      await SqliteEventStore.open({ file }).close();
    });

    it('reads beside a writer, sees its appends, and refuses to append', async () => {
      const writer = SqliteEventStore.open({ file });
      const reader = SqliteEventStore.open({ file, mode: 'read', pollMs: 5 });
      await expect(reader.append('s', [newEvent()], 'no_stream')).rejects.toMatchObject({ reason: 'read_only' });
      const stop = new AbortController();
      const batches = reader.subscribe({ after: null, signal: stop.signal })[Symbol.asyncIterator]();
      await batches.next();
      const event = newEvent();
      await writer.append('s', [event], 'no_stream');
      expect((await batches.next()).value?.events[0]?.id).toBe(event.id);
      stop.abort();
      await Promise.all([reader.close(), writer.close()]);
    });

    it('waits without blocking while another program holds the file, then appends', async () => {
      const store = SqliteEventStore.open({ file });
      const other = new DatabaseSync(file);
      other.exec('BEGIN IMMEDIATE');
      const append = store.append('s', [newEvent()], 'no_stream');
      let turns = 0;
      const ticking = setInterval(() => {
        turns += 1;
        if (turns === 5) other.exec('ROLLBACK');
      }, 5);
      expect(await append).toMatchObject({ outcome: 'appended' });
      clearInterval(ticking);
      expect(turns).toBeGreaterThanOrEqual(5);
      other.close();
      await store.close();
    });

    it('says busy, and that nothing was written, when the other program does not let go', async () => {
      const store = SqliteEventStore.open({ file, busyMsMax: 60 });
      const other = new DatabaseSync(file);
      other.exec('BEGIN IMMEDIATE');
      await expect(store.append('s', [newEvent()], 'no_stream')).rejects.toMatchObject({ reason: 'busy' });
      other.exec('ROLLBACK');
      expect(await store.append('s', [newEvent()], 'no_stream')).toMatchObject({ outcome: 'appended', revision: 0 });
      other.close();
      await store.close();
    });
  });

  describe('the disk', () => {
    it('says that it is full, writes nothing of the append, and goes on when there is room', async () => {
      const store = SqliteEventStore.open({ file, fileBytesMax: 200_000 });
      let revision: 'no_stream' | number = 'no_stream';
      let refused: unknown;
      for (let n = 0; n < 200 && !refused; n += 1) {
        const batch = Array.from({ length: 4 }, () => newEvent({ filling: 'x'.repeat(2000) }));
        const result: unknown = await store.append('s', batch, revision).catch((error: unknown) => (refused = error));
        if (!refused) revision = (result as { revision: number }).revision;
      }
      expect(refused).toBeInstanceOf(EventStoreUnavailableError);
      expect(refused).toMatchObject({ reason: 'disk_full' });
      const before = await store.readStream('s');
      expect(before.at(-1)?.revision).toBe(revision);
      await store.close();

      const roomy = SqliteEventStore.open({ file });
      expect(await roomy.append('s', [newEvent()], revision)).toMatchObject({
        outcome: 'appended',
        revision: (revision as number) + 1,
      });
      await roomy.close();
      expect((await checkEventLog(file)).problems).toEqual([]);
    });

    itUnless(
      elsewhere(noSmallDisk),
      'keeps what it acknowledged on a disk that is really full, serves it, and goes on when there is room',
      () => {
        const script = `mount -t tmpfs -o size=3m tmpfs "$0" && exec "$1" --disable-warning=ExperimentalWarning "$2" "$0"`;
        const said = JSON.parse(
          execFileSync(
            'unshare',
            [
              '-m',
              'sh',
              '-c',
              script,
              folder,
              process.execPath,
              path.join(import.meta.dirname, 'processes/fill-the-disk.mjs'),
            ],
            { encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '' } },
          ),
        ) as Record<string, unknown>;
        // A commit that fails half-way may say that it does not know; a repetition with the same ids settles it.
        expect(['disk_full', 'unknown']).toContain(said['refused']);
        expect(['disk_full', 'unknown']).toContain(said['whileFull']);
        expect(said).toMatchObject({
          readableWhileFull: 3,
          again: 'appended',
          afterStart: 'appended',
          lengths: [3],
          problems: [],
        });
        expect(said['acknowledged']).toBeGreaterThan(20);
      },
    );

    it('says in plain words that the data folder belongs to somebody else, without touching what is in it', async () => {
      await storeWith(2, 2);
      const before = readFileSync(file);
      const code = `import { openEventStore } from ${JSON.stringify(path.join(root, 'dist/infrastructure/event-store/open-event-store.js'))};
        await openEventStore('sqlite', process.argv[1]).then(() => console.log('it opened'), (error) => console.log(error.reason, error.message));`;
      // Root may write everywhere, so that another user has to try.
      const asRoot = process.getuid?.() === 0;
      chmodSync(folder, 0o555);
      chmodSync(file, 0o444);
      const said = execFileSync(
        process.execPath,
        ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', code, folder],
        {
          encoding: 'utf8',
          cwd: '/',
          env: { ...process.env, NODE_OPTIONS: '' },
          ...(asRoot ? { uid: 65534, gid: 65534 } : {}),
        },
      );
      chmodSync(folder, 0o755);
      expect(said).toMatch(/^read_only .*(cannot be written|belongs to this user)/);
      expect(readFileSync(file).equals(before)).toBe(true);
    });

    it.each(['/proc/honnin/events.db', '/nowhere/at/all/events.db'])(
      'says in plain words that %s cannot be written',
      (place) => {
        expect(() => SqliteEventStore.open({ file: place })).toThrow(failure('read_only'));
      },
    );

    it('refuses a file that is something else, and a log of a newer program', () => {
      writeFileSync(file, 'this is no database, but it is long enough to be looked at as one'.repeat(100));
      expect(() => SqliteEventStore.open({ file })).toThrow(failure('not_an_event_log'));
      const other = path.join(folder, 'other.db');
      const database = new DatabaseSync(other);
      database.exec('CREATE TABLE t (a)');
      expect(() => SqliteEventStore.open({ file: other })).toThrow(failure('not_an_event_log'));
      database.exec('DROP TABLE t; PRAGMA application_id = 0x484e4e45; PRAGMA user_version = 99');
      expect(() => SqliteEventStore.open({ file: other })).toThrow('use a newer program');
      database.close();
    });
  });

  // @fault O25
  it('gives the write-ahead log back after a reader was slow', async () => {
    const store = SqliteEventStore.open({ file });
    const filling = 'x'.repeat(200_000);
    const write = async (from: number, to: number): Promise<void> => {
      for (let n = from; n < to; n += 1)
        await store.append('s', [newEvent({ n, filling })], n === 0 ? 'no_stream' : n - 1);
    };
    await write(0, 1);
    const slow = new DatabaseSync(file, { readOnly: true });
    slow.exec('BEGIN; SELECT count(*) FROM events');
    await write(1, 160);
    expect(statSync(`${file}-wal`).size).toBeGreaterThan(WAL_BYTES_KEPT);
    slow.close();
    // Folded in at the next appends, and cut back when the log begins anew.
    await write(160, 164);
    expect(statSync(`${file}-wal`).size).toBeLessThanOrEqual(WAL_BYTES_KEPT);
    await store.close();
  }, 60_000);

  describe('damage', () => {
    it('finds a flipped byte, names the event and never serves it', async () => {
      await storeWith(20, 20);
      flipByte('marker-7-3-end');
      const report = await checkEventLog(file);
      expect(report.problems).toHaveLength(1);
      expect(report.problems[0]).toMatch(/stream-7 revision 3, position 144\).*checksum/);

      const store = SqliteEventStore.open({ file });
      await expect(store.readStream('stream-7')).rejects.toMatchObject({
        reason: 'corrupt',
        message: expect.stringContaining('stream-7 revision 3'),
      });
      await expect(store.readAll(null, { limit: 400 })).rejects.toMatchObject({ reason: 'corrupt' });
      expect(await store.readStream('stream-7', { from: 4 })).toHaveLength(16);
      expect(await store.readStream('stream-8')).toHaveLength(20);
      await store.close();
    });

    it('serves the truth or nothing wherever a byte was flipped, and the check finds what matters', async () => {
      await storeWith(6, 6);
      const original = readFileSync(file);
      const truth = await readEverything(file);
      let state = 7;
      let found = 0;
      for (let round = 0; round < 150; round += 1) {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        const damaged = Buffer.from(original);
        // The first page's header holds counters and reserved bytes that no reader looks at; everything behind it
        // counts.
        const at = 100 + (state % (damaged.length - 100));
        damaged.writeUInt8(damaged.readUInt8(at) ^ (1 << (round % 8)), at);
        const copy = path.join(folder, `flipped-${round}.db`);
        writeFileSync(copy, damaged);
        const problems = await checkEventLog(copy).then(
          (report) => report.problems,
          (error: Error) => [error.message],
        );
        const served = await readEverything(copy).catch(() => 'refused');
        if (problems.length > 0) found += 1;
        else expect(served).toEqual(truth);
        if (served !== 'refused') expect(truth).toEqual(expect.arrayContaining(served as string[]));
        rmSync(copy);
      }
      // The rest fell on free space inside pages.
      expect(found).toBeGreaterThan(75);
    });

    it('finds an event that was taken out, and one whose revision was changed', async () => {
      await storeWith(3, 5);
      const database = new DatabaseSync(file);
      database.exec('DELETE FROM events WHERE position = 8; UPDATE events SET revision = 40 WHERE position = 15');
      database.close();
      const { problems } = await checkEventLog(file);
      expect(problems.join('\n')).toMatch(/positions 8 to 8 are missing/);
      expect(problems.join('\n')).toMatch(/position 15\): the checksum does not fit/);
      const store = SqliteEventStore.open({ file });
      await expect(store.readStream('stream-1')).rejects.toMatchObject({
        reason: 'corrupt',
        message: expect.stringContaining('hole between revisions 1 and 3'),
      });
      await store.close();
    });

    // @fault O36
    describe('of a shortened history', () => {
      const cutShort = { reason: 'corrupt', message: expect.stringMatching(/cut short/) };
      const change = (sql: string): void => {
        const database = new DatabaseSync(file);
        database.exec(sql);
        database.close();
      };

      it.each([
        ['at the start', 'DELETE FROM events WHERE position = 6', {}],
        ['at the start, for one who reads on', 'DELETE FROM events WHERE position IN (6, 7)', { from: 1 }],
        ['at the start, for one who reads back', 'DELETE FROM events WHERE position = 6', { direction: 'backwards' }],
        ['all of it', 'DELETE FROM events WHERE position BETWEEN 6 AND 10', {}],
        [
          'all of it, for one who reads back',
          'DELETE FROM events WHERE position BETWEEN 6 AND 10',
          { direction: 'backwards' },
        ],
        [
          'all but the end, for one who reads back from before',
          'DELETE FROM events WHERE position < 10',
          { from: 2, direction: 'backwards' },
        ],
      ] as const)('serves none of a stream that lost events: %s', async (_where, sql, options) => {
        await storeWith(3, 5);
        change(sql);
        const store = SqliteEventStore.open({ file });
        await expect(store.readStream('stream-1', options)).rejects.toMatchObject(cutShort);
        // The others go on.
        expect(await store.readStream('stream-2')).toHaveLength(5);
        await store.close();
      });

      it('lets nobody begin a stream again that had begun, nor go on with it, and leaves its neighbours alone', async () => {
        await storeWith(3, 5);
        change('DELETE FROM events WHERE position BETWEEN 1 AND 5; DELETE FROM events WHERE position = 6');
        const store = SqliteEventStore.open({ file });
        const all = await Promise.allSettled([
          store.append('stream-0', [newEvent()], 'no_stream'),
          store.append('stream-1', [newEvent()], 4),
          store.append('stream-2', [newEvent()], 4),
          store.append('stream-new', [newEvent()], 'no_stream'),
        ]);
        expect(all.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled', 'fulfilled']);
        expect(all[0]).toMatchObject({ reason: cutShort });
        expect(await store.append('stream-2', [newEvent()], 5)).toMatchObject({ outcome: 'appended' });
        await store.close();
      });

      it.each([
        ['at the start', 'DELETE FROM events WHERE position = 1'],
        ['in the middle', 'DELETE FROM events WHERE position = 8'],
      ])('stops whoever reads the whole log, with a filter and without: %s', async (_where, sql) => {
        await storeWith(3, 5);
        change(sql);
        const store = SqliteEventStore.open({ file });
        const missing = { reason: 'corrupt', message: expect.stringMatching(/events are missing between positions/) };
        await expect(store.readAll(null, { limit: 100 })).rejects.toMatchObject(missing);
        await expect(store.readAll(null, { limit: 100, filter: { types: ['Never'] } })).rejects.toMatchObject(missing);
        await expect(
          store.readAll(null, { limit: 12, filter: { streamPrefixes: ['stream-2'] } }),
        ).rejects.toMatchObject(missing);
        await store.close();
      });

      it('is not seen in a stream that grows while it is read', async () => {
        const store = SqliteEventStore.open({ file });
        const writing = (async () => {
          for (let n = 0; n < 300; n += 1) await store.append('s', [newEvent()], n === 0 ? 'no_stream' : n - 1);
        })();
        for (let from = 0; from < 300;) {
          from += (await store.readStream('s', { from, limit: 7 })).length;
          // Reading is synchronous: the writer needs a turn too.
          await nextTurn();
        }
        await writing;
        await store.close();
      });
    });

    it('opens with what was committed before when the write-ahead log is cut short', async () => {
      const store = SqliteEventStore.open({ file });
      for (let n = 0; n < 20; n += 1) await store.append('s', [newEvent({ n })], n === 0 ? 'no_stream' : n - 1);
      // A copy of the living files is what a machine that lost its power leaves behind.
      const copy = path.join(folder, 'copy.db');
      writeFileSync(copy, readFileSync(file));
      writeFileSync(`${copy}-wal`, readFileSync(`${file}-wal`));
      await store.close();
      truncateSync(`${copy}-wal`, Math.floor(statSync(`${copy}-wal`).size * 0.6));
      const cut = SqliteEventStore.open({ file: copy });
      const events = await cut.readStream('s');
      await cut.close();
      expect(events.length).toBeGreaterThan(0);
      expect(events.length).toBeLessThan(20);
      expect(events.map((event) => event.revision)).toEqual(events.map((_, n) => n));
      expect((await checkEventLog(copy)).problems).toEqual([]);
    });
  });

  it('backs up while appends go on: the copy is whole and ends at one moment', async () => {
    const store = SqliteEventStore.open({ file });
    for (let n = 0; n < 300; n += 1)
      await store.append(`stream-${n}`, [newEvent({ n, filling: 'x'.repeat(1000) })], 'no_stream');
    let running = true;
    const appending = (async () => {
      for (let n = 300; running; n += 1)
        await store.append(`stream-${n}`, [newEvent({ n }), newEvent({ n })], 'no_stream');
    })();
    const target = path.join(folder, 'backup.db');
    await store.backup(target);
    running = false;
    await appending;
    await store.close();
    const report = await checkEventLog(target);
    expect(report.problems).toEqual([]);
    expect(report.events).toBeGreaterThanOrEqual(300);
    const copy = SqliteEventStore.open({ file: target });
    expect(await copy.append('after', [newEvent()], 'no_stream')).toMatchObject({ outcome: 'appended' });
    await copy.close();
  });

  it('stores the canonical text of data and metadata, byte by byte', async () => {
    const store = SqliteEventStore.open({ file });
    await store.append('s', [newEvent({ z: 1, a: { y: '本', b: [1.5, true] } })], 'no_stream');
    await store.close();
    const database = new DatabaseSync(file, { readOnly: true });
    expect(database.prepare('SELECT data, metadata FROM events').get()).toMatchObject({
      data: '{"a":{"b":[1.5,true],"y":"本"},"z":1}',
      metadata:
        '{"actor":"system:test","causationId":"command-1","correlationId":"case-1","policyVersion":null,"recordedAtUtc":"2026-11-23T00:00:00.000Z"}',
    });
    database.close();
  });
});
