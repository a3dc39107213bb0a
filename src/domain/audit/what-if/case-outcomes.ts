import type { HoldReason, RegistrationEvent } from '../../registration/registration.events.js';

/** What a comparison leads to: on, to a person, or out. */
export type ComparisonOutcome = 'confirmed' | `held:${HoldReason}` | 'not_comparable' | 'mismatched';

/** What became of a case while it was held. `ended`: it was withdrawn, or an operator ended it. `open`: none of these
 * so far; opinions of a review that is not over are not looked at. */
export type OfficersLater = 'released' | 'rejected' | 'recapture' | 'expired' | 'ended' | 'open' | 'never_held';

/** Each case that flips counts as exactly one of these:
 *
 *  - `missed`: officers rejected it, and it would go on without them
 *  - `spared`: officers decided what would come out without them: released and goes on, rejected and is refused
 *  - `turnedAway`: officers released it, and it would be refused
 *  - `recaptured`: officers asked for another photograph, and nobody would
 *  - `stillHeld`: it would be held for another reason
 *  - `undecided`: its hold expired, or the case was ended, before officers decided
 *  - `open`: it is held at the end of the history
 *  - `newlyHeld`: it would be held and was not: what officers would say is unknown, nobody looked
 *  - `neverHeld`: it was not held and would not be: nobody looked either */
export const COUNTED_AS = [
  'missed',
  'spared',
  'turnedAway',
  'recaptured',
  'stillHeld',
  'undecided',
  'open',
  'newlyHeld',
  'neverHeld',
] as const;
export type CountedAs = (typeof COUNTED_AS)[number];

const LATER: Readonly<Partial<Record<RegistrationEvent['type'], OfficersLater>>> = {
  HoldReleased: 'released',
  HoldRejected: 'rejected',
  RecaptureRequested: 'recapture',
  HoldExpired: 'expired',
  RegistrationWithdrawn: 'ended',
  RequestEndedByOperator: 'ended',
};

/** @returns undefined for an event that ends no hold */
export function laterOf(type: string): OfficersLater | undefined {
  return Object.hasOwn(LATER, type) ? LATER[type as RegistrationEvent['type']] : undefined;
}

export function isHeld(outcome: ComparisonOutcome): boolean {
  return outcome.startsWith('held');
}

export function countedAs(wouldBe: ComparisonOutcome, later: OfficersLater): CountedAs {
  if (later === 'never_held') return isHeld(wouldBe) ? 'newlyHeld' : 'neverHeld';
  if (later === 'open') return 'open';
  if (isHeld(wouldBe)) return 'stillHeld';
  if (later === 'expired' || later === 'ended') return 'undecided';
  if (later === 'recapture') return 'recaptured';
  const goesOn = wouldBe === 'confirmed';
  if (goesOn === (later === 'released')) return 'spared';
  return goesOn ? 'missed' : 'turnedAway';
}
