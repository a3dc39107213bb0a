import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import type { FaceComparison } from '../../src/application/ports/outside/face-comparer.js';
import { suggestedBands } from '../../src/infrastructure/face/engine/calibration.js';
import { DEFAULT_MODEL_SET } from '../../src/infrastructure/face/model-set/model-set.js';
import { OnnxFaceComparer } from '../../src/infrastructure/face/onnx-face-comparer.js';
import { DEMO_FACE_NAMES, DEMO_STORIES, loadCardPhoto, loadDemoFace } from '../../src/sandbox/card/demo-faces.js';
import { testModels } from './support.js';

/** @req R7 R13: the captured face against the card's and against a registered one, on one scale. */
const comparer = new OnnxFaceComparer({ cacheDir: testModels, workers: 1 });
beforeAll(() => comparer.start(), 120_000);
afterAll(() => comparer.close());

type Compared = Extract<FaceComparison, { outcome: 'compared' }>;

function compared(comparison: FaceComparison): Compared {
  if (comparison.outcome !== 'compared') throw new Error(JSON.stringify(comparison));
  return comparison;
}

const bands = suggestedBands(DEFAULT_MODEL_SET);

describe('comparing faces', () => {
  it('matches two photographs of one person, the card one grey and of 2,000 bytes', async () => {
    const { captured, card } = DEMO_STORIES.samePerson;
    const result = compared(
      await comparer.compare({
        captured: await loadDemoFace(captured),
        card: await loadCardPhoto(card),
        registered: null,
      }),
    );
    expect(result.cardPoints).toBeGreaterThanOrEqual(bands.matchPointsMin);
    expect(result.registeredPoints).toBeNull();
    expect(result.algorithm).toEqual(comparer.algorithm());
    expect(result.signals).toEqual({
      nearDuplicateOfCard: false,
      nearDuplicateOfRegistered: 'not_assessed',
      frames: 'not_assessed',
    });
  });

  it('does not match two people', async () => {
    const { captured, card } = DEMO_STORIES.differentPeople;
    const result = compared(
      await comparer.compare({
        captured: await loadDemoFace(captured),
        card: await loadCardPhoto(card),
        registered: null,
      }),
    );
    expect(result.cardPoints).toBeLessThan(bands.referPointsMin);
  });

  it('shows the gap of the hold rule: a card that fits and a registered face that does not', async () => {
    const { captured, card, registered } = DEMO_STORIES.cardOfAnother;
    const result = compared(
      await comparer.compare({
        captured: await loadDemoFace(captured),
        card: await loadCardPhoto(card),
        registered: await loadDemoFace(registered),
      }),
    );
    expect(result.cardPoints - (result.registeredPoints ?? 0)).toBeGreaterThanOrEqual(2_000);
    expect(result.cardPoints).toBeGreaterThanOrEqual(bands.matchPointsMin);
  });

  it('says of further frames whether they show the photographed person, move, and turn as asked', async () => {
    const captured = await loadDemoFace('sample3-middle');
    const card = await loadCardPhoto('sample1-right');
    const turnedLeft = await loadDemoFace('sample3-middle-mirrored');
    const facts = async (frames: Uint8Array[], prompt: 'turn-left' | 'turn-right') =>
      compared(await comparer.compare({ captured, card, registered: null, frames, prompt })).signals.frames;
    expect(await facts([turnedLeft], 'turn-left')).toEqual({
      count: 1,
      samePerson: true,
      movement: true,
      promptFollowed: true,
    });
    expect(await facts([turnedLeft], 'turn-right')).toEqual({
      count: 1,
      samePerson: true,
      movement: true,
      promptFollowed: false,
    });
    expect(await facts([captured, captured], 'turn-left')).toEqual({
      count: 2,
      samePerson: true,
      movement: false,
      promptFollowed: false,
    });
    expect(await facts([turnedLeft, await loadDemoFace('sample6-first')], 'turn-left')).toMatchObject({
      count: 2,
      samePerson: false,
    });
    const blank = await sharp({ create: { width: 400, height: 400, channels: 3, background: '#777' } })
      .jpeg()
      .toBuffer();
    expect(await facts([blank, turnedLeft], 'turn-left')).toEqual({
      count: 1,
      samePerson: true,
      movement: true,
      promptFollowed: true,
    });
    expect(await facts([blank, blank, turnedLeft], 'turn-left')).toEqual({
      count: 3,
      samePerson: 'not_assessed',
      movement: 'not_assessed',
      promptFollowed: 'not_assessed',
    });
    expect(compared(await comparer.compare({ captured, card, registered: null, frames: [] })).signals.frames).toBe(
      'not_assessed',
    );
  });

  it('assesses a photograph by itself: measures and what it would be refused for, no score', async () => {
    const good = await comparer.assess(await loadDemoFace('sample3-middle'));
    expect(good).toMatchObject({ outcome: 'assessed', reasons: [], quality: { Sharpness: expect.any(Number) } });
    expect(Object.keys(good).sort()).toEqual(['outcome', 'quality', 'reasons']);
    const blank = await sharp({ create: { width: 400, height: 400, channels: 3, background: '#777' } })
      .jpeg()
      .toBuffer();
    expect(await comparer.assess(blank)).toEqual({ outcome: 'assessed', reasons: ['no_face'], quality: {} });
    expect(await comparer.assess(Buffer.from('no picture'))).toEqual({
      outcome: 'assessed',
      reasons: ['unreadable_image'],
      quality: {},
    });
    const [left, right] = await Promise.all(
      (['sample3-left', 'sample3-right'] as const).map((name) => loadDemoFace(name)),
    );
    const two = await sharp({ create: { width: 1440, height: 960, channels: 3, background: '#777' } })
      .composite([
        { input: left, left: 0, top: 0 },
        { input: right, left: 720, top: 0 },
      ])
      .jpeg()
      .toBuffer();
    expect(await comparer.assess(two)).toMatchObject({ outcome: 'assessed', reasons: ['several_faces'] });
    const blurred = await sharp(left).blur(18).jpeg().toBuffer();
    expect(await comparer.assess(blurred)).toMatchObject({
      outcome: 'assessed',
      reasons: [expect.stringMatching(/^(too_blurred|no_face)$/)],
    });
  });

  it('gives the same points every time', async () => {
    const request = {
      captured: await loadDemoFace('sample4-first'),
      card: await loadCardPhoto('sample1-middle'),
      registered: await loadDemoFace('sample5-first'),
    };
    const [first, ...others] = await Promise.all([
      comparer.compare(request),
      comparer.compare(request),
      comparer.compare(request),
    ]);
    for (const other of others) expect(other).toEqual(first);
  });

  it('points out a captured photograph that is the card photograph, and one that was registered before', async () => {
    const photo = await loadDemoFace('sample1-left');
    const recompressed = await sharp(photo).resize(480).modulate({ brightness: 1.1 }).jpeg({ quality: 50 }).toBuffer();
    const result = compared(
      await comparer.compare({ captured: photo, card: await loadCardPhoto('sample1-left'), registered: recompressed }),
    );
    expect(result.signals).toEqual({
      nearDuplicateOfCard: true,
      nearDuplicateOfRegistered: true,
      frames: 'not_assessed',
    });
  });

  it('finds exactly one face in every demo crop', async () => {
    for (const name of DEMO_FACE_NAMES) {
      const analysed = await comparer.analyse(await loadDemoFace(name));
      expect(analysed).toMatchObject({ outcome: 'done', result: { kind: 'analysed', faces: [{}] } });
    }
  }, 180_000);
});

