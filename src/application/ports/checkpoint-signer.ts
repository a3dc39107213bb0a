import type { NoteSignature, VerifierKey } from '../../domain/audit/signed-note.js';

/** Signs what the log says in public. The key names the log; it can be replaced, and the old key vouches for the new one. */
export abstract class CheckpointSigner {
  /** Name of the log and of its keys; the same for ever. */
  abstract readonly origin: string;
  /** @param text the text of a note, ending in a newline */
  abstract sign(text: string): readonly NoteSignature[];
  /** Keys in the order of their time; the last one signs. */
  abstract keys(): readonly VerifierKey[];
  /** Whether a key of this log has signed the note. @throws {NoteFormatError} when it is no note */
  abstract hasSigned(note: string): boolean;
  /** One signed note for each change of key, oldest first. */
  abstract successions(): readonly string[];
}
