import type { Json, JsonObject } from '../../event-envelope.js';
import { canonicalJson } from '../../values/canonical-json.js';
import { fromBase64, toBase64, toHex, utf8 } from '../log/bytes.js';
import { readBundle } from '../bundle/bundle.js';
import { keysThatFollow } from '../log/key-succession.js';
import { parseLeaf } from '../log/leaf.js';
import { GrowingTree, HASH_BYTES, sameHash, treeHasher, type Hash, type HashFunction } from '../log/merkle-tree.js';
import { judgeNote, NoteFormatError, parseNote, type VerifierKey } from '../log/signed-note.js';
import { verifyBundle, type Primitives } from '../bundle/verify-bundle.js';
import { WhatIf, type FlippedCase, type WhatIfReport } from './what-if.js';

/** First line of every statement; with spaces in it, so that it can never be read as a checkpoint. Since version 2 the
 * report says what officers decided later. */
const LABELS = { 1: 'honnin what-if report v1', 2: 'honnin what-if report v2' } as const;

/** What the log's key signs about a report: which history was judged, under which change, and what came of it. Small,
 * so that it goes whole into the event in which a policy is proposed; the cases stay in the report, whose digest it
 * states. */
export interface WhatIfStatement {
  readonly version: keyof typeof LABELS;
  readonly origin: string;
  readonly treeSize: number;
  readonly root: Hash;
  readonly changed: JsonObject;
  readonly comparisons: number;
  readonly flips: number;
  /** SHA-256 of the canonical JSON of the report, hex. */
  readonly reportSha256: string;
}

/** The file that people keep, and show with a proposal. */
export interface SignedWhatIf {
  readonly note: string;
  readonly report: WhatIfReport;
  /** Notes in which a key of the log vouches for the next. */
  readonly successions: readonly string[];
}

export function whatIfStatement(
  report: WhatIfReport,
  tree: Pick<WhatIfStatement, 'origin' | 'treeSize' | 'root'>,
  hash: HashFunction,
): WhatIfStatement {
  return {
    version: 2,
    ...tree,
    changed: report.changed as unknown as JsonObject,
    comparisons: report.comparisons,
    flips: report.flips.length,
    reportSha256: reportDigest(report, hash),
  };
}

export function whatIfText({
  version,
  origin,
  treeSize,
  root,
  changed,
  comparisons,
  flips,
  reportSha256,
}: WhatIfStatement): string {
  const tree = [LABELS[version], origin, treeSize, toBase64(root), `changed ${canonicalJson(changed)}`];
  return `${[...tree, `comparisons ${comparisons}`, `flips ${flips}`, `report ${reportSha256}`].join('\n')}\n`;
}

/** Reads what `whatIfText` wrote. @returns null for any other text */
export function parseWhatIfText(text: string): WhatIfStatement | null {
  const [label, origin, treeSize, root, changed = '', comparisons = '', flips = '', report = ''] = text.split('\n');
  const version = ([1, 2] as const).find((each) => LABELS[each] === label);
  if (version === undefined || origin === undefined || root === undefined) return null;
  try {
    const statement = {
      version,
      origin,
      treeSize: Number(treeSize),
      root: fromBase64(root),
      changed: JSON.parse(changed.replace(/^changed /, '')) as JsonObject,
      comparisons: Number(comparisons.replace(/^comparisons /, '')),
      flips: Number(flips.replace(/^flips /, '')),
      reportSha256: report.replace(/^report /, ''),
    };
    return statement.root.length === HASH_BYTES && whatIfText(statement) === text ? statement : null;
  } catch {
    // Neither JSON nor base64 where they belong: no statement.
    return null;
  }
}

/** A report as it was made before it said what officers decided later. */
export type FirstWhatIfReport = Omit<WhatIfReport, 'officers' | 'flips'> & {
  readonly flips: readonly Omit<FlippedCase, 'later' | 'countedAs'>[];
};

function firstReport({ officers: _officers, flips, ...kept }: WhatIfReport): FirstWhatIfReport {
  return { ...kept, flips: flips.map(({ later: _later, countedAs: _countedAs, ...flip }) => flip) };
}

export function reportDigest(report: FirstWhatIfReport, hash: HashFunction): string {
  return toHex(hash(utf8(canonicalJson(report as unknown as Json))));
}

