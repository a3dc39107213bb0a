/** How long effects wait at most, by a clock that only goes forward. Due times are instants of the wall clock; when
 * that goes back, what was to be tried again in half a minute would wait for as long as it went back. Each wait
 * therefore ends at the latest when its own length has passed here. */
export class WaitBounds {
  private readonly bounds = new Map<string, Bound>();

  /** @param nowMs a clock that only goes forward */
  constructor(private readonly nowMs: () => number = () => performance.now()) {}

  /** @param waitMs length of the wait, from now on */
  set(effectId: string, requestId: string, waitMs: number): void {
    this.bounds.set(effectId, { requestId, overAtMs: this.nowMs() + Math.max(0, waitMs), isTold: false });
  }

  delete(effectId: string): void {
    this.bounds.delete(effectId);
  }

  isOver(effectId: string): boolean {
    const bound = this.bounds.get(effectId);
    return bound !== undefined && bound.overAtMs <= this.nowMs();
  }

  /** Cases with a wait that is over now and was not at the last call. */
  over(): ReadonlySet<string> {
    const now = this.nowMs();
    const ended = [...this.bounds.values()].filter(({ overAtMs, isTold }) => overAtMs <= now && !isTold);
    for (const bound of ended) bound.isTold = true;
    return new Set(ended.map(({ requestId }) => requestId));
  }
}

interface Bound {
  readonly requestId: string;
  readonly overAtMs: number;
  isTold: boolean;
}
