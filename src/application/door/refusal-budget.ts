import type { DoorRefusalCode } from '../../domain/refusal.js';

/** Whom a refusal is counted by; never stored. */
export interface RefusalSource {
  /** An address, or a booth. */
  readonly name: string;
  /** A booth that has proved itself: strangers must not use up what is kept of its refusals. */
  readonly isProved: boolean;
}

export interface RefusalLimits {
  /** Refusals of one source in a minute that get an event of their own. */
  readonly perSourcePerMinute: number;
  /** The same for all sources that prove nothing. */
  readonly perMinute: number;
}

/** Refusals of one minute that got no event of their own. */
export interface CountedRefusals {
  readonly sinceUtc: string;
  readonly untilUtc: string;
  readonly refusals: readonly { readonly code: DoorRefusalCode; readonly count: number }[];
}

const MINUTE_MS = 60_000;

/** Which refusals get an event of their own, and how many of the others there were, minute by minute. What it remembers
 * is bounded: a source is remembered only with an event of its own, and of these there are only so many. */
export class RefusalBudget {
  private minute = 0;
  private total = 0;
  private readonly bySource = new Map<string, number>();
  private readonly counts = new Map<DoorRefusalCode, number>();
  private readonly over: CountedRefusals[] = [];

  constructor(private readonly limits: RefusalLimits) {}

  /** @returns true when this refusal gets an event of its own; else it is counted. */
  take(code: DoorRefusalCode, { name, isProved }: RefusalSource, nowUtc: string): boolean {
    this.turn(nowUtc);
    const own = this.bySource.get(name) ?? 0;
    const isRecorded = own < this.limits.perSourcePerMinute && (isProved || this.total < this.limits.perMinute);
    if (!isRecorded) {
      this.counts.set(code, (this.counts.get(code) ?? 0) + 1);
      return false;
    }
    this.bySource.set(name, own + 1);
    if (!isProved) this.total += 1;
    return true;
  }

  /** Takes out the minutes that are over and had counted refusals; with `all` also the present one. */
  counted(nowUtc: string, { all }: { readonly all: boolean }): readonly CountedRefusals[] {
    this.turn(nowUtc);
    if (all) this.close();
    return this.over.splice(0);
  }

  /** A clock that goes back does not open an earlier minute again. */
  private turn(nowUtc: string): void {
    const minute = Math.floor(Date.parse(nowUtc) / MINUTE_MS);
    if (minute <= this.minute) return;
    this.close();
    this.minute = minute;
    this.total = 0;
    this.bySource.clear();
  }

  private close(): void {
    if (this.counts.size === 0) return;
    const refusals = [...this.counts]
      .map(([code, count]) => ({ code, count }))
      .sort((a, b) => (a.code < b.code ? -1 : 1));
    const at = (minute: number): string => new Date(minute * MINUTE_MS).toISOString();
    this.over.push({ sinceUtc: at(this.minute), untilUtc: at(this.minute + 1), refusals });
    this.counts.clear();
  }
}
