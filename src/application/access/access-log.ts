import { Injectable } from '@nestjs/common';
import type { AccessEvent } from '../../domain/access/access.events.js';
import type { StoredEvent } from '../../domain/event-envelope.js';
import { derivedId } from '../decisions/ids.js';
import { Clock } from '../ports/store/clock.js';
import { EventStore, IdConflictError } from '../ports/store/event-store.js';
import { appendKnown, DecideAndAppend } from '../decisions/decide-and-append.js';

/** An access could not be put on record, or nobody knows whether it was: what it was for must not be shown. */
export class AccessNotRecordedError extends Error {}

export type RecordedAccess = Pick<StoredEvent, 'data' | 'metadata'>;

export interface AccessContext {
  readonly commandId: string;
  readonly actor: string;
  readonly correlationId: string;
  /** When it happened; default: now. */
  readonly atUtc?: string;
}

/** Appends to the access log of the day. Every access has its own command id, so no expectation is needed beyond "not
 * yet there". */
@Injectable()
export class AccessLog {
  constructor(
    private readonly store: EventStore,
    private readonly aggregates: DecideAndAppend,
    private readonly clock: Clock,
  ) {}

  /** Resolves when the access is stored.
   *  @returns the event on record: of a command that was recorded before, the one of then
   *  @throws {AccessNotRecordedError} when it is not, whatever the cause; then nothing may be shown. */
  async record(event: AccessEvent, context: AccessContext): Promise<RecordedAccess> {
    try {
      return await this.append(event, context);
    } catch (error) {
      throw new AccessNotRecordedError(
        `the access could not be put on record: ${error instanceof Error ? error.message : String(error)}`,
        { cause: error },
      );
    }
  }

  /** What a command put on record today, or null. */
  async recordOf(commandId: string): Promise<RecordedAccess | null> {
    const id = derivedId(commandId, 0);
    return (await this.store.readStream(this.streamOf(commandId))).find((event) => event.id === id) ?? null;
  }

  private async append(
    event: AccessEvent,
    { commandId, actor, correlationId, atUtc }: AccessContext,
  ): Promise<RecordedAccess> {
    const at = atUtc === undefined ? {} : { decidedAtUtc: atUtc };
    const envelope = this.aggregates.envelope(event, 0, {
      commandId,
      actor,
      correlationId,
      causationId: commandId,
      policyVersion: null,
      ...at,
    });
    const stream = this.streamOf(commandId);
    for (;;) {
      const events = await this.store.readStream(stream);
      // The same command again, a repeated click: it is on record.
      const before = events.find((stored) => stored.id === envelope.id);
      if (before) return before;
      const last = events.at(-1);
      try {
        const result = await appendKnown(this.store, stream, [envelope], last ? last.revision : 'no_stream');
        // Repeated: the same command was first, and told at another instant; the next look finds what is on record.
        if (result.outcome === 'appended' && !result.repeated) return envelope;
      } catch (error) {
        // The same command at the same time, told at another instant: the next look finds it.
        if (!(error instanceof IdConflictError)) throw error;
      }
    }
  }

  private streamOf(commandId: string): string {
    return `access-${this.clock.nowUtc().slice(0, 10)}-${derivedId(commandId).slice(0, 8)}`;
  }
}
