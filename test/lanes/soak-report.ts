/** One part of a soak: a suite with large numbers, or a target of mutation testing. */
export interface SoakResult {
  readonly name: string;
  readonly ok: boolean;
  readonly minutes: number;
  /** What is to be told of it, in Markdown. */
  readonly text: string;
}

/** What Stryker's report in JSON says, as far as it is read here. */
export interface MutationReport {
  readonly files: Readonly<Record<string, { readonly mutants: readonly Mutant[]; readonly source: string }>>;
}

export interface Mutant {
  readonly status: string;
  readonly mutatorName: string;
  readonly replacement?: string;
  readonly location: { readonly start: { readonly line: number; readonly column: number } };
}

type JestResult = {
  readonly numPassedTests?: number;
  readonly numFailedTests?: number;
  readonly numPendingTests?: number;
  readonly testResults?: readonly { readonly message?: string; readonly assertionResults: readonly JestTest[] }[];
};

type JestTest = { readonly status: string; readonly fullName: string; readonly failureMessages: readonly string[] };

type Page = {
  readonly commit: string;
  readonly factor: string;
  readonly seed: string;
  readonly machine: string;
  readonly results: readonly SoakResult[];
};

/** The page that is committed under docs/soak. */
export function resultPage({ commit, factor, seed, machine, results }: Page): string {
  const rows = results.map(
    ({ name, ok, minutes }) => `| ${name} | ${ok ? 'passed' : '**failed**'} | ${minutes.toFixed(1)} |`,
  );
  return [
    `# Soak of ${commit.slice(0, 12)}`,
    '',
    `Commit ${commit}; factor ${factor}; seed ${seed}; ${machine}.`,
    '',
    '| part | result | minutes |',
    '| --- | --- | --- |',
    ...rows,
    '',
    ...results.flatMap(({ name, text }) => [`## ${name}`, '', text.trimEnd(), '']),
  ].join('\n');
}

const PRINTED_LINES_MAX = 100;

/** Numbers of a suite, what it printed, and the first lines of each failure; they carry its seed. */
export function suiteSection(result: JestResult, printed = ''): string {
  const { numPassedTests = 0, numFailedTests = 0, numPendingTests = 0, testResults = [] } = result;
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults);
  const failures = tests
    .filter(({ status }) => status === 'failed')
    .map(({ fullName, failureMessages }) => `- ${fullName}\n\n${indented(failureMessages.join('\n'))}\n`);
  const unrun = testResults.filter(({ assertionResults }) => assertionResults.length === 0);
  const numbers = `${numPassedTests} passed, ${numFailedTests} failed, ${numPendingTests} skipped.`;
  // What was measured is worth more than that it was enough.
  const lines = printed.split('\n').filter((line) => line.trim() !== '');
  const said =
    lines.length === 0
      ? []
      : [
          `${lines
            .slice(-PRINTED_LINES_MAX)
            .map((line) => `    ${line}`)
            .join('\n')}\n`,
        ];
  return [numbers, '', ...said, ...failures, ...unrun.map(({ message = '' }) => indented(message))].join('\n');
}

export interface BurnerRun {
  readonly seconds: number;
  readonly result: JestResult;
}

/** How often each test was red, and its first words. */
export function burnerSection(runs: readonly BurnerRun[]): { readonly ok: boolean; readonly text: string } {
  const rows = runs.map(
    ({ seconds, result: { numPassedTests = 0, numFailedTests = 0, numPendingTests = 0 } }, index) =>
      `| ${index + 1} | ${numPassedTests} | ${numFailedTests} | ${numPendingTests} | ${seconds.toFixed(0)} |`,
  );
  const red = runs.flatMap(({ result: { testResults = [] } }) =>
    testResults.flatMap(({ message = '', assertionResults }): readonly JestTest[] =>
      assertionResults.length === 0
        ? [{ status: 'failed', fullName: 'a suite that did not run', failureMessages: [message] }]
        : assertionResults.filter(({ status }) => status === 'failed'),
    ),
  );
  const names = [...new Set(red.map(({ fullName }) => fullName))];
  const told = names.map((name) => {
    const of = red.filter(({ fullName }) => fullName === name);
    return `- red ${of.length} times: ${name}\n\n${indented(of[0]?.failureMessages.join('\n') ?? '')}\n`;
  });
  const isEmpty = runs.some(({ result: { numPassedTests = 0 } }) => numPassedTests === 0);
  return {
    ok: red.length === 0 && !isEmpty,
    text: [
      '| run | passed | red | skipped | seconds |',
      '| --- | --- | --- | --- | --- |',
      ...rows,
      '',
      names.length === 0 ? 'No test was red.' : 'Red beside the burner:',
      '',
      ...told,
    ].join('\n'),
  };
}

function indented(text: string): string {
  // Colours of a terminal are of no use in a file.
  const plain = text.replaceAll(/\u001b\[[0-9;]*m/g, '');
  return plain
    .split('\n')
    .slice(0, 20)
    .map((line) => `      ${line}`)
    .join('\n');
}

/** @returns score: noticed changes of all that could be noticed, in per cent; text: numbers per file, each survivor */
export function mutationSection({ files }: MutationReport): { readonly score: number; readonly text: string } {
  const mutants = Object.values(files).flatMap((file) => file.mutants);
  const rows = Object.entries(files).map(([file, { mutants: own }]) => {
    const { noticed, missed } = counts(own);
    return `| ${file} | ${noticed + missed} | ${noticed} | ${missed} | ${percent(own).toFixed(1)} |`;
  });
  const survivors = Object.entries(files).flatMap(([file, { mutants: own, source }]) =>
    own.filter(({ status }) => MISSED.includes(status)).map((mutant) => survivorLine(file, source, mutant)),
  );
  return {
    score: percent(mutants),
    text: [
      '| file | changes | noticed | missed | score |',
      '| --- | --- | --- | --- | --- |',
      ...rows,
      '',
      `Score ${percent(mutants).toFixed(1)} %. ${survivors.length === 0 ? 'No change was missed.' : 'Missed:'}`,
      '',
      ...survivors,
    ].join('\n'),
  };
}

const NOTICED = ['Killed', 'Timeout'];
const MISSED = ['Survived', 'NoCoverage'];

/** A change that does not compile or that Stryker was told to leave alone says nothing about the tests. */
function counts(mutants: readonly Mutant[]): { readonly noticed: number; readonly missed: number } {
  return {
    noticed: mutants.filter(({ status }) => NOTICED.includes(status)).length,
    missed: mutants.filter(({ status }) => MISSED.includes(status)).length,
  };
}

function percent(mutants: readonly Mutant[]): number {
  const { noticed, missed } = counts(mutants);
  return noticed + missed === 0 ? 0 : (100 * noticed) / (noticed + missed);
}

function survivorLine(file: string, source: string, mutant: Mutant): string {
  const { line, column } = mutant.location.start;
  const how = mutant.status === 'NoCoverage' ? 'run by no test' : mutant.mutatorName;
  const before = source.split('\n')[line - 1] ?? '';
  return `- ${file}:${line}:${column} ${how}: \`${asCode(before)}\` → \`${asCode(mutant.replacement ?? '')}\``;
}

function asCode(text: string): string {
  return text.trim().replaceAll(/\s+/g, ' ').replaceAll('`', "'").slice(0, 100);
}
