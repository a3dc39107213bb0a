import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  EventStore,
  type RecordedAnchor,
  type EventBatch,
  type EventFilter,
  type SubscribeOptions,
} from '../../src/application/ports/store/event-store.js';
import {
  TransientFailure,
  type SubscriptionHandler,
} from '../../src/application/subscriptions/subscription-handler.js';
import { SubscriptionRunner } from '../../src/application/subscriptions/subscription-runner.js';
import type { Position, StoredEvent } from '../../src/domain/event-envelope.js';
import { upcast } from '../../src/domain/event-registry.js';
import { followLog } from '../../src/infrastructure/event-store/log-subscription.js';
import { ReadModelDatabase } from '../../src/infrastructure/read-model/read-model-database.js';
import { SqliteReadModel } from '../../src/infrastructure/read-model/sqlite-read-model.js';
import { SqlitePositionStore } from '../../src/infrastructure/read-model/sqlite-position-store.js';
import { ALL_PROJECTIONS } from '../../src/projections/all-projections.js';
import { Violation } from './invariants.js';
import { Random } from './random.js';
import type { World } from './world.js';

const NEVER = new Promise<never>(() => {});
const LEASE_MS = 3_600_000;
/** What the holder of a receipt reads when a case has ended this way. */
const STATUS_OF_END: Readonly<Record<string, string>> = {
  CertificateRejected: 'not_registered',
  FaceMismatched: 'not_registered',
  HoldRejected: 'not_registered',
  HoldExpired: 'not_registered',
  GovernmentRefused: 'not_registered',
  RegistrationWithdrawn: 'not_registered',
  FaceNotComparable: 'visit_again',
  RequestEndedByOperator: 'visit_again',
  RecaptureRequested: 'visit_again',
  GovernmentAccepted: 'registered',
  KeptInRegistry: 'registered',
};

/** The real read models on a real file, fed by the real runners, under the crashes of a story. Their misfortunes are
 * drawn from numbers of their own, so that they change nothing in the story that they watch: slow transactions, a busy
 * disk, and old processes that go on writing after their death until the fence stops them. At any moment the rows must
 * equal those that are built from the first event. */
