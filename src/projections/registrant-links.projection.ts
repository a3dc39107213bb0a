import type { StoredEvent } from '../domain/event-envelope.js';
import type { RegistrantEvent } from '../domain/registrant/registrant.events.js';
import type { Projection, ReadModelTransaction } from './projection.js';

const REGISTRANT_STREAM = 'registrant-';

/** Which keys were linked to which registrant. The registrant's own stream names them too, except those of renewed
 *  cards that were linked
 *  before it did; an erasure must find those as well. */
export const registrantLinksProjection: Projection = {
  name: 'registrant-links',
  version: 1,
  tables: {
    registrant_links: { columns: 'subject_key TEXT PRIMARY KEY, registrant TEXT NOT NULL', indexes: ['registrant'] },
  },
  handles: ['CertificateLinked'],
  apply,
};

function apply(rows: ReadModelTransaction, event: StoredEvent): void {
  const { registrantKey } = event.data as unknown as Extract<RegistrantEvent, { type: 'CertificateLinked' }>['data'];
  rows.run(
    'INSERT INTO {registrant_links} (subject_key, registrant) VALUES (?, ?) ON CONFLICT (subject_key) DO UPDATE SET registrant = excluded.registrant',
    event.stream.slice(REGISTRANT_STREAM.length),
    registrantKey,
  );
}
