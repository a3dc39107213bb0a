import { bandOf } from '../../../domain/registration/face-match.policy.js';
import { DISTANCE_SCALE, distanceCorrection, scoreComparison } from '../../../domain/registration/face-score.js';
import {
  poornessOf,
  qualityWeights,
  type Poorness,
  type QualityWeights,
} from '../../../domain/registration/quality-weights.js';
import type { FaceAlgorithm, PictureMeasures } from '../../../domain/values/face-comparison.js';
import { scoringOf, suggestedBands, wholeDistance } from '../engine/calibration.js';
import { algorithmOf, type ModelSet } from '../model-set/model-set.js';
import { rateRanges, type Range } from './statistics/bootstrap.js';
import { boundsOf, type RateWithBound } from './by-quality.js';
import { proposeCalibration } from './calibrate.js';
import { CONDITIONS, type Condition, type MeasuredPair } from './conditions.js';
import { foldsOf, within, type Fold } from './statistics/cross-validation.js';
import { errorRates } from './statistics/error-rates.js';
import { fitQualityWeights } from './statistics/fit-weights.js';

/** What may pass, by the marks: shares of different-person pairs, and of the first its upper bound as well. */
export const BOUNDS = { match: 0.0015, matchUpper95: 0.003, refer: 0.025 } as const;

export interface MarkRates {
  readonly fmr: RateWithBound;
  readonly fnmr: RateWithBound;
}

export interface Rates {
  readonly pairs: { readonly same: number; readonly different: number };
  readonly match: MarkRates;
  readonly refer: MarkRates;
}

export interface ConditionRow {
  readonly name: string;
  readonly bounded: boolean;
  /** Pairs with a picture in which no face was found; they match nobody. */
  readonly notExtracted: number;
  readonly eer: { readonly rate: number; readonly range95: Range };
  /** As the set scores. */
  readonly shipped: Rates;
  /** The same distances if no picture's quality counted. */
  readonly uncorrected: Rates;
  /** Fitted to one half of the people, tested with the other, over all splits; null where the sides were not altered
   *  by the command. */
  readonly crossValidated: Rates | null;
  /** The same with curve and marks refitted as well, as `face calibrate` does it, to all bounded conditions of that
   *  half:
   *  what an office gets that calibrates to five people. Null also where no half could carry a curve. */
  readonly recalibrated: Rates | null;
  /** What becomes of pairs of one person under the default policy. */
  readonly genuine: { readonly match: number; readonly officers: number; readonly noMatch: number };
  /** What does not keep to the bounds, in words; empty where all do. */
  readonly beyond: readonly string[];
  /** The same of what was recalibrated. It is told and decides nothing: marks of half of the people are nobody's
   *  marks. */
  readonly recalibratedBeyond: readonly string[];
}

export interface ConditionsReport {
  readonly format: 'honnin-face-conditions/1';
  readonly algorithm: FaceAlgorithm;
  readonly people: number;
  readonly pictures: number;
  readonly splits: number;
  /** What the fit to everybody gives, for who ships weights. */
  readonly fittedToAll: QualityWeights;
  readonly conditions: readonly ConditionRow[];
  readonly listed: readonly ConditionRow[];
  readonly held: boolean;
}

export interface MeasuredCondition {
  readonly condition: Pick<Condition, 'name' | 'bounded' | 'fitted'>;
  readonly pairs: readonly MeasuredPair[];
}

/** Tells rates of every condition at the set's marks, as they are and cross-validated by person.
 *  @param conditions the plain one first @param listed the list's own conditions, which nobody altered */
export function reportConditions(
  { conditions, listed }: { conditions: readonly MeasuredCondition[]; listed: readonly MeasuredCondition[] },
  set: ModelSet,
  splits: number,
): ConditionsReport {
  const people = [...new Set(conditions.flatMap(({ pairs }) => pairs.flatMap((pair) => pair.people)))];
  const shipped = qualityWeights(scoringOf(set).quality);
  const base = shipped.softBelow === 0 ? null : shipped;
  const folds = base === null ? [] : foldsOf(people, splits).map((fold) => fittedFold(fold, conditions, { base, set }));
  const rowOf =
    (folded: readonly FittedFold[]) =>
    (measured: MeasuredCondition): ConditionRow =>
      conditionRow(measured, { set, weights: shipped, folds: folded });
  const report = { conditions: conditions.map(rowOf(folds)), listed: listed.map(rowOf([])) };
  return {
    format: 'honnin-face-conditions/1',
    algorithm: algorithmOf(set),
    people: people.length,
    pictures: new Set(conditions.flatMap(({ pairs }) => pairs.flatMap(({ a, b }) => [a, b]))).size,
    splits: folds.length / 2,
    fittedToAll: base === null ? shipped : fitted(conditions, base, new Set(people)),
    ...report,
    held: report.conditions.every(({ bounded, beyond }) => !bounded || beyond.length === 0),
  };
}

