import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { encodeDer, TAG } from '../../src/infrastructure/x509/asn1/der.js';
import { checkOffline } from '../../src/infrastructure/jpki/offline/offline-check.js';
import { checkOfflineStatus } from '../../src/infrastructure/jpki/offline/offline-status.js';
import { KEY_USAGE, OID } from '../../src/infrastructure/x509/asn1/oids.js';
import { peer } from '../support/peers.js';
import { describeUnless } from '../support/unless.js';
import { soakCount, soakFactor, soakSeed } from '../support/soak.js';
import {
  crlExt,
  DAY,
  dnsName,
  ecKey,
  ext,
  makeCertificate,
  makeCrl,
  makeOcspResponse,
  makeSingleResponse,
  name,
  pem,
  rsaKey,
  type Authority,
  type CertificateSpec,
  type CrlSpec,
  type KeyPair,
  type OcspAnswerSpec,
} from './support/certificate-factory.js';

/** `openssl` is a verifier that nobody here wrote. Where it says no, we must not say yes; where nothing is wrong, both
 * must say yes, or the comparison would be of two machines that always refuse. */

const SEED = Number(process.env['HONNIN_DIFFERENTIAL_SEED'] ?? soakSeed(20261123));
const RUNS = Number(process.env['HONNIN_DIFFERENTIAL_RUNS'] ?? soakCount({ ci: 50, soak: 150 }));
// `openssl ocsp` judges times by the system's clock only.
const now = Math.floor(Date.now() / 1000);

const keys = { root: rsaKey(), middle: ecKey(), leaf: ecKey('P-256'), stranger: ecKey(), weak: rsaKey(1024) };
const names = {
  root: name(['C', 'JP'], ['O', 'Root']),
  middle: name(['C', 'JP'], ['O', 'Middle']),
  leaf: name(['C', 'JP'], ['CN', 'leaf']),
  stranger: name(['O', 'Stranger']),
};

type Level = 'root' | 'middle' | 'leaf';
interface Scenario {
  certificates: Record<Level, CertificateSpec>;
  crls: Record<'root' | 'middle', (Omit<CrlSpec, 'issuer'> & { issuer: { name: Buffer; key: KeyPair } }) | null>;
  /** Changes of finished bytes. */
  mend: Partial<Record<Level, (der: Buffer) => Buffer>>;
  flags: string[];
  requireExplicitPolicy: boolean;
}

const policy = '1.2.392.200149.8.5.1.3.30';
const usage = KEY_USAGE.keyCertSign | KEY_USAGE.crlSign;

function clean(): Scenario {
  const window = { notBefore: now - 10 * DAY, notAfter: now + 10 * DAY };
  return {
    certificates: {
      root: {
        subject: names.root,
        issuer: names.root,
        key: keys.root,
        signer: keys.root,
        serial: 1,
        ...window,
        extensions: [ext.basicConstraints(true), ext.keyUsage(usage), ext.subjectKeyId(keys.root)],
      },
      middle: {
        subject: names.middle,
        issuer: names.root,
        key: keys.middle,
        signer: keys.root,
        serial: 2,
        ...window,
        extensions: [
          ext.basicConstraints(true, 0),
          ext.keyUsage(usage),
          ext.subjectKeyId(keys.middle),
          ext.authorityKeyId(keys.root),
          ext.policies([policy]),
        ],
      },
      leaf: {
        subject: names.leaf,
        issuer: names.middle,
        key: keys.leaf,
        signer: keys.middle,
        serial: 3,
        ...window,
        extensions: [
          ext.keyUsage(KEY_USAGE.digitalSignature),
          ext.subjectKeyId(keys.leaf),
          ext.authorityKeyId(keys.middle),
          ext.policies([policy]),
          ext.dnsNames('leaf.example.jp'),
        ],
      },
    },
    crls: {
      root: { issuer: { name: names.root, key: keys.root }, thisUpdate: now - 3600, number: 5 },
      middle: { issuer: { name: names.middle, key: keys.middle }, thisUpdate: now - 3600, number: 6 },
    },
    mend: {},
    flags: [],
    requireExplicitPolicy: false,
  };
}

const without = (spec: CertificateSpec, oid: string): CertificateSpec['extensions'] =>
  spec.extensions.filter((e) => e.oid !== oid);
const change =
  (level: Level, make: (spec: CertificateSpec) => Partial<CertificateSpec>) =>
  (s: Scenario): void => {
    s.certificates[level] = { ...s.certificates[level], ...make(s.certificates[level]) };
  };
