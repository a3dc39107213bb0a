import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pem, type Authority, type KeyPair } from './certificate-factory.js';

export interface OpensslResponder {
  readonly url: string;
  stop(): Promise<void>;
}

export interface OpensslResponderSpec {
  readonly authority: Authority;
  /** Serial number as even hex, upper case, and its state. */
  readonly index: readonly { readonly serial: string; readonly state: 'good' | 'revoked' | 'hold' }[];
  /** The certificate and key that sign; default the authority's own. */
  readonly signer?: { readonly certificate: Buffer; readonly key: KeyPair };
  readonly nextUpdateMinutes?: number;
}

/** Starts `openssl ocsp` as a real responder process on a free port. */
export async function startOpensslResponder(spec: OpensslResponderSpec): Promise<OpensslResponder> {
  const directory = mkdtempSync(path.join(tmpdir(), 'ocsp-'));
  const file = (name: string, content: string): string => {
    const full = path.join(directory, name);
    writeFileSync(full, content);
    return full;
  };
  const signer = spec.signer ?? { certificate: spec.authority.certificate, key: spec.authority.key };
  const index = file('index.txt', spec.index.map(indexLine).join(''));
  const ca = file('ca.pem', pem(spec.authority.certificate));
  const signerCertificate = file('signer.pem', pem(signer.certificate));
  const signerKey = file('signer.key', signer.key.privateKey.export({ format: 'pem', type: 'pkcs8' }) as string);
  const port = await freePort();
  const child = spawn(
    'openssl',
    [
      'ocsp',
      '-index',
      index,
      '-port',
      String(port),
      '-CA',
      ca,
      '-rsigner',
      signerCertificate,
      '-rkey',
      signerKey,
      '-ignore_err',
      '-nmin',
      String(spec.nextUpdateMinutes ?? 5),
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let complaint = '';
  child.stderr?.on('data', (chunk: Buffer) => (complaint = (complaint + chunk.toString()).slice(-2000)));
  await waitUntilListening(child, () => complaint);
  return {
    url: `http://127.0.0.1:${port}/`,
    stop: async () => {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
      rmSync(directory, { recursive: true });
    },
  };
}

/** One line of OpenSSL's certificate database: state, expiry, revocation time and reason, serial, file, name. */
function indexLine({ serial, state }: { serial: string; state: 'good' | 'revoked' | 'hold' }): string {
  const revoked = state === 'good' ? '' : `260101000000Z,${state === 'hold' ? 'certificateHold' : 'keyCompromise'}`;
  return `${state === 'good' ? 'V' : 'R'}\t400101000000Z\t${revoked}\t${serial}\tunknown\t/CN=card ${serial}\n`;
}

export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

/** A connection without a request would end the process, so its own message is awaited instead of probing the port. */
function waitUntilListening(child: ChildProcess, output: () => string): Promise<void> {
  return new Promise((resolve, reject) => {
    const limit = setTimeout(() => reject(new Error(`openssl ocsp did not start: ${output()}`)), 120_000);
    child.once('exit', (code) => reject(new Error(`openssl ocsp ended with ${code}: ${output()}`)));
    child.stderr?.on('data', () => {
      if (!output().includes('waiting for OCSP client connections')) return;
      clearTimeout(limit);
      resolve();
    });
  });
}
