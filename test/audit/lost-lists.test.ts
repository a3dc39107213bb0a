import { expect, it } from '@jest/globals';
import { toHex, utf8 } from '../../src/domain/audit/log/bytes.js';
import { parseLeaf } from '../../src/domain/audit/log/leaf.js';
import { coveredByListCertificate, listCertificateText } from '../../src/domain/audit/lists/list-certificate.js';
import { ListDrawer } from '../../src/domain/audit/lists/list-drawer.js';
import { verifyList } from '../../src/domain/audit/lists/verify-list.js';
import { canonicalJson } from '../../src/domain/values/canonical-json.js';
import { sha256 } from '../../src/infrastructure/audit/digest.js';
import {
  carried,
  carriedTwice,
  DECLARED,
  DECLARED_AGAIN,
  declared,
  forked,
  KEPT,
  leaves,
  log,
  NEW,
  noteOf,
  OLD,
  old,
  SIGNED,
  STRANGER,
  THIRD,
  third,
} from './lost-log.js';
import { MadeLog, type MadeKey } from './made-bundle.js';
import { primitives } from './support.js';

const all = new MadeLog(leaves.slice(0, KEPT), NEW);
const first = (size: number) => new MadeLog(leaves.slice(0, size), OLD);
const bundleOfNow = log.bundle(carried(DECLARED));
const digest = (text: string) => toHex(sha256(utf8(text)));

/** A list of requests as the log of these leaves gives it, with these notes between its keys. */
function listOf(of: MadeLog, by: MadeKey, successions: readonly string[] = []): object {
  const events = of.leaves.flatMap((text) => parseLeaf(text) ?? []);
  const drawer = new ListDrawer(['requests']);
  events.forEach((leaf, i) => drawer.feed(leaf, i));
  const rows = drawer.rows('requests');
  const treeSize = of.leaves.length;
  const asOf = { position: treeSize - 1, atUtc: events.at(-1)!.metadata.recordedAtUtc, isNewest: true, treeSize };
  const page = { offset: 0, rows: rows.length, of: rows.length };
  const answer = { asOf, checkpoint: of.checkpoint(), next: null, openings: {}, page, successions };
  const rowsSha256 = digest(canonicalJson(rows));
  const certificate = listCertificateText({
    origin: by.key.name,
    treeSize,
    root: of.root(),
    list: 'requests',
    query: {},
    asOf: { position: treeSize - 1 },
    events: events.length,
    policyVersion: drawer.policyVersion,
    count: rows.length,
    rowsSha256,
    page: { offset: 0, rows: rows.length, sha256: rowsSha256 },
    createdAtUtc: '2026-11-23T12:00:00.000Z',
    answerSha256: digest(coveredByListCertificate(answer)),
  });
  return { ...answer, list: 'requests', query: {}, rows, certificate: by.note(certificate) };
}

const judged = (
  page: object,
  { keys = [OLD], known = [], bundle = bundleOfNow }: { keys?: MadeKey[]; known?: string[]; bundle?: string[] | null },
) => {
  const report = verifyList([page], primitives, { trusted: keys.map(({ key }) => key), known, bundle });
  const { judgement, recomputed, trust, discrepancies, undecided } = report;
  const said = [...discrepancies, ...undecided].map(({ code }) => code);
  return { judgement, recomputed, trust, codes: [...new Set(said)].toSorted() };
};
const declaredAs = (change: Parameters<typeof declared>[0]) => noteOf(declared(change));
const keeps = (size: number, of = old) => ({ origin: NEW.key.name, size, root: of.root(size) });
const DOUBTS = ['bundle_undecided', 'loss_declared'];

