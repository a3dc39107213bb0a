import { hkdfSync, randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { ConfigError } from './config.js';

/** Reads a key file of 32 raw bytes, or makes one where `create` allows it.
 * @throws when a named file is missing or has another size: a new key would silently lock everything that the old one
 *   opened. */
export function keyFile(file: string, { create }: { readonly create: boolean }): Uint8Array {
  if (!existsSync(file)) {
    if (!create)
      throw new ConfigError([
        `the key file ${file} is missing; put the right one there, or unset the setting for a new one`,
      ]);
    makeKey(file);
  }
  return readKey(file);
}

/** Whole or not at all: a process that dies half way must not leave half a key. */
function makeKey(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const partial = `${file}.partial`;
  rmSync(partial, { force: true });
  const handle = openSync(partial, 'wx', 0o600);
  try {
    writeSync(handle, randomBytes(32));
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  renameSync(partial, file);
  const folder = openSync(dirname(file), 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** The key of a file, or null where there is no file. @throws when it has another size. */
export function keyIfThere(file: string): Uint8Array | null {
  return existsSync(file) ? readKey(file) : null;
}

function readKey(file: string): Uint8Array {
  const bytes = readFileSync(file);
  if (bytes.length !== 32)
    throw new ConfigError([`the key file ${file} has ${bytes.length} bytes; it must have exactly 32`]);
  return bytes;
}

/** What a key is known by: derives from it and leads back to nothing. Each kind of key has a check value of its own.
 *  @returns 64 hexadecimal digits */
export function keyCheck(kind: 'master-key' | 'server-secret', key: Uint8Array): string {
  return Buffer.from(hkdfSync('sha256', key, Buffer.alloc(0), `honnin/key-check/${kind}/v1`, 32)).toString('hex');
}
