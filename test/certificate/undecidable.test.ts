import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import {
  parseCertificate,
  readExtensionSequence,
  type Certificate,
} from '../../src/infrastructure/x509/certificate/certificate.js';
import { parseCrl } from '../../src/infrastructure/x509/revocation/crl.js';
import { verifyCrl } from '../../src/infrastructure/x509/revocation/crl-verifier.js';
import {
  context,
  contextConstructed,
  DerReader,
  encodeDer,
  encodeOid,
  TAG,
} from '../../src/infrastructure/x509/asn1/der.js';
import { nameWithin, sameName } from '../../src/infrastructure/x509/certificate/distinguished-name.js';
import { preparedText } from '../../src/infrastructure/x509/certificate/name-preparation.js';
import { checkOffline, type OfflineCheck } from '../../src/infrastructure/jpki/offline/offline-check.js';
import { verifyOcspResponse } from '../../src/infrastructure/x509/revocation/ocsp-response-verifier.js';
import { KEY_USAGE, OID } from '../../src/infrastructure/x509/asn1/oids.js';
import { GENERAL_ALGORITHMS, PublicKey, readPublicKey } from '../../src/infrastructure/x509/certificate/public-key.js';
import { TrustAnchorError, TrustAnchors, trustAnchor } from '../../src/infrastructure/x509/path/trust-anchors.js';
import { verifyTimestamp } from '../../src/infrastructure/timestamp/timestamp-verifier.js';
import { parseTimestampInfo } from '../../src/infrastructure/timestamp/timestamp-response.js';
import {
  crlExt,
  DAY,
  dnsName,
  ecKey,
  ext,
  extension,
  integer,
  makeCertificate,
  makeCrl,
  name,
  NOW,
  pem,
  spkiOf,
  type ExtensionSpec,
  type KeyPair,
} from './support/certificate-factory.js';
import { elsewhere } from '../support/peers.js';
import { describeUnless } from '../support/unless.js';

/** What cannot be decided counts against the certificate: no form, type, extension or time is passed over. */

const CASES = resolve('../shared/cases/certificates');
const AT = Date.UTC(2026, 10, 1, 12) / 1000;
const certificates = (file: string): Buffer[] => blocks(file, 'CERTIFICATE');
function blocks(file: string, label: string): Buffer[] {
  if (!existsSync(file)) return [];
  const text = readFileSync(file, 'latin1');
  return [...text.matchAll(new RegExp(`-----BEGIN ${label}-----([\\s\\S]*?)-----END ${label}-----`, 'g'))].map(
    ([, base64]) => Buffer.from(base64!, 'base64'),
  );
}

