import { errorRates, type ErrorRates, type ScoredPair } from './error-rates.js';

/** A scored pair with the names of its pictures. */
export interface NamedPair extends ScoredPair {
  readonly a: string;
  readonly b: string;
}

export interface Range {
  readonly from: number;
  readonly to: number;
}

export interface RateRanges {
  /** What was drawn: people where the list lets them be told apart, else pairs (whose ranges are too narrow). */
  readonly over: 'subjects' | 'pairs';
  readonly units: number;
  readonly draws: number;
  readonly eer: Range;
  /** In the order of the operating points. */
  readonly fnmrAt: readonly Range[];
}

/** Finds out who is who: pictures joined by same-person pairs are one subject.
 *  @returns picture -> subject, or null when a different-person pair lies inside one subject */
export function subjectsOf(pairs: readonly Pick<NamedPair, 'a' | 'b' | 'same'>[]): Map<string, string> | null {
  const parent = new Map<string, string>();
  const find = (name: string): string => {
    let root = name;
    for (let up = parent.get(root); up !== undefined && up !== root; up = parent.get(root)) root = up;
    parent.set(name, root);
    return root;
  };
  for (const { a, b, same } of pairs) {
    const [rootA, rootB] = [find(a), find(b)];
    if (same) parent.set(rootA, rootB);
  }
  if (pairs.some(({ a, b, same }) => !same && find(a) === find(b))) return null;
  return new Map([...parent.keys()].map((name) => [name, find(name)]));
}

/** 95 % ranges by drawing with replacement, seeded: the same list gives the same ranges. A drawn subject counts as
 * often as it was drawn; a pair of two subjects counts as often as the product.
 * @param unsorted pairs of one condition
 * @param subjects from `subjectsOf` over the whole list; null draws pairs */
export function rateRanges(
  unsorted: readonly NamedPair[],
  subjects: ReadonlyMap<string, string> | null,
  draws = 200,
): RateRanges {
  const random = seeded(20_261_123);
  // Sorted once: sorting each draw anew then costs one pass.
  const pairs = [...unsorted].sort((a, b) => a.distance - b.distance);
  const names = subjects ? [...new Set(pairs.flatMap(({ a, b }) => [subjects.get(a)!, subjects.get(b)!]))] : [];
  const over = names.length >= 5 ? 'subjects' : 'pairs';
  const units = over === 'subjects' ? names.length : pairs.length;
  const results: ErrorRates[] = [];
  for (let draw = 0; draw < draws; draw += 1) {
    const counts = drawn(units, random);
    const countOf = new Map(names.map((name, i) => [name, counts[i]!]));
    const weight = (pair: NamedPair, i: number): number => {
      if (over === 'pairs') return counts[i]!;
      const [a, b] = [subjects!.get(pair.a)!, subjects!.get(pair.b)!];
      return a === b ? countOf.get(a)! : countOf.get(a)! * countOf.get(b)!;
    };
    const weighted = pairs
      .map((pair, i) => ({ distance: pair.distance, same: pair.same, weight: weight(pair, i) }))
      .filter((pair) => pair.weight > 0);
    // A draw without any pair of one kind says nothing about its rate.
    if (weighted.some((pair) => pair.same) && weighted.some((pair) => !pair.same)) results.push(errorRates(weighted));
  }
  const first = results[0];
  return {
    over,
    units,
    draws: results.length,
    eer: middle95(results.map((r) => r.eer)),
    fnmrAt: (first?.at ?? []).map((_, k) => middle95(results.map((r) => r.at[k]!.fnmr))),
  };
}

function drawn(units: number, random: () => number): Uint32Array {
  const counts = new Uint32Array(units);
  for (let i = 0; i < units; i += 1) counts[Math.floor(random() * units)]! += 1;
  return counts;
}

function middle95(values: readonly number[]): Range {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.round(share * (sorted.length - 1)))] ?? NaN;
  return { from: at(0.025), to: at(0.975) };
}

/** mulberry32: small, and good enough to draw indices. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
