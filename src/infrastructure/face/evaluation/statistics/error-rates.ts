/** A compared pair. `distance` is Infinity where a picture could not be enrolled: such a pair never matches. */
export interface ScoredPair {
  readonly distance: number;
  readonly same: boolean;
  /** How often the pair counts (bootstrap); 1 for an ordinary evaluation. */
  readonly weight?: number;
}

export interface OperatingPoint {
  /** The rate of false matches that is allowed. */
  readonly fmrMax: number;
  /** Share of same-person pairs that do not match at the most generous threshold that keeps to it. */
  readonly fnmr: number;
  /** False matches that really occur there. */
  readonly fmr: number;
  /** Largest distance that matches; null when nothing may match. */
  readonly distanceMax: number | null;
  /** Whether there are enough different-person pairs to see one false match at this rate. */
  readonly resolved: boolean;
}

export interface ErrorRates {
  /** Equal error rate: mean of both rates where they are closest. */
  readonly eer: number;
  readonly eerDistance: number | null;
  readonly at: readonly OperatingPoint[];
}

/** The rates that every report states. */
export const FMR_POINTS = [1e-2, 1e-3, 1e-4] as const;

/** One step of the error curve: everything up to `distance` matches. */
export interface CurvePoint {
  readonly distance: number;
  readonly fmr: number;
  readonly fnmr: number;
}

/** False match and false non-match rates at every distance that occurs, from "nothing matches" on.
 *  @throws {RangeError} without same-person or without different-person pairs */
export function errorCurve(pairs: readonly ScoredPair[]): CurvePoint[] {
  const sorted = [...pairs].sort((a, b) => a.distance - b.distance);
  const total = (same: boolean): number =>
    sorted.reduce((sum, pair) => sum + (pair.same === same ? (pair.weight ?? 1) : 0), 0);
  const [genuine, impostor] = [total(true), total(false)];
  if (genuine === 0 || impostor === 0)
    throw new RangeError(`${genuine} same-person and ${impostor} different-person pairs; both kinds are needed`);
  const curve: CurvePoint[] = [{ distance: -1, fmr: 0, fnmr: 1 }];
  let [matched, falselyMatched] = [0, 0];
  for (const [i, pair] of sorted.entries()) {
    if (pair.distance === Infinity) break;
    if (pair.same) matched += pair.weight ?? 1;
    else falselyMatched += pair.weight ?? 1;
    // Pairs at one distance match together or not at all.
    if (sorted[i + 1]?.distance !== pair.distance)
      curve.push({ distance: pair.distance, fmr: falselyMatched / impostor, fnmr: 1 - matched / genuine });
  }
  return curve;
}

/** Error rates of one condition. Rates are shares 0..1.
 *  @throws {RangeError} without same-person or without different-person pairs */
export function errorRates(pairs: readonly ScoredPair[]): ErrorRates {
  const curve = errorCurve(pairs);
  const impostors = pairs.filter((pair) => !pair.same).length;
  const closest = curve.reduce((best, point) =>
    Math.abs(point.fmr - point.fnmr) < Math.abs(best.fmr - best.fnmr) ? point : best,
  );
  return {
    eer: (closest.fmr + closest.fnmr) / 2,
    eerDistance: matchDistance(closest),
    at: FMR_POINTS.map((fmrMax) => {
      // The curve's false matches only rise, so the last point that keeps to the rate is the most generous one.
      const point = curve.findLast(({ fmr }) => fmr <= fmrMax)!;
      return {
        fmrMax,
        fnmr: point.fnmr,
        fmr: point.fmr,
        distanceMax: matchDistance(point),
        resolved: impostors >= 1 / fmrMax,
      };
    }),
  };
}

function matchDistance({ distance }: CurvePoint): number | null {
  return distance < 0 ? null : distance;
}

/** Rates when everything up to `distanceMax` matches. */
export function ratesAt(pairs: readonly ScoredPair[], distanceMax: number): { fmr: number; fnmr: number } {
  const share = (same: boolean): number => {
    const those = pairs.filter((pair) => pair.same === same);
    return those.filter((pair) => pair.distance <= distanceMax).length / those.length;
  };
  return { fmr: share(false), fnmr: 1 - share(true) };
}
