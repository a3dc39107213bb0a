import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { sign } from 'node:crypto';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { CertificateVerdict } from '../../src/application/ports/outside/certificate-verifier.js';
import { parseCertificate } from '../../src/infrastructure/x509/certificate/certificate.js';
import { certificateRules } from '../../src/infrastructure/jpki/certificate-check.js';
import { CrlIndexing } from '../../src/infrastructure/jpki/crl-indexing.js';
import { CrlStore, type CrlStoreOptions } from '../../src/infrastructure/jpki/crl-store.js';
import { checkOffline } from '../../src/infrastructure/jpki/offline/offline-check.js';
import { OcspCertificateVerifier, type StatusOrder } from '../../src/infrastructure/jpki/ocsp-certificate-verifier.js';
import { KEY_USAGE, OID } from '../../src/infrastructure/x509/asn1/oids.js';
import { PublicKey } from '../../src/infrastructure/x509/certificate/public-key.js';
import { differences, readSealedEvidence, recomputeVerdict } from '../../src/infrastructure/jpki/recompute-verdict.js';
import { TrustAnchors } from '../../src/infrastructure/x509/path/trust-anchors.js';
import {
  crlExt,
  DAY,
  ext,
  makeAuthority,
  makeCardCertificate,
  makeCertificate,
  makeCrl,
  makeLargeCrl,
  makeOcspResponse,
  name,
  NOW,
  rsaKey,
  type CrlSpec,
} from './support/certificate-factory.js';
import { FakeResponder } from './support/fake-responder.js';

const caKey = rsaKey();
const authority = makeAuthority(caKey);
const otherKey = rsaKey();
const cardKey = rsaKey();
const card = (serial: number): Buffer => makeCardCertificate(authority, cardKey, { serial });
const crl = (changes: Partial<CrlSpec> = {}): Buffer =>
  makeCrl({ issuer: authority, thisUpdate: NOW - 3600, nextUpdate: NOW + DAY, number: 7, ...changes });
const revoked = { entries: [{ serial: 0x1001, revokedAt: NOW - 60 }] };
const issuerCertificate = parseCertificate(authority.certificate);
const issuer = { certificate: issuerCertificate, publicKey: new PublicKey(issuerCertificate.spki) };

let fake: FakeResponder;
let now: number;
const open: CrlStore[] = [];
const folder = mkdtempSync(path.join(tmpdir(), 'crl-'));

beforeAll(async () => {
  fake = await FakeResponder.start();
});
beforeEach(() => {
  now = NOW;
  fake.requests = 0;
});
afterEach(() => open.splice(0).forEach((store) => store.close()));
afterAll(async () => {
  await fake.stop();
  rmSync(folder, { recursive: true });
});

function store(changes: Partial<CrlStoreOptions> = {}): CrlStore {
  const made = new CrlStore({ url: fake.url, background: false, now: () => now * 1000, ...changes });
  open.push(made);
  return made;
}

async function ask(from: CrlStore, serial = 0x1001): Promise<string> {
  const { status } = await from.statusOf(parseCertificate(card(serial)), issuer, now);
  return status.status === 'unknown' ? `unknown: ${status.cause}` : status.status;
}

function serve(bytes: Buffer, headers: Record<string, string> = {}): void {
  fake.answer = (_request, response) =>
    response.writeHead(200, { 'content-type': 'application/pkix-crl', ...headers }).end(bytes);
}

