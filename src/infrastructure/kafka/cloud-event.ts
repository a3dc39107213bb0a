import { createHash } from 'node:crypto';
import type { Message } from 'kafkajs';
import type { PublicRecord } from '../../application/ports/outside/event-publisher.js';
import { EVENT_CONTRACTS, schemaIdOf } from '../../domain/publication/event-contracts.js';

export type ContentMode = 'binary' | 'structured';

export interface CloudEventOptions {
  readonly mode: ContentMode;
  /** CloudEvents `source`: names this installation; `source` and `id` together are unique in the world. */
  readonly source: string;
}

type Attributes = Readonly<Record<string, string>>;

/** A record as a Kafka message: a CloudEvent 1.0 in the Kafka protocol binding, or a tombstone. The message has no time
 * of its own: retention counts from when it was published, otherwise a replay of old events would be deleted as it
 * arrives. */
export function toMessage({ key, event, replayId }: PublicRecord, { mode, source }: CloudEventOptions): Message {
  // A tombstone is no event: it has no value and says nothing but "forget this key".
  if (event === null) return { key, value: null };
  const { type, data, registrationId } = event;
  const attributes: Attributes = {
    specversion: '1.0',
    id: event.id,
    source,
    type,
    subject: registrationId,
    time: event.occurredAtUtc,
    datacontenttype: 'application/json',
    dataschema: schemaIdOf(EVENT_CONTRACTS[type]),
    partitionkey: key,
    sequence: String(event.position).padStart(20, '0'),
    correlationid: event.correlationId,
    causationid: event.causationId,
    recordedtime: event.recordedAtUtc,
    traceparent: traceParent(registrationId, event.id),
    ...(replayId === undefined ? {} : { replay: replayId }),
  };
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

/** W3C trace context. All events of a registration share a trace, and each is a span of its own, also years later and
 * in a replay: nothing is kept for it, the ids follow from the ids of registration and event. */
function traceParent(registrationId: string, eventId: string): string {
  return `00-${hexId(registrationId, 32)}-${hexId(eventId, 16)}-01`;
}

function hexId(id: string, length: 16 | 32): string {
  return createHash('sha256').update(id).digest('hex').slice(0, length);
}
