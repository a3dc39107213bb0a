import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { VerifierPageEvent } from '../domain/audit/bundle/verifier-page.events.js';
import { PAGE_TEMPLATE } from './page-template.js';

export type PageDigests = VerifierPageEvent['data'];

/** The built modules: this file runs from them, or from the sources beside them. */
const here = dirname(fileURLToPath(import.meta.url));
const built = existsSync(resolve(here, 'verifier.js')) ? here : resolve(here, '../../dist/console');
/** Sources and package.json lie beside the folder of the built modules. */
const project = resolve(built, '../..');
const IMPORT = /^import\s*\{([^}]*)\}\s*from\s*'((?:\.|node:)[^']+)';?\s*$/gm;
const EXPORT = /^export\s+(?:async\s+)?(?:function\*?|const|let|class)\s+([A-Za-z_$][\w$]*)/gm;

/** What stands in the page for modules of Node: as much of them as the readers of certificates use. */
const PLATFORM: Readonly<Record<string, string>> = {
  'node:crypto': 'platform/crypto.js',
  'node:buffer': 'platform/buffer.js',
  'node:net': 'platform/net.js',
};
const BUFFER = resolve(built, PLATFORM['node:buffer'] as string);

/** The verifier as one HTML file without a single outside address: the built modules of the domain, of the certificate
 * and timestamp readers and of this folder, each in a function of its own, and the page around them. The same sources
 * give the same bytes. No bundler is needed because the modules are ours: named imports of relative files, named
 * exports. */
export function verifierPage(): string {
  return verifierPageFile().html;
}

/** The same with what it is known by. */
export function verifierPageFile(): { readonly html: string; readonly digests: PageDigests } {
  // In a script element only these two could end it or hide a part of it.
  const script = pageScript('console/verifier.js').replaceAll('</script', '<\\/script').replaceAll('<!--', '<\\!--');
  const source = sha256(pageSources());
  const html = PAGE_TEMPLATE.replace('ORIGIN', () => `${version()} ${source}`).replace('SCRIPT', () => script);
  return { html, digests: pageDigests(html) };
}

/** The sources of which the page is made, as `sha256sum` prints and checks them in the folder of the project. The page
 *  says the SHA-256 of this
 *  list: who has the sources of a release can tell whether a page is made of them, without making it. */
export function pageSources(): string {
  const files = [
    ...modulesOf('console/verifier.js').keys(),
    ...['build-page.js', 'page-template.js'].map((name) => resolve(built, name)),
  ];
  const paths = files.map((file) => `src/${nameOf(file).replace(/\.js$/, '.ts')}`).toSorted();
  return paths.map((path) => `${sha256(readFileSync(resolve(project, path)))}  ${path}\n`).join('');
}

/** Where the built console of the officers is. */
export function consoleFolder(): string {
  return resolve(built, 'app');
}

/** The release, as package.json names it. */
export function version(): string {
  return (JSON.parse(readFileSync(resolve(project, 'package.json'), 'utf8')) as { readonly version: string }).version;
}

/** A built module with everything that it needs, as a script for a browser: `modules` has all of them, `honnin` is this
 * one. */
export function pageScript(entry: string): string {
  const modules = modulesOf(entry).values();
  return ['"use strict";', 'const modules = {};', ...modules, `const honnin = modules[${JSON.stringify(entry)}];`].join(
    '\n',
  );
}

/** By their files, each after those that it needs. */
function modulesOf(entry: string): ReadonlyMap<string, string> {
  const modules = new Map<string, string>();
  include(resolve(built, '..', entry), modules);
  return modules;
}

/** What a page is known by: its own digest, that of the part that computes, which the page shows by itself, and what it
 *  says of where it comes
 *  from. Empty texts for what is no page of this kind. */
export function pageDigests(page: string): PageDigests {
  const [, engine = ''] = /<script type="text\/plain" id="engine">([\s\S]*?)<\/script>/.exec(page) ?? [];
  const [, from = '', sourceSha256 = ''] =
    /<meta name="honnin-origin" content="(\S+) ([0-9a-f]{64})">/.exec(page) ?? [];
  return { version: from, fileSha256: sha256(page), engineSha256: sha256(engine), sourceSha256 };
}

function sha256(bytes: string | Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function include(file: string, modules: Map<string, string>): void {
  if (modules.has(file)) return;
  const source = readFileSync(file, 'utf8').replace(/^\/\/# sourceMappingURL=.*$/gm, '');
  const needsBuffer = file !== BUFFER && /\bBuffer\b/.test(source) && !/import \{[^}]*\bBuffer\b/.test(source);
  if (needsBuffer) include(BUFFER, modules);
  for (const [, , path] of source.matchAll(IMPORT)) include(target(file, path as string), modules);
  const take = (names: string, path: string): string =>
    `const {${names.replaceAll(/\s+as\s+/g, ': ')}} = modules[${JSON.stringify(nameOf(path))}];`;
  const body =
    (needsBuffer ? `${take(' Buffer ', BUFFER)}\n` : '') +
    source
      .replace(IMPORT, (_, names: string, path: string) => take(names, target(file, path)))
      .replace(EXPORT, (line) => line.replace(/^export\s+/, ''))
      .replace(/^export \{\};?$/gm, '');
  if (/^\s*(?:import|export)\b(?!\s*:)/m.test(body))
    throw new Error(`${file} has an import or export that the page cannot take over`);
  const names = [...source.matchAll(EXPORT)].map(([, name]) => name as string);
  modules.set(
    file,
    `modules[${JSON.stringify(nameOf(file))}] = (() => {\n${body}\nreturn { ${names.join(', ')} };\n})();`,
  );
}

function target(from: string, path: string): string {
  if (!path.startsWith('node:')) return resolve(dirname(from), path);
  const platform = PLATFORM[path];
  if (platform === undefined) throw new Error(`${from} needs ${path}, which no browser has`);
  return resolve(built, platform);
}

function nameOf(file: string): string {
  return relative(resolve(built, '..'), file).replaceAll('\\', '/');
}
