import { fromBase64, toBase64 } from './bytes.js';
import { HASH_BYTES, type Hash } from './merkle-tree.js';
import { NoteFormatError, parseNote, type SignedNote } from './signed-note.js';

/** What a checkpoint says: the log of this name has this many entries under this root (C2SP tlog-checkpoint). */
export interface Checkpoint {
  /** Name of the log; the same for ever. */
  readonly origin: string;
  readonly size: number;
  readonly root: Hash;
}

/** The text that is signed. */
export function checkpointText({ origin, size, root }: Checkpoint): string {
  return `${origin}\n${size}\n${toBase64(root)}\n`;
}

/** Reads a checkpoint; says nothing about its signatures. Extension lines are allowed and ignored; an empty one is none
 *  (C2SP tlog-checkpoint: "extension lines … MUST be non-empty").
 *  @throws {NoteFormatError} for anything that is no checkpoint. */
export function parseCheckpoint(note: string): { readonly checkpoint: Checkpoint; readonly note: SignedNote } {
  const signed = parseNote(note);
  const [origin, size = '', root = '', ...extensions] = signed.text.split('\n').slice(0, -1);
  if (extensions.includes('')) throw new NoteFormatError('an extension line of a checkpoint is empty');
  if (!origin || !/^(?:0|[1-9]\d{0,15})$/.test(size))
    throw new NoteFormatError('a checkpoint has an origin, a tree size and a root hash');
  const hash = rootOf(root);
  if (hash === null || !Number.isSafeInteger(Number(size)))
    throw new NoteFormatError('the root hash of a checkpoint is 32 bytes in base64');
  return { checkpoint: { origin, size: Number(size), root: hash }, note: signed };
}

function rootOf(text: string): Hash | null {
  try {
    const bytes = fromBase64(text);
    return bytes.length === HASH_BYTES ? bytes : null;
  } catch {
    // Not base64: the caller names the fault.
    return null;
  }
}
