import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { sagas } from '../decisions/aggregates.js';
import { ok, refused, type Outcome } from '../decisions/outcome.js';
import { DecideAndAppend } from '../decisions/decide-and-append.js';

/** An operator lets a stuck step run again, after whatever was in its way has been put right. */
export class ResumeEffect {
  constructor(
    readonly commandId: string,
    readonly requestId: string,
    readonly effectId: string,
    readonly by: string,
  ) {}
}

@CommandHandler(ResumeEffect)
export class ResumeEffectHandler implements ICommandHandler<ResumeEffect, Outcome<void>> {
  constructor(private readonly aggregates: DecideAndAppend) {}

  async execute({ commandId, requestId, effectId, by }: ResumeEffect): Promise<Outcome<void>> {
    const context = {
      commandId,
      actor: `officer:${by}`,
      correlationId: requestId,
      causationId: commandId,
      policyVersion: null,
    };
    const result = await this.aggregates.execute(sagas, requestId, { type: 'ResumeEffect', effectId, by }, context);
    return result.outcome === 'refused' ? refused(result.refusal) : ok(undefined);
  }
}
