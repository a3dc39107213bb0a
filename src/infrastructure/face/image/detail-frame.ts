import { cutSquare, fitSimilarity } from '../engine/alignment.js';
import type { AnalysedFace } from '../engine/face-engine.js';
import type { Point, RgbImage } from './rgb-image.js';

/** A face in grey with its eyes at fixed places, so that the picture's size does not count, and its detail in two
 * bands. */
export interface DetailFrame {
  /** Red, green and blue of each pixel, 0..255. */
  readonly crop: Float32Array;
  /** Luma of each pixel, 0..255. */
  readonly grey: Float32Array;
  /** What blurring by twice 3 pixels takes away. */
  readonly fine: Float32Array;
  /** What blurring by twice 9 pixels takes away further. */
  readonly coarse: Float32Array;
  /** Pixels inside an ellipse on the face. */
  readonly inside: Uint32Array;
}

/** Pixels between the eyes. Small, so that a photograph whose face is small has this detail as well. */
const EYES = 40;
const SIDE = 96;
const CENTRE = SIDE / 2;
const EYE_LINE = 0.38 * SIDE;
/** The same in every frame. */
const INSIDE = ellipseOnFace();

export function detailFrame(image: RgbImage, { landmarks }: Pick<AnalysedFace, 'landmarks'>): DetailFrame {
  const eyes = [midpoint(landmarks[36]!, landmarks[39]!), midpoint(landmarks[42]!, landmarks[45]!)];
  const toFrame = fitSimilarity(eyes, [
    { x: CENTRE - EYES / 2, y: EYE_LINE },
    { x: CENTRE + EYES / 2, y: EYE_LINE },
  ]);
  const crop = cutSquare(image, toFrame, SIDE);
  const grey = Float32Array.from(
    { length: SIDE ** 2 },
    (_, i) => 0.299 * crop[3 * i]! + 0.587 * crop[3 * i + 1]! + 0.114 * crop[3 * i + 2]!,
  );
  const softer = boxBlurred(grey, 1);
  const softest = boxBlurred(grey, 4);
  return {
    crop,
    grey,
    fine: grey.map((value, i) => value - softer[i]!),
    coarse: softer.map((value, i) => value - softest[i]!),
    inside: INSIDE,
  };
}

/** Energy of the fine band over that of the coarse one. */
export function detailShare({ fine, coarse, inside }: DetailFrame): number {
  let [above, below] = [0, 1e-6];
  for (let k = 0; k < inside.length; k += 1) {
    const i = inside[k]!;
    above += fine[i]! ** 2;
    below += coarse[i]! ** 2;
  }
  return above / below + 1e-6;
}

function ellipseOnFace(): Uint32Array {
  const pixels: number[] = [];
  for (let y = 0; y < SIDE; y += 1) {
    for (let x = 0; x < SIDE; x += 1) {
      const [dx, dy] = [(x - CENTRE) / (0.85 * EYES), (y - EYE_LINE - 0.45 * EYES) / EYES];
      if (dx * dx + dy * dy < 1) pixels.push(y * SIDE + x);
    }
  }
  return Uint32Array.from(pixels);
}

/** Mean over a square of 2*radius+1 pixels, twice, so that the window falls off towards its edge. */
function boxBlurred(values: Float32Array, radius: number): Float32Array {
  return meanOver(meanOver(values, radius), radius);
}

function meanOver(values: Float32Array, radius: number): Float32Array {
  const along = (from: Float32Array, step: number, across: number): Float32Array => {
    const to = new Float32Array(from.length);
    for (let line = 0; line < SIDE; line += 1) {
      for (let at = 0; at < SIDE; at += 1) {
        const [first, last] = [Math.max(0, at - radius), Math.min(SIDE - 1, at + radius)];
        let sum = 0;
        for (let k = first; k <= last; k += 1) sum += from[line * across + k * step]!;
        to[line * across + at * step] = sum / (last - first + 1);
      }
    }
    return to;
  };
  return along(along(values, 1, SIDE), SIDE, 1);
}

function midpoint(a: Point, b: Point): Point {
  return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
}
