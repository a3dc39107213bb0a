import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** What is changed on purpose, and the tests that have to notice. Paths from the root; `*` as in globs. */
export interface MutationTarget {
  readonly mutate: readonly string[];
  readonly tests: readonly string[];
  /** Only tests whose sentence fits are run: those that search for long are of no use here. */
  readonly sentences?: RegExp;
  /** Whether the tests can be run again and again in one process (test/lanes/mutants): none that leaves a world other
   *  than it found it. Without Jest's start a change costs milliseconds, and far more tests can be asked. */
  readonly inOneProcess?: true;
  /** A test that takes more CPU is not asked, ms; default 1,500. */
  readonly testMsMax?: number;
  /** Published suites of case files are part of what notices, where they are there: each path rule of RFC 5280 has its
   * case in PKITS, and ours beside it would say the same again. The score is lower where they are absent. */
  readonly withPublishedSuites?: true;
}

/** Share of changes, in per cent, that tests must notice; below it the soak fails. */
export const SCORE_MIN = 90;

/** Each changed program loads these anew: without the files of other writers, which say the same and load for long. */
const PHOTO_TESTS = ['photo-rules', 'photo-problem', 'coefficients', 'sample-range'].map(
  (name) => `test/photo/${name}.test.ts`,
);

/** Quick ones: those that make whole logs and search for long are not run for each change. */
const NOT_SLOW = /^(?!a bundle that ends between the events of one decision)/;
const NOTE_TESTS = ['formats', 'reader-refusals', 'loss'].map((name) => `test/audit/${name}.test.ts`);
const BUNDLE_TESTS = [
  ...NOTE_TESTS,
  ...['bundle-form', 'bundle-vectors', 'lying-server', 'certificate-settings'].map(
    (name) => `test/audit/${name}.test.ts`,
  ),
];
const VERIFIER_TESTS = [
  ...['undecidable', 'path-rules', 'crl', 'conformance'].map((name) => `test/certificate/${name}.test.ts`),
  'test/audit/certificate-settings.test.ts',
];

