import { Injectable } from '@nestjs/common';
import type { DomainEvent } from '../domain/decider.js';
import { isDue, type DualActState } from '../domain/dual-control/dual-act.js';
import type { DualAct } from '../domain/dual-control/dual-act.events.js';
import { tombstoneOf, type RegistrantState } from '../domain/registrant/registrant.js';
import type { Tombstone } from '../domain/registrant/registrant.events.js';
import type { Refusal } from '../domain/refusal.js';
import { LOCKOUT_CORRELATION } from './access/lockouts.js';
import {
  booths,
  consumers,
  dualActs,
  lockouts,
  registrants,
  registrations,
  STAFF_ID,
  type Aggregate,
} from './decisions/aggregates.js';
import { DecideAndAppend, type CommandContext } from './decisions/decide-and-append.js';
import { CurrentPolicy } from './decisions/current-policy.js';
import { derivedId } from './decisions/ids.js';
import { Clock } from './ports/store/clock.js';
import { RegistrantGroup } from './case/registrant-group.js';
import { Consumers } from './subscriptions/consumers.js';

/** What an act does: one command to one aggregate. */
interface Target {
  readonly aggregate: Aggregate<unknown, unknown, DomainEvent>;
  readonly id: string;
  readonly command: unknown;
  /** The policy and the instant that the command reckons with, where it does. */
  readonly reckonedWith?: Pick<CommandContext, 'policyVersion' | 'decidedAtUtc'>;
}

/** Carries out what two people agreed to. */
@Injectable()
export class DualActs {
  constructor(
    private readonly aggregates: DecideAndAppend,
    private readonly group: RegistrantGroup,
    private readonly clock: Clock,
    private readonly policies: CurrentPolicy,
    private readonly consumers: Consumers,
  ) {}

  /** Why it could not be carried out now, or null: nobody is asked to agree to what is refused anyway. */
  async refusalNow(proposal: DualAct, by: string): Promise<Refusal | null> {
    const target = await this.targetOf(proposal, by);
    if ('code' in target) return target;
    const { state } = await this.aggregates.load(target.aggregate, target.id);
    if (proposal.act === 'erase_registrant' && (state as RegistrantState).tombstone !== null)
      return { code: 'registrant_erased' };
    const decision = target.aggregate.decider.decide(state, target.command);
    return 'refused' in decision ? decision.refused : null;
  }

  /** Carries an act out if its time has come. Begun and carried out are two events: from the first on nobody can
   * decline it, and whoever finds it begun goes on, with commands that have the same ids.
   * @returns its newest state */
  async carryOut(actId: string): Promise<DualActState> {
    const { state, stored } = await this.aggregates.load(dualActs, actId);
    const isBegun = state.stage === 'begun';
    if (!isBegun && !isDue(state, this.clock.nowUtc())) return state;
    if (state.stage === 'none') return state;
    const { proposal, proposedBy } = state;
    const approved = stored.find(({ type }) => type === 'ActApproved');
    const context = (step: string) => ({
      commandId: derivedId('act', actId, step),
      actor: `officer:${proposedBy}`,
      correlationId: correlationOf(proposal),
      causationId: approved?.id ?? actId,
      policyVersion: null,
    });
    const began = await this.record(actId, { type: 'BeginAct', nowUtc: this.clock.nowUtc() }, context('begin'));
    // Declined, or carried out, in between.
    if (began.stage !== 'begun') return began;
    const refusal = await this.perform(proposal, proposedBy, context('carry-out'));
    return this.record(actId, { type: 'RecordActCarriedOut', refusal }, context('end'));
  }

  /** What stays of a person who was erased: part of the answer to those who carried it out. Null for other acts, and
   * until it is carried out. */
  async tombstone(state: DualActState): Promise<Tombstone | null> {
    if (state.stage !== 'carried_out' || state.proposal.act !== 'erase_registrant') return null;
    const { state: request } = await this.aggregates.load(registrations, state.proposal.requestId);
    const subjectKey = 'subjectKey' in request ? request.subjectKey : null;
    if (subjectKey === null) return null;
    return (await this.aggregates.load(registrants, await this.group.registrantOf(subjectKey))).state.tombstone;
  }

