import type { StoredEvent } from '../domain/event-envelope.js';
import type { ErasureEvent } from '../domain/publication/erasure.events.js';
import type { Projection, ReadModelTransaction } from './projection.js';

/** Which consumer has confirmed which erasure, and which has not: one row for each consumer and registration. */
export const erasureConfirmationsProjection: Projection = {
  name: 'erasure-confirmations',
  version: 1,
  tables: {
    erasure_confirmations: {
      columns:
        'erasure_id TEXT NOT NULL, consumer TEXT NOT NULL, registration_id TEXT NOT NULL, announced_at_utc TEXT NOT NULL, confirmed_at_utc TEXT, PRIMARY KEY (erasure_id, consumer, registration_id)',
      indexes: ['announced_at_utc'],
    },
  },
  handles: ['ErasureAnnounced', 'ErasureConfirmed'],
  apply,
};

function apply(rows: ReadModelTransaction, stored: StoredEvent): void {
  const event = { type: stored.type, data: stored.data } as unknown as ErasureEvent;
  if (event.type === 'ErasureConfirmed') {
    const { erasureId, consumer, registrationId, confirmedAtUtc } = event.data;
    rows.run(
      'UPDATE {erasure_confirmations} SET confirmed_at_utc = ? WHERE erasure_id = ? AND consumer = ? AND registration_id = ?',
      confirmedAtUtc,
      erasureId,
      consumer,
      registrationId,
    );
    return;
  }
  const { erasureId, consumers, registrationIds } = event.data;
  for (const consumer of consumers) {
    for (const registrationId of registrationIds) {
      rows.run(
        'INSERT INTO {erasure_confirmations} (erasure_id, consumer, registration_id, announced_at_utc, confirmed_at_utc) VALUES (?, ?, ?, ?, NULL)',
        erasureId,
        consumer,
        registrationId,
        stored.metadata.recordedAtUtc,
      );
    }
  }
}
