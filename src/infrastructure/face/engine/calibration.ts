import { DISTANCE_SCALE, pointsOfDistance } from '../../../domain/registration/face-score.js';
import type { ScoringRule } from '../../../domain/values/face-comparison.js';
import type { CalibrationSpec, ModelSet } from '../model-set/model-set.js';

/** Turns a distance into points: 10000 times the share of same-person pairs among pairs at this distance, if same and
 * different were equally frequent. Falls with the distance, never rises; whole numbers, so that rules compare exactly.
 * @param distance 0 or more, of the model set that the calibration belongs to
 * @returns 0..10000 */
export function pointsOf(distance: number, calibration: CalibrationSpec): number {
  return pointsOfDistance(wholeDistance(distance), curveOf(calibration));
}

/** A distance as events state it: times 10,000, whole. */
export function wholeDistance(distance: number): number {
  return Math.round(distance * DISTANCE_SCALE);
}

/** How a model set's distances become points, in whole numbers. */
export function scoringOf({ calibration, qualityWeights = 'none' }: ModelSet): ScoringRule {
  return { quality: qualityWeights, ...curveOf(calibration) };
}

function curveOf({ slope, offset }: CalibrationSpec): Pick<ScoringRule, 'slope' | 'offset'> {
  return { slope: Math.round(slope * DISTANCE_SCALE), offset: Math.round(offset * DISTANCE_SCALE) };
}

/** Bands that a policy may start from, in points: at or above `matchPointsMin` a match, at or above `referPointsMin` a
 * person should look, below that no match. */
export interface SuggestedBands {
  readonly matchPointsMin: number;
  readonly referPointsMin: number;
}

export function suggestedBands({
  calibration,
  suggestedBands: { matchDistanceMax, referDistanceMax },
}: ModelSet): SuggestedBands {
  return {
    matchPointsMin: pointsOf(matchDistanceMax, calibration),
    referPointsMin: pointsOf(referDistanceMax, calibration),
  };
}

/** Distance between two embeddings as the model set defines it. */
export function distanceOf(a: Float32Array, b: Float32Array, kind: ModelSet['distance']): number {
  if (a.length !== b.length) throw new Error(`embeddings of ${a.length} and ${b.length} numbers`);
  let [squares, dot, aa, bb] = [0, 0, 0, 0];
  for (let i = 0; i < a.length; i += 1) {
    const [x, y] = [a[i]!, b[i]!];
    squares += (x - y) ** 2;
    dot += x * y;
    aa += x * x;
    bb += y * y;
  }
  return kind === 'euclidean' ? Math.sqrt(squares) : 1 - dot / Math.sqrt(aa * bb);
}
