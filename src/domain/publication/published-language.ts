import type { Position, StoredEvent } from '../event-envelope.js';
import type { RegistrantEvent } from '../registrant/registrant.events.js';
import type { RegistrationEvent } from '../registration/registration.events.js';

/** Stored names that become public. Everything else is nobody's business outside. */
export const PUBLISHED_SOURCES = [
  'RequestReceived',
  'CertificateVerified',
  'CertificateRejected',
  'FaceMatched',
  'FaceMismatched',
  'FaceNotComparable',
  'Held',
  'HoldReleased',
  'HoldRejected',
  'RecaptureRequested',
  'HoldExpired',
  'SubmittedToGovernment',
  'GovernmentAccepted',
  'GovernmentRefused',
  'KeptInRegistry',
  'RegistrationWithdrawn',
  'RequestEndedByOperator',
  'RegistrantErased',
] as const satisfies readonly (RegistrationEvent | RegistrantEvent)['type'][];

/** What the outside may know of a refusal. Coarse on purpose: finer reasons say things about a card, a face or a
 * person. */
export type RejectionReason =
  'certificate_invalid' | 'face_mismatch' | 'rejected_by_officers' | 'hold_expired' | 'refused_by_government';

/** The published language: what other systems may rely on. A deliberate translation of the domain's facts: no image,
 * score, name, certificate serial, registrant key, officer, receipt or text from elsewhere is in it. A type's meaning
 * never changes; another meaning is another version of the type. */
export type IntegrationFact =
  | {
      readonly type: 'jp.honnin.registration.received.v1';
      readonly data: {
        readonly registrationId: string;
        readonly mode: 'government_submission' | 'registry_only';
        readonly boothId: string;
      };
    }
  | { readonly type: 'jp.honnin.registration.verified.v1'; readonly data: { readonly registrationId: string } }
  | {
      readonly type: 'jp.honnin.registration.confirmed.v1';
      readonly data: {
        readonly registrationId: string;
        readonly by: 'comparison' | 'officers';
        readonly policyVersion?: number;
      };
    }
  | {
      readonly type: 'jp.honnin.registration.held.v1';
      readonly data: { readonly registrationId: string; readonly dueAt: string; readonly policyVersion?: number };
    }
  | {
      readonly type: 'jp.honnin.registration.submitted.v1';
      readonly data: { readonly registrationId: string; readonly submissionId: string };
    }
  | {
      readonly type: 'jp.honnin.registration.completed.v1';
      readonly data: {
        readonly registrationId: string;
        readonly outcome: 'accepted_by_government' | 'kept_in_registry';
      };
    }
  | {
      readonly type: 'jp.honnin.registration.rejected.v1';
      readonly data: {
        readonly registrationId: string;
        readonly reason: RejectionReason;
        readonly policyVersion?: number;
      };
    }
  | {
      readonly type: 'jp.honnin.registration.recapture-requested.v1';
      readonly data: {
        readonly registrationId: string;
        readonly reason: 'photograph_not_comparable' | 'asked_by_officers';
      };
    }
  | { readonly type: 'jp.honnin.registration.withdrawn.v1'; readonly data: { readonly registrationId: string } }
  | {
      readonly type: 'jp.honnin.registrant.erased.v1';
      readonly data: {
        readonly registrationId: string;
        readonly erasureId: string;
        readonly rule: 'consent_withdrawn' | 'retention_limit' | 'request_of_the_person';
      };
    };

export type RegistrationStatus =
  | 'received'
  | 'verified'
  | 'confirmed'
  | 'held'
  | 'submitted'
  | 'completed'
  | 'rejected'
  | 'recapture_requested'
  | 'withdrawn';

export type StatusFact = {
  readonly type: 'jp.honnin.registration.status.v1';
  readonly data: { readonly registrationId: string; readonly status: RegistrationStatus; readonly since: string };
};

