import { describe, expect, it } from '@jest/globals';
import { PatchSums, type Patch } from '../../src/infrastructure/face/image/patch-sums.js';

const SIDE = 64;
const UNIT = 20;

/** Noise, and from a row on one even colour, as paint or paper has it. */
function halfEven(from: number): Float32Array {
  let state = 7;
  const noise = (): number => (state = (state * 16_807) % 2_147_483_647) / 2_147_483_647;
  return Float32Array.from({ length: 3 * SIDE * SIDE }, (_, i) => (i < 3 * SIDE * from ? 255 * noise() : 200.3));
}

describe('means over rectangles of a face', () => {
  it('are those of the pixels', () => {
    const crop = halfEven(SIDE);
    const sums = new PatchSums(crop, SIDE, UNIT);
    let [light, count] = [0, 0];
    for (let y = 10; y <= 18; y += 1) {
      for (let x = 20; x <= 32; x += 1, count += 1) {
        const i = 3 * (y * SIDE + x);
        light += 0.299 * crop[i]! + 0.587 * crop[i + 1]! + 0.114 * crop[i + 2]!;
      }
    }
    expect(sums.brightness([{ x: 26, y: 14 }, 0.3, 0.2])).toBeCloseTo(light / count, 3);
  });

  it('find no grain, and nothing that is no number, where all is even', () => {
    const sums = new PatchSums(halfEven(24), SIDE, UNIT);
    for (let y = 30; y < 60; y += 3) {
      for (let x = 6; x < 58; x += 4) expect(sums.grain([{ x, y }, 0.1, 0.1]).fine).toBeCloseTo(0, 2);
    }
  });

  it.each<[string, Patch]>([
    ['beyond the right edge', [{ x: 200, y: 30 }, 0.1, 0.1]],
    ['above the upper edge', [{ x: 30, y: -90 }, 0.1, 0.1]],
    ['without a width', [{ x: 30, y: 30 }, 0, 0]],
  ])('are numbers for a rectangle %s', (_where, patch) => {
    const sums = new PatchSums(halfEven(30), SIDE, UNIT);
    expect([...Object.values(sums.tone(patch)), ...Object.values(sums.grain(patch))].every(Number.isFinite)).toBe(true);
  });
});
