import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import sharp from 'sharp';
import { reportedSets } from '../dist/cli/face/face-lists.js';
import { scoreComparison } from '../dist/domain/registration/face-score.js';
import {
  distanceOf,
  scoringOf,
  suggestedBands,
  wholeDistance,
} from '../dist/infrastructure/face/engine/calibration.js';
import { subjectsOf } from '../dist/infrastructure/face/evaluation/statistics/bootstrap.js';
import { parsePairList } from '../dist/infrastructure/face/evaluation/pair-list.js';
import { FaceEngine } from '../dist/infrastructure/face/engine/face-engine.js';
import type { AnalysedPicture } from '../dist/infrastructure/face/worker/face-jobs.js';
import { decodeImage, DEFAULT_IMAGE_LIMITS } from '../dist/infrastructure/face/image/image-decoder.js';
import { DEFAULT_MODEL_SET, type ModelSet } from '../dist/infrastructure/face/model-set/model-set.js';
import { loadModelSet } from '../dist/infrastructure/face/model-set/model-set-file.js';
import { defaultModelCacheDir, OnnxFaceComparer } from '../dist/infrastructure/face/onnx-face-comparer.js';
import { blended, type Marked } from './morphs/blend.ts';
import type { Bench, BenchReport } from './report.ts';

const cacheDir = process.env['HONNIN_MODEL_CACHE'] ?? defaultModelCacheDir();
const shared = join(process.env['HONNIN_SHARED'] ?? resolve(import.meta.dirname, '../../shared'), 'faces');

export const bench: Bench = {
  summary: 'pictures blended of two people against the cards of both (labelled faces that lie beside the project)',
  async run(report) {
    const file = join(shared, 'pairs.csv');
    if (!existsSync(file)) return report.note(`skipped: there are no labelled faces (${file})`);
    const people = peopleOf(readFileSync(file, 'utf8'));
    const engine = await FaceEngine.load(DEFAULT_MODEL_SET, cacheDir);
    const morphs: Morph[] = [];
    for (const [i, a] of people.entries()) {
      for (const b of people.slice(i + 1)) morphs.push(await morphOf(engine, a, b));
    }
    for (const id of await reportedSets(cacheDir))
      await bothMatch(report, await loadModelSet(id, cacheDir), people, morphs);
  },
};

interface Person {
  readonly name: string;
  /** The first is the one that is blended. */
  readonly photographs: readonly string[];
  /** Of every photograph but the first, grey and in colour. */
  readonly cards: readonly string[];
}

interface Morph {
  readonly people: readonly [string, string];
  readonly jpeg: Uint8Array;
}

function peopleOf(text: string): Person[] {
  const subjects = subjectsOf(parsePairList(text));
  if (!subjects) throw new Error('people cannot be told apart');
  const files = new Map<string, string[]>();
  for (const [file, person] of [...subjects].sort(([a], [b]) => (a < b ? -1 : 1)))
    files.set(person, [...(files.get(person) ?? []), file]);
  return [...files].map(([name, those]) => {
    const photographs = those.filter((file) => file.endsWith('.jpg'));
    const first = /(\w+)\.jpg$/.exec(photographs[0] ?? '')?.[1] ?? '';
    return { name, photographs, cards: those.filter((file) => file.endsWith('.jp2') && !file.includes(first)) };
  });
}

async function morphOf(engine: FaceEngine, a: Person, b: Person): Promise<Morph> {
  const marked = async ({ photographs }: Person): Promise<Marked> => {
    const image = await decodeImage(readFileSync(join(shared, photographs[0] ?? '')), DEFAULT_IMAGE_LIMITS);
    const [face] = await engine.findFaces(image, 'prominent');
    if (!face) throw new Error(`${photographs[0]} shows no face`);
    return { image, landmarks: face.landmarks };
  };
  const { data, width, height } = blended(await marked(a), await marked(b));
  const jpeg = await sharp(data, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 92 })
    .toBuffer();
  return { people: [a.name, b.name], jpeg };
}

type Analysed = AnalysedPicture & { readonly embedding: Float32Array };

async function bothMatch(
  report: BenchReport,
  set: ModelSet,
  people: readonly Person[],
  morphs: readonly Morph[],
): Promise<void> {
  report.progress(`${set.id} ...`);
  const comparer = new OnnxFaceComparer({ cacheDir, modelSet: set, workers: 2 });
  await comparer.start();
  try {
    const analysed = async (bytes: Uint8Array): Promise<Analysed | null> => {
      const ended = await comparer.analyse(bytes, { primary: 'prominent', quality: false });
      if (ended.outcome !== 'done') throw new Error(ended.detail);
      return ended.result.kind === 'analysed' ? ended.result : null;
    };
    const cards = new Map<string, (Analysed | null)[]>();
    for (const { name, cards: files } of people)
      cards.set(name, await Promise.all(files.map((file) => analysed(readFileSync(join(shared, file))))));
    const { matchPointsMin, referPointsMin } = suggestedBands(set);
    const counts = { tried: 0, match: 0, refer: 0 };
    for (const {
      people: [a, b],
      jpeg,
    } of morphs) {
      const morph = await analysed(jpeg);
      const [ofA = [], ofB = []] = [cards.get(a), cards.get(b)];
      // The k-th card of one with the k-th of the other: an attacker has one card of each.
      for (let k = 0; k < Math.min(ofA.length, ofB.length); k += 1) {
        const least = Math.min(points(set, morph, ofA[k]!), points(set, morph, ofB[k]!));
        counts.tried += 1;
        counts.match += least >= matchPointsMin ? 1 : 0;
        counts.refer += least >= referPointsMin ? 1 : 0;
      }
    }
    const percent = (count: number): number => Math.round((10_000 * count) / counts.tried) / 100;
    report.row(set.id, {
      morphs: morphs.length,
      tried: counts.tried,
      bothMatchPercent: percent(counts.match),
      bothInReferralBandOrMatchPercent: percent(counts.refer),
    });
  } finally {
    await comparer.close();
  }
}

function points(set: ModelSet, morph: Analysed | null, card: Analysed | null): number {
  if (!morph || !card) return 0;
  const distance = wholeDistance(distanceOf(morph.embedding, card.embedding, set.distance));
  return scoreComparison({
    scoring: scoringOf(set),
    captured: morph.measures,
    card: { distance, measures: card.measures },
    registered: null,
  }).cardPoints;
}
