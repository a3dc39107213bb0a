import { fromBase64, toBase64 } from './bytes.js';
import { parseCheckpoint, type Checkpoint } from './checkpoint.js';
import { HASH_BYTES, sameHash, type Hash, type HashFunction } from './merkle-tree.js';
import {
  judgeNote,
  parseNote,
  parseVerifierKey,
  verifierKeyText,
  type SignatureCheck,
  type VerifierKey,
} from './signed-note.js';

/** Fourth line of the note: what follows the three lines of a checkpoint. */
const LABEL = 'honnin loss declared v1';
/** Why entries that were signed are gone. */
export const LOSS_REASONS = [
  'storage_failed',
  'restored_from_backup',
  'tampering_suspected',
  'outside_service_gone',
] as const;
export type LossReason = (typeof LOSS_REASONS)[number];

/** What a log states when entries that it had signed are lost: it goes on from its first `kept` entries, under another
 *  name. */
export interface LossDeclaration {
  /** The log of the new name, as it begins: entries that are kept, and their root. */
  readonly kept: Checkpoint;
  /** The newest that was signed under the name of before. */
  readonly signed: Checkpoint;
  readonly from: VerifierKey;
  readonly to: VerifierKey;
  readonly reason: LossReason;
  /** Where more is written about it: the number of an incident or an order. */
  readonly reference: string;
}

/** The text of the declaration. It is a checkpoint of the new name with further lines, which readers of before leave
 *  aside: they find a log that they do not know, and call nobody a forger. */
export function lossText({ kept, signed, from, to, reason, reference }: LossDeclaration): string {
  const checkpoint = `${kept.origin}\n${kept.size}\n${toBase64(kept.root)}\n`;
  const states = `signed ${signed.size} ${toBase64(signed.root)}\n`;
  const keys = `from ${verifierKeyText(from)}\nto ${verifierKeyText(to)}\n`;
  return `${checkpoint}${LABEL}\n${keys}${states}reason ${reason}\nreference ${reference}\n`;
}

/** Whether a note calls itself a declaration, right or wrong. */
export function isCalledLoss(note: string): boolean {
  return note.split('\n')[3] === LABEL;
}

/** Reads a declaration and judges both of its signatures, whose keys stand in its text.
 *  @returns null where it is none: another form, one name for both, more kept than was signed, a signature that is
 *  wrong or not there */
export function readLoss(
  text: string,
  { hash, isSigned }: { readonly hash: HashFunction; readonly isSigned: SignatureCheck },
): LossDeclaration | null {
  const declared = lossIn(text, hash);
  if (declared === null) return null;
  const verdict = judgeNote(parseNote(text), [declared.from, declared.to], isSigned);
  return verdict.verdict === 'signed' && verdict.by.length === 2 ? declared : null;
}

/** What a note declares, whoever signed it: for a log that reads its own. @returns null where it is no declaration */
export function lossIn(text: string, hash: HashFunction): LossDeclaration | null {
  try {
    const { checkpoint: kept, note } = parseCheckpoint(text);
    const [fromText, toText, size, root, reason, reference] = linesOf(note.text);
    const [from, to] = [parseVerifierKey(fromText, hash), parseVerifierKey(toText, hash)];
    const signed = { origin: from.name, size: Number(size), root: rootOf(root) };
    const declared: LossDeclaration = { kept, signed, from, to, reason: reason as LossReason, reference };
    const isOneText =
      lossText(declared) === note.text && LOSS_REASONS.includes(declared.reason) && Number.isSafeInteger(signed.size);
    return isOneText && to.name === kept.origin && from.name !== to.name && kept.size <= signed.size ? declared : null;
  } catch {
    // Not a note, a key or a hash: it declares nothing.
    return null;
  }
}

const FORM = new RegExp(
  [
    '^[^\\n]*\\n[^\\n]*\\n[^\\n]*\\n' + LABEL,
    'from ([^\\n]+)',
    'to ([^\\n]+)',
    'signed (0|[1-9]\\d{0,15}) ([^\\n ]+)',
    'reason ([a-z_]+)',
    'reference ([^\\n]{1,200})\\n$',
  ].join('\\n'),
);

function linesOf(text: string): [string, string, string, string, string, string] {
  const found = FORM.exec(text);
  if (!found) throw new RangeError('not the form of a declaration');
  return found.slice(1) as [string, string, string, string, string, string];
}

function rootOf(text: string): Hash {
  const bytes = fromBase64(text);
  if (bytes.length !== HASH_BYTES) throw new RangeError('not a root');
  return bytes;
}

/** A declaration, and how many of the entries that it keeps are left after those that came later. */
export interface LossSince {
  readonly loss: LossDeclaration;
  readonly left: number;
}

/** Declarations that lead, one after the other, to a log of this name. What a later one does not keep is gone for every
 *  name of before too, whatever an earlier one kept: only what is left is a beginning of the log of now. */
export function lossesThatLeadTo(origin: string, declared: readonly LossDeclaration[]): readonly LossSince[] {
  const names = new Set([origin]);
  const chain = new Set<LossDeclaration>();
  for (let grew = true; grew;) {
    grew = false;
    for (const loss of declared) {
      if (chain.has(loss) || !names.has(loss.kept.origin)) continue;
      chain.add(loss);
      names.add(loss.signed.origin);
      grew = true;
    }
  }
  return [...chain].map((loss) => ({ loss, left: leftOf(loss, origin, chain) }));
}

function leftOf(loss: LossDeclaration, origin: string, chain: ReadonlySet<LossDeclaration>): number {
  let left = loss.kept.size;
  const seen = new Set<LossDeclaration>();
  for (let at: LossDeclaration | undefined = loss; at && !seen.has(at);) {
    seen.add(at);
    left = Math.min(left, at.kept.size);
    const name: string = at.kept.origin;
    at = name === origin ? undefined : [...chain].find(({ signed }) => signed.origin === name);
  }
  return left;
}

/** What a declaration says of a checkpoint of a name of before that is not left: nothing is there to compare it with but
 *  what the declarations state.
 *  @returns why the declarations are wrong, or null where they may be true */
export function contradictionOfLost(
  known: Checkpoint,
  { signed }: LossDeclaration,
  chain: readonly LossSince[],
): string | null {
  if (known.size > signed.size) return `is newer than what the log declares to have signed last (${signed.size})`;
  const isOther = (stated: Checkpoint) => stated.size === known.size && !sameHash(stated.root, known.root);
  if (isOther(signed)) return `has another root than what the log declares to have signed last (${signed.size})`;
  const ofIt = chain.filter(({ loss }) => [loss.kept.origin, loss.signed.origin].includes(known.origin));
  return ofIt.some(({ loss }) => isOther(loss.kept)) ? 'has another root than the log declares to have kept' : null;
}

/** In words, what is gone. @param left entries that later losses left of what is kept */
export function lossInWords({ loss: { kept, signed, reason, reference }, left }: LossSince): string {
  const since = left < kept.size ? `; of these a later loss left the first ${left}` : '';
  return (
    `loss declared: ${signed.origin} had signed ${signed.size} entries; the log goes on as ${kept.origin} ` +
    `from the first ${kept.size}, and ${signed.size - kept.size} entries that were signed are gone (${reason}, ${reference})${since}`
  );
}
