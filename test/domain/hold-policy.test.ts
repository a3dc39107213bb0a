import { describe, expect, it } from '@jest/globals';
import { NOT_COMPARED, type CardAgreement } from '../../src/domain/registration/card-agreement.js';
import { decideHold as decide, framesInconsistent } from '../../src/domain/registration/hold.policy.js';

type Seen = Parameters<typeof decide>[3];
type Frames = Seen['frames'];
type OnCard = Seen['onCard'];
const policy = {
  holdMarginPoints: 2000,
  registeredMatchPointsMin: 5000,
  holdOnRegisteredMismatch: false,
  holdOnFramesInconsistent: false,
  photoQualityHoldBelow: {},
  holdOnCardUnconfirmed: false,
  certificateTypesWithoutSameCard: ['user_authentication'] as const,
};
const UNKNOWN_CARD: OnCard = {
  agreement: NOT_COMPARED,
  otherCertificate: 'not_asked',
  certificateType: 'user_authentication',
  erasedBefore: false,
};
const decideHold = (
  card: number,
  registered: number | 'none',
  values: Parameters<typeof decide>[2],
  frames: Frames = 'not_assessed',
  quality: Seen['quality'] = {},
  onCard: OnCard = UNKNOWN_CARD,
) => decide(card, registered, values, { frames, quality, onCard });

describe('hold rule of claim 4 (@req R15 R16)', () => {
  it.each([
    // card, registered, held
    [9500, 7501, false],
    [9500, 7500, true],
    [9500, 7499, true],
    [9500, 'none', false],
    [9500, 9500, false],
    [7000, 9500, false],
    [10000, 0, true],
    [0, 0, false],
    [2000, 0, true],
    [1999, 0, false],
  ] as const)('card %s, registered %s → held %s', (card, registered, expected) => {
    const decision = decideHold(card, registered, policy);
    expect(decision !== null).toBe(expected);
    if (decision)
      expect(decision).toEqual({
        reason: 'registered_gap',
        differencePoints: card - (registered as number),
        boundPoints: 2000,
      });
  });

  it('holds all 81 pairs of two-decimal scores whose difference is 0.20, of which doubles miss 38 (@req A6)', () => {
    let missedByDoubles = 0;
    for (let hundredths = 20; hundredths <= 100; hundredths++) {
      const card = hundredths / 100;
      const registered = (hundredths - 20) / 100;
      if (!(card - registered >= 0.2)) missedByDoubles++;
      expect(decideHold(hundredths * 100, (hundredths - 20) * 100, policy)?.reason).toBe('registered_gap');
    }
    expect(missedByDoubles).toBe(38);
  });

  it('notes a weak registered comparison as a reason of its own only where the policy says so (@req A8)', () => {
    expect(decideHold(6500, 4999, policy)).toBeNull();
    expect(decideHold(6500, 4999, { ...policy, holdOnRegisteredMismatch: true })).toEqual({
      reason: 'registered_mismatch',
      differencePoints: 1501,
      boundPoints: 5000,
    });
    expect(decideHold(6500, 5000, { ...policy, holdOnRegisteredMismatch: true })).toBeNull();
  });

  it('names the gap when both reasons apply', () => {
    expect(decideHold(9000, 4000, { ...policy, holdOnRegisteredMismatch: true })?.reason).toBe('registered_gap');
  });
});

describe('frames that do not fit (hints; a reason only where the policy says so)', () => {
  const frames = (
    samePerson: boolean | 'not_assessed',
    promptFollowed: boolean | 'not_assessed',
    movement: boolean | 'not_assessed' = true,
  ): Frames => ({ count: 2, samePerson, movement, promptFollowed });
  const asking = { ...policy, holdOnFramesInconsistent: true };
  const table: readonly [Frames, boolean][] = [
    ['not_assessed', false],
    [frames(true, true), false],
    [frames(true, false), true],
    [frames(false, true), true],
    [frames(false, false), true],
    [frames(true, 'not_assessed'), false],
    [frames('not_assessed', 'not_assessed', 'not_assessed'), false],
    [frames(false, 'not_assessed'), true],
    [frames('not_assessed', false), true],
    [frames(true, true, false), false],
  ];
  it.each(table)('%j → inconsistent %s', (given, expected) => {
    expect(framesInconsistent(given)).toBe(expected);
    for (const registered of ['none', 9000] as const) {
      expect(decideHold(9500, registered, policy, given)).toBeNull();
      expect(decideHold(9500, registered, asking, given)).toEqual(
        expected
          ? { reason: 'frames_inconsistent', differencePoints: registered === 'none' ? null : 500, boundPoints: null }
          : null,
      );
    }
  });
  it('come last where several reasons apply', () => {
    expect(decideHold(9500, 7500, asking, frames(false, false))?.reason).toBe('registered_gap');
    expect(decideHold(6500, 4999, { ...asking, holdOnRegisteredMismatch: true }, frames(false, false))?.reason).toBe(
      'registered_mismatch',
    );
  });
});

