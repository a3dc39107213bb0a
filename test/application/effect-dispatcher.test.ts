import { afterEach, describe, expect, it } from '@jest/globals';
import { Intake } from '../../src/application/installation/intake.js';
import { registrations, sagas } from '../../src/application/decisions/aggregates.js';
import { ResumeEffect, ResumeEffectHandler } from '../../src/application/commands/resume-effect.js';
import type { Clock } from '../../src/application/ports/store/clock.js';
import type { EventStore } from '../../src/application/ports/store/event-store.js';
import { PendingEffects } from '../../src/application/ports/store/pending-effects.js';
import { EffectDispatcher } from '../../src/application/saga/effect-dispatcher.js';
import type { PerformEffect } from '../../src/application/saga/perform-effect.js';
import { SagaReactor } from '../../src/application/saga/saga-reactor.js';
import type { Refusal } from '../../src/domain/refusal.js';
import type { Effect } from '../../src/domain/saga/registration.saga.js';
import { addMs } from '../../src/domain/values/instant.js';
import { newEvent } from '../contract/event-store.contract.js';
import { request } from '../support/registration-facts.js';
import { application, eventually } from './fixture.js';

class Nothing extends PendingEffects {
  snapshot() {
    return { position: null, effects: [] };
  }
}

/** Stands where effects meet the outside; everything around it is real. */
class Performer {
  readonly done: string[] = [];
  fail = 0;
  async perform(_job: object, effect: Effect): Promise<Refusal | null> {
    if (this.fail-- > 0) throw new RangeError('the outside is broken');
    this.done.push(effect.effect);
    return null;
  }
}

async function world() {
  const app = await application();
  const performer = new Performer();
  const dispatcher = new EffectDispatcher(
    app.store,
    app.aggregates,
    performer as unknown as PerformEffect,
    app.policies,
    app.clock,
    new Nothing(),
    new Intake(),
  );
  const reactor = new SagaReactor(app.aggregates, app.policies);
  const receive = async (requestId: string) => {
    await app.aggregates.execute(
      registrations,
      requestId,
      { type: 'ReceiveRequest', request: request({ requestId }) },
      { commandId: requestId, actor: 'booth:b', correlationId: requestId, causationId: requestId, policyVersion: 1 },
    );
    const [event] = await app.store.readStream(`registration-${requestId}`);
    await reactor.handle(event!);
    return event!;
  };
  return { ...app, performer, dispatcher, reactor, receive };
}

/** What the tests of clocks wait for: a certificate that is asked about again after this time. */
const AGAIN_MS = 400;

