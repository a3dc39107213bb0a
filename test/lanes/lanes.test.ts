import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { budgetTable, dearestSuites, numbersLine, type SuiteResult } from './budget-reporter.js';
import { AT_ONCE, BUDGET_SECONDS, TOTAL_SECONDS } from './budgets.js';
import { QUICK } from './quick.js';
import { forJest, HELP } from './test.js';

const tests = fileURLToPath(new URL('../', import.meta.url));

const suite = (file: string, seconds: number, counts: Partial<SuiteResult> = {}): SuiteResult => ({
  testFilePath: path.join(tests, file),
  perfStats: { start: 1000, end: 1000 + seconds * 1000 },
  numPassingTests: 1,
  numFailingTests: 0,
  numPendingTests: 0,
  numTodoTests: 0,
  ...counts,
});

describe('the quick lane', () => {
  it('names places that exist', () => {
    expect(QUICK.filter((place) => !existsSync(path.join(tests, place)))).toEqual([]);
  });

  it('hands everything else to Jest as it was given', () => {
    const given = ['test/face/x.test.ts', '-t', 'a b', '--bail'];
    expect(forJest(given)).toEqual(given);
    expect(forJest(['--quick', '-t', 'a b'])).toEqual(['-t', 'a b', ...QUICK.map((place) => `/test/${place}`)]);
  });
});

// @fault O31
describe('the words of the first ten minutes', () => {
  const readme = readFileSync(path.join(tests, '../README.md'), 'utf8');

  it.each([
    ['the help of the tests', HELP],
    ['the first page', readme],
  ])('say in %s what may be fetched', (_, text) => {
    expect(text).toMatch(/Maven fetch(?:es)? Apache\s+Kafka/);
    expect(text).toMatch(/Go is found, it fetches/);
    expect(text).toMatch(/quarter of an hour/);
    expect(text).toContain('./honnin test --quick');
  });

  it('name in the help every lane, and where the options of Jest are', () => {
    const lanes = ['./honnin test --quick', './honnin test ', '.ci/run', './honnin soak'];
    expect(lanes.filter((lane) => !HELP.includes(lane))).toEqual([]);
    expect(HELP).toContain('node_modules/.bin/jest --help');
  });
});

describe('the budget of time', () => {
  it('names every folder that has tests, and fits into the whole', () => {
    const folders = readdirSync(tests, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.test.ts'))
      .map((file) => file.split(path.sep)[0] as string);
    expect(folders.filter((folder) => BUDGET_SECONDS[folder] === undefined)).toEqual([]);
    const sum = Object.values(BUDGET_SECONDS).reduce((total, seconds) => total + seconds, 0);
    expect(sum).toBeLessThanOrEqual(AT_ONCE * TOTAL_SECONDS);
    expect(readFileSync(path.join(tests, '../.ci/run'), 'utf8')).toContain(`./honnin test --maxWorkers=${AT_ONCE} `);
  });

  it('says which folder is over, and nothing loud while the whole is not', () => {
    const suites = [suite('domain/a.test.ts', 2), suite('domain/b.test.ts', 100_000), suite('new/c.test.ts', 3)];
    const table = budgetTable(suites, 10);
    expect(table.split('\n').map((line) => line.replaceAll(/ +/g, ' '))).toEqual([
      'folder tests seconds budget',
      'domain 2 100002.0 10 OVER',
      'new 1 3.0 - no budget',
      `whole run 3 10.0 ${TOTAL_SECONDS}`,
      'over budget: domain (said, not failed: machines are noisy)',
    ]);
  });

  it.each([
    [0, false],
    [1, true],
  ])('is loud about a whole run %d seconds over', (over, loud) => {
    expect(budgetTable([suite('domain/a.test.ts', 0)], TOTAL_SECONDS + over).includes('THE WHOLE RUN')).toBe(loud);
  });

  it('names the dozen dearest suites, the dearest first', () => {
    const many = Array.from({ length: 14 }, (_, n) => suite(`domain/of-${n}.test.ts`, n + 1));
    const [head, ...lines] = dearestSuites([...many, suite('door/b.test.ts', 60), suite('door/a.test.ts', 60)])
      .split('\n')
      .map((line) => line.replaceAll(/ +/g, ' '));
    expect([head, ...lines.slice(0, 4)]).toEqual([
      'dearest suites seconds',
      'door/a 60.0',
      'door/b 60.0',
      'domain/of-13 14.0',
      'domain/of-12 13.0',
    ]);
    expect(lines).toHaveLength(12);
    expect(dearestSuites([])).toBe(`${'dearest suites'.padEnd(40)}  seconds`);
  });

  it('counts passed, failed and skipped, and a suite that could not run as one that failed', () => {
    expect(numbersLine([])).toBe('0 passed, 0 failed, 0 skipped');
    expect(
      numbersLine([
        suite('a.test.ts', 1, { numPassingTests: 7, numFailingTests: 2, numPendingTests: 3, numTodoTests: 1 }),
        suite('b.test.ts', 1, { numPassingTests: 0, testExecError: { message: 'Cannot find module' } }),
        suite('c.test.ts', 1, { numPassingTests: 0, numFailingTests: 1, testExecError: { message: 'out of memory' } }),
      ]),
    ).toBe('7 passed, 4 failed, 4 skipped');
  });
});
