import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { readPhoto } from '../../domain/photo/photo-reader.js';
import { DEFAULT_POLICY } from '../../domain/policy/policy.js';
import { DISTANCE_SCALE } from '../../domain/registration/face-score.js';
import { explainScore } from '../../domain/registration/explain-score.js';
import { ModelError } from '../../infrastructure/face/build-models/build-models.js';
import { suggestedBands } from '../../infrastructure/face/engine/calibration.js';
import type { RateWithBound } from '../../infrastructure/face/evaluation/by-quality.js';
import { proposeCalibration } from '../../infrastructure/face/evaluation/calibrate.js';
import { evaluate, type Evaluation, type EvaluationReport } from '../../infrastructure/face/evaluation/evaluate.js';
import { PairListError } from '../../infrastructure/face/evaluation/pair-list.js';
import { detPlot, histogramPlot } from '../../infrastructure/face/evaluation/plots.js';
import { DEFAULT_MODEL_SET } from '../../infrastructure/face/model-set/model-set.js';
import { saveModelSet } from '../../infrastructure/face/model-set/model-set-file.js';
import type { OnnxFaceComparer } from '../../infrastructure/face/onnx-face-comparer.js';
import { EXIT, UsageError, type CliCommand } from '../command.js';
import { conditions } from './face-conditions.js';
import {
  ENGINE_OPTIONS,
  LIST_OPTIONS,
  readList,
  readPicture,
  refuseMissing,
  reportedSets,
  withComparer,
  type EngineValues,
} from './face-lists.js';
import { modelCacheDir } from './models.js';
import { ProgressBar } from '../progress-bar.js';

const say = (line = ''): void => void process.stdout.write(`${line}\n`);

const ACTIONS = 'compare, evaluate, conditions or calibrate';

export const command: CliCommand = {
  help: `
Compares faces, measures how well the comparer does on labelled pictures, and calibrates it to them.

  ./honnin face compare A B [--json]
      compares two pictures (JPEG, PNG, JPEG 2000) as the server compares a capture A with a card or registered
      picture B, and says what the score means, and of a picture that the door would refuse what it did
      to read it; ends with 0 (match), 1 (no match) or 2 (cannot tell)
  ./honnin face evaluate --pairs FILE [--root DIR] [--json FILE] [--plots DIR] [--scores FILE]
      error rates per condition on a labelled list; a picture without a usable face counts as a non-match
  ./honnin face conditions --pairs FILE [--root DIR] [--set ID]... [--only TEXT] [--json FILE]
      alters the photographs of the list's first condition (size, colour, blur, compression, noise, light)
      and tells rates of each kind at both marks with upper bounds: as the set scores, and cross-validated,
      what quality takes being fitted to one half of the people and tested with the other; ends with 1
      where a bound does not hold; minutes at first, seconds again (embeddings are kept)
  ./honnin face calibrate --pairs FILE [--root DIR] --out DIR [--id NAME] [--fmr RATE] [--install]
      fits the points to your own labelled pictures; writes a model set and a policy proposal

Options
  --pairs FILE    CSV with the columns a, b, same (1/0) and condition, in any order; other columns are ignored
  --root DIR      folder that the paths in the list start from; default: the folder of the list
  --primary RULE  which face counts where there are several: prominent (large and central, default), largest, centre
  --json FILE     write the report; the plots go beside it as FILE-det.svg and FILE-histograms.svg
  --plots DIR     write det.svg and histograms.svg there
  --scores FILE   write each pair with its distance as CSV
  --splits N      conditions: how often the people are split; default 20
  --only TEXT     conditions: only those whose name holds it, and sharp colour
  --embeddings DIR
                  conditions: where embeddings are kept, which are biometric data; default: in your cache folder
  --fmr RATE      calibrate: share of different-person pairs that may match outright; default 0.001
  --set ID|FILE   model set; default ${DEFAULT_MODEL_SET.id}
  --cache DIR     folder of the models; default: HONNIN_MODEL_CACHE, or honnin/models in your cache folder
  --workers N     worker threads; default 2, or 1 on one core

Example
  ./honnin face evaluate --pairs pairs.csv --json evaluation.json
`,
  async run([action, ...args]) {
    try {
      if (action === 'compare') return await compare(args);
      if (action === 'evaluate') return await evaluateList(args);
      if (action === 'conditions') return await conditions(args);
      if (action === 'calibrate') return await calibrate(args);
    } catch (error) {
      if (error instanceof PairListError) throw new UsageError(error.message);
      // A list that cannot carry rates or a curve is the operator's to change.
      if (!(error instanceof ModelError || error instanceof RangeError)) throw error;
      process.stderr.write(`honnin face: ${error.message}\n`);
      return EXIT.failed;
    }
    throw new UsageError(action === undefined ? `say ${ACTIONS}` : `there is no 'face ${action}'; say ${ACTIONS}`);
  },
};

