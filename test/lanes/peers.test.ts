import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { built, elsewhere, peer, type Absence } from '../support/peers.js';
import { failsFor, itUnless } from '../support/unless.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const ours: Absence = { reason: 'r', forgivenInCi: false };

describe('a peer that is not here', () => {
  it.each([
    ['fails', 'in CI, where it could be installed', ours, 'true', true],
    ['is skipped', 'where somebody works', ours, undefined, false],
    ['is skipped', 'where CI is said to be off', ours, 'false', false],
    ['is skipped', 'in CI, when nobody can install it there', elsewhere('r') as Absence, 'true', false],
  ])('%s %s', (_, __, absence, ci, fails) => {
    expect(failsFor(absence, ci)).toBe(fails);
  });

  it('is nothing where there is no reason', () => {
    expect(elsewhere(null)).toBeNull();
  });

  it('is told with what would bring it', () => {
    expect(built('no/such-file.js')).toEqual({
      reason: "dist/no/such-file.js is not built; './honnin test' builds it",
      forgivenInCi: false,
    });
  });
});

describe('.ci/run', () => {
  // A copy of the tests without the repository's hidden files has no .ci.
  const script = path.join(root, '.ci/run');
  const missing = existsSync(script) ? null : 'there is no .ci/run beside these tests';
  itUnless(elsewhere(missing), 'installs every program that peers names', () => {
    const text = readFileSync(script, 'utf8');
    const programs = [
      'openssl',
      'chromium',
      'kcat',
      'strace',
      'java',
      'mvn',
      'go',
      'cjpeg',
      'python3',
      'schemathesis',
      'promtool',
      'openapi-python-client',
    ] as const;
    for (const name of programs) expect(peer(name)?.forgivenInCi ?? false).toBe(false);
    // Of python3 a package is looked for, which says the same and more.
    const isTried = (name: string): boolean => text.includes(`command -v ${name} >`) || text.includes(`\n${name} -c `);
    expect(programs.filter((name) => !isTried(name))).toEqual([]);
  });
});
