import { describe, expect, it } from '@jest/globals';
import { compose, cutSquare, fitSimilarity } from '../../src/infrastructure/face/engine/alignment.js';
import type { Point, RgbImage } from '../../src/infrastructure/face/image/rgb-image.js';
import {
  duplicateLikeness,
  normalisedSmallGrey,
  type FaceInPicture,
} from '../../src/infrastructure/face/judgement/presence-signals.js';

const SIDE = 48;
/** Where eyes, nose base and mouth corners lie in a unit square, and their landmarks. */
const PLACES: readonly (readonly [landmarks: readonly number[], at: Point])[] = [
  [[36, 37, 38, 39, 40, 41], { x: 0.34, y: 0.38 }],
  [[42, 43, 44, 45, 46, 47], { x: 0.66, y: 0.38 }],
  [[33], { x: 0.5, y: 0.57 }],
  [[48], { x: 0.37, y: 0.72 }],
  [[54], { x: 0.63, y: 0.72 }],
];

/** Soft noise, another for another seed. @param offset of the face in the picture, in pixels */
function picture(seed: number, offset: Point, scale = 4): FaceInPicture {
  const [width, height] = [320, 300];
  const waves = Array.from({ length: 24 }, (_, k) =>
    [1, 7, 13].map((n) => ((seed * 7919 + k * n * 104_729) % 997) / 997),
  );
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const [u, v] = [(x - offset.x) / 40, (y - offset.y) / 40];
      const sum = waves.reduce((all, [a, b, c]) => all + Math.sin((a! * 6 - 3) * u + (b! * 6 - 3) * v + c! * 6.28), 0);
      data.fill(Math.max(0, Math.min(255, 128 + 18 * sum)), (y * width + x) * 3, (y * width + x) * 3 + 3);
    }
  }
  const landmarks = Array.from({ length: 68 }, () => ({ x: 0, y: 0 }));
  for (const [points, at] of PLACES) {
    for (const i of points) {
      landmarks[i] = { x: offset.x + 40 + at.x * SIDE * scale, y: offset.y + 30 + at.y * SIDE * scale };
    }
  }
  return { image: { width, height, data } satisfies RgbImage, face: { landmarks } };
}

/** As it is meant: 25 crops, each cut for itself. */
function likenessCutByCut(a: FaceInPicture, b: FaceInPicture): number {
  const grey = ({ image, face }: FaceInPicture, shift: Point): number[] => {
    const mean = (points: readonly number[], of: 'x' | 'y'): number =>
      points.reduce((sum, i) => sum + face.landmarks[i]![of], 0) / points.length;
    const from = PLACES.map(([points]) => ({ x: mean(points, 'x'), y: mean(points, 'y') }));
    const to = PLACES.map(([, at]) => ({ x: at.x * SIDE, y: at.y * SIDE }));
    const crop = cutSquare(image, compose({ a: 1, b: 0, tx: shift.x, ty: shift.y }, fitSimilarity(from, to)), SIDE);
    return Array.from({ length: SIDE * SIDE }, (_, i) => {
      return 0.299 * crop[3 * i]! + 0.587 * crop[3 * i + 1]! + 0.114 * crop[3 * i + 2]!;
    });
  };
  const correlation = (one: readonly number[], other: readonly number[]): number => {
    const mean = (of: readonly number[]): number => of.reduce((sum, value) => sum + value, 0) / of.length;
    const [m, n] = [mean(one), mean(other)];
    const dot = (p: readonly number[], q: readonly number[], pm: number, qm: number): number =>
      p.reduce((sum, value, i) => sum + (value - pm) * (q[i]! - qm), 0);
    return dot(one, other, m, n) / Math.sqrt(dot(one, one, m, m) * dot(other, other, n, n));
  };
  const fixed = grey(a, { x: 0, y: 0 });
  const shifts = [-1, -0.5, 0, 0.5, 1];
  return Math.max(...shifts.flatMap((y) => shifts.map((x) => correlation(fixed, grey(b, { x, y })))));
}

describe('how alike two faces are as pictures', () => {
  it.each([
    ['the same picture', picture(1, { x: 10, y: 10 }), picture(1, { x: 10, y: 10 })],
    [
      'one moved by a few pixels, its landmarks less so',
      picture(2, { x: 10, y: 10 }),
      moved(picture(2, { x: 16, y: 13 })),
    ],
    ['another picture', picture(3, { x: 10, y: 10 }), picture(4, { x: 12, y: 9 })],
    ['a smaller one', picture(5, { x: 10, y: 10 }), picture(5, { x: 10, y: 10 }, 2.2)],
    ['one whose face reaches beyond the edge', picture(6, { x: 10, y: 10 }), picture(6, { x: 130, y: 110 })],
  ])('is the best of 25 crops, cut in four: %s', (_what, a, b) => {
    expect(duplicateLikeness(normalisedSmallGrey(a), b)).toBeCloseTo(likenessCutByCut(a, b), 5);
  });

  it('is 1 for a picture and itself, and nothing where there is no picture', () => {
    const face = picture(1, { x: 10, y: 10 });
    const { width, height, data } = face.image;
    const even: FaceInPicture = { ...face, image: { width, height, data: new Uint8Array(data.length).fill(90) } };
    expect(duplicateLikeness(normalisedSmallGrey(face), face)).toBeCloseTo(1, 5);
    expect(duplicateLikeness(normalisedSmallGrey(face), even)).toBe(0);
  });

  function moved({ image, face }: FaceInPicture): FaceInPicture {
    return { image, face: { landmarks: face.landmarks.map(({ x, y }) => ({ x: x - 2, y: y + 3 })) } };
  }
});
