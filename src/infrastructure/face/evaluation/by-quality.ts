import type { PictureMeasures } from '../../../domain/values/face-comparison.js';
import type { ScoredPair } from './statistics/error-rates.js';

/** A pair with what both pictures are worth; null where one was not enrolled. */
export interface JudgedPair extends ScoredPair {
  readonly measures: readonly [PictureMeasures, PictureMeasures] | null;
  /** Words of what made the score less certain, in either picture. */
  readonly doubts: readonly string[];
}

export interface RateWithBound {
  readonly rate: number | null;
  /** The 95 % range (Wilson), as if pairs were independent: pairs share people, so the truth may lie beyond. */
  readonly lower95: number | null;
  readonly upper95: number | null;
}

export interface GroupRates {
  readonly pairs: { readonly same: number; readonly different: number };
  readonly match: { readonly fmr: RateWithBound; readonly fnmr: RateWithBound };
  readonly refer: { readonly fmr: RateWithBound; readonly fnmr: RateWithBound };
}

interface Marks {
  readonly matchDistanceMax: number;
  readonly referDistanceMax: number;
}

/** Rates at the marks by quality, colour and size of the pictures. @param pairs with a score; others say nothing about
 * quality */
export function ratesByQuality(pairs: readonly JudgedPair[], marks: Marks): Record<string, GroupRates> {
  const groups = new Map<string, JudgedPair[]>();
  for (const pair of pairs) {
    for (const name of groupsOf(pair)) groups.set(name, [...(groups.get(name) ?? []), pair]);
  }
  return Object.fromEntries(
    [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, group]) => [name, groupRates(group, marks)]),
  );
}

function groupRates(pairs: readonly JudgedPair[], { matchDistanceMax, referDistanceMax }: Marks): GroupRates {
  const kind = (same: boolean): JudgedPair[] => pairs.filter((pair) => pair.same === same);
  const at = (distanceMax: number): GroupRates['match'] => ({
    fmr: withBound(kind(false), (distance) => distance <= distanceMax),
    fnmr: withBound(kind(true), (distance) => distance > distanceMax),
  });
  return {
    pairs: { same: kind(true).length, different: kind(false).length },
    match: at(matchDistanceMax),
    refer: at(referDistanceMax),
  };
}

function withBound(pairs: readonly JudgedPair[], counts: (distance: number) => boolean): RateWithBound {
  return boundsOf(pairs.filter(({ distance }) => counts(distance)).length, pairs.length);
}

export function boundsOf(found: number, of: number): RateWithBound {
  if (of === 0) return { rate: null, lower95: null, upper95: null };
  // What did not happen is bounded from above as what did.
  return { rate: found / of, lower95: 1 - upperBound(of - found, of), upper95: upperBound(found, of) };
}

/** Upper end of Wilson's score interval, 95 %. */
export function upperBound(found: number, of: number): number {
  const [z, p] = [1.96, found / of];
  return (p + (z * z) / (2 * of) + z * Math.sqrt((p * (1 - p)) / of + (z * z) / (4 * of * of))) / (1 + (z * z) / of);
}

function groupsOf({ measures, doubts }: JudgedPair): string[] {
  if (measures === null) return [];
  const grey = measures.filter(({ isGrey }) => isGrey).length;
  const eyes = Math.min(...measures.map(({ eyeDistance }) => eyeDistance));
  return [
    `colour: ${['both', 'one', 'neither'][grey]}`,
    `eyes apart: ${eyes < 16 ? 'below 16 px' : eyes < 24 ? '16 to 23 px' : eyes < 48 ? '24 to 47 px' : '48 px and more'}`,
    `in doubt: ${doubts.length === 0 ? 'nothing' : doubts.join(', ')}`,
  ];
}
