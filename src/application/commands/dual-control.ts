import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { DualActState } from '../../domain/dual-control/dual-act.js';
import type { ActReason, DualAct } from '../../domain/dual-control/dual-act.events.js';
import type { Tombstone } from '../../domain/registrant/registrant.events.js';
import { dualActs } from '../decisions/aggregates.js';
import { CurrentPolicy } from '../decisions/current-policy.js';
import { correlationOf, DualActs } from '../dual-acts.js';
import { derivedId } from '../decisions/ids.js';
import { ok, refused, type Outcome } from '../decisions/outcome.js';
import { DecideAndAppend } from '../decisions/decide-and-append.js';

/** An act as people are told of it. */
export interface ToldAct {
  readonly actId: string;
  readonly state: Exclude<DualActState, { stage: 'none' }>;
  /** Of an erasure that was carried out: what stays. */
  readonly tombstone: Tombstone | null;
}

/** One person asks for what one person alone may not do. */
export class ProposeAct {
  constructor(
    readonly commandId: string,
    readonly proposal: DualAct,
    readonly reason: ActReason,
    /** The number of an order, a ticket or a file. */
    readonly reference: string,
    readonly by: string,
  ) {}
}

/** Another person agrees. It is carried out at once where the policy has no waiting time. */
export class ApproveAct {
  constructor(
    readonly commandId: string,
    readonly actId: string,
    readonly by: string,
  ) {}
}

/** Anybody with the role says no, the proposer too, until it is begun. */
export class DeclineAct {
  constructor(
    readonly commandId: string,
    readonly actId: string,
    readonly by: string,
  ) {}
}

@CommandHandler(ProposeAct)
export class ProposeActHandler implements ICommandHandler<ProposeAct, Outcome<ToldAct>> {
  constructor(
    private readonly aggregates: DecideAndAppend,
    private readonly acts: DualActs,
  ) {}

  async execute({ commandId, proposal, reason, reference, by }: ProposeAct): Promise<Outcome<ToldAct>> {
    const actId = derivedId('act', commandId);
    const { stored } = await this.aggregates.load(dualActs, actId);
    // Not asked again of a repetition: by then it may have been carried out.
    const refusal = stored.length > 0 ? null : await this.acts.refusalNow(proposal, by);
    if (refusal) return refused(refusal);
    const context = {
      commandId,
      actor: `officer:${by}`,
      correlationId: correlationOf(proposal),
      causationId: commandId,
      policyVersion: null,
    };
    const result = await this.aggregates.execute(
      dualActs,
      actId,
      { type: 'ProposeAct', proposal, reason, reference, by },
      context,
    );
    return told(
      actId,
      result.outcome === 'refused' ? result.refusal : null,
      result.state,
      await this.acts.tombstone(result.state),
    );
  }
}

@CommandHandler(ApproveAct)
export class ApproveActHandler implements ICommandHandler<ApproveAct, Outcome<ToldAct>> {
  constructor(
    private readonly aggregates: DecideAndAppend,
    private readonly policies: CurrentPolicy,
    private readonly acts: DualActs,
  ) {}

  async execute({ commandId, actId, by }: ApproveAct): Promise<Outcome<ToldAct>> {
    const { state } = await this.aggregates.load(dualActs, actId);
    if (state.stage === 'none') return refused({ code: 'act_unknown' });
    const policy = await this.policies.get();
    const nowUtc = this.aggregates.nowUtc();
    const command = { type: 'ApproveAct', by, nowUtc, waitMinutes: policy.values.dualControlWaitMinutes } as const;
    const context = {
      commandId,
      actor: `officer:${by}`,
      correlationId: correlationOf(state.proposal),
      causationId: commandId,
      policyVersion: policy.version,
      decidedAtUtc: nowUtc,
    };
    const result = await this.aggregates.execute(dualActs, actId, command, context);
    if (result.outcome === 'refused') return refused(result.refusal);
    const done = await this.acts.carryOut(actId);
    return told(actId, null, done, await this.acts.tombstone(done));
  }
}

@CommandHandler(DeclineAct)
export class DeclineActHandler implements ICommandHandler<DeclineAct, Outcome<ToldAct>> {
  constructor(private readonly aggregates: DecideAndAppend) {}

  async execute({ commandId, actId, by }: DeclineAct): Promise<Outcome<ToldAct>> {
    const { state } = await this.aggregates.load(dualActs, actId);
    if (state.stage === 'none') return refused({ code: 'act_unknown' });
    const context = {
      commandId,
      actor: `officer:${by}`,
      correlationId: correlationOf(state.proposal),
      causationId: commandId,
      policyVersion: null,
    };
    const result = await this.aggregates.execute(dualActs, actId, { type: 'DeclineAct', by }, context);
    return told(actId, result.outcome === 'refused' ? result.refusal : null, result.state, null);
  }
}

function told(
  actId: string,
  refusal: Parameters<typeof refused>[0] | null,
  state: DualActState,
  tombstone: Tombstone | null,
): Outcome<ToldAct> {
  if (refusal) return refused(refusal);
  return state.stage === 'none' ? refused({ code: 'act_unknown' }) : ok({ actId, state, tombstone });
}
