import { accept, assertNever, refuse, type Decider, type Decision } from '../decider.js';
import { isSamePerson } from '../values/staff-name.js';
import type { LossEvent } from './loss.events.js';

export type ProposedLoss = Extract<LossEvent, { type: 'LossProposed' }>['data'];

export type LossCommand =
  | { readonly type: 'ProposeLoss'; readonly loss: ProposedLoss }
  | { readonly type: 'AcceptLoss'; readonly lossId: string; readonly by: string };

export interface LossState {
  /** The newest proposal that nobody has accepted; a later one takes its place. */
  readonly proposed: ProposedLoss | null;
  /** Losses that were accepted, oldest first. */
  readonly accepted: readonly ProposedLoss[];
}

/** A loss is accepted by two: who proposes does not accept. */
export const lossDecider: Decider<LossState, LossCommand, LossEvent> = {
  initial: { proposed: null, accepted: [] },
  decide,
  evolve,
};

/** The name of the signed log after these losses, or null where there was none. */
export function originAfter({ accepted }: LossState): string | null {
  return accepted.at(-1)?.newOrigin ?? null;
}

function decide({ proposed, accepted }: LossState, command: LossCommand): Decision<LossEvent> {
  switch (command.type) {
    case 'ProposeLoss':
      return accept({ type: 'LossProposed', data: command.loss });
    case 'AcceptLoss': {
      const { lossId, by } = command;
      if (accepted.some((loss) => loss.lossId === lossId)) return accept();
      if (proposed?.lossId !== lossId) return refuse({ code: 'act_unknown' });
      if (isSamePerson(by, proposed.by)) return refuse({ code: 'act_own_proposal' });
      return accept({ type: 'LossAccepted', data: { lossId, by } });
    }
    default:
      return assertNever(command);
  }
}

function evolve(state: LossState, event: LossEvent): LossState {
  switch (event.type) {
    case 'LossProposed':
      return { ...state, proposed: event.data };
    case 'LossAccepted': {
      const { proposed, accepted } = state;
      return proposed === null ? state : { proposed: null, accepted: [...accepted, proposed] };
    }
    default:
      return assertNever(event);
  }
}
