import { toBase64 } from './bytes.js';
import { readLoss } from './loss-declaration.js';
import {
  judgeNote,
  parseNote,
  parseVerifierKey,
  verifierKeyText,
  type SignatureCheck,
  type VerifierKey,
} from './signed-note.js';
import type { Hash, HashFunction } from './merkle-tree.js';

const LABEL = 'honnin key succession v1';

/** Label, origin, both keys, size and root. */
const LINES = 6;

/** The text in which a log's key vouches for the next one. It names the new key, so that a signature cannot be carried
 * over to another; its first line is no origin, so that it can never be read as a checkpoint. */
export function successionText({
  origin,
  from,
  to,
  size,
  root,
}: {
  readonly origin: string;
  readonly from: VerifierKey;
  readonly to: VerifierKey;
  readonly size: number;
  readonly root: Hash;
}): string {
  return `${LABEL}\n${origin}\n${verifierKeyText(from)}\n${verifierKeyText(to)}\n${size}\n${toBase64(root)}\n`;
}

/** The keys that follow from the trusted ones: each is vouched for by a key before it, and has signed that itself. A
 *  declared loss vouches for a key too, that of the log's new name.
 *  @param notes successions and declarations of loss in any order; one that does not fit is ignored
 *  @returns the trusted keys and those that follow from them */
export function keysThatFollow(
  trusted: readonly VerifierKey[],
  notes: readonly string[],
  { hash, isSigned }: { readonly hash: HashFunction; readonly isSigned: SignatureCheck },
): readonly VerifierKey[] {
  const keys = [...trusted];
  for (let grew = true; grew;) {
    grew = false;
    for (const note of notes) {
      const next = succeeded(note, keys, hash, isSigned);
      if (next && !keys.some((key) => isSame(key, next))) {
        keys.push(next);
        grew = true;
      }
    }
  }
  return keys;
}

/** A note in which one key of a log vouches for the next, signed by both. The keys stand in its text, so this needs no
 * other.
 * @returns the texts of both keys; null when it is no such note, or one of the signatures is wrong or absent */
export function readSuccession(
  text: string,
  { hash, isSigned }: { readonly hash: HashFunction; readonly isSigned: SignatureCheck },
): { readonly from: string; readonly to: string } | null {
  try {
    const note = parseNote(text);
    const lines = note.text.split('\n');
    const [label, origin, fromText, toText] = lines as [string, string, string, string];
    // Each line ends, the last one too, so that there is an empty piece behind it.
    if (label !== LABEL || lines.length !== LINES + 1) return null;
    const [from, to] = [parseVerifierKey(fromText, hash), parseVerifierKey(toText, hash)];
    const isCanonical =
      verifierKeyText(from) === fromText &&
      verifierKeyText(to) === toText &&
      from.name === origin &&
      to.name === origin;
    const verdict = judgeNote(note, [from, to], isSigned);
    return isCanonical && verdict.verdict === 'signed' && verdict.by.length === 2
      ? { from: fromText, to: toText }
      : null;
  } catch {
    // Not a note or not a key: it vouches for nothing.
    return null;
  }
}

function succeeded(
  text: string,
  keys: readonly VerifierKey[],
  hash: HashFunction,
  isSigned: SignatureCheck,
): VerifierKey | null {
  const loss = readLoss(text, { hash, isSigned });
  const read = loss
    ? { from: verifierKeyText(loss.from), to: verifierKeyText(loss.to) }
    : readSuccession(text, { hash, isSigned });
  return read !== null && keys.some((key) => verifierKeyText(key) === read.from)
    ? parseVerifierKey(read.to, hash)
    : null;
}

function isSame(a: VerifierKey, b: VerifierKey): boolean {
  return verifierKeyText(a) === verifierKeyText(b);
}
