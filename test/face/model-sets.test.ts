import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { copyFile, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { DEFAULT_POLICY } from '../../src/domain/policy/policy.js';
import { sha256Hex } from '../../src/infrastructure/face/build-models/build-models.js';
import { suggestedBands } from '../../src/infrastructure/face/engine/calibration.js';
import { installModel } from '../../src/infrastructure/face/model-set/install-model.js';
import { MODEL_PARTS, withPart } from '../../src/infrastructure/face/model-set/model-parts.js';
import { algorithmOf, DEFAULT_MODEL_SET, modelFiles } from '../../src/infrastructure/face/model-set/model-set.js';
import {
  installedSets,
  loadModelSet,
  parseModelSet,
  saveModelSet,
} from '../../src/infrastructure/face/model-set/model-set-file.js';
import { OnnxFaceComparer } from '../../src/infrastructure/face/onnx-face-comparer.js';
import { DEMO_FACE_NAMES, DEMO_STORIES, loadCardPhoto, loadDemoFace } from '../../src/sandbox/card/demo-faces.js';
import { emptyFolder, sharedModel, testModels } from './support.js';
import { elsewhere } from '../support/peers.js';
import { describeUnless } from '../support/unless.js';

let folder: string;
let server: Server | undefined;
beforeEach(() => {
  folder = emptyFolder();
});
afterEach(async () => {
  server?.close();
  server = undefined;
  await rm(folder, { recursive: true, force: true });
});

describe('a model set in a file', () => {
  it('is read back as it was written, and scores under the same name', async () => {
    const set = withPart('yunet-detector', { file: 'yunet.onnx', sha256: 'ab'.repeat(32) }, { id: 'with-yunet' });
    await saveModelSet(set, folder);
    expect(await installedSets(folder)).toEqual([DEFAULT_MODEL_SET.id, 'with-yunet']);
    const read = await loadModelSet('with-yunet', folder);
    expect(read).toEqual(set);
    expect(algorithmOf(read)).toEqual(algorithmOf(set));
    expect(algorithmOf(read)).not.toEqual(algorithmOf(DEFAULT_MODEL_SET));
  });

  it('states everything: the default set and every part make a valid manifest, and no member may be missing', () => {
    const sets = [
      DEFAULT_MODEL_SET,
      ...Object.keys(MODEL_PARTS).map((part) =>
        withPart(part, { file: 'x.onnx', sha256: '0'.repeat(64) }, { id: 'x' }),
      ),
    ];
    for (const set of sets) {
      expect(parseModelSet(JSON.stringify(set), 'test')).toEqual(JSON.parse(JSON.stringify(set)));
      for (const leaf of paths(set)) {
        // These may be absent, but not be there by halves.
        if (leaf.join('.').includes('meshPoints') || ['eyes', 'qualityWeights'].includes(leaf.join('.'))) continue;
        expect(() => parseModelSet(JSON.stringify(without(set, leaf)), 'test')).toThrow(/test: manifest/);
      }
    }
  });

  it.each([
    ['{', 'is not JSON'],
    ['[]', 'manifest must be an object'],
    [JSON.stringify({ ...DEFAULT_MODEL_SET, extra: 1 }), 'manifest.extra is not known'],
    [JSON.stringify({ ...DEFAULT_MODEL_SET, id: '../../x' }), 'manifest.id must be an id'],
    [
      JSON.stringify({ ...DEFAULT_MODEL_SET, embedder: { ...DEFAULT_MODEL_SET.embedder, file: '../x.onnx' } }),
      'a plain file name',
    ],
    [
      JSON.stringify({ ...DEFAULT_MODEL_SET, embedder: { ...DEFAULT_MODEL_SET.embedder, views: [] } }),
      'views must be a list of 1 to 16',
    ],
    [
      JSON.stringify({ ...DEFAULT_MODEL_SET, suggestedBands: { matchDistanceMax: 0.7, referDistanceMax: 0.6 } }),
      'must not be above',
    ],
  ])('refuses %#', (text, message) => {
    expect(() => parseModelSet(text, 'test')).toThrow(message);
  });

  it('that is not there is named, with what to do', async () => {
    await expect(loadModelSet('nothing', folder)).rejects.toThrow(/no model set 'nothing'.*models list/);
    await expect(loadModelSet('../nothing', folder)).rejects.toThrow("'../nothing' is no id");
  });

  it('of the default suggests the marks that the default policy has', () => {
    expect(suggestedBands(DEFAULT_MODEL_SET)).toEqual({
      matchPointsMin: DEFAULT_POLICY.cardMatchPointsMin,
      referPointsMin: DEFAULT_POLICY.referralPointsMin,
    });
  });
});

function paths(value: unknown, at: string[] = []): string[][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [at];
  return Object.entries(value).flatMap(([key, member]) => [[...at, key], ...paths(member, [...at, key])]);
}

function without(value: unknown, [key, ...rest]: string[]): unknown {
  if (key === undefined) return undefined;
  const copy = { ...(value as Record<string, unknown>) };
  if (rest.length === 0) delete copy[key];
  else copy[key] = without(copy[key], rest);
  return copy;
}

describe('installing a model', () => {
  const bytes = Buffer.from('not really a network');
  const sha256 = sha256Hex(bytes);

  it('copies a file whose hash fits, and refuses any other without leaving a trace', async () => {
    const source = path.join(folder, 'net.onnx');
    await writeFile(source, bytes);
    const cache = path.join(folder, 'cache');
    const installed = await installModel(cache, { source, sha256: sha256.toUpperCase() });
    expect(installed).toMatchObject({ file: 'net.onnx', sha256, bytes: bytes.length });
    expect(await readFile(installed.path)).toEqual(bytes);
    await expect(installModel(cache, { source, sha256: '0'.repeat(64), file: 'other.onnx' })).rejects.toThrow(
      /SHA-256 .*expected 0000.*Nothing was installed/,
    );
    await expect(installModel(cache, { source, sha256: 'abc' })).rejects.toThrow('64 hexadecimal digits');
    await expect(installModel(cache, { source, sha256, file: '../x.onnx' })).rejects.toThrow('not a plain file name');
    await expect(installModel(cache, { source: path.join(folder, 'missing.onnx'), sha256 })).rejects.toThrow(
      'there is no file',
    );
    expect(await readdir(cache)).toEqual(['net.onnx']);
  });

  it('never replaces another file of the same name', async () => {
    const source = path.join(folder, 'net.onnx');
    await writeFile(source, bytes);
    await writeFile(path.join(folder, 'taken.onnx'), 'something else');
    await expect(installModel(folder, { source, sha256, file: 'taken.onnx' })).rejects.toThrow('is another file');
    expect(await readFile(path.join(folder, 'taken.onnx'), 'utf8')).toBe('something else');
  });

  it('fetches from an address, and refuses what comes when it is not the pinned file', async () => {
    server = createServer((request, response) => {
      if (request.url === '/net.onnx') response.end(bytes);
      else response.writeHead(404).end();
    }).listen(0, '127.0.0.1');
    await new Promise((ready) => server?.once('listening', ready));
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    expect(await installModel(folder, { source: `${base}/net.onnx`, sha256 })).toMatchObject({ file: 'net.onnx' });
    await expect(
      installModel(folder, { source: `${base}/net.onnx`, sha256: '1'.repeat(64), file: 'b.onnx' }),
    ).rejects.toThrow('expected 1111');
    await expect(installModel(folder, { source: `${base}/gone.onnx`, sha256 })).rejects.toThrow('answered 404');
    await expect(installModel(folder, { source: 'http://models.example/net.onnx', sha256 })).rejects.toThrow(
      'by https only',
    );
    expect(await readdir(folder)).toEqual(['net.onnx']);
  });
});

const yunet = sharedModel('face_detection_yunet_2023mar.onnx');
const noYunet = yunet === null ? 'YuNet is not on this machine (../shared/models)' : null;

describeUnless(elsewhere(noYunet), 'the optional detector', () => {
  it('takes the place of the default one: one face in each picture, and the same verdicts', async () => {
    const known = MODEL_PARTS['yunet-detector']!.known!;
    const installed = await installModel(folder, { source: yunet!, sha256: known.sha256 });
    for (const { file } of modelFiles(DEFAULT_MODEL_SET))
      await copyFile(path.join(testModels, file), path.join(folder, file)).catch(() => undefined);
    const set = withPart('yunet-detector', { file: installed.file, sha256: installed.sha256 }, { id: 'with-yunet' });
    const comparer = new OnnxFaceComparer({ cacheDir: folder, workers: 1, modelSet: set });
    await comparer.start();
    try {
      for (const name of DEMO_FACE_NAMES.slice(0, 8))
        expect(await comparer.analyse(await loadDemoFace(name))).toMatchObject({
          result: { kind: 'analysed', faces: [{}] },
        });
      const { matchPointsMin, referPointsMin } = suggestedBands(set);
      const points = async (captured: string, card: string): Promise<number> => {
        const result = await comparer.compare({
          captured: await loadDemoFace(captured as never),
          card: await loadCardPhoto(card as never),
          registered: null,
        });
        return result.outcome === 'compared' ? result.cardPoints : NaN;
      };
      expect(await points(DEMO_STORIES.samePerson.captured, DEMO_STORIES.samePerson.card)).toBeGreaterThanOrEqual(
        matchPointsMin,
      );
      expect(await points(DEMO_STORIES.differentPeople.captured, DEMO_STORIES.differentPeople.card)).toBeLessThan(
        referPointsMin,
      );
    } finally {
      await comparer.close();
    }
  }, 180_000);
});
