import { Injectable, Logger } from '@nestjs/common';
import { erasures } from '../decisions/aggregates.js';
import { DecideAndAppend } from '../decisions/decide-and-append.js';
import { derivedId } from '../decisions/ids.js';
import { Clock } from '../ports/store/clock.js';
import { ErasureConfirmationSource, type ErasureConfirmation } from '../ports/registrant/erasure-confirmations.js';

/** Records what consumers answer to erasures. A confirmation of something that nobody announced is noted and changes
 * nothing. */
@Injectable()
export class ErasureDesk {
  private readonly log = new Logger('Publication');

  constructor(
    private readonly source: ErasureConfirmationSource,
    private readonly aggregates: DecideAndAppend,
    private readonly clock: Clock,
  ) {}

  start(): void {
    this.source.start((confirmation) => this.take(confirmation));
  }

  async stop(): Promise<void> {
    await this.source.stop();
  }

  async take({ erasureId, registrationId, consumer }: ErasureConfirmation): Promise<void> {
    const commandId = derivedId('confirm-erasure', erasureId, registrationId, consumer);
    const context = {
      commandId,
      actor: `consumer:${consumer}`,
      correlationId: erasureId,
      causationId: commandId,
      policyVersion: null,
    };
    const result = await this.aggregates.execute(
      erasures,
      erasureId,
      { type: 'ConfirmErasure', registrationId, consumer, nowUtc: this.clock.nowUtc() },
      context,
    );
    if (result.outcome === 'refused')
      this.log.warn(`${consumer} confirms the erasure ${erasureId}, which was never announced`);
    else if (result.events > 0 && !result.repeated)
      this.log.log(`${consumer} confirms the erasure ${erasureId} for ${registrationId}`);
  }
}
