import { lossText, type LossDeclaration } from '../../src/domain/audit/log/loss-declaration.js';
import { eventfulLeaves } from './changed-bundles.js';
import { MadeKey, MadeLog } from './made-bundle.js';

export const OLD = new MadeKey(1, 'lost.example/log');
export const NEW = new MadeKey(2, 'lost.example/log-2');
export const STRANGER = new MadeKey(4, 'stranger.example/log');
export const KEPT = 40;
export const leaves = eventfulLeaves(60, 2);
export const others = eventfulLeaves(60, 5);
/** The log as it was, up to its last checkpoint; what was there beside it; and how it goes on after its first leaves.
 *  */
export const old = new MadeLog(leaves, OLD);
export const forked = new MadeLog([...leaves.slice(0, 20), ...leaves.slice(20).toReversed()], OLD);
export const log = new MadeLog([...leaves.slice(0, KEPT)], NEW);
export const SIGNED = leaves.length;

export const declared = (change: Partial<LossDeclaration> = {}): LossDeclaration => ({
  kept: { origin: NEW.key.name, size: KEPT, root: old.root(KEPT) },
  signed: { origin: OLD.key.name, size: SIGNED, root: old.root() },
  from: OLD.key,
  to: NEW.key,
  reason: 'storage_failed',
  reference: 'INC-2026-0117',
  ...change,
});
export const noteOf = (loss: LossDeclaration, ...signers: MadeKey[]): string => {
  const [first, ...more] = signers.length > 0 ? signers : [OLD, NEW];
  return (first as MadeKey).note(lossText(loss), ...more);
};
export const DECLARED = noteOf(declared());
export const carried = (...notes: string[]) => ({
  header: { known: notes.map((checkpoint) => ({ checkpoint, proof: log.grown(KEPT) })) },
});
