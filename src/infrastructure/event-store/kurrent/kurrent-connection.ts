import { setTimeout as sleep } from 'node:timers/promises';
import {
  AccessDeniedError,
  BACKWARDS,
  END,
  EventStoreDBClient,
  FORWARDS,
  MaxAppendSizeExceededError,
  NO_STREAM,
  NotLeaderError,
  START,
  StreamDeletedError,
  StreamNotFoundError,
  WrongExpectedVersionError,
  jsonEvent,
  type AllStreamSubscription,
  type AppendExpectedRevision,
  type Credentials,
  type ReadAllOptions,
  type ReadStreamOptions,
  type RecordedEvent,
  type ResolvedEvent,
  type StreamingRead,
} from '@eventstore/db-client';
import { EventStoreUnavailableError, type ExpectedRevision } from '../../../application/ports/store/event-store.js';
import type { JsonObject, Position } from '../../../domain/event-envelope.js';
import type { EncodedEvent } from '../event-bytes.js';
import { callCredentials, clientAddress, withoutPassword } from './kurrent-address.js';
import { toServerMetadata, type RecordedLike } from './kurrent-events.js';

/** What became of one append on the wire. */
export type SendOutcome =
  /** `position` is null where the server recognised the events and does not say where they are. */
  | { readonly outcome: 'written'; readonly revision: number; readonly position: Position | null }
  | { readonly outcome: 'conflict'; readonly actual: ExpectedRevision }
  | { readonly outcome: 'unknown'; readonly cause: string };

const LISTEN_AGAIN_MS_MAX = 5_000;
const LEADER_AGAIN_MS = 20;
const REFUSED =
  'the event store refuses the user of HONNIN_EVENT_STORE: name and password are wrong, or it may not read the log';

/** The client library behind its traps. Every call has a time limit of our own, because a batch append and a read of
 * the library have none; single appends are used instead of batch appends, because all batch appends of a process share
 * one table and fail together; the library never subscribes again, so this does. */
export class KurrentConnection {
  private readonly client: EventStoreDBClient;
  private readonly credentials: Credentials | undefined;
  private readonly closing = new AbortController();
  private listening: Promise<void> | null = null;
  private subscription: AllStreamSubscription | null = null;

  /** @param options.onAppended called when the server tells of an event; a hint, it carries nothing
   *  @throws {RangeError} when the address is none. */
  constructor(
    private readonly options: { readonly connection: string; readonly callMs: number; readonly onAppended: () => void },
  ) {
    const address = clientAddress(options.connection);
    try {
      this.client = EventStoreDBClient.connectionString(address);
    } catch (error) {
      throw new RangeError(
        `not the address of an event store: ${withoutPassword(options.connection)} (${(error as Error).message})`,
        { cause: error },
      );
    }
    this.credentials = callCredentials(address);
  }

  /** Sends one append. Never retried here. @throws {EventStoreUnavailableError} when the server refuses, {RangeError}
   * when it is too large. */
  async append(stream: string, events: readonly EncodedEvent[], expected: ExpectedRevision): Promise<SendOutcome> {
    const proposed = events.map((event) =>
      jsonEvent({
        id: event.id,
        type: event.type,
        data: JSON.parse(event.data) as JsonObject,
        metadata: toServerMetadata(event),
      }),
    );
    const expectedRevision: AppendExpectedRevision = expected === 'no_stream' ? NO_STREAM : BigInt(expected);
    const sent = this.client.appendToStream(stream, proposed, {
      expectedRevision,
      deadline: this.options.callMs,
      requiresLeader: true,
      credentials: this.credentials,
    });
    try {
      const { nextExpectedRevision, position } = await this.within(sent, `append to ${stream}`);
      return {
        outcome: 'written',
        revision: Number(nextExpectedRevision),
        position: position === undefined || position.commit === 0n ? null : (position.commit as Position),
      };
    } catch (error) {
      return refusal(error, stream);
    }
  }

  /** @throws {EventStoreUnavailableError} `unreachable` when no answer comes in time. */
  async readStream(
    stream: string,
    { from, forwards, limit }: { readonly from: number | null; readonly forwards: boolean; readonly limit: number },
  ): Promise<RecordedLike[]> {
    const fromRevision = from === null ? (forwards ? START : END) : BigInt(from);
    const options: ReadStreamOptions = {
      fromRevision,
      direction: forwards ? FORWARDS : BACKWARDS,
      maxCount: limit,
      requiresLeader: true,
      credentials: this.credentials,
    };
    try {
      return (
        await this.atLeader(() => this.collect(this.client.readStream(stream, options), `reading ${stream}`))
      ).map(toRecorded);
    } catch (error) {
      if (error instanceof StreamNotFoundError) return [];
      throw unreachable(error);
    }
  }

