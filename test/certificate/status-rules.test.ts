import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import {
  context,
  contextConstructed,
  DerReader,
  encodeDer,
  encodeOid,
  TAG,
} from '../../src/infrastructure/x509/asn1/der.js';
import { KEY_USAGE, OID } from '../../src/infrastructure/x509/asn1/oids.js';
import { parseCertificate } from '../../src/infrastructure/x509/certificate/certificate.js';
import { GENERAL_ALGORITHMS, PublicKey } from '../../src/infrastructure/x509/certificate/public-key.js';
import {
  verifyOcspResponse,
  type CertificateStatus,
  type OcspCheck,
} from '../../src/infrastructure/x509/revocation/ocsp-response-verifier.js';
import { entriesFor, parseCrl } from '../../src/infrastructure/x509/revocation/crl.js';
import {
  namesMatch,
  refuseForm,
  verifyCrlBytes,
  type CrlCheck,
} from '../../src/infrastructure/x509/revocation/crl-verifier.js';
import {
  crlExt,
  DAY,
  ecKey,
  ext,
  integer,
  makeAuthority,
  makeCardCertificate,
  makeCertificate,
  makeCrl,
  makeOcspResponse,
  makeSingleResponse,
  name,
  NOW,
  ocspError,
  type CertificateSpec,
  type CrlSpec,
  type ExtensionSpec,
  type OcspAnswerSpec,
} from './support/certificate-factory.js';

/** Each rule of an OCSP answer alone: one thing is wrong and is told in its own words, and without it the answer
 * counts. */
const [caKey, responderKey, strangeKey, cardKey] = [ecKey(), ecKey(), ecKey(), ecKey()];
const authority = makeAuthority(caKey);
const card = makeCardCertificate(authority, cardKey);
const RESPONDER = name(['C', 'JP'], ['O', 'Responder']);
const NONCE = Buffer.alloc(32, 5);
const NULL = encodeDer(TAG.null);

const answer = (changes: Partial<OcspAnswerSpec> = {}): Buffer =>
  makeOcspResponse({ issuer: authority, serial: 0x1234, thisUpdate: NOW, nextUpdate: NOW + DAY, ...changes });
const issuerOf = (der: Buffer): OcspCheck['issuer'] => {
  const certificate = parseCertificate(der);
  return { certificate, publicKey: new PublicKey(certificate.spki) };
};
const ISSUER = issuerOf(authority.certificate);
const judged = (response: Buffer, changes: Partial<OcspCheck> = {}): CertificateStatus =>
  verifyOcspResponse({
    response,
    certificate: parseCertificate(card),
    issuer: ISSUER,
    nonce: null,
    requireNonce: false,
    certIdHash: null,
    at: NOW,
    clockToleranceSeconds: 300,
    maxStatusAgeSeconds: null,
    algorithms: GENERAL_ALGORITHMS,
    ...changes,
  });
const said = (...of: Parameters<typeof judged>): string => {
  const found = judged(...of);
  if (found.status === 'unknown') return `${found.cause}: ${found.detail}`;
  return found.status === 'revoked' ? `revoked: ${found.reason}` : found.status;
};
const childrenOf = (content: Buffer): Buffer[] => {
  const [reader, children]: [DerReader, Buffer[]] = [new DerReader(content), []];
  while (!reader.atEnd) children.push(Buffer.from(reader.element()));
  return children;
};
const contentOf = (der: Buffer): Buffer => new DerReader(der).read(der[0]!);
/** @param at which child of which child … is put in the place of */
const replaced = (der: Buffer, [first, ...rest]: readonly number[], by: (old: Buffer) => Buffer): Buffer => {
  if (first === undefined) return by(der);
  const children = childrenOf(contentOf(der));
  return encodeDer(der[0]!, ...children.with(first, replaced(children[first]!, rest, by)));
};
/** Content of the answer, and of its signed part, by their places. */
const BASIC = [1, 0, 1];
const inBasic = (der: Buffer, at: readonly number[], by: (old: Buffer) => Buffer): Buffer =>
  replaced(der, BASIC, (octets) => encodeDer(TAG.octetString, replaced(contentOf(octets), at, by)));
const longer = (der: Buffer): Buffer => encodeDer(der[0]!, contentOf(der), NULL);

const FITS_NOT = 'the signature does not belong to these bytes and this key';

