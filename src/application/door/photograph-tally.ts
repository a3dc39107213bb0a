import type { PolicyValues } from '../../domain/policy/policy.events.js';
import { doubtfulMeasure, poorMeasure } from '../../domain/registration/photo-quality.policy.js';
import type { RegistrationEvent } from '../../domain/registration/registration.events.js';
import type { NotComparableReason, PhotoQuality } from '../../domain/values/face-comparison.js';

/** What became of a photograph from a booth, for a rate by reason. Closed words only. */
export interface PhotographVerdict {
  readonly verdict: 'accepted' | 'referred' | 'refused' | 'not_the_person';
  /** Why; `none` where it was accepted. */
  readonly reason: string;
  /** The measure of quality where that was the reason, else `none`. */
  readonly measure: string;
}

/** Counts since the start of this process. Refusals of honest people by a machine are seen in their rate first:
 * passport checkers learned that from their users. */
export class PhotographTally {
  private readonly counts = new Map<string, { readonly verdict: PhotographVerdict; count: number }>();

  add(verdict: PhotographVerdict): void {
    const key = `${verdict.verdict} ${verdict.reason} ${verdict.measure}`;
    const found = this.counts.get(key) ?? { verdict, count: 0 };
    found.count += 1;
    this.counts.set(key, found);
  }

  all(): readonly { readonly verdict: PhotographVerdict; readonly count: number }[] {
    return [...this.counts.values()];
  }
}

/** The verdict that a comparison's events state, or null where they state none about the photograph. */
export function verdictOf(
  events: readonly RegistrationEvent[],
  policy: Pick<PolicyValues, 'photoQualityHoldBelow'>,
): PhotographVerdict | null {
  for (const { type, data } of events) {
    if (type === 'FaceNotComparable')
      return data.image === 'captured'
        ? { verdict: 'refused', reason: data.reason, measure: data.measure ?? 'none' }
        : null;
    if (type === 'Held')
      return {
        verdict: 'referred',
        reason: data.reason,
        measure: data.reason === 'portrait_doubtful' ? doubtfulIn(events, policy) : 'none',
      };
    if (type === 'FaceMismatched') return { verdict: 'not_the_person', reason: 'none', measure: 'none' };
  }
  return events.some(({ type }) => type === 'FaceMatched')
    ? { verdict: 'accepted', reason: 'none', measure: 'none' }
    : null;
}

function doubtfulIn(events: readonly RegistrationEvent[], policy: Pick<PolicyValues, 'photoQualityHoldBelow'>): string {
  const compared = events.find(({ type }) => type === 'FaceMatched' || type === 'FaceReferred');
  const quality = compared && 'quality' in compared.data ? compared.data.quality : {};
  return doubtfulMeasure(quality, policy) ?? 'none';
}

interface Assessed {
  readonly reasons: readonly NotComparableReason[];
  readonly quality: PhotoQuality;
}

/** The verdict of a photograph that was only asked about: what its comparison would have come to, whoever it shows. */
export function verdictOfCheck(
  { reasons, quality }: Assessed,
  policy: Pick<PolicyValues, 'photoQualityMin' | 'photoQualityHoldBelow'>,
): PhotographVerdict {
  const [reason] = reasons;
  if (reason !== undefined) return { verdict: 'refused', reason, measure: 'none' };
  const poor = poorMeasure(quality, policy);
  if (poor !== null) return { verdict: 'refused', reason: 'poor_quality', measure: poor };
  const doubtful = doubtfulMeasure(quality, policy);
  if (doubtful !== null) return { verdict: 'referred', reason: 'portrait_doubtful', measure: doubtful };
  return { verdict: 'accepted', reason: 'none', measure: 'none' };
}
