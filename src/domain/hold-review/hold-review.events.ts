import type { HoldOutcome, HoldReason } from '../registration/registration.events.js';

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

export type HoldReviewEvent =
  | {
      readonly type: 'HoldOpened';
      readonly data: { readonly requestId: string; readonly reason: HoldReason; readonly dueAtUtc: string };
    }
  | {
      readonly type: 'OpinionGiven';
      readonly data: { readonly officer: string; readonly opinion: OfficerOpinion; readonly reason: OpinionReason };
    }
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