describe('an OCSP answer is read to the last byte', () => {
  const whole = answer({
    nonce: NONCE,
    status: { revokedAt: NOW - 5, reason: 1 },
    certificates: [authority.certificate],
    singleExtensions: [ext.unknown(false)],
  });
  const byKey = answer({ byKey: true });
  it.each<[string, Buffer]>([
    ['OCSP response: bytes after the end', Buffer.concat([whole, NULL])],
    ['OCSP response: bytes after the end', replaced(whole, [], longer)],
    ['OCSP response: bytes after the end', replaced(whole, [1], longer)],
    ['OCSP response: bytes after the end', replaced(whole, [1, 0], longer)],
    ['basic OCSP response: bytes after the end', replaced(whole, BASIC, longer)],
    ['basic OCSP response: bytes after the end', inBasic(whole, [], longer)],
    ['certificates: bytes after the end', inBasic(whole, [3], longer)],
    ['expected tag 0x30, found 0x5', inBasic(whole, [3, 0], longer)],
    ['OCSP response data: bytes after the end', inBasic(whole, [0], longer)],
    ['responder name: bytes after the end', inBasic(whole, [0, 0], longer)],
    ['responder key: bytes after the end', inBasic(byKey, [0, 0], longer)],
    ['single OCSP answer: bytes after the end', inBasic(whole, [0, 2, 0], longer)],
    ['CertID: bytes after the end', inBasic(whole, [0, 2, 0, 0], longer)],
    ['hash algorithm: bytes after the end', inBasic(whole, [0, 2, 0, 0, 0], longer)],
    ['a NULL with content', inBasic(whole, [0, 2, 0, 0, 0, 1], () => encodeDer(TAG.null, Buffer.of(0)))],
    ['revoked status: bytes after the end', inBasic(whole, [0, 2, 0, 1], longer)],
    ['revocation reason: bytes after the end', inBasic(whole, [0, 2, 0, 1, 1], longer)],
    ['next update: bytes after the end', inBasic(whole, [0, 2, 0, 3], longer)],
    ['extensions: bytes after the end', inBasic(whole, [0, 2, 0, 4], longer)],
    ['extensions: bytes after the end', inBasic(whole, [0, 3], longer)],
    ['a status with content where there is none', withStatus(encodeDer(context(0), Buffer.of(0)))],
    ['a status with content where there is none', withStatus(encodeDer(context(2), Buffer.of(0)))],
    ['expected tag 0xa1, found 0x83', withStatus(encodeDer(context(3)))],
    ['an unknown reason of revocation', answer({ status: { revokedAt: NOW, reason: 7 } })],
    ['INTEGER too large', answer({ status: { revokedAt: NOW, reason: 11 } })],
    ['version: bytes after the end', withVersion(integer(0), NULL)],
    ['INTEGER too large', withVersion(integer(1))],
    ['an extension twice', answer({ responseExtensions: [ext.unknown(false), ext.unknown(false)] })],
    ['an extension twice', answer({ singleExtensions: [ext.unknown(false), ext.unknown(false)] })],
    ['a name with undecodable text', answer({ responder: { name: badName(), key: caKey } })],
    ['an OCSP response of a type other than basic', answer({ typeOid: OID.ocspNonce })],
    ['a successful OCSP response without an answer', ocspError(0)],
    ['OCSP response too large', Buffer.alloc(65_537)],
    ['expected tag 0x30, found 0x0', Buffer.alloc(65_536)],
    ['too many certificates in an OCSP response', answer({ certificates: Array<Buffer>(9).fill(card) })],
    ['too many answers in one OCSP response', answer({ more: others(128) })],
  ])('%s', (detail, response) => {
    expect(said(response)).toBe(`status_malformed: ${detail}`);
  });
  it('and counts up to its bounds, with what may be left out and written out', () => {
    expect(said(answer({ certificates: Array<Buffer>(8).fill(card), more: others(127) }))).toBe('good');
    // The form is read; what was changed is not what was signed.
    for (const form of [withVersion(integer(0)), inBasic(whole, [0, 2, 0, 0, 0], withoutParameters)])
      expect(said(form)).toMatch(/^status_signature/);
    expect(said(whole)).toBe('revoked: key_compromise');
  });
  it.each([
    [1, 'malformedRequest'],
    [2, 'internalError'],
    [3, 'tryLater'],
    [4, 'status 4'],
    [5, 'sigRequired'],
    [6, 'unauthorized'],
  ])('error %d is %s', (status, words) => {
    expect(said(ocspError(status))).toBe(`responder_error: the responder answered ${words}`);
  });
  it.each([
    [0, 'unspecified'],
    [1, 'key_compromise'],
    [2, 'ca_compromise'],
    [3, 'affiliation_changed'],
    [4, 'superseded'],
    [5, 'cessation_of_operation'],
    [6, 'certificate_hold'],
    [8, 'remove_from_crl'],
    [9, 'privilege_withdrawn'],
    [10, 'aa_compromise'],
    [undefined, null],
  ])('reason %s is %s', (code, reason) => {
    const status = { revokedAt: NOW - 5, ...(code !== undefined && { reason: code }) };
    expect(judged(answer({ status }))).toMatchObject({ status: 'revoked', reason, revokedAt: NOW - 5 });
  });

  function others(count: number): Buffer[] {
    return Array.from({ length: count }, (_, i) =>
      makeSingleResponse({ issuer: authority, serial: 0x5000 + i, thisUpdate: NOW }),
    );
  }
  function withStatus(status: Buffer): Buffer {
    return inBasic(answer(), [0, 2, 0, 1], () => status);
  }
  function withVersion(...content: Buffer[]): Buffer {
    return inBasic(answer(), [0], (tbs) =>
      encodeDer(TAG.sequence, encodeDer(contextConstructed(0), ...content), contentOf(tbs)),
    );
  }
  function withoutParameters(algorithm: Buffer): Buffer {
    return encodeDer(TAG.sequence, childrenOf(contentOf(algorithm))[0]!);
  }
  function badName(): Buffer {
    const value = encodeDer(TAG.utf8String, Buffer.of(0xff));
    return encodeDer(TAG.sequence, encodeDer(TAG.set, encodeDer(TAG.sequence, encodeOid(OID.organization), value)));
  }
});

