import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { ModelError, modelPath, sha256Hex, writeWhole } from '../build-models/build-models.js';
import type { ModelFile } from './model-set.js';

/** A model of this size would not fit the machines this runs on; a larger answer is cut off, not kept. */
const MODEL_BYTES_MAX = 300 * 1024 * 1024;

export interface InstallRequest {
  /** Path of a file, or an https address (http only on this machine itself). */
  readonly source: string;
  /** SHA-256 that the operator got from a place he trusts: 64 hexadecimal digits. */
  readonly sha256: string;
  /** Name in the cache folder; default: the last part of the source. */
  readonly file?: string;
}

/** Puts a model file into the cache folder if, and only if, its SHA-256 is the one that was asked for.
 * @throws {ModelError} on a mismatch (nothing is written then), on a file that cannot be had, and where another file of
 *   that name is already there */
export async function installModel(
  cacheDir: string,
  { source, sha256, file }: InstallRequest,
): Promise<ModelFile & { readonly path: string; readonly bytes: number }> {
  const expected = sha256.toLowerCase();
  if (!/^[0-9a-f]{64}$/.test(expected))
    throw new ModelError(`'${sha256}' is not a SHA-256: 64 hexadecimal digits are needed`);
  const name = file ?? path.basename(isAddress(source) ? new URL(source).pathname : source);
  const target = modelPath(cacheDir, name);
  const bytes = isAddress(source) ? await download(new URL(source)) : await readModel(source);
  const actual = sha256Hex(bytes);
  if (actual !== expected)
    throw new ModelError(`${source} has SHA-256 ${actual}, expected ${expected}. Nothing was installed.`);
  await refuseOther(target, expected);
  await writeWhole(target, bytes);
  return { file: name, sha256: expected, path: target, bytes: bytes.length };
}

function isAddress(source: string): boolean {
  return /^https?:\/\//i.test(source);
}

async function readModel(file: string): Promise<Uint8Array> {
  const found = await stat(file).catch(() => null);
  if (!found?.isFile()) throw new ModelError(`there is no file ${file}`);
  if (found.size > MODEL_BYTES_MAX)
    throw new ModelError(`${file} has ${found.size} bytes; at most ${MODEL_BYTES_MAX} are read`);
  return readFile(file);
}

async function download(address: URL): Promise<Uint8Array> {
  const local = ['localhost', '127.0.0.1', '[::1]'].includes(address.hostname);
  if (address.protocol !== 'https:' && !local)
    throw new ModelError(`${address.href}: models are fetched by https only`);
  const response = await fetch(address, { redirect: 'follow', signal: AbortSignal.timeout(600_000) }).catch(
    (error: unknown) => {
      throw new ModelError(
        `${address.href} cannot be fetched: ${error instanceof Error ? error.message : String(error)}`,
      );
    },
  );
  if (!response.ok || !response.body) throw new ModelError(`${address.href} answered ${response.status}`);
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body) {
    length += chunk.length;
    if (length > MODEL_BYTES_MAX) throw new ModelError(`${address.href} sends more than ${MODEL_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** A file that other manifests may rely on is never replaced in silence. */
async function refuseOther(target: string, expected: string): Promise<void> {
  const present = await readFile(target).catch(() => null);
  if (present && sha256Hex(present) !== expected)
    throw new ModelError(`${target} is another file (SHA-256 ${sha256Hex(present)}); choose another name with --file`);
}