const changeCrl =
  (level: 'root' | 'middle', changes: Partial<CrlSpec>) =>
  (s: Scenario): void => {
    const crl = s.crls[level];
    if (crl !== null)
      s.crls[level] = {
        ...crl,
        ...changes,
        extensions: [...(crl.extensions ?? []), ...(changes.extensions ?? [])],
        entries: [...(crl.entries ?? []), ...(changes.entries ?? [])],
      };
  };
const replace = (level: Level, oid: string, extension: CertificateSpec['extensions'][number]) =>
  change(level, (c) => ({ extensions: [...without(c, oid), extension] }));

/** Everything that can be wrong with a path, one at a time. */
const FAULTS: Readonly<Record<string, (s: Scenario) => void>> = {
  ...Object.fromEntries(
    (['root', 'middle', 'leaf'] as const).flatMap(
      (level) =>
        [
          [`${level} expired`, change(level, () => ({ notAfter: now - 1 }))],
          [`${level} not yet valid`, change(level, () => ({ notBefore: now + 3600 }))],
          [
            `${level} with an unknown critical extension`,
            change(level, (c) => ({ extensions: [...c.extensions, ext.unknown(true)] })),
          ],
          [
            `${level} with an extension twice`,
            change(level, (c) => ({ extensions: [...c.extensions, ...c.extensions.slice(0, 1)] })),
          ],
          [`${level} with two algorithms`, change(level, () => ({ innerAlgorithm: 'rsa-sha1' }))],
          [`${level} of version 1`, change(level, () => ({ version: 1, extensions: [] }))],
          [`${level} with a weak key`, change(level, () => ({ key: keys.weak }))],
          [
            `${level} with a byte after the end`,
            (s) => void (s.mend[level] = (der) => Buffer.concat([der, Buffer.of(0)])),
          ],
        ] as [string, (s: Scenario) => void][],
    ),
  ),
  'middle signed by a stranger': change('middle', () => ({ signer: keys.stranger })),
  'leaf signed by a stranger': change('leaf', () => ({ signer: keys.stranger })),
  'leaf signed by the root in the name of the middle': change('leaf', () => ({ signer: keys.root })),
  'leaf names another issuer': change('leaf', () => ({ issuer: names.stranger })),
  'middle names another issuer': change('middle', () => ({ issuer: names.stranger })),
  'leaf names another key of its issuer': replace(
    'leaf',
    OID.authorityKeyIdentifier,
    ext.authorityKeyId(keys.stranger),
  ),
  'middle names another key of its issuer': replace(
    'middle',
    OID.authorityKeyIdentifier,
    ext.authorityKeyId(keys.stranger),
  ),
  'leaf signature changed': (s) => void (s.mend.leaf = (der) => flip(der, der.length - 9)),
  'middle signature changed': (s) => void (s.mend.middle = (der) => flip(der, der.length - 9)),
  'leaf serial number changed': (s) =>
    void (s.mend.leaf = (der) => flip(der, der.indexOf(Buffer.from('020103', 'hex')) + 2)),
  'middle is no authority': replace('middle', OID.basicConstraints, ext.basicConstraints(false)),
  'middle without basicConstraints': change('middle', (c) => ({ extensions: without(c, OID.basicConstraints) })),
  'middle may not sign certificates': replace('middle', OID.keyUsage, ext.keyUsage(KEY_USAGE.crlSign)),
  'middle may not sign CRLs': replace('middle', OID.keyUsage, ext.keyUsage(KEY_USAGE.keyCertSign)),
  'root may not sign certificates': replace('root', OID.keyUsage, ext.keyUsage(KEY_USAGE.crlSign)),
  'root is no authority': replace('root', OID.basicConstraints, ext.basicConstraints(false)),
  'root allows nothing below': replace('root', OID.basicConstraints, ext.basicConstraints(true, 0)),
  'leaf without policy, and one is required': (s) => {
    change('leaf', (c) => ({ extensions: without(c, OID.certificatePolicies) }))(s);
    requirePolicy(s);
  },
  'leaf under another policy, and one is required': (s) => {
    replace('leaf', OID.certificatePolicies, ext.policies(['1.2.3.4']))(s);
    requirePolicy(s);
  },
  'middle excludes the name of the leaf': change('middle', (c) => ({
    extensions: [...c.extensions, ext.nameConstraints([], [dnsName('example.jp')])],
  })),
  'middle permits other names': change('middle', (c) => ({
    extensions: [...c.extensions, ext.nameConstraints([dnsName('example.com')])],
  })),
  'no CRL of the root': (s) => void (s.crls.root = null),
  'no CRL of the middle': (s) => void (s.crls.middle = null),
  ...Object.fromEntries(
    (['root', 'middle'] as const).flatMap(
      (level) =>
        [
          [`CRL of the ${level} ran out`, changeCrl(level, { thisUpdate: now - 7200, nextUpdate: now - 60 })],
          [`CRL of the ${level} from the future`, changeCrl(level, { thisUpdate: now + 7200, nextUpdate: now + DAY })],
          [`CRL of the ${level} signed by a stranger`, changeCrl(level, { signer: keys.stranger })],
          [
            `CRL of the ${level} with an unknown critical extension`,
            changeCrl(level, { extensions: [ext.unknown(true)] }),
          ],
          [
            `CRL of the ${level} lists the certificate`,
            changeCrl(level, { entries: [{ serial: level === 'root' ? 2 : 3, revokedAt: now - 999 }] }),
          ],
          [
            `CRL of the ${level} holds the certificate`,
            changeCrl(level, {
              entries: [{ serial: level === 'root' ? 2 : 3, revokedAt: now - 999, extensions: [crlExt.reason(6)] }],
            }),
          ],
          [`CRL of the ${level} is a delta`, changeCrl(level, { extensions: [crlExt.delta(4)] })],
          [
            `CRL of the ${level} for another distribution point`,
            changeCrl(level, { extensions: [crlExt.issuingDistributionPoint({ uri: 'http://x.example/' })] }),
          ],
          [
            `CRL of the ${level} for attribute certificates`,
            changeCrl(level, { extensions: [crlExt.issuingDistributionPoint({ attribute: true })] }),
          ],
          [
            `CRL of the ${level} for some reasons`,
            changeCrl(level, { extensions: [crlExt.issuingDistributionPoint({ reasons: 0b10 })] }),
          ],
        ] as [string, (s: Scenario) => void][],
    ),
  ),
  'CRL of the middle for authorities only': changeCrl('middle', {
    extensions: [crlExt.issuingDistributionPoint({ authority: true })],
  }),
  'CRL of the root for users only': changeCrl('root', {
    extensions: [crlExt.issuingDistributionPoint({ user: true })],
  }),
};