describe('a photograph of which nobody can tell whether it is a portrait', () => {
  const asking = { ...policy, photoQualityHoldBelow: { EyesVisible: 50, NaturalColour: 30 } };
  it.each([
    [{ EyesVisible: 49 }, true],
    [{ EyesVisible: 50 }, false],
    [{ EyesVisible: 51, NaturalColour: 29 }, true],
    // What covers an eye hides whether it is open, and a grey picture has no colour: not assessed is neither good nor
    // bad.
    [{ EyesVisible: 'not_assessed' }, true],
    [{ EyesVisible: 80, NaturalColour: 'not_assessed' }, true],
    [{ EyesVisible: 80, MouthOcclusionPrevention: 0 }, false],
    // Comparisons of before the measure was taken.
    [{}, false],
  ] as const)('%j → held %s', (quality, expected) => {
    for (const registered of ['none', 9000] as const) {
      expect(decideHold(9500, registered, policy, 'not_assessed', quality)).toBeNull();
      const held = {
        reason: 'portrait_doubtful',
        differencePoints: registered === 'none' ? null : 500,
        boundPoints: null,
      };
      expect(decideHold(9500, registered, asking, 'not_assessed', quality)).toEqual(expected ? held : null);
    }
  });
  it('comes after the registered image and the frames', () => {
    const quality = { EyesVisible: 0 };
    expect(decideHold(9500, 7500, asking, 'not_assessed', quality)?.reason).toBe('registered_gap');
    const both = { ...asking, holdOnFramesInconsistent: true };
    expect(
      decideHold(9500, 'none', both, { count: 1, samePerson: false, movement: true, promptFollowed: true }, quality)
        ?.reason,
    ).toBe('frames_inconsistent');
  });
});

describe('hold of a card of which something is wrong (@req R5 R32)', () => {
  const equal = { outcome: 'equal' } as const;
  const differs = { outcome: 'differs' } as const;
  const unknown = { outcome: 'cannot_tell', because: 'not_named' } as const;
  const agreement = (change: Partial<CardAgreement> = {}): CardAgreement => ({
    birthDate: unknown,
    sex: unknown,
    birthday: equal,
    expiry: equal,
    sameCard: unknown,
    ...change,
  });
  const onCard = (change: Partial<CardAgreement> = {}, other: Partial<OnCard> = {}) =>
    ({
      agreement: agreement(change),
      otherCertificate: 'told',
      certificateType: 'user_authentication',
      erasedBefore: false,
      ...other,
    }) as const;
  const reasonOf = (
    found: OnCard,
    values: Parameters<typeof decide>[2] = policy,
    registered: number | 'none' = 'none',
  ) => decideHold(9500, registered, values, 'not_assessed', {}, found)?.reason ?? null;
  const strict = { ...policy, holdOnCardUnconfirmed: true };

  it('holds a card of somebody who was erased before, with no switch, after a contradiction and before the frames (@fault D2)', () => {
    const before = onCard({ birthDate: equal, sameCard: equal }, { erasedBefore: true });
    expect(reasonOf(before)).toBe('erased_before');
    expect(reasonOf({ ...before, erasedBefore: false })).toBeNull();
    expect(reasonOf(before, policy, 9500)).toBe('erased_before');
    expect(reasonOf(before, policy, 0)).toBe('registered_gap');
    expect(reasonOf(onCard({ sex: { outcome: 'differs' } }, { erasedBefore: true }))).toBe('card_differs');
    const frames = { count: 1, samePerson: false, promptFollowed: 'not_assessed' } as unknown as Frames;
    expect(decideHold(9500, 'none', { ...policy, holdOnFramesInconsistent: true }, frames, {}, before)).toMatchObject({
      reason: 'erased_before',
      differencePoints: null,
      boundPoints: null,
    });
  });

  it.each(['birthDate', 'sex', 'birthday', 'expiry', 'sameCard'] as const)(
    'holds whenever %s differs, whatever else agrees and whatever the switches say',
    (point) => {
      expect(reasonOf(onCard({ birthDate: equal, sameCard: equal, [point]: differs }))).toBe('card_differs');
      expect(decideHold(9500, 9000, policy, 'not_assessed', {}, onCard({ [point]: differs }))).toEqual({
        reason: 'card_differs',
        differencePoints: 500,
        boundPoints: null,
      });
    },
  );

  it.each([
    ['nothing that binds', agreement(), 'card_unconfirmed'],
    ["the authority's word", agreement({ sameCard: equal }), null],
    ['the date of birth in both', agreement({ birthDate: equal }), null],
    ['the sex alone', agreement({ sex: equal }), 'card_unconfirmed'],
    ['a check of before', NOT_COMPARED, 'card_unconfirmed'],
  ] as const)('holds a card of which nobody can tell only where the policy says so: %s', (_, found, expected) => {
    expect(reasonOf({ ...onCard(), agreement: found })).toBeNull();
    expect(reasonOf({ ...onCard(), agreement: found }, strict)).toBe(expected);
  });

  it.each([
    ['told', 'digital_signature', null],
    ['not_asked', 'digital_signature', null],
    ['no_service', 'digital_signature', 'card_unconfirmed'],
    ['not_told', 'digital_signature', 'card_unconfirmed'],
    ['no_service', 'user_authentication', null],
    ['not_told', 'user_authentication', null],
  ] as const)(
    'holds the second type of certificate where nobody tells which two are on one card: %s, %s',
    (otherCertificate, certificateType, expected) => {
      const found = onCard({ birthDate: equal }, { otherCertificate, certificateType });
      expect(reasonOf(found)).toBe(expected);
      expect(
        reasonOf(found, { ...policy, certificateTypesWithoutSameCard: ['user_authentication', 'digital_signature'] }),
      ).toBeNull();
    },
  );

  it('names the gap of claim 4 first, and a contradiction before the frames', () => {
    const both = onCard({ birthDate: differs });
    expect(reasonOf(both, policy, 7500)).toBe('registered_gap');
    expect(
      decideHold(
        9500,
        'none',
        { ...strict, holdOnFramesInconsistent: true },
        { count: 1, samePerson: false, promptFollowed: false } as never,
        {},
        both,
      )?.reason,
    ).toBe('card_differs');
  });
});
