import type { PolicyValues } from '../policy/policy.events.js';
import {
  PHOTO_MEASURES,
  type NotComparableReason,
  type PhotoMeasure,
  type PhotoQuality,
} from '../values/face-comparison.js';
import type { InWords } from './explain-score.js';
import { doubtfulMeasure, poorMeasure } from './photo-quality.policy.js';

/** What a booth tells the person before the photograph is sent. Nothing in it says whom the photograph shows. */
export interface PhotoGuidance {
  /** Whether the photograph would be compared at all. It says nothing about the outcome. */
  readonly usable: boolean;
  /** Whether two officers would look at it before it is used, because something about it cannot be told. */
  readonly review: boolean;
  /** Why it would not be compared. */
  readonly reasons: readonly { readonly reason: NotComparableReason; readonly hint: InWords }[];
  /** What could be better, worst first, also in a usable photograph. Values 0..100. */
  readonly guidance: readonly { readonly measure: PhotoMeasure; readonly value: number; readonly hint: InWords }[];
}

/** Below this a measure is worth a word to the person, whatever the policy asks for. */
export const GUIDANCE_BELOW = 30;

type Asked = Pick<PolicyValues, 'photoQualityMin' | 'photoQualityHoldBelow'>;

/** Puts measurements into words for the person at the booth.
 *  @param reasons what the comparison would refuse the photograph for
 *  @param quality measures by their ISO/IEC 29794-5 names, 0..100; what was not assessed is not mentioned */
export function photoGuidance(
  { reasons, quality }: { readonly reasons: readonly NotComparableReason[]; readonly quality: PhotoQuality },
  policy: Asked,
): PhotoGuidance {
  const all = poorMeasure(quality, policy) === null ? reasons : [...reasons, 'poor_quality' as const];
  const guidance = PHOTO_MEASURES.flatMap((measure) => {
    const value = quality[measure];
    const wanted = Math.max(
      GUIDANCE_BELOW,
      policy.photoQualityMin[measure] ?? 0,
      policy.photoQualityHoldBelow[measure] ?? 0,
    );
    return typeof value === 'number' && value < wanted ? [{ measure, value, hint: MEASURE_HINTS[measure] }] : [];
  });
  const usable = all.length === 0;
  return {
    usable,
    review: usable && doubtfulMeasure(quality, policy) !== null,
    reasons: all.map((reason) => ({ reason, hint: REASON_HINTS[reason] })),
    guidance: guidance.sort((a, b) => a.value - b.value),
  };
}

const REASON_HINTS: Readonly<Record<NotComparableReason, InWords>> = {
  no_face: {
    ja: '顔が写っていません。カメラの正面に座ってください。',
    en: 'No face was found. Sit in front of the camera.',
  },
  several_faces: {
    ja: '複数の顔が写っています。一人だけで撮影してください。',
    en: 'Several faces were found. Only one person may be in the picture.',
  },
  face_too_small: {
    ja: '顔が小さすぎます。カメラに近づいてください。',
    en: 'The face is too small. Come closer to the camera.',
  },
  too_blurred: { ja: '写真がぼやけています。動かずに撮影してください。', en: 'The picture is blurred. Hold still.' },
  turned_away: { ja: '顔が横を向いています。正面を向いてください。', en: 'The face is turned away. Face the camera.' },
  not_upright: {
    ja: '顔が傾いています。頭をまっすぐにし、写真の向きを確かめてください。',
    en: 'The head is not upright. Hold it straight, and check which way up the picture is.',
  },
  eyes_closed: { ja: '目が閉じています。目を開けてください。', en: 'The eyes are closed. Open them.' },
  eyes_covered: {
    ja: '目が隠れています。サングラスや髪などを外してください。',
    en: 'The eyes are covered. Take off sunglasses and whatever else covers them.',
  },
  mouth_covered: {
    ja: '口が隠れています。マスクや手などを外してください。',
    en: 'The mouth is covered. Take off the mask, and keep hands and cloth away from it.',
  },
  printed_frame: {
    ja: '写真に縁が写っています。印刷物ではなく、ご本人を縁なしで撮影してください。',
    en: 'There is a border around the picture. Photograph the person, not a print, and without a border.',
  },
  unreadable_image: {
    ja: '写真を読み取れません。もう一度撮影してください。',
    en: 'The picture cannot be read. Take it again.',
  },
  image_too_large: {
    ja: '写真の画素数が大きすぎます。ブースの設定を確認してください。',
    en: 'The picture has too many pixels. Check the settings of the booth.',
  },
  poor_quality: {
    ja: '写真の質が足りません。案内に従ってもう一度撮影してください。',
    en: 'The quality is not enough. Follow the guidance and take it again.',
  },
};

