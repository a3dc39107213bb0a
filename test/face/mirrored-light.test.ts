import { describe, expect, it } from '@jest/globals';
import { PatchSums } from '../../src/infrastructure/face/image/patch-sums.js';
import { judgeCover } from '../../src/infrastructure/face/judgement/face-cover.js';
import { mirroredLight } from '../../src/infrastructure/face/judgement/mirrored-light.js';
import type { Point } from '../../src/infrastructure/face/image/rgb-image.js';

const SIDE = 224;
const UNIT = 80;
const EYES: readonly [Point, Point] = [
  { x: 72, y: 84 },
  { x: 152, y: 84 },
];
/** All points of one half on one place: what is measured there is what all regions measure. Those of the right half have
 *  the higher numbers. */
const mesh = (point: number): Point => ({ x: point > 260 ? 150 : 74, y: 120 });

/** A skin of even light, darkened from a column on. */
function crop(from: number, share: number): Float32Array {
  return Float32Array.from({ length: 3 * SIDE * SIDE }, (_, i) => {
    return Math.floor(i / 3) % SIDE >= from ? 150 * share : 150;
  });
}

const cues = (share: number, yaw = 0) =>
  mirroredLight({ eyes: EYES, mesh, yaw }, new PatchSums(crop(SIDE / 2, share), SIDE, UNIT));

describe('the light of both halves of a face', () => {
  it('does not differ where it is even, and differs the more the darker one half lies', () => {
    const [even, ...darker] = [1, 0.7, 0.4, 0.15].map((share) => cues(share));
    for (const cue of ['halvesApart', 'eyesApart'] as const) {
      expect(even![cue]).toBeCloseTo(Math.log(0.05), 3);
      const values = darker.map((found) => found[cue]);
      expect([...values].sort((a, b) => a - b)).toEqual(values);
      expect(values[0]).toBeGreaterThan(even![cue]);
    }
  });

  it('is told alike whichever half is the dark one, by how many times it is darker', () => {
    const right = cues(0.25);
    const mirrored = mirroredLight(
      { eyes: EYES, mesh: (point) => ({ ...mesh(point), x: SIDE - 1 - mesh(point).x }), yaw: 0 },
      new PatchSums(crop(SIDE / 2, 0.25), SIDE, UNIT),
    );
    expect(mirrored.halvesApart).toBeCloseTo(right.halvesApart, 3);
    expect(right.halvesApart).toBeCloseTo(Math.log(0.05 + Math.log(160 / 47.5)), 3);
  });

  it('counts in the one region that is still seen of the far half when the head is turned, and in most of them else', () => {
    // The cheek points alone lie in the dark.
    const cheeks = new Set([280, 425, 411, 352, 330, 266, 376, 427]);
    const oneDark = (point: number): Point => (cheeks.has(point) ? { x: 150, y: 120 } : { x: 74, y: 120 });
    const at = (yaw: number): number =>
      mirroredLight({ eyes: EYES, mesh: oneDark, yaw }, new PatchSums(crop(SIDE / 2, 0.25), SIDE, UNIT))['halvesApart'];
    expect(at(0)).toBeCloseTo(Math.log(0.05), 3);
    expect(at(12)).toBeCloseTo(Math.log(0.05), 3);
    expect(at(22)).toBeGreaterThan(at(12));
    expect(at(-32)).toBeCloseTo(Math.log(0.05 + Math.log(160 / 47.5)), 3);
    expect(at(40)).toBeCloseTo(at(-32), 6);
  });
});

describe('a face turned to a side', () => {
  const landmarks = Array.from({ length: 68 }, (_, i) => ({ x: 60 + (i % 10) * 11, y: 60 + Math.floor(i / 10) * 20 }));
  const farHalf = (yaw: number): number =>
    judgeCover({ side: SIDE, crop: crop(SIDE, 1), eyes: EYES, landmarks, mesh, flag: 0.99999, yaw }).farHalf;

  it.each([
    [0, false],
    [29, false],
    [-29, false],
    [30, true],
    [-31, true],
    [39, true],
  ])('by %i degrees hides its far half: %s', (yaw, hides) => expect(farHalf(yaw) >= 0.5).toBe(hides));
});