/** @fault V1 V2 V3 V4 V5 V6 V7 V8 T1 T2 T3 */
describeUnless(
  elsewhere(existsSync(CASES) ? null : `${CASES} is not here`),
  'the cases of shared/cases/certificates',
  () => {
    const folder = (which: string) => join(CASES, which);
    const check = (which: string, more: Partial<OfflineCheck> = {}) =>
      checkOffline({
        certificate: certificates(join(folder(which), 'leaf.pem'))[0]!,
        trustAnchors: certificates(join(folder(which), 'anchor.pem')),
        intermediates: certificates(join(folder(which), 'intermediate.pem')),
        crls: readdirSync(folder(which))
          .filter((file) => file.endsWith('.crl.pem'))
          .flatMap((file) => blocks(join(folder(which), file), 'X509 CRL')),
        at: AT,
        ...more,
      });

    it.each([
      ['ca-false-with-pathlen', 'basic_constraints', {}],
      ['eku-nest', 'extended_key_usage', { extendedKeyUsage: ['1.3.6.1.5.5.7.3.2'] }],
      ['key-offcurve-leaf', 'malformed', {}],
      ['key-rsa-even', 'malformed', {}],
      ['nc-dn-sharp-s', 'name_constraints', {}],
      ['nc-dn-softhyphen', 'name_constraints', {}],
      ['nc-dn-teletex', 'name_constraints', {}],
      ['nc-smtputf8-0', 'name_constraints', {}],
      ['nc-wild-cn', 'name_constraints', {}],
    ])('%s is refused for %s', (which, reason, more) => {
      expect(check(which, more)).toMatchObject({ verdict: 'invalid', reason });
    });
    it('an older list does not hide a newer one', () => {
      expect(check('crl-newest-stale-says-revoked')).toMatchObject({
        verdict: 'unknown',
        reason: 'status_stale',
        detail: expect.stringContaining('superseded by number 9'),
      });
    });
    it('a list for certificates of users says nothing of a certificate of version 1', () => {
      const at = folder('crl-v1-user');
      const [issuer, leaf] = [certificates(join(at, 'issuer.pem'))[0]!, certificates(join(at, 'leaf.pem'))[0]!].map(
        parseCertificate,
      ) as [Certificate, Certificate];
      const crl = parseCrl(blocks(join(at, 'crl.pem'), 'X509 CRL')[0]!);
      const rules = {
        at: AT,
        clockToleranceSeconds: 300,
        maxStatusAgeSeconds: null,
        algorithms: GENERAL_ALGORITHMS,
        conforming: true,
      };
      expect(
        verifyCrl({
          crl,
          certificate: leaf,
          issuer: { certificate: issuer, publicKey: new PublicKey(issuer.spki) },
          ...rules,
        }),
      ).toMatchObject({ status: 'unknown', cause: 'status_mismatch' });
    });
    it('an OCSP answer whose NULL has content is none', () => {
      const at = folder('ocsp-certid-nullcontent');
      const [certificate, issuer] = [
        certificates(join(at, 'leaf.pem'))[0]!,
        certificates(join(at, 'issuer.pem'))[0]!,
      ].map(parseCertificate) as [Certificate, Certificate];
      const status = verifyOcspResponse({
        response: readFileSync(join(at, 'response.der')),
        certificate,
        issuer: { certificate: issuer, publicKey: new PublicKey(issuer.spki) },
        nonce: null,
        requireNonce: false,
        certIdHash: null,
        at: AT,
        clockToleranceSeconds: 300,
        maxStatusAgeSeconds: null,
        algorithms: GENERAL_ALGORITHMS,
      });
      expect(status).toMatchObject({ status: 'unknown', cause: 'status_malformed' });
    });
    it.each([
      ['ts-crl-before', 'revocation_unknown'],
      ['ts-crl-superseded-invalidity', 'certificate_revoked'],
      ['ts-inter-eku-other', 'certificate_extended_key_usage'],
    ])('%s is refused for %s', (which, reason) => {
      const at = folder(which);
      const crls = ['crl0.pem', 'crl1.pem'].flatMap((file) => blocks(join(at, file), 'X509 CRL'));
      const verdict = verifyTimestamp({
        response: readFileSync(join(at, 'token.tsr')),
        message: readFileSync(join(at, 'message.bin')),
        nonce: null,
        policy: null,
        anchors: certificates(join(at, 'anchor.pem')).map((der) => trustAnchor(der)),
        notBeforeMs: null,
        notAfterMs: 1_793_534_700_000,
        ...(crls.length > 0 && { crls }),
      });
      expect(verdict).toMatchObject({ verdict: 'refused', reason });
    });
  },
);

/** A root, an authority with extensions to taste, and a leaf. */
const [rootKey, caKey, leafKey] = [ecKey('P-256'), ecKey('P-256'), ecKey('P-256')] as [KeyPair, KeyPair, KeyPair];
const ROOT = name(['C', 'JP'], ['O', 'Root']);
const CA = name(['C', 'JP'], ['O', 'Authority']);
const IS_CA = (key: KeyPair, by: KeyPair): ExtensionSpec[] => [
  ext.basicConstraints(true),
  ext.keyUsage(KEY_USAGE.keyCertSign | KEY_USAGE.crlSign),
  ext.subjectKeyId(key),
  ext.authorityKeyId(by),
];
const times = { notBefore: NOW - 100 * DAY, notAfter: NOW + 100 * DAY, algorithm: 'ecdsa-sha256' } as const;
const root = (more: readonly ExtensionSpec[] = []): Buffer =>
  makeCertificate({
    subject: ROOT,
    issuer: ROOT,
    key: rootKey,
    signer: rootKey,
    serial: 1,
    extensions: [...IS_CA(rootKey, rootKey), ...more],
    ...times,
  });
