import { describe, expect, it } from '@jest/globals';
import { toBase64, utf8 } from '../../src/domain/audit/log/bytes.js';
import { parseLeaf } from '../../src/domain/audit/log/leaf.js';
import { GrowingTree, inclusionProof, type Hash } from '../../src/domain/audit/log/merkle-tree.js';
import {
  absenceText,
  dueAfter,
  parseAbsence,
  parsePromise,
  promiseText,
  receiptDigest,
} from '../../src/domain/audit/receipts/receipt-promise.js';
import {
  joinedPapers,
  papersOf,
  verifyReceipt,
  type ReceiptPapers,
  type ReceiptQuestion,
} from '../../src/domain/audit/receipts/verify-receipt.js';
import { hasher, sha256 } from '../../src/infrastructure/audit/digest.js';
import { eventfulLeaves } from './changed-bundles.js';
import { MADE_ORIGIN, MadeKey, MadeLog } from './made-bundle.js';
import { DECLARED } from './lost-log.js';
import { primitives } from './support.js';

const RECEIPT = '7K3M-9QXD-2VTB-HW60';
const STORED = '2026-11-23T09:00:00.000Z';
const [KEY, NEXT, STRANGER] = [new MadeKey(1), new MadeKey(2), new MadeKey(3)];
const leaves = eventfulLeaves(7, 2);
const log = new MadeLog(leaves, KEY);
const INDEX = leaves.findIndex((text) => parseLeaf(text)?.type === 'RequestReceived');
const leaf = hasher.leaf(utf8(leaves[INDEX] as string));
const other = hasher.leaf(utf8(leaves[INDEX + 1] as string));
const nodes = new Map<string, Hash>();
const tree = new GrowingTree(hasher, (level, index, hash) => void nodes.set(`${level}/${index}`, hash));
for (const text of leaves) tree.append(hasher.leaf(utf8(text)));

const promised = (change: Partial<Parameters<typeof promiseText>[0]> = {}) => ({
  origin: MADE_ORIGIN,
  receiptSha256: receiptDigest(RECEIPT, sha256),
  leaf,
  recordedAtUtc: STORED,
  dueAtUtc: dueAfter(STORED),
  ...change,
});
const promise = KEY.note(promiseText(promised()));
const absence = (createdAtUtc: string, { by = KEY, size = INDEX, of = leaf, origin = MADE_ORIGIN } = {}) =>
  by.note(absenceText({ origin, size, root: log.root(size), leaf: of, createdAtUtc }));
const inclusion = {
  index: INDEX,
  size: leaves.length,
  leafHash: toBase64(leaf),
  proof: inclusionProof(hasher, (level, index) => nodes.get(`${level}/${index}`) as Hash, {
    index: INDEX,
    size: leaves.length,
  }).map(toBase64),
  checkpoint: log.checkpoint(),
};
const LATE = '2026-11-23T09:01:00.001Z';
const IN_TIME = '2026-11-23T09:01:00.000Z';

/** The answer of a server with some members changed. */
const judged = (answer: object, question: Partial<ReceiptQuestion> = {}) => {
  const papers = papersOf({ receipt: RECEIPT, promise, inclusion, ...answer }) as ReceiptPapers;
  const report = verifyReceipt(papers, primitives, { trusted: [KEY.key], ...question });
  return [report.judgement, ...[...report.discrepancies, ...report.undecided].map(({ code }) => code)];
};
const changed = (change: object) => ({ inclusion: { ...inclusion, ...change } });
const whole = (change: Partial<ReceiptQuestion['wholeLog']> = {}) => ({
  wholeLog: {
    origin: MADE_ORIGIN,
    treeSize: leaves.length,
    createdAtUtc: LATE,
    find: () => null,
    ...change,
  } as NonNullable<ReceiptQuestion['wholeLog']>,
});

