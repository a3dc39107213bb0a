import { setTimeout as sleepFor } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import type { StoredEvent } from '../../domain/event-envelope.js';
import { consumers } from '../decisions/aggregates.js';
import { DecideAndAppend } from '../decisions/decide-and-append.js';
import { derivedId } from '../decisions/ids.js';
import { PositionStore, type ParkedEvent } from '../ports/store/position-store.js';
import type { SubscriptionRunner, SubscriptionStatus } from './subscription-runner.js';

/** An event that a consumer could not take. */
export interface TroubledEvent {
  readonly eventId: string;
  readonly stream: string;
  readonly outcome: 'parked' | 'stopped';
}

export interface ConsumerView extends SubscriptionStatus {
  /** False where an event that is left out would make a lie of all that comes after it. */
  readonly maySkip: boolean;
  readonly parked: readonly ParkedEvent[];
}

interface Known {
  readonly runner: SubscriptionRunner;
  readonly maySkip: boolean;
}

const ACTOR = 'system:consumers';
/** Whoever asked is told that it is not done yet; the replay stays asked for. */
const REPLAY_MS_MAX = 30_000;

/** The consumers of the log in this process: where each stands, and what people can do where one cannot go on. */
@Injectable()
export class Consumers {
  private readonly log = new Logger('Consumers');
  private readonly known = new Map<string, Known>();

  constructor(
    private readonly aggregates: DecideAndAppend,
    private readonly positions: PositionStore,
  ) {}

  add(consumer: string, runner: SubscriptionRunner, { maySkip }: { readonly maySkip: boolean }): void {
    this.known.set(consumer, { runner, maySkip });
  }

  has(consumer: string): boolean {
    return this.known.has(consumer);
  }

  maySkip(consumer: string): boolean {
    return this.known.get(consumer)?.maySkip ?? false;
  }

  async view(): Promise<readonly ConsumerView[]> {
    return Promise.all(
      [...this.known].map(async ([consumer, { runner, maySkip }]) => ({
        ...runner.status(),
        maySkip,
        parked: await this.positions.parked(consumer),
      })),
    );
  }

  /** @returns null where the consumer does not wait at this event */
  async troubleAt(consumer: string, eventId: string): Promise<TroubledEvent | null> {
    const { stoppedAt } = this.known.get(consumer)?.runner.status() ?? {};
    if (stoppedAt?.eventId === eventId) return { ...stoppedAt, outcome: 'stopped' };
    const parked = (await this.positions.parked(consumer)).find((event) => event.eventId === eventId);
    return parked ? { eventId, stream: parked.stream, outcome: 'parked' } : null;
  }

  /** @returns false where it does not stand still */
  resume(consumer: string): boolean {
    const runner = this.known.get(consumer)?.runner;
    if (runner?.status().state !== 'stopped') return false;
    runner.resume();
    return true;
  }

  /** Handles what is parked of this event's case, in order.
   *  @returns how many events were handled or passed
   *  @throws what the handler throws: from that event on they stay parked */
  async replay(consumer: string, stream: string): Promise<number> {
    const runner = this.known.get(consumer)?.runner;
    if (!runner) throw new Error(`there is no consumer ${consumer}`);
    const { state } = runner.status();
    if (state === 'standby' || state === 'idle') throw new Error(`${consumer} does not work in this process now`);
    const waiting = new AbortController();
    const tooLong = sleepFor(REPLAY_MS_MAX, undefined, { signal: waiting.signal }).then(() => {
      throw new Error(`${consumer} is ${runner.status().state}; it replays as soon as it can`);
    });
    // Aborted once the replay has ended, which is no news to anybody.
    tooLong.catch(() => {});
    try {
      return await Promise.race([runner.replayParked(stream), tooLong]);
    } finally {
      waiting.abort();
    }
  }

  /** Lets the consumer go past what two people agreed to skip: it is tried once more, and passed if it fails again. */
  async goPast(consumer: string, eventId: string): Promise<void> {
    const trouble = await this.troubleAt(consumer, eventId);
    if (trouble?.outcome === 'stopped') this.resume(consumer);
    // What waits behind it may fail by itself: that is its own trouble, and stays parked.
    else if (trouble)
      await this.replay(consumer, trouble.stream).catch((error: unknown) =>
        this.log.warn(`${consumer}: ${messageOf(error)}`),
      );
  }

  async isSkipped(consumer: string, eventId: string): Promise<boolean> {
    return (await this.aggregates.load(consumers, consumer)).state.skipped.includes(eventId);
  }

  /** Puts it on record that an event could not be handled. Once for each event and outcome. */
  async recordTrouble(
    consumer: string,
    outcome: TroubledEvent['outcome'],
    { id, type }: Pick<StoredEvent, 'id' | 'type'>,
  ): Promise<void> {
    const commandId = derivedId('consumer-trouble', consumer, outcome, id);
    const context = { commandId, actor: ACTOR, correlationId: commandId, causationId: id, policyVersion: null };
    try {
      await this.aggregates.execute(
        consumers,
        consumer,
        { type: 'RecordTrouble', outcome, eventId: id, eventType: type },
        context,
      );
    } catch (error) {
      // The list and the readiness say it all the same.
      this.log.warn(`it could not be put on record that ${consumer} met ${id}: ${messageOf(error)}`);
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
