import { Injectable } from '@nestjs/common';
import type { AccessEvent } from '../../domain/access/access.events.js';
import { derivedId } from '../ids.js';
import { Clock } from '../ports/clock.js';
import { EventStore } from '../ports/event-store.js';
import { appendKnown, DecideAndAppend } from './decide-and-append.js';

/** An access could not be put on record, or nobody knows whether it was: what it was for must not be shown. */
export class AccessNotRecordedError extends Error {}

/** Appends to the access log of the day. Every access has its own command id, so no expectation is needed beyond "not yet there". */
@Injectable()
export class AccessLog {
  constructor(
    private readonly store: EventStore,
    private readonly aggregates: DecideAndAppend,
    private readonly clock: Clock,
  ) {}

  /** Resolves when the access is stored.
   *  @throws {AccessNotRecordedError} when it is not, whatever the cause; then nothing may be shown. */
  async record(event: AccessEvent, context: { readonly commandId: string; readonly actor: string; readonly correlationId: string }): Promise<void> {
    try {
      await this.append(event, context);
    } catch (error) {
      throw new AccessNotRecordedError(`the access could not be put on record: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
  }

  private async append(event: AccessEvent, { commandId, actor, correlationId }: { readonly commandId: string; readonly actor: string; readonly correlationId: string }): Promise<void> {
    const envelope = this.aggregates.envelope(event, 0, { commandId, actor, correlationId, causationId: commandId, policyVersion: null });
    const stream = `access-${this.clock.nowUtc().slice(0, 10)}-${derivedId(commandId).slice(0, 8)}`;
    for (;;) {
      const [last] = await this.store.readStream(stream, { direction: 'backwards', limit: 1 });
      // The same command again, a repeated click: it is on record.
      if (last?.id === envelope.id) return;
      const result = await appendKnown(this.store, stream, [envelope], last ? last.revision : 'no_stream');
      if (result.outcome === 'appended') return;
    }
  }
}
