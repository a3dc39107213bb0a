import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { DISTANCE_SCALE, scoreComparison } from '../../../domain/registration/face-score.js';
import { PICTURE_DOUBTS, type FaceAlgorithm, type PictureMeasures } from '../../../domain/values/face-comparison.js';
import { distanceOf, pointsOf, scoringOf, suggestedBands, wholeDistance } from '../engine/calibration.js';
import type { PrimaryRule } from '../engine/face-engine.js';
import type { ModelSet } from '../model-set/model-set.js';
import type { OnnxFaceComparer } from '../onnx-face-comparer.js';
import { rateRanges, subjectsOf, type NamedPair, type RateRanges } from './statistics/bootstrap.js';
import { ratesByQuality, type GroupRates, type JudgedPair } from './by-quality.js';
import { errorRates, ratesAt, type ErrorRates, type OperatingPoint } from './statistics/error-rates.js';
import type { LabelledPair } from './pair-list.js';

/** What became of one picture. */
export type Enrolment =
  | {
      readonly kind: 'enrolled';
      readonly embedding: Float32Array;
      readonly measures: PictureMeasures;
      readonly elapsedMs: number;
      readonly faces: number;
    }
  | { readonly kind: 'failed'; readonly reason: string; readonly detail: string };

export interface ScoredLabelledPair extends NamedPair {
  readonly condition: string;
}

export interface BandRates {
  /** Points from which on the band begins. */
  readonly pointsMin: number;
  readonly distanceMax: number;
  readonly fmr: number;
  readonly fnmr: number;
}

/** An operating point with its threshold in points as well. */
export interface ReportedPoint extends OperatingPoint {
  readonly pointsMin: number | null;
}

export interface ConditionReport {
  readonly pairs: { readonly same: number; readonly different: number };
  /** Pairs with a picture that could not be enrolled; counted as non-matches. */
  readonly pairsWithFailure: { readonly same: number; readonly different: number };
  readonly rates: (Omit<ErrorRates, 'at'> & { readonly at: readonly ReportedPoint[] }) | null;
  /** Why there are no rates, when there are none. */
  readonly noRates: string | null;
  readonly ranges95: RateRanges | null;
  /** The bands that the model set suggests. */
  readonly bands: { readonly match: BandRates; readonly refer: BandRates } | null;
}

export interface EvaluationReport {
  readonly format: 'honnin-face-evaluation/1';
  readonly algorithm: FaceAlgorithm;
  readonly images: {
    readonly total: number;
    readonly enrolled: number;
    readonly failed: readonly { readonly image: string; readonly reason: string; readonly detail: string }[];
  };
  readonly timing: {
    readonly msPerImage: { readonly p50: number; readonly p95: number; readonly mean: number };
    readonly imagesPerSecond: number;
    readonly workers: number;
  };
  readonly conditions: Readonly<Record<string, ConditionReport>>;
  /** By quality, colour and size of the pictures, over all conditions. */
  readonly byQuality: Readonly<Record<string, GroupRates>>;
}

export interface EvaluationOptions {
  /** Folder that relative paths start from. */
  readonly root: string;
  readonly primary: PrimaryRule;
  readonly onProgress?: (done: number, total: number) => void;
}

export interface Evaluation {
  readonly report: EvaluationReport;
  readonly pairs: readonly ScoredLabelledPair[];
}

/** Measures a comparer on a labelled list: every picture once, then every pair. Pictures without a usable face count as
 *  non-matches, so that a comparer cannot look better by giving up.
 *  @throws when a picture cannot be opened: the list is wrong then, not the comparer */
export async function evaluate(
  comparer: OnnxFaceComparer,
  list: readonly LabelledPair[],
  options: EvaluationOptions,
): Promise<Evaluation> {
  const { enrolments, seconds } = await enrolAll(comparer, [...new Set(list.flatMap(({ a, b }) => [a, b]))], options);
  const set = comparer.modelSet();
  const pairs = list.map((pair) => ({ ...pair, ...scored(enrolments.get(pair.a)!, enrolments.get(pair.b)!, set) }));
  const subjects = subjectsOf(pairs);
  const conditions: Record<string, ConditionReport> = {};
  for (const name of new Set(pairs.map((pair) => pair.condition)))
    conditions[name] = conditionReport(
      pairs.filter((pair) => pair.condition === name),
      subjects,
      set,
    );
  const report: EvaluationReport = {
    format: 'honnin-face-evaluation/1',
    algorithm: comparer.algorithm(),
    images: {
      total: enrolments.size,
      enrolled: [...enrolments.values()].filter(({ kind }) => kind === 'enrolled').length,
      failed: [...enrolments].flatMap(([image, e]) =>
        e.kind === 'failed' ? [{ image, reason: e.reason, detail: e.detail }] : [],
      ),
    },
    timing: timing([...enrolments.values()], seconds, comparer.load().workers),
    conditions,
    byQuality: ratesByQuality(pairs, set.suggestedBands),
  };
  return { report, pairs };
}

