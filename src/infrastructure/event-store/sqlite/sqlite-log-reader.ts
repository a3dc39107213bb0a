import { DatabaseSync, type StatementSync } from 'node:sqlite';
import {
  EVENT_LIMITS,
  type EventStoreUnavailableError,
  type RecordedAnchor,
  type EventBatch,
  type EventFilter,
  type ReadStreamOptions,
} from '../../../application/ports/store/event-store.js';
import type { EventMetadata, JsonObject, Position, StoredEvent } from '../../../domain/event-envelope.js';
import { sqliteCode } from '../../data-folder/open-database.js';
import { storeFailure, unavailable } from './sqlite-failure.js';
import { prepareSchema, rowChecksum } from './sqlite-schema.js';

/** One event as SQLite gives it: an array, because objects with nine named fields take half as long again to make. */
type EventRow = readonly [
  position: number,
  revision: number,
  id: string,
  type: string,
  schemaVersion: number,
  data: string,
  metadata: string,
  checksum: number,
  stream: string,
];

const COLUMNS = 'e.position, e.revision, e.id, e.type, e.schema_version, e.data, e.metadata, e.checksum';

/** Streams whose numbers are kept: a number is given once and never changes. */
const STREAM_NUMBERS_MAX = 10_000;

/** How many positions one filtered page may look at, so that a page that finds nothing is still short. */
const SCAN_MAX = 8192;

export const RESTORE =
  "somebody has changed the file; './honnin events check' names all of it, restore the log from a backup";

/** What a read of a stream was asked for. */
interface Asked {
  readonly from: number;
  readonly backwards: boolean;
}

/** Reads the log on a connection of its own. Every row is checked against its checksum before it is given out. Each
 * call is one short query: an open cursor would keep the write-ahead log from being cut back. */
export class SqliteLogReader {
  private readonly database: DatabaseSync;
  private readonly statements = new Map<string, StatementSync>();
  private readonly streamNumbers = new Map<string, number>();

  /** @throws {EventStoreUnavailableError} when the file cannot be opened or is not an event log. */
  constructor(private readonly file: string) {
    try {
      this.database = new DatabaseSync(file, { readOnly: true, timeout: 1000 });
      this.database.exec('PRAGMA cache_size = -16000');
      prepareSchema(this.database, file, 'read');
    } catch (error) {
      throw storeFailure(error, file);
    }
  }

  /** Events of one stream. @throws {EventStoreUnavailableError} `corrupt`, naming the event. */
  readStream(stream: string, options: ReadStreamOptions): StoredEvent[] {
    const limit = checkedLimit(options.limit ?? EVENT_LIMITS.eventsPerRead);
    const backwards = options.direction === 'backwards';
    const from = options.from ?? (backwards ? Number.MAX_SAFE_INTEGER : 0);
    if (!Number.isSafeInteger(from) || from < 0) throw new RangeError(`not a revision to read from: ${from}`);
    const streamNo = this.streamNumber(stream);
    if (streamNo === undefined) return [];
    const sql = `SELECT ${COLUMNS} FROM events e WHERE e.stream_no = ? AND e.revision ${backwards ? '<=' : '>='} ? ORDER BY e.revision ${backwards ? 'DESC' : 'ASC'} LIMIT ?`;
    const events = this.rows<EventRow>(sql, streamNo, from, limit).map((row) => this.decode(row, stream));
    this.assertWithoutHole(events, backwards ? -1 : 1);
    this.assertFromHere(stream, streamNo, events[0], { from, backwards });
    if (backwards && events.length < limit) this.assertReachesStart(stream, events.at(-1), from);
    return events;
  }

  /** One page of the whole log, at most `limit` events and `SCAN_MAX` looked at. */
  readAll(after: Position | null, filter: EventFilter | undefined, limit: number): EventBatch {
    checkedLimit(limit);
    const from = Number(after ?? 0n);
    const head = this.headNumber();
    // Positions of this store grow by one, which bounds the scan; nothing outside this file may know that.
    const until = Math.min(head, from + SCAN_MAX);
    const { condition, values } = filterSql(filter);
    const sql = `SELECT ${COLUMNS}, s.name FROM events e JOIN streams s ON s.no = e.stream_no WHERE e.position > ? AND e.position <= ?${condition} ORDER BY e.position LIMIT ?`;
    const events =
      until <= from
        ? []
        : this.rows<EventRow>(sql, from, until, ...values, limit).map((row) => this.decode(row, row[8]));
    const last = events.length === limit ? Number((events.at(-1) as StoredEvent).position) : Math.max(until, from);
    this.assertDense(from, last, filter ? null : events);
    return { events, position: last === 0 ? null : (BigInt(last) as Position), caughtUp: last >= head };
  }

  head(): Position | null {
    const position = this.headNumber();
    return position === 0 ? null : (BigInt(position) as Position);
  }

  /** The newest event at or before a position. */
  anchorAt(position: Position): RecordedAnchor | null {
    const sql = 'SELECT position, id, metadata FROM events WHERE position <= ? ORDER BY position DESC LIMIT 1';
    const [row] = this.rows<readonly [number, string, string]>(sql, Number(position));
    if (!row) return null;
    const { recordedAtUtc } = JSON.parse(row[2]) as EventMetadata;
    return { position: BigInt(row[0]) as Position, id: row[1], recordedAtUtc };
  }

  close(): void {
    this.database.close();
  }

