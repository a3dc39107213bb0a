import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { StoredText } from '../../../domain/audit/log/leaf.js';
import { storeFailure, unavailable } from '../../event-store/sqlite/sqlite-failure.js';
import { prepareSchema, rowChecksum } from '../../event-store/sqlite/sqlite-schema.js';

/** An event as its bytes lie in the embedded store. */
export interface StoredRow extends StoredText {
  readonly position: number;
  readonly checksum: number;
}

type RowArray = readonly [
  position: number,
  stream: string,
  revision: number,
  id: string,
  type: string,
  schemaVersion: number,
  data: string,
  metadata: string,
  checksum: number,
];

/** The embedded event store for who hashes it: the stored texts as they are, on a read-only connection of its own.
 * Parsing them and writing them again would cost more than everything else that the log does with an event. */
export class StoredEvents {
  private readonly page: StatementSync;

  private constructor(
    /** For further questions of the checker. */
    readonly database: DatabaseSync,
    private readonly file: string,
  ) {
    this.page = database.prepare(`
      SELECT e.position, s.name, e.revision, e.id, e.type, e.schema_version, e.data, e.metadata, e.checksum
      FROM events e JOIN streams s ON s.no = e.stream_no WHERE e.position > ? ORDER BY e.position LIMIT ?`);
    this.page.setReturnArrays(true);
  }

  /** @throws {EventStoreUnavailableError} when the file is not an event log or cannot be read. */
  static open(file: string): StoredEvents {
    try {
      const database = new DatabaseSync(file, { readOnly: true, timeout: 5000 });
      prepareSchema(database, file, 'read');
      return new StoredEvents(database, file);
    } catch (error) {
      throw storeFailure(error, file);
    }
  }

  /** The next events in store order. Checksums are given out, not checked. */
  after(position: number, limit: number): StoredRow[] {
    return this.rows(position, limit).map(rowOf);
  }

  /** The same one by one. The caller must come to the end before it waits for anything: an open cursor keeps the
   * write-ahead log from being cut back. */
  *each(position: number, limit: number): Iterable<StoredRow> {
    try {
      for (const row of this.page.iterate(position, limit)) yield rowOf(row as unknown as RowArray);
    } catch (error) {
      throw storeFailure(error, this.file);
    }
  }

  close(): void {
    this.database.close();
  }

  private rows(position: number, limit: number): RowArray[] {
    try {
      return this.page.all(position, limit) as unknown as RowArray[];
    } catch (error) {
      throw storeFailure(error, this.file);
    }
  }
}

function rowOf([position, stream, revision, id, type, schemaVersion, data, metadata, checksum]: RowArray): StoredRow {
  return { position, stream, revision, id, type, schemaVersion, data, metadata, checksum };
}

export function isIntact(row: StoredRow): boolean {
  return rowChecksum({ ...row, schema_version: row.schemaVersion }) === row.checksum;
}

/** @throws {EventStoreUnavailableError} where an event between these is gone: a log without it must never be signed. */
export function assertDense(rows: readonly StoredRow[], after: number, file: string): void {
  const gap = rows.findIndex((row, index) => row.position !== after + 1 + index);
  if (gap < 0) return;
  const what = `the event at position ${after + 1 + gap} is missing`;
  throw unavailable('corrupt', file, `${what}: somebody has changed the file; restore the log from a backup`);
}

/** @throws {EventStoreUnavailableError} for a row that the disk has changed: it must never become a leaf. */
export function assertIntact(row: StoredRow, file: string): void {
  if (isIntact(row)) return;
  const { id, type, stream, revision, position } = row;
  throw unavailable(
    'corrupt',
    file,
    `event ${id} (${type}, ${stream} revision ${revision}, position ${position}) is damaged: its checksum does not fit; restore the log from a backup`,
  );
}
