import type { NewEvent, Position, StoredEvent } from '../../../domain/event-envelope.js';

/** What the writer believes about the stream: it does not exist, or its last event has this revision. There is no
 * "any". */
export type ExpectedRevision = 'no_stream' | number;

export type AppendResult =
  /** Written, or found already written by the same ids with the same expectation (`repeated`). */
  | { readonly outcome: 'appended'; readonly revision: number; readonly position: Position; readonly repeated: boolean }
  /** Nothing was written: somebody else was first. */
  | { readonly outcome: 'conflict'; readonly actual: ExpectedRevision }
  /** Nobody knows whether it was written. Ask again with the same ids and the same expectation. */
  | { readonly outcome: 'unknown'; readonly cause: string };

export interface ReadStreamOptions {
  /** First revision to return; default 0 (forwards) or the newest (backwards). */
  readonly from?: number;
  readonly direction?: 'forwards' | 'backwards';
  /** At most `EVENT_LIMITS.eventsPerRead`. */
  readonly limit?: number;
}

/** Which events a reader of the whole log wants. Absent fields do not restrict. */
export interface EventFilter {
  readonly types?: readonly string[];
  readonly streamPrefixes?: readonly string[];
}

export interface EventBatch {
  readonly events: readonly StoredEvent[];
  /** Everything up to and including this position has been looked at (also what the filter left out); null before the
   * first event. */
  readonly position: Position | null;
  /** True when nothing more was stored at the time of the read. A hint, not a barrier. */
  readonly caughtUp: boolean;
}

/** An event that a position points to. A number alone would fit any log: after an older copy was put back, the same
 *  positions are given to other events. */
export interface EventAnchor {
  readonly position: Position;
  readonly id: string;
}

/** With the time at which it was recorded. */
export interface RecordedAnchor extends EventAnchor {
  readonly recordedAtUtc: string;
}

export interface SubscribeOptions {
  /** Last position already processed, or null to start at the beginning. */
  readonly after: Position | null;
  readonly filter?: EventFilter;
  readonly batchSize?: number;
  readonly signal: AbortSignal;
}

/** Limits on everything; a call outside them throws `RangeError` before anything is written. */
export const EVENT_LIMITS = {
  eventsPerAppend: 64,
  eventBytesMax: 256 * 1024,
  eventsPerRead: 4096,
  streamNameMax: 200,
} as const;

/** The one log. Written against the weakest real semantics (EventStoreDB's), so that every adapter can keep its
 * promises: a batch is stored whole or not at all; the same ids with the same expectation give the same answer; readers
 * of the whole log never see a hole that is filled later. */
export abstract class EventStore {
  /** Appends to one stream.
   * @throws {RangeError} outside `EVENT_LIMITS`; {IdConflictError} when an id is known in the stream with other content
   *   or only a part of the batch is known. */
  abstract append(stream: string, events: readonly NewEvent[], expected: ExpectedRevision): Promise<AppendResult>;
  /** Events of one stream in order; empty when the stream does not exist. */
  abstract readStream(stream: string, options?: ReadStreamOptions): Promise<readonly StoredEvent[]>;
  /** One page of the whole log after a position. */
  abstract readAll(
    after: Position | null,
    options: { readonly filter?: EventFilter; readonly limit: number },
  ): Promise<EventBatch>;
  /** The log from a position onwards, for ever: catches up, then waits. Data always comes from a read; a notification
   * only wakes the loop. The consumer's pace is the back-pressure. Ends when the signal aborts; throws when the store
   * cannot be read. */
  abstract subscribe(options: SubscribeOptions): AsyncIterable<EventBatch>;
  /** Position of the newest event, or null when the log is empty. */
  abstract head(): Promise<Position | null>;
  /** The newest event at or before a position, by which a position can be recognised later; null when there is none. */
  abstract anchorAt(position: Position): Promise<RecordedAnchor | null>;
  /** Resolves when everything accepted so far is stored and all handles are closed. */
  /** Why it takes no appends any more until it is opened again, or null. What can be mended while it is open is no such
   * reason. */
  refusesAppends(): EventStoreUnavailableError | null {
    return null;
  }
  abstract close(): Promise<void>;
}

/** The same event id with other content: two commands share an id, which is a bug in the caller. */
export class IdConflictError extends Error {
  constructor(
    readonly stream: string,
    readonly eventId: string,
  ) {
    super(`event ${eventId} is already in ${stream} with other content, or only a part of the batch is known`);
  }
}

/** Why the store cannot do what was asked. `append` throws it only when certainly nothing was written. */
export type EventStoreFailure =
  | 'closed'
  | 'busy'
  | 'disk_full'
  | 'read_only'
  | 'io'
  | 'corrupt'
  | 'locked'
  | 'not_an_event_log'
  | 'unreachable'
  /** It does not let us in, and no waiting mends that: a wrong user, a certificate that is not trusted. */
  | 'refused'
  | 'not_accepting';

/** The store cannot work now. The message says in plain words what to do. */
export class EventStoreUnavailableError extends Error {
  constructor(
    readonly reason: EventStoreFailure,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
