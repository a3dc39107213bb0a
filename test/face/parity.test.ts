import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import { fillTensor } from '../../src/infrastructure/face/engine/alignment.js';
import { ensureModels } from '../../src/infrastructure/face/build-models/build-models.js';
import { DEFAULT_MODEL_SET, modelFiles, type ModelInput } from '../../src/infrastructure/face/model-set/model-set.js';
import { packageFolder } from '../../src/infrastructure/face/model-set/package-folder.js';
import { DEMO_FACE_NAMES, loadDemoFace } from '../../src/sandbox/card/demo-faces.js';
import { testModels } from './support.js';

/** onnxruntime-node does not load inside jest's module sandbox, so the ONNX side runs in a process as well. */
const here = path.dirname(fileURLToPath(import.meta.url));

interface Crop {
  readonly side: number;
  readonly pixels: number[];
}

function run(script: string, input: object): number[][] {
  const ended = spawnSync(process.execPath, [path.join(here, 'fixtures', script)], {
    input: JSON.stringify(input),
    encoding: 'utf8',
    maxBuffer: 1 << 26,
    timeout: 120_000,
  });
  const answer = /^ANSWER (.*)$/m.exec(ended.stdout)?.[1];
  if (answer === undefined) throw new Error(`${script}: ${ended.stderr.slice(-2_000)}`);
  return JSON.parse(answer) as number[][];
}

function tensor({ pixels }: Crop, input: ModelInput): number[] {
  const target = new Float32Array(pixels.length);
  fillTensor(Float32Array.from(pixels), input, target);
  return [...target];
}

