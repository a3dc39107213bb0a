import { renameSync, rmSync } from 'node:fs';
import { DatabaseSync, backup } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  EventStore,
  EventStoreUnavailableError,
  IdConflictError,
  type AppendResult,
  type RecordedAnchor,
  type EventBatch,
  type EventFilter,
  type ExpectedRevision,
  type ReadStreamOptions,
  type SubscribeOptions,
} from '../../../application/ports/store/event-store.js';
import type { NewEvent, Position, StoredEvent } from '../../../domain/event-envelope.js';
import { assertStreamName, encodeAppend } from '../event-bytes.js';
import { AppendSignal, followLog } from '../log-subscription.js';
import { unavailable } from './sqlite-failure.js';
import { LogTail } from './log-tail.js';
import { RESTORE, SqliteLogReader } from './sqlite-log-reader.js';
import {
  SqliteLogWriter,
  type AppendAnswer,
  type AppendRequest,
  type CommitOutcome,
  type LogWriter,
} from './sqlite-log-writer.js';
import { ThreadedLogWriter, WriterGoneError } from './threaded-log-writer.js';
import { WriterLock } from './writer-lock.js';

export interface SqliteEventStoreOptions {
  /** Path of the log. Beside it live `-wal`, `-shm`, `.lock` and `.writer.json`. Never on a network file system. */
  readonly file: string;
  /** `read` opens an existing log beside a running server; appends are then refused. Default `write`. */
  readonly mode?: 'write' | 'read';
  /** Limit on the size of the log in bytes; default none but the disk. */
  readonly fileBytesMax?: number;
  /** How long an append waits while another program holds the file, milliseconds. Default 5000. */
  readonly busyMsMax?: number;
  /** How often a subscription looks without being woken (for appends of another process), milliseconds. Default
   * 1000. */
  readonly pollMs?: number;
}

/** One group commit takes at most this much; the rest waits for the next one. */
const GROUP_EVENTS_MAX = 256;
const GROUP_BYTES_MAX = 1024 * 1024;
/** Shortest time between two reads of a subscription that is at the end of the log. */
const GATHER_MS = 5;
/** Appends of one group that are answered in one turn of the event loop: each answer lets its caller go on there and
 * then, and a large group would hold up every other request for as long as all of its callers take. */
const ANSWERS_AT_ONCE = 16;
/** Appends that may wait at once. Beyond it the store answers `busy` instead of growing. */
const QUEUE_MAX = 10_000;

interface Waiting {
  readonly request: AppendRequest;
  readonly bytes: number;
  readonly answer: (answer: AppendAnswer | { readonly kind: 'unknown'; readonly cause: string }) => void;
  readonly fail: (error: Error) => void;
}

/** The embedded event store: one SQLite file, one writing connection with group commit, readers on their own
 * connection. Appends that arrive in the same turn of the event loop share one transaction and one `fsync`; each is
 * answered after it. */
export class SqliteEventStore extends EventStore {
  private readonly appended = new AppendSignal();
  private readonly tail = new LogTail({
    read: (after, limit) => this.openReader().readAll(after, undefined, limit),
    appends: () => this.appended.seen(),
    freshMs: GATHER_MS,
    nowMs: () => performance.now(),
  });
  private queue: Waiting[] = [];
  /** True from the moment a flush is scheduled until its group is answered: there is one group at a time. */
  private flushing = false;
  private busySinceMs: number | null = null;
  private closed = false;
  private failed: EventStoreUnavailableError | null = null;
  private drained: (() => void)[] = [];

  private constructor(
    private readonly options: SqliteEventStoreOptions,
    private readonly reader: SqliteLogReader,
    private readonly writer: LogWriter | null,
    private readonly lock: WriterLock | null,
  ) {
    super();
  }

