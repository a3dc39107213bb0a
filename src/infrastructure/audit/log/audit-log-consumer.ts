import { setTimeout as sleep } from 'node:timers/promises';
import type { AuditLog } from '../../../application/ports/audit/audit-log.js';
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

/** Puts every stored event into the audit log. A delivery only says how far the store has got; what is written is read
 * from the store, from the log's own last event on. So a lost position, a restored folder or a repeated delivery can
 * neither leave a gap nor repeat a leaf, and the runner need not read what the log has read itself. Steps are at least
 * `intervalMs` apart while events trickle in, which keeps the cost of many small appends low. */
export class AuditLogConsumer implements SubscriptionHandler {
  /** Name of the consumer: data, never renamed. */
  readonly name = 'audit-log';
  /** The newest event that is known to be in the log. */
  private last: Position | null = null;
  private publishedMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly builder: LogBuilder,
    private readonly intervalMs: number,
    /** The log itself, for its newest entry; without it nothing is compared before the first step. */
    private readonly log: Pick<AuditLog, 'checkpoint' | 'leaf' | 'positionOf'> | null = null,
  ) {}

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
    const waitMs = this.publishedMs + this.intervalMs - performance.now();
    // At a stop the wait ends early and the step is made: what is stored shall be in the log.
    if (waitMs > 0) await sleep(waitMs, undefined, { signal }).catch(() => {});
    let handled = 0;
    for (let isMore = true; isMore && !(signal.aborted && this.covers(target));) {
      const step = await this.step();
      ({ last: this.last, isMore } = step);
      handled += step.leaves;
    }
    if (!this.covers(target))
      throw new AuditLogForkError(`the store told of position ${target} and has nothing after ${this.last}`);
    this.publishedMs = performance.now();
    return { through: this.last as Position, events: handled };
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
