import type { PolicyValues } from '../policy/policy.events.js';
import { pointsOfDistance, type ScoreBasis } from './face-score.js';

export type FaceBand = 'match' | 'refer' | 'no_match';

/** Whether the photograph shows the card's holder.
 *  @param cardPoints S(captured, card face), points 0..10000. Equal to a mark reaches it.
 *  @returns 'refer' only in the band below the pass mark; the policy says what becomes of it.
 *  Source: JP2024-177763A claims 1 and 5; bands from JP2007-111992A. @req R7 R8 */
export function faceBand(
  cardPoints: number,
  policy: Pick<PolicyValues, 'cardMatchPointsMin' | 'referralPointsMin'>,
): FaceBand {
  if (cardPoints >= policy.cardMatchPointsMin) return 'match';
  return cardPoints >= policy.referralPointsMin ? 'refer' : 'no_match';
}

/** The band with its consequence: 'refer' is held for officers. That is so where the policy holds the band, and where
 * only the pictures' quality led into it: the faces would match if the pictures could be trusted, which is a question
 * for people and no answer. */
export function bandOf(
  { cardPoints, basis }: { readonly cardPoints: number; readonly basis: ScoreBasis | null },
  policy: Pick<PolicyValues, 'cardMatchPointsMin' | 'referralPointsMin' | 'holdInReferralBand'>,
): FaceBand {
  const band = faceBand(cardPoints, policy);
  return band === 'refer' && !policy.holdInReferralBand && !isDoubtful(basis, policy) ? 'no_match' : band;
}

function isDoubtful(basis: ScoreBasis | null, policy: Pick<PolicyValues, 'cardMatchPointsMin'>): boolean {
  return (
    basis !== null &&
    basis.doubts.length > 0 &&
    pointsOfDistance(basis.card.distance, basis.scoring) >= policy.cardMatchPointsMin
  );
}