function requirePolicy(s: Scenario): void {
  s.requireExplicitPolicy = true;
  s.flags.push('-explicit_policy', '-policy', policy);
}

function flip(der: Buffer, index: number): Buffer {
  const copy = Buffer.from(der);
  copy[index]! ^= 1;
  return copy;
}

let folder = '';
const file = (fileName: string, content: string | Buffer): string => {
  const full = path.join(folder, fileName);
  writeFileSync(full, content);
  return full;
};

interface Outcome {
  readonly ours: string;
  readonly openssl: string;
}

function compare(faults: readonly string[]): Outcome {
  const s = clean();
  for (const fault of faults) FAULTS[fault]!(s);
  const der = (level: Level): Buffer => (s.mend[level] ?? ((d: Buffer) => d))(makeCertificate(s.certificates[level]));
  const [root, middle, leaf] = [der('root'), der('middle'), der('leaf')];
  const crls = [s.crls.root, s.crls.middle].flatMap((c) => (c === null ? [] : [makeCrl(c)]));
  const verdict = checkOffline({
    certificate: leaf,
    intermediates: [middle],
    trustAnchors: [root],
    crls,
    at: now,
    revocation: 'crl',
    requireExplicitPolicy: s.requireExplicitPolicy,
    ...(s.requireExplicitPolicy && { policies: [policy] }),
  });
  const crlFile = file('crls.pem', crls.map((c) => pem(c, 'X509 CRL')).join(''));
  const run = spawnSync(
    'openssl',
    [
      'verify',
      '-x509_strict',
      '-crl_check_all',
      '-auth_level',
      '2',
      '-CAfile',
      file('root.pem', pem(root)),
      '-untrusted',
      file('middle.pem', pem(middle)),
      ...(crls.length > 0 ? ['-CRLfile', crlFile] : []),
      ...s.flags,
      '-attime',
      String(now),
      file('leaf.pem', pem(leaf)),
    ],
    { encoding: 'utf8' },
  );
  return {
    ours: verdict.verdict === 'valid' ? 'valid' : `${verdict.verdict}: ${verdict.reason}`,
    openssl:
      run.status === 0
        ? 'valid'
        : `no: ${/error \d+ at[^\n]*/.exec(run.stderr + run.stdout)?.[0] ?? run.stderr.split('\n')[0]}`,
  };
}

