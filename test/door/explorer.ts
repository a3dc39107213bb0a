import { setImmediate as settled } from 'node:timers/promises';

/** What a call to the world touches: a stream, a blob of an owner, or an owner with all that it has (`part` absent). A
 * name that ends in a star stands for all that begin so. */
export interface Touched {
  readonly name: string;
  readonly part?: string;
  readonly does: 'read' | 'write';
  /** What is written, where writing it twice is the same as writing it once. */
  readonly content?: string;
}

/** A call that a party has made and that has not been carried out yet. Its id is the same in every run: nth call of the
 * party. */
interface Call {
  readonly id: string;
  readonly party: number;
  readonly touched: Touched;
}

interface Waiting extends Call {
  readonly carryOut: () => Promise<void>;
}

/** A party does its work through calls; where `crashesAt` is given it makes so many of them and is never heard of
 * again, and the next one of its line begins. */
export interface Party<Who = unknown> {
  readonly who: Who;
  readonly work: (calls: Calls) => Promise<unknown>;
  readonly crashesAt?: number;
  readonly then?: Party<Who>;
}

export type End = { readonly value: unknown } | { readonly error: unknown } | 'crashed';

/** What became of a party. */
export interface Ended<Who = unknown> {
  readonly who: Who;
  readonly end: End;
}

/** Carries out nothing by itself: every call waits until the schedule lets it go. */
export class Calls {
  private made = 0;

  constructor(
    private readonly run: Run,
    private readonly party: number,
    private readonly crashesAt: number,
  ) {}

  make<Result>(touched: Touched, act: () => Promise<Result> | Result): Promise<Result> {
    const id = `${this.party}#${this.made}`;
    if (this.made >= this.crashesAt) {
      this.run.crashed(this.party);
      return new Promise(() => {});
    }
    this.made += 1;
    return new Promise((resolve, reject) => {
      const carryOut = (): Promise<void> => Promise.resolve().then(act).then(resolve, reject);
      this.run.waiting.push({ id, party: this.party, touched, carryOut });
    });
  }
}

/** One run of some parties under one schedule. */
class Run {
  waiting: Waiting[] = [];
  private readonly ends: (End | null)[] = [];
  private readonly parties: Party[] = [];

  constructor(parties: readonly Party[]) {
    for (const party of parties) this.begin(party);
  }

  /** @param choose which of the waiting calls goes next; null ends the run where it is
   *  @returns false when it was ended */
  async play(choose: (waiting: readonly Call[]) => Call | null): Promise<boolean> {
    for (;;) {
      // Whatever the parties do by themselves between two calls is done by now.
      await settled();
      if (this.waiting.length === 0) break;
      const chosen = choose(this.waiting);
      if (chosen === null) return false;
      const call = this.waiting.find(({ id }) => id === chosen.id);
      if (!call) throw new Error(`${chosen.id} does not wait in this run: the parties are not the same at every run`);
      this.waiting = this.waiting.filter((other) => other !== call);
      await call.carryOut();
    }
    if (this.ends.includes(null)) throw new Error('a party waits for something that is no call');
    return true;
  }

  ended(): readonly Ended[] {
    return this.parties.map(({ who }, n) => ({ who, end: this.ends[n] as End }));
  }

  crashed(party: number): void {
    if (this.ends[party] !== null) return;
    this.ends[party] = 'crashed';
    const { then } = this.parties[party] as Party;
    if (then) this.begin(then);
  }

  private begin(party: Party): void {
    const number = this.parties.push(party) - 1;
    this.ends[number] = null;
    const end = (ended: End): void => {
      this.ends[number] ??= ended;
    };
    party.work(new Calls(this, number, party.crashesAt ?? Number.POSITIVE_INFINITY)).then(
      (value) => end({ value }),
      (error: unknown) => end({ error }),
    );
  }
}

/** Makes the world and the parties of one run, anew for each. `check` looks at what came of it. */
export interface Scene<Who = unknown> {
  readonly parties: readonly Party<Who>[];
  readonly check: (ended: readonly Ended<Who>[]) => Promise<void> | void;
}

export interface Explored {
  /** Schedules that were run to their end and checked. */
  readonly schedules: number;
  /** Runs that were left because another one with the same outcome had been made. */
  readonly left: number;
}

interface Node {
  readonly enabled: readonly Call[];
  /** Calls that need not be tried here: whatever they lead to was seen from a sibling. */
  readonly asleep: readonly Call[];
  readonly tried: Call[];
  chosen: Call;
}

