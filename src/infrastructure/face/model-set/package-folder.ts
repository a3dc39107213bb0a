import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

/** Finds the folder of an installed npm package. `require.resolve` cannot be used: some packages do not export their
 * package.json.
 * @throws when it is not installed */
export function packageFolder(name: string): string {
  const candidates = createRequire(import.meta.url).resolve.paths(name) ?? [];
  const folder = candidates
    .map((dir) => path.join(dir, name))
    .find((dir) => existsSync(path.join(dir, 'package.json')));
  if (folder === undefined) throw new Error(`the npm package ${name} is not installed; run 'npm ci'`);
  return folder;
}
