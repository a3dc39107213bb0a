import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const SOURCES = `${path.sep}src${path.sep}`;

/** The file of a worker thread. Threads run built JavaScript only: from the sources (tests) the file of the last build
 * is taken.
 * @param moduleUrl of who starts the thread
 * @param name of the built file, from the folder of that module
 * @throws when it was not built */
export function builtFile(moduleUrl: string, name: string): string {
  const here = fileURLToPath(moduleUrl);
  const folder = path.dirname(here);
  const sources = here.endsWith('.ts') ? folder.lastIndexOf(SOURCES) : -1;
  const built =
    sources < 0
      ? folder
      : `${folder.slice(0, sources)}${path.sep}dist${path.sep}${folder.slice(sources + SOURCES.length)}`;
  const file = path.join(built, name);
  if (!existsSync(file)) throw new Error(`${file} is missing; build first (./honnin help does)`);
  return file;
}
