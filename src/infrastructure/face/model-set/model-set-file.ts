import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { QUALITY_WEIGHTS_NAMES } from '../../../domain/registration/quality-weights.js';
import { ModelError, writeWhole } from '../build-models/build-models.js';
import { DEFAULT_MODEL_SET, PIPELINE_VERSION, type EmbedderSpec, type ModelSet } from './model-set.js';

/** Manifests of installed sets lie here, inside the cache folder, one `<id>.json` each. */
export const MODEL_SETS_FOLDER = 'model-sets';

/** Finds a model set: the default one by its id, an installed one by its id, or any manifest by its path.
 *  @throws {ModelError} when there is none, or the manifest is not a valid one */
export async function loadModelSet(nameOrPath: string, cacheDir: string): Promise<ModelSet> {
  if (nameOrPath === DEFAULT_MODEL_SET.id || nameOrPath === 'default') return DEFAULT_MODEL_SET;
  const file = nameOrPath.endsWith('.json') ? nameOrPath : setPath(cacheDir, nameOrPath);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT')
      throw new ModelError(
        `there is no model set '${nameOrPath}' (${file}); './honnin models list' shows those that are installed`,
      );
    throw error;
  }
  return parseModelSet(text, file);
}

/** Writes a manifest into the cache folder, whole or not at all. @returns its path */
export async function saveModelSet(set: ModelSet, cacheDir: string): Promise<string> {
  const text = `${JSON.stringify(set, null, 2)}\n`;
  parseModelSet(text, set.id);
  const file = setPath(cacheDir, set.id);
  await writeWhole(file, Buffer.from(text));
  return file;
}

/** The ids of installed sets, the default one first. */
export async function installedSets(cacheDir: string): Promise<string[]> {
  try {
    const names = await readdir(path.join(cacheDir, MODEL_SETS_FOLDER));
    return [
      DEFAULT_MODEL_SET.id,
      ...names
        .filter((name) => name.endsWith('.json'))
        .map((name) => name.slice(0, -5))
        .sort(),
    ];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [DEFAULT_MODEL_SET.id];
    throw error;
  }
}

function setPath(cacheDir: string, id: string): string {
  if (!SET_ID.test(id))
    throw new ModelError(`'${id}' is no id of a model set: small letters, digits, '+', '-', '.' and '_' only`);
  return path.join(cacheDir, MODEL_SETS_FOLDER, `${id}.json`);
}

const SET_ID = /^[a-z0-9][a-z0-9+._-]{0,99}$/;

/** Reads a manifest. Everything that a score depends on must be stated; nothing is filled in, so that a manifest means
 * the same with every version. Unknown members are refused: they would look as if they had an effect.
 * @throws {ModelError} that names the member which is wrong */
