/** A JSON value as events hold it. No `undefined`, no `Date`, no bigint: what is stored is what is read. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

/** Who did it and because of what. Every event has all fields; null means "does not apply", never "forgotten". */
export interface EventMetadata {
  /** `booth:<boothId>`, `officer:<subject>`, `system:<part>`. */
  readonly actor: string;
  /** Groups everything that belongs to one case: the request id, or the id of the first command. */
  readonly correlationId: string;
  /** Id of the command or event that caused this event. */
  readonly causationId: string;
  /** Server time of the decision, ISO-8601 UTC. */
  readonly recordedAtUtc: string;
  /** Version of the policy that a rule used, or null where no rule was used. */
  readonly policyVersion: number | null;
}

/** An event that is about to be stored. `id` is derived from the command id, so that a repeated command repeats the
 * id. */
export interface NewEvent {
  readonly id: string;
  /** Stored name: a string literal of the event registry, never a class name. */
  readonly type: string;
  readonly schemaVersion: number;
  readonly data: JsonObject;
  readonly metadata: EventMetadata;
}

/** Place in the one global order. Opaque and ordered: comparable, never contiguous, never computed with. */
export type Position = bigint & { readonly __brand: 'Position' };

/** Reads a position that `String(position)` wrote. @throws {RangeError} when the text is not a decimal number. */
export function positionFromText(text: string): Position {
  if (!/^\d{1,20}$/.test(text)) throw new RangeError(`not a position: ${text}`);
  return BigInt(text) as Position;
}

/** An event as the store gives it back, before upcasting. */
export interface StoredEvent extends NewEvent {
  readonly stream: string;
  /** 0, 1, 2, … within the stream. */
  readonly revision: number;
  readonly position: Position;
}
