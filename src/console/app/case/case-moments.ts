import { caseState } from '../../../domain/audit/story/time-travel.js';
import type { LeafEvent } from '../../../domain/audit/log/leaf.js';
import type { JsonObject } from '../../../domain/event-envelope.js';
import { EVENT_REGISTRY } from '../../../domain/event-registry.js';
import type { components } from '../api/schema.d.ts';

export type Row = components['schemas']['TimelineRowAnswer'];

/** A row of the history as the domain knows events. It comes in today's shape. */
export function toLeaf({ stream, revision, type, data, actor, recordedAtUtc, policyVersion }: Row): LeafEvent {
  const metadata = { actor, recordedAtUtc, policyVersion } as LeafEvent['metadata'];
  const schemaVersion = Object.hasOwn(EVENT_REGISTRY, type) ? (EVENT_REGISTRY[type]?.version ?? 1) : 1;
  return { stream, revision, id: `${stream}/${revision}`, type, schemaVersion, data: data as JsonObject, metadata };
}

/** What was known after so many events, by the rules of the server. Opinions that are withheld are left out. */
export function stateAt(events: readonly LeafEvent[], count: number): JsonObject {
  return count === 0 ? {} : caseState(events.slice(0, count).filter(({ data }) => data['withheld'] !== true));
}
