import type { components } from '../api/schema.d.ts';

type OpinionBody = components['schemas']['OpinionBody'];
export type Opinion = OpinionBody['opinion'];
export type Reason = OpinionBody['reason'];

export const OPINIONS = ['release', 'reject', 'recapture'] as const satisfies readonly Opinion[];

/** Reasons that do not contradict their opinion. */
export const REASONS_FOR: Readonly<Record<Opinion, readonly Reason[]>> = {
  release: ['same_person', 'checked_in_person', 'registered_image_doubtful', 'card_photograph_doubtful'],
  reject: ['different_person', 'card_photograph_doubtful', 'registered_image_doubtful', 'checked_in_person'],
  recapture: ['photograph_unclear', 'card_photograph_doubtful', 'registered_image_doubtful'],
};

export const OUTCOME_OF = { release: 'released', reject: 'rejected', recapture: 'recapture' } as const;
