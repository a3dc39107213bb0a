import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { UploadPace } from '../../src/api/booth/uploads/upload-pace.js';
import {
  UploadPlaces,
  type Holder,
  type PlacesLimits,
  type UploadPlace,
} from '../../src/api/booth/uploads/upload-places.js';
import { ProblemError } from '../../src/api/contract/problems.js';

const KIB = 1024;
const PACE = { bytesPerSecondMin: 16 * KIB, graceSeconds: 5, bodySecondsMax: 30 };

describe('the speed of an upload', () => {
  /** @returns the second in which it is ended and why, or null */
  function judged(bytesIn: (second: number) => number): [number, string] | null {
    const pace = new UploadPace(PACE);
    for (let second = 1; second <= 60; second += 1) {
      pace.count(bytesIn(second));
      const fault = pace.tick();
      if (fault !== null) return [second, fault];
    }
    return null;
  }

  it.each([
    ['nothing comes', () => 0, [5, 'too_slow']],
    ['one byte every two seconds', (s: number) => s % 2, [5, 'too_slow']],
    ['one byte a second too few', () => 16 * KIB - 1, [5, 'too_slow']],
    ['just enough, for too long', () => 16 * KIB, [30, 'too_long']],
    ['fast for too long', () => 500 * KIB, [30, 'too_long']],
    ['all of five seconds at the end of them', (s: number) => (s % 5 === 0 ? 80 * KIB : 0), [30, 'too_long']],
    ['a fast beginning buys no long wait', (s: number) => (s <= 2 ? 1_000 * KIB : 0), [7, 'too_slow']],
    ['just enough in the grace', (s: number) => (s <= 5 ? 16 * KIB : 0), [6, 'too_slow']],
    ['a fast beginning at the end of the grace', (s: number) => (s === 5 ? 1_000 * KIB : 0), [10, 'too_slow']],
  ] as const)('%s', (_name, bytesIn, verdict) => {
    expect(judged(bytesIn)).toEqual(verdict);
  });
});

describe('what tells the slower upload', () => {
  it('is the mean since it began; in its first second that is what has come', () => {
    const pace = new UploadPace(PACE);
    pace.count(50);
    pace.count(50);
    expect([pace.seconds, pace.speed]).toEqual([0, 100]);
    pace.tick();
    expect([pace.seconds, pace.speed]).toEqual([1, 100]);
    pace.tick();
    expect([pace.seconds, pace.speed]).toEqual([2, 50]);
  });
});

