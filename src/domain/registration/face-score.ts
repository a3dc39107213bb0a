import {
  PICTURE_DOUBTS,
  type MeasuredDistance,
  type PictureDoubt,
  type PictureMeasures,
  type ScoreEvidence,
  type ScoringRule,
} from '../values/face-comparison.js';
import { POINTS_MAX } from '../values/similarity-score.js';
import { floorDiv, poornessOf, qualityWeights, type Poorness, type QualityWeights } from './quality-weights.js';

/** A distance with what the pictures' quality adds to it, and what both are worth. */
export type ScoredDistance = MeasuredDistance & {
  /** What is added to the distance before it becomes points, times 10,000. */
  readonly correction: number;
};

/** What the points of a comparison follow from, with every step in between. */
export type ScoreBasis = {
  readonly scoring: ScoringRule;
  readonly captured: PictureMeasures;
  readonly card: ScoredDistance;
  readonly registered: ScoredDistance | null;
  /** Properties of the pictures that moved a score. */
  readonly doubts: readonly PictureDoubt[];
};

export interface ScoredComparison {
  readonly cardPoints: number;
  readonly registeredPoints: number | null;
  readonly basis: ScoreBasis;
}

/** Distances, corrections and measures are times this. */
export const DISTANCE_SCALE = 10_000;
/** Below this correction nothing is said about the pictures, and below this poorness nothing about one property of
 * one. */
const DOUBT_MIN = { correction: 50, poorness: 100 };

/** Reckons points from distances and both pictures' measures, in whole numbers alone: the same anywhere and at any
 * time.
 * @throws {RangeError} for weights that are not known here, and for what is no whole number */
export function scoreComparison({ scoring, captured, card, registered }: ScoreEvidence): ScoredComparison {
  const sides = [
    { image: 'card' as const, ...card },
    ...(registered === null ? [] : [{ image: 'registered' as const, ...registered }]),
  ];
  const weights = qualityWeights(scoring.quality);
  const mine = poornessOf(captured, weights);
  const [ofCard, ofRegistered = null] = sides.map(({ image, distance, measures }) => {
    const theirs = poornessOf(measures, weights);
    const correction = distanceCorrection(distance, mine, theirs, weights);
    const doubts = correction < DOUBT_MIN.correction ? [] : [...doubtsOf('captured', mine), ...doubtsOf(image, theirs)];
    return {
      scored: { distance, correction, measures },
      points: pointsOfDistance(distance + correction, scoring),
      doubts,
    };
  });
  if (!ofCard) throw new RangeError('a comparison has a card');
  const doubts = [
    ...ofCard.doubts,
    ...(ofRegistered?.doubts.filter(
      ({ image, doubt }) => !ofCard.doubts.some((known) => known.image === image && known.doubt === doubt),
    ) ?? []),
  ];
  return {
    cardPoints: ofCard.points,
    registeredPoints: ofRegistered?.points ?? null,
    basis: { scoring, captured, card: ofCard.scored, registered: ofRegistered?.scored ?? null, doubts },
  };
}

/** Poor pictures lie nearer to each other, whoever they show: strangers' distances shrink by a share, and this gives it
 * back. Blur moves a face even where only one side has it; lost colour, noise, blocks and poor light hardly do.
 * @param distance times 10,000 @returns what to add, times 10,000 */
export function distanceCorrection(distance: number, a: Poorness, b: Poorness, weights: QualityWeights): number {
  const ofKind = (of: (each: Poorness) => number, alone: number): number => {
    const [least, most] = [Math.min(of(a), of(b)), Math.max(of(a), of(b))];
    return least + floorDiv((most - least) * alone, 1_000);
  };
  const share =
    ofKind(({ soft, small }) => soft + small, weights.softAlone) +
    ofKind(({ grey, noisy, compressed, flat, dark }) => grey + noisy + compressed + flat + dark, weights.otherAlone);
  return floorDiv(distance * share + DISTANCE_SCALE / 2, DISTANCE_SCALE);
}

function doubtsOf(image: PictureDoubt['image'], poorness: Poorness): PictureDoubt[] {
  return PICTURE_DOUBTS.filter((doubt) => poorness[doubt] >= DOUBT_MIN.poorness).map((doubt) => ({ image, doubt }));
}

const ONE = 10n ** 18n;
const LN_2 = 693_147_180_559_945_309n;
/** Terms after which a power series of e below ln 2 changes nothing at 18 digits. */
const TERMS = 24n;
/** 2^-60 is less than one part in 18 digits. */
const HALVINGS_MAX = 60n;

/** `round(10000 / (1 + exp(slope * distance - offset)))` without a floating-point number: fixed point with 18 digits.
 *  @param distance times 10,000
 *  @returns points 0..10000; falls with the distance, never rises
 *  @throws {RangeError} for what is no whole number */
export function pointsOfDistance(distance: number, { slope, offset }: Pick<ScoringRule, 'slope' | 'offset'>): number {
  for (const value of [distance, slope, offset])
    if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is not a whole number`);
  const scale = BigInt(DISTANCE_SCALE);
  const exponent = ((BigInt(slope) * BigInt(distance) - BigInt(offset) * scale) * ONE) / (scale * scale);
  const power = powerOfE(exponent < 0n ? exponent : -exponent);
  const [above, below] = [exponent < 0n ? ONE : power, ONE + power];
  return Number((2n * BigInt(POINTS_MAX) * above + below) / (2n * below));
}

/** e to a power of 0 or less; both with 18 digits. */
function powerOfE(exponent: bigint): bigint {
  const halvings = -exponent / LN_2;
  if (halvings > HALVINGS_MAX) return 0n;
  const rest = exponent + halvings * LN_2;
  let [term, sum] = [ONE, ONE];
  for (let n = 1n; n <= TERMS; n += 1n) {
    term = (term * rest) / (ONE * n);
    sum += term;
  }
  return sum >> halvings;
}
