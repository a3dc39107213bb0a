import { DatabaseSync, type DatabaseSyncOptions } from 'node:sqlite';

/** Result codes of SQLite: the file is damaged inside, or it is no database at all. */
const DAMAGED: readonly unknown[] = [11, 26];

/** A database of the data folder that cannot be read. The message names it and says what to do. */
export class DamagedFileError extends Error {
  readonly code = 'damaged_file';

  constructor(
    readonly file: string,
    advice: string,
    options?: ErrorOptions,
  ) {
    super(`${file} is damaged: ${advice}`, options);
  }
}

/** Opens a database and reads what its tables are, so that what is no database is told before anything is asked of it.
 *  @param advice what to do about a damaged one, e.g. from where to restore it
 *  @throws {DamagedFileError} */
export function openDatabase(file: string, advice: string, options: DatabaseSyncOptions = {}): DatabaseSync {
  const database = new DatabaseSync(file, options);
  try {
    database.prepare('SELECT count(*) FROM sqlite_schema').get();
    return database;
  } catch (error) {
    database.close();
    throw DAMAGED.includes(sqliteCode(error)) ? new DamagedFileError(file, advice, { cause: error }) : error;
  }
}

/** Result code of an error of `node:sqlite`, or undefined for any other error. */
export function sqliteCode(error: unknown): number | undefined {
  const code = typeof error === 'object' && error !== null && 'errcode' in error ? error.errcode : undefined;
  return typeof code === 'number' ? code & 0xff : undefined;
}
