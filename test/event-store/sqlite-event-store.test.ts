import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SqliteEventStore } from '../../src/infrastructure/event-store/sqlite/sqlite-event-store.js';
import { eventStoreContract, type EventStoreUnderTest } from '../contract/event-store.contract.js';

function inNewFolder(
  open: (file: string) => SqliteEventStore | Promise<SqliteEventStore>,
): () => Promise<EventStoreUnderTest> {
  return async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'honnin-events-'));
    const store = await open(path.join(folder, 'events.db'));
    const dispose = async (): Promise<void> => {
      await store.close();
      rmSync(folder, { recursive: true });
    };
    return { store, dispose };
  };
}

eventStoreContract(
  'SQLite',
  inNewFolder((file) => SqliteEventStore.open({ file, pollMs: 60_000 })),
);
eventStoreContract(
  'SQLite with a writing thread',
  inNewFolder((file) => SqliteEventStore.openOnThread({ file, pollMs: 60_000 })),
);
