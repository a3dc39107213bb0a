import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import path from 'node:path';
import { burnerSection, type BurnerRun, type SoakResult } from './soak-report.ts';

/** What is run beside a burner: everything, and the suites that a busy machine has made red before. */
export const BURNER_SUITES: readonly string[] = ['whole', 'journeys/erasure', 'kafka/consumers'];
const RUNS = 5;

/** Runs tests again and again while every core is busy with something else: a test that fails then is a fault of the
 *  test. HONNIN_BURNER_RUNS says how often.
 *  @param suite `whole`, or a suite as `journeys/erasure` */
export function besideBurner(
  suite: string,
  { root, folder }: { readonly root: string; readonly folder: string },
): SoakResult {
  const runs = Number(process.env['HONNIN_BURNER_RUNS'] ?? RUNS);
  if (!Number.isSafeInteger(runs) || runs < 1) throw new Error('HONNIN_BURNER_RUNS must be a whole number from 1 on');
  const only = suite === 'whole' ? [] : ['--runTestsByPath', `test/${suite}.test.ts`];
  const output = path.join(folder, 'burner.json');
  const burners = cpus().map(() => spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }));
  const started = Date.now();
  try {
    const results = Array.from({ length: runs }, (): BurnerRun => {
      const begun = Date.now();
      spawnSync(process.execPath, ['node_modules/jest/bin/jest.js', ...only, '--json', '--outputFile', output], {
        cwd: root,
        stdio: ['ignore', 'ignore', 'inherit'],
        env: { ...process.env, NODE_ENV: 'test' },
      });
      return { seconds: (Date.now() - begun) / 1000, result: JSON.parse(readFileSync(output, 'utf8')) as object };
    });
    const { ok, text } = burnerSection(results);
    return { name: `burner:${suite}`, ok, minutes: (Date.now() - started) / 60_000, text };
  } finally {
    for (const burner of burners) burner.kill('SIGKILL');
  }
}