  private headNumber(): number {
    return this.rows<readonly [number | null]>('SELECT max(position) FROM events')[0]?.[0] ?? 0;
  }

  private streamNumber(stream: string): number | undefined {
    const known = this.streamNumbers.get(stream);
    if (known !== undefined) return known;
    const found = this.rows<readonly [number]>('SELECT no FROM streams WHERE name = ?', stream)[0]?.[0];
    if (found === undefined) return undefined;
    if (this.streamNumbers.size >= STREAM_NUMBERS_MAX) this.streamNumbers.clear();
    this.streamNumbers.set(stream, found);
    return found;
  }

  /** A history that was shortened is not taken for the whole: a read begins with the revision that was asked for, and
   * finds nothing only behind the end of the stream. */
  private assertFromHere(stream: string, streamNo: number, first: StoredEvent | undefined, asked: Asked): void {
    if (first && (asked.backwards || first.revision === asked.from)) return;
    if (first) throw this.shortened(stream, `revisions ${asked.from} to ${first.revision - 1} are missing`);
    // A stream has a number from its first event on.
    const sql = 'SELECT max(revision) FROM events WHERE stream_no = ?';
    const last = this.rows<readonly [number | null]>(sql, streamNo)[0]?.[0] ?? null;
    if (last === null) throw this.shortened(stream, 'it is known and has no event');
    if (last < asked.from) return;
    // It may have come a moment ago, between the two looks.
    const there = 'SELECT 1 FROM events WHERE stream_no = ? AND revision = ?';
    if (this.rows(there, streamNo, asked.from).length === 0)
      throw this.shortened(stream, `revision ${asked.from} is missing`);
  }

  /** Read back to its beginning, a stream begins at revision 0. */
  private assertReachesStart(stream: string, oldest: StoredEvent | undefined, from: number): void {
    if (oldest === undefined || oldest.revision === 0) return;
    throw this.shortened(stream, `revisions 0 to ${Math.min(oldest.revision - 1, from)} are missing`);
  }

  /** Positions of this store grow by one, so there is an event at each of them, whatever a filter leaves out. */
  private assertDense(from: number, until: number, whole: readonly StoredEvent[] | null): void {
    const sql = 'SELECT count(*) FROM events WHERE position > ? AND position <= ?';
    const count = whole ? whole.length : this.rows<readonly [number]>(sql, from, until)[0]?.[0];
    if (count === until - from) return;
    const missing = `events are missing between positions ${from + 1} and ${until}`;
    throw unavailable('corrupt', this.file, `${missing}; ${RESTORE}`);
  }

  private shortened(stream: string, what: string): EventStoreUnavailableError {
    return unavailable('corrupt', this.file, `${stream} was cut short: ${what}; ${RESTORE}`);
  }

  private rows<Row extends readonly unknown[]>(sql: string, ...values: (string | number)[]): Row[] {
    try {
      return this.statement(sql).all(...values) as unknown as Row[];
    } catch (error) {
      if (sqliteCode(error) === undefined && !this.database.isOpen) throw unavailable('closed', this.file);
      throw storeFailure(error, this.file);
    }
  }

  private statement(sql: string): StatementSync {
    let statement = this.statements.get(sql);
    if (!statement) {
      statement = this.database.prepare(sql);
      statement.setReturnArrays(true);
      this.statements.set(sql, statement);
    }
    return statement;
  }

  private decode(
    [position, revision, id, type, schemaVersion, data, metadata, checksum]: EventRow,
    stream: string,
  ): StoredEvent {
    if (
      rowChecksum({ position, stream, revision, id, type, schema_version: schemaVersion, data, metadata }) !== checksum
    ) {
      throw unavailable(
        'corrupt',
        this.file,
        `event ${id} (${type}, ${stream} revision ${revision}, position ${position}) is damaged: its checksum does not fit; restore the log from a backup`,
      );
    }
    return {
      id,
      type,
      schemaVersion,
      data: JSON.parse(data) as JsonObject,
      metadata: JSON.parse(metadata) as EventMetadata,
      stream,
      revision,
      position: BigInt(position) as Position,
    };
  }

  /** A stream that skips a revision was damaged: better no state than a state folded from a part of the history. */
  private assertWithoutHole(events: readonly StoredEvent[], step: 1 | -1): void {
    for (let i = 1; i < events.length; i += 1) {
      const [before, here] = [events[i - 1] as StoredEvent, events[i] as StoredEvent];
      if (here.revision !== before.revision + step)
        throw unavailable(
          'corrupt',
          this.file,
          `${here.stream} has a hole between revisions ${before.revision} and ${here.revision}`,
        );
    }
  }
}

function checkedLimit(limit: number): number {
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > EVENT_LIMITS.eventsPerRead)
    throw new RangeError(`a read takes 1 to ${EVENT_LIMITS.eventsPerRead} events, not ${limit}`);
  return limit;
}

function filterSql(filter: EventFilter | undefined): { condition: string; values: string[] } {
  const types = filter?.types;
  const prefixes = filter?.streamPrefixes;
  const byType = types ? ` AND e.type IN (${types.map(() => '?').join(', ')})` : '';
  const byStream = prefixes
    ? ` AND (${prefixes.map(() => 'substr(s.name, 1, length(?)) = ?').join(' OR ') || '0'})`
    : '';
  return {
    condition: byType + byStream,
    values: [...(types ?? []), ...(prefixes ?? []).flatMap((prefix) => [prefix, prefix])],
  };
}
