import { setTimeout as sleepFor } from 'node:timers/promises';
import type { StoredEvent } from '../../domain/event-envelope.js';
import type { ServerEvent } from '../../domain/installation/installation.events.js';
import { appendKnown, DecideAndAppend } from '../decisions/decide-and-append.js';
import { derivedId } from '../decisions/ids.js';
import type { Clock } from '../ports/store/clock.js';
import { EventStoreUnavailableError, type EventStore, type ExpectedRevision } from '../ports/store/event-store.js';

const STREAM = 'installation-server';
const ACTOR = 'system:start';
const PAGE = 256;
const LAST_WORDS_MS = 3_000;

export interface HoldOptions {
  /** Names this process among all that ever were. */
  readonly processId: string;
  /** Where it runs, for the words of a refusal. */
  readonly host: string;
  /** How long who asks waits for an answer before it takes the store. Default 15 s. */
  readonly answerMs?: number;
  /** How often the holder looks whether somebody has asked. Default 1 s. */
  readonly lookMs?: number;
  /** Told once when another process has taken the store. */
  readonly onLost?: (message: string) => void;
}

type Seen = Pick<StoredEvent, 'id' | 'revision'> & { readonly event: ServerEvent };

/** The right of one process to work on a store that several can reach. Events in the store say who works there. Who
 *  finds somebody asks, and who works answers, because it looks every second; only where no answer comes is the store
 *  taken. No clock of another machine is believed, and while nobody asks nothing is written.
 *
 *  A process that stood still (stopped, swapped out, cut off) may have been taken for dead. So whoever has not looked
 *  for a third of that time looks again before it reads or writes anything, and finds that it was replaced. */
export class StoreHold {
  private seen: ExpectedRevision = 'no_stream';
  private lookedAt = Number.NEGATIVE_INFINITY;
  private lookedWallMs = Number.NEGATIVE_INFINITY;
  private lost: string | null = null;
  /** Why the last look failed; null when it did not. */
  private away: Error | null = null;
  private looking: Promise<void> | null = null;
  private readonly stopping = new AbortController();
  private watching: Promise<void> = Promise.resolve();
  private readonly answerMs: number;
  private readonly lookMs: number;
  private numbers = 0;

  private constructor(
    private readonly store: EventStore,
    private readonly clock: Clock,
    private readonly options: HoldOptions,
  ) {
    this.answerMs = options.answerMs ?? 15_000;
    this.lookMs = options.lookMs ?? 1000;
  }

  /** Takes the store, or waits until whoever held it has answered or has been silent for long enough.
   *  @throws {EventStoreUnavailableError} `locked` when another process works on the store. */
  static async take(store: EventStore, clock: Clock, options: HoldOptions): Promise<StoreHold> {
    const hold = new StoreHold(store, clock, options);
    while (!(await hold.tryToBegin()));
    hold.watching = hold.watch();
    return hold;
  }

  /** Before anything is read or written.
   *  @throws {EventStoreUnavailableError} `locked` when the store was taken over. */
  async assertHeld(): Promise<void> {
    // Two clocks: one stands still while the machine sleeps, the other may be set.
    const age = Math.max(performance.now() - this.lookedAt, Math.abs(Date.now() - this.lookedWallMs));
    if (age > this.answerMs / 3) {
      // The watch goes on looking. Whoever asks meanwhile need not wait as long again to hear the same.
      if (this.away !== null) throw this.away;
      await this.look();
    }
    if (this.lost !== null) throw new EventStoreUnavailableError('locked', this.lost);
  }

  /** Says that the store is free now, where that can be said. */
  async release(): Promise<void> {
    this.stopping.abort();
    await this.watching;
    if (this.lost !== null) return;
    const said = this.append('ServerEnded', this.seen).catch(() => {
      // The store is away or somebody asks just now: the next process waits for an answer that does not come.
    });
    // A store that stands still must not keep the process from ending.
    await Promise.race([said, sleepFor(LAST_WORDS_MS, undefined, { ref: false })]);
  }

  private async tryToBegin(): Promise<boolean> {
    const last = await this.readLast();
    const expected = last?.revision ?? 'no_stream';
    if (last !== null && last.event.type !== 'ServerEnded') {
      const asked = await this.append('ServerAsked', expected);
      if (asked === null) return false;
      if (!(await this.isSilentAfter(asked, last.event.data.host))) return false;
      return this.begin(asked);
    }
    return this.begin(expected);
  }

