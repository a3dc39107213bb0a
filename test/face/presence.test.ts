import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import type { AnalyseResult, FramesResult } from '../../src/infrastructure/face/worker/face-jobs.js';
import {
  assessFrames,
  reliefShare,
  type MeasuredFrame,
} from '../../src/infrastructure/face/judgement/frame-sequence.js';
import { DEFAULT_MODEL_SET } from '../../src/infrastructure/face/model-set/model-set.js';
import { OnnxFaceComparer } from '../../src/infrastructure/face/onnx-face-comparer.js';
import { DEMO_FACE_NAMES, loadDemoFace, type DemoFaceName } from '../../src/sandbox/card/demo-faces.js';
import { testModels } from './support.js';

/** A frame with a head of 31 points in depth, seen under a yaw; the embedding and the grey picture are made up. */
function frame(yaw: number, change: Partial<MeasuredFrame> = {}, flat = false): MeasuredFrame {
  const turn = (yaw * Math.PI) / 180;
  const landmarks = Array.from({ length: 68 }, (_, i) => {
    const [x, y] = [60 * Math.sin(i * 2.3), 50 * Math.cos(i * 1.7)];
    // The nose (27..35) stands out by 40 of 100 pixels between the eyes.
    const z = flat ? 0 : i >= 27 && i <= 35 ? 40 : 0;
    return { x: 300 + x * Math.cos(turn) + z * Math.sin(turn), y: 300 + y };
  });
  const smallGrey = Float32Array.from({ length: 16 }, (_, i) => Math.sin(i + yaw));
  const length = Math.hypot(...smallGrey);
  return {
    pose: { yaw, pitch: 0, roll: 0 },
    landmarks,
    interEyeDistance: 100,
    embedding: Float32Array.of(1, 0, yaw / 1_000),
    smallGrey: smallGrey.map((value) => value / length),
    ...change,
  };
}

describe('a sequence of frames', () => {
  it('of a head that turns as it was asked', () => {
    const signals = assessFrames([frame(0), frame(8), frame(16), frame(24)], 'turn-left', DEFAULT_MODEL_SET);
    expect(signals).toMatchObject({
      frames: 4,
      samePerson: true,
      repeatedFrame: false,
      jumps: false,
      turnDegrees: 24,
      promptFollowed: true,
    });
    expect(signals.reliefShare).toBeGreaterThan(0.03);
  });

  it('of a head that turns the other way, or not enough', () => {
    expect(assessFrames([frame(0), frame(24)], 'turn-right', DEFAULT_MODEL_SET)).toMatchObject({
      turnDegrees: -24,
      promptFollowed: false,
    });
    expect(assessFrames([frame(0), frame(14.9)], 'turn-left', DEFAULT_MODEL_SET)).toMatchObject({
      promptFollowed: false,
      reliefShare: 'not_assessed',
    });
    expect(assessFrames([frame(0), frame(15)], 'turn-left', DEFAULT_MODEL_SET)).toMatchObject({ promptFollowed: true });
  });

  it('without a prompt is not judged for one', () => {
    expect(assessFrames([frame(0), frame(2)], 'none', DEFAULT_MODEL_SET).promptFollowed).toBe('not_assessed');
  });

  it('that repeats a frame, jumps, or changes the person', () => {
    expect(assessFrames([frame(0), frame(0)], 'none', DEFAULT_MODEL_SET).repeatedFrame).toBe(true);
    expect(assessFrames([frame(0), frame(40)], 'none', DEFAULT_MODEL_SET).jumps).toBe(true);
    expect(
      assessFrames([frame(0), frame(3, { embedding: Float32Array.of(0.2, 0.3, 0) })], 'none', DEFAULT_MODEL_SET)
        .samePerson,
    ).toBe(false);
  });

  it('is refused when it is too short or too long', () => {
    expect(() => assessFrames([frame(0)], 'none', DEFAULT_MODEL_SET)).toThrow(RangeError);
    expect(() =>
      assessFrames(
        Array.from({ length: 9 }, () => frame(0)),
        'none',
        DEFAULT_MODEL_SET,
      ),
    ).toThrow(RangeError);
  });

  it('of a flat picture leaves nothing that one affine map does not explain', () => {
    expect(reliefShare(frame(0, {}, true), frame(25, {}, true))).toBeLessThan(1e-9);
    expect(reliefShare(frame(0), frame(25))).toBeGreaterThan(0.05);
  });
});

