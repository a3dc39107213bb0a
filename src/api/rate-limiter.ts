const KEYS_MAX = 10_000;
const MINUTE_MS = 60_000;

/** A token bucket per key: a full minute's worth may come at once, then as many per minute as allowed. */
export class RateLimiter {
  private readonly buckets = new Map<string, { tokens: number; atMs: number }>();

  /** @param perMinute 0 allows everything @param nowMs a clock that never goes back */
  constructor(
    private readonly perMinute: number,
    private readonly nowMs: () => number = () => performance.now(),
  ) {}

  /** Takes one token. @returns 0 when allowed, else the whole seconds until the next one. */
  take(key: string): number {
    if (this.perMinute === 0) return 0;
    const now = this.nowMs();
    const before = this.buckets.get(key) ?? { tokens: this.perMinute, atMs: now };
    const tokens = Math.min(this.perMinute, before.tokens + ((now - before.atMs) / MINUTE_MS) * this.perMinute);
    const allowed = tokens >= 1;
    // Re-inserting keeps the map in order of use, so that the oldest key goes first when there are too many.
    this.buckets.delete(key);
    this.buckets.set(key, { tokens: allowed ? tokens - 1 : tokens, atMs: now });
    this.forgetOldest();
    return allowed ? 0 : Math.ceil((((1 - tokens) / this.perMinute) * MINUTE_MS) / 1000);
  }

  private forgetOldest(): void {
    if (this.buckets.size <= KEYS_MAX) return;
    const oldest = this.buckets.keys().next();
    if (!oldest.done) this.buckets.delete(oldest.value);
  }
}
