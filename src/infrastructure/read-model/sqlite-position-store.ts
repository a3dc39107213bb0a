import { hostname } from 'node:os';
import type { EventAnchor } from '../../application/ports/store/event-store.js';
import { positionFromText } from '../../domain/event-envelope.js';
import {
  PositionStore,
  type Checkpoint,
  type Lease,
  type ParkedEvent,
  type SaveOutcome,
  type StoredPosition,
} from '../../application/ports/store/position-store.js';
import type { ReadModelDatabase } from './read-model-database.js';

interface ConsumerRow {
  readonly position: string | null;
  readonly fencing_token: number;
  readonly lease_owner: string | null;
  readonly lease_renewals: number | null;
}

/** Leases under which read models are built again, also by a command beside the server. */
export const REBUILD = 'rebuild:';

/** Names this process among all of this machine, also among those that had the same process number before. */
export const THIS_PROCESS = `${hostname()}/${process.pid}/${Math.round(performance.timeOrigin)}`;

/** Positions and leases in the read-model file, so that a projection stores its rows and its position in one
 * transaction. */
export class SqlitePositionStore extends PositionStore {
  /** Leases of others as this process last saw them, and when. */
  private readonly observed = new Map<string, { readonly lease: string; readonly sinceMs: number }>();
  private isAlone = false;

  /** @param nowMs a clock that only goes forward: nobody else's times are read */
  constructor(
    private readonly database: ReadModelDatabase,
    private readonly nowMs: () => number = () => performance.now(),
    private readonly thisProcess: string = THIS_PROCESS,
  ) {
    super();
  }

  /** For the process whose lock on the folder proves that no other server works here: leases that others left are taken
   *  over at once. A command that rebuilds beside the server keeps its own. */
  static alone(database: ReadModelDatabase): SqlitePositionStore {
    const positions = new SqlitePositionStore(database);
    positions.isAlone = true;
    return positions;
  }

  override async find(consumer: string): Promise<StoredPosition | null> {
    const sql = 'SELECT position, event_position, event_id FROM consumers WHERE name = ?';
    const row = this.database.readStatement(sql).get(consumer) as PositionRow | undefined;
    return row?.position == null ? null : { position: positionFromText(row.position), anchor: anchorIn(row) };
  }

  override async save(checkpoint: Checkpoint): Promise<SaveOutcome> {
    return this.database.write(() => this.saveInTransaction(checkpoint));
  }

  /** The conditional step, for a caller that already is in a write transaction. Two instances can never both take
   * it. */
  saveInTransaction({ consumer, previous, next, anchor, fencingToken }: Checkpoint): SaveOutcome {
    const set = 'position = ?, event_position = ?, event_id = ?';
    const { changes } = this.database
      .statement(`UPDATE consumers SET ${set} WHERE name = ? AND fencing_token = ? AND position IS ?`)
      .run(
        String(next),
        textOf(anchor),
        anchor?.id ?? null,
        consumer,
        fencingToken,
        previous === null ? null : String(previous),
      );
    if (changes === 1) return 'saved';
    return this.row(consumer)?.fencing_token === fencingToken ? 'moved' : 'fenced';
  }

  override async acquire(consumer: string, holder: string, ttlMs: number): Promise<Lease | null> {
    const owner = `${this.thisProcess}/${holder}`;
    return this.database.write(() => {
      const row = this.row(consumer);
      if (row?.lease_owner && this.isHeldByAnother(consumer, row, ttlMs)) return null;
      this.observed.delete(consumer);
      const fencingToken = (row?.fencing_token ?? 0) + 1;
      this.database
        .statement(
          `INSERT INTO consumers (name, position, fencing_token, lease_owner, lease_renewals) VALUES (?, NULL, ?, ?, ?)
           ON CONFLICT (name) DO UPDATE SET fencing_token = excluded.fencing_token, lease_owner = excluded.lease_owner, lease_renewals = excluded.lease_renewals`,
        )
        .run(consumer, fencingToken, owner, (row?.lease_renewals ?? 0) + 1);
      return { consumer, owner, fencingToken };
    });
  }

  /** The row changes, which is all that others look at. */
  override async renew(lease: Lease): Promise<boolean> {
    const renew =
      'UPDATE consumers SET lease_renewals = coalesce(lease_renewals, 0) + 1 WHERE name = ? AND fencing_token = ?';
    return this.database.write(
      () => this.database.statement(renew).run(lease.consumer, lease.fencingToken).changes === 1,
    );
  }

