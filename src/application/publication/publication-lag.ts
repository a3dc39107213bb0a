import { Injectable } from '@nestjs/common';
import { Clock } from '../ports/store/clock.js';
import { EventStore } from '../ports/store/event-store.js';
import { PositionStore } from '../ports/store/position-store.js';
import { PublicationRelay } from './publication-relay.js';

export interface PublicationBacklog {
  /** Events that are to be published and are not acknowledged yet, counted up to `BACKLOG_COUNT_MAX`. */
  readonly events: number;
  /** How long the oldest of them has been waiting; 0 when there is none. Milliseconds. */
  readonly oldestMs: number;
}

export const BACKLOG_COUNT_MAX = 4096;

/** How far publication is behind, measured from the log and the stored position: right also while nothing moves. */
@Injectable()
export class PublicationLag {
  constructor(
    private readonly store: EventStore,
    private readonly positions: PositionStore,
    private readonly relay: PublicationRelay,
    private readonly clock: Clock,
  ) {}

  async measure(): Promise<PublicationBacklog> {
    let after = await this.positions.load(this.relay.name);
    for (;;) {
      const page = await this.store.readAll(after, { filter: { types: this.relay.types }, limit: BACKLOG_COUNT_MAX });
      const [oldest] = page.events;
      if (oldest)
        return {
          events: page.events.length,
          oldestMs: Math.max(0, Date.parse(this.clock.nowUtc()) - Date.parse(oldest.metadata.recordedAtUtc)),
        };
      if (page.caughtUp || page.position === after) return { events: 0, oldestMs: 0 };
      after = page.position;
    }
  }
}
