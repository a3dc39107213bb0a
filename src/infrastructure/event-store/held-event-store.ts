import type { StoreHold } from '../../application/installation/store-hold.js';
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

/** A store that is used only while this process holds it. Reads are refused too: whoever reads goes on to sign, to
 *  erase or to send. */
export class HeldEventStore extends EventStore {
  constructor(
    private readonly store: EventStore,
    private readonly hold: StoreHold,
  ) {
    super();
  }

  override async append(
    stream: string,
    events: readonly NewEvent[],
    expected: ExpectedRevision,
  ): Promise<AppendResult> {
    await this.hold.assertHeld();
    return this.store.append(stream, events, expected);
  }

  override async readStream(stream: string, options?: ReadStreamOptions): Promise<readonly StoredEvent[]> {
    await this.hold.assertHeld();
    return this.store.readStream(stream, options);
  }

  override async readAll(
    after: Position | null,
    options: { readonly filter?: EventFilter; readonly limit: number },
  ): Promise<EventBatch> {
    await this.hold.assertHeld();
    return this.store.readAll(after, options);
  }

  override async *subscribe(options: SubscribeOptions): AsyncIterable<EventBatch> {
    await this.hold.assertHeld();
    for await (const batch of this.store.subscribe(options)) {
      await this.hold.assertHeld();
      yield batch;
    }
  }

  override async head(): Promise<Position | null> {
    await this.hold.assertHeld();
    return this.store.head();
  }

  override async anchorAt(position: Position): Promise<RecordedAnchor | null> {
    await this.hold.assertHeld();
    return this.store.anchorAt(position);
  }

  override refusesAppends(): EventStoreUnavailableError | null {
    return this.store.refusesAppends();
  }

  override async close(): Promise<void> {
    await this.hold.release();
    await this.store.close();
  }
}
