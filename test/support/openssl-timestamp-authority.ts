import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

export const OPENSSL_POLICY = '1.3.6.1.4.1.32473.2.1';

const CONFIG = `
[tsa]
default_tsa = one
[one]
serial = serial
crypto_device = builtin
signer_digest = sha256
default_policy = ${OPENSSL_POLICY}
other_policies = 1.3.6.1.4.1.32473.2.2
digests = sha256
accuracy = secs:1, millisecs:500, microsecs:100
ordering = yes
tsa_name = yes
ess_cert_id_chain = no
ess_cert_id_alg = sha256
[root]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[middle]
basicConstraints = critical,CA:TRUE,pathlen:0
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[signer]
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
`;

/** OpenSSL's own timestamp authority (`openssl ts -reply`) behind HTTP: a root, an intermediate and a signer, made
 * anew. One question at a time, because openssl keeps its serial number in a file. */
export class OpensslTimestampAuthority {
  private constructor(
    readonly folder: string,
    readonly url: string,
    private readonly stop: () => void,
  ) {}

  static async start({ key = 'rsa' }: { readonly key?: 'rsa' | 'ec' } = {}): Promise<OpensslTimestampAuthority> {
    const folder = mkdtempSync(path.join(tmpdir(), 'honnin-tsa-'));
    makeHierarchy(folder, key);
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        if (request.headers['content-type'] !== 'application/timestamp-query')
          return void response.writeHead(415).end();
        response
          .writeHead(200, { 'content-type': 'application/timestamp-reply' })
          .end(reply(folder, Buffer.concat(chunks)));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new OpensslTimestampAuthority(
      folder,
      `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
      () => void server.close(),
    );
  }

  get anchorFile(): string {
    return path.join(this.folder, 'root.pem');
  }

  get anchorPem(): string {
    return readFileSync(this.anchorFile, 'utf8');
  }

  /** A TimeStampResp for any TimeStampReq, without HTTP. */
  reply(query: Uint8Array): Buffer {
    return reply(this.folder, query);
  }

  /** What `openssl ts -verify` says of a stored answer. */
  judge(data: string, answer: string): { readonly ok: boolean; readonly output: string } {
    return opensslJudges({ data, answer, anchor: this.anchorFile });
  }

  /** CRLs of the root and of the intermediate, DER, as `openssl ca` writes them. */
  crls(): readonly Buffer[] {
    return (['root', 'middle'] as const).map((name) => {
      ca(this.folder, name, '-gencrl', '-out', 'list.pem');
      execFileSync('openssl', ['crl', '-in', 'list.pem', '-outform', 'DER', '-out', 'list.crl'], {
        cwd: this.folder,
        stdio: 'pipe',
      });
      return readFileSync(path.join(this.folder, 'list.crl'));
    });
  }

  /** @param reason as openssl writes it: keyCompromise, superseded, … */
  revokeSigner(reason: string): void {
    ca(this.folder, 'middle', '-revoke', 'signer.pem', '-crl_reason', reason);
  }

  close(): void {
    this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export function opensslJudges({
  data,
  answer,
  anchor,
}: {
  readonly data: string;
  readonly answer: string;
  readonly anchor: string;
}): { readonly ok: boolean; readonly output: string } {
  const { status, stdout, stderr } = spawnSync(
    'openssl',
    ['ts', '-verify', '-data', data, '-in', answer, '-CAfile', anchor],
    { encoding: 'utf8' },
  );
  return { ok: status === 0, output: stdout + stderr };
}

/** The part of OpenSSL that keeps lists of certificates, with files of its own for each authority. */
function ca(folder: string, name: 'root' | 'middle', ...args: readonly string[]): void {
  const config = path.join(folder, `${name}-ca.cnf`);
  if (!existsSync(config)) {
    writeFileSync(path.join(folder, `${name}-index.txt`), '');
    writeFileSync(path.join(folder, `${name}-crlnumber`), '01\n');
    writeFileSync(
      config,
      `[ca]\ndefault_ca = one\n[one]\ndatabase = ${name}-index.txt\ncrlnumber = ${name}-crlnumber\ncertificate = ${name}.pem\nprivate_key = ${name}.key\ndefault_md = sha256\ndefault_crl_days = 30\ncrl_extensions = crl\n[crl]\nauthorityKeyIdentifier = keyid\n`,
    );
  }
  execFileSync('openssl', ['ca', '-config', config, ...args], { cwd: folder, stdio: 'pipe' });
}

function makeHierarchy(folder: string, key: 'rsa' | 'ec'): void {
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  writeFileSync(path.join(folder, 'tsa.cnf'), CONFIG);
  writeFileSync(
    path.join(folder, 'req.cnf'),
    `[req]\ndistinguished_name = dn\n[dn]\n${CONFIG.slice(CONFIG.indexOf('[root]'))}`,
  );
  writeFileSync(path.join(folder, 'serial'), '01\n');
  const algorithm = key === 'rsa' ? ['-newkey', 'rsa:2048'] : ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
  openssl(
    'req',
    '-x509',
    ...algorithm,
    '-nodes',
    '-keyout',
    'root.key',
    '-out',
    'root.pem',
    '-days',
    '3650',
    '-subj',
    '/O=stamp test/CN=root',
    '-config',
    'req.cnf',
    '-extensions',
    'root',
  );
  for (const [name, issuer] of [
    ['middle', 'root'],
    ['signer', 'middle'],
  ] as const) {
    openssl(
      'req',
      ...algorithm,
      '-nodes',
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.csr`,
      '-subj',
      `/O=stamp test/CN=${name}`,
      '-config',
      'req.cnf',
    );
    openssl(
      'x509',
      '-req',
      '-in',
      `${name}.csr`,
      '-CA',
      `${issuer}.pem`,
      '-CAkey',
      `${issuer}.key`,
      '-CAcreateserial',
      '-out',
      `${name}.pem`,
      '-days',
      '365',
      '-extfile',
      'tsa.cnf',
      '-extensions',
      name,
    );
  }
}

function reply(folder: string, query: Uint8Array): Buffer {
  writeFileSync(path.join(folder, 'query.tsq'), query);
  // Its own refusals are answers too: it writes them and ends with 1.
  spawnSync(
    'openssl',
    [
      'ts',
      '-reply',
      '-config',
      'tsa.cnf',
      '-queryfile',
      'query.tsq',
      '-signer',
      'signer.pem',
      '-inkey',
      'signer.key',
      '-chain',
      'middle.pem',
      '-out',
      'answer.tsr',
    ],
    { cwd: folder },
  );
  return readFileSync(path.join(folder, 'answer.tsr'));
}
