import type { Position, StoredEvent } from '../../domain/event-envelope.js';
import type { EventAnchor } from '../ports/store/event-store.js';
import type { Checkpoint, SaveOutcome } from '../ports/store/position-store.js';

export interface DeliveryContext {
  /** The step that this delivery makes; null when a parked event is replayed, which moves nothing. */
  readonly checkpoint: Checkpoint | null;
  /** Aborted when the runner stops or loses its lease; a long handler may end early by throwing. */
  readonly signal: AbortSignal;
  /** 1 at the first try of these events. */
  readonly attempt: number;
}

/** A handler that reads the log itself has got further than what it was handed; the runner goes on from there. */
export interface HandledFurther {
  /** Everything up to and including this position is done. */
  readonly through: Position;
  /** Number of events that were handled in this call. */
  readonly events: number;
}

/** What a named consumer does with events. Delivery is at least once and in order; after a failure events come again
 * one by one. */
export interface SubscriptionHandler {
  /** Runs before the position is loaded, each time the lease is taken.
   *  @param tell says how far it is, in words, where it takes its time
   *  @throws {EventNotHandled} where it reads the log itself and meets an event that it cannot take: the consumer stands
   *    still before it */
  prepare?(signal: AbortSignal, tell: (progress: string) => void): Promise<void>;
  /** What a handler with a record of its own knows last of the log: compared with the log as the stored position is. */
  anchor?(): Promise<EventAnchor | null>;
  /** Handles events in order, all or nothing where that is possible. A handler that stores `checkpoint` in its own
   * transaction returns what came of it (rows and position then move together); one that returns nothing leaves the
   * position to the runner, which stores it afterwards; so does one that says that it got further.
   * @throws {TransientFailure} when the outside world is at fault: tried again without limit. Anything else counts
   *   against the event. */
  handle(events: readonly StoredEvent[], context: DeliveryContext): Promise<SaveOutcome | HandledFurther | void>;
}

/** The events are fine and something that the handler needs is not there now. Tried again without limit, never
 * parked. */
export class TransientFailure extends Error {}

/** An event that this consumer cannot take, however often it is tried. */
export class EventNotHandled extends Error {
  constructor(
    readonly event: StoredEvent,
    readonly reason: unknown,
  ) {
    const why = reason instanceof Error ? reason.message : String(reason);
    super(`event ${event.id} (${event.type}) cannot be handled: ${why}`, { cause: reason });
  }
}

/** Turns a stored event into today's shape: none, one or several events. @throws on a version that this program does
 * not know. */
export type Upcast = (event: StoredEvent) => readonly StoredEvent[];
