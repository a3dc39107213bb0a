import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { built, foreignEnvironment, peer, peerProgram } from '../support/peers.js';
import { RealServer } from '../support/real-server.js';
import { soakCount, soakFactor, soakSeed } from '../support/soak.js';
import { describeUnless } from '../support/unless.js';

/** Questions for each operation, of each kind that is made up; a soak asks more. */
const EXAMPLES = soakCount({ ci: 2, soak: 4 });
const SEED = 20_261_123;
/** Whose token goes with the operations of a chapter. */
const READERS: Readonly<Record<string, string>> = {
  Officers: 'officer-a',
  Administrators: 'administrator',
  Audit: 'auditor',
};
const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
];

/** What the server describes, asked by a program that nobody here wrote: right and wrong questions made up from the
 *  description, every answer held against it.
 *  @fault B7 */
describeUnless(peer('schemathesis') ?? built('cli/main.js'), 'the published description', () => {
  let server: RealServer;
  beforeAll(async () => {
    server = await RealServer.beside('described', Object.values(READERS));
    await server.start();
  }, 120_000);
  afterAll(() => server.close());

  it(
    'says every answer that the server gives',
    async () => {
      const config = server.at('schemathesis.toml');
      const chapters = Object.entries(READERS).map(([tag, user]) => [
        '[[operations]]',
        `include-tag = "${tag}"`,
        `headers = { Authorization = "Bearer ${server.tokenOf(user)}" }`,
      ]);
      writeFileSync(config, chapters.flat().join('\n'));
      const said = await ask(config, `${server.url}/openapi.json`, server.folder);
      // Its words first: they say what is not as described, and how to ask it again.
      expect(said.code === 0 ? '' : said.out.slice(-12_000)).toBe('');
      expect(Number(/(\d+) generated/.exec(said.out)?.[1])).toBeGreaterThan(1_000);
    },
    300_000 * soakFactor(),
  );
});

interface Said {
  readonly code: number | null;
  readonly out: string;
}

/** Runs schemathesis. The sandbox works in this process, so nothing here may wait standing still. */
function ask(config: string, location: string, cwd: string): Promise<Said> {
  const options = {
    seed: String(soakSeed(SEED)),
    'max-examples': String(EXAMPLES),
    phases: 'examples,coverage,fuzzing',
    checks: CHECKS.join(','),
    'suppress-health-check': 'all',
    warnings: 'off',
    // Two at once fall over each other in Python's own parser ("AST constructor recursion depth mismatch").
    workers: '1',
    'generation-database': 'none',
  };
  const given = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
  // A stream that lasts is no answer to wait for; who gets it is asked in news.test.ts.
  const flags = ['--no-shrink', '--continue-on-failure', '--exclude-operation-id', 'streamNews'];
  const args = ['--config-file', config, '--no-color', 'run', location, ...flags, ...given];
  return new Promise((resolve, reject) => {
    const child = spawn(peerProgram('schemathesis') ?? '', args, { cwd, env: foreignEnvironment() });
    let out = '';
    const hear = (chunk: Buffer): void => void (out += chunk.toString());
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, out }));
  });
}
