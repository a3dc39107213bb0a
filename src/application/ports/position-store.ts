import type { Position } from '../../domain/event-envelope.js';

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
  readonly fencingToken: number;
}

/** `fenced`: another process owns the consumer now. `moved`: the position is not the one that the step started from. Nothing was
 *  stored in either case, and the consumer must load its position again. */
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
  /** The last stored position, or null for a consumer that has not begun. */
  abstract load(consumer: string): Promise<Position | null>;
  abstract save(checkpoint: Checkpoint): Promise<SaveOutcome>;
  /** Takes the lease when it is free, has run out, or belongs to a process that is known to be dead.
   *  @param holder tells the runners of one process apart; the adapter adds what names the process
   *  @returns null when somebody else has it. */
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
