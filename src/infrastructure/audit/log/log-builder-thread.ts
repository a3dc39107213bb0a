import { readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';
import { basename } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { EventStoreUnavailableError } from '../../../application/ports/store/event-store.js';
import { leafText, type StoredText } from '../../../domain/audit/log/leaf.js';
import type { SignedState } from '../../../application/ports/audit/signed-log.js';
import type { Position } from '../../../domain/event-envelope.js';
import { KeyedSecrets } from '../../settings/keyed-secrets.js';
import { KeyRing } from '../../vault/key-ring.js';
import { sqliteCode } from '../../data-folder/open-database.js';
import { tokensOfAStep, type LogStep } from './log-builder.js';
import { LogKeys } from '../log-keys.js';
import { assertDense, assertIntact, StoredEvents, type StoredRow } from './stored-events.js';
import type { FromLogThread, LogThreadData, PlainLogFailure, ToLogThread } from './threaded-log-builder.js';
import { AuditLogDamagedError } from './tile-log.js';
import { AuditLogForkError, TileWriter } from './tile-writer.js';
import { VaultPseudonyms } from '../vault-pseudonyms.js';

const SQLITE_BUSY = 5;
const BEHIND_REQUESTS = 5;

/** The other end of `ThreadedLogBuilder`: owns the log's files and takes one step after the other. */
class LogThread {
  private writer: TileWriter | null = null;
  private events: StoredEvents | null = null;
  private recorded: readonly SignedState[];

  private constructor(
    private readonly data: LogThreadData,
    private readonly keys: LogKeys,
    private readonly pseudonyms: VaultPseudonyms,
  ) {
    this.recorded = data.recorded;
  }

  static async open(data: LogThreadData): Promise<LogThread> {
    const { origin, signingKeyFolder: secretFolder, auditFolder } = data;
    const keys = await LogKeys.open({ origin, secretFolder, auditFolder, create: false });
    return new LogThread(
      data,
      keys,
      new VaultPseudonyms(new KeyRing(data.keyRingFile, data.masterKey), new KeyedSecrets(data.serverSecret)),
    );
  }

  do(message: ToLogThread): FromLogThread {
    try {
      if (message.do === 'check') this.recorded = message.recorded;
      const writer = (this.writer ??= TileWriter.open(this.data.auditFolder, this.keys, undefined, this.recorded));
      switch (message.do) {
        case 'check':
          writer.check(this.recorded);
          return { is: 'done', step: { last: writer.lastPosition(), leaves: 0, isMore: false } };
        case 'last':
          return { is: 'done', step: { last: writer.lastPosition(), leaves: 0, isMore: false } };
        case 'publish':
          return { is: 'done', step: this.publish(writer, message.events, Number.POSITIVE_INFINITY) };
        case 'step':
          return { is: 'done', step: this.publish(writer, this.next(writer, message.leavesMax), message.leavesMax) };
      }
    } catch (error) {
      // Half a step is in memory: the next one begins with what is on disk.
      this.writer = null;
      return { is: 'failed', failure: toPlain(error) };
    }
  }

  private publish<Event extends StoredText & { readonly position: Position | number }>(
    writer: TileWriter,
    events: readonly Event[],
    leavesMax: number,
  ): LogStep {
    const tokenOf = tokensOfAStep(this.pseudonyms);
    writer.publish(
      events.map((event) => ({ text: leafText(event, tokenOf), position: BigInt(event.position) as Position })),
    );
    return { last: writer.lastPosition(), leaves: events.length, isMore: events.length === leavesMax };
  }

  private next(writer: TileWriter, limit: number): StoredRow[] {
    const file = this.data.eventsFile;
    if (file === null) throw new Error('this log has no embedded store; its events are sent');
    const last = Number(writer.lastPosition() ?? 0n);
    const rows = (this.events ??= StoredEvents.open(file)).after(last, limit);
    for (const row of rows) assertIntact(row, file);
    assertDense(rows, last, file);
    return rows;
  }
}

function toPlain(error: unknown): PlainLogFailure {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof AuditLogForkError) return { kind: 'fork', message };
  if (error instanceof AuditLogDamagedError) return { kind: 'damaged', message };
  if (error instanceof EventStoreUnavailableError) return { kind: 'store', reason: error.reason, message };
  if (error instanceof Error && 'syscall' in error) return { kind: 'other', message, syscall: String(error.syscall) };
  // Somebody else holds the key ring for longer than its connection waits: tried again, as a busy disk is.
  if (sqliteCode(error) === SQLITE_BUSY)
    return { kind: 'other', message: `the key ring is busy: ${message}`, syscall: 'sqlite' };
  return { kind: 'other', message };
}

/** Requests and the event store come first where processors are few: the log may be a second late, an answer may not.
 * On Linux a thread has a priority of its own; elsewhere all stay equal. A log that falls behind for long is seen in
 * /health/ready all the same. */
function stepBack(): void {
  try {
    setPriority(Number(basename(readlinkSync('/proc/thread-self'))), BEHIND_REQUESTS);
  } catch {
    // No such file or not allowed: nothing depends on it.
  }
}

stepBack();
let thread: LogThread | null = null;
parentPort?.on('message', async (message: ToLogThread) => {
  const answer = await (async (): Promise<FromLogThread> => {
    try {
      thread ??= await LogThread.open(workerData as LogThreadData);
      return thread.do(message);
    } catch (error) {
      return { is: 'failed', failure: toPlain(error) };
    }
  })();
  parentPort?.postMessage(answer);
});
