import { closeSync, fsyncSync, openSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { StoredEvent } from '../../../domain/event-envelope.js';
import { canonicalJson } from '../../../domain/values/canonical-json.js';
import { storeFailure, unavailable } from '../sqlite/sqlite-failure.js';
import { prepareSchema, rowChecksum } from '../sqlite/sqlite-schema.js';

/** Positions of the file: counted from 1, as an embedded log gives them, or those that the events had elsewhere. */
export type FilePositions = 'counted' | 'kept';

/** Writes whole events, in their order, into a new file in the form of the embedded log: many in one transaction, and
 *  nothing is durable before `close`, nor may be used after a failure. For copies of logs, and for made ones; a server appends otherwise. */
export class LogFileWriter {
  private readonly database: DatabaseSync;
  private readonly addStream: StatementSync;
  private readonly addEvent: StatementSync;
  private readonly streams = new Map<string, number>();
  private written = 0;

  /** @param file does not exist yet */
  constructor(
    private readonly file: string,
    private readonly positions: FilePositions,
  ) {
    this.database = new DatabaseSync(file);
    this.database.exec('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -64000');
    prepareSchema(this.database, file, 'write');
    this.addStream = this.database.prepare('INSERT INTO streams (no, name) VALUES (?, ?)');
    this.addEvent = this.database.prepare(
      `INSERT INTO events (position, stream_no, revision, id, type, schema_version, data, metadata, checksum)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
  }

  /** How many events it holds. */
  get events(): number {
    return this.written;
  }

  write(events: readonly StoredEvent[]): void {
    try {
      this.database.exec('BEGIN');
      for (const event of events) this.add(event);
      this.database.exec('COMMIT');
    } catch (error) {
      throw storeFailure(error, this.file);
    }
  }

  /** Everything is on the disk then. */
  close(): void {
    this.database.close();
    const file = openSync(this.file, 'r+');
    try {
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  }

  private add({ id, type, schemaVersion, stream, revision, ...event }: StoredEvent): void {
    this.written += 1;
    const position = this.positions === 'counted' ? this.written : Number(event.position);
    if (!Number.isSafeInteger(position))
      throw unavailable('corrupt', this.file, `position ${event.position} is beyond what a file of events can hold`);
    let no = this.streams.get(stream);
    if (no === undefined) {
      this.streams.set(stream, (no = this.streams.size + 1));
      this.addStream.run(no, stream);
    }
    const [data, metadata] = [canonicalJson(event.data), canonicalJson({ ...event.metadata })];
    const checksum = rowChecksum({
      position,
      stream,
      revision,
      id,
      type,
      schema_version: schemaVersion,
      data,
      metadata,
    });
    this.addEvent.run(position, no, revision, id, type, schemaVersion, data, metadata, checksum);
  }
}
