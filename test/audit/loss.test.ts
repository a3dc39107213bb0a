import { expect, it } from '@jest/globals';
import { checkpointText } from '../../src/domain/audit/log/checkpoint.js';
import { compareCopies } from '../../src/domain/audit/copies/compare-copies.js';
import { keysThatFollow } from '../../src/domain/audit/log/key-succession.js';
import { lossText, readLoss, type LossDeclaration } from '../../src/domain/audit/log/loss-declaration.js';
import { fromBase64 } from '../../src/domain/audit/log/bytes.js';
import { verifyBundle } from '../../src/domain/audit/bundle/verify-bundle.js';
import { isSignedEd25519, sha256 } from '../../src/infrastructure/audit/digest.js';
import {
  carried,
  DECLARED,
  declared,
  forked,
  KEPT,
  leaves,
  log,
  NEW,
  noteOf,
  OLD,
  old,
  others,
  SIGNED,
  STRANGER,
} from './lost-log.js';
import { MadeKey, MadeLog } from './made-bundle.js';
import { primitives } from './support.js';

const judged = (
  lines: readonly string[],
  { keys = [OLD], known = [] }: { keys?: MadeKey[]; known?: string[] } = {},
) => {
  const report = verifyBundle(lines, primitives, { trusted: keys.map(({ key }) => key), known });
  const codes = [...report.discrepancies, ...report.undecided].map(({ code }) => code);
  return { outcome: report.judgement, codes };
};

it('reads back what it writes, and says what is gone', () => {
  expect(readLoss(DECLARED, primitives)).toEqual(declared());
  const { undecided } = verifyBundle(log.bundle(carried(DECLARED)), primitives, { trusted: [OLD.key] });
  expect(undecided.map(({ detail }) => detail)).toEqual([
    `loss declared: lost.example/log had signed ${SIGNED} entries; the log goes on as lost.example/log-2 ` +
      'from the first 40, ' +
      `and ${SIGNED - KEPT} entries that were signed are gone (storage_failed, INC-2026-0117)`,
  ]);
});

/** @fault O17 O18 */
it.each([
  ['the key of before', {}, 'undecided', ['loss_declared']],
  ['the key of now', { keys: [NEW] }, 'undecided', ['loss_declared']],
  ['a checkpoint of before that is kept', { known: [old.checkpoint(30)] }, 'undecided', ['loss_declared']],
  ['a checkpoint of before with another root', { known: [forked.checkpoint(30)] }, 'wrong', ['fork', 'loss_declared']],
  ['a checkpoint of what is lost', { known: [old.checkpoint(50)] }, 'undecided', ['loss_declared', 'loss_declared']],
  ['the last one that was signed', { known: [old.checkpoint()] }, 'undecided', ['loss_declared', 'loss_declared']],
  ['another of that size', { known: [forked.checkpoint(SIGNED)] }, 'wrong', ['loss_wrong', 'loss_declared']],
  [
    'a newer one than is declared',
    { known: [new MadeLog([...leaves, ...others], OLD).checkpoint()] },
    'wrong',
    ['loss_wrong', 'loss_declared'],
  ],
  [
    'a checkpoint of before that nobody signed',
    { known: [STRANGER.note(checkpointText({ origin: OLD.key.name, size: 30, root: old.root(30) }))] },
    'undecided',
    ['loss_declared', 'known_unsigned'],
  ],
] as const)('is a declared loss, neither right nor a fork, for who holds %s', (_, held, outcome, codes) => {
  expect(judged(log.bundle(carried(DECLARED)), { ...held } as object)).toEqual({ outcome, codes });
});

it('is declared also where nothing that was signed is gone', () => {
  const all = noteOf(declared({ signed: { origin: OLD.key.name, size: KEPT, root: old.root(KEPT) } }));
  expect(judged(log.bundle(carried(all)))).toEqual({ outcome: 'undecided', codes: ['loss_declared'] });
});

it('is not judged by who has the key of before alone, where nothing is declared', () => {
  expect(judged(log.bundle())).toEqual({ outcome: 'undecided', codes: ['other_key', 'other_key'] });
});

