import type { Json, JsonObject, StoredEvent } from './event-envelope.js';
import { NOT_COMPARED } from './registration/card-agreement.js';

/** Turns the data of one schema version into the next. Pure; the stored bytes never change. */
export type Upcaster = (data: JsonObject) => JsonObject;

export interface EventShape {
  /** Version that is written today. */
  readonly version: number;
  /** `upcasters[i]` leads from version i+1 to i+2. */
  readonly upcasters: readonly Upcaster[];
}

function withValue(data: JsonObject, name: string, value: Json): JsonObject {
  return { ...data, values: { ...(data['values'] as JsonObject), [name]: value } };
}

const first: EventShape = { version: 1, upcasters: [] };

/** Policies of before get a value that came later. */
function withValues(added: JsonObject): Upcaster {
  return (data) => ({ ...data, values: { ...(data['values'] as JsonObject), ...added } });
}

/** Version 2 says what the points of a comparison follow from. Comparisons of before keep their points as they were
 * given. */
const comparison: EventShape = { version: 2, upcasters: [(data) => ({ ...data, basis: null })] };

/** Evidence is bound by the SHA-256 of its bytes from here on; events of before bind it by its id alone. */
const withoutDigest: Upcaster = (data) => ({ ...data, sealedEvidenceSha256: null });
const evidenceNamed: EventShape = { version: 2, upcasters: [withoutDigest] };

/** THE list of stored names. Nothing is stored that is not here, and a name is never changed or reused. */
export const EVENT_REGISTRY: Readonly<Record<string, EventShape>> = {
  // Version 2 also commits to what was signed; of requests of before only the booth's signature tells.
  RequestReceived: {
    version: 2,
    upcasters: [(data) => ({ ...data, material: { ...(data['material'] as JsonObject), signatures: null } })],
  },
  // Version 2 says what certificate and face record both say, compared. Before, nothing was compared and nobody was
  // asked. Version 3 binds the evidence by SHA-256. Version 4 says whether a tombstone was met; there were none before.
  CertificateVerified: {
    version: 4,
    upcasters: [
      (data) => ({ ...data, agreement: NOT_COMPARED, otherCertificate: 'not_asked' }),
      withoutDigest,
      (data) => ({ ...data, erasedBefore: false }),
    ],
  },
  CertificateRejected: evidenceNamed,
  CertificateCheckDeferred: first,
  FaceMatched: comparison,
  FaceReferred: comparison,
  FaceMismatched: comparison,
  FaceNotComparable: first,
  FaceComparisonDeferred: first,
  Held: first,
  HoldReleased: first,
  HoldRejected: first,
  RecaptureRequested: first,
  HoldExpired: first,
  SubmissionAttempted: first,
  SubmittedToGovernment: first,
  SubmissionDeferred: first,
  GovernmentAccepted: first,
  GovernmentRefused: first,
  KeptInRegistry: first,
  RegistrationWithdrawn: first,
  MaterialDiffered: first,
  MaterialMissing: first,
  RequestEndedByOperator: first,
  RefusedEvidenceRetained: evidenceNamed,
  RefusedEvidenceErased: evidenceNamed,
  RequestLapsed: first,
  ConsentGiven: first,
  ConsentWithdrawn: first,
  FaceImageRegistered: first,
  FaceImageConfirmed: first,
  FaceImageWithdrawn: first,
  CertificateAdded: first,
  // Version 2 says how the certificate came to the registrant; before, only renewed certificates were linked.
  CertificateLinked: { version: 2, upcasters: [(data) => ({ ...data, relation: 'renewal' })] },
  // Version 2 says what stays of the cards. After an erasure of before, a person came back under the same key.
  RegistrantErased: { version: 2, upcasters: [(data) => ({ ...data, tombstone: null })] },
  HoldOpened: first,
  // Version 2 says which pictures the officer had opened, and has a note; before, neither was kept.
  OpinionGiven: { version: 2, upcasters: [(data) => ({ ...data, seen: null, note: null })] },
  OpinionWithdrawn: first,
  HoldResolved: first,
  HoldClosed: first,
  // Version 2 names the report that was attached; nobody could attach one before. Version 3 says how long evidence of
  // refused certificates is kept; for policies of before it is the default of the day on which the value came, whatever
  // the default is later. Version 4 says which photographs are held for officers; before it none were. Version 5 says
  // for how long a case may be open: for policies of before a week and what a hold may take. Version 6 says what is
  // asked of a card. Version 7 says how long what two people agreed to can still be declined: not at all for policies
  // of before. Version 8 names the version that it was made from; nobody said so before. Version 9 says for how long a
  // card is answered "erased before".
  PolicyProposed: {
    version: 9,
    upcasters: [
      (data) => ({ ...data, report: null }),
      (data) => withValue(data, 'refusedEvidenceRetentionDays', 400),
      (data) => withValue(data, 'photoQualityHoldBelow', {}),
      (data) => withValue(data, 'caseOpenHoursMax', 168 + Number((data['values'] as JsonObject)['holdDueHours'])),
      withValues({
        holdOnCardUnconfirmed: false,
        certificateTypesWithoutSameCard: ['user_authentication'],
        signingCertificateAtFirstRegistration: false,
      }),
      withValues({ dualControlWaitMinutes: 0 }),
      (data) => ({ ...data, basedOn: null }),
      withValues({ erasedBeforeDays: 3_650 }),
    ],
  },
  PolicyApproved: first,
  PolicyActivated: first,
  BoothEnrolled: first,
  BoothKeyRotated: first,
  BoothSuspended: first,
  BoothResumed: first,
  ActProposed: first,
  ActApproved: first,
  ActBegun: first,
  ActDeclined: first,
  ActCarriedOut: first,
  StaffLockedOut: first,
  StaffReadmitted: first,
  EventParked: first,
  ConsumerStopped: first,
  ConsumerResumed: first,
  ParkedReplayed: first,
  EventSkipped: first,
  UnknownEventMet: first,
  // Version 2 names the file, and what of the case the purpose was held against.
  BiometricViewed: { version: 2, upcasters: [(data) => ({ ...data, reference: null, grounds: null })] },
  // Version 2 says which timestamp and which cosigned checkpoint went along; version 3 what for, and names the file.
  AuditExported: {
    version: 3,
    upcasters: [(data) => ({ ...data, attached: null }), (data) => ({ ...data, purpose: null, reference: null })],
  },
  RecordsViewed: first,
  AccessRefused: first,
  RequestRefusedAtDoor: first,
  RequestsRefusedAtDoor: first,
  ChallengeConsumed: first,
  RequestClaimed: first,
  CommandClaimed: first,
  SagaReacted: first,
  EffectPerformed: first,
  EffectFailed: first,
  EffectStuck: first,
  EffectResumed: first,
  InstallationClaimed: first,
  ServerBegan: first,
  ServerAsked: first,
  ServerAnswered: first,
  ServerEnded: first,
  CheckpointRecorded: first,
  VerifierPageGivenOut: first,
  LossProposed: first,
  LossAccepted: first,
  ErasureAnnounced: first,
  ErasureConfirmed: first,
};

