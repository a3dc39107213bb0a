import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { ExpectedRevision } from '../../../application/ports/store/event-store.js';
import { decideAppend, type KnownEvent } from '../append-decision.js';
import type { EncodedEvent } from '../event-bytes.js';
import { sqliteCode } from '../../data-folder/open-database.js';
import { storeFailure } from './sqlite-failure.js';
import { prepareSchema, rowChecksum } from './sqlite-schema.js';

export interface AppendRequest {
  readonly stream: string;
  readonly events: readonly EncodedEvent[];
  readonly expected: ExpectedRevision;
}

export type AppendAnswer =
  | { readonly kind: 'appended'; readonly revision: number; readonly position: number; readonly repeated: boolean }
  | { readonly kind: 'conflict'; readonly actual: ExpectedRevision }
  | { readonly kind: 'id_conflict'; readonly eventId: string }
  /** Events of the stream are gone from the file: nothing may be built on what is left. Its neighbours go on. */
  | { readonly kind: 'cut_short' };

/** What became of one group of requests. */
export type CommitOutcome =
  | { readonly outcome: 'committed'; readonly answers: readonly AppendAnswer[] }
  /** Certainly nothing was written; `error` says why. */
  | { readonly outcome: 'refused'; readonly error: Error }
  /** The commit itself failed: the disk may or may not hold it. */
  | { readonly outcome: 'unknown'; readonly error: Error };

export interface LogWriterOptions {
  /** The log never grows beyond this; appends are then refused as `disk_full`. */
  readonly fileBytesMax?: number;
}

/** Stores one group after the other. The next group is handed over only when this one is answered. */
export interface LogWriter {
  /** Never throws: a failure says whether anything can have been written. */
  commit(requests: readonly AppendRequest[]): CommitOutcome | Promise<CommitOutcome>;
  close(): void | Promise<void>;
}

interface StreamTail {
  readonly no: number;
  readonly revision: number;
}

const CACHED_STREAMS_MAX = 10_000;

/** The one connection that writes. Takes a group of requests through one transaction: each request is decided before
 * anything of it is written, so a conflict leaves its neighbours alone, and one `fsync` serves them all. Synchronous on
 * purpose: nothing can come between the check of a revision and the write. */
export class SqliteLogWriter implements LogWriter {
  private readonly database: DatabaseSync;
  private readonly statements: Record<
    'findStream' | 'addStream' | 'revisions' | 'findId' | 'addEvent' | 'lastPosition',
    StatementSync
  >;
  /** Last revisions of the streams used most recently. Only ever what is committed. */
  private readonly tails = new Map<string, StreamTail>();
  private lastPosition: number;
  private lastStreamNo: number;

  /** @throws {EventStoreUnavailableError} when the file cannot be opened or is not an event log. */
  constructor(
    private readonly file: string,
    options: LogWriterOptions = {},
  ) {
    try {
      this.database = openForWriting(file, options.fileBytesMax);
      prepareSchema(this.database, file, 'write');
      this.statements = prepareStatements(this.database);
    } catch (error) {
      throw storeFailure(error, file);
    }
    this.lastPosition = this.readLastPosition();
    this.lastStreamNo =
      (this.database.prepare('SELECT max(no) AS no FROM streams').get() as { no: number | null }).no ?? 0;
  }

  /** Stores a group in one durable transaction. Never throws: a failure says whether anything can have been written. */
  commit(requests: readonly AppendRequest[]): CommitOutcome {
    const before = { position: this.lastPosition, streamNo: this.lastStreamNo };
    const tails = new Map<string, StreamTail>();
    let answers: AppendAnswer[];
    try {
      this.database.exec('BEGIN IMMEDIATE');
      answers = requests.map((request) => this.write(request, tails));
    } catch (error) {
      this.rollBack(before);
      return { outcome: 'refused', error: storeFailure(error, this.file) };
    }
    try {
      this.database.exec('COMMIT');
    } catch (error) {
      this.rollBack(before);
      // Busy is the one answer after which SQLite guarantees that the transaction was not committed.
      return { outcome: sqliteCode(error) === 5 ? 'refused' : 'unknown', error: storeFailure(error, this.file) };
    }
    this.remember(tails);
    return { outcome: 'committed', answers };
  }

  close(): void {
    this.database.close();
  }