const authority = (more: readonly ExtensionSpec[] = []): Buffer =>
  makeCertificate({
    subject: CA,
    issuer: ROOT,
    key: caKey,
    signer: rootKey,
    serial: 2,
    extensions: [...IS_CA(caKey, rootKey), ...more],
    ...times,
  });
const leaf = (subject: Buffer, more: readonly ExtensionSpec[] = [], key = leafKey): Buffer =>
  makeCertificate({
    subject,
    issuer: CA,
    key,
    signer: caKey,
    serial: 3,
    extensions: [ext.authorityKeyId(caKey), ext.subjectKeyId(key), ...more],
    ...times,
  });
const judge = (parts: { root?: Buffer; authority?: Buffer; leaf: Buffer } & Partial<OfflineCheck>) => {
  const { root: top = root(), authority: middle = authority(), leaf: certificate, ...more } = parts;
  return checkOffline({ certificate, trustAnchors: [top], intermediates: [middle], at: NOW, ...more });
};
const attribute = (type: string, tag: number, value: Buffer): Buffer =>
  encodeDer(TAG.set, encodeDer(TAG.sequence, encodeOid(type), encodeDer(tag, value)));
const nameOf = (...rdns: Buffer[]): Buffer => encodeDer(TAG.sequence, ...rdns);
const directory = (subject: Buffer): Buffer => encodeDer(contextConstructed(4), subject);
const O = '2.5.4.10';
const utf8 = (text: string): Buffer => Buffer.from(text);

/** @fault V1 */
describe('names that a constraint excludes', () => {
  const excluded = nameOf(attribute(O, TAG.utf8String, utf8('Evil Straße')));
  const verdictOf = (subject: Buffer) =>
    judge({ authority: authority([ext.nameConstraints([], [directory(excluded)])]), leaf: leaf(subject) });

  it.each<[string, Buffer]>([
    ['the same letters', attribute(O, TAG.utf8String, utf8('Evil Straße'))],
    ['other case', attribute(O, TAG.utf8String, utf8('EVIL STRASSE'))],
    ['a capital sharp s', attribute(O, TAG.utf8String, utf8('evil STRAẞE'))],
    ['a soft hyphen', attribute(O, TAG.utf8String, utf8('Ev\u00adil Straße'))],
    ['a space without width', attribute(O, TAG.utf8String, utf8('Ev\u200bil Straße'))],
    ['a variation selector', attribute(O, TAG.utf8String, utf8('Evil\ufe0f Straße'))],
    ['wide letters and a wide space', attribute(O, TAG.utf8String, utf8('Ｅｖｉｌ\u3000Straße'))],
    ['a tabulator for the space', attribute(O, TAG.utf8String, utf8('Evil\tStraße'))],
    ['a teletex string', attribute(O, 0x14, Buffer.from('Evil Strasse', 'latin1'))],
    ['a general string', attribute(O, 0x1b, Buffer.from('Evil Strasse', 'latin1'))],
    [
      'a universal string',
      attribute(O, 0x1c, Buffer.concat(Array.from('Evil Strasse', (c) => Buffer.of(0, 0, 0, c.charCodeAt(0))))),
    ],
    ['a visible string', attribute(O, 0x1a, utf8('Evil Strasse'))],
    ['a character that may not be compared', attribute(O, TAG.utf8String, utf8('Evil Stra\ue000e'))],
    [
      'two organizations in one RDN',
      encodeDer(TAG.set, encodeDer(TAG.sequence, encodeOid(O), encodeDer(0x14, utf8('x')))),
    ],
  ])('are refused as %s', (_, rdn) => {
    expect(verdictOf(nameOf(rdn, attribute(OID.commonName, TAG.utf8String, utf8('somebody'))))).toMatchObject({
      verdict: 'invalid',
      reason: 'name_constraints',
    });
  });
  it('are others when they surely are', () => {
    expect(verdictOf(nameOf(attribute(O, TAG.utf8String, utf8('Good Straße'))))).toMatchObject({ verdict: 'valid' });
    expect(verdictOf(nameOf(attribute('2.5.4.11', 0x14, utf8('Evil Strasse'))))).toMatchObject({ verdict: 'valid' });
  });
  it('and undecidable ones are not permitted either', () => {
    const permitting = authority([
      ext.nameConstraints([directory(nameOf(attribute(O, TAG.utf8String, utf8('Good'))))]),
    ]);
    expect(judge({ authority: permitting, leaf: leaf(nameOf(attribute(O, 0x14, utf8('Good')))) })).toMatchObject({
      reason: 'name_constraints',
    });
    expect(
      judge({ authority: permitting, leaf: leaf(nameOf(attribute(O, TAG.printableString, utf8('GOOD')))) }),
    ).toMatchObject({ verdict: 'valid' });
  });
  it('are prepared as RFC 4518 says', () => {
    expect(preparedText('  ΣΊΣΥΦΟΣ \u00a0 x ')).toBe(preparedText('σίσυφος x'));
    expect(preparedText('ﬁ')).toBe('fi');
    expect(preparedText('a\u{10fffe}')).toBeNull();
    const [a, b] = [
      nameOf(attribute(O, TAG.utf8String, utf8('\ue000'))),
      nameOf(attribute(O, TAG.utf8String, utf8('\ue001'))),
    ];
    expect([sameName(a, a), sameName(a, b), nameWithin(a, a), nameWithin(a, b)]).toEqual([
      true,
      false,
      'within',
      'undecidable',
    ]);
  });
});

