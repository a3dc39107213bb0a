import { describe, expect, it } from '@jest/globals';
import { DEFAULT_POLICY } from '../../src/domain/policy/policy.js';
import { bandOf } from '../../src/domain/registration/face-match.policy.js';
import { explainDoubts } from '../../src/domain/registration/explain-doubts.js';
import { pointsOfDistance, scoreComparison } from '../../src/domain/registration/face-score.js';
import { poornessOf, QUALITY_WEIGHTS_NAMES, qualityWeights } from '../../src/domain/registration/quality-weights.js';
import { registrationDecider } from '../../src/domain/registration/registration.js';
import type { PictureMeasures, ScoreEvidence } from '../../src/domain/values/face-comparison.js';
import { DEFAULT_MODEL_SET } from '../../src/infrastructure/face/model-set/model-set.js';
import { certificateVerified, compared, NOW, policy, received } from '../support/registration-facts.js';

const SCORING = { quality: 'dlib-1', slope: 417_000, offset: 253_830 };
const SHARP: PictureMeasures = {
  eyeDistance: 118,
  detail: -142,
  noise: -158,
  blocks: 6,
  contrast: 37,
  light: 131,
  isGrey: false,
};
const SOFT: PictureMeasures = { ...SHARP, eyeDistance: 60, detail: -322, noise: -212 };
const GREY: PictureMeasures = { ...SHARP, eyeDistance: 60, isGrey: true };

function evidence(captured: PictureMeasures, card: PictureMeasures, distance: number): ScoreEvidence {
  return { scoring: SCORING, captured, card: { distance, measures: card }, registered: null };
}

/** Marks that hold for sharp colour photographs alone. @req R7 R8 R13 */
describe('points from a distance', () => {
  it('are what the logistic curve gives in floating point, at every distance there is', () => {
    for (let distance = 0; distance <= 20_000; distance += 1)
      expect(pointsOfDistance(distance, SCORING)).toBe(
        Math.round(10_000 / (1 + Math.exp((41.7 * distance) / 10_000 - 25.383))),
      );
  });

  it.each([
    [0, 10_000],
    [5_500, 9_204],
    [6_100, 4_865],
    [1_000_000_000, 0],
    [-1_000_000_000, 10_000],
  ])('of %i are %i', (distance, points) => {
    expect(pointsOfDistance(distance, SCORING)).toBe(points);
  });

  it.each([0.5, NaN, Infinity])('of %p are refused: nothing here is rounded in silence', (distance) => {
    expect(() => pointsOfDistance(distance, SCORING)).toThrow(RangeError);
  });
});

