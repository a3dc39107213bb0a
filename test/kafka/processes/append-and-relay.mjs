// Appends registrations and publishes them, as the server does in one process, until somebody kills it or everything is
// published. Started by kill.test.ts. Prints "up" once, and "done" when the whole log is acknowledged.
import { createHash } from 'node:crypto';
import path from 'node:path';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { Kafka, logLevel } from 'kafkajs';
import { DecideAndAppend } from '../../../dist/application/decisions/decide-and-append.js';
import { PublicationLag } from '../../../dist/application/publication/publication-lag.js';
import { PublicationRelay } from '../../../dist/application/publication/publication-relay.js';
import { SubscriptionRunner } from '../../../dist/application/subscriptions/subscription-runner.js';
import { SqliteEventStore } from '../../../dist/infrastructure/event-store/sqlite/sqlite-event-store.js';
import { KafkaEventPublisher } from '../../../dist/infrastructure/kafka/kafka-event-publisher.js';
import { ReadModelDatabase } from '../../../dist/infrastructure/read-model/read-model-database.js';
import { SqlPublicationDirectory } from '../../../dist/infrastructure/read-model/sql-publication-directory.js';
import { SqlReadModels } from '../../../dist/infrastructure/read-model/sql-read-models.js';
import { SqlitePositionStore } from '../../../dist/infrastructure/read-model/sqlite-position-store.js';
import { SqliteReadModel } from '../../../dist/infrastructure/read-model/sqlite-read-model.js';
import { SystemClock } from '../../../dist/infrastructure/clock/system-clock.js';
import { registrantRegistrationsProjection } from '../../../dist/projections/registrant-registrations.projection.js';

const { folder, brokers, prefix, partitions, registrations, perLife, erasedEvery } = JSON.parse(process.argv[2]);
const client = () =>
  new Kafka({
    clientId: 'honnin-kill',
    brokers: [brokers],
    logLevel: logLevel.NOTHING,
    connectionTimeout: 1000,
    requestTimeout: 3000,
    retry: { retries: 1, initialRetryTime: 50, maxRetryTime: 200 },
  });
const store = SqliteEventStore.open({ file: path.join(folder, 'events.db') });
const database = ReadModelDatabase.open(path.join(folder, 'readmodel.db'));
const positions = new SqlitePositionStore(database);
const model = new SqliteReadModel(database, positions, [registrantRegistrationsProjection]);
const clock = new SystemClock();
const publisher = new KafkaEventPublisher({
  mode: 'binary',
  source: 'urn:honnin:kill',
  prefix,
  partitions,
  requestTimeoutMs: 3000,
  client,
});
const relay = new PublicationRelay(
  publisher,
  new SqlPublicationDirectory(model),
  new SqlReadModels(model, store),
  new DecideAndAppend(store, clock),
  { names: ['statistics'] },
);
const name = registrantRegistrationsProjection.name;
new SubscriptionRunner({
  consumer: name,
  store,
  positions,
  handler: model.handler(name, { store }),
  poison: 'stop',
  filter: { types: registrantRegistrationsProjection.handles },
}).start();
// A small batch: more steps that a kill can hit.
new SubscriptionRunner({
  consumer: relay.name,
  store,
  positions,
  handler: relay.handler(),
  poison: 'stop',
  filter: { types: relay.types },
  batchSize: 64,
  retry: { delayMsMax: 300 },
  leaseMs: 3000,
}).start();

const KINDS = [
  ['RequestReceived', { mode: 'GOVERNMENT_SUBMISSION', boothId: 'booth-1' }],
  ['CertificateVerified', {}],
  ['FaceMatched', { confirmation: 'confirmed' }],
  ['SubmittedToGovernment', { submissionId: 's' }],
  ['GovernmentAccepted', {}],
];
const idOf = (...parts) =>
  createHash('sha1')
    .update(parts.join(' '))
    .digest('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5');
const envelope = (id, type, data, correlationId) => ({
  id,
  type,
  schemaVersion: 1,
  data,
  metadata: {
    actor: 'system:kill',
    correlationId,
    causationId: id,
    recordedAtUtc: clock.nowUtc(),
    policyVersion: null,
  },
});

/** A registration in two appends, then for some of them an erasure. What is there already stays: the ids are always the
 * same. */
async function register(n) {
  const registrationId = idOf('registration', n);
  const subjectKey = `subject${Math.floor(n / 2)}`;
  const events = KINDS.map(([type, data], index) =>
    envelope(idOf('event', n, index), type, type === 'CertificateVerified' ? { subjectKey } : data, registrationId),
  );
  const stream = `registration-${registrationId}`;
  const there = (await store.readStream(stream, {})).length;
  if (there < 2) await append(stream, events.slice(there, 2), there);
  await nextTurn();
  if (there < 5) await append(stream, events.slice(Math.max(there, 2)), Math.max(there, 2));
  if (n % erasedEvery === erasedEvery - 1) {
    const erased = await store.readStream(`registrant-${subjectKey}`, {});
    if (erased.length === 0)
      await append(
        `registrant-${subjectKey}`,
        [
          envelope(
            idOf('erasure', n),
            'RegistrantErased',
            { rule: 'retention_limit', by: 'system' },
            idOf('erasure', n),
          ),
        ],
        0,
      );
  }
}

async function append(stream, events, there) {
  const result = await store.append(stream, events, there === 0 ? 'no_stream' : there - 1);
  if (result.outcome !== 'appended')
    throw new Error(JSON.stringify(result, (_, value) => (typeof value === 'bigint' ? String(value) : value)));
}

/** How far earlier lives came: the first registration that is not complete. */
async function firstOpen() {
  let [low, high] = [0, registrations];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((await store.readStream(`registration-${idOf('registration', middle)}`, {})).length === KINDS.length)
      low = middle + 1;
    else high = middle;
  }
  // The erasure after the last complete one may be missing.
  return Math.max(0, low - erasedEvery);
}

process.stdout.write('up\n');
const first = await firstOpen();
for (let n = first; n < Math.min(registrations, first + perLife); n += 1) {
  await register(n);
  if (n % 4 === 3) await sleep(5);
}
const lag = new PublicationLag(store, positions, relay, clock);
while (first + perLife < registrations || (await lag.measure()).events > 0) await sleep(50);
process.stdout.write('done\n');
process.exit(0);
