import { QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import type { PolicyState } from '../../domain/policy/policy.js';
import { policies, POLICY_ID } from '../decisions/aggregates.js';
import { DecideAndAppend } from '../decisions/decide-and-append.js';

/** Every version of the policy that was ever proposed, and which one is in force. */
export class ListPolicies {}

@QueryHandler(ListPolicies)
export class ListPoliciesHandler implements IQueryHandler<ListPolicies, PolicyState> {
  constructor(private readonly aggregates: DecideAndAppend) {}

  async execute(): Promise<PolicyState> {
    return (await this.aggregates.load(policies, POLICY_ID)).state;
  }
}
