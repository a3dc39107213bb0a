/** How fast and how long an upload may come in. */
export interface PaceLimits {
  /** Bytes a second, over the last seconds of the grace. */
  readonly bytesPerSecondMin: number;
  /** So long no speed is asked for; afterwards it is that of the last so many seconds, so that a fast beginning buys no
   * long wait. */
  readonly graceSeconds: number;
  readonly bodySecondsMax: number;
}

/** Judges the speed of one upload, second by second. It counts the seconds that it is told, not a clock: a server that
 * stood still for a while did not look at the line either and must not blame the client. */
export class UploadPace {
  private readonly window: number[] = [];
  private second = 0;
  private bytes = 0;
  private total = 0;

  constructor(private readonly limits: PaceLimits) {}

  /** Bytes that came in. */
  count(bytes: number): void {
    this.bytes += bytes;
    this.total += bytes;
  }

  /** A second is over. @returns what is wrong now, or null */
  tick(): 'too_slow' | 'too_long' | null {
    const { bytesPerSecondMin, graceSeconds, bodySecondsMax } = this.limits;
    this.second += 1;
    this.window.push(this.bytes);
    this.bytes = 0;
    if (this.window.length > graceSeconds) this.window.shift();
    if (this.second >= bodySecondsMax) return 'too_long';
    if (this.second < graceSeconds) return null;
    const lately = this.window.reduce((sum, each) => sum + each, 0);
    return lately < bytesPerSecondMin * graceSeconds ? 'too_slow' : null;
  }

  /** Whole seconds so far. */
  get seconds(): number {
    return this.second;
  }

  /** Bytes a second since the beginning; of uploads that must give way the slowest goes first. */
  get speed(): number {
    return this.total / Math.max(1, this.second);
  }
}