/** What every published event says about itself beside its facts. */
export interface PublicEnvelope {
  /** The same after every crash and in every replay: consumers drop what they have seen. */
  readonly id: string;
  readonly registrationId: string;
  /** When it happened, and when it was stored; ISO-8601 UTC. */
  readonly occurredAtUtc: string;
  readonly recordedAtUtc: string;
  /** Place in the source's order. */
  readonly position: Position;
  readonly correlationId: string;
  readonly causationId: string;
  /** Where the stored event is in the signed log; absent where no log is written. */
  readonly leaf?: LeafPlace;
}

/** An entry of the signed log. */
export interface LeafPlace {
  readonly index: number;
  /** Leaf hash, base64. */
  readonly hash: string;
  /** Name of the log. */
  readonly origin: string;
}

export type IntegrationEvent = PublicEnvelope & IntegrationFact;
export type StatusEvent = PublicEnvelope & StatusFact;

/** What one stored event means outside. `forgotten`: registrations whose current status must go. */
export interface Publication {
  readonly events: readonly IntegrationEvent[];
  readonly statuses: readonly StatusEvent[];
  readonly forgotten: readonly string[];
}

/** What the translation cannot know from the event alone. */
export interface TranslationContext {
  /** Requests of the registrant of `RegistrantErased`, in the order in which they became known; empty for other
   * events. */
  readonly registrationsOfRegistrant: readonly string[];
  /** True when the registrant of this registration was erased earlier in the log: its status stays forgotten. */
  readonly isForgotten: boolean;
  /** Derives an id from other ids, always the same from the same. */
  readonly idOf: (...parts: readonly string[]) => string;
  readonly leaf?: LeafPlace;
}

const STATUS_AFTER: Readonly<Partial<Record<IntegrationFact['type'], RegistrationStatus>>> = {
  'jp.honnin.registration.received.v1': 'received',
  'jp.honnin.registration.verified.v1': 'verified',
  'jp.honnin.registration.confirmed.v1': 'confirmed',
  'jp.honnin.registration.held.v1': 'held',
  'jp.honnin.registration.submitted.v1': 'submitted',
  'jp.honnin.registration.completed.v1': 'completed',
  'jp.honnin.registration.rejected.v1': 'rejected',
  'jp.honnin.registration.recapture-requested.v1': 'recapture_requested',
  'jp.honnin.registration.withdrawn.v1': 'withdrawn',
};

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const NOTHING: Publication = { events: [], statuses: [], forgotten: [] };

/** Translates one stored event (in today's shape). Total and pure: the same event always gives the same publication. */
export function translate(stored: StoredEvent, context: TranslationContext): Publication {
  if (stored.type === 'RegistrantErased') return erasure(stored, context);
  const registrationId = stored.metadata.correlationId;
  const fact = factOf(stored, registrationId);
  if (fact === null) return NOTHING;
  const envelope = envelopeOf(stored, registrationId, context);
  const event: IntegrationEvent = { ...envelope, ...fact };
  const status = STATUS_AFTER[fact.type];
  if (status === undefined || context.isForgotten) return { events: [event], statuses: [], forgotten: [] };
  const statusEvent: StatusEvent = {
    ...envelope,
    id: context.idOf(stored.id, 'status'),
    type: 'jp.honnin.registration.status.v1',
    data: { registrationId, status, since: stored.metadata.recordedAtUtc },
  };
  return { events: [event], statuses: [statusEvent], forgotten: [] };
}

/** A person's key means nothing outside, so an erasure is told once for each registration that consumers know. */
function erasure(stored: StoredEvent, context: TranslationContext): Publication {
  const { rule } = stored.data as Extract<RegistrantEvent, { type: 'RegistrantErased' }>['data'];
  const events = context.registrationsOfRegistrant.map((registrationId): IntegrationEvent => ({
    ...envelopeOf(stored, registrationId, context),
    id: context.idOf(stored.id, registrationId),
    correlationId: stored.id,
    causationId: stored.id,
    type: 'jp.honnin.registrant.erased.v1',
    data: { registrationId, erasureId: stored.id, rule },
  }));
  return { events, statuses: [], forgotten: context.registrationsOfRegistrant };
}

