import { compose, cutSquare, fitSimilarity, type Similarity } from '../engine/alignment.js';
import type { Point, RgbImage } from '../image/rgb-image.js';

/** A face with its 68 landmarks in a picture. */
export interface FaceInPicture {
  readonly image: RgbImage;
  readonly face: { readonly landmarks: readonly Point[] };
}

/** Side of the small grey picture in which two faces are laid over each other. */
const SIDE = 48;
/** Eyes, nose base and mouth corners in a unit square, face filling most of it. */
const FRAME: readonly { readonly landmarks: readonly number[]; readonly at: Point }[] = [
  { landmarks: [36, 37, 38, 39, 40, 41], at: { x: 0.34, y: 0.38 } },
  { landmarks: [42, 43, 44, 45, 46, 47], at: { x: 0.66, y: 0.38 } },
  { landmarks: [33], at: { x: 0.5, y: 0.57 } },
  { landmarks: [48], at: { x: 0.37, y: 0.72 } },
  { landmarks: [54], at: { x: 0.63, y: 0.72 } },
];
/** Landmarks of two copies of one photograph differ by about a pixel of the small picture; the best of these shifts, in
 *  pixels, counts. */
const SHIFTS = [-1, -0.5, 0, 0.5, 1];

/** At or above this likeness two pictures are called one photograph. Set between the copies and the different
 * photographs of one person that were measured; docs/face.md has the figures. */
export const NEAR_DUPLICATE_MIN = 0.955;

/** Whether two pictures show the same photograph: recompressed, shrunk, cropped or made grey, but taken in the same
 * instant. It says nothing about who is in front of the camera: a photograph of a printed copy may well come out as
 * `false`.
 * @param fixed the face of one of them as `normalisedSmallGrey` gives it: made while its picture is looked at, because
 *   half sizes are kept of one picture only */
export function isNearDuplicate(fixed: Float32Array, other: FaceInPicture): boolean {
  return duplicateLikeness(fixed, other) >= NEAR_DUPLICATE_MIN;
}

/** Correlation of the two faces as small grey pictures, eyes laid over eyes, at the best small shift: 1 for equal, near
 * 0 for unrelated. */
export function duplicateLikeness(fixed: Float32Array, other: FaceInPicture): number {
  // Whole shifts look at the same places, one further; so do those by a half: four cuts hold all of them.
  const cuts = new Map<string, GreySquare>();
  const cut = (shift: Point): GreySquare => {
    const phase = { x: shift.x - Math.floor(shift.x), y: shift.y - Math.floor(shift.y) };
    const key = `${phase.x} ${phase.y}`;
    const found = cuts.get(key) ?? greySquare(other, phase, MARGIN);
    cuts.set(key, found);
    return found;
  };
  let best = -1;
  for (const y of SHIFTS) {
    for (const x of SHIFTS) best = Math.max(best, correlation(fixed, cut({ x, y }), { x, y }));
  }
  return best;
}

/** The face as a small grey picture, eyes laid on fixed places, mean 0 and length 1: a product of two is their
 * correlation. */
export function normalisedSmallGrey(picture: FaceInPicture): Float32Array {
  return normalised(greySquare(picture, { x: 0, y: 0 }, 0).values);
}

/** A small grey picture with a margin on all sides. */
interface GreySquare {
  readonly side: number;
  readonly values: Float32Array;
}

/** Pixels around the face that shifts may look at. */
const MARGIN = 1;

/** @param shift of the face to the right and down, in pixels of the small picture */
function greySquare({ image, face }: FaceInPicture, shift: Point, margin: number): GreySquare {
  const from = FRAME.map(({ landmarks }) => centre(landmarks.map((i) => face.landmarks[i]!)));
  const to = FRAME.map(({ at }) => ({ x: at.x * SIDE, y: at.y * SIDE }));
  const moved: Similarity = compose(
    { a: 1, b: 0, tx: shift.x + margin, ty: shift.y + margin },
    fitSimilarity(from, to),
  );
  const side = SIDE + 2 * margin;
  const crop = cutSquare(image, moved, side);
  const values = Float32Array.from(
    { length: side * side },
    (_, i) => 0.299 * crop[3 * i]! + 0.587 * crop[3 * i + 1]! + 0.114 * crop[3 * i + 2]!,
  );
  return { side, values };
}

function centre(points: readonly Point[]): Point {
  return {
    x: points.reduce((sum, p) => sum + p.x, 0) / points.length,
    y: points.reduce((sum, p) => sum + p.y, 0) / points.length,
  };
}

/** Mean 0 and length 1, so that brightness and contrast do not matter. */
function normalised(values: Float32Array): Float32Array {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const centred = values.map((value) => value - mean);
  const length = Math.sqrt(centred.reduce((sum, value) => sum + value * value, 0));
  return length === 0 ? centred : centred.map((value) => value / length);
}

/** @param fixed of mean 0 and length 1 @param shift whole pixels of it are looked at beside the cut's own */
function correlation(fixed: Float32Array, { side, values }: GreySquare, shift: Point): number {
  const [left, top] = [MARGIN - Math.floor(shift.x), MARGIN - Math.floor(shift.y)];
  let [sum, squares, products] = [0, 0, 0];
  for (let y = 0; y < SIDE; y += 1) {
    for (let x = 0; x < SIDE; x += 1) {
      const value = values[(top + y) * side + left + x]!;
      sum += value;
      squares += value * value;
      products += fixed[y * SIDE + x]! * value;
    }
  }
  const spread = squares - (sum * sum) / (SIDE * SIDE);
  // What is left of an even square after rounding is no picture.
  return spread > 1e-9 * squares ? products / Math.sqrt(spread) : 0;
}
