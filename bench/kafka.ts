import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import kafkajs, { type Message } from 'kafkajs';
import { derivedId } from '../dist/application/decisions/ids.js';
import { DecideAndAppend } from '../dist/application/decisions/decide-and-append.js';
import { PublicationLag } from '../dist/application/publication/publication-lag.js';
import { PublicationRelay } from '../dist/application/publication/publication-relay.js';
import { SubscriptionRunner } from '../dist/application/subscriptions/subscription-runner.js';
import type { NewEvent } from '../dist/domain/event-envelope.js';
import { SqliteEventStore } from '../dist/infrastructure/event-store/sqlite/sqlite-event-store.js';
import type { KafkaSettings } from '../dist/infrastructure/kafka/kafka-client.js';
import { KafkaEventPublisher } from '../dist/infrastructure/kafka/kafka-event-publisher.js';
import { createTopics, topicName, topicPlans } from '../dist/infrastructure/kafka/topics.js';
import { ReadModelDatabase } from '../dist/infrastructure/read-model/read-model-database.js';
import { SqlPublicationDirectory } from '../dist/infrastructure/read-model/sql-publication-directory.js';
import { SqlReadModels } from '../dist/infrastructure/read-model/sql-read-models.js';
import { SqlitePositionStore } from '../dist/infrastructure/read-model/sqlite-position-store.js';
import { SqliteReadModel } from '../dist/infrastructure/read-model/sqlite-read-model.js';
import { SystemClock } from '../dist/infrastructure/clock/system-clock.js';
import { registrantRegistrationsProjection } from '../dist/projections/registrant-registrations.projection.js';
import { brokerMissing, startBroker } from '../test/kafka/support/kafka-broker.ts';
import type { Bench } from './report.ts';

const REGISTRATIONS = 4000;
const EVENTS_PER_REGISTRATION = 5;
const ROUNDS = 3;
const DELAYED = 300;
const PARTITIONS = 12;

/** The relay against a bare producer with the same bytes and the same acknowledgements, and the way from append to
 * consumer. */
export const bench: Bench = {
  summary: 'relay throughput against a bare kafkajs producer; delay from append to consumer',
  async run(report) {
    const missing = brokerMissing();
    if (missing !== null) return report.note(`not run: ${missing.reason}`);
    report.progress('starting a broker …');
    const broker = await startBroker();
    try {
      const ratios: number[] = [];
      for (let round = 1; round <= ROUNDS; round += 1) {
        report.progress(`round ${round} of ${ROUNDS}`);
        const world = await RelayBench.create(settingsFor(broker.brokers));
        const relayed = await world.relayBacklog();
        const sent = await barelySend(world.settings, await readAll(world.settings));
        await world.close();
        report.row(`round ${round}, relay`, { eventsPerSecond: Math.round(relayed.perSecond), events: relayed.events });
        report.row(`round ${round}, bare producer`, {
          messagesPerSecond: Math.round(sent.perSecond),
          messages: sent.messages,
          eventsPerSecond: Math.round(relayed.events / sent.seconds),
        });
        ratios.push(sent.seconds / relayed.seconds);
      }
      report.ratio('relay / bare producer (same bytes, acks=-1; median of rounds)', median(ratios), '>= 0.5');
      const world = await RelayBench.create(settingsFor(broker.brokers), { empty: true });
      const delays = await world.delays();
      await world.close();
      const at = (q: number): number => delays[Math.min(delays.length - 1, Math.floor(delays.length * q))] as number;
      report.row('append to consumer', {
        events: delays.length,
        p50Ms: at(0.5),
        p95Ms: at(0.95),
        p99Ms: at(0.99),
        maxMs: at(1),
      });
      report.note(
        `The bare producer sends the very messages that the relay sent (topics, keys, headers, values, partitions), 1024 events a round trip, acks=-1. The relay also reads and parses the log, translates, and stores its position. Delay target: p99 <= 250 ms on a quiet machine. Batches of the relay: 1024 events.`,
      );
    } finally {
      await broker.close();
    }
  },
};

let prefixes = 0;

function settingsFor(brokers: string): KafkaSettings {
  prefixes += 1;
  const client = () =>
    new kafkajs.Kafka({ clientId: 'honnin-bench', brokers: brokers.split(','), logLevel: kafkajs.logLevel.NOTHING });
  return {
    mode: 'binary',
    source: 'urn:honnin:bench',
    prefix: `bench-${process.pid}-${Date.now().toString(36)}-${prefixes}.`,
    partitions: PARTITIONS,
    requestTimeoutMs: 15_000,
    client,
  };
}

