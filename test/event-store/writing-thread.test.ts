import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
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

  const endThread = (writer: ThreadedLogWriter) =>
    (writer as unknown as { thread: { thread: { terminate(): Promise<number> } } }).thread.thread.terminate();
  /** As the store does while another connection lets go of the file. */
  const committed = async (writer: ThreadedLogWriter, requests: ReturnType<typeof group>) => {
    for (;;) {
      const outcome = await writer.commit(requests);
      if (outcome.outcome !== 'refused' || (outcome.error as { reason?: string }).reason !== 'busy') return outcome;
      await setImmediate();
    }
  };

  // @fault O22
  it('answers "unknown" for the group that it had when it died, and another one takes the next', async () => {
    const writer = await ThreadedLogWriter.open(file, {});
    expect(await writer.commit(group('a'))).toMatchObject({ outcome: 'committed' });
    const requests = group('b');
    const last = writer.commit(requests);
    await endThread(writer);
    expect(['unknown', 'committed']).toContain((await last).outcome);
    // With the same ids it is stored once, whatever became of it.
    expect(await committed(writer, requests)).toMatchObject({ outcome: 'committed' });
    expect(await writer.commit(group('c'))).toMatchObject({ outcome: 'committed', answers: [{ position: 3 }] });
    await writer.close();
    const store = await SqliteEventStore.openOnThread({ file });
    for (const stream of ['a', 'b', 'c']) expect(await store.readStream(stream)).toHaveLength(1);
    await store.close();
  });

  it('leaves a store that goes on, also where it ended with a group in its hands', async () => {
    const store = await SqliteEventStore.openOnThread({ file });
    const { writer } = store as unknown as { writer: ThreadedLogWriter };
    const outcomes = new Set<string>();
    let round = 0;
    for (; round < 6 || (round < 60 && !outcomes.has('unknown')); round += 1) {
      const events = [newEvent()];
      const appending = store.append(`s-${round}`, events, 'no_stream');
      // With nothing in its hands, with a group that was just handed over, and with one that it works on.
      if (round % 3 > 0) await setImmediate();
      if (round % 3 > 1) await setImmediate();
      await endThread(writer);
      const { outcome } = await appending;
      outcomes.add(outcome);
      expect(['appended', 'unknown']).toContain(outcome);
      expect(await store.append(`s-${round}`, events, 'no_stream')).toMatchObject({ outcome: 'appended' });
      expect(store.refusesAppends()).toBeNull();
    }
    expect(outcomes).toContain('unknown');
    expect((await store.readAll(null, { limit: 100 })).events).toHaveLength(round);
    await store.close();
  });

  it('begins no thread over a file that is gone, and goes on when it is back', async () => {
    const writer = await ThreadedLogWriter.open(file, {});
    expect(await writer.commit(group('a'))).toMatchObject({ outcome: 'committed' });
    await endThread(writer);
    renameSync(file, `${file}.away`);
    expect(await writer.commit(group('b'))).toMatchObject({
      outcome: 'refused',
      error: { reason: 'io', message: expect.stringContaining('gone, or another file than at the start') },
    });
    expect(existsSync(file)).toBe(false);
    renameSync(`${file}.away`, file);
    expect(await committed(writer, group('b'))).toMatchObject({ outcome: 'committed' });
    await writer.close();
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
