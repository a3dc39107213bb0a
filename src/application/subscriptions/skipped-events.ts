import { consumers } from '../decisions/aggregates.js';
import type { ConsumerEvent } from '../../domain/consumer/consumer.events.js';
import type { StoredEvent } from '../../domain/event-envelope.js';
import { upcast } from '../../domain/event-registry.js';
import { toDomain } from '../decisions/decide-and-append.js';
import { EVENT_LIMITS, EventStoreUnavailableError, type EventStore } from '../ports/store/event-store.js';
import { EventNotHandled, TransientFailure } from './subscription-handler.js';

/** The events that people agreed to let a consumer go past, for who reads the log for it without a runner. As the
 *  runner does, it is asked when an event has failed and never before: what works by then is handled. */
export class SkippedEvents {
  private known: ReadonlySet<string> | null = null;

  constructor(
    private readonly store: EventStore,
    private readonly consumer: string,
  ) {}

  /** Goes past an event that has failed. @throws {EventNotHandled} where nobody agreed to it, or what is no fault of the
   *  event */
  async goPast(event: StoredEvent, reason: unknown): Promise<void> {
    if (reason instanceof TransientFailure || reason instanceof EventStoreUnavailableError) throw reason;
    this.known ??= await this.read();
    if (!this.known.has(event.id)) throw new EventNotHandled(event, reason);
  }

  private async read(): Promise<ReadonlySet<string>> {
    const { decider, streamOf } = consumers;
    const limit = EVENT_LIMITS.eventsPerRead;
    let [state, from] = [decider.initial, 0];
    for (;;) {
      const page = await this.store.readStream(streamOf(this.consumer), { from, limit });
      for (const event of page) state = decider.evolve(state, toDomain<ConsumerEvent>(upcast(event)));
      if (page.length < limit) return new Set(state.skipped);
      from += page.length;
    }
  }
}
