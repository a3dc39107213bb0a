import type { Position } from '../../../domain/event-envelope.js';
import type { HoldReason } from '../../../domain/registration/registration.events.js';

/** Neutral by design: a held case and a slow case both say `processing` (A11). */
export type PublicStatus = 'received' | 'processing' | 'registered' | 'not_registered' | 'visit_again';

export interface RequestStatusRow {
  readonly requestId: string;
  readonly receipt: string;
  readonly status: PublicStatus;
  readonly updatedAtUtc: string;
}

export interface HoldRow {
  readonly requestId: string;
  readonly boothId: string;
  readonly reason: HoldReason;
  readonly cardPoints: number;
  readonly registeredPoints: number | null;
  readonly differencePoints: number | null;
  /** null where the reason is none of points. */
  readonly boundPoints: number | null;
  readonly policyVersion: number | null;
  readonly openedAtUtc: string;
  readonly dueAtUtc: string;
  /** How many opinions are in; what they say is not for a list. */
  readonly opinions: number;
  /** null while open. */
  readonly outcome: 'released' | 'rejected' | 'recapture' | 'expired' | 'closed' | null;
}

/** One line of a case's history: every event of every stream that belongs to the request, in log order. */
export interface TimelineRow {
  readonly position: string;
  readonly recordedAtUtc: string;
  readonly stream: string;
  readonly revision: number;
  readonly type: string;
  readonly actor: string;
  readonly policyVersion: number | null;
  readonly data: unknown;
}

/** Questions that the read side answers. Rows may be behind the log; `caughtUpTo` waits. */
export abstract class ReadModels {
  abstract requestByReceipt(receipt: string): RequestStatusRow | null;
  abstract requestById(requestId: string): RequestStatusRow | null;
  abstract hold(requestId: string): HoldRow | null;
  /** The case's history, or its history as it was known at an instant (inclusive). Empty when there is no such case. */
  abstract timeline(requestId: string, options: { readonly atUtc: string | null }): readonly TimelineRow[];
  /** Keys that were linked to a registrant's. */
  abstract keysLinkedTo(registrantKey: string): readonly string[];
  /** Requests of a registrant that an erasure took with it. @param erasureId of its event */
  abstract requestsErasedBy(erasureId: string): readonly string[];
  /** Resolves true when the named projections have processed the position, false after the time limit. */
  abstract caughtUpTo(position: Position, limitMs: number): Promise<boolean>;
  /** Calls back with each change of a request's row until the signal aborts. The first call comes at once if there is a
   * row. */
  abstract watchRequest(receipt: string, signal: AbortSignal): AsyncIterable<RequestStatusRow>;
}