describe('the converted networks against their origin', () => {
  beforeAll(() => ensureModels(testModels, modelFiles(DEFAULT_MODEL_SET)));

  it.each([
    ['embedding', 150, DEFAULT_MODEL_SET.embedder],
    ['68 landmarks', 112, DEFAULT_MODEL_SET.landmarks],
  ] as const)(
    '%s: every number within 1e-4 of what face-api itself computes',
    async (_name, side, { input, file }) => {
      const crops: Crop[] = [];
      for (const name of DEMO_FACE_NAMES.slice(0, 6)) {
        const pixels = await sharp(await loadDemoFace(name))
          .resize(side, side, { fit: 'fill' })
          .raw()
          .toBuffer();
        crops.push({ side, pixels: [...pixels] });
      }
      const theirs = run('face-api-run.mjs', { root: packageFolder('@vladmandic/face-api'), crops });
      const ours = run('onnx-run.mjs', {
        file: path.join(testModels, file),
        shape: [1, 3, side, side],
        inputs: crops.map((crop) => tensor(crop, input)),
      });
      expect(ours).toHaveLength(theirs.length);
      const differences = ours.flatMap((answer, i) => answer.map((value, k) => Math.abs(value - theirs[i]![k]!)));
      expect(differences).toHaveLength(6 * (side === 150 ? 128 : 136));
      expect(Math.max(...differences)).toBeLessThan(1e-4);
      // The answers are not simply all alike.
      expect(Math.max(...ours[0]!.map((value, k) => Math.abs(value - ours[1]![k]!)))).toBeGreaterThan(1e-2);
    },
    180_000,
  );

  // The converter rewrites these two (channels filled up, PReLU and padding by other operators), so they are held to
  // what the original graph computes. Boxes and points are in pixels of the input; scores go up to hundreds, so large
  // numbers are compared by share.
  it.each([
    [
      'blazeface',
      256,
      DEFAULT_MODEL_SET.detector,
      ['Identity', 'Identity_2', 'Identity_1', 'Identity_3'],
      ['scores16', 'boxes16', 'scores8', 'boxes8'],
      896 * 17,
    ],
    ['facemesh', 192, DEFAULT_MODEL_SET.faceFlag, ['Identity_1', 'Identity_2'], ['flag', 'mesh'], 1 + 1404],
  ] as const)(
    '%s: every number within 1e-3 of what its own graph computes, or of its size where that is above 1',
    async (model, side, { input, file }, nodes, outputs, length) => {
      const pictures: { interleaved: number[]; planes: number[] }[] = [];
      for (const name of DEMO_FACE_NAMES.slice(0, 2)) {
        const pixels = [
          ...(await sharp(await loadDemoFace(name))
            .resize(side, side, { fit: 'fill' })
            .raw()
            .toBuffer()),
        ];
        pictures.push({
          interleaved: pixels.map((value, i) => (value - input.mean[i % 3]!) * input.scale),
          planes: tensor({ side, pixels }, input),
        });
      }
      const theirs = run('human-run.mjs', {
        faceApi: packageFolder('@vladmandic/face-api'),
        human: packageFolder('@vladmandic/human'),
        model,
        nodes,
        side,
        inputs: pictures.map((picture) => picture.interleaved),
      });
      const ours = run('onnx-run.mjs', {
        file: path.join(testModels, file),
        shape: [1, 3, side, side],
        outputs,
        inputs: pictures.map((picture) => picture.planes),
      });
      const differences = ours.flatMap((answer, i) =>
        answer.map((value, k) => Math.abs(value - theirs[i]![k]!) / Math.max(1, Math.abs(value))),
      );
      expect(differences).toHaveLength(2 * length);
      expect(Math.max(...differences)).toBeLessThan(1e-3);
      expect(Math.max(...ours[0]!.map((value, k) => Math.abs(value - ours[1]![k]!)))).toBeGreaterThan(1);
    },
    180_000,
  );

  it('attention mesh: its points lie where the plain mesh has them, and the corners of the eyes that it looks at once more too', async () => {
    const side = 192;
    const { eyes, faceFlag } = DEFAULT_MODEL_SET;
    const pictures: number[][] = [];
    for (const name of DEMO_FACE_NAMES.slice(4, 8)) {
      // About the frame that both nets want: the face fills it.
      const pixels = await sharp(await loadDemoFace(name))
        .extract({ left: 60, top: 180, width: 600, height: 600 })
        .resize(side, side, { fit: 'fill' })
        .raw()
        .toBuffer();
      pictures.push(tensor({ side, pixels: [...pixels] }, eyes!.input));
    }
    const plain = run('onnx-run.mjs', {
      file: path.join(testModels, faceFlag.file),
      shape: [1, 3, side, side],
      outputs: ['mesh'],
      inputs: pictures,
    });
    const attentive = run('onnx-run.mjs', {
      file: path.join(testModels, eyes!.file),
      shape: [1, 3, side, side],
      outputs: ['mesh', 'left_eye', 'right_eye'],
      inputs: pictures,
    });
    for (const [i, answer] of attentive.entries()) {
      const point = (numbers: number[], at: number) => [numbers[at]!, numbers[at + 1]!] as const;
      const apart = ([ax, ay]: readonly [number, number], [bx, by]: readonly [number, number]) =>
        Math.hypot(ax - bx, ay - by);
      const distances = Array.from({ length: 468 }, (_, k) =>
        apart(point(answer, 3 * k), point(plain[i]!, 3 * k)),
      ).sort((a, b) => a - b);
      expect(distances[234]).toBeLessThan(4);
      const [left, right] = [answer.slice(1404, 1404 + 142), answer.slice(1404 + 142)];
      for (const [eye, at, corner] of [
        [left, 0, 33],
        [left, 8, 133],
        [right, 0, 263],
        [right, 8, 362],
      ] as const) {
        expect(apart(point(eye, 2 * at), point(answer, 3 * corner))).toBeLessThan(6);
      }
    }
    expect(Math.max(...attentive[0]!.map((value, k) => Math.abs(value - attentive[1]![k]!)))).toBeGreaterThan(1);
  }, 180_000);
});
