import type { ModelInput } from '../model-set/model-set.js';
import type { Point, RgbImage } from '../image/rgb-image.js';

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
  return {
    a: outer.a * inner.a - outer.b * inner.b,
    b: outer.a * inner.b + outer.b * inner.a,
    tx: moved.x,
    ty: moved.y,
  };
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
  cutInto(crop, image, toCrop, size);
  return crop;
}

/** Cuts a square out of a picture as `cutSquare` does and lays it out as a network wants it, from `offset` on. */
export function cutTensor(
  image: RgbImage,
  toCrop: Similarity,
  input: ModelInput,
  target: Float32Array,
  { offset = 0, mirrored = false }: { offset?: number; mirrored?: boolean } = {},
): void {
  const size = input.width;
  if (spareCrop.length < size * size * 3) spareCrop = new Float32Array(size * size * 3);
  const crop = spareCrop.subarray(0, size * size * 3).fill(0);
  cutInto(crop, image, toCrop, size);
  fillTensor(crop, input, target, offset, mirrored);
}

/** Used again by every cut: fresh memory for each would be the larger part of a cut's time. */
let spareCrop = new Float32Array(0);

function cutInto(crop: Float32Array, image: RgbImage, toCrop: Similarity, size: number): void {
  const level = levelFor(image, scaleOf(toCrop));
  // A pixel of a half picture covers two: centres lie at (2x + 0.5), so x/2 - 0.25 goes to the half picture, level by
  // level.
  const shrink = 2 ** -level;
  const toLevel = { a: shrink, b: 0, tx: (shrink - 1) / 2, ty: (shrink - 1) / 2 };
  sample(halved(image, level), compose(toLevel, invert(toCrop)), crop, size);
}

/** Scales a whole picture, upright, to exactly these dimensions.
 *  @returns width*height*3 values 0..255, RGB interleaved */
export function scaleWhole(image: RgbImage, width: number, height: number): Float32Array {
  const plane = halved(image, levelFor(image, Math.max(width / image.width, height / image.height)));
  const scaled = new Float32Array(width * height * 3);
  scaleInto(scaled, plane, width, height);
  return scaled;
}

/** Where each pixel of a scaled line lies between two pixels of the line: the first, the second, and the second one's
 * share. */
function between(length: number, from: number): { first: Int32Array; second: Int32Array; share: Float64Array } {
  const [first, second, share] = [new Int32Array(length), new Int32Array(length), new Float64Array(length)];
  for (let i = 0; i < length; i += 1) {
    const at = Math.min(from - 1, Math.max(0, ((i + 0.5) * from) / length - 0.5));
    first[i] = Math.floor(at);
    second[i] = Math.min(from - 1, first[i]! + 1);
    share[i] = at - first[i]!;
  }
  return { first, second, share };
}

function levelFor(image: RgbImage, scale: number): number {
  let level = 0;
  for (let rest = scale; rest < HALVE_BELOW && Math.min(image.width, image.height) >> level > 2; rest *= 2) level += 1;
  return level;
}

interface Plane {
  readonly width: number;
  readonly height: number;
  /** Sums over the pixels that one value stands for. */
  readonly data: Uint16Array;
  /** How many pixels a sum is of: a value of 255 is stored as 255 * unit. */
  readonly unit: number;
}

/** The largest number of pixels whose sum fits into 16 bits. */
const UNIT_MAX = 256;

/** Several crops of one picture share its half sizes. Only the last picture's are kept, in memory that the next
 * picture's take over: megabytes of fresh memory for each picture would cost their time and be left to the garbage
 * collector. */
const kept: { picture: WeakRef<RgbImage> | undefined; planes: (Plane | undefined)[]; readonly buffers: Uint16Array[] } =
  { picture: undefined, planes: [], buffers: [] };

function halved(image: RgbImage, level: number): Plane {
  if (kept.picture?.deref() !== image) {
    kept.picture = new WeakRef(image);
    kept.planes = [];
  }
  return (kept.planes[level] ??=
    level === 0 ? copied(image) : level === 1 ? halvedOnce(image) : halvedAgain(halved(image, level - 1), level));
}

