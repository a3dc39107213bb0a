import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { sign } from 'node:crypto';
import type { CertificateCheck, CertificateVerdict } from '../../src/application/ports/outside/certificate-verifier.js';
import { encodeDer, encodeOid, TAG } from '../../src/infrastructure/x509/asn1/der.js';
import { OID, KEY_USAGE } from '../../src/infrastructure/x509/asn1/oids.js';
import { checkOffline } from '../../src/infrastructure/jpki/offline/offline-check.js';
import { checkOfflineStatus } from '../../src/infrastructure/jpki/offline/offline-status.js';
import {
  OcspCertificateVerifier,
  type OcspCertificateVerifierOptions,
} from '../../src/infrastructure/jpki/ocsp-certificate-verifier.js';
import { TrustAnchorError } from '../../src/infrastructure/x509/path/trust-anchors.js';
import {
  cardExtensions,
  DAY,
  ecKey,
  ext,
  makeAuthority,
  makeCardCertificate,
  makeCertificate,
  makeOcspResponse,
  makeSingleResponse,
  name,
  ocspError,
  pem,
  rsaKey,
  type KeyPair,
  type OcspAnswerSpec,
} from './support/certificate-factory.js';
import { FakeResponder } from './support/fake-responder.js';
import { freePort, startOpensslResponder, type OpensslResponder } from './support/openssl-responder.js';
import { peer } from '../support/peers.js';
import { describeUnless } from '../support/unless.js';

// The responder process has no other clock than the system's, so these certificates live around the real now.
const now = Math.floor(Date.now() / 1000);
const window = { notBefore: now - 10 * DAY, notAfter: now + 10 * DAY };
const caKey = rsaKey();
const authority = makeAuthority(caKey, window);
const cardKey = rsaKey();
const otherKey = rsaKey();
const card = (serial: number, changes = {}): Buffer =>
  makeCardCertificate(authority, cardKey, { ...window, serial, ...changes });

const responderName = name(['C', 'JP'], ['O', 'Stand-in'], ['CN', 'responder']);
const delegateKey = rsaKey();
const delegateOf = (signer: KeyPair, issuer: Buffer, usage: readonly string[] = [OID.ocspSigning]): Buffer =>
  makeCertificate({
    subject: responderName,
    issuer,
    key: delegateKey,
    signer,
    serial: 77,
    ...window,
    extensions: [
      ext.keyUsage(KEY_USAGE.digitalSignature),
      ...(usage.length > 0 ? [ext.extendedKeyUsage(...usage)] : []),
      ext.ocspNoCheck(),
    ],
  });

const signedBytes = Buffer.from('the canonical capture envelope with the nonce');

function check(certificate: Buffer, changes: Partial<CertificateCheck> = {}, key: KeyPair = cardKey): CertificateCheck {
  const hash = key.privateKey.asymmetricKeyType === 'rsa' ? 'sha256' : 'sha384';
  return {
    certificate,
    certificateType: 'user_authentication',
    signedBytes,
    signature: sign(hash, signedBytes, key.privateKey),
    at: new Date(now * 1000).toISOString(),
    ...changes,
  };
}

function verifierFor(
  url: string,
  changes: Partial<OcspCertificateVerifierOptions> = {},
  ocsp: Partial<OcspCertificateVerifierOptions['ocsp']> = {},
): OcspCertificateVerifier {
  return new OcspCertificateVerifier({
    trustAnchors: { user_authentication: [pem(authority.certificate)], digital_signature: [] },
    environment: 'test',
    order: 'ocsp',
    ocsp: { url, timeoutMs: 2000, ...ocsp },
    crl: null,
    ...changes,
  });
}

function short(verdict: CertificateVerdict): string {
  return verdict.verdict === 'valid'
    ? 'valid'
    : `${verdict.verdict}: ${verdict.verdict === 'invalid' ? verdict.reason : verdict.cause}`;
}

