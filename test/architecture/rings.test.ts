import { describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

describe('architecture', () => {
  it('keeps the rings (domain imports only itself, the server never imports stand-ins)', () => {
    const result = spawnSync(process.execPath, ['node_modules/dependency-cruiser/bin/dependency-cruise.mjs', '--config', '.dependency-cruiser.cjs', '--output-type', 'err-long', 'src'], { cwd: root, encoding: 'utf8' });
    expect({ status: result.status, report: result.status === 0 ? '' : result.stdout + result.stderr }).toEqual({ status: 0, report: '' });
    // A cruise that reads nothing would find nothing: it must have seen the tree.
    expect(result.stdout).toMatch(/no dependency violations found \(\d{2,} modules/);
  });
});
