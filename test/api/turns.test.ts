import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Turns, type TurnLimits } from '../../src/api/edge/turns.js';

const LIMITS: TurnLimits = { perSecondBeside: 50, waitingMax: 100, waitingPerAddressMax: 60, waitMsMax: 5_000 };

describe('turns of requests that prove nothing', () => {
  let isBeside: boolean;
  let begun: string[];
  let away: string[];
  beforeEach(() => {
    jest.useFakeTimers();
    isBeside = false;
    begun = [];
    away = [];
  });
  afterEach(() => void jest.useRealTimers());

  const turnsWith = (limits: Partial<TurnLimits> = {}): Turns => new Turns({ ...LIMITS, ...limits }, () => isBeside);
  const come = (turns: Turns, address: string, count: number): (() => void)[] =>
    Array.from({ length: count }, (_, i) =>
      turns.take(address, (isTurn) => void (isTurn ? begun : away).push(`${address}${i}`)),
    );

  it('begin two in one turn of the loop, and all of them in the order in which they came', () => {
    const turns = turnsWith();
    come(turns, 'a', 7);
    expect(begun).toEqual(['a0', 'a1']);
    jest.advanceTimersByTime(10);
    expect(begun).toEqual(['a0', 'a1', 'a2', 'a3', 'a4', 'a5', 'a6']);
    expect(turns.length).toBe(0);
  });

  it('are fifty a second beside booths, after a few at once, and as fast as before when the booths are done', () => {
    isBeside = true;
    const turns = turnsWith();
    jest.advanceTimersByTime(1_000);
    come(turns, 'a', 60);
    expect(begun).toHaveLength(5);
    jest.advanceTimersByTime(500);
    expect(begun.length).toBeGreaterThanOrEqual(28);
    expect(begun.length).toBeLessThanOrEqual(31);
    isBeside = false;
    jest.advanceTimersByTime(100);
    expect(begun).toHaveLength(60);
  });

  it('go round by address, so one of an address that asks once is not behind fifty of another', () => {
    isBeside = true;
    const turns = turnsWith();
    come(turns, 'a', 50);
    come(turns, 'b', 2);
    jest.advanceTimersByTime(200);
    expect(begun.slice(0, 5)).toEqual(['a0', 'b0', 'a1', 'b1', 'a2']);
  });

  it('are refused to one more than may wait of an address, and to nobody else', () => {
    isBeside = true;
    const turns = turnsWith({ waitingPerAddressMax: 3 });
    come(turns, 'a', 6);
    come(turns, 'b', 1);
    expect([begun, away]).toEqual([[], ['a3', 'a4', 'a5']]);
    expect(turns.length).toBe(4);
  });

  it('are taken from the last of the address with most where too many wait, and refused to who has as many', () => {
    isBeside = true;
    const turns = turnsWith({ waitingMax: 4 });
    come(turns, 'a', 4);
    come(turns, 'b', 2);
    expect(away).toEqual(['a3', 'a2']);
    come(turns, 'b', 1);
    expect(away).toEqual(['a3', 'a2', 'b0']);
  });

  it('are not waited for longer than the limit, nor by a client that has gone', () => {
    isBeside = true;
    const turns = turnsWith({ perSecondBeside: 1, waitMsMax: 2_000 });
    const [, second] = come(turns, 'a', 5);
    second?.();
    second?.();
    expect(turns.length).toBe(4);
    jest.advanceTimersByTime(3_000);
    expect(begun).toEqual(['a0', 'a2']);
    expect(away).toEqual(['a3', 'a4']);
    expect(jest.getTimerCount()).toBeLessThanOrEqual(1);
    jest.advanceTimersByTime(3_000);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('are for everybody when the server closes: it says so itself', () => {
    isBeside = true;
    const turns = turnsWith();
    come(turns, 'a', 3);
    turns.end();
    come(turns, 'b', 1);
    expect(begun).toEqual(['a0', 'a1', 'a2', 'b0']);
  });
});
