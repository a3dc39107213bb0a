import type { ScoredPair } from './error-rates.js';

/** Fits `p(same) = 1 / (1 + exp(slope * distance - offset))` by maximum likelihood, both kinds of pairs weighing the
 * same however many there are (equal priors). Pairs without a distance (failures to enrol) are left out: they say
 * nothing about distances.
 * @throws {RangeError} when a kind is missing, or when the kinds do not overlap at all (any steep curve would fit) */
export function fitLogistic(pairs: readonly ScoredPair[]): { slope: number; offset: number } {
  const usable = pairs.filter((pair) => pair.distance !== Infinity);
  const counts = { true: usable.filter((pair) => pair.same).length, false: usable.filter((pair) => !pair.same).length };
  if (counts.true === 0 || counts.false === 0)
    throw new RangeError(
      `${counts.true} same-person and ${counts.false} different-person pairs; both kinds are needed`,
    );
  const farthest = Math.max(...usable.filter((pair) => pair.same).map((pair) => pair.distance));
  if (usable.every((pair) => pair.same || pair.distance > farthest))
    throw new RangeError(
      'same-person and different-person distances do not overlap; more pairs are needed to place a curve',
    );
  // Start with a curve through the middle of both means, as wide as they are apart; from there Newton's method
  // converges.
  const mean = (same: boolean): number =>
    usable.reduce((sum, pair) => sum + (pair.same === same ? pair.distance : 0), 0) / counts[`${same}`];
  const [near, far] = [mean(true), mean(false)];
  let slope = 6 / Math.max(1e-6, far - near);
  let offset = (slope * (near + far)) / 2;
  for (let step = 0; step < 100; step += 1) {
    const { gradient, hessian } = derivatives(usable, counts, { slope, offset });
    const [[aa, ab], [, bb]] = hessian;
    const determinant = aa * bb - ab * ab;
    if (!(determinant > 1e-18)) break;
    const change = {
      slope: (bb * gradient[0] - ab * gradient[1]) / determinant,
      offset: (aa * gradient[1] - ab * gradient[0]) / determinant,
    };
    slope -= change.slope;
    offset -= change.offset;
    if (Math.abs(change.slope) + Math.abs(change.offset) < 1e-9) break;
  }
  if (!Number.isFinite(slope) || !Number.isFinite(offset) || slope <= 0)
    throw new RangeError('no falling curve fits these pairs');
  return { slope, offset };
}

type Pair2 = readonly [number, number];

/** First and second derivatives of the negative log likelihood by slope and offset. */
function derivatives(
  pairs: readonly ScoredPair[],
  counts: { true: number; false: number },
  { slope, offset }: { slope: number; offset: number },
): { gradient: Pair2; hessian: readonly [Pair2, Pair2] } {
  let [ga, gb, aa, ab, bb] = [0, 0, 0, 0, 0];
  for (const { distance, same } of pairs) {
    const weight = 1 / counts[`${same}`];
    const p = 1 / (1 + Math.exp(slope * distance - offset));
    const error = ((same ? 1 : 0) - p) * weight;
    const curvature = p * (1 - p) * weight;
    ga += error * distance;
    gb -= error;
    aa += curvature * distance * distance;
    ab -= curvature * distance;
    bb += curvature;
  }
  return {
    gradient: [ga, gb],
    hessian: [
      [aa, ab],
      [ab, bb],
    ],
  };
}
