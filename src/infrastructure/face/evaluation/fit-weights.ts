import { poornessOf, type Poorness, type QualityWeights } from '../../../domain/registration/quality-weights.js';
import { PICTURE_DOUBTS, type PictureMeasures } from '../../../domain/values/face-comparison.js';
import type { MeasuredPair } from './conditions.js';

/** Which weight counts which property. */
const WEIGHT_OF = {
  soft: 'soft',
  small: 'small',
  grey: 'grey',
  noisy: 'noise',
  compressed: 'blocks',
  flat: 'flat',
  dark: 'dark',
} as const satisfies Record<(typeof PICTURE_DOUBTS)[number], keyof QualityWeights>;

/** Strangers nearer to a picture than all but this share of them: marks lie in this tail. */
const TAIL = 0.05;
/** Weights are raised by this share: a fit hits the middle, and half of all others lie beyond it. */
export const RAISE = 1.1;
/** Ten-thousandths in one. */
const WHOLE = 10_000;

/** Fits how much of a stranger's distance each property of the pictures takes: for every picture of every condition, by
 *  what share the near tail of its distances to strangers shrinks against the plain picture, as a sum of the properties
 *  with weights of zero or more.
 *  @param conditions pairs by condition, the plain one first; pairs of one person do not count
 *  @param base gives the marks from which on a property counts, and how much one counts that one side alone has
 *  @param raise by what share the weights are raised: a fit hits the middle, and half of all others lie beyond it */
export function fitQualityWeights(
  conditions: readonly (readonly MeasuredPair[])[],
  base: QualityWeights,
  raise: number,
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
  const weights = PICTURE_DOUBTS.map((doubt, i) => [WEIGHT_OF[doubt], Math.round(raise * fitted[i]!)]);
  return { ...base, ...(Object.fromEntries(weights) as Partial<QualityWeights>) };
}

interface Tail {
  readonly distance: number;
  /** What each property would take if its weight were 1, in the order of the doubts. */
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
  const ones = { ...base, ...Object.fromEntries(Object.values(WEIGHT_OF).map((name) => [name, 1])) };
  return new Map(
    [...strangers].map(([picture, those]) => {
      const near = those
        .sort((a, b) => a.distance - b.distance)
        .slice(0, Math.max(1, Math.ceil(2 * TAIL * those.length)));
      const shares = near.map(({ measures }) => unitShares(measures!, ones));
      return [
        picture,
        {
          distance: near[near.length >> 1]!.distance,
          shares: PICTURE_DOUBTS.map((_, i) => meanOf(shares.map((each) => each[i]!))),
        },
      ];
    }),
  );
}

function unitShares([a, b]: readonly [PictureMeasures, PictureMeasures], ones: QualityWeights): number[] {
  const [mine, theirs] = [poornessOf(a, ones), poornessOf(b, ones)];
  return PICTURE_DOUBTS.map((doubt) => {
    const [least, most] = [Math.min(mine[doubt], theirs[doubt]), Math.max(mine[doubt], theirs[doubt])];
    const alone = isOfDetail(doubt) ? ones.softAlone : ones.otherAlone;
    return least + ((most - least) * alone) / 1_000;
  });
}

function isOfDetail(doubt: keyof Poorness): boolean {
  return doubt === 'soft' || doubt === 'small';
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

const ROUNDS = 500;

/** Weights of zero or more with the least sum of squared errors, one coordinate after the other: the problem is
 *  convex, and seven unknowns are few. */
function leastSquares(rows: readonly (readonly number[])[], targets: readonly number[]): number[] {
  const count = rows[0]?.length ?? 0;
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
