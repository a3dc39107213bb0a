import { randomUUID } from 'node:crypto';
import kafkajs, { type Admin, type Kafka, type Producer } from 'kafkajs';
import type { Config } from '../settings/config.js';
import { clientOf } from './kafka-client.js';
import { readToEnd } from './reading/read-to-end.js';

const { ConfigResourceTypes, Partitioners } = kafkajs;

export interface CheckpointTopicOptions {
  readonly topic: string;
  readonly client: () => Kafka;
  readonly requestTimeoutMs: number;
}

/** One record of the topic. Nothing in it is trusted: whoever may write there can write anything. */
export interface CopiedNote {
  readonly note: string;
  /** `topic/partition@offset`. */
  readonly where: string;
}

export interface TopicRetention {
  /** null: the settings may not be read with these rights. */
  readonly cleanup: string | null;
  readonly retentionMs: number | null;
}

/** A checkpoint has some hundred bytes; a record beyond this is none. */
const NOTE_BYTES_MAX = 65_536;

/** The topic of the settings HONNIN_AUDIT_COPY_KAFKA_*, or null when none is configured. @throws {ConfigError} for a
 * file that cannot be read */
export function checkpointTopic(config: Config): KafkaCheckpointTopic | null {
  const { auditCopyKafkaBrokers, auditCopyKafkaTopic, kafkaRequestTimeoutMs } = config.values;
  if (auditCopyKafkaBrokers.length === 0) return null;
  return new KafkaCheckpointTopic({
    topic: auditCopyKafkaTopic,
    client: clientOf(config, 'auditCopyKafka'),
    requestTimeoutMs: kafkaRequestTimeoutMs,
  });
}

/** Copies of checkpoints on a topic that the operator does not administer: key is the origin, value the signed note.
 * `acks=-1` and one batch in flight; a record that comes twice says nothing new. */
export class KafkaCheckpointTopic {
  private producer: Producer | null = null;

  constructor(private readonly options: CheckpointTopicOptions) {}

  /** @throws {Error} in words for an operator; the next call connects anew */
  async send(origin: string, note: string): Promise<void> {
    const { topic, requestTimeoutMs } = this.options;
    try {
      const producer = (this.producer ??= await this.connect());
      await producer.send({
        topic,
        acks: -1,
        timeout: requestTimeoutMs,
        messages: [{ key: origin, value: note, headers: { 'content-type': 'text/plain; charset=utf-8' } }],
      });
    } catch (error) {
      await this.close();
      throw new Error(
        `the Kafka topic ${topic} did not take the checkpoint: ${error instanceof Error ? error.message : String(error)}`,
        { cause: error },
      );
    }
  }

  /** Hands over every record that is on the topic now, partition by partition in its order. Reads with a consumer group
   * of its own that is used once. @throws {Error} when the broker or the topic cannot be read to its end: half of the
   * copies prove nothing about the rest */
  async read(take: (copy: CopiedNote) => void): Promise<void> {
    const { topic, client } = this.options;
    const left = await this.withAdmin(
      async (admin) =>
        new Map(
          (await admin.fetchTopicOffsets(topic))
            .filter(({ low, high }) => Number(high) > Number(low))
            .map(({ partition, high }) => [partition, Number(high)]),
        ),
    );
    if (left.size === 0) return;
    const consumer = client().consumer({
      groupId: `honnin-audit-compare-${randomUUID()}`,
      maxWaitTimeInMs: 200,
      retry: { retries: 5, initialRetryTime: 100, maxRetryTime: 1000 },
    });
    try {
      await consumer.connect();
      await consumer.subscribe({ topic, fromBeginning: true });
      await readToEnd(consumer, left, ({ topic: of, partition, message: { offset, value } }) =>
        take({
          note: value === null || value.length > NOTE_BYTES_MAX ? '' : value.toString('utf8'),
          where: `${of}/${partition}@${offset}`,
        }),
      );
    } finally {
      await consumer.disconnect().catch(() => {});
    }
  }

  /** How long the topic keeps what it has. @throws {Error} when the broker does not answer or the topic is missing */
  async retention(): Promise<TopicRetention> {
    return this.withAdmin(async (admin) => {
      if (!(await admin.listTopics()).includes(this.options.topic))
        throw new Error(
          `the topic ${this.options.topic} is missing; whoever administers the broker creates it, with cleanup.policy=delete and retention.ms=-1`,
        );
      return this.retentionOf(admin);
    });
  }

  async close(): Promise<void> {
    const { producer } = this;
    this.producer = null;
    await producer?.disconnect().catch(() => {});
  }

  private async connect(): Promise<Producer> {
    const { cleanup } = await this.retention();
    if (cleanup !== null && cleanup.includes('compact'))
      throw new Error(
        'it is compacted: it would forget earlier checkpoints when later ones come, and with them the proof of a fork; its administrator must set cleanup.policy=delete',
      );
    const producer = this.options
      .client()
      .producer({
        allowAutoTopicCreation: false,
        idempotent: false,
        maxInFlightRequests: 1,
        createPartitioner: Partitioners.DefaultPartitioner,
      });
    await producer.connect();
    return producer;
  }

  private async retentionOf(admin: Admin): Promise<TopicRetention> {
    try {
      const { resources } = await admin.describeConfigs({
        includeSynonyms: false,
        resources: [
          {
            type: ConfigResourceTypes.TOPIC,
            name: this.options.topic,
            configNames: ['cleanup.policy', 'retention.ms'],
          },
        ],
      });
      const value = (name: string): string | null =>
        resources[0]?.configEntries.find(({ configName }) => configName === name)?.configValue ?? null;
      const retention = value('retention.ms');
      return { cleanup: value('cleanup.policy'), retentionMs: retention === null ? null : Number(retention) };
    } catch {
      // Writing does not imply the right to read settings; the administrator of the topic has to see to them.
      return { cleanup: null, retentionMs: null };
    }
  }

  private async withAdmin<T>(use: (admin: Admin) => Promise<T>): Promise<T> {
    const admin = this.options.client().admin();
    try {
      await admin.connect();
      return await use(admin);
    } finally {
      await admin.disconnect().catch(() => {});
    }
  }
}
