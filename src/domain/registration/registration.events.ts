import type { RegistrationMode } from '../booth/capture-envelope.js';
import type {
  CertificateEvidence,
  CertificateType,
  InvalidCardRecordReason,
  InvalidCertificateReason,
  UnknownCertificateCause,
} from '../values/certificate-status.js';
import type {
  FaceAlgorithm,
  HeadTurn,
  NotComparableReason,
  PhotoQuality,
  PresenceSignals,
} from '../values/face-comparison.js';
import type { CardAgreement, OtherCertificate } from './card-agreement.js';
import type { ScoreBasis } from './face-score.js';

/** A salted commitment, hex: HMAC-SHA256 of the exact bytes under a salt that is kept in the vault and goes with it.
 * Never a bare hash. */
export type Commitment = string;

/** What was received, by commitment. Equal commitments in later events prove that the same bytes were used. @req R5 */
export type CaseMaterial = {
  readonly photo: Commitment;
  readonly certificate: Commitment;
  readonly cardRecord: Commitment;
  readonly cardIssuerCertificate: Commitment;
  /** The signed text with its three signatures; null in a request of before there was a commitment to it, where the
   * booth's signature over the text stands for it. */
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
  /** Frames besides the photograph, in their order, with the turn of the head that the challenge asked for; null where
   * there are none. */
  readonly frames: { readonly prompt: HeadTurn; readonly material: readonly Commitment[] } | null;
  /** Keyed hash of idempotency key and body: tells a repeated request from another one under the same key. */
  readonly requestDigest: string;
};

/** S(captured, registered) of claim 3, or why there is none (R14, A15). */
export type RegisteredComparison =
  | {
      readonly comparison: 'compared';
      readonly points: number;
      readonly imageId: string;
      readonly imageCommitment: Commitment;
      readonly belowAdvisory: boolean;
    }
  | { readonly comparison: 'not_applicable'; readonly reason: NoComparisonReason };

/** `erased`: the registrant was erased while the request was worked on. */
export type NoComparisonReason = 'first_registration' | 'no_consent' | 'erased';

/** The last three are about the card: its holder was erased before, so that there is no image to compare with any more;
 *  its certificate and its face record say different things; nobody can tell that they are one card, or which
 *  registrant the certificate belongs to, and the policy wants a person to look. */
export type HoldReason =
  | 'registered_gap'
  | 'registered_mismatch'
  | 'referral_band'
  | 'frames_inconsistent'
  | 'portrait_doubtful'
  | 'erased_before'
  | 'card_differs'
  | 'card_unconfirmed';

export type FaceComparisonFacts = {
  readonly cardPoints: number;
  readonly registered: RegisteredComparison;
  readonly algorithm: FaceAlgorithm;
  /** What the points follow from; null where the comparer stated points alone, as all did before version 2. */
  readonly basis: ScoreBasis | null;
  readonly material: {
    readonly photo: Commitment;
    readonly cardRecord: Commitment;
    readonly frames: readonly Commitment[];
  };
  readonly quality: PhotoQuality;
  readonly signals: PresenceSignals;
};

/** How a case was over. */
export type ClosedOutcome =
  | 'certificate_rejected'
  | 'face_mismatched'
  | 'face_not_comparable'
  | 'hold_rejected'
  | 'recapture'
  | 'hold_expired'
  | 'accepted'
  | 'refused_by_government'
  | 'kept'
  | 'withdrawn'
  | 'ended_by_operator';

/** Sealed bytes by what they are. */
export type MaterialName =
  | 'photo'
  | 'certificate'
  | 'card_record'
  | 'card_issuer_certificate'
  | 'signatures'
  | 'frame'
  | 'registered_image'
  | 'certificate_evidence';

/** `other_bytes`: it opens and is something else than the event commits to. `undecryptable`: its file was changed,
 * damaged or exchanged.
 * `key`: its owner's key was. `signed_text`, `signature`: it fits its commitment and not what booth and card signed. */
