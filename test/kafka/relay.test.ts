import { afterEach, expect, it } from '@jest/globals';
import { KafkaEventPublisher } from '../../src/infrastructure/kafka/kafka-event-publisher.js';
import { topicName } from '../../src/infrastructure/kafka/topics.js';
import type { KafkaSettings } from '../../src/infrastructure/kafka/kafka-client.js';
import { describeWithBroker } from './support/describe-with-broker.js';
import { envelopes, erasureOf, HISTORIES, registrationIdOf, subjectKeyOf } from './support/facts.js';
import { header, readTopic, settingsFor, withoutRepetitions, withTopics } from './support/kafka-topics.js';
import { RelayWorld, until } from './support/relay-world.js';

describeWithBroker('the relay and a real broker @req R22', (broker) => {
  let world: RelayWorld | null = null;
  afterEach(async () => {
    await world?.close();
    world = null;
  });

  async function relay(
    change: Partial<KafkaSettings> = {},
    consumers: readonly string[] = [],
  ): Promise<{ world: RelayWorld; settings: KafkaSettings }> {
    const settings = await withTopics(settingsFor(broker().brokers, change));
    world = new RelayWorld(new KafkaEventPublisher(settings), { settings, consumers });
    return { world, settings };
  }

  it('publishes every fact, by id once, in order per registration, each registration in one partition', async () => {
    const { world, settings } = await relay();
    for (let n = 0; n < 40; n += 1)
      await world.append(`registration-${registrationIdOf(n)}`, envelopes(n, HISTORIES['accepted'] ?? []));
    world.start();
    await world.published();
    const messages = withoutRepetitions(await readTopic(settings, topicName(settings.prefix, 'registrations')));
    const kinds = ['received', 'verified', 'confirmed', 'submitted', 'completed'].map(
      (kind) => `jp.honnin.registration.${kind}.v1`,
    );
    for (let n = 0; n < 40; n += 1) {
      const own = messages.filter((message) => String(message.key) === registrationIdOf(n));
      expect(own.map((message) => header(message, 'ce_type'))).toEqual(kinds);
      expect(new Set(own.map((message) => message.partition)).size).toBe(1);
      const sequences = own.map((message) => header(message, 'ce_sequence'));
      expect(sequences).toEqual([...sequences].sort());
    }
    expect(messages).toHaveLength(200);
    expect(new Set(messages.map((message) => message.partition)).size).toBeGreaterThan(1);
  });

  it('keeps the newest status under the registration id', async () => {
    const { world, settings } = await relay();
    world.start();
    for (const [n, name] of ['accepted', 'released', 'refused'].entries())
      await world.append(`registration-${registrationIdOf(n)}`, envelopes(n, HISTORIES[name] ?? []));
    await world.published();
    const newest = new Map(
      (await readTopic(settings, topicName(settings.prefix, 'registration-status'))).map((message) => [
        String(message.key),
        JSON.parse(String(message.value)) as { status: string },
      ]),
    );
    expect([0, 1, 2].map((n) => newest.get(registrationIdOf(n))?.status)).toEqual([
      'completed',
      'rejected',
      'rejected',
    ]);
  });

  it('waits while the broker is away, shows the backlog, and catches up by itself', async () => {
    if (!broker().ours) return;
    const { world, settings } = await relay();
    world.start();
    await world.append(`registration-${registrationIdOf(0)}`, envelopes(0, HISTORIES['accepted'] ?? []));
    await world.published();
    await broker().stop('SIGKILL');
    for (let n = 1; n <= 20; n += 1)
      await world.append(`registration-${registrationIdOf(n)}`, envelopes(n, HISTORIES['accepted'] ?? []));
    await until(() => world.runner.status().failures > 0, 120_000);
    const backlog = await world.lag.measure();
    expect(backlog.events).toBe(100);
    expect(backlog.oldestMs).toBeGreaterThan(0);
    expect(world.runner.status()).toMatchObject({
      state: expect.stringMatching(/retrying|failing/),
      lastError: { message: expect.stringContaining('broker') },
    });
    await broker().start();
    await world.published(60_000);
    const ids = (await readTopic(settings, topicName(settings.prefix, 'registrations'))).map((message) =>
      header(message, 'ce_id'),
    );
    expect(new Set(ids).size).toBe(105);
  }, 180_000);

  it('tells an erasure for each registration, forgets their status, and records who has confirmed', async () => {
    const { world, settings } = await relay({}, ['statistics', 'archive']);
    world.start();
    // Two registrations of one person: the same registrant key in both.
    const same = (events: ReturnType<typeof envelopes>) =>
      events.map((event) =>
        'subjectKey' in event.data ? { ...event, data: { ...event.data, subjectKey: subjectKeyOf(0) } } : event,
      );
    for (const n of [0, 1])
      await world.append(`registration-${registrationIdOf(n)}`, same(envelopes(n, HISTORIES['accepted'] ?? [])));
    await world.append(`registration-${registrationIdOf(2)}`, envelopes(2, HISTORIES['accepted'] ?? []));
    await world.append(`registrant-${subjectKeyOf(0)}`, [erasureOf(0)]);
    await world.published();
    const facts = withoutRepetitions(await readTopic(settings, topicName(settings.prefix, 'registrations'))).filter(
      (message) => header(message, 'ce_type') === 'jp.honnin.registrant.erased.v1',
    );
    expect(facts.map((message) => String(message.key)).sort()).toEqual([0, 1].map(registrationIdOf).sort());
    const newest = new Map(
      (await readTopic(settings, topicName(settings.prefix, 'registration-status'))).map((message) => [
        String(message.key),
        message.value,
      ]),
    );
    expect([0, 1, 2].map((n) => newest.get(registrationIdOf(n)) === null)).toEqual([true, true, false]);
    expect(
      world.directory
        .confirmations({ includeConfirmed: false, limit: 10 })
        .map(({ consumer, open }) => [consumer, open]),
    ).toEqual([
      ['archive', 2],
      ['statistics', 2],
    ]);

    const producer = settings.client().producer();
    await producer.connect();
    const erasureId = erasureOf(0).id;
    const confirm = (consumer: string, n: number) => ({
      value: JSON.stringify({ erasureId, registrationId: registrationIdOf(n), consumer }),
      headers: { 'content-type': 'application/json', ce_type: 'jp.honnin.erasure.confirmed.v1' },
    });
    await producer.send({
      topic: topicName(settings.prefix, 'erasure-confirmations'),
      messages: [
        { value: 'not a confirmation' },
        confirm('archive', 0),
        confirm('archive', 0),
        confirm('archive', 1),
        confirm('statistics', 1),
        confirm('stranger', 1),
      ],
    });
    await producer.disconnect();
    await until(
      () =>
        world.directory
          .confirmations({ includeConfirmed: false, limit: 10 })
          .map(({ consumer, open }) => `${consumer} ${open}`)
          .join() === 'statistics 1',
      120_000,
    );
    expect(await world.store.readStream(`erasure-${erasureId}`, {})).toHaveLength(4);
  });

  it('refuses topics with another number of partitions, and goes on when that is set right', async () => {
    const { settings } = await relay();
    await expect(
      new KafkaEventPublisher({ ...settings, partitions: settings.partitions + 1 }).connect(),
    ).rejects.toThrow(/never changed/);
    await expect(new KafkaEventPublisher(settingsFor(broker().brokers)).connect()).rejects.toThrow(
      /missing.*kafka topics --apply/,
    );
  });
});