/** @param at which of the kept buffers takes the sums
 *  @returns memory of at least this length, in use until another picture is cut */
function bufferOf(at: number, length: number): Uint16Array {
  const buffer = kept.buffers[at];
  if (buffer && buffer.length >= length) return buffer;
  return (kept.buffers[at] = new Uint16Array(length));
}

// Bytes are read in the next two functions only. A loop that has seen bytes and sums runs at half the speed of one that
// has seen one kind, and the loops that cut are the larger part of the work.

function copied({ width, height, data }: RgbImage): Plane {
  const sums = bufferOf(0, data.length);
  sums.set(data);
  return { width, height, data: sums, unit: 1 };
}

function halvedOnce({ width, height, data }: RgbImage): Plane {
  const [w, h] = [width >> 1, height >> 1];
  const half = bufferOf(1, w * h * 3);
  const row = width * 3;
  let to = 0;
  for (let y = 0; y < h; y += 1) {
    const start = 2 * y * row;
    for (let from = start; from < start + 6 * w; from += 6, to += 3) {
      const below = from + row;
      half[to] = data[from]! + data[from + 3]! + data[below]! + data[below + 3]!;
      half[to + 1] = data[from + 1]! + data[from + 4]! + data[below + 1]! + data[below + 4]!;
      half[to + 2] = data[from + 2]! + data[from + 5]! + data[below + 2]! + data[below + 5]!;
    }
  }
  return { width: w, height: h, data: half, unit: 4 };
}

/** Sums are exact down to a sixteenth of the size; beyond that their last digit is rounded. */
function halvedAgain({ width, height, data, unit }: Plane, level: number): Plane {
  const [w, h] = [width >> 1, height >> 1];
  const half = bufferOf(level, w * h * 3);
  const row = width * 3;
  const shift = unit < UNIT_MAX ? 0 : 2;
  let to = 0;
  for (let y = 0; y < h; y += 1) {
    const start = 2 * y * row;
    for (let from = start; from < start + 6 * w; from += 6, to += 3) {
      const below = from + row;
      half[to] = (data[from]! + data[from + 3]! + data[below]! + data[below + 3]! + shift) >> shift;
      half[to + 1] = (data[from + 1]! + data[from + 4]! + data[below + 1]! + data[below + 4]! + shift) >> shift;
      half[to + 2] = (data[from + 2]! + data[from + 5]! + data[below + 2]! + data[below + 5]! + shift) >> shift;
    }
  }
  return { width: w, height: h, data: half, unit: shift === 0 ? unit * 4 : unit };
}

function scaleInto(
  scaled: Float32Array,
  { data, width: fromWidth, height: fromHeight, unit }: Plane,
  width: number,
  height: number,
): void {
  const [columns, rows] = [between(width, fromWidth), between(height, fromHeight)];
  const one = 1 / unit;
  let at = 0;
  for (let y = 0; y < height; y += 1) {
    const above = rows.first[y]! * fromWidth;
    const below = rows.second[y]! * fromWidth;
    const lower = rows.share[y]! * one;
    const upper = one - lower;
    for (let x = 0; x < width; x += 1, at += 3) {
      const right = columns.share[x]!;
      const w10 = right * upper;
      const w00 = upper - w10;
      const w11 = right * lower;
      const w01 = lower - w11;
      const p00 = (above + columns.first[x]!) * 3;
      const p10 = (above + columns.second[x]!) * 3;
      const p01 = (below + columns.first[x]!) * 3;
      const p11 = (below + columns.second[x]!) * 3;
      scaled[at] = w00 * data[p00]! + w10 * data[p10]! + w01 * data[p01]! + w11 * data[p11]!;
      scaled[at + 1] = w00 * data[p00 + 1]! + w10 * data[p10 + 1]! + w01 * data[p01 + 1]! + w11 * data[p11 + 1]!;
      scaled[at + 2] = w00 * data[p00 + 2]! + w10 * data[p10 + 2]! + w01 * data[p01 + 2]! + w11 * data[p11 + 2]!;
    }
  }
}

