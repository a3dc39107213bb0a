import type { FaceComparisonRequest } from '../../../application/ports/outside/face-comparer.js';
import { scoreComparison, type ScoredComparison } from '../../../domain/registration/face-score.js';
import type {
  MeasuredDistance,
  NotComparableReason,
  PhotoQuality,
  PictureMeasures,
  PresenceSignals,
} from '../../../domain/values/face-comparison.js';
import { distanceOf, scoringOf, wholeDistance } from '../engine/calibration.js';
import { ImageTooLarge, UnreadableImage } from '../image/declared-picture.js';
import type { AnalysedFace, FaceEngine, PrimaryRule } from '../engine/face-engine.js';
import {
  assessFrames,
  FRAME_RULES,
  type FrameSignals,
  type MeasuredFrame,
  type Prompt,
} from '../judgement/frame-sequence.js';
import { headPose } from '../judgement/head-pose.js';
import { decodeImage, encodePng, type ImageLimits, type TakenPictures } from '../image/image-decoder.js';
import {
  captureRefusal,
  measureQuality,
  notUpright,
  type CaptureRefusal,
  type CaptureRules,
} from '../judgement/photo-quality.js';
import { measurePicture } from '../judgement/picture-measures.js';
import { PERIODIC_MIN, periodicStrength } from '../judgement/periodic-pattern.js';
import { hasPrintedFrame } from '../judgement/printed-frame.js';
import { isNearDuplicate, normalisedSmallGrey } from '../judgement/presence-signals.js';
import { dropPixels, type Box, type RgbImage } from '../image/rgb-image.js';

/** What a face worker can be asked. */
export type FaceJob =
  | { readonly kind: 'compare'; readonly request: FaceComparisonRequest; readonly taken: TakenPictures }
  | { readonly kind: 'analyse'; readonly image: Uint8Array; readonly primary: PrimaryRule; readonly quality: boolean }
  /** What `analyse` does with quality, without an embedding. */
  | { readonly kind: 'check'; readonly image: Uint8Array }
  | { readonly kind: 'frames'; readonly frames: readonly Uint8Array[]; readonly prompt: Prompt }
  | { readonly kind: 'render'; readonly image: Uint8Array };

export type FaceJobResult = CompareResult | AnalyseResult | CheckResult | FramesResult | RenderResult;

export type RenderResult = { readonly kind: 'rendered'; readonly png: Uint8Array } | UnusablePicture;

export interface UnusableFrame {
  readonly frame: number;
  readonly reason: NotComparableReason;
  readonly detail: string;
}

/** The signals are those of the usable frames. 'unusable_frames': the first frame, or more than half of the others,
 * gave nothing. */
export type FramesResult =
  | { readonly kind: 'assessed'; readonly signals: FrameSignals; readonly unusable: readonly UnusableFrame[] }
  | { readonly kind: 'unusable_frames'; readonly unusable: readonly UnusableFrame[] };

export type CompareResult =
  | {
      readonly kind: 'compared';
      readonly scores: ScoredComparison;
      readonly quality: PhotoQuality;
      readonly signals: PresenceSignals;
    }
  | {
      readonly kind: 'refused';
      readonly image: 'captured' | 'card' | 'registered';
      readonly reason: NotComparableReason;
      readonly detail: string;
    };

/** What was measured on one picture. */
export interface AnalysedPicture {
  readonly kind: 'analysed';
  readonly width: number;
  readonly height: number;
  readonly faces: readonly {
    readonly box: Box;
    readonly score: number;
    readonly flag: number;
    readonly interEyeDistance: number;
  }[];
  /** What the main face is worth to the comparer. */
  readonly measures: PictureMeasures;
  /** Empty where it was not asked for. */
  readonly quality: PhotoQuality;
  /** Whether a regular fine pattern lies over the face, as on a screen or a coarse print; 'not_assessed' also without
   * quality. */
  readonly periodicPattern: boolean | 'not_assessed';
  /** What a capture from the booth would be refused for; null as well where quality was not asked for. */
  readonly captureRefusal: NotComparableReason | null;
}

export interface UnusablePicture {
  readonly kind: 'unusable';
  readonly reason: NotComparableReason;
  readonly detail: string;
}

export type AnalyseResult =
  | (AnalysedPicture & {
      readonly embedding: Float32Array;
      /** Time that decoding, finding, aligning and embedding took, without waiting. */
      readonly elapsedMs: number;
    })
  | UnusablePicture;

export type CheckResult = AnalysedPicture | UnusablePicture;

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

/** What a job works with, and the pictures it decoded. */
interface Desk {
  readonly engine: FaceEngine;
  readonly rules: FaceRules;
  readonly taken: TakenPictures;
  readonly pictures: RgbImage[];
}

interface Subject {
  readonly image: RgbImage;
  readonly faces: readonly AnalysedFace[];
  readonly face: AnalysedFace;
}

