import type { Position } from '../../../domain/event-envelope.js';
import type { EventAnchor } from './event-store.js';

/** The right of one process to advance a consumer, for a limited time. */
export interface Lease {
  readonly consumer: string;
  readonly owner: string;
  /** Grows with every change of owner. A writer with an older token is refused, however late it wakes up. */
  readonly fencingToken: number;
}

/** One step of a consumer: it had processed everything up to `previous` and now everything up to `next`. */
export interface Checkpoint {
  readonly consumer: string;
  readonly previous: Position | null;
  readonly next: Position;
  /** The newest event at or before `next`; null where the store has none. */
  readonly anchor: EventAnchor | null;
  readonly fencingToken: number;
}

/** How far a consumer is. */
export interface StoredPosition {
  readonly position: Position;
  /** Null where it was stored before positions knew their events. */
  readonly anchor: EventAnchor | null;
}

/** `fenced`: another process owns the consumer now. `moved`: the position is not the one that the step started from.
 * Nothing was stored in either case, and the consumer must load its position again. */
export type SaveOutcome = 'saved' | 'fenced' | 'moved';

/** An event that its consumer could not handle, or that came after such an event in the same stream. */
export interface ParkedEvent {
  readonly consumer: string;
  readonly stream: string;
  readonly revision: number;
  readonly position: Position;
  readonly eventId: string;
  readonly type: string;
  /** Why it is parked, in words for an operator. */
  readonly error: string;
  readonly parkedAtUtc: string;
}

/** Where named consumers of the log keep how far they are. A consumer's name is data and is never renamed. */
export abstract class PositionStore {
  /** The last stored position and the event that it points to, or null for a consumer that has not begun. */
  abstract find(consumer: string): Promise<StoredPosition | null>;
  /** The position alone. */
  async load(consumer: string): Promise<Position | null> {
    return (await this.find(consumer))?.position ?? null;
  }
  abstract save(checkpoint: Checkpoint): Promise<SaveOutcome>;
  /** Takes the lease when it is free, was not renewed for its time by the clock of who asks, or belongs to a process
   * that is known to be dead. No time that another process wrote is believed.
   * @param holder tells the runners of one process apart; the adapter adds what names the process
   * @returns null when somebody else has it. */
  abstract acquire(consumer: string, holder: string, ttlMs: number): Promise<Lease | null>;
  /** @returns false when the lease was lost. */
  abstract renew(lease: Lease, ttlMs: number): Promise<boolean>;
  abstract release(lease: Lease): Promise<void>;
  /** Stores the parked event and the step past it together. */
  abstract park(checkpoint: Checkpoint, event: ParkedEvent): Promise<SaveOutcome>;
  /** Parked events of a consumer in the order of their positions. */
  abstract parked(consumer: string): Promise<readonly ParkedEvent[]>;
  /** Forgets a parked event that has been handled. Fenced like a step. */
  abstract unpark(lease: Lease, event: ParkedEvent): Promise<SaveOutcome>;
}
