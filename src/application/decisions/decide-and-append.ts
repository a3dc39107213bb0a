import { Injectable } from '@nestjs/common';
import { fold, type DomainEvent } from '../../domain/decider.js';
import { currentVersion, upcast } from '../../domain/event-registry.js';
import type { JsonObject, NewEvent, StoredEvent } from '../../domain/event-envelope.js';
import { canonicalJson } from '../../domain/values/canonical-json.js';
import type { Refusal } from '../../domain/refusal.js';
import type { Aggregate } from './aggregates.js';
import { derivedId } from './ids.js';
import { Clock } from '../ports/store/clock.js';
import {
  EVENT_LIMITS,
  EventStore,
  IdConflictError,
  type AppendResult,
  type ExpectedRevision,
} from '../ports/store/event-store.js';

/** Who asks, on whose behalf, because of what. */
export interface CommandContext {
  /** The same command sent twice has the same id, and is carried out once. */
  readonly commandId: string;
  readonly actor: string;
  readonly correlationId: string;
  readonly causationId: string;
  /** Version of the policy that the decision uses, or null. */
  readonly policyVersion: number | null;
  /** The instant that the decision reckons with, where it does: the event is recorded at that very instant, so that due
   * times can be made again exactly. Default: when the event is put in its envelope. */
  readonly decidedAtUtc?: string;
}

export type Executed<State> =
  /** `events`: how many the command gave. `repeated`: it had been carried out before, and this is what came of it then:
   * the state is the one that it led to, whatever has happened since, so that equal commands get equal answers. */
  | { readonly outcome: 'decided'; readonly state: State; readonly events: number; readonly repeated: boolean }
  | { readonly outcome: 'refused'; readonly refusal: Refusal; readonly state: State };

/** The store could not say whether it has the events, even after asking again with the same ids. Safe to repeat the
 * command. */
export class OutcomeUnknownError extends Error {}

/** Others changed the aggregate again and again, and the command was not carried out. Safe to repeat it, after a
 * while. */
export class ContendedError extends OutcomeUnknownError {}

/** A stream as it was read last: its next reading begins with the last of these events. */
interface Folded<S> {
  readonly state: S;
  readonly stored: readonly StoredEvent[];
}

/** Streams that are kept folded: those of the cases that are worked on, the policy, the booths. */
const FOLDED_MAX = 256;
/** Longer ones are read anew: few are, and they would hold much memory. */
const FOLDED_EVENTS_MAX = 64;
const CONFLICT_RETRIES = 8;
const UNKNOWN_RETRIES = 3;

/** Loads an aggregate, decides, and appends: the one way in which aggregate events come into being. */
@Injectable()
export class DecideAndAppend {
  private readonly folded = new Map<string, Folded<unknown>>();

  constructor(
    private readonly store: EventStore,
    private readonly clock: Clock,
  ) {}

  /** State of an aggregate and the revision it was read at. */
  async load<S, C, E extends DomainEvent>(
    aggregate: Aggregate<S, C, E>,
    id: string,
  ): Promise<{ readonly state: S; readonly expected: ExpectedRevision; readonly stored: readonly StoredEvent[] }> {
    const stream = aggregate.streamOf(id);
    const known = this.folded.get(stream) as Folded<S> | undefined;
    const more = known && (await this.readBehind(stream, known.stored));
    const stored = known && more ? [...known.stored, ...more] : await this.readWhole(stream);
    const { evolve, initial } = aggregate.decider;
    const unfolded = known && more ? more : stored;
    const state = unfolded.reduce((s, e) => evolve(s, toDomain<E>(e)), known && more ? known.state : initial);
    const last = stored.at(-1);
    if (last) this.keep(stream, { state, stored });
    return { state, expected: last ? last.revision : 'no_stream', stored };
  }

  /** What came behind events that are known. Null where the last of them is not the one that the stream has there. */
  private async readBehind(stream: string, known: readonly StoredEvent[]): Promise<readonly StoredEvent[] | null> {
    const last = known.at(-1) as StoredEvent;
    const [same, ...more] = await this.readWhole(stream, known.length - 1);
    return same?.id === last.id && same.revision === last.revision ? more : null;
  }

  /** Those used last are kept. */
  private keep(stream: string, folded: Folded<unknown>): void {
    this.folded.delete(stream);
    if (folded.stored.length <= FOLDED_EVENTS_MAX) this.folded.set(stream, folded);
    if (this.folded.size > FOLDED_MAX) this.folded.delete(this.folded.keys().next().value as string);
  }

