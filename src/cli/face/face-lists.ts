import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parsePairList, type LabelledPair } from '../../infrastructure/face/evaluation/pair-list.js';
import { PRIMARY_RULES, type PrimaryRule } from '../../infrastructure/face/engine/face-engine.js';
import { DEFAULT_MODEL_SET, modelFiles } from '../../infrastructure/face/model-set/model-set.js';
import { installedSets, loadModelSet } from '../../infrastructure/face/model-set/model-set-file.js';
import { OnnxFaceComparer } from '../../infrastructure/face/onnx-face-comparer.js';
import { PACKAGED } from '../../infrastructure/face/model-set/packaged-sets.js';
import { UsageError } from '../command.js';
import { modelCacheDir } from './models.js';

export const ENGINE_OPTIONS = {
  cache: { type: 'string' },
  set: { type: 'string' },
  workers: { type: 'string' },
} as const;
export const LIST_OPTIONS = {
  pairs: { type: 'string' },
  root: { type: 'string' },
  primary: { type: 'string' },
} as const;

export interface EngineValues {
  readonly cache?: string;
  readonly set?: string;
  readonly workers?: string;
}

export async function withComparer<T>(
  values: EngineValues,
  use: (comparer: OnnxFaceComparer) => Promise<T>,
): Promise<T> {
  const cacheDir = modelCacheDir(values.cache);
  const workers = values.workers === undefined ? undefined : Number(values.workers);
  if (workers !== undefined && !(Number.isInteger(workers) && workers >= 1 && workers <= 64))
    throw new UsageError('--workers is a whole number 1..64');
  const modelSet = await loadModelSet(values.set ?? DEFAULT_MODEL_SET.id, cacheDir);
  const comparer = new OnnxFaceComparer({
    cacheDir,
    modelSet,
    queueLimit: 1_000,
    ...(workers === undefined ? {} : { workers }),
  });
  await comparer.start();
  try {
    return await use(comparer);
  } finally {
    await comparer.close();
  }
}

/** Which sets a report is about where none is asked for: the default one, and beside it those that a network out of a
 *  package is part of, where they are installed. */
export async function reportedSets(cacheDir: string): Promise<string[]> {
  const packaged = Object.values(PACKAGED).map(({ model }) => model.makes.file);
  const beside: string[] = [];
  for (const id of await installedSets(cacheDir)) {
    if (modelFiles(await loadModelSet(id, cacheDir)).some(({ file }) => packaged.includes(file))) beside.push(id);
  }
  return [DEFAULT_MODEL_SET.id, ...beside];
}

/** A labelled list, the folder that its paths start from, and which face of a picture counts. */
export interface LabelledList {
  readonly list: readonly LabelledPair[];
  readonly root: string;
  readonly primary: PrimaryRule;
}

export async function readList(values: {
  readonly pairs?: string;
  readonly root?: string;
  readonly primary?: string;
}): Promise<LabelledList> {
  if (values.pairs === undefined) throw new UsageError('--pairs FILE is missing');
  const primary = values.primary ?? 'prominent';
  if (!isPrimaryRule(primary)) throw new UsageError(`--primary is one of ${PRIMARY_RULES.join(', ')}`);
  const list = parsePairList((await readPicture(values.pairs)).toString());
  if (list.length === 0) throw new UsageError(`${values.pairs} lists no pairs`);
  return { list, root: path.resolve(values.root ?? path.dirname(values.pairs)), primary };
}

export async function readPicture(file: string): Promise<Uint8Array> {
  return readFile(file).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`${file} cannot be read: ${error.code ?? error.message}`);
  });
}

/** A picture that a list names and nobody finds is the list's fault. */
export function refuseMissing(error: NodeJS.ErrnoException): never {
  if (error.code === 'ENOENT')
    throw new UsageError(`${error.path} is in the list but not on the disk; --root DIR says where the paths start`);
  throw error;
}

function isPrimaryRule(text: string): text is PrimaryRule {
  return (PRIMARY_RULES as readonly string[]).includes(text);
}
