import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import sharp from 'sharp';
import { verdictOfCheck } from '../dist/application/door/photograph-tally.js';
import { DEFAULT_POLICY } from '../dist/domain/policy/policy.js';
import { FaceEngine } from '../dist/infrastructure/face/engine/face-engine.js';
import { decodeImage, DEFAULT_IMAGE_LIMITS } from '../dist/infrastructure/face/image/image-decoder.js';
import { DEFAULT_MODEL_SET } from '../dist/infrastructure/face/model-set/model-set.js';
import { defaultModelCacheDir, OnnxFaceComparer } from '../dist/infrastructure/face/onnx-face-comparer.js';
import { DEMO_FACE_NAMES, loadDemoFace } from '../dist/sandbox/card/demo-faces.js';
import { ALTERATIONS, randomOf, type Portrait } from './portrait/alterations.ts';
import { VARIANTS } from './portrait/variants.ts';
import type { Bench, BenchReport } from './report.ts';

const cacheDir = process.env['HONNIN_MODEL_CACHE'] ?? defaultModelCacheDir();
const PHOTOGRAPHS = Number(process.env['HONNIN_BENCH_PORTRAIT_PHOTOGRAPHS'] ?? '100');
const SEED = Number(process.env['HONNIN_BENCH_PORTRAIT_SEED'] ?? '1');
/** `all` adds the drawings of another painter's hand; names with semicolons between them leave the others out. */
const ASKED = process.env['HONNIN_BENCH_PORTRAIT_KINDS'];
const KINDS = ASKED === undefined ? ALTERATIONS : { ...ALTERATIONS, ...VARIANTS };
const isAsked = (name: string): boolean =>
  ASKED === undefined || ASKED === 'all' || ASKED.split(';').some((asked) => asked.trim() === name);
const shared = join(process.env['HONNIN_SHARED'] ?? resolve(import.meta.dirname, '../../shared'), 'faces', 'images');

export const bench: Bench = {
  summary:
    'photographs altered in 17 ways, and what the default policy makes of them: accepted, referred, refused ' +
    '(HONNIN_BENCH_PORTRAIT_PHOTOGRAPHS, HONNIN_BENCH_PORTRAIT_SEED, HONNIN_BENCH_PORTRAIT_KINDS=all for 43, or names with ; between them)',
  async run(report) {
    const comparer = new OnnxFaceComparer({ cacheDir, workers: 2 });
    await comparer.start();
    try {
      const engine = await FaceEngine.load(DEFAULT_MODEL_SET, cacheDir);
      for (const [source, pictures] of [
        ['photographs', await photographs()],
        ['sample faces', await Promise.all(DEMO_FACE_NAMES.map((name) => loadDemoFace(name)))],
      ] as const) {
        const portraits = (
          await Promise.all(pictures.slice(0, PHOTOGRAPHS).map((bytes) => portraitOf(engine, bytes)))
        ).filter((found) => found !== null);
        if (portraits.length > 0) await table(report, comparer, source, portraits);
      }
    } finally {
      await comparer.close();
    }
  },
};

/** Photographs that lie beside the project, enlarged so that what is drawn over them has edges as sharp as theirs. */
async function photographs(): Promise<Buffer[]> {
  if (!existsSync(shared)) return [];
  return Promise.all(
    readdirSync(shared)
      .sort()
      .slice(0, PHOTOGRAPHS)
      .map((file) =>
        sharp(readFileSync(join(shared, file)))
          .resize(750)
          .jpeg({ quality: 95 })
          .toBuffer(),
      ),
  );
}

async function portraitOf(engine: FaceEngine, bytes: Buffer): Promise<Portrait | null> {
  const image = await decodeImage(bytes, DEFAULT_IMAGE_LIMITS);
  const [face] = await engine.findFaces(image, 'largest');
  return face ? { bytes, width: image.width, height: image.height, landmarks: face.landmarks } : null;
}

async function table(
  report: BenchReport,
  comparer: OnnxFaceComparer,
  source: string,
  portraits: readonly Portrait[],
): Promise<void> {
  for (const [kind, [name, alter]] of Object.entries(KINDS).entries()) {
    if (!isAsked(name)) continue;
    report.progress(`${source}: ${name} ...`);
    const counts: Record<string, number> = { accepted: 0, referred: 0, refused: 0 };
    const reasons: Record<string, number> = {};
    // A few at a time: the queue of the workers is short.
    for (let at = 0; at < portraits.length; at += 8) {
      await Promise.all(
        portraits.slice(at, at + 8).map(async (portrait, i) => {
          const assessed = await comparer.assess(
            await alter(portrait, randomOf(SEED * 1_000_003 + 1_000 * (at + i) + kind)),
          );
          if (assessed.outcome !== 'assessed') throw new Error(`${name}: ${assessed.outcome} ${assessed.detail}`);
          const { verdict, reason, measure } = verdictOfCheck(assessed, DEFAULT_POLICY);
          counts[verdict] = (counts[verdict] ?? 0) + 1;
          if (verdict === 'accepted') return;
          const why = measure === 'none' ? reason : `${reason}:${measure}`;
          reasons[why] = (reasons[why] ?? 0) + 1;
        }),
      );
    }
    const why = Object.entries(reasons)
      .sort(([, a], [, b]) => b - a)
      .map(([reason, n]) => `${reason} ${n}`)
      .join(', ');
    report.row(`${source}: ${name}`, { of: portraits.length, ...counts, why });
  }
}
