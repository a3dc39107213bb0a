import type { PictureMeasures } from '../../../domain/values/face-comparison.js';
import { detailFrame, detailShare, type DetailFrame } from '../image/detail-frame.js';
import type { AnalysedFace } from '../engine/face-engine.js';
import type { Box, RgbImage } from '../image/rgb-image.js';

/** Measures how much of a face a picture can show: the same for a photograph, a card's picture and a registered image.
 * What follows from it is the domain's (`src/domain/registration/face-score.ts`). It takes 3 to 8 ms. */
export function measurePicture(
  image: RgbImage,
  face: Pick<AnalysedFace, 'landmarks' | 'interEyeDistance' | 'box'>,
): PictureMeasures {
  const frame = detailFrame(image, face);
  const { mean, deviation } = lightOf(frame);
  return {
    eyeDistance: Math.round(face.interEyeDistance),
    detail: Math.round(100 * Math.log(detailShare(frame))),
    noise: Math.round(100 * noiseOf(frame)),
    blocks: Math.max(0, Math.round(100 * blockSteps(image, face.box))),
    contrast: Math.round(deviation),
    light: Math.round(mean),
    isGrey: isGrey(frame),
  };
}

function lightOf({ grey, inside }: DetailFrame): { mean: number; deviation: number } {
  let [sum, squares] = [0, 0];
  for (let k = 0; k < inside.length; k += 1) {
    const value = grey[inside[k]!]!;
    sum += value;
    squares += value * value;
  }
  const mean = sum / inside.length;
  return { mean, deviation: Math.sqrt(Math.max(0, squares / inside.length - mean * mean)) };
}

/** Keeps logarithms finite where a picture is one flat colour. */
const LITTLE = 1e-3;

function noiseOf({ fine, coarse, inside }: DetailFrame): number {
  const sizes = new Float32Array(inside.length);
  let energy = 0;
  for (let k = 0; k < inside.length; k += 1) {
    sizes[k] = Math.abs(fine[inside[k]!]!);
    energy += coarse[inside[k]!]! ** 2;
  }
  sizes.sort();
  return Math.log((sizes[sizes.length >> 1]! + LITTLE) / (Math.sqrt(energy / inside.length) + LITTLE));
}

/** A mean difference of the colours below this comes from compression and scanning; skin in the dark is still above. */
const COLOUR_MIN = 6;

function isGrey({ crop, inside }: DetailFrame): boolean {
  let colour = 0;
  for (let k = 0; k < inside.length; k += 1) {
    const at = 3 * inside[k]!;
    const [r, g, b] = [crop[at]!, crop[at + 1]!, crop[at + 2]!];
    colour += Math.max(r, g, b) - Math.min(r, g, b);
  }
  return colour < COLOUR_MIN * inside.length;
}

/** Side of the blocks that JPEG compresses one by one. */
const BLOCK = 8;
/** Lines over a face that are looked at in either direction: more of them say the same and take longer. */
const LINES_MAX = 96;

/** How much larger the steps across the borders of blocks are than those beside them, over the mean step. The grid
 * begins at the upper left corner; where the picture was turned by its EXIF orientation it ends at the other side.
 * Source: Wang, Sheikh, Bovik 2002, "No-reference perceptual quality assessment of JPEG compressed images" (the idea;
 * not its formula). */
function blockSteps(image: RgbImage, box: Box): number {
  return (stepsAlong(image, box, 'across') + stepsAlong(image, box, 'down')) / 2;
}

function stepsAlong({ width, height, data }: RgbImage, box: Box, way: 'across' | 'down'): number {
  const [length, pixel] = way === 'across' ? [width, 3] : [height, 3 * width];
  const [x0, x1] = [Math.max(0, Math.round(box.x)), Math.min(width, Math.round(box.x + box.width))];
  const [y0, y1] = [Math.max(0, Math.round(box.y)), Math.min(height, Math.round(box.y + box.height))];
  const beyond = new Float64Array(BLOCK);
  let steps = 0;
  let count = 0;
  const luma = (at: number): number => 0.299 * data[at]! + 0.587 * data[at + 1]! + 0.114 * data[at + 2]!;
  const [everyX, everyY] =
    way === 'across' ? [1, Math.ceil((y1 - y0) / LINES_MAX)] : [Math.ceil((x1 - x0) / LINES_MAX), 1];
  for (let y = y0; y < y1; y += everyY) {
    for (let x = x0; x < x1; x += everyX) {
      const place = way === 'across' ? x : y;
      if (place < 2 || place >= length - 1) continue;
      const at = 3 * (y * width + x);
      const [a, b, c, d] = [luma(at - 2 * pixel), luma(at - pixel), luma(at), luma(at + pixel)];
      const step = Math.abs(c - b);
      beyond[place % BLOCK]! += step - (Math.abs(b - a) + Math.abs(d - c)) / 2;
      steps += step;
      count += 1;
    }
  }
  if (count === 0 || steps === 0) return 0;
  return Math.max(beyond[0]!, beyond[length % BLOCK]!) / (steps / BLOCK);
}