async function enrolAll(
  comparer: OnnxFaceComparer,
  images: readonly string[],
  { root, primary, onProgress }: EvaluationOptions,
): Promise<{ enrolments: Map<string, Enrolment>; seconds: number }> {
  const enrolments = new Map<string, Enrolment>();
  const start = performance.now();
  const next = images.values();
  // One more job than workers keeps each of them busy while results travel.
  const lanes = Array.from({ length: comparer.load().workers + 1 }, async () => {
    for (const image of next) {
      const bytes = await readFile(path.resolve(root, image));
      enrolments.set(image, await enrol(comparer, bytes, primary));
      onProgress?.(enrolments.size, images.length);
    }
  });
  await Promise.all(lanes);
  return { enrolments, seconds: (performance.now() - start) / 1000 };
}

async function enrol(comparer: OnnxFaceComparer, bytes: Uint8Array, primary: PrimaryRule): Promise<Enrolment> {
  const ended = await comparer.analyse(bytes, { primary, quality: false });
  if (ended.outcome !== 'done') return { kind: 'failed', reason: ended.outcome, detail: ended.detail };
  const { result } = ended;
  if (result.kind === 'unusable') return { kind: 'failed', reason: result.reason, detail: result.detail };
  return {
    kind: 'enrolled',
    embedding: result.embedding,
    elapsedMs: result.elapsedMs,
    faces: result.faces.length,
    measures: result.measures,
  };
}

/** A pair's distance with what the pictures' quality adds: what points follow from. */
function scored(a: Enrolment, b: Enrolment, set: ModelSet): Omit<JudgedPair, 'same'> {
  if (a.kind !== 'enrolled' || b.kind !== 'enrolled') return { distance: Infinity, measures: null, doubts: [] };
  const distance = wholeDistance(distanceOf(a.embedding, b.embedding, set.distance));
  const { basis } = scoreComparison({
    scoring: scoringOf(set),
    captured: a.measures,
    card: { distance, measures: b.measures },
    registered: null,
  });
  return {
    distance: (distance + basis.card.correction) / DISTANCE_SCALE,
    measures: [a.measures, b.measures],
    doubts: PICTURE_DOUBTS.filter((word) => basis.doubts.some(({ doubt }) => doubt === word)),
  };
}

function conditionReport(
  pairs: readonly ScoredLabelledPair[],
  subjects: ReadonlyMap<string, string> | null,
  set: ModelSet,
): ConditionReport {
  const count = (chosen: readonly ScoredLabelledPair[]): { same: number; different: number } => ({
    same: chosen.filter((p) => p.same).length,
    different: chosen.filter((p) => !p.same).length,
  });
  const counted = { pairs: count(pairs), pairsWithFailure: count(pairs.filter((pair) => pair.distance === Infinity)) };
  if (counted.pairs.same === 0 || counted.pairs.different === 0)
    return {
      ...counted,
      rates: null,
      noRates: 'both same-person and different-person pairs are needed',
      ranges95: null,
      bands: null,
    };
  const rates = errorRates(pairs);
  const { matchPointsMin, referPointsMin } = suggestedBands(set);
  const { matchDistanceMax, referDistanceMax } = set.suggestedBands;
  return {
    ...counted,
    rates: {
      ...rates,
      at: rates.at.map((point) => ({
        ...point,
        pointsMin: point.distanceMax === null ? null : pointsOf(point.distanceMax, set.calibration),
      })),
    },
    noRates: null,
    ranges95: rateRanges(pairs, subjects),
    bands: {
      match: { pointsMin: matchPointsMin, distanceMax: matchDistanceMax, ...ratesAt(pairs, matchDistanceMax) },
      refer: { pointsMin: referPointsMin, distanceMax: referDistanceMax, ...ratesAt(pairs, referDistanceMax) },
    },
  };
}

function timing(enrolments: readonly Enrolment[], seconds: number, workers: number): EvaluationReport['timing'] {
  const times = enrolments.flatMap((e) => (e.kind === 'enrolled' ? [e.elapsedMs] : [])).sort((a, b) => a - b);
  const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(share * times.length))] ?? NaN;
  const mean = times.reduce((sum, t) => sum + t, 0) / times.length;
  return { msPerImage: { p50: at(0.5), p95: at(0.95), mean }, imagesPerSecond: enrolments.length / seconds, workers };
}
