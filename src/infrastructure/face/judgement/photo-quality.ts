import type { NotComparableReason, PhotoQuality } from '../../../domain/values/face-comparison.js';
import { apply, compose, cutSquare, fitSimilarity, type Similarity } from '../engine/alignment.js';
import { detailFrame, detailShare } from '../image/detail-frame.js';
import type { EyesOpening } from './eye-opening.js';
import { judgeCover, type Covered } from './face-cover.js';
import type { AnalysedFace } from '../engine/face-engine.js';
import { headPose } from './head-pose.js';
import type { Point, RgbImage } from '../image/rgb-image.js';

/** Below (or beyond) these values a captured photograph is refused: no score could be trusted. The policy may ask for
 * more by the quality measures. */
export interface CaptureRules {
  /** Pixels between the eye centres. */
  readonly interEyeDistanceMin: number;
  /** Sharpness measure, 0..100. */
  readonly sharpnessMin: number;
  /** Degrees to either side, up or down. */
  readonly yawMax: number;
  readonly pitchMax: number;
  /** Degrees of the head's tilt in the picture, to either side: from here on it is not upright. Below it the policy may
   * ask for more by the measure HeadPoseRoll. */
  readonly rollRefusedFrom: number;
  /** How far the face's points may miss their places in the crop, as a share of its side: beyond, they do not form a
   * face. */
  readonly alignmentErrorMax: number;
  /** An eye is closed when its lids are closer than this and its upper lid hangs lower than this, both as shares of its
   * width (`EyeOpening`). A photograph is refused when both eyes are: one closed eye may be how the person looks. */
  readonly closedEye: { readonly gapBelow: number; readonly upperLidBelow: number };
  /** From here on it is taken for sure that both eyes, or the mouth, are covered (`Covered`, 0..1); from `doubt` on
   * nobody can tell. */
  readonly covered: { readonly eyes: number; readonly mouth: number; readonly doubt: number };
}

export const DEFAULT_CAPTURE_RULES: CaptureRules = {
  interEyeDistanceMin: 24,
  sharpnessMin: 14,
  yawMax: 40,
  pitchMax: 35,
  rollRefusedFrom: 20,
  alignmentErrorMax: 0.055,
  closedEye: { gapBelow: 0.14, upperLidBelow: 0.05 },
  covered: { eyes: 0.95, mouth: 0.98, doubt: 0.5 },
};

/** Measures that need networks which are not here; they are named so that nobody takes silence for a pass. */
const NOT_ASSESSED = [
  'UnifiedQualityScore',
  'BackgroundUniformity',
  'CompressionArtifacts',
  'ExpressionNeutrality',
  'NoHeadCoverings',
] as const;

/** What a photograph is worth by its measures, and what hides the face. */
export interface Measured {
  readonly quality: PhotoQuality;
  readonly covered: Covered;
}

/** Measures a photograph by the names and the 0..100 scale of ISO/IEC 29794-5, with the mappings of its reference code
 * OFIQ. 100 is best. Names that cannot be measured here are 'not_assessed', and so is whether eyes or mouth are open
 * behind what may cover them: the nets draw them there all the same. Deviations from OFIQ: docs/face.md.
 * @param faces all faces of the picture, the main one first
 * @param eyes of the main face, or null where nothing sees lids */
export function measureQuality(
  image: RgbImage,
  faces: readonly AnalysedFace[],
  eyes: EyesOpening | null,
  { covered: { doubt } }: Pick<CaptureRules, 'covered'>,
): Measured {
  const [face] = faces;
  if (!face) throw new Error('quality is measured on a face');
  const frame = faceFrame(image, face);
  const covered = judgeCover({ ...frame, eyes: FRAME_EYES, flag: face.flag, yaw: headPose(face).yaw });
  // Rounding takes no doubt away: what is doubted is below 50, which the default policy holds, and nothing else is.
  const seen = (chance: number): number => {
    const rounded = whole(100 * (1 - chance));
    return chance >= doubt ? Math.min(49, rounded) : Math.max(50, rounded);
  };
  const placed = composition(image, face);
  // A cheek outside the picture has no colour.
  const isCutOff = Math.min(placed['LeftwardCropOfTheFaceImage']!, placed['RightwardCropOfTheFaceImage']!) < 30;
  const quality: PhotoQuality = {
    ...Object.fromEntries(NOT_ASSESSED.map((name) => [name, 'not_assessed' as const])),
    ...placed,
    SingleFacePresent: singleFace(faces),
    ...pose(face),
    EyesOpen: eyes === null || covered.oneEye >= doubt ? 'not_assessed' : eyesOpen(face, eyes),
    MouthClosed: covered.mouth >= doubt ? 'not_assessed' : mouthClosed(face),
    EyesVisible: seen(covered.oneEye),
    MouthOcclusionPrevention: seen(covered.mouth),
    FaceOcclusionPrevention: seen(Math.max(covered.forehead, covered.half, covered.farHalf, covered.face)),
    ...light(frame),
    ...(isCutOff && { NaturalColour: 'not_assessed' as const }),
    Sharpness: sharpness(image, face),
  };
  return { quality, covered };
}

