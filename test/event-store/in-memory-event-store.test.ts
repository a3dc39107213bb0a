import { InMemoryEventStore } from '../../src/infrastructure/event-store/in-memory-event-store.js';
import { eventStoreContract } from '../contract/event-store.contract.js';

eventStoreContract('in memory', async () => {
  const store = new InMemoryEventStore();
  return { store, dispose: () => store.close() };
});
