import { existsSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { openDatabase, sqliteCode } from '../data-folder/open-database.js';
import { TransientFailure } from '../../application/subscriptions/subscription-handler.js';

/** 'HNNR' in the file header. */
const APPLICATION_ID = 0x484e4e52;
const SCHEMA_VERSION = 3;

/** Name of the read models' file inside the data folder. */
export const READ_MODEL_FILE = 'readmodel.db';

const DRAWN_ANEW = 'move it away, with what lies beside it under its name; it is drawn anew from the event log';

/** To whom the file belongs, and how many changes of keys were seen in the vault by then. */
const INSTALLATION = `CREATE TABLE installation (
    one INTEGER PRIMARY KEY CHECK (one = 1), id TEXT NOT NULL, vault_changes INTEGER NOT NULL
  ) STRICT;`;

const TABLES = `
  CREATE TABLE consumers (
    name TEXT PRIMARY KEY,
    position TEXT,
    fencing_token INTEGER NOT NULL,
    lease_owner TEXT,
    lease_renewals INTEGER,
    event_id TEXT,
    event_position TEXT
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE parked_events (
    consumer TEXT NOT NULL,
    stream TEXT NOT NULL,
    revision INTEGER NOT NULL,
    position TEXT NOT NULL,
    event_id TEXT NOT NULL,
    type TEXT NOT NULL,
    error TEXT NOT NULL,
    parked_at_utc TEXT NOT NULL,
    PRIMARY KEY (consumer, stream, revision)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE projections (name TEXT PRIMARY KEY, version INTEGER NOT NULL, build INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE builds (
    projection TEXT NOT NULL,
    build INTEGER NOT NULL,
    version INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('building', 'served', 'retired')),
    tables TEXT NOT NULL,
    PRIMARY KEY (projection, build)
  ) STRICT, WITHOUT ROWID;
  ${INSTALLATION}
`;

/** `MIGRATIONS[i]` leads from version i+1 to i+2. */
const MIGRATIONS = [
  `ALTER TABLE consumers ADD COLUMN event_id TEXT; ${INSTALLATION}`,
  `ALTER TABLE consumers ADD COLUMN event_position TEXT;
   ALTER TABLE consumers RENAME COLUMN lease_until_ms TO lease_renewals;`,
];

/** How long a transaction waits while another process writes. */
const BUSY_MS_MAX = 10_000;

/** SQLite results that say nothing about the events: busy, locked, read-only, I/O error, disk full, cannot open. */
const TRANSIENT_CODES = new Set([5, 6, 8, 10, 13, 14]);

/** What a read-model file says of itself. */
export interface ReadModelState {
  readonly installationId: string | null;
  /** Changes of keys that were seen in the vault, or null. */
  readonly vaultChanges: number | null;
  /** Whether any consumer has a position. */
  readonly isUsed: boolean;
}

/** The file of read models and consumer positions. It can be thrown away: everything in it comes from the events again.
 *  One writing connection, so that rows and positions share a transaction, and one for reading. */
export class ReadModelDatabase {
  private readonly statements = new Map<string, StatementSync>();
  private readonly readStatements = new Map<string, StatementSync>();

  private constructor(
    readonly file: string,
    private readonly writer: DatabaseSync,
    private readonly reader: DatabaseSync,
  ) {}

  /** @throws {Error} when the file is damaged, another kind of database, or newer than this program. */
  static open(file: string): ReadModelDatabase {
    const writer = openDatabase(file, DRAWN_ANEW, { timeout: 5000 });
    // NORMAL: a power cut may lose the last commits, rows and positions together, and they are handled again.
    writer.exec(
      'PRAGMA journal_size_limit = 16777216; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 4000; PRAGMA cache_size = -32000; PRAGMA temp_store = MEMORY',
    );
    prepareSchema(writer, file);
    // Waiting inside SQLite stops the whole process, so from here on the waiting is done by `write`.
    writer.exec('PRAGMA busy_timeout = 0');
    const reader = new DatabaseSync(file, { readOnly: true, timeout: 1000 });
    reader.exec('PRAGMA cache_size = -32000');
    return new ReadModelDatabase(file, writer, reader);
  }

  /** What the file says of itself, without changing it; where there is none, nothing. */
  static stateOf(file: string): ReadModelState {
    if (!existsSync(file)) return { installationId: null, vaultChanges: null, isUsed: false };
    const database = openDatabase(file, DRAWN_ANEW, { timeout: 5000 });
    try {
      const has = (table: string) => database.prepare('SELECT 1 FROM sqlite_schema WHERE name = ?').get(table);
      const position = 'SELECT 1 FROM consumers WHERE position IS NOT NULL LIMIT 1';
      const used = has('consumers') && database.prepare(position).get();
      const row = has('installation') && database.prepare('SELECT id, vault_changes FROM installation').get();
      const { id = null, vault_changes = null } = (row ?? {}) as { id?: string; vault_changes?: number };
      return { installationId: id, vaultChanges: vault_changes, isUsed: Boolean(used) };
    } finally {
      database.close();
    }
  }

  /** Notes to which installation the file belongs, and how many changes of keys the vault has seen by now. */
  async markFor(installationId: string, vaultChanges: number): Promise<void> {
    const insert = `INSERT INTO installation (one, id, vault_changes) VALUES (1, ?, ?)
      ON CONFLICT (one) DO UPDATE SET id = excluded.id, vault_changes = excluded.vault_changes`;
    await this.write(() => this.statement(insert).run(installationId, vaultChanges));
  }

  /** Runs `work` in one write transaction; an exception rolls it back. Waits without blocking while another process
   * writes.
   * @throws {TransientFailure} when the disk or another process is at fault; otherwise what `work` throws. */
  async write<Result>(work: () => Result): Promise<Result> {
    const start = performance.now();
    while (!this.begun(start)) await sleep(5);
    // From BEGIN to COMMIT nothing is awaited: another writer of this process would find itself inside this
    // transaction.
    try {
      const result = work();
      this.writer.exec('COMMIT');
      return result;
    } catch (error) {
      if (this.writer.isTransaction) this.writer.exec('ROLLBACK');
      throw asTransient(error, this.file);
    }
  }

  /** A statement of the writing connection, prepared once. Only inside `write`. */
  statement(sql: string): StatementSync {
    return prepared(this.writer, this.statements, sql);
  }

  /** A statement of the reading connection, prepared once. */
  readStatement(sql: string): StatementSync {
    return prepared(this.reader, this.readStatements, sql);
  }

  /** Runs statements that are not worth keeping, such as CREATE TABLE. Only inside `write`. */
  execute(sql: string): void {
    this.writer.exec(sql);
  }

  /** Runs `work` so that all its `readStatement`s see one moment of the file. Synchronous, so that no other reader
   * comes between. */
  readTogether<Result>(work: () => Result): Result {
    this.reader.exec('BEGIN');
    try {
      return work();
    } finally {
      this.reader.exec('COMMIT');
    }
  }

  /** Runs `work` on a connection of its own that sees one moment of the file, however long it takes. */
  async snapshot<Result>(work: (database: DatabaseSync) => Promise<Result>): Promise<Result> {
    const database = new DatabaseSync(this.file, { readOnly: true, timeout: 5000 });
    try {
      database.exec('BEGIN');
      return await work(database);
    } finally {
      database.close();
    }
  }

  close(): void {
    // The last connection to close folds the write-ahead log into the file, which only the writing one can do.
    this.reader.close();
    this.writer.close();
  }

  /** @returns false while another process writes. @throws when it does so for too long, or the disk is at fault. */
  private begun(startMs: number): boolean {
    try {
      this.writer.exec('BEGIN IMMEDIATE');
      return true;
    } catch (error) {
      if (sqliteCode(error) !== 5 || performance.now() - startMs > BUSY_MS_MAX) throw asTransient(error, this.file);
      return false;
    }
  }
}

function prepareSchema(database: DatabaseSync, file: string): void {
  database.exec('BEGIN IMMEDIATE');
  const { application_id: id } = database.prepare('PRAGMA application_id').get() as { application_id: number };
  const { user_version: version } = database.prepare('PRAGMA user_version').get() as { user_version: number };
  const { n: tables } = database.prepare('SELECT count(*) AS n FROM sqlite_schema').get() as { n: number };
  const prepare = (sql: string) => database.exec(`${sql} PRAGMA user_version = ${SCHEMA_VERSION}`);
  if (tables === 0) prepare(`${TABLES} PRAGMA application_id = ${APPLICATION_ID};`);
  else if (id !== APPLICATION_ID) throw new Error(`${file} is not a read-model file of this program`);
  else if (version > SCHEMA_VERSION)
    throw new Error(
      `${file} has version ${version} and this program knows ${SCHEMA_VERSION}; use a newer program, or delete the file to build it again`,
    );
  else if (version < SCHEMA_VERSION) prepare(MIGRATIONS.slice(version - 1).join(' '));
  database.exec('COMMIT');
}

function prepared(database: DatabaseSync, statements: Map<string, StatementSync>, sql: string): StatementSync {
  let statement = statements.get(sql);
  if (!statement) statements.set(sql, (statement = database.prepare(sql)));
  return statement;
}

function asTransient(error: unknown, file: string): unknown {
  const code = sqliteCode(error);
  return code !== undefined && TRANSIENT_CODES.has(code)
    ? new TransientFailure(`${file}: ${(error as Error).message}`, { cause: error })
    : error;
}
