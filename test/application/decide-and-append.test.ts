import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { booths } from '../../src/application/decisions/aggregates.js';
import { DecideAndAppend } from '../../src/application/decisions/decide-and-append.js';
import type { EventStore } from '../../src/application/ports/store/event-store.js';
import type { BoothCommand } from '../../src/domain/booth/booth.js';
import { SystemClock } from '../../src/infrastructure/clock/system-clock.js';
import { SqliteEventStore } from '../../src/infrastructure/event-store/sqlite/sqlite-event-store.js';

/** What was folded once is folded on, and never stands for what the store does not have. */
describe('a stream that is decided on again and again', () => {
  let folder: string;
  let store: SqliteEventStore;
  let aggregates: DecideAndAppend;
  let target: EventStore;
  let eventsRead: number;
  const opened: SqliteEventStore[] = [];
  const open = (name: string) => {
    opened.push(SqliteEventStore.open({ file: path.join(folder, name) }));
    return opened.at(-1) as SqliteEventStore;
  };

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'honnin-decide-'));
    store = open('events.db');
    target = store;
    eventsRead = 0;
    const counting = {
      append: (...args: Parameters<EventStore['append']>) => target.append(...args),
      readStream: async (...args: Parameters<EventStore['readStream']>) => {
        const events = await target.readStream(...args);
        eventsRead += events.length;
        return events;
      },
    } as unknown as EventStore;
    aggregates = new DecideAndAppend(counting, new SystemClock());
  });
  afterEach(async () => {
    for (const each of opened.splice(0)) await each.close();
    rmSync(folder, { recursive: true });
  });

  let count = 0;
  const execute = (command: BoothCommand, by = aggregates, commandId = `command-${(count += 1)}`) =>
    by.execute(booths, 'b', command, {
      ...{ commandId, actor: 'officer:a', correlationId: 'b', causationId: 'b', policyVersion: null },
    });
  const enrol = { type: 'EnrolBooth', boothId: 'b', publicKey: 'one', by: 'a' } as const;
  const suspend = { type: 'SuspendBooth', reason: 'maintenance', by: 'a' } as const;
  const resume = { type: 'ResumeBooth', by: 'a' } as const;

  it('is read from its newest known event on', async () => {
    await execute(enrol);
    for (let i = 0; i < 10; i += 1) await execute(i % 2 === 0 ? suspend : resume);
    eventsRead = 0;
    const { state, stored, expected } = await aggregates.load(booths, 'b');
    expect([state.stage, stored.length, expected]).toEqual(['enrolled', 11, 10]);
    eventsRead = 0;
    expect((await aggregates.load(booths, 'b')).stored).toEqual(stored);
    expect(eventsRead).toBe(1);
    expect(stored).toEqual(await store.readStream(booths.streamOf('b')));
  });

  it('has what others appended, and a command that was carried out long ago is known', async () => {
    await execute(enrol, aggregates, 'first');
    await aggregates.load(booths, 'b');
    const other = new DecideAndAppend(store, new SystemClock());
    await execute(suspend, other);
    expect(await execute(resume)).toMatchObject({ outcome: 'decided', state: { stage: 'enrolled' } });
    expect(await execute(enrol, aggregates, 'first')).toMatchObject({
      ...{ outcome: 'decided', repeated: true, events: 1, state: { stage: 'enrolled' } },
    });
    expect(await store.readStream(booths.streamOf('b'))).toHaveLength(3);
  });

  it('is read anew where the store has something else at that place, or less', async () => {
    await execute(enrol);
    await execute(suspend);
    expect((await aggregates.load(booths, 'b')).state).toMatchObject({ stage: 'suspended' });
    const another = open('another.db');
    await execute({ ...enrol, publicKey: 'other' }, new DecideAndAppend(another, new SystemClock()));
    target = another;
    expect((await aggregates.load(booths, 'b')).state).toMatchObject({ stage: 'enrolled', publicKey: 'other' });
    await execute(suspend, new DecideAndAppend(another, new SystemClock()));
    target = store;
    expect((await aggregates.load(booths, 'b')).state).toMatchObject({ stage: 'suspended', publicKey: 'one' });
    target = open('empty.db');
    expect(await aggregates.load(booths, 'b')).toMatchObject({ state: { stage: 'none' }, expected: 'no_stream' });
  });
});
