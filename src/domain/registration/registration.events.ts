import type { RegistrationMode } from '../booth/capture-envelope.js';
import type { CertificateEvidence, CertificateType, InvalidCardRecordReason, InvalidCertificateReason, UnknownCertificateCause } from '../values/certificate-status.js';
import type { FaceAlgorithm, HeadTurn, NotComparableReason, PhotoQuality, PresenceSignals } from '../values/face-comparison.js';

/** A salted commitment, hex: HMAC-SHA256 of the exact bytes under a salt that is kept in the vault and goes with it. Never a bare hash. */
export type Commitment = string;

/** What was received, by commitment. Equal commitments in later events prove that the same bytes were used. @req R5 */
export type CaseMaterial = {
  readonly photo: Commitment;
  readonly certificate: Commitment;
  readonly cardRecord: Commitment;
  readonly cardIssuerCertificate: Commitment;
  /** The signed text with its three signatures; null in a request of before there was a commitment to it, where the booth's signature over
   *  the text stands for it. */
  readonly signatures: Commitment | null;
};

export type ReceivedRequest = {
  readonly requestId: string;
  /** Printed for the holder: opens the neutral status and nothing else. */
  readonly receipt: string;
  readonly boothId: string;
  /** Version of the booth key that signed, 1 for the enrolled one. */
  readonly boothKeyVersion: number;
  readonly counter: number;
  readonly mode: RegistrationMode;
  readonly certificateType: CertificateType;
  /** The booth's clock, signed by booth and card (claim 2, A13). */
  readonly capturedAtUtc: string;
  readonly receivedAtUtc: string;
  readonly consent: { readonly textVersion: string; readonly keepReferenceImage: boolean };
  readonly material: CaseMaterial;
  /** Frames besides the photograph, in their order, with the turn of the head that the challenge asked for; null where there are none. */
  readonly frames: { readonly prompt: HeadTurn; readonly material: readonly Commitment[] } | null;
  /** Keyed hash of idempotency key and body: tells a repeated request from another one under the same key. */
  readonly requestDigest: string;
};

/** S(captured, registered) of claim 3, or why there is none (R14, A15). */
export type RegisteredComparison =
  | { readonly comparison: 'compared'; readonly points: number; readonly imageId: string; readonly imageCommitment: Commitment; readonly belowAdvisory: boolean }
  | { readonly comparison: 'not_applicable'; readonly reason: 'first_registration' | 'no_consent' };

export type HoldReason = 'registered_gap' | 'registered_mismatch' | 'referral_band' | 'frames_inconsistent' | 'portrait_doubtful';

export type FaceComparisonFacts = {
  readonly cardPoints: number;
  readonly registered: RegisteredComparison;
  readonly algorithm: FaceAlgorithm;
  readonly material: { readonly photo: Commitment; readonly cardRecord: Commitment; readonly frames: readonly Commitment[] };
  readonly quality: PhotoQuality;
  readonly signals: PresenceSignals;
};

export type HoldOutcome = 'released' | 'rejected' | 'recapture' | 'expired';

