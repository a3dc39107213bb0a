import { syncBuiltinESMExports } from 'node:module';
import timers from 'node:timers';
import promises from 'node:timers/promises';

interface Alarm {
  readonly at: number;
  readonly order: number;
  readonly outside: boolean;
  readonly everyMs: number | null;
  readonly ring: () => void;
}

/** Replaces all timers of the process: nothing waits in real time, and the same story always happens in the same
 * order. */
export class VirtualTime {
  nowMs: number;
  /** Intervals come no more often than this: days of waiting for a due date are otherwise millions of looks at the
   * clock. */
  coarseMs = 1_000;
  private alarms: Alarm[] = [];
  private order = 0;
  private readonly realImmediate = timers.setImmediate;

  constructor(startMs: number) {
    this.nowMs = startMs;
  }

  /** From here on `setTimeout`, `setInterval`, `setImmediate`, their promises and `Date.now` mean this time. */
  install(): void {
    const after = (ms: number | undefined, ring: () => void, everyMs: number | null = null): Alarm =>
      this.set(ms ?? 0, ring, { outside: false, everyMs });
    const cancel = (alarm: Alarm | undefined): void => {
      this.alarms = this.alarms.filter((other) => other !== alarm);
    };
    const callbacks = {
      setTimeout: (ring: (...args: unknown[]) => void, ms?: number, ...args: unknown[]) =>
        after(ms, () => ring(...args)),
      setInterval: (ring: (...args: unknown[]) => void, ms?: number, ...args: unknown[]) =>
        after(ms, () => ring(...args), ms ?? 1),
      setImmediate: (ring: (...args: unknown[]) => void, ...args: unknown[]) => after(0, () => ring(...args)),
      clearTimeout: cancel,
      clearInterval: cancel,
      clearImmediate: cancel,
    };
    Object.assign(globalThis, callbacks);
    Object.assign(timers, callbacks);
    Object.assign(promises, {
      setTimeout: (ms?: number, value?: unknown, options?: { signal?: AbortSignal }) =>
        this.sleep(ms ?? 0, value, options?.signal),
      setImmediate: (value?: unknown) => this.sleep(0, value),
    });
    syncBuiltinESMExports();
    Date.now = () => this.nowMs;
  }

  /** A moment of the world outside the simulated process; a crash does not take it away. */
  outside(ms: number, ring: () => void): void {
    this.set(ms, ring, { outside: true, everyMs: null });
  }

  outsideSleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.outside(ms, resolve));
  }

  /** What a crash does to the timers of the process. */
  dropInside(): void {
    this.alarms = this.alarms.filter((alarm) => alarm.outside);
  }

  /** Nothing of one story happens in the next. */
  clear(): void {
    this.alarms = [];
  }

  /** Lets time pass until the condition holds. @returns false when nothing is left to happen, or the limit of time is
   * reached. */
  async runUntil(done: () => boolean, limitMs: number): Promise<boolean> {
    const end = this.nowMs + limitMs;
    for (;;) {
      await new Promise<void>((resolve) => void this.realImmediate(resolve));
      if (done()) return true;
      const next = this.takeNext();
      if (!next || next.at > end) return false;
      this.nowMs = Math.max(this.nowMs, next.at);
      next.ring();
    }
  }

  private takeNext(): Pick<Alarm, 'at' | 'ring'> | undefined {
    let next: Alarm | undefined;
    for (const alarm of this.alarms)
      if (!next || alarm.at < next.at || (alarm.at === next.at && alarm.order < next.order)) next = alarm;
    if (!next) return undefined;
    this.alarms.splice(this.alarms.indexOf(next), 1);
    // The same object stays the handle of an interval, so that it can be cancelled.
    const { at, ring } = next;
    // After a long sleep it rings once, not once for every interval that was slept through.
    if (next.everyMs !== null)
      this.alarms.push(
        Object.assign(next, {
          at: Math.max(at, this.nowMs) + Math.max(this.coarseMs, next.everyMs),
          order: (this.order += 1),
        }),
      );
    return { at, ring };
  }

  private set(ms: number, ring: () => void, { outside, everyMs }: { outside: boolean; everyMs: number | null }): Alarm {
    const alarm = {
      at: this.nowMs + Math.max(0, ms),
      order: (this.order += 1),
      outside,
      everyMs,
      ring,
      ref: () => alarm,
      unref: () => alarm,
    };
    this.alarms.push(alarm);
    return alarm;
  }

  private sleep<Value>(ms: number, value: Value, signal?: AbortSignal): Promise<Value> {
    return new Promise((resolve, reject) => {
      const aborted = (): void => reject(new DOMException('aborted', 'AbortError'));
      if (signal?.aborted) return aborted();
      this.set(ms, () => (signal?.removeEventListener('abort', aborted), resolve(value)), {
        outside: false,
        everyMs: null,
      });
      signal?.addEventListener('abort', aborted, { once: true });
    });
  }
}
