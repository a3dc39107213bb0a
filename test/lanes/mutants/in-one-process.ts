// Mutation testing without Jest's start for each change: Stryker's instrumenter builds all changes of a target into
// its sources, and one process that has the tests loaded switches them on one after the other. A report of the form
// that Stryker writes comes out.
import { fork } from 'node:child_process';
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { MutationReport, Mutant } from '../soak-report.ts';
import type { ChildTask, Plan, Told } from './child.ts';

/** Written by the lane to a file whose name is the only argument. */
export interface InOneProcess {
  readonly mutate: readonly string[];
  readonly tests: readonly string[];
  readonly sentences: string | null;
  readonly folder: string;
  readonly report: string;
}

interface Made extends Mutant {
  readonly id: string;
  readonly fileName: string;
  readonly mutatorName: string;
  readonly location: Record<'start' | 'end', { readonly line: number; readonly column: number }>;
  status: string;
  noticedBy?: string;
}

const root = fileURLToPath(new URL('../../../', import.meta.url));
const TEST_MS_MAX = Number(process.env['HONNIN_MUTANTS_TEST_MS'] ?? 1_500);
/** Only every so-many-th change is tried: a sample, where a machine has no time for all. */
const EVERY = Number(process.env['HONNIN_MUTANTS_EVERY'] ?? 1);
/** CPU for one change; behind it no further test is asked, and the change counts as missed. */
const MUTANT_MS_MAX = Number(process.env['HONNIN_MUTANTS_MS'] ?? 60_000);
/** A change that hangs is ended after this and ten times what its tests need: a machine may have other work. */
const PATIENCE_MS = 20_000;

