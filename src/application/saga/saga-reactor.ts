import { Injectable } from '@nestjs/common';
import { upcast } from '../../domain/event-registry.js';
import type { StoredEvent } from '../../domain/event-envelope.js';
import { SAGA_SOURCES, type SagaSource } from '../../domain/saga/registration.saga.js';
import { sagas } from '../decisions/aggregates.js';
import { DecideAndAppend, toDomain } from '../decisions/decide-and-append.js';
import { CurrentPolicy } from '../decisions/current-policy.js';
import { derivedId } from '../decisions/ids.js';

/** First half of the saga: turns events into stored wishes. Runs on the subscription runner, which keeps its position;
 * an event that comes again finds its reaction in the instance's stream and changes nothing. */
@Injectable()
export class SagaReactor {
  /** Name of the consumer: data, never renamed. */
  readonly name = 'registration-saga';
  readonly types: readonly string[] = SAGA_SOURCES;

  constructor(
    private readonly aggregates: DecideAndAppend,
    private readonly policies: CurrentPolicy,
  ) {}

  async handle(event: StoredEvent): Promise<void> {
    const { retry } = (await this.policies.get()).values;
    const requestId = event.metadata.correlationId;
    await this.aggregates.execute(
      sagas,
      requestId,
      {
        type: 'React',
        source: {
          id: event.id,
          recordedAtUtc: event.metadata.recordedAtUtc,
          event: toDomain<SagaSource>(upcast(event)),
        },
        idOf: (index) => derivedId(event.id, 'effect', index),
        attemptsMax: retry.attemptsMax,
      },
      {
        commandId: derivedId('react', event.id),
        actor: 'system:registration-saga',
        correlationId: requestId,
        causationId: event.id,
        policyVersion: event.metadata.policyVersion,
      },
    );
  }
}
