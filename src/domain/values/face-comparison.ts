/** Names the model set that made a score: scores of different algorithms are never compared. */
export interface FaceAlgorithm {
  readonly id: string;
  /** Version of the pipeline and model set, e.g. `1.0.0+<first 12 hex of the manifest's SHA-256>`. */
  readonly version: string;
}

/** Why an image gives no score. Stated refusals, not errors. */
export type NotComparableReason =
  | 'no_face'
  | 'several_faces'
  | 'face_too_small'
  | 'too_blurred'
  | 'turned_away'
  /** The head, or the whole picture, lies on its side or stands on its head. */
  | 'not_upright'
  | 'eyes_closed'
  | 'eyes_covered'
  | 'mouth_covered'
  /** The photograph shows a print, or has a border. */
  | 'printed_frame'
  | 'unreadable_image'
  | 'image_too_large'
  /** A measure of its quality is below the minimum that the policy sets. */
  | 'poor_quality';

/** The measures' names, in the order of ISO/IEC 29794-5: from the whole picture to the parts of the face. */
export const PHOTO_MEASURES = [
  'UnifiedQualityScore',
  'BackgroundUniformity',
  'IlluminationUniformity',
  'LuminanceMean',
  'LuminanceVariance',
  'UnderExposurePrevention',
  'OverExposurePrevention',
  'DynamicRange',
  'Sharpness',
  'CompressionArtifacts',
  'NaturalColour',
  'SingleFacePresent',
  'EyesOpen',
  'MouthClosed',
  'EyesVisible',
  'MouthOcclusionPrevention',
  'FaceOcclusionPrevention',
  'InterEyeDistance',
  'HeadSize',
  'LeftwardCropOfTheFaceImage',
  'RightwardCropOfTheFaceImage',
  'MarginAboveOfTheFaceImage',
  'MarginBelowOfTheFaceImage',
  'HeadPoseYaw',
  'HeadPosePitch',
  'HeadPoseRoll',
  'ExpressionNeutrality',
  'NoHeadCoverings',
] as const;
export type PhotoMeasure = (typeof PHOTO_MEASURES)[number];

/** Measures by their ISO/IEC 29794-5 (OFIQ) names: 0..100, or 'not_assessed' where no means exist here. */
export type PhotoQuality = Readonly<Record<string, number | 'not_assessed'>>;

/** The way that a person is asked to turn the head. Left and right are the person's own. */
export type HeadTurn = 'turn-left' | 'turn-right';
export const HEAD_TURNS = ['turn-left', 'turn-right'] as const satisfies readonly HeadTurn[];

/** What the booth's further frames say beside the photograph. Closed facts; the measures behind them are not kept. */
export interface FrameFacts {
  /** Frames besides the photograph that were judged; all that came, where too few could be used. */
  readonly count: number;
  /** Every frame shows the person of the photograph. */
  readonly samePerson: boolean | 'not_assessed';
  /** The pictures differ from one to the next, as those of a live camera do. */
  readonly movement: boolean | 'not_assessed';
  /** The head turned the way that the challenge asked for. */
  readonly promptFollowed: boolean | 'not_assessed';
}

/** Hints about presence. Hints: none of them is attack detection. */
export interface PresenceSignals {
  /** The photograph is the card's photograph, or a near copy of it. 'not_assessed' where it was not measured. */
  readonly nearDuplicateOfCard: boolean | 'not_assessed';
  /** The photograph is an earlier submission, or a near copy of it. */
  readonly nearDuplicateOfRegistered: boolean | 'not_assessed';
  /** 'not_assessed' where the booth sent no frames. */
  readonly frames: FrameFacts | 'not_assessed';
}

/** What a picture is worth to a comparer, measured on the face and given in whole numbers, so that what follows from it
 * can be reckoned again anywhere. The same for a photograph, a card's picture and a registered image. */
export type PictureMeasures = {
  /** Pixels between the eye centres. */
  readonly eyeDistance: number;
  /** Fine detail over coarser detail with the eyes 40 px apart: hundredths of a natural logarithm, about -160 when
   * sharp and -320 when blurred by 6 % of the eye distance. */
  readonly detail: number;
  /** The middle fine detail over the coarser detail's mean, on the same scale: edges are few, noise is everywhere. */
  readonly noise: number;
  /** Steps across the borders of JPEG's blocks beyond those beside them, in hundredths of the mean step; 0 for none. */
  readonly blocks: number;
  /** Standard deviation and mean of the face's grey levels, 0..255. */
  readonly contrast: number;
  readonly light: number;
  readonly isGrey: boolean;
};

/** How distances become points. `slope` and `offset` are those of the model set's curve, times 10,000. */
export type ScoringRule = {
  /** Name of the weights by which a picture's measures count (`quality-weights.ts`); 'none' where they do not. */
  readonly quality: string;
  readonly slope: number;
  readonly offset: number;
};

/** What the points of a comparison are reckoned from. */
export type ScoreEvidence = {
  readonly scoring: ScoringRule;
  readonly captured: PictureMeasures;
  readonly card: MeasuredDistance;
  /** null exactly where nothing registered was compared. */
  readonly registered: MeasuredDistance | null;
};

export type MeasuredDistance = {
  /** Distance of the photograph from this picture, times 10,000. */
  readonly distance: number;
  readonly measures: PictureMeasures;
};

export const PICTURE_DOUBTS = ['soft', 'small', 'grey', 'noisy', 'compressed', 'flat', 'dark'] as const;
/** Why a picture makes a score less certain. */
export type PictureDoubt = {
  readonly image: 'captured' | 'card' | 'registered';
  readonly doubt: (typeof PICTURE_DOUBTS)[number];
};