describe('effect dispatcher', () => {
  let stop: (() => Promise<void>) | null = null;
  afterEach(async () => {
    await stop?.();
    stop = null;
  });

  it('carries a stored effect out once, also when its event is delivered twice', async () => {
    const { dispatcher, performer, receive, reactor } = await world();
    stop = () => dispatcher.stop();
    dispatcher.start();
    await reactor.handle(await receive('11111111-1111-5111-8111-111111111111'));
    await eventually(() => dispatcher.status().open === 0 && performer.done.length > 0);
    expect(performer.done).toEqual(['CheckCertificate']);
  });

  it('finds what was stored before it started, and nothing that was done before', async () => {
    const { dispatcher, performer, receive, store, aggregates, policies, clock } = await world();
    await receive('11111111-1111-5111-8111-111111111111');
    dispatcher.start();
    await eventually(() => performer.done.length === 1 && dispatcher.status().open === 0);
    await dispatcher.stop();
    const restarted = new EffectDispatcher(
      store,
      aggregates,
      performer as unknown as PerformEffect,
      policies,
      clock,
      new Nothing(),
      new Intake(),
    );
    stop = () => restarted.stop();
    restarted.start();
    await receive('22222222-2222-5222-8222-222222222222');
    await eventually(() => performer.done.length === 2 && restarted.status().open === 0);
    expect(performer.done).toEqual(['CheckCertificate', 'CheckCertificate']);
  });

  it('waits as the policy says after a failure, gives up after eight, and goes on when an operator resumes it', async () => {
    const { dispatcher, performer, receive, clock, aggregates } = await world();
    stop = () => dispatcher.stop();
    performer.fail = 8;
    dispatcher.start();
    const requestId = '11111111-1111-5111-8111-111111111111';
    await receive(requestId);
    const failures = async () =>
      (await aggregates.load(sagas, requestId)).stored.filter(
        (e) => e.type === 'EffectFailed' || e.type === 'EffectStuck',
      ).length;
    for (let n = 1; n <= 8; n += 1) {
      await eventually(async () => (await failures()) === n);
      expect(performer.done).toEqual([]);
      clock.advance(15 * 60_000);
    }
    await eventually(() => dispatcher.status().stuck === 1);
    const { state, stored } = await aggregates.load(sagas, requestId);
    expect(stored.at(-1)).toMatchObject({ type: 'EffectStuck', data: { error: 'RangeError' } });
    const handler = new ResumeEffectHandler(aggregates);
    expect(
      await handler.execute(new ResumeEffect('resume-1', requestId, state.pending[0]!.effectId, 'operator')),
    ).toEqual({ ok: undefined });
    await eventually(() => performer.done.length === 1 && dispatcher.status().open === 0);
  });

  // @fault O19
  it('tries again after the length of the wait, also when the clock went back by two days meanwhile', async () => {
    const { dispatcher, performer, receive, reactor, store, clock } = await world();
    const requestId = '11111111-1111-5111-8111-111111111111';
    dispatcher.start();
    stop = () => dispatcher.stop();
    await receive(requestId);
    await eventually(() => performer.done.length === 1);
    await deferCheck(store, requestId, clock);
    await reactor.handle((await store.readStream(`registration-${requestId}`))[1]!);
    clock.advance(-2 * DAY_MS);
    await eventually(() => performer.done.length === 2);
    expect(performer.done).toEqual(['CheckCertificate', 'CheckCertificate']);
  });

  it('does the same with what waited already when it began', async () => {
    const { dispatcher, performer, receive, reactor, aggregates, store, clock, policies } = await world();
    const requestId = '11111111-1111-5111-8111-111111111111';
    dispatcher.start();
    await receive(requestId);
    await eventually(() => performer.done.length === 1);
    await dispatcher.stop();
    await deferCheck(store, requestId, clock);
    await reactor.handle((await store.readStream(`registration-${requestId}`))[1]!);
    const newestAtMs = Date.parse(clock.nowUtc());
    const saga = await aggregates.load(sagas, requestId);
    class Snapshot extends PendingEffects {
      snapshot() {
        return { position: headOfStory, effects: saga.state.pending.map((effect) => ({ requestId, effect })) };
      }
    }
    const headOfStory = await store.head();
    clock.advance(-2 * DAY_MS);
    const restarted = new EffectDispatcher(
      store,
      aggregates,
      performer as unknown as PerformEffect,
      policies,
      clock,
      new Snapshot(),
      new Intake(),
    );
    stop = () => restarted.stop();
    restarted.start(newestAtMs);
    await eventually(() => performer.done.length === 2);
  });
});

const DAY_MS = 24 * 3_600_000;

/** The authority does not answer: the certificate is asked about again a moment later. */
async function deferCheck(store: EventStore, requestId: string, clock: Clock): Promise<void> {
  const nextAttemptAtUtc = addMs(clock.nowUtc(), AGAIN_MS);
  const data = { attempt: 1, cause: 'timeout', nextAttemptAtUtc };
  const event = newEvent(data, { type: 'CertificateCheckDeferred' });
  const metadata = { ...event.metadata, correlationId: requestId, recordedAtUtc: clock.nowUtc() };
  await store.append(`registration-${requestId}`, [{ ...event, metadata }], 0);
}
