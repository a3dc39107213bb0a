import { Injectable } from '@nestjs/common';
import type { StoredEvent } from '../../domain/event-envelope.js';
import { registrantOf } from '../../domain/audit/log/leaf.js';
import type { RegistrantEvent } from '../../domain/registrant/registrant.events.js';
import { registrants } from '../decisions/aggregates.js';
import { caseOwner, registrantOwner } from '../case/case-material.js';
import { DecideAndAppend } from '../decisions/decide-and-append.js';
import { derivedId } from '../decisions/ids.js';
import { AuditLog } from '../ports/audit/audit-log.js';
import { ImageVault, type LastingErasure } from '../ports/registrant/image-vault.js';
import { ReadModels } from '../ports/store/read-models.js';
import { isOfStorage } from '../ports/store/storage-trouble.js';
import { SubjectKeys } from '../ports/registrant/subject-keys.js';
import { TransientFailure, type SubscriptionHandler } from '../subscriptions/subscription-handler.js';

const CATCH_UP_MS_MAX = 5_000;

type Erased = Extract<RegistrantEvent, { type: 'RegistrantErased' }>['data'];

/** Carries an erasure out: destroys the registrant's key and with it every image, all sealed evidence and the salt
 *  that ties the tokens in the audit log to the person, and forgets which card the key is of, leaving a tombstone; then
 *  does the same to every other key of the person, the other certificates'. Runs on the subscription runner, so that an
 *  erasure that was stored is carried out whatever fails. */
@Injectable()
export class RegistrantErasure implements SubscriptionHandler {
  /** Name of the consumer: data, never renamed. */
  readonly name = 'registrant-erasure';
  readonly types = ['RegistrantErased', 'CertificateVerified'] as const;

  constructor(
    private readonly aggregates: DecideAndAppend,
    private readonly vault: ImageVault,
    private readonly log: AuditLog,
    private readonly rows: ReadModels,
    private readonly keys: SubjectKeys,
  ) {}

  async handle(events: readonly StoredEvent[]): Promise<void> {
    for (const event of events) {
      if (event.type === 'RegistrantErased') await this.erase(event);
      else await this.eraseLate(event);
    }
  }

  /** A certificate that was checked while its registrant was erased: what was sealed with the verdict, and the salt for
   * the token in the entry of the verdict, came after the erasure was carried out, and go as well. */
  private async eraseLate(event: StoredEvent): Promise<void> {
    const key = String(event.data['subjectKey']);
    const { state, stored } = await this.aggregates.load(registrants, key);
    const erasure = stored.findLast(({ type }) => type === 'RegistrantErased');
    if (state.tombstone === null || !erasure || erasure.position > event.position) return;
    if (this.log.indexOf(event.position) === null)
      throw new TransientFailure('the verdict is not in the audit log yet');
    await this.vault.destroyOwner(registrantOwner(key));
  }

  private async erase(event: StoredEvent): Promise<void> {
    const key = registrantOf(event.stream) as string;
    const { tombstone } = event.data as unknown as Erased;
    // Before anything that may have to wait: from here on the person's card leads to nothing of before.
    if (tombstone !== null) await this.keys.retire(key, tombstone.untilUtc);
    // The erasure itself must be in the signed log under the same token as the history before it; after that the salt
    // may go.
    if (this.log.indexOf(event.position) === null)
      throw new TransientFailure('the erasure is not in the audit log yet');
    const { state } = await this.aggregates.load(registrants, key);
    await this.eraseOthers(event, [...state.certificates, ...(await this.linkedBefore(event, key))]);
    if (state.erased) return this.destroy(key, event);
    // The person came back and agreed anew before this ran: only what was there before the erasure goes.
    for (const image of state.images.filter((i) => i.status === 'withdrawn'))
      await this.vault.remove(registrantOwner(key), image.imageId);
  }

  /** A disk that is away or full is waited for: an erasure that was stored must not be given up. */
  private async destroy(key: string, event: StoredEvent): Promise<void> {
    try {
      await this.vault.destroyOwner(registrantOwner(key), this.lasting(event));
    } catch (error) {
      if (!isOfStorage(error)) throw error;
      const why = error instanceof Error ? error.message : String(error);
      throw new TransientFailure(`an erasure waits: ${why}`, { cause: error });
    }
  }

  /** For copies of the vault that are older. The projections have this event: which keys are linked was asked
   * before. */
  private lasting({ id, data, metadata }: StoredEvent): LastingErasure {
    const { rule } = data as unknown as Erased;
    const cases = this.rows.requestsErasedBy(id).map(caseOwner);
    return { eventId: id, rule, atUtc: metadata.recordedAtUtc, cases };
  }

  /** Each other key of the person has an erasure of its own in its own stream, which comes back to this handler. */
  private async eraseOthers({ id, data, metadata }: StoredEvent, keys: readonly string[]): Promise<void> {
    const { rule, by, tombstone } = data as unknown as Erased;
    for (const key of new Set(keys)) {
      const commandId = derivedId('erase-with', id, key);
      await this.aggregates.execute(
        registrants,
        key,
        { type: 'EraseRegistrant', rule, by, tombstone },
        {
          commandId,
          actor: 'system:registrant-erasure',
          correlationId: metadata.correlationId,
          causationId: id,
          policyVersion: null,
        },
      );
    }
  }

  /** Keys of renewed cards that were linked before the registrant itself named them. */
  private async linkedBefore({ position }: StoredEvent, key: string): Promise<readonly string[]> {
    if (!(await this.rows.caughtUpTo(position, CATCH_UP_MS_MAX)))
      throw new TransientFailure(
        'the projections have not reached an erasure yet; which keys were linked is not known',
      );
    return this.rows.keysLinkedTo(key);
  }
}