// @req R6
describeUnless(peer('openssl'), 'against openssl ocsp', () => {
  let responder: OpensslResponder;
  const running: OpensslResponder[] = [];
  const index = [
    { serial: '1001', state: 'good' },
    { serial: '1002', state: 'revoked' },
    { serial: '1003', state: 'hold' },
    { serial: '1005', state: 'good' },
  ] as const;
  const start = async (
    spec: Omit<Parameters<typeof startOpensslResponder>[0], 'index' | 'authority'> = {},
  ): Promise<OpensslResponder> => {
    const started = await startOpensslResponder({ authority, index, ...spec });
    running.push(started);
    return started;
  };

  beforeAll(async () => {
    responder = await start();
  });
  afterAll(async () => {
    for (const one of running) await one.stop();
  });

  it('finds a good certificate valid and says on what evidence', async () => {
    const verdict = await verifierFor(responder.url).verify(check(card(0x1001)));
    expect(verdict).toMatchObject({
      verdict: 'valid',
      evidence: { method: 'ocsp', source: responder.url, status: 'good', pathLength: 2 },
      sealed: { statusKind: 'ocsp' },
      holder: { serialNumber: '1001' },
    });
    expect(verdict.verdict === 'valid' && verdict.sealed.ocspNonce).toMatch(/^[0-9a-f]{64}$/);
  });

  it('finds a P-384 card valid and asks with either hash in CertID', async () => {
    const key = ecKey();
    const certificate = makeCardCertificate(authority, key, { ...window, serial: 0x1001 });
    expect(short(await verifierFor(responder.url).verify(check(certificate, {}, key)))).toBe('valid');
    expect(
      short(await verifierFor(responder.url, {}, { certIdHash: 'sha256' }).verify(check(certificate, {}, key))),
    ).toBe('valid');
  });

  it('finds a revoked and a held certificate invalid, with the reason (@req A3)', async () => {
    expect(await verifierFor(responder.url).verify(check(card(0x1002)))).toMatchObject({
      verdict: 'invalid',
      reason: 'revoked',
      evidence: { status: 'revoked', revocationReason: 'key_compromise', revokedAtUtc: '2026-01-01T00:00:00.000Z' },
    });
    expect(await verifierFor(responder.url).verify(check(card(0x1003)))).toMatchObject({
      verdict: 'invalid',
      reason: 'revoked',
      evidence: { revocationReason: 'certificate_hold' },
    });
  });

  it('leaves a serial number that the responder does not know unknown', async () => {
    expect(short(await verifierFor(responder.url).verify(check(card(0x1004))))).toBe('unknown: status_unknown');
  });

  it('finds an expired certificate invalid although the responder calls it good', async () => {
    expect(short(await verifierFor(responder.url).verify(check(card(0x1005, { notAfter: now - 1 }))))).toBe(
      'invalid: expired',
    );
  });

  it('accepts a responder that the authority certified for it', async () => {
    const delegated = await start({ signer: { certificate: delegateOf(caKey, authority.name), key: delegateKey } });
    expect(short(await verifierFor(delegated.url).verify(check(card(0x1001))))).toBe('valid');
    expect(short(await verifierFor(delegated.url).verify(check(card(0x1002))))).toBe('invalid: revoked');
  });

  it.each([
    ['another authority with another name', () => delegateOf(otherKey, name(['C', 'JP'], ['O', 'Foreign']))],
    ['another authority with the same name', () => delegateOf(otherKey, authority.name)],
    ['the authority, but without the responder mark', () => delegateOf(caKey, authority.name, [])],
    ['the authority, for anything', () => delegateOf(caKey, authority.name, [OID.anyExtendedKeyUsage])],
  ])('does not listen to a responder certified by %s', async (_by, certificate) => {
    const foreign = await start({ signer: { certificate: certificate(), key: delegateKey } });
    expect(short(await verifierFor(foreign.url).verify(check(card(0x1001))))).toBe('unknown: responder_unauthorised');
  });

  it('does not listen to an ordinary card certificate that signs answers', async () => {
    const mine = makeCardCertificate(authority, cardKey, { ...window, subject: responderName });
    const forged = await start({ signer: { certificate: mine, key: cardKey } });
    expect(short(await verifierFor(forged.url).verify(check(card(0x1002))))).toBe('unknown: responder_unauthorised');
  });

  it('calls an answer stale once its next update has passed', async () => {
    const later = verifierFor(responder.url, { now: () => Date.now() + 6 * 60_000 });
    expect(short(await later.verify(check(card(0x1001))))).toBe('unknown: status_stale');
  });

  it('refuses a card whose issuer is not an anchor of this purpose', async () => {
    const foreign = makeAuthority(otherKey, { ...window, subject: authority.name });
    expect(
      short(
        await verifierFor(responder.url).verify(
          check(makeCardCertificate(foreign, cardKey, { ...window, serial: 0x1001 })),
        ),
      ),
    ).toBe('invalid: untrusted_issuer');
    expect(
      short(await verifierFor(responder.url).verify(check(card(0x1001), { certificateType: 'digital_signature' }))),
    ).toBe('invalid: untrusted_issuer');
  });

  it('answers 32 checks at once', async () => {
    const verifier = verifierFor(responder.url);
    const verdicts = await Promise.all(
      Array.from({ length: 32 }, (_, i) => verifier.verify(check(card(i % 2 === 0 ? 0x1001 : 0x1002)))),
    );
    expect(verdicts.map(short)).toEqual(
      Array.from({ length: 32 }, (_, i) => (i % 2 === 0 ? 'valid' : 'invalid: revoked')),
    );
  });
});

