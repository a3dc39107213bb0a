import type { CertificateType } from '../values/certificate-status.js';

/** Every value that a rule uses. Thresholds are points 0..10000; durations say their unit. */
export type PolicyValues = {
  /** S(captured, card) at or above this is the same person (R8, A5). */
  readonly cardMatchPointsMin: number;
  /** From here up to `cardMatchPointsMin` (exclusive) a person should look; equal to it: no such band. */
  readonly referralPointsMin: number;
  /** Whether the band above leads to a hold. Off: such a face does not match. */
  readonly holdInReferralBand: boolean;
  /** Claim 4: S(card) − S(registered) at or above this is held. */
  readonly holdMarginPoints: number;
  /** S(captured, registered) below this is noted, and held only with the next switch (A8). */
  readonly registeredMatchPointsMin: number;
  readonly holdOnRegisteredMismatch: boolean;
  /** Whether frames that show another person than the photograph, or a turn that was not followed, lead to a hold.
   * Hints, no attack detection: off by default. */
  readonly holdOnFramesInconsistent: boolean;
  /** Whether a certificate of which nobody can tell that it is of the card whose face was compared leads to a hold. A
   * contradiction always does. Off by default: a certificate of user authentication says nothing that could be
   * compared, and few authorities can be asked. */
  readonly holdOnCardUnconfirmed: boolean;
  /** Types of certificate that are accepted where no authority tells which two certificates are on one card. With both
   * of them the two certificates of a card would be two registrants. */
  readonly certificateTypesWithoutSameCard: readonly CertificateType[];
  /** Whether a person without a registered image has to come with the signing certificate, which names more of the
   * holder. */
  readonly signingCertificateAtFirstRegistration: boolean;
  /** Measure (ISO/IEC 29794-5 name) → 0..100: a captured photograph below it in a measure that was assessed gives no
   * score, and the holder comes again. */
  readonly photoQualityMin: Readonly<Record<string, number>>;
  /** Measure → 0..100: a captured photograph below it, or one of which the measure could not be assessed, is held for
   * two officers. */
  readonly photoQualityHoldBelow: Readonly<Record<string, number>>;
  /** A hold that nobody resolves expires after this time, which rejects and erases the case (A10). */
  readonly holdDueHours: number;
  /** A case that is open for longer needs a person: the server says so until it is over. More than the longest hold, or
   * every hold would alarm. */
  readonly caseOpenHoursMax: number;
  /** The sealed evidence of a refused certificate is erased so many days after the refusal. It has no registrant with
   * whom it could go. */
  readonly refusedEvidenceRetentionDays: number;
  /** For so many days after an erasure a card of the person is answered "erased before", and its registration held:
   * else an erasure would take away what claim 4 compares with. 0: never. */
  readonly erasedBeforeDays: number;
  /** So long can what two people agreed to still be declined before it is carried out: the erasure of a person, the key
   * of a booth. */
  readonly dualControlWaitMinutes: number;
  /** How far the booth's clock may be ahead of ours. */
  readonly clockSkewSecondsMax: number;
  /** How old a capture may be when it arrives. */
  readonly captureAgeMinutesMax: number;
  readonly challengeLifetimeSeconds: number;
  readonly photoBytesMax: number;
  /** Versions of the consent text that booths may show. */
  readonly consentTextVersions: readonly string[];
  readonly retry: {
    readonly firstDelaySeconds: number;
    readonly delaySecondsMax: number;
    /** Attempts of one step before an operator is asked (`Stuck`). */
    readonly attemptsMax: number;
  };
};

/** What other values would have done to the history, signed by the audit log: the statement (a note) and the digest of
 * the whole report. */
export type AttachedReport = { readonly sha256: string; readonly note: string };

export type PolicyEvent =
  | {
      readonly type: 'PolicyProposed';
      readonly data: {
        readonly version: number;
        readonly values: PolicyValues;
        readonly proposedBy: string;
        /** The report that the proposer attached. */
        readonly report: AttachedReport | null;
        /** The version that the proposer changed; null: none was in force, or nobody said so. */
        readonly basedOn: number | null;
      };
    }
  | { readonly type: 'PolicyApproved'; readonly data: { readonly version: number; readonly approvedBy: string } }
  | { readonly type: 'PolicyActivated'; readonly data: { readonly version: number; readonly activatedBy: string } };
