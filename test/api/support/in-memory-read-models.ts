import {
  ReadModels,
  type HoldRow,
  type RequestStatusRow,
  type TimelineRow,
} from '../../../src/application/ports/store/read-models.js';

/** Read models whose rows the test puts in; watchers are told of each change, as the port asks. */
export class InMemoryReadModels extends ReadModels {
  private readonly requests = new Map<string, RequestStatusRow>();
  private readonly watchers = new Map<string, Set<() => void>>();
  /** The rows stay behind the log. */
  behind = false;
  readonly holdRows: HoldRow[] = [];
  timelineRows: readonly (TimelineRow & { readonly requestId: string })[] = [];

  put(row: RequestStatusRow): void {
    this.requests.set(row.receipt, row);
    for (const wake of this.watchers.get(row.receipt) ?? []) wake();
  }

  watcherCount(receipt: string): number {
    return this.watchers.get(receipt)?.size ?? 0;
  }

  requestByReceipt(receipt: string): RequestStatusRow | null {
    return this.requests.get(receipt) ?? null;
  }

  requestById(requestId: string): RequestStatusRow | null {
    return [...this.requests.values()].find((r) => r.requestId === requestId) ?? null;
  }

  hold(requestId: string): HoldRow | null {
    return this.holdRows.find((h) => h.requestId === requestId) ?? null;
  }

  timeline(requestId: string, { atUtc }: { readonly atUtc: string | null }): readonly TimelineRow[] {
    return this.timelineRows
      .filter((r) => r.requestId === requestId && (atUtc === null || r.recordedAtUtc <= atUtc))
      .map(({ requestId: _, ...row }) => row);
  }

  keysLinkedTo(): readonly string[] {
    return [];
  }

  requestsErasedBy(): readonly string[] {
    return [];
  }

  async caughtUpTo(): Promise<boolean> {
    return !this.behind;
  }

  async *watchRequest(receipt: string, signal: AbortSignal): AsyncIterable<RequestStatusRow> {
    let wake: () => void = () => undefined;
    let before: RequestStatusRow | null = null;
    const watchers = this.watchers.get(receipt) ?? new Set();
    this.watchers.set(receipt, watchers);
    const onChange = () => wake();
    watchers.add(onChange);
    signal.addEventListener('abort', onChange);
    try {
      while (!signal.aborted) {
        const changed = new Promise<void>((resolve) => (wake = resolve));
        const row = this.requestByReceipt(receipt);
        if (row && row !== before) {
          before = row;
          yield row;
          continue;
        }
        await changed;
      }
    } finally {
      watchers.delete(onChange);
      signal.removeEventListener('abort', onChange);
    }
  }
}
