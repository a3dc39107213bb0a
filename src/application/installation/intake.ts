import { Injectable } from '@nestjs/common';
import { EventStoreUnavailableError } from '../ports/store/event-store.js';

/** Nothing is accepted now, and nothing of the request was stored. */
export class NotAcceptingError extends EventStoreUnavailableError {
  constructor(reasons: readonly string[]) {
    super('not_accepting', `nothing is accepted now: ${reasons.join('; ')}`);
  }
}

/** Whether this server takes anything in. What follows the log may find that the log is not the one that it knows:
 *  then whatever is accepted would be lost with the next restoration, or never be worked on. While anybody refuses,
 *  nothing is appended and the door is closed; the server stays alive and says why. */
@Injectable()
export class Intake {
  private readonly refusals = new Map<string, string>();

  /** @param who refuses, by name; one reason each
   *  @param reason in words, or null: it no longer does */
  refuse(who: string, reason: string | null): void {
    if (reason === null) this.refusals.delete(who);
    else this.refusals.set(who, reason);
  }

  /** Why nothing is accepted; empty while everything is. */
  reasons(): readonly string[] {
    return [...new Set(this.refusals.values())];
  }

  /** @throws {NotAcceptingError} while anybody refuses. */
  assertOpen(): void {
    if (this.refusals.size > 0) throw new NotAcceptingError(this.reasons());
  }
}
