import { Logger } from '@nestjs/common';
import { Clock } from '../ports/store/clock.js';
import { EventStore } from '../ports/store/event-store.js';
import type { OutsideClocks } from '../ports/outside/outside-clocks.js';

/** Clocks are set by small steps; what is less says nothing. */
const TOLERANCE_MS = 5_000;
const LOOK_EVERY_MS = 10_000;

/** Whether time goes forward. The newest event says what time it was when it was recorded; a clock that says less went
 *  back, or was ahead then. Nobody can tell which, so nothing is decided: the server is not ready and says why. */
export class ClockWatch {
  private readonly log = new Logger('ClockWatch');
  private newest: { readonly id: string | null; readonly atMs: number } | null = null;
  private timer: NodeJS.Timeout | null = null;
  private wentBack: string | null = null;
  private lookedAtMonotonicMs = performance.now();

  /** @param acceptedEventId an event that somebody knows to be recorded by a clock that was ahead
   *  @param outside what other machines say: of a clock that is ahead our own events say nothing */
  constructor(
    private readonly store: EventStore,
    private readonly clock: Clock,
    private readonly acceptedEventId: string | null = null,
    private readonly outside: OutsideClocks | null = null,
  ) {}

  /** Reads the time of the newest event, and looks at the clock again and again from then on. */
  async start(): Promise<void> {
    const head = await this.store.head();
    const newest = head === null ? null : await this.store.anchorAt(head);
    if (newest && newest.id !== this.acceptedEventId) {
      this.newest = { id: newest.id, atMs: Date.parse(newest.recordedAtUtc) };
    }
    this.look();
    this.timer = setInterval(() => this.look(), LOOK_EVERY_MS);
    this.timer.unref();
  }

  stop(): void {
    if (this.timer) clearInterval(this.timer);
  }

  /** When the newest event was recorded, as of the start; null in an empty log. Milliseconds since 1970. */
  newestAtMs(): number | null {
    return this.newest?.atMs ?? null;
  }

  /** Why the clock is not to be believed, or null. */
  trouble(): string | null {
    this.look();
    return this.wentBack ?? this.outside?.difference() ?? null;
  }

  private look(): void {
    const nowMs = Date.parse(this.clock.nowUtc());
    const before = this.newest;
    this.tellOfJump(nowMs, before);
    if (before === null || nowMs >= before.atMs) {
      // From here on it is this clock itself that is compared.
      this.newest = { id: null, atMs: nowMs };
      this.wentBack = null;
      return;
    }
    if (before.atMs - nowMs < TOLERANCE_MS) return;
    const told = this.wentBack !== null;
    this.wentBack = inWords(nowMs, before);
    if (!told) this.log.error(this.wentBack);
  }

  /** More time has passed by the clock than by the count of seconds: it was set, or the machine slept. */
  private tellOfJump(nowMs: number, before: { readonly id: string | null; readonly atMs: number } | null): void {
    const monotonicMs = performance.now();
    const passedMs = monotonicMs - this.lookedAtMonotonicMs;
    this.lookedAtMonotonicMs = monotonicMs;
    if (before !== null && before.id === null && nowMs - before.atMs > passedMs + TOLERANCE_MS) this.outside?.askNow();
  }
}

function inWords(nowMs: number, { id, atMs }: { readonly id: string | null; readonly atMs: number }): string {
  const [now, then] = [new Date(nowMs).toISOString(), new Date(atMs).toISOString()];
  if (id === null) return `the clock says ${now} and said ${then} before: it went back; put it right`;
  return (
    `the clock says ${now} and event ${id} was recorded at ${then}: it went back, or was ahead then; put it right, or ` +
    `where it is right now, set HONNIN_CLOCK_WAS_AHEAD=${id}`
  );
}
