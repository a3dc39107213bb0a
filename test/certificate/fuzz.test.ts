import { describe, expect, it } from '@jest/globals';
import { SurfaceApCardRecordVerifier } from '../../src/infrastructure/card/card-record-verifier.js';
import { checkOffline, type OfflineCheck } from '../../src/infrastructure/jpki/offline/offline-check.js';
import { checkOfflineStatus, checkSignatureVector } from '../../src/infrastructure/jpki/offline/offline-status.js';
import { sign } from 'node:crypto';
import {
  buildCardRecord,
  buildIssuerCertificate,
  cardKeyId,
  rsaPublicParts,
  signChallenge,
} from '../../src/sandbox/card/card-record-writer.js';
import {
  crlExt,
  DAY,
  ecKey,
  ext,
  makeAuthority,
  makeCardCertificate,
  makeCertificate,
  makeCrl,
  makeOcspResponse,
  name,
  NOW,
  rsaKey,
  spkiOf,
} from './support/certificate-factory.js';
import { KEY_USAGE, OID } from '../../src/infrastructure/x509/asn1/oids.js';
import { limboCases, pkitsCases, suitesMissing } from './support/conformance-data.js';
import { mutate, seeded } from './support/mutations.js';
import { elsewhere } from '../support/peers.js';
import { describeUnless } from '../support/unless.js';
import { soakCount, soakSeed } from '../support/soak.js';

/** Damaged input: no hang over 250 ms, no exception, and nothing that was not valid becomes valid. Each run is seeded;
 * a found case is its seed. */

const SEED = Number(process.env['HONNIN_FUZZ_SEED'] ?? soakSeed(1));
const RUNS = Number(process.env['HONNIN_FUZZ_RUNS'] ?? soakCount({ ci: 250, soak: 600 }));
const MS_MAX = 250;

const caKey = ecKey();
const authority = makeAuthority(caKey);
const cardKey = ecKey();
const card = makeCardCertificate(authority, cardKey, { serial: 0x1001 });
const responderKey = ecKey();
const responderName = name(['O', 'Responder']);
const responder = makeCertificate({
  subject: responderName,
  issuer: authority.name,
  key: responderKey,
  signer: caKey,
  serial: 77,
  notBefore: NOW - DAY,
  notAfter: NOW + DAY,
  extensions: [ext.keyUsage(KEY_USAGE.digitalSignature), ext.extendedKeyUsage(OID.ocspSigning), ext.ocspNoCheck()],
});
const ocsp = (status: 'good' | { revokedAt: number; reason: number }, delegated: boolean): Buffer =>
  makeOcspResponse({
    issuer: authority,
    serial: 0x1001,
    thisUpdate: NOW - 60,
    nextUpdate: NOW + 900,
    nonce: Buffer.alloc(32, 5),
    status,
    ...(delegated && { responder: { name: responderName, key: responderKey }, certificates: [responder] }),
  });
const crl = (listed: boolean): Buffer =>
  makeCrl({
    issuer: authority,
    thisUpdate: NOW - 60,
    number: 3,
    entries: [
      { serial: 0x0fff, revokedAt: NOW - 9 },
      { serial: listed ? 0x1001 : 0x1002, revokedAt: NOW - 9, extensions: [crlExt.reason(3)] },
    ],
    extensions: [crlExt.issuingDistributionPoint({ user: true })],
  });

/** Milliseconds that a step takes. A slow one is repeated: what hangs hangs again, what was interrupted by a busy
 * machine does not. */
function timed<T>(step: () => T): { readonly answer: T; readonly elapsed: number } {
  let elapsed = Infinity;
  for (let attempt = 0; ; attempt++) {
    const started = performance.now();
    const answer = step();
    elapsed = Math.min(elapsed, performance.now() - started);
    if (elapsed < MS_MAX || attempt === 4) return { answer, elapsed };
  }
}

interface Subject {
  readonly what: string;
  readonly original: Buffer;
  /** The answer to these bytes. */
  readonly judge: (bytes: Buffer) => string;
  /** Answers that a mutation may not reach unless the bytes are the original's. */
  readonly positive: string;
}

const path = (changes: Partial<OfflineCheck>): string =>
  checkOffline({ certificate: card, trustAnchors: [authority.certificate], at: NOW, profile: 'jpki-auth', ...changes })
    .verdict;
const status = (answer: { ocsp: Buffer } | { crl: Buffer }): string =>
  checkOfflineStatus({ issuer: authority.certificate, certificate: card, answer, at: NOW }).status;

