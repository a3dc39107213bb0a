// The lane of hours: every suite that reads soakFactor(), with large numbers and a fresh seed; then mutation testing.
import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { BRANCH_TARGETS, BRANCHES_MIN, branchOptions, branchSection, type CoverageSummary } from './branches.ts';
import { BURNER_SUITES, besideBurner } from './burner.ts';
import { MUTATION_TARGETS, SCORE_MIN, strykerOptions, type MutationTarget } from './mutation.ts';
import { mutationSection, resultPage, suiteSection, type MutationReport, type SoakResult } from './soak-report.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const FACTOR = '100';
const STRYKER = 'node_modules/@stryker-mutator/core/bin/stryker.js';
const IN_ONE_PROCESS = 'test/lanes/mutants/in-one-process.ts';
const DAY_MS = 86_400_000;
const READS_FACTOR = /\bsoak(?:Factor|Count|Seed)\(|HONNIN_SOAK_FACTOR/;

const HELP = `honnin soak: the lane of hours. Runs by hand what CI runs small, and mutation testing.

Usage: ./honnin soak [NAME ...]

  ./honnin soak                       everything: hours to a day
  ./honnin soak certificate/fuzz      one suite
  ./honnin soak mutation:jpeg-reader  one target of mutation testing, in all its parts: each change of the source must
                                      fail a test
  ./honnin soak branches:readers      the branches of a group of readers: each has to be taken by a test
  ./honnin soak burner:whole          all tests, five times beside programs that keep every core busy, and which were
                                      red; burner:journeys/erasure one suite (HONNIN_BURNER_RUNS: how often)
  ./honnin soak --list                the names

Environment
  HONNIN_SOAK_FACTOR  how many times more than in CI (default ${FACTOR})
  HONNIN_SOAK_SEED    the seed to begin with (default: a new one, which is printed and written down)
  HONNIN_MUTANTS_EVERY, HONNIN_MUTANTS_MS
                      for targets that are tried in one process: try only every so-many-th change; milliseconds of CPU
                      behind which a change counts as missed

The result is written to docs/soak/DATE-COMMIT.md, to be read and committed: commit, seeds, numbers, and every change
that no test noticed. Ends with 1 when a suite failed, or when tests notice less than ${SCORE_MIN} % of the changes.
A suite takes part by reading soakFactor() of test/support/soak.ts; it needs to be named nowhere.
`;

type Part = (name: string, run: Run) => SoakResult;

type Run = { readonly factor: string; readonly seed: string; readonly folder: string };

/** Names of the suites that read the factor: `certificate/fuzz` for test/certificate/fuzz.test.ts. */
export function soakSuites(): string[] {
  return readdirSync(path.join(root, 'test'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts') && !file.startsWith('lanes'))
    .filter((file) => READS_FACTOR.test(readFileSync(path.join(root, 'test', file), 'utf8')))
    .map((file) => file.replace(/\.test\.ts$/, ''))
    .sort();
}

/** Every name that a soak knows: suites, then readers whose branches are counted, then what is run beside a burner,
 *  then targets of mutation testing. */
export function soakNames(): string[] {
  const branches = Object.keys(BRANCH_TARGETS).map((name) => `branches:${name}`);
  const burner = BURNER_SUITES.map((name) => `burner:${name}`);
  return [...soakSuites(), ...branches, ...burner, ...Object.keys(MUTATION_TARGETS).map((name) => `mutation:${name}`)];
}

/** A name stands for itself, and for its parts: `mutation:door` for `mutation:door/request` and the others. */
export function partsOf(name: string, names: readonly string[]): readonly string[] {
  return names.filter((known) => known === name || known.startsWith(`${name}/`));
}

function soak(names: readonly string[]): number {
  const run: Run = {
    factor: process.env['HONNIN_SOAK_FACTOR'] ?? FACTOR,
    seed: process.env['HONNIN_SOAK_SEED'] ?? String(randomInt(1, 2 ** 31)),
    folder: mkdtempSync(path.join(tmpdir(), 'honnin-soak-')),
  };
  process.stdout.write(`factor ${run.factor}, seed ${run.seed}: HONNIN_SOAK_SEED=${run.seed} repeats it\n`);
  const results: SoakResult[] = [];
  for (const name of names) {
    process.stdout.write(`\n== ${name}\n`);
    const [kind, target] = name.split(':') as [string, string?];
    const part = target === undefined ? suite : (PARTS[kind] as Part);
    results.push(part(name, run));
    // Written after each part: what hours have found is not lost with the part that comes after.
    writeResult(run, results);
  }
  rmSync(run.folder, { recursive: true, force: true });
  process.stdout.write(`\nwritten: ${path.relative(root, resultFile())}\n`);
  return results.every(({ ok }) => ok) ? 0 : 1;
}

const PRINTED_BYTES_MAX = 256 * 1024 * 1024;

function suite(name: string, { factor, seed, folder }: Run): SoakResult {
  const output = path.join(folder, 'suite.json');
  const started = Date.now();
  const options = ['--json', '--outputFile', output, '--testTimeout', String(DAY_MS)];
  const { status, stdout } = spawnSync(
    process.execPath,
    ['node_modules/jest/bin/jest.js', '--runTestsByPath', `test/${name}.test.ts`, ...options],
    {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
      encoding: 'utf8',
      maxBuffer: PRINTED_BYTES_MAX,
      env: { ...process.env, NODE_ENV: 'test', HONNIN_SOAK_FACTOR: factor, HONNIN_SOAK_SEED: seed },
    },
  );
  const minutes = (Date.now() - started) / 60_000;
  return {
    name,
    ok: status === 0,
    minutes,
    text: suiteSection(JSON.parse(readFileSync(output, 'utf8')) as object, stdout),
  };
}

/** What is before the colon of a name. */
const PARTS: Readonly<Record<string, Part>> = {
  mutation,
  branches,
  burner: (name, { folder }) => besideBurner(name.slice('burner:'.length), { root, folder }),
};

function branches(name: string, { folder }: Run): SoakResult {
  const target = BRANCH_TARGETS[name.slice('branches:'.length)];
  if (target === undefined) throw new Error(`no target ${name}`);
  const started = Date.now();
  const { status } = spawnSync(process.execPath, ['node_modules/jest/bin/jest.js', ...branchOptions(target, folder)], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, NODE_ENV: 'test' },
  });
  const minutes = (Date.now() - started) / 60_000;
  if (status !== 0) return { name, ok: false, minutes, text: 'A test failed; its branches say nothing.\n' };
  const summary = JSON.parse(readFileSync(path.join(folder, 'coverage-summary.json'), 'utf8')) as CoverageSummary;
  const { share, text } = branchSection(summary, root);
  process.stdout.write(`${text}\n`);
  return { name, ok: share >= BRANCHES_MIN, minutes, text };
}

function mutation(name: string, { folder }: Run): SoakResult {
  const target = MUTATION_TARGETS[name.slice('mutation:'.length)];
  if (target === undefined) throw new Error(`no target ${name}`);
  const report = path.join(folder, 'mutation.json');
  const settings = path.join(folder, 'settings.json');
  const ours = { ...target, sentences: target.sentences?.source ?? null, folder, report };
  writeFileSync(settings, JSON.stringify(target.inOneProcess ? ours : strykerOptions(target, folder)));
  const program = target.inOneProcess ? [IN_ONE_PROCESS, settings] : [STRYKER, 'run', settings];
  const started = Date.now();
  const { status } = spawnSync(process.execPath, program, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: mutationSettings(target, folder),
  });
  const minutes = (Date.now() - started) / 60_000;
  if (status !== 0) return { name, ok: false, minutes, text: 'It ended before it had a result.\n' };
  const { score, text } = mutationSection(JSON.parse(readFileSync(report, 'utf8')) as MutationReport);
  return { name, ok: score >= SCORE_MIN, minutes, text };
}

