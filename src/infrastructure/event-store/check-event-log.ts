import { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  EventStoreUnavailableError,
  type EventBatch,
  type EventStore,
} from '../../application/ports/store/event-store.js';
import type { Position, StoredEvent } from '../../domain/event-envelope.js';
import { storeFailure } from './sqlite/sqlite-failure.js';
import { prepareSchema, rowChecksum, type ChecksummedRow } from './sqlite/sqlite-schema.js';

export interface EventLogReport {
  readonly events: number;
  readonly streams: number;
  /** One sentence for each fault, naming the event or the page; empty when the log is whole. */
  readonly problems: readonly string[];
}

/** Faults that are listed before the check stops listing: a torn disk gives millions. */
const PROBLEMS_MAX = 100;
const PAGE = 2000;
const STORE_PAGE = 1024;

type CheckedRow = ChecksummedRow & { readonly checksum: number };

/** Reads the whole log and says everything that is wrong with it: the file's own structure, every event's checksum and
 * JSON, holes in positions, holes in the revisions of a stream. Runs beside a server that writes; judges what was there
 * at the start.
 * @param onProgress called after every page with the events checked so far and the number of all
 * @throws {EventStoreUnavailableError} when the file cannot be opened or is no event log. */
export async function checkEventLog(
  file: string,
  onProgress: (checked: number, total: number) => void = () => {},
): Promise<EventLogReport> {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file, { readOnly: true, timeout: 5000 });
    prepareSchema(database, file, 'read');
  } catch (error) {
    database?.close();
    throw storeFailure(error, file);
  }
  try {
    const problems = checkStructure(database);
    return await checkEvents(database, problems, onProgress);
  } finally {
    database.close();
  }
}

/** The same of a log that is in no file of ours, as far as reading it tells: holes in the revisions of a stream, events
 *  that this program did not write. What the server keeps on its disks is its own matter.
 *  @param onProgress called after every page with the events checked so far
 *  @throws {EventStoreUnavailableError} when the store does not answer. */
export async function checkEventsOf(
  store: EventStore,
  onProgress: (checked: number) => void = () => {},
): Promise<EventLogReport> {
  const problems: string[] = [];
  const revisions = new Map<string, number>();
  let checked = 0;
  for (let after: Position | null = null; problems.length < PROBLEMS_MAX;) {
    const page: EventBatch | string = await store.readAll(after, { limit: STORE_PAGE }).catch(corruption);
    if (typeof page === 'string') {
      problems.push(`reading stopped after ${checked} events: ${page}`);
      break;
    }
    problems.push(...page.events.flatMap((event) => checkRevision(event, revisions)));
    checked += page.events.length;
    after = page.position;
    onProgress(checked);
    if (page.caughtUp) break;
  }
  return { events: checked, streams: revisions.size, problems: problems.slice(0, PROBLEMS_MAX) };
}

/** What is wrong with the log is an answer; that nobody answers is none. */
function corruption(error: unknown): string {
  if (error instanceof EventStoreUnavailableError && error.reason === 'corrupt') return error.message;
  throw error;
}

function checkRevision({ id, type, stream, revision }: StoredEvent, revisions: Map<string, number>): string[] {
  const expected = (revisions.get(stream) ?? -1) + 1;
  revisions.set(stream, revision);
  if (revision === expected) return [];
  return [`event ${id} (${type}, ${stream} revision ${revision}): revision ${expected} of its stream was expected`];
}

function checkStructure(database: DatabaseSync): string[] {
  try {
    const lines = database.prepare(`PRAGMA integrity_check(${PROBLEMS_MAX})`).all() as { integrity_check: string }[];
    return lines
      .map((line) => line.integrity_check)
      .filter((line) => line !== 'ok')
      .map((line) => `file structure: ${line}`);
  } catch (error) {
    return [`file structure: ${(error as Error).message}`];
  }
}

async function checkEvents(
  database: DatabaseSync,
  problems: string[],
  onProgress: (checked: number, total: number) => void,
): Promise<EventLogReport> {
  const revisions = new Map<string, number>();
  let checked = 0;
  try {
    const { total } = database.prepare('SELECT coalesce(max(position), 0) AS total FROM events').get() as {
      total: number;
    };
    // NOT INDEXED: the table itself is judged, a damaged index is the matter of the structure check.
    const page = database.prepare(`
      SELECT e.position, (SELECT name FROM streams WHERE no = e.stream_no) AS stream, e.revision, e.id, e.type, e.schema_version, e.data, e.metadata, e.checksum
      FROM events e NOT INDEXED WHERE e.position > ? AND e.position <= ? ORDER BY e.position LIMIT ${PAGE}`);
    for (let position = 0; position < total && problems.length < PROBLEMS_MAX;) {
      const rows = page.all(position, total) as unknown as CheckedRow[];
      if (rows.length === 0) break;
      for (const row of rows) {
        problems.push(...checkRow(row, position, revisions));
        position = row.position;
      }
      checked += rows.length;
      onProgress(checked, total);
      await nextTurn();
    }
  } catch (error) {
    problems.push(`reading stopped after ${checked} events: ${(error as Error).message}`);
  }
  return { events: checked, streams: revisions.size, problems: problems.slice(0, PROBLEMS_MAX) };
}

function checkRow(row: CheckedRow, previousPosition: number, revisions: Map<string, number>): string[] {
  const name = `event ${row.id} (${row.type}, ${row.stream} revision ${row.revision}, position ${row.position})`;
  const problems: string[] = [];
  if (row.position !== previousPosition + 1)
    problems.push(`positions ${previousPosition + 1} to ${row.position - 1} are missing before ${name}`);
  if (rowChecksum(row) !== row.checksum) problems.push(`${name}: the checksum does not fit; a byte of it was changed`);
  const expected = (revisions.get(row.stream) ?? -1) + 1;
  if (row.revision !== expected) problems.push(`${name}: revision ${expected} of its stream was expected`);
  revisions.set(row.stream, row.revision);
  if (!isJsonObject(row.data) || !isJsonObject(row.metadata)) problems.push(`${name}: its content is not JSON`);
  return problems;
}

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}
