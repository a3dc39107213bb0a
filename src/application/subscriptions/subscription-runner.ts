import { setTimeout as sleepFor } from 'node:timers/promises';
import type { Position, StoredEvent } from '../../domain/event-envelope.js';
import { OutcomeUnknownError } from '../decisions/decide-and-append.js';
import {
  EventStoreUnavailableError,
  type EventAnchor,
  type EventBatch,
  type EventFilter,
  type EventStore,
} from '../ports/store/event-store.js';
import type { Checkpoint, Lease, ParkedEvent, PositionStore, SaveOutcome } from '../ports/store/position-store.js';
import { assertAnchored, assertSameLog, eventAt, LogDiffersError } from './same-log.js';
import {
  EventNotHandled,
  TransientFailure,
  type HandledFurther,
  type SubscriptionHandler,
  type Upcast,
} from './subscription-handler.js';

/** `standby`: another process has the lease. `building`: it makes what it needs out of the whole log. `failing`: something outside is not there, tried again without limit.
 * `stopped`: an event could not be handled and the policy is to stop; nothing goes on before `resume()`. */
export type SubscriptionState =
  'idle' | 'standby' | 'building' | 'catching_up' | 'live' | 'retrying' | 'failing' | 'stopped';

export interface SubscriptionStatus {
  readonly consumer: string;
  readonly state: SubscriptionState;
  readonly position: Position | null;
  /** Events handled since the start of the process. */
  readonly handled: number;
  readonly eventsPerSecond: number;
  /** Age of the newest handled event while there are more to come; 0 when caught up. Milliseconds. */
  readonly lagMs: number;
  /** How far it is, in words, while it is `building`; null otherwise. */
  readonly progress: string | null;
  readonly failures: number;
  readonly parkedStreams: number;
  /** The event before which it stands still; null while it does not. */
  readonly stoppedAt: { readonly eventId: string; readonly type: string; readonly stream: string } | null;
  readonly lastError: { readonly message: string; readonly atUtc: string; readonly event: string | null } | null;
  /** Why the log is not the one that this consumer knows, or null. */
  readonly refusesLog: string | null;
  /** How long it has stood by without a break; 0 while it does not. Milliseconds. */
  readonly standbyMs: number;
}

/** Time as the runner sees it, so that a simulation can bring its own. */
export interface Timers {
  nowMs(): number;
  /** Resolves after the time or when the signal aborts, never rejects. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

export interface SubscriptionOptions {
  /** Name of the consumer. Data: never renamed. */
  readonly consumer: string;
  readonly store: EventStore;
  readonly positions: PositionStore;
  readonly handler: SubscriptionHandler;
  /** What happens to an event that fails `attemptsMax` times: stop with an alarm, or park it and all later events of
   * its stream and go on with the others. */
  readonly poison: 'stop' | 'park-stream';
  /** Streams between which the order matters have one name here: what is parked of one keeps the others waiting too.
   *  Default: each stream for itself. */
  readonly orderOf?: (stream: string) => string;
  /** Whether people agreed to go past this event. Asked when it has failed, never before. */
  readonly isSkipped?: (eventId: string) => Promise<boolean>;
  /** Called when an event is parked for its own failure, and when the consumer stops before one. */
  readonly onTrouble?: (outcome: 'parked' | 'stopped', event: StoredEvent) => Promise<void>;
  readonly filter?: EventFilter;
  /** Events per delivery, default 256. */
  readonly batchSize?: number;
  readonly upcast?: Upcast;
  /** Defaults: 5 attempts, first delay 50 ms, doubled up to 30 s. */
  readonly retry?: { readonly attemptsMax?: number; readonly firstDelayMs?: number; readonly delayMsMax?: number };
  /** How long the lease lasts without being renewed; renewed three times as often. Default 15 000 ms. */
  readonly leaseMs?: number;
  /** Called after every delivery, failure and change of state. */
  readonly onStatus?: (status: SubscriptionStatus) => void;
  readonly timers?: Timers;
}

