import type { FaceComparisonRequest } from '../../application/ports/face-comparer.js';
import type { NotComparableReason, PhotoQuality, PresenceSignals } from '../../domain/values/face-comparison.js';
import { distanceOf, pointsOf } from './calibration.js';
import type { AnalysedFace, FaceEngine, PrimaryRule } from './face-engine.js';
import { assessFrames, type FrameSignals, type MeasuredFrame, type Prompt } from './frame-sequence.js';
import { headPose } from './head-pose.js';
import { decodeImage, encodePng, type ImageLimits } from './image-decoder.js';
import { ImageTooLarge, UnreadableImage } from './image-header.js';
import { captureRefusal, measureQuality, type CaptureRules } from './photo-quality.js';
import { PERIODIC_MIN, periodicStrength } from './periodic-pattern.js';
import { isNearDuplicate, normalisedSmallGrey } from './presence-signals.js';
import type { Box, RgbImage } from './rgb-image.js';

/** What a face worker can be asked. */
export type FaceJob = { readonly kind: 'compare'; readonly request: FaceComparisonRequest } | { readonly kind: 'analyse'; readonly image: Uint8Array; readonly primary: PrimaryRule; readonly quality: boolean } | { readonly kind: 'frames'; readonly frames: readonly Uint8Array[]; readonly prompt: Prompt } | { readonly kind: 'render'; readonly image: Uint8Array };

export type FaceJobResult = CompareResult | AnalyseResult | FramesResult | RenderResult;

export type RenderResult = { readonly kind: 'rendered'; readonly png: Uint8Array } | { readonly kind: 'unusable'; readonly reason: NotComparableReason; readonly detail: string };

export type FramesResult = { readonly kind: 'assessed'; readonly signals: FrameSignals } | { readonly kind: 'unusable_frame'; readonly frame: number; readonly reason: NotComparableReason; readonly detail: string };

export type CompareResult =
  | {
      readonly kind: 'compared';
      readonly cardDistance: number;
      readonly cardPoints: number;
      readonly registeredDistance: number | null;
      readonly registeredPoints: number | null;
      readonly quality: PhotoQuality;
      readonly signals: PresenceSignals;
    }
  | { readonly kind: 'refused'; readonly image: 'captured' | 'card' | 'registered'; readonly reason: NotComparableReason; readonly detail: string };

export type AnalyseResult =
  | {
      readonly kind: 'analysed';
      readonly width: number;
      readonly height: number;
      readonly faces: readonly { readonly box: Box; readonly score: number; readonly flag: number; readonly interEyeDistance: number }[];
      readonly embedding: Float32Array;
      /** Empty where it was not asked for. */
      readonly quality: PhotoQuality;
      /** Whether a regular fine pattern lies over the face, as on a screen or a coarse print; 'not_assessed' also without quality. */
      readonly periodicPattern: boolean | 'not_assessed';
      /** Time that decoding, finding, aligning and embedding took, without waiting. */
      readonly elapsedMs: number;
      /** What a capture from the booth would be refused for; null as well where quality was not asked for. */
      readonly captureRefusal: NotComparableReason | null;
    }
  | { readonly kind: 'unusable'; readonly reason: NotComparableReason; readonly detail: string };

export interface FaceRules {
  readonly limits: ImageLimits;
  readonly capture: CaptureRules;
  /** Another face counts when its box is at least this share as wide as the main one's. */
  readonly otherFaceShareMin: number;
}

/** A picture that gives no score, with the reason that the port states. */
class Refused extends Error {
  constructor(
    readonly reason: NotComparableReason,
    detail: string,
  ) {
    super(detail);
  }
}

interface Subject {
  readonly image: RgbImage;
  readonly faces: readonly AnalysedFace[];
  readonly face: AnalysedFace;
}

/** Carries out one job. Every property of a picture is a result; only a bug throws. */
export async function performFaceJob(engine: FaceEngine, rules: FaceRules, job: FaceJob): Promise<FaceJobResult> {
  switch (job.kind) {
    case 'compare':
      return compare(engine, rules, job.request);
    case 'analyse':
      return analyse(engine, rules, job);
    case 'frames':
      return assess(engine, rules, job);
    case 'render':
      return render(rules, job.image);
  }
}

async function compare(engine: FaceEngine, rules: FaceRules, request: FaceComparisonRequest): Promise<CompareResult> {
  let looking: 'captured' | 'card' | 'registered' = 'captured';
  try {
    const captured = await onlyFace(engine, rules, request.captured);
    const quality = measureQuality(captured.image, captured.faces);
    const refusal = captureRefusal(captured.face, quality, rules.capture);
    if (refusal) throw new Refused(refusal.reason, refusal.detail);
    looking = 'card';
    const card = await onlyFace(engine, rules, request.card);
    looking = 'registered';
    const registered = request.registered === null ? null : await onlyFace(engine, rules, request.registered);
    return await score(engine, { captured, card, registered, quality });
  } catch (error) {
    if (error instanceof Refused) return { kind: 'refused', image: looking, reason: error.reason, detail: error.message };
    throw error;
  }
}

