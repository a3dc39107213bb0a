import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { RegistrantCommand } from '../../domain/registrant/registrant.js';
import { registrants, registrations } from '../aggregates.js';
import { ok, refused, type Outcome } from '../outcome.js';
import { RegistrantGroup } from '../registrant-group.js';
import { DecideAndAppend } from './decide-and-append.js';

export type ErasureRule = Extract<RegistrantCommand, { type: 'EraseRegistrant' }>['rule'];
export const ERASURE_RULES = ['consent_withdrawn', 'retention_limit', 'request_of_the_person'] as const satisfies readonly ErasureRule[];

/** Erases the registrant to whom a request led: images, sealed evidence and the link from the audit log to the person. The history stays.
 *  @req R19 */
export class EraseRegistrant {
  constructor(
    readonly commandId: string,
    readonly requestId: string,
    readonly rule: ErasureRule,
    readonly by: string,
  ) {}
}

@CommandHandler(EraseRegistrant)
export class EraseRegistrantHandler implements ICommandHandler<EraseRegistrant, Outcome<{ readonly erased: 'now' | 'before' }>> {
  constructor(
    private readonly aggregates: DecideAndAppend,
    private readonly group: RegistrantGroup,
  ) {}

  async execute({ commandId, requestId, rule, by }: EraseRegistrant): Promise<Outcome<{ readonly erased: 'now' | 'before' }>> {
    const { state } = await this.aggregates.load(registrations, requestId);
    const subjectKey = state.stage !== 'none' && 'subjectKey' in state ? state.subjectKey : null;
    if (subjectKey === null) return refused({ code: 'not_found' });
    // A request that is still being worked on needs the registrant's images; erasing under it would leave it hanging.
    if (state.stage !== 'closed') return refused({ code: 'wrong_stage', data: { stage: state.stage, command: 'EraseRegistrant' } });
    // The person, not the certificate that the request came with: the other keys follow (RegistrantErasure).
    const result = await this.aggregates.execute(registrants, await this.group.registrantOf(subjectKey), { type: 'EraseRegistrant', rule, by }, { commandId, actor: `officer:${by}`, correlationId: requestId, causationId: commandId, policyVersion: null });
    return result.outcome === 'refused' ? refused(result.refusal) : ok({ erased: result.events > 0 ? 'now' : 'before' });
  }
}
