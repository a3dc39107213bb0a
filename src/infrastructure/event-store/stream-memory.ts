import type { ExpectedRevision } from '../../application/ports/store/event-store.js';
import type { StoredEvent } from '../../domain/event-envelope.js';

/** What is known of one stream: which ids it holds, and where it ends. */
export interface KnownStream {
  readonly actual: ExpectedRevision;
  readonly revisionOf: ReadonlyMap<string, number>;
}

const STREAMS_MAX = 2_000;
/** A stream that is longer is read anew each time instead of being remembered. */
const EVENTS_PER_STREAM_MAX = 1_000;

/** Remembers the ids of streams that were read or written a moment ago. Only a memory: the server's check of the
 * revision decides, and what it contradicts is forgotten. */
export class StreamMemory {
  private readonly streams = new Map<string, KnownStream>();
  private changes = 0;
  private readonly changedAt = new Map<string, number>();

  recall(stream: string): KnownStream | null {
    return this.streams.get(stream) ?? null;
  }

  /** Taken before a read and handed to `learn`, so that a read that was overtaken by an append is not remembered. */
  version(stream: string): number {
    return this.changedAt.get(stream) ?? 0;
  }

  /** Remembers a whole stream, from its first event to its last, unless it was changed since `version`. */
  learn(stream: string, events: readonly StoredEvent[], version: number): KnownStream {
    const known: KnownStream = {
      actual: events.at(-1)?.revision ?? 'no_stream',
      revisionOf: new Map(events.map((event) => [event.id, event.revision])),
    };
    if (version === this.version(stream)) this.keep(stream, known);
    return known;
  }

  /** Notes events that were just appended to what is known; nothing when the stream is not known. */
  extend(stream: string, ids: readonly string[], firstRevision: number): void {
    const before = this.streams.get(stream);
    this.touch(stream);
    const follows = before && (before.actual === 'no_stream' ? 0 : before.actual + 1) === firstRevision;
    if (!follows) return void this.streams.delete(stream);
    const revisionOf = new Map([
      ...before.revisionOf,
      ...ids.map((id, index): [string, number] => [id, firstRevision + index]),
    ]);
    this.keep(stream, { actual: firstRevision + ids.length - 1, revisionOf });
  }

  forget(stream: string): void {
    this.streams.delete(stream);
  }

  private keep(stream: string, known: KnownStream): void {
    // Deleting first moves the stream to the young end, so that the map's order is the order of use.
    this.streams.delete(stream);
    if (known.revisionOf.size <= EVENTS_PER_STREAM_MAX) this.streams.set(stream, known);
    const [oldest] = this.streams.keys();
    if (this.streams.size > STREAMS_MAX && oldest !== undefined) this.streams.delete(oldest);
  }

  private touch(stream: string): void {
    this.changedAt.delete(stream);
    this.changedAt.set(stream, (this.changes += 1));
    const [oldest] = this.changedAt.keys();
    if (this.changedAt.size > STREAMS_MAX && oldest !== undefined) this.changedAt.delete(oldest);
  }
}
