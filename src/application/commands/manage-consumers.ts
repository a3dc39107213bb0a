import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { consumers } from '../decisions/aggregates.js';
import { ok, refused, type Outcome } from '../decisions/outcome.js';
import { Consumers, type ConsumerView } from '../subscriptions/consumers.js';
import { AccessLog } from '../access/access-log.js';
import { DecideAndAppend } from '../decisions/decide-and-append.js';

/** Every consumer with what it could not take. A look: it names cases. */
export class ViewConsumers {
  constructor(
    readonly commandId: string,
    readonly by: string,
  ) {}
}

/** Lets a consumer that stands still try again. */
export class ResumeConsumer {
  constructor(
    readonly commandId: string,
    readonly consumer: string,
    readonly by: string,
  ) {}
}

/** Has a parked event and what waits behind it handled. */
export class ReplayParked {
  constructor(
    readonly commandId: string,
    readonly consumer: string,
    readonly eventId: string,
    readonly by: string,
  ) {}
}

@CommandHandler(ViewConsumers)
export class ViewConsumersHandler implements ICommandHandler<ViewConsumers, readonly ConsumerView[]> {
  constructor(
    private readonly access: AccessLog,
    private readonly desk: Consumers,
  ) {}

  async execute({ commandId, by }: ViewConsumers): Promise<readonly ConsumerView[]> {
    const data = { by, what: 'parked_events', requestId: null, query: '{}' } as const;
    await this.access.record(
      { type: 'RecordsViewed', data },
      { commandId, actor: `officer:${by}`, correlationId: commandId },
    );
    return this.desk.view();
  }
}

@CommandHandler(ResumeConsumer)
export class ResumeConsumerHandler implements ICommandHandler<ResumeConsumer, Outcome<void>> {
  constructor(
    private readonly aggregates: DecideAndAppend,
    private readonly desk: Consumers,
  ) {}

  async execute({ commandId, consumer, by }: ResumeConsumer): Promise<Outcome<void>> {
    if (!this.desk.has(consumer)) return refused({ code: 'consumer_unknown' });
    const found = (await this.desk.view()).find((each) => each.consumer === consumer);
    if (found?.state !== 'stopped') return refused({ code: 'consumer_not_stopped' });
    // On record first: it is tried again because somebody wanted it.
    const context = {
      commandId,
      actor: `officer:${by}`,
      correlationId: commandId,
      causationId: commandId,
      policyVersion: null,
    };
    await this.aggregates.execute(consumers, consumer, { type: 'ResumeConsumer', by }, context);
    this.desk.resume(consumer);
    return ok(undefined);
  }
}

@CommandHandler(ReplayParked)
export class ReplayParkedHandler implements ICommandHandler<ReplayParked, Outcome<{ readonly replayed: number }>> {
  constructor(
    private readonly aggregates: DecideAndAppend,
    private readonly desk: Consumers,
  ) {}

  async execute({ commandId, consumer, eventId, by }: ReplayParked): Promise<Outcome<{ readonly replayed: number }>> {
    if (!this.desk.has(consumer)) return refused({ code: 'consumer_unknown' });
    const trouble = await this.desk.troubleAt(consumer, eventId);
    if (trouble?.outcome !== 'parked') return refused({ code: 'event_not_waiting' });
    const context = {
      commandId,
      actor: `officer:${by}`,
      correlationId: commandId,
      causationId: commandId,
      policyVersion: null,
    };
    await this.aggregates.execute(consumers, consumer, { type: 'ReplayParked', eventId, by }, context);
    try {
      return ok({ replayed: await this.desk.replay(consumer, trouble.stream) });
    } catch {
      // Why is with the consumer, for who lists it; what could not be handled stays parked.
      return refused({ code: 'replay_failed' });
    }
  }
}
