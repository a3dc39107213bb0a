import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import { scoreComparison, type ScoredDistance } from '../../src/domain/registration/face-score.js';
import type { PictureMeasures } from '../../src/domain/values/face-comparison.js';
import { OnnxFaceComparer } from '../../src/infrastructure/face/onnx-face-comparer.js';
import { DEMO_STORIES, loadCardPhoto, loadDemoFace, type DemoFaceName } from '../../src/sandbox/card/demo-faces.js';
import { testModels } from './support.js';

/** From bytes to points, through decoders, networks, measures and the curve: what was scored yesterday is scored the
 * same today. A change that moves one of these numbers is another algorithm, and has to change its version
 * (`PIPELINE_VERSION`, or a package that the version names).
 * @req R7 R13 */
const comparer = new OnnxFaceComparer({ cacheDir: testModels, workers: 1 });
beforeAll(() => comparer.start(), 120_000);
afterAll(() => comparer.close());

const ALGORITHM = '2.0.0+d80d6a5d908a.ort-1.30.0.sharp-0.35.5.vips-8.18.7.openjpeg-1.3.6';

/** Processors round the last digits of a network's sums in ways of their own: so far a distance may move, and with it
 * the points. */
const ROUNDING = { distance: 2, points: 9, measure: 1 };

const { samePerson, differentPeople, cardOfAnother } = DEMO_STORIES;
interface Golden {
  readonly captured: () => Promise<Uint8Array>;
  readonly card: () => Promise<Uint8Array>;
  readonly registered: (() => Promise<Uint8Array>) | null;
  readonly measures: readonly number[];
  readonly cardSide: readonly number[];
  readonly registeredSide: readonly number[] | null;
  readonly points: readonly [number, number | null];
  /** What the weights of before make of the same: decisions that were taken by them keep their points. */
  readonly before: {
    readonly corrections: readonly [number, number | null];
    readonly points: readonly [number, number | null];
  };
}
const photo = (name: DemoFaceName) => () => loadDemoFace(name);
const card = (name: DemoFaceName) => () => loadCardPhoto(name);
const blurred = (name: DemoFaceName) => async () =>
  sharp(await loadDemoFace(name))
    .blur(6)
    .jpeg({ quality: 90 })
    .toBuffer();
const grey = (name: DemoFaceName) => async () =>
  sharp(await loadDemoFace(name))
    .greyscale()
    .resize({ width: 300 })
    .jpeg({ quality: 95 })
    .toBuffer();

const GOLDEN: Readonly<Record<string, Golden>> = {
  'a photograph and the grey card picture of one person': {
    captured: photo(samePerson.captured),
    card: card(samePerson.card),
    registered: null,
    measures: [154, -178, -192, 29, 29, 142, 0],
    cardSide: [3904, 11, 52, -162, -211, 0, 31, 134, 1],
    registeredSide: null,
    points: [9999, null],
    before: { corrections: [11, null], points: [9999, null] },
  },
  'two people': {
    captured: photo(differentPeople.captured),
    card: card(differentPeople.card),
    registered: null,
    measures: [157, -99, -178, 15, 33, 148, 0],
    cardSide: [8807, 24, 52, -162, -211, 0, 31, 134, 1],
    registeredSide: null,
    points: [0, null],
    before: { corrections: [24, null], points: [0, null] },
  },
  'a card that fits and a registered image that does not': {
    captured: photo(cardOfAnother.captured),
    card: card(cardOfAnother.card),
    registered: photo(cardOfAnother.registered),
    measures: [151, -134, -191, 19, 33, 135, 0],
    cardSide: [2688, 7, 49, -134, -208, 0, 32, 135, 1],
    registeredSide: [6378, 0, 154, -178, -192, 29, 29, 142, 0],
    points: [10_000, 2_291],
    before: { corrections: [7, 0], points: [10_000, 2_291] },
  },
  'blurred photographs of one person, and a small grey one of her': {
    captured: blurred(samePerson.captured),
    card: blurred(samePerson.card),
    registered: grey(samePerson.card),
    measures: [153, -271, -221, 45, 27, 141, 0],
    cardSide: [3974, 104, 155, -254, -217, 41, 28, 135, 0],
    registeredSide: [3978, 54, 65, -138, -188, 6, 31, 134, 1],
    points: [9997, 9998],
    before: { corrections: [141, 75], points: [9997, 9998] },
  },
};

const listed = ({ eyeDistance, detail, noise, blocks, contrast, light, isGrey }: PictureMeasures): number[] => [
  eyeDistance,
  detail,
  noise,
  blocks,
  contrast,
  light,
  Number(isGrey),
];
const sideOf = (side: ScoredDistance): number[] => [side.distance, side.correction, ...listed(side.measures)];

describe('golden scores', () => {
  it('are those of this algorithm, which names runtime and decoders', () => {
    expect(comparer.algorithm()).toEqual({ id: 'blazeface+dlib-resnet', version: ALGORITHM });
  });

  it.each(Object.entries(GOLDEN))('%s', async (_, { captured, card, registered, ...golden }) => {
    const ended = await comparer.compareInDetail({
      captured: await captured(),
      card: await card(),
      registered: registered && (await registered()),
    });
    if (ended.outcome !== 'done' || ended.result.kind !== 'compared') throw new Error(JSON.stringify(ended));
    const { basis, cardPoints, registeredPoints } = ended.result.scores;
    near(listed(basis.captured), golden.measures, 0);
    near(sideOf(basis.card), golden.cardSide, ROUNDING.distance);
    near(basis.registered && sideOf(basis.registered), golden.registeredSide, ROUNDING.distance);
    near([cardPoints], [golden.points[0]], ROUNDING.points);
    near(
      registeredPoints === null ? null : [registeredPoints],
      golden.points[1] === null ? null : [golden.points[1]],
      ROUNDING.points,
    );
    // And from the stored numbers on there is no rounding at all.
    expect(scoreComparison(basis)).toEqual(ended.result.scores);
    const before = scoreComparison({ ...basis, scoring: { ...basis.scoring, quality: 'dlib-1' } });
    near(
      [before.basis.card.correction, before.basis.registered?.correction ?? 0],
      golden.before.corrections.map((each) => each ?? 0),
      ROUNDING.distance,
    );
    near([before.cardPoints], [golden.before.points[0]], ROUNDING.points);
    near([before.registeredPoints ?? 0], [golden.before.points[1] ?? 0], ROUNDING.points);
  });
});

/** @param first how far the first number may be away; the others are measures, and the correction follows from both */
function near(found: readonly number[] | null, golden: readonly number[] | null, first: number): void {
  expect(found?.length ?? 0).toBe(golden?.length ?? 0);
  for (const [i, value] of (found ?? []).entries()) {
    const away = Math.abs(value - (golden?.[i] ?? NaN));
    if (away > (i === 0 && first > 0 ? first : ROUNDING.measure))
      throw new Error(`[${found?.join(', ')}], expected [${golden?.join(', ')}]`);
  }
}
