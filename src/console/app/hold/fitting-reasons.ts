import type { components } from '../api/schema.d.ts';

type OpinionBody = components['schemas']['OpinionBody'];
export type Opinion = OpinionBody['opinion'];
export type Reason = OpinionBody['reason'];

export const OUTCOME_OF = { release: 'released', reject: 'rejected', recapture: 'recapture' } as const;
