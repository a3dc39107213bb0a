import { randomUUID } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import { upcast } from '../../domain/event-registry.js';
import type { Position, StoredEvent } from '../../domain/event-envelope.js';
import { nextAttemptAt } from '../../domain/policy/retry.policy.js';
import {
  evolveSaga,
  isOnlyRetained,
  nextRunnable,
  SAGA_START,
  type PendingEffect,
  type SagaCommand,
  type SagaEvent,
  type SagaState,
} from '../../domain/saga/registration.saga.js';
import { sagas } from '../decisions/aggregates.js';
import { DecideAndAppend, toDomain } from '../decisions/decide-and-append.js';
import { CurrentPolicy } from '../decisions/current-policy.js';
import { derivedId } from '../decisions/ids.js';
import { Intake } from '../installation/intake.js';
import { Clock } from '../ports/store/clock.js';
import { EventStore } from '../ports/store/event-store.js';
import { PendingEffects } from '../ports/store/pending-effects.js';
import { CaseAgenda } from './case-agenda.js';
import { PerformEffect } from './perform-effect.js';
import { WaitBounds } from './wait-bounds.js';

const CONCURRENT_CASES = 16;
const TICK_MS = 200;
/** The longest wait between two attempts of the default policy. */
const SHORT_WAIT_MS_MAX = 3_600_000;
/** A throw is a bug or an outage without an answer: a few tries, then a person. */
const FAILURES_MAX = 8;

/** Carries stored effects out. It keeps nothing that is not in the log: it starts from the read model of pending
 * effects and follows the saga streams from there, so a killed process goes on where the log ends. Effects of one case
 * run one after the other. */
@Injectable()
export class EffectDispatcher {
  private readonly log = new Logger('Saga');
  private readonly cases = new Map<string, SagaState>();
  private readonly agenda = new CaseAgenda();
  /** Carried out, but the log has not told us so yet. */
  private readonly settled = new Set<string>();
  private readonly running = new Map<string, Promise<void>>();
  private readonly stopping = new AbortController();
  private following: Promise<void> | null = null;
  /** Before the log has been read to its end, an effect may look pending that was carried out long ago. */
  private caughtUp = false;
  private readonly bounds = new WaitBounds();
  private ticking: NodeJS.Timeout | null = null;

  constructor(
    private readonly store: EventStore,
    private readonly aggregates: DecideAndAppend,
    private readonly performer: PerformEffect,
    private readonly policies: CurrentPolicy,
    private readonly clock: Clock,
    private readonly pending: PendingEffects,
    private readonly intake: Intake,
  ) {}

  /** Begins with what the read model says is pending; follows the log from there. */
  /** @param newestAtMs when the newest event was recorded: later than now, the clock went back between two starts */
  start(newestAtMs: number | null = null): void {
    const { position, effects } = this.pending.snapshot();
    for (const { requestId, effect } of effects) {
      this.boundWait(requestId, effect.effectId, effect.dueAtUtc, newestAtMs);
      this.setPending(requestId, (earlier) => [...earlier, effect]);
    }
    this.following = this.follow(position);
    this.ticking = setInterval(() => {
      this.agenda.wake(this.clock.nowUtc());
      for (const requestId of this.bounds.over()) this.agenda.change(requestId);
      this.pump();
    }, TICK_MS);
  }

  /** Lets running effects finish, starts no new ones. */
  async stop(): Promise<void> {
    this.stopping.abort();
    if (this.ticking) clearInterval(this.ticking);
    await Promise.allSettled([this.following, ...this.running.values()]);
  }

  /** Cases with open effects, cases being worked on, cases that wait for an operator, and ended cases that wait for
   * nothing but the end of their evidence. */
  status(): { readonly open: number; readonly running: number; readonly stuck: number; readonly retained: number } {
    const cases = [...this.cases.values()];
    const stuck = cases.filter((s) => s.pending.some((p) => p.stuck !== null)).length;
    const retained = cases.filter((s) => isOnlyRetained(s.pending)).length;
    return { open: cases.length - retained, running: this.running.size, stuck, retained };
  }

  private async follow(after: Position | null): Promise<void> {
    for (let from = after; !this.stopping.signal.aborted;) {
      try {
        for await (const batch of this.store.subscribe({
          after: from,
          filter: { streamPrefixes: ['saga-'] },
          signal: this.stopping.signal,
        })) {
          for (const event of batch.events) this.learn(event);
          from = batch.position ?? from;
          this.caughtUp ||= batch.caughtUp;
          this.pump();
        }
      } catch (error) {
        this.log.error(`following the saga streams failed, trying again: ${String(error)}`);
        await new Promise((resolve) => setTimeout(resolve, 1000));
      }
    }
  }

  private learn(stored: StoredEvent): void {
    const event = toDomain<SagaEvent>(upcast(stored));
    if (event.type !== 'SagaReacted') this.settled.delete(event.data.effectId);
    const requestId = stored.metadata.correlationId;
    this.learnWaits(requestId, event, Date.parse(stored.metadata.recordedAtUtc));
    this.setState(requestId, evolveSaga(this.cases.get(requestId) ?? SAGA_START, event));
  }

