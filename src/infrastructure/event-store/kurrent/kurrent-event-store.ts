import { setTimeout as sleep } from 'node:timers/promises';
import {
  EVENT_LIMITS,
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
import { decideAppend, type KnownEvent } from '../append-decision.js';
import { assertStreamName, encodeAppend, type EncodedEvent } from '../event-bytes.js';
import { KurrentConnection, type SendOutcome } from './kurrent-connection.js';
import { isSystemEvent, reencode, toStored, type RecordedLike } from './kurrent-events.js';
import { AppendSignal, followLog } from '../log-subscription.js';
import { StreamMemory, type KnownStream } from '../stream-memory.js';

export interface KurrentEventStoreOptions {
  /** `esdb://` or `kurrentdb://` address, `+discover` for a cluster. */
  readonly connection: string;
  /** How long one call may take before its outcome counts as unknown, milliseconds. Default 5000. */
  readonly callMs?: number;
  /** Tries of one append whose outcome is unknown. Default 4. */
  readonly attemptsMax?: number;
  /** How often a subscription looks without being woken, milliseconds. Default 1000. */
  readonly pollMs?: number;
}

/** The server takes 1 MiB in one append by default; what is left is for ids, types and framing. */
const APPEND_BYTES_MAX = 1024 * 1024 - 64 * 1024;
/** Events looked at in one read of the whole log. System events are among them. */
const PAGE = 1024;
const FIRST_DELAY_MS = 50;
/** Nobody at the door waits longer than for about two calls before it is said that nobody knows. */
const UNKNOWN_MS_MAX = 10_000;
/** Events read at once on the way back to one of ours. */
const ANCHOR_PAGE = 64;

/** The event store on EventStoreDB or KurrentDB. The server's own idempotency is weaker than the port's: it looks at
 * ids only where the expectation is behind. So this adapter knows the ids of a stream before it appends (from the read
 * that every decision begins with), appends with that exact revision, and so can tell new, repeated and mixed batches
 * apart. */
export class KurrentEventStore extends EventStore {
  private readonly connection: KurrentConnection;
  private readonly memory = new StreamMemory();
  /** Appends to one stream go one after the other, so that two that repeat each other meet what the first has
   * written. */
  private readonly lanes = new Map<string, Promise<unknown>>();
  private readonly appended = new AppendSignal();
  private closed = false;

  /** @throws {RangeError} when the setting is not an address of such a server. */
  constructor(private readonly options: KurrentEventStoreOptions) {
    super();
    this.connection = new KurrentConnection({
      connection: options.connection,
      callMs: options.callMs ?? 5000,
      onAppended: () => this.appended.notify(),
    });
  }

  override async append(
    stream: string,
    events: readonly NewEvent[],
    expected: ExpectedRevision,
  ): Promise<AppendResult> {
    const encoded = encodeAppend(stream, events, expected);
    const bytes = encoded.reduce(
      (sum, event) => sum + Buffer.byteLength(event.data) + Buffer.byteLength(event.metadata),
      0,
    );
    if (bytes > APPEND_BYTES_MAX)
      throw new RangeError(`one append of ${bytes} bytes; the server takes ${APPEND_BYTES_MAX}`);
    this.assertOpen();
    return this.inLane(stream, () => this.appendUntilKnown(stream, encoded, expected));
  }

  override async readStream(stream: string, options: ReadStreamOptions = {}): Promise<readonly StoredEvent[]> {
    assertStreamName(stream);
    const limit = checkedLimit(options.limit ?? EVENT_LIMITS.eventsPerRead);
    if (options.from !== undefined && (!Number.isSafeInteger(options.from) || options.from < 0))
      throw new RangeError(`not a revision to read from: ${options.from}`);
    this.assertOpen();
    const forwards = options.direction !== 'backwards';
    const seen = this.memory.version(stream);
    const recorded = await this.connection.readStream(stream, { from: options.from ?? null, forwards, limit });
    const events = recorded.map(toStored);
    assertWithoutHole(stream, events, forwards ? 1 : -1);
    if (forwards) assertBeginsAt(stream, events[0]?.revision, options.from ?? 0);
    else if (events.length < limit) assertBeginsAt(stream, events.at(-1)?.revision, 0);
    const known = this.memory.recall(stream)?.actual ?? 'no_stream';
    if (events.length === 0 && known !== 'no_stream' && (options.from ?? 0) <= known)
      throw cutShort(stream, `revisions 0 to ${known} were there`);
    if (forwards && (options.from ?? 0) === 0 && events.length < limit) this.memory.learn(stream, events, seen);
    return events;
  }

  override async readAll(
    after: Position | null,
    options: { readonly filter?: EventFilter; readonly limit: number },
  ): Promise<EventBatch> {
    checkedLimit(options.limit);
    this.assertOpen();
    return this.readPage(after, options.filter, options.limit);
  }

  /** Data always comes from reads after the last position handed out; the server's subscription only wakes the loop, so
   * losing it loses nothing, and it is opened again behind the scenes. */
  override subscribe(options: SubscribeOptions): AsyncIterable<EventBatch> {
    const open = (): void => {
      this.assertOpen();
      this.connection.listen();
    };
    return followLog(options, {
      readPage: async (after, limit) => {
        open();
        return this.readPage(after, options.filter, limit);
      },
      appended: this.appended,
      pollMs: this.options.pollMs ?? 1000,
    });
  }

  override async head(): Promise<Position | null> {
    this.assertOpen();
    const [newest] = await this.connection.readAll({ after: null, forwards: false, limit: 1 });
    return newest ? positionOf(newest) : null;
  }

  override async anchorAt(position: Position): Promise<RecordedAnchor | null> {
    this.assertOpen();
    const at = await this.connection.readAt(position);
    if (at && !isSystemEvent(at)) return anchorOf(at);
    for (let before = position; ;) {
      const page = await this.connection.readBefore(before, ANCHOR_PAGE);
      const found = page.find((event) => !isSystemEvent(event));
      if (found) return anchorOf(found);
      const last = page.at(-1);
      if (last === undefined || page.length < ANCHOR_PAGE) return null;
      before = positionOf(last);
    }
  }

  override async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    await Promise.allSettled(this.lanes.values());
    await this.connection.close();
    this.appended.notify();
  }

  private async appendUntilKnown(
    stream: string,
    events: readonly EncodedEvent[],
    expected: ExpectedRevision,
  ): Promise<AppendResult> {
    let cause = '';
    const attemptsMax = this.options.attemptsMax ?? 4;
    const isOver = (began: number): boolean => this.closed || performance.now() - began > UNKNOWN_MS_MAX;
    const began = performance.now();
    for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
      if (attempt > 1 && isOver(began)) break;
      if (attempt > 1) await sleep(FIRST_DELAY_MS * 2 ** (attempt - 2));
      try {
        const result = await this.appendOnce(stream, events, expected);
        if (result.outcome !== 'unknown') return result;
        cause = result.cause;
      } catch (error) {
        // Once a try may have arrived, "cannot be reached" no longer means "not written".
        if (cause === '' || !(error instanceof EventStoreUnavailableError)) throw error;
        cause = error.message;
      }
      this.memory.forget(stream);
    }
    return { outcome: 'unknown', cause };
  }

  private async appendOnce(
    stream: string,
    events: readonly EncodedEvent[],
    expected: ExpectedRevision,
  ): Promise<AppendResult> {
    // The second round looks at the server itself: what is remembered may be behind what another process wrote.
    for (const known of [this.memory.recall(stream), null]) {
      const present = known ?? (await this.learn(stream));
      const answer = await this.appendTo(present, stream, events, expected);
      if (known === null && answer.outcome === 'conflict') await this.assertFound(stream, present, answer.actual);
      if (answer.outcome !== 'conflict' || known === null) return answer;
      this.memory.forget(stream);
    }
    throw new Error('not reached');
  }

  private async appendTo(
    present: KnownStream,
    stream: string,
    events: readonly EncodedEvent[],
    expected: ExpectedRevision,
  ): Promise<AppendResult> {
    const known = events.some((event) => present.revisionOf.has(event.id))
      ? await this.knownEvents(stream, events)
      : [];
    const decision = decideAppend(events, known, expected, present.actual);
    if (decision.kind === 'id_conflict') throw new IdConflictError(stream, decision.eventId);
    if (decision.kind === 'conflict') return { outcome: 'conflict', actual: present.actual };
    if (decision.kind === 'repeat') return this.repeated(known, decision.lastRevision);
    return this.answer(await this.connection.append(stream, events, expected), stream, events, decision.firstRevision);
  }

  private async answer(
    sent: SendOutcome,
    stream: string,
    events: readonly EncodedEvent[],
    firstRevision: number,
  ): Promise<AppendResult> {
    if (sent.outcome === 'conflict') return { outcome: 'conflict', actual: sent.actual };
    if (sent.outcome === 'unknown') return sent;
    const revision = firstRevision + events.length - 1;
    if (sent.revision !== revision)
      throw cutShort(stream, `the server wrote revision ${sent.revision} where ${revision} was asked for`);
    this.memory.extend(
      stream,
      events.map((event) => event.id),
      firstRevision,
    );
    this.appended.notify();
    const position = sent.position ?? (await this.positionAt(stream, revision));
    return position === null
      ? { outcome: 'unknown', cause: 'the server says that it is written and does not find it' }
      : { outcome: 'appended', revision, position, repeated: false };
  }

  /** A server that says that a stream ends somewhere must have its events: nobody was only faster. */
  private async assertFound(stream: string, present: KnownStream, actual: ExpectedRevision): Promise<void> {
    if (present.actual !== 'no_stream' || actual === 'no_stream') return;
    if ((await this.readWhole(stream)).length === 0)
      throw cutShort(stream, `the server says that it ends at revision ${actual} and gives none of it`);
  }

  /** The server leaves the position out where it recognised the events again. */
  private async positionAt(stream: string, revision: number): Promise<Position | null> {
    const [event] = await this.connection.readStream(stream, { from: revision, forwards: true, limit: 1 });
    return event ? positionOf(event) : null;
  }

  private repeated(known: readonly Recalled[], revision: number): AppendResult {
    const last = known.find((event) => event.revision === revision) as Recalled;
    return { outcome: 'appended', revision, position: last.position, repeated: true };
  }

  private async learn(stream: string): Promise<KnownStream> {
    const seen = this.memory.version(stream);
    const events = (await this.readWhole(stream)).map(toStored);
    assertWithoutHole(stream, events, 1);
    return this.memory.learn(stream, events, seen);
  }

  private async knownEvents(stream: string, events: readonly EncodedEvent[]): Promise<Recalled[]> {
    const wanted = new Set(events.map((event) => event.id));
    const recorded = (await this.readWhole(stream)).filter((event) => wanted.has(event.id));
    return recorded.map((event) => ({
      ...reencode(event),
      revision: Number(event.revision),
      position: positionOf(event),
    }));
  }

  private async readWhole(stream: string): Promise<RecordedLike[]> {
    const all: RecordedLike[] = [];
    for (;;) {
      const page = await this.connection.readStream(stream, {
        from: all.length,
        forwards: true,
        limit: EVENT_LIMITS.eventsPerRead,
      });
      assertBeginsAt(stream, page[0] && Number(page[0].revision), all.length);
      all.push(...page);
      if (page.length < EVENT_LIMITS.eventsPerRead) return all;
    }
  }

  private async readPage(after: Position | null, filter: EventFilter | undefined, limit: number): Promise<EventBatch> {
    const size = filter ? Math.max(limit, PAGE) : limit;
    const recorded = await this.connection.readAll({ after, forwards: true, limit: size });
    const events: StoredEvent[] = [];
    let position = after;
    for (const event of recorded) {
      if (events.length === limit) return { events, position, caughtUp: false };
      position = positionOf(event);
      if (!isSystemEvent(event) && matches(event, filter)) events.push(toStored(event));
    }
    return { events, position, caughtUp: recorded.length < size };
  }

  private inLane<Result>(stream: string, work: () => Promise<Result>): Promise<Result> {
    const before = this.lanes.get(stream) ?? Promise.resolve();
    const running = before.then(work, work);
    this.lanes.set(stream, running);
    const leave = (): void => {
      if (this.lanes.get(stream) === running) this.lanes.delete(stream);
    };
    running.then(leave, leave);
    return running;
  }

  private assertOpen(): void {
    if (this.closed) throw new EventStoreUnavailableError('closed', 'the event store is closed');
  }
}