/** @req R22 */
describe('a promise that came with a receipt', () => {
  it('has one text, which is read back and which no other text is', () => {
    expect(parsePromise(promiseText(promised()))).toEqual(promised());
    expect(promiseText(promised())).toBe(
      `honnin receipt promise v1\n${MADE_ORIGIN}\nreceipt ${receiptDigest(RECEIPT, sha256)}\n` +
        `leaf ${toBase64(leaf)}\nrecorded ${STORED}\nby ${IN_TIME}\n`,
    );
    const stated = { origin: MADE_ORIGIN, size: 5, root: log.root(5), leaf, createdAtUtc: LATE };
    expect(parseAbsence(absenceText(stated))).toEqual(stated);
    for (const wrong of [`${promiseText(promised())}more\n`, promiseText(promised()).replace('by ', 'by  '), ''])
      expect([parsePromise(wrong), parseAbsence(wrong)]).toEqual([null, null]);
    expect(parsePromise(promiseText(promised()).replace(IN_TIME, '2026-11-23'))).toBeNull();
  });

  it('is right where log, number and entry agree', () => {
    expect(judged({})).toEqual(['right']);
  });

  it('does not show the number', () => {
    expect(promise).not.toMatch(/7K3M|9QXD|2VTB|HW60/);
  });

  it.each<[string, object, Partial<ReceiptQuestion>, readonly string[]]>([
    ['no key was given', {}, { trusted: [] }, ['no_key']],
    ['the key is another log’s', {}, { trusted: [STRANGER.key] }, ['other_key']],
    ['the entry is not shown yet', { inclusion: null }, {}, ['not_shown_yet']],
    ['it is missing within the time', { inclusion: null, absence: absence(IN_TIME) }, {}, ['not_shown_yet']],
    ['nobody says of which number', { receipt: null }, {}, ['receipt_unknown']],
    ['there is none', { promise: null }, {}, ['no_promise']],
    ['the checkpoint is unsigned', changed({ checkpoint: log.checkpoint(leaves.length, NEXT) }), {}, ['other_key']],
    ['a stranger states the absence', { absence: absence(LATE, { by: STRANGER }) }, {}, ['other_key']],
    ['the log lost entries and says so', { losses: [DECLARED] }, {}, ['loss_declared']],
    ['a bundle of the time does not hold it', { inclusion: null }, whole({ createdAtUtc: IN_TIME }), ['not_shown_yet']],
    ['a bundle of another log', { inclusion: null }, whole({ origin: 'other.example/log' }), ['not_shown_yet']],
  ])('is undecided where %s', (_, answer, question, codes) => {
    const [judgement, ...found] = judged(answer, question);
    expect([judgement, ...new Set(found.slice(0, 1))]).toEqual(['undecided', ...codes]);
  });

  it.each<[string, object, Partial<ReceiptQuestion>, readonly string[]]>([
    [
      'the log states after the time that it is missing',
      { inclusion: null, absence: absence(LATE) },
      {},
      ['promise_not_kept'],
    ],
    ['it is there, and was missing after the time', { absence: absence(LATE) }, {}, ['promise_not_kept']],
    [
      'the log has it and states that it has not',
      { absence: absence(IN_TIME, { size: leaves.length }) },
      {},
      ['log_contradicts_itself'],
    ],
    ['a later bundle of all entries is without it', { inclusion: null }, whole(), ['promise_not_kept']],
    [
      'the promised entry is something else',
      { inclusion: null },
      whole({ find: () => ({ index: 3, type: 'Held' }) }),
      ['leaf_differs'],
    ],
    ['it is of another number', { receipt: '0000-0000-0000-0000' }, {}, ['receipt_differs']],
    ['its text was changed', { promise: promise.replace('09:01', '09:09') }, {}, ['promise_signature']],
    [
      'it is signed by another log',
      { promise: KEY.note(promiseText(promised({ origin: 'x.example/log' }))) },
      {},
      ['promise_signature'],
    ],
    ['it is no promise', { promise: log.checkpoint() }, {}, ['papers_malformed']],
    ['it is no note', { promise: 'received' }, {}, ['papers_malformed']],
    [
      'two requests were promised one receipt',
      { promise: [promise, KEY.note(promiseText(promised({ leaf: other })))] },
      {},
      ['promises_differ'],
    ],
    ['the proof is of another entry', changed({ leafHash: toBase64(other) }), {}, ['leaf_differs']],
    ['the proof leads elsewhere', changed({ index: INDEX + 1 }), {}, ['inclusion_wrong']],
    ['the proof is too short', changed({ proof: inclusion.proof.slice(1) }), {}, ['inclusion_wrong']],
    ['the place is outside', changed({ index: leaves.length }), {}, ['inclusion_wrong']],
    ['the proof has no form', changed({ index: -1 }), {}, ['papers_malformed']],
    ['a hash has no form', changed({ proof: ['x'] }), {}, ['papers_malformed']],
    ['the checkpoint has no form', changed({ checkpoint: promise }), {}, ['papers_malformed']],
    [
      'the checkpoint was changed',
      changed({ checkpoint: log.checkpoint().replace(/\n\d+\n/, '\n9\n') }),
      {},
      ['promise_signature'],
    ],
    ['the absence is of another entry', { absence: absence(LATE, { of: other }) }, {}, ['leaf_differs']],
    ['the absence says something else', { absence: promise }, {}, ['papers_malformed']],
    ['a loss is declared by nobody', { losses: [promise] }, {}, ['papers_malformed']],
  ])('is wrong where %s', (_, answer, question, codes) => {
    const [judgement, ...found] = judged(answer, question);
    expect([judgement, ...found.slice(0, 1)]).toEqual(['wrong', ...codes]);
  });

  it('stays right when the log changes its key, for who has the first one', () => {
    const renewed = NEXT.note(promiseText(promised()));
    const successions = [log.succession(KEY, NEXT, 3)];
    expect(judged({ promise: [promise, renewed], successions })).toEqual(['right']);
    expect(judged({ promise: renewed })).toEqual(['undecided', 'other_key']);
  });

  it('reads answers, and nothing that is none', () => {
    for (const none of [null, 7, 'x', [], {}, { receipt: 4, inclusion: null }]) expect(papersOf(none)).toBeNull();
    const joined = joinedPapers(
      [papersOf({ receipt: RECEIPT, promise }), papersOf({ promise, inclusion })].flatMap((p) => p ?? []),
    );
    expect(joined).toMatchObject({ receipts: [RECEIPT], promises: [promise], inclusions: [inclusion] });
  });
});
