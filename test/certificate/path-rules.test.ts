import { describe, expect, it } from '@jest/globals';
import { checkOffline, type OfflineCheck } from '../../src/infrastructure/jpki/offline/offline-check.js';
import { context, contextConstructed, encodeDer, encodeOid, TAG } from '../../src/infrastructure/x509/asn1/der.js';
import { KEY_USAGE, OID } from '../../src/infrastructure/x509/asn1/oids.js';
import { PROFILE_NAMES, profileFor } from '../../src/infrastructure/x509/path/profiles.js';
import {
  cardExtensions,
  DAY,
  dnsName,
  ecKey,
  ext,
  keyIdOf,
  makeAuthority,
  makeCardCertificate,
  makeCertificate,
  name,
  NOW,
  rsaKey,
  type CertificateSpec,
  type ExtensionSpec,
} from './support/certificate-factory.js';

/** Each rule alone: a path in which one thing is wrong is refused for that and in those words, and the same path
 * without it is valid. */
const [rootKey, caKey, leafKey, strangeKey] = [ecKey('P-256'), ecKey('P-256'), ecKey('P-256'), ecKey('P-256')];
const ROOT = name(['C', 'JP'], ['O', 'Root']);
const CA = name(['C', 'JP'], ['O', 'Authority']);
const WHO = name(['C', 'JP'], ['O', 'Somebody']);
const EMPTY = encodeDer(TAG.sequence);
const SIGNS = ext.keyUsage(KEY_USAGE.keyCertSign | KEY_USAGE.crlSign);
const times = { notBefore: NOW - 100 * DAY, notAfter: NOW + 100 * DAY, algorithm: 'ecdsa-sha256' } as const;

const idsOf = (key: typeof rootKey, by: typeof rootKey): ExtensionSpec[] => [
  ext.subjectKeyId(key),
  ext.authorityKeyId(by),
];
const root = (more: Partial<CertificateSpec> = {}): Buffer =>
  makeCertificate({
    ...{ subject: ROOT, issuer: ROOT, key: rootKey, signer: rootKey, serial: 1, ...times },
    extensions: [ext.basicConstraints(true), SIGNS, ...idsOf(rootKey, rootKey)],
    ...more,
  });
const AUTHORITY = [ext.basicConstraints(true), SIGNS, ...idsOf(caKey, rootKey)];
const authority = (more: Partial<CertificateSpec> = {}): Buffer =>
  makeCertificate({
    ...{ subject: CA, issuer: ROOT, key: caKey, signer: rootKey, serial: 2, ...times },
    extensions: AUTHORITY,
    ...more,
  });
const leaf = (more: Partial<CertificateSpec> = {}): Buffer =>
  makeCertificate({
    ...{ subject: WHO, issuer: CA, key: leafKey, signer: caKey, serial: 3, ...times },
    extensions: idsOf(leafKey, caKey),
    ...more,
  });
const withExtensions = (...more: ExtensionSpec[]): Partial<CertificateSpec> => ({
  extensions: [...idsOf(leafKey, caKey), ...more],
});
const authorityWith = (...more: ExtensionSpec[]): Buffer => authority({ extensions: [...AUTHORITY, ...more] });

type Parts = { root?: Buffer; authorities?: Buffer[]; leaf?: Buffer } & Partial<OfflineCheck>;
const judge = ({ root: top = root(), authorities = [authority()], leaf: certificate = leaf(), ...more }: Parts) =>
  checkOffline({ certificate, trustAnchors: [top], intermediates: authorities, at: NOW, ...more });
/** A leaf directly under the anchor. */
const under = (more: Partial<CertificateSpec> = {}): Parts => ({
  authorities: [],
  leaf: leaf({ issuer: ROOT, signer: rootKey, extensions: idsOf(leafKey, rootKey), ...more }),
});

