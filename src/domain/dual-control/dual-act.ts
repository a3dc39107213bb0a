import { accept, assertNever, refuse, type Decider, type Decision } from '../decider.js';
import { addMs } from '../values/instant.js';
import type { ActReason, DualAct, DualActEvent } from './dual-act.events.js';
import { isSamePerson } from '../values/staff-name.js';

export type DualActCommand =
  | {
      readonly type: 'ProposeAct';
      readonly proposal: DualAct;
      readonly reason: ActReason;
      readonly reference: string;
      readonly by: string;
    }
  /** @param waitMinutes of the policy in force, between approval and act */
  | { readonly type: 'ApproveAct'; readonly by: string; readonly nowUtc: string; readonly waitMinutes: number }
  | { readonly type: 'DeclineAct'; readonly by: string }
  | { readonly type: 'BeginAct'; readonly nowUtc: string }
  | { readonly type: 'RecordActCarriedOut'; readonly refusal: string | null };

interface Proposed {
  readonly proposal: DualAct;
  readonly reason: ActReason;
  readonly reference: string;
  readonly proposedBy: string;
  readonly approvedBy: string | null;
  readonly notBeforeUtc: string | null;
  /** Why it was not possible any more when its time came. */
  readonly refusal: string | null;
}
export const ACT_STAGES = ['proposed', 'approved', 'begun', 'declined', 'carried_out', 'refused'] as const;
export type DualActState = { readonly stage: 'none' } | ({ readonly stage: (typeof ACT_STAGES)[number] } & Proposed);

/** Dual control: who proposes does not approve. Two names that differ in case alone are one person. */
export const dualActDecider: Decider<DualActState, DualActCommand, DualActEvent> = {
  initial: { stage: 'none' },
  decide,
  evolve,
};

function decide(state: DualActState, command: DualActCommand): Decision<DualActEvent> {
  if (command.type === 'ProposeAct') {
    const { proposal, reason, reference, by } = command;
    if (state.stage !== 'none') return refuse({ code: 'act_closed', data: { stage: state.stage } });
    return accept({ type: 'ActProposed', data: { proposal, reason, reference, by } });
  }
  if (state.stage === 'none') return refuse({ code: 'act_unknown' });
  switch (command.type) {
    case 'ApproveAct': {
      if (isSamePerson(command.by, state.proposedBy)) return refuse({ code: 'act_own_proposal' });
      if (state.approvedBy !== null && isSamePerson(command.by, state.approvedBy) && state.stage !== 'declined')
        return accept();
      if (state.stage !== 'proposed') return refuse({ code: 'act_closed', data: { stage: state.stage } });
      const notBeforeUtc = addMs(command.nowUtc, command.waitMinutes * 60_000);
      return accept({ type: 'ActApproved', data: { by: command.by, notBeforeUtc } });
    }
    case 'DeclineAct':
      if (state.stage === 'declined') return accept();
      if (state.stage !== 'proposed' && state.stage !== 'approved')
        return refuse({ code: 'act_closed', data: { stage: state.stage } });
      return accept({ type: 'ActDeclined', data: { by: command.by } });
    case 'BeginAct':
      if (state.stage === 'begun') return accept();
      if (state.stage !== 'approved') return refuse({ code: 'act_closed', data: { stage: state.stage } });
      if (!isDue(state, command.nowUtc)) return refuse({ code: 'act_waits' });
      return accept({ type: 'ActBegun', data: {} });
    case 'RecordActCarriedOut':
      if (state.stage === 'carried_out' || state.stage === 'refused') return accept();
      if (state.stage !== 'begun') return refuse({ code: 'act_closed', data: { stage: state.stage } });
      return accept({ type: 'ActCarriedOut', data: { refusal: command.refusal } });
    default:
      return assertNever(command);
  }
}

function evolve(state: DualActState, event: DualActEvent): DualActState {
  if (event.type === 'ActProposed') {
    const { proposal, reason, reference, by } = event.data;
    return {
      stage: 'proposed',
      proposal,
      reason,
      reference,
      proposedBy: by,
      approvedBy: null,
      notBeforeUtc: null,
      refusal: null,
    };
  }
  if (state.stage === 'none') return state;
  switch (event.type) {
    case 'ActApproved':
      return { ...state, stage: 'approved', approvedBy: event.data.by, notBeforeUtc: event.data.notBeforeUtc };
    case 'ActBegun':
      return { ...state, stage: 'begun' };
    case 'ActDeclined':
      return { ...state, stage: 'declined' };
    case 'ActCarriedOut':
      return { ...state, stage: event.data.refusal === null ? 'carried_out' : 'refused', refusal: event.data.refusal };
    default:
      return assertNever(event);
  }
}

/** Whether two people agreed and the time in which it can be declined is over. */
export function isDue(state: DualActState, nowUtc: string): boolean {
  return state.stage === 'approved' && state.notBeforeUtc !== null && state.notBeforeUtc <= nowUtc;
}
