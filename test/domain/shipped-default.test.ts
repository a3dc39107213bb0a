import { describe, expect, it } from '@jest/globals';
import { verdictOf, verdictOfCheck } from '../../src/application/door/photograph-tally.js';
import { DEFAULT_POLICY, policyDecider } from '../../src/domain/policy/policy.js';
import type { PolicyEvent, PolicyValues } from '../../src/domain/policy/policy.events.js';
import { olderInWords, olderThanShipped } from '../../src/domain/policy/shipped-default.js';
import { ALGORITHM, held } from '../support/registration-facts.js';
import { fold } from '../../src/domain/decider.js';

/** As an installation has it that was started before photographs were asked for anything. */
const BEFORE: PolicyValues = {
  ...DEFAULT_POLICY,
  cardMatchPointsMin: 9_300,
  photoQualityMin: { Sharpness: 40, NaturalColour: 10 },
  photoQualityHoldBelow: {},
};

function inForce(version: number, values: PolicyValues): PolicyEvent[] {
  return [
    { type: 'PolicyProposed', data: { version, values, proposedBy: 'a', report: null, basedOn: null } },
    { type: 'PolicyApproved', data: { version, approvedBy: 'b' } },
    { type: 'PolicyActivated', data: { version, activatedBy: 'b' } },
  ];
}
const older = (...events: PolicyEvent[]) => olderThanShipped(fold(policyDecider, events));

describe('a policy of before the default of this version', () => {
  it('is told by what it does not ask for, and the proposal keeps everything else', () => {
    const found = older(...inForce(1, BEFORE));
    expect(found?.version).toBe(1);
    const wanted =
      Object.keys(DEFAULT_POLICY.photoQualityMin).length + Object.keys(DEFAULT_POLICY.photoQualityHoldBelow).length;
    expect(found?.differences).toHaveLength(wanted);
    expect(found?.differences).toContainEqual({ field: 'photoQualityMin.NaturalColour', inForce: 10, shipped: 30 });
    expect(found?.differences).toContainEqual({ field: 'photoQualityMin.HeadPoseRoll', inForce: null, shipped: 80 });
    expect(found?.proposal).toEqual({
      ...BEFORE,
      photoQualityMin: { ...DEFAULT_POLICY.photoQualityMin, Sharpness: 40 },
      photoQualityHoldBelow: DEFAULT_POLICY.photoQualityHoldBelow,
    });
    if (found)
      expect(olderInWords(found)).toMatch(
        /policy 1 is older .*HeadPoseRoll 80.*honnin policy propose-default.*another one approves/,
      );
  });

  it('is not the default itself, nor one that asks for more', () => {
    expect(older(...inForce(1, DEFAULT_POLICY))).toBeNull();
    expect(
      older(
        ...inForce(1, { ...DEFAULT_POLICY, photoQualityMin: { ...DEFAULT_POLICY.photoQualityMin, NaturalColour: 60 } }),
      ),
    ).toBeNull();
  });

  it('stays older while the proposal is not in force, and people who asked for less since have decided it', () => {
    const proposed = inForce(2, DEFAULT_POLICY);
    expect(older(...inForce(1, BEFORE), proposed[0]!)?.version).toBe(1);
    expect(older(...inForce(1, BEFORE), proposed[0]!, proposed[1]!)?.version).toBe(1);
    expect(older(...inForce(1, BEFORE), ...proposed)).toBeNull();
    expect(older(...inForce(1, BEFORE), ...proposed, ...inForce(3, BEFORE))).toBeNull();
    expect(older()).toBeNull();
  });
});

describe('the verdict that is counted', () => {
  const policy = { photoQualityMin: { Sharpness: 50 }, photoQualityHoldBelow: { EyesVisible: 50 } };
  it.each([
    [
      { reasons: ['no_face' as const], quality: {} },
      { verdict: 'refused', reason: 'no_face', measure: 'none' },
    ],
    [
      { reasons: [], quality: { Sharpness: 49, EyesVisible: 10 } },
      { verdict: 'refused', reason: 'poor_quality', measure: 'Sharpness' },
    ],
    [
      { reasons: [], quality: { Sharpness: 50, EyesVisible: 49 } },
      { verdict: 'referred', reason: 'portrait_doubtful', measure: 'EyesVisible' },
    ],
    [
      { reasons: [], quality: { Sharpness: 50, EyesVisible: 50 } },
      { verdict: 'accepted', reason: 'none', measure: 'none' },
    ],
  ])('of a check with %j', (assessed, expected) => expect(verdictOfCheck(assessed, policy)).toEqual(expected));

  it('of a comparison is that of its events; a card that cannot be read says nothing about the photograph', () => {
    const notComparable = (image: 'captured' | 'card') =>
      ({ type: 'FaceNotComparable', data: { image, reason: 'no_face', measure: null, algorithm: ALGORITHM } }) as const;
    expect(verdictOf([notComparable('captured')], policy)).toEqual({
      verdict: 'refused',
      reason: 'no_face',
      measure: 'none',
    });
    expect(verdictOf([notComparable('card')], policy)).toBeNull();
    expect(verdictOf([held()], policy)).toEqual({ verdict: 'referred', reason: 'registered_gap', measure: 'none' });
    expect(verdictOf([], policy)).toBeNull();
  });
});
