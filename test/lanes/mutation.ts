import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** What is changed on purpose, and the tests that have to notice. Paths from the root; `*` as in globs. */
export interface MutationTarget {
  readonly mutate: readonly string[];
  readonly tests: readonly string[];
}

/** Share of changes, in per cent, that tests must notice; below it the soak fails. */
export const SCORE_MIN = 90;

export const MUTATION_TARGETS: Readonly<Record<string, MutationTarget>> = {
  hold: {
    mutate: ['src/domain/registration/hold.policy.ts'],
    tests: ['test/domain/hold-policy.test.ts', 'test/domain/registration.test.ts'],
  },
  'jpeg-reader': {
    mutate: ['src/domain/photo/*.ts'],
    tests: ['test/photo/photo-reader.test.ts', 'test/photo/photo-rules.test.ts'],
  },
  door: {
    mutate: ['src/application/commands/receive-request.ts'],
    tests: ['test/api/door.test.ts'],
  },
  'merkle-tree': {
    mutate: ['src/domain/audit/merkle-tree.ts'],
    tests: ['test/audit/merkle-tree.test.ts'],
  },
};

/** What Stryker is told. Jest runs inside it, with the project's own settings, on a copy of the project.
 *  @param folder for the report and for the copies */
export function strykerOptions(target: MutationTarget, folder: string): Record<string, unknown> {
  return {
    mutate: target.mutate,
    testRunner: 'jest',
    plugins: ['@stryker-mutator/jest-runner'],
    // Tests load ES modules, which need this flag in the process that runs Jest.
    testRunnerNodeArgs: ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'],
    jest: {
      projectType: 'custom',
      configFile: 'jest.config.js',
      enableFindRelatedTests: false,
      config: { testMatch: target.tests.map((file) => `**/${file}`) },
    },
    coverageAnalysis: 'perTest',
    disableTypeChecks: false,
    ignorePatterns: ['.stryker-tmp', 'bench', 'data', '.bench-*', '*.log'],
    reporters: ['json'],
    jsonReporter: { fileName: path.join(folder, 'mutation.json') },
    tempDirName: path.join(root, '.stryker-tmp'),
    thresholds: { high: 100, low: SCORE_MIN, break: null },
    timeoutMS: 10_000,
    concurrency: 2,
    allowConsoleColors: false,
    fileLogLevel: 'off',
    logLevel: 'warn',
  };
}
