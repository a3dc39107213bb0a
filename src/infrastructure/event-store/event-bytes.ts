import type { EventMetadata, NewEvent } from '../../domain/event-envelope.js';
import { canonicalJson } from '../../domain/values/canonical-json.js';
import { EVENT_LIMITS, type ExpectedRevision } from '../../application/ports/store/event-store.js';

/** An event in the exact text that is stored, hashed by the audit log and never changed afterwards. */
export interface EncodedEvent {
  readonly id: string;
  readonly type: string;
  readonly schemaVersion: number;
  /** Canonical JSON: keys in UTF-16 code unit order, no white space (the form of RFC 8785). */
  readonly data: string;
  readonly metadata: string;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
/** Control characters, and halves of surrogate pairs, which UTF-8 cannot hold. */
const UNSTORABLE_CHARACTER = /[\p{Cc}\p{Cs}]/u;

/** Checks one append against `EVENT_LIMITS` and turns its events into the text that is stored.
 *  Ids must be lower-case UUIDs and streams must not start with `$`, because EventStoreDB takes nothing else.
 *  @throws {RangeError} naming what is outside the limits; nothing has been written then. */
export function encodeAppend(stream: string, events: readonly NewEvent[], expected: ExpectedRevision): EncodedEvent[] {
  assertStreamName(stream);
  if (expected !== 'no_stream' && !(Number.isSafeInteger(expected) && expected >= 0))
    throw new RangeError(`not an expected revision: ${String(expected)}`);
  if (events.length === 0) throw new RangeError('an append needs at least one event');
  if (events.length > EVENT_LIMITS.eventsPerAppend)
    throw new RangeError(`${events.length} events in one append; the limit is ${EVENT_LIMITS.eventsPerAppend}`);
  if (new Set(events.map((event) => event.id)).size !== events.length)
    throw new RangeError('two events of one append have the same id');
  return events.map(encodeEvent);
}

/** @throws {RangeError} when no store could hold a stream of this name. */
export function assertStreamName(stream: string): void {
  const good =
    typeof stream === 'string' &&
    stream.length > 0 &&
    stream.length <= EVENT_LIMITS.streamNameMax &&
    !stream.startsWith('$') &&
    !UNSTORABLE_CHARACTER.test(stream);
  if (!good) throw new RangeError(`not a stream name: ${JSON.stringify(stream)}`);
}

function encodeEvent(event: NewEvent): EncodedEvent {
  if (!UUID.test(event.id)) throw new RangeError(`an event id must be a lower-case UUID: ${JSON.stringify(event.id)}`);
  if (event.type.length === 0 || event.type.length > EVENT_LIMITS.streamNameMax || event.type.startsWith('$'))
    throw new RangeError(`not an event type: ${JSON.stringify(event.type)}`);
  if (!Number.isSafeInteger(event.schemaVersion) || event.schemaVersion < 1)
    throw new RangeError(`not a schema version: ${String(event.schemaVersion)}`);
  const data = canonicalJson(event.data);
  const metadata = canonicalJson({ ...event.metadata });
  const bytes = Buffer.byteLength(data) + Buffer.byteLength(metadata);
  if (bytes > EVENT_LIMITS.eventBytesMax)
    throw new RangeError(`event ${event.id} has ${bytes} bytes; the limit is ${EVENT_LIMITS.eventBytesMax}`);
  return { id: event.id, type: event.type, schemaVersion: event.schemaVersion, data, metadata };
}

/** Whether two events are the same fact. The time of recording may differ: a redelivered command decides again, later,
 * and the first decision stands. */
export function sameContent(stored: EncodedEvent, repeated: EncodedEvent): boolean {
  if (stored.type !== repeated.type || stored.schemaVersion !== repeated.schemaVersion || stored.data !== repeated.data)
    return false;
  return stored.metadata === repeated.metadata || withoutTime(stored.metadata) === withoutTime(repeated.metadata);
}

function withoutTime(metadata: string): string {
  const { recordedAtUtc: _time, ...rest } = JSON.parse(metadata) as EventMetadata;
  return canonicalJson(rest);
}
