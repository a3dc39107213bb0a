import { describe, expect, it } from '@jest/globals';
import type { PictureMeasures } from '../../src/domain/values/face-comparison.js';
import { ratesByQuality, upperBound, type JudgedPair } from '../../src/infrastructure/face/evaluation/by-quality.js';

const SHARP: PictureMeasures = {
  eyeDistance: 60,
  detail: -140,
  noise: -160,
  blocks: 0,
  contrast: 36,
  light: 130,
  isGrey: false,
};
const MARKS = { matchDistanceMax: 0.55, referDistanceMax: 0.61 };

function pair(
  distance: number,
  same: boolean,
  other: Partial<PictureMeasures> = {},
  doubts: readonly string[] = [],
): JudgedPair {
  return { distance, same, measures: [SHARP, { ...SHARP, ...other }], doubts };
}

describe('rates by the quality of the pictures', () => {
  it('counts a pair in one group of colour, of size and of doubt; equal to a mark matches', () => {
    const pairs = [
      pair(0.55, false),
      pair(0.56, false),
      pair(0.62, true),
      pair(0.5, true, { isGrey: true, eyeDistance: 15 }, ['grey', 'small']),
    ];
    const rates = ratesByQuality(pairs, MARKS);
    expect(Object.keys(rates)).toEqual([
      'colour: both',
      'colour: one',
      'eyes apart: 48 px and more',
      'eyes apart: below 16 px',
      'in doubt: grey, small',
      'in doubt: nothing',
    ]);
    expect(rates['colour: both']).toMatchObject({
      pairs: { same: 1, different: 2 },
      match: { fmr: { rate: 0.5 }, fnmr: { rate: 1 } },
      refer: { fmr: { rate: 1 }, fnmr: { rate: 1 } },
    });
    expect(rates['in doubt: grey, small']).toMatchObject({
      match: { fmr: { rate: null, upper95: null }, fnmr: { rate: 0 } },
    });
  });

  it('leaves out pairs with a picture that was not enrolled: nobody knows its quality', () => {
    expect(ratesByQuality([{ distance: Infinity, same: true, measures: null, doubts: [] }], MARKS)).toEqual({});
  });

  it('tells the range on both sides', () => {
    const { match } = ratesByQuality([pair(0.5, false), pair(0.7, false), pair(0.7, false), pair(0.7, false)], MARKS)[
      'colour: both'
    ]!;
    expect(match.fmr.rate).toBe(0.25);
    expect(match.fmr.lower95).toBeCloseTo(0.0456, 4);
    expect(match.fmr.upper95).toBeCloseTo(0.6994, 4);
  });

  it.each([
    [0, 4_500, 0.00085],
    [6, 4_500, 0.0029],
    [4_500, 4_500, 1],
  ])('bounds %i of %i from above by %f', (found, of, bound) => {
    expect(upperBound(found, of)).toBeCloseTo(bound, 4);
  });
});
