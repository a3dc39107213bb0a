import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { EventStoreUnavailableError, type EventStore } from '../../application/ports/store/event-store.js';
import { SqliteEventStore } from './sqlite/sqlite-event-store.js';

/** Name of the embedded log inside the data folder. */
export const EVENTS_FILE = 'events.db';

/** Opens the event store that a setting names: `sqlite` for the embedded log in the data folder, or the address of an
 * EventStoreDB or KurrentDB (`esdb://…`, `kurrentdb://…`, with `+discover` for a cluster), whose database must be this
 * installation's own.
 * @param options.mode `read` opens an embedded log beside a running server, without taking its lock and without
 *   creating anything
 * @throws {EventStoreUnavailableError} when it cannot be opened; {RangeError} for a setting that names no store. */
export async function openEventStore(
  setting: string,
  dataDir: string,
  options: { readonly mode?: 'write' | 'read' } = {},
): Promise<EventStore> {
  if (/^(esdb|kurrentdb)(\+discover)?:/.test(setting)) {
    // Its client takes as long to load as all that most commands do.
    const { KurrentEventStore } = await import('./kurrent/kurrent-event-store.js');
    return new KurrentEventStore({ connection: setting });
  }
  if (setting !== 'sqlite')
    throw new RangeError(`not an event store: write 'sqlite', or an address that begins with esdb:// or kurrentdb://`);
  const file = path.join(dataDir, EVENTS_FILE);
  if (options.mode === 'read') {
    if (!existsSync(file)) throw new EventStoreUnavailableError('not_an_event_log', `there is no event log at ${file}`);
    return SqliteEventStore.open({ file, mode: 'read' });
  }
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  return SqliteEventStore.openOnThread({ file });
}