/** Repeats a step until it gives this answer; background work has no other sign. */
async function until(expected: string, step: () => Promise<string>): Promise<void> {
  let last = '';
  for (let i = 0; i < 200; i++) {
    last = await step();
    if (last === expected) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error(`still ${last}, not ${expected}`);
}

// @req R6
describe('CRL store', () => {
  it('fetches once for many who ask, and keeps the CRL', async () => {
    serve(crl(revoked));
    const one = store();
    expect(await Promise.all([...Array(20).keys()].map((i) => ask(one, i % 2 === 0 ? 0x1001 : 0x1002)))).toEqual(
      [...Array(20).keys()].map((i) => (i % 2 === 0 ? 'revoked' : 'good')),
    );
    expect(fake.requests).toBe(1);
    now += 800;
    expect(await ask(one)).toBe('revoked');
    expect(fake.requests).toBe(1);
  });

  it('asks for a newer one with the validators of the old one, and keeps it on 304', async () => {
    const seen: IncomingHttpHeaders[] = [];
    fake.answer = (_request, response: ServerResponse) => {
      seen.push(response.req.headers);
      if (response.req.headers['if-none-match'] === '"v1"') response.writeHead(304).end();
      else
        response
          .writeHead(200, {
            'content-type': 'application/pkix-crl',
            etag: '"v1"',
            'last-modified': 'Mon, 01 Jun 2026 00:00:00 GMT',
          })
          .end(crl());
    };
    const one = store();
    expect(await ask(one)).toBe('good');
    now += 901;
    await until('2', async () => `${await ask(one)}` && String(fake.requests));
    expect(seen[1]).toMatchObject({ 'if-none-match': '"v1"', 'if-modified-since': 'Mon, 01 Jun 2026 00:00:00 GMT' });
    expect(await ask(one)).toBe('good');
  });

  it('takes a newer CRL behind the back of the checks, well before the old one runs out', async () => {
    serve(crl({ nextUpdate: NOW + 1200 }));
    const one = store();
    expect(await ask(one)).toBe('good');
    serve(crl({ ...revoked, number: 8, thisUpdate: NOW }));
    now += 901;
    await until('revoked', () => ask(one));
    expect(fake.requests).toBe(2);
  });

  it('never goes back to a lower number or an older date, and says so once the newer one has run out', async () => {
    serve(crl({ ...revoked, nextUpdate: NOW + 2000 }));
    const one = store();
    expect(await ask(one)).toBe('revoked');
    for (const older of [crl({ number: 6, thisUpdate: NOW - 60 }), crl({ number: 7, thisUpdate: NOW - 7200 })]) {
      serve(older);
      now += 901;
      const before = fake.requests;
      await until(String(before + 1), async () => `${await ask(one)}` && String(fake.requests));
      await until('revoked', () => ask(one));
    }
    now = NOW + 2001;
    expect(await ask(one)).toBe('unknown: status_stale');
    const { status } = await one.statusOf(parseCertificate(card(0x1001)), issuer, now);
    expect(status.status === 'unknown' && status.detail).toMatch(/older|goes back/);
  });

  it('remembers the number over a restart', async () => {
    const keepIn = path.join(folder, 'kept.crl');
    const newest = crl({ ...revoked, number: 9 });
    serve(newest);
    expect(await ask(store({ keepIn }))).toBe('revoked');
    expect(readFileSync(keepIn).equals(newest)).toBe(true);
    serve(crl({ number: 8 }));
    const restarted = store({ keepIn });
    expect(await ask(restarted)).toBe('revoked');
    fake.answer = (_request, response) => response.writeHead(500).end();
    expect(await ask(store({ keepIn }))).toBe('revoked');
    writeFileSync(keepIn, 'garbage');
    expect(await ask(store({ keepIn }))).toBe('unknown: responder_error');
    expect(existsSync(`${keepIn}.new`)).toBe(false);
  });

  const faults: [string, string, () => void][] = [
    ['a CRL signed by a stranger', 'status_signature', () => serve(crl({ signer: otherKey }))],
    [
      'a CRL of another authority',
      'status_mismatch',
      () => serve(makeCrl({ issuer: { name: makeAuthority(otherKey).name, key: otherKey }, thisUpdate: NOW - 60 })),
    ],
    ['a delta CRL', 'status_mismatch', () => serve(crl({ extensions: [crlExt.delta(6)] }))],
    ['a CRL from the future', 'status_stale', () => serve(crl({ thisUpdate: NOW + 3600 }))],
    ['a CRL that has run out', 'status_stale', () => serve(crl({ thisUpdate: NOW - 7200, nextUpdate: NOW - 60 }))],
    ['a CRL that ends too early', 'status_malformed', () => serve(crl().subarray(0, -3))],
    ['a page', 'responder_error', () => serve(Buffer.from('<html>'), { 'content-type': 'text/html' })],
    ['a page that says that it is a CRL', 'status_malformed', () => serve(Buffer.from('<html>'))],
    ['nothing', 'status_malformed', () => serve(Buffer.alloc(0))],
    ['more bytes than allowed', 'responder_error', () => serve(Buffer.alloc(40_000, 0x30))],
    ['a length of gigabytes', 'status_malformed', () => serve(Buffer.from('3084ffffffff00000000', 'hex'))],
    [
      'a redirect',
      'responder_error',
      () => (fake.answer = (_r, response) => response.writeHead(302, { location: fake.url }).end()),
    ],
    [
      'a 304 that was not asked for',
      'responder_error',
      () => (fake.answer = (_r, response) => response.writeHead(304).end()),
    ],
    ['silence', 'responder_timeout', () => (fake.answer = () => undefined)],
    ['a broken connection', 'responder_unreachable', () => (fake.answer = (_r, response) => response.destroy())],
  ];
  it.each(faults)(
    'leaves cards undecided after %s (%s), and goes on when the server is right again',
    async (_what, cause, arrange) => {
      arrange();
      const one = store({ bytesMax: 30_000, timeoutMs: 400, waitMs: 2000 });
      expect(await ask(one)).toBe(`unknown: ${cause}`);
      const failed = fake.requests;
      expect(await ask(one)).toBe(`unknown: ${cause}`);
      expect(fake.requests).toBe(failed);
      serve(crl({ nextUpdate: NOW + DAY }));
      now += 11;
      await until('good', () => ask(one));
    },
  );

  it('does not let a check wait for a slow download, which goes on', async () => {
    let finish = (): void => undefined;
    fake.answer = (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/pkix-crl' });
      const bytes = crl();
      response.write(bytes.subarray(0, 100));
      finish = () => response.end(bytes.subarray(100));
    };
    const one = store({ waitMs: 50 });
    expect(await ask(one)).toBe('unknown: responder_timeout');
    finish();
    await until('good', () => ask(one));
    expect(fake.requests).toBe(1);
  });

  it('refreshes by itself, without anyone asking, until it is closed', async () => {
    const fresh = Math.floor(Date.now() / 1000);
    const lasting = { notBefore: fresh - DAY, notAfter: fresh + DAY };
    const certificate = parseCertificate(makeCardCertificate(authority, cardKey, { serial: 0x1001, ...lasting }));
    serve(crl({ thisUpdate: fresh - 60, nextUpdate: fresh + 600 }));
    const one = store({ background: true, refreshSeconds: 1, retrySeconds: 1, now: Date.now });
    expect((await one.statusOf(certificate, issuer, fresh)).status.status).toBe('good');
    expect(fake.requests).toBe(1);
    for (let i = 0; i < 200 && fake.requests < 2; i++) await new Promise((resolve) => setTimeout(resolve, 25));
    expect(fake.requests).toBeGreaterThanOrEqual(2);
    one.close();
  });

  it('asks nobody but the configured address, and only http', () => {
    expect(() => new CrlStore({ url: 'file:///etc/passwd' })).toThrow(RangeError);
    expect(() => new CrlStore({ url: 'http://user:secret@host/' })).toThrow(RangeError);
  });

  // How long it takes and what memory it needs is for ./honnin bench certificate to say.
  it('reads 200,000 entries while the event loop goes on', async () => {
    const large = makeLargeCrl(authority, 200_000, { thisUpdate: NOW - 3600, nextUpdate: NOW + DAY });
    let turns = 0;
    const turning = setInterval(() => (turns += 1), 1);
    const indexing = new CrlIndexing({ bytesMax: 64 << 20, timeoutMs: 60_000 });
    for (let i = 0; i < large.length; i += 65_536) indexing.write(large.subarray(i, i + 65_536));
    turns = 0;
    const outcome = await indexing.finish();
    clearInterval(turning);
    expect(outcome).toMatchObject({ kind: 'indexed', indexed: { entryCount: 200_000 } });
    expect(turns).toBeGreaterThan(3);
  });
});

/** @fault V10 */
describe('CRL store with two generations of an authority', () => {
  const second = makeAuthority(rsaKey());
  const secondCertificate = parseCertificate(second.certificate);
  const secondIssuer = { certificate: secondCertificate, publicKey: new PublicKey(secondCertificate.spki) };
  const secondCrl = (changes: Partial<CrlSpec> = {}): Buffer =>
    makeCrl({ issuer: second, thisUpdate: NOW - 3600, nextUpdate: NOW + DAY, number: 3, ...changes });
  const other = FakeResponder.start();
  afterAll(async () => (await other).stop());
  beforeEach(async () => {
    (await other).requests = 0;
  });
  const give = (from: FakeResponder, bytes: Buffer | null) => {
    from.answer = (_request, response) =>
      bytes === null
        ? response.writeHead(500).end()
        : response.writeHead(200, { 'content-type': 'application/pkix-crl' }).end(bytes);
  };
  const both = async () => [fake.url, (await other).url];
  async function askOfSecond(from: CrlStore, serial = 0x1001): Promise<string> {
    const certificate = parseCertificate(makeCardCertificate(second, cardKey, { serial }));
    const { status } = await from.statusOf(certificate, secondIssuer, now);
    return status.status === 'unknown' ? `unknown: ${status.cause}` : status.status;
  }

  it('that publish at one address in turn: the cards of both are decided, whatever the numbers', async () => {
    serve(crl({ number: 900 }));
    const one = store();
    expect(await ask(one)).toBe('good');
    serve(secondCrl({ ...revoked, thisUpdate: NOW - 7200 }));
    expect(await askOfSecond(one)).toBe('unknown: status_mismatch');
    now += 901;
    await until('revoked', () => askOfSecond(one));
    // The other generation's list is still held: it has not run out.
    expect(await ask(one)).toBe('good');
    serve(crl({ ...revoked, number: 901, thisUpdate: NOW + 900 }));
    now += 901;
    await until('revoked', () => ask(one));
    expect(await askOfSecond(one, 0x1002)).toBe('good');
  });

  it('that have an address each: both are decided at once, and the record names the address', async () => {
    give(fake, crl({ number: 900 }));
    give(await other, secondCrl(revoked));
    const two = store({ url: await both() });
    expect([await ask(two), await askOfSecond(two), await askOfSecond(two, 0x1002)]).toEqual([
      'good',
      'revoked',
      'good',
    ]);
    expect([fake.requests, (await other).requests]).toEqual([1, 1]);
    expect((await two.statusOf(parseCertificate(card(0x1001)), issuer, now)).source).toBe(new URL(fake.url).href);
    expect(two.url).toBe((await both()).map((url) => new URL(url).href).join(', '));
  });

  it('of which one is out of reach: the other is decided, and the words name both addresses', async () => {
    give(fake, null);
    give(await other, secondCrl());
    const two = store({ url: await both() });
    expect(await askOfSecond(two)).toBe('good');
    const { status } = await two.statusOf(parseCertificate(card(0x1001)), issuer, now);
    expect(status).toMatchObject({
      status: 'unknown',
      cause: 'responder_error',
      detail: expect.stringContaining(`${new URL(fake.url).href}: `),
    });
    give(fake, crl(revoked));
    now += 11;
    await until('revoked', () => ask(two));
  });

  it('never lets a mirror take a number of one key back', async () => {
    give(fake, crl({ ...revoked, number: 8 }));
    give(await other, crl({ number: 7, thisUpdate: NOW - 7200 }));
    const two = store({ url: await both() });
    await until('revoked', () => ask(two));
    now += 901;
    const before = fake.requests;
    await until(String(before + 1), async () => `${await ask(two)}` && String(fake.requests));
    expect(await ask(two)).toBe('revoked');
  });

  it('remembers the number of each over a restart, whichever is asked for first', async () => {
    const keepIn = path.join(folder, 'generations.crl');
    give(fake, crl({ ...revoked, number: 900 }));
    give(await other, secondCrl({ ...revoked, number: 5 }));
    const before = store({ url: await both(), keepIn });
    expect([await ask(before), await askOfSecond(before)]).toEqual(['revoked', 'revoked']);
    await until(
      '2',
      async () =>
        `${await ask(before)}` &&
        String(
          readdirSync(folder).filter((name) => name.startsWith('generations.crl') && !name.endsWith('.new')).length,
        ),
    );
    // Older lists of both are served now.
    give(fake, crl({ number: 899 }));
    give(await other, secondCrl({ number: 4 }));
    for (const order of [
      [askOfSecond, ask],
      [ask, askOfSecond],
    ] as const) {
      const restarted = store({ url: await both(), keepIn });
      for (const asking of order) expect(await asking(restarted)).toBe('revoked');
    }
  });
});

describe('verdicts by CRL', () => {
  const signedBytes = Buffer.from('the canonical capture envelope');
  const signature = sign('sha256', signedBytes, cardKey.privateKey);
  const at = new Date(NOW * 1000).toISOString();
  const check = (serial: number): Parameters<OcspCertificateVerifier['verify']>[0] => ({
    certificate: card(serial),
    certificateType: 'user_authentication',
    signedBytes,
    signature,
    at,
  });
  const anchors = { user_authentication: [authority.certificate], digital_signature: [] };
  let ocsp: FakeResponder;
  beforeAll(async () => {
    ocsp = await FakeResponder.start();
  });
  afterAll(() => ocsp.stop());

  const verifier = (order: StatusOrder): OcspCertificateVerifier =>
    new OcspCertificateVerifier({
      trustAnchors: anchors,
      environment: 'test',
      order,
      ocsp: { url: ocsp.url, timeoutMs: 500 },
      crl: { user_authentication: store(), digital_signature: null },
      now: () => now * 1000,
    });
  const answer = (status: 'good' | { revokedAt: number }): void =>
    ocsp.respond((nonce) =>
      makeOcspResponse({
        issuer: authority,
        serial: 0x1001,
        thisUpdate: NOW,
        nextUpdate: NOW + 900,
        nonce: nonce!,
        status,
      }),
    );
  const silence = (): void => {
    ocsp.answer = (_r, response) => response.writeHead(503).end();
  };
  const short = (v: CertificateVerdict): string =>
    v.verdict === 'unknown' ? `unknown: ${v.cause}` : `${v.verdict} by ${v.evidence.method}`;

  it.each<[StatusOrder, string, () => void, () => void, string]>([
    ['crl', 'a CRL', silence, () => serve(crl()), 'valid by crl'],
    ['crl', 'a CRL that lists the card', () => answer('good'), () => serve(crl(revoked)), 'invalid by crl'],
    ['ocsp-then-crl', 'an OCSP outage', silence, () => serve(crl()), 'valid by crl'],
    [
      'ocsp-then-crl',
      'revoked by OCSP, good by CRL',
      () => answer({ revokedAt: NOW - 9 }),
      () => serve(crl()),
      'invalid by ocsp',
    ],
    ['ocsp-then-crl', 'both out', silence, () => serve(Buffer.alloc(0)), 'unknown: responder_error'],
    ['crl-then-ocsp', 'a CRL that lists the card', () => answer('good'), () => serve(crl(revoked)), 'invalid by crl'],
    [
      'crl-then-ocsp',
      'a stale CRL',
      () => answer('good'),
      () => serve(crl({ thisUpdate: NOW - 7200, nextUpdate: NOW - 1 })),
      'valid by ocsp',
    ],
  ])('%s with %s', async (order, _what, arrangeOcsp, arrangeCrl, expected) => {
    arrangeOcsp();
    arrangeCrl();
    expect(short(await verifier(order).verify(check(0x1001)))).toBe(expected);
  });

  describe('a delegated responder', () => {
    const key = rsaKey();
    const responder = name(['O', 'Responder']);
    const delegate = (exempt: boolean): Buffer =>
      makeCertificate({
        subject: responder,
        issuer: authority.name,
        key,
        signer: caKey,
        serial: 77,
        notBefore: NOW - DAY,
        notAfter: NOW + DAY,
        extensions: [
          ext.keyUsage(KEY_USAGE.digitalSignature),
          ext.extendedKeyUsage(OID.ocspSigning),
          ...(exempt ? [ext.ocspNoCheck()] : []),
        ],
      });
    const delegated = (exempt: boolean): void =>
      ocsp.respond((nonce) =>
        makeOcspResponse({
          issuer: authority,
          serial: 0x1001,
          thisUpdate: NOW,
          nextUpdate: NOW + 900,
          nonce: nonce!,
          responder: { name: responder, key },
          certificates: [delegate(exempt)],
        }),
      );
    const responderRevoked = crl({ entries: [{ serial: 77, revokedAt: NOW - 60 }] });

    it.each<[string, boolean, () => void, string]>([
      ['is not heard once the CRL lists it', false, () => serve(responderRevoked), 'valid by crl'],
      ['is heard when the CRL does not list it', false, () => serve(crl()), 'valid by ocsp'],
      ['is heard when there is no CRL to be had', false, () => serve(Buffer.alloc(0)), 'valid by ocsp'],
      [
        'is heard without a look at the CRL when the authority exempted it',
        true,
        () => serve(responderRevoked),
        'valid by ocsp',
      ],
    ])('%s', async (_what, exempt, arrange, expected) => {
      delegated(exempt);
      arrange();
      expect(short(await verifier('ocsp-then-crl').verify(check(0x1001)))).toBe(expected);
    });

    it('is judged the same by the offline check', () => {
      const response = makeOcspResponse({
        issuer: authority,
        serial: 0x1001,
        thisUpdate: NOW,
        nextUpdate: NOW + 900,
        responder: { name: responder, key },
        certificates: [delegate(false)],
      });
      const offline = (crls: Buffer[], revocation: 'ocsp' | 'ocsp-then-crl'): string =>
        checkOffline({
          certificate: card(0x1001),
          trustAnchors: [authority.certificate],
          ocspResponses: [response],
          crls,
          at: NOW,
          profile: 'jpki-auth',
          revocation,
        }).reason;
      expect(offline([], 'ocsp')).toBe('valid');
      expect(offline([crl()], 'ocsp-then-crl')).toBe('valid');
      expect(offline([responderRevoked], 'ocsp')).toBe('responder_unauthorised');
    });
  });

  it.each<[string, StatusOrder, () => void]>([
    ['valid by OCSP', 'ocsp', () => answer('good')],
    ['revoked by OCSP', 'ocsp', () => answer({ revokedAt: NOW - 9 })],
    ['valid by CRL', 'crl', () => serve(crl())],
    ['revoked by CRL', 'crl', () => serve(crl(revoked))],
  ])('is recomputed from the sealed evidence years later: %s', async (_what, order, arrange) => {
    arrange();
    const verdict = await verifier(order).verify(check(0x1001));
    if (verdict.verdict === 'unknown') throw new Error('no verdict');
    const sealed = readSealedEvidence(sealAsJson(verdict.sealed));
    const rules = certificateRules(TrustAnchors.load(anchors, 'test'));
    const kept = {
      sealed,
      certificateType: 'user_authentication' as const,
      signedBytes,
      signature,
      at,
      evidence: verdict.evidence,
    };
    const again = recomputeVerdict(kept, rules);
    expect(differences(verdict, again)).toEqual([]);
    expect(again).toEqual(verdict);
    // A record that was changed does not hold, whatever was changed.
    const response = Buffer.from(sealed.statusResponse!);
    response[Math.floor(response.length / 2)]! ^= 1;
    expect(recomputeVerdict({ ...kept, sealed: { ...sealed, statusResponse: response } }, rules).verdict).toBe(
      'unknown',
    );
    expect(recomputeVerdict({ ...kept, signature: Buffer.alloc(256) }, rules)).toMatchObject({
      verdict: 'invalid',
      reason: 'card_signature',
    });
    expect(
      recomputeVerdict({ ...kept, sealed: { ...sealed, statusKind: null, statusResponse: null } }, rules),
    ).toMatchObject({ verdict: 'unknown', cause: 'no_status_source' });
    expect(
      recomputeVerdict(
        { ...kept, evidence: { ...verdict.evidence, checkedAtUtc: new Date((NOW + 3 * DAY) * 1000).toISOString() } },
        rules,
      ),
    ).toMatchObject({ verdict: 'unknown', cause: 'status_stale' });
    if (order === 'ocsp')
      expect(recomputeVerdict({ ...kept, sealed: { ...sealed, ocspNonce: '00'.repeat(32) } }, rules)).toMatchObject({
        verdict: 'unknown',
        cause: 'nonce_mismatch',
      });
    expect(
      differences({ verdict: verdict.verdict, evidence: { ...verdict.evidence, thisUpdateUtc: at } }, again),
    ).toEqual(verdict.evidence.thisUpdateUtc === at ? [] : ['thisUpdateUtc']);
    const foreign = certificateRules(
      TrustAnchors.load({ ...anchors, user_authentication: [makeAuthority(otherKey).certificate] }, 'test'),
    );
    expect(recomputeVerdict(kept, foreign)).toMatchObject({ verdict: 'invalid' });
  });

  it('recomputes a verdict that the path alone decided', async () => {
    const verdict = await verifier('crl').verify({
      ...check(0x1001),
      at: new Date((NOW + 4000 * DAY) * 1000).toISOString(),
    });
    if (verdict.verdict === 'unknown') throw new Error('no verdict');
    const again = recomputeVerdict(
      {
        sealed: verdict.sealed,
        certificateType: 'user_authentication',
        signedBytes,
        signature,
        at: new Date((NOW + 4000 * DAY) * 1000).toISOString(),
        evidence: verdict.evidence,
      },
      certificateRules(TrustAnchors.load(anchors, 'test')),
    );
    expect(again).toEqual(verdict);
  });

  it('refuses to read as evidence what is none', () => {
    for (const text of [
      '',
      '{}',
      '[]',
      '{"certificate":1}',
      '{"certificate":"AA==","statusKind":"x","statusResponse":null,"ocspNonce":null}',
    ])
      expect(() => readSealedEvidence(Buffer.from(text))).toThrow(TypeError);
  });

  /** As the saga seals it. */
  function sealAsJson(sealed: {
    certificate: Uint8Array;
    statusKind: string | null;
    statusResponse: Uint8Array | null;
    ocspNonce: string | null;
  }): Buffer {
    const text = (bytes: Uint8Array | null): string | null =>
      bytes === null ? null : Buffer.from(bytes).toString('base64');
    return Buffer.from(
      JSON.stringify({
        certificate: text(sealed.certificate),
        statusKind: sealed.statusKind,
        statusResponse: text(sealed.statusResponse),
        ocspNonce: sealed.ocspNonce,
      }),
    );
  }
});