export type RegistrationEvent =
  | { readonly type: 'RequestReceived'; readonly data: ReceivedRequest }
  | {
      readonly type: 'CertificateVerified';
      readonly data: {
        readonly subjectKey: string;
        readonly evidence: CertificateEvidence;
        readonly cardRecordIssuerKeyId: string;
        readonly verifier: { readonly id: string; readonly version: string };
        readonly cardRecordVerifier: { readonly id: string; readonly version: string };
        readonly material: { readonly certificate: Commitment; readonly cardRecord: Commitment };
        /** Id of the sealed evidence in the vault, from which the verdict can be recomputed. */
        readonly sealedEvidenceId: string;
      };
    }
  | {
      readonly type: 'CertificateRejected';
      readonly data: {
        readonly reason: InvalidCertificateReason;
        readonly cardRecordReason: InvalidCardRecordReason | null;
        readonly evidence: CertificateEvidence | null;
        readonly verifier: { readonly id: string; readonly version: string };
        readonly sealedEvidenceId: string | null;
      };
    }
  | { readonly type: 'CertificateCheckDeferred'; readonly data: { readonly cause: UnknownCertificateCause | 'link_unknown'; readonly attempt: number; readonly nextAttemptAtUtc: string } }
  /** The same person. `on_hold` is followed by `Held` in the same append. */
  | { readonly type: 'FaceMatched'; readonly data: FaceComparisonFacts & { readonly thresholdPoints: number; readonly confirmation: 'confirmed' | 'on_hold' } }
  /** Between the referral mark and the pass mark, under a policy that wants a person to look. Followed by `Held`. */
  | { readonly type: 'FaceReferred'; readonly data: FaceComparisonFacts & { readonly thresholdPoints: number; readonly referralPoints: number } }
  | { readonly type: 'FaceMismatched'; readonly data: FaceComparisonFacts & { readonly thresholdPoints: number } }
  /** An image gives no score: no face, several faces, … Nothing is said about the person. */
  | {
      readonly type: 'FaceNotComparable';
      readonly data: {
        readonly image: 'captured' | 'card' | 'registered';
        readonly reason: NotComparableReason;
        /** For `poor_quality` the measure that is below the policy's minimum, else null. */
        readonly measure: string | null;
        readonly algorithm: FaceAlgorithm;
      };
    }
  | { readonly type: 'FaceComparisonDeferred'; readonly data: { readonly cause: 'busy' | 'timeout' | 'worker_failed'; readonly attempt: number; readonly nextAttemptAtUtc: string } }
  | {
      readonly type: 'Held';
      readonly data: {
        readonly reason: HoldReason;
        readonly cardPoints: number;
        readonly registeredPoints: number | null;
        /** S(card) − S(registered), or null where there is no registered image. */
        readonly differencePoints: number | null;
        /** The set value that was reached: the hold margin, or the mark of the other reasons; null for `frames_inconsistent` and `portrait_doubtful`. */
        readonly boundPoints: number | null;
        readonly dueAtUtc: string;
      };
    }
  | { readonly type: 'HoldReleased'; readonly data: { readonly officers: readonly string[] } }
  | { readonly type: 'HoldRejected'; readonly data: { readonly officers: readonly string[] } }
  | { readonly type: 'RecaptureRequested'; readonly data: { readonly officers: readonly string[] } }
  | { readonly type: 'HoldExpired'; readonly data: { readonly dueAtUtc: string } }
  /** Stored before the call: after a crash we must know that the government may already have it. */
  | { readonly type: 'SubmissionAttempted'; readonly data: { readonly submissionId: string; readonly attempt: number; readonly capturedAtUtc: string; readonly photo: Commitment } }
  | { readonly type: 'SubmittedToGovernment'; readonly data: { readonly submissionId: string; readonly attempt: number; readonly photo: Commitment; readonly capturedAtUtc: string } }
  | { readonly type: 'SubmissionDeferred'; readonly data: { readonly submissionId: string; readonly cause: string; readonly attempt: number; readonly nextAttemptAtUtc: string } }
  | { readonly type: 'GovernmentAccepted'; readonly data: { readonly submissionId: string; readonly reference: string } }
  | { readonly type: 'GovernmentRefused'; readonly data: { readonly submissionId: string; readonly reason: string } }
  /** REGISTRY_ONLY (claim 5): the photograph is kept as the registered image and nobody else gets it. */
  | { readonly type: 'KeptInRegistry'; readonly data: { readonly imageId: string; readonly photo: Commitment } }
  | { readonly type: 'RegistrationWithdrawn'; readonly data: { readonly by: string } }
  /** Comes after `CertificateRejected`, also of a case that ended before there was a retention: until when its sealed evidence is kept. */
  | {
      readonly type: 'RefusedEvidenceRetained';
      readonly data: {
        readonly sealedEvidenceId: string;
        /** When `CertificateRejected` was recorded: from here the days are counted. */
        readonly refusedAtUtc: string;
        /** The policy's value at the time; a later policy does not change what was set. */
        readonly retentionDays: number;
        readonly eraseAtUtc: string;
      };
    }
  /** Key and bytes of the sealed evidence are gone. */
  | { readonly type: 'RefusedEvidenceErased'; readonly data: { readonly sealedEvidenceId: string; readonly rule: 'retention_limit'; /** When it was due. */ readonly eraseAtUtc: string } };
