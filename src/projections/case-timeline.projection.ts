import type { StoredEvent } from '../domain/event-envelope.js';
import { EVENT_REGISTRY } from '../domain/event-registry.js';
import type { Projection, ReadModelTransaction } from './projection.js';

/** Events that belong to no case: they have correlations of their own, or those of a request that nobody may ever
 * receive. */
const NOT_OF_A_CASE = new Set([
  'RequestClaimed',
  'CommandClaimed',
  'PolicyProposed',
  'PolicyApproved',
  'PolicyActivated',
  'BoothEnrolled',
  'BoothKeyRotated',
  'BoothSuspended',
  'BoothResumed',
  'RequestRefusedAtDoor',
  'RequestsRefusedAtDoor',
  'AccessRefused',
  'RecordsViewed',
  'ErasureAnnounced',
  'ErasureConfirmed',
  'StaffLockedOut',
  'StaffReadmitted',
  'EventParked',
  'ConsumerStopped',
  'ConsumerResumed',
  'ParkedReplayed',
  'EventSkipped',
  'UnknownEventMet',
  'InstallationClaimed',
  'ServerBegan',
  'ServerAsked',
  'ServerAnswered',
  'ServerEnded',
  'CheckpointRecorded',
  'VerifierPageGivenOut',
  'LossProposed',
  'LossAccepted',
]);

const ACTS: ReadonlySet<string> = new Set(['ActProposed', 'ActApproved', 'ActBegun', 'ActDeclined', 'ActCarriedOut']);

/** Every event of every stream that belongs to a request, in log order: what an officer replays. */
export const caseTimelineProjection: Projection = {
  name: 'case-timeline',
  version: 2,
  tables: {
    case_timeline: {
      columns:
        'position TEXT NOT NULL, request_id TEXT NOT NULL, ordinal INTEGER NOT NULL, recorded_at_utc TEXT NOT NULL, stream TEXT NOT NULL, revision INTEGER NOT NULL, type TEXT NOT NULL, actor TEXT NOT NULL, policy_version INTEGER, data TEXT NOT NULL, PRIMARY KEY (request_id, ordinal)',
    },
  },
  handles: Object.keys(EVENT_REGISTRY).filter((type) => !NOT_OF_A_CASE.has(type)),
  apply,
};

function apply(rows: ReadModelTransaction, event: StoredEvent): void {
  const { correlationId, recordedAtUtc, actor, policyVersion } = event.metadata;
  const next =
    rows.get<{ next: number }>(
      'SELECT coalesce(max(ordinal) + 1, 0) AS next FROM {case_timeline} WHERE request_id = ?',
      correlationId,
    )?.next ?? 0;
  // What two people agree to is of a case where it is the erasure of its registrant; it never begins one.
  if (next === 0 && ACTS.has(event.type)) return;
  rows.run(
    'INSERT INTO {case_timeline} (position, request_id, ordinal, recorded_at_utc, stream, revision, type, actor, policy_version, data) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    String(event.position),
    correlationId,
    next,
    recordedAtUtc,
    event.stream,
    event.revision,
    event.type,
    actor,
    policyVersion,
    JSON.stringify(event.data),
  );
}
