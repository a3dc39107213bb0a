import { setImmediate as nextTurn } from 'node:timers/promises';
import { positionFromText, type Position, type StoredEvent } from '../../domain/event-envelope.js';
import type { EventAnchor, EventStore, RecordedAnchor } from '../../application/ports/store/event-store.js';
import type { Checkpoint, SaveOutcome } from '../../application/ports/store/position-store.js';
import { SkippedEvents } from '../../application/subscriptions/skipped-events.js';
import {
  TransientFailure,
  type SubscriptionHandler,
  type Upcast,
} from '../../application/subscriptions/subscription-handler.js';
import { ReadSideBehindError } from '../../application/queries/questions.js';
import { AppendSignal } from '../event-store/log-subscription.js';
import type { Projection, SqlValue } from '../../projections/projection.js';
import { ProjectionBuild, type BuildDigest } from './projection-build.js';
import type { ReadModelDatabase } from './read-model-database.js';
import { REBUILD, textOf, type SqlitePositionStore } from './sqlite-position-store.js';

/** The rows on disk were written by another version of the projection, or are gone; they are being built again. Who asks
 *  hears that the rows are behind. */
export class ReadModelRebuildingError extends ReadSideBehindError {
  constructor(projection: string) {
    super(`the read model ${projection} is being built again; ask later`);
  }
}

export interface RebuildProgress {
  readonly projection: string;
  readonly events: number;
  readonly eventsPerSecond: number;
  /** Estimate, or null while nothing can be said. Seconds. */
  readonly secondsLeft: number | null;
}

export interface RebuildReport {
  readonly projection: string;
  readonly events: number;
  readonly seconds: number;
  /** Position up to which both builds were compared, and what came of it; null when there was nothing of this version
   * to compare with. */
  readonly comparison: {
    readonly position: Position;
    readonly served: BuildDigest;
    readonly rebuilt: BuildDigest;
    readonly equal: boolean;
  } | null;
  /** True when the new rows are served now. */
  readonly switched: boolean;
}

/** How far one projection is, and what is served of it. */
export interface ProjectionState {
  readonly projection: string;
  /** Version that this program writes. */
  readonly version: number;
  /** Version of the rows that are served; null when there are none yet. */
  readonly servedVersion: number | null;
  readonly position: Position | null;
  readonly rows: number;
  readonly parkedEvents: number;
  /** Process that projects now or did last; null when it gave the lease back. */
  readonly owner: string | null;
}

export interface RebuildOptions {
  readonly store: EventStore;
  readonly upcast?: Upcast;
  /** `switch` serves the new rows at the end, `check` only compares and throws them away. */
  readonly then: 'switch' | 'check';
  readonly onProgress?: (progress: RebuildProgress) => void;
  readonly signal?: AbortSignal;
}

/** Reads the rows that are served. `{table}` in the SQL stands for a table of the projection. */
export interface ReadModelQuery {
  all<Row>(sql: string, ...params: SqlValue[]): Row[];
  get<Row>(sql: string, ...params: SqlValue[]): Row | undefined;
}

/** Events per transaction of a rebuild: short enough to let the live projections of the same file write in between. */
const REBUILD_BATCH = 1000;
/** Events from which on rows that are not there yet are built and not followed. */
const MANY = 4 * REBUILD_BATCH;
/** How often progress is told, milliseconds. */
const PROGRESS_MS = 500;

/** The read models: for each projection the tables that are served, and during a rebuild a second set beside them. */
export class SqliteReadModel {
  /** Called after rows of this process have changed. Another process's changes are only found by looking. */
  readonly changed = new AppendSignal();
  private readonly projections: ReadonlyMap<string, Projection>;
  private readonly builds = new Map<string, ProjectionBuild>();

  constructor(
    private readonly database: ReadModelDatabase,
    private readonly positions: SqlitePositionStore,
    projections: readonly Projection[],
  ) {
    this.projections = new Map(projections.map((projection) => [projection.name, projection]));
    if (this.projections.size !== projections.length) throw new Error('two projections have the same name');
  }

  names(): string[] {
    return [...this.projections.keys()];
  }

  projection(name: string): Projection {
    const projection = this.projections.get(name);
    if (!projection) throw new Error(`there is no projection ${name}`);
    return projection;
  }

  /** What a subscription runner runs for this projection: rows and position move in one transaction. Tables of another
   * version are built again from zero before the first event. */
  handler(
    name: string,
    rebuild: {
      readonly store: EventStore;
      readonly upcast?: Upcast;
      readonly onProgress?: RebuildOptions['onProgress'];
    },
  ): SubscriptionHandler {
    return {
      prepare: (signal, tell) => {
        const onProgress = (progress: RebuildProgress): void => {
          tell(progressInWords(progress));
          rebuild.onProgress?.(progress);
        };
        return this.prepare(name, { ...rebuild, signal, onProgress });
      },
      handle: (events, { checkpoint }) => this.apply(name, events, checkpoint),
    };
  }