/** Bilinear; a sample whose four neighbours lie partly outside mixes with black. */
function sample(plane: Plane, { a, b, tx, ty }: Similarity, crop: Float32Array, size: number): void {
  const { data, width, height, unit } = plane;
  const one = 1 / unit;
  const lastX = width - 1;
  const lastY = height - 1;
  let at = 0;
  for (let v = 0; v < size; v += 1) {
    const startX = tx - b * v;
    const startY = ty + a * v;
    for (let u = 0; u < size; u += 1, at += 3) {
      const x = startX + a * u;
      const y = startY + b * u;
      if (x >= 0 && y >= 0 && x < lastX && y < lastY) {
        const x0 = x | 0;
        const y0 = y | 0;
        const fx = x - x0;
        const lower = (y - y0) * one;
        const upper = one - lower;
        const w10 = fx * upper;
        const w00 = upper - w10;
        const w11 = fx * lower;
        const w01 = lower - w11;
        const base = (y0 * width + x0) * 3;
        const below = base + width * 3;
        crop[at] = w00 * data[base]! + w10 * data[base + 3]! + w01 * data[below]! + w11 * data[below + 3]!;
        crop[at + 1] = w00 * data[base + 1]! + w10 * data[base + 4]! + w01 * data[below + 1]! + w11 * data[below + 4]!;
        crop[at + 2] = w00 * data[base + 2]! + w10 * data[base + 5]! + w01 * data[below + 2]! + w11 * data[below + 5]!;
      } else if (x > -1 && y > -1 && x < width && y < height) {
        sampleAtEdge(plane, x, y, crop, at);
      }
    }
  }
}

function sampleAtEdge(
  { data, width, height, unit }: Plane,
  x: number,
  y: number,
  crop: Float32Array,
  at: number,
): void {
  const [x0, y0] = [Math.floor(x), Math.floor(y)];
  const [fx, fy] = [x - x0, y - y0];
  for (let c = 0; c < 3; c += 1) {
    const pixel = (px: number, py: number): number =>
      px >= 0 && py >= 0 && px < width && py < height ? data[(py * width + px) * 3 + c]! : 0;
    crop[at + c] =
      ((1 - fx) * (1 - fy) * pixel(x0, y0) +
        fx * (1 - fy) * pixel(x0 + 1, y0) +
        (1 - fx) * fy * pixel(x0, y0 + 1) +
        fx * fy * pixel(x0 + 1, y0 + 1)) /
      unit;
  }
}

/** Lays an interleaved RGB crop out as a network wants it: channels first, in its order, normalised. */
export function fillTensor(
  crop: Float32Array | Uint8Array,
  input: ModelInput,
  target: Float32Array,
  offset = 0,
  mirrored = false,
): void {
  const { width, height, mean, scale } = input;
  const plane = width * height;
  // Of the picture's red, green and blue: which plane each becomes, and what zero becomes there.
  const [red, green, blue] = (input.channelOrder === 'RGB' ? [0, 1, 2] : [2, 1, 0]) as [number, number, number];
  const [red0, green0, blue0] = [-mean[red]! * scale, -mean[green]! * scale, -mean[blue]! * scale];
  const [toRed, toGreen, toBlue] = [offset + red * plane, offset + green * plane, offset + blue * plane];
  const step = mirrored ? -1 : 1;
  let from = 0;
  for (let y = 0; y < height; y += 1) {
    let to = y * width + (mirrored ? width - 1 : 0);
    for (let x = 0; x < width; x += 1, from += 3, to += step) {
      target[toRed + to] = crop[from]! * scale + red0;
      target[toGreen + to] = crop[from + 1]! * scale + green0;
      target[toBlue + to] = crop[from + 2]! * scale + blue0;
    }
  }
}