interface FittedFold extends Fold {
  readonly weights: QualityWeights;
  /** Null where the half's pairs carry no curve. */
  readonly marks: Marks | null;
}

function fittedFold(
  fold: Fold,
  conditions: readonly MeasuredCondition[],
  { base, set }: { readonly base: QualityWeights; readonly set: ModelSet },
): FittedFold {
  const weights = fitted(conditions, base, fold.fit);
  return { ...fold, weights, marks: recalibratedMarks(conditions, fold.fit, { weights, set }) };
}

/** The rate of false matches that marks are calibrated to. */
const CALIBRATED_FMR = 0.001;

function recalibratedMarks(
  conditions: readonly MeasuredCondition[],
  people: ReadonlySet<string>,
  { weights, set }: { readonly weights: QualityWeights; readonly set: ModelSet },
): Marks | null {
  const pairs = conditions.flatMap(({ condition, pairs: all }) => {
    if (!condition.bounded) return [];
    const those = within(all, people);
    const distances = corrected(those, weights);
    return those.map(({ a, b, same }, i) => {
      return { a, b, same, condition: condition.name, distance: distances[i]! / DISTANCE_SCALE };
    });
  });
  try {
    return marksOf(proposeCalibration(pairs, { base: set, id: set.id, fmrMax: CALIBRATED_FMR }).modelSet);
  } catch (error) {
    // Five people whose pairs do not overlap at all: calibrate refuses them, and no office could use them.
    if (error instanceof RangeError) return null;
    throw error;
  }
}

function fitted(
  conditions: readonly MeasuredCondition[],
  base: QualityWeights,
  people: ReadonlySet<string>,
): QualityWeights {
  const chosen = conditions.filter(({ condition }) => condition.fitted);
  return fitQualityWeights(
    chosen.map(({ pairs }) => within(pairs, people)),
    base,
  );
}

function conditionRow(
  { condition: { name, bounded }, pairs }: MeasuredCondition,
  { set, weights, folds }: { set: ModelSet; weights: QualityWeights; folds: readonly FittedFold[] },
): ConditionRow {
  const marks = marksOf(set);
  const distances = corrected(pairs, weights);
  const scored = pairs.map(({ a, b, same }, i) => ({ a, b, same, distance: distances[i]! / DISTANCE_SCALE }));
  const subjects = new Map(
    pairs.flatMap(
      ({ a, b, people }) =>
        [
          [a, people[0]],
          [b, people[1]],
        ] as const,
    ),
  );
  const shipped = ratesOf(pairs, [{ distances, marks }]);
  const uncorrected = ratesOf(pairs, [{ distances: pairs.map(({ distance }) => distance), marks }]);
  const tested = folds.map((fold) => ({ distances: testedBy(fold, pairs), marks: fold.marks }));
  const recalibrations = tested.flatMap((trial) => (trial.marks === null ? [] : [{ ...trial, marks: trial.marks }]));
  const crossValidated =
    tested.length === 0
      ? null
      : ratesOf(
          pairs,
          tested.map((trial) => ({ ...trial, marks })),
        );
  const recalibrated = recalibrations.length === 0 ? null : ratesOf(pairs, recalibrations);
  return {
    name,
    bounded,
    notExtracted: pairs.filter(({ measures }) => measures === null).length,
    eer: { rate: errorRates(scored).eer, range95: rateRanges(scored, subjects, EER_DRAWS).eer },
    shipped,
    uncorrected,
    crossValidated,
    recalibrated,
    genuine: becomes(
      pairs.filter(({ same }) => same),
      set,
    ),
    beyond: [
      ...costOf(name, shipped, uncorrected),
      ...beyond('', shipped),
      ...(crossValidated === null ? [] : beyond('cross-validated ', crossValidated)),
    ],
    recalibratedBeyond: recalibrated === null ? [] : beyond('', recalibrated),
  };
}

const EER_DRAWS = 100;

