import { describe, expect, it } from '@jest/globals';
import { SampleRange } from '../../src/domain/photo/sample-range.js';
import { Random } from '../simulation/random.js';

const SAMPLE_MAX = 511;
const SEED = 20_261_130;
/** Row and column of each coefficient, by its place in the file: along the diagonals, up and down by turns. */
const PLACES = Array.from({ length: 64 }, (_, at) => [Math.floor(at / 8), at % 8] as const).sort(
  ([row, column], [otherRow, otherColumn]) => {
    const [diagonal, other] = [row + column, otherRow + otherColumn];
    if (diagonal !== other) return diagonal - other;
    return diagonal % 2 === 0 ? otherRow - row : row - otherRow;
  },
);

const wave = (x: number, u: number): number =>
  ((u === 0 ? Math.SQRT1_2 : 1) / 2) * Math.cos(((2 * x + 1) * u * Math.PI) / 16);
/** By sample: how far one unit of each coefficient moves it (ITU-T T.81 A.3.3). */
const WAVES = Array.from({ length: 64 }, (_, at) =>
  PLACES.map(([v, u]) => wave(at % 8, u) * wave(Math.floor(at / 8), v)),
);

/** The largest sample of a block by the formula itself. */
function farthest(coefficients: readonly number[], steps: Uint8Array): number {
  const samples = WAVES.map((waves) => waves.reduce((sum, way, k) => sum + way * coefficients[k]! * steps[k]!, 0));
  return Math.max(...samples.map(Math.abs));
}

describe('the range of samples', () => {
  it('is left where the formula says so, and nowhere else', () => {
    const random = new Random(SEED);
    const seen = { inside: 0, outside: 0 };
    for (let i = 0; i < 150; i += 1) {
      const steps = Uint8Array.from({ length: 64 }, () => random.between(1, 40));
      const fill = random.pick([0.03, 0.2, 1]);
      const shape = Array.from({ length: 64 }, () => (random.chance(fill) ? random.between(-100, 100) : 0));
      shape[0] = random.between(-100, 100);
      // Made as large as the range, a little more or a little less.
      const scale = (SAMPLE_MAX * random.pick([0.96, 0.99, 1.01, 1.04])) / Math.max(farthest(shape, steps), 1);
      const block = shape.map((value) => Math.round(value * scale));
      const expected = farthest(block, steps) <= SAMPLE_MAX;
      const coefficients = Int16Array.from([...Array<number>(64).fill(999), ...block, ...Array<number>(64).fill(999)]);
      expect({ i, isInside: new SampleRange(steps).isInside(coefficients, 64) }).toEqual({ i, isInside: expected });
      seen[expected ? 'inside' : 'outside'] += 1;
    }
    expect(Math.min(seen.inside, seen.outside)).toBeGreaterThan(20);
  });

  it('is kept by whatever reaches no farther, which is taken from the caller', () => {
    const range = new SampleRange(new Uint8Array(64).fill(255));
    const far = new Int16Array(64).fill(100);
    expect(range.isInside(far, 0, SAMPLE_MAX)).toBe(true);
    expect(range.isInside(far, 0, SAMPLE_MAX + 0.125)).toBe(false);
  });

  it('reckons with an eighth for the mean and a quarter for all others', () => {
    const steps = Uint8Array.from({ length: 64 }, (_, k) => k + 1);
    expect([...new SampleRange(steps).reach]).toEqual([...steps].map((step, k) => step * (k === 0 ? 0.125 : 0.25)));
  });
});
