import { Injectable } from '@nestjs/common';
import { reasonsFor, type OpinionNote } from '../../domain/hold-review/hold-review.events.js';
import {
  opinionOf,
  visibleOpinions,
  type HoldReviewCommand,
  type HoldReviewState,
} from '../../domain/hold-review/hold-review.js';
import { isSamePerson } from '../../domain/values/staff-name.js';
import { OfficerLooks } from '../access/officer-looks.js';
import { OpinionNotes } from '../case/opinion-notes.js';
import { holdReviews } from '../decisions/aggregates.js';
import { CurrentPolicy } from '../decisions/current-policy.js';
import { DecideAndAppend } from '../decisions/decide-and-append.js';
import { ok, refused, type Outcome } from '../decisions/outcome.js';

interface Review {
  readonly commandId: string;
  readonly requestId: string;
  readonly officer: string;
}
type Judgement = Extract<HoldReviewCommand, { type: 'GiveOpinion' | 'ResolveHold' }>;

/** Carries out what officers decide at a hold. */
@Injectable()
export class ReviewDesk {
  constructor(
    private readonly aggregates: DecideAndAppend,
    private readonly policies: CurrentPolicy,
    private readonly looks: OfficerLooks,
    private readonly notes: OpinionNotes,
  ) {}

  async judge(review: Review & { readonly note: string | null }, asked: Judgement): Promise<Outcome<HoldReviewState>> {
    const { requestId, officer, commandId } = review;
    const opinion = asked.type === 'GiveOpinion' ? asked.opinion : opinionOf(asked.outcome);
    const reasons = reasonsFor(opinion);
    if (!reasons.includes(asked.reason)) return refused({ code: 'opinion_contradicts_reason', data: { reasons } });
    const seen = await this.looks.seenBy(requestId, officer);
    const note = review.note === null ? null : await this.noteOf(requestId, commandId, asked, review.note);
    const result = await this.carryOut(review, { ...asked, seen, note });
    if ('refused' in result && note !== null) await this.notes.remove(requestId, note);
    return result;
  }

  /** Nothing is sealed for an opinion that cannot be taken; one that was taken before is found by its command id. */
  private async noteOf(
    requestId: string,
    commandId: string,
    asked: Judgement,
    words: string,
  ): Promise<OpinionNote | null> {
    const { state } = await this.aggregates.load(holdReviews, requestId);
    const isHopeless = 'refused' in holdReviews.decider.decide(state, asked);
    return isHopeless ? null : this.notes.seal(requestId, commandId, words);
  }

  async withdraw(review: Review): Promise<Outcome<HoldReviewState>> {
    const { state } = await this.aggregates.load(holdReviews, review.requestId);
    const own = visibleOpinions(state, review.officer).find(({ officer }) => isSamePerson(officer, review.officer));
    const result = await this.carryOut(review, { type: 'WithdrawOpinion', officer: review.officer });
    if ('ok' in result && own?.note) await this.notes.remove(review.requestId, own.note);
    return result;
  }

  private async carryOut(
    { commandId, requestId, officer }: Review,
    command: HoldReviewCommand,
  ): Promise<Outcome<HoldReviewState>> {
    const { version } = await this.policies.get();
    const result = await this.aggregates.execute(holdReviews, requestId, command, {
      commandId,
      actor: `officer:${officer}`,
      correlationId: requestId,
      causationId: commandId,
      policyVersion: version,
    });
    return result.outcome === 'refused' ? refused(result.refusal) : ok(result.state);
  }
}