/** Carries out one job. Every property of a picture is a result; only a bug throws. */
export async function performFaceJob(engine: FaceEngine, rules: FaceRules, job: FaceJob): Promise<FaceJobResult> {
  const desk: Desk = { engine, rules, taken: takenBy(job), pictures: [] };
  try {
    return await perform(desk, job);
  } finally {
    for (const picture of desk.pictures) dropPixels(picture);
  }
}

/** Measuring a picture is for tools; whatever is judged or shown has one reading. */
function takenBy(job: FaceJob): TakenPictures {
  return job.kind === 'compare' ? job.taken : job.kind === 'analyse' ? 'any' : 'plain';
}

async function perform(desk: Desk, job: FaceJob): Promise<FaceJobResult> {
  switch (job.kind) {
    case 'compare':
      return compare(desk, job.request);
    case 'analyse':
      return analyse(desk, job);
    case 'check':
      return check(desk, job.image);
    case 'frames':
      return assess(desk, job);
    case 'render':
      return render(desk, job.image);
  }
}

async function compare(desk: Desk, request: FaceComparisonRequest): Promise<CompareResult> {
  let looking: 'captured' | 'card' | 'registered' = 'captured';
  try {
    const captured = await photographedFace(desk, request.captured, 'largest');
    const { quality, refusal } = await judge(desk, captured);
    // What is found in a picture that stands on its head is not counted either.
    if (refusal?.reason !== 'not_upright') refuseOthers(desk, captured);
    if (refusal) throw new Refused(refusal.reason, refusal.detail);
    // Everything about a picture is measured before the next one is looked at: its half sizes are dropped then.
    const { engine } = desk;
    const embedding = await engine.embed(captured.image, captured.face);
    const capturedSide = {
      measures: measurePicture(captured.image, captured.face),
      grey: normalisedSmallGrey(captured),
    };
    const compareWith = async (bytes: Uint8Array): Promise<Compared> => {
      const other = await onlyFace(desk, bytes);
      const distance = distanceOf(embedding, await engine.embed(other.image, other.face), engine.set.distance);
      return {
        measured: { distance: wholeDistance(distance), measures: measurePicture(other.image, other.face) },
        nearDuplicate: isNearDuplicate(capturedSide.grey, other),
      };
    };
    looking = 'card';
    const card = await compareWith(request.card);
    looking = 'registered';
    const registered = request.registered === null ? null : await compareWith(request.registered);
    return {
      kind: 'compared',
      scores: scoreComparison({
        scoring: scoringOf(engine.set),
        captured: capturedSide.measures,
        card: card.measured,
        registered: registered?.measured ?? null,
      }),
      quality,
      signals: {
        nearDuplicateOfCard: card.nearDuplicate,
        nearDuplicateOfRegistered: registered?.nearDuplicate ?? 'not_assessed',
        frames: 'not_assessed',
      },
    };
  } catch (error) {
    if (error instanceof Refused)
      return { kind: 'refused', image: looking, reason: error.reason, detail: error.message };
    throw error;
  }
}

interface Compared {
  readonly measured: MeasuredDistance;
  readonly nearDuplicate: boolean;
}

async function analyse(
  desk: Desk,
  { image: bytes, primary, quality }: Extract<FaceJob, { kind: 'analyse' }>,
): Promise<AnalyseResult> {
  const start = performance.now();
  return orUnusable(async () => {
    const subject = await (quality ? photographedFace : mainFace)(desk, bytes, primary);
    const embedding = await desk.engine.embed(subject.image, subject.face);
    const elapsedMs = performance.now() - start;
    return { ...pictureOf(subject, quality ? await judge(desk, subject) : null), embedding, elapsedMs };
  });
}

async function check(desk: Desk, bytes: Uint8Array): Promise<CheckResult> {
  return orUnusable(async () => {
    const subject = await photographedFace(desk, bytes, 'largest');
    return pictureOf(subject, await judge(desk, subject));
  });
}

async function orUnusable<Result>(measure: () => Promise<Result>): Promise<Result | UnusablePicture> {
  try {
    return await measure();
  } catch (error) {
    if (error instanceof Refused) return { kind: 'unusable', reason: error.reason, detail: error.message };
    throw error;
  }
}

async function render(desk: Desk, bytes: Uint8Array): Promise<RenderResult> {
  return orUnusable(async () => ({ kind: 'rendered' as const, png: await encodePng(await decode(desk, bytes)) }));
}

/** What a photograph is worth, and why one from the booth would be refused. */
interface Judgement {
  readonly quality: PhotoQuality;
  readonly refusal: CaptureRefusal | null;
}

async function judge({ engine, rules }: Desk, { image, faces, face }: Subject): Promise<Judgement> {
  const eyes = await engine.eyes(image, face);
  const measured = measureQuality(image, faces, eyes, rules.capture);
  const { quality } = measured;
  const refusal = captureRefusal({ face, ...measured, eyes }, rules.capture);
  if (refusal?.reason === 'not_upright') return { quality, refusal };
  const turned = await engine.turnedFace(image, face);
  if (turned !== null) return { quality, refusal: notUpright(turned) };
  return {
    quality,
    refusal: hasPrintedFrame(image)
      ? { reason: 'printed_frame', detail: 'a margin of one colour lies around the picture' }
      : refusal,
  };
}

