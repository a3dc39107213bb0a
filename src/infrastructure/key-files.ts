import { randomBytes } from 'node:crypto';
import { existsSync, fsyncSync, mkdirSync, openSync, closeSync, readFileSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/** Reads a key file of 32 raw bytes, or makes one where `create` allows it.
 *  @throws when a named file is missing or has another size: a new key would silently lock everything that the old one opened. */
export function keyFile(file: string, { create }: { readonly create: boolean }): Uint8Array {
  if (!existsSync(file)) {
    if (!create) throw new Error(`the key file ${file} is missing; put the right one there, or unset the setting for a new one`);
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    const handle = openSync(file, 'wx', 0o600);
    writeSync(handle, randomBytes(32));
    fsyncSync(handle);
    closeSync(handle);
  }
  const bytes = readFileSync(file);
  if (bytes.length !== 32) throw new Error(`the key file ${file} has ${bytes.length} bytes; it must have exactly 32`);
  return bytes;
}
