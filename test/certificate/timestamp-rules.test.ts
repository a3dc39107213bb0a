import { createHash, sign } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { CMS } from '../../src/infrastructure/timestamp/timestamp-response.js';
import {
  verifyTimestamp,
  type TimestampCheck,
  type TimestampVerdict,
} from '../../src/infrastructure/timestamp/timestamp-verifier.js';
import { context, contextConstructed, encodeDer, encodeOid, TAG } from '../../src/infrastructure/x509/asn1/der.js';
import { KEY_USAGE, OID } from '../../src/infrastructure/x509/asn1/oids.js';
import { trustAnchor } from '../../src/infrastructure/x509/path/trust-anchors.js';
import {
  ALGORITHM,
  crlExt,
  DAY,
  ecKey,
  ext,
  generalizedTime,
  integer,
  keyIdOf,
  makeCertificate,
  makeCrl,
  name,
  NOW,
  rsaKey,
  type CertificateSpec,
  type CrlSpec,
  type ExtensionSpec,
  type KeyPair,
} from './support/certificate-factory.js';

/** Each rule of a timestamp alone. The sandbox's writer knows faults that authorities have; here every part of a token
 * is written at will, so that one thing is wrong and is told in its own words. */
const [rootKey, caKey, signerKey, strangeKey] = [ecKey(), ecKey(), ecKey(), ecKey()];
const rsa = rsaKey();
const ROOT = name(['C', 'JP'], ['O', 'Root']);
const CA = name(['C', 'JP'], ['O', 'Authority']);
const SIGNER = name(['C', 'JP'], ['O', 'Stamps']);
const MESSAGE = Buffer.from('what is stamped');
const POLICY = '1.3.6.1.4.1.32473.1.1';
const NONCE = Buffer.of(0x41, 1, 2, 3);
const NULL = encodeDer(TAG.null);
const times = { notBefore: NOW - 100 * DAY, notAfter: NOW + 100 * DAY };
const STAMPS: ExtensionSpec = { ...ext.extendedKeyUsage(OID.timeStamping), critical: true };
const BY_AUTHORITY = ext.authorityKeyId(caKey);

const authorityOf = (subject: Buffer, issuer: Buffer, key: KeyPair, signer: KeyPair): Buffer =>
  makeCertificate({
    ...{ subject, issuer, key, signer, serial: 2, ...times },
    extensions: [
      ext.basicConstraints(true),
      ext.keyUsage(KEY_USAGE.keyCertSign | KEY_USAGE.crlSign),
      ext.subjectKeyId(key),
      ext.authorityKeyId(signer),
    ],
  });
const root = authorityOf(ROOT, ROOT, rootKey, rootKey);
const authority = authorityOf(CA, ROOT, caKey, rootKey);
const signerWith = (changes: Partial<CertificateSpec> = {}): Buffer =>
  makeCertificate({
    ...{ subject: SIGNER, issuer: CA, key: signerKey, signer: caKey, serial: 7, ...times },
    extensions: [STAMPS, BY_AUTHORITY, ext.subjectKeyId(signerKey)],
    ...changes,
  });
const signer = signerWith();

type Hash = 'sha1' | 'sha256' | 'sha384' | 'sha512';
const hashed = (hash: Hash, bytes: Uint8Array): Buffer => createHash(hash).update(bytes).digest();
const seq = (...parts: Buffer[]): Buffer => encodeDer(TAG.sequence, ...parts);
const octets = (bytes: Uint8Array): Buffer => encodeDer(TAG.octetString, bytes);
const algorithm = (oid: string): Buffer => seq(encodeOid(oid));
const attribute = (oid: string, ...values: Buffer[]): Buffer => seq(encodeOid(oid), encodeDer(TAG.set, ...values));
const directory = (subject: Buffer): Buffer => encodeDer(contextConstructed(4), subject);
const host = (text: string): Buffer => encodeDer(context(2), Buffer.from(text));

/** ESSCertIDv2 and ESSCertID. @param more issuer and serial number */
const identified = (certificate: Buffer, hash: Hash = 'sha256', ...more: Buffer[]): Buffer =>
  seq(...(hash === 'sha256' ? [] : [algorithm(OID[hash])]), octets(hashed(hash, certificate)), ...more);
