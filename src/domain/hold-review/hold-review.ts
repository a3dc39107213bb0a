import { accept, assertNever, refuse, type Decider, type Decision } from '../decider.js';
import type { HoldOutcome, HoldReason } from '../registration/registration.events.js';
import type { ViewedImage } from '../access/access.events.js';
import type { HoldReviewEvent, OfficerOpinion, OpinionNote, OpinionReason } from './hold-review.events.js';
import { isSamePerson } from '../values/staff-name.js';

export type HoldReviewCommand =
  | { readonly type: 'OpenHold'; readonly requestId: string; readonly reason: HoldReason; readonly dueAtUtc: string }
  | {
      readonly type: 'GiveOpinion';
      readonly officer: string;
      readonly opinion: OfficerOpinion;
      readonly reason: OpinionReason;
      /** Pictures that the officer had opened; absent: nobody knows. */
      readonly seen?: readonly ViewedImage[] | null;
      readonly note?: OpinionNote | null;
    }
  | { readonly type: 'WithdrawOpinion'; readonly officer: string }
  | {
      readonly type: 'ResolveHold';
      readonly officer: string;
      readonly outcome: Exclude<HoldOutcome, 'expired'>;
      readonly reason: OpinionReason;
      /** Pictures that the officer had opened; absent: nobody knows. */
      readonly seen?: readonly ViewedImage[] | null;
      readonly note?: OpinionNote | null;
    }
  | { readonly type: 'ExpireHold' }
  | { readonly type: 'CloseHold' };

export interface Opinion {
  readonly officer: string;
  readonly opinion: OfficerOpinion;
  readonly reason: OpinionReason;
  readonly seen: readonly ViewedImage[] | null;
  readonly note: OpinionNote | null;
}

export type HoldReviewState =
  | { readonly stage: 'none' }
  | {
      readonly stage: 'open';
      readonly requestId: string;
      readonly reason: HoldReason;
      readonly dueAtUtc: string;
      readonly opinions: readonly Opinion[];
    }
  | {
      readonly stage: 'resolved';
      readonly requestId: string;
      readonly outcome: HoldOutcome | 'closed';
      readonly opinions: readonly Opinion[];
    };

export const OPINIONS_NEEDED = 2;
const OUTCOME_OF: Record<OfficerOpinion, Exclude<HoldOutcome, 'expired'>> = {
  release: 'released',
  reject: 'rejected',
  recapture: 'recapture',
};

/** Four eyes on a hold (A10): two officers, each without knowing the other's opinion. When they agree anyone of the
 * office may resolve it so; when they differ, a third officer decides, whose own opinion is recorded first. A pattern
 * that claim 4 finds is a fraud signal: it deserves two people, not one click. */
export const holdReviewDecider: Decider<HoldReviewState, HoldReviewCommand, HoldReviewEvent> = {
  initial: { stage: 'none' },
  decide,
  evolve,
};

/** The opinion that an outcome follows from. */
export function opinionOf(outcome: Exclude<HoldOutcome, 'expired'>): OfficerOpinion {
  return (Object.keys(OUTCOME_OF) as OfficerOpinion[]).find((key) => OUTCOME_OF[key] === outcome) as OfficerOpinion;
}

/** What an officer may see of the opinions: only the own one until all are in. */
export function visibleOpinions(state: HoldReviewState, officer: string): readonly Opinion[] {
  if (state.stage === 'none') return [];
  const complete = state.stage === 'resolved' || state.opinions.length >= OPINIONS_NEEDED;
  return complete ? state.opinions : state.opinions.filter((o) => isSamePerson(o.officer, officer));
}

