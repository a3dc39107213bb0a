import { QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import type { Position } from '../../domain/event-envelope.js';
import { visibleOpinions, type Opinion } from '../../domain/hold-review/hold-review.js';
import { explainRegisteredScore, explainScore, type InWords } from '../../domain/registration/explain-score.js';
import { holdReviews, policies, POLICY_ID } from '../aggregates.js';
import { DecideAndAppend } from '../commands/decide-and-append.js';
import { EventStore } from '../ports/event-store.js';
import { ReadModels, type HoldRow, type RequestStatusRow, type TimelineRow } from '../ports/read-models.js';

const CATCH_UP_LIMIT_MS = 2_000;

/** The rows are behind the log and stayed so: what is missing in them may exist. Said instead of "not found" or half a history. */
export class ReadSideBehindError extends Error {
  constructor() {
    super(`the read models did not catch up with the log within ${CATCH_UP_LIMIT_MS} ms`);
  }
}

/** What a booth or the holder of a receipt may know. */
export class GetRequestStatus {
  constructor(readonly receipt: string) {}
}

export class ListHolds {
  constructor(
    readonly includeResolved: boolean,
    readonly limit: number,
  ) {}
}

export class GetHold {
  constructor(
    readonly requestId: string,
    readonly officer: string,
  ) {}
}

/** A case's history as it was known at an instant; null: now. */
export class ReplayCase {
  constructor(
    readonly requestId: string,
    readonly atUtc: string | null,
  ) {}
}

/** Which case a receipt belongs to, for people of the office. */
export class FindCase {
  constructor(readonly receipt: string) {}
}

export interface HoldDetail {
  readonly hold: HoldRow;
  /** Only the asking officer's own until both are in. */
  readonly opinions: readonly Opinion[];
  /** What the scores mean under the policy that decided, in the officer's languages. */
  readonly explanation: readonly InWords[];
}

@QueryHandler(GetRequestStatus)
export class GetRequestStatusHandler implements IQueryHandler<GetRequestStatus, RequestStatusRow | null> {
  constructor(
    private readonly rows: ReadModels,
    private readonly store: EventStore,
  ) {}

  async execute({ receipt }: GetRequestStatus): Promise<RequestStatusRow | null> {
    return byReceipt(this.rows, this.store, receipt);
  }
}

@QueryHandler(ListHolds)
export class ListHoldsHandler implements IQueryHandler<ListHolds, readonly HoldRow[]> {
  constructor(private readonly rows: ReadModels) {}

  async execute({ includeResolved, limit }: ListHolds): Promise<readonly HoldRow[]> {
    return this.rows.holds({ includeResolved, limit });
  }
}

@QueryHandler(GetHold)
export class GetHoldHandler implements IQueryHandler<GetHold, HoldDetail | null> {
  constructor(
    private readonly rows: ReadModels,
    private readonly aggregates: DecideAndAppend,
  ) {}

  async execute({ requestId, officer }: GetHold): Promise<HoldDetail | null> {
    const hold = this.rows.hold(requestId);
    if (!hold) return null;
    const { state } = await this.aggregates.load(holdReviews, requestId);
    return { hold, opinions: visibleOpinions(state, officer), explanation: await this.explain(hold) };
  }

  private async explain({ cardPoints, registeredPoints, policyVersion }: HoldRow): Promise<readonly InWords[]> {
    const { state } = await this.aggregates.load(policies, POLICY_ID);
    const values = state.versions.find((v) => v.version === policyVersion)?.values;
    if (!values) throw new Error(`the hold names policy version ${policyVersion}, which was never proposed`);
    const { ja, en } = explainScore(cardPoints, values);
    return [{ ja, en }, explainRegisteredScore(cardPoints, registeredPoints ?? 'none', values)];
  }
}

@QueryHandler(FindCase)
export class FindCaseHandler implements IQueryHandler<FindCase, RequestStatusRow | null> {
  constructor(
    private readonly rows: ReadModels,
    private readonly store: EventStore,
  ) {}

  async execute({ receipt }: FindCase): Promise<RequestStatusRow | null> {
    return byReceipt(this.rows, this.store, receipt);
  }
}

@QueryHandler(ReplayCase)
export class ReplayCaseHandler implements IQueryHandler<ReplayCase, readonly TimelineRow[]> {
  constructor(
    private readonly rows: ReadModels,
    private readonly store: EventStore,
  ) {}

  async execute({ requestId, atUtc }: ReplayCase): Promise<readonly TimelineRow[]> {
    if (!(await catchUp(this.rows, await this.store.head()))) throw new ReadSideBehindError();
    return this.rows.timeline(requestId, { atUtc });
  }
}

/** A booth asks right after its 202: where the row is not there yet, the read side first catches up with the log. */
async function byReceipt(rows: ReadModels, store: EventStore, receipt: string): Promise<RequestStatusRow | null> {
  const row = rows.requestByReceipt(receipt);
  if (row) return row;
  const complete = await catchUp(rows, await store.head());
  const later = rows.requestByReceipt(receipt);
  if (!later && !complete) throw new ReadSideBehindError();
  return later;
}

/** @returns false when the rows are still behind after the time limit */
async function catchUp(rows: ReadModels, head: Position | null): Promise<boolean> {
  return head === null || rows.caughtUpTo(head, CATCH_UP_LIMIT_MS);
}