describe('the quality of both pictures', () => {
  it('adds nothing between sharp colour photographs, and says nothing about them', () => {
    expect(scoreComparison(evidence(SHARP, SHARP, 5_500))).toEqual({
      cardPoints: 9_204,
      registeredPoints: null,
      basis: {
        scoring: SCORING,
        captured: SHARP,
        card: { distance: 5_500, correction: 0, measures: SHARP },
        registered: null,
        doubts: [],
      },
    });
  });

  it('adds the most where both lack the same, less where one does, and lost colour on one side next to nothing', () => {
    const added = (a: PictureMeasures, b: PictureMeasures): number =>
      scoreComparison(evidence(a, b, 5_000)).basis.card.correction;
    expect(added(SOFT, SOFT)).toBe(552);
    expect(added(SHARP, SOFT)).toBe(182);
    expect(added(GREY, GREY)).toBe(228);
    expect(added(SHARP, GREY)).toBe(14);
    expect(added(SOFT, GREY)).toBe(added(GREY, SOFT));
    expect(added(SOFT, { ...SOFT, isGrey: true })).toBeGreaterThan(added(SOFT, SOFT));
  });

  it('counts for the registered image as for the card', () => {
    const { registeredPoints, basis } = scoreComparison({
      ...evidence(SOFT, SHARP, 4_000),
      registered: { distance: 5_000, measures: SOFT },
    });
    expect(basis.registered).toEqual({ distance: 5_000, correction: 552, measures: SOFT });
    expect(registeredPoints).toBe(pointsOfDistance(5_552, SCORING));
    expect(basis.doubts).toEqual(
      [
        { image: 'captured', doubt: 'soft' },
        { image: 'registered', doubt: 'soft' },
      ].toSorted((a, b) => (a.image < b.image ? -1 : 1)),
    );
  });

  it.each([
    ['soft', { detail: -231, noise: -200 }, 12],
    ['small', { eyeDistance: 15 }, 57],
    ['grey', { isGrey: true }, 455],
    ['noisy', { noise: -132 }, 76],
    ['compressed', { eyeDistance: 40, blocks: 26 }, 7],
    ['flat', { contrast: 23 }, 27],
    ['dark', { light: 89 }, 8],
  ] as const)('begins to count as %s one step beyond its mark', (doubt, change, share) => {
    const expected = { soft: 0, small: 0, grey: 0, noisy: 0, compressed: 0, flat: 0, dark: 0, [doubt]: share };
    expect(poornessOf({ ...SHARP, ...change }, qualityWeights('dlib-1'))).toEqual(expected);
  });

  it('never makes a worse picture count for less', () => {
    const worse: readonly Partial<PictureMeasures>[] = [
      { detail: -300 },
      { detail: -400 },
      { isGrey: true },
      { noise: -20 },
      { blocks: 90 },
      { contrast: 10 },
      { light: 20 },
      { eyeDistance: 12 },
    ];
    const share = (measures: PictureMeasures): number =>
      Object.values(poornessOf(measures, qualityWeights('dlib-1'))).reduce((sum, each) => sum + each, 0);
    for (const one of worse)
      for (const other of worse)
        expect(share({ ...SHARP, ...one, ...other })).toBeGreaterThanOrEqual(
          Math.min(share({ ...SHARP, ...one }), share({ ...SHARP, ...other })),
        );
  });

  it('is not reckoned by other weights where a name is not known', () => {
    expect(QUALITY_WEIGHTS_NAMES).toContain('none');
    for (const name of ['dlib-99', 'constructor'])
      expect(() => scoreComparison({ ...evidence(SHARP, SHARP, 1), scoring: { ...SCORING, quality: name } })).toThrow(
        /not known; run the newer release/,
      );
    expect(
      scoreComparison({ ...evidence(SOFT, SOFT, 5_000), scoring: { ...SCORING, quality: 'none' } }).basis,
    ).toMatchObject({ card: { correction: 0 }, doubts: [] });
  });
});

/** The weights of decisions from now on; those of before keep theirs, and their points. */
describe('the quality of both pictures by the weights of today', () => {
  const SCORING_2 = { ...SCORING, quality: 'dlib-2' };
  const VERY_SOFT: PictureMeasures = { ...SOFT, detail: -360, noise: -230 };
  const added = (a: PictureMeasures, b: PictureMeasures, scoring = SCORING_2): number => {
    return scoreComparison({ ...evidence(a, b, 5_000), scoring }).basis.card.correction;
  };

  it('is what the default model set scores by', () => {
    expect(DEFAULT_MODEL_SET.qualityWeights).toBe('dlib-2');
  });

  it.each([
    ['soft', { detail: -231, noise: -200 }, 9],
    ['soft, and begins to count for more', { detail: -316, noise: -210 }, 9 * 86 + 16],
    ['small', { eyeDistance: 17 }, 60],
    ['grey', { isGrey: true }, 437],
    ['noisy', { noise: -132 }, 74],
    ['compressed', { eyeDistance: 40, blocks: 26 }, 6],
    ['flat', { contrast: 23 }, 42],
    ['dark', { light: 89 }, 10],
  ] as const)('begins to count as %s one step beyond its mark', (words, change, share) => {
    const expected = {
      soft: 0,
      small: 0,
      grey: 0,
      noisy: 0,
      compressed: 0,
      flat: 0,
      dark: 0,
      [words.split(',')[0]!]: share,
    };
    expect(poornessOf({ ...SHARP, ...change }, qualityWeights('dlib-2'))).toEqual(expected);
  });

  it('takes less from a soft pair than before, and more from one that lost nearly all', () => {
    expect([added(SOFT, SOFT), added(SOFT, SOFT, SCORING)]).toEqual([470, 552]);
    expect([added(VERY_SOFT, VERY_SOFT), added(VERY_SOFT, VERY_SOFT, SCORING)]).toEqual([945, 780]);
    expect(added(SHARP, SHARP)).toBe(0);
  });

  it('keeps the points of older decisions as they were given', () => {
    const of = (quality: string): number =>
      scoreComparison({ ...evidence(SOFT, SOFT, 5_200), scoring: { ...SCORING, quality } }).cardPoints;
    expect(of('dlib-1')).toBe(7_867);
    expect(of('dlib-2')).toBe(8_402);
  });
});

