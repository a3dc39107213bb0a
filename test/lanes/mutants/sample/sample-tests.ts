import { beforeAll, describe, expect, it } from '@jest/globals';
import { doubled, isGrown, sumTo } from './sample.js';

describe('a sample', () => {
  let bound = 0;
  beforeAll(() => {
    bound = 18;
  });

  it.each([
    [17, false],
    [18, true],
  ])('is asked of %d', (age, expected) => {
    expect(isGrown(age)).toBe(expected);
    expect(bound).toBe(18);
  });

  it('is asked in its own time', async () => {
    await expect(Promise.resolve(sumTo(4))).resolves.toBe(10);
  });

  it('is reckoned while it is loaded', () => expect([doubled(0), doubled(1)]).toEqual([2, 4]));

  let runs = 0;
  it('is left out where it passes only once', () => expect((runs += 1)).toBe(1));
});