function decide(state: HoldReviewState, command: HoldReviewCommand): Decision<HoldReviewEvent> {
  if (command.type === 'OpenHold') {
    if (state.stage !== 'none') return accept();
    return accept({
      type: 'HoldOpened',
      data: { requestId: command.requestId, reason: command.reason, dueAtUtc: command.dueAtUtc },
    });
  }
  if (state.stage === 'none') return refuse({ code: 'not_found' });
  if (state.stage === 'resolved')
    return command.type === 'ExpireHold' || command.type === 'CloseHold' ? accept() : refuse({ code: 'hold_not_open' });
  switch (command.type) {
    case 'GiveOpinion': {
      const { officer, opinion, reason, seen = null, note = null } = command;
      if (state.opinions.some((o) => isSamePerson(o.officer, officer)))
        return refuse({ code: 'opinion_already_given' });
      // A third opinion comes only with a resolution: until then two are what the rule asks for.
      if (state.opinions.length >= OPINIONS_NEEDED) return refuse({ code: 'hold_not_open' });
      return accept({ type: 'OpinionGiven', data: { officer, opinion, reason, seen, note } });
    }
    case 'WithdrawOpinion': {
      const own = state.opinions.find((o) => isSamePerson(o.officer, command.officer));
      if (!own) return refuse({ code: 'opinion_not_given' });
      // Both are visible then: who changes an opinion now has seen the other one.
      if (state.opinions.length >= OPINIONS_NEEDED) return refuse({ code: 'opinions_complete' });
      return accept({ type: 'OpinionWithdrawn', data: { officer: own.officer } });
    }
    case 'ResolveHold':
      return resolution(state, command);
    case 'ExpireHold':
      return accept({ type: 'HoldResolved', data: { requestId: state.requestId, outcome: 'expired', officers: [] } });
    case 'CloseHold':
      return accept({ type: 'HoldClosed', data: { requestId: state.requestId } });
    default:
      return assertNever(command);
  }
}

function resolution(
  state: Extract<HoldReviewState, { stage: 'open' }>,
  { officer, outcome, reason, seen = null, note = null }: Extract<HoldReviewCommand, { type: 'ResolveHold' }>,
): Decision<HoldReviewEvent> {
  const { opinions, requestId } = state;
  const first = opinions[0];
  if (first === undefined || opinions.length < OPINIONS_NEEDED)
    return refuse({ code: 'opinions_missing', data: { given: opinions.length, needed: OPINIONS_NEEDED } });
  if (opinions.every((o) => o.opinion === first.opinion)) {
    if (OUTCOME_OF[first.opinion] !== outcome)
      return refuse({ code: 'outcome_differs_from_opinions', data: { opinion: first.opinion } });
    return accept({ type: 'HoldResolved', data: { requestId, outcome, officers: opinions.map((o) => o.officer) } });
  }
  if (opinions.some((o) => isSamePerson(o.officer, officer))) return refuse({ code: 'third_officer_needed' });
  const opinion = opinionOf(outcome);
  return accept<HoldReviewEvent>(
    { type: 'OpinionGiven', data: { officer, opinion, reason, seen, note } },
    { type: 'HoldResolved', data: { requestId, outcome, officers: [...opinions.map((o) => o.officer), officer] } },
  );
}

function evolve(state: HoldReviewState, event: HoldReviewEvent): HoldReviewState {
  switch (event.type) {
    case 'HoldOpened':
      return { stage: 'open', ...event.data, opinions: [] };
    case 'OpinionGiven':
      return state.stage === 'open' ? { ...state, opinions: [...state.opinions, event.data] } : state;
    case 'OpinionWithdrawn':
      return state.stage === 'open'
        ? { ...state, opinions: state.opinions.filter(({ officer }) => officer !== event.data.officer) }
        : state;
    case 'HoldResolved':
      return state.stage === 'open'
        ? { stage: 'resolved', requestId: state.requestId, outcome: event.data.outcome, opinions: state.opinions }
        : state;
    case 'HoldClosed':
      return state.stage === 'open'
        ? { stage: 'resolved', requestId: state.requestId, outcome: 'closed', opinions: state.opinions }
        : state;
    default:
      return assertNever(event);
  }
}
