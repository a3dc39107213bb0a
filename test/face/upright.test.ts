import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import type { AnalysedFace } from '../../src/infrastructure/face/engine/face-engine.js';
import { OnnxFaceComparer } from '../../src/infrastructure/face/onnx-face-comparer.js';
import { captureRefusal, DEFAULT_CAPTURE_RULES } from '../../src/infrastructure/face/judgement/photo-quality.js';
import { turnedBack, type RgbImage } from '../../src/infrastructure/face/image/rgb-image.js';
import { loadCardPhoto, loadDemoFace, type DemoFaceName } from '../../src/sandbox/card/demo-faces.js';
import { sharedPictures, testModels } from './support.js';

describe('a picture turned back', () => {
  // Two columns, three rows; each pixel carries its number.
  const upright: RgbImage = {
    width: 2,
    height: 3,
    data: Uint8Array.from([0, 1, 2, 3, 4, 5].flatMap((pixel) => [pixel, 0, 9])),
  };
  const turnedOnce: RgbImage = {
    width: 3,
    height: 2,
    data: Uint8Array.from([4, 2, 0, 5, 3, 1].flatMap((pixel) => [pixel, 0, 9])),
  };

  it('is the upright one, after one, two and three quarter turns', () => {
    expect(turnedBack(turnedOnce, 1)).toEqual(upright);
    expect(turnedBack(turnedBack(upright, 2), 2)).toEqual(upright);
    // Three turns and one more make a whole one.
    expect(turnedBack(turnedBack(upright, 3), 1)).toEqual(upright);
  });
});

describe("the head's tilt", () => {
  /** A face that looks straight ahead, so that nothing but its tilt can be a reason. */
  function tilted(roll: number): AnalysedFace {
    const mesh = new Float32Array(468 * 3);
    mesh.set([0, 50, 0], 3 * 33);
    mesh.set([100, 50, 0], 3 * 263);
    mesh.set([50, 0, 0], 3 * 10);
    mesh.set([50, 140, 20], 3 * 152);
    return {
      box: { x: 0, y: 0, width: 100, height: 140 },
      score: 1,
      flag: 1,
      landmarks: [],
      mesh,
      interEyeDistance: 80,
      roll,
      alignmentError: 0,
    };
  }

  const OPEN = { oneEye: 0, bothEyes: 0, mouth: 0, forehead: 0, half: 0, farHalf: 0, face: 0 };

  it.each([
    [0, null],
    [10, null],
    [-10, null],
    [19.99, null],
    [20, 'not_upright'],
    [-20, 'not_upright'],
    [180, 'not_upright'],
  ])('%f degrees: %s', (roll, reason) => {
    expect(
      captureRefusal({ face: tilted(roll), quality: {}, eyes: null, covered: OPEN }, DEFAULT_CAPTURE_RULES)?.reason ??
        null,
    ).toBe(reason);
  });

  it('is named before closed eyes and blur, which are not seen well in a face that is not upright', () => {
    const shut = { gap: 0, upperLid: 0, gapPixels: 0 };
    const all = { quality: { Sharpness: 0 }, covered: OPEN, eyes: { left: shut, right: shut } };
    expect(captureRefusal({ face: tilted(25), ...all }, DEFAULT_CAPTURE_RULES)?.reason).toBe('not_upright');
    expect(captureRefusal({ face: tilted(5), ...all }, DEFAULT_CAPTURE_RULES)?.reason).toBe('too_blurred');
  });
});

// One photograph on its head gave a score, one on its side had "closed eyes".
describe('photographs that are not upright', () => {
  const comparer = new OnnxFaceComparer({ cacheDir: testModels, workers: 2 });
  beforeAll(() => comparer.start(), 120_000);
  afterAll(() => comparer.close());

  async function verdict(captured: Uint8Array, card: Uint8Array): Promise<string> {
    const [compared, assessed] = [
      await comparer.compare({ captured, card, registered: null }),
      await comparer.assess(captured),
    ];
    const ofComparison =
      compared.outcome === 'not_comparable' ? `${compared.image} ${compared.reason}` : compared.outcome;
    // A booth that asks first must hear the same.
    const ofCheck = assessed.outcome === 'assessed' ? (assessed.reasons[0] ?? 'compared') : assessed.outcome;
    expect(ofComparison.replace('captured ', '')).toBe(ofCheck);
    return ofCheck;
  }

  const turned = async (name: DemoFaceName, degrees: number): Promise<Buffer> =>
    sharp(await loadDemoFace(name))
      .resize(480)
      .rotate(degrees, { background: '#8a8f94' })
      .jpeg({ quality: 92 })
      .toBuffer();
  const NAMES: readonly DemoFaceName[] = ['sample1-right', 'sample3-middle', 'sample6-first'];

  it.each(NAMES)(
    '%s is compared as it is and turned a little, and refused for nothing else when turned by more',
    async (name) => {
      const card = await loadCardPhoto(name);
      for (const degrees of [0, 7, -7])
        expect([degrees, await verdict(await turned(name, degrees), card)]).toEqual([degrees, 'compared']);
      for (const degrees of [35, -45, 60, 90, 135, 180, -135, -90])
        expect([degrees, await verdict(await turned(name, degrees), card)]).toEqual([degrees, 'not_upright']);
    },
    180_000,
  );

  it('without a face are still pictures without a face, whichever way they are turned', async () => {
    const blank = await sharp({ create: { width: 400, height: 300, channels: 3, background: '#a98' } })
      .jpeg()
      .toBuffer();
    expect(await verdict(blank, await loadCardPhoto('sample1-right'))).toBe('no_face');
  });

  const cases = ['rot90', 'rot180', 'rot270', 'turn45'].map((name) => path.join(sharedPictures, `${name}.jpg`));
  if (!cases.every(existsSync))
    process.stderr.write('skipped: turned photographs are not on this machine (../shared/cases/pictures)\n');
  (cases.every(existsSync) ? it : it.skip)(
    'of other people are refused for it too',
    async () => {
      const card = await loadCardPhoto('sample1-right');
      for (const file of cases)
        expect([path.basename(file), await verdict(readFileSync(file), card)]).toEqual([
          path.basename(file),
          'not_upright',
        ]);
    },
    180_000,
  );
});
