import type { Json, JsonObject } from '../../event-envelope.js';
import { canonicalJson } from '../../values/canonical-json.js';
import { upcast } from '../../event-registry.js';
import { fold } from '../../decider.js';
import { holdReviewDecider, OPINIONS_NEEDED } from '../../hold-review/hold-review.js';
import type { HoldReviewEvent } from '../../hold-review/hold-review.events.js';
import { registrationDecider } from '../../registration/registration.js';
import type { RegistrationEvent } from '../../registration/registration.events.js';
import type { LeafEvent } from '../log/leaf.js';

/** Events as somebody may see them: opinions of a review that is still blind are withheld from everybody but their
 * givers, and so are the looks at pictures with which others made up their minds.
 * @param shown what is to be seen, perhaps of the past
 * @param all everything until now: whether the review is over is a question to the present, else a look back would end
 *   the blindness
 * @param viewer who looks, or null for nobody who could have given an opinion */
export function blinded<E extends Pick<LeafEvent, 'type' | 'data'>>(
  shown: readonly E[],
  all: readonly E[],
  viewer: string | null,
): readonly E[] {
  const count = (type: string) => all.filter((e) => e.type === type).length;
  const isOver =
    all.some((e) => e.type === 'HoldResolved' || e.type === 'HoldClosed') ||
    // One who gave an opinion, took it back and gave another one is still one.
    count('OpinionGiven') - count('OpinionWithdrawn') >= OPINIONS_NEEDED;
  if (isOver) return shown;
  const isHeld = count('HoldOpened') > 0;
  const isBlind = ({ type, data }: E) =>
    OF_AN_OPINION.has(type) || (isHeld && type === 'BiometricViewed' && data['purpose'] === 'hold_review');
  return shown.map((e) =>
    isBlind(e) && (viewer === null || e.data['officer'] !== viewer) ? { ...e, data: { withheld: true } } : e,
  );
}

const OF_AN_OPINION: ReadonlySet<string> = new Set(['OpinionGiven', 'OpinionWithdrawn']);

/** What was known of a case: its stage, its review, whether its registrant was erased, and how often each thing had
 * happened. Made by the same `evolve` as in the server. */
export function caseState(events: readonly LeafEvent[]): JsonObject {
  const own = events
    .filter((e) => e.stream.startsWith('registration-'))
    .map((e) => upcast(e) as unknown as RegistrationEvent);
  const review = events.filter((e) => e.stream.startsWith('hold-')).map((e) => upcast(e) as unknown as HoldReviewEvent);
  const counts: Record<string, number> = {};
  for (const { type } of events) counts[type] = (counts[type] ?? 0) + 1;
  const erasure = events.find((e) => e.type === 'RegistrantErased');
  const erased = erasure ? { atUtc: erasure.metadata.recordedAtUtc, rule: erasure.data['rule'] } : null;
  return plain({
    registration: fold(registrationDecider, own),
    review: fold(holdReviewDecider, review),
    erased,
    events: counts,
  });
}

export interface Difference {
  /** Members from the outside in, joined by dots. */
  readonly path: string;
  readonly before: Json | null;
  readonly after: Json | null;
}

/** What differs between two values, member by member. */
export function differences(before: Json | undefined, after: Json | undefined, path = ''): Difference[] {
  if (before !== undefined && after !== undefined && canonicalJson(before) === canonicalJson(after)) return [];
  if (isObject(before) && isObject(after))
    return [...new Set([...Object.keys(before), ...Object.keys(after)])]
      .sort()
      .flatMap((name) => differences(before[name], after[name], path ? `${path}.${name}` : name));
  // A member that is not there and one that is null say the same to whoever reads the difference.
  if ((before ?? null) === null && (after ?? null) === null) return [];
  return [{ path, before: before ?? null, after: after ?? null }];
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function plain(value: object): JsonObject {
  return JSON.parse(JSON.stringify(value)) as JsonObject;
}
