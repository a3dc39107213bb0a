import type { PICTURE_DOUBTS, PictureMeasures } from '../values/face-comparison.js';

/** How much a poor picture shortens the distances of strangers, for one embedding network. Shares are ten-thousandths
 * of a distance. */
export interface QualityWeights {
  /** Each hundredth of detail below `softBelow`. */
  readonly soft: number;
  readonly softBelow: number;
  /** Each hundredth of detail below `softerBelow`, besides: what is lost last is what tells people apart. */
  readonly softer: number;
  readonly softerBelow: number;
  /** Each pixel that the eyes are closer than `smallBelow`. */
  readonly small: number;
  readonly smallBelow: number;
  readonly grey: number;
  /** Each hundredth of noise above what a picture of this detail has of itself. */
  readonly noise: number;
  /** Each hundredth of block steps above `blocksAbove`, with the eyes 40 px apart: nearer ones see larger blocks. */
  readonly blocks: number;
  readonly blocksAbove: number;
  /** Each grey level of contrast below `flatBelow`, and of light below `darkBelow`. */
  readonly flat: number;
  readonly flatBelow: number;
  readonly dark: number;
  readonly darkBelow: number;
  /** What the poorer picture alone has counts by this share, in thousandths; what both have counts in full. */
  readonly softAlone: number;
  readonly otherAlone: number;
}

const NONE: QualityWeights = {
  soft: 0,
  softBelow: 0,
  softer: 0,
  softerBelow: 0,
  small: 0,
  smallBelow: 0,
  grey: 0,
  noise: 0,
  blocks: 0,
  blocksAbove: 0,
  flat: 0,
  flatBelow: 0,
  dark: 0,
  darkBelow: 0,
  softAlone: 0,
  otherAlone: 0,
};

/** By name. What a name stands for never changes: events name it, and their points are reckoned again. How the numbers
 * were found is in docs/decisions/0072 and 0087; those of today are what `./honnin face conditions` fits to
 * everybody. */
const WEIGHTS: Readonly<Record<string, QualityWeights>> = {
  none: NONE,
  'dlib-1': {
    soft: 12,
    softBelow: -230,
    softer: 0,
    softerBelow: 0,
    small: 57,
    smallBelow: 16,
    grey: 455,
    noise: 76,
    blocks: 7,
    blocksAbove: 25,
    flat: 27,
    flatBelow: 24,
    dark: 8,
    darkBelow: 90,
    softAlone: 330,
    otherAlone: 60,
  },
  'dlib-2': {
    soft: 9,
    softBelow: -230,
    softer: 16,
    softerBelow: -315,
    small: 60,
    smallBelow: 18,
    grey: 437,
    noise: 74,
    blocks: 6,
    blocksAbove: 25,
    flat: 42,
    flatBelow: 24,
    dark: 10,
    darkBelow: 90,
    softAlone: 300,
    otherAlone: 60,
  },
  'mobilefacenet-1': {
    soft: 1,
    softBelow: -230,
    softer: 6,
    softerBelow: -315,
    small: 5,
    smallBelow: 18,
    grey: 212,
    noise: 16,
    blocks: 0,
    blocksAbove: 25,
    flat: 20,
    flatBelow: 24,
    dark: 2,
    darkBelow: 90,
    softAlone: 300,
    otherAlone: 60,
  },
  'dlib+mobilefacenet-1': {
    soft: 4,
    softBelow: -230,
    softer: 7,
    softerBelow: -315,
    small: 21,
    smallBelow: 18,
    grey: 291,
    noise: 34,
    blocks: 2,
    blocksAbove: 25,
    flat: 27,
    flatBelow: 24,
    dark: 4,
    darkBelow: 90,
    softAlone: 300,
    otherAlone: 60,
  },
};

export const QUALITY_WEIGHTS_NAMES: readonly string[] = Object.keys(WEIGHTS);

/** @throws {RangeError} for a name that this program does not know: nothing is reckoned by other weights instead */
export function qualityWeights(name: string): QualityWeights {
  const found = Object.hasOwn(WEIGHTS, name) ? WEIGHTS[name] : undefined;
  if (!found) throw new RangeError(`the quality weights ${JSON.stringify(name)} are not known; run the newer release`);
  return found;
}

/** What each property of a picture takes from a stranger's distance if the other picture has it as well. */
export type Poorness = Readonly<Record<(typeof PICTURE_DOUBTS)[number], number>>;

/** A sharp colour picture has noise at 0.4 of its detail less 76: what is above comes from a sensor. */
const OWN_NOISE = { twoFifthsOfDetail: 2, less: 76 };
/** Blocks are at most this many times as large to the face as with the eyes 40 px apart: below, there is no detail left
 * to lose. */
const BLOCKS_SCALE = { eyes: 40, halvesMax: 5 };

/** @returns whole numbers of ten-thousandths, 0 for a good picture */
export function poornessOf(measures: PictureMeasures, weights: QualityWeights): Poorness {
  const { eyeDistance, detail, noise, contrast, light, isGrey } = measures;
  const noiseAbove = noise + OWN_NOISE.less - floorDiv(OWN_NOISE.twoFifthsOfDetail * detail, 5);
  const blocks = Math.min(
    floorDiv(measures.blocks * BLOCKS_SCALE.eyes, Math.max(1, eyeDistance)),
    floorDiv(measures.blocks * BLOCKS_SCALE.halvesMax, 2),
  );
  return {
    soft: below(detail, weights.softBelow, weights.soft) + below(detail, weights.softerBelow, weights.softer),
    small: weights.small * Math.max(0, weights.smallBelow - eyeDistance),
    grey: isGrey ? weights.grey : 0,
    noisy: weights.noise * Math.max(0, noiseAbove),
    compressed: weights.blocks * Math.max(0, blocks - weights.blocksAbove),
    flat: weights.flat * Math.max(0, weights.flatBelow - contrast),
    dark: weights.dark * Math.max(0, weights.darkBelow - light),
  };
}

function below(value: number, mark: number, weight: number): number {
  return weight * Math.max(0, mark - value);
}

/** Quotient of whole numbers, rounded down. */
export function floorDiv(a: number, b: number): number {
  return Math.floor(a / b);
}
