import { describe, expect, it } from '@jest/globals';
import { photoCheckText } from '../../src/domain/booth/photo-check.js';
import { GUIDANCE_BELOW, photoGuidance } from '../../src/domain/registration/photo-guidance.js';
import { PHOTO_MEASURES } from '../../src/domain/values/face-comparison.js';

const asking = { photoQualityMin: { Sharpness: 50 }, photoQualityHoldBelow: {} };
const nothing = { photoQualityMin: {}, photoQualityHoldBelow: {} };

describe('guidance for the booth (@req R30)', () => {
  it.each([
    [49, false, true],
    [50, true, false],
    [51, true, false],
  ])('sharpness %i where 50 is asked for: usable %s, a word about it %s', (Sharpness, usable, mentioned) => {
    const { reasons, guidance, ...rest } = photoGuidance({ reasons: [], quality: { Sharpness } }, asking);
    expect(rest).toEqual({ usable, review: false });
    expect(reasons.map(({ reason }) => reason)).toEqual(usable ? [] : ['poor_quality']);
    expect(guidance.map(({ measure }) => measure)).toEqual(mentioned ? ['Sharpness'] : []);
  });

  it('mentions a weak measure also where the policy asks for nothing', () => {
    const advised = (value: number) => photoGuidance({ reasons: [], quality: { EyesOpen: value } }, nothing);
    expect(advised(GUIDANCE_BELOW - 1)).toMatchObject({
      usable: true,
      guidance: [{ measure: 'EyesOpen', value: GUIDANCE_BELOW - 1 }],
    });
    expect(advised(GUIDANCE_BELOW)).toEqual({ usable: true, review: false, reasons: [], guidance: [] });
  });

  it('says nothing of what was not assessed', () => {
    expect(photoGuidance({ reasons: [], quality: { Sharpness: 'not_assessed' } }, asking)).toEqual({
      usable: true,
      review: false,
      reasons: [],
      guidance: [],
    });
  });

  it.each([
    [49, true, true],
    [50, false, false],
    ['not_assessed', true, false],
  ] as const)(
    'eyes visible %s where officers look below 50: they would %s, a word about it %s',
    (EyesVisible, review, mentioned) => {
      const found = photoGuidance(
        { reasons: [], quality: { EyesVisible } },
        { ...nothing, photoQualityHoldBelow: { EyesVisible: 50 } },
      );
      expect([found.usable, found.review]).toEqual([true, review]);
      expect(found.guidance.map(({ measure }) => measure)).toEqual(mentioned ? ['EyesVisible'] : []);
    },
  );

  it('says nothing of officers where the photograph would not be compared at all', () => {
    const asked = { ...nothing, photoQualityHoldBelow: { EyesVisible: 50 } };
    expect(photoGuidance({ reasons: ['eyes_closed'], quality: { EyesVisible: 10 } }, asked)).toMatchObject({
      usable: false,
      review: false,
    });
  });

  it('has a hint for every measure in both languages, worst measure first', () => {
    const { guidance } = photoGuidance(
      { reasons: [], quality: Object.fromEntries(PHOTO_MEASURES.map((measure, i) => [measure, i])) },
      nothing,
    );
    expect(guidance.map(({ value }) => value)).toEqual(PHOTO_MEASURES.map((_, i) => i));
    for (const { hint } of guidance) expect([/[ぁ-んァ-ヶ]/.test(hint.ja), hint.en.length > 5]).toEqual([true, true]);
  });
});

it('is asked for with a text of its own (@req R21)', () => {
  expect(photoCheckText({ boothId: 'b', nonce: 'n', photoSha256: 'p' })).toBe(
    '{"boothId":"b","label":"honnin/photo-check/v1","nonce":"n","photoSha256":"p"}',
  );
});
