import type { Refusal } from './refusal.js';

/** An event as the domain sees it: its stored name and its facts. */
export interface DomainEvent {
  readonly type: string;
  readonly data: object;
}

/** Events to append (possibly none: "already so"), or a refusal. */
export type Decision<Event> = { readonly events: readonly Event[] } | { readonly refused: Refusal };

/** The pure heart of an aggregate. The same code runs in the server, in the command line and in the browser.
 *  `decide` never reads a clock and never fails; `evolve` never decides and never fails. */
export interface Decider<State, Command, Event extends DomainEvent> {
  readonly initial: State;
  decide(state: State, command: Command): Decision<Event>;
  evolve(state: State, event: Event): State;
}

export function accept<Event>(...events: readonly Event[]): Decision<Event> {
  return { events };
}

export function refuse(refused: Refusal): { readonly refused: Refusal } {
  return { refused };
}

/** State after the events, in order. */
export function fold<State, Command, Event extends DomainEvent>(
  decider: Decider<State, Command, Event>,
  events: readonly Event[],
): State {
  return events.reduce((state, event) => decider.evolve(state, event), decider.initial);
}

/** Makes the compiler complain when a union gets a member that a switch does not know. */
export function assertNever(value: never): never {
  throw new Error(`unexpected value: ${JSON.stringify(value)}`);
}
