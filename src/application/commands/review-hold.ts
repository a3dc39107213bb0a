import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { OfficerOpinion, OpinionReason } from '../../domain/hold-review/hold-review.events.js';
import type { HoldReviewCommand, HoldReviewState } from '../../domain/hold-review/hold-review.js';
import type { HoldOutcome } from '../../domain/registration/registration.events.js';
import { holdReviews } from '../decisions/aggregates.js';
import { CurrentPolicy } from '../decisions/current-policy.js';
import { ok, refused, type Outcome } from '../decisions/outcome.js';
import { DecideAndAppend } from '../decisions/decide-and-append.js';

/** One officer's opinion on a hold, given without knowing the other's. `commandId` makes a repeated click harmless. */
export class GiveOpinion {
  constructor(
    readonly commandId: string,
    readonly requestId: string,
    readonly officer: string,
    readonly opinion: OfficerOpinion,
    readonly reason: OpinionReason,
  ) {}
}

/** Ends a hold after two opinions: as they say when they agree, by a third officer when they differ. */
export class ResolveHold {
  constructor(
    readonly commandId: string,
    readonly requestId: string,
    readonly officer: string,
    readonly outcome: Exclude<HoldOutcome, 'expired'>,
    readonly reason: OpinionReason,
  ) {}
}

@CommandHandler(GiveOpinion)
export class GiveOpinionHandler implements ICommandHandler<GiveOpinion, Outcome<HoldReviewState>> {
  constructor(
    private readonly aggregates: DecideAndAppend,
    private readonly policies: CurrentPolicy,
  ) {}

  execute({ commandId, requestId, officer, opinion, reason }: GiveOpinion): Promise<Outcome<HoldReviewState>> {
    return review(
      this.aggregates,
      this.policies,
      { commandId, requestId, officer },
      { type: 'GiveOpinion', officer, opinion, reason },
    );
  }
}

@CommandHandler(ResolveHold)
export class ResolveHoldHandler implements ICommandHandler<ResolveHold, Outcome<HoldReviewState>> {
  constructor(
    private readonly aggregates: DecideAndAppend,
    private readonly policies: CurrentPolicy,
  ) {}

  execute({ commandId, requestId, officer, outcome, reason }: ResolveHold): Promise<Outcome<HoldReviewState>> {
    return review(
      this.aggregates,
      this.policies,
      { commandId, requestId, officer },
      { type: 'ResolveHold', officer, outcome, reason },
    );
  }
}

async function review(
  aggregates: DecideAndAppend,
  policies: CurrentPolicy,
  { commandId, requestId, officer }: { commandId: string; requestId: string; officer: string },
  command: HoldReviewCommand,
): Promise<Outcome<HoldReviewState>> {
  const { version } = await policies.get();
  const result = await aggregates.execute(holdReviews, requestId, command, {
    commandId,
    actor: `officer:${officer}`,
    correlationId: requestId,
    causationId: commandId,
    policyVersion: version,
  });
  return result.outcome === 'refused' ? refused(result.refusal) : ok(result.state);
}
