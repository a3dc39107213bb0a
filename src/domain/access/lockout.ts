import { accept, assertNever, refuse, type Decider, type Decision } from '../decider.js';
import { isSamePerson } from '../values/staff-name.js';
import type { LockoutEvent, LockoutReason } from './lockout.events.js';

export type LockoutCommand =
  | {
      readonly type: 'LockOut';
      readonly subject: string;
      readonly reason: LockoutReason;
      readonly reference: string;
      readonly by: string;
    }
  | { readonly type: 'Readmit'; readonly subject: string; readonly by: string };

/** One who is kept out. */
export interface Lockout {
  readonly subject: string;
  readonly reason: LockoutReason;
  readonly reference: string;
  readonly by: string;
}
export interface LockoutState {
  readonly lockedOut: readonly Lockout[];
}

/** Who may not act, whatever a token says. A name is one person's however it is written. */
export const lockoutDecider: Decider<LockoutState, LockoutCommand, LockoutEvent> = {
  initial: { lockedOut: [] },
  decide,
  evolve,
};

/** The lock-out of this person, or null. */
export function lockoutOf({ lockedOut }: LockoutState, subject: string): Lockout | null {
  return lockedOut.find((one) => isSamePerson(one.subject, subject)) ?? null;
}

function decide(state: LockoutState, command: LockoutCommand): Decision<LockoutEvent> {
  const found = lockoutOf(state, command.subject);
  switch (command.type) {
    case 'LockOut': {
      if (found) return accept();
      const { subject, reason, reference, by } = command;
      return accept({ type: 'StaffLockedOut', data: { subject, reason, reference, by } });
    }
    case 'Readmit':
      // As it was written when it was locked out: in the signed log names are tokens, which differ with the writing.
      return found
        ? accept({ type: 'StaffReadmitted', data: { subject: found.subject, by: command.by } })
        : refuse({ code: 'person_not_locked_out' });
    default:
      return assertNever(command);
  }
}

function evolve(state: LockoutState, event: LockoutEvent): LockoutState {
  const others = state.lockedOut.filter(({ subject }) => !isSamePerson(subject, event.data.subject));
  switch (event.type) {
    case 'StaffLockedOut':
      return { lockedOut: [...others, event.data] };
    case 'StaffReadmitted':
      return { lockedOut: others };
    default:
      return assertNever(event);
  }
}
