import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { StoreHold } from '../../application/installation/store-hold.js';
import type { Clock } from '../../application/ports/store/clock.js';
import type { EventStore } from '../../application/ports/store/event-store.js';
import { embeddedLog, type OpenableLog } from '../backup/older-copy.js';
import { HeldEventStore } from '../event-store/held-event-store.js';
import { isElsewhere, withLogFile } from '../event-store/log-file/copy-log.js';
import { openEventStore } from '../event-store/open-event-store.js';
import type { Config } from '../settings/config.js';

/** The log of the settings, for who reads all of it and then writes to it. A store elsewhere is read once, into a file
 *  that goes again, and written to only while no server holds it.
 *  @throws {EventStoreUnavailableError} `locked` when it comes to writing and another process works on the store */
export async function withConfiguredLog<T>(
  config: Config,
  clock: Clock,
  work: (log: OpenableLog) => Promise<T>,
): Promise<T> {
  if (!isElsewhere(config)) return work(embeddedLog(config));
  return withLogFile(config, (file) => work({ file, open: () => heldStore(config, clock) }));
}

async function heldStore(config: Config, clock: Clock): Promise<EventStore> {
  const store = await openEventStore(config.values.eventStore, config.inData());
  try {
    const hold = await StoreHold.take(store, clock, { processId: randomUUID(), host: hostname() });
    return new HeldEventStore(store, hold);
  } catch (error) {
    await store.close();
    throw error;
  }
}
