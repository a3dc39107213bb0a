import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { derivedId } from '../../src/application/decisions/ids.js';
import { RefuseAtDoor, type DoorRefusal } from '../../src/application/door/refuse-at-door.js';
import type { RefusalSource } from '../../src/application/door/refusal-budget.js';
import { InMemoryEventStore } from '../../src/infrastructure/event-store/in-memory-event-store.js';
import { DecideAndAppend } from '../../src/application/decisions/decide-and-append.js';
import { SetClock } from '../application/fixture.js';

const MINUTE_MS = 60_000;
const LOOK_MS = 5_000;
const stranger: RefusalSource = { name: 'an address', isProved: false };

class TroubledStore extends InMemoryEventStore {
  isAway = false;
  override append(...asked: Parameters<InMemoryEventStore['append']>): ReturnType<InMemoryEventStore['append']> {
    return this.isAway ? Promise.reject(new Error('the store is away')) : super.append(...asked);
  }
}

/** @req R31 */
describe('a refusal at the door', () => {
  let store: TroubledStore;
  let clock: SetClock;
  let door: RefuseAtDoor;
  let refusals = 0;
  beforeEach(() => {
    // Failures are what some of these tests are about; they need not fill the output.
    Logger.overrideLogger(false);
    jest.useFakeTimers();
    refusals = 0;
    store = new TroubledStore();
    clock = new SetClock();
    door = new RefuseAtDoor(store, new DecideAndAppend(store, clock));
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  const idOf = (n: number): string => `00000000-0000-8000-8000-${String(n).padStart(12, '0')}`;
  const refuse = (changes: Partial<DoorRefusal> = {}) =>
    door.record({
      code: 'nonce_unknown',
      boothId: 'booth-1',
      policyVersion: 3,
      refusalId: idOf((refusals += 1)),
      ...changes,
    });
  const events = async () => (await store.readAll(null, { limit: 1_000 })).events;
  const counts = async () => (await events()).filter(({ type }) => type === 'RequestsRefusedAtDoor');
  const minute = (from: string, to: string, count: number): object => ({
    sinceUtc: `2026-11-23T09:${from}:00.000Z`,
    untilUtc: `2026-11-23T09:${to}:00.000Z`,
    refusals: [{ code: 'nonce_unknown', count }],
  });

  it('has a stream and an event of its own, without a word of what was refused', async () => {
    await refuse({ source: stranger });
    await refuse({ boothId: null, policyVersion: null });
    expect(await events()).toMatchObject([
      {
        id: derivedId(idOf(1), 0),
        stream: `door-${idOf(1)}`,
        type: 'RequestRefusedAtDoor',
        data: { code: 'nonce_unknown', boothId: 'booth-1' },
        metadata: { actor: 'system:door', correlationId: idOf(1), causationId: idOf(1), policyVersion: 3 },
      },
      { stream: `door-${idOf(2)}`, data: { code: 'nonce_unknown', boothId: null }, metadata: { policyVersion: null } },
    ]);
  });

  it('is counted beyond sixty of one source in a minute; without a source it never is', async () => {
    for (let i = 0; i < 62; i += 1) await refuse({ source: stranger });
    expect(await events()).toHaveLength(60);
    for (let i = 0; i < 2; i += 1) await refuse();
    expect(await events()).toHaveLength(62);
  });

  it('is counted beyond six hundred of all strangers in a minute, by other limits where they are given', async () => {
    for (let i = 0; i < 602; i += 1) await refuse({ source: { ...stranger, name: `address ${i}` } });
    expect(await events()).toHaveLength(600);
    door.boundBy({ perSourcePerMinute: 1, perMinute: 2 });
    for (let i = 0; i < 3; i += 1) await refuse({ source: { ...stranger, name: `address ${i}` } });
    expect(await events()).toHaveLength(602);
  });

  it('is told in the count of its minute, once that is over, which is looked for every five seconds', async () => {
    door.boundBy({ perSourcePerMinute: 0, perMinute: 0 });
    await refuse({ source: stranger });
    await refuse({ source: stranger });
    clock.advance(MINUTE_MS - 1);
    await jest.advanceTimersByTimeAsync(LOOK_MS);
    expect(await counts()).toEqual([]);
    clock.advance(1);
    await jest.advanceTimersByTimeAsync(LOOK_MS - 1);
    expect(await counts()).toEqual([]);
    await jest.advanceTimersByTimeAsync(1);
    const [count] = await counts();
    const id = count!.stream.replace('door-', '');
    expect(await counts()).toMatchObject([
      {
        id: derivedId(id, 0),
        data: minute('00', '01', 2),
        metadata: { actor: 'system:door', correlationId: id, causationId: id, policyVersion: null },
      },
    ]);
    expect(jest.getTimerCount()).toBe(1);
  });

  it('is told later, and once, when the store was away', async () => {
    door.boundBy({ perSourcePerMinute: 0, perMinute: 0 });
    store.isAway = true;
    const warned = jest.spyOn(Logger.prototype, 'warn');
    for (let i = 0; i < 2; i += 1) {
      await refuse({ source: stranger });
      clock.advance(MINUTE_MS);
      await door.flush({ all: false });
    }
    const message = 'the counts of refusals could not be stored, and are tried again: Error: the store is away';
    expect(warned.mock.calls).toEqual([[message], [message]]);
    warned.mockRestore();
    store.isAway = false;
    for (let i = 0; i < 2; i += 1) await door.flush({ all: false });
    expect((await counts()).map(({ data }) => data)).toEqual([minute('00', '01', 1), minute('01', '02', 1)]);
  });

  it('is told at once when the server ends, and so is every later one', async () => {
    door.boundBy({ perSourcePerMinute: 0, perMinute: 0 });
    await refuse({ source: stranger });
    await door.beforeApplicationShutdown();
    expect((await counts()).map(({ data }) => data)).toEqual([minute('00', '01', 1)]);
    expect(jest.getTimerCount()).toBe(0);
    await refuse({ source: stranger });
    expect((await events()).at(-1)).toMatchObject({ type: 'RequestRefusedAtDoor' });
  });

  it('needs no clock before the first count, and none to end', async () => {
    await refuse({ source: stranger });
    expect(jest.getTimerCount()).toBe(0);
    await door.beforeApplicationShutdown();
    expect(await events()).toHaveLength(1);
  });

  it('is refused itself where the store is away: nobody is told what is not on record', async () => {
    store.isAway = true;
    await expect(refuse({ source: stranger })).rejects.toThrow('the store is away');
  });
});