const root = (size: number) => ({ origin: NEW.key.name, size, root: old.root(size) });
it.each([
  ['signed under the new name alone', noteOf(declared(), NEW)],
  ['signed under the name of before alone', noteOf(declared(), OLD)],
  ['signed by a stranger', noteOf(declared(), STRANGER, NEW)],
  ['changed after it was signed', DECLARED.replace('storage_failed', 'tampering_suspected')],
  [
    'of one name',
    noteOf(declared({ to: OLD.key, kept: { ...root(KEPT), origin: OLD.key.name } }), OLD, new MadeKey(1, OLD.key.name)),
  ],
  [
    'that keeps more than was signed',
    noteOf(declared({ signed: { origin: OLD.key.name, size: 39, root: old.root(39) } })),
  ],
  ['of another size of this log', noteOf(declared({ kept: root(30) }))],
  ['of more than this log has', noteOf(declared({ kept: root(50) }))],
  ['of another beginning', noteOf(declared({ kept: { ...root(KEPT), root: forked.root(KEPT) } }))],
  ['for a reason that there is not', noteOf(declared({ reason: 'wished' as LossDeclaration['reason'] }))],
  ['from a key with a space behind it', OLD.note(lossText(declared()).replace(OLD.text, `${OLD.text} `), NEW)],
  ['to a key with a space behind it', OLD.note(lossText(declared()).replace(NEW.text, `${NEW.text} `), NEW)],
  ['to a key of another name', noteOf(declared({ to: STRANGER.key }), OLD, STRANGER)],
  [
    'of one name and two keys',
    noteOf(declared({ from: new MadeKey(7, NEW.key.name).key }), new MadeKey(7, NEW.key.name), NEW),
  ],
  [
    'whose root of before is a byte too short',
    noteOf(declared({ signed: { origin: OLD.key.name, size: SIGNED, root: old.root().slice(1) } })),
  ],
  ['with a line more', OLD.note(`${lossText(declared())}more\n`, NEW)],
  ['without a reference', noteOf(declared({ reference: '' }))],
])('is wrong with a declaration %s', (_, note) => {
  expect(judged(log.bundle(carried(note)), { keys: [NEW] })).toEqual({ outcome: 'wrong', codes: ['loss_wrong'] });
});

it('is wrong with two declarations of one log', () => {
  const again = noteOf(declared({ reason: 'tampering_suspected' }));
  const { outcome, codes } = judged(log.bundle(carried(DECLARED, again)), { keys: [NEW] });
  expect({ outcome, codes: codes.filter((code) => code !== 'loss_declared') }).toEqual({
    outcome: 'wrong',
    codes: ['two_successors'],
  });
});

it('says nothing of a declaration of other logs', () => {
  const foreign = noteOf(
    declared({ kept: { ...root(KEPT), origin: STRANGER.key.name }, to: STRANGER.key }),
    OLD,
    STRANGER,
  );
  expect(judged(log.bundle(carried(foreign)), { keys: [NEW] })).toEqual({ outcome: 'right', codes: [] });
});

it('leads over two losses', () => {
  const third = new MadeKey(6, 'lost.example/log-3');
  const after = new MadeLog(leaves.slice(0, KEPT), third);
  const second = NEW.note(
    lossText(
      declared({ kept: { ...root(30), origin: third.key.name }, signed: root(KEPT), from: NEW.key, to: third.key }),
    ),
    third,
  );
  const known = [
    { checkpoint: DECLARED, proof: after.grown(KEPT) },
    { checkpoint: second, proof: after.grown(30) },
  ];
  expect(judged(after.bundle({ header: { known } }))).toEqual({
    outcome: 'undecided',
    codes: ['loss_declared', 'loss_declared'],
  });
});

const compared = (copies: readonly string[], losses: readonly string[] = [DECLARED]) => {
  const report = compareCopies({
    present: log.checkpoint(),
    copies: copies.map((note, i) => ({ note, where: `copy ${i}` })),
    losses,
    keys: keysThatFollow([OLD.key], losses, { hash: sha256, isSigned: isSignedEd25519 }),
    hash: sha256,
    isSigned: isSignedEd25519,
    proof: (first) => log.grown(first).map((hash) => fromBase64(hash)),
  });
  const { consistent, lost, discrepancies } = report;
  return { losses: report.losses.length, consistent, lost, codes: discrepancies.map(({ code }) => code) };
};

it.each([
  ['what is kept agrees', [old.checkpoint(10), old.checkpoint(30)], { losses: 1, consistent: 2, lost: 0, codes: [] }],
  ['what is lost is counted', [old.checkpoint(50), old.checkpoint()], { losses: 1, consistent: 0, lost: 2, codes: [] }],
  ['another beginning is a fork', [forked.checkpoint(30)], { losses: 1, consistent: 0, lost: 0, codes: ['fork'] }],
  [
    'two of one size are two histories',
    [old.checkpoint(50), forked.checkpoint(50)],
    { losses: 1, consistent: 0, lost: 1, codes: ['two_histories'] },
  ],
  [
    'a newer one than is declared makes it wrong',
    [new MadeLog([...leaves, ...others], OLD).checkpoint()],
    { losses: 1, consistent: 0, lost: 0, codes: ['loss_wrong'] },
  ],
  [
    'the last one with another root makes it wrong',
    [forked.checkpoint(SIGNED)],
    { losses: 1, consistent: 0, lost: 0, codes: ['loss_wrong'] },
  ],
] as const)('copies of before are compared: %s', (_, copies, expected) => {
  expect(compared(copies)).toEqual(expected);
});

it('compares with a forged declaration as with none, and calls it wrong', () => {
  expect(compared([old.checkpoint(30)], [noteOf(declared(), OLD)])).toMatchObject({
    losses: 0,
    codes: expect.arrayContaining(['loss_wrong']),
  });
});