  /** Instant and due time of one event come from one clock: the length of a wait is right however wrong that was. */
  private learnWaits(requestId: string, event: SagaEvent, recordedAtMs: number): void {
    if (event.type === 'SagaReacted') {
      for (const effectId of event.data.cancelled) this.bounds.delete(effectId);
      for (const { effectId, dueAtUtc } of event.data.effects)
        this.boundWait(requestId, effectId, dueAtUtc, recordedAtMs);
    } else if (event.type === 'EffectFailed') {
      this.boundWait(requestId, event.data.effectId, event.data.nextAttemptAtUtc, recordedAtMs);
    } else this.bounds.delete(event.data.effectId);
  }

  /** Only of short waits, which are there to be tried again soon. Long ones go by the clock: the end of a retention
   * must not come early because a clock was ahead once. */
  private boundWait(requestId: string, effectId: string, dueAtUtc: string | null, sinceMs: number | null): void {
    const lengthMs = dueAtUtc === null || sinceMs === null ? null : Date.parse(dueAtUtc) - sinceMs;
    if (lengthMs === null || lengthMs > SHORT_WAIT_MS_MAX) this.bounds.delete(effectId);
    else this.bounds.set(effectId, requestId, lengthMs);
  }

  private setPending(requestId: string, change: (earlier: readonly PendingEffect[]) => readonly PendingEffect[]): void {
    const state = this.cases.get(requestId) ?? SAGA_START;
    this.setState(requestId, { ...state, pending: change(state.pending) });
  }

  private setState(requestId: string, state: SagaState): void {
    if (state.pending.length === 0) this.cases.delete(requestId);
    else this.cases.set(requestId, state);
    this.agenda.change(requestId);
  }

  private pump(): void {
    // What could not be recorded as done must not be done.
    if (this.stopping.signal.aborted || !this.caughtUp || this.intake.reasons().length > 0) return;
    const nowUtc = this.clock.nowUtc();
    while (this.running.size < CONCURRENT_CASES) {
      const requestId = this.agenda.take();
      if (requestId === undefined) return;
      // A case being worked on is looked at again when that work has ended.
      if (this.running.has(requestId)) continue;
      const next = this.nextOf(requestId, nowUtc);
      if (next) this.begin(requestId, next);
    }
  }

  private begin(requestId: string, next: PendingEffect): void {
    const run = this.run(requestId, next).finally(() => {
      this.running.delete(requestId);
      this.agenda.change(requestId);
      this.pump();
    });
    this.running.set(requestId, run);
  }

  private nextOf(requestId: string, nowUtc: string): PendingEffect | null {
    const pending = this.cases.get(requestId)?.pending ?? [];
    // What became of the last effect is stored, and the log has not told us yet: whether the next one may run depends
    // on it.
    if (pending.some((p) => this.settled.has(p.effectId))) return null;
    const next = nextRunnable(
      pending.map((p) => (this.bounds.isOver(p.effectId) ? { ...p, dueAtUtc: null } : p)),
      nowUtc,
    );
    if (!next)
      this.agenda.wait(
        requestId,
        pending.map((p) => p.dueAtUtc),
      );
    return next;
  }

  private async run(requestId: string, { effectId, effect, failures }: PendingEffect): Promise<void> {
    const note = (step: string, command: SagaCommand) =>
      this.aggregates.execute(sagas, requestId, command, {
        commandId: derivedId(effectId, step),
        actor: 'system:registration-saga',
        correlationId: requestId,
        causationId: effectId,
        policyVersion: null,
      });
    try {
      const refusal = await this.performer.perform({ requestId, effectId }, effect);
      this.settled.add(effectId);
      await note('performed', { type: 'RecordPerformed', effectId, refusal: refusal?.code ?? null });
      this.log.log(`${effect.effect} of ${requestId} done${refusal ? ` (refused: ${refusal.code})` : ''}`);
    } catch (error) {
      await this.recordFailure(note, { requestId, effectId, effect: effect.effect, failures }, error);
    }
  }

  private async recordFailure(
    note: (step: string, command: SagaCommand) => Promise<unknown>,
    job: { requestId: string; effectId: string; effect: string; failures: number },
    error: unknown,
  ): Promise<void> {
    this.log.error(
      `${job.effect} of ${job.requestId} failed (${job.failures + 1} of ${FAILURES_MAX}): ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
    try {
      const { retry } = (await this.policies.get()).values;
      const nextAttemptAtUtc = nextAttemptAt(this.clock.nowUtc(), job.failures + 1, retry);
      // The class of the error only: messages may quote what must not be in an event.
      const name = error instanceof Error ? error.constructor.name : typeof error;
      this.settled.add(job.effectId);
      // An id of its own for each failure: after an operator's resumption they are counted from one again.
      await note(`failed-${randomUUID()}`, {
        type: 'RecordFailure',
        effectId: job.effectId,
        error: name,
        nextAttemptAtUtc,
        failuresMax: FAILURES_MAX,
      });
    } catch (second) {
      // Not even the failure could be stored: nothing is lost, the effect is still pending in the log and runs again.
      this.settled.delete(job.effectId);
      this.log.error(`the failure of ${job.effect} of ${job.requestId} could not be stored: ${String(second)}`);
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
}
