import { KurrentEventStore } from '../../src/infrastructure/event-store/kurrent/kurrent-event-store.js';
import { eventStoreContract } from '../contract/event-store.contract.js';
import { KurrentClusterStandIn } from '../support/kurrent-stand-in.js';

eventStoreContract('KurrentDB client on a stand-in', async () => {
  const cluster = await KurrentClusterStandIn.start();
  const store = new KurrentEventStore({ connection: cluster.address(), pollMs: 60_000 });
  const dispose = async (): Promise<void> => {
    await store.close();
    await cluster.stop();
  };
  return { store, dispose };
});

const real = process.env['KURRENTDB_URL'];
if (real) {
  eventStoreContract('KurrentDB client on a real server', async () => {
    const store = new KurrentEventStore({ connection: real });
    return { store, dispose: () => store.close() };
  });
} else {
  process.stderr.write(
    'skipped: the event store contract on a real server; KURRENTDB_URL is not set (compose.yaml starts one: esdb://127.0.0.1:2113?tls=false)\n',
  );
}