describe('an OCSP answer counts', () => {
  const ABOUT_ANOTHER = 'status_mismatch: the answer is about another certificate';
  const single = makeSingleResponse({ issuer: authority, serial: 0x1234, thisUpdate: NOW });
  const critical = (oid: string): ExtensionSpec => ({
    oid,
    critical: true,
    value: oid === OID.ocspNonce ? encodeDer(TAG.octetString, NONCE) : NULL,
  });
  const unknownCritical = (oid: string) => `status_malformed: unknown critical extension ${oid} in the answer`;
  const withNonce = (nonce: Buffer | null, requireNonce = true) => ({ nonce, requireNonce });

  it('with its evidence', () => {
    const signerKeySha256 = createHash('sha256').update(ISSUER.certificate.publicKeyBits).digest('hex');
    const evidence = { thisUpdate: NOW, nextUpdate: NOW + DAY, signerKeySha256, responderToCheck: null };
    expect(judged(answer())).toEqual({ status: 'good', evidence });
    expect(judged(answer({ byKey: true }))).toEqual({ status: 'good', evidence });
  });
  it.each<[string, string, Buffer, Partial<OcspCheck>?]>([
    ['with another certificate beside it', 'good', answer({ more: [otherSerial()] })],
    ['about another serial', ABOUT_ANOTHER, answer({ serial: 0x1235 })],
    ['about another name', ABOUT_ANOTHER, answer({ certId: { nameHash: Buffer.alloc(20) } })],
    ['about another key', ABOUT_ANOTHER, answer({ certId: { keyHash: Buffer.alloc(20) } })],
    ['with a hash that nobody knows', ABOUT_ANOTHER, answer({ certId: { hashOid: '1.2.840.113549.2.5' } })],
    ['with the hash asked for', 'good', answer(), { certIdHash: 'sha1' }],
    ['with another hash', ABOUT_ANOTHER, answer(), { certIdHash: 'sha256' }],
    ['twice', 'status_mismatch: several answers about one certificate', answer({ more: [single] })],
    ['as unknown', 'status_unknown: the responder does not know the certificate', answer({ status: 'unknown' })],
    ['with the nonce', 'good', answer({ nonce: NONCE }), withNonce(NONCE)],
    ['with a nonce that nobody asked for', 'good', answer({ nonce: NONCE }), withNonce(null)],
    ['without a nonce that may be missing', 'good', answer(), withNonce(NONCE, false)],
    ['without nonce', 'nonce_mismatch: the answer has no nonce', answer(), withNonce(NONCE)],
    [
      'with an extension in the place of the nonce',
      'nonce_mismatch: the answer has no nonce',
      answer({ responseExtensions: [ext.unknown(false)] }),
      withNonce(NONCE),
    ],
    ...[Buffer.alloc(32, 6), NONCE.subarray(1), Buffer.alloc(33, 5)].map((nonce): [string, string, Buffer, object] => [
      `with ${nonce.length} other bytes`,
      'nonce_mismatch: the answer has the nonce of another request',
      answer({ nonce }),
      withNonce(NONCE, false),
    ]),
    [
      'with more behind the nonce',
      'status_malformed: nonce: bytes after the end',
      answer({
        responseExtensions: [{ oid: OID.ocspNonce, value: Buffer.concat([encodeDer(TAG.octetString, NONCE), NULL]) }],
      }),
      withNonce(NONCE),
    ],
    ['with a critical nonce', 'good', answer({ responseExtensions: [critical(OID.ocspNonce)] }), withNonce(NONCE)],
    ['with critical proofs of logging', 'good', answer({ singleExtensions: [critical(OID.certificateTimestamps)] })],
    [
      'with critical proofs of its own logging',
      unknownCritical(OID.certificateTimestamps),
      answer({ responseExtensions: [critical(OID.certificateTimestamps)] }),
    ],
    [
      'with a critical nonce for the certificate',
      unknownCritical(OID.ocspNonce),
      answer({ singleExtensions: [critical(OID.ocspNonce)] }),
    ],
    ['with extensions that inform', 'good', answer({ nonce: NONCE, responseExtensions: [ext.unknown(false)] })],
  ])('or not: %s', (_, outcome, response, check = {}) => {
    expect(said(response, check)).toBe(outcome);
  });
  it.each(['sha1', 'sha256', 'sha384', 'sha512'] as const)('when its CertID is made with %s', (hash) => {
    const digest = (bytes: Buffer) => createHash(hash).update(bytes).digest();
    const certId = {
      hashOid: OID[hash],
      nameHash: digest(authority.name),
      keyHash: digest(ISSUER.certificate.publicKeyBits),
    };
    expect(said(answer({ certId }))).toBe('good');
  });

  const FUTURE = 'status_stale: the answer is from the future';
  const PASSED = 'status_stale: the time of the next update has passed';
  const EARLY = NOW - 100 * DAY;
  const LATE = NOW + 100 * DAY;
  const AFTER = { at: LATE + 1, producedWithinValidity: true };
  it.each<[string, string, Partial<OcspAnswerSpec>, Partial<OcspCheck>]>([
    ['an update at its own time', 'good', { nextUpdate: NOW }, {}],
    [
      'one before',
      'status_malformed: nextUpdate before thisUpdate',
      { nextUpdate: NOW - 1, producedAt: NOW },
      { at: NOW - 1 },
    ],
    ['within the tolerance', 'good', {}, { at: NOW - 300 }],
    ['before it', FUTURE, {}, { at: NOW - 301 }],
    ['made within the tolerance', 'good', { producedAt: NOW + 300 }, {}],
    ['made after it', FUTURE, { producedAt: NOW + 301 }, {}],
    ['updated after it', FUTURE, { thisUpdate: NOW + 301, producedAt: NOW }, {}],
    ['made with the certificate', 'good', { producedAt: EARLY, thisUpdate: EARLY }, {}],
    [
      'made before the certificate',
      'status_stale: the answer was made before the certificate',
      { producedAt: EARLY - 1 },
      {},
    ],
    ['made while the certificate ran', 'good', { producedAt: LATE, nextUpdate: LATE + DAY }, AFTER],
    [
      'made after that',
      'status_stale: the answer was made after the certificate ran out',
      { producedAt: LATE + 1, nextUpdate: LATE + DAY },
      AFTER,
    ],
    ['made after that for the server', 'good', { producedAt: LATE + 1, nextUpdate: LATE + DAY }, { at: LATE + 1 }],
    ['at its last second', 'good', {}, { at: NOW + DAY }],
    ['a second later', PASSED, {}, { at: NOW + DAY + 1 }],
    ['of the greatest age', 'good', {}, { at: NOW + 60, maxStatusAgeSeconds: 60 }],
    ['older', 'status_stale: the answer is older than 60 s', {}, { at: NOW + 61, maxStatusAgeSeconds: 60 }],
  ])('in its time: %s: %s', (_, outcome, changes, check) => {
    expect(said(answer(changes), check)).toBe(outcome);
  });
  it('for seven days where no update is promised', () => {
    const open = makeOcspResponse({ issuer: authority, serial: 0x1234, thisUpdate: NOW });
    expect(said(open, { at: NOW + 7 * DAY })).toBe('good');
    expect(said(open, { at: NOW + 7 * DAY + 1 })).toBe('status_stale: the answer is older than 604800 s');
    expect(said(open, { at: NOW + 7 * DAY + 1, maxStatusAgeSeconds: 8 * DAY })).toBe('good');
  });

  function otherSerial(): Buffer {
    return makeSingleResponse({ issuer: authority, serial: 0x1235, thisUpdate: NOW, status: 'unknown' });
  }
});

