import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ensureModels, modelPath, sha256Hex } from '../../src/infrastructure/face/build-models/build-models.js';
import { readWeights } from '../../src/infrastructure/face/build-models/weights.js';
import {
  algorithmOf,
  canonicalJson,
  DEFAULT_MODEL_SET,
  modelFiles,
} from '../../src/infrastructure/face/model-set/model-set.js';
import { emptyFolder } from './support.js';

let folder: string;
beforeEach(() => {
  folder = emptyFolder();
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('making the models', () => {
  it('makes every file of the default set with its pinned hash, and finds them the second time', async () => {
    const made = await ensureModels(folder, modelFiles(DEFAULT_MODEL_SET));
    expect(made.map((model) => model.how)).toEqual(['made', 'made', 'made', 'made', 'made']);
    for (const model of made) expect(sha256Hex(await readFile(model.path))).toBe(model.sha256);
    const found = await ensureModels(folder, modelFiles(DEFAULT_MODEL_SET));
    expect(found.map((model) => model.how)).toEqual(['found', 'found', 'found', 'found', 'found']);
  });

  it('refuses a file of which one bit differs, and leaves it as it is', async () => {
    const [model] = await ensureModels(folder, [DEFAULT_MODEL_SET.detector]);
    const bytes = await readFile(model!.path);
    bytes[1000]! ^= 1;
    await writeFile(model!.path, bytes);
    await expect(ensureModels(folder, [DEFAULT_MODEL_SET.detector])).rejects.toThrow(
      /blazeface-v2\.onnx has SHA-256 .*, expected 7a88681c/,
    );
    expect(await readFile(model!.path)).toEqual(bytes);
  });

  it('refuses a pin that the converter does not meet', async () => {
    await expect(ensureModels(folder, [{ file: 'blazeface-v2.onnx', sha256: '0'.repeat(64) }])).rejects.toThrow(
      'expected 0000',
    );
  });

  it('refuses a file that nobody can make, and a name that leaves the folder', async () => {
    await expect(ensureModels(folder, [{ file: 'sface.onnx', sha256: '0'.repeat(64) }])).rejects.toThrow(
      /sface\.onnx is missing .* models install/,
    );
    expect(() => modelPath(folder, '../evil.onnx')).toThrow('not a plain file name');
    expect(() => modelPath(folder, path.join('a', 'b.onnx'))).toThrow('not a plain file name');
  });
});

describe('reading weights', () => {
  it('reads bytes with scale and minimum, half floats, floats and integers', () => {
    const bytes = new Uint8Array(3 + 4 + 4 + 4);
    const view = new DataView(bytes.buffer);
    bytes.set([0, 128, 255]);
    view.setUint16(3, 0x3c00, true); // 1
    view.setUint16(5, 0x8001, true); // -2^-24, the smallest half
    view.setFloat32(7, 0.1, true);
    view.setInt32(11, -7, true);
    const weights = readWeights(
      [
        { name: 'q', shape: [3], dtype: 'float32', quantization: { dtype: 'uint8', scale: 0.5, min: -1 } },
        { name: 'h', shape: [2], dtype: 'float32', quantization: { dtype: 'float16' } },
        { name: 'f', shape: [1], dtype: 'float32' },
        { name: 'i', shape: [1], dtype: 'int32' },
      ],
      bytes,
    );
    expect([...weights.get('q')!.data]).toEqual([-1, 63, 126.5]);
    expect([...weights.get('h')!.data]).toEqual([1, -(2 ** -24)]);
    expect([...weights.get('f')!.data, ...weights.get('i')!.data]).toEqual([Math.fround(0.1), -7]);
  });

  it('refuses bytes that are missing or left over', () => {
    const entry = { name: 'f', shape: [2], dtype: 'float32' };
    expect(() => readWeights([entry], new Uint8Array(7))).toThrow('end before f');
    expect(() => readWeights([entry], new Uint8Array(9))).toThrow('1 bytes of weights are left over');
  });
});

describe('the name of a model set', () => {
  it('does not depend on the order of keys, and changes with every number', () => {
    const reordered = Object.fromEntries(
      Object.entries(DEFAULT_MODEL_SET).reverse(),
    ) as unknown as typeof DEFAULT_MODEL_SET;
    expect(canonicalJson(reordered)).toBe(canonicalJson(DEFAULT_MODEL_SET));
    expect(algorithmOf(reordered)).toEqual(algorithmOf(DEFAULT_MODEL_SET));
    const stricter = { ...DEFAULT_MODEL_SET, detector: { ...DEFAULT_MODEL_SET.detector, scoreMin: 0.61 } };
    expect(algorithmOf(stricter).version).not.toBe(algorithmOf(DEFAULT_MODEL_SET).version);
    expect(algorithmOf(DEFAULT_MODEL_SET).version).toMatch(
      /^2\.0\.0\+[0-9a-f]{12}\.ort-[\d.]+\.sharp-[\d.]+\.vips-[\d.]+\.openjpeg-[\d.]+$/,
    );
  });
});
