import type { ModelInput } from './model-set.js';
import type { Point, RgbImage } from './rgb-image.js';

/** A turn, a scale and a shift: (x, y) -> (a*x - b*y + tx, b*x + a*y + ty). */
export interface Similarity {
  readonly a: number;
  readonly b: number;
  readonly tx: number;
  readonly ty: number;
}

/** Finds the similarity that moves `from` onto `to` with the least sum of squared errors (no mirroring).
 *  @throws when fewer than two points are given, or all of `from` are one point */
export function fitSimilarity(from: readonly Point[], to: readonly Point[]): Similarity {
  if (from.length < 2 || from.length !== to.length) throw new Error(`${from.length} points onto ${to.length}`);
  const f = mean(from);
  const t = mean(to);
  let dot = 0;
  let cross = 0;
  let spread = 0;
  for (const [i, p] of from.entries()) {
    const q = to[i] ?? t;
    const [px, py, qx, qy] = [p.x - f.x, p.y - f.y, q.x - t.x, q.y - t.y];
    dot += px * qx + py * qy;
    cross += px * qy - py * qx;
    spread += px * px + py * py;
  }
  if (spread === 0) throw new Error('all points are one point');
  const a = dot / spread;
  const b = cross / spread;
  return { a, b, tx: t.x - (a * f.x - b * f.y), ty: t.y - (b * f.x + a * f.y) };
}

export function apply({ a, b, tx, ty }: Similarity, { x, y }: Point): Point {
  return { x: a * x - b * y + tx, y: b * x + a * y + ty };
}

export function invert({ a, b, tx, ty }: Similarity): Similarity {
  const square = a * a + b * b;
  const [ia, ib] = [a / square, -b / square];
  return { a: ia, b: ib, tx: -(ia * tx - ib * ty), ty: -(ib * tx + ia * ty) };
}

/** First `inner`, then `outer`. */
export function compose(outer: Similarity, inner: Similarity): Similarity {
  const moved = apply(outer, { x: inner.tx, y: inner.ty });
  return { a: outer.a * inner.a - outer.b * inner.b, b: outer.a * inner.b + outer.b * inner.a, tx: moved.x, ty: moved.y };
}

/** Enlarges about a centre: used to look at a wider frame around the same face. */
export function scaleAbout(centre: number, scale: number): Similarity {
  return { a: scale, b: 0, tx: centre * (1 - scale), ty: centre * (1 - scale) };
}

export function scaleOf({ a, b }: Similarity): number {
  return Math.hypot(a, b);
}

/** Turn in degrees, positive clockwise on the screen. */
export function turnOf({ a, b }: Similarity): number {
  return (Math.atan2(b, a) * 180) / Math.PI;
}

function mean(points: readonly Point[]): Point {
  const sum = points.reduce((total, p) => ({ x: total.x + p.x, y: total.y + p.y }), { x: 0, y: 0 });
  return { x: sum.x / points.length, y: sum.y / points.length };
}

/** Below this scale a picture is halved by 2 x 2 means first: bilinear sampling alone would skip pixels. */
const HALVE_BELOW = 0.6;

/** Cuts a square out of a picture along a similarity. Outside the picture it is black.
 *  @param toCrop picture coordinates -> crop coordinates, in pixels
 *  @returns size*size*3 values 0..255, RGB interleaved */
export function cutSquare(image: RgbImage, toCrop: Similarity, size: number): Float32Array {
  const crop = new Float32Array(size * size * 3);
  let level = 0;
  for (let scale = scaleOf(toCrop); scale < HALVE_BELOW && (Math.min(image.width, image.height) >> level) > 2; scale *= 2) level += 1;
  // A pixel of a half picture covers two: centres lie at (2x + 0.5), so x/2 - 0.25 goes to the half picture, level by level.
  const shrink = 2 ** -level;
  const toLevel = { a: shrink, b: 0, tx: (shrink - 1) / 2, ty: (shrink - 1) / 2 };
  sample(halved(image, level), compose(toLevel, invert(toCrop)), crop, size);
  return crop;
}

