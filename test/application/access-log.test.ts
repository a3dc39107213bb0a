import { expect, it } from '@jest/globals';
import { AccessLog } from '../../src/application/access/access-log.js';
import { application } from './fixture.js';

it('tells all who ask the same at once what is on record, not what each would have recorded', async () => {
  const { store, aggregates, clock } = await application();
  const access = new AccessLog(store, aggregates, clock);
  const data = { by: 'auditor', what: 'list', requestId: null, query: '{}' } as const;
  const context = { commandId: 'the same', actor: 'officer:auditor', correlationId: 'the same' };
  const instants = [1, 2, 3, 4].map((ms) => `2026-11-23T09:00:00.00${ms}Z`);
  const told = await Promise.all(
    instants.map((atUtc) => access.record({ type: 'RecordsViewed', data }, { ...context, atUtc })),
  );
  const recorded = (await store.readAll(null, { filter: { types: ['RecordsViewed'] }, limit: 10 })).events;
  expect(recorded).toHaveLength(1);
  expect(told.map(({ metadata }) => metadata)).toEqual(told.map(() => recorded[0]?.metadata));
});