const MIDDLE = name(['C', 'JP'], ['O', 'Middle']);
const middleKey = ecKey('P-256');
const ofFour: Parts = {
  authorities: [
    authority({
      ...{ issuer: MIDDLE, signer: middleKey },
      extensions: [ext.basicConstraints(true), SIGNS, ...idsOf(caKey, middleKey)],
    }),
    authority({
      ...{ subject: MIDDLE, key: middleKey, serial: 4 },
      extensions: [ext.basicConstraints(true), SIGNS, ...idsOf(middleKey, rootKey)],
    }),
  ],
};

const alt = (...names: Buffer[]): ExtensionSpec => ({
  oid: OID.subjectAltName,
  value: encodeDer(TAG.sequence, ...names),
});
const critical = (spec: ExtensionSpec): ExtensionSpec => ({ ...spec, critical: true });
const withQualifier = (qualifier: string, isCritical: boolean): ExtensionSpec => ({
  oid: OID.certificatePolicies,
  critical: isCritical,
  value: encodeDer(
    TAG.sequence,
    encodeDer(
      TAG.sequence,
      encodeOid('1.2.3.4'),
      encodeDer(TAG.sequence, encodeDer(TAG.sequence, encodeOid(qualifier), encodeDer(TAG.null))),
    ),
  ),
});
const namesIssuer = (issuer: Buffer, serial: number): ExtensionSpec => ({
  oid: OID.authorityKeyIdentifier,
  value: encodeDer(
    TAG.sequence,
    encodeDer(context(0), keyIdOf(caKey)),
    encodeDer(contextConstructed(1), encodeDer(contextConstructed(4), issuer)),
    encodeDer(context(2), Buffer.of(serial)),
  ),
});
const EKU = '1.3.6.1.5.5.7.3.4';
const REQUIRES_POLICY: ExtensionSpec = {
  oid: OID.policyConstraints,
  value: encodeDer(TAG.sequence, encodeDer(context(0), Buffer.of(0))),
};
const OTHER_EKU = '1.3.6.1.5.5.7.3.2';

