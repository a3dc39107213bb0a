// Keeps 60 appends in flight for as long as its parent says nothing, then says how many were stored.
// Arguments: the address of the store.
import { randomUUID } from 'node:crypto';
import { openEventStore } from '../../../dist/infrastructure/event-store/open-event-store.js';

const store = await openEventStore(process.argv[2], '/nowhere');
const metadata = {
  actor: 'system:test',
  correlationId: 'c',
  causationId: 'c',
  recordedAtUtc: '2026-11-23T00:00:00.000Z',
  policyVersion: null,
};
let going = true;
let stored = 0;
process.stdin.once('data', () => (going = false));
process.stdout.write('begun\n');
await Promise.all(
  Array.from({ length: 60 }, async (_, writer) => {
    for (let n = 0; going; n += 1) {
      const event = { id: randomUUID(), type: 'Counted', schemaVersion: 1, data: {}, metadata };
      const result = await store.append(`writer-${writer}-${n}`, [event], 'no_stream').catch(() => null);
      if (result?.outcome === 'appended') stored += 1;
      else await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }),
);
process.stdout.write(`stored ${stored}\n`);
await store.close();
process.exit(0);
