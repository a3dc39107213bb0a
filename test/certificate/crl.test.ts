import { describe, expect, it } from '@jest/globals';
import { parseCertificate } from '../../src/infrastructure/x509/certificate/certificate.js';
import { CrlStreamReader, indexCrl } from '../../src/infrastructure/x509/revocation/crl-stream.js';
import { entriesFor, openCrl, parseCrl } from '../../src/infrastructure/x509/revocation/crl.js';
import { verifyCrlBytes } from '../../src/infrastructure/x509/revocation/crl-verifier.js';
import { DerError, encodeDer, TAG } from '../../src/infrastructure/x509/asn1/der.js';
import { checkOffline } from '../../src/infrastructure/jpki/offline/offline-check.js';
import { GENERAL_ALGORITHMS, PublicKey } from '../../src/infrastructure/x509/certificate/public-key.js';
import {
  cardExtensions,
  crlExt,
  DAY,
  ecKey,
  ext,
  integer,
  makeAuthority,
  makeCardCertificate,
  makeCertificate,
  makeCrl,
  makeLargeCrl,
  name,
  NOW,
  type CrlSpec,
} from './support/certificate-factory.js';
import { KEY_USAGE } from '../../src/infrastructure/x509/asn1/oids.js';

const caKey = ecKey();
const authority = makeAuthority(caKey);
const otherKey = ecKey();
const cardKey = ecKey();
const URI = 'http://crl.example/auth.crl';
const card = makeCardCertificate(authority, cardKey, { serial: 0x1001 });
const cardWithPoint = (uri: string, options = {}): Buffer =>
  makeCardCertificate(authority, cardKey, {
    serial: 0x1001,
    extensions: [...cardExtensions(authority, cardKey), crlExt.distributionPoint(uri, options)],
  });
const crl = (changes: Partial<CrlSpec> = {}): Buffer =>
  makeCrl({ issuer: authority, thisUpdate: NOW - 3600, number: 7, ...changes });
const revoking = (serial: number, reason?: number): Partial<CrlSpec> => ({
  entries: [
    { serial: 0x0fff, revokedAt: NOW - 9 },
    { serial, revokedAt: NOW - 7200, ...(reason !== undefined && { extensions: [crlExt.reason(reason)] }) },
  ],
});

function status(
  bytes: Buffer,
  certificate: Buffer = card,
  changes: { at?: number; maxStatusAgeSeconds?: number | null; conforming?: boolean; issuer?: Buffer } = {},
): string {
  const { issuer: issuerDer = authority.certificate, ...rest } = changes;
  const issuer = parseCertificate(issuerDer);
  const result = verifyCrlBytes(bytes, {
    certificate: parseCertificate(certificate),
    issuer: { certificate: issuer, publicKey: new PublicKey(issuer.spki) },
    at: NOW,
    clockToleranceSeconds: 300,
    maxStatusAgeSeconds: null,
    algorithms: GENERAL_ALGORITHMS,
    conforming: true,
    ...rest,
  });
  return result.status === 'unknown'
    ? `unknown: ${result.cause}`
    : result.status === 'revoked'
      ? `revoked: ${result.reason}`
      : 'good';
}

