import { describe, expect, it } from '@jest/globals';
import { checkpointText } from '../../src/domain/audit/log/checkpoint.js';
import { compareCopies } from '../../src/domain/audit/copies/compare-copies.js';
import { keysThatFollow } from '../../src/domain/audit/log/key-succession.js';
import { lossText, readLoss, type LossDeclaration } from '../../src/domain/audit/log/loss-declaration.js';
import { fromBase64 } from '../../src/domain/audit/log/bytes.js';
import { verifyBundle } from '../../src/domain/audit/bundle/verify-bundle.js';
import { isSignedEd25519, sha256 } from '../../src/infrastructure/audit/digest.js';
import {
  carried,
  carriedTwice,
  DECLARED,
  DECLARED_AGAIN,
  declared,
  declaredAgain,
  forked,
  KEPT,
  KEPT_AGAIN,
  leaves,
  log,
  NEW,
  noteOf,
  OLD,
  old,
  others,
  SECOND_SIGNED,
  second,
  SIGNED,
  STRANGER,
  THIRD,
  THIRD_SIZE,
  third,
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
  const after = new MadeLog(leaves.slice(0, KEPT), THIRD);
  const again = NEW.note(
    lossText(
      declared({ kept: { ...root(30), origin: THIRD.key.name }, signed: root(KEPT), from: NEW.key, to: THIRD.key }),
    ),
    THIRD,
  );
  const known = [
    { checkpoint: DECLARED, proof: after.grown(KEPT) },
    { checkpoint: again, proof: after.grown(30) },
  ];
  expect(judged(after.bundle({ header: { known } }))).toEqual({
    outcome: 'undecided',
    codes: ['loss_declared', 'loss_declared'],
  });
});

/** The second loss keeps less than the first one kept, and the log has grown beyond both: nobody can show any more that
 *  it begins with what the first declaration keeps. @fault L1 */
describe('after a second loss that keeps less', () => {
  const stamp = (size: number, of: MadeLog, as: MadeKey) => of.checkpoint(size, as);
  const rewritten = new MadeLog([...leaves.slice(0, 20), ...leaves.slice(20).toReversed()], NEW);
  it.each<[string, MadeKey[], string[], string, string[]]>([
    ['the first key', [OLD], [], 'undecided', []],
    ['the last key', [THIRD], [], 'undecided', []],
    ['one of before that is left', [OLD], [old.checkpoint(20)], 'undecided', []],
    ['one of just what is left', [OLD], [old.checkpoint(30)], 'undecided', []],
    ['another of what is left', [OLD], [forked.checkpoint(30)], 'wrong', ['fork']],
    ['one that the second loss took', [OLD], [old.checkpoint(35)], 'undecided', ['loss_declared']],
    ['one of what was kept first', [OLD], [old.checkpoint(KEPT)], 'undecided', ['loss_declared']],
    ['another of what was kept first', [OLD], [forked.checkpoint(KEPT)], 'wrong', ['loss_wrong']],
    ['the last one of the first name', [OLD], [old.checkpoint()], 'undecided', ['loss_declared']],
    ['another last one of the first name', [OLD], [forked.checkpoint(SIGNED)], 'wrong', ['loss_wrong']],
    ['one of the second name that is left', [OLD], [second.checkpoint(25)], 'undecided', []],
    ['another one of the second name', [OLD], [rewritten.checkpoint(25)], 'wrong', ['fork']],
    ['one of the second name that is lost', [OLD], [second.checkpoint(50)], 'undecided', ['loss_declared']],
    ['how the second name began', [OLD], [stamp(KEPT, second, NEW)], 'undecided', ['loss_declared']],
    ['another beginning of the second name', [OLD], [stamp(KEPT, rewritten, NEW)], 'wrong', ['loss_wrong']],
    ['a newer one of the second name', [OLD], [stamp(SECOND_SIGNED + 1, old, NEW)], 'wrong', ['loss_wrong']],
    ['one of now', [OLD], [third.checkpoint(45)], 'undecided', []],
  ])('is a declared loss, neither right nor a fork, for who holds %s', (_, keys, known, outcome, codes) => {
    for (const size of [KEPT_AGAIN + 2, THIRD_SIZE]) {
      if (known[0]?.startsWith(`${THIRD.key.name}\n`) && size < 45) continue;
      const lines = new MadeLog(third.leaves.slice(0, size), THIRD).bundle(
        size === THIRD_SIZE ? carriedTwice() : { header: { known: shortened(size) } },
      );
      const said = judged(lines, { keys, known });
      const declared = ['loss_declared', 'loss_declared'];
      const expected = outcome === 'wrong' ? [...codes, ...declared] : [...declared, ...codes];
      expect([size, said]).toEqual([size, { outcome, codes: expected }]);
    }
  });

  const shortened = (size: number) => {
    const of = new MadeLog(third.leaves.slice(0, size), THIRD);
    return carriedTwice().header.known.map(({ checkpoint, proof }) => ({
      checkpoint,
      proof: proof.length > 0 ? of.grown(KEPT_AGAIN) : [],
    }));
  };

  it.each([
    ['the later one is missing', [DECLARED]],
    ['the later one is of another log', [DECLARED, noteOf(declaredAgain({ from: STRANGER.key }), STRANGER, THIRD)]],
    ['the later one leads elsewhere', [DECLARED, noteOf(declaredAgain({ to: STRANGER.key }), NEW, STRANGER)]],
    ['the later one is not by the second name', [DECLARED, noteOf(declaredAgain(), OLD, THIRD)]],
    [
      'the later one keeps another beginning',
      [DECLARED, noteOf(declaredAgain({ kept: { ...declaredAgain().kept, root: forked.root(30) } }), NEW, THIRD)],
    ],
  ])('is wrong where %s: nothing else excuses what the first one states', (_, notes) => {
    expect(judged(third.bundle(carriedTwice(...notes)), { keys: [OLD] })).toMatchObject({
      outcome: 'wrong',
      codes: expect.arrayContaining(['loss_wrong']),
    });
  });

  it('says how much of what was kept is left', () => {
    const { undecided } = verifyBundle(third.bundle(carriedTwice()), primitives, { trusted: [OLD.key] });
    expect(
      undecided.map(({ detail }) => detail).filter((detail) => detail.includes('of these a later loss left')),
    ).toEqual([expect.stringMatching(/ from the first 40, .*; of these a later loss left the first 30$/)]);
  });

  it('copies are compared with what is left, and with what the declarations state', () => {
    const report = compareCopies({
      present: third.checkpoint(),
      copies: [
        old.checkpoint(20),
        old.checkpoint(35),
        forked.checkpoint(KEPT),
        second.checkpoint(25),
        second.checkpoint(),
        third.checkpoint(40),
      ].map((note, i) => ({ note, where: `copy ${i}` })),
      losses: [DECLARED, DECLARED_AGAIN],
      keys: [OLD.key, NEW.key, THIRD.key],
      hash: sha256,
      isSigned: isSignedEd25519,
      proof: (first) => third.grown(first).map((hash) => fromBase64(hash)),
    });
    expect(report).toMatchObject({ consistent: 3, lost: 2, discrepancies: [{ code: 'loss_wrong', where: 'copy 2' }] });
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
