import { randomUUID } from 'node:crypto';
import { Injectable, Logger, type BeforeApplicationShutdown } from '@nestjs/common';
import type { DoorRefusalCode } from '../../domain/refusal.js';
import { EventStore } from '../ports/store/event-store.js';
import { RefusalBudget, type CountedRefusals, type RefusalLimits, type RefusalSource } from './refusal-budget.js';
import { appendKnown, DecideAndAppend } from '../decisions/decide-and-append.js';

export interface DoorRefusal {
  readonly code: DoorRefusalCode;
  /** The id that the request stated, when it has the form of one; it is not proved. */
  readonly boothId: string | null;
  readonly policyVersion: number | null;
  readonly refusalId: string;
  /** Absent: nobody to count it by, so it gets its event. */
  readonly source?: RefusalSource;
}

export const DEFAULT_REFUSAL_LIMITS: RefusalLimits = { perSourcePerMinute: 60, perMinute: 600 };

/** How often it is looked whether a minute is over. */
const LOOK_MS = 5_000;

/** Stores that something was turned away at the door, and nothing of what it was. Each refusal has a stream of its own,
 * so that a flood of bad requests never makes good ones wait for each other. Beyond a budget they are only counted, and
 * one event a minute says how many: nobody may ever prune this log, so a flood must not fill it. */
@Injectable()
export class RefuseAtDoor implements BeforeApplicationShutdown {
  private readonly log = new Logger('Door');
  private budget = new RefusalBudget(DEFAULT_REFUSAL_LIMITS);
  private readonly unstored = new Map<string, CountedRefusals>();
  private timer: NodeJS.Timeout | null = null;
  private isEnding = false;

  constructor(
    private readonly store: EventStore,
    private readonly aggregates: DecideAndAppend,
  ) {}

  /** Other limits than the default ones, from now on. */
  boundBy(limits: RefusalLimits): void {
    this.budget = new RefusalBudget(limits);
  }

  async record({ code, boothId, policyVersion, refusalId, source }: DoorRefusal): Promise<void> {
    const event = this.aggregates.envelope({ type: 'RequestRefusedAtDoor', data: { code, boothId } }, 0, {
      commandId: refusalId,
      actor: 'system:door',
      correlationId: refusalId,
      causationId: refusalId,
      policyVersion,
    });
    if (source && !this.isEnding && !this.budget.take(code, source, event.metadata.recordedAtUtc)) return this.count();
    await appendKnown(this.store, `door-${refusalId}`, [event], 'no_stream');
  }

  /** Stores the counts of the minutes that are over; with `all` also what the present one has so far. Never throws:
   * what could not be stored is kept for the next time, under the id that it had. */
  async flush({ all }: { readonly all: boolean }): Promise<void> {
    for (const counted of this.budget.counted(this.aggregates.nowUtc(), { all }))
      this.unstored.set(randomUUID(), counted);
    try {
      for (const [id, counted] of this.unstored) {
        await this.storeCounts(id, counted);
        this.unstored.delete(id);
      }
    } catch (error) {
      this.log.warn(`the counts of refusals could not be stored, and are tried again: ${String(error)}`);
    }
  }

  /** What is refused from now on gets its event at once: there is no later minute. */
  async beforeApplicationShutdown(): Promise<void> {
    this.isEnding = true;
    if (this.timer) clearInterval(this.timer);
    await this.flush({ all: true });
  }

  private count(): void {
    this.timer ??= setInterval(() => void this.flush({ all: false }), LOOK_MS).unref();
  }

  private async storeCounts(id: string, { sinceUtc, untilUtc, refusals }: CountedRefusals): Promise<void> {
    const event = this.aggregates.envelope(
      { type: 'RequestsRefusedAtDoor', data: { sinceUtc, untilUtc, refusals } },
      0,
      { commandId: id, actor: 'system:door', correlationId: id, causationId: id, policyVersion: null },
    );
    await appendKnown(this.store, `door-${id}`, [event], 'no_stream');
  }
}