describe('reading a CRL', () => {
  const large = makeLargeCrl(authority, 3000, { thisUpdate: NOW });

  it.each([1, 7, 1000, 65_536])('reads the same from pieces of %d bytes', (size) => {
    const whole = indexCrl(large);
    const reader = new CrlStreamReader();
    for (let i = 0; i < large.length; i += size) reader.write(large.subarray(i, i + size));
    const pieces = reader.finish();
    expect(pieces.entryCount).toBe(3000);
    expect(Buffer.from(pieces.bytes).equals(large)).toBe(true);
    expect(pieces.table).toEqual(whole.table);
  });

  it('finds every entry and nothing else', () => {
    const read = openCrl(indexCrl(large));
    for (let i = 0; i < 3000; i += 1) {
      const serial = integer(0x1000_0000_0000_0000n + BigInt(i) * 7919n).subarray(2);
      const [entry] = entriesFor(read, serial, (n) => n.equals(authority.name));
      expect(entry).toEqual({
        revokedAt: NOW - i,
        reason: i % 4 === 0 ? null : i % 3 === 0 ? 'superseded' : 'affiliation_changed',
        invalidSince: null,
      });
      expect(entriesFor(read, integer(0x1000_0000_0000_0001n + BigInt(i) * 7919n).subarray(2), () => true)).toEqual([]);
    }
  });

  const broken: [string, () => Buffer][] = [
    ['bytes after the end', () => Buffer.concat([crl(), Buffer.of(0)])],
    ['a missing end', () => crl().subarray(0, -1)],
    ['nothing', () => Buffer.alloc(0)],
    ['an empty list of entries', () => relist(Buffer.from('3000', 'hex'))],
    [
      'an entry that is not a sequence',
      () => relist(encodeDer(TAG.sequence, Buffer.from('0203010203040506070809', 'hex'))),
    ],
    [
      'an entry with a time that does not exist',
      () =>
        relist(
          encodeDer(
            TAG.sequence,
            encodeDer(TAG.sequence, integer(5), encodeDer(TAG.utcTime, Buffer.from('260230000000Z'))),
          ),
        ),
    ],
    [
      'a serial number that is not in its shortest form',
      () =>
        relist(
          encodeDer(
            TAG.sequence,
            encodeDer(
              TAG.sequence,
              Buffer.from('02020001', 'hex'),
              encodeDer(TAG.utcTime, Buffer.from('260201000000Z')),
            ),
          ),
        ),
    ],
    ['extensions in version 1', () => crl({ version: 1 })],
    ['an unknown reason', () => crl(revoking(5, 7))],
    ['an extension twice', () => crl({ extensions: [crlExt.number(8)] })],
    [
      'a scope of two kinds',
      () => crl({ extensions: [crlExt.issuingDistributionPoint({ user: true, authority: true })] }),
    ],
    ['an empty scope', () => crl({ extensions: [crlExt.issuingDistributionPoint({})] })],
  ];
  it.each(broken)('refuses %s', (_what, make) => {
    expect(() => parseCrl(make())).toThrow(DerError);
    expect(status(make())).toBe('unknown: status_malformed');
  });

  it('refuses what is larger than allowed before it allocates', () => {
    expect(() => indexCrl(Buffer.from('3084ffffffff00', 'hex'))).toThrow(/larger than/);
    expect(() => indexCrl(large, 1000)).toThrow(/larger than/);
  });

  it('refuses a list of equal serial numbers that would make the table slow', () => {
    const same = Array.from({ length: 10_000 }, () => ({ serial: 5, revokedAt: NOW }));
    expect(() => parseCrl(crl({ entries: same }))).toThrow(/equal serial numbers/);
  });

  /** A CRL with this in the place of its entries. The signature is wrong, but reading comes first. */
  function relist(list: Buffer): Buffer {
    const whole = crl(revoking(5));
    const read = parseCrl(whole);
    const entries = encodeDer(
      TAG.sequence,
      ...[
        { serial: 0x0fff, revokedAt: NOW - 9 },
        { serial: 5, revokedAt: NOW - 7200 },
      ].map((e) => encodeDer(TAG.sequence, integer(e.serial), timeOf(e.revokedAt))),
    );
    const at = read.tbs.indexOf(entries);
    const inner = read.tbs.subarray(read.tbs[1]! < 0x80 ? 2 : read.tbs[1] === 0x81 ? 3 : 4);
    const offset = at - (read.tbs.length - inner.length);
    const tbs = encodeDer(TAG.sequence, inner.subarray(0, offset), list, inner.subarray(offset + entries.length));
    return encodeDer(
      TAG.sequence,
      tbs,
      read.signatureAlgorithm,
      encodeDer(TAG.bitString, Buffer.of(0), read.signature),
    );
  }
  function timeOf(seconds: number): Buffer {
    return encodeDer(
      TAG.utcTime,
      Buffer.from(
        new Date(seconds * 1000)
          .toISOString()
          .replace(/[-:T]|\.\d+/g, '')
          .slice(2),
      ),
    );
  }
});