// @req R6
describeUnless(peer('openssl'), 'path and CRLs against openssl verify', () => {
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'differential-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('both accept a path with nothing wrong', () => {
    expect(compare([])).toEqual({ ours: 'valid', openssl: 'valid' });
  });

  it(
    'with one thing wrong, we never say yes',
    () => {
      const outcomes = Object.keys(FAULTS).map((fault) => ({ fault, ...compare([fault]) }));
      process.stdout.write(
        `\n${outcomes.length} faults alone: openssl verify accepts ${
          outcomes
            .filter((o) => o.openssl === 'valid')
            .map((o) => `"${o.fault}"`)
            .join(', ') || 'none'
        }\n`,
      );
      expect(outcomes.filter((o) => o.ours === 'valid')).toEqual([]);
      // OpenSSL refuses most of them as well, so the generator makes what it says it makes.
      expect(outcomes.filter((o) => o.openssl !== 'valid').length).toBeGreaterThan(outcomes.length * 0.8);
    },
    120_000 * soakFactor(),
  );

  it(
    'with several things wrong, wherever openssl says no we do not say yes',
    () => {
      let refused = 0;
      fc.assert(
        fc.property(fc.uniqueArray(fc.constantFrom(...Object.keys(FAULTS)), { maxLength: 4 }), (faults) => {
          const { ours, openssl: theirs } = compare(faults);
          refused += theirs === 'valid' ? 0 : 1;
          return theirs === 'valid' || ours !== 'valid';
        }),
        { seed: SEED, numRuns: RUNS },
      );
      process.stdout.write(
        `\n${RUNS} combinations (seed ${SEED}): openssl verify refused ${refused}, we accepted none of those\n`,
      );
    },
    120_000 * soakFactor(),
  );
});

const responderKey = ecKey();
const responderName = name(['O', 'Responder']);
const ocspAuthority: Authority = {
  key: keys.middle,
  name: names.root,
  certificate: makeCertificate({
    subject: names.root,
    issuer: names.root,
    key: keys.middle,
    signer: keys.middle,
    serial: 1,
    notBefore: now - 10 * DAY,
    notAfter: now + 10 * DAY,
    extensions: [ext.basicConstraints(true), ext.keyUsage(usage), ext.subjectKeyId(keys.middle)],
  }),
};
const card = makeCertificate({
  subject: names.leaf,
  issuer: names.root,
  key: keys.leaf,
  signer: keys.middle,
  serial: 0x1001,
  notBefore: now - DAY,
  notAfter: now + DAY,
  extensions: [ext.keyUsage(KEY_USAGE.digitalSignature), ext.authorityKeyId(keys.middle)],
});
const delegate = (changes: Partial<CertificateSpec> = {}): Buffer =>
  makeCertificate({
    subject: responderName,
    issuer: names.root,
    key: responderKey,
    signer: keys.middle,
    serial: 77,
    notBefore: now - DAY,
    notAfter: now + DAY,
    extensions: [
      ext.keyUsage(KEY_USAGE.digitalSignature),
      ext.extendedKeyUsage(OID.ocspSigning),
      ext.subjectKeyId(responderKey),
      ext.authorityKeyId(keys.middle),
    ],
    ...changes,
  });
const delegated = (changes: Partial<CertificateSpec> = {}): Partial<OcspAnswerSpec> => ({
  responder: { name: responderName, key: responderKey },
  certificates: [delegate(changes)],
});

/** What can be wrong with an OCSP answer. */
const OCSP_FAULTS: Readonly<Record<string, Partial<OcspAnswerSpec>>> = {
  'signed by a stranger': { responder: { name: names.root, key: keys.stranger } },
  'a stranger in its own name, with its certificate': {
    responder: { name: names.stranger, key: keys.stranger },
    certificates: [
      makeCertificate({
        subject: names.stranger,
        issuer: names.stranger,
        key: keys.stranger,
        signer: keys.stranger,
        serial: 1,
        notBefore: now - DAY,
        notAfter: now + DAY,
        extensions: [],
      }),
    ],
  },
  'an unmarked delegate': delegated({
    extensions: [ext.keyUsage(KEY_USAGE.digitalSignature), ext.authorityKeyId(keys.middle)],
  }),
  'a delegate of a stranger': delegated({ signer: keys.stranger }),
  'an expired delegate': delegated({ notAfter: now - 60 }),
  'a delegate that is not yet valid': delegated({ notBefore: now + 3600 }),
  'a delegate with an unknown critical extension': delegated({
    extensions: [ext.extendedKeyUsage(OID.ocspSigning), ext.unknown(true)],
  }),
  'a stale answer': { thisUpdate: now - 7200, nextUpdate: now - 3600 },
  'an answer from the future': { thisUpdate: now + 7200, nextUpdate: now + 9000 },
  'next update before this update': { nextUpdate: now - 3600 },
  'another serial number': { serial: 0x1002 },
  'another issuer name': { certId: { nameHash: Buffer.alloc(20) } },
  'another issuer key': { certId: { keyHash: Buffer.alloc(20) } },
  revoked: { status: { revokedAt: now - 99, reason: 1 } },
  'revoked without reason': { status: { revokedAt: now - 99 } },
  unknown: { status: 'unknown' },
  'two answers, revoked first': {
    status: { revokedAt: now - 99 },
    more: [makeSingleResponse({ issuer: ocspAuthority, serial: 0x1001, thisUpdate: now })],
  },
  'another type': { typeOid: '1.3.6.1.5.5.7.48.1.99' },
};

