import kafkajs, { type Kafka, type Message, type Producer, type TopicMessages } from 'kafkajs';
import {
  EventPublisher,
  PublicationRefusedError,
  type PublicChannel,
  type PublicRecord,
} from '../../application/ports/outside/event-publisher.js';
import { TransientFailure } from '../../application/subscriptions/subscription-handler.js';
import { toMessage } from './cloud-event.js';
import type { KafkaSettings } from './kafka-client.js';
import { partitionOfKey } from './partition-of-key.js';
import { partitionProblem, topicName } from './topics.js';

// CommonJS: its error classes are not among the names that Node finds in it.
const { KafkaJSError, KafkaJSNumberOfRetriesExceeded, Partitioners } = kafkajs;

/** Each lane has a connection and one batch under way. */
const LANES = 4;
/** Answers of a broker that are about the record itself. */
const NEVER_TAKEN = new Set([
  'MESSAGE_TOO_LARGE',
  'RECORD_LIST_TOO_LARGE',
  'INVALID_RECORD',
  'CORRUPT_MESSAGE',
  'INVALID_TIMESTAMP',
]);

/** Publishes to Apache Kafka with `acks=-1`, one batch in flight per lane and an explicit partition. Not idempotent and
 * not transactional (docs/decisions/0050): a repeated batch repeats its event ids, and that is the contract. */
export class KafkaEventPublisher extends EventPublisher {
  readonly configured = true;
  private lanes: readonly Producer[] | null = null;

  /** @param laneCount how many batches may be under way
   *  @param channels topics that must be there */
  constructor(
    private readonly settings: KafkaSettings,
    private readonly laneCount = LANES,
    private readonly channels: readonly PublicChannel[] = ['registrations', 'registration-status'],
  ) {
    super();
  }

  override async connect(): Promise<void> {
    if (this.lanes) return this.assertPartitions();
    await this.assertPartitions();
    const kafka = this.settings.client();
    const producers = Array.from({ length: this.laneCount }, () => producerOf(kafka));
    try {
      await Promise.all(producers.map((producer) => producer.connect()));
    } catch (error) {
      await disconnect(producers);
      throw new Error(`the Kafka broker cannot be reached: ${messageOf(error)}`, { cause: error });
    }
    this.lanes = producers;
  }

  override laneOf(key: string): number {
    return partitionOfKey(key, this.settings.partitions) % this.laneCount;
  }

  override async publish(lane: number, records: readonly PublicRecord[]): Promise<void> {
    const producer = this.lanes?.[lane];
    if (!producer) throw new TransientFailure('the Kafka publisher is not connected');
    try {
      await producer.sendBatch({
        acks: -1,
        timeout: this.settings.requestTimeoutMs,
        topicMessages: this.messagesOf(records),
      });
    } catch (error) {
      throw (
        refusalOf(error) ??
        new TransientFailure(`the Kafka broker did not acknowledge: ${messageOf(error)}`, { cause: error })
      );
    }
  }

  private messagesOf(records: readonly PublicRecord[]): TopicMessages[] {
    const { prefix, partitions } = this.settings;
    const byTopic = new Map<string, Message[]>();
    for (const record of records) {
      const topic = topicName(prefix, record.channel);
      const messages = byTopic.get(topic) ?? [];
      messages.push({ ...toMessage(record, this.settings), partition: partitionOfKey(record.key, partitions) });
      byTopic.set(topic, messages);
    }
    return [...byTopic].map(([topic, messages]) => ({ topic, messages }));
  }

  override async close(): Promise<void> {
    const lanes = this.lanes;
    this.lanes = null;
    if (lanes) await disconnect(lanes);
  }

  /** Another number of partitions would break the order per registration without anybody noticing. */
  private async assertPartitions(): Promise<void> {
    const { prefix, partitions } = this.settings;
    const names = this.channels.map((channel) => topicName(prefix, channel));
    const admin = this.settings.client().admin();
    try {
      await admin.connect().catch((error: unknown) => {
        throw new Error(`the Kafka broker cannot be reached: ${messageOf(error)}`, { cause: error });
      });
      const existing = await admin.listTopics();
      const missing = names.filter((name) => !existing.includes(name));
      if (missing.length > 0)
        throw new Error(
          `the topics ${missing.join(', ')} are missing; create them with './honnin kafka topics --apply'`,
        );
      const { topics } = await admin.fetchTopicMetadata({ topics: names });
      const [problem] = topics.flatMap(({ name, partitions: found }) =>
        partitionProblem({ name, partitions }, found.length),
      );
      if (problem) throw new Error(problem);
    } finally {
      await disconnect([admin]);
    }
  }
}

/** Stands where no broker is configured: the relay is not started, and events wait at their position in the log. */
export class NoEventPublisher extends EventPublisher {
  readonly configured = false;

  override async connect(): Promise<void> {
    throw new Error('no Kafka broker is configured; set HONNIN_KAFKA_BROKERS');
  }

  override laneOf(): number {
    return 0;
  }

  override async publish(): Promise<void> {
    throw new TransientFailure('no Kafka broker is configured');
  }

  override async close(): Promise<void> {}
}

function producerOf(kafka: Kafka): Producer {
  // The partitioner is never asked, because every message names its partition; naming one keeps the library from
  // warning.
  return kafka.producer({
    allowAutoTopicCreation: false,
    idempotent: false,
    maxInFlightRequests: 1,
    createPartitioner: Partitioners.DefaultPartitioner,
  });
}

async function disconnect(clients: readonly { disconnect(): Promise<void> }[]): Promise<void> {
  // A connection that cannot be closed is closed already.
  await Promise.allSettled(clients.map((client) => client.disconnect()));
}

function refusalOf(error: unknown): PublicationRefusedError | null {
  const inner = error instanceof KafkaJSNumberOfRetriesExceeded ? error.cause : error;
  const type = inner instanceof KafkaJSError && 'type' in inner ? String(inner.type) : '';
  return NEVER_TAKEN.has(type)
    ? new PublicationRefusedError(`the Kafka broker refuses the record: ${type}`, { cause: error })
    : null;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