describe('against a responder that misbehaves', () => {
  let fake: FakeResponder;
  const good = (nonce: Buffer | null, changes: Partial<OcspAnswerSpec> = {}): Buffer =>
    makeOcspResponse({
      issuer: authority,
      serial: 0x1001,
      thisUpdate: Math.floor(Date.now() / 1000),
      nextUpdate: Math.floor(Date.now() / 1000) + 900,
      ...(nonce !== null && { nonce }),
      ...changes,
    });

  beforeAll(async () => {
    fake = await FakeResponder.start();
  });
  afterAll(() => fake.stop());
  // Whatever happened in a case, the next check of the same card succeeds as soon as the responder is right again.
  afterEach(async () => {
    fake.respond((nonce) => good(nonce));
    expect(short(await verifierFor(fake.url).verify(check(card(0x1001))))).toBe('valid');
  });

  const at = Math.floor(Date.now() / 1000);
  const cases: [string, string, (nonce: Buffer | null) => Buffer][] = [
    ['a stale answer', 'status_stale', (nonce) => good(nonce, { thisUpdate: at - 7200, nextUpdate: at - 3600 })],
    [
      'an answer without next update that is older than allowed',
      'status_stale',
      (nonce) => makeOcspResponse({ issuer: authority, serial: 0x1001, thisUpdate: at - 2 * DAY, nonce: nonce! }),
    ],
    [
      'an answer from the future',
      'status_stale',
      (nonce) => good(nonce, { thisUpdate: at + 3600, nextUpdate: at + 7200 }),
    ],
    [
      'an answer made before the card existed',
      'status_stale',
      (nonce) => good(nonce, { thisUpdate: window.notBefore - 5, producedAt: window.notBefore - 5 }),
    ],
    ['the nonce of another request', 'nonce_mismatch', () => good(Buffer.alloc(32, 7))],
    ['a shortened nonce', 'nonce_mismatch', (nonce) => good(nonce!.subarray(0, 31))],
    ['no nonce', 'nonce_mismatch', () => good(null)],
    ['the answer for another serial number', 'status_mismatch', (nonce) => good(nonce, { serial: 0x1002 })],
    [
      'another issuer name in CertID',
      'status_mismatch',
      (nonce) => good(nonce, { certId: { nameHash: Buffer.alloc(20) } }),
    ],
    [
      'another issuer key in CertID',
      'status_mismatch',
      (nonce) => good(nonce, { certId: { keyHash: Buffer.alloc(20) } }),
    ],
    ['another hash in CertID than asked for', 'status_mismatch', (nonce) => good(nonce, { hash: 'sha256' })],
    [
      'two answers about the card, good first',
      'status_mismatch',
      (nonce) =>
        good(nonce, {
          more: [
            makeSingleResponse({ issuer: authority, serial: 0x1001, thisUpdate: at, status: { revokedAt: at - 60 } }),
          ],
        }),
    ],
    [
      'two good answers about the card',
      'status_mismatch',
      (nonce) => good(nonce, { more: [makeSingleResponse({ issuer: authority, serial: 0x1001, thisUpdate: at })] }),
    ],
    ['unknown', 'status_unknown', (nonce) => good(nonce, { status: 'unknown' })],
    ['tryLater', 'responder_error', () => ocspError(3)],
    ['internalError', 'responder_error', () => ocspError(2)],
    ['unauthorized', 'responder_error', () => ocspError(6)],
    ['a successful status without an answer', 'status_malformed', () => ocspError(0)],
    ['another response type', 'status_malformed', (nonce) => good(nonce, { typeOid: '1.3.6.1.5.5.7.48.1.99' })],
    [
      'an unknown critical extension in the answer',
      'status_malformed',
      (nonce) => good(nonce, { responseExtensions: [ext.unknown(true)] }),
    ],
    [
      'an unknown critical extension for the card',
      'status_malformed',
      (nonce) => good(nonce, { singleExtensions: [ext.unknown(true)] }),
    ],
    ['bytes after the end', 'status_malformed', (nonce) => Buffer.concat([good(nonce), Buffer.of(0)])],
    [
      'next update before this update',
      'status_malformed',
      (nonce) => good(nonce, { thisUpdate: at, nextUpdate: at - 10 }),
    ],
    [
      'a signature by a stranger in the name of the authority',
      'status_signature',
      (nonce) => good(nonce, { responder: { name: authority.name, key: otherKey } }),
    ],
    ['nothing', 'status_malformed', () => Buffer.alloc(0)],
  ];
  it.each(cases)('leaves the card undecided after %s (%s)', async (_what, cause, make) => {
    fake.respond(make);
    expect(short(await verifierFor(fake.url).verify(check(card(0x1001))))).toBe(`unknown: ${cause}`);
  });

  it('accepts an answer that also speaks of other cards', async () => {
    fake.respond((nonce) =>
      good(nonce, {
        more: [
          makeSingleResponse({ issuer: authority, serial: 0x1002, thisUpdate: at, status: { revokedAt: at - 60 } }),
        ],
      }),
    );
    expect(short(await verifierFor(fake.url).verify(check(card(0x1001))))).toBe('valid');
  });

  it('accepts an answer with critical proofs of logging for the card, but not for the answer', async () => {
    const proofs = { oid: OID.certificateTimestamps, critical: true, value: Buffer.from('04020000', 'hex') };
    fake.respond((nonce) => good(nonce, { singleExtensions: [proofs] }));
    expect(short(await verifierFor(fake.url).verify(check(card(0x1001))))).toBe('valid');
    fake.respond((nonce) => good(nonce, { responseExtensions: [proofs] }));
    expect(short(await verifierFor(fake.url).verify(check(card(0x1001))))).toBe('unknown: status_malformed');
  });

  it('accepts an answer about a card that ran out after it was read, which the offline tool does not', async () => {
    const certificate = card(0x1001, { notAfter: at - 100 });
    const answer = (nonce: Buffer | null): Buffer => good(nonce, { thisUpdate: at - 50, producedAt: at - 50 });
    fake.respond(answer);
    expect(
      short(await verifierFor(fake.url).verify(check(certificate, { at: new Date((at - 200) * 1000).toISOString() }))),
    ).toBe('valid');
    expect(
      checkOfflineStatus({ issuer: authority.certificate, certificate, answer: { ocsp: answer(null) }, at }),
    ).toMatchObject({ status: 'unknown', cause: 'status_stale' });
  });

  it('accepts an answer signed by key hash instead of name', async () => {
    fake.respond((nonce) => good(nonce, { byKey: true }));
    expect(short(await verifierFor(fake.url).verify(check(card(0x1001))))).toBe('valid');
  });

  it('accepts an answer without nonce only where that is configured, and only while it is fresh', async () => {
    const lenient = verifierFor(fake.url, {}, { requireNonce: false, maxStatusAgeSeconds: 600 });
    fake.respond(() => good(null));
    expect(short(await lenient.verify(check(card(0x1001))))).toBe('valid');
    fake.respond(() => good(null, { thisUpdate: at - 700 }));
    expect(short(await lenient.verify(check(card(0x1001))))).toBe('unknown: status_stale');
  });

  it('hears a revoked answer however the reason is stated', async () => {
    fake.respond((nonce) => good(nonce, { status: { revokedAt: at - 60 } }));
    expect(await verifierFor(fake.url).verify(check(card(0x1001)))).toMatchObject({
      reason: 'revoked',
      evidence: { revocationReason: 'unspecified' },
    });
    fake.respond((nonce) => good(nonce, { status: { revokedAt: at - 60, reason: 3 } }));
    expect(await verifierFor(fake.url).verify(check(card(0x1001)))).toMatchObject({
      evidence: { revocationReason: 'affiliation_changed' },
    });
  });

  it.each<[string, string, FakeResponder['answer']]>([
    ['HTTP 500', 'responder_error', (_r, response) => response.writeHead(500).end()],
    ['a redirect', 'responder_error', (_r, response) => response.writeHead(302, { location: '/elsewhere' }).end()],
    [
      'another content type',
      'responder_error',
      ({ nonce }, response) => response.writeHead(200, { 'content-type': 'text/html' }).end(good(nonce)),
    ],
    [
      'an answer that is too large',
      'responder_error',
      (_r, response) =>
        response.writeHead(200, { 'content-type': 'application/ocsp-response' }).end(Buffer.alloc(70_000)),
    ],
    [
      'an endless answer',
      'responder_error',
      (_r, response) => {
        response.writeHead(200, { 'content-type': 'application/ocsp-response' });
        const write = (): void => {
          while (!response.destroyed && response.write(Buffer.alloc(16_384)));
        };
        response.on('drain', write);
        write();
      },
    ],
    ['a broken connection', 'responder_unreachable', (_r, response) => response.destroy()],
    [
      'a connection that breaks inside the answer',
      'responder_unreachable',
      (_r, response) => {
        response
          .writeHead(200, { 'content-type': 'application/ocsp-response', 'content-length': '2000' })
          .write(Buffer.alloc(100));
        setImmediate(() => response.destroy());
      },
    ],
  ])('leaves the card undecided after %s (%s)', async (_what, cause, answer) => {
    fake.answer = answer;
    expect(short(await verifierFor(fake.url).verify(check(card(0x1001))))).toBe(`unknown: ${cause}`);
  });

  it('follows no redirect', async () => {
    const before = fake.requests;
    fake.answer = (_r, response) => response.writeHead(307, { location: fake.url }).end();
    await verifierFor(fake.url).verify(check(card(0x1001)));
    expect(fake.requests).toBe(before + 1);
  });

  it.each<[string, FakeResponder['answer']]>([
    ['silence', () => undefined],
    [
      'dripping bytes',
      (_r, response) => {
        response.writeHead(200, { 'content-type': 'application/ocsp-response' });
        const timer = setInterval(() => response.write(Buffer.of(0x30)), 20);
        response.on('close', () => clearInterval(timer));
      },
    ],
  ])('gives up on %s after the whole time allowed', async (_what, answer) => {
    fake.answer = answer;
    // Neither ever ends by itself: who waited for it would wait until the test is stopped.
    expect(short(await verifierFor(fake.url, {}, { timeoutMs: 300 }).verify(check(card(0x1001))))).toBe(
      'unknown: responder_timeout',
    );
  });

  it('reports a responder that is not there', async () => {
    expect(short(await verifierFor(`http://127.0.0.1:${await freePort()}/`).verify(check(card(0x1001))))).toBe(
      'unknown: responder_unreachable',
    );
  });

  it('agrees with the offline check about every path', async () => {
    const middle = makeCertificate({
      subject: name(['O', 'Middle']),
      issuer: authority.name,
      key: otherKey,
      signer: caKey,
      serial: 9,
      ...window,
      extensions: [
        ext.basicConstraints(true),
        ext.keyUsage(KEY_USAGE.keyCertSign),
        ext.subjectKeyId(otherKey),
        ext.authorityKeyId(caKey),
      ],
    });
    const variants = [
      card(0x1001),
      card(0x1001, { extensions: cardExtensions(authority, cardKey, 'sign') }),
      card(0x1001, { extensions: [ext.policies([OID.jpkiAuthenticationPolicy])] }),
      card(0x1001, { extensions: [...cardExtensions(authority, cardKey), ext.unknown(true)] }),
      card(0x1001, { notBefore: now + 60 }),
      card(0x1001, { notAfter: now - 60 }),
      card(0x1001, { serial: Buffer.of(0x80) }),
      card(0x1001, { signer: otherKey }),
      card(0x1001, { extensions: [...cardExtensions(authority, cardKey), ext.basicConstraints(true)] }),
      card(0x1001, { extensions: [...cardExtensions(authority, cardKey), ext.policies(['1.2.3'])] }),
      Buffer.concat([card(0x1001), Buffer.of(0)]),
      Buffer.alloc(9000, 0x30),
      makeCardCertificate({ key: otherKey, name: name(['O', 'Middle']), certificate: middle }, cardKey, window),
    ];
    for (const certificate of variants) {
      fake.respond((nonce) => good(nonce));
      const served = short(await verifierFor(fake.url).verify(check(certificate)));
      const offline = checkOffline({
        certificate,
        trustAnchors: [authority.certificate],
        intermediates: [middle],
        at: now,
        profile: 'jpki-auth',
      });
      expect(offline.verdict === 'valid' ? 'valid' : `${offline.verdict}: ${offline.reason}`).toBe(served);
    }
  });

  it('does not ask the responder about a card that fails without it', async () => {
    const before = fake.requests;
    const verifier = verifierFor(fake.url);
    const reasons: string[] = [];
    for (const one of [
      check(card(0x1001), { signature: Buffer.alloc(256) }),
      check(card(0x1001), {}, otherKey),
      check(card(0x1001), { signedBytes: Buffer.from('another envelope') }),
      check(card(0x1001, { extensions: cardExtensions(authority, cardKey, 'sign') })),
      check(
        card(0x1001, {
          extensions: [
            ext.keyUsage(KEY_USAGE.digitalSignature | KEY_USAGE.nonRepudiation),
            ext.policies([OID.jpkiAuthenticationPolicy]),
          ],
        }),
      ),
      check(card(0x1001, { extensions: [ext.policies([OID.jpkiAuthenticationPolicy])] })),
      check(card(0x1001, { extensions: [ext.keyUsage(KEY_USAGE.digitalSignature), ext.policies([OID.anyPolicy])] })),
      check(card(0x1001, { extensions: [...cardExtensions(authority, cardKey), ext.unknown(true)] })),
      check(
        card(0x1001, { extensions: [...cardExtensions(authority, cardKey), ext.extendedKeyUsage(OID.ocspSigning)] }),
      ),
      check(card(0x1001, { notBefore: now + 60 })),
      check(Buffer.concat([card(0x1001), Buffer.of(0)])),
      check(Buffer.alloc(9000)),
    ])
      reasons.push(short(await verifier.verify(one)));
    expect(reasons).toEqual(
      [
        'card_signature',
        'card_signature',
        'card_signature',
        'policy',
        'key_usage',
        'key_usage',
        'policy',
        'critical_extension',
        'extended_key_usage',
        'not_yet_valid',
        'malformed',
        'limit_exceeded',
      ].map((r) => `invalid: ${r}`),
    );
    expect(fake.requests).toBe(before);
  });

  it('calls names that cannot be read malformed, wherever they stand', async () => {
    const unreadable = (tag: number, bytes: string): Buffer =>
      encodeDer(
        TAG.sequence,
        encodeDer(TAG.set, encodeDer(TAG.sequence, encodeOid('2.5.4.3'), encodeDer(tag, Buffer.from(bytes, 'hex')))),
      );
    for (const bad of [
      unreadable(TAG.utf8String, 'ff'),
      unreadable(TAG.bmpString, 'd800'),
      unreadable(TAG.bmpString, '00'),
    ]) {
      const verifier = verifierFor(fake.url);
      expect(short(await verifier.verify(check(card(0x1001, { subject: bad }))))).toBe('invalid: malformed');
      expect(short(await verifier.verify(check(card(0x1001, { issuer: bad }))))).toBe('invalid: malformed');
      fake.respond((nonce) => good(nonce, { responder: { name: bad, key: caKey } }));
      expect(short(await verifier.verify(check(card(0x1001))))).toBe('unknown: status_malformed');
    }
  });

  it('asks again for the same card unless reuse is configured', async () => {
    fake.respond((nonce) => good(nonce));
    const count = async (verifier: OcspCertificateVerifier): Promise<number> => {
      const before = fake.requests;
      for (let i = 0; i < 3; i++) expect(short(await verifier.verify(check(card(0x1001))))).toBe('valid');
      return fake.requests - before;
    };
    expect(await count(verifierFor(fake.url))).toBe(3);
    const certificate = card(0x1001);
    let clock = Date.now();
    const reusing = verifierFor(fake.url, { reuseAnswerSeconds: 60, now: () => clock });
    const before = fake.requests;
    for (let i = 0; i < 3; i++) await reusing.verify(check(certificate));
    expect(fake.requests - before).toBe(1);
    clock += 61_000;
    await reusing.verify(check(certificate));
    expect(fake.requests - before).toBe(2);
    // Reuse never skips what is not about revocation: the card must sign every time.
    expect(short(await reusing.verify(check(certificate, { signature: Buffer.alloc(256) })))).toBe(
      'invalid: card_signature',
    );
  });
});

