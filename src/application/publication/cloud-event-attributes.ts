import { createHash } from 'node:crypto';
import { EVENT_CONTRACTS, schemaIdOf } from '../../domain/publication/event-contracts.js';
import type { IntegrationEvent, StatusEvent } from '../../domain/publication/published-language.js';

export type Attributes = Readonly<Record<string, string>>;

/** What a published event says about itself: the attributes of CloudEvents 1.0, with our extensions.
 *  @param source names this installation; `source` and `id` together are unique in the world */
export function attributesOf(event: IntegrationEvent | StatusEvent, source: string, replayId?: string): Attributes {
  const { type, registrationId, leaf } = event;
  return {
    specversion: '1.0',
    id: event.id,
    source,
    type,
    subject: registrationId,
    time: event.occurredAtUtc,
    datacontenttype: 'application/json',
    dataschema: schemaIdOf(EVENT_CONTRACTS[type]),
    partitionkey: registrationId,
    sequence: String(event.position).padStart(20, '0'),
    correlationid: event.correlationId,
    causationid: event.causationId,
    recordedtime: event.recordedAtUtc,
    traceparent: traceParent(registrationId, event.id),
    ...(leaf && { leafindex: String(leaf.index), leafhash: leaf.hash, logorigin: leaf.origin }),
    ...(replayId === undefined ? {} : { replay: replayId }),
  };
}

/** W3C trace context. All events of a registration share a trace, and each is a span of its own, also years later and
 * in a replay: nothing is kept for it, the ids follow from the ids of registration and event. */
function traceParent(registrationId: string, eventId: string): string {
  return `00-${hexId(registrationId, 32)}-${hexId(eventId, 16)}-01`;
}

function hexId(id: string, length: 16 | 32): string {
  return createHash('sha256').update(id).digest('hex').slice(0, length);
}
