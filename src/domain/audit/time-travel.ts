import type { Json, JsonObject } from '../event-envelope.js';
import { canonicalJson } from '../values/canonical-json.js';
import { upcast } from '../event-registry.js';
import { fold } from '../decider.js';
import { holdReviewDecider } from '../hold-review/hold-review.js';
import type { HoldReviewEvent } from '../hold-review/hold-review.events.js';
import { registrationDecider } from '../registration/registration.js';
import type { RegistrationEvent } from '../registration/registration.events.js';
import type { LeafEvent } from './leaf.js';

/** A moment of the log: everything up to an instant (inclusive), or the first `index + 1` leaves. */
export type Moment = { readonly atUtc: string } | { readonly atIndex: number } | 'now';

export function isBefore(moment: Moment, index: number, { metadata }: Pick<LeafEvent, 'metadata'>): boolean {
  if (moment === 'now') return true;
  return 'atIndex' in moment ? index <= moment.atIndex : Date.parse(metadata.recordedAtUtc) <= Date.parse(moment.atUtc);
}

/** What was known of a case: its stage, its review, and how often each thing had happened. Made by the same `evolve` as in the server. */
export function caseState(events: readonly LeafEvent[]): JsonObject {
  const own = events.filter((e) => e.stream.startsWith('registration-')).map((e) => upcast(e) as unknown as RegistrationEvent);
  const review = events.filter((e) => e.stream.startsWith('hold-')).map((e) => upcast(e) as unknown as HoldReviewEvent);
  const counts: Record<string, number> = {};
  for (const { type } of events) counts[type] = (counts[type] ?? 0) + 1;
  return plain({ registration: fold(registrationDecider, own), review: fold(holdReviewDecider, review), events: counts });
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
  if (isObject(before) && isObject(after)) return [...new Set([...Object.keys(before), ...Object.keys(after)])].sort().flatMap((name) => differences(before[name], after[name], path ? `${path}.${name}` : name));
  return [{ path, before: before ?? null, after: after ?? null }];
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function plain(value: object): JsonObject {
  return JSON.parse(JSON.stringify(value)) as JsonObject;
}
