import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { BUDGET_SECONDS, TOTAL_SECONDS } from './budgets.ts';

const tests = fileURLToPath(new URL('../', import.meta.url));

/** What Jest says of a suite, as far as the table needs it. Times in milliseconds since 1970. */
export type SuiteResult = {
  readonly testFilePath: string;
  readonly perfStats: { readonly start: number; readonly end: number };
  readonly numPassingTests: number;
  readonly numFailingTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testExecError?: unknown;
};

type RunResult = { readonly testResults: readonly SuiteResult[]; readonly startTime: number };

type FolderRow = {
  readonly folder: string;
  readonly tests: number;
  readonly seconds: number;
  readonly budget: number | null;
};

/** How many suites the list of the dearest has. */
const DEAREST = 12;

/** Prints where the time of a run went, folder by folder, beside what each may take; the dearest suites; and the three
 *  numbers that end it.
 *  A folder over its budget is said and fails nothing: machines are noisy, and a clock must not decide a change. */
export default class BudgetReporter {
  onRunComplete(_: unknown, { testResults, startTime }: RunResult): void {
    process.stdout.write(`\n${budgetTable(testResults, (Date.now() - startTime) / 1000)}\n`);
    process.stdout.write(`\n${dearestSuites(testResults)}\n`);
    // The plain numbers go last in a run, after the steps that follow the tests; so they are handed over in a file.
    const file = process.env['HONNIN_TEST_NUMBERS'];
    if (file === undefined) process.stdout.write(`\n${numbersLine(testResults)}\n`);
    else writeFileSync(file, `${numbersLine(testResults)}\n`);
  }
}

/** `N passed, N failed, N skipped`; a suite that could not run counts as one failed test. */
export function numbersLine(results: readonly SuiteResult[]): string {
  const sum = (of: (result: SuiteResult) => number): number => results.reduce((total, result) => total + of(result), 0);
  const failed = sum((result) => result.numFailingTests + (couldNotRun(result) ? 1 : 0));
  const skipped = sum((result) => result.numPendingTests + result.numTodoTests);
  return `${sum((result) => result.numPassingTests)} passed, ${failed} failed, ${skipped} skipped`;
}

function couldNotRun({ testExecError, numFailingTests }: SuiteResult): boolean {
  return testExecError !== undefined && testExecError !== null && numFailingTests === 0;
}

/** @param seconds wall time of the whole run; with several workers it is less than the sum of the folders */
export function budgetTable(results: readonly SuiteResult[], seconds: number): string {
  const rows = folderRows(results);
  const over = rows.filter((row) => row.budget !== null && row.seconds > row.budget);
  const count = rows.reduce((sum, row) => sum + row.tests, 0);
  const lines = [
    `${'folder'.padEnd(16)}${'tests'.padStart(7)}${'seconds'.padStart(9)}${'budget'.padStart(8)}`,
    ...rows.map(tableLine),
    tableLine({ folder: 'whole run', tests: count, seconds, budget: TOTAL_SECONDS }),
  ];
  const folders = over.map((row) => row.folder).join(', ');
  if (over.length > 0) lines.push(`over budget: ${folders} (said, not failed: machines are noisy)`);
  if (seconds > TOTAL_SECONDS) {
    const took = `THE WHOLE RUN TOOK ${Math.round(seconds)} SECONDS AND MAY TAKE ${TOTAL_SECONDS}`;
    lines.push(`${took}: if the machine had nothing else to do, make it shorter`);
  }
  return lines.join('\n');
}

/** The suites that took longest, the dearest first: where a run can be made shorter. */
export function dearestSuites(results: readonly SuiteResult[]): string {
  const suites = results
    .map(({ testFilePath, perfStats }) => ({ name: suiteName(testFilePath), seconds: secondsOf(perfStats) }))
    .sort((a, b) => b.seconds - a.seconds || (a.name < b.name ? -1 : 1))
    .slice(0, DEAREST);
  const lines = suites.map(({ name, seconds }) => `${name.padEnd(40)}${seconds.toFixed(1).padStart(9)}`);
  return [`${'dearest suites'.padEnd(40)}${'seconds'.padStart(9)}`, ...lines].join('\n');
}

/** `door/interleavings` for test/door/interleavings.test.ts. */
function suiteName(file: string): string {
  return path
    .relative(tests, file)
    .split(path.sep)
    .join('/')
    .replace(/\.test\.ts$/, '');
}

function secondsOf({ start, end }: SuiteResult['perfStats']): number {
  return (end - start) / 1000;
}

function folderRows(results: readonly SuiteResult[]): FolderRow[] {
  const rows = new Map<string, FolderRow>();
  for (const { testFilePath, perfStats, numPassingTests, numFailingTests } of results) {
    const folder = path.relative(tests, testFilePath).split(path.sep)[0] as string;
    const before = rows.get(folder);
    rows.set(folder, {
      folder,
      tests: (before?.tests ?? 0) + numPassingTests + numFailingTests,
      seconds: (before?.seconds ?? 0) + secondsOf(perfStats),
      budget: BUDGET_SECONDS[folder] ?? null,
    });
  }
  return [...rows.values()].sort((a, b) => (a.folder < b.folder ? -1 : 1));
}

function tableLine({ folder, tests: count, seconds, budget }: FolderRow): string {
  const verdict = budget === null ? 'no budget' : seconds > budget ? 'OVER' : '';
  const cells = `${String(count).padStart(7)}${seconds.toFixed(1).padStart(9)}${String(budget ?? '-').padStart(8)}`;
  return `${folder.padEnd(16)}${cells}  ${verdict}`.trimEnd();
}