  /** @throws {ReadModelRebuildingError} from the queries while the rows belong to another version. */
  query(name: string): ReadModelQuery {
    return {
      all: <Row>(sql: string, ...params: SqlValue[]) =>
        this.database.readStatement(this.servedForReading(name).sql(sql)).all(...params) as Row[],
      get: <Row>(sql: string, ...params: SqlValue[]) =>
        this.database.readStatement(this.servedForReading(name).sql(sql)).get(...params) as Row | undefined,
    };
  }

  /** Position that the served rows stand for; null when nothing of this version is served yet, or nothing has been
   * projected. */
  position(name: string): Position | null {
    const isServed = this.servedRow(name)?.version === this.projection(name).version;
    const row =
      isServed &&
      (this.database.readStatement('SELECT position FROM consumers WHERE name = ?').get(name) as
        { position: string | null } | undefined);
    return !row || row.position === null ? null : positionFromText(row.position);
  }

  /** Rows and the position that they stand for, both of one moment; null where no rows of this version are served,
   * which is the state before the first event. */
  readWithPosition<Rows>(
    name: string,
    read: (query: ReadModelQuery) => Rows,
  ): { readonly position: Position | null; readonly rows: Rows } | null {
    return this.database.readTogether(() => {
      if (this.servedRow(name)?.version !== this.projection(name).version) return null;
      return { position: this.position(name), rows: read(this.query(name)) };
    });
  }

  /** State of one projection, all of one moment. */
  state(name: string): ProjectionState {
    const { version } = this.projection(name);
    return this.database.readTogether(() => {
      const servedVersion = this.servedRow(name)?.version ?? null;
      const rows =
        servedVersion === version
          ? Object.keys(this.projection(name).tables).map(
              (table) => this.query(name).get<{ n: number }>(`SELECT count(*) AS n FROM {${table}}`)?.n ?? 0,
            )
          : [];
      const parked = this.database
        .readStatement('SELECT count(*) AS n FROM parked_events WHERE consumer = ?')
        .get(name) as { n: number };
      const consumer = this.database.readStatement('SELECT lease_owner FROM consumers WHERE name = ?').get(name) as
        { lease_owner: string | null } | undefined;
      return {
        projection: name,
        version,
        servedVersion,
        position: this.position(name),
        rows: rows.reduce((sum, n) => sum + n, 0),
        parkedEvents: parked.n,
        owner: consumer?.lease_owner ?? null,
      };
    });
  }

  /** Digest of the rows that are served and the position that they stand for, both of one moment; null when nothing is
   * served. */
  async digest(
    name: string,
  ): Promise<(BuildDigest & { readonly position: Position | null; readonly version: number }) | null> {
    return this.database.snapshot(async (snapshot) => {
      const served = snapshot.prepare('SELECT build, version FROM projections WHERE name = ?').get(name) as
        ServedRow | undefined;
      if (!served || served.version !== this.projection(name).version) return null;
      const row = snapshot.prepare('SELECT position FROM consumers WHERE name = ?').get(name) as
        { position: string | null } | undefined;
      const digest = await this.build(name, served.build).digest(snapshot);
      return {
        ...digest,
        version: served.version,
        position: row?.position == null ? null : positionFromText(row.position),
      };
    });
  }

  /** Builds a projection from the first event beside the rows that are served, proves the result equal to them where
   * both are of the same version, and serves the new rows from one moment to the next. The rows served before are kept
   * until the next rebuild.
   * @throws {EventNotHandled} when the projection cannot take an event that nobody agreed to skip; the served rows are
   *   untouched then */
  async rebuild(name: string, options: RebuildOptions): Promise<RebuildReport> {
    const lease = await this.positions.acquire(`${REBUILD}${name}`, 'rebuild', 24 * 3_600_000);
    if (!lease) throw new Error(`${name} is being rebuilt by another process`);
    const rebuild = new Rebuild(this.database, name, options);
    try {
      const served = await this.digest(name);
      const build = await this.begin(name);
      const comparison = served?.position == null ? null : await this.compare(build, rebuild, served, served.position);
      if (options.then === 'switch') await this.catchUpAndSwitch(build, rebuild);
      else await this.database.write(() => this.drop(name, 'building'));
      return {
        projection: name,
        events: rebuild.events,
        seconds: rebuild.seconds(),
        comparison,
        switched: options.then === 'switch',
      };
    } finally {
      await this.positions.release(lease);
    }
  }

