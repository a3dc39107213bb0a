import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { spawn, spawnSync } from 'node:child_process';
import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  DAY,
  ecKey,
  makeAuthority,
  makeCardCertificate,
  makeCertificate,
  makeCrl,
  makeOcspResponse,
  name,
  NOW,
  pem,
  rsaKey,
  spkiOf,
} from './support/certificate-factory.js';
import { built } from '../support/peers.js';
import { describeUnless } from '../support/unless.js';

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

const caKey = ecKey();
const authority = makeAuthority(caKey);
const cardKey = ecKey();
const card = makeCardCertificate(authority, cardKey, { serial: 0x1001 });
const nonce = Buffer.alloc(32, 9);
const good = makeOcspResponse({
  issuer: authority,
  serial: 0x1001,
  thisUpdate: NOW - 60,
  nextUpdate: NOW + 900,
  nonce,
});
const revoked = makeOcspResponse({
  issuer: authority,
  serial: 0x1001,
  thisUpdate: NOW - 60,
  nextUpdate: NOW + 900,
  nonce,
  status: { revokedAt: NOW - 99, reason: 3 },
});
const cleanCrl = makeCrl({ issuer: authority, thisUpdate: NOW - 60, number: 3 });
const listingCrl = makeCrl({
  issuer: authority,
  thisUpdate: NOW - 60,
  number: 4,
  entries: [{ serial: 0x1001, revokedAt: NOW - 99 }],
});
const at = new Date(NOW * 1000).toISOString();
const b64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

let folder = '';
const file = (fileName: string, content: string | Uint8Array): string => {
  const full = path.join(folder, fileName);
  writeFileSync(full, content);
  return full;
};

