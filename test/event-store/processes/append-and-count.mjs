// Appends 100 events one by one and 256 together, and says when, so that the calls to the disk can be counted from
// outside.
import { randomUUID } from 'node:crypto';
import { writeSync } from 'node:fs';
import { SqliteEventStore } from '../../../dist/infrastructure/event-store/sqlite/sqlite-event-store.js';

const store = await SqliteEventStore.openOnThread({ file: process.argv[2] });
const event = () => ({
  id: randomUUID(),
  type: 'Counted',
  schemaVersion: 1,
  data: { filling: 'x'.repeat(300) },
  metadata: {
    actor: 'system:test',
    correlationId: 'c',
    causationId: 'c',
    recordedAtUtc: '2026-11-23T00:00:00.000Z',
    policyVersion: null,
  },
});
const say = (text) => writeSync(1, `${text}\n`);

say('begin one by one');
for (let n = 0; n < 100; n += 1) await store.append('one-by-one', [event()], n === 0 ? 'no_stream' : n - 1);
say('end one by one');
say('begin together');
await Promise.all(Array.from({ length: 256 }, (_, n) => store.append(`together-${n}`, [event()], 'no_stream')));
say('end together');
await store.close();