export interface CaptureRefusal {
  readonly reason: NotComparableReason;
  readonly detail: string;
}

interface Judged extends Measured {
  readonly face: AnalysedFace;
  readonly eyes: EyesOpening | null;
}

/** @param degrees how far the head is turned in the picture */
export function notUpright(degrees: number): CaptureRefusal {
  return { reason: 'not_upright', detail: `the head is turned by ${degrees.toFixed(0)} degrees in the picture` };
}

/** The policy says what becomes of such photographs; its defaults refuse them. */
const CANNOT_BE_JUDGED_BELOW = [
  ['UnderExposurePrevention', 20],
  ['OverExposurePrevention', 20],
  ['LeftwardCropOfTheFaceImage', 30],
  ['RightwardCropOfTheFaceImage', 30],
  ['MarginBelowOfTheFaceImage', 3],
] as const;

/** Whether the head is upright comes first: nets that know upright faces see closed eyes and blur in others.
 *  @returns why a captured photograph is refused, or null. */
export function captureRefusal({ face, quality, covered, eyes }: Judged, rules: CaptureRules): CaptureRefusal | null {
  const { yaw, pitch, roll } = headPose(face);
  if (Math.abs(roll) >= rules.rollRefusedFrom) return notUpright(roll);
  const value = (name: string): number => {
    const measure = quality[name];
    return typeof measure === 'number' ? measure : 100;
  };
  if (face.interEyeDistance < rules.interEyeDistanceMin)
    return {
      reason: 'face_too_small',
      detail: `the eyes are ${face.interEyeDistance.toFixed(0)} px apart, at least ${rules.interEyeDistanceMin} are needed`,
    };
  if (Math.abs(yaw) > rules.yawMax || Math.abs(pitch) > rules.pitchMax)
    return {
      reason: 'turned_away',
      detail: `the head is turned by ${yaw.toFixed(0)} and tilted by ${pitch.toFixed(0)} degrees`,
    };
  if (value('Sharpness') < rules.sharpnessMin)
    return {
      reason: 'too_blurred',
      detail: `sharpness ${value('Sharpness')} of 100, at least ${rules.sharpnessMin} is needed`,
    };
  if (face.alignmentError > rules.alignmentErrorMax)
    return {
      reason: 'too_blurred',
      detail: `the points of the face cannot be placed (they miss by ${(face.alignmentError * 100).toFixed(1)} % of the crop)`,
    };
  const sure = (chance: number): string => `${(chance * 100).toFixed(0)} of 100`;
  // Of a face that lies partly outside the picture, or has no light or too much, nothing else can be said.
  if (CANNOT_BE_JUDGED_BELOW.some(([measure, minimum]) => value(measure) < minimum)) return null;
  // Under a mask that reaches to the lids the eyes look strange as well: the surer of both is said.
  const [eyesHidden, mouthHidden] = [covered.bothEyes >= rules.covered.eyes, covered.mouth >= rules.covered.mouth];
  if (eyesHidden && !(mouthHidden && covered.mouth > covered.bothEyes)) {
    return { reason: 'eyes_covered', detail: `both eyes are covered (${sure(covered.bothEyes)})` };
  }
  if (mouthHidden) return { reason: 'mouth_covered', detail: `the mouth is covered (${sure(covered.mouth)})` };
  // Lids that nobody sees are not closed.
  if (covered.bothEyes >= rules.covered.doubt) return null;
  if (eyes !== null && isClosed(eyes.left, rules) && isClosed(eyes.right, rules)) {
    const percent = (share: number): string => `${(Math.max(0, share) * 100).toFixed(0)} %`;
    return {
      reason: 'eyes_closed',
      detail: `the lids are apart by ${percent(eyes.left.gap)} and ${percent(eyes.right.gap)} of the eyes' width, and the upper ones hang down to the corners`,
    };
  }
  return null;
}

function isClosed({ gap, upperLid }: EyesOpening['left'], { closedEye }: CaptureRules): boolean {
  return gap < closedEye.gapBelow && upperLid < closedEye.upperLidBelow;
}

