import { hostname } from 'node:os';
import { positionFromText, type Position } from '../../domain/event-envelope.js';
import { PositionStore, type Checkpoint, type Lease, type ParkedEvent, type SaveOutcome } from '../../application/ports/position-store.js';
import type { ReadModelDatabase } from './read-model-database.js';

interface ConsumerRow {
  readonly position: string | null;
  readonly fencing_token: number;
  readonly lease_owner: string | null;
  readonly lease_until_ms: number | null;
}

/** Names this process among all of this machine, also among those that had the same process number before. */
export const THIS_PROCESS = `${hostname()}/${process.pid}/${Math.round(performance.timeOrigin)}`;

/** Positions and leases in the read-model file, so that a projection stores its rows and its position in one transaction. */
export class SqlitePositionStore extends PositionStore {
  /** @param nowMs wall clock; leases of several processes on one machine are compared with it */
  constructor(
    private readonly database: ReadModelDatabase,
    private readonly nowMs: () => number = () => Date.now(),
    private readonly thisProcess: string = THIS_PROCESS,
  ) {
    super();
  }

  override async load(consumer: string): Promise<Position | null> {
    const row = this.database.readStatement('SELECT position FROM consumers WHERE name = ?').get(consumer) as Pick<ConsumerRow, 'position'> | undefined;
    return row?.position == null ? null : positionFromText(row.position);
  }

  override async save(checkpoint: Checkpoint): Promise<SaveOutcome> {
    return this.database.write(() => this.saveInTransaction(checkpoint));
  }

  /** The conditional step, for a caller that already is in a write transaction. Two instances can never both take it. */
  saveInTransaction({ consumer, previous, next, fencingToken }: Checkpoint): SaveOutcome {
    const { changes } = this.database
      .statement('UPDATE consumers SET position = ? WHERE name = ? AND fencing_token = ? AND position IS ?')
      .run(String(next), consumer, fencingToken, previous === null ? null : String(previous));
    if (changes === 1) return 'saved';
    return this.row(consumer)?.fencing_token === fencingToken ? 'moved' : 'fenced';
  }

  override async acquire(consumer: string, holder: string, ttlMs: number): Promise<Lease | null> {
    const owner = `${this.thisProcess}/${holder}`;
    return this.database.write(() => {
      const row = this.row(consumer);
      if (row?.lease_owner && row.lease_until_ms !== null && row.lease_until_ms > this.nowMs() && !isDead(row.lease_owner, this.thisProcess)) return null;
      const fencingToken = (row?.fencing_token ?? 0) + 1;
      this.database
        .statement(
          `INSERT INTO consumers (name, position, fencing_token, lease_owner, lease_until_ms) VALUES (?, NULL, ?, ?, ?)
           ON CONFLICT (name) DO UPDATE SET fencing_token = excluded.fencing_token, lease_owner = excluded.lease_owner, lease_until_ms = excluded.lease_until_ms`,
        )
        .run(consumer, fencingToken, owner, this.nowMs() + ttlMs);
      return { consumer, owner, fencingToken };
    });
  }

  override async renew(lease: Lease, ttlMs: number): Promise<boolean> {
    return this.database.write(
      () => this.database.statement('UPDATE consumers SET lease_until_ms = ? WHERE name = ? AND fencing_token = ?').run(this.nowMs() + ttlMs, lease.consumer, lease.fencingToken).changes === 1,
    );
  }

  override async release(lease: Lease): Promise<void> {
    await this.database.write(() => this.database.statement('UPDATE consumers SET lease_owner = NULL, lease_until_ms = NULL WHERE name = ? AND fencing_token = ?').run(lease.consumer, lease.fencingToken));
  }

  override async park(checkpoint: Checkpoint, event: ParkedEvent): Promise<SaveOutcome> {
    return this.database.write(() => {
      const outcome = this.saveInTransaction(checkpoint);
      if (outcome !== 'saved') return outcome;
      this.database
        .statement('INSERT OR REPLACE INTO parked_events (consumer, stream, revision, position, event_id, type, error, parked_at_utc) VALUES (?, ?, ?, ?, ?, ?, ?, ?)')
        .run(event.consumer, event.stream, event.revision, String(event.position), event.eventId, event.type, event.error, event.parkedAtUtc);
      return outcome;
    });
  }

  override async parked(consumer: string): Promise<readonly ParkedEvent[]> {
    // Positions are texts of different lengths: the longer number is the larger one.
    const rows = this.database.readStatement('SELECT * FROM parked_events WHERE consumer = ? ORDER BY length(position), position').all(consumer) as unknown as Record<string, string>[];
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
      this.database.statement('DELETE FROM parked_events WHERE consumer = ? AND stream = ? AND revision = ?').run(event.consumer, event.stream, event.revision);
      return 'saved';
    });
  }

  private row(consumer: string): ConsumerRow | undefined {
    return this.database.statement('SELECT position, fencing_token, lease_owner, lease_until_ms FROM consumers WHERE name = ?').get(consumer) as ConsumerRow | undefined;
  }
}

/** Whether a lease's owner certainly runs no more, so that a restart after a crash need not wait for the lease to run out. Being
 *  wrong costs a change of owner and nothing else: the fencing token guards every step. */
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
