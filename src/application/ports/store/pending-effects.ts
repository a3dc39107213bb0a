import type { Position } from '../../../domain/event-envelope.js';
import type { PendingEffect } from '../../../domain/saga/registration.saga.js';

/** Effects that are stored and not yet done, as of a position of the log: what a restarted dispatcher begins with. */
export abstract class PendingEffects {
  abstract snapshot(): {
    readonly position: Position | null;
    readonly effects: readonly { readonly requestId: string; readonly effect: PendingEffect }[];
  };
}