/** 0..1, rising, one half at `x0`. */
function sigmoid(x: number, x0: number, w: number): number {
  return 1 / (1 + Math.exp((x0 - x) / w));
}

function whole(value: number): number {
  return Math.round(Math.min(100, Math.max(0, value)));
}

interface Composition {
  /** Middles between the eye corners, image-left and image-right. */
  leftEye: Point;
  rightEye: Point;
  middle: Point;
  eyeDistance: number;
  /** Distance from the eyes' middle to the chin, the unit T of the standard. */
  t: number;
}

function compositionOf({ landmarks }: Pick<AnalysedFace, 'landmarks'>): Composition {
  const between = (a: number, b: number): Point => midpoint(landmarks[a]!, landmarks[b]!);
  const [leftEye, rightEye] = [between(36, 39), between(42, 45)];
  const middle = midpoint(leftEye, rightEye);
  return { leftEye, rightEye, middle, eyeDistance: distance(leftEye, rightEye), t: distance(middle, landmarks[8]!) };
}

function composition(image: RgbImage, face: AnalysedFace): Record<string, number> {
  const { leftEye, rightEye, middle, eyeDistance, t } = compositionOf(face);
  const { yaw } = headPose(face);
  return {
    InterEyeDistance: whole(100 * sigmoid(eyeDistance / Math.cos((yaw * Math.PI) / 180), 70, 20)),
    HeadSize: whole(200 * (1 - sigmoid(Math.abs(t / image.height - 0.45), 0, 0.05))),
    LeftwardCropOfTheFaceImage: whole(100 * sigmoid(leftEye.x / eyeDistance, 0.9, 0.1)),
    RightwardCropOfTheFaceImage: whole(100 * sigmoid((image.width - rightEye.x) / eyeDistance, 0.9, 0.1)),
    MarginAboveOfTheFaceImage: whole(100 * sigmoid(middle.y / t, 1.4, 0.1)),
    MarginBelowOfTheFaceImage: whole(100 * sigmoid((image.height - middle.y) / t, 1.8, 0.1)),
  };
}

function singleFace(faces: readonly AnalysedFace[]): number {
  const areas = faces.map(({ box }) => box.width * box.height).sort((a, b) => b - a);
  const [first = 1, second = 0] = areas;
  return whole(100 * (1 - Math.sqrt(second / first)));
}

function pose(face: AnalysedFace): Record<string, number> {
  const { yaw, pitch, roll } = headPose(face);
  const share = (degrees: number): number => whole(100 * Math.cos((degrees * Math.PI) / 180) ** 2);
  return { HeadPoseYaw: share(yaw), HeadPosePitch: share(pitch), HeadPoseRoll: share(roll) };
}

/** The smaller eye's largest distance between the lids, over T. */
function eyesOpen(face: AnalysedFace, { left, right }: EyesOpening): number {
  return whole(100 * sigmoid(Math.min(left.gapPixels, right.gapPixels) / compositionOf(face).t, 0.02, 0.01));
}

/** Lips are read off the mesh, which follows an open mouth. */
function mouthClosed(face: AnalysedFace): number {
  const { t } = compositionOf(face);
  const point = (i: number): Point => ({ x: face.mesh[3 * i]!, y: face.mesh[3 * i + 1]! });
  const lips = Math.max(
    ...(
      [
        [13, 14],
        [82, 87],
        [312, 317],
      ] as const
    ).map(([a, b]) => distance(point(a), point(b))),
  );
  return whole(100 * (1 - sigmoid(lips / t, 0.2, 0.06)));
}

/** An upright square around the face in which the eyes are 80 px apart, so that measures do not depend on the picture's
 * size. */
interface FaceFrame {
  readonly side: number;
  readonly crop: Float32Array;
  /** Relative luminance 0..255 of each pixel. */
  readonly luminance: Uint8Array;
  /** Pixels inside the hull of the landmarks. */
  readonly inside: Uint32Array;
  readonly landmarks: readonly Point[];
  readonly mesh: (point: number) => Point;
}

const FRAME_SIDE = 224;
const FRAME_EYES: readonly [Point, Point] = [
  { x: 72, y: 84 },
  { x: 152, y: 84 },
];

