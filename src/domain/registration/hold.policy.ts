import type { PolicyValues } from '../policy/policy.events.js';
import type { CertificateType } from '../values/certificate-status.js';
import type { PhotoQuality, PresenceSignals } from '../values/face-comparison.js';
import { judgeAgreement, standsAlone, type CardAgreement, type OtherCertificate } from './card-agreement.js';
import { doubtfulMeasure } from './photo-quality.policy.js';
import type { HoldReason } from './registration.events.js';

export interface HoldDecision {
  readonly reason: HoldReason;
  /** null where there is no registered image to differ from. */
  readonly differencePoints: number | null;
  /** The set value that was reached; null where the reason is none of points. */
  readonly boundPoints: number | null;
}

/** Decides whether identity confirmation is held.
 *  @param card       S(captured, card face), points 0..10000
 *  @param registered S(captured, newest confirmed image), same scale, or 'none' at a first registration
 *  @param seen       what the booth's further frames say, what the photograph is worth, and what certificate and face
 *                    record said together
 *  @returns the reason with its figures, or null. Equal to the bound counts as held ("以上"). Of several reasons the
 *           first is named: the gap, the weak registered comparison, a card that contradicts itself, an erasure before,
 *           the frames, the photograph, a card of which nobody can tell.
 *  Source: JP2024-177763A claim 4; the second reason is decision A8, the photograph's 0076, the card's 0070, the
 *  erasure's 0086.
 *  @req R15 R16 */
export function decideHold(
  card: number,
  registered: number | 'none',
  policy: HoldMarks,
  { frames, quality, onCard }: Seen,
): HoldDecision | null {
  const hold = decideRegisteredHold(card, registered, policy);
  if (hold !== null) return hold;
  const differencePoints = registered === 'none' ? null : card - registered;
  const without = (reason: HoldReason): HoldDecision => ({ reason, differencePoints, boundPoints: null });
  const agreement = judgeAgreement(onCard.agreement);
  // No switch: two cards in one request are never a matter of taste.
  if (agreement === 'differs') return without('card_differs');
  // No switch but the days that the policy gives a tombstone: else who is erased on purpose avoids claim 4.
  if (onCard.erasedBefore) return without('erased_before');
  if (policy.holdOnFramesInconsistent && framesInconsistent(frames)) return without('frames_inconsistent');
  if (doubtfulMeasure(quality, policy) !== null) return without('portrait_doubtful');
  const isAlone = standsAlone(onCard.otherCertificate, onCard.certificateType, policy.certificateTypesWithoutSameCard);
  return !isAlone || (policy.holdOnCardUnconfirmed && agreement === 'cannot_tell') ? without('card_unconfirmed') : null;
}

type HoldMarks = RegisteredMarks &
  Pick<
    PolicyValues,
    'holdOnFramesInconsistent' | 'photoQualityHoldBelow' | 'holdOnCardUnconfirmed' | 'certificateTypesWithoutSameCard'
  >;

interface Seen {
  readonly frames: PresenceSignals['frames'];
  readonly quality: PhotoQuality;
  readonly onCard: CardFindings;
}

/** What the certificate check found out about the card. */
export interface CardFindings {
  readonly agreement: CardAgreement;
  readonly otherCertificate: OtherCertificate;
  readonly certificateType: CertificateType;
  /** The person was erased before, and no image of a time after that is there to compare with. */
  readonly erasedBefore: boolean;
}

type RegisteredMarks = Pick<PolicyValues, 'holdMarginPoints' | 'registeredMatchPointsMin' | 'holdOnRegisteredMismatch'>;

/** The part of the rule that looks at the registered image alone. */
export function decideRegisteredHold(
  card: number,
  registered: number | 'none',
  policy: RegisteredMarks,
): (HoldDecision & { readonly reason: 'registered_gap' | 'registered_mismatch' }) | null {
  if (registered === 'none') return null;
  const differencePoints = card - registered;
  if (differencePoints >= policy.holdMarginPoints)
    return { reason: 'registered_gap', differencePoints, boundPoints: policy.holdMarginPoints };
  if (policy.holdOnRegisteredMismatch && registered < policy.registeredMatchPointsMin) {
    return { reason: 'registered_mismatch', differencePoints, boundPoints: policy.registeredMatchPointsMin };
  }
  return null;
}

/** Whether the frames show another person than the photograph, or a head that did not turn as it was asked to. What was
 * not assessed is not inconsistent: a booth that sends no frames, or one that cannot be judged, gives no reason. */
export function framesInconsistent(frames: PresenceSignals['frames']): boolean {
  return frames !== 'not_assessed' && (frames.samePerson === false || frames.promptFollowed === false);
}
