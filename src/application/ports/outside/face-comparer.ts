import type {
  FaceAlgorithm,
  HeadTurn,
  NotComparableReason,
  PhotoQuality,
  PresenceSignals,
  ScoreEvidence,
} from '../../../domain/values/face-comparison.js';

/** One comparison. Images are the encoded bytes as received or as kept in the vault. */
export interface FaceComparisonRequest {
  /** The photograph from the booth: JPEG or PNG. */
  readonly captured: Uint8Array;
  /** The face image out of the verified card record: JPEG 2000 (JP2), grey or colour. */
  readonly card: Uint8Array;
  /** The registered face image to compare with, or null at a first registration. */
  readonly registered: Uint8Array | null;
  /** Further frames from the booth, at most 4, in their order; JPEG. Absent or empty: none. */
  readonly frames?: readonly Uint8Array[];
  /** The turn of the head that was asked for between the photograph and the last frame. */
  readonly prompt?: HeadTurn;
}

export type FaceComparison =
  | {
      readonly outcome: 'compared';
      /** S(captured, card), points 0..10000. */
      readonly cardPoints: number;
      /** S(captured, registered), points 0..10000, same algorithm and scale; null exactly when `registered` was
       * null. */
      readonly registeredPoints: number | null;
      /** What the points are reckoned from; null or absent where the comparer states points alone. */
      readonly evidence?: ScoreEvidence | null;
      readonly algorithm: FaceAlgorithm;
      readonly quality: PhotoQuality;
      readonly signals: PresenceSignals;
    }
  | {
      readonly outcome: 'not_comparable';
      readonly image: 'captured' | 'card' | 'registered';
      readonly reason: NotComparableReason;
      readonly algorithm: FaceAlgorithm;
      /** What is wrong with a picture that cannot be read, for the operator's log; nothing that the picture shows. */
      readonly detail?: string;
    }
  | { readonly outcome: 'unknown'; readonly cause: 'busy' | 'timeout' | 'worker_failed'; readonly detail: string };

/** What can be said about one photograph by itself. */
export type PhotoAssessment =
  | {
      readonly outcome: 'assessed';
      /** What a capture would be refused for; empty where it would be compared. */
      readonly reasons: readonly NotComparableReason[];
      /** Empty where no face could be measured. */
      readonly quality: PhotoQuality;
    }
  | { readonly outcome: 'unknown'; readonly cause: 'busy' | 'timeout' | 'worker_failed'; readonly detail: string };

/** Compares faces. Runs off the event loop; a full queue is `unknown('busy')`, which the saga retries. @req R7 R13 */
export abstract class FaceComparer {
  abstract algorithm(): FaceAlgorithm;
  /** @throws only on a bug; every property of an image is an outcome. */
  abstract compare(request: FaceComparisonRequest): Promise<FaceComparison>;
  /** Measures a photograph without comparing it. Nothing of it is kept. @throws only on a bug. */
  abstract assess(photo: Uint8Array): Promise<PhotoAssessment>;
}