/** @fault V2 */
describe('a name outside of its own form', () => {
  const mailbox = (value: Buffer) =>
    encodeDer(contextConstructed(0), encodeOid(OID.smtpUtf8Mailbox), encodeDer(contextConstructed(0), value));
  const alt = (...names: Buffer[]): ExtensionSpec => ({
    oid: OID.subjectAltName,
    value: encodeDer(TAG.sequence, ...names),
  });
  const mail = (text: string) => encodeDer(context(1), Buffer.from(text));
  const WHO = name(['C', 'JP'], ['O', 'Somebody']);
  const verdictOf = (constraints: ExtensionSpec, subject: Buffer, ...more: ExtensionSpec[]) =>
    judge({ authority: authority([constraints]), leaf: leaf(subject, more) });

  it.each<[string, ExtensionSpec, Buffer, ExtensionSpec[], boolean]>([
    [
      'an internationalised mailbox of an excluded host',
      ext.nameConstraints([], [mail('evil.example')]),
      WHO,
      [alt(mailbox(encodeDer(TAG.utf8String, utf8('山田@evil.example'))))],
      false,
    ],
    [
      'one of a host below an excluded domain',
      ext.nameConstraints([], [mail('.evil.example')]),
      WHO,
      [alt(mailbox(encodeDer(TAG.utf8String, utf8('山田@a.evil.example'))))],
      false,
    ],
    [
      'one outside of the permitted host',
      ext.nameConstraints([mail('good.example')]),
      WHO,
      [alt(mailbox(encodeDer(TAG.utf8String, utf8('山田@evil.example'))))],
      false,
    ],
    [
      'one whose host is not written in ASCII',
      ext.nameConstraints([], [mail('evil.example')]),
      WHO,
      [alt(mailbox(encodeDer(TAG.utf8String, utf8('a@邪悪.example'))))],
      false,
    ],
    [
      'one that is none',
      ext.nameConstraints([], [mail('evil.example')]),
      WHO,
      [alt(mailbox(encodeDer(TAG.ia5String, utf8('a@good.example'))))],
      false,
    ],
    [
      'one of the permitted host',
      ext.nameConstraints([mail('good.example')]),
      WHO,
      [alt(mailbox(encodeDer(TAG.utf8String, utf8('山田@good.example'))))],
      true,
    ],
    [
      'a wildcard as common name',
      ext.nameConstraints([dnsName('good.example')]),
      name(['CN', '*.evil.example']),
      [],
      false,
    ],
    [
      'a host with a dot at its end',
      ext.nameConstraints([dnsName('good.example')]),
      name(['CN', 'evil.example.']),
      [],
      false,
    ],
    [
      'a host with dots of another script',
      ext.nameConstraints([], [dnsName('evil.example')]),
      name(['CN', 'evil。example']),
      [],
      false,
    ],
    [
      'a host in wide letters',
      ext.nameConstraints([], [dnsName('evil.example')]),
      name(['CN', 'ｅｖｉｌ．example']),
      [],
      false,
    ],
    [
      'an address as common name',
      ext.nameConstraints([], [encodeDer(context(7), Buffer.from('0a000000ff000000', 'hex'))]),
      name(['CN', '10.1.2.3']),
      [],
      false,
    ],
    ['a permitted wildcard', ext.nameConstraints([dnsName('good.example')]), name(['CN', '*.good.example']), [], true],
    ['a person', ext.nameConstraints([dnsName('good.example')]), name(['CN', 'Dr. Yamada Taro']), [], true],
  ])('%s', (_, constraints, subject, more, isValid) => {
    expect(verdictOf(constraints, subject, ...more)).toMatchObject(
      isValid ? { verdict: 'valid' } : { verdict: 'invalid', reason: 'name_constraints' },
    );
  });
});

