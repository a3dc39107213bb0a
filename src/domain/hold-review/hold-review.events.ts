import type { ViewedImage } from '../access/access.events.js';
import type { Commitment, HoldOutcome, HoldReason } from '../registration/registration.events.js';

export type OfficerOpinion = 'release' | 'reject' | 'recapture';
export const OFFICER_OPINIONS = ['release', 'reject', 'recapture'] as const satisfies readonly OfficerOpinion[];

/** Why an officer thinks so. A closed list: free text in events is where personal data leaks. */
export type OpinionReason =
  | 'same_person'
  | 'different_person'
  | 'card_photograph_doubtful'
  | 'registered_image_doubtful'
  | 'photograph_unclear'
  | 'checked_in_person';
export const OPINION_REASONS = [
  'same_person',
  'different_person',
  'card_photograph_doubtful',
  'registered_image_doubtful',
  'photograph_unclear',
  'checked_in_person',
] as const satisfies readonly OpinionReason[];

/** What an officer writes beside an opinion. It may name the person, so that it lies sealed under the key of the
 * registrant and goes with it; the event holds where, and a commitment. */
export type OpinionNote = { readonly noteId: string; readonly commitment: Commitment };

/** Pairs that say two things at once. Events of before there was this rule may hold one. */
const CONTRADICTIONS: Readonly<Record<OfficerOpinion, readonly OpinionReason[]>> = {
  release: ['different_person', 'photograph_unclear'],
  reject: ['same_person'],
  recapture: ['different_person'],
};

/** Reasons that fit an opinion: all but those that say the opposite. */
export function reasonsFor(opinion: OfficerOpinion): readonly OpinionReason[] {
  return OPINION_REASONS.filter((reason) => !CONTRADICTIONS[opinion].includes(reason));
}

export type HoldReviewEvent =
  | {
      readonly type: 'HoldOpened';
      readonly data: { readonly requestId: string; readonly reason: HoldReason; readonly dueAtUtc: string };
    }
  | {
      readonly type: 'OpinionGiven';
      readonly data: {
        readonly officer: string;
        readonly opinion: OfficerOpinion;
        readonly reason: OpinionReason;
        /** Pictures of the case that this officer had opened by then, in the order of their names; null in events of
         * before, which did not say so. */
        readonly seen: readonly ViewedImage[] | null;
        /** null: none was written. */
        readonly note: OpinionNote | null;
      };
    }
  /** An officer takes the own opinion back, before the second one is in. */
  | { readonly type: 'OpinionWithdrawn'; readonly data: { readonly officer: string } }
  | {
      readonly type: 'HoldResolved';
      readonly data: {
        readonly requestId: string;
        readonly outcome: HoldOutcome;
        readonly officers: readonly string[];
      };
    }
  /** The case cannot go on: nothing is left to decide. */
  | { readonly type: 'HoldClosed'; readonly data: { readonly requestId: string } };
