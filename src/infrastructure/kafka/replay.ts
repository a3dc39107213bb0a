import { randomUUID } from 'node:crypto';
import { derivedId } from '../../application/decisions/ids.js';
import type { PublicRecord } from '../../application/ports/outside/event-publisher.js';
import type { EventStore } from '../../application/ports/store/event-store.js';
import type { PublicationDirectory } from '../../application/ports/outside/publication-directory.js';
import type { PlacesInLog } from '../../application/publication/places-in-log.js';
import { RELAY } from '../../application/publication/publication-relay.js';
import { SkippedEvents } from '../../application/subscriptions/skipped-events.js';
import { TransientFailure } from '../../application/subscriptions/subscription-handler.js';
import type { Position, StoredEvent } from '../../domain/event-envelope.js';
import { upcast } from '../../domain/event-registry.js';
import { PUBLISHED_SOURCES, translate } from '../../domain/publication/published-language.js';
import { KafkaEventPublisher } from './kafka-event-publisher.js';
import type { KafkaSettings } from './kafka-client.js';
import { topicName } from './topics.js';

/** A position or an instant of recording, inclusive; null: open. */
export type ReplayBound = bigint | string | null;

export interface ReplayOptions {
  readonly store: EventStore;
  readonly directory: PublicationDirectory;
  /** Absent: the replayed records name no entry of the signed log. */
  readonly places?: PlacesInLog;
  readonly settings: KafkaSettings;
  readonly from: ReplayBound;
  readonly to: ReplayBound;
  readonly registrationId: string | null;
  readonly onProgress?: (progress: {
    readonly published: number;
    readonly position: Position;
    readonly head: Position;
  }) => void;
}

const BATCH = 1024;
const ATTEMPTS = 5;
const PROGRESS_MS = 1000;

/** Publishes stored events once more: to the replay topic only, each with the attribute `replay`, with the ids that
 * they always had. Ends at the position that the log had at the start.
 * @returns the name of the replay and how many events it has
 * @throws {Error} when the broker does not acknowledge after a few attempts; nothing of it is on a live topic */
export async function replayEvents(
  options: ReplayOptions,
): Promise<{ readonly replayId: string; readonly published: number; readonly topic: string }> {
  const { store, settings, onProgress } = options;
  const replayId = randomUUID();
  const topic = topicName(settings.prefix, 'replay');
  const publisher = new KafkaEventPublisher(settings, 4, ['replay']);
  const skipped = new SkippedEvents(store, RELAY);
  const head = await store.head();
  let published = 0;
  let toldMs = Date.now();
  await publisher.connect();
  try {
    let after = typeof options.from === 'bigint' && options.from > 0n ? ((options.from - 1n) as Position) : null;
    while (head !== null) {
      const page = await store.readAll(after, { filter: { types: PUBLISHED_SOURCES }, limit: BATCH });
      const records: PublicRecord[] = [];
      for (const event of page.events.filter((each) => each.position <= head && isWanted(each, options))) {
        try {
          records.push(...recordsOf(upcast(event), replayId, options));
        } catch (error) {
          await skipped.goPast(event, error);
        }
      }
      await publishAll(publisher, records);
      published += records.length;
      const done =
        page.position === null ||
        page.position === after ||
        page.position >= head ||
        page.caughtUp ||
        isAfter(page.events.at(-1), options.to);
      if (page.position !== null && (done || Date.now() - toldMs >= PROGRESS_MS)) {
        onProgress?.({ published, position: page.position, head });
        toldMs = Date.now();
      }
      if (done) break;
      after = page.position;
    }
  } finally {
    await publisher.close();
  }
  return { replayId, published, topic };
}

function recordsOf(
  event: StoredEvent,
  replayId: string,
  { directory, registrationId, places }: ReplayOptions,
): PublicRecord[] {
  const leaf = places?.known(event.position);
  const registrationsOfRegistrant = event.type === 'RegistrantErased' ? directory.registrationsOfErasure(event.id) : [];
  const { events } = translate(event, {
    registrationsOfRegistrant,
    isForgotten: true,
    idOf: (...parts) => derivedId('published', ...parts),
    ...(leaf && { leaf }),
  });
  return events
    .filter((fact) => registrationId === null || fact.registrationId === registrationId)
    .map((fact) => ({ channel: 'replay', key: fact.registrationId, event: fact, replayId }));
}

async function publishAll(publisher: KafkaEventPublisher, records: readonly PublicRecord[]): Promise<void> {
  const lanes = new Map<number, PublicRecord[]>();
  for (const record of records)
    lanes.set(publisher.laneOf(record.key), [...(lanes.get(publisher.laneOf(record.key)) ?? []), record]);
  for (const [lane, ofLane] of lanes) {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await publisher.publish(lane, ofLane);
        break;
      } catch (error) {
        if (!(error instanceof TransientFailure) || attempt === ATTEMPTS) throw error;
      }
    }
  }
}

function isWanted(event: StoredEvent, { from, to, registrationId }: ReplayOptions): boolean {
  // An erasure is in the registrant's stream; which registrations it reaches is looked up when it is translated.
  if (registrationId !== null && event.metadata.correlationId !== registrationId && event.type !== 'RegistrantErased')
    return false;
  return !isBefore(event, from) && !isAfter(event, to);
}

function isBefore(event: StoredEvent, bound: ReplayBound): boolean {
  if (bound === null) return false;
  return typeof bound === 'bigint' ? event.position < bound : event.metadata.recordedAtUtc < bound;
}

function isAfter(event: StoredEvent | undefined, bound: ReplayBound): boolean {
  if (event === undefined || bound === null) return false;
  return typeof bound === 'bigint' ? event.position > bound : event.metadata.recordedAtUtc > bound;
}