  /** Opens the log, creating it in `write` mode. Commits on the calling thread, which stands still for every `fsync`:
   * for tools and tests. A server uses `openOnThread`.
   * @throws {EventStoreUnavailableError} `locked` when another process writes to it, `read_only`, `not_an_event_log`,
   *   `corrupt`. */
  static open(options: SqliteEventStoreOptions): SqliteEventStore {
    if (options.mode === 'read') return new SqliteEventStore(options, new SqliteLogReader(options.file), null, null);
    const lock = WriterLock.acquire(options.file);
    let writer: SqliteLogWriter | null = null;
    try {
      writer = new SqliteLogWriter(options.file, options);
      return new SqliteEventStore(options, new SqliteLogReader(options.file), writer, lock);
    } catch (error) {
      writer?.close();
      lock.release();
      throw error;
    }
  }

  /** Opens the log for writing with the writing connection on a thread of its own, so that the disk holds up nothing
   * but appends.
   * @throws {EventStoreUnavailableError} as `open` does. */
  static async openOnThread(options: Omit<SqliteEventStoreOptions, 'mode'>): Promise<SqliteEventStore> {
    const lock = WriterLock.acquire(options.file);
    let writer: ThreadedLogWriter | null = null;
    try {
      writer = await ThreadedLogWriter.open(options.file, { fileBytesMax: options.fileBytesMax });
      return new SqliteEventStore(options, new SqliteLogReader(options.file), writer, lock);
    } catch (error) {
      await writer?.close();
      lock.release();
      throw error;
    }
  }

  override async append(
    stream: string,
    events: readonly NewEvent[],
    expected: ExpectedRevision,
  ): Promise<AppendResult> {
    const encoded = encodeAppend(stream, events, expected);
    this.assertWritable();
    const bytes = encoded.reduce((sum, event) => sum + event.data.length + event.metadata.length, 0);
    const answer = await new Promise<Parameters<Waiting['answer']>[0]>((resolve, reject) => {
      this.queue.push({ request: { stream, events: encoded, expected }, bytes, answer: resolve, fail: reject });
      this.scheduleFlush();
    });
    if (answer.kind === 'id_conflict') throw new IdConflictError(stream, answer.eventId);
    if (answer.kind === 'cut_short')
      throw unavailable('corrupt', this.options.file, `${stream} was cut short in the file: ${RESTORE}`);
    if (answer.kind === 'unknown') return { outcome: 'unknown', cause: answer.cause };
    if (answer.kind === 'conflict') return { outcome: 'conflict', actual: answer.actual };
    return {
      outcome: 'appended',
      revision: answer.revision,
      position: BigInt(answer.position) as Position,
      repeated: answer.repeated,
    };
  }

  override async readStream(stream: string, options: ReadStreamOptions = {}): Promise<readonly StoredEvent[]> {
    assertStreamName(stream);
    return this.openReader().readStream(stream, options);
  }

  override async readAll(
    after: Position | null,
    options: { readonly filter?: EventFilter; readonly limit: number },
  ): Promise<EventBatch> {
    return this.openReader().readAll(after, options.filter, options.limit);
  }

  override subscribe(options: SubscribeOptions): AsyncIterable<EventBatch> {
    return followLog(options, {
      readPage: (after, limit) => this.newestOrPage(after, options.filter, limit),
      appended: this.appended,
      pollMs: this.options.pollMs ?? 1000,
      gatherMs: GATHER_MS,
    });
  }

  override async head(): Promise<Position | null> {
    return this.openReader().head();
  }

  override async anchorAt(position: Position): Promise<RecordedAnchor | null> {
    return this.openReader().anchorAt(position);
  }

  /** Copies the log, as it is at this moment, to a new file while appends go on.
   *  @param target must not exist; it appears only when it is complete. */
  async backup(target: string): Promise<void> {
    const partial = `${target}.partial`;
    rmSync(partial, { force: true });
    const source = new DatabaseSync(this.options.file, { readOnly: true, timeout: 5000 });
    try {
      // All pages in one step: a step is one snapshot, and a copy in several steps starts again at every append.
      await backup(source, partial, { rate: 0x7fffffff });
    } finally {
      source.close();
    }
    renameSync(partial, target);
  }

