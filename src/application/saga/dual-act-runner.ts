import { setTimeout as sleepFor } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import type { Position } from '../../domain/event-envelope.js';
import { DualActs } from '../dual-acts.js';
import { EventStore } from '../ports/event-store.js';
import { PositionStore, type Lease } from '../ports/position-store.js';
import { assertSameLog } from '../subscriptions/same-log.js';

const LOOK_EVERY_MS = 20_000;
const LEASE_MS = 60_000;
const PAGE = 256;
const STREAM_PREFIX = 'act-';
const OPEN = new Set(['approved', 'begun']);
let instances = 0;

/** Carries out what two people agreed to when its waiting time is over, and what a process that died had begun. The position stays at
 *  the first act that still waits, so that nothing is forgotten by a restart. */
@Injectable()
export class DualActRunner {
  /** Name of the consumer: data, never renamed. */
  readonly name = 'dual-acts';
  private readonly log = new Logger('DualActRunner');
  private readonly holder = `dual-acts-${(instances += 1)}`;
  private stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();

  constructor(
    private readonly store: EventStore,
    private readonly positions: PositionStore,
    private readonly acts: DualActs,
  ) {}

  start(): void {
    this.stopping = new AbortController();
    this.running = this.run(this.stopping.signal);
  }

  /** Lets the look that is under way end. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  /** @returns how many acts still wait */
  async look(): Promise<number> {
    const lease = await this.positions.acquire(this.name, this.holder, LEASE_MS);
    // Another process looks.
    if (!lease) return 0;
    try {
      const found = await this.positions.find(this.name);
      if (found) await assertSameLog(this.store, this.name, found);
      return await this.lookFrom(found?.position ?? null, lease);
    } finally {
      await this.positions.release(lease);
    }
  }

  private async lookFrom(after: Position | null, lease: Lease): Promise<number> {
    let waiting = 0;
    let saved = after;
    for (let from = after; ; ) {
      const batch = await this.store.readAll(from, { filter: { types: ['ActApproved'] }, limit: PAGE });
      for (const event of batch.events) {
        const { stage } = await this.acts.carryOut(event.stream.slice(STREAM_PREFIX.length));
        if (OPEN.has(stage)) waiting += 1;
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

  private async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.look();
      } catch (error) {
        // The store is away: nothing is lost by looking again later.
        this.log.warn(`approved acts could not be looked at, trying again: ${error instanceof Error ? error.message : String(error)}`);
      }
      await sleepFor(LOOK_EVERY_MS, undefined, { signal }).catch(() => {
        // Aborted: the loop ends.
      });
    }
  }
}
