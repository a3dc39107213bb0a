import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { Logger, type OnApplicationShutdown } from '@nestjs/common';
import { StoreHold } from '../../application/installation/store-hold.js';
import type { EventStore } from '../../application/ports/store/event-store.js';
import { ConfigError, type Config } from '../settings/config.js';
import { HeldEventStore } from '../event-store/held-event-store.js';
import { openEventStore } from '../event-store/open-event-store.js';
import { rightsInWords, surveyStore } from '../event-store/kurrent/store-rights.js';
import { SqliteEventStore } from '../event-store/sqlite/sqlite-event-store.js';
import { WriterLock } from '../event-store/sqlite/writer-lock.js';
import { makePrivate } from '../data-folder/private-folder.js';
import { Resources } from '../resources.js';
import { SystemClock } from '../clock/system-clock.js';
import { Installation, InstallationError } from './installation.js';

/** In a data folder into which a backup is being restored; gone when that is done. */
export const RESTORE_MARK = 'restore.unfinished';

/** In a data folder in which an accepted loss is being carried out; gone when that is done. Holds its id. */
export const RECOVER_MARK = 'recover.unfinished';

/** What a server stands on, opened before anything else of it: the lock on its data folder, the event store, and the
 *  proof that all parts belong together. What cannot be opened leaves nothing open. */
export class Foundation implements OnApplicationShutdown {
  /** What is opened on top of it. */
  readonly resources = new Resources();
  private closing: Promise<void> | null = null;
  private tellClosed = (): void => {};

  private constructor(
    readonly store: EventStore,
    readonly installation: Installation,
    private readonly lock: WriterLock,
    /** What an operator should know of the store, in words. */
    readonly remarks: readonly string[],
    /** Says whom to tell when another server takes the store over. */
    readonly whenLost: (tell: (message: string) => void) => void,
  ) {}

  /** @throws {EventStoreUnavailableError} `locked` when another server works in the data folder or on the store;
   *  {InstallationError} naming the part that is missing, foreign or older. */
  static async open(config: Config): Promise<Foundation> {
    const wereOpen = makePrivate(config.inData());
    if (wereOpen.length > 0)
      new Logger('Foundation').warn(
        `others could read ${wereOpen.length} paths in ${config.inData()}; they are private now`,
      );
    if (existsSync(config.inData(RESTORE_MARK))) {
      const folder = config.inData();
      const problem = `restoring a backup into ${folder} was interrupted: restore it again, which begins anew`;
      throw new InstallationError([problem]);
    }
    if (existsSync(config.inData(RECOVER_MARK))) {
      const id = readFileSync(config.inData(RECOVER_MARK), 'utf8').trim();
      throw new InstallationError([
        `accepting a loss was interrupted: './honnin recover --accept ${id} --token-file FILE' ends it`,
      ]);
    }
    const lock = WriterLock.acquire(join(config.inData(), 'server'), 'another server works in this data folder');
    const clock = new SystemClock();
    let store: EventStore | null = null;
    let loss: string | null = null;
    let onLoss = (message: string): void => void (loss = message);
    try {
      store = await openedStore(config);
      const installation = await Installation.open(config, store, clock);
      // The lock of the embedded log proves already that nobody else works on it.
      if (!(store instanceof SqliteEventStore)) {
        const processId = randomUUID();
        const hold = await StoreHold.take(store, clock, { processId, host: hostname(), onLost: (m) => onLoss(m) });
        store = new HeldEventStore(store, hold);
      }
      return new Foundation(store, installation, lock, await remarksOn(config), (tell) => {
        if (loss !== null) tell(loss);
        onLoss = tell;
      });
    } catch (error) {
      await store?.close();
      lock.release();
      throw error;
    }
  }

  onApplicationShutdown(): Promise<void> {
    return this.close();
  }

  /** @param tell called once, when everything is closed: nothing of the server does anything after that */
  whenClosed(tell: () => void): void {
    this.tellClosed = tell;
  }

  /** Closes what stands on it, then the store, then lets the folder go. Once, however often it is called. */
  async close(): Promise<void> {
    this.closing ??= this.closeAll();
    await this.closing;
  }

  private async closeAll(): Promise<void> {
    try {
      await this.resources.close();
    } finally {
      await this.store.close();
      this.lock.release();
      this.tellClosed();
    }
  }
}

/** Nobody but the server should be able to change its log. */
async function remarksOn({ values: { eventStore } }: Config): Promise<readonly string[]> {
  if (eventStore === 'sqlite') return [];
  const { rights } = await surveyStore(eventStore);
  return rights === 'least' ? [] : [rightsInWords(rights)];
}

/** The store of the settings. @throws {ConfigError} for an address that is none */
export async function openedStore(config: Config): Promise<EventStore> {
  try {
    return await openEventStore(config.values.eventStore, config.inData());
  } catch (error) {
    if (error instanceof RangeError) throw new ConfigError([`HONNIN_EVENT_STORE: ${error.message}`]);
    throw error;
  }
}
