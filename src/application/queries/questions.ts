import { Injectable } from '@nestjs/common';
import { QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import type { Position } from '../../domain/event-envelope.js';
import { visibleOpinions, type Opinion } from '../../domain/hold-review/hold-review.js';
import type { CardAgreement } from '../../domain/registration/card-agreement.js';
import { doubtsOfComparison, explainDoubts } from '../../domain/registration/explain-doubts.js';
import {
  ERASED_BEFORE_IN_WORDS,
  explainAgreement,
  explainRegisteredScore,
  explainScore,
  type InWords,
} from '../../domain/registration/explain-score.js';
import { holdReviews, policies, POLICY_ID, registrations } from '../decisions/aggregates.js';
import { OpinionNotes } from '../case/opinion-notes.js';
import { DecideAndAppend } from '../decisions/decide-and-append.js';
import { EventStore } from '../ports/store/event-store.js';
import { ReadModels, type HoldRow, type RequestStatusRow } from '../ports/store/read-models.js';

const CATCH_UP_LIMIT_MS = 2_000;

/** The rows are behind the log and stayed so: what is missing in them may exist. Said instead of "not found" or half a
 * history. */
export class ReadSideBehindError extends Error {
  constructor(message = `the read models did not catch up with the log within ${CATCH_UP_LIMIT_MS} ms`) {
    super(message);
  }
}

/** What a booth or the holder of a receipt may know. */
export class GetRequestStatus {
  constructor(readonly receipt: string) {}
}

/** An opinion with the words that were written beside it; null: none were, or they were erased with the person. */
export type ToldOpinion = Omit<Opinion, 'note'> & { readonly hasNote: boolean; readonly note: string | null };

export interface HoldDetail {
  readonly hold: HoldRow;
  /** Only the asking officer's own until both are in. */
  readonly opinions: readonly ToldOpinion[];
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

/** What people of the office ask about single cases. Whoever asks for them puts the look on record first
 * (commands/view-records). */
@Injectable()
export class CaseQuestions {
  constructor(
    private readonly rows: ReadModels,
    private readonly store: EventStore,
    private readonly aggregates: DecideAndAppend,
    private readonly notes: OpinionNotes,
  ) {}

  async byReceipt(receipt: string): Promise<RequestStatusRow | null> {
    return byReceipt(this.rows, this.store, receipt);
  }

  /** @param officer who asks: others' opinions are withheld while the review is blind */
  async hold(requestId: string, officer: string): Promise<HoldDetail | null> {
    const hold = this.rows.hold(requestId);
    if (!hold) return null;
    const { state } = await this.aggregates.load(holdReviews, requestId);
    const opinions: ToldOpinion[] = [];
    for (const { note, ...opinion } of visibleOpinions(state, officer)) {
      const words = note && (await this.notes.read(requestId, note));
      opinions.push({ ...opinion, hasNote: note !== null, note: words });
    }
    return {
      hold,
      opinions,
      explanation: [
        ...(await this.explain(hold)),
        ...(hold.reason === 'erased_before' ? [ERASED_BEFORE_IN_WORDS] : []),
        ...(await this.caution(requestId)),
      ],
    };
  }

  /** What the comparison found out about the pictures, and the certificate check about the card, where officers should
   * know. */
  private async caution(requestId: string): Promise<readonly InWords[]> {
    const { stored } = await this.aggregates.load(registrations, requestId);
    const agreement = stored.findLast(({ type }) => type === 'CertificateVerified')?.data['agreement'] as
      CardAgreement | undefined;
    const compared = stored.findLast(({ type }) => type === 'FaceMatched' || type === 'FaceReferred');
    return [
      explainDoubts(doubtsOfComparison(compared?.data ?? {})),
      agreement ? explainAgreement(agreement) : null,
    ].filter((words) => words !== null);
  }

  private async explain({ reason, cardPoints, registeredPoints, policyVersion }: HoldRow): Promise<readonly InWords[]> {
    const { state } = await this.aggregates.load(policies, POLICY_ID);
    const values = state.versions.find((v) => v.version === policyVersion)?.values;
    if (!values) throw new Error(`the hold names policy version ${policyVersion}, which was never proposed`);
    // Pictures that are in doubt are held whatever the policy does with the band as such.
    const { ja, en } = explainScore(cardPoints, {
      ...values,
      holdInReferralBand: values.holdInReferralBand || reason === 'referral_band',
    });
    return [{ ja, en }, explainRegisteredScore(cardPoints, registeredPoints ?? 'none', values)];
  }
}

/** A booth asks right after its 202: where the row is not there yet, the read side first catches up with the log. */
async function byReceipt(rows: ReadModels, store: EventStore, receipt: string): Promise<RequestStatusRow | null> {
  const row = rows.requestByReceipt(receipt);
  if (row) return row;
  const complete = await caughtUp(rows, await store.head());
  const later = rows.requestByReceipt(receipt);
  if (!later && !complete) throw new ReadSideBehindError();
  return later;
}

/** @returns false when the rows are still behind after the time limit */
export async function caughtUp(rows: ReadModels, head: Position | null): Promise<boolean> {
  return head === null || rows.caughtUpTo(head, CATCH_UP_LIMIT_MS);
}