  private async prepare(name: string, options: Omit<RebuildOptions, 'then'>): Promise<void> {
    const { version } = this.projection(name);
    const served = this.servedRow(name);
    if (served?.version === version) return;
    if (served || (await this.hasMany(name, options.store))) await this.rebuild(name, { ...options, then: 'switch' });
    else await this.database.write(() => this.serve(this.create(name, 'served'), null, null));
  }

  /** Where nothing is there yet and much is to be made: in large steps, which are several times as fast as following
   *  the log is, and with words for how far it is. */
  private async hasMany(name: string, store: EventStore): Promise<boolean> {
    const filter = { types: this.projection(name).handles };
    return (await store.readAll(null, { filter, limit: MANY })).events.length === MANY;
  }

  private async apply(
    name: string,
    events: readonly StoredEvent[],
    checkpoint: Checkpoint | null,
  ): Promise<SaveOutcome> {
    return this.database
      .write(() => {
        const served = this.database.statement('SELECT build, version FROM projections WHERE name = ?').get(name) as
          ServedRow | undefined;
        if (served?.version !== this.projection(name).version) throw new ReadModelRebuildingError(name);
        // The step comes first: where it is refused, the rows may hold these events already, and applying them again
        // would look like a fault of the events. Throwing rolls the transaction back: without the step there are no
        // rows, and the other way round.
        const outcome = checkpoint ? this.positions.saveInTransaction(checkpoint) : 'saved';
        if (outcome !== 'saved') throw new StepRefused(outcome);
        this.build(name, served.build).apply(events);
        return outcome;
      })
      .then((outcome) => {
        this.changed.notify();
        return outcome;
      })
      .catch((error: unknown) => {
        if (error instanceof StepRefused) return error.outcome;
        throw error;
      });
  }

  private servedForReading(name: string): ProjectionBuild {
    const served = this.servedRow(name);
    if (served?.version !== this.projection(name).version) throw new ReadModelRebuildingError(name);
    return this.build(name, served.build);
  }

  private servedRow(name: string): ServedRow | undefined {
    return this.database.readStatement('SELECT build, version FROM projections WHERE name = ?').get(name) as
      ServedRow | undefined;
  }

  private build(name: string, build: number): ProjectionBuild {
    const key = `${name}/${build}`;
    let known = this.builds.get(key);
    if (!known) this.builds.set(key, (known = new ProjectionBuild(this.database, this.projection(name), build)));
    return known;
  }

  private async begin(name: string): Promise<ProjectionBuild> {
    return this.database.write(() => {
      // What a rebuild that was killed left behind.
      this.drop(name, 'building');
      return this.create(name, 'building');
    });
  }

  private create(name: string, state: 'building' | 'served'): ProjectionBuild {
    const { last } = this.database
      .statement('SELECT coalesce(max(build), 0) AS last FROM builds WHERE projection = ?')
      .get(name) as { last: number };
    const build = this.build(name, last + 1);
    build.createTables();
    this.database
      .statement('INSERT INTO builds (projection, build, version, state, tables) VALUES (?, ?, ?, ?, ?)')
      .run(name, build.build, build.projection.version, state, JSON.stringify(build.tableNames()));
    return build;
  }

  /** Compares at one position: the served rows as they were when the rebuild began, and the new ones built exactly up
   * to there. */
  private async compare(
    build: ProjectionBuild,
    rebuild: Rebuild,
    served: BuildDigest,
    position: Position,
  ): Promise<NonNullable<RebuildReport['comparison']>> {
    await rebuild.advance(build, position);
    const rebuilt = await this.database.snapshot((snapshot) => build.digest(snapshot));
    return {
      position,
      served: { sha256: served.sha256, rows: served.rows },
      rebuilt,
      equal: served.sha256 === rebuilt.sha256,
    };
  }

  private async catchUpAndSwitch(build: ProjectionBuild, rebuild: Rebuild): Promise<void> {
    for (;;) {
      await rebuild.advance(build, null);
      const { position } = rebuild;
      const anchor = position && (await rebuild.anchorAt(position));
      if (!(await this.database.write(() => this.switchTo(build, position, anchor)))) continue;
      this.changed.notify();
      return;
    }
  }

  /** @returns false when the served rows have gone ahead in the meantime: serving the new ones would take the reader
   *   back in time. */
  private switchTo(build: ProjectionBuild, position: Position | null, anchor: EventAnchor | null): boolean {
    const { name } = build.projection;
    const live = this.database.statement('SELECT position FROM consumers WHERE name = ?').get(name) as
      { position: string | null } | undefined;
    if (live?.position != null && (position === null || positionFromText(live.position) > position)) return false;
    this.drop(name, 'retired');
    this.database.statement("UPDATE builds SET state = 'retired' WHERE projection = ? AND state = 'served'").run(name);
    this.database
      .statement("UPDATE builds SET state = 'served' WHERE projection = ? AND build = ?")
      .run(name, build.build);
    this.serve(build, position, anchor);
    return true;
  }

