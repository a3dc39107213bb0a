import { setTimeout as sleep } from 'node:timers/promises';
import type { AuditLog } from '../../../application/ports/audit/audit-log.js';
import { LogDemand } from '../../../application/ports/audit/log-demand.js';
import type { EventAnchor } from '../../../application/ports/store/event-store.js';
import {
  TransientFailure,
  type DeliveryContext,
  type HandledFurther,
  type SubscriptionHandler,
} from '../../../application/subscriptions/subscription-handler.js';
import { parseLeaf } from '../../../domain/audit/log/leaf.js';
import type { Position, StoredEvent } from '../../../domain/event-envelope.js';
import type { LogBuilder } from './log-builder.js';
import { AuditLogDamagedError } from './tile-log.js';
import { AuditLogForkError } from './tile-writer.js';

/** Between two steps, however many wait: what comes in meanwhile shares a signature. */
const STEP_GAP_MS = 25;

/** Puts every stored event into the audit log. A delivery only says how far the store has got; what is written is read
 * from the store, from the log's own last event on. So a lost position, a restored folder or a repeated delivery can
 * neither leave a gap nor repeat a leaf, and the runner need not read what the log has read itself. Steps are at least
 * `intervalMs` apart while events trickle in and nobody waits for them, which keeps the cost of many small appends
 * low. */
export class AuditLogConsumer implements SubscriptionHandler {
  /** Name of the consumer: data, never renamed. */
  readonly name = 'audit-log';
  /** The newest event that is known to be in the log. */
  private last: Position | null = null;
  private publishedMs = Number.NEGATIVE_INFINITY;
  private readonly demand: LogDemand;

  constructor(
    private readonly builder: LogBuilder,
    private readonly intervalMs: number,
    /** The log itself, for its newest entry; without it nothing is compared before the first step. */
    private readonly log: Pick<AuditLog, 'checkpoint' | 'leaf' | 'positionOf' | 'demand'> | null = null,
  ) {
    this.demand = log?.demand ?? new LogDemand();
  }

  async prepare(): Promise<void> {
    this.last = null;
  }

  /** The event of the newest entry: a store that has another one at its place is not the one that was signed. */
  async anchor(): Promise<EventAnchor | null> {
    const size = this.log?.checkpoint()?.size ?? 0;
    if (!this.log || size === 0) return null;
    const leaf = parseLeaf(this.log.leaf(size - 1));
    if (!leaf) throw new AuditLogDamagedError(`entry ${size - 1} is no event; run './honnin audit fsck'`);
    return { position: this.log.positionOf(size - 1), id: leaf.id };
  }

  async handle(
    events: readonly StoredEvent[],
    { signal }: Pick<DeliveryContext, 'signal'>,
  ): Promise<HandledFurther | void> {
    const target = events.at(-1)?.position;
    if (target === undefined || this.covers(target)) return;
    await this.turn(signal);
    let handled = 0;
    for (let isMore = true; isMore && !(signal.aborted && this.covers(target));) {
      const step = await this.step();
      ({ last: this.last, isMore } = step);
      handled += step.leaves;
    }
    if (!this.covers(target))
      throw new AuditLogForkError(`the store told of position ${target} and has nothing after ${this.last}`);
    this.publishedMs = performance.now();
    this.demand.met();
    return { through: this.last as Position, events: handled };
  }

  /** At a stop every wait ends early and the step is made: what is stored shall be in the log. */
  private async turn(signal: AbortSignal): Promise<void> {
    const sinceMs = performance.now() - this.publishedMs;
    const gapMs = Math.min(STEP_GAP_MS, this.intervalMs) - sinceMs;
    if (gapMs > 0) await sleep(gapMs, undefined, { signal }).catch(() => {});
    await this.demand.within(this.intervalMs - Math.max(sinceMs, STEP_GAP_MS), signal);
  }

  private async step(): ReturnType<LogBuilder['step']> {
    try {
      return await this.builder.step();
    } catch (error) {
      this.last = null;
      if (error instanceof AuditLogForkError || error instanceof AuditLogDamagedError || !isOfTheSystem(error))
        throw error;
      throw new TransientFailure(
        `the audit log cannot be written: ${error instanceof Error ? error.message : String(error)}`,
        { cause: error },
      );
    }
  }

  private covers(position: Position): boolean {
    return this.last !== null && this.last >= position;
  }
}

/** A full or unplugged disk is the world's fault and is waited for; anything else must stop with an alarm. */
function isOfTheSystem(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error;
}
