import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { type Fault, FAULTS } from './faults.js';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** The word, put together here so that this file marks nothing. */
const MARK = ['@', 'fault'].join('');

/** The numbers that a text is marked with; a mark without a number answers '?', which is no row of any table. */
function marksOf(text: string): string[] {
  return [...text.matchAll(new RegExp(`${MARK}\\b((?:[ \\t,]+[A-Z]\\d+\\b)*)`, 'g'))].flatMap(([, list]) =>
    list === '' ? ['?'] : (list as string).split(/[\s,]+/).filter((id) => id !== ''),
  );
}

/** Number → the files of `test/` that carry its mark. */
function marksInTests(): Map<string, Set<string>> {
  const marks = new Map<string, Set<string>>();
  for (const entry of readdirSync(join(root, 'test'), { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !/\.(ts|mjs|go)$/.test(entry.name)) continue;
    const file = join(entry.parentPath, entry.name);
    for (const id of marksOf(readFileSync(file, 'utf8'))) {
      marks.set(id, (marks.get(id) ?? new Set()).add(file.slice(root.length)));
    }
  }
  return marks;
}

type Faults = Readonly<Record<string, Fault>>;

/** What is not right between the table and the marks, one sentence each. */
function discrepancies(faults: Faults, marks: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const rows = Object.entries(faults).flatMap(([id, fault]) => {
    if (marks.has(id)) return fault.test === undefined ? [] : [`${id} is marked by a test: remove its line "not yet"`];
    return fault.test === undefined ? [`${id} has no test: mark one with its number, or say "not yet"`] : [];
  });
  const strange = [...marks].filter(([id]) => !Object.hasOwn(faults, id));
  return [...rows, ...strange.map(([id, files]) => `${id} is in no row of the table: ${[...files].join(', ')}`)];
}

describe('the table of faults', () => {
  it('has a test or the word "not yet" for every kind, and prints itself', () => {
    const marks = marksInTests();
    const rows = Object.entries(FAULTS).map(([id, { kind }]) => {
      const files = [...(marks.get(id) ?? ['not yet'])].sort();
      return `${id.padEnd(4)} ${kind.padEnd(90)} ${files.join(', ')}`;
    });
    const tested = Object.keys(FAULTS).filter((id) => marks.has(id)).length;
    process.stdout.write(`fault, kind, tests (${tested} of ${rows.length} kinds have one)\n${rows.join('\n')}\n`);
    expect(discrepancies(FAULTS, marks)).toEqual([]);
  });

  const tested: Fault = { kind: 'k' };
  const waiting: Fault = { kind: 'k', test: 'not yet' };
  const row = 'is in no row of the table: f';
  it.each<[string, Faults, string, string[]]>([
    ['a kind with neither', { V1: tested }, '', ['V1 has no test: mark one with its number, or say "not yet"']],
    ['a kind with both', { V1: waiting }, `${MARK} V1`, ['V1 is marked by a test: remove its line "not yet"']],
    ['a mark without a row', {}, `${MARK} V1`, [`V1 ${row}`]],
    ['a mark without a number', {}, `${MARK} names`, [`? ${row}`]],
    ['one of two in a mark without a row', { V1: tested }, `it('tells (${MARK} V1, L22)'`, [`L22 ${row}`]],
    ['nothing where each has one', { V1: tested, L2: waiting }, `// ${MARK} V1\n`, []],
  ])('names %s', (_, faults, text, expected) => {
    expect(discrepancies(faults, new Map(marksOf(text).map((id) => [id, new Set(['f'])])))).toEqual(expected);
  });
});
