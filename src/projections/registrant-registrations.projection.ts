import type { StoredEvent } from '../domain/event-envelope.js';
import type { RegistrationEvent } from '../domain/registration/registration.events.js';
import type { Projection, ReadModelTransaction } from './projection.js';

const REGISTRANT_STREAM = 'registrant-';

/** Which registrations belong to whom, so that an erasure can be told registration by registration: the registrant's
 * key is for nobody outside. An erasure takes what is known up to it; a later registration of the same person stands
 * for itself. */
export const registrantRegistrationsProjection: Projection = {
  name: 'registrant-registrations',
  version: 1,
  tables: {
    registrant_registrations: {
      columns:
        'registration_id TEXT PRIMARY KEY, registrant TEXT NOT NULL, ordinal INTEGER NOT NULL, erasure_id TEXT, erased_position TEXT',
      indexes: ['registrant', 'erasure_id'],
    },
  },
  handles: ['CertificateVerified', 'RegistrantErased'],
  apply,
};

function apply(rows: ReadModelTransaction, event: StoredEvent): void {
  if (event.type === 'RegistrantErased') {
    rows.run(
      'UPDATE {registrant_registrations} SET erasure_id = ?, erased_position = ? WHERE registrant = ? AND erasure_id IS NULL',
      event.id,
      String(event.position),
      event.stream.slice(REGISTRANT_STREAM.length),
    );
    return;
  }
  const { subjectKey } = event.data as unknown as Extract<RegistrationEvent, { type: 'CertificateVerified' }>['data'];
  const next =
    rows.get<{ next: number }>(
      'SELECT coalesce(max(ordinal) + 1, 0) AS next FROM {registrant_registrations} WHERE registrant = ?',
      subjectKey,
    )?.next ?? 0;
  rows.run(
    'INSERT INTO {registrant_registrations} (registration_id, registrant, ordinal, erasure_id, erased_position) VALUES (?, ?, ?, NULL, NULL)',
    event.metadata.correlationId,
    subjectKey,
    next,
  );
}