/** @fault O17 L1 */
it.each<[string, object, Parameters<typeof judged>[1], string, string[]]>([
  ['the key of before', listOf(log, NEW, [DECLARED]), {}, 'undecided', DOUBTS],
  ['the key of now', listOf(log, NEW, [DECLARED]), { keys: [NEW] }, 'undecided', DOUBTS],
  ['no bundle', listOf(log, NEW, [DECLARED]), { bundle: null }, 'undecided', ['loss_declared', 'not_drawn']],
  ['one of before that is left', listOf(log, NEW, [DECLARED]), { known: [old.checkpoint(30)] }, 'undecided', DOUBTS],
  ['one of before that is lost', listOf(log, NEW, [DECLARED]), { known: [old.checkpoint(50)] }, 'undecided', DOUBTS],
  [
    'another last one of before',
    listOf(log, NEW, [DECLARED]),
    { known: [forked.checkpoint(SIGNED)], bundle: null },
    'wrong',
    ['loss_declared', 'loss_wrong', 'not_drawn'],
  ],
  [
    'two declarations, of which one was overtaken',
    listOf(third, THIRD, [DECLARED, DECLARED_AGAIN]),
    { bundle: third.bundle(carriedTwice()) },
    'undecided',
    DOUBTS,
  ],
  [
    'the key of now and a list of a server of before',
    listOf(all, NEW),
    { keys: [NEW] },
    'undecided',
    ['bundle_undecided'],
  ],
])('a list of a log that declared a loss says so, and is neither right nor a fork: %s', (_, page, held, as, codes) => {
  const found = judged(page, held);
  expect(found).toEqual({
    judgement: as,
    recomputed: as === 'undecided' && held.bundle !== null,
    trust: 'trusted',
    codes,
  });
});

it.each<[string, string[]]>([
  ['signed under the new name alone', [noteOf(declared(), NEW)]],
  ['changed', [DECLARED.replace('storage_failed', 'tampering_suspected')]],
  ['that keeps more than the list speaks of', [declaredAs({ kept: keeps(KEPT + 1) })]],
  ['that keeps another beginning', [declaredAs({ kept: keeps(30, forked) })]],
])('is wrong with a declaration %s', (_, notes) => {
  const { judgement, codes } = judged(listOf(log, NEW, notes), { keys: [NEW] });
  expect([judgement, codes.includes('loss_wrong')]).toEqual(['wrong', true]);
});

it('is wrong with two declarations of one log', () => {
  const notes = [DECLARED, declaredAs({ reason: 'tampering_suspected' })];
  expect(judged(listOf(log, NEW, notes), { keys: [NEW] })).toMatchObject({
    judgement: 'wrong',
    codes: expect.arrayContaining(['two_successors']),
  });
});

it.each<[string, object, string, string[]]>([
  ['what is left is drawn again', listOf(first(30), OLD), 'undecided', ['bundle_undecided']],
  ['what is lost cannot be', listOf(old, OLD), 'undecided', ['bundle_undecided', 'loss_declared', 'not_drawn']],
  [
    'what was never signed last is wrong',
    listOf(new MadeLog(forked.leaves, OLD), OLD),
    'wrong',
    ['bundle_undecided', 'loss_wrong', 'not_drawn'],
  ],
  [
    'what is left and differs is a fork',
    listOf(new MadeLog(forked.leaves.slice(0, 30), OLD), OLD),
    'wrong',
    ['bundle_undecided', 'fork'],
  ],
])('of a list of before the loss, with a bundle of after it, %s', (_, page, judgement, codes) => {
  expect(judged(page, {})).toMatchObject({ judgement, codes });
});

it('says nothing of declarations of other logs', () => {
  const foreign = noteOf(
    declared({ kept: { ...keeps(KEPT), origin: STRANGER.key.name }, to: STRANGER.key }),
    OLD,
    STRANGER,
  );
  expect(judged(listOf(log, NEW, [foreign]), { keys: [NEW], bundle: log.bundle() })).toMatchObject({
    judgement: 'right',
  });
  expect(judged(listOf(third, THIRD, [DECLARED]), { keys: [THIRD], bundle: third.bundle() })).toMatchObject({
    judgement: 'right',
  });
});
