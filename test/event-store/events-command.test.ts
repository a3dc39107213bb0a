import { mkdtempSync, rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { UsageError } from '../../src/cli/command.js';
import { command } from '../../src/cli/data/events.js';
import { SqliteEventStore } from '../../src/infrastructure/event-store/sqlite/sqlite-event-store.js';
import { newEvent } from '../contract/event-store.contract.js';

describe('honnin events', () => {
  let folder: string;
  let output: string;
  let store: SqliteEventStore;

  beforeEach(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'honnin-events-'));
    output = '';
    for (const stream of [process.stdout, process.stderr]) {
      jest.spyOn(stream, 'write').mockImplementation((text) => {
        output += String(text);
        return true;
      });
    }
    store = SqliteEventStore.open({ file: path.join(folder, 'events.db') });
    for (const name of ['a', 'ab', 'b'])
      await store.append(name, [newEvent({ name }), newEvent({ name })], 'no_stream');
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await store.close();
    rmSync(folder, { recursive: true });
  });

  const run = (...args: string[]): Promise<number> => command.run([...args, '--data', folder]);

  it('finds nothing wrong with a sound log beside the server that writes to it', async () => {
    expect(await run('check')).toBe(0);
    expect(output).toContain('6 events in 3 streams, nothing is wrong');
  });

  it('names a damaged event and fails', async () => {
    await store.close();
    const database = new DatabaseSync(path.join(folder, 'events.db'));
    database.exec(`UPDATE events SET data = '{"name":"c"}' WHERE position = 3`);
    database.close();
    expect(await run('check')).toBe(1);
    expect(output).toMatch(
      /event [0-9a-f-]{36} \(SomethingHappened, ab revision 0, position 3\): the checksum does not fit/,
    );
  });

  it('backs up to a new file, checks the copy, and never overwrites', async () => {
    const copy = path.join(folder, 'copy.db');
    expect(await run('backup', copy)).toBe(0);
    expect(output).toContain('6 events, checked');
    await expect(run('backup', copy)).rejects.toThrow('a backup never overwrites');
    await expect(run('backup')).rejects.toThrow(UsageError);
  });

  it('prints events as JSON lines, of all streams or one, from a position, up to a limit', async () => {
    const printed = async (...args: string[]): Promise<{ stream: string; position: string }[]> => {
      output = '';
      expect(await run('print', ...args)).toBe(0);
      return output
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as { stream: string; position: string })
        .filter((event) => !event.stream.startsWith('access-'));
    };
    await store.close();
    expect((await printed()).map((event) => event.stream)).toEqual(['a', 'a', 'ab', 'ab', 'b', 'b']);
    expect((await printed('--stream', 'a')).map((event) => event.stream)).toEqual(['a', 'a']);
    expect((await printed('--after', '3', '--limit', '2')).map((event) => event.position)).toEqual(['4', '5']);
    await expect(run('print', '--limit', 'many')).rejects.toThrow(UsageError);
    await expect(run('print', '--after', '-1')).rejects.toThrow();
  });

  it('puts each look on record before it prints, and prints nothing where it cannot: beside a running server', async () => {
    expect(await run('print')).toBe(1);
    expect(output).toMatch(
      /^honnin events: the look cannot be put on record, so nothing is printed: .*another process is writing to this event log/,
    );
    await store.close();
    output = '';
    expect(await run('print', '--stream', 'a')).toBe(0);
    const again = SqliteEventStore.open({ file: path.join(folder, 'events.db'), mode: 'read' });
    const looks = (await again.readAll(null, { limit: 100 })).events.filter((event) =>
      event.stream.startsWith('access-'),
    );
    await again.close();
    expect(looks.map(({ type, data }) => [type, data])).toEqual([
      [
        'RecordsViewed',
        {
          by: expect.stringMatching(/^os:/),
          what: 'log_entries',
          requestId: null,
          query: '{"after":null,"limit":1000,"stream":"a"}',
        },
      ],
    ]);
  });
});
