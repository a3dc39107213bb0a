import type { Box, RgbImage } from '../image/rgb-image.js';

/** Side of the patch whose spectrum is looked at; a power of two. */
const SIDE = 128;

/** From this strength on a patch is called periodic. Set above every genuine photograph measured; docs/face.md has the
 * figures. */
export const PERIODIC_MIN = 600;

/** How strongly one spatial frequency stands out among those as fine as it on a face: the grid of a screen or the dots
 * of a print, where the camera resolves them. Its absence proves nothing (a good print, a soft focus), and clothes or
 * hair can show patterns too, so only the face is looked at.
 * @returns strength of the strongest peak over the median of frequencies as fine as it, or 'not_assessed' where the
 *   face has fewer pixels than the patch */
export function periodicStrength(image: RgbImage, face: Box): number | 'not_assessed' {
  const left = Math.round(face.x + face.width / 2 - SIDE / 2);
  const top = Math.round(face.y + face.height / 2 - SIDE / 2);
  if (
    Math.min(face.width, face.height) < SIDE ||
    left < 0 ||
    top < 0 ||
    left + SIDE > image.width ||
    top + SIDE > image.height
  )
    return 'not_assessed';
  return strongestPeak(spectrum(patch(image, left, top)));
}

/** Grey values about their mean, faded out towards the edges so that the edges themselves are no frequency. */
function patch(image: RgbImage, left: number, top: number): Float64Array {
  const grey = new Float64Array(SIDE * SIDE);
  for (let y = 0; y < SIDE; y += 1) {
    for (let x = 0; x < SIDE; x += 1) {
      const at = ((top + y) * image.width + left + x) * 3;
      grey[y * SIDE + x] = 0.299 * image.data[at]! + 0.587 * image.data[at + 1]! + 0.114 * image.data[at + 2]!;
    }
  }
  const mean = grey.reduce((sum, value) => sum + value, 0) / grey.length;
  const window = Float64Array.from({ length: SIDE }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * (i + 0.5)) / SIDE));
  return grey.map((value, i) => (value - mean) * window[i % SIDE]! * window[Math.floor(i / SIDE)]!);
}

/** Squared magnitudes of the two-dimensional Fourier transform. */
function spectrum(values: Float64Array): Float64Array {
  const re = Float64Array.from(values);
  const im = new Float64Array(values.length);
  for (let line = 0; line < SIDE; line += 1) transform(re, im, line * SIDE, 1);
  for (let line = 0; line < SIDE; line += 1) transform(re, im, line, SIDE);
  return re.map((value, i) => value * value + im[i]! * im[i]!);
}

/** Radix-2 transform in place of the SIDE values that start at `from` and lie `step` apart. */
function transform(re: Float64Array, im: Float64Array, from: number, step: number): void {
  for (let i = 1, j = 0; i < SIDE; i += 1) {
    let bit = SIDE >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) swap(re, im, from + i * step, from + j * step);
  }
  for (let length = 2; length <= SIDE; length *= 2) {
    const angle = (-2 * Math.PI) / length;
    for (let start = 0; start < SIDE; start += length) {
      for (let k = 0; k < length / 2; k += 1) {
        const [c, s] = [Math.cos(angle * k), Math.sin(angle * k)];
        const a = from + (start + k) * step;
        const b = a + (length / 2) * step;
        const tr = re[b]! * c - im[b]! * s;
        const ti = re[b]! * s + im[b]! * c;
        re[b] = re[a]! - tr;
        im[b] = im[a]! - ti;
        re[a]! += tr;
        im[a]! += ti;
      }
    }
  }
}

function swap(re: Float64Array, im: Float64Array, a: number, b: number): void {
  [re[a], re[b]] = [re[b]!, re[a]!];
  [im[a], im[b]] = [im[b]!, im[a]!];
}

/** Rings of equal fineness, from a third of the finest frequency on. The axes are left out: JPEG blocks and edges lie
 * there. */
function strongestPeak(power: Float64Array): number {
  const rings = new Map<number, number[]>();
  for (let v = 0; v < SIDE; v += 1) {
    for (let u = 0; u <= SIDE / 2; u += 1) {
      const fv = v <= SIDE / 2 ? v : v - SIDE;
      if (isBlockFrequency(u) || isBlockFrequency(fv)) continue;
      const radius = Math.hypot(u, fv);
      if (radius < SIDE / 6 || radius > SIDE / 2) continue;
      const ring = Math.floor(radius / 4);
      rings.set(ring, [...(rings.get(ring) ?? []), power[v * SIDE + u]!]);
    }
  }
  let strongest = 0;
  for (const values of rings.values()) {
    values.sort((a, b) => a - b);
    const median = values[values.length >> 1]!;
    if (median > 0) strongest = Math.max(strongest, values.at(-1)! / median);
  }
  return strongest;
}

/** Frequencies of the 8-pixel blocks of JPEG, and those beside them. */
function isBlockFrequency(f: number): boolean {
  const away = Math.abs(f) % (SIDE / 8);
  return away <= 1 || away >= SIDE / 8 - 1;
}