describe('an OCSP answer of a responder', () => {
  const PURPOSE = ext.extendedKeyUsage(OID.ocspSigning);
  const delegate = (extensions: readonly ExtensionSpec[], changes: Partial<CertificateSpec> = {}): Buffer =>
    makeCertificate({
      ...{ subject: RESPONDER, issuer: authority.name, key: responderKey, signer: caKey, serial: 77, extensions },
      ...{ notBefore: NOW - DAY, notAfter: NOW + DAY },
      ...changes,
    });
  const by = (...certificates: Buffer[]): Buffer =>
    answer({ responder: { name: RESPONDER, key: responderKey }, certificates });
  const refused = (words: string) => `responder_unauthorised: ${words}`;
  const NOBODY = refused('no certificate of the answer may speak for the authority');
  const critical = (spec: ExtensionSpec): ExtensionSpec => ({ ...spec, critical: true });
  const names = encodeDer(TAG.sequence, encodeDer(context(2), Buffer.from('a.example')));
  const point = encodeDer(
    TAG.sequence,
    encodeDer(TAG.sequence, encodeDer(contextConstructed(0), encodeDer(contextConstructed(0), contentOf(names)))),
  );
  const EVERY = [
    critical(PURPOSE),
    ext.basicConstraints(false),
    ext.keyUsage(KEY_USAGE.nonRepudiation),
    ext.policies(['1.2.3'], true),
    ...[OID.subjectAltName, OID.issuerAltName].map((oid) => ({ oid, critical: true, value: names })),
    { oid: OID.crlDistributionPoints, critical: true, value: point },
    critical(ext.ocspNoCheck()),
  ];
  const good = delegate([PURPOSE]);

  it('names who has to be looked up himself', () => {
    expect(judged(by(good))).toMatchObject({ status: 'good', evidence: { responderToCheck: parseCertificate(good) } });
    const exempt = judged(by(delegate([PURPOSE, ext.ocspNoCheck()])));
    expect(exempt).toMatchObject({ status: 'good', evidence: { responderToCheck: null } });
  });
  it.each<[string, string, Buffer]>([
    ['with every extension', 'good', by(delegate(EVERY))],
    ['behind one that may not', 'good', by(delegate([]), good)],
    ['behind a stranger', 'good', by(card, good)],
    ['that is not there', NOBODY, by()],
    ['that brings another', NOBODY, by(card)],
    ['with the key of the authority', NOBODY, by(delegate([PURPOSE], { key: caKey }))],
    [
      'of another authority',
      refused('the responder was certified by another authority'),
      by(delegate([PURPOSE], { issuer: RESPONDER })),
    ],
    ['without a purpose', refused('the signer is not marked as a responder'), by(delegate([]))],
    [
      'for any purpose',
      refused('the signer is not marked as a responder'),
      by(delegate([ext.extendedKeyUsage(OID.anyExtendedKeyUsage)])),
    ],
    ['with two purposes', 'good', by(delegate([ext.extendedKeyUsage(OID.timeStamping, OID.ocspSigning)]))],
    ['that signs', 'good', by(delegate([PURPOSE, ext.keyUsage(KEY_USAGE.digitalSignature)]))],
    [
      'that may not sign',
      refused('the responder may not sign'),
      by(delegate([PURPOSE, ext.keyUsage(KEY_USAGE.keyEncipherment)])),
    ],
    [
      'that is an authority',
      refused('the responder is an authority of its own'),
      by(delegate([PURPOSE, ext.basicConstraints(true)])),
    ],
    [
      'with an extension twice',
      refused('the responder has an extension twice'),
      by(delegate([PURPOSE, ext.unknown(false), ext.unknown(false)])),
    ],
    ['with an unknown extension', 'good', by(delegate([PURPOSE, ext.unknown(false)]))],
    [
      'with an unknown critical extension',
      refused("unknown critical extension 1.3.6.1.4.1.99999.1 in the responder's certificate"),
      by(delegate([PURPOSE, ext.unknown(true)])),
    ],
    ['on its first second', 'good', by(delegate([PURPOSE], { notBefore: NOW }))],
    ['on its last second', 'good', by(delegate([PURPOSE], { notAfter: NOW }))],
    ...[{ notBefore: NOW + 1 }, { notAfter: NOW - 1 }].map((times): [string, string, Buffer] => [
      `with ${Object.keys(times).join()} beside it`,
      refused("the responder's certificate is not valid at this time"),
      by(delegate([PURPOSE], times)),
    ]),
    [
      'with two algorithms',
      refused("the responder's certificate names two algorithms"),
      by(delegate([PURPOSE], { innerAlgorithm: 'ecdsa-sha256' })),
    ],
    [
      'certified by a stranger',
      refused(`the responder was not certified by this authority's key: ${FITS_NOT}`),
      by(delegate([PURPOSE], { signer: strangeKey })),
    ],
    [
      'that did not sign',
      `status_signature: ${FITS_NOT}`,
      answer({ responder: { name: RESPONDER, key: strangeKey }, certificates: [good] }),
    ],
    [
      'in the name of the authority',
      `status_signature: ${FITS_NOT}`,
      answer({ responder: { name: authority.name, key: strangeKey } }),
    ],
    [
      'by the hash of a key that is not there',
      NOBODY,
      answer({ byKey: true, responder: { name: RESPONDER, key: strangeKey }, certificates: [good] }),
    ],
    [
      'by the hash of its key',
      'good',
      answer({ byKey: true, responder: { name: RESPONDER, key: responderKey }, certificates: [good] }),
    ],
  ])('%s: %s', (_, outcome, response) => {
    expect(said(response)).toBe(outcome);
  });
});

