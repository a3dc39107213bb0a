import type { StoredEvent } from '../domain/event-envelope.js';
import type { Projection, ReadModelTransaction } from './projection.js';

/** After these a case is over, unless something is wrong with what is still kept of it. */
const ENDS = [
  'CertificateRejected',
  'FaceMismatched',
  'FaceNotComparable',
  'HoldRejected',
  'RecaptureRequested',
  'HoldExpired',
  'GovernmentAccepted',
  'GovernmentRefused',
  'KeptInRegistry',
] as const;

/** Cases that are not over, and those that wait for an operator because their material is not what was received. */
export const openCasesProjection: Projection = {
  name: 'open-cases',
  version: 1,
  tables: {
    open_case: {
      columns: 'request_id TEXT PRIMARY KEY, received_at_utc TEXT NOT NULL, stopped TEXT',
      indexes: ['received_at_utc'],
    },
  },
  handles: [
    'RequestReceived',
    ...ENDS,
    'RegistrationWithdrawn',
    'MaterialDiffered',
    'MaterialMissing',
    'RequestEndedByOperator',
  ],
  apply,
};

function apply(rows: ReadModelTransaction, { type, metadata: { correlationId, recordedAtUtc } }: StoredEvent): void {
  switch (type) {
    case 'RequestReceived':
      return rows.run(
        'INSERT INTO {open_case} (request_id, received_at_utc, stopped) VALUES (?, ?, NULL)',
        correlationId,
        recordedAtUtc,
      );
    case 'MaterialDiffered':
    case 'MaterialMissing': {
      // A case that was over comes back until somebody has looked.
      const stopped = type === 'MaterialDiffered' ? 'material_differed' : 'material_missing';
      return rows.run(
        'INSERT INTO {open_case} (request_id, received_at_utc, stopped) VALUES (?, ?, ?) ON CONFLICT (request_id) DO UPDATE SET stopped = excluded.stopped',
        correlationId,
        recordedAtUtc,
        stopped,
      );
    }
    case 'RegistrationWithdrawn':
    case 'RequestEndedByOperator':
      return rows.run('DELETE FROM {open_case} WHERE request_id = ?', correlationId);
    default:
      return rows.run('DELETE FROM {open_case} WHERE request_id = ? AND stopped IS NULL', correlationId);
  }
}