async function score(engine: FaceEngine, { captured, card, registered, quality }: { captured: Subject; card: Subject; registered: Subject | null; quality: PhotoQuality }): Promise<CompareResult> {
  const { distance, calibration } = engine.set;
  const embedding = await engine.embed(captured.image, captured.face);
  const distanceTo = async (other: Subject): Promise<number> => distanceOf(embedding, await engine.embed(other.image, other.face), distance);
  const cardDistance = await distanceTo(card);
  const registeredDistance = registered ? await distanceTo(registered) : null;
  return {
    kind: 'compared',
    cardDistance,
    cardPoints: pointsOf(cardDistance, calibration),
    registeredDistance,
    registeredPoints: registeredDistance === null ? null : pointsOf(registeredDistance, calibration),
    quality,
    signals: {
      nearDuplicateOfCard: isNearDuplicate(captured, card),
      nearDuplicateOfRegistered: registered ? isNearDuplicate(captured, registered) : 'not_assessed',
      frames: 'not_assessed',
    },
  };
}

async function analyse(engine: FaceEngine, rules: FaceRules, { image: bytes, primary, quality: wanted }: Extract<FaceJob, { kind: 'analyse' }>): Promise<AnalyseResult> {
  const start = performance.now();
  try {
    const { image, faces, face } = await mainFace(engine, rules, bytes, primary);
    const embedding = await engine.embed(image, face);
    const elapsedMs = performance.now() - start;
    const quality = wanted ? measureQuality(image, faces) : null;
    return {
      kind: 'analysed',
      width: image.width,
      height: image.height,
      faces: faces.map(({ box, score: faceScore, flag, interEyeDistance }) => ({ box, score: faceScore, flag, interEyeDistance })),
      embedding,
      elapsedMs,
      quality: quality ?? {},
      periodicPattern: quality === null ? 'not_assessed' : hasPeriodicPattern(image, face.box),
      captureRefusal: quality === null ? null : (captureRefusal(face, quality, rules.capture)?.reason ?? null),
    };
  } catch (error) {
    if (error instanceof Refused) return { kind: 'unusable', reason: error.reason, detail: error.message };
    throw error;
  }
}

async function render(rules: FaceRules, bytes: Uint8Array): Promise<RenderResult> {
  try {
    return { kind: 'rendered', png: await encodePng(await decode(bytes, rules.limits)) };
  } catch (error) {
    if (error instanceof Refused) return { kind: 'unusable', reason: error.reason, detail: error.message };
    throw error;
  }
}

async function assess(engine: FaceEngine, rules: FaceRules, { frames, prompt }: Extract<FaceJob, { kind: 'frames' }>): Promise<FramesResult> {
  const measured: MeasuredFrame[] = [];
  for (const [frame, bytes] of frames.entries()) {
    try {
      const { image, face } = await onlyFace(engine, rules, bytes);
      measured.push({ pose: headPose(face), landmarks: face.landmarks, interEyeDistance: face.interEyeDistance, embedding: await engine.embed(image, face), smallGrey: normalisedSmallGrey({ image, face }) });
    } catch (error) {
      if (error instanceof Refused) return { kind: 'unusable_frame', frame, reason: error.reason, detail: error.message };
      throw error;
    }
  }
  return { kind: 'assessed', signals: assessFrames(measured, prompt, engine.set) };
}

function hasPeriodicPattern(image: RgbImage, box: Box): boolean | 'not_assessed' {
  const strength = periodicStrength(image, box);
  return strength === 'not_assessed' ? strength : strength >= PERIODIC_MIN;
}

async function onlyFace(engine: FaceEngine, rules: FaceRules, bytes: Uint8Array): Promise<Subject> {
  const subject = await mainFace(engine, rules, bytes, 'largest');
  const others = subject.faces.filter((face) => face !== subject.face && face.box.width >= rules.otherFaceShareMin * subject.face.box.width);
  if (others.length > 0) throw new Refused('several_faces', `${others.length + 1} faces`);
  return subject;
}

async function mainFace(engine: FaceEngine, rules: FaceRules, bytes: Uint8Array, primary: PrimaryRule): Promise<Subject> {
  const image = await decode(bytes, rules.limits);
  const faces = await engine.findFaces(image, primary);
  const [face] = faces;
  if (!face) throw new Refused('no_face', 'no face was found');
  return { image, faces, face };
}

async function decode(bytes: Uint8Array, limits: ImageLimits): Promise<RgbImage> {
  try {
    return await decodeImage(bytes, limits);
  } catch (error) {
    if (error instanceof ImageTooLarge) throw new Refused('image_too_large', error.message);
    if (error instanceof UnreadableImage) throw new Refused('unreadable_image', error.message);
    throw error;
  }
}
