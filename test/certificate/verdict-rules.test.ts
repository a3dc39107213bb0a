import { createHash, sign } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import type {
  CertificateVerdict,
  SealedCertificateEvidence,
} from '../../src/application/ports/outside/certificate-verifier.js';
import { evidenceBytes, sealedEvidenceId, sealedEvidenceSha256 } from '../../src/application/case/sealed-evidence.js';
import type { KeptVerdict, VerdictJudgement } from '../../src/domain/audit/replay/certificate-replay.js';
import { compareCard, NOT_COMPARED, type CardAgreement } from '../../src/domain/registration/card-agreement.js';
import type { CertificateEvidence, CertificateType } from '../../src/domain/values/certificate-status.js';
import {
  certificateRules,
  secondsOf,
  settingsOf,
  type CertificateRuleOptions,
} from '../../src/infrastructure/jpki/certificate-check.js';
import { certificateJudge } from '../../src/infrastructure/jpki/judge-kept-verdict.js';
import {
  differences,
  readKeptEvidence,
  recomputeVerdict,
  type KeptCheck,
} from '../../src/infrastructure/jpki/recompute-verdict.js';
import { KEY_USAGE, OID } from '../../src/infrastructure/x509/asn1/oids.js';
import { TrustAnchors } from '../../src/infrastructure/x509/path/trust-anchors.js';
import {
  cardExtensions,
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
  type Authority,
  type KeyPair,
  type OcspAnswerSpec,
} from './support/certificate-factory.js';

/** Each rule by which a verdict is made, and made again from what was kept, alone and in its words. */
const [authority, other, cardKey] = [makeAuthority(ecKey()), makeAuthority(ecKey(), { serial: 2 }), ecKey()];
const AT = new Date(NOW * 1000).toISOString();
const NONCE = Buffer.alloc(16, 3);
const NEXT = new Date((NOW + DAY) * 1000).toISOString();
const CLIENT = '1.3.6.1.5.5.7.3.2';
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const anchorOf = ({ certificate }: Authority): string => sha256(certificate);
const rulesOf = (options: CertificateRuleOptions = {}, roots = [authority]) => {
  const certificates = roots.map(({ certificate }) => certificate);
  return certificateRules(
    TrustAnchors.load({ user_authentication: certificates, digital_signature: certificates }, 'test'),
    options,
  );
};
const RULES = rulesOf();
const card = (changes: Parameters<typeof makeCardCertificate>[2] = {}, issuer = authority): Buffer =>
  makeCardCertificate(issuer, cardKey, changes);
const answered = (changes: Partial<OcspAnswerSpec> = {}): Partial<SealedCertificateEvidence> => ({
  statusResponse: makeOcspResponse({
    ...{ issuer: authority, serial: 0x1234, thisUpdate: NOW, nextUpdate: NOW + DAY, nonce: NONCE },
    ...changes,
  }),
});
const REQUEST = {
  ...{ boothId: 'booth', counter: 4, certificateType: 'user_authentication', mode: 'GOVERNMENT_SUBMISSION' },
  ...{ capturedAtUtc: AT, consent: { textVersion: '1', keepReferenceImage: true } },
};

interface Changes {
  readonly sealed?: Partial<SealedCertificateEvidence>;
  readonly type?: CertificateType;
  readonly key?: KeyPair;
  /** Instead of what the card signed. */
  readonly signedText?: string;
  readonly signatureOver?: string;
  readonly at?: string;
  readonly checkedAt?: number;
}
const signedText = (certificate: Uint8Array, more: object = {}): string =>
  JSON.stringify({ ...REQUEST, certificateSha256: sha256(certificate), ...more });

function check(changes: Changes = {}): KeptCheck {
  const { key = cardKey, type = 'user_authentication' } = changes;
  const sealed: SealedCertificateEvidence = {
    ...{ certificate: card(), statusKind: 'ocsp', statusResponse: null, settings: settingsOf(RULES, type) },
    ocspNonce: NONCE.toString('hex'),
    ...answered(),
    ...changes.sealed,
  };
  const text = changes.signedText ?? signedText(sealed.certificate);
  const hash = key.publicKey.asymmetricKeyType === 'ec' ? 'sha384' : 'sha256';
  return {
    sealed,
    certificateType: type,
    signedBytes: Buffer.from(text),
    signature: sign(hash, Buffer.from(changes.signatureOver ?? text), key.privateKey),
    at: changes.at ?? AT,
    evidence: {
      checkedAtUtc: new Date((changes.checkedAt ?? NOW) * 1000).toISOString(),
      source: 'http://a.example',
    } as CertificateEvidence,
  };
}
const said = (verdict: CertificateVerdict): string =>
  verdict.verdict === 'valid'
    ? 'valid'
    : `${verdict.verdict} ${verdict.verdict === 'invalid' ? verdict.reason : verdict.cause}: ${verdict.detail}`;