  private serve(build: ProjectionBuild, position: Position | null, anchor: EventAnchor | null): void {
    const { name, version } = build.projection;
    this.database
      .statement(
        'INSERT INTO projections (name, version, build) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET version = excluded.version, build = excluded.build',
      )
      .run(name, version, build.build);
    this.database
      .statement(
        `INSERT INTO consumers (name, position, fencing_token, event_position, event_id) VALUES (?, ?, 0, ?, ?)
         ON CONFLICT (name) DO UPDATE SET
           position = excluded.position, event_position = excluded.event_position, event_id = excluded.event_id`,
      )
      .run(name, position === null ? null : String(position), textOf(anchor), anchor?.id ?? null);
    // Built from the first event, the rows hold what had been parked.
    this.database.statement('DELETE FROM parked_events WHERE consumer = ?').run(name);
  }

  private drop(name: string, state: 'building' | 'retired'): void {
    const rows = this.database
      .statement('SELECT build, tables FROM builds WHERE projection = ? AND state = ?')
      .all(name, state) as unknown as { build: number; tables: string }[];
    for (const { build, tables } of rows) {
      for (const table of JSON.parse(tables) as string[]) this.database.execute(`DROP TABLE IF EXISTS "${table}"`);
      this.database.statement('DELETE FROM builds WHERE projection = ? AND build = ?').run(name, build);
      this.builds.delete(`${name}/${build}`);
    }
  }
}

export function progressInWords({ events, eventsPerSecond, secondsLeft }: RebuildProgress): string {
  return `${events} events, ${eventsPerSecond} per second${secondsLeft === null ? '' : `, about ${secondsLeft} s left`}`;
}

interface ServedRow {
  readonly build: number;
  readonly version: number;
}

class StepRefused extends Error {
  constructor(readonly outcome: SaveOutcome) {
    super(outcome);
  }
}

/** Walks one build through the log and tells how it goes. */
class Rebuild {
  position: Position | null = null;
  events = 0;
  private readonly skipped: SkippedEvents;
  private readonly startMs = performance.now();
  private toldMs = this.startMs;

  constructor(
    private readonly database: ReadModelDatabase,
    private readonly name: string,
    private readonly options: RebuildOptions,
  ) {
    this.skipped = new SkippedEvents(options.store, name);
  }

  seconds(): number {
    return (performance.now() - this.startMs) / 1000;
  }

  anchorAt(position: Position): Promise<RecordedAnchor | null> {
    return this.options.store.anchorAt(position);
  }

  /** Applies everything up to and including `until`, or up to the end of the log. */
  async advance(build: ProjectionBuild, until: Position | null): Promise<void> {
    const { store, signal } = this.options;
    while (until === null || this.position === null || this.position < until) {
      signal?.throwIfAborted();
      const batch = await store.readAll(this.position, {
        filter: { types: build.projection.handles },
        limit: REBUILD_BATCH,
      });
      const events = until === null ? batch.events : batch.events.filter((event) => event.position <= until);
      await this.apply(build, events);
      this.events += events.length;
      this.position = until !== null && batch.position !== null && batch.position > until ? until : batch.position;
      await this.tell();
      if (batch.caughtUp) return;
      await nextTurn();
    }
  }

  /** All together where that goes, and one by one to find the one that does not. */
  private async apply(build: ProjectionBuild, events: readonly StoredEvent[]): Promise<void> {
    const { upcast } = this.options;
    const write = (some: readonly StoredEvent[]) =>
      this.database.write(() => build.apply(upcast ? some.flatMap(upcast) : some));
    try {
      await write(events);
    } catch (error) {
      if (error instanceof TransientFailure) throw error;
      for (const event of events) await write([event]).catch((reason: unknown) => this.skipped.goPast(event, reason));
    }
  }

  private async tell(): Promise<void> {
    const now = performance.now();
    if (!this.options.onProgress || now - this.toldMs < PROGRESS_MS) return;
    this.toldMs = now;
    const head = await this.options.store.head();
    // Positions are opaque, but they grow: their ratio is good enough for an estimate and is used for nothing else.
    const done = head === null || this.position === null ? 0 : Number(this.position) / Number(head);
    const secondsLeft = done > 0 ? Math.round((this.seconds() * Math.max(0, 1 - done)) / done) : null;
    this.options.onProgress({
      projection: this.name,
      events: this.events,
      eventsPerSecond: Math.round(this.events / this.seconds()),
      secondsLeft,
    });
  }
}
