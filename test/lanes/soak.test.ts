import { existsSync, globSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from '@jest/globals';
import { soakCount, soakFactor, soakSeed } from '../support/soak.js';
import { BRANCH_TARGETS, branchSection } from './branches.js';
import { MUTATION_TARGETS } from './mutation.js';
import { burnerSection, mutationSection, resultPage, suiteSection, type MutationReport } from './soak-report.js';
import { partsOf, soakNames } from './soak.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const VARIABLES = ['HONNIN_SOAK_FACTOR', 'HONNIN_SOAK_SEED'] as const;
const before = VARIABLES.map((name) => process.env[name]);

afterEach(() => {
  for (const [i, name] of VARIABLES.entries()) {
    if (before[i] === undefined) delete process.env[name];
    else process.env[name] = before[i];
  }
});

describe('the lane of hours', () => {
  it('knows every suite that reads the factor, and every target', () => {
    const names = soakNames();
    for (const name of ['certificate/fuzz', 'simulation/simulation', 'branches:readers', 'mutation:hold']) {
      expect(names).toContain(name);
    }
    expect(names).not.toContain('domain/values');
  });

  it('takes the name of a target for all its parts', () => {
    const names = soakNames();
    const parts = ['mutation:jpeg-reader/headers', 'mutation:jpeg-reader/data'];
    expect(partsOf('mutation:jpeg-reader', names)).toEqual(parts);
    expect(partsOf('mutation:hold', names)).toEqual(['mutation:hold']);
    expect(partsOf('mutation:jpeg', names)).toEqual([]);
  });

  it('changes files that exist, and runs tests that exist', () => {
    const counted = Object.values(BRANCH_TARGETS).map(({ files, tests }) => ({ mutate: files, tests }));
    for (const { mutate, tests } of [...Object.values(MUTATION_TARGETS), ...counted]) {
      expect(mutate.filter((pattern) => globSync(pattern, { cwd: root }).length === 0)).toEqual([]);
      expect(tests.filter((pattern) => globSync(pattern, { cwd: root }).length === 0)).toEqual([]);
    }
    expect(existsSync(path.join(root, 'node_modules/@stryker-mutator/core/bin/stryker.js'))).toBe(true);
  });

  it('names the tests that were red beside a burner, and how often', () => {
    const test = (fullName: string, status: string) => ({ fullName, status, failureMessages: ['waited too long'] });
    const run = (...assertionResults: ReturnType<typeof test>[]) => ({
      seconds: 12,
      result: {
        numPassedTests: assertionResults.filter(({ status }) => status === 'passed').length,
        numFailedTests: assertionResults.filter(({ status }) => status === 'failed').length,
        testResults: [{ assertionResults }],
      },
    });
    expect(burnerSection([run(test('a', 'passed')), run(test('a', 'passed'))])).toEqual({
      ok: true,
      text: expect.stringMatching(/\| 2 \| 1 \| 0 \| 0 \| 12 \|[^]*No test was red/),
    });
    const red = burnerSection([
      run(test('a', 'passed'), test('b', 'failed')),
      run(test('a', 'passed'), test('b', 'failed')),
    ]);
    expect(red).toEqual({ ok: false, text: expect.stringMatching(/- red 2 times: b\n\n {6}waited too long/) });
    // What did not run at all was not green.
    expect(burnerSection([{ seconds: 1, result: { testResults: [{ message: 'no', assertionResults: [] }] } }]).ok).toBe(
      false,
    );
    expect(soakNames()).toEqual(expect.arrayContaining(['burner:whole', 'burner:kafka/consumers']));
  });

  it('multiplies nothing and keeps the seed where nobody asks for more', () => {
    for (const name of VARIABLES) delete process.env[name];
    expect([soakFactor(), soakSeed(7)]).toEqual([1, 7]);
    expect(soakCount({ ci: 3, soak: 8 })).toBe(3);
    process.env['HONNIN_SOAK_FACTOR'] = '100';
    process.env['HONNIN_SOAK_SEED'] = '5';
    expect([soakFactor(), soakSeed(7)]).toEqual([100, 5]);
    expect(soakCount({ ci: 3, soak: 8 })).toBe(800);
  });

  it.each(['', '0', '-1', '1.5', 'many'])('takes no factor "%s"', (text) => {
    process.env['HONNIN_SOAK_FACTOR'] = text;
    expect(() => soakFactor()).toThrow('HONNIN_SOAK_FACTOR must be a whole number from 1 on');
  });
});

describe('the page of a soak', () => {
  const at = (line: number) => ({ start: { line, column: 3 } });
  const report: MutationReport = {
    files: {
      'src/a.ts': {
        source: 'one\n  if (a < b) return `x`;\nthree',
        mutants: [
          { status: 'Killed', mutatorName: 'BooleanLiteral', replacement: 'false', location: at(1) },
          { status: 'Timeout', mutatorName: 'BlockStatement', replacement: '{}', location: at(1) },
          { status: 'CompileError', mutatorName: 'BlockStatement', replacement: '{}', location: at(1) },
          { status: 'Survived', mutatorName: 'EqualityOperator', replacement: 'a <=\n b', location: at(2) },
          { status: 'NoCoverage', mutatorName: 'BlockStatement', location: at(3) },
        ],
      },
    },
  };

  it('counts what could be noticed, and names each change that was not', () => {
    const { score, text } = mutationSection(report);
    expect(score).toBe(50);
    expect(text.split('\n')).toEqual([
      '| file | changes | noticed | missed | score |',
      '| --- | --- | --- | --- | --- |',
      '| src/a.ts | 4 | 2 | 2 | 50.0 |',
      '',
      'Score 50.0 %. Missed:',
      '',
      "- src/a.ts:2:3 EqualityOperator: `if (a < b) return 'x';` → `a <= b`",
      '- src/a.ts:3:3 run by no test: `three` → ``',
    ]);
  });

  it('never calls nothing a success', () => {
    expect(mutationSection({ files: {} }).score).toBe(0);
    expect(branchSection({}, '/').share).toBe(0);
  });

  it('has the share of branches that were taken, by file', () => {
    const summary = {
      total: { branches: { total: 40, covered: 38 } },
      '/root/src/a.ts': { branches: { total: 30, covered: 30 } },
      '/root/src/b.ts': { branches: { total: 10, covered: 8 } },
    };
    const { share, text } = branchSection(summary, '/root/');
    expect(share).toBe(95);
    expect(text.split('\n')).toEqual([
      '| file | branches | taken | share |',
      '| --- | --- | --- | --- |',
      '| src/a.ts | 30 | 30 | 100.0 |',
      '| src/b.ts | 10 | 8 | 80.0 |',
      '',
      'Branches taken: 95.0 %.',
    ]);
  });

  it('has the failures of a suite with their first lines, without colours', () => {
    expect(
      suiteSection({
        numPassedTests: 3,
        numFailedTests: 1,
        testResults: [
          {
            assertionResults: [{ status: 'failed', fullName: 'a b', failureMessages: ['\u001b[31mseed 5\u001b[39m'] }],
          },
          { message: 'Cannot find module', assertionResults: [] },
        ],
      }),
    ).toBe('3 passed, 1 failed, 0 skipped.\n\n- a b\n\n      seed 5\n\n      Cannot find module');
  });

  it('has the numbers that a suite printed', () => {
    const text = suiteSection({ numPassedTests: 1 }, '\n200 events: back in 2.7 s\n');
    expect(text).toBe('1 passed, 0 failed, 0 skipped.\n\n    200 events: back in 2.7 s\n');
  });

  it('says commit, factor, seed, machine and each result', () => {
    const results = [{ name: 'a/b', ok: false, minutes: 1.26, text: 'text\n' }];
    expect(resultPage({ commit: '0123456789abcdef', factor: '100', seed: '5', machine: '2 cores', results })).toBe(
      [
        '# Soak of 0123456789ab',
        '',
        'Commit 0123456789abcdef; factor 100; seed 5; 2 cores.',
        '',
        '| part | result | minutes |',
        '| --- | --- | --- |',
        '| a/b | **failed** | 1.3 |',
        '',
        '## a/b',
        '',
        'text',
        '',
      ].join('\n'),
    );
  });
});
