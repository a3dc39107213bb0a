import type { EventBatch, EventFilter } from '../../../application/ports/store/event-store.js';
import type { Position, StoredEvent } from '../../../domain/event-envelope.js';

/** Events that are kept; who is further behind reads for himself. */
const KEPT_MAX = 512;

export interface LogTailSource {
  /** Reads the log without a filter, as `EventStore.readAll` does. */
  readonly read: (after: Position | null, limit: number) => EventBatch;
  /** A number that changes with every append of this process. */
  readonly appends: () => number;
  /** Milliseconds after which appends of other processes are looked for. */
  readonly freshMs: number;
  readonly nowMs: () => number;
}

/** The newest events, read once for everybody who follows the log: a dozen consumers that are at its end would each ask
 * for what has just been appended. Gives what a read would give, or null where it cannot. */
export class LogTail {
  private events: StoredEvent[] = [];
  /** Everything behind `from` and up to `until` is in `events`. Null: nothing is known. */
  private from: bigint | null = null;
  private until = 0n;
  private atEnd = false;
  private readAtMs = -Infinity;
  private readAtAppends = -1;

  constructor(private readonly source: LogTailSource) {}

  /** Tells up to where somebody has read who is now at the end of the log. */
  reached(position: Position | null): void {
    if (this.from !== null && (position ?? 0n) <= this.until) return;
    this.events = [];
    this.from = this.until = position ?? 0n;
    this.atEnd = false;
    this.readAtMs = -Infinity;
  }

  /** @returns at most `limit` events behind `after` that the filter lets through, and how far was looked; null when the
   *   caller has to read for himself */
  page(after: Position | null, filter: EventFilter | undefined, limit: number): EventBatch | null {
    const behind = after ?? 0n;
    if (this.from === null || behind < this.from || behind > this.until) return null;
    if (!this.refresh() || behind < this.from) return null;
    const found: StoredEvent[] = [];
    for (let i = this.firstBehind(behind); i < this.events.length; i += 1) {
      const event = this.events[i]!;
      if (!passes(filter, event)) continue;
      found.push(event);
      if (found.length === limit) {
        const { position } = event;
        return { events: found, position, caughtUp: this.atEnd && position >= this.until };
      }
    }
    return { events: found, position: this.until === 0n ? null : (this.until as Position), caughtUp: this.atEnd };
  }

  /** Whoever follows the log is near its end. */
  private firstBehind(position: bigint): number {
    let at = this.events.length;
    while (at > 0 && this.events[at - 1]!.position > position) at -= 1;
    return at;
  }

  /** @returns false when the newest events cannot be read: each consumer reads for himself then, and only those fail
   *   that ask for the one event that is damaged */
  private refresh(): boolean {
    const [appends, nowMs] = [this.source.appends(), this.source.nowMs()];
    if (this.atEnd && appends === this.readAtAppends && nowMs - this.readAtMs < this.source.freshMs) return true;
    const batch = this.newest();
    if (batch === null) return false;
    this.take(batch);
    [this.readAtMs, this.readAtAppends] = [nowMs, appends];
    return true;
  }

  private newest(): EventBatch | null {
    try {
      return this.source.read(this.until === 0n ? null : (this.until as Position), KEPT_MAX);
    } catch {
      // Said by the read of whoever wants that event, with its name.
      this.from = null;
      return null;
    }
  }

  private take(batch: EventBatch): void {
    // Several consumers get the same objects: whoever changed one would change it for all.
    for (const event of batch.events) this.events.push(frozen(event));
    this.until = batch.position ?? 0n;
    this.atEnd = batch.caughtUp;
    const tooMany = this.events.length - KEPT_MAX;
    if (tooMany <= 0) return;
    this.from = this.events[tooMany - 1]!.position;
    this.events = this.events.slice(tooMany);
  }
}

/** As the store's own filter: members of `filter` count together, entries of one member for each other. */
function passes(filter: EventFilter | undefined, { type, stream }: StoredEvent): boolean {
  if (filter?.types && !filter.types.includes(type)) return false;
  return !filter?.streamPrefixes || filter.streamPrefixes.some((prefix) => stream.startsWith(prefix));
}

function frozen<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const member of Object.values(value)) frozen(member);
  return Object.freeze(value);
}
