import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from '@jest/globals';

const root = fileURLToPath(new URL('../../', import.meta.url));
const REQUIREMENTS = Array.from({ length: 24 }, (_, i) => `R${i + 1}`);

/** Where each requirement of the patent is marked: `@req R8 R9` in a comment or in the name of a test. */
function marksIn(folder: string): Map<string, Set<string>> {
  const marks = new Map<string, Set<string>>();
  for (const entry of readdirSync(join(root, folder), { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.ts')) continue;
    const file = join(entry.parentPath, entry.name);
    for (const [, list] of readFileSync(file, 'utf8').matchAll(/@req((?:\s+R\d+)+)/g)) {
      for (const name of (list as string).trim().split(/\s+/)) marks.set(name, (marks.get(name) ?? new Set()).add(file.slice(root.length)));
    }
  }
  return marks;
}

it('marks every requirement R1 to R24 in the source and in a test, and prints the table', () => {
  const source = marksIn('src');
  const tests = marksIn('test');
  const rows = REQUIREMENTS.map((r) => `${r.padEnd(4)} ${[...(source.get(r) ?? [])].sort().slice(0, 3).join(', ').padEnd(120)} ${[...(tests.get(r) ?? [])].sort().slice(0, 3).join(', ')}`);
  process.stdout.write(`requirement, source, tests (three of each at most)\n${rows.join('\n')}\n`);
  expect(REQUIREMENTS.filter((r) => !source.has(r))).toEqual([]);
  expect(REQUIREMENTS.filter((r) => !tests.has(r))).toEqual([]);
});
