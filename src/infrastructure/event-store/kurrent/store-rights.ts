import { EventStoreUnavailableError } from '../../../application/ports/store/event-store.js';
import type { JsonObject } from '../../../domain/event-envelope.js';
import { canonicalJson } from '../../../domain/values/canonical-json.js';
import { storeAddress } from './kurrent-address.js';
import type { KurrentConnection } from './kurrent-connection.js';
import type { RecordedLike } from './kurrent-events.js';

/** The stream and the type of the server's own default rights. */
const SETTINGS = '$settings';
const ADMINISTRATORS = '$admins';
/** The name of no user and no group. */
const NOBODY = '$nobody';
const CALL_MS = 5_000;

/** How the rights of a store are for the user that works on it. `least`: this user appends, the administrators of
 *  the store read, nobody deletes or cuts short. `open`: every user of the store may change our streams. `other`:
 *  somebody set other rights. `hidden`: this user may not see them. `none`: the connection has no users at all, so
 *  whoever reaches the store may do everything. */
export type StoreRights = 'least' | 'open' | 'other' | 'hidden' | 'none';

/** What an EventStoreDB or KurrentDB says of itself. */
export interface StoreSurvey {
  readonly version: string;
  /** Address of the node that leads. */
  readonly leader: string;
  readonly rights: StoreRights;
}

/** What the rights mean, and what to do. */
export function rightsInWords(rights: StoreRights): string {
  const command = "'./honnin events rights --apply'";
  switch (rights) {
    case 'least':
      return 'the user of the server appends and reads; nobody deletes, and nobody else writes';
    case 'open':
      return `every user of the event store may append to our streams, cut them short and delete them: run ${command}`;
    case 'other':
      return `somebody set other rights in the event store than the least: look at them, or run ${command}`;
    case 'hidden':
      return 'the user of the event store may not see its rights; an administrator of the store can look';
    case 'none':
      return 'the event store is reached without a name: whoever reaches it may change and delete our streams';
  }
}

/** The rights that are enough, as the server's event `$settings` states them: for all streams of people at once, so
 *  that none has to be told apart. Members of `$admins` keep what they always have. */
export function leastRights(user: string): JsonObject {
  const readers = [user, ADMINISTRATORS];
  const own = ADMINISTRATORS;
  return {
    $userStreamAcl: { $r: readers, $w: user, $d: NOBODY, $mr: readers, $mw: NOBODY },
    $systemStreamAcl: { $r: readers, $w: own, $d: own, $mr: own, $mw: own },
  };
}

/** Asks a store for its version, its leader and the rights in it. @throws {EventStoreUnavailableError} */
export async function surveyStore(address: string, callMs = CALL_MS): Promise<StoreSurvey> {
  return withConnection(address, callMs, async (connection) => {
    const { version, leader } = await connection.survey();
    const { user } = storeAddress(address);
    const rights = user === null ? 'none' : rightsIn(await connection.newestOf(SETTINGS), user);
    return { version, leader, rights };
  });
}

/** Writes the least rights for the user of the store, as an administrator of the store.
 *  @param administrator the same store, with the name and password of one of its administrators
 *  @returns false when they were there already
 *  @throws {EventStoreUnavailableError} when that is not possible, {RangeError} for an address without a user */
export async function writeLeastRights(address: string, administrator: string): Promise<boolean> {
  const user = userOf(address, 'HONNIN_EVENT_STORE');
  if (userOf(administrator, 'HONNIN_EVENT_STORE_ADMIN') === user) {
    throw new RangeError(`HONNIN_EVENT_STORE names ${user}, who is to be bound: make a user of its own for the server`);
  }
  return withConnection(administrator, CALL_MS, async (connection) => {
    const newest = await connection.newestOf(SETTINGS);
    if (newest === 'hidden')
      throw new EventStoreUnavailableError('refused', 'this user is no administrator of the store');
    if (rightsIn(newest, user) === 'least') return false;
    const expected = newest === null ? 'no_stream' : Number(newest.revision);
    const written = await connection.appendOwn(SETTINGS, SETTINGS, leastRights(user), expected);
    if (written.outcome === 'written') return true;
    const why = written.outcome === 'conflict' ? 'somebody else changed them just now' : written.cause;
    throw new EventStoreUnavailableError('unreachable', `the rights may not have been written: ${why}; ask again`);
  });
}

function userOf(address: string, env: string): string {
  const { user, usesTls } = storeAddress(address);
  if (user === null || !usesTls)
    throw new RangeError(`${env} must name a user, over TLS: without TLS a store knows no users`);
  return user;
}

function rightsIn(newest: RecordedLike | 'hidden' | null, user: string): StoreRights {
  if (newest === 'hidden') return 'hidden';
  const data = (newest?.data ?? {}) as JsonObject;
  if (data instanceof Uint8Array) return 'other';
  if (Object.keys(data).length === 0) return 'open';
  return canonicalJson(data) === canonicalJson(leastRights(user)) ? 'least' : 'other';
}

async function withConnection<T>(
  address: string,
  callMs: number,
  work: (connection: KurrentConnection) => Promise<T>,
): Promise<T> {
  // Loaded where somebody asks a store, and not with every command that could.
  const { KurrentConnection: Connection } = await import('./kurrent-connection.js');
  const connection = new Connection({ connection: address, callMs, onAppended: () => {} });
  try {
    return await work(connection);
  } finally {
    await connection.close();
  }
}
