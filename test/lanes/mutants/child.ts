// One process that loads the tests of a target once, with all changes of the source built in and switched off, and
// then runs for each change the tests that come past it. Started by in-one-process.ts; tells it in lines of JSON.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { transformSync } from '@swc/core';
import type { Group, Hook, RegisteredTest } from './test-register.ts';

export interface ChildTask {
  /** Sources with the changes built in, by path. */
  readonly sources: Readonly<Record<string, string>>;
  readonly tests: readonly string[];
  readonly sentences: string | null;
  /** A test that takes more CPU is left out: it would be run for each change. */
  readonly testMsMax: number;
  /** CPU for one change: behind it no further test is asked. */
  readonly mutantMsMax: number;
  /** Changes to try now. */
  readonly mutants: readonly string[];
  /** What the first process has found, for those that come after it. */
  readonly plan: Plan | null;
  /** Whether the one change is on while the files are loaded: for what is only reckoned then. */
  readonly fromTheStart: boolean;
  readonly cache: string;
}

/** Which tests come past a change, quickest first; how often they do in all; changes that only loading comes past. */
export interface Plan {
  readonly tests: Readonly<Record<string, readonly string[]>>;
  readonly hits: Readonly<Record<string, number>>;
  readonly loading: readonly string[];
  /** Milliseconds of each test that is run, quickest first. */
  readonly cpuMs: Readonly<Record<string, number>>;
}

export type Told =
  | { readonly plan: Plan; readonly leftOut: Readonly<Record<string, string>> }
  | { readonly begun: string; readonly cpuMs: number }
  | { readonly mutant: string; readonly noticedBy: string | null };

type Coverage = Record<string, number>;
interface Switch {
  activeMutant?: string | undefined;
  currentTestId?: string | undefined;
  hitCount?: number | undefined;
  hitLimit?: number | undefined;
  mutantCoverage?: { static: Coverage; perTest: Record<string, Coverage> };
}

const root = fileURLToPath(new URL('../../../', import.meta.url));
/** How many times as often as without it a change may be come past: more is a loop that does not end. */
const HITS_FACTOR = 5;
/** A test that has not ended after this is left out. */
const SILENT_MS_MAX = 60_000;
const task = JSON.parse(readFileSync(process.argv[2] as string, 'utf8')) as ChildTask;
const switches: Switch = {};
Object.assign(globalThis, { __stryker__: switches });
process.env['NODE_ENV'] = 'test';

const register = new URL('./test-register.ts', import.meta.url).href;
registerHooks({
  resolve(specifier, context, next) {
    if (specifier === '@jest/globals') return { url: register, shortCircuit: true };
    if (!specifier.startsWith('.') || !specifier.endsWith('.js')) return next(specifier, context);
    const source = new URL(specifier.replace(/\.js$/, '.ts'), context.parentURL);
    return existsSync(source) ? { url: source.href, shortCircuit: true } : next(specifier, context);
  },
  load(url, context, next) {
    if (!url.startsWith('file:') || !url.endsWith('.ts') || url.includes('/node_modules/')) return next(url, context);
    return { format: 'module', source: compiled(fileURLToPath(url)), shortCircuit: true };
  },
});

/** As Jest compiles it (jest.config.js), and kept: each process loads the same files. */
function compiled(file: string): string {
  const source = task.sources[path.relative(root, file)] ?? readFileSync(file, 'utf8');
  const kept = path.join(task.cache, createHash('sha256').update(file).update(source).digest('hex'));
  if (existsSync(kept)) return readFileSync(kept, 'utf8');
  const { code } = transformSync(source, {
    filename: file,
    configFile: false,
    swcrc: false,
    jsc: {
      parser: { syntax: 'typescript', decorators: true },
      transform: { legacyDecorator: true, decoratorMetadata: true },
      target: 'es2022',
      keepClassNames: true,
    },
    module: { type: 'es6' },
  });
  writeFileSync(kept, code);
  return code;
}

function tell(told: Told): void {
  process.send?.(told);
}

/** What happens outside of any test's own promise is the fault of the test that runs. */
let strayed: { readonly error: unknown } | null = null;
for (const event of ['uncaughtException', 'unhandledRejection'] as const)
  process.on(event, (error: unknown) => (strayed ??= { error }));

// Whoever started this is gone: nobody hears any more.
process.on('disconnect', () => process.exit(0));

const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

class Runner {
  private readonly ready = new Map<Group, Promise<void>>();
  private readonly lineage: (group: Group) => readonly Group[];
  /** Whether hooks that run once are changed as well. */
  private readonly hooksAreChanged: boolean;

  constructor(lineage: (group: Group) => readonly Group[], hooksAreChanged: boolean) {
    this.lineage = lineage;
    this.hooksAreChanged = hooksAreChanged;
  }

