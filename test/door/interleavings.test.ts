import { describe, expect, it } from '@jest/globals';
import { Random } from '../simulation/random.js';
import { DoorWorld, type Asked } from './door-world.js';
import { exploreAll, playOnce, type Explored, type Party, type Scene } from './explorer.js';
import { soakFactor } from '../support/soak.js';

const FACTOR = soakFactor();
const RANDOM_RUNS = 200 * FACTOR;
/** More calls than the door makes for one request: a crash at the last of them is none. */
const CALLS_MAX = 40;
/** All orders after all deaths take longer than all other tests of the door: in CI the first dies at every third of its
 * steps, in a soak at each. */
const DIES_AT_EVERY = FACTOR > 1 ? 1 : 3;
const STEPS = DIES_AT_EVERY === 1 ? 'any of its steps' : 'every third of its steps';
const FIRST: Asked = { key: 'key-a', nonce: 'nonce-1', body: 0 };
/** With how many orders there are at least that differ in more than what nobody can notice. */
const PAIRS: readonly (readonly [string, Asked, number])[] = [
  ['the same key and another body', { key: 'key-a', nonce: 'nonce-2', body: 1 }, 6],
  ['the same key and nonce and another body', { key: 'key-a', nonce: 'nonce-1', body: 1 }, 8],
  ['the same nonce and another key', { key: 'key-b', nonce: 'nonce-1', body: 1 }, 4],
  ['the very same bytes', FIRST, 20],
  ['nothing in common', { key: 'key-b', nonce: 'nonce-2', body: 1 }, 1],
];

type Actor = Asked | 'sweep';

type DoorParty = Party<Asked | null>;

async function sceneOf(
  actors: readonly Actor[],
  change: (parties: readonly DoorParty[]) => readonly DoorParty[] = (parties) => parties,
): Promise<Scene<Asked | null>> {
  const world = await DoorWorld.open();
  const parties = actors.map((actor, n): DoorParty => {
    return actor === 'sweep'
      ? { who: null, work: (calls) => world.sweep(calls) }
      : { who: actor, work: (calls) => world.ask(actor, calls, n) };
  });
  return {
    parties: change(parties),
    check: (ended) => world.assertPromises(ended, { maybeNone: actors.includes('sweep') }),
  };
}

/** Prints how much was looked at: a number that has shrunk tells that something is no longer looked at. */
function told(what: string, explored: readonly Explored[]): void {
  const sum = (of: (one: Explored) => number): number => explored.reduce((total, one) => total + of(one), 0);
  process.stdout.write(`${what}: ${sum((e) => e.schedules)} schedules that differ, ${sum((e) => e.left)} left early\n`);
}

/** @req R4 R31 */
describe('two requests at the door at once', () => {
  it.each(PAIRS)(
    'keep every promise in every order of all their steps: %s',
    async (name, other, schedules) => {
      const explored = await exploreAll(() => sceneOf([FIRST, other]));
      told(name, [explored]);
      expect(explored.schedules).toBeGreaterThanOrEqual(schedules);
    },
    120_000,
  );

  it.each(PAIRS)(
    `keep every promise when the first dies at ${STEPS} and comes again: %s`,
    async (name, other) => {
      const explored = await withCrashes(
        (crashesAt) =>
          sceneOf([FIRST, other], ([first, second]) => [dying(first as DoorParty, crashesAt), second as DoorParty]),
        DIES_AT_EVERY,
      );
      told(`${name}, with a crash at ${explored.length} of its steps and a repeat`, explored);
      expect(explored.length * DIES_AT_EVERY).toBeGreaterThan(10);
    },
    240_000,
  );
});

describe('a request and the sweep of claims at once', () => {
  it('end in a request that is received whole, or in one that has lapsed and left nothing', async () => {
    const explored = await exploreAll(() => sceneOf([FIRST, 'sweep']));
    told('a request and a sweep', [explored]);
    expect(explored.schedules).toBeGreaterThan(5);
  }, 120_000);

  const dies = (crashesAt: number) =>
    sceneOf([FIRST, 'sweep'], ([first, sweep]) => [dying(first as DoorParty, crashesAt), sweep as DoorParty]);
  const sweepDies = (crashesAt: number) =>
    sceneOf([FIRST, 'sweep'], ([first, sweep]) => [first as DoorParty, dying(sweep as DoorParty, crashesAt)]);

  it(
    `do so when either of them dies and comes again, in ${RANDOM_RUNS} orders that are drawn`,
    async () => {
      for (let seed = 1; seed <= RANDOM_RUNS; seed += 1) {
        const random = new Random(seed);
        const scene = await random.pick([dies, sweepDies])(random.between(0, 14));
        await playOnce(scene, (choices) => random.between(0, choices - 1));
      }
    },
    60_000 * FACTOR,
  );

  // Tens of thousands of orders: only where there is time.
  if (FACTOR > 1) {
    it('do so when either of them dies at any of its steps and comes again, in every order', async () => {
      told('a request that dies and comes again, and a sweep', await withCrashes(dies));
      told('a request, and a sweep that dies and comes again', await withCrashes(sweepDies));
    }, 3_600_000);
  }
});

describe('three requests at the door at once', () => {
  it(
    `keep every promise in ${RANDOM_RUNS} orders that are drawn, of requests that are drawn`,
    async () => {
      for (let seed = 1; seed <= RANDOM_RUNS; seed += 1) {
        const random = new Random(seed);
        const draw = (): Asked => ({
          key: random.pick(['key-a', 'key-b']),
          nonce: random.pick(['nonce-1', 'nonce-2']),
          body: random.between(0, 2),
        });
        const actors: readonly Actor[] = [draw(), draw(), random.chance(0.2) ? 'sweep' : draw()];
        const dies = random.chance(0.3) ? random.between(0, 14) : null;
        const scene = await sceneOf(actors, (parties) =>
          dies === null ? parties : [dying(parties[0] as DoorParty, dies), ...parties.slice(1)],
        );
        try {
          await playOnce(scene, (choices) => random.between(0, choices - 1));
        } catch (error) {
          throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
        }
      }
    },
    120_000 * FACTOR,
  );
});

function dying(party: DoorParty, crashesAt: number): DoorParty {
  return { ...party, crashesAt, then: party };
}

/** A crash before each call, until the party makes no so many calls in any order.
 *  @param every 1, or before how many-th call only */
async function withCrashes(
  scene: (crashesAt: number) => Promise<Scene<Asked | null>>,
  every = 1,
): Promise<readonly Explored[]> {
  const explored: Explored[] = [];
  for (let crashesAt = 0, isReached = true; isReached && crashesAt < CALLS_MAX; crashesAt += every) {
    isReached = false;
    const one = await exploreAll(async () => {
      const { parties, check } = await scene(crashesAt);
      return { parties, check: (ended) => ((isReached ||= ended.some(({ end }) => end === 'crashed')), check(ended)) };
    });
    if (isReached) explored.push(one);
  }
  return explored;
}