function faceFrame(image: RgbImage, face: AnalysedFace): FaceFrame {
  const { leftEye, rightEye } = compositionOf(face);
  const toFrame: Similarity = compose({ a: 1, b: 0, tx: 0, ty: 0 }, fitSimilarity([leftEye, rightEye], FRAME_EYES));
  const crop = cutSquare(image, toFrame, FRAME_SIDE);
  const landmarks = face.landmarks.map((point) => apply(toFrame, point));
  const luminance = new Uint8Array(FRAME_SIDE * FRAME_SIDE);
  for (let i = 0; i < luminance.length; i += 1)
    luminance[i] = luminanceOf(crop[3 * i]!, crop[3 * i + 1]!, crop[3 * i + 2]!);
  return {
    side: FRAME_SIDE,
    crop,
    luminance,
    inside: pixelsInHull(landmarks, FRAME_SIDE),
    landmarks,
    mesh: (i) => apply(toFrame, { x: face.mesh[3 * i]!, y: face.mesh[3 * i + 1]! }),
  };
}

const LINEAR = Float64Array.from({ length: 256 }, (_, value) => linear(value / 255));

/** sRGB to linear light (IEC 61966-2-1). */
function linear(value: number): number {
  return value > 0.04045 ? ((value + 0.055) / 1.055) ** 2.4 : value / 12.92;
}

function luminanceOf(r: number, g: number, b: number): number {
  const y = 0.2126 * LINEAR[Math.round(r)]! + 0.7152 * LINEAR[Math.round(g)]! + 0.0722 * LINEAR[Math.round(b)]!;
  return Math.floor(y * 255 + 0.5);
}

function light(frame: FaceFrame): Record<string, number | 'not_assessed'> {
  const histogram = normalisedHistogram(frame.luminance, frame.inside);
  const mean = histogram.reduce((sum, share, i) => sum + (share * i) / 255, 0);
  const variance = histogram.reduce((sum, share, i) => sum + share * (i / 255 - mean) ** 2, 0);
  const entropy = -histogram.reduce((sum, share) => sum + (share > 0 ? share * Math.log2(share) : 0), 0);
  const dynamicRange = whole(12.5 * entropy);
  const shareOf = (from: number, to: number): number =>
    histogram.slice(from, to + 1).reduce((sum, share) => sum + share, 0);
  return {
    LuminanceMean: whole(100 * sigmoid(mean, 0.2, 0.05) * (1 - sigmoid(mean, 0.8, 0.05))),
    LuminanceVariance: whole(100 * Math.sin(((60 * variance) / (60 * variance + 1)) * Math.PI)),
    DynamicRange: dynamicRange,
    UnderExposurePrevention: underExposurePrevention(shareOf(0, 25), dynamicRange),
    OverExposurePrevention: whole(1 / (shareOf(247, 255) + 0.01)),
    ...cheeks(frame),
  };
}

/** A face without light has hardly any shades left, while dark skin and a dim booth keep theirs: the share of dark
 * pixels alone, which is the standard's measure, calls those under-exposed as well. The better of both counts. */
function underExposurePrevention(darkShare: number, dynamicRange: number): number {
  return whole(
    Math.max(120 * (0.832 - sigmoid(darkShare, 0.92, 0.05)), 100 * sigmoid(dynamicRange, SHADES.x0, SHADES.w)),
  );
}

/** DynamicRange of 100 photographs: darkened by a gamma of 2.2 48 at least, with 6 to 12 % of the light 20 at most. */
const SHADES = { x0: 33, w: 3 };

/** Two squares below the eyes, on the cheeks: their light should agree, and their colour be that of skin. */
function cheeks(frame: FaceFrame): Record<string, number | 'not_assessed'> {
  const [left, right] = FRAME_EYES;
  const size = Math.floor(0.3 * (right.x - left.x));
  const mouth = midpoint(frame.landmarks[62]!, frame.landmarks[66]!);
  const top = Math.round(left.y + Math.max(0, mouth.y - left.y) / 2);
  const square = (x0: number): Uint32Array =>
    Uint32Array.from(
      { length: size * size },
      (_, i) => Math.min(frame.side - 1, top + Math.floor(i / size)) * frame.side + x0 + (i % size),
    );
  const [onLeft, onRight] = [square(left.x - size), square(right.x)];
  const [a, b] = [normalisedHistogram(frame.luminance, onLeft), normalisedHistogram(frame.luminance, onRight)];
  const shared = a.reduce((sum, share, i) => sum + Math.min(share, b[i]!), 0);
  return { IlluminationUniformity: whole(100 * shared ** 0.3), NaturalColour: naturalColour(frame, [onLeft, onRight]) };
}