describe('anchors', () => {
  const generation = (key: KeyPair, serial: number): ReturnType<typeof makeAuthority> =>
    makeAuthority(key, { ...window, serial });
  const options = (anchors: string[]): OcspCertificateVerifierOptions => ({
    trustAnchors: { user_authentication: anchors, digital_signature: [] },
    environment: 'test',
    order: 'ocsp',
    ocsp: { url: 'http://127.0.0.1:1/' },
    crl: null,
  });

  it('chooses among generations of one name by key, with or without key identifiers', async () => {
    const [first, second, third] = [generation(caKey, 1), generation(otherKey, 2), generation(delegateKey, 3)];
    const verifier = new OcspCertificateVerifier(options([first, second, third].map((a) => pem(a.certificate))));
    for (const issuer of [first, second, third]) {
      for (const extensions of [
        cardExtensions(issuer, cardKey),
        cardExtensions(issuer, cardKey).filter((e) => e.oid !== OID.authorityKeyIdentifier),
      ]) {
        const verdict = await verifier.verify(check(makeCardCertificate(issuer, cardKey, { ...window, extensions })));
        expect(short(verdict)).toBe('unknown: responder_unreachable');
      }
    }
  });

  it('does not let an expired generation vouch', async () => {
    const old = makeAuthority(caKey, { notBefore: now - 20 * DAY, notAfter: now - 1 });
    expect(short(await new OcspCertificateVerifier(options([pem(old.certificate)])).verify(check(card(0x1001))))).toBe(
      'invalid: expired',
    );
  });

  it('refuses at start what cannot be an anchor', () => {
    const test = makeAuthority(caKey, {
      ...window,
      subject: name(['C', 'JP'], ['O', 'JPKI-TEST'], ['OU', 'JPKI for user authentication']),
    });
    expect(
      () => new OcspCertificateVerifier({ ...options([pem(test.certificate)]), environment: 'production' }),
    ).toThrow(TrustAnchorError);
    expect(() => new OcspCertificateVerifier(options(['no certificate here']))).toThrow(TrustAnchorError);
    expect(() => new OcspCertificateVerifier(options([pem(card(1))]))).toThrow(TrustAnchorError);
    expect(() => new OcspCertificateVerifier({ ...options([]), ocsp: { url: 'file:///etc/passwd' } })).toThrow(
      RangeError,
    );
    expect(() => new OcspCertificateVerifier({ ...options([]), order: 'ocsp-then-crl' })).toThrow(RangeError);
  });
});
