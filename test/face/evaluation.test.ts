import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { pointsOf } from '../../src/infrastructure/face/engine/calibration.js';
import { rateRanges, seeded, subjectsOf } from '../../src/infrastructure/face/evaluation/statistics/bootstrap.js';
import { proposeCalibration } from '../../src/infrastructure/face/evaluation/calibrate.js';
import {
  errorCurve,
  errorRates,
  ratesAt,
  type ScoredPair,
} from '../../src/infrastructure/face/evaluation/statistics/error-rates.js';
import { fitLogistic } from '../../src/infrastructure/face/evaluation/statistics/logistic-fit.js';
import { PairListError, parsePairList } from '../../src/infrastructure/face/evaluation/pair-list.js';
import { detPlot, deviate, histogramPlot } from '../../src/infrastructure/face/evaluation/plots.js';
import { DEFAULT_MODEL_SET } from '../../src/infrastructure/face/model-set/model-set.js';
import { parseModelSet } from '../../src/infrastructure/face/model-set/model-set-file.js';

const genuine = (...distances: number[]): ScoredPair[] => distances.map((distance) => ({ distance, same: true }));
const impostor = (...distances: number[]): ScoredPair[] => distances.map((distance) => ({ distance, same: false }));

describe('a list of labelled pairs', () => {
  it('finds its columns in any order, with CR, byte order mark, quotes, empty lines and columns it does not know', () => {
    const text =
      '\uFEFFpair,condition,same,b,a\r\n0,dim light,1,"x,1.jpg",y.jpg\r\n\r\n1,,no,"say ""hi"".png",z.jpg\r\n';
    expect(parsePairList(text)).toEqual([
      { a: 'y.jpg', b: 'x,1.jpg', same: true, condition: 'dim light' },
      { a: 'z.jpg', b: 'say "hi".png', same: false, condition: 'all' },
    ]);
  });

  it('does without the condition', () => {
    expect(parsePairList('a,b,same\np,q,0')).toEqual([{ a: 'p', b: 'q', same: false, condition: 'all' }]);
  });

  it.each([
    ['', 'empty'],
    ['a,b\n1,2', "no column 'same'"],
    ['a,b,same\nx,y,maybe', "line 2: 'same' is 'maybe'"],
    ['a,b,same\nx,,1', "line 2: no value for 'b'"],
    ['a,b,same\n"x,y,1', 'does not end'],
  ])('refuses %j', (text, message) => {
    expect(() => parsePairList(text)).toThrow(PairListError);
    expect(() => parsePairList(text)).toThrow(message);
  });
});