describe('places for uploads', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  const LIMITS: PlacesLimits = {
    placesMax: 8,
    perHolderMax: 4,
    perChallengeMax: 2,
    bytesMax: 1_000 * KIB,
    bytesPerSecondMax: 1_000 * KIB,
    pace: PACE,
  };
  const at = (name: string, challenge: string | null = null): Holder => ({ name, challenge });
  const codeOf = (work: () => unknown): string => {
    try {
      work();
      return 'none';
    } catch (error) {
      if (error instanceof ProblemError && error.more.retryAfterSeconds === 2) return error.code;
      throw error;
    }
  };
  /** Why a place was lost; whoever lost it is asked to come back in two seconds. */
  const endOf = (place: UploadPlace): string | null => {
    if (!place.signal.aborted) return null;
    const { code, more } = place.signal.reason as ProblemError;
    return more.retryAfterSeconds === 2 ? code : `${code} without a time`;
  };
  const seconds = (count: number, bytes: ReadonlyMap<UploadPlace, number> = new Map()): void => {
    for (let i = 0; i < count; i += 1) {
      for (const [place, perSecond] of bytes) place.count(perSecond);
      jest.advanceTimersByTime(1_000);
    }
  };

  it('are four for one address, and free again when one is left', () => {
    const places = new UploadPlaces(LIMITS);
    const own = [1, 2, 3, 4].map(() => places.take(at('a')));
    expect(codeOf(() => places.take(at('a')))).toBe('uploads_under_way');
    expect(codeOf(() => places.take(at('b')))).toBe('none');
    own[0]?.release();
    own[0]?.release();
    expect(codeOf(() => places.take(at('a')))).toBe('none');
    expect(places.size).toBe(5);
  });

  it('are two for one challenge, from wherever it is shown', () => {
    const places = new UploadPlaces(LIMITS);
    places.take(at('a', 'n'));
    places.take(at('b', 'n'));
    expect(codeOf(() => places.take(at('c', 'n')))).toBe('uploads_under_way');
    expect(codeOf(() => places.take(at('c', 'm')))).toBe('none');
  });

  it('are given up by the slowest of those who hold most, once it has had two seconds', () => {
    const places = new UploadPlaces(LIMITS);
    const modest = places.take(at('modest'));
    const greedy = [1, 2, 3, 4].map(() => places.take(at('greedy')));
    [1, 2, 3].forEach(() => places.take(at('others')));
    seconds(1);
    expect(codeOf(() => places.take(at('new')))).toBe('too_many_uploads');
    seconds(1, new Map(greedy.map((place, i) => [place, (3 - i) * 10])));
    places.take(at('new'));
    expect(greedy.map(endOf)).toEqual([null, null, null, 'too_many_uploads']);
    expect(endOf(modest)).toBeNull();
    expect(places.size).toBe(8);
  });

  it('are given up within one address too, so that its slow uploads do not keep its booth out', () => {
    const places = new UploadPlaces(LIMITS);
    const slow = [1, 2, 3, 4].map(() => places.take(at('shared')));
    seconds(2, new Map([[slow[0] as UploadPlace, 100]]));
    places.take(at('shared'));
    expect(slow.filter((place) => endOf(place) !== null)).toHaveLength(1);
    expect(endOf(slow[0] as UploadPlace)).toBeNull();
  });

  it('are given up by the slowest that shows the same challenge', () => {
    const places = new UploadPlaces(LIMITS);
    const [slow, slower] = [places.take(at('a', 'n')), places.take(at('b', 'n'))];
    const other = places.take(at('c', 'm'));
    seconds(
      2,
      new Map([
        [slow, 10],
        [slower, 5],
      ]),
    );
    places.take(at('d', 'n'));
    expect([slow, slower, other].map(endOf)).toEqual([null, 'too_many_uploads', null]);
    expect(places.size).toBe(3);
  });

  it('are given up, of equally slow uploads, by the one that came first', () => {
    const places = new UploadPlaces(LIMITS);
    const equal = [1, 2, 3, 4].map(() => places.take(at('shared')));
    seconds(2);
    places.take(at('shared'));
    expect(equal.map(endOf)).toEqual(['too_many_uploads', null, null, null]);
  });

  it('are never given up by somebody with fewer uploads under way than the others', () => {
    const places = new UploadPlaces({ ...LIMITS, placesMax: 5 });
    const few = [1, 2].map(() => places.take(at('few')));
    const many = [1, 2, 3].map(() => places.take(at('many')));
    many[2]!.arrived();
    // Two and two are under way now: both hold most, and the slowest of all goes.
    seconds(2, new Map([...few.map((place): [UploadPlace, number] => [place, 10]), [many[0]!, 20], [many[1]!, 5]]));
    places.take(at('new'));
    expect([...few, ...many].map(endOf)).toEqual([null, null, null, 'too_many_uploads', null]);
  });

  it('are counted for the metric whenever one is taken or free again, once each', () => {
    const told: number[] = [];
    const places = new UploadPlaces(LIMITS, (count) => told.push(count));
    const [one, other] = [places.take(at('a')), places.take(at('b'))];
    one.release();
    one.release();
    other.end(new ProblemError('too_many_uploads'));
    expect(told).toEqual([1, 2, 1, 0]);
  });

  it('leave no clock behind', () => {
    const places = new UploadPlaces(LIMITS);
    const [arrived, released, ended] = [places.take(at('a')), places.take(at('b')), places.take(at('c'))];
    expect(jest.getTimerCount()).toBe(3);
    arrived.arrived();
    expect(jest.getTimerCount()).toBe(2);
    released.release();
    ended.end(new ProblemError('too_many_uploads'));
    expect(jest.getTimerCount()).toBe(0);
  });

  it('count no bytes of an upload that has arrived', () => {
    const places = new UploadPlaces(LIMITS);
    const place = places.take(at('a'));
    place.count(100);
    place.arrived();
    place.count(100);
    expect([place.bytes, places.bytes, place.isArriving]).toEqual([100, 100, false]);
    place.release();
    expect([place.bytes, places.bytes]).toEqual([0, 0]);
  });

  it('hold as many bytes as they may, and of equally large uploads the first one gives way to a byte more', () => {
    const places = new UploadPlaces(LIMITS);
    const equal = [1, 2].map(() => places.take(at('a')));
    for (const place of equal) place.count(LIMITS.bytesMax / 2);
    expect(equal.map(endOf)).toEqual([null, null]);
    places.take(at('b')).count(1);
    expect(equal.map(endOf)).toEqual(['too_many_uploads', null]);
  });

  it('let a quarter of a second come at once, and then as fast as all may send', async () => {
    const places = new UploadPlaces(LIMITS);
    const place = places.take(at('a'));
    const isThere = async (ms: number, turn: Promise<void>): Promise<boolean> => {
      let there = false;
      void turn.then(() => (there = true));
      await jest.advanceTimersByTimeAsync(ms);
      return there;
    };
    expect(await isThere(0, place.turn(250 * KIB))).toBe(true);
    const next = place.turn(100 * KIB);
    expect([await isThere(99, next), await isThere(1, next)]).toEqual([false, true]);
    // A silence of ten seconds saves up no more than that quarter.
    await jest.advanceTimersByTimeAsync(10_000);
    expect(await isThere(0, place.turn(250 * KIB))).toBe(true);
    const last = place.turn(50 * KIB);
    expect([await isThere(49, last), await isThere(1, last)]).toEqual([false, true]);
  });

  it('are kept by an upload that has arrived', () => {
    const places = new UploadPlaces({ ...LIMITS, placesMax: 1 });
    const arrived = places.take(at('a'));
    arrived.arrived();
    seconds(100);
    expect(codeOf(() => places.take(at('b')))).toBe('too_many_uploads');
    expect(endOf(arrived)).toBeNull();
  });

  it('are lost by an upload that is too slow, and by one that takes too long', () => {
    const places = new UploadPlaces(LIMITS);
    const slow = places.take(at('a'));
    const long = places.take(at('b'));
    seconds(
      30,
      new Map([
        [slow, 1],
        [long, 20 * KIB],
      ]),
    );
    expect([endOf(slow), endOf(long)]).toEqual(['upload_too_slow', 'request_timeout']);
    expect([places.size, places.bytes]).toEqual([0, 0]);
  });

  it('hold only so many bytes: the largest upload of the holder with most goes, and its bytes are given back', () => {
    const places = new UploadPlaces(LIMITS);
    const booth = places.take(at('booth'));
    booth.count(300 * KIB);
    const flood = [1, 2, 3].map(() => places.take(at('flood')));
    flood.forEach((place, i) => place.count((200 + i) * KIB));
    expect(places.bytes).toBeLessThanOrEqual(LIMITS.bytesMax);
    flood[0]?.count(200 * KIB);
    expect(flood.map(endOf)).toEqual(['too_many_uploads', null, null]);
    expect(endOf(booth)).toBeNull();
    expect(places.bytes).toBe((300 + 201 + 202) * KIB);
  });

  it('take only so many bytes a second, of all together, and make the others wait', async () => {
    const places = new UploadPlaces(LIMITS);
    const [one, other] = [places.take(at('a')), places.take(at('b'))];
    let passed = 0;
    const send = async (place: UploadPlace): Promise<void> => {
      for (;;) {
        await place.turn(50 * KIB);
        passed += 50 * KIB;
      }
    };
    void send(one);
    void send(other);
    await jest.advanceTimersByTimeAsync(10_000);
    expect(passed / KIB).toBeGreaterThan(9_900);
    expect(passed / KIB).toBeLessThan(10_400);
  });

  it('end an upload that alone is more than all may hold', () => {
    const places = new UploadPlaces(LIMITS);
    const huge = places.take(at('a'));
    huge.count(LIMITS.bytesMax + 1);
    expect(endOf(huge)).toBe('too_many_uploads');
    // What still comes in is thrown away, not held.
    huge.count(1_000);
    expect(places.bytes).toBe(0);
  });
});
