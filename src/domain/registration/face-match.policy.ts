import type { PolicyValues } from '../policy/policy.events.js';

export type FaceBand = 'match' | 'refer' | 'no_match';

/** Whether the photograph shows the card's holder.
 *  @param cardPoints S(captured, card face), points 0..10000. Equal to a mark reaches it.
 *  @returns 'refer' only in the band below the pass mark; the policy says what becomes of it.
 *  Source: JP2024-177763A claims 1 and 5; bands from JP2007-111992A. @req R7 R8 */
export function faceBand(cardPoints: number, policy: Pick<PolicyValues, 'cardMatchPointsMin' | 'referralPointsMin'>): FaceBand {
  if (cardPoints >= policy.cardMatchPointsMin) return 'match';
  return cardPoints >= policy.referralPointsMin ? 'refer' : 'no_match';
}
