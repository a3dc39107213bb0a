import { describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** More than these a reader does not take in at a look. */
const ROOM_FILES_MAX = 12;

type Rules = { readonly forbidden: readonly { readonly name: string }[] };

describe('architecture', () => {
  it('keeps the rings (domain imports only itself, the server never imports stand-ins)', () => {
    const result = spawnSync(
      process.execPath,
      [
        'node_modules/dependency-cruiser/bin/dependency-cruise.mjs',
        '--config',
        '.dependency-cruiser.cjs',
        '--output-type',
        'err-long',
        'src',
      ],
      { cwd: root, encoding: 'utf8' },
    );
    expect({ status: result.status, report: result.status === 0 ? '' : result.stdout + result.stderr }).toEqual({
      status: 0,
      report: '',
    });
    // A cruise that reads nothing would find nothing: it must have seen the tree.
    expect(result.stdout).toMatch(/no dependency violations found \(\d{2,} modules/);
  });

  it('has rooms of a dozen files at most', () => {
    const counts = new Map<string, number>();
    for (const file of globSync('src/**/*.ts', { cwd: root })) {
      const room = path.dirname(file);
      counts.set(room, (counts.get(room) ?? 0) + 1);
    }
    expect(counts.size).toBeGreaterThan(40);
    expect([...counts].filter(([, files]) => files > ROOM_FILES_MAX)).toEqual([]);
  });

  it('tells people every rule, with its reasons, in docs/architecture.md', () => {
    const { forbidden } = createRequire(import.meta.url)('../../.dependency-cruiser.cjs') as Rules;
    const page = readFileSync(`${root}docs/architecture.md`, 'utf8');
    expect(forbidden.filter(({ name }) => !page.includes(`\`${name}\``)).map(({ name }) => name)).toEqual([]);
  });
});