  override async release(lease: Lease): Promise<void> {
    await this.database.write(() =>
      this.database
        .statement(
          'UPDATE consumers SET lease_owner = NULL, lease_renewals = NULL WHERE name = ? AND fencing_token = ?',
        )
        .run(lease.consumer, lease.fencingToken),
    );
  }

  override async park(checkpoint: Checkpoint, event: ParkedEvent): Promise<SaveOutcome> {
    return this.database.write(() => {
      const outcome = this.saveInTransaction(checkpoint);
      if (outcome !== 'saved') return outcome;
      this.database
        .statement(
          'INSERT OR REPLACE INTO parked_events (consumer, stream, revision, position, event_id, type, error, parked_at_utc) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
        )
        .run(
          event.consumer,
          event.stream,
          event.revision,
          String(event.position),
          event.eventId,
          event.type,
          event.error,
          event.parkedAtUtc,
        );
      return outcome;
    });
  }

  override async parked(consumer: string): Promise<readonly ParkedEvent[]> {
    // Positions are texts of different lengths: the longer number is the larger one.
    const rows = this.database
      .readStatement('SELECT * FROM parked_events WHERE consumer = ? ORDER BY length(position), position')
      .all(consumer) as unknown as Record<string, string>[];
    return rows.map((row) => ({
      consumer,
      stream: row['stream'] as string,
      revision: Number(row['revision']),
      position: positionFromText(row['position'] as string),
      eventId: row['event_id'] as string,
      type: row['type'] as string,
      error: row['error'] as string,
      parkedAtUtc: row['parked_at_utc'] as string,
    }));
  }

  override async unpark(lease: Lease, event: ParkedEvent): Promise<SaveOutcome> {
    return this.database.write(() => {
      if (this.row(event.consumer)?.fencing_token !== lease.fencingToken) return 'fenced';
      this.database
        .statement('DELETE FROM parked_events WHERE consumer = ? AND stream = ? AND revision = ?')
        .run(event.consumer, event.stream, event.revision);
      return 'saved';
    });
  }

  /** Whether somebody's lease still counts. Times that others wrote are not believed: a clock that was ahead once would
   *  lock a consumer for as long. A lease that did not change for its whole time, by the clock of this process, is
   *  free. */
  private isHeldByAnother(consumer: string, row: ConsumerRow, ttlMs: number): boolean {
    const { lease_owner: owner, lease_renewals: renewal, fencing_token: token } = row;
    if (owner === null || isDead(owner, this.thisProcess)) return false;
    const isOurs = owner.startsWith(`${this.thisProcess}/`);
    const mayBeCommand = consumer.startsWith(REBUILD) && hostOf(owner) === hostOf(this.thisProcess);
    if (this.isAlone && !isOurs && !mayBeCommand) return false;
    const lease = `${owner} ${token} ${renewal}`;
    const seen = this.observed.get(consumer);
    if (seen?.lease === lease) return this.nowMs() - seen.sinceMs < ttlMs;
    this.observed.set(consumer, { lease, sinceMs: this.nowMs() });
    return true;
  }

  private row(consumer: string): ConsumerRow | undefined {
    return this.database
      .statement('SELECT position, fencing_token, lease_owner, lease_renewals FROM consumers WHERE name = ?')
      .get(consumer) as ConsumerRow | undefined;
  }
}

type PositionRow = {
  readonly position: string | null;
  readonly event_position: string | null;
  readonly event_id: string | null;
};

function anchorIn({ event_position: position, event_id: id }: PositionRow): EventAnchor | null {
  return position === null || id === null ? null : { position: positionFromText(position), id };
}

/** The position of an anchor as it is stored. */
export function textOf(anchor: EventAnchor | null): string | null {
  return anchor === null ? null : String(anchor.position);
}

function hostOf(process: string): string {
  return process.slice(0, process.indexOf('/'));
}

/** Whether a lease's owner certainly runs no more, so that a restart after a crash need not wait for the lease to run
 * out. Being wrong costs a change of owner and nothing else: the fencing token guards every step. */
function isDead(owner: string, thisProcess: string): boolean {
  const [host, pid, started] = owner.split('/') as [string, string, string];
  const [thisHost, thisPid, thisStarted] = thisProcess.split('/') as [string, string, string];
  if (host !== thisHost) return false;
  if (pid === thisPid) return started !== thisStarted;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    // EPERM means that the process runs and belongs to somebody else.
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}