describe('a path of three', () => {
  it.each<[string, Parts]>([
    ['as it should be', {}],
    ['with two authorities where two are allowed', { ...ofFour, maxDepth: 2 }],
    ['directly under the anchor', under()],
    ['with an authority that is given twice', { authorities: [authority(), authority()] }],
    [
      'that names the issuer and the serial number of its authority',
      { leaf: leaf(withExtensions().extensions && { extensions: [ext.subjectKeyId(leafKey), namesIssuer(ROOT, 2)] }) },
    ],
    [
      'that names the issuer of its authority by a host',
      {
        leaf: leaf({
          extensions: [
            ext.subjectKeyId(leafKey),
            {
              oid: OID.authorityKeyIdentifier,
              value: encodeDer(
                TAG.sequence,
                encodeDer(context(0), keyIdOf(caKey)),
                encodeDer(contextConstructed(1), dnsName('a.example')),
                encodeDer(context(2), Buffer.of(2)),
              ),
            },
          ],
        }),
      },
    ],
    [
      'whose authority certifies for one of the purposes that were asked for',
      { authorities: [authorityWith(ext.extendedKeyUsage(EKU))], extendedKeyUsage: [OTHER_EKU, EKU] },
    ],
    [
      'whose authority has no key identifier for the leaf to name',
      { leaf: leaf({ extensions: [ext.subjectKeyId(leafKey), ext.authorityKeyId(caKey)] }) },
    ],
    [
      'whose leaf has a wildcard and an address',
      { leaf: leaf(withExtensions(alt(dnsName('*.good.example'), encodeDer(context(7), Buffer.from([10, 1, 2, 3]))))) },
    ],
    ['whose leaf has a URI', { leaf: leaf(withExtensions(alt(encodeDer(context(6), Buffer.from('urn:a'))))) }],
    [
      'whose leaf has no name and a critical alternative',
      { leaf: leaf({ subject: EMPTY, ...withExtensions(critical(alt(dnsName('good.example')))) }) },
    ],
    ['with qualifiers that are understood', { leaf: leaf(withExtensions(withQualifier(OID.qualifierCps, true))) }],
    [
      'with a notice in a critical policy',
      { leaf: leaf(withExtensions(withQualifier(OID.qualifierUserNotice, true))) },
    ],
    [
      'with a strange qualifier that nobody insists on',
      {
        leaf: leaf(withExtensions(withQualifier('1.2.3.5', false), critical(ext.keyUsage(KEY_USAGE.digitalSignature)))),
      },
    ],
    [
      'with hosts that have the numbers of an address in them',
      { leaf: leaf(withExtensions(alt(dnsName('10.1.2.3.example'), dnsName('a.10.1.2.3')))) },
    ],
    ['with a serial number of 20 bytes', { leaf: leaf({ serial: Buffer.alloc(20, 0x11) }) }],
    ['to its last second', { at: NOW + 100 * DAY }],
    ['from its first second', { at: NOW - 100 * DAY }],
    [
      'with a requirement of a policy that is met, from before the mark',
      {
        authorities: [
          authorityWith(ext.policies(['1.2.3.4']), {
            oid: OID.policyConstraints,
            value: encodeDer(TAG.sequence, encodeDer(context(0), Buffer.of(0))),
          }),
        ],
        leaf: leaf(withExtensions(ext.policies(['1.2.3.4']))),
      },
    ],
    [
      'whose authority is for another purpose, where nobody insists and none is asked for',
      { authorities: [authorityWith(ext.extendedKeyUsage(EKU))] },
    ],
    [
      'whose leaf is for this purpose among others',
      { leaf: leaf(withExtensions(ext.extendedKeyUsage('1.3.6.1.5.5.7.3.2', EKU))), extendedKeyUsage: [EKU] },
    ],
    [
      'for one of the purposes for which its issuer certifies',
      {
        authorities: [authorityWith(ext.extendedKeyUsage(EKU, OTHER_EKU))],
        leaf: leaf(withExtensions(ext.extendedKeyUsage(OTHER_EKU))),
        extendedKeyUsage: [EKU, OTHER_EKU],
      },
    ],
    [
      'whose leaf is for any purpose',
      { leaf: leaf(withExtensions(ext.extendedKeyUsage(OID.anyExtendedKeyUsage))), extendedKeyUsage: [EKU] },
    ],
    [
      'whose root allows so many certificates',
      { root: root({ extensions: [ext.basicConstraints(true, 1), SIGNS, ...idsOf(rootKey, rootKey)] }) },
    ],
    [
      'whose anchor counts as name and key only, and is run out',
      { root: root({ notAfter: NOW - DAY }), issuerTrustedByKey: true },
    ],
  ])('%s is valid', (_, parts) => {
    expect(judge(parts)).toMatchObject({ verdict: 'valid' });
  });

  it.each<[string, Parts, string, RegExp]>([
    ['whose leaf the authority did not sign', { leaf: leaf({ signer: strangeKey }) }, 'bad_signature', /./],
    ['whose leaf the anchor did not sign', under({ signer: strangeKey }), 'bad_signature', /./],
    [
      'whose authority the anchor did not sign',
      { authorities: [authority({ signer: strangeKey })] },
      'bad_signature',
      /./,
    ],
    [
      'with another algorithm inside than outside',
      { leaf: leaf({ innerAlgorithm: 'ecdsa-sha384' }) },
      'bad_signature',
      /inside and outside of the signed part differ/,
    ],
    [
      'whose anchor has another algorithm inside',
      { root: root({ innerAlgorithm: 'ecdsa-sha384' }) },
      'malformed',
      /inside and outside of the anchor differ/,
    ],
    [
      'under another root',
      { root: root({ subject: WHO, issuer: WHO }) },
      'untrusted_issuer',
      /no configured trust anchor/,
    ],
    [
      'whose leaf names another key of its authority',
      { leaf: leaf({ extensions: [ext.subjectKeyId(leafKey), ext.authorityKeyId(strangeKey)] }) },
      'untrusted_issuer',
      /./,
    ],
    [
      'whose leaf names another serial number of its authority',
      { leaf: leaf({ extensions: [ext.subjectKeyId(leafKey), namesIssuer(ROOT, 9)] }) },
      'untrusted_issuer',
      /./,
    ],
    [
      'whose leaf names another issuer of its authority',
      { leaf: leaf({ extensions: [ext.subjectKeyId(leafKey), namesIssuer(WHO, 2)] }) },
      'untrusted_issuer',
      /./,
    ],
    ['that is longer than is allowed', { ...ofFour, maxDepth: 1 }, 'path_length', /longer than is allowed here/],
    ['of four where nobody may stand between', { ...ofFour, maxDepth: 0 }, 'untrusted_issuer', /./],
    [
      'whose root allows none between',
      { root: root({ extensions: [ext.basicConstraints(true, 0), SIGNS, ...idsOf(rootKey, rootKey)] }) },
      'path_length',
      /allows fewer certificates below it/,
    ],
    ['before its time', { at: NOW - 100 * DAY - 1 }, 'not_yet_valid', /is not valid before 2026-02-21T00:00:00/],
    ['after its time', { at: NOW + 100 * DAY + 1 }, 'expired', /is not valid after 2026-09-09T00:00:00/],
    ['whose root has run out', { root: root({ notAfter: NOW - DAY }) }, 'expired', /O=Root,C=JP is not valid after/],
    [
      'with an extension twice',
      { leaf: leaf(withExtensions(ext.dnsNames('a.example'), ext.dnsNames('b.example'))) },
      'duplicate_extension',
      /2\.5\.29\.17 appears twice/,
    ],
    [
      'with a critical extension that nobody knows',
      { leaf: leaf(withExtensions(ext.unknown(true))) },
      'critical_extension',
      /unknown critical extension 1\.3\.6\.1\.4\.1\.99999\.1/,
    ],
    [
      'with a critical key identifier',
      { leaf: leaf({ extensions: [ext.authorityKeyId(caKey), critical(ext.subjectKeyId(leafKey))] }) },
      'critical_extension',
      /2\.5\.29\.14 must not be critical/,
    ],
    [
      'with name constraints that nobody insists on',
      { authorities: [authorityWith({ ...ext.nameConstraints([dnsName('a.example')]), critical: false })] },
      'critical_extension',
      /2\.5\.29\.30 must be critical/,
    ],
    [
      'with a requirement of a policy further down that nobody insists on',
      {
        authorities: [
          authorityWith({
            oid: OID.policyConstraints,
            value: encodeDer(TAG.sequence, encodeDer(context(0), Buffer.of(1))),
          }),
        ],
      },
      'critical_extension',
      /2\.5\.29\.36 must be critical/,
    ],
    [
      'with a requirement and a bar of mappings that nobody insists on',
      {
        authorities: [
          authorityWith({
            oid: OID.policyConstraints,
            value: encodeDer(TAG.sequence, encodeDer(context(0), Buffer.of(0)), encodeDer(context(1), Buffer.of(0))),
          }),
        ],
      },
      'critical_extension',
      /2\.5\.29\.36 must be critical/,
    ],
    [
      'with a strange qualifier in a critical policy',
      { leaf: leaf(withExtensions(withQualifier('1.2.3.5', true))) },
      'critical_extension',
      /policy qualifier 1\.2\.3\.5 in a critical extension/,
    ],
    [
      'with a key usage of nothing',
      { leaf: leaf(withExtensions({ oid: OID.keyUsage, critical: true, value: Buffer.from('030100', 'hex') })) },
      'key_usage',
      /without any usage/,
    ],
    [
      'whose leaf may sign certificates',
      { leaf: leaf(withExtensions(SIGNS)) },
      'key_usage',
      /keyCertSign in a certificate that is not an authority/,
    ],
    [
      'whose authority has a path length and may not sign',
      {
        authorities: [
          authority({
            extensions: [ext.basicConstraints(true, 1), ext.keyUsage(KEY_USAGE.crlSign), ...idsOf(caKey, rootKey)],
          }),
        ],
      },
      'basic_constraints',
      /path length in a certificate that may not sign certificates/,
    ],
    [
      'whose authority may not sign certificates',
      {
        authorities: [
          authority({
            extensions: [ext.basicConstraints(true), ext.keyUsage(KEY_USAGE.crlSign), ...idsOf(caKey, rootKey)],
          }),
        ],
      },
      'key_usage',
      /O=Authority.*may not sign certificates/,
    ],
    [
      'whose authority is none',
      { authorities: [authority({ extensions: [ext.basicConstraints(false), ...idsOf(caKey, rootKey)] })] },
      'basic_constraints',
      /is not an authority/,
    ],
    [
      'whose authority does not say that it is one',
      { authorities: [authority({ extensions: idsOf(caKey, rootKey) })] },
      'basic_constraints',
      /is not an authority/,
    ],
    ['whose authority has version 1', { authorities: [authority({ version: 1, extensions: [] })] }, 'malformed', /./],
    [
      'whose root does not insist on being an authority',
      { root: root({ extensions: [ext.basicConstraints(true, undefined, false), SIGNS, ...idsOf(rootKey, rootKey)] }) },
      'critical_extension',
      /basicConstraints of an authority must be critical/,
    ],
    [
      'whose leaf constrains names',
      { leaf: leaf(withExtensions(ext.nameConstraints([dnsName('a.example')]))) },
      'name_constraints',
      /not an authority/,
    ],
    [
      'whose leaf is an authority',
      { leaf: leaf(withExtensions(ext.basicConstraints(true))) },
      'basic_constraints',
      /not a certificate of a holder/,
    ],
    [
      'with a serial number of 21 bytes',
      { leaf: leaf({ serial: Buffer.alloc(21, 0x11) }) },
      'malformed',
      /more than 20 bytes/,
    ],
    ...[Buffer.of(0x80), Buffer.of(0xff, 1)].map((serial): [string, Parts, string, RegExp] => [
      `with a negative serial number of ${serial.length}`,
      { leaf: leaf({ serial }) },
      'malformed',
      /serial number that is not positive/,
    ]),
    ['whose leaf itself asks for a policy', { leaf: leaf(withExtensions(critical(REQUIRES_POLICY))) }, 'policy', /./],
    ['with serial number 0', { leaf: leaf({ serial: 0 }) }, 'malformed', /serial number that is not positive/],
    ['without issuer', under({ issuer: EMPTY }), 'untrusted_issuer', /./],
    [
      'whose anchor has no issuer',
      { ...under(), root: root({ issuer: EMPTY }) },
      'name_chaining',
      /an empty issuer name/,
    ],
    [
      'whose authority has no name',
      { authorities: [authority({ subject: EMPTY })], leaf: leaf({ issuer: EMPTY }) },
      'name_chaining',
      /an (authority with an empty|empty issuer) name/,
    ],
    [
      'whose leaf has no name and an alternative that nobody insists on',
      { leaf: leaf({ subject: EMPTY, ...withExtensions(alt(dnsName('good.example'))) }) },
      'critical_extension',
      /no subject name and no critical subjectAltName/,
    ],
    [
      'whose leaf has no name at all',
      { leaf: leaf({ subject: EMPTY, ...withExtensions(critical(ext.keyUsage(KEY_USAGE.digitalSignature))) }) },
      'critical_extension',
      /no subject name and no critical subjectAltName/,
    ],
    ...(
      [
        ['a star inside', 2, dnsName('a.*.example')],
        ['an address as host', 2, dnsName('10.1.2.3')],
        ['a long address as host', 2, dnsName('110.120.130.140')],
        ['a mailbox without host', 1, encodeDer(context(1), Buffer.from('nobody'))],
        ['an address of five bytes', 7, encodeDer(context(7), Buffer.alloc(5))],
        ['a URI without scheme', 6, encodeDer(context(6), Buffer.from('//good.example'))],
        ['a URI whose scheme begins with a digit', 6, encodeDer(context(6), Buffer.from('1a:b'))],
      ] as const
    ).map(([what, form, bad]): [string, Parts, string, RegExp] => [
      `whose leaf has as name ${what}`,
      { leaf: leaf(withExtensions(alt(dnsName('good.example'), bad))) },
      'malformed',
      new RegExp(`a name of form ${form} in subjectAltName`),
    ]),
    [
      'whose leaf names no key of its authority',
      { leaf: leaf({ extensions: [ext.subjectKeyId(leafKey)] }) },
      'malformed',
      /no authority key identifier/,
    ],
    [
      'whose authority has no key identifier',
      { authorities: [authority({ extensions: [ext.basicConstraints(true), SIGNS, ext.authorityKeyId(rootKey)] })] },
      'malformed',
      /an authority without subject key identifier/,
    ],
    [
      'for a purpose for which its issuer does not certify, though for another that was asked for',
      {
        authorities: [authorityWith(ext.extendedKeyUsage(EKU))],
        leaf: leaf(withExtensions(ext.extendedKeyUsage(OTHER_EKU))),
        extendedKeyUsage: [EKU, OTHER_EKU],
      },
      'extended_key_usage',
      /^the certificate is for other purposes$/,
    ],
    [
      'for a purpose for which the anchor does not certify, though for another that was asked for',
      {
        root: root({
          extensions: [ext.basicConstraints(true), SIGNS, ext.extendedKeyUsage(EKU), ...idsOf(rootKey, rootKey)],
        }),
        leaf: leaf(withExtensions(ext.extendedKeyUsage(OTHER_EKU))),
        extendedKeyUsage: [EKU, OTHER_EKU],
      },
      'extended_key_usage',
      /^the certificate is for other purposes$/,
    ],
    [
      'of an authority for a purpose for which its own issuer does not certify',
      {
        root: root({
          extensions: [ext.basicConstraints(true), SIGNS, ext.extendedKeyUsage(EKU), ...idsOf(rootKey, rootKey)],
        }),
        authorities: [authorityWith(ext.extendedKeyUsage(OTHER_EKU))],
        extendedKeyUsage: [EKU, OTHER_EKU],
      },
      'extended_key_usage',
      /certifies for other purposes$/,
    ],
    [
      'whose leaf is for other purposes',
      { leaf: leaf(withExtensions(ext.extendedKeyUsage('1.3.6.1.5.5.7.3.2'))), extendedKeyUsage: [EKU] },
      'extended_key_usage',
      /for other purposes/,
    ],
    [
      'whose leaf has a key that is too small',
      { leaf: leaf({ key: rsaKey(1024), extensions: [ext.authorityKeyId(caKey)] }) },
      'weak_algorithm',
      /./,
    ],
    [
      'whose anchor insists on mappings',
      {
        root: root({
          extensions: [
            ext.basicConstraints(true),
            SIGNS,
            ...idsOf(rootKey, rootKey),
            critical({
              oid: OID.policyMappings,
              value: encodeDer(TAG.sequence, encodeDer(TAG.sequence, encodeOid('1.2.3.4'), encodeOid('1.2.3.5'))),
            }),
          ],
        }),
      },
      'unsupported',
      /anchor with critical policies/,
    ],
  ])('%s is refused', (_, parts, reason, detail) => {
    expect(judge(parts)).toMatchObject({ verdict: 'invalid', reason, detail: expect.stringMatching(detail) });
  });

  it('an anchor that insists on policies that include any is obeyed', () => {
    const any = [ext.basicConstraints(true), SIGNS, ...idsOf(rootKey, rootKey)];
    const insists = root({ extensions: [...any, ext.policies(['1.2.3.4', OID.anyPolicy], true)] });
    expect(judge({ root: insists })).toMatchObject({ verdict: 'valid' });
  });
});

