import { randomUUID } from 'node:crypto';
import type { IHeaders } from 'kafkajs';
import type { CountedRecord } from '../../../domain/publication/publication-certificate.js';
import type { KafkaSettings } from '../kafka-client.js';
import { topicName } from '../topics.js';
import { readToEnd } from './read-to-end.js';

export interface FoundRecords {
  readonly records: readonly CountedRecord[];
  /** Records that name no entry: published by a version of before, or by somebody else. */
  readonly nameless: number;
}

/** Every fact on the topic, as it names itself, read with a group of its own that is used once.
 *  @throws {Error} when broker or topic cannot be read to its end */
export async function publishedRecords(settings: KafkaSettings): Promise<FoundRecords> {
  const topic = topicName(settings.prefix, 'registrations');
  const admin = settings.client().admin();
  let left: Map<number, number>;
  try {
    await admin.connect();
    const offsets = await admin.fetchTopicOffsets(topic);
    const some = offsets.filter(({ low, high }) => Number(high) > Number(low));
    left = new Map(some.map(({ partition, high }) => [partition, Number(high)]));
  } finally {
    await admin.disconnect().catch(() => {
      // What cannot be closed is closed.
    });
  }
  const records: CountedRecord[] = [];
  let nameless = 0;
  if (left.size === 0) return { records, nameless };
  const consumer = settings.client().consumer({ groupId: `honnin-kafka-verify-${randomUUID()}`, maxWaitTimeInMs: 200 });
  try {
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await readToEnd(consumer, left, ({ message: { headers, value } }) => {
      const record = recordOf(attributes(headers, value));
      if (record) records.push(record);
      else nameless += 1;
    });
  } finally {
    await consumer.disconnect().catch(() => {
      // What cannot be closed is closed.
    });
  }
  return { records, nameless };
}

function recordOf(of: Readonly<Record<string, unknown>>): CountedRecord | null {
  const text = (name: string): string => (typeof of[name] === 'string' ? of[name] : '');
  const index = text('leafindex');
  if (!/^(?:0|[1-9]\d{0,14})$/.test(index)) return null;
  const [leafHash, id, type, registrationId] = [text('leafhash'), text('id'), text('type'), text('subject')];
  return { leafIndex: Number(index), leafHash, id, type, registrationId };
}

/** Of both modes: in headers with a prefix, or beside the data. */
function attributes(headers: IHeaders = {}, value: Buffer | null): Readonly<Record<string, unknown>> {
  const inHeaders = Object.entries(headers).filter(([name]) => name.startsWith('ce_'));
  if (inHeaders.length > 0)
    return Object.fromEntries(inHeaders.map(([name, content]) => [name.slice(3), String(content)]));
  try {
    const parsed = JSON.parse(value?.toString('utf8') ?? '') as unknown;
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : {};
  } catch {
    // Not ours: it names no entry.
    return {};
  }
}
