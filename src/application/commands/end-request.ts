import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { EndReason } from '../../domain/registration/registration.events.js';
import { stuckSteps } from '../../domain/saga/registration.saga.js';
import { registrations, sagas } from '../decisions/aggregates.js';
import { ok, refused, type Outcome } from '../decisions/outcome.js';
import { DecideAndAppend } from '../decisions/decide-and-append.js';

/** An operator ends a case that can never go on: its material is not what was received or is gone, or a step of it
 * waits for an operator. */
export class EndRequest {
  constructor(
    readonly commandId: string,
    readonly requestId: string,
    readonly reason: EndReason,
    /** The number of an incident, a ticket, a file. */
    readonly reference: string,
    readonly by: string,
  ) {}
}

@CommandHandler(EndRequest)
export class EndRequestHandler implements ICommandHandler<EndRequest, Outcome<void>> {
  constructor(private readonly aggregates: DecideAndAppend) {}

  async execute({ commandId, requestId, reason, reference, by }: EndRequest): Promise<Outcome<void>> {
    const { state } = await this.aggregates.load(sagas, requestId);
    const stuckEffectId = stuckSteps(state.pending)[0]?.effectId ?? null;
    const context = {
      commandId,
      actor: `officer:${by}`,
      correlationId: requestId,
      causationId: commandId,
      policyVersion: null,
    };
    const result = await this.aggregates.execute(
      registrations,
      requestId,
      { type: 'EndByOperator', reason, reference, by, stuckEffectId },
      context,
    );
    return result.outcome === 'refused' ? refused(result.refusal) : ok(undefined);
  }
}
