import type { PolicyValues } from '../policy/policy.events.js';
import type { HoldReason } from './registration.events.js';

export interface HoldDecision {
  readonly reason: HoldReason;
  readonly differencePoints: number;
  readonly boundPoints: number;
}

/** Decides whether identity confirmation is held.
 *  @param card       S(captured, card face), points 0..10000
 *  @param registered S(captured, newest confirmed image), same scale, or 'none' at a first registration
 *  @returns the reason with its figures, or null. Equal to the bound counts as held ("以上").
 *  Source: JP2024-177763A claim 4; the second reason is decision A8. @req R15 R16 */
export function decideHold(card: number, registered: number | 'none', policy: Pick<PolicyValues, 'holdMarginPoints' | 'registeredMatchPointsMin' | 'holdOnRegisteredMismatch'>): HoldDecision | null {
  if (registered === 'none') return null;
  const differencePoints = card - registered;
  if (differencePoints >= policy.holdMarginPoints) return { reason: 'registered_gap', differencePoints, boundPoints: policy.holdMarginPoints };
  if (policy.holdOnRegisteredMismatch && registered < policy.registeredMatchPointsMin) {
    return { reason: 'registered_mismatch', differencePoints, boundPoints: policy.registeredMatchPointsMin };
  }
  return null;
}