/** @fault V3 T3 */
describe('what an authority or an anchor insists on', () => {
  const critical = (spec: ExtensionSpec): ExtensionSpec => ({ ...spec, critical: true });
  const [MAIL, CLIENT] = ['1.3.6.1.5.5.7.3.4', '1.3.6.1.5.5.7.3.2'];
  const constraints = (value: Buffer): ExtensionSpec => ({
    oid: OID.policyConstraints,
    critical: true,
    value: encodeDer(TAG.sequence, value),
  });
  const WHO = leaf(name(['O', 'Somebody']), [ext.extendedKeyUsage(CLIENT)]);

  it.each<[string, Parameters<typeof judge>[0], string | null]>([
    [
      'an authority for another purpose',
      { authority: authority([critical(ext.extendedKeyUsage(MAIL))]), leaf: WHO, extendedKeyUsage: [CLIENT] },
      'extended_key_usage',
    ],
    [
      'one that says so without insisting',
      { authority: authority([ext.extendedKeyUsage(MAIL)]), leaf: WHO, extendedKeyUsage: [CLIENT] },
      'extended_key_usage',
    ],
    [
      'an anchor for another purpose',
      { root: root([critical(ext.extendedKeyUsage(MAIL))]), leaf: WHO, extendedKeyUsage: [CLIENT] },
      'extended_key_usage',
    ],
    [
      'an authority for some purposes where nobody said for which',
      { authority: authority([critical(ext.extendedKeyUsage(MAIL))]), leaf: WHO },
      'extended_key_usage',
    ],
    [
      'an authority for the purpose',
      { authority: authority([critical(ext.extendedKeyUsage(MAIL, CLIENT))]), leaf: WHO, extendedKeyUsage: [CLIENT] },
      null,
    ],
    [
      'an authority for any purpose',
      { authority: authority([critical(ext.extendedKeyUsage(OID.anyExtendedKeyUsage))]), leaf: WHO },
      null,
    ],
    [
      'an anchor that requires a policy',
      { root: root([constraints(encodeDer(context(0), Buffer.of(0)))]), leaf: WHO },
      'policy',
    ],
    [
      'an anchor that requires one further down',
      { root: root([constraints(encodeDer(context(0), Buffer.of(1)))]), leaf: WHO },
      'policy',
    ],
    [
      'an anchor with critical policies of its own',
      { root: root([ext.policies(['1.2.3.4'], true)]), leaf: WHO },
      'unsupported',
    ],
    ['an anchor with policies that inform', { root: root([ext.policies(['1.2.3.4'])]), leaf: WHO }, null],
  ])('%s', (_, parts, reason) => {
    expect(judge(parts)).toMatchObject(reason === null ? { verdict: 'valid' } : { verdict: 'invalid', reason });
  });
  it('an anchor that inhibits anyPolicy', () => {
    const any = [ext.policies([OID.anyPolicy])];
    const inhibits: ExtensionSpec = { oid: OID.inhibitAnyPolicy, critical: true, value: integer(0) };
    const asked = { authority: authority(any), leaf: leaf(name(['O', 'Somebody']), any), requireExplicitPolicy: true };
    expect(judge(asked)).toMatchObject({ verdict: 'valid' });
    expect(judge({ ...asked, root: root([inhibits]) })).toMatchObject({ verdict: 'invalid', reason: 'policy' });
  });
});

