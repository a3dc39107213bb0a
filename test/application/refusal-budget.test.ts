import { describe, expect, it } from '@jest/globals';
import { RefusalBudget } from '../../src/application/door/refusal-budget.js';

const AT = '2026-11-23T08:05:10.000Z';
const LATER = '2026-11-23T08:06:00.000Z';
const stranger = (name: string) => ({ name, isProved: false });
const booth = (name: string) => ({ name, isProved: true });

describe('the budget of refusals', () => {
  const recorded = (budget: RefusalBudget, count: number, source: ReturnType<typeof stranger>, at = AT): number =>
    Array.from({ length: count }, () => budget.take('malformed_request', source, at)).filter(Boolean).length;

  it.each([
    [0, 0],
    [59, 59],
    [60, 60],
    [61, 60],
    [9_000, 60],
  ])('records, of %i refusals of one source in a minute, %i', (count, expected) => {
    const budget = new RefusalBudget({ perSourcePerMinute: 60, perMinute: 600 });
    expect(recorded(budget, count, stranger('a'))).toBe(expected);
    const over = budget.counted(LATER, { all: false });
    expect(over.flatMap(({ refusals }) => refusals.map((r) => r.count))).toEqual(
      count > expected ? [count - expected] : [],
    );
  });

  it('is bounded for all strangers together, and not used up by them for a booth', () => {
    const budget = new RefusalBudget({ perSourcePerMinute: 60, perMinute: 100 });
    const all = Array.from({ length: 10_000 }, (_, i) => recorded(budget, 1, stranger(`a${i}`))).reduce(
      (a, b) => a + b,
      0,
    );
    expect(all).toBe(100);
    expect(recorded(budget, 100, booth('b'))).toBe(60);
    expect(recorded(budget, 1, stranger('new'))).toBe(0);
  });

  it('is not used up for strangers by booths that prove themselves', () => {
    const budget = new RefusalBudget({ perSourcePerMinute: 60, perMinute: 1 });
    expect([recorded(budget, 2, booth('b')), recorded(budget, 2, stranger('a'))]).toEqual([2, 1]);
  });

  it('begins anew with the minute, and not when the clock goes back', () => {
    const budget = new RefusalBudget({ perSourcePerMinute: 1, perMinute: 10 });
    expect([
      recorded(budget, 2, stranger('a')),
      recorded(budget, 2, stranger('a'), LATER),
      recorded(budget, 2, stranger('a'), AT),
    ]).toEqual([1, 1, 0]);
  });

  it('tells the counts by code, minute by minute, each once', () => {
    const budget = new RefusalBudget({ perSourcePerMinute: 0, perMinute: 0 });
    for (const code of ['malformed_request', 'nonce_unknown', 'booth_not_enrolled', 'nonce_unknown'] as const)
      budget.take(code, stranger('a'), AT);
    expect(budget.counted(AT, { all: false })).toEqual([]);
    budget.take('photo_too_large', stranger('a'), LATER);
    const first = {
      sinceUtc: '2026-11-23T08:05:00.000Z',
      untilUtc: LATER,
      refusals: [
        { code: 'booth_not_enrolled', count: 1 },
        { code: 'malformed_request', count: 1 },
        { code: 'nonce_unknown', count: 2 },
      ],
    };
    expect(budget.counted(LATER, { all: false })).toEqual([first]);
    expect(budget.counted(LATER, { all: true })).toEqual([
      { sinceUtc: LATER, untilUtc: '2026-11-23T08:07:00.000Z', refusals: [{ code: 'photo_too_large', count: 1 }] },
    ]);
    expect(budget.counted('2026-11-24T08:06:00.000Z', { all: true })).toEqual([]);
  });
});
