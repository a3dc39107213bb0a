import { afterEach, describe, expect, it, jest } from '@jest/globals';
import type { Readiness } from '../../src/api/health-checks.js';
import { RecentHealth } from '../../src/recent-health.js';
import type { ServerHealth } from '../../src/server-health.js';

describe('readiness of a moment ago', () => {
  let looks = 0;
  const health = new RecentHealth({
    ready: (): Promise<Readiness> => Promise.resolve({ ok: (looks += 1) === 1, parts: {} }),
    isAccepting: () => false,
  } as unknown as ServerHealth);
  afterEach(() => {
    jest.useRealTimers();
  });

  it('costs one look however many ask, and is looked at anew a quarter of a second later', async () => {
    jest.useFakeTimers();
    const asked = await Promise.all(Array.from({ length: 50 }, () => health.ready()));
    expect([looks, new Set(asked.map(({ ok }) => ok))]).toEqual([1, new Set([true])]);
    jest.advanceTimersByTime(249);
    expect((await health.ready()).ok).toBe(true);
    jest.advanceTimersByTime(1);
    expect([(await health.ready()).ok, looks]).toEqual([false, 2]);
    expect(health.isAccepting()).toBe(false);
  });
});
