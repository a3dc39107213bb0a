import { EventStoreUnavailableError, type EventStore } from '../../application/ports/store/event-store.js';
import type { PublicationDirectory } from '../../application/ports/outside/publication-directory.js';
import { PlacesInLog } from '../../application/publication/places-in-log.js';
import { PublicationLag, type PublicationBacklog } from '../../application/publication/publication-lag.js';
import type { PublicationRelay } from '../../application/publication/publication-relay.js';
import { PUBLISHED_SOURCES } from '../../domain/publication/published-language.js';
import { ALL_PROJECTIONS } from '../../projections/all-projections.js';
import type { Config } from '../settings/config.js';
import { TileLog } from '../audit/log/tile-log.js';
import { openEventStore } from '../event-store/open-event-store.js';
import { ReadModelDatabase } from '../read-model/read-model-database.js';
import { SqlPublicationDirectory } from '../read-model/sql-publication-directory.js';
import { SqlitePositionStore } from '../read-model/sqlite-position-store.js';
import { SqliteReadModel } from '../read-model/sqlite-read-model.js';
import { SystemClock } from '../clock/system-clock.js';

export interface PublicationSources {
  readonly store: EventStore;
  readonly directory: PublicationDirectory;
  readonly places: PlacesInLog;
  backlog(): Promise<PublicationBacklog>;
  close(): Promise<void>;
}

/** Log and projections for reading, also beside a running server. @throws {EventStoreUnavailableError} when there is no
 * log */
export async function openPublicationSources(config: Config): Promise<PublicationSources> {
  const store = await openEventStore(config.values.eventStore, config.inData(), { mode: 'read' });
  let database: ReadModelDatabase;
  try {
    database = ReadModelDatabase.open(config.inData('readmodel.db'));
  } catch (cause) {
    void store.close();
    throw new EventStoreUnavailableError('io', 'the read model cannot be opened', { cause });
  }
  const positions = new SqlitePositionStore(database);
  const relay: Pick<PublicationRelay, 'name' | 'types'> = { name: 'publication-relay', types: PUBLISHED_SOURCES };
  const lag = new PublicationLag(store, positions, relay as PublicationRelay, new SystemClock());
  return {
    store,
    directory: new SqlPublicationDirectory(new SqliteReadModel(database, positions, ALL_PROJECTIONS)),
    places: new PlacesInLog(new TileLog(config.inData('audit'))),
    backlog: () => lag.measure(),
    close: async () => {
      database.close();
      await store.close();
    },
  };
}
