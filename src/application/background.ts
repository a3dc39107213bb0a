import { Injectable, Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { upcast } from '../domain/event-registry.js';
import { olderInWords } from '../domain/policy/shipped-default.js';
import { CurrentPolicy } from './decisions/current-policy.js';
import { AuditLists } from './audit/audit-lists.js';
import { LogWatch } from './audit/log-watch.js';
import { FirstStart } from './first-start.js';
import { RegistrantErasure } from './audit/registrant-erasure.js';
import { ClockWatch } from './installation/clock-watch.js';
import { Intake } from './installation/intake.js';
import { EventStore } from './ports/store/event-store.js';
import { LogConsumers } from './ports/store/log-consumers.js';
import { PositionStore } from './ports/store/position-store.js';
import { ReadModelConsumers } from './ports/store/read-model-consumers.js';
import { ErasureDesk } from './publication/erasure-desk.js';
import { PublicationRelay } from './publication/publication-relay.js';
import { ClaimSweep } from './saga/claim-sweep.js';
import { DualActRunner } from './saga/dual-act-runner.js';
import { EffectDispatcher } from './saga/effect-dispatcher.js';
import { EvidenceRetention } from './saga/evidence-retention.js';
import { SagaReactor } from './saga/saga-reactor.js';
import { Consumers } from './subscriptions/consumers.js';
import { UnknownEvents } from './subscriptions/unknown-events.js';
import type { StoredEvent } from '../domain/event-envelope.js';
import { TombstoneSweep } from './case/tombstone-sweep.js';
import type { SubscriptionHandler } from './subscriptions/subscription-handler.js';
import {
  SubscriptionRunner,
  type SubscriptionOptions,
  type SubscriptionStatus,
} from './subscriptions/subscription-runner.js';

/** How often the log says how far a building is. */
const PROGRESS_MS = 5_000;
/** A broker that is away is asked again at least this often. */
const RELAY_DELAY_MS_MAX = 5_000;

type RunnerOptions = Partial<Pick<SubscriptionOptions, 'batchSize' | 'retry' | 'poison' | 'orderOf'>> & {
  readonly shape?: 'stored' | 'today';
  /** False where an event that is left out would make a lie of all that comes after it. */
  readonly maySkip?: boolean;
};

/** Everything that runs beside the requests: the saga, the projections, the dispatcher of effects, and publication
 * where a broker is configured. */
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
    private readonly retention: EvidenceRetention,
    private readonly sweep: ClaimSweep,
    private readonly dualActs: DualActRunner,
    private readonly reactor: SagaReactor,
    private readonly dispatcher: EffectDispatcher,
    private readonly policies: CurrentPolicy,
    private readonly firstStart: FirstStart,
    private readonly relay: PublicationRelay,
    private readonly erasures: ErasureDesk,
    private readonly watch: LogWatch,
    private readonly intake: Intake,
    private readonly clocks: ClockWatch,
    private readonly tombstones: TombstoneSweep,
    private readonly lists: AuditLists,
    private readonly consumers: Consumers,
    private readonly unknown: UnknownEvents,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.clocks.start();
    this.runConsumers();
    // Before the door opens: into a log that is not the one that we know nothing may be accepted.
    await Promise.all(this.runners.map((runner) => runner.compareWithLog()));
    this.intake.refuse('signed-log', await this.watch.lost());
    for (const reason of this.intake.reasons()) this.log.fatal(reason);
    if (this.intake.reasons().length === 0) await this.firstStart.run();
    await this.watch.start();
    const older = await this.policies.olderThanShipped();
    if (older) this.log.warn(olderInWords(older));
    this.dispatcher.start(this.clocks.newestAtMs());
    this.erasures.start();
    this.sweep.start();
    this.dualActs.start();
    this.tombstones.start();
    this.lists.start();
    for (const runner of this.runners) runner.start();
  }

  private runConsumers(): void {
    for (const { name, types, handler } of this.readModels.all()) this.run(name, types, handler);
    for (const { name, types, shape, handler } of this.others.all())
      this.run(name, types, handler, { shape, maySkip: false });
    // Where the order matters within a person or a case alone, one event that cannot be taken holds up no other.
    this.run(this.erasure.name, this.erasure.types, this.erasure, { poison: 'park-stream' });
    this.run(this.retention.name, this.retention.types, this.retention, { poison: 'park-stream' });
    const react = {
      handle: async (events: readonly StoredEvent[]) => {
        for (const event of events) await this.reactor.handle(event);
      },
    };
    this.run(this.reactor.name, this.reactor.types, react, { poison: 'park-stream', orderOf: caseOf });
    this.run(this.unknown.name, null, this.unknown, { shape: 'stored' });
    if (this.relay.configured)
      this.run(this.relay.name, this.relay.types, this.relay.handler(), {
        batchSize: this.relay.batchSize,
        retry: { delayMsMax: RELAY_DELAY_MS_MAX },
      });
  }

  /** Nothing new is begun, what is under way ends; requests that still come in only append. */
  async beforeApplicationShutdown(): Promise<void> {
    this.clocks.stop();
    await Promise.all([
      this.dispatcher.stop(),
      this.erasures.stop(),
      this.sweep.stop(),
      this.dualActs.stop(),
      this.tombstones.stop(),
      this.watch.stop(),
      this.lists.stop(),
    ]);
    await Promise.all(this.runners.map((runner) => runner.stop()));
  }

  status(): readonly SubscriptionStatus[] {
    return this.runners.map((runner) => runner.status());
  }

  /** @param types stored names that the consumer wants; null: every event
   * @param options.shape `stored` hands events over as their bytes lie in the log, for who hashes them; default: in
   *   today's shape */
  protected run(
    consumer: string,
    types: readonly string[] | null,
    handler: SubscriptionHandler,
    { shape = 'today', maySkip = true, ...options }: RunnerOptions = {},
  ): void {
    let alarmed: string | null = null;
    let toldMs = -Infinity;
    const runner = new SubscriptionRunner({
      consumer,
      store: this.store,
      positions: this.positions,
      handler,
      poison: 'stop',
      ...options,
      ...(types === null ? {} : { filter: { types } }),
      ...(shape === 'today' ? { upcast: (event) => [upcast(event)] } : {}),
      isSkipped: (eventId) => this.consumers.isSkipped(consumer, eventId),
      onTrouble: (outcome, event) => this.consumers.recordTrouble(consumer, outcome, event),
      onStatus: ({ state, progress, lastError, refusesLog }) => {
        if (progress !== null && performance.now() - toldMs >= PROGRESS_MS) {
          toldMs = performance.now();
          this.log.log(`${consumer} is being built: ${progress}`);
        }
        this.intake.refuse(consumer, refusesLog);
        const trouble =
          state === 'stopped' || state === 'failing'
            ? `${consumer} is ${state}: ${lastError?.message ?? 'no reason given'}`
            : null;
        if (trouble !== null && trouble !== alarmed) this.log.error(trouble);
        alarmed = trouble;
      },
    });
    this.runners.push(runner);
    this.consumers.add(consumer, runner, { maySkip });
  }
}

/** A request and the hold on it are one case: `registration-<id>`, `hold-<id>`. */
function caseOf(stream: string): string {
  return stream.slice(stream.indexOf('-') + 1);
}