interface Run {
  readonly code: number | null;
  readonly out: Record<string, unknown>[];
  readonly err: string;
}
function honnin(args: string[], input = ''): Run {
  const done = spawnSync(process.execPath, [main, ...args], {
    input,
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  return {
    code: done.status,
    out: done.stdout
      .split('\n')
      .filter((l) => l !== '')
      .map((l) => JSON.parse(l) as Record<string, unknown>),
    err: done.stderr,
  };
}
const batch = (tool: string, lines: (object | string)[]): Run =>
  honnin([tool, '--batch'], lines.map((l) => (typeof l === 'string' ? l : JSON.stringify(l))).join('\n'));

describeUnless(built('cli/certificate/verify-certificate.js'), 'verify tools', () => {
  let files: Record<'root' | 'card' | 'cardPem' | 'good' | 'revoked' | 'crl' | 'listing', string>;
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'verify-'));
    files = {
      root: file('root.pem', pem(authority.certificate)),
      card: file('card.der', card),
      cardPem: file('card.pem', pem(card)),
      good: file('good.ors', good),
      revoked: file('revoked.ors', revoked),
      crl: file('clean.crl', pem(cleanCrl, 'X509 CRL')),
      listing: file('listing.crl', listingCrl),
    };
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  const verify = (...args: string[]): Run =>
    honnin(['verify-certificate', '--trust-anchor', files.root, '--at', at, ...args]);

  it('says valid with the path and the status that it rests on, and exits with 0', () => {
    const { code, out } = verify(
      '--profile',
      'jpki-auth',
      '--ocsp-response',
      files.good,
      '--ocsp-nonce',
      nonce.toString('hex'),
      files.card,
    );
    expect(code).toBe(0);
    expect(out).toHaveLength(1);
    expect(out[0]).toMatchObject({
      version: '1',
      verdict: 'valid',
      reason: 'valid',
      at,
      path: [
        { serial: '1001', sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
        { subject: 'OU=user authentication,O=Stand-in,C=JP' },
      ],
      revocation: {
        source: 'ocsp',
        status: 'good',
        thisUpdate: new Date((NOW - 60) * 1000).toISOString(),
        responder: expect.stringMatching(/^[0-9a-f]{64}$/),
      },
      policies: ['1.2.392.200149.8.5.1.3.30'],
    });
    expect(typeof out[0]!['elapsedMs']).toBe('number');
  });

  it('reads PEM as well as DER', () => {
    expect(verify('--crl', files.crl, files.cardPem)).toMatchObject({
      code: 0,
      out: [{ revocation: { source: 'crl', status: 'good' } }],
    });
  });

  it('exits with 1 for invalid and says why', () => {
    expect(verify('--ocsp-response', files.revoked, files.card)).toMatchObject({
      code: 1,
      out: [{ verdict: 'invalid', reason: 'revoked', revocation: { reason: 'affiliation_changed' } }],
    });
    expect(verify('--crl', files.listing, files.card)).toMatchObject({ code: 1, out: [{ reason: 'revoked' }] });
    expect(verify('--profile', 'jpki-sign', files.card)).toMatchObject({
      code: 1,
      out: [{ reason: 'policy', revocation: { status: 'not_checked' } }],
    });
    expect(verify(file('garbage.der', 'garbage'))).toMatchObject({ code: 1, out: [{ reason: 'malformed' }] });
  });

  it('exits with 2 for unknown', () => {
    expect(verify('--revocation', 'ocsp', files.card)).toMatchObject({
      code: 2,
      out: [{ verdict: 'unknown', reason: 'no_status_source' }],
    });
    expect(verify('--ocsp-response', files.good, '--ocsp-nonce', '00', files.card)).toMatchObject({
      code: 2,
      out: [{ reason: 'nonce_mismatch' }],
    });
    expect(
      honnin([
        'verify-certificate',
        '--trust-anchor',
        files.root,
        '--at',
        new Date((NOW + DAY) * 1000).toISOString(),
        '--ocsp-response',
        files.good,
        files.card,
      ]),
    ).toMatchObject({ code: 2, out: [{ reason: 'status_stale' }] });
  });

  it.each<[string, () => string[]]>([
    ['an unknown option', () => ['--bogus', files.card]],
    ['no certificate', () => []],
    ['two certificates', () => [files.card, files.card]],
    ['a missing file', () => ['/nowhere/card.der']],
    ['an unknown profile', () => ['--profile', 'tls', files.card]],
    ['an unknown mode', () => ['--revocation', 'soft', files.card]],
    ['a wrong time', () => ['--at', 'yesterday', files.card]],
    ['a wrong number', () => ['--max-depth', '-1', files.card]],
    ['a wrong OID', () => ['--policy', 'any', files.card]],
  ])('exits with 64 for %s, without a verdict', (_what, args) => {
    expect(verify(...args())).toMatchObject({ code: 64, out: [], err: expect.stringContaining('--help') });
  });

  it('shows help with an example', () => {
    for (const tool of ['verify-certificate', 'verify-ocsp-response', 'verify-crl', 'verify-signature']) {
      const help = spawnSync(process.execPath, [main, tool, '--help'], {
        encoding: 'utf8',
        env: { ...process.env, NODE_OPTIONS: '' },
      });
      expect(help.status).toBe(0);
      expect(help.stdout).toMatch(new RegExp(`^ {2}\\./honnin ${tool} `, 'm'));
      expect(help.stdout).toMatch(/Example/);
    }
  });

  it('answers a batch line by line, with the fields that are promised', () => {
    const common = { trustAnchors: [b64(authority.certificate)], certificate: b64(card), at };
    const { code, out } = batch('verify-certificate', [
      { id: 'path', ...common },
      { id: 'crl', ...common, crls: [b64(cleanCrl)], revocation: 'crl', profile: 'jpki-auth' },
      {
        id: 'ocsp',
        ...common,
        ocspResponses: [b64(good)],
        ocspNonce: nonce.toString('hex'),
        revocation: 'ocsp',
        maxStatusAgeSeconds: 60,
      },
      { id: 'old', ...common, ocspResponses: [b64(good)], maxStatusAgeSeconds: 59 },
      { id: 'listed', ...common, crls: [b64(listingCrl)], revocation: 'ocsp-then-crl' },
      { id: 7, ...common, trustAnchors: [b64(makeAuthority(ecKey()).certificate)] },
      {
        id: 'nulls',
        ...common,
        intermediates: null,
        crls: [],
        policies: [],
        ocspNonce: '',
        revocation: null,
        extendedKeyUsage: [],
        maxDepth: null,
      },
      {
        id: 'noCa',
        ...common,
        issuerTrustedByKey: true,
        trustAnchors: [b64(makeAuthority(caKey, { extensions: [] }).certificate)],
      },
      { id: 'noCa2', ...common, trustAnchors: [b64(makeAuthority(caKey, { extensions: [] }).certificate)] },
      { id: 'policy', ...common, policies: ['1.2.3'], requireExplicitPolicy: true },
    ]);
    expect(code).toBe(0);
    expect(out.map((l) => [l['id'], l['verdict'], l['reason']])).toEqual([
      ['path', 'valid', 'valid'],
      ['crl', 'valid', 'valid'],
      ['ocsp', 'valid', 'valid'],
      ['old', 'unknown', 'status_stale'],
      ['listed', 'invalid', 'revoked'],
      [7, 'invalid', 'untrusted_issuer'],
      ['nulls', 'valid', 'valid'],
      ['noCa', 'valid', 'valid'],
      ['noCa2', 'invalid', 'basic_constraints'],
      ['policy', 'invalid', 'policy'],
    ]);
    for (const line of out) expect(Object.keys(line)).toEqual(['id', 'verdict', 'reason', 'detail', 'elapsedMs']);
  });

  it('answers bad lines as unknown, all other lines as ever, and exits with 64', () => {
    const line = { id: 1, trustAnchors: [b64(authority.certificate)], certificate: b64(card), at };
    const { code, out } = batch('verify-certificate', [
      '{',
      '[]',
      { id: 'a' },
      { ...line, id: 'b', at: 'now' },
      { ...line, id: 'c', certificate: '***' },
      { ...line, id: 'd', maxDepth: '3' },
      { ...line, id: 'e', policies: 'x' },
      line,
    ]);
    expect(code).toBe(64);
    expect(out.map((l) => [l['id'], l['verdict'], l['reason']])).toEqual([
      [null, 'unknown', 'usage'],
      [null, 'unknown', 'usage'],
      ['a', 'unknown', 'usage'],
      ['b', 'unknown', 'usage'],
      ['c', 'unknown', 'usage'],
      ['d', 'unknown', 'usage'],
      ['e', 'unknown', 'usage'],
      [1, 'valid', 'valid'],
    ]);
  });

  it('names fields that it does not know', () => {
    const { code, err } = batch('verify-certificate', [
      { id: 1, trustAnchors: [b64(authority.certificate)], certificate: b64(card), at, revokation: 'crl' },
    ]);
    expect(code).toBe(0);
    expect(err).toContain("'revokation'");
  });

  it('answers each line at once, for callers that ask and wait', async () => {
    const child = spawn(process.execPath, [main, 'verify-certificate', '--batch'], {
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    const answers: string[] = [];
    for (let id = 0; id < 3; id++) {
      const answered = new Promise<string>((resolve) =>
        child.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString())),
      );
      child.stdin.write(
        `${JSON.stringify({ id, trustAnchors: [b64(authority.certificate)], certificate: b64(card), at })}\n`,
      );
      answers.push(await answered);
    }
    child.stdin.end();
    const code = await new Promise((resolve) => child.once('exit', resolve));
    expect(answers.map((a) => (JSON.parse(a) as { id: number; verdict: string }).verdict)).toEqual([
      'valid',
      'valid',
      'valid',
    ]);
    expect(code).toBe(0);
  });

  it('never ends with 0 or 1 when its output breaks', async () => {
    const child = spawn(process.execPath, [main, 'verify-certificate', '--batch'], {
      env: { ...process.env, NODE_OPTIONS: '' },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    child.stdout.destroy();
    child.stdin.on('error', () => undefined);
    child.stdin.end(
      `${JSON.stringify({ id: 1, trustAnchors: [b64(authority.certificate)], certificate: b64(card), at })}\n`.repeat(
        200,
      ),
    );
    expect(await new Promise((resolve) => child.once('exit', resolve))).toBe(141);
  });

  it('says what an OCSP response proves', () => {
    const args = ['--issuer', files.root, '--cert', files.card, '--at', at];
    expect(honnin(['verify-ocsp-response', ...args, '--nonce', nonce.toString('hex'), files.good])).toMatchObject({
      code: 0,
      out: [{ status: 'good', reason: 'good', nextUpdate: new Date((NOW + 900) * 1000).toISOString() }],
    });
    expect(honnin(['verify-ocsp-response', ...args, files.revoked])).toMatchObject({
      code: 1,
      out: [{ status: 'revoked', reason: 'affiliation_changed', revokedAt: new Date((NOW - 99) * 1000).toISOString() }],
    });
    expect(honnin(['verify-ocsp-response', ...args, files.crl])).toMatchObject({
      code: 2,
      out: [{ status: 'unknown', reason: 'status_malformed' }],
    });
    expect(honnin(['verify-ocsp-response', '--issuer', files.root, files.good]).code).toBe(64);
    const line = { issuer: b64(authority.certificate), certificate: b64(card), at };
    const bare = makeAuthority(caKey, { extensions: [] }).certificate;
    const { code, out } = batch('verify-ocsp-response', [
      { id: 1, ...line, response: b64(good), nonce: nonce.toString('hex') },
      { id: 2, ...line, response: b64(revoked) },
      { id: 3, ...line, response: b64(good), nonce: 'ff' },
      { id: 4, ...line, response: b64(good), maxStatusAgeSeconds: 59 },
      { id: 5, ...line, issuer: b64(bare), response: b64(good) },
      { id: 6, ...line, issuer: b64(bare), response: b64(good), issuerTrustedByKey: true },
      { id: 7, ...line },
    ]);
    expect(code).toBe(64);
    expect(out.map((l) => [l['id'], l['status'], l['reason']])).toEqual([
      [1, 'good', 'good'],
      [2, 'revoked', 'affiliation_changed'],
      [3, 'unknown', 'nonce_mismatch'],
      [4, 'unknown', 'status_stale'],
      [5, 'unknown', 'responder_unauthorised'],
      [6, 'good', 'good'],
      [7, 'unknown', 'usage'],
    ]);
    for (const l of out) expect(Object.keys(l)).toEqual(['id', 'status', 'reason', 'detail', 'elapsedMs']);
  });

  it('says what a CRL proves', () => {
    const args = ['--issuer', files.root, '--cert', files.card, '--at', at];
    expect(honnin(['verify-crl', ...args, files.crl])).toMatchObject({ code: 0, out: [{ status: 'good' }] });
    expect(honnin(['verify-crl', ...args, files.listing])).toMatchObject({ code: 1, out: [{ status: 'revoked' }] });
    expect(honnin(['verify-crl', ...args, '--max-status-age', '10', files.crl])).toMatchObject({
      code: 2,
      out: [{ status: 'unknown', reason: 'status_stale' }],
    });
    const line = { issuer: b64(authority.certificate), certificate: b64(card), at };
    const stranger = makeCertificate({
      subject: name(['O', 'x']),
      issuer: authority.name,
      key: cardKey,
      signer: cardKey,
      serial: 5,
      notBefore: NOW - DAY,
      notAfter: NOW + DAY,
      extensions: [],
    });
    const { out } = batch('verify-crl', [
      { id: 1, ...line, crl: b64(cleanCrl) },
      { id: 2, ...line, crl: b64(listingCrl) },
      { id: 3, ...line, crl: b64(good) },
      { id: 4, ...line, certificate: b64(stranger), crl: b64(cleanCrl) },
    ]);
    expect(out.map((l) => [l['id'], l['status'], l['reason']])).toEqual([
      [1, 'good', 'good'],
      [2, 'revoked', 'unspecified'],
      [3, 'unknown', 'status_malformed'],
      [4, 'unknown', 'responder_unauthorised'],
    ]);
  });

  it('checks signatures, by any common name of the algorithm', () => {
    const message = Buffer.from('signed');
    const rsa = rsaKey();
    const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const rsaSpki = spkiOf(rsa);
    const cases: [string, Buffer, Buffer, string, string][] = [
      ['sha256WithRSAEncryption', rsaSpki, sign('sha256', message, rsa.privateKey), 'valid', 'valid'],
      ['RSA-SHA512', rsaSpki, sign('sha512', message, rsa.privateKey), 'valid', 'valid'],
      ['SHA256withRSA', rsaSpki, sign('sha256', message, rsa.privateKey), 'valid', 'valid'],
      ['RSASSA-PKCS1-v1_5/SHA-384', rsaSpki, sign('sha384', message, rsa.privateKey), 'valid', 'valid'],
      ['RS256', rsaSpki, sign('sha384', message, rsa.privateKey), 'invalid', 'bad_signature'],
      ['ecdsa-with-SHA384', spkiOf(cardKey), sign('sha384', message, cardKey.privateKey), 'valid', 'valid'],
      ['ECDSA-SHA256', spkiOf(cardKey), sign('sha256', message, cardKey.privateKey), 'valid', 'valid'],
      ['ES256', spkiOf(p256), sign('sha256', message, p256.privateKey), 'valid', 'valid'],
      [
        'ES256',
        spkiOf(p256),
        sign('sha256', message, { key: p256.privateKey, dsaEncoding: 'ieee-p1363' }),
        'invalid',
        'bad_signature',
      ],
      ['ECDSA-SHA384', rsaSpki, sign('sha384', message, rsa.privateKey), 'invalid', 'bad_signature'],
      ['RSA-SHA1', rsaSpki, sign('sha1', message, rsa.privateKey), 'invalid', 'weak_algorithm'],
      ['RSASSA-PSS-SHA256', rsaSpki, sign('sha256', message, rsa.privateKey), 'invalid', 'unsupported'],
      ['sha256', rsaSpki, sign('sha256', message, rsa.privateKey), 'invalid', 'unsupported'],
      ['ES384', Buffer.from('3000', 'hex'), message, 'invalid', 'malformed'],
      ['Ed25519', spkiOf(generateKeyPairSync('ed25519')), message, 'invalid', 'unsupported'],
    ];
    for (const encoding of ['base64', 'hex'] as const) {
      const { code, out } = batch(
        'verify-signature',
        cases.map(([algorithm, spki, signature], id) => ({
          id,
          spki: spki.toString(encoding),
          algorithm,
          message: message.toString(encoding),
          signature: signature.toString(encoding),
        })),
      );
      expect(code).toBe(0);
      expect(out.map((l, i) => [cases[i]![0], l['verdict'], l['reason']])).toEqual(
        cases.map(([algorithm, , , verdict, reason]) => [algorithm, verdict, reason]),
      );
    }
    const key = file('key.pem', createPublicKey(rsa.privateKey).export({ type: 'spki', format: 'pem' }));
    const single = (content: string): Run =>
      honnin([
        'verify-signature',
        '--key',
        key,
        '--alg',
        'RSA-SHA256',
        '--signature',
        file('s.bin', sign('sha256', message, rsa.privateKey)),
        file('m.bin', content),
      ]);
    expect(single('signed')).toMatchObject({ code: 0, out: [{ verdict: 'valid' }] });
    expect(single('forged')).toMatchObject({ code: 1, out: [{ verdict: 'invalid', reason: 'bad_signature' }] });
  });
});
