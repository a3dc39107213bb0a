import { Injectable } from '@nestjs/common';
import type { StoredEvent } from '../../domain/event-envelope.js';
import { registrations } from '../decisions/aggregates.js';
import { evidenceOwner } from '../case/case-material.js';
import { DecideAndAppend } from '../decisions/decide-and-append.js';
import { CurrentPolicy } from '../decisions/current-policy.js';
import { derivedId } from '../decisions/ids.js';
import { ImageVault } from '../ports/registrant/image-vault.js';
import { TransientFailure, type SubscriptionHandler } from '../subscriptions/subscription-handler.js';

const ACTOR = 'system:evidence-retention';

/** Gives the sealed evidence that no registrant owns its end. A consumer of its own, because it reads the log from the
 * first event on: a case that was refused before there was a retention gets one like any other. What it says is an
 * event, and the saga does the rest.
 * @req R19 */
@Injectable()
export class EvidenceRetention implements SubscriptionHandler {
  /** Name of the consumer: data, never renamed. */
  readonly name = 'evidence-retention';
  /** Each case comes to exactly one of these first, and by then it is known who owns what was sealed. */
  readonly types = [
    'CertificateRejected',
    'CertificateVerified',
    'RegistrationWithdrawn',
    'RequestEndedByOperator',
  ] as const;

  constructor(
    private readonly aggregates: DecideAndAppend,
    private readonly policies: CurrentPolicy,
    private readonly vault: ImageVault,
  ) {}

  async handle(events: readonly StoredEvent[]): Promise<void> {
    const isKept = ({ type, data }: StoredEvent) => type === 'CertificateRejected' && data['sealedEvidenceId'] !== null;
    for (const event of events.filter(isKept)) await this.retain(event);
    // Together, because the vault destroys many keys in one durable step, and a long history has many.
    const isOrphan = ({ type, data }: StoredEvent) =>
      type !== 'RequestEndedByOperator' || data['earlierOutcome'] === null;
    await Promise.all(events.filter((event) => !isKept(event) && isOrphan(event)).map((event) => this.clear(event)));
  }

  private async retain({ id, metadata: { correlationId: requestId, recordedAtUtc } }: StoredEvent): Promise<void> {
    const policy = await this.policies.get();
    const context = {
      commandId: derivedId(id, 'retention'),
      actor: ACTOR,
      correlationId: requestId,
      causationId: id,
      policyVersion: policy.version,
    };
    const result = await this.aggregates.execute(
      registrations,
      requestId,
      { type: 'RetainRefusedEvidence', refusedAtUtc: recordedAtUtc, policy },
      context,
    );
    if (result.outcome === 'refused')
      throw new Error(`the evidence of ${requestId} got no retention: ${result.refusal.code}`);
  }

  /** No event names evidence of this case that is not the registrant's. A check that died between its seal and its
   * event, and came to another verdict when it was made again, may have left some all the same. */
  private async clear({ metadata: { correlationId } }: StoredEvent): Promise<void> {
    await this.vault.destroyOwner(evidenceOwner(correlationId)).catch((cause: unknown) => {
      throw new TransientFailure('the vault did not destroy evidence that nobody owns', { cause });
    });
  }
}
