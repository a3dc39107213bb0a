import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SqliteEventStore } from '../../src/infrastructure/event-store/sqlite-event-store.js';
import { eventStoreContract } from '../contract/event-store.contract.js';

eventStoreContract('SQLite', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'honnin-events-'));
  const store = SqliteEventStore.open({ file: path.join(folder, 'events.db'), pollMs: 60_000 });
  const dispose = async (): Promise<void> => {
    await store.close();
    rmSync(folder, { recursive: true });
  };
  return { store, dispose };
});