export interface WhatIfCheck {
  readonly statement: WhatIfStatement | null;
  readonly trusted: boolean;
  /** True when every comparison was decided again from the events of a bundle. */
  readonly recomputed: boolean;
  /** Version of the policy whose proposal in the bundle carries this report. */
  readonly proposedWith: number | null;
  readonly problems: readonly string[];
}

/** Checks a report that was handed over, and makes it again from a bundle of the whole log. @param bundle its lines, or
 * null */
export function verifyWhatIf(
  file: unknown,
  primitives: Primitives,
  { trusted, bundle }: { readonly trusted: readonly VerifierKey[]; readonly bundle: Iterable<string> | null },
): WhatIfCheck {
  const problems: string[] = [];
  const found = statementOf(file);
  if (!found)
    return {
      statement: null,
      trusted: false,
      recomputed: false,
      proposedWith: null,
      problems: ['the file is not a signed what-if report'],
    };
  const { signed, statement } = found;
  const verdict = judgeNote(
    parseNote(signed.note),
    keysThatFollow(trusted, signed.successions, primitives),
    primitives.isSigned,
  );
  if (verdict.verdict === 'bad_signature') problems.push('the signature is wrong: the statement was changed');
  if (verdict.verdict === 'unsigned' && trusted.length > 0)
    problems.push('the statement is not signed by a key of this log');
  if (reportDigest(signed.report, primitives.hash) !== statement.reportSha256)
    problems.push('the report is not the one that was signed');
  const made = bundle === null ? null : makeAgain(statement, bundle, primitives, trusted, problems);
  if (made && canonicalJson(made.report as unknown as Json) !== canonicalJson(signed.report as unknown as Json))
    problems.push(
      `the history gives another report: ${made.report.flips.length} of ${made.report.comparisons} comparisons flip, and ${statement.flips} of ${statement.comparisons} are stated`,
    );
  return {
    statement,
    trusted: verdict.verdict === 'signed',
    recomputed: made !== null,
    proposedWith: made?.proposedWith ?? null,
    problems,
  };
}

function statementOf(file: unknown): { readonly signed: SignedWhatIf; readonly statement: WhatIfStatement } | null {
  const { note, report, successions } = (file ?? {}) as Partial<SignedWhatIf>;
  if (typeof note !== 'string' || typeof report !== 'object' || report === null || !Array.isArray(successions))
    return null;
  try {
    const statement = parseWhatIfText(parseNote(note).text);
    return statement && { signed: { note, report, successions }, statement };
  } catch (error) {
    if (error instanceof NoteFormatError) return null;
    throw error;
  }
}

function makeAgain(
  statement: WhatIfStatement,
  bundle: Iterable<string>,
  primitives: Primitives,
  trusted: readonly VerifierKey[],
  problems: string[],
): { readonly report: FirstWhatIfReport; readonly proposedWith: number | null } | null {
  const sound = verifyBundle(bundle, primitives, { trusted });
  const faults = sound.discrepancies;
  for (const { detail } of faults.slice(0, 5)) problems.push(`the bundle: ${detail}`);
  if (faults.length === 0 && (sound.first !== 0 || !sound.noGaps || (sound.last ?? -1) < statement.treeSize - 1))
    problems.push(
      `the report speaks of the entries 0 to ${statement.treeSize - 1}, and the bundle does not hold them all`,
    );
  if (problems.some((p) => p.startsWith('the bundle') || p.includes('the bundle does not'))) return null;
  const hasher = treeHasher(primitives.hash);
  const tree = new GrowingTree(hasher);
  const run = new WhatIf(statement.changed);
  let proposedWith: number | null = null;
  for (const { index, text } of readBundle(bundle).leaves) {
    const leaf = parseLeaf(text);
    const carried = (leaf?.data['report'] as { sha256?: unknown } | null | undefined)?.sha256;
    if (leaf?.type === 'PolicyProposed' && carried === statement.reportSha256)
      proposedWith = Number(leaf.data['version']);
    if (index >= statement.treeSize) continue;
    tree.append(hasher.leaf(utf8(text)));
    if (leaf) run.feed(index, leaf);
  }
  if (!sameHash(tree.root(), statement.root)) {
    problems.push('the history of the bundle is not the one that the report was made from');
    return null;
  }
  const report = run.finish();
  return { report: statement.version === 1 ? firstReport(report) : report, proposedWith };
}