/** Every interleaving of the parties' calls, depth first, by running everything again from the start. Two calls that
 * touch different things, or only read, can be exchanged without anybody noticing; of the orders that differ in nothing
 * else one is run (sleep sets and persistent sets: P. Godefroid, Partial-Order Methods for the Verification of
 * Concurrent Systems, 1996). Nothing is modelled: what runs is the code, and what a party touches is what it was seen
 * to touch. A search in which somebody touched something new is made again, knowing it. */
export async function exploreAll<Who>(scene: () => Promise<Scene<Who>>): Promise<Explored> {
  const seen = new Seen();
  for (;;) {
    const explored = await explore(scene, seen);
    if (explored) return explored;
  }
}

/** @returns null as soon as something new was seen: then the search has to begin again. */
async function explore<Who>(scene: () => Promise<Scene<Who>>, seen: Seen): Promise<Explored | null> {
  const known = seen.size;
  const path: Node[] = [];
  const count = { schedules: 0, left: 0 };
  do {
    const { parties, check } = await scene();
    const run = new Run(parties);
    let depth = 0;
    const isWhole = await run.play((waiting) => {
      for (const call of waiting) seen.note(call);
      const node = path[depth] ?? enter(path, waiting, seen);
      depth += 1;
      return node?.chosen ?? null;
    });
    if (isWhole) await checked(check, run.ended() as readonly Ended<Who>[], () => path.map(({ chosen }) => chosen.id));
    if (seen.size !== known) return null;
    count[isWhole ? 'schedules' : 'left'] += 1;
  } while (advance(path));
  return count;
}

/** What each party was seen to touch, in any run. */
class Seen {
  private readonly touched = new Map<string, Call>();

  get size(): number {
    return this.touched.size;
  }

  note({ id, party, touched }: Call): void {
    const name = JSON.stringify([party, touched]);
    if (!this.touched.has(name)) this.touched.set(name, { id, party, touched });
  }

  /** Whether nobody else does anything, now or later, that could tell when this call was made. */
  isUnseen(call: Call): boolean {
    for (const other of this.touched.values()) if (other.party !== call.party && !commute(other, call)) return false;
    return true;
  }
}

/** One interleaving, drawn with `pick`. */
export async function playOnce<Who>(scene: Scene<Who>, pick: (choices: number) => number): Promise<void> {
  const run = new Run(scene.parties);
  const order: string[] = [];
  await run.play((waiting) => {
    const call = waiting[pick(waiting.length)] as Call;
    order.push(call.id);
    return call;
  });
  await checked(scene.check, run.ended() as readonly Ended<Who>[], () => order);
}

async function checked<Who>(
  check: Scene<Who>['check'],
  ended: readonly Ended<Who>[],
  order: () => readonly string[],
): Promise<void> {
  try {
    await check(ended);
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : String(error)}\nin the order ${order().join(' ')}`, {
      cause: error,
    });
  }
}

/** A new place of the search, or null where everything that can happen next was seen before. */
function enter(path: Node[], waiting: readonly Call[], seen: Seen): Node | null {
  const above = path.at(-1);
  const asleep = above ? [...above.asleep, ...above.tried].filter((call) => commute(call, above.chosen)) : [];
  const calls = waiting.map(({ id, party, touched }) => ({ id, party, touched }));
  const unseen = calls.find((call) => seen.isUnseen(call));
  const enabled = unseen ? [unseen] : calls;
  const chosen = enabled.find((call) => !isAmong(asleep, call));
  if (!chosen) return null;
  const node = { enabled, asleep, tried: [], chosen };
  path.push(node);
  return node;
}

/** Moves the search to the next thing that was not tried. @returns false when there is none */
function advance(path: Node[]): boolean {
  for (let node = path.at(-1); node; path.pop(), node = path.at(-1)) {
    node.tried.push(node.chosen);
    const { enabled, asleep, tried } = node;
    const next = enabled.find((call) => !isAmong(asleep, call) && !isAmong(tried, call));
    if (!next) continue;
    node.chosen = next;
    return true;
  }
  return false;
}

function isAmong(calls: readonly Call[], { id }: Call): boolean {
  return calls.some((call) => call.id === id);
}

function commute(a: Call, b: Call): boolean {
  const [one, other] = [a.touched, b.touched];
  if (one.does === 'read' && other.does === 'read') return true;
  if (one.content !== undefined && one.content === other.content) return true;
  return !meet(one.name, other.name) || (one.part !== undefined && other.part !== undefined && one.part !== other.part);
}

function meet(a: string, b: string): boolean {
  if (a.endsWith('*')) return b.startsWith(a.slice(0, -1));
  return b.endsWith('*') ? a.startsWith(b.slice(0, -1)) : a === b;
}