/** Distance of the cheeks' mean colour from the range of skin in CIELAB. A grey picture has no colour to judge. */
function naturalColour({ crop }: FaceFrame, areas: readonly Uint32Array[]): number | 'not_assessed' {
  const sum = [0, 0, 0];
  let colourful = 0;
  let count = 0;
  for (const area of areas) {
    for (let k = 0; k < area.length; k += 1) {
      const at = 3 * area[k]!;
      const r = crop[at]!;
      const g = crop[at + 1]!;
      const b = crop[at + 2]!;
      sum[0]! += r;
      sum[1]! += g;
      sum[2]! += b;
      count += 1;
      colourful = Math.max(colourful, Math.max(r, g, b) - Math.min(r, g, b));
    }
  }
  if (count === 0 || colourful < 4) return 'not_assessed';
  const [a, b] = labOf(sum.map((total) => total / count / 255));
  const outside = (value: number, from: number, to: number): number => Math.max(0, from - value, value - to);
  const away = a >= 0 && b >= 0 ? Math.hypot(outside(a, 5, 25), outside(b, 5, 35)) : 100;
  return whole(200 * (1 - sigmoid(away, 0, 10)));
}

/** a* and b* (CIE 15, white point D50). */
function labOf([r = 0, g = 0, b = 0]: readonly number[]): [number, number] {
  const [rl, gl, bl] = [linear(r), linear(g), linear(b)];
  const f = (value: number): number => (value <= 216 / 24389 ? ((24389 / 27) * value + 16) / 116 : Math.cbrt(value));
  const x = f((rl * 0.43605 + gl * 0.38508 + bl * 0.14309) / 0.964221);
  const y = f(rl * 0.22249 + gl * 0.71689 + bl * 0.06062);
  const z = f((rl * 0.01393 + gl * 0.0971 + bl * 0.71419) / 0.825211);
  return [500 * (x - y), 200 * (y - z)];
}

/** Stand-in for OFIQ's trained classifier: fine detail over coarser detail, both at a fixed distance of the eyes, so
 * that neither the picture's size nor the light counts. Blurring sample photographs places the scale: 50 is a blur
 * whose standard deviation is 4 % of the eye distance, the default limit of 14 one of 6 to 7 %, which moves an
 * embedding by half of what two people differ. */
function sharpness(image: RgbImage, face: AnalysedFace): number {
  return whole(100 * sigmoid(Math.log(detailShare(detailFrame(image, face))), SHARPNESS.x0, SHARPNESS.w));
}

const SHARPNESS = { x0: -2.75, w: 0.3 };

function normalisedHistogram(values: Uint8Array, pixels: Uint32Array): Float64Array {
  const histogram = new Float64Array(256);
  for (let k = 0; k < pixels.length; k += 1) histogram[values[pixels[k]!]!]! += 1;
  return pixels.length === 0 ? histogram : histogram.map((count) => count / pixels.length);
}

/** Pixels inside the convex hull of the points, row by row between the hull's left and right edge. */
function pixelsInHull(points: readonly Point[], side: number): Uint32Array {
  const hull = convexHull(points);
  const pixels = new Uint32Array(side * side);
  let count = 0;
  for (let y = 0; y < side; y += 1) {
    let left = Infinity;
    let right = -Infinity;
    for (let i = 0; i < hull.length; i += 1) {
      const p = hull[i]!;
      const q = hull[i + 1 < hull.length ? i + 1 : 0]!;
      if (Math.min(p.y, q.y) > y || Math.max(p.y, q.y) < y) continue;
      // A level edge lies wholly on the row; its ends belong to its neighbours as well.
      const x = p.y === q.y ? p.x : p.x + ((y - p.y) / (q.y - p.y)) * (q.x - p.x);
      left = Math.min(left, x);
      right = Math.max(right, x);
    }
    const last = Math.min(side - 1, Math.floor(right));
    for (let x = Math.max(0, Math.ceil(left)); x <= last; x += 1) pixels[count++] = y * side + x;
  }
  return pixels.subarray(0, count);
}

/** Corners of the convex hull (Andrew's monotone chain). */
function convexHull(points: readonly Point[]): Point[] {
  const sorted = [...points].sort((a, b) => a.x - b.x || a.y - b.y);
  const half = (ordered: readonly Point[]): Point[] => {
    const chain: Point[] = [];
    for (const p of ordered) {
      while (chain.length >= 2 && turn(chain.at(-2)!, chain.at(-1)!, p) <= 0) chain.pop();
      chain.push(p);
    }
    return chain.slice(0, -1);
  };
  return [...half(sorted), ...half([...sorted].reverse())];
}

/** Positive where a, b, c turn left (with y upwards). */
function turn(a: Point, b: Point, c: Point): number {
  return (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
}

function midpoint(a: Point, b: Point): Point {
  return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
}

function distance(a: Point, b: Point): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}