const MEASURE_HINTS: Readonly<Record<PhotoMeasure, InWords>> = {
  UnifiedQualityScore: { ja: 'もう一度撮影してください。', en: 'Take the photograph again.' },
  BackgroundUniformity: { ja: '背景を無地にしてください。', en: 'Use a plain background.' },
  IlluminationUniformity: {
    ja: '顔の左右に同じように光が当たるようにしてください。',
    en: 'Light both sides of the face alike.',
  },
  LuminanceMean: { ja: '照明の明るさを調整してください。', en: 'Adjust the brightness of the light.' },
  LuminanceVariance: {
    ja: '顔に強い影や光が当たらないようにしてください。',
    en: 'Avoid hard shadow and glare on the face.',
  },
  UnderExposurePrevention: { ja: 'もう少し明るくしてください。', en: 'Make it brighter.' },
  OverExposurePrevention: {
    ja: '光が強すぎます。少し暗くしてください。',
    en: 'There is too much light; make it darker.',
  },
  DynamicRange: { ja: '逆光や暗すぎる照明を避けてください。', en: 'Avoid light from behind and dim light.' },
  Sharpness: { ja: '動かずに、カメラのピントを合わせてください。', en: 'Hold still, and focus the camera.' },
  CompressionArtifacts: { ja: '画像の圧縮を弱くしてください。', en: 'Compress the picture less.' },
  NaturalColour: { ja: '色のついた照明を避けてください。', en: 'Avoid coloured light.' },
  SingleFacePresent: { ja: '一人だけで撮影してください。', en: 'Only one person may be in the picture.' },
  EyesOpen: { ja: '目を開けてください。', en: 'Open your eyes.' },
  MouthClosed: { ja: '口を閉じてください。', en: 'Close your mouth.' },
  EyesVisible: { ja: '髪や眼鏡で目が隠れないようにしてください。', en: 'Keep hair and glasses off the eyes.' },
  MouthOcclusionPrevention: { ja: 'マスクなどを外してください。', en: 'Take off anything that covers the mouth.' },
  FaceOcclusionPrevention: { ja: '顔を覆うものを外してください。', en: 'Take off anything that covers the face.' },
  InterEyeDistance: { ja: 'もう少しカメラに近づいてください。', en: 'Come closer to the camera.' },
  HeadSize: { ja: 'カメラとの距離を調整してください。', en: 'Change the distance to the camera.' },
  LeftwardCropOfTheFaceImage: { ja: '顔を画面の中央に合わせてください。', en: 'Move to the middle of the picture.' },
  RightwardCropOfTheFaceImage: { ja: '顔を画面の中央に合わせてください。', en: 'Move to the middle of the picture.' },
  MarginAboveOfTheFaceImage: { ja: '頭の上に余白ができるようにしてください。', en: 'Leave room above the head.' },
  MarginBelowOfTheFaceImage: { ja: '顔の下に余白ができるようにしてください。', en: 'Leave room below the face.' },
  HeadPoseYaw: { ja: '顔を正面に向けてください。', en: 'Face the camera.' },
  HeadPosePitch: {
    ja: 'あごを上げすぎたり下げすぎたりしないでください。',
    en: 'Look straight ahead, neither up nor down.',
  },
  HeadPoseRoll: { ja: '頭をまっすぐにしてください。', en: 'Hold your head upright.' },
  ExpressionNeutrality: { ja: '自然な表情にしてください。', en: 'Keep a neutral expression.' },
  NoHeadCoverings: { ja: '帽子などを外してください。', en: 'Take off your hat.' },
};
