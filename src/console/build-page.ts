import { existsSync, readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PAGE_TEMPLATE } from './page-template.js';

/** The built modules: this file runs from them, or from the sources beside them. */
const here = dirname(fileURLToPath(import.meta.url));
const built = existsSync(resolve(here, 'verifier.js')) ? here : resolve(here, '../../dist/console');
const IMPORT = /^import\s*\{([^}]*)\}\s*from\s*'(\.[^']+)';?\s*$/gm;
const EXPORT = /^export\s+(?:async\s+)?(?:function\*?|const|let|class)\s+([A-Za-z_$][\w$]*)/gm;

/** The verifier as one HTML file without a single outside address: the built modules of the domain and of this folder, each in a function
 *  of its own, and the page around them. No bundler is needed because the modules are ours: named imports of relative files, named exports. */
export function verifierPage(): string {
  const modules = new Map<string, string>();
  include(resolve(built, 'verifier.js'), modules);
  const script = ['"use strict";', 'const modules = {};', ...modules.values(), `const honnin = modules[${JSON.stringify(nameOf(resolve(built, 'verifier.js')))}];`].join('\n');
  // In a script element only these two could end it or hide a part of it.
  return PAGE_TEMPLATE.replace('SCRIPT', () => script.replaceAll('</script', '<\\/script').replaceAll('<!--', '<\\!--'));
}

function include(file: string, modules: Map<string, string>): void {
  if (modules.has(file)) return;
  const source = readFileSync(file, 'utf8').replace(/^\/\/# sourceMappingURL=.*$/gm, '');
  for (const [, , path] of source.matchAll(IMPORT)) include(resolve(dirname(file), path as string), modules);
  const body = source
    .replace(IMPORT, (_, names: string, path: string) => `const {${names.replaceAll(/\s+as\s+/g, ': ')}} = modules[${JSON.stringify(nameOf(resolve(dirname(file), path)))}];`)
    .replace(EXPORT, (line) => line.replace(/^export\s+/, ''))
    .replace(/^export \{\};?$/gm, '');
  if (/^\s*(?:import|export)\b/m.test(body)) throw new Error(`${file} has an import or export that the page cannot take over`);
  const names = [...source.matchAll(EXPORT)].map(([, name]) => name as string);
  modules.set(file, `modules[${JSON.stringify(nameOf(file))}] = (() => {\n${body}\nreturn { ${names.join(', ')} };\n})();`);
}

function nameOf(file: string): string {
  return relative(resolve(built, '..'), file).replaceAll('\\', '/');
}
