import { poornessOf, type QualityWeights } from '../../../../domain/registration/quality-weights.js';
import type { PictureMeasures } from '../../../../domain/values/face-comparison.js';
import type { MeasuredPair } from '../conditions.js';

/** The weights that are fitted. */
const FITTED = [
  'soft',
  'softer',
  'small',
  'grey',
  'noise',
  'blocks',
  'flat',
  'dark',
] as const satisfies readonly (keyof QualityWeights)[];
const OF_DETAIL: readonly string[] = ['soft', 'softer', 'small'];

/** Strangers nearer to a picture than all but this share of them: marks lie in this tail. */
const TAIL = 0.05;
/** How many times what was fitted a weight counts: a fit hits the middle, and half of all others lie beyond it. Noise
 *  counts more: where it meets blur or lost colour it takes more than both together. */
export interface Raise {
  readonly each: number;
  readonly noise: number;
}
export const RAISE: Raise = { each: 1.15, noise: 1.5 };
/** Ten-thousandths in one. */
const WHOLE = 10_000;

/** Fits how much of a stranger's distance each property of the pictures takes: for every picture of every condition, by
 *  what share the near tail of its distances to strangers shrinks against the plain picture, as a sum of the properties
 *  with weights of zero or more.
 *  @param conditions pairs by condition, the plain one first; pairs of one person do not count
 *  @param base gives the marks from which on a property counts, and how much one counts that one side alone has */
export function fitQualityWeights(
  conditions: readonly (readonly MeasuredPair[])[],
  base: QualityWeights,
  raise: Raise = RAISE,
): QualityWeights {
  const [plain = [], ...others] = conditions.map((pairs) => tails(pairs, base));
  const rows = others.flatMap((condition) =>
    [...condition].flatMap(([picture, { distance, shares }]) => {
      const before = plainOf(plain, picture);
      return before === undefined ? [] : [{ shares, shrunk: WHOLE * (before / distance - 1) }];
    }),
  );
  const fitted = leastSquares(
    rows.map(({ shares }) => shares),
    rows.map(({ shrunk }) => shrunk),
  );
  const weights = FITTED.map((name, i) => [
    name,
    Math.ceil((name === 'noise' ? raise.noise : raise.each) * fitted[i]!),
  ]);
  return { ...base, ...(Object.fromEntries(weights) as Partial<QualityWeights>) };
}

interface Tail {
  readonly distance: number;
  /** What each weight would take if it were 1, in their order. */
  readonly shares: readonly number[];
}

function plainOf(plain: ReadonlyMap<string, Tail> | readonly never[], picture: string): number | undefined {
  return 'get' in plain ? plain.get(picture)?.distance : undefined;
}

/** For every picture that was captured, and where both sides went through the same for every card picture as well. */
function tails(pairs: readonly MeasuredPair[], base: QualityWeights): Map<string, Tail> {
  const strangers = new Map<string, MeasuredPair[]>();
  const add = (picture: string, pair: MeasuredPair): void =>
    void (strangers.get(picture)?.push(pair) ?? strangers.set(picture, [pair]));
  for (const pair of pairs) {
    if (pair.same || pair.measures === null) continue;
    add(pair.a, pair);
    add(pair.b, pair);
  }
  const unit = unitsOf(base);
  return new Map(
    [...strangers].map(([picture, those]) => {
      const near = those
        .sort((a, b) => a.distance - b.distance)
        .slice(0, Math.max(1, Math.ceil(2 * TAIL * those.length)));
      const shares = near.map(({ measures }) => unitShares(unit(measures![0]), unit(measures![1]), base));
      return [
        picture,
        {
          distance: near[near.length >> 1]!.distance,
          shares: FITTED.map((_, i) => meanOf(shares.map((each) => each[i]!))),
        },
      ];
    }),
  );
}

/** What each weight alone makes of a picture if it is 1. */
function unitsOf(base: QualityWeights): (measures: PictureMeasures) => readonly number[] {
  const zeros = Object.fromEntries(FITTED.map((name) => [name, 0]));
  const ones = FITTED.map((name) => ({ ...base, ...zeros, [name]: 1 }));
  const known = new Map<PictureMeasures, readonly number[]>();
  return (measures) => {
    const found = known.get(measures) ?? ones.map((weights) => sumOf(Object.values(poornessOf(measures, weights))));
    known.set(measures, found);
    return found;
  };
}

function unitShares(mine: readonly number[], theirs: readonly number[], base: QualityWeights): number[] {
  return FITTED.map((name, i) => {
    const [least, most] = [Math.min(mine[i]!, theirs[i]!), Math.max(mine[i]!, theirs[i]!)];
    return least + ((most - least) * (OF_DETAIL.includes(name) ? base.softAlone : base.otherAlone)) / 1_000;
  });
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

function meanOf(values: readonly number[]): number {
  return sumOf(values) / values.length;
}

const ROUNDS = 500;

/** Weights of zero or more with the least sum of squared errors, one coordinate after the other: the problem is
 *  convex, and eight unknowns are few. */
function leastSquares(rows: readonly (readonly number[])[], targets: readonly number[]): number[] {
  const count = FITTED.length;
  const gram = Array.from({ length: count }, (_, i) =>
    Array.from({ length: count }, (_, j) => rows.reduce((sum, row) => sum + row[i]! * row[j]!, 0)),
  );
  const wanted = Array.from({ length: count }, (_, i) => rows.reduce((sum, row, r) => sum + row[i]! * targets[r]!, 0));
  const weights = new Array<number>(count).fill(0);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (let i = 0; i < count; i += 1) {
      const rest = weights.reduce((sum, weight, j) => (j === i ? sum : sum + gram[i]![j]! * weight), 0);
      weights[i] = gram[i]![i]! > 0 ? Math.max(0, (wanted[i]! - rest) / gram[i]![i]!) : 0;
    }
  }
  return weights;
}
