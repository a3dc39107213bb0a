import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it } from '@jest/globals';
import type { MutationReport } from '../soak-report.js';
import type { InOneProcess } from './in-one-process.js';

const FOLDER = 'test/lanes/mutants';

it('notices what tests notice, also an endless loop and what is reckoned while loading, and misses the rest', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'honnin-mutants-'));
  const report = path.join(folder, 'mutation.json');
  const settings = path.join(folder, 'settings.json');
  const asked: InOneProcess = {
    mutate: [`${FOLDER}/sample/sample.ts`],
    tests: [`${FOLDER}/sample/sample-tests.ts`],
    sentences: null,
    folder,
    report,
  };
  writeFileSync(settings, JSON.stringify(asked));
  const { status, stdout, stderr } = spawnSync(process.execPath, [`${FOLDER}/in-one-process.ts`, settings], {
    encoding: 'utf8',
  });
  expect([status, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/not run: .*passes only once: it fails when run again/);
  const { files } = JSON.parse(readFileSync(report, 'utf8')) as MutationReport;
  const mutants = files[`${FOLDER}/sample/sample.ts`]!.mutants;
  const of = (line: number) =>
    Object.fromEntries(
      mutants
        .filter(({ location }) => location.start.line === line)
        .map(({ mutatorName, replacement, status: found }) => [`${mutatorName}: ${replacement}`, found]),
    );
  expect(of(3)).toEqual({
    'ConditionalExpression: true': 'Killed',
    'ConditionalExpression: false': 'Survived',
    'EqualityOperator: age >= 900': 'Survived',
    'EqualityOperator: age <= 900': 'Killed',
    'StringLiteral: ""': 'Ignored',
  });
  expect(of(4)).toMatchObject({ 'EqualityOperator: age > 18': 'Killed', 'EqualityOperator: age < 18': 'Killed' });
  expect(of(9)).toMatchObject({ 'AssignmentOperator: i -= 1': 'Killed', 'EqualityOperator: i < end': 'Killed' });
  expect(of(13)).toMatchObject({ 'ArithmeticOperator: value / 2': 'Killed', 'ArrayDeclaration: []': 'Killed' });
  // One that is written wrongly would keep the whole file from loading.
  expect(of(19)).toMatchObject({ 'Regex: /^[\\V\\t]+$/u': 'Ignored' });
  rmSync(folder, { recursive: true });
});