describe('pictures that give no score', () => {
  const refusal = async (
    captured: Uint8Array,
    card?: Uint8Array,
    registered: Uint8Array | null = null,
  ): Promise<unknown> =>
    comparer.compare({ captured, card: card ?? (await loadCardPhoto('sample1-left')), registered });
  const flat = (width: number, height: number): Promise<Buffer> =>
    sharp({ create: { width, height, channels: 3, background: '#7090b0' } })
      .jpeg()
      .toBuffer();

  it('no face', async () => {
    expect(await refusal(await flat(800, 600))).toMatchObject({
      outcome: 'not_comparable',
      image: 'captured',
      reason: 'no_face',
    });
  });

  it('no face on the card, or in the registered picture: names the picture', async () => {
    expect(await refusal(await loadDemoFace('sample1-left'), await flat(240, 320))).toMatchObject({
      image: 'card',
      reason: 'no_face',
    });
    expect(await refusal(await loadDemoFace('sample1-left'), undefined, await flat(240, 320))).toMatchObject({
      image: 'registered',
      reason: 'no_face',
    });
  });

  it('several faces', async () => {
    const [left, right] = await Promise.all(['sample1-left' as const, 'sample6-fourth' as const].map(loadDemoFace));
    const both = await sharp({ create: { width: 1440, height: 960, channels: 3, background: '#808080' } })
      .composite([
        { input: left!, left: 0, top: 0 },
        { input: right!, left: 720, top: 0 },
      ])
      .jpeg()
      .toBuffer();
    expect(await refusal(both)).toMatchObject({
      outcome: 'not_comparable',
      image: 'captured',
      reason: 'several_faces',
    });
  });

  it('a face too small', async () => {
    const small = await sharp(await loadDemoFace('sample1-left'))
      .resize(72, 96)
      .extend({ top: 60, bottom: 60, left: 60, right: 60, background: '#808080' })
      .jpeg({ quality: 95 })
      .toBuffer();
    expect(await refusal(small)).toMatchObject({ reason: 'face_too_small' });
  });

  it('unreadable bytes: empty, text, cut off', async () => {
    const photo = await loadDemoFace('sample1-left');
    for (const bytes of [
      new Uint8Array(),
      Buffer.from('hello'),
      photo.subarray(0, 200),
      photo.subarray(0, photo.length / 2),
    ]) {
      expect(await refusal(bytes)).toMatchObject({ reason: 'unreadable_image' });
    }
    const card = await loadCardPhoto('sample1-left');
    for (const bytes of [card.subarray(0, 90), card.subarray(0, 30)])
      expect(await refusal(photo, bytes)).toMatchObject({ image: 'card', reason: 'unreadable_image' });
  });

  it('too many bytes, or too many pixels declared', async () => {
    expect(await refusal(new Uint8Array(13 * 1024 * 1024))).toMatchObject({ reason: 'image_too_large' });
    const huge = Buffer.from(await flat(64, 64));
    const frame = huge.indexOf(Buffer.from([0xff, 0xc0]));
    huge.writeUInt16BE(65_000, frame + 5);
    huge.writeUInt16BE(65_000, frame + 7);
    expect(await refusal(huge)).toMatchObject({ reason: 'image_too_large' });
  });

  it('a photograph that EXIF says is turned, because others do not turn it; tools read it upright', async () => {
    const face = sharp(await loadDemoFace('sample1-left'));
    const turned = await face.rotate(90).withMetadata({ orientation: 8 }).jpeg().toBuffer();
    const request = { captured: turned, card: await loadCardPhoto('sample1-left'), registered: null };
    expect(await comparer.compare(request)).toMatchObject({
      outcome: 'not_comparable',
      image: 'captured',
      reason: 'unreadable_image',
      detail: 'not a plain JPEG: metadata (APP1 (Exif), byte 2)',
    });
    const ended = await comparer.compareInDetail(request);
    if (ended.outcome !== 'done' || ended.result.kind !== 'compared') throw new Error(JSON.stringify(ended));
    expect(ended.result.scores.cardPoints).toBeGreaterThanOrEqual(bands.matchPointsMin);
    expect(ended.result.quality['HeadPoseRoll']).toBeGreaterThan(80);
  });
});

describe('load', () => {
  it('answers busy instead of waiting without end', async () => {
    const small = new OnnxFaceComparer({ cacheDir: testModels, workers: 1, queueLimit: 1 });
    await small.start();
    try {
      const request = {
        captured: await loadDemoFace('sample1-left'),
        card: await loadCardPhoto('sample1-left'),
        registered: null,
      };
      const outcomes = await Promise.all([small.compare(request), small.compare(request), small.compare(request)]);
      expect(outcomes.map((outcome) => outcome.outcome)).toEqual(['compared', 'compared', 'unknown']);
      expect(outcomes[2]).toMatchObject({ cause: 'busy' });
    } finally {
      await small.close();
    }
  }, 180_000);
});
