import {
  EVENT_LIMITS,
  EventStore,
  EventStoreUnavailableError,
  IdConflictError,
  type AppendResult,
  type RecordedAnchor,
  type EventBatch,
  type EventFilter,
  type ExpectedRevision,
  type ReadStreamOptions,
  type SubscribeOptions,
} from '../../application/ports/store/event-store.js';
import type { EventMetadata, JsonObject, NewEvent, Position, StoredEvent } from '../../domain/event-envelope.js';
import { decideAppend, type KnownEvent } from './append-decision.js';
import { assertStreamName, encodeAppend, type EncodedEvent } from './event-bytes.js';
import { AppendSignal, followLog } from './log-subscription.js';

interface Row extends KnownEvent {
  readonly stream: string;
  readonly position: Position;
}

/** An event store for tests that forgets everything. It keeps events as text like the real ones, so that nobody can
 * change what is stored, and its positions grow by the size of each event, so that a test that counts with positions
 * fails. */
export class InMemoryEventStore extends EventStore {
  private readonly log: Row[] = [];
  private readonly streams = new Map<string, Row[]>();
  private readonly appended = new AppendSignal();
  private closed = false;

  override async append(
    stream: string,
    events: readonly NewEvent[],
    expected: ExpectedRevision,
  ): Promise<AppendResult> {
    const encoded = encodeAppend(stream, events, expected);
    this.assertOpen();
    const rows = this.streams.get(stream) ?? [];
    const ids = new Set(encoded.map((event) => event.id));
    const actual: ExpectedRevision = rows.length === 0 ? 'no_stream' : rows.length - 1;
    const decision = decideAppend(
      encoded,
      rows.filter((row) => ids.has(row.id)),
      expected,
      actual,
    );
    if (decision.kind === 'conflict') return { outcome: 'conflict', actual };
    if (decision.kind === 'id_conflict') throw new IdConflictError(stream, decision.eventId);
    if (decision.kind === 'repeat')
      return {
        outcome: 'appended',
        revision: decision.lastRevision,
        position: (rows[decision.lastRevision] as Row).position,
        repeated: true,
      };
    const written = encoded.map((event, index) => this.write(stream, decision.firstRevision + index, event));
    this.appended.notify();
    const last = written.at(-1) as Row;
    return { outcome: 'appended', revision: last.revision, position: last.position, repeated: false };
  }

  override async readStream(stream: string, options: ReadStreamOptions = {}): Promise<readonly StoredEvent[]> {
    assertStreamName(stream);
    this.assertOpen();
    const limit = checkedLimit(options.limit ?? EVENT_LIMITS.eventsPerRead);
    const rows = this.streams.get(stream) ?? [];
    const from = options.from ?? (options.direction === 'backwards' ? rows.length : 0);
    if (!Number.isSafeInteger(from) || from < 0) throw new RangeError(`not a revision to read from: ${from}`);
    const wanted = options.direction === 'backwards' ? rows.slice(0, from + 1).reverse() : rows.slice(from);
    return wanted.slice(0, limit).map(decode);
  }

  override async readAll(
    after: Position | null,
    options: { readonly filter?: EventFilter; readonly limit: number },
  ): Promise<EventBatch> {
    return this.readPage(after, options.filter, options.limit);
  }

  override subscribe(options: SubscribeOptions): AsyncIterable<EventBatch> {
    return followLog(options, {
      readPage: (after, limit) => this.readPage(after, options.filter, limit),
      appended: this.appended,
      pollMs: 1000,
    });
  }

  override async head(): Promise<Position | null> {
    this.assertOpen();
    return this.log.at(-1)?.position ?? null;
  }

  override async anchorAt(position: Position): Promise<RecordedAnchor | null> {
    this.assertOpen();
    const row = this.log[this.firstAfter(position) - 1];
    return row ? { position: row.position, id: row.id, recordedAtUtc: decode(row).metadata.recordedAtUtc } : null;
  }

  override async close(): Promise<void> {
    this.closed = true;
    this.appended.notify();
  }

  private readPage(after: Position | null, filter: EventFilter | undefined, limit: number): EventBatch {
    this.assertOpen();
    checkedLimit(limit);
    const head = this.log.at(-1)?.position ?? null;
    const events: StoredEvent[] = [];
    for (let i = this.firstAfter(after); i < this.log.length && events.length < limit; i += 1) {
      const row = this.log[i] as Row;
      if (matches(row, filter)) events.push(decode(row));
    }
    const position = events.length === limit ? (events.at(-1) as StoredEvent).position : later(head, after);
    return { events, position, caughtUp: head === null || (position !== null && position >= head) };
  }

  private firstAfter(after: Position | null): number {
    let [low, high] = [0, this.log.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (after !== null && (this.log[middle] as Row).position <= after) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private write(stream: string, revision: number, event: EncodedEvent): Row {
    const size = BigInt(1 + event.data.length + event.metadata.length);
    const row: Row = { ...event, stream, revision, position: ((this.log.at(-1)?.position ?? 0n) + size) as Position };
    this.log.push(row);
    const rows = this.streams.get(stream);
    if (rows) rows.push(row);
    else this.streams.set(stream, [row]);
    return row;
  }

  private assertOpen(): void {
    if (this.closed) throw new EventStoreUnavailableError('closed', 'the event store is closed');
  }
}

function decode(row: Row): StoredEvent {
  const { id, type, schemaVersion, stream, revision, position } = row;
  return {
    id,
    type,
    schemaVersion,
    data: JSON.parse(row.data) as JsonObject,
    metadata: JSON.parse(row.metadata) as EventMetadata,
    stream,
    revision,
    position,
  };
}

function matches(row: Row, filter: EventFilter | undefined): boolean {
  if (filter?.types && !filter.types.includes(row.type)) return false;
  return !filter?.streamPrefixes || filter.streamPrefixes.some((prefix) => row.stream.startsWith(prefix));
}

function later(head: Position | null, after: Position | null): Position | null {
  if (head === null || after === null) return head ?? after;
  return head > after ? head : after;
}

function checkedLimit(limit: number): number {
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > EVENT_LIMITS.eventsPerRead)
    throw new RangeError(`a read takes 1 to ${EVENT_LIMITS.eventsPerRead} events, not ${limit}`);
  return limit;
}
