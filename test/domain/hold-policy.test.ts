import { describe, expect, it } from '@jest/globals';
import { decideHold } from '../../src/domain/registration/hold.policy.js';

const policy = { holdMarginPoints: 2000, registeredMatchPointsMin: 5000, holdOnRegisteredMismatch: false };

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
    if (decision) expect(decision).toEqual({ reason: 'registered_gap', differencePoints: card - (registered as number), boundPoints: 2000 });
  });

  it('holds all 81 pairs of two-decimal scores whose difference is exactly 0.20, of which doubles miss 38', () => {
    let missedByDoubles = 0;
    for (let hundredths = 20; hundredths <= 100; hundredths++) {
      const card = hundredths / 100;
      const registered = (hundredths - 20) / 100;
      if (!(card - registered >= 0.2)) missedByDoubles++;
      expect(decideHold(hundredths * 100, (hundredths - 20) * 100, policy)?.reason).toBe('registered_gap');
    }
    expect(missedByDoubles).toBe(38);
  });

  it('notes a weak registered comparison as a reason of its own only where the policy says so', () => {
    expect(decideHold(6500, 4999, policy)).toBeNull();
    expect(decideHold(6500, 4999, { ...policy, holdOnRegisteredMismatch: true })).toEqual({ reason: 'registered_mismatch', differencePoints: 1501, boundPoints: 5000 });
    expect(decideHold(6500, 5000, { ...policy, holdOnRegisteredMismatch: true })).toBeNull();
  });

  it('names the gap when both reasons apply', () => {
    expect(decideHold(9000, 4000, { ...policy, holdOnRegisteredMismatch: true })?.reason).toBe('registered_gap');
  });
});