/** @fault V4 */
describe('a key that is no key', () => {
  const point = spkiOf(ecKey('P-256'));
  const at = (change: (bits: Buffer) => void): Buffer => {
    const changed = Buffer.from(point);
    change(changed.subarray(changed.length - 64));
    return changed;
  };
  const rsa = (modulus: Buffer, exponent = 65537): Buffer =>
    encodeDer(
      TAG.sequence,
      Buffer.from('300d06092a864886f70d0101010500', 'hex'),
      encodeDer(TAG.bitString, Buffer.of(0), encodeDer(TAG.sequence, integer(modulus), integer(exponent))),
    );
  const big = (last: number): Buffer => Buffer.concat([Buffer.of(0), Buffer.alloc(255, 0xc3), Buffer.of(last)]);

  it.each<[string, Buffer]>([
    ['off the curve', at((bits) => bits.writeUInt8(bits[63]! ^ 1, 63))],
    ['at (0, 0)', at((bits) => bits.fill(0))],
    ['beyond the field', at((bits) => bits.fill(0xff, 0, 32))],
    ['with an even modulus', rsa(big(0xc2))],
    ['with a power of two as modulus', rsa(Buffer.concat([Buffer.of(0, 0x80), Buffer.alloc(255)]))],
    ['with a modulus that three divides', rsa(Buffer.concat([Buffer.of(0), Buffer.alloc(256, 0xff)]))],
  ])('%s is malformed', (_, spki) => {
    expect(readPublicKey(spki)).not.toBeInstanceOf(PublicKey);
  });
  it('while real ones of every curve are taken', () => {
    for (const curve of ['P-256', 'P-384', 'P-521'])
      for (let i = 0; i < 5; i += 1) expect(readPublicKey(spkiOf(ecKey(curve)))).toBeInstanceOf(PublicKey);
  });
});

/** @fault V5 V8 */
describe('DER and basic constraints, to the letter', () => {
  const WHO = name(['O', 'Somebody']);
  it.each<[string, ExtensionSpec[], string]>([
    ['a path length without an authority', [ext.basicConstraints(false, 0)], 'basic_constraints'],
    [
      'cA FALSE written out',
      [{ oid: OID.basicConstraints, value: encodeDer(TAG.sequence, encodeDer(TAG.boolean, Buffer.of(0))) }],
      'malformed',
    ],
    [
      'id-pkix-ocsp-nocheck that is not NULL',
      [{ oid: OID.ocspNoCheck, value: encodeDer(TAG.octetString, Buffer.of(1)) }],
      'malformed',
    ],
    [
      'id-pkix-ocsp-nocheck with more behind it',
      [{ oid: OID.ocspNoCheck, value: Buffer.from('05000500', 'hex') }],
      'malformed',
    ],
  ])('%s is refused', (_, more, reason) => {
    expect(judge({ leaf: leaf(WHO, more) })).toMatchObject({ verdict: 'invalid', reason });
  });
  it('critical FALSE written out is malformed', () => {
    const plain = extension(ext.unknown(false));
    const written = encodeDer(
      TAG.sequence,
      encodeOid('1.3.6.1.4.1.99999.1'),
      encodeDer(TAG.boolean, Buffer.of(0)),
      encodeDer(TAG.octetString, encodeDer(TAG.null)),
    );
    const read = (one: Buffer) =>
      readExtensionSequence(new DerReader(encodeDer(TAG.sequence, one)).enter(TAG.sequence));
    expect(read(plain)).toHaveLength(1);
    expect(() => read(written)).toThrow('FALSE written out');
  });
  it('an accuracy of nothing is malformed', () => {
    const info = (accuracy: Buffer): Buffer =>
      encodeDer(
        TAG.sequence,
        integer(1),
        encodeOid('1.2.3'),
        encodeDer(
          TAG.sequence,
          encodeDer(TAG.sequence, encodeOid(OID.sha256)),
          encodeDer(TAG.octetString, Buffer.alloc(32)),
        ),
        integer(7),
        encodeDer(TAG.generalizedTime, Buffer.from('20260601000000Z')),
        encodeDer(TAG.sequence, accuracy),
      );
    expect(parseTimestampInfo(info(encodeDer(context(0), Buffer.of(1)))).accuracyMicroseconds).toBe(1000);
    for (const tag of [0, 1])
      expect(() => parseTimestampInfo(info(encodeDer(context(tag), Buffer.of(0))))).toThrow('accuracy');
  });
});