/** The same for lists of revocation. */
describe('a CRL counts', () => {
  const URI = 'http://crl.example/a.crl';
  const OTHER = name(['C', 'JP'], ['O', 'Other']);
  const list = (changes: Partial<CrlSpec> = {}): Buffer =>
    makeCrl({ issuer: authority, thisUpdate: NOW, nextUpdate: NOW + DAY, ...changes });
  const scoped = (scope: Parameters<typeof crlExt.issuingDistributionPoint>[0]): Buffer =>
    list({ extensions: [crlExt.issuingDistributionPoint(scope)] });
  const withExtension = (oid: string, value: Buffer, critical = false): Buffer =>
    list({ extensions: [{ oid, critical, value }] });
  const numbered = (content: Buffer): Buffer =>
    list({
      number: null,
      extensions: [{ oid: OID.crlNumber, value: Buffer.concat([encodeDer(TAG.integer, content)]) }],
    });
  const cardWith = (...extensions: ExtensionSpec[]): Buffer => makeCardCertificate(authority, cardKey, { extensions });
  const withoutExtensions = makeCardCertificate(authority, cardKey, { version: 1, extensions: [] });
  const subordinate = cardWith(ext.basicConstraints(true));
  const issuerWith = (...extensions: ExtensionSpec[]): Partial<CrlCheck> => ({
    issuer: issuerOf(makeAuthority(caKey, { extensions: [ext.basicConstraints(true), ...extensions] }).certificate),
  });
  const saidOf = (bytes: Buffer, certificate = card, changes: Partial<CrlCheck> = {}): string => {
    const found = verifyCrlBytes(bytes, {
      certificate: parseCertificate(certificate),
      issuer: ISSUER,
      at: NOW,
      clockToleranceSeconds: 300,
      maxStatusAgeSeconds: null,
      algorithms: GENERAL_ALGORITHMS,
      conforming: true,
      ...changes,
    });
    if (found.status === 'unknown') return `${found.cause}: ${found.detail}`;
    return found.status === 'revoked' ? `revoked: ${found.reason}` : found.status;
  };
  const uri = (text: string) => encodeDer(context(6), Buffer.from(text));
  const directory = (subject: Buffer) => encodeDer(contextConstructed(4), subject);
  const full = (...names: Buffer[]) => encodeDer(contextConstructed(0), encodeDer(contextConstructed(0), ...names));
  const RDN = contentOf(contentOf(name(['CN', 'part 1'])));
  const relative = encodeDer(contextConstructed(0), encodeDer(contextConstructed(1), RDN));
  const below = encodeDer(TAG.sequence, contentOf(authority.name), encodeDer(TAG.set, RDN));
  const points = (...all: Buffer[][]): ExtensionSpec => ({
    oid: OID.crlDistributionPoints,
    value: encodeDer(TAG.sequence, ...all.map((parts) => encodeDer(TAG.sequence, ...parts))),
  });
  const ofPoint = (...parts: Buffer[]): Buffer =>
    withExtension(OID.issuingDistributionPoint, encodeDer(TAG.sequence, ...parts), true);
  const flag = (n: number): Buffer => encodeDer(context(n), Buffer.of(0xff));
  const ANOTHER = 'status_mismatch: the CRL of another authority';
  const ELSEWHERE = 'status_mismatch: the CRL of another distribution point';
  const UNDIVIDED =
    'status_mismatch: a CRL for one kind of certificates, and the certificate does not say of which kind it is';
  const malformed = (words: string) => `status_malformed: ${words}`;
  const wronglyCritical = (oid: string) => malformed(`extension ${oid} of a CRL must not be critical`);
  const changeOfIssuer = {
    entries: [{ serial: 0x1234, revokedAt: NOW - 5, extensions: [crlExt.certificateIssuer(authority.name)] }],
  };
  const PLAIN = { version: 1, number: null, authorityKey: null } as const;
  const CRLS = ext.keyUsage(KEY_USAGE.crlSign);

  it.each<[string, string, Buffer, Buffer?, Partial<CrlCheck>?]>([
    ['as it should be', 'good', list()],
    [
      'of another authority, for its certificate',
      ANOTHER,
      list({ issuer: { name: OTHER, key: caKey } }),
      makeCardCertificate({ ...authority, name: OTHER }, cardKey),
    ],
    ['for a certificate of another', ANOTHER, list(), makeCardCertificate({ ...authority, name: OTHER }, cardKey)],
    ['forged', `status_signature: ${FITS_NOT}`, list({ signer: strangeKey })],
    ['whose signature was checked before', 'good', list({ signer: strangeKey }), card, { signatureKnownGood: true }],
    ['of an authority that says nothing of its key', 'good', list(), card, issuerWith()],
    ['of one that signs CRLs', 'good', list(), card, issuerWith(CRLS)],
    [
      'of one that may not',
      'responder_unauthorised: the authority may not sign CRLs',
      list(),
      card,
      issuerWith(ext.keyUsage(KEY_USAGE.keyCertSign)),
    ],
    [
      'that names another key',
      'status_mismatch: the CRL names another key of the authority',
      list({ authorityKey: strangeKey }),
    ],
    ['that names no key', 'good', list({ authorityKey: null })],
    [
      'that is a delta',
      'status_mismatch: a delta CRL, which says nothing on its own',
      list({ extensions: [crlExt.delta(1)] }),
    ],
    ['that is indirect', 'status_mismatch: an indirect CRL, which is not taken here', scoped({ indirect: true })],
    [
      'that is indirect without need',
      malformed('entries of other authorities in a CRL that is not indirect'),
      list(changeOfIssuer),
    ],
    ['updated at its own time', 'good', list({ nextUpdate: NOW })],
    ['updated before', malformed('nextUpdate before thisUpdate'), list({ nextUpdate: NOW - 1 }), card, { at: NOW - 1 }],
    ['without number', malformed('a CRL without CRL number'), list({ number: null })],
    ['without number, for the lenient', 'good', list({ number: null }), card, { conforming: false }],
    ['of version 1', malformed('extensions in a version 1 CRL'), list({ version: 1 })],
    ['of version 1, without extensions', malformed('a CRL without CRL number'), list(PLAIN)],
    ['of version 1, for the lenient', 'good', list(PLAIN), card, { conforming: false }],
    ['with the largest number', 'good', numbered(Buffer.alloc(20, 0x7f))],
    ['with the number 0x7fff', 'good', numbered(Buffer.of(0x7f, 0xff))],
    ['with a larger number', malformed('CRL number'), numbered(Buffer.alloc(21, 0x7f))],
    ['with a negative number', malformed('CRL number'), numbered(Buffer.of(0x80))],
    [
      'with more behind the number',
      malformed('CRL number: bytes after the end'),
      withExtension(OID.deltaCrlIndicator, Buffer.concat([integer(1), NULL])),
    ],
    [
      'with a critical name of the key',
      wronglyCritical(OID.authorityKeyIdentifier),
      list({ authorityKey: null, extensions: [{ ...ext.authorityKeyId(caKey), critical: true }] }),
    ],
    [
      'with a critical place of deltas',
      wronglyCritical(OID.freshestCrl),
      withExtension(OID.freshestCrl, points([full(uri(URI))]).value, true),
    ],
    ['with a place of deltas', 'good', withExtension(OID.freshestCrl, points([full(uri(URI))]).value)],
    [
      'with no place of deltas',
      malformed('no distribution point'),
      withExtension(OID.freshestCrl, encodeDer(TAG.sequence)),
    ],
    [
      'with another name of the issuer',
      'good',
      withExtension(OID.issuerAltName, encodeDer(TAG.sequence, uri(URI)), true),
    ],
    [
      'with no other name',
      malformed('an empty list of names'),
      withExtension(OID.issuerAltName, encodeDer(TAG.sequence)),
    ],
    ...[(key: Buffer) => Buffer.concat([key, NULL]), longer].map((change): [string, string, Buffer] => [
      `with more behind the name of the key: ${change.name}`,
      malformed('authorityKeyIdentifier: bytes after the end'),
      list({
        authorityKey: null,
        extensions: [{ oid: OID.authorityKeyIdentifier, value: change(ext.authorityKeyId(caKey).value) }],
      }),
    ]),
    ['with an empty scope', malformed('issuingDistributionPoint: empty'), ofPoint()],
    ['with more in the scope', malformed('issuingDistributionPoint: bytes after the end'), ofPoint(flag(1), NULL)],
    [
      'with more behind the scope',
      malformed('issuingDistributionPoint: bytes after the end'),
      withExtension(OID.issuingDistributionPoint, Buffer.concat([encodeDer(TAG.sequence, flag(1)), NULL]), true),
    ],
    ...[
      [1, 2],
      [1, 5],
      [2, 5],
    ].map((flags): [string, string, Buffer] => [
      `for the kinds ${flags.join()}`,
      malformed('issuingDistributionPoint: several kinds of certificates'),
      ofPoint(...flags.map(flag)),
    ]),
    ['for users', 'good', scoped({ user: true })],
    [
      'for users, of an authority',
      'status_mismatch: a CRL for certificates of users only',
      scoped({ user: true }),
      subordinate,
    ],
    ['for authorities, of an authority', 'good', scoped({ authority: true }), subordinate],
    ['for authorities', 'status_mismatch: a CRL for certificates of authorities only', scoped({ authority: true })],
    [
      'for authorities, of one that says that it is none',
      'status_mismatch: a CRL for certificates of authorities only',
      scoped({ authority: true }),
      cardWith(ext.basicConstraints(false)),
    ],
    ['for attributes', 'status_mismatch: a CRL for attribute certificates', scoped({ attribute: true })],
    ['for users, of version 1', UNDIVIDED, scoped({ user: true }), withoutExtensions],
    ['for authorities, of version 1', UNDIVIDED, scoped({ authority: true }), withoutExtensions],
    ['for all, of version 1', 'good', scoped({ reasons: 0x1fe }), withoutExtensions],
    [
      'for some reasons',
      'status_unknown: the CRL speaks of some reasons of revocation only',
      scoped({ reasons: 0xfe }),
    ],
    ['at the point of the certificate', 'good', scoped({ uri: URI }), cardWith(points([full(uri(URI))]))],
    ['at one of its points', 'good', scoped({ uri: URI }), cardWith(points([full(uri(`${URI}x`))], [full(uri(URI))]))],
    ['at a point of two names', 'good', ofPoint(full(uri(`${URI}x`), uri(URI))), cardWith(points([full(uri(URI))]))],
    ['at another point', ELSEWHERE, scoped({ uri: URI }), cardWith(points([full(uri(`${URI}x`))]))],
    [
      'at a point of another authority',
      ELSEWHERE,
      scoped({ uri: URI }),
      cardWith(points([full(uri(URI)), encodeDer(contextConstructed(2), directory(OTHER))])),
    ],
    ['at a point, for a certificate without', ELSEWHERE, scoped({ uri: URI })],
    ['at its issuer, for a certificate without', 'good', ofPoint(full(directory(authority.name)))],
    ['at a point below its issuer', 'good', ofPoint(relative), cardWith(points([relative]))],
    ['at that point by its whole name', 'good', ofPoint(relative), cardWith(points([full(directory(below))]))],
    [
      'at that point, for its issuer itself',
      ELSEWHERE,
      ofPoint(relative),
      cardWith(points([full(directory(authority.name))])),
    ],
  ])('or not: %s: %s', (_, outcome, bytes, certificate = card, check = {}) => {
    expect(saidOf(bytes, certificate, check)).toBe(outcome);
  });
  it('for the entries of each issuer in an indirect one', () => {
    const issuedBy = (by: Buffer[], serial: number, reason: number) => ({
      serial,
      revokedAt: NOW - serial,
      extensions: [
        crlExt.reason(reason),
        ...(by.length === 0
          ? []
          : [{ oid: OID.certificateIssuer, critical: true, value: encodeDer(TAG.sequence, ...by) }]),
      ],
    });
    const issued = (by: Buffer | null, serial: number, reason: number) =>
      issuedBy(by === null ? [] : [directory(by)], serial, reason);
    const crl = parseCrl(
      list({
        extensions: [crlExt.issuingDistributionPoint({ indirect: true })],
        entries: [
          issued(null, 7, 1),
          issued(OTHER, 7, 3),
          issued(null, 8, 4),
          issued(authority.name, 7, 5),
          issued(null, 9, 6),
          // One that two names name, and one that a text of the same bytes does not.
          issuedBy([directory(OTHER), directory(authority.name)], 10, 1),
          issuedBy([directory(authority.name), encodeDer(context(6), OTHER)], 11, 1),
        ],
      }),
    );
    const reasons = (serial: number, of: Buffer) =>
      entriesFor(crl, Buffer.of(serial), (subject) => subject.equals(of)).map(({ reason }) => reason);
    expect([authority.name, OTHER].map((of) => [7, 8, 9, 10, 11].map((serial) => reasons(serial, of)))).toEqual([
      [['key_compromise', 'cessation_of_operation'], [], ['certificate_hold'], ['key_compromise'], ['key_compromise']],
      [['affiliation_changed'], ['superseded'], [], ['key_compromise'], []],
    ]);
    expect(
      refuseForm(crl, {
        at: NOW,
        clockToleranceSeconds: 0,
        maxStatusAgeSeconds: null,
        algorithms: GENERAL_ALGORITHMS,
        conforming: true,
      }),
    ).toBeNull();
  });
  it('at the point whose issuer the certificate names', () => {
    const at = (scope: Buffer[], ...parts: Buffer[]): boolean => {
      const certificate = parseCertificate(cardWith(points(parts)));
      return namesMatch(parseCrl(ofPoint(...scope)), certificate.extensions.crlDistributionPoints![0]!, certificate);
    };
    const by = (...names: Buffer[]) => encodeDer(contextConstructed(2), ...names);
    expect([
      at([full(directory(OTHER))], by(directory(OTHER))),
      at([full(directory(OTHER))], by(directory(authority.name))),
      at([full(uri(URI))], by(uri(URI))),
      at([full(directory(extended(OTHER)))], relative, by(uri(URI), directory(OTHER))),
      at([full(directory(below))], relative, by(directory(OTHER))),
      at([full(directory(below))], relative, by(uri(URI))),
    ]).toEqual([true, false, true, true, false, true]);

    function extended(base: Buffer): Buffer {
      return encodeDer(TAG.sequence, contentOf(base), encodeDer(TAG.set, RDN));
    }
  });
});
