import type { Checkpoint } from '../../../domain/audit/log/checkpoint.js';

/** What the log said when it was signed. */
export type SignedState = Pick<Checkpoint, 'size' | 'root'>;

/** The writer of the signed log, as far as others need it. */
export abstract class SignedLog {
  /** How long a difference may go unnoticed. Milliseconds. */
  abstract readonly checkEveryMs: number;
  /** Compares what lies on the disk with what was signed before. What does not hold it is not signed from here on.
   *  @param recorded states of this log that the event store tells of
   *  @throws {Error} in words that say what to restore */
  abstract check(recorded: readonly SignedState[]): Promise<void>;
  /** In words, where events that were signed are not in the store any more; null where none are missing, or nobody can
   *  tell. */
  abstract lost(): Promise<string | null>;
}
