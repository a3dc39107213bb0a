import type { PolicyValues } from '../policy/policy.events.js';
import { PHOTO_MEASURES, type PhotoMeasure, type PhotoQuality } from '../values/face-comparison.js';

/** The first measure, in the standard's order, in which a captured photograph is below what the policy asks for.
 *  Equal to the minimum is enough. What was not assessed is not held against anybody: a minimum for it has no effect.
 *  @param quality measures 0..100. @returns null where nothing is missing. Source: ISO/IEC 29794-5. @req R7 */
export function poorMeasure(
  quality: PhotoQuality,
  { photoQualityMin }: Pick<PolicyValues, 'photoQualityMin'>,
): PhotoMeasure | null {
  return PHOTO_MEASURES.find((measure) => isBelow(quality[measure], photoQualityMin[measure])) ?? null;
}

/** The first measure, in the standard's order, for which two officers should look at the photograph before it is used:
 * it is below what the policy asks for, or nobody could tell (what covers an eye hides whether it is open). Equal to
 * the bound is enough.
 * @returns null where nobody has to look. Source: ISO/IEC 29794-5. @req R7 R16 */
export function doubtfulMeasure(
  quality: PhotoQuality,
  { photoQualityHoldBelow }: Pick<PolicyValues, 'photoQualityHoldBelow'>,
): PhotoMeasure | null {
  const isDoubtful = (measure: PhotoMeasure): boolean => {
    const bound = photoQualityHoldBelow[measure];
    return bound !== undefined && (quality[measure] === 'not_assessed' || isBelow(quality[measure], bound));
  };
  return PHOTO_MEASURES.find(isDoubtful) ?? null;
}

function isBelow(value: PhotoQuality[string] | undefined, minimum: number | undefined): boolean {
  return typeof value === 'number' && minimum !== undefined && value < minimum;
}
