import type { IntegrationEvent, StatusEvent } from '../../../domain/publication/published-language.js';

/** Where something is published: every fact; the current status by registration; facts once more, on request. */
export type PublicChannel = 'registrations' | 'registration-status' | 'replay';

export interface PublicRecord {
  readonly channel: PublicChannel;
  /** The registration id. Records of one key stay in order. */
  readonly key: string;
  /** null: forget what is known under the key (`registration-status` only). */
  readonly event: IntegrationEvent | StatusEvent | null;
  /** Names the replay that the record belongs to: consumers must not act on it as if it were news. */
  readonly replayId?: string;
}

/** Publishes to other systems: at least once, in order per key; the event's id tells repetitions. */
export abstract class EventPublisher {
  /** False when no broker is configured: events wait at their position in the log. */
  abstract readonly configured: boolean;
  /** Connects and checks that what is there is what was agreed on. May be called again.
   *  @throws {Error} in words for an operator: not reachable, topic missing, number of partitions changed. */
  abstract connect(): Promise<void>;
  /** The lane of a key. Lanes fail and go on independently; all records of a key are in one lane. */
  abstract laneOf(key: string): number;
  /** Publishes records of one lane in their order and resolves when every one is acknowledged by all replicas that are
   * in sync. The caller has at most one call per lane under way.
   * @throws {TransientFailure} when some may not have arrived: publish all of them again.
   * @throws {PublicationRefusedError} when the broker will never take one of them. */
  abstract publish(lane: number, records: readonly PublicRecord[]): Promise<void>;
  abstract close(): Promise<void>;
}

/** The broker refuses the record itself (too large, malformed). Trying again changes nothing. */
export class PublicationRefusedError extends Error {}