const KINDS: readonly [string, Record<string, string>][] = [
  ['RequestReceived', { mode: 'GOVERNMENT_SUBMISSION', boothId: 'booth-1', receivedAtUtc: '2026-11-23T09:00:00.000Z' }],
  ['CertificateVerified', {}],
  ['FaceMatched', { confirmation: 'confirmed' }],
  ['SubmittedToGovernment', { submissionId: '0198c0de-0000-5000-8000-000000000003' }],
  ['GovernmentAccepted', {}],
];

function eventOf(n: number, index: number): NewEvent {
  const [type, data] = KINDS[index] as (typeof KINDS)[number];
  const registrationId = derivedId('bench', n);
  return {
    id: derivedId('bench', n, index),
    type,
    schemaVersion: 1,
    data: type === 'CertificateVerified' ? { subjectKey: `s${n}` } : data,
    metadata: {
      actor: 'system:bench',
      correlationId: registrationId,
      causationId: registrationId,
      recordedAtUtc: new Date().toISOString(),
      policyVersion: 1,
    },
  };
}

class RelayBench {
  private readonly folder = mkdtempSync(path.join(tmpdir(), 'honnin-bench-kafka-'));
  private readonly store = SqliteEventStore.open({ file: path.join(this.folder, 'events.db') });
  private readonly database = ReadModelDatabase.open(path.join(this.folder, 'readmodel.db'));
  private readonly runners: SubscriptionRunner[] = [];
  private readonly publisher: KafkaEventPublisher;
  private readonly lag: PublicationLag;

  readonly settings: KafkaSettings;

  private constructor(settings: KafkaSettings) {
    this.settings = settings;
    const positions = new SqlitePositionStore(this.database);
    const model = new SqliteReadModel(this.database, positions, [registrantRegistrationsProjection]);
    const clock = new SystemClock();
    this.publisher = new KafkaEventPublisher(settings);
    const relay = new PublicationRelay(
      this.publisher,
      new SqlPublicationDirectory(model),
      new SqlReadModels(model, this.store),
      new DecideAndAppend(this.store, clock),
      { names: [] },
    );
    this.lag = new PublicationLag(this.store, positions, relay, clock);
    const { name, handles } = registrantRegistrationsProjection;
    this.runners.push(
      new SubscriptionRunner({
        consumer: name,
        store: this.store,
        positions,
        handler: model.handler(name, { store: this.store }),
        poison: 'stop',
        filter: { types: handles },
      }),
    );
    this.runners.push(
      new SubscriptionRunner({
        consumer: relay.name,
        store: this.store,
        positions,
        handler: relay.handler(),
        poison: 'stop',
        filter: { types: relay.types },
        batchSize: relay.batchSize,
      }),
    );
  }

  static async create(settings: KafkaSettings, { empty = false } = {}): Promise<RelayBench> {
    const admin = settings.client().admin();
    await admin.connect();
    await createTopics(
      admin,
      topicPlans({ prefix: settings.prefix, partitions: PARTITIONS, replication: 1, retentionDays: 1 }),
    );
    await admin.disconnect();
    const world = new RelayBench(settings);
    if (!empty)
      await Promise.all(
        Array.from({ length: REGISTRATIONS }, (_, n) =>
          world.append(
            n,
            KINDS.map((_kind, index) => eventOf(n, index)),
            'no_stream',
          ),
        ),
      );
    return world;
  }

  private async append(n: number, events: readonly NewEvent[], expected: number | 'no_stream'): Promise<void> {
    const { outcome } = await this.store.append(`registration-${derivedId('bench', n)}`, events, expected);
    if (outcome !== 'appended') throw new Error(outcome);
  }

  /** From the start of the consumers to the last acknowledgement and stored position. */
  async relayBacklog(): Promise<{ events: number; seconds: number; perSecond: number }> {
    const events = REGISTRATIONS * EVENTS_PER_REGISTRATION;
    // The projection first: the server has it done long before, and it is not what is measured.
    this.runners[0]?.start();
    while ((this.runners[0]?.status().handled ?? 0) < REGISTRATIONS)
      await new Promise((resolve) => setTimeout(resolve, 20));
    await this.publisher.connect();
    const started = performance.now();
    this.runners[1]?.start();
    while ((this.runners[1]?.status().handled ?? 0) < events) await new Promise((resolve) => setTimeout(resolve, 2));
    const seconds = (performance.now() - started) / 1000;
    if ((await this.lag.measure()).events > 0) throw new Error('not everything is published');
    return { events, seconds, perSecond: events / seconds };
  }

