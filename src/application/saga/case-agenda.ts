/** Which cases are worth looking at: those that something happened to since the last look, and those whose waiting time
 * has ended. A case that waits for an operator or for its time costs no look at all, however many there are. */
export class CaseAgenda {
  private readonly changed = new Set<string>();
  /** In milliseconds since 1970, by case. */
  private readonly waiting = new Map<string, number>();

  /** Something happened to the case: what was said about its waiting no longer counts. */
  change(requestId: string): void {
    this.waiting.delete(requestId);
    this.changed.add(requestId);
  }

  /** Nothing to do for the case before one of these instants. */
  wait(requestId: string, dueAtUtc: readonly (string | null)[]): void {
    const instants = dueAtUtc.flatMap((instant) => (instant === null ? [] : [Date.parse(instant)]));
    if (instants.length > 0) this.waiting.set(requestId, Math.min(...instants));
  }

  /** Takes the next case to look at, the longest waiting one first; undefined when there is none. */
  take(): string | undefined {
    const [requestId] = this.changed;
    if (requestId !== undefined) this.changed.delete(requestId);
    return requestId;
  }

  /** Wakes every case whose time has come. One number is compared for each waiting case. */
  wake(nowUtc: string): void {
    const now = Date.parse(nowUtc);
    for (const [requestId, dueAt] of this.waiting) if (dueAt <= now) this.change(requestId);
  }
}
