export interface OpenCaseCounts {
  /** Cases that wait for an operator because their material is something else, or gone. */
  readonly stopped: { readonly material_differed: number; readonly material_missing: number };
  /** Cases that go on and were received before the instant that was asked for. */
  readonly overdue: number;
  /** When the oldest case that goes on was received; null where there is none. */
  readonly oldestReceivedAtUtc: string | null;
}

/** A case that goes on when a person has done something. */
export interface StoppedCase {
  readonly requestId: string;
  readonly cause: 'material_differed' | 'material_missing';
  readonly receivedAtUtc: string;
}

/** A step that was tried as often as the policy says. */
export interface StuckStep {
  readonly requestId: string;
  readonly effectId: string;
  /** What it does: the name of the effect. */
  readonly effect: string;
  /** What the last try met, where it failed in a way that nobody expected. */
  readonly error: string | null;
}

export interface WaitingCases {
  readonly stopped: readonly StoppedCase[];
  readonly stuck: readonly StuckStep[];
}

/** Which cases are not over. Asked often: it answers from rows. */
export abstract class OpenCases {
  /** @returns null while the rows are being built. */
  abstract count(options: { readonly receivedBeforeUtc: string }): OpenCaseCounts | null;

  /** Cases that wait for an administrator, oldest first. @returns null while the rows are being built. */
  abstract waiting(): WaitingCases | null;

  /** Holds that wait for officers, and those of them whose time is over. A hold is due at its instant.
   *  @returns null while the rows are being built. */
  abstract holds(options: { readonly nowUtc: string }): { readonly open: number; readonly overdue: number } | null;
}
