/** Similarity of two faces in points: an integer 0..10000. Integers, because claim 4 compares a difference with an
 * inclusive bound, and doubles miss 38 of the 81 pairs of two-decimal scores whose difference is exactly 0.20 (decision
 * A6). */
export const POINTS_MAX = 10_000;

export function isPoints(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= POINTS_MAX;
}
