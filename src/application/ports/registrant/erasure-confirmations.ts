export interface ErasureConfirmation {
  readonly erasureId: string;
  readonly registrationId: string;
  readonly consumer: string;
}

/** What consumers answer to erasures. */
export abstract class ErasureConfirmationSource {
  /** Hands over every confirmation at least once, and counts it as handed over only when `take` has resolved.
   * Reconnects by itself. Does nothing when no broker is configured. */
  abstract start(take: (confirmation: ErasureConfirmation) => Promise<void>): void;
  abstract stop(): Promise<void>;
}
