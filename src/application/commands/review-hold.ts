import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { OfficerOpinion, OpinionReason } from '../../domain/hold-review/hold-review.events.js';
import type { HoldReviewState } from '../../domain/hold-review/hold-review.js';
import type { HoldOutcome } from '../../domain/registration/registration.events.js';
import type { Outcome } from '../decisions/outcome.js';
import { ReviewDesk } from './review-desk.js';

/** One officer's opinion on a hold, given without knowing the other's. `commandId` makes a repeated click harmless. */
export class GiveOpinion {
  constructor(
    readonly commandId: string,
    readonly requestId: string,
    readonly officer: string,
    readonly opinion: OfficerOpinion,
    readonly reason: OpinionReason,
    /** Words of the officer, or null. */
    readonly note: string | null = null,
  ) {}
}

/** An officer takes the own opinion back, until the second one is in. */
export class WithdrawOpinion {
  constructor(
    readonly commandId: string,
    readonly requestId: string,
    readonly officer: string,
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
    readonly note: string | null = null,
  ) {}
}

@CommandHandler(GiveOpinion)
export class GiveOpinionHandler implements ICommandHandler<GiveOpinion, Outcome<HoldReviewState>> {
  constructor(private readonly desk: ReviewDesk) {}

  execute({ commandId, requestId, officer, opinion, reason, note }: GiveOpinion): Promise<Outcome<HoldReviewState>> {
    return this.desk.judge({ commandId, requestId, officer, note }, { type: 'GiveOpinion', officer, opinion, reason });
  }
}

@CommandHandler(WithdrawOpinion)
export class WithdrawOpinionHandler implements ICommandHandler<WithdrawOpinion, Outcome<HoldReviewState>> {
  constructor(private readonly desk: ReviewDesk) {}

  execute({ commandId, requestId, officer }: WithdrawOpinion): Promise<Outcome<HoldReviewState>> {
    return this.desk.withdraw({ commandId, requestId, officer });
  }
}

@CommandHandler(ResolveHold)
export class ResolveHoldHandler implements ICommandHandler<ResolveHold, Outcome<HoldReviewState>> {
  constructor(private readonly desk: ReviewDesk) {}

  execute({ commandId, requestId, officer, outcome, reason, note }: ResolveHold): Promise<Outcome<HoldReviewState>> {
    return this.desk.judge({ commandId, requestId, officer, note }, { type: 'ResolveHold', officer, outcome, reason });
  }
}