function pictureOf({ image, faces, face }: Subject, judgement: Judgement | null): AnalysedPicture {
  return {
    kind: 'analysed',
    width: image.width,
    height: image.height,
    faces: faces.map(({ box, score, flag, interEyeDistance }) => ({ box, score, flag, interEyeDistance })),
    measures: measurePicture(image, face),
    quality: judgement?.quality ?? {},
    periodicPattern: judgement === null ? 'not_assessed' : hasPeriodicPattern(image, face.box),
    captureRefusal: judgement?.refusal?.reason ?? null,
  };
}

/** The largest share of the frames after the first that may give nothing: a blink or a blurred turn spoils single
 * frames of an honest sequence, and the others still say what they say. */
const UNUSABLE_SHARE_MAX = 0.5;

async function assess(desk: Desk, { frames, prompt }: Extract<FaceJob, { kind: 'frames' }>): Promise<FramesResult> {
  const measured: MeasuredFrame[] = [];
  const unusable: UnusableFrame[] = [];
  for (const [frame, bytes] of frames.entries()) {
    try {
      const { image, face } = await onlyFace(desk, bytes);
      measured.push({
        pose: headPose(face),
        landmarks: face.landmarks,
        interEyeDistance: face.interEyeDistance,
        embedding: await desk.engine.embed(image, face),
        smallGrey: normalisedSmallGrey({ image, face }),
      });
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      unusable.push({ frame, reason: error.reason, detail: error.message });
      // Everything is judged against the first frame.
      if (frame === 0) return { kind: 'unusable_frames', unusable };
    }
  }
  if (measured.length < FRAME_RULES.framesMin || unusable.length > UNUSABLE_SHARE_MAX * (frames.length - 1))
    return { kind: 'unusable_frames', unusable };
  return {
    kind: 'assessed',
    signals: withGaps(assessFrames(measured, prompt, desk.engine.set), unusable.length),
    unusable,
  };
}

/** A frame that gave nothing may be the one that turned, so that only a turn that was seen is stated. Neighbours that
 * had a frame between them may lie further apart than neighbours do. */
function withGaps(signals: FrameSignals, gaps: number): FrameSignals {
  if (gaps === 0) return signals;
  return {
    ...signals,
    jumps: signals.jumps === true ? 'not_assessed' : signals.jumps,
    promptFollowed: signals.promptFollowed === false ? 'not_assessed' : signals.promptFollowed,
  };
}

function hasPeriodicPattern(image: RgbImage, box: Box): boolean | 'not_assessed' {
  const strength = periodicStrength(image, box);
  return strength === 'not_assessed' ? strength : strength >= PERIODIC_MIN;
}

async function onlyFace(desk: Desk, bytes: Uint8Array): Promise<Subject> {
  const subject = await mainFace(desk, bytes, 'largest');
  refuseOthers(desk, subject);
  return subject;
}

function refuseOthers({ rules }: Desk, { faces, face }: Subject): void {
  const others = faces.filter((other) => other !== face && other.box.width >= rules.otherFaceShareMin * face.box.width);
  if (others.length > 0) throw new Refused('several_faces', `${others.length + 1} faces`);
}

async function mainFace(desk: Desk, bytes: Uint8Array, primary: PrimaryRule): Promise<Subject> {
  return mainFaceOf(desk, await decode(desk, bytes), primary);
}

/** The main face of a photograph from the booth: where no face is found, one that lies on its side is a reason of its
 * own. */
async function photographedFace(desk: Desk, bytes: Uint8Array, primary: PrimaryRule): Promise<Subject> {
  const image = await decode(desk, bytes);
  try {
    return await mainFaceOf(desk, image, primary);
  } catch (error) {
    const turned = error instanceof Refused ? await desk.engine.turnedFace(image, undefined) : null;
    if (turned === null) throw error;
    const { reason, detail } = notUpright(turned);
    throw new Refused(reason, detail);
  }
}

async function mainFaceOf({ engine }: Desk, image: RgbImage, primary: PrimaryRule): Promise<Subject> {
  const faces = await engine.findFaces(image, primary);
  const [face] = faces;
  if (!face) throw new Refused('no_face', 'no face was found');
  return { image, faces, face };
}

async function decode({ rules, taken, pictures }: Desk, bytes: Uint8Array): Promise<RgbImage> {
  try {
    const picture = await decodeImage(bytes, rules.limits, taken);
    pictures.push(picture);
    return picture;
  } catch (error) {
    if (error instanceof ImageTooLarge) throw new Refused('image_too_large', error.message);
    if (error instanceof UnreadableImage) throw new Refused('unreadable_image', error.message);
    throw error;
  }
}
