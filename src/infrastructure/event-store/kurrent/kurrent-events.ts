import { EventStoreUnavailableError } from '../../../application/ports/store/event-store.js';
import type { EventMetadata, JsonObject, Position, StoredEvent } from '../../../domain/event-envelope.js';
import { canonicalJson } from '../../../domain/values/canonical-json.js';
import type { EncodedEvent } from '../event-bytes.js';

/** An event of the server with what the adapter needs of it. */
export interface RecordedLike {
  readonly id: string;
  readonly stream: string;
  readonly revision: bigint;
  readonly commit: bigint;
  readonly type: string;
  readonly data: unknown;
  readonly metadata: unknown;
}

/** What is stored beside the data. Correlation and causation bear the names that the server's own projections look
 * for. */
interface ServerMetadata extends Omit<EventMetadata, 'correlationId' | 'causationId'> {
  readonly $correlationId: string;
  readonly $causationId: string;
  readonly schemaVersion: number;
}

/** The metadata object to send for an encoded event. */
export function toServerMetadata({ metadata, schemaVersion }: EncodedEvent): Record<string, unknown> {
  const { correlationId, causationId, ...rest } = JSON.parse(metadata) as EventMetadata;
  return { $causationId: causationId, $correlationId: correlationId, ...rest, schemaVersion };
}

/** @throws {EventStoreUnavailableError} `corrupt` for an event that this program did not write. */
export function toStored(event: RecordedLike): StoredEvent {
  const { schemaVersion, metadata } = metadataOf(event);
  return {
    id: event.id,
    type: event.type,
    schemaVersion,
    data: event.data as JsonObject,
    metadata,
    stream: event.stream,
    revision: Number(event.revision),
    position: event.commit as Position,
  };
}

/** The event in the text in which it was appended. */
export function reencode(event: RecordedLike): EncodedEvent {
  const { schemaVersion, metadata } = metadataOf(event);
  return {
    id: event.id,
    type: event.type,
    schemaVersion,
    data: canonicalJson(event.data as JsonObject),
    metadata: canonicalJson({ ...metadata }),
  };
}

/** Events and streams of the server itself begin with `$`; they are nobody's facts here. */
export function isSystemEvent({ type, stream }: Pick<RecordedLike, 'type' | 'stream'>): boolean {
  return type.startsWith('$') || stream.startsWith('$');
}

function metadataOf(event: RecordedLike): { readonly schemaVersion: number; readonly metadata: EventMetadata } {
  const { $correlationId, $causationId, schemaVersion, actor, recordedAtUtc, policyVersion } = (event.metadata ??
    {}) as Partial<ServerMetadata>;
  const complete =
    typeof $correlationId === 'string' &&
    typeof $causationId === 'string' &&
    typeof actor === 'string' &&
    typeof recordedAtUtc === 'string' &&
    typeof schemaVersion === 'number' &&
    isObject(event.data);
  if (!complete)
    throw new EventStoreUnavailableError(
      'corrupt',
      `event ${event.id} (${event.type}, ${event.stream} revision ${event.revision}) was not written by this program; its database must be its own`,
    );
  return {
    schemaVersion,
    metadata: {
      actor,
      correlationId: $correlationId,
      causationId: $causationId,
      recordedAtUtc,
      policyVersion: policyVersion ?? null,
    },
  };
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
}