  /** @returns null, or what a failing test threw */
  async failure(test: RegisteredTest, mutant: string | undefined): Promise<{ readonly error: unknown } | null> {
    const groups = this.lineage(test.group);
    strayed = null;
    try {
      for (const group of groups) await this.prepare(group);
      Object.assign(switches, { activeMutant: mutant, currentTestId: test.id });
      for (const group of groups) await runAll(group, 'beforeEach');
      await test.body();
      for (const group of groups.toReversed()) await runAll(group, 'afterEach');
      return strayed;
    } catch (error) {
      return { error };
    } finally {
      Object.assign(switches, { activeMutant: this.hooksAreChanged ? mutant : undefined, currentTestId: undefined });
    }
  }

  private async prepare(group: Group): Promise<void> {
    let done = this.ready.get(group);
    if (done === undefined) {
      // Once for all changes, therefore without any; what only comes past here is tried from the start.
      switches.currentTestId = 'hooks';
      done = runAll(group, 'beforeAll');
      this.ready.set(group, done);
    }
    await done;
  }

  async finish(): Promise<void> {
    for (const group of [...this.ready.keys()].toReversed()) {
      try {
        await runAll(group, 'afterAll');
      } catch (error) {
        // Hooks compare what the tests left, which here is of changed sources: nothing follows from it.
        process.stderr.write(`afterAll: ${String(error).slice(0, 200)}\n`);
      }
    }
  }
}

async function runAll(group: Group, kind: Hook): Promise<void> {
  for (const hook of group.hooks[kind]) await hook();
}

/** What a test is told to have thrown that only ends where Jest runs it. */
function silence(): Promise<{ readonly error: unknown }> {
  return new Promise((told) => {
    setTimeout(() => told({ error: 'it does not end' }), SILENT_MS_MAX);
  });
}

/** Runs every test twice without any change: what does not pass twice, or takes long, is left out. */
async function planned(runner: Runner, tests: readonly RegisteredTest[]): Promise<Plan> {
  const leftOut: Record<string, string> = {};
  const costs: Record<string, number> = {};
  for (const test of tests) {
    for (let round = 0; round < 2 && leftOut[test.id] === undefined; round += 1) {
      if (round === 1) delete switches.mutantCoverage?.perTest[test.id];
      const before = cpuMs();
      const failed = await Promise.race([runner.failure(test, undefined), silence()]);
      costs[test.id] = cpuMs() - before;
      if (failed) leftOut[test.id] = `it fails when run ${round === 0 ? 'alone' : 'again'}: ${String(failed.error)}`;
      else if (costs[test.id]! > task.testMsMax * (2 - round)) leftOut[test.id] = `${costs[test.id]!.toFixed(0)} ms`;
    }
  }
  const coverage = switches.mutantCoverage ?? { static: {}, perTest: {} };
  const kept = tests.filter(({ id }) => leftOut[id] === undefined).toSorted((a, b) => costs[a.id]! - costs[b.id]!);
  const [byMutant, hits]: [Record<string, string[]>, Record<string, number>] = [{}, {}];
  for (const { id } of kept) {
    for (const [mutant, count] of Object.entries(coverage.perTest[id] ?? {})) {
      (byMutant[mutant] ??= []).push(id);
      hits[mutant] = (hits[mutant] ?? 0) + count;
    }
  }
  const loading = [...Object.keys(coverage.static), ...Object.keys(coverage.perTest['hooks'] ?? {})];
  const plan: Plan = {
    tests: byMutant,
    hits,
    loading: [...new Set(loading)],
    cpuMs: Object.fromEntries(kept.map(({ id }) => [id, costs[id]!])),
  };
  tell({ plan, leftOut });
  return plan;
}

async function main(): Promise<void> {
  if (task.fromTheStart) switches.activeMutant = task.mutants[0];
  const { registered, beginFile, lineage } = (await import(register)) as typeof import('./test-register.ts');
  for (const file of task.tests) {
    beginFile(file);
    await import(pathToFileURL(path.join(root, file)).href);
  }
  const wanted = new RegExp(task.sentences ?? '');
  const tests = registered.filter(({ sentence }) => wanted.test(sentence));
  const runner = new Runner(lineage, task.fromTheStart);
  const plan = task.plan ?? (await planned(runner, tests));
  const byId = new Map(tests.map((test) => [test.id, test]));
  for (const mutant of task.mutants) {
    const ids = task.fromTheStart ? Object.keys(plan.cpuMs) : (plan.tests[mutant] ?? []);
    tell({ begun: mutant, cpuMs: ids.reduce((sum, id) => sum + (plan.cpuMs[id] ?? 0), 0) });
    let noticedBy: string | null = null;
    const limit = task.fromTheStart ? undefined : (plan.hits[mutant] ?? 0) * HITS_FACTOR + 10_000;
    Object.assign(switches, { hitCount: limit && 0, hitLimit: limit });
    const before = cpuMs();
    for (const id of ids) {
      if (cpuMs() - before > task.mutantMsMax) break;
      const test = byId.get(id);
      if (test && (await runner.failure(test, mutant))) noticedBy = id;
      if (noticedBy !== null) break;
    }
    tell({ mutant, noticedBy });
  }
  if (!task.fromTheStart) await runner.finish();
}

void main().then(
  () => process.send?.({ done: true }, () => process.exit(0)),
  (error: unknown) => {
    process.stderr.write(`${(error as Error).stack ?? String(error)}\n`);
    process.exit(70);
  },
);
