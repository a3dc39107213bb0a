import { Injectable } from '@nestjs/common';
import type { StoredEvent } from '../../domain/event-envelope.js';
import { EVENT_REGISTRY } from '../../domain/event-registry.js';
import { consumers } from '../decisions/aggregates.js';
import { DecideAndAppend } from '../decisions/decide-and-append.js';
import { derivedId } from '../decisions/ids.js';
import type { SubscriptionHandler } from './subscription-handler.js';

/** Finds kinds and versions of events in the log that this program does not know. No other consumer asks for them, so
 * that nobody else would notice: a later version has worked on this log, and what it said is not heard. */
@Injectable()
export class UnknownEvents implements SubscriptionHandler {
  /** Name of the consumer: data, never renamed. */
  readonly name = 'unknown-events';

  constructor(private readonly aggregates: DecideAndAppend) {}

  async handle(events: readonly StoredEvent[]): Promise<void> {
    for (const { id, type, schemaVersion } of events) {
      if (isKnown(type, schemaVersion)) continue;
      const commandId = derivedId('unknown-event', type, schemaVersion);
      const context = {
        commandId,
        actor: 'system:unknown-events',
        correlationId: commandId,
        causationId: id,
        policyVersion: null,
      };
      await this.aggregates.execute(
        consumers,
        this.name,
        { type: 'RecordUnknownEvent', eventType: type, schemaVersion },
        context,
      );
    }
  }

  /** `type/version` of what was met and is still not known. */
  async met(): Promise<readonly string[]> {
    const { state } = await this.aggregates.load(consumers, this.name);
    return state.unknown.filter((name) => {
      const slash = name.lastIndexOf('/');
      return !isKnown(name.slice(0, slash), Number(name.slice(slash + 1)));
    });
  }
}

function isKnown(type: string, schemaVersion: number): boolean {
  return Object.hasOwn(EVENT_REGISTRY, type) && schemaVersion <= (EVENT_REGISTRY[type]?.version ?? 0);
}