describe('error rates', () => {
  it('are those of a worked example', () => {
    // 4 genuine, 100 impostors of which one at 0.5.
    const pairs = [
      ...genuine(0.2, 0.4, 0.55, 0.7),
      ...impostor(0.5, ...Array.from({ length: 99 }, (_, i) => 0.8 + i / 1000)),
    ];
    const rates = errorRates(pairs);
    // At FMR 1 %: 0.5 may match, so 0.55 and 0.7 match as well.
    expect(rates.at[0]).toEqual({ fmrMax: 1e-2, fnmr: 0, fmr: 0.01, distanceMax: 0.7, resolved: true });
    // At FMR 0.1 %: nothing from 0.5 on may match.
    expect(rates.at[1]).toEqual({ fmrMax: 1e-3, fnmr: 0.5, fmr: 0, distanceMax: 0.4, resolved: false });
    expect(rates.eer).toBeCloseTo(0.005);
    expect(ratesAt(pairs, 0.55)).toEqual({ fmr: 0.01, fnmr: 0.25 });
  });

  it('count a picture that was not enrolled as a non-match, of either kind', () => {
    const rates = errorRates([...genuine(0.1, Infinity), ...impostor(0.9, Infinity, Infinity, Infinity)]);
    expect(rates.at.map((point) => point.fnmr)).toEqual([0.5, 0.5, 0.5]);
    expect(ratesAt([...genuine(0.1, Infinity), ...impostor(0.9, Infinity)], 99)).toEqual({ fmr: 0.5, fnmr: 0.5 });
  });

  it('refuse a list without one of the kinds', () => {
    expect(() => errorRates(genuine(0.1))).toThrow(RangeError);
    expect(() => errorRates(impostor(0.1))).toThrow(RangeError);
  });

  it('equal the plain counts at every distance, and only fall or rise', () => {
    const distance = fc.oneof(
      fc.integer({ min: 0, max: 20 }).map((i) => i / 10),
      fc.constant(Infinity),
    );
    const kinds = fc.tuple(
      fc.array(distance, { minLength: 1, maxLength: 30 }),
      fc.array(distance, { minLength: 1, maxLength: 30 }),
    );
    fc.assert(
      fc.property(kinds, ([g, i]) => {
        const pairs = [...genuine(...g), ...impostor(...i)];
        const curve = errorCurve(pairs);
        for (const [at, point] of curve.entries()) {
          const counted = ratesAt(pairs, point.distance);
          expect(point.fmr).toBeCloseTo(counted.fmr, 12);
          expect(point.fnmr).toBeCloseTo(counted.fnmr, 12);
          if (at > 0) expect(point.fmr >= curve[at - 1]!.fmr && point.fnmr <= curve[at - 1]!.fnmr).toBe(true);
        }
        for (const { fmr, fmrMax, distanceMax, fnmr } of errorRates(pairs).at) {
          expect(fmr).toBeLessThanOrEqual(fmrMax);
          // No threshold that keeps to the rate does better.
          for (const other of curve) if (other.fmr <= fmrMax) expect(other.fnmr).toBeGreaterThanOrEqual(fnmr);
          expect(distanceMax === null ? 1 : ratesAt(pairs, distanceMax).fnmr).toBeCloseTo(fnmr, 12);
        }
      }),
      { seed: 4, numRuns: 200 },
    );
  });
});

/** People with pictures; distances of one person lie around 0.4, of two around 0.7. */
function crowd(
  people: number,
  pictures: number,
): { a: string; b: string; same: boolean; distance: number; condition: string }[] {
  const random = seeded(7);
  const normal = (mean: number): number =>
    mean + 0.06 * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const names = Array.from({ length: people * pictures }, (_, i) => ({
    person: Math.floor(i / pictures),
    name: `${i}.jpg`,
  }));
  return names.flatMap((a, i) =>
    names
      .slice(i + 1)
      .map((b) => ({
        a: a.name,
        b: b.name,
        same: a.person === b.person,
        distance: normal(a.person === b.person ? 0.4 : 0.7),
        condition: 'all',
      })),
  );
}

describe('ranges', () => {
  it('know people by their same-person pairs, and refuse to guess where the list contradicts itself', () => {
    const subjects = subjectsOf([
      { a: '1', b: '2', same: true },
      { a: '2', b: '3', same: true },
      { a: '4', b: '1', same: false },
    ])!;
    expect(subjects.get('1')).toBe(subjects.get('3'));
    expect(subjects.get('4')).not.toBe(subjects.get('1'));
    expect(
      subjectsOf([
        { a: '1', b: '2', same: true },
        { a: '2', b: '3', same: true },
        { a: '1', b: '3', same: false },
      ]),
    ).toBeNull();
  });

  it('are drawn over people, hold the measured rate, and are the same every time', () => {
    const pairs = crowd(12, 5);
    const ranges = rateRanges(pairs, subjectsOf(pairs), 100);
    expect(ranges).toMatchObject({ over: 'subjects', units: 12, draws: 100 });
    const { eer, at } = errorRates(pairs);
    expect(ranges.eer.from <= eer && eer <= ranges.eer.to).toBe(true);
    expect(ranges.fnmrAt[0]!.from <= at[0]!.fnmr && at[0]!.fnmr <= ranges.fnmrAt[0]!.to).toBe(true);
    expect(rateRanges(pairs, subjectsOf(pairs), 100)).toEqual(ranges);
  });

  it('are drawn over pairs where people cannot be told apart', () => {
    expect(rateRanges(crowd(12, 5), null, 20)).toMatchObject({ over: 'pairs' });
  });
});

