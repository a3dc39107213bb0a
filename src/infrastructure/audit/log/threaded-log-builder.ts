import { Worker } from 'node:worker_threads';
import {
  EventStoreUnavailableError,
  type EventStore,
  type EventStoreFailure,
} from '../../../application/ports/store/event-store.js';
import type { SignedState } from '../../../application/ports/audit/signed-log.js';
import { LEAVES_PER_STEP, storedText, type LogBuilder, type LogStep, type TextAtPosition } from './log-builder.js';
import { AuditLogDamagedError } from './tile-log.js';
import { AuditLogForkError } from './tile-writer.js';
import { builtFile } from '../../threads/built-file.js';

/** Said outright, because a thread takes over the arguments of its process, and some of them do not fit a thread. */
const THREAD_ARGUMENTS = ['--disable-warning=ExperimentalWarning'];

/** What the thread opens for itself. */
export interface LogFiles {
  readonly auditFolder: string;
  readonly origin: string;
  readonly signingKeyFolder: string;
  /** Keys of registrants, from which their tokens derive. */
  readonly keyRingFile: string;
  readonly masterKey: Uint8Array;
  readonly serverSecret: Uint8Array;
}

export interface LogThreadData extends LogFiles {
  /** File of the embedded event store, or null: events are then sent. */
  readonly eventsFile: string | null;
  /** States that the log must hold, as far as they were known when the thread was started. */
  readonly recorded: readonly SignedState[];
}

export type ToLogThread =
  | { readonly do: 'step'; readonly leavesMax: number }
  | { readonly do: 'last' }
  | { readonly do: 'publish'; readonly events: readonly TextAtPosition[] }
  | { readonly do: 'check'; readonly recorded: readonly SignedState[] };

/** An error without its class, which does not survive the way between threads. */
export interface PlainLogFailure {
  readonly kind: 'fork' | 'damaged' | 'store' | 'other';
  readonly message: string;
  readonly reason?: EventStoreFailure;
  /** The system call that failed: a full or unplugged disk. */
  readonly syscall?: string;
}

export type FromLogThread =
  { readonly is: 'done'; readonly step: LogStep } | { readonly is: 'failed'; readonly failure: PlainLogFailure };

/** Builds the log on a thread of its own: reading, tokens, hashing, signing and waiting for the disk hold no request
 * up. Events of the embedded store are read there too; those of another store are sent over.
 * @param source file of the embedded store, or the store that is read here */
export class ThreadedLogBuilder implements LogBuilder {
  private thread: Worker | null = null;
  private waiting: ((message: FromLogThread) => void) | null = null;
  private asked: Promise<unknown> = Promise.resolve();
  private recorded: readonly SignedState[] = [];

  constructor(
    private readonly source: { readonly eventsFile: string } | { readonly store: EventStore },
    private readonly files: LogFiles,
  ) {}

  async step(): Promise<LogStep> {
    if ('eventsFile' in this.source) return this.ask({ do: 'step', leavesMax: LEAVES_PER_STEP });
    const { last } = await this.ask({ do: 'last' });
    const { events } = await this.source.store.readAll(last, { limit: LEAVES_PER_STEP });
    if (events.length === 0) return { last, leaves: 0, isMore: false };
    const step = await this.ask({
      do: 'publish',
      events: events.map((event) => ({ ...storedText(event), position: event.position })),
    });
    return { ...step, isMore: events.length === LEAVES_PER_STEP };
  }

  async check(recorded: readonly SignedState[]): Promise<void> {
    this.recorded = recorded;
    await this.ask({ do: 'check', recorded });
  }

  /** Lets the step that is under way end. */
  async close(): Promise<void> {
    await this.asked;
    const thread = this.thread;
    this.thread = null;
    await thread?.terminate();
  }

  /** One question after the other: a check may come while a step is under way. */
  private ask(message: ToLogThread): Promise<LogStep> {
    const answer = this.asked.then(() => this.send(message));
    this.asked = answer.catch(() => {
      // Told to whoever asked.
    });
    return answer;
  }

  private async send(message: ToLogThread): Promise<LogStep> {
    const thread = (this.thread ??= this.start());
    // Only while it works does it keep the process alive.
    thread.ref();
    const answer = await new Promise<FromLogThread>((resolve) => {
      this.waiting = resolve;
      thread.postMessage(message);
    });
    thread.unref();
    if (answer.is === 'done') return answer.step;
    throw fromPlain(answer.failure);
  }

  private start(): Worker {
    const eventsFile = 'eventsFile' in this.source ? this.source.eventsFile : null;
    const data: LogThreadData = { ...this.files, eventsFile, recorded: this.recorded };
    const thread = new Worker(builtFile(import.meta.url, 'log-builder-thread.js'), {
      name: 'signed log',
      workerData: data,
      execArgv: THREAD_ARGUMENTS,
    });
    const ended = (message: string): void => {
      if (this.thread === thread) this.thread = null;
      this.answer({ is: 'failed', failure: { kind: 'other', message, syscall: 'thread' } });
    };
    thread.on('message', (message: FromLogThread) => this.answer(message));
    thread.on('error', (error) =>
      ended(`the thread of the audit log failed: ${error instanceof Error ? error.message : String(error)}`),
    );
    thread.on('exit', () => ended('the thread of the audit log ended'));
    return thread;
  }

  private answer(message: FromLogThread): void {
    const resolve = this.waiting;
    this.waiting = null;
    resolve?.(message);
  }
}

function fromPlain({ kind, message, reason, syscall }: PlainLogFailure): Error {
  if (kind === 'fork') return new AuditLogForkError(message);
  if (kind === 'damaged') return new AuditLogDamagedError(message);
  if (kind === 'store' && reason) return new EventStoreUnavailableError(reason, message);
  return Object.assign(new Error(message), syscall === undefined ? {} : { syscall });
}
