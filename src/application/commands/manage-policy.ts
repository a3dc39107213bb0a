import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { PolicyCommand, PolicyState } from '../../domain/policy/policy.js';
import type { PolicyValues } from '../../domain/policy/policy.events.js';
import { policies, POLICY_ID } from '../aggregates.js';
import { ok, refused, type Outcome } from '../outcome.js';
import { DecideAndAppend } from './decide-and-append.js';

export class ProposePolicy {
  constructor(
    readonly commandId: string,
    readonly values: PolicyValues,
    readonly by: string,
  ) {}
}

/** Another person than the proposer approves. */
export class ApprovePolicy {
  constructor(
    readonly commandId: string,
    readonly version: number,
    readonly by: string,
  ) {}
}

export class ActivatePolicy {
  constructor(
    readonly commandId: string,
    readonly version: number,
    readonly by: string,
  ) {}
}

@CommandHandler(ProposePolicy)
export class ProposePolicyHandler implements ICommandHandler<ProposePolicy, Outcome<PolicyState>> {
  constructor(private readonly aggregates: DecideAndAppend) {}
  execute({ commandId, values, by }: ProposePolicy): Promise<Outcome<PolicyState>> {
    return manage(this.aggregates, commandId, by, { type: 'ProposePolicy', values, by });
  }
}

@CommandHandler(ApprovePolicy)
export class ApprovePolicyHandler implements ICommandHandler<ApprovePolicy, Outcome<PolicyState>> {
  constructor(private readonly aggregates: DecideAndAppend) {}
  execute({ commandId, version, by }: ApprovePolicy): Promise<Outcome<PolicyState>> {
    return manage(this.aggregates, commandId, by, { type: 'ApprovePolicy', version, by });
  }
}

@CommandHandler(ActivatePolicy)
export class ActivatePolicyHandler implements ICommandHandler<ActivatePolicy, Outcome<PolicyState>> {
  constructor(private readonly aggregates: DecideAndAppend) {}
  execute({ commandId, version, by }: ActivatePolicy): Promise<Outcome<PolicyState>> {
    return manage(this.aggregates, commandId, by, { type: 'ActivatePolicy', version, by });
  }
}

async function manage(aggregates: DecideAndAppend, commandId: string, by: string, command: PolicyCommand): Promise<Outcome<PolicyState>> {
  const result = await aggregates.execute(policies, POLICY_ID, command, { commandId, actor: `officer:${by}`, correlationId: commandId, causationId: commandId, policyVersion: null });
  return result.outcome === 'refused' ? refused(result.refusal) : ok(result.state);
}
