import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { OnnxFaceComparer } from '../../src/infrastructure/face/onnx-face-comparer.js';
import { hostileCorpus, type HostileFile } from './hostile-corpus.js';
import { testModels } from './support.js';
import { soakCount, soakFactor, soakSeed } from '../support/soak.js';

const WORKERS = 2;
/** All of them are in memory at once, so that a soak takes twenty times more and no more. */
const FILES = Number(process.env['HONNIN_HOSTILE_FILES'] ?? Math.min(soakCount({ ci: 1000, soak: 2000 }), 40_000));
const comparer = new OnnxFaceComparer({ cacheDir: testModels, workers: WORKERS });
beforeAll(() => comparer.start(), 120_000);
afterAll(() => comparer.close());

interface Ending {
  readonly name: string;
  readonly end: string;
  readonly ms: number;
}

/** One file per worker at a time, so that times are those of the file itself. */
async function endings(files: readonly HostileFile[], rss: number[]): Promise<Ending[]> {
  const found: Ending[] = [];
  const next = files.values();
  const lanes = Array.from({ length: WORKERS }, async () => {
    for (const { name, bytes } of next) {
      const start = performance.now();
      const ended = await comparer.analyse(bytes);
      const end =
        ended.outcome !== 'done' ? ended.outcome : ended.result.kind === 'unusable' ? ended.result.reason : 'ACCEPTED';
      found.push({ name, end, ms: performance.now() - start });
      rss.push(process.memoryUsage().rss / 1e6);
    }
  });
  await Promise.all(lanes);
  return found;
}

describe('files made to harm', () => {
  it(
    `${FILES} of them end in a stated refusal within 2 s each, without a crash and without growth`,
    async () => {
      const rss: number[] = [];
      const found = await endings(await hostileCorpus(FILES, soakSeed(20_261_123)), rss);
      expect(found).toHaveLength(FILES);
      expect(found.filter(({ end }) => !['unreadable_image', 'image_too_large', 'no_face'].includes(end))).toEqual([]);
      expect(found.filter(({ ms }) => ms > 2_000)).toEqual([]);
      expect(comparer.replacedWorkers()).toBe(0);
      // Every kind of ending occurs, so the corpus does reach the decoders and the networks.
      expect(new Set(found.map(({ end }) => end))).toEqual(new Set(['unreadable_image', 'image_too_large', 'no_face']));
      const mean = (part: readonly number[]): number => part.reduce((sum, mb) => sum + mb, 0) / part.length;
      const tenth = Math.floor(rss.length / 10);
      expect(mean(rss.slice(-tenth)) - mean(rss.slice(3 * tenth, 4 * tenth))).toBeLessThan(60);
    },
    120_000 * soakFactor(),
  );

  it('are the same from run to run', async () => {
    const [first, second] = [await hostileCorpus(120, 5), await hostileCorpus(120, 5)];
    expect(first.map(({ bytes }) => bytes.toString('base64'))).toEqual(
      second.map(({ bytes }) => bytes.toString('base64')),
    );
  });
});
