import { Injectable } from '@nestjs/common';
import type { PolicyValues } from '../domain/policy/policy.events.js';
import { booths } from './decisions/aggregates.js';
import { DecideAndAppend } from './decisions/decide-and-append.js';
import { CurrentPolicy } from './decisions/current-policy.js';
import { derivedId } from './decisions/ids.js';

const BOOTSTRAP = 'system:bootstrap';

/** What the operator's files say for the very first start; afterwards people propose and approve. */
export abstract class FirstStartValues {
  /** null: the shipped default. */
  abstract readonly policy: PolicyValues | null;
  abstract readonly booths: readonly { readonly boothId: string; readonly publicKey: string }[];
}

/** Everything that is stored without two people having agreed to it, once. The policy comes last: it tells that this
 * has been done. */
@Injectable()
export class FirstStart {
  constructor(
    private readonly aggregates: DecideAndAppend,
    private readonly policies: CurrentPolicy,
    private readonly values: FirstStartValues,
  ) {}

  async run(): Promise<void> {
    if (await this.policies.exists()) return;
    for (const { boothId, publicKey } of this.values.booths) await this.enrol(boothId, publicKey);
    await this.policies.ensureDefault(this.values.policy ?? undefined);
  }

  private async enrol(boothId: string, publicKey: string): Promise<void> {
    const commandId = derivedId('first-booth', boothId);
    const context = {
      commandId,
      actor: BOOTSTRAP,
      correlationId: boothId,
      causationId: commandId,
      policyVersion: null,
    };
    const result = await this.aggregates.execute(
      booths,
      boothId,
      { type: 'EnrolBooth', boothId, publicKey, by: BOOTSTRAP },
      context,
    );
    if (result.outcome === 'refused') throw new Error(`booth ${boothId} was refused: ${result.refusal.code}`);
  }
}