  /** Decides on the newest state. Somebody else's append in between leads to a new decision on the new state, a few
   * times.
   * @throws {OutcomeUnknownError} when the store cannot tell what happened. */
  async execute<S, C, E extends DomainEvent>(
    aggregate: Aggregate<S, C, E>,
    id: string,
    command: C,
    context: CommandContext,
  ): Promise<Executed<S>> {
    for (let attempt = 0; attempt <= CONFLICT_RETRIES; attempt++) {
      const { state, expected, stored } = await this.load(aggregate, id);
      const before = carriedOut(aggregate, stored, context.commandId);
      if (before) return before;
      const decision = aggregate.decider.decide(state, command);
      if ('refused' in decision) return { outcome: 'refused', refusal: decision.refused, state };
      if (decision.events.length === 0) return { outcome: 'decided', state, events: 0, repeated: false };
      const events = decision.events.map((event, index) => this.envelope(event, index, context));
      if (await this.append(aggregate.streamOf(id), events, expected)) {
        return {
          outcome: 'decided',
          state: events.reduce((s, e) => aggregate.decider.evolve(s, asStored<E>(e)), state),
          events: events.length,
          repeated: false,
        };
      }
    }
    throw new ContendedError(`${aggregate.streamOf(id)} was changed by others ${CONFLICT_RETRIES + 1} times in a row`);
  }

  /** @returns false when somebody was first: another command, or the very same one that came twice at once and was told
   *   at another instant. The newest state says which. */
  private async append(stream: string, events: readonly NewEvent[], expected: ExpectedRevision): Promise<boolean> {
    try {
      return (await appendKnown(this.store, stream, events, expected)).outcome === 'appended';
    } catch (error) {
      if (error instanceof IdConflictError) return false;
      throw error;
    }
  }

  /** The time that envelopes get. */
  nowUtc(): string {
    return this.clock.nowUtc();
  }

  /** An event in its envelope. Its id follows from the command, so that a repeated command repeats it. */
  envelope(event: DomainEvent, index: number, context: CommandContext): NewEvent {
    const { commandId, actor, correlationId, causationId, policyVersion, decidedAtUtc } = context;
    return {
      id: derivedId(commandId, index),
      type: event.type,
      schemaVersion: currentVersion(event.type),
      data: event.data as JsonObject,
      metadata: {
        actor,
        correlationId,
        causationId,
        recordedAtUtc: decidedAtUtc ?? this.clock.nowUtc(),
        policyVersion,
      },
    };
  }

  private async readWhole(stream: string, from = 0): Promise<readonly StoredEvent[]> {
    const all: StoredEvent[] = [];
    for (;;) {
      const page = await this.store.readStream(stream, { from: from + all.length, limit: EVENT_LIMITS.eventsPerRead });
      all.push(...page.map(upcast));
      if (page.length < EVENT_LIMITS.eventsPerRead) return all;
    }
  }
}

/** What a command led to when it was carried out before: its events have the ids that this run would give them. */
function carriedOut<S, C, E extends DomainEvent>(
  { decider }: Aggregate<S, C, E>,
  stored: readonly StoredEvent[],
  commandId: string,
): Executed<S> | null {
  const firstId = derivedId(commandId, 0);
  const first = stored.findIndex(({ id }) => id === firstId);
  if (first < 0) return null;
  let events = 1;
  while (stored[first + events]?.id === derivedId(commandId, events)) events += 1;
  return {
    outcome: 'decided',
    state: fold(
      decider,
      stored.slice(0, first + events).map((e) => toDomain<E>(e)),
    ),
    events,
    repeated: true,
  };
}

/** A new event as it will be read: its members in the order of the store, so that the answer to the first of equal
 * commands is, byte for byte, the answer to the others. */
function asStored<E extends DomainEvent>({ type, data }: NewEvent): E {
  return toDomain<E>({ type, data: JSON.parse(canonicalJson(data)) as JsonObject });
}

/** The domain's view of a stored (and upcast) event. */
export function toDomain<E extends DomainEvent>(event: Pick<StoredEvent, 'type' | 'data'>): E {
  return { type: event.type, data: event.data } as unknown as E;
}

/** Appends and asks again, with the same ids and expectation, while the outcome is unknown. */
export async function appendKnown(
  store: EventStore,
  stream: string,
  events: readonly NewEvent[],
  expected: ExpectedRevision,
): Promise<Exclude<AppendResult, { outcome: 'unknown' }>> {
  let cause = '';
  for (let attempt = 0; attempt <= UNKNOWN_RETRIES; attempt++) {
    const result = await store.append(stream, events, expected);
    if (result.outcome !== 'unknown') return result;
    cause = result.cause;
  }
  throw new OutcomeUnknownError(`the event store cannot tell whether ${stream} has the events: ${cause}`);
}
