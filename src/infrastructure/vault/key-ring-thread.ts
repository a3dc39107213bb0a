import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import type { CardKeys } from './card-keys.js';
import { KeyDiffersError, KeyRing } from './key-ring.js';
import type { CardWish, FromKeyThread, KeyThreadData, KeyWish, ToKeyThread } from './threaded-key-ring.js';

const { file, masterKey } = workerData as KeyThreadData;
const port = parentPort as MessagePort;
const CHANGES_CARDS: ReadonlySet<string> = new Set([
  'giveSubject',
  'retireSubject',
  'rememberMark',
  'sweepTombstones',
] satisfies (keyof CardKeys)[]);
const ring = new KeyRing(file, masterKey);
let wishes: Exclude<ToKeyThread, 'close'>[] = [];
let closing = false;
let scheduled = false;

/** Everything that has come in by now, in one durable step, behind what only reads: nobody who has a key waits for the
 * disk on account of another's. A wish that fails by itself (a key that does not open) leaves the others alone; a step
 * that fails fails all of them, and none has been done. */
function doTogether(): void {
  scheduled = false;
  const group = wishes;
  wishes = [];
  const { readings, others } = apart(group);
  for (const { number, wish } of readings) port.postMessage(answerTo(number, wish));
  if (others.length > 0) for (const answer of answersTo(others)) port.postMessage(answer);
  if (!closing) return;
  ring.close();
  port.close();
}

/** Wishes for keys that are there, of whose owners nothing before them in the group makes or destroys one. */
function apart(group: typeof wishes): { readonly readings: typeof wishes; readonly others: typeof wishes } {
  const changed = new Set<string>();
  const [readings, others]: [typeof wishes, typeof wishes] = [[], []];
  for (const each of group) {
    const { wish } = each;
    const asksForKey = wish.do === 'existingKey' || wish.do === 'keyFor';
    if (asksForKey && !changed.has(wish.owner) && (wish.do === 'existingKey' || isThere(wish.owner))) {
      readings.push(each);
      continue;
    }
    others.push(each);
    if (wish.do === 'keyFor' || wish.do === 'destroy') changed.add(wish.owner);
  }
  return { readings, others };
}

function answerTo(number: number, wish: KeyWish): FromKeyThread {
  try {
    return fulfil(number, wish);
  } catch (error) {
    return { number, ...failureOf(error) };
  }
}

function answersTo(group: typeof wishes): FromKeyThread[] {
  const changes = group.some(
    ({ wish }) =>
      wish.do === 'destroy' ||
      (wish.do === 'card' && CHANGES_CARDS.has(wish.name)) ||
      (wish.do === 'keyFor' && !isThere(wish.owner)),
  );
  const fulfilAll = (): FromKeyThread[] => group.map(({ number, wish }) => fulfil(number, wish));
  try {
    return changes ? ring.together(fulfilAll) : fulfilAll();
  } catch (error) {
    return group.map(({ number }) => ({ number, ...failureOf(error) }));
  }
}

function isThere(owner: string): boolean {
  try {
    return ring.existingKey(owner) !== null;
  } catch {
    // It is there and does not open, which its own wish is told.
    return true;
  }
}

function fulfil(number: number, wish: KeyWish): FromKeyThread {
  try {
    if (wish.do === 'card') return { number, answer: ofCards(wish) };
    if (wish.do === 'ownersAfter') return { number, answer: ring.ownersAfter(wish.owner, wish.limit) };
    if (wish.do === 'destroy') ring.destroy(wish.owner, { forever: wish.forever });
    return { number, answer: wish.do === 'destroy' ? null : ring[wish.do](wish.owner) };
  } catch (error) {
    // SQLite's own errors are the step's: what was done before in it must not be answered as done.
    if (isOfDatabase(error)) throw error;
    return { number, ...failureOf(error) };
  }
}

function ofCards(wish: CardWish): Extract<FromKeyThread, { answer: unknown }>['answer'] {
  const ask = ring.cards[wish.name] as (...args: readonly unknown[]) => ReturnType<typeof ofCards>;
  return ask.apply(ring.cards, [...wish.args]);
}

function isOfDatabase(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'errcode' in error;
}

function failureOf(error: unknown): { readonly failure: string; readonly ofKey: boolean } {
  return { failure: error instanceof Error ? error.message : String(error), ofKey: error instanceof KeyDiffersError };
}

port.on('message', (message: ToKeyThread) => {
  if (message === 'close') closing = true;
  else wishes.push(message);
  // Messages that lie ready come in the same turn; they are one group.
  if (!scheduled) setImmediate(doTogether);
  scheduled = true;
});
port.postMessage('open' satisfies FromKeyThread);
