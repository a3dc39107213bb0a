import { Kafka, logLevel, type KafkaMessage } from 'kafkajs';
import { createTopics, topicPlans } from '../../../src/infrastructure/kafka/topics.js';
import type { KafkaSettings } from '../../../src/infrastructure/kafka/kafka-client.js';

export const PARTITIONS = 6;
let prefixes = 0;

/** Settings for a broker, with topics of their own so that tests do not meet. */
export function settingsFor(brokers: string, change: Partial<KafkaSettings> = {}): KafkaSettings {
  prefixes += 1;
  const client = () =>
    new Kafka({
      clientId: 'honnin-test',
      brokers: brokers.split(','),
      logLevel: logLevel.NOTHING,
      connectionTimeout: 1000,
      requestTimeout: 5000,
      retry: { retries: 2, initialRetryTime: 50, maxRetryTime: 500 },
    });
  return {
    mode: 'binary',
    source: 'urn:honnin:test',
    prefix: `t${process.pid}-${Date.now().toString(36)}-${prefixes}.`,
    partitions: PARTITIONS,
    requestTimeoutMs: 5000,
    client,
    ...change,
  };
}

/** Creates the topics of these settings. */
export async function withTopics(settings: KafkaSettings): Promise<KafkaSettings> {
  const admin = settings.client().admin();
  await admin.connect();
  await createTopics(
    admin,
    topicPlans({ prefix: settings.prefix, partitions: settings.partitions, replication: 1, retentionDays: 1 }),
  );
  await admin.disconnect();
  return settings;
}

export type Read = KafkaMessage & { readonly partition: number };

/** Everything that is on a topic now, each partition in its order. */
export async function readTopic(settings: KafkaSettings, topic: string): Promise<readonly Read[]> {
  const kafka = settings.client();
  const admin = kafka.admin();
  await admin.connect();
  const ends = new Map(
    (await admin.fetchTopicOffsets(topic)).map(({ partition, low, high }) => [
      partition,
      { low: Number(low), high: Number(high) },
    ]),
  );
  await admin.disconnect();
  const left = new Map([...ends].filter(([, { low, high }]) => high > low));
  const messages = new Map<string, Read>();
  if (left.size === 0) return [];
  const consumer = kafka.consumer({
    groupId: `read-${topic}-${Date.now()}-${(prefixes += 1)}`,
    maxWaitTimeInMs: 100,
    retry: { retries: 20, initialRetryTime: 100, maxRetryTime: 1000 },
  });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await new Promise<void>((resolve, reject) => {
    consumer.on(consumer.events.CRASH, ({ payload }) => {
      // A broker that has just started may still be loading; the library begins again by itself then.
      if (!payload.restart) reject(payload.error);
    });
    void consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch }) => {
        for (const message of batch.messages)
          messages.set(`${batch.partition} ${message.offset}`, { ...message, partition: batch.partition });
        if (Number(batch.lastOffset()) + 1 >= (ends.get(batch.partition)?.high ?? 0)) left.delete(batch.partition);
        if (left.size === 0) resolve();
      },
    });
  });
  await consumer.disconnect();
  return [...messages.values()];
}

/** What a consumer keeps that drops every id that it has seen. */
export function withoutRepetitions<M extends Pick<KafkaMessage, 'headers'>>(messages: readonly M[]): readonly M[] {
  return messages.filter(
    (message, index) => messages.findIndex((other) => header(other, 'ce_id') === header(message, 'ce_id')) === index,
  );
}

export function header(message: Pick<KafkaMessage, 'headers'>, name: string): string {
  return String(message.headers?.[name] ?? '');
}
