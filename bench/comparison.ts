import { scoreComparison, type ScoreBasis } from '../dist/domain/registration/face-score.js';
import { FaceEngine } from '../dist/infrastructure/face/engine/face-engine.js';
import { decodeImage, DEFAULT_IMAGE_LIMITS } from '../dist/infrastructure/face/image/image-decoder.js';
import { DEFAULT_MODEL_SET } from '../dist/infrastructure/face/model-set/model-set.js';
import { defaultModelCacheDir, OnnxFaceComparer } from '../dist/infrastructure/face/onnx-face-comparer.js';
import { measurePicture } from '../dist/infrastructure/face/judgement/picture-measures.js';
import { DEMO_FACE_NAMES, loadCardPhoto, loadDemoFace } from '../dist/sandbox/card/demo-faces.js';
import type { Bench } from './report.ts';

const cacheDir = process.env['HONNIN_MODEL_CACHE'] ?? defaultModelCacheDir();
const COMPARISONS = Number(process.env['HONNIN_BENCH_COMPARISONS'] ?? '60');
const MEASURES = 10;
const SCORES = 500;

export const bench: Bench = {
  summary: 'processor time of comparing a photograph with a card, and what judging both pictures has of it',
  async run(report) {
    const sides = await Promise.all(
      DEMO_FACE_NAMES.map(async (name) => [await loadDemoFace(name), await loadCardPhoto(name)] as const),
    );
    const comparer = new OnnxFaceComparer({ cacheDir, workers: 1, queueLimit: 10 });
    await comparer.start();
    try {
      report.progress('comparing ...');
      // Three of the sample photographs show lowered lids, which no comparison gets past.
      const usable: (typeof sides)[number][] = [];
      for (const side of sides) {
        const assessed = await comparer.assess(side[0]);
        if (assessed.outcome === 'assessed' && assessed.reasons.length === 0) usable.push(side);
      }
      const side = (i: number): (typeof sides)[number] => usable[i % usable.length]!;
      const compare = async (i: number, registered: Uint8Array | null): Promise<ScoreBasis> => {
        const [captured, card] = [side(i)[0], side(i + 1)[1]];
        const ended = await comparer.compareInDetail({ captured, card, registered }, 'plain');
        if (ended.outcome !== 'done' || ended.result.kind !== 'compared') throw new Error(JSON.stringify(ended));
        return ended.result.scores.basis;
      };
      const basis = await compare(0, null);
      const alone = await cpuMsOf(COMPARISONS, (i) => compare(i, null));
      const withRegistered = await cpuMsOf(COMPARISONS, (i) => compare(i, side(i + 2)[0]));
      report.progress('judging ...');
      const engine = await FaceEngine.load(DEFAULT_MODEL_SET, cacheDir);
      const [photograph, card] = [
        await judgingMs(
          engine,
          sides.map(([photo]) => photo),
        ),
        await judgingMs(
          engine,
          sides.map(([, picture]) => picture),
        ),
      ];
      const points = await cpuMsOf(SCORES, () => scoreComparison(basis));
      report.row('one comparison (CPU)', { cardAloneMs: alone, cardAndRegisteredMs: withRegistered });
      report.row('judging a picture, and points (CPU)', { photographMs: photograph, cardMs: card, pointsMs: points });
      report.ratio('CPU: judging both pictures ÷ comparing them', (photograph + card + points) / alone, '≤ 0.2');
    } finally {
      await comparer.close();
    }
  },
};

/** Of all threads of this process, per round: other programs change it little. */
async function cpuMsOf(rounds: number, work: (round: number) => unknown): Promise<number> {
  const begin = process.cpuUsage();
  for (let round = 0; round < rounds; round += 1) await work(round);
  const { user, system } = process.cpuUsage(begin);
  return (user + system) / 1_000 / rounds;
}

async function judgingMs(engine: FaceEngine, pictures: readonly Uint8Array[]): Promise<number> {
  let ms = 0;
  for (const bytes of pictures) {
    const image = await decodeImage(bytes, DEFAULT_IMAGE_LIMITS);
    const [face] = await engine.findFaces(image, 'largest');
    if (!face) throw new Error('a sample picture without a face');
    ms += await cpuMsOf(MEASURES, () => measurePicture(image, face));
  }
  return ms / pictures.length;
}