/** Words that people read: two spaces between letters. No rule hangs on them, and no test should. */
const WORDS = /[a-z,'’}] [a-z'’$(].* [a-z'’$(]/i;

interface Instrumenter {
  instrument(
    files: readonly { readonly name: string; readonly mutate: boolean; readonly content: string }[],
    options: object,
  ): Promise<{
    readonly files: readonly { readonly name: string; readonly content: string }[];
    readonly mutants: readonly (Omit<Made, 'status'> & { readonly status?: string })[];
  }>;
}

async function instrumented(files: readonly string[]) {
  const fromStryker = createRequire(createRequire(import.meta.url).resolve('@stryker-mutator/core/package.json'));
  const url = pathToFileURL(fromStryker.resolve('@stryker-mutator/instrumenter'));
  const { Instrumenter: Class } = (await import(url.href)) as { Instrumenter: new (logger: object) => Instrumenter };
  const silent = { debug() {}, info() {}, isDebugEnabled: () => false };
  const sources = files.map((name) => ({ name, mutate: true, content: readFileSync(path.join(root, name), 'utf8') }));
  const options = { plugins: null, excludedMutations: [], ignorers: [] };
  const { files: changed, mutants } = await new Class(silent).instrument(sources, options);
  const byName = new Map(sources.map(({ name, content }) => [name, content.split('\n')]));
  const made = mutants.map((mutant, i): Made => {
    if (i % EVERY !== 0 || isNoRegExp(mutant)) return { ...mutant, status: 'Ignored' };
    const status = mutant.mutatorName === 'StringLiteral' && WORDS.test(original(mutant)) ? 'Ignored' : 'Untried';
    return { ...mutant, status: mutant.status ?? status };
  });
  const unreadable = mutants.filter(isNoRegExp).map(({ replacement = '' }) => replacement);
  const readable = (content: string) => unreadable.reduce((text, one) => text.replaceAll(one, '/(?!)/'), content);
  return { made, sources: Object.fromEntries(changed.map(({ name, content }) => [name, readable(content)])), byName };

  /** What stands at the place of a change. Lines of the instrumenter begin with 0. */
  function original({ fileName, location: { start, end } }: Pick<Made, 'fileName' | 'location'>): string {
    const lines = byName.get(fileName)!.slice(start.line, end.line + 1);
    return lines.join(' ').slice(start.column, lines.length > 1 ? undefined : end.column);
  }
}

/** Stryker writes `\V` for `\v`, which is no expression: one such change, and nothing of the file would load. */
function isNoRegExp({ mutatorName, replacement }: Pick<Made, 'mutatorName' | 'replacement'>): boolean {
  const [, source, flags] = (mutatorName === 'Regex' && /^\/(.*)\/([a-z]*)$/s.exec(replacement ?? '')) || [];
  if (source === undefined) return false;
  try {
    return new RegExp(source, flags) === null;
  } catch {
    return true;
  }
}

/** Runs one process over the task; what it tells is written into the changes. @returns the change at which it died */
function run(task: ChildTask, folder: string, hear: (told: Told) => void): Promise<string | null> {
  const file = path.join(folder, 'task.json');
  writeFileSync(file, JSON.stringify(task));
  const child = fork(path.join(root, 'test/lanes/mutants/child.ts'), [file], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const end = () => child.kill('SIGKILL');
  process.once('exit', end);
  let [begun, watch]: [string | null, NodeJS.Timeout | undefined] = [null, undefined];
  child.on('message', (told: Told | { readonly done: true }) => {
    clearTimeout(watch);
    if ('done' in told) return;
    if ('begun' in told) {
      begun = told.begun;
      watch = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS + 10 * told.cpuMs);
    } else if ('mutant' in told) begun = null;
    hear(told);
  });
  return new Promise((done, failed) => {
    child.on('exit', (code) => {
      clearTimeout(watch);
      process.off('exit', end);
      if (code !== 0 && begun === null && !task.fromTheStart) failed(new Error(`the tests ended with ${code}`));
      else done(code === 0 ? null : (begun ?? (task.mutants[0] as string)));
    });
  });
}

async function main({ mutate, tests, sentences, folder, report }: InOneProcess): Promise<void> {
  const files = mutate.flatMap((pattern) => globSync(pattern, { cwd: root })).toSorted();
  const { made, sources, byName } = await instrumented(files);
  const cache = path.join(folder, 'compiled');
  mkdirSync(cache, { recursive: true });
  const byId = new Map(made.map((mutant) => [mutant.id, mutant]));
  let plan: Plan | null = null;
  const common = { sources, tests, sentences, testMsMax: TEST_MS_MAX, mutantMsMax: MUTANT_MS_MAX, cache };
  const hear = (told: Told): void => {
    if ('plan' in told) {
      plan = told.plan;
      for (const [id, why] of Object.entries(told.leftOut)) process.stdout.write(`not run: ${id}: ${why}\n`);
      const cpuS = Object.values(plan.cpuMs).reduce((sum, ms) => sum + ms, 0) / 1000;
      process.stdout.write(`${Object.keys(plan.cpuMs).length} tests, ${cpuS.toFixed(1)} s of CPU\n`);
    } else if ('mutant' in told) {
      const mutant = byId.get(told.mutant)!;
      mutant.status = told.noticedBy === null ? 'Survived' : 'Killed';
      if (told.noticedBy !== null) mutant.noticedBy = told.noticedBy;
      write();
    }
  };
  const untried = () => made.filter(({ status }) => status === 'Untried').map(({ id }) => id);
  const switched = () => untried().filter((id) => plan === null || plan.tests[id] !== undefined);
  for (let left = switched(); left.length > 0; left = switched()) {
    const isFirst = plan === null;
    const task = { ...common, mutants: isFirst ? [] : left, plan, fromTheStart: false };
    const died = await run(task, folder, hear);
    if (died !== null) byId.get(died)!.status = 'Timeout';
  }
  const { loading } = plan as unknown as Plan;
  for (const id of untried()) {
    const mutant = byId.get(id)!;
    if (!loading.includes(id)) mutant.status = 'NoCoverage';
    else if ((await run({ ...common, mutants: [id], plan, fromTheStart: true }, folder, hear)) !== null)
      mutant.status = 'Killed';
  }
  write();

  function write(): void {
    const entries = files.map((file) => {
      const own = made.filter(({ fileName }) => fileName === file).map(countedFromOne);
      return [file, { source: byName.get(file)!.join('\n'), mutants: own }] as const;
    });
    writeFileSync(report, JSON.stringify({ files: Object.fromEntries(entries) } satisfies MutationReport));
  }
}

/** Reports of Stryker begin lines and columns with 1. */
function countedFromOne(mutant: Made): Made {
  const plusOne = ({ line, column }: { line: number; column: number }) => ({ line: line + 1, column: column + 1 });
  const { start, end } = mutant.location;
  return { ...mutant, location: { start: plusOne(start), end: plusOne(end) } };
}

// Whoever ends this ends the process that it has started too: a change may never come back to hear of it.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
if (import.meta.main) await main(JSON.parse(readFileSync(process.argv[2] as string, 'utf8')) as InOneProcess);