/** A part of a target has a name behind a slash, and takes ten minutes at most on two cores. */
export const MUTATION_TARGETS: Readonly<Record<string, MutationTarget>> = {
  hold: {
    mutate: ['src/domain/registration/hold.policy.ts'],
    tests: ['test/domain/hold-policy.test.ts', 'test/domain/registration.test.ts'],
  },
  'jpeg-reader/headers': {
    mutate: ['photo-segments', 'photo-refusal', 'photo-problem', 'photo-frame', 'photo-reader'].map(photoFile),
    tests: PHOTO_TESTS,
  },
  'jpeg-reader/data': {
    mutate: ['huffman-table', 'entropy-bits', 'photo-scan', 'sample-range'].map(photoFile),
    tests: PHOTO_TESTS,
  },
  'door/request': {
    mutate: ['src/application/door/receive-request.ts', 'src/application/door/claims.ts'],
    tests: ['receive-request', 'claims', 'interleavings'].map((name) => `test/door/${name}.test.ts`),
    sentences: /accepted at the door|refused at the door|^a claim|in every order of all their steps/,
  },
  'door/sweep': { mutate: ['src/application/saga/claim-sweep.ts'], tests: ['test/door/claim-sweep.test.ts'] },
  'door/material': {
    mutate: ['src/application/door/received-material.ts'],
    tests: ['test/application/received-material.test.ts'],
  },
  'door/refusals': {
    mutate: ['src/application/door/refusal-budget.ts', 'src/application/door/refuse-at-door.ts'],
    tests: ['test/application/refusal-budget.test.ts', 'test/door/refuse-at-door.test.ts'],
  },
  'door/places': {
    mutate: ['src/api/booth/uploads/upload-places.ts', 'src/api/booth/uploads/upload-pace.ts'],
    tests: ['test/api/upload-places.test.ts'],
  },
  'readers/notes': {
    mutate: [
      'log/signed-note',
      'log/checkpoint',
      'log/key-succession',
      'log/loss-declaration',
      'log/bytes',
      'log/cosignature',
    ].map(auditFile),
    tests: NOTE_TESTS,
    sentences: NOT_SLOW,
    inOneProcess: true,
  },
  'readers/bundles': {
    mutate: ['bundle/bundle', 'log/leaf', 'replay/evidence-name', 'log/merkle-tree', 'log/tiles'].map(auditFile),
    tests: [...NOTE_TESTS, 'test/audit/bundle-form.test.ts', 'test/audit/merkle-tree.test.ts'],
    sentences: NOT_SLOW,
    inOneProcess: true,
  },
  'readers/lists': {
    mutate: ['lists/list-certificate', 'lists/verify-list'].map(auditFile),
    tests: [...BUNDLE_TESTS, 'test/audit/lists.test.ts', 'test/audit/lost-lists.test.ts'],
    sentences: NOT_SLOW,
    testMsMax: 8_000,
    inOneProcess: true,
  },
  'readers/verdicts': {
    mutate: ['bundle/verify-bundle'].map(auditFile),
    tests: [...BUNDLE_TESTS, ...['certificates', 'timestamp', 'receipts'].map((name) => `test/audit/${name}.test.ts`)],
    sentences: NOT_SLOW,
    testMsMax: 8_000,
    inOneProcess: true,
  },
  'readers/certificates': {
    mutate: ['replay/certificate-replay'].map(auditFile),
    tests: ['test/audit/certificate-replay.test.ts'],
    inOneProcess: true,
  },
  'readers/decisions': {
    mutate: ['replay/decision-replay', 'replay/command-of'].map(auditFile),
    tests: ['decision-replay', 'rare-decisions', 'bundle-vectors'].map((name) => `test/audit/${name}.test.ts`),
    sentences: NOT_SLOW,
    testMsMax: 8_000,
    inOneProcess: true,
  },
  'verifier/names': {
    mutate: [
      'x509/path/name-constraints',
      'x509/certificate/name-preparation',
      'x509/certificate/general-name',
      'x509/certificate/distinguished-name',
    ].map(certificateFile),
    tests: [...VERIFIER_TESTS, 'test/certificate/name-rules.test.ts'],
    inOneProcess: true,
    withPublishedSuites: true,
    testMsMax: 8_000,
  },
  'verifier/paths': {
    mutate: ['x509/path/path-verifier', 'x509/path/policy-graph', 'x509/path/profiles'].map(certificateFile),
    tests: VERIFIER_TESTS,
    inOneProcess: true,
    withPublishedSuites: true,
    testMsMax: 8_000,
  },
  'verifier/revocation': {
    mutate: ['crl', 'crl-verifier', 'ocsp-response', 'ocsp-response-verifier'].map((name) =>
      certificateFile(`x509/revocation/${name}`),
    ),
    tests: [...VERIFIER_TESTS, 'test/certificate/status-rules.test.ts'],
    inOneProcess: true,
    withPublishedSuites: true,
    testMsMax: 8_000,
  },
  'verifier/timestamps': {
    mutate: ['src/infrastructure/timestamp/timestamp-verifier.ts'],
    tests: ['test/audit/timestamp.test.ts', 'test/certificate/timestamp-rules.test.ts'],
    inOneProcess: true,
  },
  'verifier/verdicts': {
    mutate: ['jpki/certificate-check', 'jpki/judge-kept-verdict', 'jpki/recompute-verdict'].map(certificateFile),
    tests: [
      'test/certificate/verdict-rules.test.ts',
      'test/audit/certificate-settings.test.ts',
      'test/audit/certificates.test.ts',
    ],
    inOneProcess: true,
  },
  'merkle-tree': { mutate: ['src/domain/audit/log/merkle-tree.ts'], tests: ['test/audit/merkle-tree.test.ts'] },
};

function auditFile(name: string): string {
  return `src/domain/audit/${name}.ts`;
}

function certificateFile(name: string): string {
  return `src/infrastructure/${name}.ts`;
}

function photoFile(name: string): string {
  return `src/domain/photo/${name}.ts`;
}

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
      config: {
        testMatch: target.tests.map((file) => `**/${file}`),
        ...(target.sentences && { testNamePattern: target.sentences.source }),
      },
    },
    coverageAnalysis: 'perTest',
    disableTypeChecks: false,
    ignorePatterns: ['.stryker-tmp', 'bench', 'data', '.bench-*', '*.log'],
    reporters: ['json', 'progress-append-only'],
    jsonReporter: { fileName: path.join(folder, 'mutation.json') },
    tempDirName: path.join(root, '.stryker-tmp'),
    thresholds: { high: 100, low: SCORE_MIN, break: null },
    // A change that never ends costs this much; on a machine with other work a sound test may take long too.
    timeoutMS: 5_000,
    concurrency: 2,
    allowConsoleColors: false,
    fileLogLevel: 'off',
    logLevel: 'warn',
  };
}
