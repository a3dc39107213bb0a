import { accept, assertNever, type Decider, type Decision } from '../decider.js';
import type { ConsumerEvent } from './consumer.events.js';

export type ConsumerCommand =
  | {
      readonly type: 'RecordTrouble';
      readonly outcome: 'parked' | 'stopped';
      readonly eventId: string;
      readonly eventType: string;
    }
  | { readonly type: 'ResumeConsumer'; readonly by: string }
  | { readonly type: 'ReplayParked'; readonly eventId: string; readonly by: string }
  | { readonly type: 'SkipEvent'; readonly eventId: string; readonly by: string }
  | { readonly type: 'RecordUnknownEvent'; readonly eventType: string; readonly schemaVersion: number };

export interface ConsumerState {
  /** Ids of events that it goes past. */
  readonly skipped: readonly string[];
  /** `type/version` of what was unknown to the program that met it. */
  readonly unknown: readonly string[];
}

/** What people did about a consumer of the log, and what it met. Where it stands is not told here: its position says
 * that. */
export const consumerDecider: Decider<ConsumerState, ConsumerCommand, ConsumerEvent> = {
  initial: { skipped: [], unknown: [] },
  decide,
  evolve,
};

function decide(state: ConsumerState, command: ConsumerCommand): Decision<ConsumerEvent> {
  switch (command.type) {
    case 'RecordTrouble': {
      const { eventId, eventType } = command;
      return accept({
        type: command.outcome === 'parked' ? 'EventParked' : 'ConsumerStopped',
        data: { eventId, eventType },
      });
    }
    case 'ResumeConsumer':
      return accept({ type: 'ConsumerResumed', data: { by: command.by } });
    case 'ReplayParked':
      return accept({ type: 'ParkedReplayed', data: { eventId: command.eventId, by: command.by } });
    case 'SkipEvent':
      if (state.skipped.includes(command.eventId)) return accept();
      return accept({ type: 'EventSkipped', data: { eventId: command.eventId, by: command.by } });
    case 'RecordUnknownEvent': {
      const { eventType, schemaVersion } = command;
      if (state.unknown.includes(unknownName(eventType, schemaVersion))) return accept();
      return accept({ type: 'UnknownEventMet', data: { eventType, schemaVersion } });
    }
    default:
      return assertNever(command);
  }
}

function evolve(state: ConsumerState, event: ConsumerEvent): ConsumerState {
  switch (event.type) {
    case 'EventSkipped':
      return { ...state, skipped: [...state.skipped, event.data.eventId] };
    case 'UnknownEventMet': {
      const { eventType, schemaVersion } = event.data;
      return { ...state, unknown: [...state.unknown, unknownName(eventType, schemaVersion)] };
    }
    case 'EventParked':
    case 'ConsumerStopped':
    case 'ConsumerResumed':
    case 'ParkedReplayed':
      return state;
    default:
      return assertNever(event);
  }
}

function unknownName(eventType: string, schemaVersion: number): string {
  return `${eventType}/${schemaVersion}`;
}