/** Stored position of a consumer that wants few of the events: it is written at most this often while nothing is
 * handled. */
const QUIET_SAVE_MS = 1000;
const HOUR_MS = 3_600_000;

let instances = 0;

const systemTimers: Timers = {
  nowMs: () => Date.now(),
  sleep: (ms, signal) => sleepFor(ms, undefined, { signal }).catch(() => {}),
};

/** The one loop behind sagas, projections, the audit log and the relay. It takes the consumer's lease, loads its
 * position, follows the log from there and moves the position only after the handler is done. A lost lease or a moved
 * position never advances anything: the loop begins again from what is stored. */
export class SubscriptionRunner {
  private readonly timers: Timers;
  private readonly retry: { attemptsMax: number; firstDelayMs: number; delayMsMax: number };
  /** Tells two runners of one process apart. */
  private readonly holder = `runner-${(instances += 1)}`;
  private readonly leaseMs: number;

  private state: SubscriptionState = 'idle';
  private stored: Position | null = null;
  private handled = 0;
  private failures = 0;
  private lagMs = 0;
  private rate = { perSecond: 0, sinceMs: 0, handled: 0 };
  private progress: string | null = null;
  private lastError: SubscriptionStatus['lastError'] = null;
  private refusesLog: string | null = null;
  private standbySince: number | null = null;
  /** What the stored position points to. */
  private anchor: EventAnchor | null = null;
  private blocked = new Set<string>();
  private stoppedAt: SubscriptionStatus['stoppedAt'] = null;
  private lastSaveMs = 0;

  private stopping: AbortController | null = null;
  private running: Promise<void> = Promise.resolve();
  /** Aborted to cut a waiting short. */
  private nap = new AbortController();
  /** Aborted to leave the subscription for a moment, because there are parked events to replay. */
  private round = new AbortController();
  private replays: { stream: string; resolve: (count: number) => void; reject: (error: unknown) => void }[] = [];

  constructor(private readonly options: SubscriptionOptions) {
    this.timers = options.timers ?? systemTimers;
    this.retry = { attemptsMax: 5, firstDelayMs: 50, delayMsMax: 30_000, ...options.retry };
    this.leaseMs = options.leaseMs ?? 15_000;
  }

  /** Begins; does nothing when it has begun already. */
  start(): void {
    if (this.stopping) return;
    const stopping = new AbortController();
    this.stopping = stopping;
    this.running = this.run(stopping.signal);
  }

  /** Lets the delivery that is under way end, stores the position, gives the lease back. */
  async stop(): Promise<void> {
    this.stopping?.abort();
    await this.running;
    this.stopping = null;
    for (const replay of this.replays.splice(0)) replay.reject(new Error(`${this.options.consumer} was stopped`));
  }

  /** Cuts waiting short: for the lease, before a retry, after a failure of the outside. New events need no call, the
   * store tells. */
  wake(): void {
    if (this.state !== 'stopped') this.nap.abort();
  }

  /** Goes on after `stopped`: the event that failed is tried again. */
  resume(): void {
    if (this.state === 'stopped') this.nap.abort();
  }

  /** Handles the parked events of a stream again, in order, and unblocks the stream when all went well.
   *  @returns the number of events handled
   *  @throws what the handler throws; the events from the failing one on stay parked. */
  replayParked(stream: string): Promise<number> {
    return new Promise((resolve, reject) => {
      this.replays.push({ stream, resolve, reject });
      this.round.abort();
      this.wake();
    });
  }

  status(): SubscriptionStatus {
    return {
      consumer: this.options.consumer,
      state: this.state,
      position: this.stored,
      handled: this.handled,
      eventsPerSecond: this.rate.perSecond,
      lagMs: this.lagMs,
      progress: this.state === 'building' ? this.progress : null,
      failures: this.failures,
      parkedStreams: this.blocked.size,
      stoppedAt: this.stoppedAt,
      lastError: this.lastError,
      refusesLog: this.refusesLog,
      standbyMs: this.standbySince === null ? 0 : performance.now() - this.standbySince,
    };
  }