  /** Events of the whole log after a position, those of the server itself among them.
   * @throws {EventStoreUnavailableError} */
  async readAll({
    after,
    forwards,
    limit,
  }: {
    readonly after: Position | null;
    readonly forwards: boolean;
    readonly limit: number;
  }): Promise<RecordedLike[]> {
    const from = after === null ? (forwards ? START : END) : { commit: after, prepare: after };
    // A read begins at its position and not behind it, so the first event may be the one that is known already.
    const events = await this.readPage(from, { forwards, limit: after === null ? limit : limit + 1 });
    return events.filter((event) => after === null || event.commit > after).slice(0, limit);
  }

  private async readPage(fromPosition: ReadPosition, { forwards, limit }: PageOptions): Promise<RecordedLike[]> {
    const direction = forwards ? FORWARDS : BACKWARDS;
    const options: ReadAllOptions = {
      fromPosition,
      direction,
      maxCount: limit,
      requiresLeader: true,
      credentials: this.credentials,
    };
    try {
      return (await this.atLeader(() => this.collect(this.client.readAll(options), 'reading the log'))).map(toRecorded);
    } catch (error) {
      throw unreachable(error);
    }
  }

  /** The event at this very position, or null. @throws {EventStoreUnavailableError} */
  async readAt(position: Position): Promise<RecordedLike | null> {
    const [event] = await this.readPage({ commit: position, prepare: position }, { forwards: true, limit: 1 });
    return event?.commit === position ? event : null;
  }

  /** Events before a position, the nearest first. @throws {EventStoreUnavailableError} */
  async readBefore(position: Position, limit: number): Promise<RecordedLike[]> {
    const page = await this.readPage({ commit: position, prepare: position }, { forwards: false, limit });
    return page.filter((event) => event.commit < position);
  }

  /** What the server is that answers: asks the leader for its newest event first, so that it surely is the leader.
   *  @throws {EventStoreUnavailableError} */
  async survey(): Promise<{ readonly version: string; readonly leader: string }> {
    await this.readAll({ after: null, forwards: false, limit: 1 });
    // The library knows both, and shows neither.
    const inside = this.client as unknown as Inside;
    try {
      const { serverVersion: version } = await this.within(inside.capabilities, 'asking for the version');
      const leader = (await this.within(inside.getChannel(), 'asking for the leader')).getTarget();
      return { version, leader: leader.replace(/^dns:/, '') };
    } catch (error) {
      throw unreachable(error);
    }
  }

  /** The newest event of a stream, of the server's own streams too; null when there is none.
   *  @throws {EventStoreUnavailableError} */
  async newestOf(stream: string): Promise<RecordedLike | 'hidden' | null> {
    try {
      return (await this.readStream(stream, { from: null, forwards: false, limit: 1 }))[0] ?? null;
    } catch (error) {
      if (error instanceof EventStoreUnavailableError && error.reason === 'refused') return 'hidden';
      throw error;
    }
  }

  /** Writes one of the server's own events. @throws {EventStoreUnavailableError} when the user of the address may
   * not */
  async appendOwn(stream: string, type: string, data: JsonObject, expected: ExpectedRevision): Promise<SendOutcome> {
    const expectedRevision = expected === 'no_stream' ? NO_STREAM : BigInt(expected);
    const { callMs: deadline } = this.options;
    const options = { expectedRevision, deadline, requiresLeader: true, credentials: this.credentials };
    const sent = this.client.appendToStream(stream, [jsonEvent({ type, data })], options as never);
    try {
      const { nextExpectedRevision } = await this.within(sent, `append to ${stream}`);
      return { outcome: 'written', revision: Number(nextExpectedRevision), position: null };
    } catch (error) {
      return refusal(error, stream);
    }
  }

  /** Begins to listen for appends of other processes, and goes on listening until `close`. */
  listen(): void {
    this.listening ??= this.keepListening();
  }

  async close(): Promise<void> {
    this.closing.abort();
    await this.subscription?.unsubscribe().catch(() => {
      // The server ends it with the connection.
    });
    await this.client.dispose();
    await this.listening;
  }

  private async keepListening(): Promise<void> {
    for (let failures = 0; !this.closing.signal.aborted;) {
      const since = performance.now();
      await this.listenOnce();
      failures = performance.now() - since > LISTEN_AGAIN_MS_MAX ? 0 : failures + 1;
      const delayMs = Math.min(LISTEN_AGAIN_MS_MAX, 50 * 2 ** failures);
      await sleep(delayMs, undefined, { signal: this.closing.signal }).catch(() => {});
    }
  }

