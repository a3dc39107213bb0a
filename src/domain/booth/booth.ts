import { accept, assertNever, refuse, type Decider, type Decision } from '../decider.js';
import type { BoothEvent, SUSPENSION_REASONS } from './booth.events.js';

type SuspensionReason = (typeof SUSPENSION_REASONS)[number];

/** What a booth may be called. */
export const BOOTH_ID = /^[a-z0-9][a-z0-9-]{2,62}$/;

export type BoothCommand =
  | { readonly type: 'EnrolBooth'; readonly boothId: string; readonly publicKey: string; readonly by: string }
  | { readonly type: 'RotateBoothKey'; readonly publicKey: string; readonly by: string }
  | { readonly type: 'SuspendBooth'; readonly reason: SuspensionReason; readonly by: string }
  | { readonly type: 'ResumeBooth'; readonly by: string };

export type BoothState =
  | { readonly stage: 'none' }
  | {
      readonly stage: 'enrolled' | 'suspended';
      readonly boothId: string;
      readonly publicKey: string;
      readonly keyVersion: number;
      /** Why it is suspended, or null. */
      readonly suspendedFor: SuspensionReason | null;
    };

/** A photographing device that may send requests. One person suspends it at once; two bring it back, under the key that
 * it had or a new one. What was retired stays so. @req R21 */
export const boothDecider: Decider<BoothState, BoothCommand, BoothEvent> = {
  initial: { stage: 'none' },
  decide,
  evolve,
};

function decide(state: BoothState, command: BoothCommand): Decision<BoothEvent> {
  if (command.type === 'EnrolBooth') {
    if (state.stage !== 'none')
      return state.publicKey === command.publicKey && state.stage === 'enrolled'
        ? accept()
        : refuse({ code: 'booth_exists' });
    return accept({
      type: 'BoothEnrolled',
      data: { boothId: command.boothId, publicKey: command.publicKey, by: command.by },
    });
  }
  if (state.stage === 'none') return refuse({ code: 'booth_unknown' });
  switch (command.type) {
    case 'RotateBoothKey':
      if (state.suspendedFor === 'retired') return refuse({ code: 'booth_retired' });
      if (state.publicKey === command.publicKey) return accept();
      return accept({
        type: 'BoothKeyRotated',
        data: { publicKey: command.publicKey, keyVersion: state.keyVersion + 1, by: command.by },
      });
    case 'SuspendBooth':
      if (state.stage === 'suspended') return accept();
      return accept({ type: 'BoothSuspended', data: { reason: command.reason, by: command.by } });
    case 'ResumeBooth':
      if (state.stage === 'enrolled') return accept();
      if (state.suspendedFor === 'retired') return refuse({ code: 'booth_retired' });
      return accept({ type: 'BoothResumed', data: { by: command.by } });
    default:
      return assertNever(command);
  }
}

function evolve(state: BoothState, event: BoothEvent): BoothState {
  switch (event.type) {
    case 'BoothEnrolled':
      return {
        stage: 'enrolled',
        boothId: event.data.boothId,
        publicKey: event.data.publicKey,
        keyVersion: 1,
        suspendedFor: null,
      };
    case 'BoothKeyRotated':
      return state.stage === 'none'
        ? state
        : { ...state, publicKey: event.data.publicKey, keyVersion: event.data.keyVersion };
    case 'BoothSuspended':
      return state.stage === 'none' ? state : { ...state, stage: 'suspended', suspendedFor: event.data.reason };
    case 'BoothResumed':
      return state.stage === 'none' ? state : { ...state, stage: 'enrolled', suspendedFor: null };
    default:
      return assertNever(event);
  }
}