/** Case files from outside are left out where a target does not ask for them: the score tells what the project's own
 * tests hold, the same on each machine. */
function mutationSettings({ withPublishedSuites, testMsMax }: MutationTarget, folder: string): NodeJS.ProcessEnv {
  return {
    ...(testMsMax !== undefined && { HONNIN_MUTANTS_TEST_MS: String(testMsMax) }),
    ...process.env,
    ...(!withPublishedSuites && { HONNIN_SHARED: path.join(folder, 'none') }),
  };
}

function writeResult({ factor, seed }: Run, results: readonly SoakResult[]): void {
  mkdirSync(path.dirname(resultFile()), { recursive: true });
  const machine = `${cpus().length} cores, Node ${process.versions.node}`;
  const clean = git('status', '--porcelain', '--untracked-files=no') === '';
  const commit = `${git('rev-parse', 'HEAD')}${clean ? '' : ' with changes that are not committed'}`;
  writeFileSync(resultFile(), resultPage({ commit, factor, seed, machine, results }));
}

function resultFile(): string {
  const day = new Date().toISOString().slice(0, 10);
  return path.join(root, 'docs/soak', `${day}-${git('rev-parse', '--short', 'HEAD')}.md`);
}

function git(...args: string[]): string {
  return spawnSync('git', args, { cwd: root, encoding: 'utf8' }).stdout?.trim() ?? 'unknown';
}

function main(args: readonly string[]): number {
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(HELP);
    return 0;
  }
  const names = soakNames();
  if (args.includes('--list')) {
    process.stdout.write(`${names.join('\n')}\n`);
    return 0;
  }
  const unknown = args.find((name) => partsOf(name, names).length === 0);
  if (unknown !== undefined) {
    process.stderr.write(`honnin soak: there is no '${unknown}'; './honnin soak --list' says the names\n`);
    return 64;
  }
  return soak(args.length > 0 ? args.flatMap((name) => partsOf(name, names)) : names);
}

if (import.meta.main) process.exitCode = main(process.argv.slice(2));
