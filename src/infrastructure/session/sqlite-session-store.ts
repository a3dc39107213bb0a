import { rmSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { Logger } from '@nestjs/common';
import { DamagedFileError, openDatabase } from '../data-folder/open-database.js';
import { SessionStore, type StoredSession } from '../../application/ports/store/session-store.js';

/** Name of the file inside the data folder. It may be thrown away: everybody signs in again. */
export const SESSIONS_FILE = 'sessions.db';

const SCHEMA = `
  PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;
  CREATE TABLE IF NOT EXISTS sessions (
    id TEXT PRIMARY KEY,
    subject TEXT NOT NULL,
    provider_session TEXT,
    sealed BLOB NOT NULL,
    ends_at_utc TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
`;

interface Row {
  readonly id: string;
  readonly subject: string;
  readonly provider_session: string | null;
  readonly sealed: Uint8Array;
  readonly ends_at_utc: string;
}

/** Sessions in a file of their own beside the read models. */
export class SqliteSessionStore extends SessionStore {
  private constructor(private readonly db: DatabaseSync) {
    super();
  }

  /** @param file the file, or `:memory:` */
  static open(file: string): SqliteSessionStore {
    const db = openSessions(file);
    db.exec(SCHEMA);
    return new SqliteSessionStore(db);
  }

  put({ id, subject, providerSession, sealed, endsAtUtc }: StoredSession): void {
    this.db
      .prepare('INSERT OR REPLACE INTO sessions VALUES (?, ?, ?, ?, ?)')
      .run(id, subject, providerSession, sealed, endsAtUtc);
  }

  get(id: string, nowUtc: string): StoredSession | null {
    // Whoever comes sweeps: there are as many sessions as people at their desks.
    this.db.prepare('DELETE FROM sessions WHERE ends_at_utc <= ?').run(nowUtc);
    const row = this.db.prepare('SELECT * FROM sessions WHERE id = ?').get(id) as Row | undefined;
    if (row === undefined) return null;
    const { subject, provider_session: providerSession, sealed, ends_at_utc: endsAtUtc } = row;
    return { id, subject, providerSession, sealed, endsAtUtc };
  }

  end(id: string): void {
    this.db.prepare('DELETE FROM sessions WHERE id = ?').run(id);
  }

  endAll(of: { readonly subject: string } | { readonly providerSession: string }): number {
    const ended =
      'subject' in of
        ? this.db.prepare('DELETE FROM sessions WHERE subject = ?').run(of.subject)
        : this.db.prepare('DELETE FROM sessions WHERE provider_session = ?').run(of.providerSession);
    return Number(ended.changes);
  }

  close(): void {
    this.db.close();
  }
}

function openSessions(file: string): DatabaseSync {
  try {
    return openDatabase(file, '');
  } catch (error) {
    if (!(error instanceof DamagedFileError)) throw error;
    new Logger('Sessions').warn(`${file} was damaged and is begun anew: everybody signs in again`);
    for (const part of ['', '-wal', '-shm']) rmSync(`${file}${part}`, { force: true });
    return openDatabase(file, '');
  }
}