const olderIdentified = (certificate: Buffer): Buffer => seq(octets(hashed('sha1', certificate)));
const signingCertificates = (...ids: Buffer[]): Buffer => attribute(CMS.signingCertificateV2, seq(seq(...ids)));
const olderSigningCertificates = (...ids: Buffer[]): Buffer => attribute(CMS.signingCertificate, seq(seq(...ids)));

interface Token {
  readonly key: KeyPair;
  readonly certificate: Buffer;
  readonly certificates: readonly Buffer[];
  readonly hash: Hash;
  readonly algorithm: Buffer;
  readonly sid: Buffer;
  /** Signed attributes besides content type and digest. */
  readonly attributes: readonly Buffer[];
  /** Parts of TSTInfo behind the time. */
  readonly info: readonly Buffer[];
  readonly at: number;
}

/** The name of the signer by his key, for which the form is of version 3. */
const BY_KEY = encodeDer(context(0), keyIdOf(signerKey));

function token(changes: Partial<Token> = {}): Buffer {
  const certificate = changes.certificate ?? signer;
  const all: Token = {
    ...{ key: signerKey, certificate, certificates: [certificate, authority] },
    ...{ hash: 'sha384', algorithm: ALGORITHM['ecdsa-sha384'], sid: seq(CA, integer(7)), at: NOW },
    ...{ attributes: [signingCertificates(identified(certificate))], info: [seq(integer(1)), integer(NONCE)] },
    ...changes,
  };
  const imprint = seq(algorithm(OID.sha256), octets(hashed('sha256', MESSAGE)));
  const info = seq(integer(1), encodeOid(POLICY), imprint, integer(7), generalizedTime(all.at), ...all.info);
  const attributes = Buffer.concat(
    [
      attribute(CMS.contentType, encodeOid(CMS.tstInfo)),
      attribute(CMS.messageDigest, octets(hashed(all.hash, info))),
      ...all.attributes,
    ].toSorted((a, b) => Buffer.compare(a, b)),
  );
  const signerInfo = seq(
    integer(all.sid === BY_KEY ? 3 : 1),
    all.sid,
    algorithm(OID[all.hash]),
    encodeDer(contextConstructed(0), attributes),
    all.algorithm,
    octets(sign(all.hash, encodeDer(TAG.set, attributes), all.key.privateKey)),
  );
  const signedData = seq(
    integer(3),
    encodeDer(TAG.set, algorithm(OID[all.hash])),
    seq(encodeOid(CMS.tstInfo), encodeDer(contextConstructed(0), octets(info))),
    encodeDer(contextConstructed(0), ...all.certificates),
    encodeDer(TAG.set, signerInfo),
  );
  return seq(seq(integer(0)), seq(encodeOid(CMS.signedData), encodeDer(contextConstructed(0), signedData)));
}

const judged = (response: Buffer, changes: Partial<TimestampCheck> = {}): TimestampVerdict =>
  verifyTimestamp({
    response,
    message: MESSAGE,
    nonce: NONCE,
    policy: POLICY,
    anchors: [trustAnchor(root)],
    notBeforeMs: null,
    notAfterMs: NOW * 1000,
    ...changes,
  });
const said = (...of: Parameters<typeof judged>): string => {
  const verdict = judged(...of);
  return verdict.verdict === 'good' ? 'good' : `${verdict.verdict} ${verdict.reason}: ${verdict.detail}`;
};

describe('a refusal of a timestamp authority', () => {
  const status = (code: number, ...bits: number[]): Buffer => {
    const bytes = Buffer.alloc(5);
    for (const bit of bits) bytes[1 + (bit >> 3)]! |= 0x80 >> (bit & 7);
    return seq(seq(integer(code), ...(bits.length === 0 ? [] : [encodeDer(TAG.bitString, bytes)])));
  };
  const answered = 'refused status_refused: the authority answered';

  it.each([
    [1, 'granted with modifications'],
    [2, 'rejection'],
    [3, 'waiting'],
    [4, 'revocation warning'],
    [5, 'revocation notification'],
    [6, 'status 6'],
  ])('%d is %s', (code, words) => {
    expect(said(status(code))).toBe(`${answered} ${words}`);
  });
  it.each([
    [0, 'bad algorithm'],
    [2, 'bad request'],
    [5, 'bad data format'],
    [14, 'time not available'],
    [15, 'unaccepted policy'],
    [16, 'unaccepted extension'],
    [17, 'additional information not available'],
    [25, 'system failure'],
  ])('for bit %d is told as %s', (bit, words) => {
    expect(said(status(2, bit))).toBe(`${answered} rejection, ${words}`);
    expect(said(status(2, bit, 31))).toBe(`${answered} rejection, ${words}`);
  });
  it('is told where the answer is too large to be read', () => {
    expect(said(Buffer.alloc(65_537))).toBe('refused too_large: an answer of 65537 bytes');
    expect(said(Buffer.alloc(65_536))).toBe('refused malformed: expected tag 0x30, found 0x0');
  });
});