/** What is done with a picture that the door would refuse. */
function beyondPlain(name: string, bytes: Uint8Array): string[] {
  const reading = readPhoto(bytes);
  if (reading.outcome === 'plain' || isJpeg2000(bytes)) return [];
  const { reason, segment, byte } = reading;
  const done =
    reason === 'not_a_jpeg'
      ? 'read all the same'
      : 'turned upright by its EXIF and read by its profile, if it has them';
  return [`${name} is not a plain JPEG (${reason}: ${segment}, byte ${byte}), which the door would refuse; ${done}`];
}

function isJpeg2000(bytes: Uint8Array): boolean {
  return (bytes[4] === 0x6a && bytes[5] === 0x50) || (bytes[0] === 0xff && bytes[1] === 0x4f);
}

async function compare(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { ...ENGINE_OPTIONS, json: { type: 'boolean' } },
  });
  const [a, b] = positionals;
  if (a === undefined || b === undefined || positionals.length > 2) throw new UsageError('name two pictures');
  const [captured, card] = [await readPicture(a), await readPicture(b)];
  return withComparer({ workers: '1', ...values }, async (comparer) => {
    // Said apart from the result: the server would refuse what is read here all the same.
    for (const note of [...beyondPlain(a, captured), ...beyondPlain(b, card)]) process.stderr.write(`${note}\n`);
    const ended = await comparer.compareInDetail({ captured, card, registered: null });
    const algorithm = comparer.algorithm();
    const cannotTell = (why: Record<string, string>): number => {
      if (values.json) say(JSON.stringify({ ...why, algorithm }, null, 2));
      else say(`cannot tell: ${Object.values(why).slice(1).join(': ')}`);
      return EXIT.unknown;
    };
    if (ended.outcome !== 'done') return cannotTell({ outcome: 'unknown', cause: ended.outcome, detail: ended.detail });
    if (ended.result.kind === 'refused') {
      const { image, reason, detail } = ended.result;
      return cannotTell({ outcome: 'not_comparable', image: image === 'captured' ? a : b, reason, detail });
    }
    const {
      scores: { cardPoints, basis },
      quality,
      signals,
    } = ended.result;
    const marks = marksOf(comparer);
    const words = explainScore(cardPoints, { ...marks, holdInReferralBand: DEFAULT_POLICY.holdInReferralBand });
    if (values.json)
      say(
        JSON.stringify(
          {
            outcome: 'compared',
            points: cardPoints,
            distance: basis.card.distance / DISTANCE_SCALE,
            correction: basis.card.correction / DISTANCE_SCALE,
            doubts: basis.doubts,
            measures: { [a]: basis.captured, [b]: basis.card.measures },
            band: words.band,
            marks,
            words: { ja: words.ja, en: words.en },
            signals: { nearDuplicate: signals.nearDuplicateOfCard },
            quality,
            algorithm,
          },
          null,
          2,
        ),
      );
    else {
      say(
        `${cardPoints} points (distance ${(basis.card.distance / DISTANCE_SCALE).toFixed(4)}, ${(basis.card.correction / DISTANCE_SCALE).toFixed(4)} added for the pictures' quality): ${words.band}`,
      );
      say(words.en);
      say(words.ja);
      if (signals.nearDuplicateOfCard === true) say('The two pictures are copies of one photograph, or nearly so.');
      say(`${algorithm.id} ${algorithm.version}`);
    }
    return { match: EXIT.ok, no_match: EXIT.failed, refer: EXIT.unknown }[words.band];
  });
}

/** The marks that the model set suggests, in the policy's words. */
function marksOf(comparer: OnnxFaceComparer): { cardMatchPointsMin: number; referralPointsMin: number } {
  const { matchPointsMin, referPointsMin } = suggestedBands(comparer.modelSet());
  return { cardMatchPointsMin: matchPointsMin, referralPointsMin: referPointsMin };
}

async function measured(
  values: EngineValues & Parameters<typeof readList>[0],
): Promise<{ evaluation: Evaluation; comparer: OnnxFaceComparer }> {
  const { list, root, primary } = await readList(values);
  const progress = new ProgressBar('images', 'images');
  return withComparer(values, async (comparer) => {
    const onProgress = (done: number, total: number): void => progress.show(done, total);
    const evaluation = await evaluate(comparer, list, { root, primary, onProgress }).catch(refuseMissing);
    return { evaluation, comparer };
  });
}

