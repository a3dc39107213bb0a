import { Injectable } from '@nestjs/common';
import type { Position, StoredEvent } from '../../domain/event-envelope.js';
import { DualActs } from '../dual-acts.js';
import { EventStore } from '../ports/store/event-store.js';
import { PositionStore, type Lease } from '../ports/store/position-store.js';
import { PeriodicLook, underLease } from './periodic-look.js';

const LOOK_EVERY_MS = 20_000;
const PAGE = 256;
const STREAM_PREFIX = 'act-';
const OPEN = new Set(['approved', 'begun']);
let instances = 0;

/** Carries out what two people agreed to when its waiting time is over, and what a process that died had begun. The
 * position stays at the first act that still waits, so that nothing is forgotten by a restart. */
@Injectable()
export class DualActRunner {
  /** Name of the consumer: data, never renamed. */
  readonly name = 'dual-acts';
  private readonly looks = new PeriodicLook({ name: 'DualActRunner', of: 'approved acts', everyMs: LOOK_EVERY_MS });
  private readonly holder = `dual-acts-${(instances += 1)}`;

  constructor(
    readonly store: EventStore,
    readonly positions: PositionStore,
    private readonly acts: DualActs,
  ) {}

  start(): void {
    this.looks.start(() => this.look());
  }

  /** Lets the look that is under way end. */
  stop(): Promise<void> {
    return this.looks.stop();
  }

  /** @returns how many acts still wait */
  look(): Promise<number> {
    return underLease(this, { consumer: this.name, holder: this.holder }, (after, lease) =>
      this.lookFrom(after, lease),
    );
  }

  private async lookFrom(after: Position | null, lease: Lease): Promise<number> {
    let waiting = 0;
    let saved = after;
    for (let from = after; ;) {
      const batch = await this.store.readAll(from, { filter: { types: ['ActApproved'] }, limit: PAGE });
      for (const event of batch.events) {
        if (await this.isWaiting(event)) waiting += 1;
        else if (waiting === 0) saved = event.position;
      }
      if (waiting === 0 && batch.position !== null) saved = batch.position;
      if (batch.caughtUp || batch.position === null) break;
      from = batch.position;
    }
    if (saved !== null && saved !== after) {
      const anchor = await this.store.anchorAt(saved);
      const step = { consumer: this.name, previous: after, next: saved, anchor, fencingToken: lease.fencingToken };
      await this.positions.save(step);
    }
    return waiting;
  }

  /** Whether it still waits. One that fails is tried again, and holds up no other. */
  private async isWaiting({ stream }: StoredEvent): Promise<boolean> {
    try {
      return OPEN.has((await this.acts.carryOut(stream.slice(STREAM_PREFIX.length))).stage);
    } catch (error) {
      this.looks.failed(error);
      return true;
    }
  }
}