  /** Compares what is stored of this consumer with the log, before anything is accepted into it. A store that cannot be
   *  asked now is asked again when the consumer begins. */
  async compareWithLog(): Promise<void> {
    try {
      await this.assertSameLog();
    } catch (error) {
      this.failed(error, null);
    }
  }

  private async run(signal: AbortSignal): Promise<void> {
    for (let troubles = 0; !signal.aborted;) {
      try {
        const lease = await this.options.positions.acquire(this.options.consumer, this.holder, this.leaseMs);
        if (lease) await this.consumeUnderLease(lease, signal);
        else await this.standBy(signal);
        troubles = 0;
      } catch (error) {
        if (error instanceof Begin) continue;
        if (error instanceof EventNotHandled) await this.waitForResume(error, signal);
        else await this.waitAfterTrouble(error, (troubles += 1), signal);
      }
    }
    this.enter('idle');
  }

  private async consumeUnderLease(lease: Lease, stopped: AbortSignal): Promise<void> {
    const ended = new AbortController();
    const keeping = this.keepLease(lease, ended);
    try {
      await this.consume(lease, AbortSignal.any([stopped, ended.signal]));
    } finally {
      ended.abort();
      await keeping;
      await this.options.positions.release(lease).catch(() => {
        // An unreleased lease runs out by itself; what went wrong before matters more.
      });
    }
  }

  /** Renews the lease until the work ends; a lease that is lost ends the work. */
  private async keepLease(lease: Lease, ended: AbortController): Promise<void> {
    for (;;) {
      await this.timers.sleep(this.leaseMs / 3, ended.signal);
      if (ended.signal.aborted) return;
      // An error while renewing is no loss yet: the next renewal may succeed, and the fencing token guards every step
      // anyway.
      const kept = await this.options.positions.renew(lease, this.leaseMs).catch(() => true);
      if (!kept || !(await this.isSameLog())) ended.abort();
    }
  }

  private async consume(lease: Lease, signal: AbortSignal): Promise<void> {
    const { consumer, positions, handler } = this.options;
    // Before anything is built from a log that may be another one, and again where that has moved the position.
    await this.assertSameLog();
    if (handler.prepare) {
      await handler.prepare(signal, (progress) => {
        this.progress = progress;
        this.enter('building');
        this.report();
      });
      await this.assertSameLog();
    }
    this.blocked = new Set((await positions.parked(consumer)).map((event) => this.orderOf(event.stream)));
    while (!signal.aborted) {
      this.round = new AbortController();
      await this.replayRequested(lease, signal);
      await this.follow(lease, signal, this.round.signal);
    }
  }

  private async follow(lease: Lease, signal: AbortSignal, round: AbortSignal): Promise<void> {
    const { store, filter, batchSize } = this.options;
    this.enter('catching_up');
    let seen = this.stored;
    for await (const batch of store.subscribe({
      after: this.stored,
      filter,
      batchSize,
      signal: AbortSignal.any([signal, round]),
    })) {
      await this.take(batch, lease, signal);
      // A handler that reads the log itself may be further than this batch: what it has done need not be read again.
      const isFurther = this.stored !== null && batch.position !== null && this.stored > batch.position;
      seen = isFurther ? this.stored : batch.position;
      this.measure(batch);
      if (isFurther || signal.aborted || round.aborted) break;
    }
    if (seen !== null && seen !== this.stored) await this.save(seen, lease);
  }

  /** A position that the log does not reach, or at which it has another event, proves that the log lost events or that
   *  another log was put in its place. */
  private async assertSameLog(): Promise<void> {
    const { consumer, positions, store, handler } = this.options;
    try {
      const found = await positions.find(consumer);
      if (found) await assertSameLog(store, consumer, found);
      const own = await handler.anchor?.();
      if (own) await assertAnchored(store, `the record of ${consumer}`, own);
      this.stored = found?.position ?? null;
      // Positions of before know no event: what is there now is what they go by from here on.
      this.anchor = found && (found.anchor ?? (await store.anchorAt(found.position)));
      this.refusesLog = null;
    } catch (error) {
      if (error instanceof LogDiffersError) this.refusesLog = error.message;
      throw error;
    }
  }