  private async record(
    actId: string,
    command: Parameters<typeof dualActs.decider.decide>[1],
    context: Parameters<DecideAndAppend['execute']>[3],
  ): Promise<DualActState> {
    // Parts of the system act here: no person does anything at this moment.
    return (await this.aggregates.execute(dualActs, actId, command, { ...context, actor: 'system:dual-acts' })).state;
  }

  private async perform(
    proposal: DualAct,
    by: string,
    context: Parameters<DecideAndAppend['execute']>[3],
  ): Promise<Refusal['code'] | null> {
    const target = await this.targetOf(proposal, by);
    if ('code' in target) return target.code;
    const result = await this.aggregates.execute(target.aggregate, target.id, target.command, {
      ...context,
      ...target.reckonedWith,
    });
    if (result.outcome === 'refused') return result.refusal.code;
    if (proposal.act === 'skip_event') await this.consumers.goPast(proposal.consumer, proposal.eventId);
    return null;
  }

  private async targetOf(proposal: DualAct, by: string): Promise<Target | Refusal> {
    switch (proposal.act) {
      case 'enrol_booth':
        return target(booths, proposal.boothId, {
          type: 'EnrolBooth',
          boothId: proposal.boothId,
          publicKey: proposal.publicKey,
          by,
        });
      case 'rotate_booth_key':
        return target(booths, proposal.boothId, { type: 'RotateBoothKey', publicKey: proposal.publicKey, by });
      case 'resume_booth':
        return target(booths, proposal.boothId, { type: 'ResumeBooth', by });
      case 'erase_registrant':
        return this.erasure(proposal, by);
      case 'skip_event':
        return this.skip(proposal, by);
      case 'readmit_person':
        return target(lockouts, STAFF_ID, { type: 'Readmit', subject: proposal.subject, by });
    }
  }

  private async skip(
    { consumer, eventId }: Extract<DualAct, { act: 'skip_event' }>,
    by: string,
  ): Promise<Target | Refusal> {
    if (!this.consumers.has(consumer)) return { code: 'consumer_unknown' };
    if (!this.consumers.maySkip(consumer)) return { code: 'event_not_skippable' };
    // Agreed to and stored already: what is left is to go past it.
    const isAgreed = await this.consumers.isSkipped(consumer, eventId);
    if (!isAgreed && (await this.consumers.troubleAt(consumer, eventId)) === null) return { code: 'event_not_waiting' };
    return target(consumers, consumer, { type: 'SkipEvent', eventId, by });
  }

  private async erasure(
    { requestId, rule }: Extract<DualAct, { act: 'erase_registrant' }>,
    by: string,
  ): Promise<Target | Refusal> {
    const { state } = await this.aggregates.load(registrations, requestId);
    const subjectKey = state.stage !== 'none' && 'subjectKey' in state ? state.subjectKey : null;
    if (subjectKey === null) return { code: 'not_found' };
    // A request that is still being worked on needs the registrant's images; erasing under it would leave it hanging.
    if (state.stage !== 'closed')
      return { code: 'wrong_stage', data: { stage: state.stage, command: 'EraseRegistrant' } };
    // The person, not the certificate that the request came with: the other keys follow (RegistrantErasure).
    const [registrant, policy, nowUtc] = [
      await this.group.registrantOf(subjectKey),
      await this.policies.get(),
      this.clock.nowUtc(),
    ];
    const tombstone = tombstoneOf(policy.values.erasedBeforeDays, nowUtc);
    return {
      ...target(registrants, registrant, { type: 'EraseRegistrant', rule, by, tombstone }),
      reckonedWith: { policyVersion: policy.version, decidedAtUtc: nowUtc },
    };
  }
}

/** What the events of an act belong to: the case of the person who is erased, the booth, an event that is skipped, or
 * lock-outs. */
export function correlationOf(proposal: DualAct): string {
  if (proposal.act === 'skip_event') return derivedId('skip', proposal.consumer, proposal.eventId);
  if (proposal.act === 'readmit_person') return LOCKOUT_CORRELATION;
  return proposal.act === 'erase_registrant' ? proposal.requestId : proposal.boothId;
}

function target<S, C, E extends DomainEvent>(aggregate: Aggregate<S, C, E>, id: string, command: C): Target {
  return { aggregate: aggregate as unknown as Target['aggregate'], id, command };
}