/** An event of a kind or version that this program does not know. Nothing may go on as if it were not there. */
export class UnknownEventError extends Error {}

/** Version under which an event of this name is written. @throws {UnknownEventError} for a name that is not
 * registered. */
export function currentVersion(type: string): number {
  return shapeOf(type).version;
}

/** The event in today's shape. @throws {UnknownEventError} for an unknown name or a version newer than this program. */
export function upcast<E extends Upcastable>(event: E): E {
  return upcastTo(shapeOf(event.type), event);
}

type Upcastable = Pick<StoredEvent, 'type' | 'schemaVersion' | 'data'>;

/** The event in a given shape, led there version by version. The event that was given is left as it is.
 *  @throws {UnknownEventError} for a version that the shape does not have. */
export function upcastTo<E extends Upcastable>(shape: EventShape, event: E): E {
  if (event.schemaVersion === shape.version) return event;
  if (!Number.isInteger(event.schemaVersion) || event.schemaVersion < 1 || event.schemaVersion > shape.version) {
    throw new UnknownEventError(
      `${event.type} has schema version ${event.schemaVersion}; this program knows 1..${shape.version}. Run the newer release.`,
    );
  }
  const data = shape.upcasters.slice(event.schemaVersion - 1).reduce((d, up) => up(d), event.data);
  return { ...event, data, schemaVersion: shape.version };
}

function shapeOf(type: string): EventShape {
  const shape = Object.hasOwn(EVENT_REGISTRY, type) ? EVENT_REGISTRY[type] : undefined;
  if (!shape) throw new UnknownEventError(`the event name ${JSON.stringify(type)} is not registered`);
  return shape;
}
