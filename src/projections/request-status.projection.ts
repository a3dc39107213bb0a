import type { StoredEvent } from '../domain/event-envelope.js';
import type { ReceivedRequest } from '../domain/registration/registration.events.js';
import type { Projection, ReadModelTransaction } from './projection.js';

type PublicStatus = 'received' | 'processing' | 'registered' | 'not_registered' | 'visit_again';

/** What each event means to the holder. Held, slow and busy look alike, and the time changes only when the words change
 * (A11). */
const STATUS_AFTER: Readonly<Record<string, PublicStatus>> = {
  CertificateVerified: 'processing',
  CertificateCheckDeferred: 'processing',
  CertificateRejected: 'not_registered',
  FaceMatched: 'processing',
  FaceReferred: 'processing',
  FaceMismatched: 'not_registered',
  FaceNotComparable: 'visit_again',
  HoldRejected: 'not_registered',
  RecaptureRequested: 'visit_again',
  HoldExpired: 'not_registered',
  GovernmentAccepted: 'registered',
  GovernmentRefused: 'not_registered',
  KeptInRegistry: 'registered',
  RegistrationWithdrawn: 'not_registered',
};

/** One row per request: the neutral status behind a receipt number. */
export const requestStatusProjection: Projection = {
  name: 'request-status',
  version: 1,
  tables: {
    request_status: {
      columns:
        'request_id TEXT PRIMARY KEY, receipt TEXT NOT NULL UNIQUE, status TEXT NOT NULL, updated_at_utc TEXT NOT NULL',
    },
  },
  handles: ['RequestReceived', ...Object.keys(STATUS_AFTER), 'RequestEndedByOperator'],
  apply,
};

function apply(rows: ReadModelTransaction, event: StoredEvent): void {
  const { correlationId, recordedAtUtc } = event.metadata;
  if (event.type === 'RequestReceived') {
    const { requestId, receipt } = event.data as unknown as ReceivedRequest;
    rows.run(
      "INSERT INTO {request_status} (request_id, receipt, status, updated_at_utc) VALUES (?, ?, 'received', ?)",
      requestId,
      receipt,
      recordedAtUtc,
    );
    return;
  }
  const status = statusAfter(event);
  if (status)
    rows.run(
      'UPDATE {request_status} SET status = ?, updated_at_utc = ? WHERE request_id = ? AND status <> ?',
      status,
      recordedAtUtc,
      correlationId,
      status,
    );
}

function statusAfter({ type, data }: StoredEvent): PublicStatus | undefined {
  // A case that had an outcome keeps it.
  if (type === 'RequestEndedByOperator') return data['earlierOutcome'] === null ? 'visit_again' : undefined;
  return STATUS_AFTER[type];
}
