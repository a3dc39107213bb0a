import { Logger } from '@nestjs/common';
import { DecideAndAppend } from '../../src/application/decisions/decide-and-append.js';
import { CurrentPolicy } from '../../src/application/decisions/current-policy.js';
import { Clock } from '../../src/application/ports/store/clock.js';
import { InMemoryEventStore } from '../../src/infrastructure/event-store/in-memory-event-store.js';
import { KeyedSecrets } from '../../src/infrastructure/settings/keyed-secrets.js';

/** A clock that stands still until it is moved. */
export class SetClock extends Clock {
  constructor(private now = Date.parse('2026-11-23T09:00:00.000Z')) {
    super();
  }
  nowUtc(): string {
    return new Date(this.now).toISOString();
  }
  advance(ms: number): void {
    this.now += ms;
  }
}

/** The real application services over the in-memory store. */
export async function application() {
  // Failures are what some of these tests are about; they need not fill the output.
  Logger.overrideLogger(false);
  const clock = new SetClock();
  const store = new InMemoryEventStore();
  const aggregates = new DecideAndAppend(store, clock);
  const policies = new CurrentPolicy(aggregates);
  await policies.ensureDefault();
  return { clock, store, aggregates, policies, secrets: new KeyedSecrets(Buffer.alloc(32, 1)) };
}

/** Polls until the condition holds. @throws after the limit. */
export async function eventually(condition: () => boolean | Promise<boolean>, limitMs = 120_000): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('the condition did not come true in time');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
