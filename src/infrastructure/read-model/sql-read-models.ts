import type { EventStore } from '../../application/ports/store/event-store.js';
import {
  ReadModels,
  type HoldRow,
  type RequestStatusRow,
  type TimelineRow,
} from '../../application/ports/store/read-models.js';
import type { Position } from '../../domain/event-envelope.js';
import { isInstant } from '../../domain/values/instant.js';
import { type SqliteReadModel } from './sqlite-read-model.js';

const REQUEST_COLUMNS = 'request_id AS requestId, receipt, status, updated_at_utc AS updatedAtUtc';
const HOLD_COLUMNS =
  'request_id AS requestId, booth_id AS boothId, reason, card_points AS cardPoints, registered_points AS registeredPoints, difference_points AS differencePoints, bound_points AS boundPoints, policy_version AS policyVersion, opened_at_utc AS openedAtUtc, due_at_utc AS dueAtUtc, opinions, outcome';
const TIMELINE_COLUMNS =
  'position, recorded_at_utc AS recordedAtUtc, stream, revision, type, actor, policy_version AS policyVersion, data';

/** Times to look again without being told, for rows that another process writes. Milliseconds. */
const WATCH_POLL_MS = 1000;
const CATCH_UP_POLL_MS = 50;

/** Answers from the rows of the embedded read model. */
export class SqlReadModels extends ReadModels {
  constructor(
    private readonly model: SqliteReadModel,
    private readonly store: EventStore,
  ) {
    super();
  }

  override requestByReceipt(receipt: string): RequestStatusRow | null {
    return this.one<RequestStatusRow>(
      'request-status',
      `SELECT ${REQUEST_COLUMNS} FROM {request_status} WHERE receipt = ?`,
      receipt,
    );
  }

  override requestById(requestId: string): RequestStatusRow | null {
    return this.one<RequestStatusRow>(
      'request-status',
      `SELECT ${REQUEST_COLUMNS} FROM {request_status} WHERE request_id = ?`,
      requestId,
    );
  }

  override hold(requestId: string): HoldRow | null {
    return this.one<HoldRow>('hold-desk', `SELECT ${HOLD_COLUMNS} FROM {hold_desk} WHERE request_id = ?`, requestId);
  }

  override keysLinkedTo(registrantKey: string): readonly string[] {
    return this.rows<{ key: string }>(
      'registrant-links',
      'SELECT subject_key AS key FROM {registrant_links} WHERE registrant = ?',
      registrantKey,
    ).map(({ key }) => key);
  }

  override requestsErasedBy(erasureId: string): readonly string[] {
    const select = 'SELECT registration_id AS id FROM {registrant_registrations} WHERE erasure_id = ?';
    return this.rows<{ id: string }>('registrant-registrations', select, erasureId).map(({ id }) => id);
  }

  /** @throws {RangeError} when `atUtc` is no instant in UTC. */
  override timeline(requestId: string, { atUtc }: { readonly atUtc: string | null }): readonly TimelineRow[] {
    const select = `SELECT ${TIMELINE_COLUMNS} FROM {case_timeline} WHERE request_id = ?`;
    const rows =
      atUtc === null
        ? this.rows<StoredTimelineRow>('case-timeline', `${select} ORDER BY ordinal`, requestId)
        : this.rows<StoredTimelineRow>(
            'case-timeline',
            `${select} AND recorded_at_utc <= ? ORDER BY ordinal`,
            requestId,
            asRecorded(atUtc),
          );
    return rows.map((row) => ({ ...row, data: JSON.parse(row.data) as unknown }));
  }

  override async caughtUpTo(position: Position, limitMs: number): Promise<boolean> {
    const deadline = AbortSignal.timeout(limitMs);
    for (;;) {
      const seen = this.model.changed.seen();
      if (await this.everyProjectionReached(position)) return true;
      if (deadline.aborted) return false;
      await this.model.changed.after(seen, CATCH_UP_POLL_MS, deadline);
    }
  }

  override async *watchRequest(receipt: string, signal: AbortSignal): AsyncGenerator<RequestStatusRow, void, void> {
    let told: RequestStatusRow | null = null;
    while (!signal.aborted) {
      const seen = this.model.changed.seen();
      const row = this.requestByReceipt(receipt);
      if (row && (row.status !== told?.status || row.updatedAtUtc !== told.updatedAtUtc)) yield (told = row);
      await this.model.changed.after(seen, WATCH_POLL_MS, signal);
    }
  }

  private async everyProjectionReached(position: Position): Promise<boolean> {
    for (const name of this.model.names()) if (!(await this.reached(name, position))) return false;
    return true;
  }

  /** A projection stores its position with its rows, so events that it does not handle may lie after it: only handled
   * ones count. */
  private async reached(name: string, position: Position): Promise<boolean> {
    let after = this.model.position(name);
    while (after === null || after < position) {
      const next = await this.store.readAll(after, {
        filter: { types: this.model.projection(name).handles },
        limit: 1,
      });
      const [event] = next.events;
      if (event) return event.position > position;
      // A store may answer a page in which nothing fits before it has looked at everything.
      if (next.caughtUp || next.position === after) return true;
      after = next.position;
    }
    return true;
  }

  private rows<Row>(projection: string, sql: string, ...params: (string | number)[]): Row[] {
    return this.model
      .query(projection)
      .all<Row>(sql, ...params)
      .map((row) => ({ ...row }));
  }

  private one<Row>(projection: string, sql: string, ...params: (string | number)[]): Row | null {
    return this.rows<Row>(projection, sql, ...params)[0] ?? null;
  }
}

interface StoredTimelineRow extends Omit<TimelineRow, 'data'> {
  readonly data: string;
}

/** The form that events carry, so that instants can be compared as texts. */
function asRecorded(instant: string): string {
  if (!isInstant(instant)) throw new RangeError(`not an instant in UTC: ${instant}`);
  return new Date(instant).toISOString();
}
