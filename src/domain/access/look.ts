import { assertNever } from '../decider.js';
import { OPINIONS_NEEDED, type HoldReviewState } from '../hold-review/hold-review.js';
import { isSamePerson } from '../values/staff-name.js';
import type { LookGrounds, LookPurpose } from './access.events.js';

export interface IntendedLook {
  readonly officer: string;
  readonly purpose: LookPurpose;
  readonly reference: string | null;
}

/** Why a look does not have the purpose that it states. `no_open_hold`: the case was never held, or its hold is over.
 * `not_yours_to_decide`: the hold waits for somebody else. `no_reference`: nothing says to whom a picture is given. */
export type Misfit = 'no_open_hold' | 'not_yours_to_decide' | 'no_reference';

/** Holds the purpose of a look against the case. What an officer says is a claim; that a hold is open, and that this
 * officer has a say in it, is a fact.
 *  @param review the case's hold, if there ever was one
 *  @returns on what the look rests, or why it is not one of this purpose */
export function groundsOf(
  review: HoldReviewState,
  { officer, purpose, reference }: IntendedLook,
): { readonly grounds: LookGrounds } | { readonly misfit: Misfit } {
  switch (purpose) {
    case 'hold_review':
      if (review.stage !== 'open') return { misfit: 'no_open_hold' };
      return hasASay(review, officer) ? { grounds: 'open_hold' } : { misfit: 'not_yours_to_decide' };
    case 'disclosure':
      return reference === null ? { misfit: 'no_reference' } : { grounds: 'reference' };
    case 'audit':
      // Auditors look where they like; without a file it is a look that somebody may ask about.
      return { grounds: reference === null ? 'none' : 'reference' };
    default:
      return assertNever(purpose);
  }
}

/** Whether an officer can still do anything about an open hold. One whose opinion differs from the other one's has done
 * all: a third officer decides. */
function hasASay({ opinions }: Extract<HoldReviewState, { stage: 'open' }>, officer: string): boolean {
  const isContested = opinions.length >= OPINIONS_NEEDED && opinions.some((o) => o.opinion !== opinions[0]?.opinion);
  return !isContested || !opinions.some((o) => isSamePerson(o.officer, officer));
}
