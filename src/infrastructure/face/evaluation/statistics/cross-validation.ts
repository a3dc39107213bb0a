import { seeded } from './bootstrap.js';

/** Half of the people to fit to, the other half to test with. */
export interface Fold {
  readonly fit: ReadonlySet<string>;
  readonly test: ReadonlySet<string>;
}

/** Splits people in two halves, each half tested with what was fitted to the other; seeded: the same people are split
 *  the same.
 *  @returns two folds a split */
export function foldsOf(people: readonly string[], splits: number): Fold[] {
  const random = seeded(20_261_130);
  const names = [...people].sort();
  return Array.from({ length: splits }, () => {
    const order = names
      .map((name) => ({ name, at: random() }))
      .sort((a, b) => a.at - b.at)
      .map(({ name }) => name);
    const [left, right] = [new Set(order.slice(0, order.length >> 1)), new Set(order.slice(order.length >> 1))];
    return [
      { fit: left, test: right },
      { fit: right, test: left },
    ];
  }).flat();
}

export function within<Pair extends { readonly people: readonly [string, string] }>(
  pairs: readonly Pair[],
  people: ReadonlySet<string>,
): Pair[] {
  return pairs.filter((pair) => people.has(pair.people[0]) && people.has(pair.people[1]));
}
