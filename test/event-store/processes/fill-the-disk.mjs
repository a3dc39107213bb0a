// Appends until the disk is full, makes room, asks again with the same ids, and says what it was told. Its folder is a
// very small disk.
import { randomUUID } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { checkEventLog } from '../../../dist/infrastructure/event-store/check-event-log.js';
import { SqliteEventStore } from '../../../dist/infrastructure/event-store/sqlite/sqlite-event-store.js';

const folder = process.argv[2];
const file = path.join(folder, 'events.db');
const ballast = path.join(folder, 'ballast');
writeFileSync(ballast, Buffer.alloc(1024 * 1024));
const metadata = {
  actor: 'system:test',
  correlationId: 'c',
  causationId: 'c',
  recordedAtUtc: '2026-11-23T00:00:00.000Z',
  policyVersion: null,
};
const events = () =>
  Array.from({ length: 3 }, () => ({
    id: randomUUID(),
    type: 'Filling',
    schemaVersion: 1,
    data: { filling: 'x'.repeat(3000) },
    metadata,
  }));
const told = async (append) =>
  append().then(
    (result) => result.outcome,
    (error) => error.reason ?? String(error),
  );

const store = await SqliteEventStore.openOnThread({ file });
const acknowledged = [];
let refused = null;
for (let n = 0; !refused; n += 1) {
  const [stream, batch] = [`s-${n}`, events()];
  const outcome = await told(() => store.append(stream, batch, 'no_stream'));
  if (outcome === 'appended') acknowledged.push(stream);
  else refused = { stream, batch, outcome };
}
const whileFull = await told(() => store.append('while-full', events(), 'no_stream'));
const readableWhileFull = (await store.readStream(acknowledged[0])).length;
rmSync(ballast);
const again = await told(() => store.append(refused.stream, refused.batch, 'no_stream'));
await store.close();

const opened = await SqliteEventStore.openOnThread({ file });
const afterStart = await told(() => opened.append(refused.stream, refused.batch, 'no_stream'));
const lengths = [];
for (const stream of [...acknowledged, refused.stream]) lengths.push((await opened.readStream(stream)).length);
await opened.close();
const { problems } = await checkEventLog(file);
process.stdout.write(
  `${JSON.stringify({ acknowledged: acknowledged.length, refused: refused.outcome, whileFull, readableWhileFull, again, afterStart, lengths: [...new Set(lengths)], problems })}\n`,
);