interface Recalled extends KnownEvent {
  readonly position: Position;
}

function anchorOf(event: RecordedLike): RecordedAnchor {
  const { id, position, metadata } = toStored(event);
  return { position, id, recordedAtUtc: metadata.recordedAtUtc };
}

function positionOf(event: RecordedLike): Position {
  return event.commit as Position;
}

function matches(event: RecordedLike, filter: EventFilter | undefined): boolean {
  if (filter?.types && !filter.types.includes(event.type)) return false;
  return !filter?.streamPrefixes || filter.streamPrefixes.some((prefix) => event.stream.startsWith(prefix));
}

/** A stream that skips a revision was cut short or deleted on the server: better no state than a state folded from a
 * part of the history. */
function assertWithoutHole(stream: string, events: readonly StoredEvent[], step: 1 | -1): void {
  for (let i = 1; i < events.length; i += 1) {
    const [before, here] = [events[i - 1] as StoredEvent, events[i] as StoredEvent];
    if (here.revision !== before.revision + step)
      throw new EventStoreUnavailableError(
        'corrupt',
        `${stream} has a hole between revisions ${before.revision} and ${here.revision}; somebody has cut it short on the server`,
      );
  }
}

/** A history that was cut short (truncate-before, max-count, max-age, a deletion) is not taken for the whole. */
function assertBeginsAt(stream: string, found: number | undefined, asked: number): void {
  if (found !== undefined && found !== asked) throw cutShort(stream, `revisions ${asked} to ${found - 1} are missing`);
}

function cutShort(stream: string, detail: string): EventStoreUnavailableError {
  return new EventStoreUnavailableError('corrupt', `${stream} was cut short on the server: ${detail}`);
}

function checkedLimit(limit: number): number {
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > EVENT_LIMITS.eventsPerRead)
    throw new RangeError(`a read takes 1 to ${EVENT_LIMITS.eventsPerRead} events, not ${limit}`);
  return limit;
}