const subjects: Subject[] = [
  { what: 'a valid certificate', original: card, judge: (bytes) => path({ certificate: bytes }), positive: 'valid' },
  {
    what: 'an expired certificate',
    original: makeCardCertificate(authority, cardKey, { serial: 0x1001, notAfter: NOW - 1 }),
    judge: (bytes) => path({ certificate: bytes }),
    positive: 'valid',
  },
  {
    what: 'a certificate of a stranger',
    original: makeCardCertificate({ ...authority, key: cardKey }, cardKey, { serial: 0x1001 }),
    judge: (bytes) => path({ certificate: bytes }),
    positive: 'valid',
  },
  {
    what: 'a signing certificate at the login',
    original: makeCardCertificate(authority, cardKey, { serial: 0x1001 }, 'sign'),
    judge: (bytes) => path({ certificate: bytes }),
    positive: 'valid',
  },
  {
    what: 'a good OCSP answer',
    original: ocsp('good', false),
    judge: (bytes) => status({ ocsp: bytes }),
    positive: 'good',
  },
  {
    what: 'a revoked OCSP answer',
    original: ocsp({ revokedAt: NOW - 9, reason: 1 }, false),
    judge: (bytes) => status({ ocsp: bytes }),
    positive: 'good',
  },
  {
    what: 'a revoked OCSP answer of a delegate',
    original: ocsp({ revokedAt: NOW - 9, reason: 1 }, true),
    judge: (bytes) => status({ ocsp: bytes }),
    positive: 'good',
  },
  { what: 'a clean CRL', original: crl(false), judge: (bytes) => status({ crl: bytes }), positive: 'good' },
  {
    what: 'a CRL that lists the card',
    original: crl(true),
    judge: (bytes) => status({ crl: bytes }),
    positive: 'good',
  },
];

function run({ what, original, judge, positive }: Subject, runs: number): { slowest: number } {
  const random = seeded(SEED);
  let slowest = 0;
  for (let i = 0; i < runs; i++) {
    const { bytes, how } = mutate(original, random);
    const { answer, elapsed } = timed(() => judge(bytes));
    slowest = Math.max(slowest, elapsed);
    if (answer === positive && !bytes.equals(original))
      throw new Error(`${what}, run ${i} (${how}, seed ${SEED}): ${positive} from ${bytes.toString('hex')}`);
  }
  return { slowest };
}

// @req R6
describe('damaged input', () => {
  it.each(subjects.map((s) => [s.what, s] as const))('%s', (_what, subject) => {
    const before = subject.judge(subject.original);
    expect(before === subject.positive).toBe(/^a (valid|good|clean)/.test(subject.what));
    const { slowest } = run(subject, RUNS);
    expect(slowest).toBeLessThan(MS_MAX);
  });

  it('a delegated OCSP answer, of whose certificates only the unsigned parts may change', () => {
    // The list of certificates is not signed: an answer may lose or gain one that is not needed. It must stay the same
    // answer.
    const original = ocsp('good', true);
    const random = seeded(SEED);
    let slowest = 0;
    for (let i = 0; i < RUNS; i++) {
      const { bytes } = mutate(original, random);
      const { answer: judged, elapsed } = timed(() =>
        checkOfflineStatus({ issuer: authority.certificate, certificate: card, answer: { ocsp: bytes }, at: NOW }),
      );
      slowest = Math.max(slowest, elapsed);
      if (judged.status === 'good')
        expect(judged.evidence).toEqual({
          thisUpdate: NOW - 60,
          nextUpdate: NOW + 900,
          signerKeySha256: expect.any(String),
          responderToCheck: null,
        });
    }
    expect(slowest).toBeLessThan(MS_MAX);
  });

  it('a card record, its issuer certificate and its challenge signature', () => {
    const keys = { root: rsaKey(), issuer: rsaKey(), card: rsaKey() };
    const rootId = cardKeyId('6000023', '001');
    const picture = Buffer.concat([Buffer.from('0000000c6a5020200d0a870a', 'hex'), Buffer.alloc(3000, 7)]);
    const png = Buffer.from('89504e470d0a1a0a', 'hex');
    const record = Buffer.from(
      buildCardRecord(
        {
          birthDate: '19800217',
          sex: '1',
          cardKey: rsaPublicParts(keys.card.privateKey),
          nameImage: png,
          addressImage: png,
          faceImage: picture,
          expiry: '20350217',
          securityCodeImage: png,
        },
        keys.issuer.privateKey,
      ),
    );
    const issuerCertificate = Buffer.from(
      buildIssuerCertificate(
        {
          issuerKeyId: rootId,
          subjectKeyId: cardKeyId('1322121', '000'),
          subjectKey: rsaPublicParts(keys.issuer.privateKey),
        },
        keys.root.privateKey,
      ),
    );
    const challenge = Buffer.from('nonce');
    const challengeSignature = Buffer.from(signChallenge(challenge, keys.card.privateKey));
    const root = rsaPublicParts(keys.root.privateKey);
    const hex = (b: Uint8Array): string => Buffer.from(b).toString('hex');
    const verifier = new SurfaceApCardRecordVerifier({
      issuerKeys: [{ keyIdHex: hex(rootId), modulus: hex(root.modulus), exponent: hex(root.exponent) }],
      environment: 'test',
    });
    const genuine = { cardRecord: record, issuerCertificate, challenge, challengeSignature };
    expect(verifier.verify(genuine).verdict).toBe('valid');
    const random = seeded(SEED);
    let slowest = 0;
    const parts = ['cardRecord', 'issuerCertificate', 'challengeSignature'] as const;
    for (let i = 0; i < RUNS; i++) {
      const part = parts[i % 3]!;
      const { bytes } = mutate(genuine[part], random);
      const { answer: verdict, elapsed } = timed(() => verifier.verify({ ...genuine, [part]: bytes }));
      slowest = Math.max(slowest, elapsed);
      // Expiry and security code are not signed (facts of the card); whatever else is accepted must be the same
      // photograph.
      if (verdict.verdict === 'valid') expect(Buffer.from(verdict.faceImage).equals(picture)).toBe(true);
      if (verdict.verdict === 'valid' && part !== 'cardRecord') expect(bytes.equals(genuine[part])).toBe(true);
    }
    expect(slowest).toBeLessThan(MS_MAX);
  });

  it('keys and signatures', () => {
    const message = Buffer.from('message');
    const signature = sign('sha384', message, cardKey.privateKey);
    const spki = spkiOf(cardKey);
    const judge = (vector: { spki?: Buffer; signature?: Buffer }): string =>
      checkSignatureVector({ spki, algorithm: 'ecdsa-with-SHA384', message, signature, ...vector }).verdict;
    for (const [what, original, part] of [
      ['a signature', signature, 'signature'],
      ['a key', spki, 'spki'],
    ] as const) {
      expect(
        run({ what, original, judge: (bytes) => judge({ [part]: bytes }), positive: 'valid' }, RUNS).slowest,
      ).toBeLessThan(MS_MAX);
    }
  });
});

