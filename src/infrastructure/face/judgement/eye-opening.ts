import type { Point } from '../image/rgb-image.js';

/** How far one eye is open, as shares of its width, so that neither the picture's size nor its turn counts. */
export interface EyeOpening {
  /** Mean distance between the lids across the middle of the eye; near 0 when closed, and below where the outlines
   * cross. */
  readonly gap: number;
  /** Mean height of the upper lid above the line through the corners. A closed lid hangs down to the line or below it,
   * whatever the eye's shape, while even a narrow open one arches over it. */
  readonly upperLid: number;
  /** The largest distance between the lids in pixels of the picture. */
  readonly gapPixels: number;
}

/** Both eyes, in the picture's terms. */
export interface EyesOpening {
  readonly left: EyeOpening;
  readonly right: EyeOpening;
}

/** Points of an outline along the lower lid from corner to corner, then those along the upper one between the
 * corners. */
const LOWER = 9;
const UPPER = 7;
/** The lids are compared in this middle part of the eye, where an eye opens. */
const [FROM, TO, STEPS] = [0.2, 0.8, 12];

/** Measures one eye by the outline that the attention mesh draws: see `convertAttentionMesh` for the order of the
 * points. */
export function eyeOpening(outline: readonly Point[]): EyeOpening {
  const [corner, other] = [outline[0], outline[LOWER - 1]];
  if (!corner || !other || outline.length < LOWER + UPPER)
    throw new Error(`an outline has at least ${LOWER + UPPER} points, not ${outline.length}`);
  const [dx, dy] = [other.x - corner.x, other.y - corner.y];
  const width = Math.hypot(dx, dy);
  // Along the corners, and at right angles to them towards the brow, which is up in the picture whichever corner comes
  // first.
  const up = dx >= 0 ? 1 : -1;
  const inEye = ({ x, y }: Point): Point => ({
    x: ((x - corner.x) * dx + (y - corner.y) * dy) / width ** 2,
    y: (up * ((x - corner.x) * dy - (y - corner.y) * dx)) / width ** 2,
  });
  const lower = outline.slice(0, LOWER).map(inEye);
  const upper = [corner, ...outline.slice(LOWER, LOWER + UPPER), other].map(inEye);
  let [gap, upperLid, widest] = [0, 0, -Infinity];
  for (let step = 0; step <= STEPS; step += 1) {
    const x = FROM + ((TO - FROM) * step) / STEPS;
    const [high, low] = [heightAt(upper, x), heightAt(lower, x)];
    gap += (high - low) / (STEPS + 1);
    upperLid += high / (STEPS + 1);
    widest = Math.max(widest, high - low);
  }
  return { gap, upperLid, gapPixels: Math.max(0, widest) * width };
}

/** Height of a line through points at a place between two of them. */
function heightAt(points: readonly Point[], x: number): number {
  const along = [...points].sort((a, b) => a.x - b.x);
  const next = along.findIndex((point) => point.x >= x);
  const [before, after] = [along[next - 1], along[next]];
  if (!before || !after) return (after ?? along.at(-1) ?? { y: 0 }).y;
  return before.y + ((after.y - before.y) * (x - before.x)) / (after.x - before.x || 1);
}
