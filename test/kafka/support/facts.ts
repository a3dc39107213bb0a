import type { JsonObject, NewEvent } from '../../../src/domain/event-envelope.js';
import { derivedId } from '../../../src/application/decisions/ids.js';
import type { RegistrationEvent } from '../../../src/domain/registration/registration.events.js';
import {
  attempted,
  certificateVerified,
  faceMatched,
  held,
  NOW,
  received,
  submitted,
} from '../../support/registration-facts.js';

export const registrationIdOf = (n: number): string => derivedId('test-registration', n);
export const subjectKeyOf = (n: number): string => `${'5ab1ec7c0de'.repeat(3)}${String(n).padStart(7, '0')}`;

/** Histories as the domain makes them, so that a translation is seen with everything that it must leave out. */
export const HISTORIES: Readonly<Record<string, readonly RegistrationEvent[]>> = {
  accepted: [
    received(),
    certificateVerified(),
    faceMatched(),
    attempted(),
    submitted(),
    { type: 'GovernmentAccepted', data: { submissionId: 'sub1', reference: 'GOV-REFERENCE-77' } },
  ],
  released: [
    received(),
    certificateVerified(),
    faceMatched('on_hold'),
    held(),
    { type: 'HoldReleased', data: { officers: ['officer-hanako', 'officer-taro'] } },
    attempted(),
    submitted(),
    { type: 'GovernmentRefused', data: { submissionId: 'sub1', reason: 'the name Yamada is not the one on record' } },
  ],
  refused: [
    received(),
    {
      type: 'CertificateRejected',
      data: {
        reason: 'revoked',
        cardRecordReason: null,
        evidence: null,
        verifier: { id: 'v', version: '1' },
        sealedEvidenceId: null,
        sealedEvidenceSha256: null,
      },
    },
  ],
};

/** Envelopes of a history, as the store gets them. */
export function envelopes(n: number, history: readonly RegistrationEvent[]): readonly NewEvent[] {
  const registrationId = registrationIdOf(n);
  return history.map(({ type, data }, index) => ({
    id: derivedId('test-event', n, index),
    type,
    schemaVersion: 1,
    data: withIds(data, n) as JsonObject,
    metadata: {
      actor: 'system:test',
      correlationId: registrationId,
      causationId: index === 0 ? registrationId : derivedId('test-event', n, index - 1),
      recordedAtUtc: new Date(Date.parse(NOW) + index * 1000).toISOString(),
      policyVersion: type.startsWith('Face') || type === 'Held' ? DEFAULT_VERSION : null,
    },
  }));
}

const DEFAULT_VERSION = 1;

/** An erasure, in the registrant's stream. */
export function erasureOf(n: number): NewEvent {
  const commandId = derivedId('test-erase', n);
  return {
    id: derivedId('test-erasure', n),
    type: 'RegistrantErased',
    schemaVersion: 1,
    data: { rule: 'request_of_the_person', by: 'officer:taro' },
    metadata: {
      actor: 'officer:taro',
      correlationId: commandId,
      causationId: commandId,
      recordedAtUtc: NOW,
      policyVersion: null,
    },
  };
}

function withIds(data: object, n: number): object {
  return {
    ...data,
    ...('requestId' in data && { requestId: registrationIdOf(n) }),
    ...('subjectKey' in data && { subjectKey: subjectKeyOf(n) }),
  };
}