describeUnless(elsewhere(suitesMissing), 'damaged certificates of the public suites', () => {
  it('never turns a case that must fail into a valid one', () => {
    const random = seeded(SEED);
    const failing = [...pkitsCases(), ...limboCases()].filter((c) => !c.valid);
    let slowest = 0;
    const wrong: string[] = [];
    for (let i = 0; i < RUNS; i++) {
      const c = failing[random(failing.length)]!;
      const { check, how } = damaged(c.check, random);
      const { answer, elapsed } = timed(() => checkOffline(check));
      const { verdict } = answer;
      // The pathological cases may take their own time undamaged; damage must not make them worse.
      if (!c.id.startsWith('pathological')) slowest = Math.max(slowest, elapsed);
      if (verdict === 'valid' && !harmless(c.check, check)) wrong.push(`${c.id} ${how}`);
    }
    expect(wrong).toEqual([]);
    expect(slowest).toBeLessThan(MS_MAX);
  });

  /** Damages one certificate or CRL of a case, but not the anchors: those are configured, not received. */
  function damaged(check: OfflineCheck, random: (below: number) => number): { check: OfflineCheck; how: string } {
    const lists = (['intermediates', 'crls'] as const).filter((l) => (check[l] ?? []).length > 0);
    const target = random(lists.length + 1);
    if (target === lists.length) {
      const { bytes, how } = mutate(Buffer.from(check.certificate), random);
      return { check: { ...check, certificate: bytes }, how: `certificate ${how}` };
    }
    const list = lists[target]!;
    const items = [...(check[list] ?? [])];
    const index = random(items.length);
    const { bytes, how } = mutate(Buffer.from(items[index]!), random);
    items[index] = bytes;
    return { check: { ...check, [list]: items }, how: `${list} ${index} ${how}` };
  }

  /** Whoever can damage an intermediate or a CRL on its way can also withhold it (a delta CRL, or the certificate that
   * made a path fail): a verdict that is the same without the damaged piece owes nothing to the damage. The leaf itself
   * has no such excuse. */
  function harmless(before: OfflineCheck, after: OfflineCheck): boolean {
    if (before.certificate !== after.certificate) return false;
    const kept = (list: 'intermediates' | 'crls'): readonly Uint8Array[] =>
      (before[list] ?? []).filter((piece) => (after[list] ?? []).includes(piece));
    return checkOffline({ ...before, intermediates: kept('intermediates'), crls: kept('crls') }).verdict === 'valid';
  }
});
