import { setTimeout as sleep } from 'node:timers/promises';
import type { EventStore } from '../../application/ports/event-store.js';
import type { Pseudonyms } from '../../application/ports/pseudonyms.js';
import { TransientFailure, type DeliveryContext, type SubscriptionHandler } from '../../application/subscriptions/subscription-handler.js';
import { leafText, type StoredText } from '../../domain/audit/leaf.js';
import type { JsonObject, Position, StoredEvent } from '../../domain/event-envelope.js';
import { canonicalJson } from '../../domain/values/canonical-json.js';
import { AuditLogDamagedError } from './tile-log.js';
import { AuditLogForkError, type TileWriter } from './tile-writer.js';

/** Leaves of one checkpoint: four full bundles. */
const LEAVES_PER_STEP = 1024;

/** The stored texts of an event: canonical JSON of a value is the text that was stored for it. */
export function storedText({ stream, revision, id, type, schemaVersion, data, metadata }: StoredEvent): StoredText {
  return { stream, revision, id, type, schemaVersion, data: canonicalJson(data), metadata: canonicalJson(metadata as unknown as JsonObject) };
}

/** Puts every stored event into the audit log. A delivery only says how far the store has got; what is written is read from the store,
 *  from the log's own last event on. So a lost position, a restored folder or a repeated delivery can neither leave a gap nor repeat a
 *  leaf. Steps are at least `intervalMs` apart while events trickle in, which keeps the cost of many small appends low. */
export class AuditLogConsumer implements SubscriptionHandler {
  /** Name of the consumer: data, never renamed. */
  readonly name = 'audit-log';
  private writer: TileWriter | null = null;
  private publishedMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly store: EventStore,
    private readonly pseudonyms: Pseudonyms,
    private readonly openWriter: () => Promise<TileWriter>,
    private readonly intervalMs: number,
  ) {}

  async prepare(): Promise<void> {
    this.writer = null;
  }

  async handle(events: readonly StoredEvent[], { signal }: Pick<DeliveryContext, 'signal'>): Promise<void> {
    const target = events.at(-1)?.position;
    if (target === undefined) return;
    // An earlier step often went further than its own delivery.
    if (this.covers(target)) return;
    const waitMs = this.publishedMs + this.intervalMs - performance.now();
    // At a stop the wait ends early and the step is made: what is stored shall be in the log.
    if (waitMs > 0) await sleep(waitMs, undefined, { signal }).catch(() => {});
    try {
      const writer = (this.writer ??= await this.openWriter());
      for (let isMore = true; isMore && !(signal.aborted && this.covers(target)); ) {
        const last = writer.lastPosition();
        const { events: page } = await this.store.readAll(last, { limit: LEAVES_PER_STEP });
        await writer.publish(page.map((event) => ({ text: leafText(storedText(event), (person) => this.pseudonyms.tokenOf(person)), position: event.position })));
        isMore = page.length === LEAVES_PER_STEP;
      }
      if (!this.covers(target)) throw new AuditLogForkError(`the store told of position ${target} and has nothing after ${writer.lastPosition()}`);
      this.publishedMs = performance.now();
    } catch (error) {
      // Half a step is in memory: the next try begins with what is on disk.
      this.writer = null;
      if (error instanceof AuditLogForkError || error instanceof AuditLogDamagedError || !isOfTheSystem(error)) throw error;
      throw new TransientFailure(`the audit log cannot be written: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
  }

  private covers(position: Position): boolean {
    const last = this.writer?.lastPosition() ?? null;
    return last !== null && last >= position;
  }
}

/** A full or unplugged disk is the world's fault and is waited for; anything else must stop with an alarm. */
function isOfTheSystem(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error;
}