  /** The same while it runs: a store of several servers can lose what its last leader had not passed on. */
  private async isSameLog(): Promise<boolean> {
    if (!this.anchor) return true;
    try {
      await assertAnchored(this.options.store, this.options.consumer, this.anchor);
      return true;
    } catch (error) {
      // Only an answer counts; the store may be away.
      return !(error instanceof LogDiffersError);
    }
  }

  private async take(batch: EventBatch, lease: Lease, signal: AbortSignal): Promise<void> {
    if (batch.events.length === 0) {
      const quiet = this.timers.nowMs() - this.lastSaveMs < QUIET_SAVE_MS;
      if (!quiet && batch.position !== null && batch.position !== this.stored) await this.save(batch.position, lease);
      return;
    }
    const together =
      batch.events.length > 1 && !batch.events.some((event) => this.blocked.has(this.orderOf(event.stream)));
    if (together && (await this.deliverTogether(batch, lease, signal))) return;
    for (const event of batch.events) await this.deliverAlone(event, lease, signal);
  }

  /** @returns false when the events have to be tried one by one to find the one that fails. */
  private async deliverTogether(batch: EventBatch, lease: Lease, signal: AbortSignal): Promise<boolean> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.deliver(batch.events, batch.position as Position, lease, signal, attempt);
        return true;
      } catch (error) {
        this.passOn(error, signal);
        this.failed(error, null);
        if (!isTransient(error)) return false;
        await this.backOff(attempt, signal);
      }
    }
  }

  private async deliverAlone(event: StoredEvent, lease: Lease, signal: AbortSignal): Promise<void> {
    // The handler may have gone past this event while it handled the one before.
    if (this.stored !== null && event.position <= this.stored) return;
    if (this.blocked.has(this.orderOf(event.stream)))
      return this.park(event, 'an earlier event of this stream is parked', lease);
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.deliver([event], event.position, lease, signal, attempt);
      } catch (error) {
        this.passOn(error, signal);
        this.failed(error, event);
        const exhausted = error instanceof NotUpcast || (attempt >= this.retry.attemptsMax && !isTransient(error));
        // An event that is newer than this program is no fault of the event: parking would only spread it over all
        // streams.
        if (exhausted && (await this.options.isSkipped?.(event.id))) return this.save(event.position, lease);
        if (exhausted && (this.options.poison === 'stop' || error instanceof NotUpcast))
          throw new EventNotHandled(event, error);
        if (exhausted) {
          await this.options.onTrouble?.('parked', event);
          return this.park(event, messageOf(error), lease);
        }
        await this.backOff(attempt, signal);
      }
    }
  }

  private async deliver(
    events: readonly StoredEvent[],
    next: Position,
    lease: Lease,
    signal: AbortSignal,
    attempt: number,
  ): Promise<void> {
    if (signal.aborted) throw new Begin();
    const checkpoint = await this.checkpoint(next, lease, events.at(-1));
    const result = await this.options.handler.handle(this.upcast(events), { checkpoint, signal, attempt });
    const further = typeof result === 'object' ? result : null;
    const step = further && further.through > next ? await this.furtherStep(further, lease) : checkpoint;
    this.stepped(typeof result === 'string' ? result : await this.savePosition(step), step);
    this.handled += further?.events ?? events.length;
  }

  private upcast(events: readonly StoredEvent[]): readonly StoredEvent[] {
    const { upcast } = this.options;
    if (!upcast) return events;
    try {
      return events.flatMap((event) => upcast(event));
    } catch (error) {
      throw new NotUpcast(messageOf(error), { cause: error });
    }
  }

  private async save(next: Position, lease: Lease): Promise<void> {
    const step = await this.checkpoint(next, lease);
    this.stepped(await this.options.positions.save(step), step);
  }

  /** The handler has done its work: a position that cannot be stored is no fault of the events. */
  private async savePosition(checkpoint: Checkpoint): Promise<SaveOutcome> {
    return this.options.positions.save(checkpoint).catch((error: unknown) => {
      throw new TransientFailure(`the position cannot be stored: ${messageOf(error)}`, { cause: error });
    });
  }

  private async park(event: StoredEvent, error: string, lease: Lease): Promise<void> {
    const { consumer, positions } = this.options;
    const { stream, revision, position, id: eventId, type } = event;
    const parked: ParkedEvent = {
      consumer,
      stream,
      revision,
      position,
      eventId,
      type,
      error,
      parkedAtUtc: this.nowUtc(),
    };
    const step = await this.checkpoint(position, lease, event);
    this.stepped(await positions.park(step, parked), step);
    this.blocked.add(this.orderOf(stream));
    this.report();
  }

  /** @param newest the newest event of the step, where one is at hand */
  private async checkpoint(next: Position, lease: Lease, newest?: StoredEvent): Promise<Checkpoint> {
    const { consumer, store } = this.options;
    const isThere = newest?.position === next;
    const anchor = isThere ? { position: next, id: newest.id } : await store.anchorAt(next);
    return { consumer, previous: this.stored, next, anchor, fencingToken: lease.fencingToken };
  }

  /** What a handler's own record is ahead of must be in the log. */
  private async furtherStep({ through }: HandledFurther, lease: Lease): Promise<Checkpoint> {
    const { consumer, store } = this.options;
    try {
      const anchor = await eventAt(store, `the record of ${consumer}`, through);
      return { consumer, previous: this.stored, next: through, anchor, fencingToken: lease.fencingToken };
    } catch (error) {
      if (error instanceof LogDiffersError) this.refusesLog = error.message;
      throw error;
    }
  }

  /** Nothing was stored when the step was refused, so the only right thing is to begin again from what is stored. */
  private stepped(outcome: SaveOutcome, { next, anchor }: Checkpoint): void {
    if (outcome !== 'saved') throw new Begin();
    this.stored = next;
    this.anchor = anchor;
    this.lastSaveMs = this.timers.nowMs();
  }

  private async replayRequested(lease: Lease, signal: AbortSignal): Promise<void> {
    for (let replay = this.replays[0]; replay; replay = this.replays[0]) {
      try {
        const count = await this.replayStream(replay.stream, lease, signal);
        replay.resolve(count);
      } catch (error) {
        // The lease was lost or the loop was woken: the request stays and is taken up by the next round.
        if (error instanceof Begin) throw error;
        this.failed(error, null);
        replay.reject(error);
      }
      this.replays.shift();
    }
  }

  private async replayStream(stream: string, lease: Lease, signal: AbortSignal): Promise<number> {
    const { store, positions, consumer } = this.options;
    const order = this.orderOf(stream);
    const parked = (await positions.parked(consumer)).filter((event) => this.orderOf(event.stream) === order);
    for (const entry of parked) {
      if (signal.aborted) throw new Begin();
      const [event] = await store.readStream(entry.stream, { from: entry.revision, limit: 1 });
      if (event?.id !== entry.eventId)
        throw new Error(`parked event ${entry.eventId} is not at revision ${entry.revision} of ${entry.stream}`);
      await this.replayEvent(event, signal);
      if ((await positions.unpark(lease, entry)) !== 'saved') throw new Begin();
    }
    this.blocked.delete(order);
    return parked.length;
  }

  /** @throws what the handler throws, unless people agreed to go past the event */
  private async replayEvent(event: StoredEvent, signal: AbortSignal): Promise<void> {
    try {
      await this.options.handler.handle(this.upcast([event]), { checkpoint: null, signal, attempt: 1 });
    } catch (error) {
      if (!(await this.options.isSkipped?.(event.id))) throw error;
    }
  }

  private orderOf(stream: string): string {
    return this.options.orderOf?.(stream) ?? stream;
  }

  /** A refused step and an ended signal are no failures of the event. */
  private passOn(error: unknown, signal: AbortSignal): void {
    if (error instanceof Begin) throw error;
    if (signal.aborted) throw new Begin();
    // No fault of the event either: the log is another one.
    if (error instanceof LogDiffersError) throw error;
  }

  private async backOff(attempt: number, signal: AbortSignal): Promise<void> {
    this.enter('retrying');
    await this.pause(this.delayMs(attempt), signal);
    if (signal.aborted) throw new Begin();
  }

  private async standBy(signal: AbortSignal): Promise<void> {
    this.enter('standby');
    await this.pause(this.leaseMs / 3, signal);
  }

  private async waitAfterTrouble(error: unknown, troubles: number, signal: AbortSignal): Promise<void> {
    this.failed(error, null);
    this.enter('failing');
    await this.pause(this.delayMs(troubles), signal);
  }

  /** Nothing but `resume` and `stop` ends this wait. */
  private async waitForResume(poison: EventNotHandled, signal: AbortSignal): Promise<void> {
    this.nap = new AbortController();
    const { signal: resumed } = this.nap;
    this.lastError = { ...errorOf(poison.reason, poison.event), atUtc: this.nowUtc() };
    const { id, type, stream } = poison.event;
    this.stoppedAt = { eventId: id, type, stream };
    this.enter('stopped');
    await this.options.onTrouble?.('stopped', poison.event);
    while (!signal.aborted && !resumed.aborted) await this.timers.sleep(HOUR_MS, AbortSignal.any([signal, resumed]));
    this.stoppedAt = null;
  }

  private async pause(ms: number, signal: AbortSignal): Promise<void> {
    this.nap = new AbortController();
    await this.timers.sleep(ms, AbortSignal.any([signal, this.nap.signal]));
  }

  private delayMs(attempt: number): number {
    return Math.min(this.retry.delayMsMax, this.retry.firstDelayMs * 2 ** (attempt - 1));
  }

  private failed(error: unknown, event: StoredEvent | null): void {
    this.failures += 1;
    this.lastError = { ...errorOf(error, event), atUtc: this.nowUtc() };
    this.report();
  }

  private nowUtc(): string {
    return new Date(this.timers.nowMs()).toISOString();
  }

  private measure(batch: EventBatch): void {
    const now = this.timers.nowMs();
    const newest = batch.events.at(-1);
    this.lagMs = batch.caughtUp || !newest ? 0 : Math.max(0, now - Date.parse(newest.metadata.recordedAtUtc));
    if (now - this.rate.sinceMs >= 1000) {
      this.rate = {
        perSecond: Math.round(((this.handled - this.rate.handled) * 1000) / (now - this.rate.sinceMs)),
        sinceMs: now,
        handled: this.handled,
      };
    }
    this.state = batch.caughtUp ? 'live' : 'catching_up';
    this.report();
  }

  private enter(state: SubscriptionState): void {
    if (this.state === state) return;
    this.state = state;
    this.standbySince = state === 'standby' ? performance.now() : null;
    this.report();
  }

  private report(): void {
    this.options.onStatus?.(this.status());
  }
}

/** The event is not to blame: an outage of the store must never stop a consumer for good. */
function isTransient(error: unknown): boolean {
  return (
    error instanceof TransientFailure ||
    error instanceof EventStoreUnavailableError ||
    error instanceof OutcomeUnknownError
  );
}

/** Leave this round and begin again from what is stored. */
class Begin extends Error {}

class NotUpcast extends Error {}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function errorOf(error: unknown, event: StoredEvent | null): { message: string; event: string | null } {
  return {
    message: messageOf(error),
    event:
      event && `${event.type} ${event.id} (${event.stream} revision ${event.revision}, position ${event.position})`,
  };
}
