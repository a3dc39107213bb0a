import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';

const root = fileURLToPath(new URL('../../', import.meta.url));
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');

/** Documents that tell how things are now; a decision or a soak's page tells how they were. */
const PAGES = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'docs/decisions/README.md',
  ...readdirSync(path.join(root, 'docs'))
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file}`),
];

/** What `./honnin help` lists, and `--version`. */
function commands(): readonly string[] {
  const [, loaded] = /const commands[^{]*\{\n([^]*?)\n\};/.exec(read('src/cli/main.ts')) ?? [];
  const names = [...(loaded ?? '').matchAll(/^ {2}'?([a-z-]+)'?: \{\s+summary/gm)].map(([, name]) => name as string);
  return [...names, 'test', 'soak', 'help', '--version'];
}

/** Places that a page names and that are not there. A name with a capital word, a star or a bracket is a pattern. */
function lost(page: string, text: string): string[] {
  const links = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g)].map(([, link]) =>
    path.join(path.dirname(page), link as string),
  );
  const named = [...text.matchAll(/`((?:src|test|docs|bench)\/[^`\s]+)`/g)]
    .map(([, file]) => file as string)
    .filter((file) => !/[*<>{}…]|[A-Z]{3,}/.test(file));
  return [...links, ...named].filter((file) => !existsSync(path.join(root, file)));
}

function unknownCommands(text: string, known: readonly string[]): string[] {
  const named = [...text.matchAll(/\.\/honnin ([a-z-]+)/g)].map(([, name]) => name as string);
  return [...new Set(named)].filter((name) => !known.includes(name));
}

// @fault O31
describe('documents', () => {
  it.each(PAGES)('%s leads to files that are there', (page) => {
    expect(lost(page, read(page))).toEqual([]);
  });

  it.each(PAGES)('%s names commands that there are', (page) => {
    expect(commands().length).toBeGreaterThan(15);
    expect(unknownCommands(read(page), commands())).toEqual([]);
  });

  it('that a newcomer needs are named on the first page', () => {
    const first = read('README.md');
    const pages = PAGES.filter((page) => page !== 'README.md' && !first.includes(`(${page})`));
    expect(pages).toEqual([]);
  });

  it.each([
    ['a link to nothing', '[a](docs/none.md#part)', ['docs/none.md']],
    ['a file that is gone', '`src/none.ts` and `test/history/v<n>/`', ['src/none.ts']],
    ['nothing where all is there', '[a](docs/api.md), [b](https://example.org/none), `src/server.ts`', []],
  ])('are told of %s', (_, text, expected) => {
    expect(lost('README.md', text)).toEqual(expected);
  });

  it('are told of a command that there is not', () => {
    expect(unknownCommands('`./honnin demo`, `./honnin dance --help`', commands())).toEqual(['dance']);
  });
});
