import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { built, foreignEnvironment, peer, peerProgram } from '../support/peers.js';
import { RealServer } from '../support/real-server.js';
import { describeUnless } from '../support/unless.js';

const root = path.resolve('.');
const BOOTHS = ['booth-sample'] as const;

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
