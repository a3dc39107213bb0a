// Appends and projects as fast as it can and says what was acknowledged, until somebody kills it. Started by
// kill.test.ts.
import { randomUUID } from 'node:crypto';
import { writeSync } from 'node:fs';
import path from 'node:path';
import { SubscriptionRunner } from '../../../dist/application/subscriptions/subscription-runner.js';
import { SqliteEventStore } from '../../../dist/infrastructure/event-store/sqlite/sqlite-event-store.js';
import { ReadModelDatabase } from '../../../dist/infrastructure/read-model/read-model-database.js';
import { SqlitePositionStore } from '../../../dist/infrastructure/read-model/sqlite-position-store.js';
import { SqliteReadModel } from '../../../dist/infrastructure/read-model/sqlite-read-model.js';

const [folder, writers, eventsPerAppend] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const store = await SqliteEventStore.openOnThread({ file: path.join(folder, 'events.db') });
const database = ReadModelDatabase.open(path.join(folder, 'readmodel.db'));
const positions = new SqlitePositionStore(database);
const counter = {
  name: 'counter',
  version: 1,
  tables: { counts: { columns: 'stream TEXT PRIMARY KEY, events INTEGER NOT NULL' } },
  handles: ['Counted'],
  apply: (rows, event) =>
    rows.run('INSERT INTO {counts} VALUES (?, 1) ON CONFLICT (stream) DO UPDATE SET events = events + 1', event.stream),
};
const readModel = new SqliteReadModel(database, positions, [counter]);
new SubscriptionRunner({
  consumer: 'counter',
  store,
  positions,
  handler: readModel.handler('counter', { store }),
  poison: 'stop',
  filter: { types: ['Counted'] },
  batchSize: 50,
}).start();

async function write(stream) {
  let expected = (await store.readStream(stream, { direction: 'backwards', limit: 1 }))[0]?.revision ?? 'no_stream';
  for (;;) {
    const events = Array.from({ length: eventsPerAppend }, (_, n) => ({
      id: randomUUID(),
      type: 'Counted',
      schemaVersion: 1,
      data: { n, filling: 'x'.repeat(300) },
      metadata: {
        actor: 'system:test',
        correlationId: stream,
        causationId: 'kill',
        recordedAtUtc: new Date().toISOString(),
        policyVersion: null,
      },
    }));
    const result = await store.append(stream, events, expected);
    if (result.outcome !== 'appended') throw new Error(JSON.stringify(result));
    expected = result.revision;
    // Written synchronously: the line is in the pipe before anything else happens, so what is printed was acknowledged.
    writeSync(1, `${stream} ${result.revision}\n`);
  }
}

for (let n = 0; n < writers; n += 1) void write(`stream-${n}`);
