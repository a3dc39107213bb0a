import type { Position } from '../../../domain/event-envelope.js';

export interface OpenConfirmation {
  readonly erasureId: string;
  readonly consumer: string;
  readonly announcedAtUtc: string;
  /** Registrations that the consumer has to confirm, and how many of them it has not confirmed. */
  readonly registrations: number;
  readonly open: number;
}

/** What the relay and operators must know beyond the single event; answered from projections. */
export abstract class PublicationDirectory {
  /** Registrations that an erasure reaches, in the order in which they became known. Asked only after the projections
   * have seen the event. */
  abstract registrationsOfErasure(erasureId: string): readonly string[];
  /** Position of the erasure of the registration's registrant, or null. */
  abstract erasedAt(registrationId: string): Position | null;
  /** Who has to confirm which erasure, the oldest first; with `includeConfirmed` also what is done. */
  abstract confirmations(options: {
    readonly includeConfirmed: boolean;
    readonly limit: number;
  }): readonly OpenConfirmation[];
}