export class SimulatedReadModels {
  // In memory where the system offers it: a story opens the file at every start of its process.
  private readonly folder = mkdtempSync(path.join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'honnin-story-'));
  private readonly random: Random;
  private readonly world: World;
  private readonly opened: ReadModelDatabase[] = [];
  private model: SqliteReadModel | null = null;
  private runners: SubscriptionRunner[] = [];
  /** How often the rows were compared. */
  comparisons = 0;
  /** Steps of dead processes that the fence or the position refused. */
  refused = 0;

  constructor(world: World, seed: number) {
    this.world = world;
    this.random = new Random(seed ^ 0x5eed);
  }

  /** A process begins; the ones before it are dead, and some do not know it yet. */
  start(): void {
    const { incarnation } = this.world;
    const database = ReadModelDatabase.open(path.join(this.folder, 'readmodel.db'));
    this.opened.push(database);
    const positions = new PositionsUntilDeath(
      this.world,
      database,
      () => this.world.time.nowMs,
      `simulated/${process.pid}/${incarnation}`,
    );
    const model = new SqliteReadModel(database, positions, ALL_PROJECTIONS);
    const store = new WatchedLog(this.world);
    this.model = model;
    this.runners = ALL_PROJECTIONS.map(({ name, handles }) => {
      const handler = model.handler(name, { store, upcast: (event) => [upcast(event)] });
      const handle: typeof handler.handle = async (events, context) => {
        await this.misfortune();
        const outcome = await this.broken(handler.handle)(events, context);
        // What a dead process wrote last either counts whole, or the fence refused it; then it learns of its death.
        if (incarnation === this.world.incarnation) return outcome;
        if (outcome !== 'saved') this.refused += 1;
        return NEVER;
      };
      return new SubscriptionRunner({
        consumer: name,
        store,
        positions,
        handler: { ...handler, handle },
        poison: 'stop',
        filter: { types: handles },
        upcast: (event) => [upcast(event)],
        leaseMs: LEASE_MS,
        batchSize: this.random.pick([1, 7, 256]),
      });
    });
    for (const runner of this.runners) runner.start();
  }

  /** @throws {Violation} when rows differ from what the events give, or a projection has stopped. */
  async compare(): Promise<void> {
    const { model, world } = this;
    if (!model) return;
    for (const runner of this.runners) {
      const { state, consumer, lastError } = runner.status();
      if (state === 'stopped')
        throw new Violation(`the read model ${consumer} stopped: ${lastError?.message} at ${lastError?.event}`);
    }
    for (const name of model.names()) {
      // Sometimes the rows are also exchanged for the new ones while they are being written.
      const then = this.random.chance(0.1) ? 'switch' : 'check';
      const { comparison } = await model.rebuild(name, {
        store: new WatchedLog(world),
        upcast: (event) => [upcast(event)],
        then,
      });
      if (comparison && !comparison.equal)
        throw new Violation(
          `the read model ${name} has ${comparison.served.rows} rows that are not the ${comparison.rebuilt.rows} that its events give, at ${comparison.position}`,
        );
      if (comparison) this.comparisons += 1;
    }
  }

  caughtUp(head: Position | null): boolean {
    return head === null || this.runners.every((runner) => runner.status().state === 'live');
  }

  /** What people read must be what has happened. @throws {Violation} */
  balance(): void {
    const { model, world } = this;
    if (!model) throw new Violation('no process runs at the end');
    const status = model.query('request-status');
    for (const [requestId, { ended, request }] of world.watcher.cases) {
      const row = status.get<{ status: string }>(
        'SELECT status FROM {request_status} WHERE request_id = ? AND receipt = ?',
        requestId,
        request.receipt,
      );
      if (row?.status !== STATUS_OF_END[ended ?? ''])
        throw new Violation(`${requestId} ended as ${ended} and its holder reads ${row?.status}`);
    }
    const left = model.query('pending-effects').get<{ n: number }>('SELECT count(*) AS n FROM {pending_effects}')?.n;
    if (left !== 0) throw new Violation(`${left} effects are still in the list of what is to be done`);
    const open = model
      .query('hold-desk')
      .get<{ n: number }>('SELECT count(*) AS n FROM {hold_desk} WHERE outcome IS NULL')?.n;
    if (open !== 0) throw new Violation(`${open} holds are still on the desk`);
  }

  close(): void {
    for (const database of this.opened.splice(0)) database.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Faults that are built in, to see that they are found. */
  private broken(handle: SubscriptionHandler['handle']): SubscriptionHandler['handle'] {
    const { broken } = this.world;
    if (broken === 'lose-rows')
      return (events, context) => handle(this.random.chance(0.1) ? events.slice(1) : events, context);
    // Rows without their position: what is handled again after a death is there twice.
    if (broken === 'rows-without-position')
      return async (events, context) => void (await handle(events, { ...context, checkpoint: null }));
    return handle;
  }

  /** Waits in time that a crash does not take away: a process that died meanwhile goes on as if it lived. */
  private async misfortune(): Promise<void> {
    if (this.random.chance(0.2)) await this.world.time.outsideSleep(this.random.between(1, 8_000));
    if (this.random.chance(0.05)) throw new TransientFailure('the disk of the read models is busy');
  }
}

/** A process that was refused a step would begin again; a dead one does not. */
class PositionsUntilDeath extends SqlitePositionStore {
  private readonly world: World;
  private readonly me: number;

  constructor(world: World, ...rest: ConstructorParameters<typeof SqlitePositionStore>) {
    super(...rest);
    this.world = world;
    this.me = world.incarnation;
  }

  override acquire(...args: Parameters<SqlitePositionStore['acquire']>): ReturnType<SqlitePositionStore['acquire']> {
    return this.me === this.world.incarnation ? super.acquire(...args) : NEVER;
  }
}

/** The log without weather: what befalls the read models has its own dice. */
class WatchedLog extends EventStore {
  private readonly world: World;

  constructor(world: World) {
    super();
    this.world = world;
  }

  override append(): Promise<never> {
    throw new Error('read models append nothing');
  }

  override readStream(stream: string): Promise<readonly StoredEvent[]> {
    return this.world.log.readStream(stream);
  }

  override readAll(
    after: Position | null,
    options: { readonly filter?: EventFilter; readonly limit: number },
  ): Promise<EventBatch> {
    return this.world.log.readAll(after, options);
  }

  override subscribe(options: SubscribeOptions): AsyncIterable<EventBatch> {
    return followLog(options, {
      readPage: (after, limit) => this.readAll(after, { filter: options.filter, limit }),
      appended: this.world.appended,
      pollMs: 24 * 3_600_000,
    });
  }

  override head(): Promise<Position | null> {
    return this.world.log.head();
  }

  override anchorAt(position: Position): Promise<RecordedAnchor | null> {
    return this.world.log.anchorAt(position);
  }

  override async close(): Promise<void> {}
}
