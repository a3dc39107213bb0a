import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';

const KEYS_MAX = 10_000;
const MINUTE_SECONDS = 60;

/** So many in a minute for each key, counted by `rate-limiter-flexible` in this process. */
export class RateLimiter {
  private readonly counted: RateLimiterMemory | null;
  /** Keys in order of use: the library forgets a key after its minute, and too many keys in one minute are forgotten
   * earlier. */
  private readonly keys = new Set<string>();

  /** @param perMinute 0 allows everything */
  constructor(perMinute: number) {
    this.counted = perMinute === 0 ? null : new RateLimiterMemory({ points: perMinute, duration: MINUTE_SECONDS });
  }

  /** Takes one. @returns 0 when allowed, else the whole seconds until the next minute of this key. */
  async take(key: string): Promise<number> {
    if (!this.counted) return 0;
    this.keys.delete(key);
    this.keys.add(key);
    await this.forgetOldest(this.counted);
    try {
      await this.counted.consume(key);
      return 0;
    } catch (refused) {
      if (!(refused instanceof RateLimiterRes)) throw refused;
      return Math.max(1, Math.ceil(refused.msBeforeNext / 1000));
    }
  }

  private async forgetOldest(counted: RateLimiterMemory): Promise<void> {
    if (this.keys.size <= KEYS_MAX) return;
    const [oldest] = this.keys;
    if (oldest === undefined) return;
    this.keys.delete(oldest);
    await counted.delete(oldest);
  }
}
