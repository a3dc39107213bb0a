import type { PolicyValues } from '../policy/policy.events.js';
import { PHOTO_MEASURES, type PhotoMeasure, type PhotoQuality } from '../values/face-comparison.js';

/** The first measure, in the standard's order, in which a captured photograph is below what the policy asks for.
 *  Equal to the minimum is enough. What was not assessed is not held against anybody: a minimum for it has no effect.
 *  @param quality measures 0..100. @returns null where nothing is missing. Source: ISO/IEC 29794-5. @req R7 */
export function poorMeasure(quality: PhotoQuality, { photoQualityMin }: Pick<PolicyValues, 'photoQualityMin'>): PhotoMeasure | null {
  return PHOTO_MEASURES.find((measure) => isBelow(quality[measure], photoQualityMin[measure])) ?? null;
}

function isBelow(value: PhotoQuality[string] | undefined, minimum: number | undefined): boolean {
  return typeof value === 'number' && minimum !== undefined && value < minimum;
}