  override async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    if (this.flushing) await new Promise<void>((resolve) => this.drained.push(resolve));
    // The last connection to close folds the write-ahead log into the file, which only the writing one can do.
    this.reader.close();
    await this.writer?.close();
    this.lock?.release();
    this.appended.notify();
  }

  override refusesAppends(): EventStoreUnavailableError | null {
    return this.failed;
  }

  private assertWritable(): void {
    if (this.closed) throw unavailable('closed', this.options.file);
    if (!this.writer) throw unavailable('read_only', this.options.file, 'the event log was opened for reading only');
    if (this.failed) throw this.failed;
    if (this.queue.length >= QUEUE_MAX)
      throw unavailable('busy', this.options.file, `${QUEUE_MAX} appends are waiting already`);
  }

  /** What follows the log shares one reading of its end. */
  private newestOrPage(after: Position | null, filter: EventFilter | undefined, limit: number): EventBatch {
    const reader = this.openReader();
    const newest = this.tail.page(after, filter, limit);
    if (newest) return newest;
    const page = reader.readAll(after, filter, limit);
    if (page.caughtUp) this.tail.reached(page.position);
    return page;
  }

  private openReader(): SqliteLogReader {
    if (this.closed) throw unavailable('closed', this.options.file);
    return this.reader;
  }

  /** `setImmediate` runs after everything that this turn of the event loop has to say, so that its appends meet in one
   * group. */
  private scheduleFlush(): void {
    if (this.flushing) return;
    this.flushing = true;
    this.flushSoon(0);
  }

  private flushSoon(delayMs: number): void {
    const flush = (): void => void this.flush();
    if (delayMs > 0) setTimeout(flush, delayMs);
    else setImmediate(flush);
  }

  private async flush(): Promise<void> {
    const group = this.takeGroup();
    const outcome = (await this.writer?.commit(group.map((waiting) => waiting.request))) ?? {
      outcome: 'refused' as const,
      error: unavailable('closed', this.options.file),
    };
    if (this.mustWait(outcome)) {
      this.queue = [...group, ...this.queue];
      return this.flushSoon(20);
    }
    await this.settle(group, outcome);
    if (this.queue.length > 0) return this.flushSoon(0);
    this.flushing = false;
    for (const resolve of this.drained.splice(0)) resolve();
  }

  private takeGroup(): Waiting[] {
    let events = 0;
    let bytes = 0;
    const end = this.queue.findIndex((waiting, index) => {
      events += waiting.request.events.length;
      bytes += waiting.bytes;
      return index > 0 && (events > GROUP_EVENTS_MAX || bytes > GROUP_BYTES_MAX);
    });
    return this.queue.splice(0, end === -1 ? this.queue.length : end);
  }

  /** True while another program holds the file and there is time left to try again. */
  private mustWait(outcome: CommitOutcome): boolean {
    const busy =
      outcome.outcome === 'refused' &&
      outcome.error instanceof EventStoreUnavailableError &&
      outcome.error.reason === 'busy';
    if (!busy) {
      this.busySinceMs = null;
      return false;
    }
    this.busySinceMs ??= performance.now();
    if (performance.now() - this.busySinceMs < (this.options.busyMsMax ?? 5000)) return true;
    this.busySinceMs = null;
    return false;
  }

  private async settle(group: readonly Waiting[], outcome: CommitOutcome): Promise<void> {
    if (outcome.outcome === 'committed') {
      for (const [index, waiting] of group.entries()) {
        if (index > 0 && index % ANSWERS_AT_ONCE === 0) await nextTurn();
        waiting.answer(outcome.answers[index] as AppendAnswer);
      }
      this.appended.notify();
      return;
    }
    if (
      outcome.error instanceof EventStoreUnavailableError &&
      !(outcome.error instanceof WriterGoneError) &&
      (outcome.error.reason === 'io' || outcome.error.reason === 'corrupt')
    ) {
      // After a failed fsync the kernel may drop the pages and report success the next time; only opening again tells
      // what is there.
      this.failed = outcome.error;
    }
    for (const waiting of group) {
      if (outcome.outcome === 'refused') waiting.fail(outcome.error);
      else waiting.answer({ kind: 'unknown', cause: outcome.error.message });
    }
  }
}
