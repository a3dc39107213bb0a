import { afterEach, describe, expect, it } from '@jest/globals';
import { StoreHold, type HoldOptions } from '../../src/application/installation/store-hold.js';
import { HeldEventStore } from '../../src/infrastructure/event-store/held-event-store.js';
import { InMemoryEventStore } from '../../src/infrastructure/event-store/in-memory-event-store.js';
import { SystemClock } from '../../src/infrastructure/clock/system-clock.js';
import { newEvent } from '../contract/event-store.contract.js';

const STREAM = 'installation-server';
/** Much longer than a look of the holder, also on a busy machine. */
const PATIENT = { answerMs: 20_000, lookMs: 20 };
const IMPATIENT = { answerMs: 60, lookMs: 10 };

/** A store that a frozen process does not get at: its calls wait until it goes on. */
class FreezableStore extends InMemoryEventStore {
  constructor(private readonly shared: InMemoryEventStore) {
    super();
  }
  private frozen: Promise<void> | null = null;
  private thaw = (): void => {};

  freeze(): void {
    this.frozen = new Promise((resolve) => (this.thaw = resolve));
  }

  goOn(): void {
    this.thaw();
  }

  override async append(...args: Parameters<InMemoryEventStore['append']>) {
    await this.frozen;
    return this.shared.append(...args);
  }

  override async readStream(...args: Parameters<InMemoryEventStore['readStream']>) {
    await this.frozen;
    return this.shared.readStream(...args);
  }
}

// @fault C3
describe('the hold on a store that several processes can reach', () => {
  const clock = new SystemClock();
  const held: StoreHold[] = [];
  const take = async (
    store: InMemoryEventStore,
    processId: string,
    options: Partial<HoldOptions>,
  ): Promise<StoreHold> => {
    const hold = await StoreHold.take(store, clock, { processId, host: `host-of-${processId}`, ...options });
    held.push(hold);
    return hold;
  };
  afterEach(() => Promise.all(held.splice(0).map((hold) => hold.release())));
  const typesIn = async (store: InMemoryEventStore) => (await store.readStream(STREAM)).map(({ type }) => type);

  it('is free in an empty store, and again after its holder ended', async () => {
    const store = new InMemoryEventStore();
    await (await take(store, 'a', PATIENT)).release();
    await (await take(store, 'b', PATIENT)).assertHeld();
    expect(await typesIn(store)).toEqual(['ServerBegan', 'ServerEnded', 'ServerBegan']);
  });

  it('stays with the process that answers, and who asked is told where it runs', async () => {
    const store = new InMemoryEventStore();
    const first = await take(store, 'a', { lookMs: 5 });
    await expect(take(store, 'b', PATIENT)).rejects.toMatchObject({
      reason: 'locked',
      message: expect.stringMatching(/another server of this installation works on this event store \(on host-of-a\)/),
    });
    await first.assertHeld();
    expect(await typesIn(store)).toEqual(['ServerBegan', 'ServerAsked', 'ServerAnswered']);
  });

  it('goes to who asks when nobody answers, and the old holder can neither read nor write any more', async () => {
    const shared = new InMemoryEventStore();
    const frozen = new FreezableStore(shared);
    const told: string[] = [];
    const first = await take(frozen, 'a', { ...IMPATIENT, onLost: (message) => told.push(message) });
    const store = new HeldEventStore(frozen, first);
    frozen.freeze();
    const second = await take(shared, 'b', IMPATIENT);
    const late = store.append('registration-1', [newEvent()], 'no_stream');
    frozen.goOn();
    // Whether it had looked a moment before or not, from its next look on it knows.
    await late.catch((error: unknown) => expect(error).toMatchObject({ reason: 'locked' }));
    for (const wait = performance.now() + 20_000; told.length === 0 && performance.now() < wait;) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(told).toEqual([expect.stringMatching(/another server \(on host-of-b\) has taken the event store over/)]);
    await expect(store.append('registration-2', [newEvent()], 'no_stream')).rejects.toMatchObject({ reason: 'locked' });
    await expect(store.readAll(null, { limit: 1 })).rejects.toMatchObject({ reason: 'locked' });
    await expect(store.head()).rejects.toMatchObject({ reason: 'locked' });
    await second.assertHeld();
  });

  it('has one holder, however many begin at once', async () => {
    const store = new InMemoryEventStore();
    const all = ['a', 'b', 'c', 'd', 'e', 'f'];
    const outcomes = await Promise.allSettled(
      all.map((processId) => take(store, processId, { ...PATIENT, lookMs: 5 })),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const outcome of outcomes)
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ reason: 'locked' });
  });
});
