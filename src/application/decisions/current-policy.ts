import { Injectable } from '@nestjs/common';
import { activePolicy, DEFAULT_POLICY, type ActivePolicy } from '../../domain/policy/policy.js';
import type { PolicyValues } from '../../domain/policy/policy.events.js';
import { olderThanShipped, type OlderPolicy } from '../../domain/policy/shipped-default.js';
import { policies, POLICY_ID } from './aggregates.js';
import { DecideAndAppend } from './decide-and-append.js';
import { derivedId } from './ids.js';

const BOOTSTRAP = 'system:bootstrap';

/** The policy in force, read from its events at every use: a new policy counts from the moment it is stored. */
@Injectable()
export class CurrentPolicy {
  constructor(private readonly aggregates: DecideAndAppend) {}

  /** @throws when there is no policy yet, which only happens before the first start has finished. */
  async get(): Promise<ActivePolicy> {
    const { state } = await this.aggregates.load(policies, POLICY_ID);
    const policy = activePolicy(state);
    if (!policy) throw new Error('there is no active policy: the server has not finished its first start');
    return policy;
  }

  /** False before the first start has finished. */
  async exists(): Promise<boolean> {
    return (await this.aggregates.load(policies, POLICY_ID)).state.active !== null;
  }

  /** What the default of this program asks for and the policy in force does not, or null. */
  async olderThanShipped(): Promise<OlderPolicy | null> {
    return olderThanShipped((await this.aggregates.load(policies, POLICY_ID)).state);
  }

  /** Appends the default policy at the first start, and changes nothing ever after. */
  async ensureDefault(values: PolicyValues = DEFAULT_POLICY): Promise<void> {
    const { state } = await this.aggregates.load(policies, POLICY_ID);
    if (state.active !== null) return;
    const steps = [
      { type: 'ProposePolicy', values, by: BOOTSTRAP },
      { type: 'ApprovePolicy', version: 1, by: BOOTSTRAP },
      { type: 'ActivatePolicy', version: 1, by: BOOTSTRAP },
    ] as const;
    for (const command of steps) {
      const commandId = derivedId('default-policy', command.type);
      const result = await this.aggregates.execute(policies, POLICY_ID, command, {
        commandId,
        actor: BOOTSTRAP,
        correlationId: commandId,
        causationId: commandId,
        policyVersion: null,
      });
      if (result.outcome === 'refused')
        throw new Error(`the default policy was refused: ${JSON.stringify(result.refusal)}`);
    }
  }
}
