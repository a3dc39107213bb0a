import { distanceOf } from '../engine/calibration.js';
import type { HeadPose } from './head-pose.js';
import type { ModelSet } from '../model-set/model-set.js';
import type { Point } from '../image/rgb-image.js';

/** What the person was asked to do between the first and the last frame. Directions are those of the person's own
 * head. */
export type Prompt = 'none' | 'turn-left' | 'turn-right';

/** One frame of a short sequence, measured. */
export interface MeasuredFrame {
  readonly pose: HeadPose;
  readonly landmarks: readonly Point[];
  readonly interEyeDistance: number;
  readonly embedding: Float32Array;
  /** Mean 0, length 1: the face as a small grey picture, eyes always in the same place. */
  readonly smallGrey: Float32Array;
}

/** Hints out of several frames. They tell a still picture from a moving head; they are no attack detection: a video on
 * a screen that answers the prompt passes them. */
export interface FrameSignals {
  readonly frames: number;
  /** Whether every frame shows the person of the first one, by the referral mark of the model set. */
  readonly samePerson: boolean;
  /** Largest distance between the first frame's embedding and another's. */
  readonly distanceMax: number;
  /** Whether two neighbouring frames are one and the same picture: a live camera never repeats itself. */
  readonly repeatedFrame: boolean;
  /** Whether the pose jumps between neighbouring frames, as it does where pictures were put together; 'not_assessed'
   * where a frame between could not be used. */
  readonly jumps: boolean | 'not_assessed';
  /** Largest turn away from the first frame in the prompted direction, degrees; negative when it went the other way. */
  readonly turnDegrees: number;
  /** Whether the prompt was followed; 'not_assessed' without a prompt. */
  readonly promptFollowed: boolean | 'not_assessed';
  /** How far the face's points are from a flat picture that is held at another angle, as a share of the eye distance,
   * between the first and the most turned frame; 'not_assessed' without enough of a turn. */
  readonly reliefShare: number | 'not_assessed';
}

export const FRAME_RULES = {
  framesMin: 2,
  framesMax: 8,
  /** A turn that is clear beside the unsteadiness of the pose (5 degrees between photographs of people who look
   * ahead). */
  turnDegreesMin: 15,
  /** More than a head does between frames that are taken a few tenths of a second apart. */
  jumpDegreesMax: 35,
  /** Correlation from which on two frames are the same picture: sensor noise alone keeps live frames below it. */
  repeatedMin: 0.9999,
} as const;

/** Judges a sequence of frames. Pure: the same measurements give the same signals.
 *  @throws {RangeError} with fewer or more frames than the rules allow */
export function assessFrames(
  frames: readonly MeasuredFrame[],
  prompt: Prompt,
  set: Pick<ModelSet, 'distance' | 'suggestedBands'>,
): FrameSignals {
  const [first] = frames;
  if (!first || frames.length < FRAME_RULES.framesMin || frames.length > FRAME_RULES.framesMax)
    throw new RangeError(`${frames.length} frames; ${FRAME_RULES.framesMin} to ${FRAME_RULES.framesMax} are judged`);
  const distanceMax = Math.max(
    ...frames.slice(1).map((frame) => distanceOf(first.embedding, frame.embedding, set.distance)),
  );
  const neighbours = frames.slice(1).map((frame, i) => [frames[i]!, frame] as const);
  const turn = furthestTurn(frames, prompt);
  return {
    frames: frames.length,
    samePerson: distanceMax <= set.suggestedBands.referDistanceMax,
    distanceMax,
    repeatedFrame: neighbours.some(([a, b]) => correlation(a.smallGrey, b.smallGrey) >= FRAME_RULES.repeatedMin),
    jumps: neighbours.some(
      ([a, b]) =>
        Math.abs(b.pose.yaw - a.pose.yaw) > FRAME_RULES.jumpDegreesMax ||
        Math.abs(b.pose.pitch - a.pose.pitch) > FRAME_RULES.jumpDegreesMax,
    ),
    turnDegrees: turn.degrees,
    promptFollowed: prompt === 'none' ? 'not_assessed' : turn.degrees >= FRAME_RULES.turnDegreesMin,
    reliefShare: Math.abs(turn.degrees) < FRAME_RULES.turnDegreesMin ? 'not_assessed' : reliefShare(first, turn.frame),
  };
}

/** Yaw is positive towards the image's right, which is the person's left. Without a prompt either direction counts. */
function furthestTurn(frames: readonly MeasuredFrame[], prompt: Prompt): { degrees: number; frame: MeasuredFrame } {
  const first = frames[0]!;
  const turnOf = ({ pose }: MeasuredFrame): number => {
    const towardsRight = pose.yaw - first.pose.yaw;
    return prompt === 'turn-left' ? towardsRight : prompt === 'turn-right' ? -towardsRight : Math.abs(towardsRight);
  };
  const frame = frames
    .slice(1)
    .reduce((best, other) => (Math.abs(turnOf(other)) > Math.abs(turnOf(best)) ? other : best));
  return { degrees: turnOf(frame), frame };
}

/** The points of a flat picture move by one affine map whatever the angle it is held at (from a distance); those of a
 * head do not, because the nose stands out. @returns the root mean square of what the best map leaves, over the eye
 * distance */
export function reliefShare(
  from: Pick<MeasuredFrame, 'landmarks'>,
  to: Pick<MeasuredFrame, 'landmarks' | 'interEyeDistance'>,
): number {
  // The mouth moves by itself; the jaw line slides over the cheek.
  const rigid = [...range(17, 47)];
  const rows = rigid.map((i) => [from.landmarks[i]!.x, from.landmarks[i]!.y, 1] as const);
  const error = (['x', 'y'] as const).map((axis) => {
    const wanted = rigid.map((i) => to.landmarks[i]![axis]);
    const map = leastSquares(rows, wanted);
    return rows.reduce((sum, row, k) => sum + (row[0] * map[0] + row[1] * map[1] + map[2] - wanted[k]!) ** 2, 0);
  });
  return Math.sqrt((error[0]! + error[1]!) / rigid.length) / to.interEyeDistance;
}

type Triple = readonly [number, number, number];

/** Solves the normal equations of three unknowns by Cramer's rule, about the rows' mean so that they stay well
 * conditioned. */
function leastSquares(rows: readonly Triple[], wanted: readonly number[]): Triple {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [mx, my, mw] = [mean(rows.map((row) => row[0])), mean(rows.map((row) => row[1])), mean(wanted)];
  let [xx, xy, yy, xw, yw] = [0, 0, 0, 0, 0];
  for (const [k, [x, y]] of rows.entries()) {
    const [dx, dy, dw] = [x - mx, y - my, wanted[k]! - mw];
    xx += dx * dx;
    xy += dx * dy;
    yy += dy * dy;
    xw += dx * dw;
    yw += dy * dw;
  }
  const determinant = xx * yy - xy * xy;
  const [a, b] = [(xw * yy - yw * xy) / determinant, (yw * xx - xw * xy) / determinant];
  return [a, b, mw - a * mx - b * my];
}

function* range(from: number, to: number): Generator<number> {
  for (let i = from; i <= to; i += 1) yield i;
}

function correlation(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += a[i]! * b[i]!;
  return sum;
}
