/** Files whose branches have to be taken, and the tests that take them. Paths from the root. */
export interface BranchTarget {
  readonly files: readonly string[];
  readonly tests: readonly string[];
}

/** Share of branches, in per cent, that tests must take; below it the soak fails. */
export const BRANCHES_MIN = 95;

/** Readers of what others send: a branch that no test takes is one of which nobody knows what it answers. */
export const BRANCH_TARGETS: Readonly<Record<string, BranchTarget>> = {
  readers: {
    files: [
      'bundle/bundle',
      'log/bytes',
      'replay/certificate-replay',
      'log/checkpoint',
      'log/cosignature',
      'replay/evidence-name',
      'log/key-succession',
      'log/leaf',
      'log/loss-declaration',
      'lists/list-certificate',
      'log/merkle-tree',
      'log/signed-note',
      'log/tiles',
      'bundle/verify-bundle',
      'lists/verify-list',
    ].map((name) => `src/domain/audit/${name}.ts`),
    tests: [
      'bundle-form',
      'bundle-vectors',
      'certificate-replay',
      'certificate-settings',
      'certificates',
      'compare',
      'formats',
      'honest-and-changed',
      'lists',
      'loss',
      'lying-server',
      'merkle-tree',
      'one-reader',
      'reader-refusals',
      'tile-writer',
      'witnesses',
    ].map((name) => `test/audit/${name}.test.ts`),
  },
  'jpeg-reader': {
    files: ['src/domain/photo/*.ts'],
    tests: ['coefficients', 'photo-problem', 'photo-rules', 'sample-range'].map((name) => `test/photo/${name}.test.ts`),
  },
};

/** Options of Jest for one target. @param folder where `coverage-summary.json` is written */
export function branchOptions({ files, tests }: BranchTarget, folder: string): readonly string[] {
  return [
    '--runTestsByPath',
    ...tests,
    '--coverage',
    // The engine's own counting: it needs no changed code, and modules stay modules.
    '--coverageProvider=v8',
    ...files.map((file) => `--collectCoverageFrom=${file}`),
    '--coverageReporters=json-summary',
    `--coverageDirectory=${folder}`,
  ];
}

type Share = { readonly total: number; readonly covered: number };

/** What Jest's summary in JSON says, as far as it is read here: by file, and `total`. */
export type CoverageSummary = Readonly<Record<string, { readonly branches: Share }>>;

/** @returns share: branches taken of all, in per cent; text: the same by file, in Markdown */
export function branchSection(
  summary: CoverageSummary,
  root: string,
): { readonly share: number; readonly text: string } {
  const { total, ...files } = summary;
  const rows = Object.entries(files).map(
    ([file, { branches }]) =>
      `| ${file.replace(root, '')} | ${branches.total} | ${branches.covered} | ${percent(branches).toFixed(1)} |`,
  );
  const share = total ? percent(total.branches) : 0;
  const head = ['| file | branches | taken | share |', '| --- | --- | --- | --- |'];
  return { share, text: [...head, ...rows, '', `Branches taken: ${share.toFixed(1)} %.`].join('\n') };
}

function percent({ total, covered }: Share): number {
  return total === 0 ? 0 : (100 * covered) / total;
}