describe('a timestamp', () => {
  const MISMATCH =
    'refused signing_certificate_mismatch: the signed attributes identify another certificate than the one that is ' +
    'handed over';
  const FORMS =
    'refused signing_certificate_mismatch: the two forms of the signing certificate attribute name different ' +
    'certificates';
  const UNTRUSTED = expect.stringMatching(/^refused certificate_untrusted_issuer: /) as unknown as string;
  const accuracy = (seconds: number): Partial<Token> => ({ info: [seq(integer(seconds)), integer(NONCE)] });
  const withIds = (...ids: Buffer[]): Partial<Token> => ({ attributes: [signingCertificates(...ids)] });
  const withIssuer = (...names: Buffer[]): Partial<Token> =>
    withIds(identified(signer, 'sha256', seq(seq(...names), integer(7))));
  const both = (older: Buffer): Partial<Token> => ({
    attributes: [signingCertificates(identified(signer)), olderSigningCertificates(older)],
  });
  const named = (tsa: Buffer): Partial<Token> => ({ info: [integer(NONCE), encodeDer(contextConstructed(0), tsa)] });
  const withNames = signerWith({ extensions: [STAMPS, BY_AUTHORITY, ext.dnsNames('a.example', 'b.example')] });
  const usage = (bits: number): Partial<Token> => ({
    certificate: signerWith({ extensions: [STAMPS, BY_AUTHORITY, ext.keyUsage(bits)] }),
  });
  const rsaSigner = signerWith({ key: rsa, extensions: [STAMPS, BY_AUTHORITY] });
  const byRsa = (of: Buffer): Partial<Token> => ({ key: rsa, certificate: rsaSigner, hash: 'sha256', algorithm: of });
  const NO_ALGORITHM = (hash: string) =>
    'refused signature_algorithm: the signature is made with an algorithm that is not checked here, or that does not ' +
    `go with digests of ${hash}`;
  const withoutKeyId = signerWith({ extensions: [STAMPS] });

  it.each<[string, string, Partial<Token>, Partial<TimestampCheck>?]>([
    ['as it should be', 'good', {}],
    ['whose nonce nobody compares', 'good', {}, { nonce: null }],
    ['without nonce', 'refused nonce_missing: the token has no nonce', { info: [] }],
    ['without nonce, which nobody asked for', 'good', { info: [] }, { nonce: null }],
    [
      'with a nonce of another length',
      'refused nonce_mismatch: the token has the nonce of another request',
      { info: [integer(Buffer.of(0x41, 1, 2))] },
    ],
    ['made now', 'good', {}, { notBeforeMs: NOW * 1000 }],
    ['ahead by its accuracy', 'good', accuracy(5), { notAfterMs: (NOW - 5) * 1000 }],
    [
      'ahead by more',
      'refused time_in_future: the stated time 2026-06-01T00:00:00.000Z has not come yet',
      accuracy(5),
      { notAfterMs: (NOW - 5) * 1000 - 1 },
    ],
    ['behind by its accuracy', 'good', accuracy(5), { notBeforeMs: (NOW + 5) * 1000 }],
    [
      'behind by more',
      'refused time_too_old: the stated time 2026-06-01T00:00:00.000Z was before the question',
      accuracy(5),
      { notBeforeMs: (NOW + 5) * 1000 + 1 },
    ],
    [
      'ahead without accuracy',
      'refused time_in_future: the stated time 2026-06-01T00:00:00.000Z has not come yet',
      { info: [integer(NONCE)] },
      { notAfterMs: NOW * 1000 - 1 },
    ],
    ['with an extension that informs', 'good', infoExtension(false)],
    [
      'with a critical one',
      'refused critical_extension: unknown critical extension 1.3.6.1.4.1.99999.1 in the token',
      infoExtension(true),
    ],
    ['of a signer named by his key', 'good', { sid: BY_KEY }],
    [
      'of one named by another key',
      "refused signer_certificate_missing: the token does not bring its signer's certificate",
      { sid: BY_KEY, key: strangeKey, certificate: signerWith({ extensions: [STAMPS, ext.subjectKeyId(strangeKey)] }) },
    ],
    [
      'of one named by a key, without such a name',
      "refused signer_certificate_missing: the token does not bring its signer's certificate",
      { sid: BY_KEY, certificate: withoutKeyId },
    ],
    ...[seq(CA, integer(8)), seq(ROOT, integer(7))].map((sid): [string, string, Partial<Token>] => [
      'of one named otherwise',
      "refused signer_certificate_missing: the token does not bring its signer's certificate",
      { sid },
    ]),
    ...(['sha384', 'sha512'] as const).map((hash): [string, string, Partial<Token>] => [
      `identified by ${hash}`,
      'good',
      withIds(identified(signer, hash)),
    ]),
    ['identified by a hash that nobody knows', MISMATCH, withIds(seq(algorithm('1.2.3'), octets(Buffer.alloc(32))))],
    ['identified as another', MISMATCH, withIds(identified(authority))],
    ['identified with its issuer', 'good', withIssuer(directory(CA))],
    ['identified with its issuer behind another name', 'good', withIssuer(host('a.example'), directory(CA))],
    ['identified with another issuer', MISMATCH, withIssuer(directory(ROOT))],
    ['identified with an issuer of another form', MISMATCH, withIssuer(host('a.example'))],
    ['whose path is identified', 'good', withIds(identified(signer), identified(authority))],
    ['whose path is identified as another', UNTRUSTED, withIds(identified(signer), identified(root))],
    [
      'whose path is identified among others',
      'good',
      withIds(identified(signer), identified(root), identified(authority)),
    ],
    ['without its path', UNTRUSTED, { certificates: [signer] }],
    ['identified in both forms', 'good', both(olderIdentified(signer))],
    ['identified differently', FORMS, both(olderIdentified(authority))],
    [
      'identified in the older form only',
      'refused signing_certificate_missing: the token identifies its signer with SHA-1 only',
      { attributes: [olderSigningCertificates(olderIdentified(signer))] },
    ],
    [
      'identified by SHA-1 in the newer form',
      'refused signing_certificate_missing: the token identifies its signer with SHA-1 only',
      withIds(identified(signer, 'sha1')),
    ],
    [
      'identified by SHA-1 besides',
      'refused signing_certificate_missing: the token identifies its signer with SHA-1 only',
      withIds(identified(signer), identified(authority, 'sha1')),
    ],
    [
      'not identified',
      'refused signing_certificate_missing: the token does not identify the certificate of its signer',
      { attributes: [] },
    ],
    [
      'identified twice',
      `refused malformed: attribute ${CMS.signingCertificateV2} does not have exactly one value`,
      { attributes: [1, 2].map(() => signingCertificates(identified(signer))).with(1, otherIds()) },
    ],
    [
      'identified with two values',
      `refused malformed: attribute ${CMS.signingCertificateV2} does not have exactly one value`,
      { attributes: [attribute(CMS.signingCertificateV2, ...[1, 2].map(() => seq(seq(identified(signer)))))] },
    ],
    [
      'identified with no value',
      `refused malformed: attribute ${CMS.signingCertificateV2} does not have exactly one value`,
      { attributes: [attribute(CMS.signingCertificateV2)] },
    ],
    ['with digests of SHA-256', 'good', { hash: 'sha256', algorithm: ALGORITHM['ecdsa-sha256'] }],
    ['with digests of SHA-512', 'good', { hash: 'sha512', algorithm: seq(encodeOid('1.2.840.10045.4.3.4')) }],
    [
      'with digests of SHA-1',
      `refused digest_algorithm: digest algorithm ${OID.sha1} is not accepted here`,
      { hash: 'sha1' },
    ],
    ['with a signature over another digest', NO_ALGORITHM('sha384'), { algorithm: ALGORITHM['ecdsa-sha256'] }],
    ['signed with RSA', 'good', byRsa(ALGORITHM['rsa-sha256'])],
    ['signed with RSA, by its kind', 'good', byRsa(seq(encodeOid(OID.rsaEncryption), NULL))],
    ['signed with RSA, by its kind alone', 'good', byRsa(seq(encodeOid(OID.rsaEncryption)))],
    [
      'signed with RSA in the name of another kind',
      'refused signature: ecdsa-with-SHA256 with a key of another kind',
      byRsa(ALGORITHM['ecdsa-sha256']),
    ],
    ['signed with a short key', 'refused signature_algorithm: RSA key of 1024 bits', shortRsa()],
    [
      'signed by another',
      'refused signature: the signature does not belong to these bytes and this key',
      { key: strangeKey },
    ],
    ['that signs', 'good', usage(KEY_USAGE.digitalSignature)],
    ['that signs for good', 'good', usage(KEY_USAGE.nonRepudiation)],
    ['that signs in both ways', 'good', usage(KEY_USAGE.digitalSignature | KEY_USAGE.nonRepudiation)],
    ...[KEY_USAGE.keyAgreement, KEY_USAGE.digitalSignature | KEY_USAGE.keyAgreement].map(
      (bits): [string, string, Partial<Token>] => [
        `with key usage ${bits}`,
        "refused key_usage: the signer's key is not for signatures alone",
        usage(bits),
      ],
    ),
    [
      'of a signer for nothing',
      "refused extended_key_usage: the signer's certificate is not for timestamps",
      { certificate: signerWith({ extensions: [ext.subjectKeyId(signerKey)] }) },
    ],
    [
      'of a signer for more',
      "refused extended_key_usage: the signer's certificate is for other things besides timestamps",
      {
        certificate: signerWith({
          extensions: [{ ...STAMPS, value: ext.extendedKeyUsage(OID.timeStamping, OID.ocspSigning).value }],
        }),
      },
    ],
    [
      'of a signer who does not insist',
      "refused extended_key_usage: the purpose in the signer's certificate is not critical",
      { certificate: signerWith({ extensions: [{ ...STAMPS, critical: false }] }) },
    ],
    ['that names its signer', 'good', named(directory(SIGNER))],
    ['that names another', authorityName(), named(directory(ROOT))],
    ['that names no name of its signer', authorityName(), named(host('a.example'))],
    ['that names one of the names of its signer', 'good', { ...named(host('b.example')), certificate: withNames }],
    ['that names a name that is not there', authorityName(), { ...named(host('c.example')), certificate: withNames }],
  ])('%s: %s', (_, outcome, changes, check = {}) => {
    expect(said(token(changes), check)).toEqual(outcome);
  });

  it('of a signer whose key is none is malformed', () => {
    const broken = Buffer.from(signer);
    const at = broken.indexOf(signerKey.publicKey.export({ format: 'der', type: 'spki' }).subarray(-96));
    broken.fill(0xff, at, at + 48);
    expect(said(token({ certificate: broken }))).toMatch(/^refused malformed: key of the signer: /);
  });

  function infoExtension(critical: boolean): Partial<Token> {
    const one = seq(
      encodeOid('1.3.6.1.4.1.99999.1'),
      ...(critical ? [encodeDer(TAG.boolean, Buffer.of(0xff))] : []),
      octets(NULL),
    );
    return { info: [integer(NONCE), encodeDer(contextConstructed(1), one)] };
  }
  function otherIds(): Buffer {
    return signingCertificates(identified(signer, 'sha512'));
  }
  function shortRsa(): Partial<Token> {
    const key = rsaKey(1024);
    return { ...byRsa(ALGORITHM['rsa-sha256']), key, certificate: signerWith({ key, extensions: [STAMPS] }) };
  }
  function authorityName(): string {
    return 'refused authority_name: the token names another authority than the one that signed it';
  }
});

