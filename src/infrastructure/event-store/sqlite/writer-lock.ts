import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { DatabaseSync } from 'node:sqlite';
import { sqliteCode } from '../../data-folder/open-database.js';
import { storeFailure, unavailable } from './sqlite-failure.js';

/** Keeps a second process from writing to the same event log: two writers would each trust their own memory of
 * positions. The lock is an open exclusive transaction on a small file beside the log, so the operating system frees it
 * however the process ends, `kill -9` included. */
export class WriterLock {
  private constructor(
    private readonly database: DatabaseSync,
    private readonly note: string,
  ) {}

  /** @param file path of the event log, or of what else is locked
   *  @param taken what the other process does, for the message
   *  @param rule why that is in the way
   *  @throws {EventStoreUnavailableError} `locked`, naming the process that holds it, or `read_only`. */
  static acquire(
    file: string,
    taken = 'another process is writing to this event log',
    rule = 'one data folder serves one server',
  ): WriterLock {
    const note = `${file}.writer.json`;
    let database: DatabaseSync | undefined;
    try {
      database = new DatabaseSync(`${file}.lock`, { timeout: 0 });
      database.exec('BEGIN EXCLUSIVE');
      writeFileSync(
        note,
        `${JSON.stringify({ pid: process.pid, host: hostname(), sinceUtc: new Date().toISOString() })}\n`,
      );
    } catch (error) {
      database?.close();
      if (sqliteCode(error) === 5) {
        throw unavailable('locked', file, `${taken} (${holder(note)}); ${rule}`);
      }
      if (sqliteCode(error) === undefined)
        throw unavailable('read_only', file, `the data folder cannot be written (${(error as Error).message})`);
      throw storeFailure(error, file);
    }
    return new WriterLock(database, note);
  }

  release(): void {
    rmSync(this.note, { force: true });
    this.database.exec('ROLLBACK');
    this.database.close();
  }
}

function holder(note: string): string {
  try {
    const { pid, host, sinceUtc } = JSON.parse(readFileSync(note, 'utf8')) as {
      pid: number;
      host: string;
      sinceUtc: string;
    };
    return `process ${pid} on ${host}, since ${sinceUtc}`;
  } catch {
    // The note is a courtesy; the lock itself is what counts.
    return 'its note cannot be read';
  }
}