describe('a verdict', () => {
  const EVIDENCE = {
    method: 'ocsp',
    source: 'http://a.example',
    status: 'good',
    revocationReason: null,
    revokedAtUtc: null,
    thisUpdateUtc: AT,
    nextUpdateUtc: NEXT,
    trustAnchorSha256: anchorOf(authority),
    pathLength: 2,
    checkedAtUtc: AT,
  };

  it('is made of path and answer, with everything that it rests on', () => {
    const kept = check();
    const verdict = recomputeVerdict(kept, RULES);
    expect(verdict).toMatchObject({
      verdict: 'valid',
      evidence: { ...EVIDENCE, responderKeySha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
      sealed: {
        statusKind: 'ocsp',
        ocspNonce: NONCE.toString('hex'),
        settings: settingsOf(RULES, 'user_authentication'),
      },
      holder: { issuerName: authority.name, serialNumber: '1234' },
      statements: { birthDate: null, sex: null },
    });
    expect(verdict.verdict === 'valid' && verdict.sealed).toMatchObject({
      certificate: kept.sealed.certificate,
      statusResponse: kept.sealed.statusResponse,
    });
  });
  it('says where no next answer was promised', () => {
    const verdict = recomputeVerdict(check({ sealed: { statusResponse: OPEN } }), RULES);
    expect(verdict).toMatchObject({ evidence: { ...EVIDENCE, nextUpdateUtc: null } });
  });
  it('says why and since when it was revoked', () => {
    const since = new Date((NOW - 60) * 1000).toISOString();
    for (const [reason, stated, words] of [
      [1, 'key_compromise', 'key_compromise'],
      [undefined, 'unspecified', 'no reason stated'],
    ] as const) {
      const status = { revokedAt: NOW - 60, ...(reason !== undefined && { reason }) };
      const verdict = recomputeVerdict(check({ sealed: answered({ status }) }), RULES);
      expect(verdict).toMatchObject({
        ...{ verdict: 'invalid', reason: 'revoked', detail: `revoked: ${words}` },
        evidence: { ...EVIDENCE, status: 'revoked', revocationReason: stated, revokedAtUtc: since },
      });
    }
  });
  it('of a path alone has no status', () => {
    const refused = recomputeVerdict(check({ sealed: { certificate: card({ notAfter: NOW - 1 }) } }), RULES);
    expect(refused).toMatchObject({
      ...{ verdict: 'invalid', reason: 'expired' },
      evidence: {
        ...{ method: 'none', source: null, status: 'not_checked', revocationReason: null, revokedAtUtc: null },
        ...{ thisUpdateUtc: null, nextUpdateUtc: null, responderKeySha256: null, trustAnchorSha256: null },
        ...{ pathLength: 0, checkedAtUtc: AT },
      },
      sealed: { statusResponse: null, statusKind: null, ocspNonce: null, settings: { anchors: [anchorOf(authority)] } },
    });
    // The path is told where it was found.
    expect(recomputeVerdict(check({ signatureOver: 'something else' }), RULES)).toMatchObject({
      ...{ verdict: 'invalid', reason: 'card_signature' },
      evidence: { trustAnchorSha256: anchorOf(authority), pathLength: 2 },
    });
  });

  const crl = (changes: object = {}): Partial<SealedCertificateEvidence> => ({
    statusKind: 'crl',
    ocspNonce: null,
    statusResponse: makeCrl({ issuer: authority, thisUpdate: NOW, nextUpdate: NOW + 9 * DAY, ...changes }),
  });
  const STALE = 'unknown status_stale: the answer is';
  const NO_STATUS = 'unknown no_status_source: no answer about the status was kept';
  const rsa = rsaKey();
  const OPEN = makeOcspResponse({ issuer: authority, serial: 0x1234, thisUpdate: NOW, nonce: NONCE });
  const SIGN = cardExtensions(authority, cardKey, 'sign');
  it.each<[string, string, Changes, CertificateRuleOptions?]>([
    ['as it should be', 'valid', {}],
    ['without answer', NO_STATUS, { sealed: { statusResponse: null } }],
    ['with an answer of no kind', NO_STATUS, { sealed: { statusKind: null } }],
    ['with a list', 'valid', { sealed: crl(), checkedAt: NOW + 8 * DAY }],
    [
      'with a list without number',
      'unknown status_malformed: a CRL without CRL number',
      { sealed: crl({ number: null }) },
    ],
    ['with an answer that promises no other', 'valid', { sealed: { statusResponse: OPEN } }],
    ['with an answer of a day', 'valid', { checkedAt: NOW + DAY }],
    [
      'with an older one',
      `${STALE} older than 86400 s`,
      { sealed: answered({ nextUpdate: NOW + 9 * DAY }), checkedAt: NOW + DAY + 1 },
    ],
    [
      'with an older one that is allowed',
      'valid',
      { sealed: answered({ nextUpdate: NOW + 9 * DAY }), checkedAt: NOW + DAY + 1 },
      { status: { maxStatusAgeSeconds: DAY + 1 } },
    ],
    ['with an answer within the tolerance', 'valid', { checkedAt: NOW - 300 }],
    ['with one from the future', `${STALE} from the future`, { checkedAt: NOW - 301 }],
    ['with a list within the tolerance', 'valid', { sealed: crl(), checkedAt: NOW - 300 }],
    [
      'with a list from the future',
      'unknown status_stale: the CRL is from the future',
      { sealed: crl(), checkedAt: NOW - 61 },
      { status: { clockToleranceSeconds: 60 } },
    ],
    ['without nonce', 'unknown nonce_mismatch: the answer has no nonce', { sealed: withoutNonce() }],
    ['without nonce that may be missing', 'valid', { sealed: withoutNonce() }, { status: { requireNonce: false } }],
    ['where no nonce was sent', 'valid', { sealed: { ocspNonce: null } }],
    [
      'with the nonce of another',
      'unknown nonce_mismatch: the answer has the nonce of another request',
      { sealed: { ocspNonce: '00' } },
    ],
    [
      'with another hash',
      'unknown status_mismatch: the answer is about another certificate',
      { sealed: answered({ hash: 'sha256' }) },
    ],
    ['with the other hash', 'valid', { sealed: answered({ hash: 'sha256' }) }, { status: { certIdHash: 'sha256' } }],
    [
      'of too many bytes',
      'invalid limit_exceeded: larger than any card certificate',
      { sealed: { certificate: Buffer.alloc(8193) } },
    ],
    [
      'of as many as there may be',
      'invalid malformed: expected tag 0x30, found 0x0',
      { sealed: { certificate: Buffer.alloc(8192) } },
    ],
    [
      'that another signed',
      'invalid card_signature: the signature does not belong to these bytes and this key',
      { signatureOver: 'x' },
    ],
    ['of a card with RSA', 'valid', { key: rsa, sealed: { certificate: makeCardCertificate(authority, rsa) } }],
    [
      'signed with RSA, of a card without',
      'invalid card_signature: the signature does not belong to these bytes and this key',
      { key: rsa },
    ],
    ['of the other type', 'valid', { type: 'digital_signature', sealed: { certificate: card({ extensions: SIGN }) } }],
    ['of a policy that was set', 'valid', withPolicy('1.2.3'), { policyOids: { user_authentication: ['1.2.3'] } }],
    [
      'of a policy that was set for the other type',
      'valid',
      { ...withPolicy('1.2.3', 'sign'), type: 'digital_signature' },
      { policyOids: { digital_signature: ['1.2.3'] } },
    ],
    ['on its last second', 'valid', { sealed: { certificate: card({ notAfter: NOW }) } }],
    [
      'whose path is judged at its own time',
      'valid',
      { sealed: { certificate: card({ notAfter: NOW + 5 }) }, checkedAt: NOW + 60 },
    ],
  ])('%s: %s', (_, outcome, changes, options = {}) => {
    expect(said(recomputeVerdict(check(changes), rulesOf(options)))).toBe(outcome);
  });
  it('needs a policy that the profile has', () => {
    expect(said(recomputeVerdict(check(withPolicy('1.2.3')), RULES))).toMatch(/^invalid policy: /);
    expect(said(recomputeVerdict(check(withPolicy(OID.anyPolicy)), RULES))).toMatch(/^invalid policy: /);
    expect(said(recomputeVerdict(check({ type: 'digital_signature' }), RULES))).toMatch(/^invalid /);
  });
  it('takes nobody for an authority whom only a root has named', () => {
    const middleKey = ecKey();
    const middleName = name(['C', 'JP'], ['O', 'Middle']);
    const middle: Authority = {
      ...{ key: middleKey, name: middleName },
      certificate: makeCertificate({
        ...{ subject: middleName, issuer: authority.name, key: middleKey, signer: authority.key, serial: 9 },
        ...{ notBefore: NOW - DAY, notAfter: NOW + DAY },
        extensions: [
          ext.basicConstraints(true, 0),
          ext.keyUsage(KEY_USAGE.keyCertSign | KEY_USAGE.crlSign),
          ext.policies([OID.jpkiAuthenticationPolicy], true),
          ext.subjectKeyId(middleKey),
          ext.authorityKeyId(authority.key),
        ],
      }),
    };
    const found = check({ sealed: { certificate: card({}, middle), ...answered({ issuer: middle }) } });
    expect(said(recomputeVerdict(found, RULES))).toMatch(/^invalid untrusted_issuer: /);
  });
  it('is set by what the operator stated', () => {
    const settings = { policies: [OID.jpkiAuthenticationPolicy], extendedKeyUsages: [CLIENT] };
    const anchors = [anchorOf(authority)];
    expect(settingsOf(RULES, 'user_authentication')).toEqual({ ...settings, statusAgeSecondsMax: 86_400, anchors });
    expect(RULES.status).toEqual({
      ...{ requireNonce: true, certIdHash: 'sha1', maxStatusAgeSeconds: 86_400, clockToleranceSeconds: 300 },
    });
    expect(
      [2, 3, 1, undefined].map((maxDepth) => rulesOf({ maxDepth }).profiles.digital_signature.maxIntermediates),
    ).toEqual([...[0, 1, 0, 0]]);
    expect(() => secondsOf('soon')).toThrow(new RangeError('not an instant: soon'));
  });
  it('differs in what is named', () => {
    const verdict = recomputeVerdict(check(), RULES);
    const { evidence } = verdict as Extract<CertificateVerdict, { verdict: 'valid' }>;
    const stated = { ...evidence, revokedAtUtc: AT, pathLength: 3 };
    expect(differences({ verdict: 'valid', evidence }, verdict)).toEqual([]);
    expect(differences({ verdict: 'valid', evidence: stated }, verdict)).toEqual(['revokedAtUtc', 'pathLength']);
    expect(differences({ verdict: 'invalid', evidence: stated }, verdict)).toEqual(['verdict']);
    const undecided = { verdict: 'unknown', cause: 'status_stale', detail: '' } as const;
    expect(differences({ verdict: 'unknown', evidence }, undecided)).toEqual([]);
    expect(differences({ verdict: 'valid', evidence }, undecided)).toEqual(['verdict']);
  });

  function withoutNonce(): Partial<SealedCertificateEvidence> {
    return { statusResponse: makeOcspResponse({ issuer: authority, serial: 0x1234, thisUpdate: NOW }) };
  }
  function withPolicy(oid: string, type: 'auth' | 'sign' = 'auth'): Changes {
    const [usage, , ...rest] = cardExtensions(authority, cardKey, type);
    return { sealed: { certificate: card({ extensions: [usage!, ext.policies([oid], true), ...rest] }) } };
  }
});

describe('kept evidence', () => {
  const settings = { policies: ['1.2'], extendedKeyUsages: [], statusAgeSecondsMax: 5, anchors: ['ab'] };
  const faceRecord = { birthDate: '19900101', sex: '1', expiry: '20300101' };
  const presented = {
    ...{ certificateType: 'digital_signature', signedText: '{}', signature: 'AQI=', at: AT, faceRecord },
  };
  const whole = {
    certificate: 'AQID',
    statusKind: 'crl',
    statusResponse: 'BAU=',
    ocspNonce: '0a',
    settings,
    presented,
  };
  const read = (value: unknown) => readKeptEvidence(Buffer.from(JSON.stringify(value)));

  it('is read as it was written', () => {
    expect(read(whole)).toEqual({
      sealed: {
        ...{ certificate: Buffer.of(1, 2, 3), statusKind: 'crl', statusResponse: Buffer.of(4, 5), ocspNonce: '0a' },
        settings,
      },
      presented: {
        ...{ certificateType: 'digital_signature', signedBytes: Buffer.from('{}'), signature: Buffer.of(1, 2) },
        ...{ at: AT, faceRecord },
      },
    });
    const before = { certificate: '', statusKind: null, statusResponse: null, ocspNonce: null };
    expect(read(before)).toEqual({
      sealed: { ...before, certificate: Buffer.alloc(0), settings: null },
      presented: null,
    });
    expect(read({ ...before, statusKind: 'ocsp' }).sealed.statusKind).toBe('ocsp');
    const of = (more: object) => read({ ...whole, presented: { ...presented, ...more } }).presented;
    expect(of({ faceRecord: null })?.faceRecord).toBeNull();
    expect(of({ faceRecord: undefined })?.faceRecord).toBeNull();
    expect(of({ certificateType: 'user_authentication' })?.certificateType).toBe('user_authentication');
  });
  it.each<[string, unknown]>([
    ['null', null],
    ['a text', 'x'],
    ['no certificate', { ...whole, certificate: undefined }],
    ['a certificate that is no text', { ...whole, certificate: 5 }],
    ['an answer that is no text', { ...whole, statusResponse: 5 }],
    ['no answer', { ...whole, statusResponse: undefined }],
    ['a nonce that is no text', { ...whole, ocspNonce: 5 }],
    ['another kind', { ...whole, statusKind: 'scvp' }],
    ['no kind', { ...whole, statusKind: undefined }],
    ...[null, 'x', {}].map((of): [string, unknown] => [`settings ${JSON.stringify(of)}`, { ...whole, settings: of }]),
    ...Object.keys(settings).map((field): [string, unknown] => [
      `settings without ${field}`,
      { ...whole, settings: { ...settings, [field]: undefined } },
    ]),
    ...['policies', 'extendedKeyUsages', 'anchors'].map((field): [string, unknown] => [
      `settings with another ${field}`,
      { ...whole, settings: { ...settings, [field]: ['x', 5] } },
    ]),
    ['settings of half a second', { ...whole, settings: { ...settings, statusAgeSecondsMax: 0.5 } }],
    ...[null, 'x'].map((of): [string, unknown] => [`presented ${of}`, { ...whole, presented: of }]),
    ...['certificateType', 'signedText', 'signature', 'at'].map((field): [string, unknown] => [
      `presented without ${field}`,
      { ...whole, presented: { ...presented, [field]: undefined } },
    ]),
    ['a type that is none', { ...whole, presented: { ...presented, certificateType: 'card' } }],
    ['a time that is no text', { ...whole, presented: { ...presented, at: 2026 } }],
    ['a time that is none', { ...whole, presented: { ...presented, at: 'soon' } }],
    ...Object.keys(faceRecord).map((field): [string, unknown] => [
      `a face record without ${field}`,
      { ...whole, presented: { ...presented, faceRecord: { ...faceRecord, [field]: undefined } } },
    ]),
  ])('is none with %s', (_, value) => {
    expect(() => read(value)).toThrow(new TypeError('not the sealed evidence of a certificate check'));
  });
  it('is none where it is no JSON', () => {
    expect(() => readKeptEvidence(Buffer.from('{'))).toThrow('not the sealed evidence of a certificate check');
  });
});

describe('a kept verdict', () => {
  const RECORD = { birthDate: '19900101', sex: '1', expiry: '20300101' };
  const SAME = { outcome: 'equal' } as const;
  const serialised = (kept: KeptCheck, more: object = {}): Uint8Array =>
    evidenceBytes(kept.sealed, {
      certificateType: kept.certificateType,
      signedText: Buffer.from(kept.signedBytes).toString(),
      signature: Buffer.from(kept.signature).toString('base64'),
      ...{ at: kept.at, faceRecord: null, ...more },
    });

  interface Story {
    readonly check?: Changes;
    readonly presented?: object;
    /** What the log says otherwise than an honest server with these rules. */
    readonly log?: Partial<KeptVerdict>;
    readonly evidence?: Partial<CertificateEvidence>;
    readonly server?: ReturnType<typeof rulesOf>;
    readonly bytes?: (bytes: Uint8Array) => Uint8Array;
  }
  function kept({ check: of = {}, presented, log, evidence, server = RULES, bytes = (as) => as }: Story): KeptVerdict {
    const type = of.type ?? 'user_authentication';
    const one = check({ ...of, sealed: { settings: settingsOf(server, type), ...of.sealed } });
    const verdict = recomputeVerdict(one, server);
    const told = verdict.verdict === 'unknown' ? ({} as CertificateEvidence) : verdict.evidence;
    const sealed = bytes(serialised(one, presented));
    return {
      ...{ index: 0, requestId: 'request', verdict: verdict.verdict === 'invalid' ? 'invalid' : 'valid' },
      ...{ reason: verdict.verdict === 'invalid' ? verdict.reason : null, agreement: null },
      evidence: { ...one.evidence, ...told, ...evidence },
      ...{ sealedEvidenceId: sealedEvidenceId('effect', sealed), sealedEvidenceSha256: sealedEvidenceSha256(sealed) },
      ...{ effectId: 'effect', request: { ...REQUEST, certificateType: type }, sealed },
      ...log,
    };
  }
  const judged = (story: Story, reader = RULES): string => words(certificateJudge(reader)(kept(story)));
  const words = (found: VerdictJudgement): string =>
    found.judged === 'reproduced'
      ? 'reproduced'
      : found.judged === 'differs'
        ? `differs: ${found.detail}`
        : found.judged === 'undecided'
          ? `undecided ${found.code}: ${found.why}`
          : `not possible: ${found.why}`;
  const theCard = card();
  const enveloped = (more: object): Changes => ({
    signedText: signedText(theCard, more),
    sealed: { certificate: theCard },
  });
  const agreement = (sameCard: CardAgreement['sameCard'] = SAME): CardAgreement =>
    compareCard(
      { birthDate: null, sex: null, notAfterUtc: new Date((NOW + 100 * DAY) * 1000).toISOString() },
      RECORD,
      sameCard,
    );
  const agreed = (change: Partial<CardAgreement> = {}): Story => ({
    presented: { faceRecord: RECORD },
    log: { agreement: { ...agreement(), ...change } },
  });
  const ANOTHER = 'differs: the envelope that the card signed names another certificate';
  const otherMember = (member: string) =>
    `differs: the envelope that the card signed has another ${member} than the request in the log`;
  const ranOut = { sealed: { certificate: card({ notAfter: NOW - 1 }) } };

  it.each<[string, string, Story]>([
    ['as it should be', 'reproduced', {}],
    ['of a refusal', 'reproduced', { check: ranOut }],
    ['of a revoked card', 'reproduced', { check: { sealed: answered({ status: { revokedAt: NOW - 5 } }) } }],
    [
      'with other evidence',
      'differs: the evidence in the bundle is not the one that the log names',
      { log: { sealedEvidenceSha256: '0'.repeat(64) } },
    ],
    [
      'with the evidence of another effect',
      'differs: the evidence in the bundle is not the one that the log names',
      { log: { effectId: 'another' } },
    ],
    [
      'with evidence that is none',
      'differs: the evidence cannot be read: not the sealed evidence of a certificate check',
      { bytes: () => Buffer.from('{}') },
    ],
    [
      'of before the signature was kept',
      "not possible: the card's signature was not kept with this evidence (kept by an earlier version)",
      {
        bytes: (bytes) =>
          Buffer.from(JSON.stringify({ ...JSON.parse(Buffer.from(bytes).toString()), presented: undefined })),
      },
    ],
    ['of another certificate', ANOTHER, { check: { signedText: signedText(Buffer.from('another')) } }],
    ['of another certificate, without request', ANOTHER, { check: { signedText: '{}' }, log: { request: null } }],
    ['without request', 'reproduced', { log: { request: null } }],
    ...Object.keys(REQUEST).map((member): [string, string, Story] => [
      `of another ${member}`,
      otherMember(member),
      { check: enveloped({ [member]: 'another' }) },
    ]),
    ...Object.keys(REQUEST).map((member): [string, string, Story] => [
      `of no ${member}`,
      otherMember(member),
      { log: { request: { ...REQUEST, [member]: undefined } } },
    ]),
    [
      'of before there was a consent',
      'reproduced',
      { check: enveloped({ consent: undefined }), log: { request: { ...REQUEST, consent: undefined } } },
    ],
    ['with a request that says more', 'reproduced', { log: { request: { ...REQUEST, more: 1 } } }],
    ['refused for the face record', 'reproduced', { log: { verdict: 'invalid', reason: 'card_record' } }],
    [
      'refused for want of the other certificate',
      'reproduced',
      { log: { verdict: 'invalid', reason: 'signing_certificate_needed' } },
    ],
    [
      'refused for nothing',
      'differs: it was invalid (revoked) and the evidence gives valid',
      { log: { verdict: 'invalid', reason: 'revoked' } },
    ],
    [
      'let in in spite of it',
      'differs: it was valid and the evidence gives invalid (revoked: revoked: no reason stated)',
      { check: { sealed: answered({ status: { revokedAt: NOW - 5 } }) }, log: { verdict: 'valid', reason: null } },
    ],
    [
      'let in without an answer',
      'differs: it was valid and the evidence gives unknown (no_status_source: no answer about the status was kept)',
      { check: { sealed: { statusResponse: null } }, evidence: { trustAnchorSha256: anchorOf(authority) } },
    ],
    [
      'refused for another reason',
      'differs: it was refused for policy and the evidence gives expired',
      { check: ranOut, log: { reason: 'policy' } },
    ],
    [
      'with other words',
      'differs: the log states another thisUpdateUtc, responderKeySha256 than the evidence gives',
      { evidence: { thisUpdateUtc: NEXT, responderKeySha256: '00' } },
    ],
    ['that agrees with its face record', 'reproduced', agreed()],
    ['whose agreement was not looked at', 'reproduced', { log: { agreement: agreement() } }],
    ['of before there was an agreement', 'reproduced', { presented: { faceRecord: RECORD } }],
    [
      'that agrees otherwise',
      'differs: the log states another agreement of certificate and face record (birthDate, expiry) than the ' +
        'evidence gives',
      agreed({ birthDate: SAME, expiry: { outcome: 'differs' } }),
    ],
    ['whose card was told by the authority', 'reproduced', agreed({ sameCard: NOT_COMPARED.sameCard })],
  ])('%s: %s', (_, outcome, story) => {
    expect(judged(story)).toBe(outcome);
  });

  const TWO = rulesOf({}, [authority, other]);
  const FOREIGN = makeAuthority(ecKey(), { subject: name(['C', 'JP'], ['O', 'Foreign']) });
  const missing = (...of: Authority[]) =>
    'undecided certificate_anchor: it was made with roots that you did not give: SHA-256 ' +
    of.map(anchorOf).join(', ');
  const before: Partial<SealedCertificateEvidence> = { settings: null };
  it.each<[string, string, Story, ReturnType<typeof rulesOf>?]>([
    ['with the same roots', 'reproduced', { server: TWO }, TWO],
    ['with the root that it names', 'reproduced', { server: TWO }],
    ['without it', missing(authority), {}, rulesOf({}, [other])],
    ['of a refusal, without one of them', missing(other), { check: ranOut, server: TWO }],
    ['of a refusal, without any', missing(authority, other), { check: ranOut, server: TWO }, rulesOf({}, [FOREIGN])],
    ['of a refusal, with more', 'reproduced', { check: ranOut }, TWO],
    ['of a refusal of before, with its root', 'reproduced', { check: { sealed: { ...ranOut.sealed, ...before } } }],
    [
      'of a refusal of before, without it',
      'undecided certificate_anchor: which roots the server had then was not kept, and with yours it was refused for ' +
        'expired and the evidence gives untrusted_issuer',
      { check: { sealed: { ...ranOut.sealed, ...before } } },
      rulesOf({}, [FOREIGN]),
    ],
    [
      'that names none and is valid',
      'differs: the log states another trustAnchorSha256 than the evidence gives',
      { check: { sealed: before }, evidence: { trustAnchorSha256: null } },
    ],
    [
      'with a root that did not issue it',
      expect.stringMatching(/^differs: it was valid and the evidence gives invalid /) as unknown as string,
      { evidence: { trustAnchorSha256: anchorOf(FOREIGN) } },
      rulesOf({}, [authority, FOREIGN]),
    ],
  ])('%s: %s', (_, outcome, story, reader = RULES) => {
    expect(judged(story, reader)).toEqual(outcome);
  });

  const usage = (oid: string): Partial<SealedCertificateEvidence> => ({
    certificate: card({ extensions: [...cardExtensions(authority, cardKey), ext.extendedKeyUsage(oid)] }),
  });
  const signing = (policy: string): Changes => {
    const [use, , ...rest] = cardExtensions(authority, cardKey, 'sign');
    const extensions = [use!, ext.policies([policy], true), ext.extendedKeyUsage('1.2.9'), ...rest];
    return { type: 'digital_signature', ...signedAs('digital_signature', card({ extensions })) };
  };
  function signedAs(type: CertificateType, certificate: Buffer): Changes {
    return { signedText: signedText(certificate, { certificateType: type }), sealed: { certificate } };
  }
  const settled = (told: string) =>
    'undecided certificate_settings: it follows from the evidence with the settings that the server had, and not ' +
    `with yours: ${told}`;
  const OLD = { ...answered({ nextUpdate: NOW + 9 * DAY }) };
  it.each<[string, string, Story, ReturnType<typeof rulesOf>?]>([
    [
      'with another usage',
      settled(`--auth-usage 1.2.9 (yours: ${CLIENT})`),
      { check: { sealed: usage('1.2.9') }, server: rulesOf({ usageOids: { user_authentication: ['1.2.9'] } }) },
    ],
    [
      'with another age',
      settled('--status-age 100000 (yours: 86400)'),
      {
        check: { sealed: OLD, checkedAt: NOW + 90_000 },
        server: rulesOf({ status: { maxStatusAgeSeconds: 100_000 } }),
      },
    ],
    [
      'of a signature, with all others',
      settled(
        `--sign-policy 1.2.3,1.2.4 (yours: ${OID.jpkiSignaturePolicy}), --sign-usage 1.2.9,1.2.8 (yours: ${CLIENT}), ` +
          '--status-age 5 (yours: 86400)',
      ).replace(CLIENT, () => settingsOf(RULES, 'digital_signature').extendedKeyUsages.join(',')),
      {
        check: signing('1.2.3'),
        server: rulesOf({
          policyOids: { digital_signature: ['1.2.3', '1.2.4'] },
          usageOids: { digital_signature: ['1.2.9', '1.2.8'] },
          status: { maxStatusAgeSeconds: 5 },
        }),
      },
    ],
    [
      'with another policy',
      settled(`--auth-policy ${OID.jpkiAuthenticationPolicy} (yours: 1.2.3)`),
      {},
      rulesOf({ policyOids: { user_authentication: ['1.2.3'] } }),
    ],
    [
      'with other settings, of no consequence',
      'reproduced',
      { server: rulesOf({ status: { maxStatusAgeSeconds: 100_000 } }) },
    ],
    [
      'with other settings, and wrong with both',
      'differs: it was invalid (revoked) and the evidence gives valid',
      { server: rulesOf({ status: { maxStatusAgeSeconds: 5 } }), log: { verdict: 'invalid', reason: 'revoked' } },
    ],
    [
      'of a refusal of before there were settings',
      settled(`--auth-usage ${CLIENT} (yours: 1.2.9)`),
      { check: { sealed: { ...usage('1.2.9'), ...before } } },
      rulesOf({ usageOids: { user_authentication: ['1.2.9'] } }),
    ],
    [
      'of before there were settings',
      settled(`--auth-usage ${CLIENT} (yours: 1.2.9)`),
      { check: { sealed: { ...usage(CLIENT), ...before } } },
      rulesOf({ usageOids: { user_authentication: ['1.2.9'] } }),
    ],
  ])('%s: %s', (_, outcome, story, reader = RULES) => {
    expect(judged(story, reader)).toEqual(outcome);
  });
});
