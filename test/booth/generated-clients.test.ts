import { spawn } from 'node:child_process';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { copyFileSync, existsSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { built, foreignEnvironment, peer, peerProgram, type Absence } from '../support/peers.js';
import { RealServer } from '../support/real-server.js';
import { describeUnless, itUnless } from '../support/unless.js';

const root = path.resolve('.');
const BOOTHS = ['booth-python', 'booth-sample', 'booth-typescript'] as const;

/** Where `.ci/run` puts it, by Maven. */
const GENERATOR = 'openapi-generator-cli-7.25.0.jar';
const GENERATOR_SHA256 = '41ce4f6b07f196676439d710759fa1ced7a08066d06ff1bf314681470289efae';
const jar = path.join(tmpdir(), 'honnin-test-packages', GENERATOR);
const jarIsMissing: Absence | null = existsSync(jar)
  ? null
  : { reason: `${jar} is not here; 'mvn dependency:copy' fetches it (.ci/run)`, forgivenInCi: false };

/** What each of the clients says that it met. */
const MET = {
  standing: 'enrolled',
  usable: true,
  received: [202, 202, true],
  location: true,
  refused: [
    [409, 'idempotency_key_reused'],
    [400, 'malformed_request'],
  ],
  place: ['cardIssuerCertificate'],
  streamed: true,
  status: 'registered',
};

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

let server: RealServer;
const keyFile = (): string => server.at('booth-key.pem');
const cardOf = (booth: string): string => server.at(`card-${booth}`);

beforeAll(async () => {
  if (built('cli/main.js') !== null) return;
  server = await RealServer.beside('clients', []);
  await server.start();
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  writeFileSync(keyFile(), privateKey.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600 });
  const spki = publicKey.export({ format: 'der', type: 'spki' }).toString('base64');
  for (const booth of BOOTHS) await server.enrol(booth, spki);
});
afterAll(() => server?.close());

/** Runs a program beside the sandbox, which works in this process. */
function run(program: string, args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: server.folder, env: { ...foreignEnvironment(), ...env } });
    const said = { out: '', err: '' };
    child.stdout.on('data', (chunk: Buffer) => void (said.out += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => void (said.err += chunk.toString()));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, ...said }));
  });
}

/** Makes a card by the command that people use. */
async function makeCard(booth: string, ...options: string[]): Promise<void> {
  const cli = [path.join(root, 'dist/cli/main.js'), 'sandbox', 'card'];
  const folders = ['--data', server.sandbox.folder, '--out', cardOf(booth)];
  const made = await run(process.execPath, [...cli, ...folders, ...options], { NODE_OPTIONS: '' });
  expect([made.code, made.err.replaceAll(/.*ExperimentalWarning.*\n|.*trace-warnings.*\n/g, '')]).toEqual([0, '']);
}

async function descriptionOf(file: string): Promise<string> {
  const answer = await fetch(`${server.url}/openapi.json`);
  writeFileSync(server.at(file), await answer.text());
  return server.at(file);
}

/** A booth that was written from docs/wire.md and docs/test-card.md alone, with a card that was made by one command.
 *  @fault B5 */
describeUnless(peer('python3') ?? built('cli/main.js'), 'a booth in another language', () => {
  const python = peerProgram('python3') ?? '';

  it('reads the card in files, and proves its face record by what the document says', async () => {
    await makeCard('booth-sample', '--certificate', 'digital_signature', '--certificate', 'user_authentication');
    const read = await run(python, [path.join(root, 'test/booth/second-booth/card.py'), cardOf('booth-sample')]);
    expect([read.err, read.code]).toEqual(['', 0]);
    expect(read.out.trim().split('\n')).toEqual([
      'user_authentication signs',
      'digital_signature signs',
      'the issuer is certified, the record is signed, its key is the card, its picture is face.jp2',
      'a changed picture is found out',
    ]);
  });

  it('registers with the sample program', async () => {
    await makeCard('booth-p384', '--p384');
    const program = path.join(root, 'docs/samples/booth.py');
    for (const card of ['booth-sample', 'booth-p384']) {
      const sent = await run(python, [program, 'send', keyFile(), 'booth-sample', server.url, cardOf(card)]);
      expect([sent.err, sent.code]).toEqual(['', 0]);
      expect(sent.out).toMatch(/^standing enrolled\nphotograph usable True\nreceipt [-0-9A-Z]{19}, the same when sent/);
      expect(sent.out).toMatch(/status registered\n$/);
    }
  });
});

