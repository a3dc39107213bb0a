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
  const region = neededRegion(image, invert(toCrop), size);
  if (!region) return crop;
  let source = copyRegion(image, region);
  let toSource: Similarity = compose({ a: 1, b: 0, tx: -region.x, ty: -region.y }, invert(toCrop));
  for (let scale = scaleOf(toCrop); scale < HALVE_BELOW && source.width > 2 && source.height > 2; scale *= 2) {
    source = halve(source);
    // A pixel of the half picture covers two: centres lie at (2x + 0.5).
    toSource = compose({ a: 0.5, b: 0, tx: -0.25, ty: -0.25 }, toSource);
  }
  sample(source, toSource, crop, size);
  return crop;
}

interface FloatImage {
  readonly width: number;
  readonly height: number;
  readonly data: Float32Array;
}

/** The part of the picture that the crop looks at, with a border for interpolation; null when it lies wholly outside. */
function neededRegion(image: RgbImage, toImage: Similarity, size: number): { x: number; y: number; width: number; height: number } | null {
  const corners = [
    { x: 0, y: 0 },
    { x: size, y: 0 },
    { x: 0, y: size },
    { x: size, y: size },
  ].map((corner) => apply(toImage, corner));
  const border = 2 + 2 * scaleOf(toImage);
  const left = Math.max(0, Math.floor(Math.min(...corners.map((p) => p.x)) - border));
  const top = Math.max(0, Math.floor(Math.min(...corners.map((p) => p.y)) - border));
  const right = Math.min(image.width, Math.ceil(Math.max(...corners.map((p) => p.x)) + border));
  const bottom = Math.min(image.height, Math.ceil(Math.max(...corners.map((p) => p.y)) + border));
  return right - left < 1 || bottom - top < 1 ? null : { x: left, y: top, width: right - left, height: bottom - top };
}

function copyRegion(image: RgbImage, { x, y, width, height }: { x: number; y: number; width: number; height: number }): FloatImage {
  const data = new Float32Array(width * height * 3);
  for (let row = 0; row < height; row += 1) {
    const start = ((y + row) * image.width + x) * 3;
    data.set(image.data.subarray(start, start + width * 3), row * width * 3);
  }
  return { width, height, data };
}

function halve({ width, height, data }: FloatImage): FloatImage {
  const [w, h] = [width >> 1, height >> 1];
  const half = new Float32Array(w * h * 3);
  for (let y = 0; y < h; y += 1) {
    for (let x = 0; x < w; x += 1) {
      const from = (2 * y * width + 2 * x) * 3;
      const below = from + width * 3;
      const to = (y * w + x) * 3;
      for (let c = 0; c < 3; c += 1) half[to + c] = (data[from + c]! + data[from + 3 + c]! + data[below + c]! + data[below + 3 + c]!) / 4;
    }
  }
  return { width: w, height: h, data: half };
}

/** Bilinear; a sample whose four neighbours lie partly outside mixes with black. */
function sample({ width, height, data }: FloatImage, toSource: Similarity, crop: Float32Array, size: number): void {
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
      const left = x0 >= 0;
      const right = x0 + 1 < width;
      const up = y0 >= 0;
      const down = y0 + 1 < height;
      const base = (y0 * width + x0) * 3;
      const below = base + width * 3;
      const [w00, w10, w01, w11] = [left && up ? (1 - fx) * (1 - fy) : 0, right && up ? fx * (1 - fy) : 0, left && down ? (1 - fx) * fy : 0, right && down ? fx * fy : 0];
      for (let c = 0; c < 3; c += 1) {
        let value = 0;
        if (w00 > 0) value += w00 * data[base + c]!;
        if (w10 > 0) value += w10 * data[base + 3 + c]!;
        if (w01 > 0) value += w01 * data[below + c]!;
        if (w11 > 0) value += w11 * data[below + 3 + c]!;
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