describeUnless(peer('openssl'), 'OCSP answers against openssl ocsp', () => {
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'differential-'));
    file('issuer.pem', pem(ocspAuthority.certificate));
    file('card.pem', pem(card));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const judge = (changes: Partial<OcspAnswerSpec>, mend: (der: Buffer) => Buffer = (d) => d): Outcome => {
    const response = mend(
      makeOcspResponse({
        issuer: ocspAuthority,
        serial: 0x1001,
        thisUpdate: now - 60,
        nextUpdate: now + 3600,
        ...changes,
      }),
    );
    const status = checkOfflineStatus({
      issuer: ocspAuthority.certificate,
      certificate: card,
      answer: { ocsp: response },
      at: now,
    });
    const run = spawnSync(
      'openssl',
      [
        'ocsp',
        '-no_nonce',
        '-issuer',
        path.join(folder, 'issuer.pem'),
        '-cert',
        path.join(folder, 'card.pem'),
        '-CAfile',
        path.join(folder, 'issuer.pem'),
        '-respin',
        file('response.der', response),
      ],
      { encoding: 'utf8' },
    );
    const text = run.stdout + run.stderr;
    const accepted =
      run.status === 0 && text.includes('Response verify OK') && /: good$/m.test(text) && !text.includes('WARNING');
    return {
      ours: status.status === 'unknown' ? `unknown: ${status.cause}` : status.status,
      openssl: accepted ? 'good' : `no: ${text.replace(/\s+/g, ' ').slice(0, 120)}`,
    };
  };

  it('both accept answers with nothing wrong, direct and delegated', () => {
    for (const changes of [{}, delegated(), { byKey: true }])
      expect(judge(changes)).toEqual({ ours: 'good', openssl: 'good' });
  });

  it('with one thing wrong, we never say good, and openssl neither', () => {
    const outcomes = Object.entries(OCSP_FAULTS).map(([fault, changes]) => ({ fault, ...judge(changes) }));
    expect(outcomes.filter((o) => o.ours === 'good')).toEqual([]);
    process.stdout.write(
      `\n${outcomes.length} faults of OCSP answers alone: openssl ocsp accepts ${
        outcomes
          .filter((o) => o.openssl === 'good')
          .map((o) => `"${o.fault}"`)
          .join(', ') || 'none'
      }\n`,
    );
  }, 180_000);

  it(
    'with several things wrong or a bit flipped, wherever openssl says no we do not say good',
    () => {
      let refused = 0;
      fc.assert(
        fc.property(
          fc.uniqueArray(fc.constantFrom(...Object.keys(OCSP_FAULTS)), { maxLength: 3 }),
          fc.option(fc.nat()),
          (faults, bit) => {
            const changes = Object.assign({}, ...faults.map((f) => OCSP_FAULTS[f])) as Partial<OcspAnswerSpec>;
            const { ours, openssl: theirs } = judge(changes, (der) =>
              bit === null ? der : flip(der, bit % der.length),
            );
            refused += theirs === 'good' ? 0 : 1;
            return theirs === 'good' || ours !== 'good';
          },
        ),
        { seed: SEED, numRuns: RUNS },
      );
      process.stdout.write(
        `\n${RUNS} combinations (seed ${SEED}): openssl ocsp refused ${refused}, we accepted none of those\n`,
      );
    },
    120_000 * soakFactor(),
  );

  it('a certificate inside an unexpected wrapper is no certificate', () => {
    expect(
      checkOffline({ certificate: encodeDer(TAG.sequence, card), trustAnchors: [ocspAuthority.certificate], at: now })
        .verdict,
    ).toBe('invalid');
  });
});
