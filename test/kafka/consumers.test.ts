import { spawn, spawnSync } from 'node:child_process';
import { afterEach, expect, it } from '@jest/globals';
import { CloudEvent, Kafka as CloudEventsOnKafka, type KafkaMessage } from 'cloudevents';
import { KafkaEventPublisher } from '../../src/infrastructure/kafka/kafka-event-publisher.js';
import { murmur2, partitionOfKey } from '../../src/infrastructure/kafka/partition-of-key.js';
import { replayEvents } from '../../src/infrastructure/kafka/replay.js';
import { createTopics, examineTopics, topicName, topicPlans } from '../../src/infrastructure/kafka/topics.js';
import { describeWithBroker } from './support/describe-with-broker.js';
import { envelopes, HISTORIES, registrationIdOf } from './support/facts.js';
import { header, PARTITIONS, readTopic, settingsFor, withoutRepetitions, withTopics } from './support/kafka-topics.js';
import { RelayWorld, until } from './support/relay-world.js';
import { peer } from '../support/peers.js';
import { describeUnless } from '../support/unless.js';

interface KcatMessage {
  readonly partition: number;
  readonly key: string;
  readonly payload: string | null;
  readonly headers?: readonly string[];
}

/** What kcat reads from a topic, to its end. */
function kcat(brokers: string, topic: string): KcatMessage[] {
  const { status, stdout, stderr } = spawnSync(
    'kcat',
    ['-C', '-b', brokers, '-t', topic, '-o', 'beginning', '-e', '-q', '-J'],
    { encoding: 'utf8', timeout: 120_000, maxBuffer: 1 << 26 },
  );
  if (status !== 0) throw new Error(`kcat: ${stderr}`);
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as KcatMessage);
}

function cloudEventOf({ key, payload, headers = [] }: KcatMessage): CloudEvent<Record<string, string>> {
  const pairs = Object.fromEntries(
    headers.flatMap((name, i) => (i % 2 === 0 ? [[name, headers[i + 1] as string]] : [])),
  );
  return CloudEventsOnKafka.toEvent({ key, value: payload, headers: pairs, body: payload } as unknown as KafkaMessage<
    Record<string, string>
  >) as CloudEvent<Record<string, string>>;
}

