import { describe, expect, it } from '@jest/globals';
import { ClockWatch } from '../../src/application/installation/clock-watch.js';
import type { OutsideClocks } from '../../src/application/ports/outside/outside-clocks.js';
import { newEvent } from '../contract/event-store.contract.js';
import { application } from './fixture.js';

const DAY_MS = 24 * 3_600_000;

// @fault O19
describe('the watch over the clock', () => {
  async function world() {
    const { store, clock } = await application();
    const event = newEvent();
    const metadata = { ...event.metadata, recordedAtUtc: clock.nowUtc() };
    await store.append('door-1', [{ ...event, metadata }], 'no_stream');
    const watch = async (acceptedEventId: string | null = null): Promise<ClockWatch> => {
      const started = new ClockWatch(store, clock, acceptedEventId);
      await started.start();
      started.stop();
      return started;
    };
    return { clock, watch, newest: event.id };
  }

  it.each([
    [0, false],
    [-4_999, false],
    [-5_000, true],
    [-2 * DAY_MS, true],
    [30 * DAY_MS, false],
  ])('against an event of the last life, %i ms after it: goes back is %s', async (ms, goesBack) => {
    const { clock, watch } = await world();
    clock.advance(ms);
    expect((await watch()).trouble() !== null).toBe(goesBack);
  });

  it('names the event, both times, and the setting for a clock that was ahead then and is right now', async () => {
    const { clock, watch, newest } = await world();
    clock.advance(-30 * DAY_MS);
    const words = `the clock says 2026-10-24T09:00:00.000Z and event ${newest} was recorded at 2026-11-23T09:00:00.000Z`;
    expect((await watch()).trouble()).toContain(words);
    expect((await watch()).trouble()).toContain(`HONNIN_CLOCK_WAS_AHEAD=${newest}`);
    expect((await watch(newest)).trouble()).toBeNull();
    expect((await watch('another event')).trouble()).not.toBeNull();
  });

  it('notices it while it runs, and that it is over', async () => {
    const { clock, watch } = await world();
    clock.advance(60_000);
    const running = await watch();
    expect(running.trouble()).toBeNull();
    clock.advance(-2 * 3_600_000);
    expect(running.trouble()).toMatch(/and said 2026-11-23T09:01:00.000Z before: it went back; put it right/);
    clock.advance(2 * 3_600_000);
    expect(running.trouble()).toBeNull();
  });

  it('believes other machines of a clock that is ahead, and has them asked when it jumps', async () => {
    const { store, clock } = await application();
    let [difference, asked] = [null as string | null, 0];
    const outside: OutsideClocks = { difference: () => difference, askNow: () => void (asked += 1) };
    const watch = new ClockWatch(store, clock, null, outside);
    await watch.start();
    watch.stop();
    clock.advance(4_000);
    expect([watch.trouble(), asked]).toEqual([null, 0]);
    clock.advance(3_600_000);
    expect([watch.trouble(), asked]).toEqual([null, 1]);
    difference = 'the clock is 3600 s ahead of 2 of 2 services';
    expect([watch.trouble(), asked]).toEqual([difference, 1]);
    // What our own events prove is said first.
    clock.advance(-3_600_000);
    expect(watch.trouble()).toMatch(/it went back/);
  });

  it('has nothing to say of an empty log', async () => {
    const { clock } = await application();
    const { InMemoryEventStore } = await import('../../src/infrastructure/event-store/in-memory-event-store.js');
    const watch = new ClockWatch(new InMemoryEventStore(), clock);
    await watch.start();
    watch.stop();
    expect(watch.trouble()).toBeNull();
  });
});
