import { expect } from '@jest/globals';
import { fold, type Decider, type DomainEvent } from '../../src/domain/decider.js';

/** given(events).when(command).then(events) for one decider. */
export function scenario<S, C, E extends DomainEvent>(decider: Decider<S, C, E>) {
  return (...history: readonly E[]) => ({
    when: (command: C) => {
      const decision = decider.decide(fold(decider, history), command);
      return {
        then: (...expected: readonly E[]) => expect(decision).toEqual({ events: expected }),
        thenTypes: (...types: readonly string[]) =>
          expect('events' in decision ? decision.events.map((e) => e.type) : decision).toEqual(types),
        thenNothing: () => expect(decision).toEqual({ events: [] }),
        thenRefused: (refusal: object) => expect(decision).toEqual({ refused: refusal }),
      };
    },
    state: () => fold(decider, history),
  });
}
