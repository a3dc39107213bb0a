import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { SqliteEventStore } from '../../src/infrastructure/event-store/sqlite/sqlite-event-store.js';
import { ThreadedLogWriter } from '../../src/infrastructure/event-store/sqlite/threaded-log-writer.js';
import { encodeAppend } from '../../src/infrastructure/event-store/event-bytes.js';
import { newEvent } from '../contract/event-store.contract.js';
import { peer } from '../support/peers.js';
import { itUnless } from '../support/unless.js';

const root = path.resolve(import.meta.dirname, '../..');
const program = path.join(root, 'test/event-store/processes/append-and-count.mjs');

describe('the writing thread', () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'honnin-thread-'));
    file = path.join(folder, 'events.db');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const group = (...streams: string[]) =>
    streams.map((stream) => ({
      stream,
      events: encodeAppend(stream, [newEvent()], 'no_stream'),
      expected: 'no_stream' as const,
    }));

  it('says why it cannot open, with the reason of the port, and leaves the folder to the next one', async () => {
    writeFileSync(file, 'this is not a database, it is a text of some length');
    await expect(SqliteEventStore.openOnThread({ file })).rejects.toMatchObject({ reason: 'not_an_event_log' });
    rmSync(file);
    await (await SqliteEventStore.openOnThread({ file })).close();
  });

  it('refuses a second writer', async () => {
    const store = await SqliteEventStore.openOnThread({ file });
    await expect(SqliteEventStore.openOnThread({ file })).rejects.toMatchObject({ reason: 'locked' });
    await store.close();
  });

  it('gives the reason of a refused group across the thread', async () => {
    const store = await SqliteEventStore.openOnThread({ file, fileBytesMax: 64 * 1024 });
    const filling = 'x'.repeat(30_000);
    await store.append('a', [newEvent({ filling })], 'no_stream');
    await expect(store.append('b', [newEvent({ filling }), newEvent({ filling })], 'no_stream')).rejects.toMatchObject({
      reason: 'disk_full',
    });
    expect(await store.readStream('b')).toEqual([]);
    await store.close();
  });

  it('answers "unknown" for the group that it had when it died, and refuses the next ones', async () => {
    const writer = await ThreadedLogWriter.open(file, {});
    expect(await writer.commit(group('a'))).toMatchObject({ outcome: 'committed' });
    const last = writer.commit(group('b'));
    await (writer as unknown as { thread: { terminate(): Promise<number> } }).thread.terminate();
    expect(['unknown', 'committed']).toContain((await last).outcome);
    expect(await writer.commit(group('c'))).toMatchObject({ outcome: 'refused', error: { reason: 'io' } });
    await writer.close();
    // What was answered is there, and a new writer can ask again with the same ids.
    const store = await SqliteEventStore.openOnThread({ file });
    expect(await store.readStream('a')).toHaveLength(1);
    await store.close();
  });

  it('answers what was waiting when the store is closed', async () => {
    const store = await SqliteEventStore.openOnThread({ file });
    const appends = Array.from({ length: 50 }, (_, n) => store.append(`s-${n}`, [newEvent()], 'no_stream'));
    await store.close();
    for (const result of await Promise.all(appends)) expect(result).toMatchObject({ outcome: 'appended' });
  });

  itUnless(peer('strace'), 'needs one fsync for one append, and at most 12 for 256 that arrive together', () => {
    const trace = path.join(folder, 'trace');
    const printed = execFileSync(
      'strace',
      [
        '-f',
        '-qq',
        '-e',
        'trace=fsync,fdatasync,write',
        '-e',
        'signal=none',
        '-o',
        trace,
        process.execPath,
        '--disable-warning=ExperimentalWarning',
        program,
        file,
      ],
      { env: { ...process.env, NODE_OPTIONS: '' }, encoding: 'utf8' },
    );
    expect(printed.split('\n').filter(Boolean)).toEqual([
      'begin one by one',
      'end one by one',
      'begin together',
      'end together',
    ]);
    const lines = readFileSync(trace, 'utf8').split('\n');
    const between = (part: string): number => {
      const from = lines.findIndex((line) => line.includes(`write(1, "begin ${part}`));
      const to = lines.findIndex((line) => line.includes(`write(1, "end ${part}`));
      expect(from).toBeGreaterThan(-1);
      expect(to).toBeGreaterThan(from);
      return lines.slice(from, to).filter((line) => /\b(fsync|fdatasync)\(/.test(line)).length;
    };
    const oneByOne = between('one by one');
    // Fewer would mean an answer before the disk; the tenth part more is for checkpoints.
    expect(oneByOne).toBeGreaterThanOrEqual(100);
    expect(oneByOne).toBeLessThanOrEqual(110);
    const together = between('together');
    expect(together).toBeGreaterThanOrEqual(1);
    expect(together).toBeLessThanOrEqual(12);
  });

  it('does not keep a process alive that has closed its store', async () => {
    const code = `import { SqliteEventStore } from ${JSON.stringify(path.join(root, 'dist/infrastructure/event-store/sqlite/sqlite-event-store.js'))}; const s = await SqliteEventStore.openOnThread({ file: ${JSON.stringify(file)} }); await s.close();`;
    const child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', code],
      { stdio: 'ignore', env: { ...process.env, NODE_OPTIONS: '' } },
    );
    expect(await new Promise((resolve) => child.once('exit', resolve))).toBe(0);
  });
});