/** @fault V6 V7 V11 */
describe('lists of revocations', () => {
  const WHO = leaf(name(['O', 'Somebody']));
  const issuer = { name: CA, key: caKey };
  const made = (
    number: number,
    thisUpdate: number,
    nextUpdate: number,
    serials: number[] = [],
    more: readonly ExtensionSpec[] = [],
  ) =>
    makeCrl({
      issuer,
      number,
      thisUpdate,
      nextUpdate,
      algorithm: 'ecdsa-sha256',
      entries: serials.map((serial) => ({ serial, revokedAt: thisUpdate })),
      extensions: more,
    });
  const ofRoot = makeCrl({
    issuer: { name: ROOT, key: rootKey },
    number: 1,
    thisUpdate: NOW - DAY,
    nextUpdate: NOW + DAY,
    algorithm: 'ecdsa-sha256',
  });
  const verdictOf = (...crls: Buffer[]) => judge({ leaf: WHO, crls: [ofRoot, ...crls] });
  const [old, newer] = [
    made(5, NOW - 9 * DAY, NOW + DAY),
    (serials: number[]) => made(9, NOW - 8 * DAY, NOW - DAY, serials),
  ];

  it('in force alone, and not where a newer one ran out', () => {
    expect(verdictOf(old)).toMatchObject({ verdict: 'valid' });
    for (const serials of [[3], []]) {
      expect(verdictOf(old, newer(serials))).toMatchObject({ verdict: 'unknown', reason: 'status_stale' });
      expect(verdictOf(newer(serials), old)).toMatchObject({ verdict: 'unknown', reason: 'status_stale' });
    }
    // One that is not signed by the authority supersedes nothing.
    const forged = makeCrl({
      issuer,
      signer: rootKey,
      number: 99,
      thisUpdate: NOW - 2 * DAY,
      nextUpdate: NOW - DAY,
      algorithm: 'ecdsa-sha256',
    });
    expect(verdictOf(old, forged)).toMatchObject({ verdict: 'valid' });
    expect(
      verdictOf(old, made(10, NOW - DAY, NOW + DAY, [], [crlExt.issuingDistributionPoint({ user: true })])),
    ).toMatchObject({ verdict: 'valid' });
  });
  it('that cannot be read are named as such', () => {
    expect(judge({ leaf: WHO, crls: [ofRoot, Buffer.from('30030201ff', 'hex')] })).toMatchObject({
      verdict: 'unknown',
      reason: 'status_malformed',
      detail: expect.stringContaining('a CRL that cannot be read'),
    });
  });
});

/** @fault V9 */
describe('the guard of production', () => {
  const anchorOf = (subject: Buffer) =>
    pem(
      makeCertificate({
        subject,
        issuer: subject,
        key: rootKey,
        signer: rootKey,
        serial: 1,
        extensions: IS_CA(rootKey, rootKey),
        ...times,
      }),
    );
  const load = (subject: Buffer) =>
    TrustAnchors.load({ user_authentication: [anchorOf(subject)], digital_signature: [] }, 'production');

  it.each([
    'JPKI-TEST',
    'jpki-test',
    ' JPKI-TEST ',
    'ＪＰＫＩ－ＴＥＳＴ',
    'JPKI‐TEST',
    'JPKI\u00ad-TEST',
    'Jpki - Test',
  ])('lets no %j in', (organization) => {
    expect(() => load(name(['C', 'JP'], ['O', organization], ['OU', 'x']))).toThrow(TrustAnchorError);
    expect(() => load(nameOf(attribute(O, 0x14, Buffer.from('JPKI-TEST'))))).toThrow(TrustAnchorError);
  });
  it('lets others in', () => {
    expect(
      load(name(['C', 'JP'], ['O', 'JPKI'], ['OU', 'JPKI for user authentication'])).for('user_authentication'),
    ).toHaveLength(1);
  });
});