describe('a timestamp and the CRLs of its path', () => {
  const list = (changes: Partial<CrlSpec> = {}): Buffer =>
    makeCrl({ issuer: { name: CA, key: caKey }, thisUpdate: NOW, nextUpdate: NOW + DAY, ...changes });
  const ofRoot = list({ issuer: { name: ROOT, key: rootKey } });
  const revoked = (revokedAt: number, ...extensions: ExtensionSpec[]): Partial<CrlSpec> => ({
    thisUpdate: NOW + 50,
    entries: [{ serial: 7, revokedAt, extensions }],
  });
  const invalidSince = (at: number): ExtensionSpec => ({ oid: OID.invalidityDate, value: generalizedTime(at) });
  const stamped = token();
  const saidOf = (crls: Buffer[], check: Partial<TimestampCheck> = {}): string => said(stamped, { crls, ...check });
  const until = (...crls: Buffer[]) => {
    const verdict = judged(stamped, { crls });
    return verdict.verdict === 'good' ? verdict.timestamp.notRevokedUntilMs! / 1000 - NOW : verdict;
  };
  const WHO = 'O=Stamps,C=JP';
  const ENDED = `refused revocation_unknown: every CRL that speaks of ${WHO} ended before the stated time`;
  const SUPERSEDED = crlExt.reason(4);

  it('says up to when nobody of the path was revoked', () => {
    const later = (seconds: number) => ({ thisUpdate: NOW + seconds });
    expect(until(list(), ofRoot)).toBe(0);
    expect(until(list(later(90)), ofRoot)).toBe(0);
    expect(until(list(later(90)), list({ issuer: { name: ROOT, key: rootKey }, ...later(60) }))).toBe(60);
    expect(until(list(), list(later(90)), list({ issuer: { name: ROOT, key: rootKey }, ...later(60) }))).toBe(60);
    // One that ended before the stamp adds nothing to what another one says.
    expect(until(list({ thisUpdate: NOW - 9, nextUpdate: NOW - 1 }), list({ thisUpdate: NOW - 60 }), ofRoot)).toBe(-60);
  });
  it.each<[string, string, Buffer[], Partial<TimestampCheck>?]>([
    ['none', `refused revocation_unknown: no CRL speaks of ${WHO}: there is none`, []],
    [
      'those of the root alone',
      `refused revocation_unknown: no CRL speaks of ${WHO}: the CRL of another authority; the CRL of another authority`,
      [ofRoot, ofRoot],
    ],
    [
      'those of the authority alone',
      'refused revocation_unknown: no CRL speaks of O=Authority,C=JP: the CRL of another authority',
      [list()],
    ],
    [
      'a forged one beside the authority',
      'refused revocation_unknown: no CRL speaks of O=Authority,C=JP: the CRL of another authority; the signature ' +
        'does not belong to these bytes and this key',
      [list(), list({ issuer: { name: ROOT, key: rootKey }, signer: strangeKey })],
    ],
    ['one that ends with the stamp', 'good', [list({ thisUpdate: NOW - DAY, nextUpdate: NOW }), ofRoot]],
    ['one that ended before', ENDED, [list({ thisUpdate: NOW - DAY, nextUpdate: NOW - 1 }), ofRoot]],
    [
      'one without an end',
      `refused revocation_unknown: no CRL speaks of ${WHO}: a CRL without next update; the CRL of another authority`,
      [list({ nextUpdate: null }), ofRoot],
    ],
    [
      'one without number',
      `refused revocation_unknown: no CRL speaks of ${WHO}: a CRL without CRL number; the CRL of another authority`,
      [list({ number: null }), ofRoot],
    ],
    [
      'revoked without a reason',
      `refused certificate_revoked: ${WHO} was revoked at 2026-06-01T00:00:09.000Z (no reason given)`,
      [list(revoked(NOW + 9)), ofRoot],
    ],
    [
      'revoked for a bad key',
      `refused certificate_revoked: ${WHO} was revoked at 2026-06-01T00:00:09.000Z (key_compromise)`,
      [list(revoked(NOW + 9, crlExt.reason(1))), ofRoot],
    ],
    ['superseded later', 'good', [list(revoked(NOW + 1, SUPERSEDED)), ofRoot]],
    [
      'superseded with the stamp',
      `refused certificate_revoked: ${WHO} was revoked at 2026-06-01T00:00:00.000Z (superseded)`,
      [list(revoked(NOW, SUPERSEDED)), ofRoot],
    ],
    [
      'superseded later and bad since later',
      'good',
      [list(revoked(NOW + 9, SUPERSEDED, invalidSince(NOW + 1))), ofRoot],
    ],
    [
      'superseded later and bad since the stamp',
      `refused certificate_revoked: ${WHO} was revoked at 2026-06-01T00:00:09.000Z (superseded)`,
      [list(revoked(NOW + 9, SUPERSEDED, invalidSince(NOW))), ofRoot],
    ],
    ['one that cannot be read', 'refused revocation_malformed: a CRL: the CRL ends too early', [NULL, ofRoot]],
    ['those in force', 'good', [list(), ofRoot], { crlsInForceAt: NOW + DAY }],
    [
      'those that ran out',
      `refused revocation_unknown: no CRL speaks of ${WHO}: the time of the next update of the CRL has passed; ` +
        'the CRL of another authority',
      [list(), ofRoot],
      { crlsInForceAt: NOW + DAY + 1 },
    ],
  ])('%s: %s', (_, outcome, crls, check = {}) => {
    expect(saidOf(crls, check)).toBe(outcome);
  });
});