  private async begin(expected: ExpectedRevision): Promise<boolean> {
    const before = this.now();
    const revision = await this.append('ServerBegan', expected);
    if (revision === null) return false;
    this.seen = revision;
    this.looked(before);
    return true;
  }

  /** @returns true when nothing came for the whole time, false when the answer is no longer about us
   *  @throws {EventStoreUnavailableError} `locked` when the holder answers or another process asks too */
  private async isSilentAfter(asked: number, host: string): Promise<boolean> {
    for (const until = performance.now() + this.answerMs; ;) {
      const isOver = performance.now() >= until;
      const [next] = await this.readFrom(asked + 1);
      if (next?.event.type === 'ServerEnded') return false;
      if (next) throw locked(next.event);
      if (isOver) return true;
      await sleepFor(Math.min(this.lookMs, this.answerMs / 4), undefined, { ref: true });
    }
    function locked({ type, data }: ServerEvent): EventStoreUnavailableError {
      const who = type === 'ServerAsked' ? 'another server is starting' : `another server of this installation works`;
      const where = type === 'ServerAsked' ? data.host : host;
      return new EventStoreUnavailableError(
        'locked',
        `${who} on this event store (on ${where}); one store serves one server`,
      );
    }
  }

  private async watch(): Promise<void> {
    while (!this.stopping.signal.aborted && this.lost === null) {
      await sleepFor(this.lookMs, undefined, { signal: this.stopping.signal, ref: false }).catch(() => {
        // Aborted: the loop ends.
      });
      if (this.stopping.signal.aborted) return;
      await this.look().catch(() => {
        // The store is away: whoever wants to read or write is told so, and the next look may succeed.
      });
    }
  }

  /** One look at a time; who comes in between shares it. */
  private look(): Promise<void> {
    this.looking ??= this.lookNow()
      .then(
        () => void (this.away = null),
        (error: unknown) => {
          this.away = error instanceof Error ? error : new Error(String(error));
          throw this.away;
        },
      )
      .finally(() => {
        this.looking = null;
      });
    return this.looking;
  }

  private async lookNow(): Promise<void> {
    const before = this.now();
    const news = await this.readFrom(this.seen === 'no_stream' ? 0 : this.seen + 1);
    const taken = news.find(({ event }) => event.type === 'ServerBegan');
    if (taken) return this.lose(taken.event.data.host);
    const last = news.at(-1);
    if (last) this.seen = last.revision;
    if (last?.event.type === 'ServerAsked') {
      const answered = await this.append('ServerAnswered', last.revision);
      // Somebody was faster: the next look says who.
      if (answered !== null) this.seen = answered;
    }
    this.looked(before);
  }

  private lose(host: string): void {
    this.lost = `another server (on ${host}) has taken the event store over, because this one did not answer; it ends`;
    this.options.onLost?.(this.lost);
  }

  private looked(before: { readonly monotonic: number; readonly wall: number }): void {
    this.lookedAt = before.monotonic;
    this.lookedWallMs = before.wall;
  }

  private now(): { readonly monotonic: number; readonly wall: number } {
    return { monotonic: performance.now(), wall: Date.now() };
  }

  private async readLast(): Promise<Seen | null> {
    const [last] = await this.store.readStream(STREAM, { direction: 'backwards', limit: 1 });
    return last ? seenIn(last) : null;
  }

  private async readFrom(from: number): Promise<Seen[]> {
    return (await this.store.readStream(STREAM, { from, limit: PAGE })).map(seenIn);
  }

  /** @returns the revision of the event, or null when somebody else was faster. */
  private async append(type: ServerEvent['type'], expected: ExpectedRevision): Promise<number | null> {
    const { processId, host } = this.options;
    const commandId = derivedId('server-hold', processId, (this.numbers += 1));
    const context = { commandId, actor: ACTOR, correlationId: processId, causationId: processId, policyVersion: null };
    const envelope = new DecideAndAppend(this.store, this.clock).envelope(
      { type, data: { processId, host } },
      0,
      context,
    );
    const result = await appendKnown(this.store, STREAM, [envelope], expected);
    return result.outcome === 'appended' ? result.revision : null;
  }
}

function seenIn({ id, revision, type, data }: StoredEvent): Seen {
  return { id, revision, event: { type, data } as unknown as ServerEvent };
}
