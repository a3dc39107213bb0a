import { pointsOf } from '../engine/calibration.js';
import type { ModelSet } from '../model-set/model-set.js';
import { subjectsOf } from './statistics/bootstrap.js';
import { errorCurve } from './statistics/error-rates.js';
import type { ScoredLabelledPair } from './evaluate.js';
import { fitLogistic } from './statistics/logistic-fit.js';

export interface CalibrationProposal {
  readonly modelSet: ModelSet;
  /** The policy's marks, in points of the new calibration. */
  readonly marks: {
    readonly cardMatchPointsMin: number;
    readonly referralPointsMin: number;
    readonly registeredMatchPointsMin: number;
  };
  /** What the numbers cannot carry. */
  readonly warnings: readonly string[];
}

/** The referral band reaches to this many times the rate of false matches that an outright match may have. */
const REFERRAL_FACTOR = 10;
/** Below these numbers the tails, which is where the marks lie, are guesses. */
const ENOUGH = { subjects: 100, same: 1_000, falseMatches: 10 };

/** Fits the points to measured pairs and proposes marks: outright match where no condition lets more than `fmrMax` of
 * its different-person pairs through, referral where none lets ten times as many.
 * @throws {RangeError} when a condition lacks a kind of pair, or the pairs cannot carry a curve */
export function proposeCalibration(
  pairs: readonly ScoredLabelledPair[],
  { base, id, fmrMax }: { base: ModelSet; id: string; fmrMax: number },
): CalibrationProposal {
  const fit = fitLogistic(pairs);
  const calibration = {
    kind: 'logistic',
    slope: rounded(fit.slope, 3),
    offset: rounded(fit.offset, 4),
    source: describe(pairs),
  } as const;
  const conditions = [...new Set(pairs.map((pair) => pair.condition))].map((name) =>
    pairs.filter((pair) => pair.condition === name),
  );
  const strictest = (rate: number): number =>
    rounded(Math.min(...conditions.map((condition) => middleAbove(condition, rate))), 4);
  const matchDistanceMax = strictest(fmrMax);
  const referDistanceMax = Math.max(matchDistanceMax, strictest(Math.min(0.5, REFERRAL_FACTOR * fmrMax)));
  const modelSet: ModelSet = { ...base, id, calibration, suggestedBands: { matchDistanceMax, referDistanceMax } };
  const [match, refer] = [pointsOf(matchDistanceMax, calibration), pointsOf(referDistanceMax, calibration)];
  return {
    modelSet,
    marks: { cardMatchPointsMin: match, referralPointsMin: refer, registeredMatchPointsMin: refer },
    warnings: warningsFor(pairs, conditions, fmrMax),
  };
}

/** The threshold between the last distance that keeps to the rate and the next one that occurs. */
function middleAbove(pairs: readonly ScoredLabelledPair[], rate: number): number {
  const curve = errorCurve(pairs);
  const last = curve.findLastIndex(({ fmr }) => fmr <= rate);
  const [here, next] = [curve[last]!.distance, curve[last + 1]?.distance];
  return Math.max(0, next === undefined ? here : (Math.max(0, here) + next) / 2);
}

function warningsFor(
  pairs: readonly ScoredLabelledPair[],
  conditions: readonly (readonly ScoredLabelledPair[])[],
  fmrMax: number,
): string[] {
  const warnings: string[] = [];
  const same = pairs.filter((pair) => pair.same).length;
  if (same < ENOUGH.same)
    warnings.push(`${same} same-person pairs; ${ENOUGH.same} or more would place the curve firmly`);
  const fewest = Math.min(...conditions.map((condition) => condition.filter((pair) => !pair.same).length));
  if (fewest * fmrMax < ENOUGH.falseMatches)
    warnings.push(
      `a condition has ${fewest} different-person pairs; to measure a rate of ${fmrMax} takes ${Math.ceil(ENOUGH.falseMatches / fmrMax)}`,
    );
  const subjects = subjectsOf(pairs);
  const people = subjects === null ? null : new Set(subjects.values()).size;
  if (people === null)
    warnings.push(
      'people cannot be told apart: a different-person pair joins two pictures that same-person pairs also join',
    );
  else if (people < ENOUGH.subjects)
    warnings.push(`${people} people; marks move by several hundred points between groups this small`);
  const failed = pairs.filter((pair) => pair.distance === Infinity).length;
  if (failed > 0) warnings.push(`${failed} pairs have a picture that was not enrolled; the curve leaves them out`);
  return warnings;
}

function describe(pairs: readonly ScoredLabelledPair[]): string {
  const conditions = [...new Set(pairs.map((pair) => pair.condition))].sort().join(', ');
  return `logistic fit at equal priors over ${pairs.filter((pair) => pair.same).length} same-person and ${pairs.filter((pair) => !pair.same).length} different-person pairs (${conditions})`;
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