describe('frames as pictures', () => {
  const comparer = new OnnxFaceComparer({ cacheDir: testModels, workers: 1 });
  let blank: Uint8Array;
  beforeAll(async () => {
    blank = await sharp({ create: { width: 400, height: 400, channels: 3, background: '#777' } })
      .jpeg()
      .toBuffer();
    await comparer.start();
  }, 180_000);
  afterAll(() => comparer.close());

  async function assessed(
    frames: Uint8Array[],
    prompt: 'none' | 'turn-left' | 'turn-right' = 'none',
  ): Promise<FramesResult> {
    const ended = await comparer.assessFrames(frames, prompt);
    if (ended.outcome !== 'done') throw new Error(ended.outcome);
    return ended.result;
  }

  it('a photograph that is sent again and again is a repeated frame', async () => {
    const photo = await loadDemoFace('sample1-left');
    expect(await assessed([photo, photo, photo])).toMatchObject({
      kind: 'assessed',
      signals: { samePerson: true, repeatedFrame: true },
    });
  });

  it('a flat photograph that is turned does not follow the prompt', async () => {
    for (const name of ['sample1-left', 'sample3-right', 'sample6-third'] as const) {
      const photo = await loadDemoFace(name);
      const squeezed = await sharp(photo)
        .resize(Math.round(720 * Math.cos((35 * Math.PI) / 180)), 960, { fit: 'fill' })
        .jpeg({ quality: 92 })
        .toBuffer();
      for (const prompt of ['turn-left', 'turn-right'] as const)
        expect(await assessed([photo, squeezed], prompt)).toMatchObject({ signals: { promptFollowed: false } });
    }
  });

  it('two people are not one', async () => {
    expect(await assessed([await loadDemoFace('sample6-first'), await loadDemoFace('sample1-right')])).toMatchObject({
      signals: { samePerson: false },
    });
  });

  it('judges the frames that can be used where half of them can, and names the others', async () => {
    const [photo, turned, other] = [
      await loadDemoFace('sample3-middle'),
      await loadDemoFace('sample3-middle-mirrored'),
      await loadDemoFace('sample6-first'),
    ];
    const noFace = { reason: 'no_face', detail: 'no face was found' };
    expect(await assessed([photo, blank, turned], 'turn-left')).toMatchObject({
      kind: 'assessed',
      signals: { frames: 2, samePerson: true, promptFollowed: true, jumps: false },
      unusable: [{ frame: 1, ...noFace }],
    });
    expect(await assessed([photo, blank, other], 'turn-left')).toMatchObject({
      kind: 'assessed',
      signals: { samePerson: false },
    });
    // The frame that shows nothing may have been the one that turned.
    expect(await assessed([photo, photo, blank], 'turn-left')).toMatchObject({
      signals: { promptFollowed: 'not_assessed', repeatedFrame: true },
    });
    expect(await assessed([photo, turned, photo], 'turn-right')).toMatchObject({ signals: { promptFollowed: false } });
  });

  it('judges nothing without the first frame, or with more than half of the others missing', async () => {
    const photo = await loadDemoFace('sample3-middle');
    expect(await assessed([blank, photo, photo])).toMatchObject({
      kind: 'unusable_frames',
      unusable: [{ frame: 0, reason: 'no_face' }],
    });
    expect(await assessed([photo, blank])).toMatchObject({ kind: 'unusable_frames', unusable: [{ frame: 1 }] });
    expect(await assessed([photo, blank, photo, blank])).toMatchObject({
      kind: 'unusable_frames',
      unusable: [{ frame: 1 }, { frame: 3 }],
    });
    await expect(comparer.assessFrames([blank])).rejects.toThrow(RangeError);
  });

  it('the grid of a screen over a face is noticed, a plain photograph is not', async () => {
    const periodic = async (bytes: Uint8Array): Promise<unknown> => {
      const ended = await comparer.analyse(bytes);
      return ended.outcome === 'done'
        ? (ended.result as Extract<AnalyseResult, { kind: 'analysed' }>).periodicPattern
        : ended.outcome;
    };
    for (const name of DEMO_FACE_NAMES.filter((_, i) => i % 4 === 0)) {
      expect({ name, periodic: await periodic(await loadDemoFace(name)) }).toEqual({ name, periodic: false });
      expect({ name, periodic: await periodic(await onScreen(name)) }).toEqual({ name, periodic: true });
    }
  }, 180_000);
});

/** A photograph with a slanted grid of 3.3 pixels and 5 % over it, as a camera sees a screen. */
async function onScreen(name: DemoFaceName): Promise<Buffer> {
  const { data, info } = await sharp(await loadDemoFace(name))
    .raw()
    .toBuffer({ resolveWithObject: true });
  // Kept in locals: looking a global up a million times is slow inside a test's sandbox.
  const { cos, PI, min } = Math;
  const wave = (2 * PI) / 3.3;
  const { width, height } = info;
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const gain = 1 + 0.025 * (cos(wave * (x * 0.978 + y * 0.208)) + cos(wave * (y * 0.978 - x * 0.208)));
      for (let i = (y * width + x) * 3, end = i + 3; i < end; i += 1) data[i] = min(255, data[i]! * gain);
    }
  }
  return sharp(data, { raw: { width: info.width, height: info.height, channels: 3 } })
    .jpeg({ quality: 90 })
    .toBuffer();
}