async function evaluateList(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      ...ENGINE_OPTIONS,
      ...LIST_OPTIONS,
      json: { type: 'string' },
      plots: { type: 'string' },
      scores: { type: 'string' },
    },
  });
  const { set: asked, ...others } = values;
  const [first = DEFAULT_MODEL_SET.id, ...more] =
    asked === undefined ? await reportedSets(modelCacheDir(values.cache)) : [asked];
  const { evaluation, comparer } = await measured({ ...others, set: first });
  printReport(evaluation.report);
  const beside: EvaluationReport[] = [];
  for (const set of more) beside.push((await measured({ ...others, set })).evaluation.report);
  if (beside.length > 0) printBeside([evaluation.report, ...beside]);
  if (values.json !== undefined)
    await writeText(values.json, `${JSON.stringify({ ...evaluation.report, beside }, null, 2)}\n`);
  if (values.scores !== undefined) await writeText(values.scores, scoresCsv(evaluation));
  await plot(values, evaluation, comparer);
  return EXIT.ok;
}

/** The same list by other sets: rates per condition in one line each. */
function printBeside(reports: readonly EvaluationReport[]): void {
  say("\nside by side: EER, FNMR at FMR 1e-3, and FMR / FNMR at the set's match mark");
  for (const name of Object.keys(reports[0]?.conditions ?? {})) {
    say(name);
    for (const {
      algorithm,
      conditions: { [name]: condition },
    } of reports) {
      const { rates, bands } = condition ?? {};
      const words =
        rates && bands
          ? `${percent(rates.eer)}, ${percent(rates.at[1]?.fnmr ?? NaN)}, ${percent(bands.match.fmr)} / ${percent(bands.match.fnmr)}`
          : 'no rates';
      say(`  ${algorithm.id.padEnd(44)} ${words}`);
    }
  }
}

async function plot(
  values: { json?: string; plots?: string },
  evaluation: Evaluation,
  comparer: OnnxFaceComparer,
): Promise<void> {
  const stem = values.json?.replace(/\.json$/i, '');
  const plots =
    values.plots !== undefined
      ? [path.join(values.plots, 'det.svg'), path.join(values.plots, 'histograms.svg')]
      : stem !== undefined
        ? [`${stem}-det.svg`, `${stem}-histograms.svg`]
        : [];
  const [det, histograms] = plots;
  if (det === undefined || histograms === undefined) return;
  const named = plottable(evaluation);
  const { id, version } = comparer.algorithm();
  const { matchDistanceMax, referDistanceMax } = comparer.modelSet().suggestedBands;
  await writeText(det, detPlot(named, `Error rates, ${id} ${version}`));
  await writeText(
    histograms,
    histogramPlot(
      named,
      [
        { distance: matchDistanceMax, label: 'match' },
        { distance: referDistanceMax, label: 'refer' },
      ],
      `Distances, ${id} ${version}`,
    ),
  );
  say(`\nplots: ${det}, ${histograms}`);
}

/** A plot needs both kinds of pairs. */
function plottable({ report, pairs }: Evaluation): { name: string; pairs: Evaluation['pairs'] }[] {
  return Object.entries(report.conditions)
    .filter(([, condition]) => condition.rates !== null)
    .map(([name]) => ({ name, pairs: pairs.filter((pair) => pair.condition === name) }));
}

async function writeText(file: string, text: string): Promise<void> {
  await mkdir(path.dirname(path.resolve(file)), { recursive: true });
  await writeFile(file, text);
}

function scoresCsv({ pairs }: Evaluation): string {
  const quoted = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const rows = pairs.map(({ a, b, same, condition, distance }) =>
    [quoted(a), quoted(b), same ? '1' : '0', quoted(condition), Number.isFinite(distance) ? String(distance) : ''].join(
      ',',
    ),
  );
  return `${['a,b,same,condition,distance', ...rows].join('\n')}\n`;
}

const percent = (share: number): string => `${(share * 100).toFixed(2)} %`;