  /** Milliseconds from the call of append to the consumer's hand, sorted; one event at a time. */
  async delays(): Promise<number[]> {
    const topic = topicName(this.settings.prefix, 'registrations');
    const consumer = this.settings.client().consumer({ groupId: `${this.settings.prefix}delay`, maxWaitTimeInMs: 100 });
    const arrived = new Map<string, () => void>();
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    const joined = new Promise((resolve) => consumer.on(consumer.events.GROUP_JOIN, resolve));
    void consumer.run({ eachMessage: async ({ message }) => arrived.get(String(message.headers?.['ce_id']))?.() });
    await joined;
    for (const runner of this.runners) runner.start();
    const delays: number[] = [];
    for (let n = 0; n < DELAYED + 20; n += 1) {
      const event = eventOf(n, 0);
      const seen = new Promise<void>((resolve) => arrived.set(event.id, resolve));
      const started = performance.now();
      await this.append(n, [event], 'no_stream');
      await seen;
      // The first ones open connections.
      if (n >= 20) delays.push(performance.now() - started);
    }
    await consumer.disconnect();
    return delays.sort((a, b) => a - b);
  }

  async close(): Promise<void> {
    await Promise.all(this.runners.map((runner) => runner.stop()));
    await this.publisher.close();
    await this.store.close();
    this.database.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Everything that the relay put on its topics. */
async function readAll(settings: KafkaSettings): Promise<{ topic: string; message: Message }[]> {
  const topics = [topicName(settings.prefix, 'registrations'), topicName(settings.prefix, 'registration-status')];
  const admin = settings.client().admin();
  await admin.connect();
  const offsets = await Promise.all(topics.map((topic) => admin.fetchTopicOffsets(topic)));
  await admin.disconnect();
  const expected = offsets.flat().reduce((sum, { high }) => sum + Number(high), 0);
  const all: { topic: string; message: Message }[] = [];
  const consumer = settings.client().consumer({ groupId: `${settings.prefix}read` });
  await consumer.connect();
  await consumer.subscribe({ topics, fromBeginning: true });
  await new Promise<void>((resolve) => {
    void consumer.run({
      eachMessage: async ({ topic, partition, message: { key, value, headers } }) => {
        all.push({ topic, message: { key, value, partition, ...(headers && { headers }) } });
        if (all.length >= expected) resolve();
      },
    });
  });
  await consumer.disconnect();
  return all;
}

/** The same messages from a producer that does nothing else. */
async function barelySend(
  settings: KafkaSettings,
  all: readonly { topic: string; message: Message }[],
): Promise<{ messages: number; seconds: number; perSecond: number }> {
  const target: KafkaSettings = { ...settings, prefix: `${settings.prefix}bare.` };
  const admin = settings.client().admin();
  await admin.connect();
  await createTopics(
    admin,
    topicPlans({ prefix: target.prefix, partitions: PARTITIONS, replication: 1, retentionDays: 1 }),
  );
  await admin.disconnect();
  const renamed = all.map(({ topic, message }) => ({ topic: topic.replace(settings.prefix, target.prefix), message }));
  const facts = renamed.filter(({ topic }) => topic.endsWith('registrations.v1'));
  const statuses = renamed.filter(({ topic }) => !topic.endsWith('registrations.v1'));
  const rounds = Math.ceil(facts.length / 1024);
  const producer = settings
    .client()
    .producer({
      idempotent: false,
      maxInFlightRequests: 1,
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    });
  await producer.connect();
  const started = performance.now();
  for (let round = 0; round < rounds; round += 1) {
    const share = <T>(list: readonly T[]): T[] =>
      list.slice(Math.floor((list.length * round) / rounds), Math.floor((list.length * (round + 1)) / rounds));
    const topicMessages = [share(facts), share(statuses)]
      .filter((part) => part.length > 0)
      .map((part) => ({ topic: part[0]?.topic as string, messages: part.map(({ message }) => message) }));
    await producer.sendBatch({ acks: -1, topicMessages });
  }
  const seconds = (performance.now() - started) / 1000;
  await producer.disconnect();
  return { messages: all.length, seconds, perSecond: all.length / seconds };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;
}
