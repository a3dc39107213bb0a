import { toBase64 } from './bytes.js';
import { hexId, judgeNote, parseNote, parseVerifierKey, verifierKeyText, type SignatureCheck, type VerifierKey } from './signed-note.js';
import type { Hash, HashFunction } from './merkle-tree.js';

const LABEL = 'honnin key succession v1';

/** The text in which a log's key vouches for the next one. It names the new key, so that a signature cannot be carried over to another;
 *  its first line is no origin, so that it can never be read as a checkpoint. */
export function successionText({ origin, from, to, size, root }: { readonly origin: string; readonly from: VerifierKey; readonly to: VerifierKey; readonly size: number; readonly root: Hash }): string {
  return `${LABEL}\n${origin}\n${verifierKeyText(from)}\n${verifierKeyText(to)}\n${size}\n${toBase64(root)}\n`;
}

/** The keys that follow from the trusted ones: each is vouched for by a key before it, and has signed that itself.
 *  @param notes successions in any order; one that does not fit is ignored
 *  @returns the trusted keys and those that follow from them */
export function keysThatFollow(trusted: readonly VerifierKey[], notes: readonly string[], { hash, isSigned }: { readonly hash: HashFunction; readonly isSigned: SignatureCheck }): readonly VerifierKey[] {
  const keys = [...trusted];
  for (let grew = true; grew; ) {
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

function succeeded(text: string, keys: readonly VerifierKey[], hash: HashFunction, isSigned: SignatureCheck): VerifierKey | null {
  try {
    const note = parseNote(text);
    const [label, origin, fromText, toText] = note.text.split('\n');
    if (label !== LABEL || fromText === undefined || toText === undefined) return null;
    const from = keys.find((key) => verifierKeyText(key) === fromText);
    const to = parseVerifierKey(toText, hash);
    if (!from || from.name !== origin || to.name !== origin) return null;
    const verdict = judgeNote(note, [from, to], isSigned);
    return verdict.verdict === 'signed' && verdict.by.length === 2 ? to : null;
  } catch {
    // Not a note or not a key: nothing follows from it.
    return null;
  }
}

function isSame(a: VerifierKey, b: VerifierKey): boolean {
  return hexId(a.id) === hexId(b.id) && verifierKeyText(a) === verifierKeyText(b);
}
