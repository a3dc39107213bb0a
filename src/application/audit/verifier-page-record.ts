import { Injectable } from '@nestjs/common';
import type { VerifierPageEvent } from '../../domain/audit/bundle/verifier-page.events.js';
import { upcast } from '../../domain/event-registry.js';
import { canonicalJson } from '../../domain/values/canonical-json.js';
import { appendKnown, DecideAndAppend, toDomain } from '../decisions/decide-and-append.js';
import { derivedId } from '../decisions/ids.js';
import { EventStore } from '../ports/store/event-store.js';

const ACTOR = 'system:verifier-page';
const STREAM = 'verifier-page';

export type PageDigests = VerifierPageEvent['data'];

/** Puts the offline verifier on record before it is given out: once for each page that is not the one before. Somebody
 * who keeps a page can hold it against the log, and a page that was exchanged later has a place in it. @req R22 */
@Injectable()
export class VerifierPageRecord {
  private recorded: Promise<void> | null = null;
  private page = '';

  constructor(
    private readonly store: EventStore,
    private readonly aggregates: DecideAndAppend,
  ) {}

  /** Returns when the newest record is of this page. A process asks the store once.
   *  @throws {EventStoreUnavailableError} when nothing can be put on record: then nothing is given out */
  async before(digests: PageDigests): Promise<void> {
    const page = canonicalJson(digests);
    if (this.recorded === null || page !== this.page) {
      this.page = page;
      this.recorded = this.record(digests);
    }
    try {
      await this.recorded;
    } catch (error) {
      // The next one asks again: the store may be there by then.
      this.recorded = null;
      throw error;
    }
  }

  private async record(digests: PageDigests): Promise<void> {
    for (;;) {
      const [newest] = await this.store.readStream(STREAM, { direction: 'backwards', limit: 1 });
      if (newest && canonicalJson(toDomain<VerifierPageEvent>(upcast(newest)).data) === canonicalJson(digests)) return;
      const expected = newest?.revision ?? 'no_stream';
      const commandId = derivedId('verifier-page', digests.fileSha256, expected);
      const context = {
        commandId,
        actor: ACTOR,
        correlationId: commandId,
        causationId: commandId,
        policyVersion: null,
      };
      const event = this.aggregates.envelope({ type: 'VerifierPageGivenOut', data: digests }, 0, context);
      // Another process was faster: what it recorded is looked at again.
      if ((await appendKnown(this.store, STREAM, [event], expected)).outcome === 'appended') return;
    }
  }
}
