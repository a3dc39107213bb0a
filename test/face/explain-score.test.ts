import { describe, expect, it } from '@jest/globals';
import { DEFAULT_POLICY } from '../../src/domain/policy/policy.js';
import { explainRegisteredScore, explainScore } from '../../src/domain/registration/explain-score.js';

/** @req R7 R8 R13 R15: what an officer reads beside a score. */
const policy = { ...DEFAULT_POLICY, cardMatchPointsMin: 9_204, referralPointsMin: 4_865, holdMarginPoints: 2_000 };

describe('a score in words', () => {
  it.each([
    [10_000, 'match', '796 above the mark', '基準（9,204点以上）を796点上回って'],
    [9_204, 'match', 'That is 0 above', '0点上回って'],
    [9_203, 'refer', '1 short of the mark for one person (9,204)', '1点足りず'],
    [4_865, 'refer', 'a person should look (from 4,865)', '人の目で確かめるべき範囲（4,865点以上）にあります'],
    [4_864, 'no_match', 'below the range', '範囲（4,865点以上）にも達していません'],
    [0, 'no_match', 'fewer than 1 would show one person', '1組に満たない組が同一人物'],
  ] as const)('%i points: %s, with the distance to the mark', (points, band, english, japanese) => {
    const words = explainScore(points, policy);
    expect(words.band).toBe(band);
    expect(words.en).toContain(english);
    expect(words.ja).toContain(japanese);
    expect(words.en).toContain(`${points === 0 ? '0' : points.toLocaleString('en-US')} of 10,000 points`);
  });

  it('says what the policy makes of the referral band', () => {
    expect(explainScore(7_000, { ...policy, holdInReferralBand: true }).en).toContain('The policy holds such a case.');
    expect(explainScore(7_000, { ...policy, holdInReferralBand: false }).ja).toContain('不一致として扱います');
  });

  it('never claims proof: every match warns of look-alikes, every rejection of poor pictures', () => {
    for (let points = 0; points <= 10_000; points += 97) {
      const { band, en, ja } = explainScore(points, policy);
      expect(en).toContain(
        band === 'no_match' ? 'The same person can score this low' : 'do not take the figure for proof',
      );
      expect(ja).toContain(band === 'no_match' ? '本人でも' : '点数だけで本人と断定せず');
    }
  });

  it('names what no figure tells wherever one may lead to a yes: look-alikes, blends, masks, and whose card it is', () => {
    for (const points of [policy.referralPointsMin, policy.cardMatchPointsMin, 10_000]) {
      const { en, ja } = explainScore(points, policy);
      for (const words of [
        'Look-alikes',
        'the same light',
        'blended of two faces',
        'mask',
        'to whom a card was issued',
      ])
        expect(en).toContain(words);
      for (const words of ['よく似た別人', '同じ照明', '合成', 'マスク', '誰に交付された']) expect(ja).toContain(words);
    }
  });

  it.each([-1, 10_001, 0.5, NaN])('refuses %p', (points) => {
    expect(() => explainScore(points, policy)).toThrow(RangeError);
  });
});

describe('the comparison with the registered image in words', () => {
  it('states both scores and the difference, and holds when it equals the bound', () => {
    const words = explainRegisteredScore(9_500, 7_500, policy);
    expect(words.en).toBe(
      "9,500 points against the card, 7,500 against the registered image: a difference of 2,000. The difference reaches the mark for a hold (2,000 or more), so confirmation is held. The card looks like the person now, the earlier registration does not. A card with another person's photograph does this, and so does an old or poor registered image.",
    );
    expect(words.ja).toContain(
      '差は2,000点です。差が保留の基準（2,000点以上）に達しているため、本人確認を保留します。',
    );
  });

  it('does not hold one point below the bound, nor where the registered image fits better', () => {
    expect(explainRegisteredScore(9_500, 7_501, policy).en).toContain('below the mark for a hold');
    expect(explainRegisteredScore(9_300, 9_900, policy).en).toContain(
      'a difference of minus 600. The difference is below the mark',
    );
  });

  it('names the other reason where the policy has it', () => {
    expect(
      explainRegisteredScore(5_000, 4_000, {
        ...policy,
        holdOnRegisteredMismatch: true,
        registeredMatchPointsMin: 4_865,
      }).en,
    ).toContain('below its mark (4,865)');
  });

  it('says that there was nothing to compare with at a first registration', () => {
    expect(explainRegisteredScore(9_500, 'none', policy).en).toContain('No face was registered before');
  });
});
