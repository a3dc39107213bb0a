import type { Patch, PatchSums } from '../image/patch-sums.js';
import type { Point } from '../image/rgb-image.js';

/** Points of the mesh on bare skin, each with its mirror image on the other half of the face. A turned head takes its
 *  points along, while an area between landmarks slides onto the nose or off the face. */
const MIRRORED: readonly (readonly (readonly [left: number, right: number])[])[] = [
  // forehead
  [
    [108, 337],
    [69, 299],
    [104, 333],
    [67, 297],
    [103, 332],
  ],
  // around the eyes
  [
    [223, 443],
    [224, 444],
    [225, 445],
    [229, 449],
    [230, 450],
    [231, 451],
    [118, 347],
    [117, 346],
    [119, 348],
  ],
  // cheeks
  [
    [50, 280],
    [205, 425],
    [187, 411],
    [123, 352],
    [101, 330],
    [36, 266],
    [147, 376],
    [207, 427],
  ],
  // beside the nose
  [
    [198, 420],
    [126, 355],
    [142, 371],
    [203, 423],
    [206, 426],
  ],
  // mouth to jaw
  [
    [216, 436],
    [212, 432],
    [202, 422],
    [210, 430],
    [214, 434],
    [204, 424],
    [211, 431],
    [194, 418],
    [32, 262],
    [135, 364],
    [192, 416],
  ],
];

export interface MirroredLight {
  readonly halvesApart: number;
  readonly eyesApart: number;
}

interface LitFace {
  readonly eyes: readonly [Point, Point];
  readonly mesh: (point: number) => Point;
  /** Degrees by which the head is turned to a side. */
  readonly yaw: number;
}

/** How far the halves differ in light (natural logarithms of brightness), on a logarithmic scale: half of the regions
 *  of a face that looks ahead differ by more than this, or the one that differs most where the head is turned so far
 *  that little else of the far half is seen. */
export function mirroredLight({ eyes, mesh, yaw }: LitFace, sums: PatchSums): MirroredLight {
  const light = (patch: Patch): number => Math.log(sums.brightness(patch) + DARK);
  const at = (point: number): number => light([mesh(point), 0.05, 0.05]);
  const regions = MIRRORED.map((pairs) => Math.abs(middle(pairs.map(([left, right]) => at(left) - at(right)))));
  const turned = Math.min(1, Math.max(0, (Math.abs(yaw) - TURNED.from) / TURNED.over));
  const [onLeft, onRight] = eyes.map((eye) => light([eye, 0.3, 0.18]));
  return {
    halvesApart: scaled((1 - turned) * middle(regions) + turned * Math.max(...regions)),
    eyesApart: scaled(Math.abs(onLeft! - onRight!)),
  };
}

/** Added before a logarithm is taken: in the dark, noise is no light. */
const DARK = 10;
/** Degrees. */
const TURNED = { from: 12, over: 20 };

function scaled(difference: number): number {
  return Math.log(difference + 0.05);
}

function middle(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort();
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}
