import type { CardAgreement } from '../../src/domain/registration/card-agreement.js';
import type { FaceFinding, CertificateFinding } from '../../src/domain/registration/registration.js';
import type { ReceivedRequest, RegistrationEvent } from '../../src/domain/registration/registration.events.js';
import { DEFAULT_POLICY, type ActivePolicy } from '../../src/domain/policy/policy.js';
import type { PolicyValues } from '../../src/domain/policy/policy.events.js';
import type { CertificateEvidence } from '../../src/domain/values/certificate-status.js';

export const NOW = '2026-11-23T09:00:00.000Z';
export const MATERIAL = {
  photo: 'aa',
  certificate: 'bb',
  cardRecord: 'cc',
  cardIssuerCertificate: 'dd',
  signatures: 'ee',
};
export const VERIFIER = { id: 'test-verifier', version: '1' };
export const ALGORITHM = { id: 'test-faces', version: '1' };

export function policy(values: Partial<PolicyValues> = {}, version = 1): ActivePolicy {
  return { version, values: { ...DEFAULT_POLICY, ...values } };
}

export function request(change: Partial<ReceivedRequest> = {}): ReceivedRequest {
  return {
    requestId: 'r1',
    receipt: 'AAAA-BBBB-CCCC-DDDD',
    boothId: 'booth-1',
    boothKeyVersion: 1,
    counter: 1,
    mode: 'GOVERNMENT_SUBMISSION',
    certificateType: 'user_authentication',
    capturedAtUtc: '2026-11-23T08:59:00.000Z',
    receivedAtUtc: NOW,
    consent: { textVersion: '2026-11', keepReferenceImage: true },
    material: MATERIAL,
    frames: null,
    requestDigest: 'ee',
    ...change,
  };
}

export const EVIDENCE: CertificateEvidence = {
  method: 'ocsp',
  source: 'http://127.0.0.1/ocsp',
  status: 'good',
  revocationReason: null,
  revokedAtUtc: null,
  thisUpdateUtc: NOW,
  nextUpdateUtc: NOW,
  responderKeySha256: '11',
  trustAnchorSha256: '22',
  pathLength: 2,
  checkedAtUtc: NOW,
};

const NOT_NAMED = { outcome: 'cannot_tell', because: 'not_named' } as const;
/** A certificate of user authentication that the authority knows to be of the card. */
export const AGREES: CardAgreement = {
  birthDate: NOT_NAMED,
  sex: NOT_NAMED,
  birthday: { outcome: 'equal' },
  expiry: { outcome: 'equal' },
  sameCard: { outcome: 'equal' },
};

export const VALID: CertificateFinding = {
  verdict: 'valid',
  subjectKey: 's1',
  evidence: EVIDENCE,
  cardRecordIssuerKeyId: '6000023',
  verifier: VERIFIER,
  cardRecordVerifier: VERIFIER,
  agreement: AGREES,
  otherCertificate: 'told',
  erasedBefore: false,
  material: { certificate: 'bb', cardRecord: 'cc' },
  sealedEvidenceId: 'e1',
  sealedEvidenceSha256: '5f'.repeat(32),
};

export function compared(
  cardPoints: number,
  registeredPoints: number | 'none' = 'none',
  change: Partial<Extract<FaceFinding, { outcome: 'compared' }>> = {},
): FaceFinding {
  return {
    outcome: 'compared',
    cardPoints,
    registered:
      registeredPoints === 'none'
        ? { comparison: 'not_applicable', reason: 'first_registration' }
        : { comparison: 'compared', points: registeredPoints, imageId: 'i0', imageCommitment: 'ff' },
    algorithm: ALGORITHM,
    material: { photo: 'aa', cardRecord: 'cc', frames: [] },
    quality: {},
    signals: { nearDuplicateOfCard: 'not_assessed', nearDuplicateOfRegistered: 'not_assessed', frames: 'not_assessed' },
    ...change,
  };
}

export const received = (change: Partial<ReceivedRequest> = {}): RegistrationEvent => ({
  type: 'RequestReceived',
  data: request(change),
});
export const certificateVerified = (): RegistrationEvent => {
  const { verdict: _, ...data } = VALID as Extract<CertificateFinding, { verdict: 'valid' }>;
  return { type: 'CertificateVerified', data };
};
export const faceMatched = (confirmation: 'confirmed' | 'on_hold' = 'confirmed'): RegistrationEvent => ({
  type: 'FaceMatched',
  data: {
    cardPoints: 9500,
    registered: { comparison: 'not_applicable', reason: 'first_registration' },
    algorithm: ALGORITHM,
    basis: null,
    material: { photo: 'aa', cardRecord: 'cc', frames: [] },
    quality: {},
    signals: { nearDuplicateOfCard: 'not_assessed', nearDuplicateOfRegistered: 'not_assessed', frames: 'not_assessed' },
    thresholdPoints: DEFAULT_POLICY.cardMatchPointsMin,
    confirmation,
  },
});
export const held = (): RegistrationEvent => ({
  type: 'Held',
  data: {
    reason: 'registered_gap',
    cardPoints: 9500,
    registeredPoints: 7500,
    differencePoints: 2000,
    boundPoints: 2000,
    dueAtUtc: '2026-11-26T09:00:00.000Z',
  },
});
export const attempted = (attempt = 1): RegistrationEvent => ({
  type: 'SubmissionAttempted',
  data: { submissionId: 'sub1', attempt, capturedAtUtc: request().capturedAtUtc, photo: 'aa' },
});
export const submitted = (): RegistrationEvent => ({
  type: 'SubmittedToGovernment',
  data: { submissionId: 'sub1', attempt: 1, photo: 'aa', capturedAtUtc: request().capturedAtUtc },
});
