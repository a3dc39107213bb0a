import { Injectable, Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { upcast } from '../domain/event-registry.js';
import { CurrentPolicy } from './current-policy.js';
import { RegistrantErasure } from './audit/registrant-erasure.js';
import { EventStore } from './ports/event-store.js';
import { LogConsumers } from './ports/log-consumers.js';
import { PositionStore } from './ports/position-store.js';
import { ReadModelConsumers } from './ports/read-model-consumers.js';
import { EffectDispatcher } from './saga/effect-dispatcher.js';
import { SagaReactor } from './saga/saga-reactor.js';
import type { SubscriptionHandler } from './subscriptions/subscription-handler.js';
import { SubscriptionRunner, type SubscriptionStatus } from './subscriptions/subscription-runner.js';

/** Everything that runs beside the requests: the saga, the projections, the dispatcher of effects. */
@Injectable()
export class Background implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly log = new Logger('Background');
  private readonly runners: SubscriptionRunner[] = [];

  constructor(
    private readonly store: EventStore,
    private readonly positions: PositionStore,
    private readonly readModels: ReadModelConsumers,
    private readonly others: LogConsumers,
    private readonly erasure: RegistrantErasure,
    private readonly reactor: SagaReactor,
    private readonly dispatcher: EffectDispatcher,
    private readonly policies: CurrentPolicy,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.policies.ensureDefault();
    for (const { name, types, handler } of this.readModels.all()) this.run(name, types, handler);
    for (const { name, types, shape, handler } of this.others.all()) this.run(name, types, handler, shape);
    this.run(this.erasure.name, this.erasure.types, this.erasure);
    this.run(this.reactor.name, this.reactor.types, {
      handle: async (events) => {
        for (const event of events) await this.reactor.handle(event);
      },
    });
    this.dispatcher.start();
    for (const runner of this.runners) runner.start();
  }

  /** Nothing new is begun, what is under way ends; requests that still come in only append. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.dispatcher.stop();
    await Promise.all(this.runners.map((runner) => runner.stop()));
  }

  status(): readonly SubscriptionStatus[] {
    return this.runners.map((runner) => runner.status());
  }

  private run(consumer: string, types: readonly string[] | null, handler: SubscriptionHandler, shape: 'stored' | 'today' = 'today'): void {
    let alarmed: string | null = null;
    this.runners.push(
      new SubscriptionRunner({
        consumer,
        store: this.store,
        positions: this.positions,
        handler,
        poison: 'stop',
        ...(types === null ? {} : { filter: { types } }),
        ...(shape === 'today' ? { upcast: (event) => [upcast(event)] } : {}),
        onStatus: ({ state, lastError }) => {
          const trouble = state === 'stopped' || state === 'failing' ? `${consumer} is ${state}: ${lastError?.message ?? 'no reason given'}` : null;
          if (trouble !== null && trouble !== alarmed) this.log.error(trouble);
          alarmed = trouble;
        },
      }),
    );
  }
}
