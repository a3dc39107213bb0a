import { accept, assertNever, refuse, type Decider, type Decision } from '../decider.js';
import type { BoothEvent } from './booth.events.js';

export type BoothCommand =
  | { readonly type: 'EnrolBooth'; readonly boothId: string; readonly publicKey: string; readonly by: string }
  | { readonly type: 'RotateBoothKey'; readonly publicKey: string; readonly by: string }
  | { readonly type: 'SuspendBooth'; readonly reason: 'lost' | 'tampered' | 'maintenance' | 'retired'; readonly by: string };

export type BoothState = { readonly stage: 'none' } | { readonly stage: 'enrolled' | 'suspended'; readonly boothId: string; readonly publicKey: string; readonly keyVersion: number };

/** A photographing device that may send requests. Suspension ends it: a booth comes back by being enrolled under a new id. @req R21 */
export const boothDecider: Decider<BoothState, BoothCommand, BoothEvent> = { initial: { stage: 'none' }, decide, evolve };

function decide(state: BoothState, command: BoothCommand): Decision<BoothEvent> {
  if (command.type === 'EnrolBooth') {
    if (state.stage !== 'none') return state.publicKey === command.publicKey && state.stage === 'enrolled' ? accept() : refuse({ code: 'booth_exists' });
    return accept({ type: 'BoothEnrolled', data: { boothId: command.boothId, publicKey: command.publicKey, by: command.by } });
  }
  if (state.stage === 'none') return refuse({ code: 'booth_unknown' });
  switch (command.type) {
    case 'RotateBoothKey':
      if (state.stage === 'suspended') return refuse({ code: 'booth_suspended' });
      if (state.publicKey === command.publicKey) return accept();
      return accept({ type: 'BoothKeyRotated', data: { publicKey: command.publicKey, keyVersion: state.keyVersion + 1, by: command.by } });
    case 'SuspendBooth':
      if (state.stage === 'suspended') return accept();
      return accept({ type: 'BoothSuspended', data: { reason: command.reason, by: command.by } });
    default:
      return assertNever(command);
  }
}

function evolve(state: BoothState, event: BoothEvent): BoothState {
  switch (event.type) {
    case 'BoothEnrolled':
      return { stage: 'enrolled', boothId: event.data.boothId, publicKey: event.data.publicKey, keyVersion: 1 };
    case 'BoothKeyRotated':
      return state.stage === 'none' ? state : { ...state, publicKey: event.data.publicKey, keyVersion: event.data.keyVersion };
    case 'BoothSuspended':
      return state.stage === 'none' ? state : { ...state, stage: 'suspended' };
    default:
      return assertNever(event);
  }
}