describe('a comparison that the pictures make doubtful', () => {
  const decide = (made: ScoreEvidence, values = {}) => {
    const state = [received(), certificateVerified()].reduce(registrationDecider.evolve, registrationDecider.initial);
    const decision = registrationDecider.decide(state, {
      type: 'RecordFaceComparison',
      finding: compared(9_999, 'none', { evidence: made }),
      attempt: 1,
      policy: policy(values),
      nowUtc: NOW,
    });
    return 'events' in decision ? decision.events : [];
  };

  it('is held for officers where the distance alone would match, under the default policy too', () => {
    expect(decide(evidence(SOFT, SOFT, 5_200))).toMatchObject([
      {
        type: 'FaceReferred',
        data: {
          cardPoints: 7_867,
          basis: {
            doubts: [
              { image: 'captured', doubt: 'soft' },
              { image: 'card', doubt: 'soft' },
            ],
          },
        },
      },
      { type: 'Held', data: { reason: 'referral_band', cardPoints: 7_867 } },
    ]);
  });

  it('does not match where the distance would not match either, nor below the band', () => {
    expect(decide(evidence(SOFT, SHARP, 5_600))).toMatchObject([{ type: 'FaceMismatched' }]);
    expect(decide(evidence(SOFT, SOFT, 5_500))).toMatchObject([{ type: 'FaceMismatched' }]);
    expect(decide(evidence(SHARP, SOFT, 5_500))).toMatchObject([{ type: 'FaceReferred' }, { type: 'Held' }]);
    expect(decide(evidence(SOFT, { ...SOFT, isGrey: true, noise: -60 }, 5_500))).toMatchObject([
      { type: 'FaceMismatched' },
    ]);
  });

  it('takes its points from what was measured, not from what came with it', () => {
    expect(decide(evidence(SHARP, SHARP, 7_000))).toMatchObject([
      { type: 'FaceMismatched', data: { cardPoints: 217 } },
    ]);
    expect(decide(evidence(SHARP, GREY, 4_000))).toMatchObject([
      { type: 'FaceMatched', data: { cardPoints: 9_998, confirmation: 'confirmed', basis: { doubts: [] } } },
    ]);
  });

  it('stays with the given points where nothing was measured, as all comparisons of before do', () => {
    expect(bandOf({ cardPoints: 9_203, basis: null }, DEFAULT_POLICY)).toBe('no_match');
    expect(bandOf({ cardPoints: 9_203, basis: null }, { ...DEFAULT_POLICY, holdInReferralBand: true })).toBe('refer');
    expect(bandOf({ cardPoints: 9_204, basis: null }, DEFAULT_POLICY)).toBe('match');
  });

  it('is put into words in both languages', () => {
    const { doubts } = scoreComparison({
      ...evidence(SOFT, { ...SOFT, isGrey: true }, 5_000),
      registered: { distance: 4_000, measures: SOFT },
    }).basis;
    expect(explainDoubts(doubts)?.en).toBe(
      "The photograph is soft; the card's picture is soft and without colour; the registered image is soft. Strangers look alike in such pictures, so the score was lowered for it; what they can show is limited.",
    );
    expect(explainDoubts(doubts)?.ja).toContain(
      '撮影した写真はぼやけている。カードの写真はぼやけている、白黒である。登録済みの画像はぼやけている。',
    );
    expect(explainDoubts([])).toBeNull();
  });
});