// @req R6
describe('what a CRL proves', () => {
  const rows: [string, string, () => string][] = [
    ['a card that is not listed', 'good', () => status(crl())],
    ['a card that is not listed among others', 'good', () => status(crl(revoking(0x1002)))],
    ['a listed card', 'revoked: null', () => status(crl(revoking(0x1001)))],
    ['a listed card with a reason', 'revoked: affiliation_changed', () => status(crl(revoking(0x1001, 3)))],
    ['a card on hold', 'revoked: certificate_hold', () => status(crl(revoking(0x1001, 6)))],
    ['an entry "removed" in a complete CRL', 'revoked: remove_from_crl', () => status(crl(revoking(0x1001, 8)))],
    [
      'two entries, one of them "removed"',
      'revoked: key_compromise',
      () =>
        status(
          crl({
            entries: [
              { serial: 0x1001, revokedAt: NOW - 9, extensions: [crlExt.reason(8)] },
              { serial: 0x1001, revokedAt: NOW - 9, extensions: [crlExt.reason(1)] },
            ],
          }),
        ),
    ],
    ['a CRL at its last second', 'good', () => status(crl({ nextUpdate: NOW }))],
    ['a CRL one second after', 'unknown: status_stale', () => status(crl({ nextUpdate: NOW - 1 }))],
    ['a CRL from within the tolerance', 'good', () => status(crl({ thisUpdate: NOW + 300 }))],
    ['a CRL from the future', 'unknown: status_stale', () => status(crl({ thisUpdate: NOW + 301 }))],
    ['a CRL of the greatest age allowed', 'good', () => status(crl(), card, { maxStatusAgeSeconds: 3600 })],
    ['an older CRL than allowed', 'unknown: status_stale', () => status(crl(), card, { maxStatusAgeSeconds: 3599 })],
    ['a CRL without next update', 'unknown: status_malformed', () => status(crl({ nextUpdate: null }))],
    [
      'a CRL without next update where that is allowed',
      'good',
      () => status(crl({ nextUpdate: null }), card, { conforming: false }),
    ],
    [
      'such a CRL older than seven days',
      'unknown: status_stale',
      () => status(crl({ nextUpdate: null, thisUpdate: NOW - 7 * DAY - 1 }), card, { conforming: false }),
    ],
    ['a CRL without number', 'unknown: status_malformed', () => status(crl({ number: null }))],
    [
      'a critical number',
      'unknown: status_malformed',
      () => status(crl({ number: null, extensions: [crlExt.number(7, true)] })),
    ],
    ['an unknown extension', 'good', () => status(crl({ extensions: [ext.unknown(false)] }))],
    [
      'an unknown critical extension',
      'unknown: status_malformed',
      () => status(crl({ extensions: [ext.unknown(true)] })),
    ],
    [
      'an unknown critical extension of another entry',
      'unknown: status_malformed',
      () => status(crl({ entries: [{ serial: 9, revokedAt: NOW - 9, extensions: [ext.unknown(true)] }] })),
    ],
    [
      'an unknown extension of another entry',
      'good',
      () => status(crl({ entries: [{ serial: 9, revokedAt: NOW - 9, extensions: [ext.unknown(false)] }] })),
    ],
    ['the signature of a stranger', 'unknown: status_signature', () => status(crl({ signer: otherKey }))],
    ['the name of another key', 'unknown: status_mismatch', () => status(crl({ authorityKey: otherKey }))],
    [
      'a CRL of another authority',
      'unknown: status_mismatch',
      () => status(crl({ issuer: { name: name(['C', 'JP'], ['O', 'Foreign']), key: caKey } })),
    ],
    ['two different algorithms', 'unknown: status_malformed', () => status(crl({ innerAlgorithm: 'rsa-sha256' }))],
    [
      'an authority that may not sign CRLs',
      'unknown: responder_unauthorised',
      () =>
        status(crl(), card, {
          issuer: makeAuthority(caKey, {
            extensions: [ext.basicConstraints(true), ext.keyUsage(KEY_USAGE.keyCertSign), ext.subjectKeyId(caKey)],
          }).certificate,
        }),
    ],
    ['a delta CRL', 'unknown: status_mismatch', () => status(crl({ extensions: [crlExt.delta(6)] }))],
    [
      'an indirect CRL',
      'unknown: status_mismatch',
      () => status(crl({ extensions: [crlExt.issuingDistributionPoint({ indirect: true })] })),
    ],
    [
      'entries of another authority in a direct CRL',
      'unknown: status_malformed',
      () =>
        status(
          crl({
            entries: [
              { serial: 0x1001, revokedAt: NOW - 9, extensions: [crlExt.certificateIssuer(name(['O', 'Foreign']))] },
            ],
          }),
        ),
    ],
    ['a CRL for users', 'good', () => status(crl({ extensions: [crlExt.issuingDistributionPoint({ user: true })] }))],
    [
      'a CRL for authorities',
      'unknown: status_mismatch',
      () => status(crl({ extensions: [crlExt.issuingDistributionPoint({ authority: true })] })),
    ],
    [
      'a CRL for attribute certificates',
      'unknown: status_mismatch',
      () => status(crl({ extensions: [crlExt.issuingDistributionPoint({ attribute: true })] })),
    ],
    [
      'a CRL of the distribution point of the card',
      'good',
      () => status(crl({ extensions: [crlExt.issuingDistributionPoint({ uri: URI })] }), cardWithPoint(URI)),
    ],
    [
      'a CRL of another distribution point',
      'unknown: status_mismatch',
      () => status(crl({ extensions: [crlExt.issuingDistributionPoint({ uri: `${URI}2` })] }), cardWithPoint(URI)),
    ],
    [
      'a CRL of a distribution point, for a card that names none',
      'unknown: status_mismatch',
      () => status(crl({ extensions: [crlExt.issuingDistributionPoint({ uri: URI })] })),
    ],
    [
      'a card whose CRLs come from another issuer',
      'unknown: status_mismatch',
      () => status(crl(), cardWithPoint(URI, { issuer: name(['O', 'Foreign']) })),
    ],
    [
      'a CRL for some reasons',
      'unknown: status_unknown',
      () => status(crl({ extensions: [crlExt.issuingDistributionPoint({ reasons: 0b110 })] })),
    ],
    [
      'a listed card in a CRL for some reasons',
      'revoked: key_compromise',
      () => status(crl({ ...revoking(0x1001, 1), extensions: [crlExt.issuingDistributionPoint({ reasons: 0b110 })] })),
    ],
    [
      'a card whose distribution point covers some reasons',
      'unknown: status_unknown',
      () => status(crl(), cardWithPoint(URI, { reasons: 0b110 })),
    ],
  ];
  it.each(rows)('%s: %s', (_what, expected, judge) => {
    expect(judge()).toBe(expected);
  });
});

