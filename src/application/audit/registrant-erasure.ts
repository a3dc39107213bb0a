import { Injectable } from '@nestjs/common';
import type { StoredEvent } from '../../domain/event-envelope.js';
import { registrantOf } from '../../domain/audit/leaf.js';
import { registrants } from '../aggregates.js';
import { registrantOwner } from '../case-material.js';
import { DecideAndAppend } from '../commands/decide-and-append.js';
import { AuditLog } from '../ports/audit-log.js';
import { ImageVault } from '../ports/image-vault.js';
import { TransientFailure, type SubscriptionHandler } from '../subscriptions/subscription-handler.js';

/** Carries an erasure out: destroys the registrant's key and with it every image, all sealed evidence and the salt that ties the tokens
 *  in the audit log to the person. Runs on the subscription runner, so that an erasure that was stored is carried out whatever fails. */
@Injectable()
export class RegistrantErasure implements SubscriptionHandler {
  /** Name of the consumer: data, never renamed. */
  readonly name = 'registrant-erasure';
  readonly types = ['RegistrantErased'] as const;

  constructor(
    private readonly aggregates: DecideAndAppend,
    private readonly vault: ImageVault,
    private readonly log: AuditLog,
  ) {}

  async handle(events: readonly StoredEvent[]): Promise<void> {
    for (const event of events) await this.erase(event);
  }

  private async erase({ stream, position }: StoredEvent): Promise<void> {
    const key = registrantOf(stream) as string;
    // The erasure itself must be in the signed log under the same token as the history before it; after that the salt may go.
    if (this.log.indexOf(position) === null) throw new TransientFailure('the erasure is not in the audit log yet');
    const { state } = await this.aggregates.load(registrants, key);
    if (state.erased) return this.vault.destroyOwner(registrantOwner(key));
    // The person came back and agreed anew before this ran: only what was there before the erasure goes.
    for (const image of state.images.filter((i) => i.status === 'withdrawn')) await this.vault.remove(registrantOwner(key), image.imageId);
  }
}
