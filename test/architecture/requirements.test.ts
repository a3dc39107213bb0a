import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';

const root = fileURLToPath(new URL('../../', import.meta.url));
const upTo = (letter: string, last: number): string[] => Array.from({ length: last }, (_, i) => `${letter}${i + 1}`);

/** What the source asks for, and what we decided where it leaves something open. */
const NUMBERS = [...upTo('R', 34), ...upTo('A', 20)];
/** Those of the claims are marked in the source too. */
const CLAIMS = upTo('R', 24);

/** The word, put together here so that this file marks nothing. */
const MARK = ['@', 'req'].join('');

/** One row of docs/requirements.md. `missing`: what is not there yet, in words, or null. */
interface Row {
  readonly id: string;
  readonly where: readonly string[];
  readonly shownBy: readonly string[];
  readonly missing: string | null;
}

/** Number or '?' for a mark without one → the files that carry it. */
type Marks = ReadonlyMap<string, ReadonlySet<string>>;

/** The rows of the document: `- **R1** words`, then lines that begin with "Where:", "Shown by:", "Not yet:". */
function rowsOf(document: string): Row[] {
  return document
    .split(/^- (?=\*\*[A-Z]\d+\*\*)/m)
    .slice(1)
    .map((text) => {
      const id = /^\*\*([A-Z]\d+)\*\*/.exec(text)?.[1] as string;
      const files = (name: string): string[] =>
        [...(partOf(text, name) ?? '').matchAll(/`([^`]+)`/g)].map(([, file]) => file as string);
      return { id, where: files('Where'), shownBy: files('Shown by'), missing: partOf(text, 'Not yet') };
    });
}

/** What follows `name:` in a row, up to the next such word, or null. */
function partOf(row: string, name: string): string | null {
  const end = '(?=^  (?:Where|Shown by|Not yet): |^\\S|(?![^]))';
  return new RegExp(`^  ${name}: (.*?)${end}`, 'ms').exec(row)?.[1]?.trim() ?? null;
}

/** The numbers that a text is marked with; '?' for a mark without one. An expression that looks for marks is none. */
function marksOf(text: string): string[] {
  return [...text.matchAll(new RegExp(`${MARK}\\b(?!\\()((?:[ \\t,]+[A-Z]\\d+\\b)*)`, 'g'))].flatMap(([, list]) =>
    list === '' ? ['?'] : (list as string).split(/[\s,]+/).filter((id) => id !== ''),
  );
}

function marksIn(folder: string): Marks {
  const marks = new Map<string, Set<string>>();
  for (const entry of readdirSync(join(root, folder), { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !/\.(ts|mjs)$/.test(entry.name)) continue;
    const file = join(entry.parentPath, entry.name);
    for (const id of marksOf(readFileSync(file, 'utf8'))) {
      marks.set(id, (marks.get(id) ?? new Set()).add(file.slice(root.length)));
    }
  }
  return marks;
}

interface Found {
  readonly numbers: readonly string[];
  readonly rows: readonly Row[];
  readonly source: Marks;
  readonly tests: Marks;
  readonly exists: (file: string) => boolean;
}

/** What is not right between document and marks, one sentence each. */
function discrepancies({ numbers, rows, source, tests, exists }: Found): string[] {
  const ids = rows.map(({ id }) => id);
  return [
    ...numbers.filter((id) => ids.filter((other) => other === id).length !== 1).map((id) => `${id} needs one row`),
    ...ids.filter((id) => !numbers.includes(id)).map((id) => `${id} has a row and is no number of ours`),
    ...rows.flatMap((row) => ofRow(row, tests)),
    ...rows.flatMap(({ id, where }) => where.filter((f) => !exists(f)).map((f) => `${id} is nowhere: ${f}`)),
    ...[...source, ...tests].flatMap(([id, files]) =>
      ids.includes(id) ? [] : [`${id} is in no row: ${[...files].join(', ')}`],
    ),
    ...CLAIMS.filter((id) => ids.includes(id) && !source.has(id)).map((id) => `${id} is marked nowhere in the source`),
  ];
}

function ofRow({ id, where, shownBy, missing }: Row, tests: Marks): string[] {
  const marked = tests.get(id) ?? new Set();
  if (shownBy.length === 0 && missing === null) return [`${id} names no test and does not say "Not yet:"`];
  if (shownBy.length === 0) return marked.size === 0 ? [] : [`${id} says "Not yet:" alone, and a test has its mark`];
  return [
    ...(where.length === 0 ? [`${id} does not say where it is done`] : []),
    ...shownBy.filter((file) => !marked.has(file)).map((file) => `${id} names ${file}, which is not marked with it`),
  ];
}

const stateOf = ({ shownBy, missing }: Row): string =>
  missing === null ? 'done' : shownBy.length > 0 ? 'in part' : 'not yet';

describe('the table of requirements', () => {
  it('covers R1 to R34 and A1 to A20 by tests or the words "Not yet", and prints itself', () => {
    const rows = rowsOf(readFileSync(join(root, 'docs/requirements.md'), 'utf8'));
    const [source, tests] = [marksIn('src'), marksIn('test')];
    const lines = rows.map((row) => `${row.id.padEnd(4)} ${stateOf(row).padEnd(8)} ${row.shownBy.join(', ')}`);
    const count = (state: string): string => `${rows.filter((row) => stateOf(row) === state).length} ${state}`;
    const counts = ['done', 'in part', 'not yet'].map(count).join(', ');
    process.stdout.write(`requirement, state, tests (${counts})\n${lines.join('\n')}\n`);
    const exists = (file: string): boolean => existsSync(join(root, file));
    expect(discrepancies({ numbers: NUMBERS, rows, source, tests, exists })).toEqual([]);
  });

  const done = '- **A1** Words.\n  Where: `s`\n  Shown by: `t`\n';
  it.each<[string, string, string, string[]]>([
    ['nothing where row and mark agree', done, `${MARK} A1`, []],
    ['a number without a row', '', '', ['A1 needs one row']],
    ['a number with two rows', done + done, `${MARK} A1`, ['A1 needs one row']],
    [
      'a row of another number',
      `${done}- **A2** Words.\n  Not yet: x\n`,
      `${MARK} A1`,
      ['A2 has a row and is no number of ours'],
    ],
    ['a row that says nothing', '- **A1** Words.\n', '', ['A1 names no test and does not say "Not yet:"']],
    [
      'a row that waits and is shown',
      '- **A1** Words.\n  Not yet: x\n',
      `${MARK} A1`,
      ['A1 says "Not yet:" alone, and a test has its mark'],
    ],
    ['a row that is shown in part', `${done}  Not yet: x\n`, `${MARK} A1`, []],
    ['a test without its mark', done, '', ['A1 names t, which is not marked with it']],
    [
      'a row that is done nowhere',
      '- **A1** Words.\n  Shown by: `t`\n',
      `${MARK} A1`,
      ['A1 does not say where it is done'],
    ],
    ['a file that is not there', done.replace('`s`', '`gone`'), `${MARK} A1`, ['A1 is nowhere: gone']],
    ['a mark without a row', done, `${MARK} A1 A3`, ['A3 is in no row: t']],
    ['a mark without a number', done, `${MARK} A1\n${MARK} names`, ['? is in no row: t']],
  ])('tells %s', (_, document, test, expected) => {
    const tests = new Map(marksOf(test).map((id) => [id, new Set(['t'])]));
    const exists = (file: string): boolean => file === 's';
    const rows = rowsOf(document);
    expect(discrepancies({ numbers: ['A1'], rows, source: new Map(), tests, exists })).toEqual(expected);
  });
});