function envelopeOf(
  { id, position, data, metadata }: StoredEvent,
  registrationId: string,
  { idOf, leaf }: TranslationContext,
): PublicEnvelope {
  const { recordedAtUtc, causationId } = metadata;
  const occurredAtUtc = typeof data['receivedAtUtc'] === 'string' ? data['receivedAtUtc'] : recordedAtUtc;
  // A cause may one day be named by something that is not ours to publish: only our own ids leave as they are.
  return {
    id,
    registrationId,
    occurredAtUtc,
    recordedAtUtc,
    position,
    correlationId: registrationId,
    causationId: UUID.test(causationId) ? causationId : idOf('cause', causationId),
    ...(leaf && { leaf }),
  };
}

function factOf(stored: StoredEvent, registrationId: string): IntegrationFact | null {
  const event = { type: stored.type, data: stored.data } as unknown as RegistrationEvent;
  const policy = stored.metadata.policyVersion === null ? {} : { policyVersion: stored.metadata.policyVersion };
  const rejected = (reason: RejectionReason): IntegrationFact => ({
    type: 'jp.honnin.registration.rejected.v1',
    data: { registrationId, reason, ...policy },
  });
  switch (event.type) {
    case 'RequestReceived':
      return {
        type: 'jp.honnin.registration.received.v1',
        data: {
          registrationId,
          mode: event.data.mode === 'REGISTRY_ONLY' ? 'registry_only' : 'government_submission',
          boothId: event.data.boothId,
        },
      };
    case 'CertificateVerified':
      return { type: 'jp.honnin.registration.verified.v1', data: { registrationId } };
    case 'CertificateRejected':
      return rejected('certificate_invalid');
    case 'FaceMatched':
      // On hold nothing is confirmed; `Held` follows and says so.
      return event.data.confirmation === 'on_hold'
        ? null
        : { type: 'jp.honnin.registration.confirmed.v1', data: { registrationId, by: 'comparison', ...policy } };
    case 'FaceMismatched':
      return rejected('face_mismatch');
    case 'FaceNotComparable':
      return {
        type: 'jp.honnin.registration.recapture-requested.v1',
        data: { registrationId, reason: 'photograph_not_comparable' },
      };
    case 'Held':
      return {
        type: 'jp.honnin.registration.held.v1',
        data: { registrationId, dueAt: event.data.dueAtUtc, ...policy },
      };
    case 'HoldReleased':
      return { type: 'jp.honnin.registration.confirmed.v1', data: { registrationId, by: 'officers', ...policy } };
    case 'HoldRejected':
      return rejected('rejected_by_officers');
    case 'RecaptureRequested':
      return {
        type: 'jp.honnin.registration.recapture-requested.v1',
        data: { registrationId, reason: 'asked_by_officers' },
      };
    case 'HoldExpired':
      return rejected('hold_expired');
    case 'SubmittedToGovernment':
      return {
        type: 'jp.honnin.registration.submitted.v1',
        data: { registrationId, submissionId: event.data.submissionId },
      };
    case 'GovernmentAccepted':
      return {
        type: 'jp.honnin.registration.completed.v1',
        data: { registrationId, outcome: 'accepted_by_government' },
      };
    case 'GovernmentRefused':
      return rejected('refused_by_government');
    case 'KeptInRegistry':
      return { type: 'jp.honnin.registration.completed.v1', data: { registrationId, outcome: 'kept_in_registry' } };
    case 'RegistrationWithdrawn':
      return { type: 'jp.honnin.registration.withdrawn.v1', data: { registrationId } };
    case 'RequestEndedByOperator':
      // The office asks the holder to come again. A case that had an outcome keeps it.
      return event.data.earlierOutcome === null
        ? {
            type: 'jp.honnin.registration.recapture-requested.v1',
            data: { registrationId, reason: 'asked_by_officers' },
          }
        : null;
    case 'MaterialDiffered':
    case 'MaterialMissing':
    case 'CertificateCheckDeferred':
    case 'FaceReferred':
    case 'FaceComparisonDeferred':
    case 'SubmissionAttempted':
    case 'SubmissionDeferred':
      return null;
    default:
      // Event names outside the registration: not part of the published language.
      return null;
  }
}
