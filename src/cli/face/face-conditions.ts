import { writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import type { RateWithBound } from '../../infrastructure/face/evaluation/by-quality.js';
import {
  conditionsNamed,
  extractAll,
  labelledPictures,
  listedPairs,
  pairsOf,
  type Condition,
  type LabelledPicture,
} from '../../infrastructure/face/evaluation/conditions.js';
import {
  reportConditions,
  type ConditionRow,
  type ConditionsReport,
} from '../../infrastructure/face/evaluation/conditions-report.js';
import { EmbeddingStore } from '../../infrastructure/face/evaluation/embedding-store.js';
import { EXIT, UsageError } from '../command.js';
import {
  ENGINE_OPTIONS,
  LIST_OPTIONS,
  readList,
  reportedSets,
  refuseMissing,
  withComparer,
  type EngineValues,
  type LabelledList,
} from './face-lists.js';
import { modelCacheDir } from './models.js';
import { ProgressBar } from '../progress-bar.js';

const say = (line = ''): void => void process.stdout.write(`${line}\n`);
const COLUMNS = [
  'both pictures',
  'same, different pairs',
  'FMR match',
  'cross-validated',
  'FMR referral',
  'cross-validated',
  'FMRs, recalibrated',
  'FNMR match',
  'FNMR referral',
  'EER (95 % over people)',
];
const SPLITS = 20;
const PEOPLE_MIN = 6;

/** `honnin face conditions`. @returns 0 where every bound holds, 1 where one does not */
export async function conditions(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      ...ENGINE_OPTIONS,
      ...LIST_OPTIONS,
      set: { type: 'string', multiple: true },
      json: { type: 'string' },
      embeddings: { type: 'string' },
      splits: { type: 'string' },
      only: { type: 'string' },
    },
  });
  const splits = Number(values.splits ?? SPLITS);
  if (!(Number.isInteger(splits) && splits >= 1 && splits <= 200))
    throw new UsageError('--splits is a whole number 1..200');
  const labelled = await readList(values);
  const pictures = labelledPictures(labelled.list);
  const people = new Set(pictures.map(({ person }) => person)).size;
  if (people < PEOPLE_MIN)
    throw new UsageError(`${people} people; to fit to one half and test with the other takes ${PEOPLE_MIN}`);
  const chosen = conditionsNamed(values.only ?? '');
  const folder = path.resolve(values.embeddings ?? defaultFolder());
  const reports: ConditionsReport[] = [];
  for (const set of values.set ?? (await reportedSets(modelCacheDir(values.cache)))) {
    const report = await measured({ ...values, set }, { labelled, pictures, chosen, folder, splits });
    print(report);
    reports.push(report);
  }
  if (reports.length > 1) printBeside(reports);
  if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(reports, null, 2)}\n`);
  say(`\nEmbeddings are in ${folder}, for the next run. They are biometric data: delete them when you are done.`);
  return reports.every(({ held }) => held) ? EXIT.ok : EXIT.failed;
}

interface Work {
  readonly labelled: LabelledList;
  readonly pictures: readonly LabelledPicture[];
  readonly chosen: readonly Condition[];
  readonly folder: string;
  readonly splits: number;
}

async function measured(
  values: EngineValues,
  { labelled: { list, root, primary }, pictures, chosen, folder, splits }: Work,
): Promise<ConditionsReport> {
  const progress = new ProgressBar('pictures', 'pictures');
  return withComparer(values, async (comparer) => {
    const set = comparer.modelSet();
    const listed = [...new Set(list.flatMap(({ a, b }) => [a, b]))];
    const onProgress = (done: number, total: number): void => progress.show(done, total);
    const extracts = await extractAll(
      comparer,
      new EmbeddingStore(folder, set),
      { listed, pictures },
      { conditions: chosen, root, primary, onProgress },
    ).catch(refuseMissing);
    const named = [...new Set(list.map(({ condition }) => condition))];
    process.stderr.write('counting ...\n');
    return reportConditions(
      {
        conditions: chosen.map((condition) => ({ condition, pairs: pairsOf(condition, pictures, extracts, set) })),
        listed: named.map((name) => ({
          condition: { name: `as listed: ${name}`, bounded: false, fitted: false },
          pairs: listedPairs(list, name, extracts, set),
        })),
      },
      set,
      splits,
    );
  });
}

/** Beside the models, never in a project's folder. */
function defaultFolder(): string {
  const base = process.env['XDG_CACHE_HOME'];
  return path.join(
    base !== undefined && path.isAbsolute(base) ? base : path.join(homedir(), '.cache'),
    'honnin',
    'face-conditions',
  );
}

function print({
  algorithm,
  people,
  pictures,
  splits,
  fittedToAll,
  conditions: rows,
  listed,
  held,
}: ConditionsReport): void {
  say(`${algorithm.id} ${algorithm.version}`);
  say(`${pictures} pictures of ${people} people; cross-validated over ${splits} splits of the people in two halves`);
  say("% at the set's marks: if no quality counted → as the set scores (upper 95 % bound by Wilson;");
  say('pairs share people, so the truth may lie beyond); cross-validated: fitted to one half, tested with the other;');
  say('recalibrated: curve and marks fitted to that half as well, by the way of face calibrate');
  say(`\n| ${COLUMNS.join(' | ')} |`);
  say(`| ${COLUMNS.map(() => '---').join(' | ')} |`);
  for (const row of [...rows, ...listed]) say(lineOf(row));
  say('\npairs of one person under the default policy: accepted / before two officers / no match');
  for (const {
    name,
    genuine: { match, officers, noMatch },
  } of rows)
    say(`  ${name.padEnd(38)} ${[match, officers, noMatch].map((share) => one(share)).join(' / ')}`);
  say(`\nfitted to everybody: ${JSON.stringify(fittedToAll)}`);
  for (const { name, bounded, beyond } of rows)
    for (const words of beyond)
      say(`${bounded ? 'NOT HELD' : 'beyond the bounds, which are not asked of it'}: ${name}: ${words}`);
  const moved = rows.filter(({ bounded, recalibratedBeyond }) => bounded && recalibratedBeyond.length > 0);
  if (moved.length > 0) {
    say(`marks calibrated to half of these people alone would let more through in ${moved.length} of them:`);
    for (const { name, recalibratedBeyond } of moved) say(`  ${name}: ${recalibratedBeyond.join('; ')}`);
  }
  say(held ? 'every bound holds' : 'not every bound holds');
}

/** One line a condition, one column a set. */
function printBeside(reports: readonly ConditionsReport[]): void {
  say('\nside by side: FMR at the match mark / FNMR at the match mark / EER');
  say(`| both pictures | ${reports.map(({ algorithm }) => algorithm.id).join(' | ')} |`);
  say(`| --- | ${reports.map(() => '---').join(' | ')} |`);
  const rowsOf = ({ conditions: rows, listed }: ConditionsReport): readonly ConditionRow[] => [...rows, ...listed];
  for (const [i, { name }] of rowsOf(reports[0]!).entries()) {
    const cells = reports.map((report) => {
      const { shipped, eer } = rowsOf(report)[i]!;
      return `${two(shipped.match.fmr.rate)} / ${one(shipped.match.fnmr.rate)} / ${two(eer.rate)}`;
    });
    say(`| ${name} | ${cells.join(' | ')} |`);
  }
}

function lineOf({ name, bounded, shipped, uncorrected, crossValidated, recalibrated, eer }: ConditionRow): string {
  const cells = [
    bounded ? name : `${name} *`,
    `${shipped.pairs.same}, ${shipped.pairs.different}`,
    `${two(uncorrected.match.fmr.rate)} → ${bounded95(shipped.match.fmr)}`,
    crossValidated === null ? '' : bounded95(crossValidated.match.fmr),
    `${one(uncorrected.refer.fmr.rate)} → ${one(shipped.refer.fmr.rate)}`,
    crossValidated === null ? '' : one(crossValidated.refer.fmr.rate),
    recalibrated === null ? '' : `${two(recalibrated.match.fmr.rate)} / ${one(recalibrated.refer.fmr.rate)}`,
    `${one(uncorrected.match.fnmr.rate)} → ${one(shipped.match.fnmr.rate)} (${one(shipped.match.fnmr.upper95)})`,
    `${one(uncorrected.refer.fnmr.rate)} → ${one(shipped.refer.fnmr.rate)}`,
    `${two(eer.rate)} (${two(eer.range95.from)} to ${two(eer.range95.to)})`,
  ];
  return `| ${cells.join(' | ')} |`;
}

const bounded95 = ({ rate, upper95 }: RateWithBound): string => `${two(rate)} (${two(upper95)})`;
const one = (share: number | null): string => (share === null ? '-' : (100 * share).toFixed(1));
const two = (share: number | null): string => (share === null ? '-' : (100 * share).toFixed(2));