interface Marks {
  readonly match: number;
  readonly refer: number;
}

function marksOf({ suggestedBands: { matchDistanceMax, referDistanceMax } }: ModelSet): Marks {
  return { match: wholeDistance(matchDistanceMax), refer: wholeDistance(referDistanceMax) };
}

/** Distances with what the pictures' quality adds to them, times 10,000. */
export function corrected(pairs: readonly MeasuredPair[], weights: QualityWeights): number[] {
  const known = new Map<PictureMeasures, Poorness>();
  const poorness = (measures: PictureMeasures): Poorness => {
    const found = known.get(measures) ?? poornessOf(measures, weights);
    known.set(measures, found);
    return found;
  };
  return pairs.map(({ distance, measures }) => {
    return measures === null
      ? Infinity
      : distance + distanceCorrection(distance, poorness(measures[0]), poorness(measures[1]), weights);
  });
}

/** Distances of the pairs whose people both were left out of the fit; NaN for all others. */
function testedBy({ test, weights }: FittedFold, pairs: readonly MeasuredPair[]): number[] {
  const left = (pair: MeasuredPair): boolean => test.has(pair.people[0]) && test.has(pair.people[1]);
  const distances = corrected(pairs.filter(left), weights).values();
  return pairs.map((pair) => (left(pair) ? distances.next().value! : NaN));
}

interface Trial {
  /** Of every pair; NaN where it was not tried. */
  readonly distances: readonly number[];
  readonly marks: Marks;
}

/** A pair counts once, by the share of the trials that let it match. */
function ratesOf(pairs: readonly MeasuredPair[], trials: readonly Trial[]): Rates {
  const shares = (kind: boolean, mark: keyof Marks): number[] =>
    pairs.flatMap(({ same }, i) => {
      if (same !== kind) return [];
      const tried = trials.filter(({ distances }) => !Number.isNaN(distances[i]!));
      const matched = tried.filter(({ distances, marks }) => distances[i]! <= marks[mark]);
      return tried.length === 0 ? [] : [matched.length / tried.length];
    });
  const at = (mark: keyof Marks): MarkRates => {
    const [matched, falselyMatched] = [shares(true, mark), shares(false, mark)];
    return {
      fmr: boundsOf(sumOf(falselyMatched), falselyMatched.length),
      fnmr: boundsOf(matched.length - sumOf(matched), matched.length),
    };
  };
  const count = (kind: boolean): number => shares(kind, 'match').length;
  return { pairs: { same: count(true), different: count(false) }, match: at('match'), refer: at('refer') };
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

/** Where pairs of one person end under the default policy, which holds the referral band for doubtful pictures alone.
 *  */
function becomes(same: readonly MeasuredPair[], set: ModelSet): ConditionRow['genuine'] {
  const { matchPointsMin, referPointsMin } = suggestedBands(set);
  const policy = { cardMatchPointsMin: matchPointsMin, referralPointsMin: referPointsMin, holdInReferralBand: false };
  const bands = same.map(({ distance, measures }) => {
    if (measures === null) return 'no_match';
    const [captured, card] = measures;
    return bandOf(
      scoreComparison({ scoring: scoringOf(set), captured, card: { distance, measures: card }, registered: null }),
      policy,
    );
  });
  const share = (band: string): number => bands.filter((each) => each === band).length / bands.length;
  return { match: share('match'), officers: share('refer'), noMatch: share('no_match') };
}

/** Good pictures are not to pay for the poor ones. */
function costOf(name: string, shipped: Rates, uncorrected: Rates): string[] {
  const [now, without] = [shipped.match.fnmr.rate, uncorrected.match.fnmr.rate];
  if (name !== CONDITIONS[0]?.name || now === null || without === null || now <= without) return [];
  return [`FNMR at the match mark ${percent(now)}, and ${percent(without)} if no quality counted`];
}

function beyond(what: string, { match, refer }: Rates): string[] {
  const limits = [
    [`${what}FMR at the match mark`, match.fmr.rate, BOUNDS.match],
    [`${what}upper bound of FMR at the match mark`, match.fmr.upper95, BOUNDS.matchUpper95],
    [`${what}FMR at the referral mark`, refer.fmr.rate, BOUNDS.refer],
  ] as const;
  return limits.flatMap(([words, found, limit]) =>
    found !== null && found > limit ? [`${words} ${percent(found)}, at most ${percent(limit)}`] : [],
  );
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}
