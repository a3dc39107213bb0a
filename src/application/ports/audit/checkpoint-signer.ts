import type { NoteSignature, VerifierKey } from '../../../domain/audit/log/signed-note.js';

/** What lies in the folder of the log is not what was signed before: whatever was signed now would speak of another
 * history. The message says what to restore. */
export class SigningRefusedError extends Error {}

/** Signs what the log says in public. The key names the log; it can be replaced, and the old key vouches for the new
 * one. */
export abstract class CheckpointSigner {
  /** Name of the log and of its keys; the same for ever, unless a loss is declared. */
  abstract readonly origin: string;
  /** @param text the text of a note, ending in a newline
   *  @throws {SigningRefusedError} while the log at hand does not hold what was signed before */
  abstract sign(text: string): readonly NoteSignature[];
  /** Keys in the order of their time; the last one signs. */
  abstract keys(): readonly VerifierKey[];
  /** Whether a key of this log has signed the note. @throws {NoteFormatError} when it is no note */
  abstract hasSigned(note: string): boolean;
  /** One signed note for each change of key, oldest first. */
  abstract successions(): readonly string[];
  /** One signed note for each loss that the log has declared, oldest first: each begins another name. */
  abstract losses(): readonly string[];
}
