// Appends as fast as it can while the real consumer puts everything into the audit log, until somebody kills it.
// Started by kill.test.ts.
//   log-until-killed.mjs FOLDER load appends and logs without end; prints "going" when this run has published something
//   log-until-killed.mjs FOLDER die-before STEP kills itself before the named step of the tile writer, right after some
//   appends
//   log-until-killed.mjs FOLDER finish logs what is there and ends
import { randomUUID } from 'node:crypto';
import { mkdirSync, writeSync } from 'node:fs';
import path from 'node:path';
import { SubscriptionRunner } from '../../../dist/application/subscriptions/subscription-runner.js';
import { AuditLogConsumer } from '../../../dist/infrastructure/audit/log/audit-log-consumer.js';
import { PlainLogBuilder } from '../../../dist/infrastructure/audit/log/log-builder.js';
import { LogKeys } from '../../../dist/infrastructure/audit/log-keys.js';
import { ThreadedLogBuilder } from '../../../dist/infrastructure/audit/log/threaded-log-builder.js';
import { TileLog } from '../../../dist/infrastructure/audit/log/tile-log.js';
import { TileWriter } from '../../../dist/infrastructure/audit/log/tile-writer.js';
import { VaultPseudonyms } from '../../../dist/infrastructure/audit/vault-pseudonyms.js';
import { SqliteEventStore } from '../../../dist/infrastructure/event-store/sqlite/sqlite-event-store.js';
import { KeyedSecrets } from '../../../dist/infrastructure/settings/keyed-secrets.js';
import { ReadModelDatabase } from '../../../dist/infrastructure/read-model/read-model-database.js';
import { SqlitePositionStore } from '../../../dist/infrastructure/read-model/sqlite-position-store.js';
import { KeyRing } from '../../../dist/infrastructure/vault/key-ring.js';

const [folder, mode, step] = process.argv.slice(2);
const [masterKey, serverSecret, origin] = [
  new Uint8Array(32).fill(7),
  new Uint8Array(32).fill(9),
  'log.example/honnin',
];
const [eventsFile, auditFolder, signingKeyFolder, keyRingFile] = ['events.db', 'audit', 'secret', 'keys.db'].map(
  (name) => path.join(folder, name),
);
mkdirSync(auditFolder, { recursive: true });

const store = await SqliteEventStore.openOnThread({ file: eventsFile });
const ring = new KeyRing(keyRingFile, masterKey);
const keys = await LogKeys.open({ origin, secretFolder: signingKeyFolder, auditFolder });
const threaded = new ThreadedLogBuilder(
  { eventsFile },
  { auditFolder, origin, signingKeyFolder, keyRingFile, masterKey, serverSecret },
);
const dying = new PlainLogBuilder(store, new VaultPseudonyms(ring, new KeyedSecrets(serverSecret)), () =>
  TileWriter.open(auditFolder, keys, (at) => {
    if (at === step || (step === 'tile' && at.startsWith('tile/0'))) process.kill(process.pid, 'SIGKILL');
  }),
);
const log = new TileLog(auditFolder);
const before = log.checkpoint()?.size ?? 0;

const database = ReadModelDatabase.open(path.join(folder, 'readmodel.db'));
const consumer = new AuditLogConsumer(mode === 'die-before' ? dying : threaded, 0);
const runner = new SubscriptionRunner({
  consumer: consumer.name,
  store,
  positions: new SqlitePositionStore(database),
  handler: consumer,
  poison: 'stop',
  onStatus: ({ state, lastError }) => {
    if (state !== 'stopped') return;
    writeSync(2, `the consumer stopped: ${lastError?.message}\n`);
    process.exit(3);
  },
});

async function append(stream, revision) {
  const events = Array.from({ length: 3 }, (_, n) => ({
    id: randomUUID(),
    type: 'Counted',
    schemaVersion: 1,
    data: { n, filling: 'x'.repeat(300), subjectKey: `person-${revision % 20}` },
    metadata: {
      actor: 'officer:a',
      correlationId: stream,
      causationId: 'kill',
      recordedAtUtc: new Date().toISOString(),
      policyVersion: null,
    },
  }));
  const result = await store.append(stream, events, revision < 0 ? 'no_stream' : revision);
  if (result.outcome !== 'appended') throw new Error(JSON.stringify(result));
  return result.revision;
}

/** Events that may wait for the log. More of them at once make longer steps and fewer, and a log that grows out of all
 * proportion to the kills: each of them reads it whole. */
const LEAD_MAX = 300;
let appended = 0;
let published = before;

async function write(stream) {
  for (let revision = -1; ;) {
    while (appended - (published - before) > LEAD_MAX) await new Promise((done) => setTimeout(done, 1));
    revision = await append(stream, revision);
    appended += 3;
  }
}

if (mode === 'finish') {
  runner.start();
  const head = await store.head();
  for (const deadline = performance.now() + 30_000; head !== null && log.indexOf(head) === null;) {
    if (performance.now() > deadline) throw new Error('the log does not catch up');
    await new Promise((done) => setTimeout(done, 5));
  }
  await runner.stop();
  await threaded.close();
  await store.close();
  process.exit(0);
}
if (mode === 'die-before')
  for (let revision = -1, n = 0, stream = `stream-${randomUUID()}`; n < 120; n += 1)
    revision = await append(stream, revision);
runner.start();
if (mode === 'load') {
  for (let n = 0; n < 8; n += 1) void write(`stream-${randomUUID()}`);
  let isTold = false;
  setInterval(() => {
    published = log.checkpoint()?.size ?? 0;
    if (isTold || published === before) return;
    isTold = true;
    writeSync(1, 'going\n');
  }, 2);
}
