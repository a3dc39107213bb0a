import { statSync } from 'node:fs';

/** Tells a file from another one that is put in its place under the same name; a thread that begins again must not take
 * one for the other.
 *  @returns `none` where there is no file */
export function fileIdentity(file: string): string {
  const found = statSync(file, { throwIfNoEntry: false });
  return found ? `${found.dev} ${found.ino}` : 'none';
}