  private write(request: AppendRequest, tails: Map<string, StreamTail>): AppendAnswer {
    const tail = tails.get(request.stream) ?? this.tail(request.stream);
    if (tail === 'cut_short') return { kind: 'cut_short' };
    const actual: ExpectedRevision = tail?.revision ?? 'no_stream';
    const known = tail ? this.knownEvents(tail.no, request.events) : [];
    const decision = decideAppend(request.events, known, request.expected, actual);
    if (decision.kind === 'conflict') return { kind: 'conflict', actual };
    if (decision.kind === 'id_conflict') return decision;
    if (decision.kind === 'repeat')
      return {
        kind: 'appended',
        revision: decision.lastRevision,
        position: (known.at(-1) as Known).position,
        repeated: true,
      };
    const no = tail?.no ?? this.addStream(request.stream);
    for (const [index, event] of request.events.entries())
      this.addEvent(request.stream, no, decision.firstRevision + index, event);
    const revision = decision.firstRevision + request.events.length - 1;
    tails.set(request.stream, { no, revision });
    return { kind: 'appended', revision, position: this.lastPosition, repeated: false };
  }

  private tail(stream: string): StreamTail | 'cut_short' | undefined {
    const cached = this.tails.get(stream);
    if (cached) return cached;
    const row = this.statements.findStream.get(stream) as { no: number } | undefined;
    if (!row) return undefined;
    const { first, last } = this.statements.revisions.get(row.no, row.no) as {
      first: number | null;
      last: number | null;
    };
    // A stream has a number from its first event on: one without it has forgotten what it was for.
    if (first !== 0 || last === null) return 'cut_short';
    return { no: row.no, revision: last };
  }

  private knownEvents(streamNo: number, events: readonly EncodedEvent[]): Known[] {
    const rows = events.map((event) => this.statements.findId.get(streamNo, event.id) as KnownRow | undefined);
    return rows.filter((row) => row !== undefined).map((row) => ({ ...row, schemaVersion: row.schema_version }));
  }

  private addStream(name: string): number {
    this.lastStreamNo += 1;
    this.statements.addStream.run(this.lastStreamNo, name);
    return this.lastStreamNo;
  }

  private addEvent(stream: string, streamNo: number, revision: number, event: EncodedEvent): void {
    const position = this.lastPosition + 1;
    const checksum = rowChecksum({
      position,
      stream,
      revision,
      id: event.id,
      type: event.type,
      schema_version: event.schemaVersion,
      data: event.data,
      metadata: event.metadata,
    });
    this.statements.addEvent.run(
      position,
      streamNo,
      revision,
      event.id,
      event.type,
      event.schemaVersion,
      event.data,
      event.metadata,
      checksum,
    );
    this.lastPosition = position;
  }

  private remember(tails: ReadonlyMap<string, StreamTail>): void {
    for (const [stream, tail] of tails) {
      // Deleting first moves the stream to the young end, so that the map's order is the order of use.
      this.tails.delete(stream);
      this.tails.set(stream, tail);
    }
    for (const stream of this.tails.keys()) {
      if (this.tails.size <= CACHED_STREAMS_MAX) return;
      this.tails.delete(stream);
    }
  }

  private rollBack(before: { position: number; streamNo: number }): void {
    if (this.database.isTransaction) this.database.exec('ROLLBACK');
    this.lastPosition = before.position;
    this.lastStreamNo = before.streamNo;
    this.tails.clear();
  }

  private readLastPosition(): number {
    return (this.statements.lastPosition.get() as { position: number | null }).position ?? 0;
  }
}

interface KnownRow extends EncodedEvent {
  readonly revision: number;
  readonly position: number;
  readonly schema_version: number;
}
interface Known extends KnownEvent {
  readonly position: number;
}

/** The write-ahead log grows while a reader is slow. What is beyond this is given back once it has been folded in. */
export const WAL_BYTES_KEPT = 16 * 1024 * 1024;

function openForWriting(file: string, fileBytesMax: number | undefined): DatabaseSync {
  // No busy handler: waiting inside SQLite would stop the whole process. The queue above waits instead.
  const database = new DatabaseSync(file, { timeout: 0 });
  database.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000; PRAGMA cache_size = -16000; PRAGMA temp_store = MEMORY',
  );
  database.exec(`PRAGMA journal_size_limit = ${WAL_BYTES_KEPT}`);
  if (fileBytesMax !== undefined)
    database.exec(`PRAGMA max_page_count = ${Math.max(1, Math.floor(fileBytesMax / 4096))}`);
  return database;
}

function prepareStatements(database: DatabaseSync) {
  return {
    findStream: database.prepare('SELECT no FROM streams WHERE name = ?'),
    addStream: database.prepare('INSERT INTO streams (no, name) VALUES (?, ?)'),
    revisions: database.prepare(
      `SELECT (SELECT min(revision) FROM events WHERE stream_no = ?) AS first,
              (SELECT max(revision) FROM events WHERE stream_no = ?) AS last`,
    ),
    findId: database.prepare(
      'SELECT id, type, schema_version, data, metadata, revision, position FROM events WHERE stream_no = ? AND id = ?',
    ),
    addEvent: database.prepare(
      'INSERT INTO events (position, stream_no, revision, id, type, schema_version, data, metadata, checksum) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
    ),
    lastPosition: database.prepare('SELECT max(position) AS position FROM events'),
  };
}