interface Plane {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array | Float32Array;
}

/** Several crops of one picture share its half sizes; they live as long as the picture. */
const halfSizes = new WeakMap<RgbImage, Plane[]>();

function halved(image: RgbImage, level: number): Plane {
  const planes = halfSizes.get(image) ?? [image];
  halfSizes.set(image, planes);
  while (planes.length <= level) planes.push(halve(planes.at(-1)!));
  return planes[level]!;
}

function halve({ width, height, data }: Plane): Plane {
  const [w, h] = [width >> 1, height >> 1];
  const half = new Float32Array(w * h * 3);
  const row = width * 3;
  let to = 0;
  for (let y = 0; y < h; y += 1) {
    let from = 2 * y * row;
    for (let x = 0; x < w; x += 1, from += 6, to += 3) {
      const below = from + row;
      half[to] = (data[from]! + data[from + 3]! + data[below]! + data[below + 3]!) / 4;
      half[to + 1] = (data[from + 1]! + data[from + 4]! + data[below + 1]! + data[below + 4]!) / 4;
      half[to + 2] = (data[from + 2]! + data[from + 5]! + data[below + 2]! + data[below + 5]!) / 4;
    }
  }
  return { width: w, height: h, data: half };
}

/** Bilinear; a sample whose four neighbours lie partly outside mixes with black. */
function sample({ width, height, data }: Plane, toSource: Similarity, crop: Float32Array, size: number): void {
  const { a, b, tx, ty } = toSource;
  let at = 0;
  for (let v = 0; v < size; v += 1) {
    for (let u = 0; u < size; u += 1, at += 3) {
      const x = a * u - b * v + tx;
      const y = b * u + a * v + ty;
      if (x <= -1 || y <= -1 || x >= width || y >= height) continue;
      const x0 = Math.floor(x);
      const y0 = Math.floor(y);
      const fx = x - x0;
      const fy = y - y0;
      const base = (y0 * width + x0) * 3;
      const below = base + width * 3;
      const [w00, w10, w01, w11] = [(1 - fx) * (1 - fy), fx * (1 - fy), (1 - fx) * fy, fx * fy];
      if (x0 >= 0 && y0 >= 0 && x0 + 1 < width && y0 + 1 < height) {
        crop[at] = w00 * data[base]! + w10 * data[base + 3]! + w01 * data[below]! + w11 * data[below + 3]!;
        crop[at + 1] = w00 * data[base + 1]! + w10 * data[base + 4]! + w01 * data[below + 1]! + w11 * data[below + 4]!;
        crop[at + 2] = w00 * data[base + 2]! + w10 * data[base + 5]! + w01 * data[below + 2]! + w11 * data[below + 5]!;
        continue;
      }
      const [left, right, up, down] = [x0 >= 0, x0 + 1 < width, y0 >= 0, y0 + 1 < height];
      for (let c = 0; c < 3; c += 1) {
        let value = 0;
        if (left && up) value += w00 * data[base + c]!;
        if (right && up) value += w10 * data[base + 3 + c]!;
        if (left && down) value += w01 * data[below + c]!;
        if (right && down) value += w11 * data[below + 3 + c]!;
        crop[at + c] = value;
      }
    }
  }
}

/** Lays an interleaved RGB crop out as a network wants it: channels first, in its order, normalised. */
export function fillTensor(crop: Float32Array | Uint8Array, input: ModelInput, target: Float32Array, offset = 0, mirrored = false): void {
  const { width, height, mean: means, scale } = input;
  const plane = width * height;
  for (let c = 0; c < 3; c += 1) {
    const from = input.channelOrder === 'RGB' ? c : 2 - c;
    const centre = means[c]!;
    for (let y = 0; y < height; y += 1) {
      const row = offset + c * plane + y * width;
      const source = y * width * 3 + from;
      if (mirrored) for (let x = 0; x < width; x += 1) target[row + width - 1 - x] = (crop[source + x * 3]! - centre) * scale;
      else for (let x = 0; x < width; x += 1) target[row + x] = (crop[source + x * 3]! - centre) * scale;
    }
  }
}