describe('a certificate of a card', () => {
  const key = rsaKey();
  const top = makeAuthority(rsaKey());
  const cardKey = rsaKey();
  const card = (changes: Partial<CertificateSpec> = {}, type: 'auth' | 'sign' = 'auth') =>
    makeCardCertificate(top, cardKey, changes, type);
  const check = (certificate: Buffer, more: Partial<OfflineCheck> = {}) =>
    checkOffline({ certificate, trustAnchors: [top.certificate], at: NOW, profile: 'jpki-auth', ...more });
  const usage = (bits: number, type: 'auth' | 'sign' = 'auth'): Partial<CertificateSpec> => ({
    extensions: [ext.keyUsage(bits), ...cardExtensions(top, cardKey, type).slice(1)],
  });

  it('is valid for what it is for', () => {
    expect(check(card())).toMatchObject({ verdict: 'valid' });
    expect(check(card({}, 'sign'), { profile: 'jpki-sign' })).toMatchObject({ verdict: 'valid' });
  });

  it.each<[string, Buffer, Partial<OfflineCheck>, string, RegExp]>([
    [
      'without a usage',
      card({ extensions: cardExtensions(top, cardKey).slice(1) }),
      {},
      'key_usage',
      /that this purpose needs is absent/,
    ],
    ['for another usage', card(usage(KEY_USAGE.keyEncipherment)), {}, 'key_usage', /needs is absent/],
    [
      'of signatures as one of authentication',
      card(usage(KEY_USAGE.digitalSignature | KEY_USAGE.nonRepudiation)),
      {},
      'key_usage',
      /that this purpose excludes/,
    ],
    [
      'of authentication as one of signatures',
      card(usage(KEY_USAGE.digitalSignature, 'sign'), 'sign'),
      { profile: 'jpki-sign' },
      'key_usage',
      /needs is absent/,
    ],
    [
      'under another policy',
      card({ extensions: [ext.keyUsage(KEY_USAGE.digitalSignature), ext.policies(['1.2.3.4'])] }),
      {},
      'policy',
      /polic/,
    ],
    ['under no policy', card({ extensions: [ext.keyUsage(KEY_USAGE.digitalSignature)] }), {}, 'policy', /polic/],
    [
      'for any policy',
      card({ extensions: [ext.keyUsage(KEY_USAGE.digitalSignature), ext.policies([OID.anyPolicy])] }),
      {},
      'policy',
      /polic/,
    ],
    [
      'that bars mappings',
      card({
        extensions: [
          ...cardExtensions(top, cardKey),
          critical({ oid: OID.policyConstraints, value: encodeDer(TAG.sequence, encodeDer(context(1), Buffer.of(0))) }),
        ],
      }),
      {},
      'unsupported',
      /2\.5\.29\.36 has no place in a card certificate's path/,
    ],
    [
      'for mail',
      card({ extensions: [...cardExtensions(top, cardKey), ext.extendedKeyUsage(EKU)] }),
      {},
      'extended_key_usage',
      /for other purposes/,
    ],
    [
      'with a key of an elliptic curve',
      makeCardCertificate(top, key, { key: ecKey('P-256') }),
      {},
      'weak_algorithm',
      /./,
    ],
  ])('%s is refused', (_, certificate, more, reason, detail) => {
    expect(check(certificate, more)).toMatchObject({
      verdict: 'invalid',
      reason,
      detail: expect.stringMatching(detail),
    });
  });

  it('has profiles that say their own names', () => {
    expect(PROFILE_NAMES.map((one) => profileFor(one).name)).toEqual(['rfc5280', 'jpki-auth', 'jpki-sign']);
    expect(PROFILE_NAMES.map((one) => profileFor(one).cardRules)).toEqual([false, true, true]);
    expect(profileFor('jpki-auth', { authorityAsLeaf: true }).authorityAsLeaf).toBe(false);
    expect(profileFor('rfc5280', { authorityAsLeaf: true }).authorityAsLeaf).toBe(true);
    expect(profileFor('jpki-auth').leafKeyUsage?.forbidden).toBe(
      KEY_USAGE.keyCertSign | KEY_USAGE.crlSign | KEY_USAGE.nonRepudiation,
    );
    expect(profileFor('jpki-sign').leafExtendedKeyUsage).toEqual([EKU, '1.3.6.1.5.5.7.3.36']);
  });
});