describe('calibration', () => {
  it('finds the curve that made the labels, whatever the share of each kind', () => {
    const random = seeded(11);
    const [slope, offset] = [42, 25];
    const pairs: ScoredPair[] = [];
    // Labels follow the curve at equal priors; nine of ten different-person pairs are then dropped.
    for (let i = 0; i < 60_000; i += 1) {
      const distance = 0.3 + 0.6 * random();
      const same = random() < 1 / (1 + Math.exp(slope * distance - offset));
      if (same || random() < 0.1) pairs.push({ distance, same });
    }
    const fit = fitLogistic(pairs);
    expect(Math.abs(fit.slope - slope)).toBeLessThan(2.5);
    // Dropping some of a kind does not move the middle, because both kinds weigh the same; 0.595 has half and half.
    expect(fit.offset / fit.slope).toBeCloseTo(offset / slope, 1);
  });

  it('refuses pairs that cannot carry a curve', () => {
    expect(() => fitLogistic(genuine(0.1, 0.2))).toThrow('both kinds');
    expect(() => fitLogistic([...genuine(0.1, 0.2), ...impostor(0.6, 0.7)])).toThrow('do not overlap');
  });

  it('proposes a valid model set whose marks keep to the wanted rate in every condition', () => {
    const pairs = [
      ...crowd(10, 6),
      ...crowd(10, 6).map((pair) => ({ ...pair, distance: pair.distance - 0.05, condition: 'harder' })),
    ];
    const { modelSet, marks, warnings } = proposeCalibration(pairs, {
      base: DEFAULT_MODEL_SET,
      id: 'ours',
      fmrMax: 0.01,
    });
    expect(parseModelSet(JSON.stringify(modelSet), 'test')).toEqual(modelSet);
    for (const name of ['all', 'harder']) {
      const those = pairs.filter((pair) => pair.condition === name);
      expect(ratesAt(those, modelSet.suggestedBands.matchDistanceMax).fmr).toBeLessThanOrEqual(0.01);
      expect(ratesAt(those, modelSet.suggestedBands.referDistanceMax).fmr).toBeLessThanOrEqual(0.1);
    }
    expect(marks.cardMatchPointsMin).toBe(pointsOf(modelSet.suggestedBands.matchDistanceMax, modelSet.calibration));
    expect(marks.referralPointsMin).toBeLessThan(marks.cardMatchPointsMin);
    expect(warnings.join('\n')).toMatch(/10 people/);
  });
});

describe('plots', () => {
  it('knows quantiles of the normal distribution', () => {
    for (const [p, z] of [
      [0.5, 0],
      [0.975, 1.959964],
      [0.001, -3.090232],
      [0.999, 3.090232],
      [0.0001, -3.719016],
    ] as const)
      expect(deviate(p)).toBeCloseTo(z, 5);
  });

  it('draws every condition, and escapes their names', () => {
    const conditions = [
      { name: 'a<b & "c"', pairs: [...crowd(5, 4), ...genuine(Infinity)] },
      { name: 'second', pairs: crowd(6, 3) },
    ];
    for (const svg of [
      detPlot(conditions, 'title'),
      histogramPlot(conditions, [{ distance: 0.545, label: 'match' }], 'title'),
    ]) {
      expect(svg).toContain('a&lt;b &amp; &quot;c&quot;');
      expect(svg).toContain('second');
      expect(svg).not.toMatch(/NaN|Infinity|undefined/);
    }
    expect(detPlot(conditions, 't').match(/<polyline/g)).toHaveLength(2);
    expect(histogramPlot(conditions, [], 't')).toContain('(1 pairs without a score)');
  });
});
