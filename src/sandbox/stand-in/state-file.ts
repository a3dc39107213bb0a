import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import path from 'node:path';

/** Reads a JSON state file. @returns null when there is none. @throws {SyntaxError} when it is damaged. */
export function readState<T>(file: string | undefined): T | null {
  return file === undefined || !existsSync(file) ? null : (JSON.parse(readFileSync(file, 'utf8')) as T);
}

/** Replaces a JSON state file as a whole: after a crash either the old or the new state is there, never half of one.
 *  Readable by the owner only, because stand-ins keep their keys in it. */
export function writeState(file: string | undefined, state: unknown): void {
  if (file === undefined) return;
  mkdirSync(path.dirname(file), { recursive: true });
  const draft = `${file}.new`;
  const handle = openSync(draft, 'w', 0o600);
  writeSync(handle, `${JSON.stringify(state, null, 1)}\n`);
  fsyncSync(handle);
  closeSync(handle);
  renameSync(draft, file);
}
