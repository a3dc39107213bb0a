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

/** A second loss, which keeps less than the first one kept; then the log grows beyond all of it. The log under its second
 *  name, and under its third; what each declared. */
export const THIRD = new MadeKey(3, 'lost.example/log-3');
export const [KEPT_AGAIN, SECOND_SIGNED, THIRD_SIZE] = [30, 55, 50];
export const second = new MadeLog([...leaves.slice(0, KEPT), ...others.slice(0, SECOND_SIGNED - KEPT)], NEW);
export const third = new MadeLog([...leaves.slice(0, KEPT_AGAIN), ...others.slice(30, 50)], THIRD);
export const declaredAgain = (change: Partial<LossDeclaration> = {}): LossDeclaration => ({
  kept: { origin: THIRD.key.name, size: KEPT_AGAIN, root: old.root(KEPT_AGAIN) },
  signed: { origin: NEW.key.name, size: SECOND_SIGNED, root: second.root() },
  from: NEW.key,
  to: THIRD.key,
  reason: 'restored_from_backup',
  reference: 'INC-2026-0118',
  ...change,
});
export const DECLARED_AGAIN = noteOf(declaredAgain(), NEW, THIRD);
/** What the server of the third name puts into its bundles. */
export const carriedTwice = (...instead: string[]) => ({
  header: {
    known: (instead.length > 0 ? instead : [DECLARED, DECLARED_AGAIN]).map((checkpoint) => {
      const kept = Number(checkpoint.split('\n')[1]);
      return { checkpoint, proof: kept > KEPT_AGAIN ? [] : third.grown(kept) };
    }),
  },
});