export function parseModelSet(text: string, source: string): ModelSet {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ModelError(`${source} is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  const problem = MODEL_SET(value, 'manifest') ?? setProblem(value as ModelSet);
  if (problem !== null) throw new ModelError(`${source}: ${problem}`);
  return value as ModelSet;
}

/** @returns what is wrong, or null. */
type Check = (value: unknown, at: string) => string | null;

const number =
  (min: number, max: number): Check =>
  (value, at) =>
    typeof value === 'number' && Number.isFinite(value) && value >= min && value <= max
      ? null
      : `${at} must be a number ${min}..${max}`;
const wholeNumber =
  (min: number, max: number): Check =>
  (value, at) =>
    Number.isInteger(value) && (value as number) >= min && (value as number) <= max
      ? null
      : `${at} must be a whole number ${min}..${max}`;
const truth: Check = (value, at) => (typeof value === 'boolean' ? null : `${at} must be true or false`);
const text =
  (pattern: RegExp, what: string): Check =>
  (value, at) =>
    typeof value === 'string' && pattern.test(value) ? null : `${at} must be ${what}`;
const oneOf =
  (...values: readonly unknown[]): Check =>
  (value, at) =>
    values.includes(value) ? null : `${at} must be one of ${values.map((v) => JSON.stringify(v)).join(', ')}`;
const either =
  (...checks: readonly Check[]): Check =>
  (value, at) =>
    checks.some((check) => check(value, at) === null) ? null : checks.map((check) => check(value, at)).join(' or ');
const listOf =
  (item: Check, min: number, max: number): Check =>
  (value, at) => {
    if (!Array.isArray(value) || value.length < min || value.length > max)
      return `${at} must be a list of ${min === max ? min : `${min} to ${max}`} entries`;
    return value.map((entry, i) => item(entry, `${at}[${i}]`)).find((problem) => problem !== null) ?? null;
  };
const members =
  (checks: Record<string, Check>, optional: readonly string[] = []): Check =>
  (value, at) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return `${at} must be an object`;
    const unknown = Object.keys(value).find((key) => !Object.hasOwn(checks, key));
    if (unknown !== undefined) return `${at}.${unknown} is not known to version ${PIPELINE_VERSION}`;
    for (const [key, check] of Object.entries(checks)) {
      const member = (value as Record<string, unknown>)[key];
      if (member === undefined && optional.includes(key)) continue;
      const problem = member === undefined ? `${at}.${key} is missing` : check(member, `${at}.${key}`);
      if (problem !== null) return problem;
    }
    return null;
  };

const FILE = {
  file: text(/^[A-Za-z0-9][A-Za-z0-9._+-]{0,99}$/, 'a plain file name'),
  sha256: text(/^[0-9a-f]{64}$/, '64 small hexadecimal digits'),
};
const INPUT = members({
  width: wholeNumber(16, 2_048),
  height: wholeNumber(16, 2_048),
  channelOrder: oneOf('RGB', 'BGR'),
  mean: listOf(number(-1_000, 1_000), 3, 3),
  scale: number(1e-6, 1_000),
});
const EMBEDDER = {
  ...FILE,
  input: INPUT,
  length: wholeNumber(8, 4_096),
  template: members(
    {
      name: text(/^.{1,100}$/, 'a name'),
      landmarks: listOf(either(wholeNumber(0, 67), oneOf('left-eye', 'right-eye')), 2, 68),
      meshPoints: listOf(wholeNumber(0, 467), 2, 68),
      points: listOf(listOf(number(-10_000, 10_000), 2, 2), 2, 68),
    },
    ['meshPoints'],
  ),
  views: listOf(members({ scale: number(0.5, 2), mirrored: truth }), 1, 16),
  unitLength: truth,
};
const MODEL_SET = members(
  {
    format: oneOf('honnin-model-set/1'),
    id: text(SET_ID, "an id of small letters, digits, '+', '-', '.' and '_'"),
    detector: members({
      ...FILE,
      kind: oneOf('blazeface', 'yunet'),
      input: INPUT,
      margin: number(0, 2),
      scoreMin: number(0.05, 1),
      overlapMax: number(0, 1),
    }),
    faceFlag: members({ ...FILE, kind: oneOf('facemesh'), input: INPUT, flagMin: number(0, 1) }),
    landmarks: members({ ...FILE, kind: oneOf('face-api-68'), input: INPUT }),
    eyes: members({ ...FILE, kind: oneOf('attention-mesh'), input: INPUT }),
    embedder: members(EMBEDDER),
    companion: members({ ...EMBEDDER, weight: number(1e-6, 1_000) }),
    distance: oneOf('euclidean', 'cosine'),
    calibration: members({
      kind: oneOf('logistic'),
      slope: number(1e-4, 1e6),
      offset: number(-1e6, 1e6),
      source: text(/\S/, 'words about where the numbers come from'),
    }),
    qualityWeights: oneOf(...QUALITY_WEIGHTS_NAMES),
    suggestedBands: members({ matchDistanceMax: number(0, 1e6), referDistanceMax: number(0, 1e6) }),
  },
  ['eyes', 'companion', 'qualityWeights'],
);

function setProblem({
  embedder,
  companion,
  distance,
  suggestedBands: { matchDistanceMax, referDistanceMax },
}: ModelSet): string | null {
  if (matchDistanceMax > referDistanceMax)
    return 'manifest.suggestedBands: matchDistanceMax must not be above referDistanceMax';
  if (companion && distance !== 'euclidean') return 'manifest.companion needs the distance euclidean';
  return templateProblem('embedder', embedder) ?? (companion ? templateProblem('companion', companion) : null);
}

function templateProblem(member: string, { template, input }: EmbedderSpec): string | null {
  if (template.landmarks.length !== template.points.length)
    return `manifest.${member}.template: as many points as landmarks are needed`;
  if (template.meshPoints !== undefined && template.meshPoints.length !== template.points.length)
    return `manifest.${member}.template: as many mesh points as points are needed`;
  if (input.width !== input.height) return `manifest.${member}.input must be square`;
  return null;
}
