import type { Intake } from '../../application/installation/intake.js';
import {
  EventStore,
  type EventStoreUnavailableError,
  type AppendResult,
  type RecordedAnchor,
  type EventBatch,
  type EventFilter,
  type ExpectedRevision,
  type ReadStreamOptions,
  type SubscribeOptions,
} from '../../application/ports/store/event-store.js';
import type { NewEvent, Position, StoredEvent } from '../../domain/event-envelope.js';

/** A store that takes nothing in while the intake is closed. Everything can still be read. */
export class GuardedEventStore extends EventStore {
  constructor(
    private readonly store: EventStore,
    private readonly intake: Intake,
  ) {
    super();
  }

  override async append(
    stream: string,
    events: readonly NewEvent[],
    expected: ExpectedRevision,
  ): Promise<AppendResult> {
    this.intake.assertOpen();
    return this.store.append(stream, events, expected);
  }

  override readStream(stream: string, options?: ReadStreamOptions): Promise<readonly StoredEvent[]> {
    return this.store.readStream(stream, options);
  }

  override readAll(
    after: Position | null,
    options: { readonly filter?: EventFilter; readonly limit: number },
  ): Promise<EventBatch> {
    return this.store.readAll(after, options);
  }

  override subscribe(options: SubscribeOptions): AsyncIterable<EventBatch> {
    return this.store.subscribe(options);
  }

  override head(): Promise<Position | null> {
    return this.store.head();
  }

  override anchorAt(position: Position): Promise<RecordedAnchor | null> {
    return this.store.anchorAt(position);
  }

  override refusesAppends(): EventStoreUnavailableError | null {
    return this.store.refusesAppends();
  }

  override close(): Promise<void> {
    return this.store.close();
  }
}
