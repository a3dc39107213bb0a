import { apply, fitSimilarity } from '../../dist/infrastructure/face/engine/alignment.js';
import type { Point, RgbImage } from '../../dist/infrastructure/face/image/rgb-image.js';

/** A picture with 68 points of its face. */
export interface Marked {
  readonly image: RgbImage;
  readonly landmarks: readonly Point[];
}

/** Blends two faces half and half: both pictures are bent until their points lie in the middle between both, and their
 *  colours are averaged. What an
 *  attacker with an ordinary program does; no seam is painted over, so that the surroundings show both pictures.
 *  @returns a picture of the first one's size */
export function blended(a: Marked, b: Marked): RgbImage {
  const { width, height } = a.image;
  const toA = fitSimilarity(b.landmarks, a.landmarks);
  const middle = a.landmarks.map((point, i) => {
    const other = apply(toA, b.landmarks[i]!);
    return { x: (point.x + other.x) / 2, y: (point.y + other.y) / 2 };
  });
  const bends = [bendOf(a.image, middle, a.landmarks), bendOf(a.image, middle, b.landmarks)] as const;
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const [fromA, fromB] = [colourAt(a.image, bends[0](x, y)), colourAt(b.image, bends[1](x, y))];
      for (let c = 0; c < 3; c += 1) data[3 * (y * width + x) + c] = Math.round((fromA[c]! + fromB[c]!) / 2);
    }
  }
  return { width, height, data };
}

/** Pixels between the points at which a bend is reckoned; between them it runs straight. */
const STEP = 5;

/** Where each place of the blend comes from in one of both pictures. */
function bendOf(
  { width, height }: RgbImage,
  from: readonly Point[],
  to: readonly Point[],
): (x: number, y: number) => Point {
  const columns = Math.ceil(width / STEP) + 1;
  const lattice: Point[] = [];
  for (let row = 0; row <= Math.ceil(height / STEP); row += 1) {
    for (let column = 0; column < columns; column += 1) {
      const at = { x: column * STEP, y: row * STEP };
      lattice.push(bent(at, weightsAt(at, from), from, to));
    }
  }
  return (x, y) => {
    const [column, row] = [Math.floor(x / STEP), Math.floor(y / STEP)];
    const [fx, fy] = [x / STEP - column, y / STEP - row];
    const corner = (right: number, down: number): Point => lattice[(row + down) * columns + column + right]!;
    const [p, q, r, s] = [corner(0, 0), corner(1, 0), corner(0, 1), corner(1, 1)];
    const mix = (axis: 'x' | 'y'): number => {
      return (p[axis] * (1 - fx) + q[axis] * fx) * (1 - fy) + (r[axis] * (1 - fx) + s[axis] * fx) * fy;
    };
    return { x: mix('x'), y: mix('y') };
  };
}

function weightsAt({ x, y }: Point, from: readonly Point[]): number[] {
  return from.map((point) => 1 / ((point.x - x) ** 2 + (point.y - y) ** 2 + 1e-6));
}

/** Moves a point as its neighbours move, the nearest most: a similarity for each point.
 *  Source: Schaefer, McPhail, Warren 2006, "Image deformation using moving least squares", section 2.2. */
function bent(at: Point, weights: readonly number[], from: readonly Point[], to: readonly Point[]): Point {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const mean = (points: readonly Point[], axis: 'x' | 'y'): number =>
    points.reduce((sum, point, i) => sum + weights[i]! * point[axis], 0) / total;
  const [f, t] = [
    { x: mean(from, 'x'), y: mean(from, 'y') },
    { x: mean(to, 'x'), y: mean(to, 'y') },
  ];
  let [dot, cross, spread] = [0, 0, 0];
  for (const [i, weight] of weights.entries()) {
    const [px, py] = [from[i]!.x - f.x, from[i]!.y - f.y];
    const [qx, qy] = [to[i]!.x - t.x, to[i]!.y - t.y];
    dot += weight * (px * qx + py * qy);
    cross += weight * (px * qy - py * qx);
    spread += weight * (px * px + py * py);
  }
  const [dx, dy] = [at.x - f.x, at.y - f.y];
  return { x: t.x + (dot * dx - cross * dy) / spread, y: t.y + (cross * dx + dot * dy) / spread };
}

/** Bilinear; beyond the edge the edge goes on. */
function colourAt({ width, height, data }: RgbImage, { x, y }: Point): [number, number, number] {
  const [cx, cy] = [Math.min(width - 1.001, Math.max(0, x)), Math.min(height - 1.001, Math.max(0, y))];
  const [x0, y0] = [Math.floor(cx), Math.floor(cy)];
  const [fx, fy] = [cx - x0, cy - y0];
  const at = (px: number, py: number, c: number): number => data[3 * (py * width + px) + c]!;
  const mix = (c: number): number => {
    const [above, below] = [y0, y0 + 1].map((row) => at(x0, row, c) * (1 - fx) + at(x0 + 1, row, c) * fx);
    return above! * (1 - fy) + below! * fy;
  };
  return [mix(0), mix(1), mix(2)];
}