  /** Resolves when the server or the connection ends the subscription. */
  private listenOnce(): Promise<void> {
    const subscription = this.client.subscribeToAll({ fromPosition: END, credentials: this.credentials });
    this.subscription = subscription;
    return new Promise((resolve) => {
      const end = (): void => {
        this.closing.signal.removeEventListener('abort', end);
        resolve();
      };
      this.closing.signal.addEventListener('abort', end);
      subscription.on('data', this.options.onAppended);
      // Between two subscriptions events may have come that nobody told of.
      subscription.on('confirmation', this.options.onAppended);
      subscription.on('error', end);
      subscription.on('end', end);
      subscription.on('close', end);
    });
  }

  /** A read that met a follower is made again: the library goes to the leader that the refusal names. Within the time
   * of one call. */
  private async atLeader<Result>(read: () => Promise<Result>): Promise<Result> {
    for (const deadline = performance.now() + this.options.callMs; ;) {
      try {
        return await read();
      } catch (error) {
        if (!isNotLeader(error) || performance.now() >= deadline) throw error;
        await sleep(LEADER_AGAIN_MS);
      }
    }
  }

  /** Reads everything that comes, and gives up when nothing has come for the time of a call. */
  private async collect(read: StreamingRead<ResolvedEvent>, what: string): Promise<RecordedEvent[]> {
    const events: RecordedEvent[] = [];
    return new Promise((resolve, reject) => {
      const giveUp = (): void => {
        void read.cancel().catch(() => {});
        reject(new TimeLimitError(`${what}: no answer within ${this.options.callMs} ms`));
      };
      let timer = setTimeout(giveUp, this.options.callMs);
      read.on('data', ({ event }: ResolvedEvent) => {
        clearTimeout(timer);
        timer = setTimeout(giveUp, this.options.callMs);
        if (event) events.push(event as RecordedEvent);
      });
      read.on('error', (error) => {
        clearTimeout(timer);
        reject(error);
      });
      read.on('end', () => {
        clearTimeout(timer);
        resolve(events);
      });
    });
  }

  /** The library's promise, or an error of ours when it does not settle in time. What it says later is nobody's any
   * more. */
  private async within<Result>(call: Promise<Result>, what: string): Promise<Result> {
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new TimeLimitError(`${what}: no answer within ${this.options.callMs} ms`)),
        this.options.callMs + 100,
      );
    });
    try {
      return await Promise.race([call, limit]);
    } finally {
      clearTimeout(timer);
      call.catch(() => {});
    }
  }
}

/** What the library has and does not declare. */
interface Inside {
  readonly capabilities: Promise<{ readonly serverVersion: string }>;
  getChannel(): Promise<{ getTarget(): string }>;
}

type PageOptions = { readonly forwards: boolean; readonly limit: number };
type ReadPosition = typeof START | typeof END | { readonly commit: bigint; readonly prepare: bigint };

class TimeLimitError extends Error {}

/** The library knows this refusal of appends; of reads it says the same with other words. */
function isNotLeader(error: unknown): boolean {
  return (
    error instanceof NotLeaderError ||
    (error instanceof Error && /leader info available|not.leader/i.test(error.message))
  );
}

function refusal(error: unknown, stream: string): SendOutcome {
  if (error instanceof WrongExpectedVersionError)
    return {
      outcome: 'conflict',
      actual: error.actualVersion === NO_STREAM ? 'no_stream' : Number(error.actualVersion),
    };
  if (error instanceof MaxAppendSizeExceededError)
    throw new RangeError(`the server takes less in one append: ${error.message}`, { cause: error });
  if (error instanceof AccessDeniedError)
    throw new EventStoreUnavailableError(
      'read_only',
      `the event store refuses to append to ${stream}: the user of the connection may not`,
      { cause: error },
    );
  if (error instanceof StreamDeletedError)
    throw new EventStoreUnavailableError(
      'corrupt',
      `${stream} was deleted on the server; events are never deleted here`,
      { cause: error },
    );
  // Anything else, refused connections too, may have happened after the server had the events.
  return { outcome: 'unknown', cause: error instanceof Error ? error.message : String(error) };
}

function unreachable(error: unknown): Error {
  if (error instanceof EventStoreUnavailableError) return error;
  if (error instanceof AccessDeniedError) return new EventStoreUnavailableError('refused', REFUSED, { cause: error });
  if (error instanceof StreamDeletedError)
    return new EventStoreUnavailableError(
      'corrupt',
      'a stream was deleted on the server; events are never deleted here',
      { cause: error },
    );
  return new EventStoreUnavailableError(
    'unreachable',
    `the event store does not answer: ${error instanceof Error ? error.message : String(error)}`,
    { cause: error },
  );
}

function toRecorded(event: RecordedEvent): RecordedLike {
  if (event.position === undefined)
    throw new EventStoreUnavailableError('unreachable', `the event store gives no position for event ${event.id}`);
  return {
    id: event.id,
    stream: event.streamId,
    revision: event.revision,
    commit: event.position.commit,
    type: event.type,
    data: event.data,
    metadata: event.metadata,
  };
}
