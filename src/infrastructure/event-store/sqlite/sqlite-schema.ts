import { DatabaseSync } from 'node:sqlite';
import { crc32 } from 'node:zlib';
import { unavailable } from './sqlite-failure.js';

/** 'HNNE' in the file header: `file events.db` and the opening check tell an event log from any other SQLite file. */
export const APPLICATION_ID = 0x484e4e45;
/** Version of the tables below. A raised version comes with a migration. */
export const SCHEMA_VERSION = 1;

/** `data` and `metadata` are the canonical texts and never change. Positions are given in the write transaction, so a
 * reader that sees position n sees everything below n. Ids are unique inside their stream: a global index over random
 * ids costs four times the writes and no rule needs it. */
const TABLES = `
  CREATE TABLE streams (no INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
  CREATE TABLE events (
    position INTEGER PRIMARY KEY,
    stream_no INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    id TEXT NOT NULL,
    type TEXT NOT NULL,
    schema_version INTEGER NOT NULL,
    data TEXT NOT NULL,
    metadata TEXT NOT NULL,
    checksum INTEGER NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX events_by_revision ON events (stream_no, revision);
  CREATE UNIQUE INDEX events_by_id ON events (stream_no, id);
`;

/** Creates the tables in an empty file. @throws {EventStoreUnavailableError} when the file is something else, or newer
 * than this program. */
export function prepareSchema(database: DatabaseSync, file: string, mode: 'write' | 'read'): void {
  const applicationId = pragma(database, 'application_id');
  const version = pragma(database, 'user_version');
  const empty =
    applicationId === 0 &&
    version === 0 &&
    (database.prepare('SELECT count(*) AS n FROM sqlite_schema').get() as { n: number }).n === 0;
  if (empty && mode === 'write') {
    database.exec(
      `BEGIN IMMEDIATE; ${TABLES} PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`,
    );
    return;
  }
  if (applicationId !== APPLICATION_ID) throw unavailable('not_an_event_log', file);
  if (version > SCHEMA_VERSION)
    throw unavailable(
      'not_an_event_log',
      file,
      `the event log has version ${version} and this program knows ${SCHEMA_VERSION}; use a newer program`,
    );
}

function pragma(database: DatabaseSync, name: string): number {
  return Number(Object.values(database.prepare(`PRAGMA ${name}`).get() as Record<string, number>)[0]);
}

/** What a row's checksum covers. */
export interface ChecksummedRow {
  readonly position: number;
  readonly stream: string;
  readonly revision: number;
  readonly id: string;
  readonly type: string;
  readonly schema_version: number;
  readonly data: string;
  readonly metadata: string;
}

/** CRC-32 over everything that a row says, so that a flipped byte on the disk is found when the row is read and is
 * never served. It finds accidents; intent is the matter of the audit log. */
export function rowChecksum(row: ChecksummedRow): number {
  return crc32(
    `${row.position} ${row.stream} ${row.revision} ${row.id} ${row.type} ${row.schema_version} ${row.data}${row.metadata}`,
  );
}