/** Made from the served description by generators that are pinned, and not edited.
 *  @fault B2 */
describe('a client that a generator makes', () => {
  const python = peer('python3') ?? peer('openapi-python-client') ?? built('cli/main.js');
  itUnless(python, 'registers: openapi-python-client', async () => {
    await makeCard('booth-python');
    const description = await descriptionOf('for-python.json');
    const generator = peerProgram('openapi-python-client') ?? '';
    const made = await run(generator, ['generate', '--path', description, '--output-path', server.at('python')]);
    expect(made.code).toBe(0);
    // Pictures are the one thing that this generator has no type for: their bytes are in `content`.
    const warnings = [...`${made.out}${made.err}`.matchAll(/^WARNING parsing (.*)$/gm)].map(([, what]) => what);
    expect(warnings).toEqual(['GET /v1/cases/{requestId}/images/{image} within officers.']);
    const interpreter = interpreterOf(generator);
    const program = path.join(root, 'test/booth/generated/client.py');
    const args = [program, keyFile(), 'booth-python', server.url, cardOf('booth-python')];
    const PYTHONPATH = [server.at('python'), path.join(root, 'docs/samples')].join(path.delimiter);
    const sent = await run(interpreter, args, { PYTHONPATH, PYTHONDONTWRITEBYTECODE: '1' });
    expect([sent.err, sent.code]).toEqual(['', 0]);
    expect(JSON.parse(sent.out)).toEqual(MET);
  });

  const typescript = peer('java') ?? jarIsMissing ?? built('cli/main.js');
  itUnless(typescript, 'compiles under strict rules and registers: openapi-generator, typescript-fetch', async () => {
    expect(createHash('sha256').update(readFileSync(jar)).digest('hex')).toBe(GENERATOR_SHA256);
    await makeCard('booth-typescript');
    const description = await descriptionOf('for-typescript.json');
    const client = server.at('typescript/client');
    const wish = ['generate', '-i', description, '-g', 'typescript-fetch', '-o', client];
    const made = await run(peerProgram('java') ?? '', ['-XX:TieredStopAtLevel=1', '-jar', jar, ...wish]);
    expect([made.code, made.code === 0 ? '' : made.err]).toEqual([0, '']);
    copyFileSync(path.join(root, 'test/booth/generated/client.ts'), server.at('typescript/booth.ts'));
    writeFileSync(server.at('typescript/package.json'), '{"type":"commonjs"}');
    const compiled = await run(process.execPath, [
      path.join(root, 'node_modules/typescript/bin/tsc'),
      ...['--strict', '--target', 'es2022', '--module', 'node20', '--lib', 'es2022,dom,dom.iterable', '--skipLibCheck'],
      ...['--types', 'node', '--typeRoots', path.join(root, 'node_modules/@types')],
      ...['--outDir', server.at('typescript/out'), server.at('typescript/booth.ts'), path.join(client, 'index.ts')],
    ]);
    expect([compiled.out, compiled.code]).toEqual(['', 0]);
    const args = [keyFile(), 'booth-typescript', server.url, cardOf('booth-typescript')];
    const sent = await run(process.execPath, [server.at('typescript/out/booth.js'), ...args]);
    expect([sent.err, sent.code]).toEqual(['', 0]);
    expect(JSON.parse(sent.out)).toEqual(MET);
  });
});

/** The Python that a program of its package runs with: its clients need the same packages. */
function interpreterOf(program: string): string {
  const folders = (process.env['PATH'] ?? '').split(path.delimiter);
  const found = folders.map((folder) => path.join(folder, program)).find((file) => existsSync(file));
  if (found === undefined) throw new Error(`${program} is on no path`);
  const [, interpreter = ''] = /^#!(\S+)/.exec(readFileSync(realpathSync(found), 'utf8')) ?? [];
  return interpreter;
}
