import type { Message } from 'kafkajs';
import type { PublicRecord } from '../../application/ports/outside/event-publisher.js';
import { attributesOf } from '../../application/publication/cloud-event-attributes.js';

export type ContentMode = 'binary' | 'structured';

export interface CloudEventOptions {
  readonly mode: ContentMode;
  /** CloudEvents `source`: names this installation; `source` and `id` together are unique in the world. */
  readonly source: string;
}

/** A record as a Kafka message: a CloudEvent 1.0 in the Kafka protocol binding, or a tombstone. The message has no time
 * of its own: retention counts from when it was published, otherwise a replay of old events would be deleted as it
 * arrives. */
export function toMessage({ key, event, replayId }: PublicRecord, { mode, source }: CloudEventOptions): Message {
  // A tombstone is no event: it has no value and says nothing but "forget this key".
  if (event === null) return { key, value: null };
  const { data } = event;
  const attributes = attributesOf(event, source, replayId);
  if (mode === 'structured')
    return {
      key,
      value: JSON.stringify({ ...attributes, data }),
      headers: { 'content-type': 'application/cloudevents+json; charset=UTF-8' },
    };
  const { datacontenttype, ...others } = attributes;
  const headers = Object.fromEntries(Object.entries(others).map(([name, value]) => [`ce_${name}`, value]));
  return { key, value: JSON.stringify(data), headers: { 'content-type': datacontenttype as string, ...headers } };
}
