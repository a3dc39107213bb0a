import type { ToldAct } from '../../application/commands/dual-control.js';
import type { Outcome } from '../../application/decisions/outcome.js';
import { valueOf } from '../contract/answer.js';
import type { ActAnswer } from './administrator.dto.js';

/** @throws {ProblemError} what was refused */
export function actAnswer(outcome: Outcome<ToldAct>): ActAnswer {
  const { actId, state, tombstone } = valueOf(outcome);
  const { stage, proposal, reason, reference, proposedBy, approvedBy, notBeforeUtc, refusal } = state;
  return { actId, stage, proposal, reason, reference, proposedBy, approvedBy, notBeforeUtc, refusal, tombstone };
}