describeWithBroker('consumers that nobody here wrote', (broker) => {
  let world: RelayWorld | null = null;
  afterEach(async () => {
    await world?.close();
    world = null;
  });

  describeUnless(peer('kcat'), 'of librdkafka', () => {
    it.each(['binary', 'structured'] as const)(
      'kcat reads what is published, and the CloudEvents SDK understands it (%s mode)',
      async (mode) => {
        const settings = await withTopics(settingsFor(broker().brokers, { mode }));
        world = new RelayWorld(new KafkaEventPublisher(settings), { settings }).start();
        for (let n = 0; n < 10; n += 1)
          await world.append(`registration-${registrationIdOf(n)}`, envelopes(n, HISTORIES['accepted'] ?? []));
        await world.published();
        const read = kcat(broker().brokers, topicName(settings.prefix, 'registrations'));
        const events = [...new Map(read.map(cloudEventOf).map((event) => [event.id, event])).values()];
        expect(events).toHaveLength(50);
        for (const event of events) expect(event.validate()).toBe(true);
        for (let n = 0; n < 10; n += 1) {
          const own = events.filter(({ subject }) => subject === registrationIdOf(n));
          expect(own.map(({ type }) => type)).toEqual(
            ['received', 'verified', 'confirmed', 'submitted', 'completed'].map(
              (kind) => `jp.honnin.registration.${kind}.v1`,
            ),
          );
          expect(own.every(({ data }) => data?.['registrationId'] === registrationIdOf(n))).toBe(true);
        }
      },
    );

    it('librdkafka puts a key into the partition that we put it into', async () => {
      const settings = await withTopics(settingsFor(broker().brokers));
      const topic = topicName(settings.prefix, 'registrations');
      const keys = Array.from({ length: 60 }, (_, n) => (n % 2 === 0 ? registrationIdOf(n) : 'k'.repeat(n)));
      const producer = spawn(
        'kcat',
        ['-P', '-b', broker().brokers, '-t', topic, '-K', '\t', '-X', 'topic.partitioner=murmur2'],
        { stdio: ['pipe', 'ignore', 'inherit'] },
      );
      producer.stdin.end(keys.map((key) => `${key}\tx\n`).join(''));
      await new Promise((resolve) => producer.once('exit', resolve));
      const read = kcat(broker().brokers, topic);
      expect(read).toHaveLength(keys.length);
      expect(read.filter(({ key, partition }) => partition !== partitionOfKey(key, PARTITIONS))).toEqual([]);
    });
  });

  it('a replay goes to its own topic with a marker and its old ids, and leaves the live topics alone', async () => {
    const settings = await withTopics(settingsFor(broker().brokers));
    world = new RelayWorld(new KafkaEventPublisher(settings), { settings }).start();
    for (let n = 0; n < 6; n += 1)
      await world.append(`registration-${registrationIdOf(n)}`, envelopes(n, HISTORIES['accepted'] ?? []));
    await world.published();
    const [live, replayed] = [topicName(settings.prefix, 'registrations'), topicName(settings.prefix, 'replay')];
    const before = await readTopic(settings, live);
    const ids = (list: typeof before): string[] =>
      withoutRepetitions(list)
        .map((message) => header(message, 'ce_id'))
        .sort();
    const progress: bigint[] = [];
    const whole = await replayEvents({
      store: world.store,
      directory: world.directory,
      settings,
      from: 0n,
      to: null,
      registrationId: null,
      onProgress: ({ position }) => void progress.push(position),
    });
    const one = await replayEvents({
      store: world.store,
      directory: world.directory,
      settings,
      from: null,
      to: null,
      registrationId: registrationIdOf(3),
    });
    expect([whole.published, one.published]).toEqual([30, 5]);
    expect(progress.length).toBeGreaterThan(0);
    const messages = await readTopic(settings, replayed);
    expect(ids(messages.filter((message) => header(message, 'ce_replay') === whole.replayId))).toEqual(ids(before));
    expect(ids(before)).toHaveLength(30);
    expect(
      messages
        .filter((message) => header(message, 'ce_replay') === one.replayId)
        .every((message) => String(message.key) === registrationIdOf(3)),
    ).toBe(true);
    expect(await readTopic(settings, live)).toHaveLength(before.length);
    expect(before.every((message) => message.headers?.['ce_replay'] === undefined)).toBe(true);
  });

  it('a replay between two positions holds what lies between them, both included', async () => {
    const settings = await withTopics(settingsFor(broker().brokers));
    world = new RelayWorld(new KafkaEventPublisher(settings), { settings });
    await world.append(`registration-${registrationIdOf(0)}`, envelopes(0, HISTORIES['accepted'] ?? []));
    const stored = await world.store.readStream(`registration-${registrationIdOf(0)}`, {});
    const [from, to] = [stored[1]?.position as bigint, stored[4]?.position as bigint];
    const ranged = await replayEvents({
      store: world.store,
      directory: world.directory,
      settings,
      from,
      to,
      registrationId: null,
    });
    // Between them lies a submission attempt, which is nobody's business outside.
    expect(ranged.published).toBe(3);
    const timed = await replayEvents({
      store: world.store,
      directory: world.directory,
      settings,
      from: stored[1]?.metadata.recordedAtUtc ?? '',
      to: stored[2]?.metadata.recordedAtUtc ?? '',
      registrationId: null,
    });
    expect(timed.published).toBe(2);
  }, 180_000);

  it('shows a deviating topic and never changes it', async () => {
    const settings = settingsFor(broker().brokers);
    const admin = settings.client().admin();
    await admin.connect();
    const plans = topicPlans({ prefix: settings.prefix, partitions: PARTITIONS, replication: 1, retentionDays: 3 });
    expect((await examineTopics(admin, plans)).map(({ state }) => state)).toEqual([
      'missing',
      'missing',
      'missing',
      'missing',
    ]);
    await createTopics(admin, plans);
    await until(async () => (await examineTopics(admin, plans)).every(({ state }) => state === 'as_planned'), 120_000);
    const other = topicPlans({ prefix: settings.prefix, partitions: PARTITIONS * 2, replication: 1, retentionDays: 9 });
    await createTopics(admin, []);
    const findings = await examineTopics(admin, other);
    expect(findings.every(({ state }) => state === 'differs')).toBe(true);
    expect(JSON.stringify(findings)).toMatch(/never changed.*retention\.ms=259200000, planned is 777600000/);
    const metadata = await admin.fetchTopicMetadata({ topics: plans.map(({ name }) => name) });
    expect(metadata.topics.map(({ partitions }) => partitions.length)).toEqual([
      PARTITIONS,
      PARTITIONS,
      PARTITIONS,
      PARTITIONS,
    ]);
    await admin.disconnect();
  });
});

it('hashes as the Java client does', () => {
  // From the tests of Apache Kafka's own `Utils.murmur2`.
  const known: [string, number][] = [
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ];
  for (const [text, hash] of known) expect([text, murmur2(Buffer.from(text))]).toEqual([text, hash]);
});
