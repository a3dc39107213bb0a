import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { upcast } from '../../../src/domain/event-registry.js';
import type { NewEvent } from '../../../src/domain/event-envelope.js';
import { DecideAndAppend } from '../../../src/application/decisions/decide-and-append.js';
import { EventPublisher } from '../../../src/application/ports/outside/event-publisher.js';
import { ErasureDesk } from '../../../src/application/publication/erasure-desk.js';
import { PublicationLag } from '../../../src/application/publication/publication-lag.js';
import { PublicationRelay } from '../../../src/application/publication/publication-relay.js';
import { SubscriptionRunner } from '../../../src/application/subscriptions/subscription-runner.js';
import { SqliteEventStore } from '../../../src/infrastructure/event-store/sqlite/sqlite-event-store.js';
import { KafkaErasureConfirmations } from '../../../src/infrastructure/kafka/kafka-erasure-confirmations.js';
import type { KafkaSettings } from '../../../src/infrastructure/kafka/kafka-client.js';
import { ReadModelDatabase } from '../../../src/infrastructure/read-model/read-model-database.js';
import { SqlPublicationDirectory } from '../../../src/infrastructure/read-model/sql-publication-directory.js';
import { SqlReadModels } from '../../../src/infrastructure/read-model/sql-read-models.js';
import { SqlitePositionStore } from '../../../src/infrastructure/read-model/sqlite-position-store.js';
import { SqliteReadModel } from '../../../src/infrastructure/read-model/sqlite-read-model.js';
import { SystemClock } from '../../../src/infrastructure/clock/system-clock.js';
import { erasureConfirmationsProjection } from '../../../src/projections/erasure-confirmations.projection.js';
import { registrantRegistrationsProjection } from '../../../src/projections/registrant-registrations.projection.js';

/** The part of the server that publishes: a real log, real projections, the real runner. */
export class RelayWorld {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'honnin-relay-'));
  readonly store = SqliteEventStore.open({ file: path.join(this.folder, 'events.db'), pollMs: 50 });
  private readonly database = ReadModelDatabase.open(path.join(this.folder, 'readmodel.db'));
  readonly positions = new SqlitePositionStore(this.database);
  readonly model = new SqliteReadModel(this.database, this.positions, [
    registrantRegistrationsProjection,
    erasureConfirmationsProjection,
  ]);
  readonly directory = new SqlPublicationDirectory(this.model);
  private readonly clock = new SystemClock();
  private readonly aggregates = new DecideAndAppend(this.store, this.clock);
  readonly relay: PublicationRelay;
  readonly lag: PublicationLag;
  readonly runner: SubscriptionRunner;
  private readonly runners: SubscriptionRunner[] = [];
  private readonly desk: ErasureDesk;

  constructor(
    private readonly publisher: EventPublisher,
    {
      settings = null,
      consumers = [],
    }: { readonly settings?: KafkaSettings | null; readonly consumers?: readonly string[] } = {},
  ) {
    this.relay = new PublicationRelay(
      publisher,
      this.directory,
      new SqlReadModels(this.model, this.store),
      this.aggregates,
      { names: consumers },
    );
    this.lag = new PublicationLag(this.store, this.positions, this.relay, this.clock);
    this.desk = new ErasureDesk(new KafkaErasureConfirmations(settings), this.aggregates, this.clock);
    const up = (event: Parameters<typeof upcast>[0]) => [upcast(event)] as never;
    for (const name of this.model.names()) {
      this.runners.push(
        new SubscriptionRunner({
          consumer: name,
          store: this.store,
          positions: this.positions,
          handler: this.model.handler(name, { store: this.store, upcast: up }),
          poison: 'stop',
          filter: { types: this.model.projection(name).handles },
        }),
      );
    }
    this.runner = new SubscriptionRunner({
      consumer: this.relay.name,
      store: this.store,
      positions: this.positions,
      handler: this.relay.handler(),
      poison: 'stop',
      filter: { types: this.relay.types },
      batchSize: this.relay.batchSize,
      upcast: up,
      retry: { delayMsMax: 500 },
    });
  }

  start(): this {
    for (const runner of [...this.runners, this.runner]) runner.start();
    this.desk.start();
    return this;
  }

  async append(stream: string, events: readonly NewEvent[]): Promise<void> {
    const last = (await this.store.readStream(stream, { direction: 'backwards', limit: 1 }))[0];
    const result = await this.store.append(stream, events, last ? last.revision : 'no_stream');
    if (result.outcome !== 'appended') throw new Error(`not appended: ${JSON.stringify(result)}`);
  }

  /** Waits until everything in the log is acknowledged. */
  async published(limitMs = 120_000): Promise<void> {
    await until(
      async () => (await this.lag.measure()).events === 0,
      limitMs,
      () =>
        JSON.stringify(this.runner.status(), (_, value: unknown) =>
          typeof value === 'bigint' ? String(value) : value,
        ),
    );
  }

  async close(): Promise<void> {
    await this.desk.stop();
    await Promise.all([...this.runners, this.runner].map((runner) => runner.stop()));
    await this.publisher.close();
    await this.store.close();
    this.database.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Polls until it is so. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  limitMs: number,
  detail: () => string = () => '',
): Promise<void> {
  for (const deadline = Date.now() + limitMs; !(await holds());) {
    if (Date.now() > deadline) throw new Error(`not reached within ${limitMs} ms ${detail()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