export type MaterialDifference = 'other_bytes' | 'undecryptable' | 'key' | 'signed_text' | 'signature';

/** What it was opened for. */
export type MaterialUse =
  'certificate_check' | 'face_comparison' | 'submission' | 'image_registration' | 'view' | 'export';

/** Whether the government may have the photograph. */
export type SubmissionProgress = 'not_attempted' | 'attempted' | 'submitted';

/** Why an operator ends a case that cannot go on. A closed list: free text in events is where personal data leaks. */
export type EndReason =
  'tampering_suspected' | 'storage_failed' | 'restored_from_backup' | 'outside_service_gone' | 'fault_of_this_program';
export const END_REASONS = [
  'tampering_suspected',
  'storage_failed',
  'restored_from_backup',
  'outside_service_gone',
  'fault_of_this_program',
] as const satisfies readonly EndReason[];

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
        /** What certificate and face record both say, compared: outcomes only. */
        readonly agreement: CardAgreement;
        readonly otherCertificate: OtherCertificate;
        /** A tombstone was met: the registrant of this card, or of one before it, was erased, and there is no
         * registered image of a time after that. It says nothing of which registrant, which cases, or when. */
        readonly erasedBefore: boolean;
        readonly material: { readonly certificate: Commitment; readonly cardRecord: Commitment };
        /** Id of the sealed evidence in the vault, from which the verdict can be recomputed. */
        readonly sealedEvidenceId: string;
        /** SHA-256 of the sealed evidence, hex: its exact bytes. Null in events of before version 3, where its id alone
         * binds it. */
        readonly sealedEvidenceSha256: string | null;
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
        /** As in `CertificateVerified`; also null where nothing was kept. */
        readonly sealedEvidenceSha256: string | null;
      };
    }
  | {
      readonly type: 'CertificateCheckDeferred';
      readonly data: {
        readonly cause: UnknownCertificateCause | 'link_unknown';
        readonly attempt: number;
        readonly nextAttemptAtUtc: string;
      };
    }
  /** The same person. `on_hold` is followed by `Held` in the same append. */
  | {
      readonly type: 'FaceMatched';
      readonly data: FaceComparisonFacts & {
        readonly thresholdPoints: number;
        readonly confirmation: 'confirmed' | 'on_hold';
      };
    }
  /** Between the referral mark and the pass mark, under a policy that wants a person to look. Followed by `Held`. */
  | {
      readonly type: 'FaceReferred';
      readonly data: FaceComparisonFacts & { readonly thresholdPoints: number; readonly referralPoints: number };
    }
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
  | {
      readonly type: 'FaceComparisonDeferred';
      readonly data: {
        readonly cause: 'busy' | 'timeout' | 'worker_failed';
        readonly attempt: number;
        readonly nextAttemptAtUtc: string;
      };
    }
  | {
      readonly type: 'Held';
      readonly data: {
        readonly reason: HoldReason;
        readonly cardPoints: number;
        readonly registeredPoints: number | null;
        /** S(card) − S(registered), or null where there is no registered image. */
        readonly differencePoints: number | null;
        /** The set value that was reached: the hold margin, or the mark of the other reasons; null where the reason
         *  is none of points. */
        readonly boundPoints: number | null;
        readonly dueAtUtc: string;
      };
    }
  | { readonly type: 'HoldReleased'; readonly data: { readonly officers: readonly string[] } }
  | { readonly type: 'HoldRejected'; readonly data: { readonly officers: readonly string[] } }
  | { readonly type: 'RecaptureRequested'; readonly data: { readonly officers: readonly string[] } }
  | { readonly type: 'HoldExpired'; readonly data: { readonly dueAtUtc: string } }
  /** Stored before the call: after a crash we must know that the government may already have it. */
  | {
      readonly type: 'SubmissionAttempted';
      readonly data: {
        readonly submissionId: string;
        readonly attempt: number;
        readonly capturedAtUtc: string;
        readonly photo: Commitment;
      };
    }
  | {
      readonly type: 'SubmittedToGovernment';
      readonly data: {
        readonly submissionId: string;
        readonly attempt: number;
        readonly photo: Commitment;
        readonly capturedAtUtc: string;
      };
    }
  | {
      readonly type: 'SubmissionDeferred';
      readonly data: {
        readonly submissionId: string;
        readonly cause: string;
        readonly attempt: number;
        readonly nextAttemptAtUtc: string;
      };
    }
  | {
      readonly type: 'GovernmentAccepted';
      readonly data: { readonly submissionId: string; readonly reference: string };
    }
  | { readonly type: 'GovernmentRefused'; readonly data: { readonly submissionId: string; readonly reason: string } }
  /** REGISTRY_ONLY (claim 5): the photograph is kept as the registered image and nobody else gets it. */
  | { readonly type: 'KeptInRegistry'; readonly data: { readonly imageId: string; readonly photo: Commitment } }
  | { readonly type: 'RegistrationWithdrawn'; readonly data: { readonly by: string } }
  /** What is in the vault is not what was received. The case stops: nothing of it is judged, shown, kept or sent any
   * more. */
  | {
      readonly type: 'MaterialDiffered';
      readonly data: {
        readonly material: MaterialName;
        readonly difference: MaterialDifference;
        readonly foundAt: MaterialUse;
        readonly submission: SubmissionProgress;
      };
    }
  /** What was received is not in the vault any more, and nobody erased it. The case stops. */
  | {
      readonly type: 'MaterialMissing';
      readonly data: {
        readonly material: MaterialName;
        readonly foundAt: MaterialUse;
        readonly submission: SubmissionProgress;
      };
    }
  /** A case that cannot go on was ended. The holder is asked to come again, unless the case had an outcome before. */
  | {
      readonly type: 'RequestEndedByOperator';
      readonly data: {
        readonly cause: 'material_differed' | 'material_missing' | 'step_stuck';
        /** The step that waited for an operator; null where the case was stopped. */
        readonly stuckEffectId: string | null;
        readonly reason: EndReason;
        /** Where more is written about it: the number of an incident, a ticket, a file. */
        readonly reference: string;
        readonly by: string;
        /** How the case had been over before; the holder's answer stays then. */
        readonly earlierOutcome: ClosedOutcome | null;
      };
    }
  /** Comes after `CertificateRejected`, also of a case that ended before there was a retention: until when its sealed
   * evidence is kept. */
  | {
      readonly type: 'RefusedEvidenceRetained';
      readonly data: {
        readonly sealedEvidenceId: string;
        /** As the refusal states it. */
        readonly sealedEvidenceSha256: string | null;
        /** When `CertificateRejected` was recorded: from here the days are counted. */
        readonly refusedAtUtc: string;
        /** The policy's value at the time; a later policy does not change what was set. */
        readonly retentionDays: number;
        readonly eraseAtUtc: string;
      };
    }
  /** Key and bytes of the sealed evidence are gone. */
  | {
      readonly type: 'RefusedEvidenceErased';
      readonly data: {
        readonly sealedEvidenceId: string;
        /** As the refusal states it. */
        readonly sealedEvidenceSha256: string | null;
        readonly rule: 'retention_limit';
        /** When it was due. */
        readonly eraseAtUtc: string;
      };
    }
  /** The first and only event of a request that was never received. From here on it cannot be: its stream has begun.
   * What was sealed for it is destroyed after this event. */
  | {
      readonly type: 'RequestLapsed';
      readonly data: {
        /** `claim_not_completed`: it owned its key and died before it was received. `nobody_owns_it`: something of it
         * was in the vault, and no claim and no case was in the log. */
        readonly reason: 'claim_not_completed' | 'nobody_owns_it';
        /** When its key was claimed; null where nobody claimed it. */
        readonly claimedAtUtc: string | null;
      };
    };
