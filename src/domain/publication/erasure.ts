import { accept, assertNever, refuse, type Decider, type Decision } from '../decider.js';
import type { ErasureEvent } from './erasure.events.js';

export type ErasureCommand =
  | {
      readonly type: 'AnnounceErasure';
      readonly erasureId: string;
      readonly registrationIds: readonly string[];
      readonly consumers: readonly string[];
    }
  | {
      readonly type: 'ConfirmErasure';
      readonly registrationId: string;
      readonly consumer: string;
      readonly nowUtc: string;
    };

export type ErasureState =
  | { readonly stage: 'none' }
  /** `open`: consumer and registration, joined by a line feed, that are not confirmed yet. */
  | { readonly stage: 'announced'; readonly erasureId: string; readonly open: readonly string[] };

/** One erasure as the consumers of our events see it: told, then confirmed by each of them for each registration. */
export const erasureDecider: Decider<ErasureState, ErasureCommand, ErasureEvent> = {
  initial: { stage: 'none' },
  decide,
  evolve,
};

function decide(state: ErasureState, command: ErasureCommand): Decision<ErasureEvent> {
  switch (command.type) {
    case 'AnnounceErasure': {
      const { erasureId, registrationIds, consumers } = command;
      // Who had to confirm is settled by the first announcement, whatever the settings say later.
      return state.stage === 'announced'
        ? accept()
        : accept({ type: 'ErasureAnnounced', data: { erasureId, registrationIds, consumers } });
    }
    case 'ConfirmErasure': {
      const { registrationId, consumer, nowUtc } = command;
      if (state.stage === 'none') return refuse({ code: 'not_found' });
      return state.open.includes(`${consumer}\n${registrationId}`)
        ? accept({
            type: 'ErasureConfirmed',
            data: { erasureId: state.erasureId, registrationId, consumer, confirmedAtUtc: nowUtc },
          })
        : accept();
    }
    default:
      return assertNever(command);
  }
}

function evolve(state: ErasureState, event: ErasureEvent): ErasureState {
  switch (event.type) {
    case 'ErasureAnnounced': {
      const { erasureId, registrationIds, consumers } = event.data;
      return {
        stage: 'announced',
        erasureId,
        open: consumers.flatMap((consumer) => registrationIds.map((id) => `${consumer}\n${id}`)),
      };
    }
    case 'ErasureConfirmed':
      return state.stage === 'none'
        ? state
        : {
            ...state,
            open: state.open.filter((each) => each !== `${event.data.consumer}\n${event.data.registrationId}`),
          };
    default:
      return assertNever(event);
  }
}
