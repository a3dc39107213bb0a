import { Injectable, Logger, Optional } from '@nestjs/common';
import type { StoredEvent } from '../../domain/event-envelope.js';
import { PUBLISHED_SOURCES, translate, type Publication } from '../../domain/publication/published-language.js';
import { erasures } from '../decisions/aggregates.js';
import { DecideAndAppend } from '../decisions/decide-and-append.js';
import { derivedId } from '../decisions/ids.js';
import { PlacesInLog } from './places-in-log.js';
import { ErasureConsumers } from '../ports/registrant/erasure-consumers.js';
import { EventPublisher, type PublicRecord } from '../ports/outside/event-publisher.js';
import { PublicationDirectory } from '../ports/outside/publication-directory.js';
import { ReadModels } from '../ports/store/read-models.js';
import type { LeafPlace } from '../../domain/publication/published-language.js';
import {
  TransientFailure,
  type DeliveryContext,
  type SubscriptionHandler,
} from '../subscriptions/subscription-handler.js';

const CATCH_UP_MS_MAX = 10_000;
/** Name of the consumer: data, never renamed. */
export const RELAY = 'publication-relay';

/** While the broker is away there is one line for the first failure and then one for each so many. */
const ATTEMPTS_PER_LINE = 10;

/** The log is the outbox: this consumer of the log publishes what the published language says of each event. The
 * position moves only when everything before it is acknowledged, so after any crash every event is published at least
 * once and in order per registration. @req R22 */
@Injectable()
export class PublicationRelay {
  readonly name = RELAY;
  readonly types: readonly string[] = PUBLISHED_SOURCES;
  /** Events per round trip: large enough to keep the broker busy, small enough to repeat after a crash. */
  readonly batchSize = 1024;

  private readonly log = new Logger('Publication');
  /** Lanes of the batch under way that are acknowledged: when another lane fails, they are not published again. */
  private acknowledged: { readonly batch: string; readonly lanes: Set<number> } = { batch: '', lanes: new Set() };

  constructor(
    private readonly publisher: EventPublisher,
    private readonly directory: PublicationDirectory,
    private readonly readModels: ReadModels,
    private readonly aggregates: DecideAndAppend,
    private readonly erasureConsumers: ErasureConsumers,
    /** Absent where no signed log is written: records then name no entry. */
    @Optional() private readonly places?: PlacesInLog,
  ) {}

  get configured(): boolean {
    return this.publisher.configured;
  }

  handler(): SubscriptionHandler {
    return { prepare: () => this.publisher.connect(), handle: (events, context) => this.handle(events, context) };
  }

  private async handle(events: readonly StoredEvent[], { attempt }: DeliveryContext): Promise<void> {
    // What nobody has signed is not told outside: after a loss nobody could say what became of it.
    const places = await this.places?.of(events.map(({ position }) => position));
    const publications: Publication[] = [];
    for (const [i, event] of events.entries()) publications.push(await this.translated(event, places?.[i]));
    try {
      await this.publish(`${events[0]?.id} ${events.at(-1)?.id} ${events.length}`, recordsOf(publications));
    } catch (error) {
      if (attempt % ATTEMPTS_PER_LINE === 1)
        this.log.error(
          `${events.length} events from position ${events[0]?.position} wait to be published (attempt ${attempt}): ${error instanceof Error ? error.message : String(error)}`,
        );
      throw error;
    }
  }

  private async translated(event: StoredEvent, leaf: LeafPlace | undefined): Promise<Publication> {
    const idOf = (...parts: readonly string[]) => derivedId('published', ...parts);
    const registrationsOfRegistrant = event.type === 'RegistrantErased' ? await this.reachedBy(event) : [];
    const erasedAt = this.directory.erasedAt(event.metadata.correlationId);
    return translate(event, {
      registrationsOfRegistrant,
      isForgotten: erasedAt !== null && erasedAt < event.position,
      idOf,
      ...(leaf && { leaf }),
    });
  }

  /** Who is behind which registration is known from a projection; it may be behind the relay, so it is waited for. */
  private async reachedBy(erased: StoredEvent): Promise<readonly string[]> {
    if (!(await this.readModels.caughtUpTo(erased.position, CATCH_UP_MS_MAX)))
      throw new TransientFailure(
        'the projections have not reached an erasure yet; which registrations it reaches is not known',
      );
    const registrationIds = this.directory.registrationsOfErasure(erased.id);
    // Stored before it is told: a confirmation may be back before we have looked up.
    if (registrationIds.length > 0) {
      await this.aggregates.execute(
        erasures,
        erased.id,
        { type: 'AnnounceErasure', erasureId: erased.id, registrationIds, consumers: this.erasureConsumers.names },
        {
          commandId: derivedId('announce-erasure', erased.id),
          actor: 'system:publication-relay',
          correlationId: erased.id,
          causationId: erased.id,
          policyVersion: null,
        },
      );
    }
    return registrationIds;
  }

  private async publish(batch: string, records: readonly PublicRecord[]): Promise<void> {
    if (this.acknowledged.batch !== batch) this.acknowledged = { batch, lanes: new Set() };
    const done = this.acknowledged.lanes;
    const lanes = new Map<number, PublicRecord[]>();
    for (const record of records) {
      const lane = this.publisher.laneOf(record.key);
      const ofLane = lanes.get(lane);
      if (ofLane) ofLane.push(record);
      else lanes.set(lane, [record]);
    }
    const outcomes = await Promise.allSettled(
      [...lanes]
        .filter(([lane]) => !done.has(lane))
        .map(async ([lane, ofLane]) => {
          await this.publisher.publish(lane, ofLane);
          done.add(lane);
        }),
    );
    const failures = outcomes
      .filter((outcome) => outcome.status === 'rejected')
      .map((outcome): unknown => outcome.reason);
    // What can never be published outweighs what comes right by waiting.
    if (failures.length > 0) throw failures.find((failure) => !(failure instanceof TransientFailure)) ?? failures[0];
  }
}

/** Every fact in order; of the current status only the newest of each registration, because the others would be gone at
 * once. */
function recordsOf(publications: readonly Publication[]): readonly PublicRecord[] {
  const facts = publications.flatMap(({ events }) =>
    events.map((event): PublicRecord => ({ channel: 'registrations', key: event.registrationId, event })),
  );
  const statuses = new Map<string, PublicRecord>();
  for (const { statuses: changes, forgotten } of publications) {
    for (const event of changes)
      statuses.set(event.registrationId, { channel: 'registration-status', key: event.registrationId, event });
    for (const key of forgotten) statuses.set(key, { channel: 'registration-status', key, event: null });
  }
  return [...facts, ...statuses.values()];
}