describe('CRLs of a longer path', () => {
  const middleKey = ecKey();
  const middleName = name(['C', 'JP'], ['O', 'Stand-in'], ['OU', 'middle']);
  const caExtensions = [
    ext.basicConstraints(true),
    ext.keyUsage(KEY_USAGE.keyCertSign | KEY_USAGE.crlSign),
    ext.subjectKeyId(middleKey),
    ext.authorityKeyId(caKey),
  ];
  const middle = makeCertificate({
    subject: middleName,
    issuer: authority.name,
    key: middleKey,
    signer: caKey,
    serial: 50,
    notBefore: NOW - DAY,
    notAfter: NOW + DAY,
    extensions: caExtensions,
  });
  const below = { key: middleKey, name: middleName, certificate: middle };
  const leaf = makeCardCertificate(below, cardKey, { serial: 0x2001 });
  const rootCrl = crl();
  const middleCrl = (changes: Partial<CrlSpec> = {}): Buffer =>
    makeCrl({ issuer: below, thisUpdate: NOW - 3600, number: 10, ...changes });
  const verdict = (crls: Buffer[], changes = {}): string => {
    const result = checkOffline({
      certificate: leaf,
      intermediates: [middle],
      trustAnchors: [authority.certificate],
      crls,
      at: NOW,
      revocation: 'crl',
      ...changes,
    });
    return result.verdict === 'valid' ? 'valid' : `${result.verdict}: ${result.reason}`;
  };

  it('asks for the status of every certificate', () => {
    expect(verdict([rootCrl, middleCrl()])).toBe('valid');
    expect(verdict([middleCrl()])).toBe('unknown: no_status_source');
    expect(verdict([rootCrl])).toBe('unknown: no_status_source');
    expect(verdict([crl({ entries: [{ serial: 50, revokedAt: NOW - 9 }] }), middleCrl()])).toBe('invalid: revoked');
  });

  it('believes the newest CRL of a scope', () => {
    const old = middleCrl({ number: 9, thisUpdate: NOW - 7200 });
    const revoked = middleCrl({ entries: [{ serial: 0x2001, revokedAt: NOW - 9 }] });
    for (const order of [
      [rootCrl, old, revoked],
      [revoked, old, rootCrl],
    ])
      expect(verdict(order)).toBe('invalid: revoked');
  });

  it('continues a complete CRL with a delta CRL, and ignores one that does not fit', () => {
    const delta = (base: number, number: number, changes: Partial<CrlSpec> = {}): Buffer =>
      middleCrl({
        number,
        thisUpdate: NOW - 60,
        ...changes,
        extensions: [crlExt.delta(base), ...(changes.extensions ?? [])],
      });
    const listed = { entries: [{ serial: 0x2001, revokedAt: NOW - 9, extensions: [crlExt.reason(1)] }] };
    const held = middleCrl({ entries: [{ serial: 0x2001, revokedAt: NOW - 999, extensions: [crlExt.reason(6)] }] });
    const removed = { entries: [{ serial: 0x2001, revokedAt: NOW - 9, extensions: [crlExt.reason(8)] }] };
    expect(verdict([rootCrl, middleCrl(), delta(10, 11, listed)])).toBe('invalid: revoked');
    expect(verdict([rootCrl, held, delta(10, 11, removed)])).toBe('valid');
    expect(verdict([rootCrl, held, delta(11, 12, removed)])).toBe('invalid: revoked');
    expect(verdict([rootCrl, held, delta(9, 10, removed)])).toBe('invalid: revoked');
    expect(verdict([rootCrl, held, delta(10, 11, { ...removed, signer: otherKey })])).toBe('invalid: revoked');
    expect(
      verdict([
        rootCrl,
        held,
        delta(10, 11, { ...removed, extensions: [crlExt.issuingDistributionPoint({ user: true })] }),
      ]),
    ).toBe('invalid: revoked');
    expect(verdict([rootCrl, delta(10, 11)])).toBe('unknown: no_status_source');
  });

  it('hears a separate CRL signer from the issuer or from whoever certified it, but no namesake from elsewhere', () => {
    const signerKey = ecKey();
    const strangeKey = ecKey();
    const window = { notBefore: NOW - DAY, notAfter: NOW + DAY };
    const signerFrom = (by: { name: Buffer; key: typeof caKey }, usage: number = KEY_USAGE.crlSign): Buffer =>
      makeCertificate({
        subject: middleName,
        issuer: by.name,
        key: signerKey,
        signer: by.key,
        serial: 60,
        ...window,
        extensions: [ext.keyUsage(usage), ext.subjectKeyId(signerKey), ext.authorityKeyId(by.key)],
      });
    const elsewhereName = name(['O', 'Elsewhere']);
    const elsewhere = makeCertificate({
      subject: elsewhereName,
      issuer: authority.name,
      key: strangeKey,
      signer: caKey,
      serial: 61,
      ...window,
      extensions: [
        ext.basicConstraints(true),
        ext.keyUsage(KEY_USAGE.keyCertSign | KEY_USAGE.crlSign),
        ext.subjectKeyId(strangeKey),
        ext.authorityKeyId(caKey),
      ],
    });
    const elsewhereCrl = makeCrl({ issuer: { name: elsewhereName, key: strangeKey }, thisUpdate: NOW - 60 });
    const byMiddleOnly = middleCrl();
    const separate = makeCrl({ issuer: { name: middleName, key: signerKey }, thisUpdate: NOW - 60, number: 11 });
    const judge = (signer: Buffer, crls: Buffer[]): string =>
      verdict([rootCrl, ...crls], { intermediates: [middle, signer, elsewhere] });
    expect(judge(signerFrom(authority), [separate])).toBe('valid');
    expect(judge(signerFrom({ name: middleName, key: middleKey }), [separate, byMiddleOnly])).toBe('valid');
    expect(judge(signerFrom({ name: elsewhereName, key: strangeKey }), [separate, elsewhereCrl])).toBe(
      'unknown: responder_unauthorised',
    );
    expect(judge(signerFrom(authority, KEY_USAGE.digitalSignature), [separate])).toBe('unknown: status_mismatch');
    expect(
      verdict([crl({ entries: [{ serial: 60, revokedAt: NOW - 9 }] }), separate], {
        intermediates: [middle, signerFrom(authority)],
      }),
    ).toBe('unknown: responder_unauthorised');
  });

  it('takes OCSP first where that is asked for, and CRLs for what it does not answer', () => {
    expect(verdict([rootCrl, middleCrl()], { revocation: 'ocsp' })).toBe('unknown: no_status_source');
    expect(verdict([rootCrl, middleCrl()], { revocation: 'ocsp-then-crl' })).toBe('valid');
    expect(verdict([], { revocation: 'off' })).toBe('valid');
  });
});
