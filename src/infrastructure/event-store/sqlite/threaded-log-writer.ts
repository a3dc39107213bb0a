import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads';
import { EventStoreUnavailableError, type EventStoreFailure } from '../../../application/ports/store/event-store.js';
import type { AppendAnswer, AppendRequest, CommitOutcome, LogWriter, LogWriterOptions } from './sqlite-log-writer.js';
import { unavailable } from './sqlite-failure.js';
import { fileIdentity } from '../../threads/file-identity.js';
import { builtFile } from '../../threads/built-file.js';

/** Said outright, because a thread takes over the arguments of its process, and some of them do not fit a thread. */
const THREAD_ARGUMENTS = ['--disable-warning=ExperimentalWarning'];

/** What the thread begins with. It sleeps on `bell` and not in its event loop, which halves the time that a message
 * takes. */
export interface WriterThreadData {
  readonly file: string;
  readonly options: LogWriterOptions;
  readonly port: MessagePort;
  /** One counter, raised with every message. */
  readonly bell: Int32Array;
}

/** What the thread is told. One group at a time: the next one is sent when this one is answered. */
export type ToWriter =
  { readonly do: 'commit'; readonly requests: readonly AppendRequest[] } | { readonly do: 'close' };

/** An error without its class, which does not survive the way between threads. */
export interface PlainFailure {
  readonly reason: EventStoreFailure | null;
  readonly message: string;
}

export type FromWriter =
  | { readonly is: 'open' }
  | { readonly is: 'not_open'; readonly failure: PlainFailure }
  | { readonly is: 'committed'; readonly answers: readonly AppendAnswer[] }
  | { readonly is: 'refused' | 'unknown'; readonly failure: PlainFailure }
  | { readonly is: 'closed' };

/** The thread is away, or its file: the next group may find both. What the disk itself said is never this. */
export class WriterGoneError extends EventStoreUnavailableError {
  constructor(file: string, why: string) {
    super('io', unavailable('io', file, why).message);
  }
}

/** The writing connection on a thread of its own, so that waiting for the disk holds nothing else up. A thread that ends
 * gives nothing away: the group that it had is of unknown outcome, and the next one begins another thread. */
export class ThreadedLogWriter implements LogWriter {
  private constructor(
    private readonly file: string,
    private readonly options: LogWriterOptions,
    private thread: WriterThread,
    /** The file that was opened first: another one in its place has none of the events. */
    private readonly opened: string,
  ) {}

  /** @throws {EventStoreUnavailableError} when the file cannot be opened or is not an event log. */
  static async open(file: string, options: LogWriterOptions): Promise<ThreadedLogWriter> {
    const thread = await WriterThread.open(file, options);
    return new ThreadedLogWriter(file, options, thread, fileIdentity(file));
  }

  async commit(requests: readonly AppendRequest[]): Promise<CommitOutcome> {
    if (this.thread.isGone) {
      const error = await this.beginAgain();
      if (error) return { outcome: 'refused', error };
    }
    return this.thread.commit(requests);
  }

  close(): Promise<void> {
    return this.thread.close();
  }

  /** @returns why there is no other thread, or null */
  private async beginAgain(): Promise<Error | null> {
    if (fileIdentity(this.file) !== this.opened)
      return new WriterGoneError(this.file, 'it is gone, or another file than at the start; put it back');
    try {
      this.thread = await WriterThread.open(this.file, this.options);
      return null;
    } catch (error) {
      return error instanceof Error ? error : unavailable('io', this.file, String(error));
    }
  }
}

class WriterThread implements LogWriter {
  private waiting: ((message: FromWriter) => void) | null = null;
  private dead: Error | null = null;

  private constructor(
    private readonly file: string,
    private readonly thread: Worker,
    private readonly port: MessagePort,
    private readonly bell: Int32Array,
  ) {
    port.on('message', (message: FromWriter) => this.answered(message));
    thread.on('error', (error) => this.died(error));
    thread.on('exit', () => this.died(new Error('the writing thread ended')));
  }

  static async open(file: string, options: LogWriterOptions): Promise<WriterThread> {
    const { port1, port2 } = new MessageChannel();
    const bell = new Int32Array(new SharedArrayBuffer(4));
    const data: WriterThreadData = { file, options, port: port2, bell };
    const writer = new WriterThread(
      file,
      new Worker(builtFile(import.meta.url, 'log-writer-thread.js'), {
        name: 'event log',
        workerData: data,
        transferList: [port2],
        execArgv: THREAD_ARGUMENTS,
      }),
      port1,
      bell,
    );
    const message = await writer.next();
    if (message.is === 'open') return writer;
    await writer.end();
    throw message.is === 'not_open'
      ? fromPlain(message.failure, file)
      : unavailable('io', file, `the writing thread did not start (${writer.causeOfDeath()})`);
  }

  get isGone(): boolean {
    return this.dead !== null;
  }

  async commit(requests: readonly AppendRequest[]): Promise<CommitOutcome> {
    const message = await this.ask({ do: 'commit', requests });
    if (message.is === 'committed') return { outcome: 'committed', answers: message.answers };
    if (message.is === 'refused' || message.is === 'unknown')
      return { outcome: message.is, error: fromPlain(message.failure, this.file) };
    // The thread died with the group in its hands: it may or may not have been stored.
    return {
      outcome: 'unknown',
      error: new WriterGoneError(this.file, `the writing thread ended (${this.causeOfDeath()})`),
    };
  }

  async close(): Promise<void> {
    if (!this.dead) await this.ask({ do: 'close' });
    await this.end();
  }

  private ask(message: ToWriter): Promise<FromWriter> {
    const answer = this.next();
    this.port.postMessage(message);
    Atomics.add(this.bell, 0, 1);
    Atomics.notify(this.bell, 0);
    return answer;
  }

  private async end(): Promise<void> {
    this.port.close();
    await this.thread.terminate();
  }

  private causeOfDeath(): string {
    return this.dead?.message ?? 'no reason given';
  }

  private next(): Promise<FromWriter> {
    return new Promise((resolve) => {
      this.waiting = resolve;
    });
  }

  private answered(message: FromWriter): void {
    const resolve = this.waiting;
    this.waiting = null;
    resolve?.(message);
  }

  private died(error: Error): void {
    this.dead ??= error;
    this.answered({ is: 'closed' });
  }
}

function fromPlain({ reason, message }: PlainFailure, file: string): Error {
  return reason === null ? new Error(`${file}: ${message}`) : new EventStoreUnavailableError(reason, message);
}