function printReport({ algorithm, images, timing, conditions, byQuality }: EvaluationReport): void {
  say(`${algorithm.id} ${algorithm.version}`);
  say(
    `${images.enrolled} of ${images.total} images enrolled; ${timing.msPerImage.p50.toFixed(0)} ms per image (p50), ${timing.msPerImage.p95.toFixed(0)} ms (p95), ${timing.imagesPerSecond.toFixed(1)} images/s with ${timing.workers} workers`,
  );
  for (const { image, reason, detail } of images.failed.slice(0, 20))
    say(`  not enrolled: ${image}: ${reason} (${detail})`);
  if (images.failed.length > 20) say(`  and ${images.failed.length - 20} more (see --json)`);
  for (const [name, { pairs, pairsWithFailure, rates, noRates, ranges95, bands }] of Object.entries(conditions)) {
    say(
      `\n${name}: ${pairs.same} same-person and ${pairs.different} different-person pairs, ${pairsWithFailure.same + pairsWithFailure.different} with a picture that was not enrolled`,
    );
    if (!rates || !ranges95 || !bands) {
      say(`  no rates: ${noRates}`);
      continue;
    }
    const range = ({ from, to }: { from: number; to: number }): string =>
      `95 % range ${percent(from)} to ${percent(to)}`;
    say(`  EER                ${percent(rates.eer).padStart(8)}   ${range(ranges95.eer)}`);
    for (const [i, { fmrMax, fnmr, distanceMax, pointsMin, resolved }] of rates.at.entries()) {
      const mark =
        distanceMax === null ? 'nothing matches' : `distance up to ${distanceMax.toFixed(4)}, ${pointsMin} points`;
      say(
        `  FNMR at FMR ${fmrMax.toExponential(0)}  ${percent(fnmr).padStart(8)}   ${range(ranges95.fnmrAt[i]!)}; ${mark}${resolved ? '' : '; too few different-person pairs to resolve this rate'}`,
      );
    }
    say(
      `  outright match from ${bands.match.pointsMin} points: FNMR ${percent(bands.match.fnmr)}, FMR ${percent(bands.match.fmr)}; referral from ${bands.refer.pointsMin}: FNMR ${percent(bands.refer.fnmr)}, FMR ${percent(bands.refer.fmr)}`,
    );
    say(
      `  ranges: ${ranges95.draws} draws of ${ranges95.units} ${ranges95.over}${ranges95.over === 'pairs' ? ' (too narrow: pairs share people)' : ''}`,
    );
  }
  say(
    '\nby the pictures, over all conditions (in brackets the 95 % range): FMR and FNMR at the match mark, FMR and FNMR at the referral mark',
  );
  for (const [name, { pairs, match, refer }] of Object.entries(byQuality)) {
    const rates = [match.fmr, match.fnmr, refer.fmr, refer.fnmr].map(withRange);
    say(`  ${name.padEnd(34)} ${pairs.same} same, ${pairs.different} different: ${rates.join(', ')}`);
  }
}

function withRange({ rate, lower95, upper95 }: RateWithBound): string {
  return rate === null || lower95 === null || upper95 === null
    ? '-'
    : `${percent(rate)} (${percent(lower95)} to ${percent(upper95)})`;
}

async function calibrate(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      ...ENGINE_OPTIONS,
      ...LIST_OPTIONS,
      out: { type: 'string' },
      id: { type: 'string' },
      fmr: { type: 'string' },
      install: { type: 'boolean' },
    },
  });
  if (values.out === undefined) throw new UsageError('--out DIR is missing');
  const fmrMax = Number(values.fmr ?? '0.001');
  if (!(fmrMax > 0 && fmrMax <= 0.1)) throw new UsageError('--fmr is a rate above 0 and at most 0.1');
  const { evaluation, comparer } = await measured(values);
  const base = comparer.modelSet();
  const { modelSet, marks, warnings } = proposeCalibration(evaluation.pairs, {
    base,
    id: values.id ?? `${base.id}+calibrated`,
    fmrMax,
  });
  const [setFile, policyFile] = [
    path.join(values.out, `${modelSet.id}.json`),
    path.join(values.out, 'policy-proposal.json'),
  ];
  await writeText(setFile, `${JSON.stringify(modelSet, null, 2)}\n`);
  await writeText(policyFile, `${JSON.stringify({ ...DEFAULT_POLICY, ...marks }, null, 2)}\n`);
  printReport(evaluation.report);
  say(
    `\ncalibration: points = 10000 / (1 + exp(${modelSet.calibration.slope} * distance - ${modelSet.calibration.offset}))`,
  );
  say(
    `match from ${marks.cardMatchPointsMin} points (distance up to ${modelSet.suggestedBands.matchDistanceMax}), referral from ${marks.referralPointsMin} (${modelSet.suggestedBands.referDistanceMax})`,
  );
  for (const warning of warnings) say(`warning: ${warning}`);
  say(`wrote ${setFile} and ${policyFile}`);
  if (values.install) say(`installed ${await saveModelSet(modelSet, modelCacheDir(values.cache))}`);
  else
    say(
      `Use it with --set ${setFile}. Scores of another calibration are another algorithm: never compare them with older ones.`,
    );
  return EXIT.ok;
}
