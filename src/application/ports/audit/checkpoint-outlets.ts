/** A way on which checkpoints leave the operator's hands. */
export type OutletName = 'timestamp' | 'folder' | 'url' | 'kafka' | 'witness';

export interface OutletStatus {
  readonly outlet: OutletName;
  /** Size of the newest checkpoint that got through, or null when none ever did. */
  readonly deliveredSize: number | null;
  /** When, milliseconds since 1970. */
  readonly deliveredAtMs: number | null;
  /** How long the oldest checkpoint that is not covered by a delivery has been waiting; 0 when there is none. */
  readonly behindMs: number;
  /** Longer than two intervals and a minute: somebody must look. */
  readonly isLate: boolean;
  /** Failed attempts since the start. */
  readonly failures: number;
  /** Why the last attempt failed, in words for an operator; null after a success. */
  readonly lastError: string | null;
  /** Somebody outside has seen another history under the name of this log. Stays until a delivery succeeds. */
  readonly isFork: boolean;
}

/** What is known of every outlet that is configured. */
export abstract class CheckpointOutlets {
  abstract status(): readonly OutletStatus[];
}
