import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as asn1js from 'asn1js';
import * as pkijs from 'pkijs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parseCertificate } from '../../src/infrastructure/x509/certificate/certificate.js';
import { splitSource, trustAnchor, type TrustAnchor } from '../../src/infrastructure/x509/path/trust-anchors.js';
import { judgeBundleTimestamp } from '../../src/infrastructure/timestamp/judge-bundle-timestamp.js';
import { encodeTimestampRequest } from '../../src/infrastructure/timestamp/timestamp-request.js';
import { parseTimestampResponse } from '../../src/infrastructure/timestamp/timestamp-response.js';
import {
  verifyTimestamp,
  type TimestampCheck,
  type TimestampReason,
  type TimestampVerdict,
} from '../../src/infrastructure/timestamp/timestamp-verifier.js';
import { newKeys } from '../../src/sandbox/timestamp/timestamp-authority.js';
import {
  readTimestampRequest,
  TIMESTAMP_POLICY,
  timestampCrl,
  writeTimestamp,
  writeTimestampRejection,
  type TimestampFault,
  type TimestampKeys,
} from '../../src/sandbox/timestamp/timestamp-writer.js';
import { OPENSSL_POLICY, OpensslTimestampAuthority, opensslJudges } from '../support/openssl-timestamp-authority.js';
import { peer } from '../support/peers.js';
import { describeUnless } from '../support/unless.js';

const ROOT_HASH = Buffer.alloc(32, 7).toString('base64');
const message = Buffer.from(`log.example/honnin\n12\n${ROOT_HASH}\n\n— log.example/honnin ${ROOT_HASH}\n`);
const nonce = Buffer.from('41aabbccddeeff00', 'hex');
const request = encodeTimestampRequest({ message, nonce, policy: null });
const now = new Date('2026-11-23T10:00:00Z');
const folder = mkdtempSync(path.join(tmpdir(), 'honnin-stamp-'));
afterAll(() => rmSync(folder, { recursive: true }));

const file = (name: string, bytes: Uint8Array | string): string => {
  writeFileSync(path.join(folder, name), bytes);
  return path.join(folder, name);
};
const reasonOf = (verdict: TimestampVerdict): string => (verdict.verdict === 'good' ? 'good' : verdict.reason);

let keys: TimestampKeys;
let anchors: readonly TrustAnchor[];
beforeAll(async () => {
  keys = await newKeys(now);
  anchors = [trustAnchor(keys.anchor.certificate)];
});

const stamped = (fault: TimestampFault = 'none', at = now): Buffer =>
  writeTimestamp(readTimestampRequest(request), keys, { fault, now: at, serial: 7 });
const judged = (response: Uint8Array, change: Partial<TimestampCheck> = {}): TimestampVerdict =>
  verifyTimestamp({
    response,
    message,
    nonce,
    policy: TIMESTAMP_POLICY,
    anchors,
    notBeforeMs: now.getTime() - 60_000,
    notAfterMs: now.getTime() + 60_000,
    ...change,
  });

/** What another implementation says of the same bytes: pkijs parses, checks the chain at the stated time, and compares
 * the data. */
async function pkijsSays(response: Uint8Array, anchor: Uint8Array): Promise<boolean> {
  try {
    const token = new pkijs.TimeStampResp({ schema: asn1js.fromBER(Uint8Array.from(response)).result }).timeStampToken;
    if (!token) return false;
    const signed = new pkijs.SignedData({ schema: token.content });
    const checkDate = new pkijs.TSTInfo({ schema: asn1js.fromBER(signed.encapContentInfo.eContent!.getValue()).result })
      .genTime;
    return await signed.verify({
      signer: 0,
      trustedCerts: [pkijs.Certificate.fromBER(Uint8Array.from(anchor))],
      data: Uint8Array.from(message).buffer,
      checkChain: true,
      checkDate,
    });
  } catch {
    return false;
  }
}

/** Whoever rewrote a log leaves the timestamp out; whoever was never stamped has none. @fault L1 */
describe('the timestamp of a bundle', () => {
  const nowMs = now.getTime();
  const held = (token: Buffer | null, change: Partial<Parameters<typeof judgeBundleTimestamp>[1]> = {}) => {
    const checkpoint = message.toString();
    const timestamp = token && { checkpoint, proof: [], token: token.toString('base64') };
    const trust = { anchors, crls: [], policy: null, nowMs, isRequired: false };
    return judgeBundleTimestamp({ timestamp, treeSize: 12, wasRead: true }, { ...trust, ...change });
  };
  const said = (...of: Parameters<typeof held>) => {
    const { judgement, reason } = held(...of);
    return reason === null ? judgement : `${judgement}: ${reason}`;
  };
  const foreign = () => [trustAnchor(keys.foreign.certificate)];

  it('is judged by what the reader holds, and counts against the log only where it must be the log', async () => {
    const other = [trustAnchor((await newKeys(now)).anchor.certificate)];
    const crl = timestampCrl(keys.anchor, now);
    const rows: [string, ReturnType<typeof said>, ReturnType<typeof said>][] = [
      ['holds', said(stamped()), said(stamped(), { isRequired: true })],
      ['no roots', said(stamped(), { anchors: [] }), said(stamped(), { anchors: [], isRequired: true })],
      ['none, no roots', said(null, { anchors: [] }), said(null, { anchors: [], isRequired: true })],
      ['none', said(null), said(null, { isRequired: true })],
      [
        'roots of another',
        said(stamped(), { anchors: foreign() }),
        said(stamped(), { anchors: foreign(), isRequired: true }),
      ],
      [
        'another generation',
        said(stamped(), { anchors: other }),
        said(stamped(), { anchors: other, isRequired: true }),
      ],
      [
        'a clock behind',
        said(stamped(), { nowMs: nowMs - 1e9 }),
        said(stamped(), { nowMs: nowMs - 1e9, isRequired: true }),
      ],
      ['no CRL', said(stamped(), { crls: [message] }), said(stamped(), { crls: [message], isRequired: true })],
      ['a CRL', said(stamped(), { crls: [crl] }), said(stamped(), { crls: [crl], isRequired: true })],
      ['forged', said(stamped('bad_signature')), said(stamped('bad_signature'), { isRequired: true })],
    ];
    expect(rows).toEqual([
      ['holds', 'right', 'right'],
      ['no roots', 'right', 'undecided: no_roots'],
      ['none, no roots', 'right', 'wrong: absent'],
      ['none', 'undecided: absent', 'wrong: absent'],
      ['roots of another', 'undecided: certificate_untrusted_issuer', 'wrong: certificate_untrusted_issuer'],
      ['another generation', 'undecided: certificate_untrusted_issuer', 'wrong: certificate_untrusted_issuer'],
      ['a clock behind', 'undecided: time_in_future', 'wrong: time_in_future'],
      ['no CRL', 'undecided: revocation_malformed', 'wrong: revocation_malformed'],
      ['a CRL', 'right', 'right'],
      ['forged', 'wrong: signature', 'wrong: signature'],
    ]);
  });

  it('says of one that is missing what that means', () => {
    expect(held(null).text).toMatch(/not stamped.*rewrote it left the timestamp out.*--require-timestamp/);
  });
});

describe('a timestamp', () => {
  it('is good when everything holds, and says when, by whom and how exactly', async () => {
    const verdict = judged(stamped());
    expect(verdict).toEqual({
      verdict: 'good',
      timestamp: {
        atMs: now.getTime(),
        accuracyMicroseconds: 1_000_000,
        ordering: false,
        policy: TIMESTAMP_POLICY,
        serialHex: '7',
        authority: 'CN=Timestamp authority (TEST),O=TIMESTAMP-TEST,C=JP',
        anchorSha256: createHash('sha256').update(keys.anchor.certificate).digest('hex'),
        notRevokedUntilMs: null,
      },
    });
    expect(await pkijsSays(stamped(), keys.anchor.certificate)).toBe(true);
  });

  it('is good many years later, when its certificates ran out long ago', () => {
    const later = now.getTime() + 40 * 365 * 86_400_000;
    expect(reasonOf(judged(stamped(), { nonce: null, notBeforeMs: null, notAfterMs: later }))).toBe('good');
  });

  const wrong: readonly (readonly [TimestampFault, TimestampReason])[] = [
    ['waiting', 'status_refused'],
    ['granted_with_mods', 'status_refused'],
    ['granted_without_token', 'malformed'],
    ['trailing_in_token', 'malformed'],
    ['wrong_imprint', 'imprint_mismatch'],
    ['sha1_imprint', 'imprint_algorithm'],
    ['wrong_nonce', 'nonce_mismatch'],
    ['without_nonce', 'nonce_missing'],
    ['other_policy', 'policy_mismatch'],
    ['critical_extension', 'critical_extension'],
    ['from_the_future', 'time_in_future'],
    ['from_the_past', 'time_too_old'],
    ['other_tsa_name', 'authority_name'],
    ['other_tstinfo_version', 'malformed'],
    ['malformed_time', 'malformed'],
    ['without_eku', 'extended_key_usage'],
    ['eku_not_critical', 'extended_key_usage'],
    ['extra_eku', 'extended_key_usage'],
    ['any_eku', 'extended_key_usage'],
    ['key_encipherment', 'key_usage'],
    ['authority_signs', 'extended_key_usage'],
    ['expired_signer', 'certificate_expired'],
    ['not_yet_valid_signer', 'certificate_not_yet_valid'],
    ['foreign_authority', 'certificate_untrusted_issuer'],
    ['unknown_critical_in_certificate', 'certificate_critical_extension'],
    ['tampered_content', 'imprint_mismatch'],
    ['tampered_attributes', 'digest_mismatch'],
    ['bad_signature', 'signature'],
    ['wrong_digest', 'digest_mismatch'],
    ['wrong_content_type', 'content_type'],
    ['other_content', 'malformed'],
    ['unsorted_attributes', 'malformed'],
    ['without_attributes', 'malformed'],
    ['wrong_certificate_hash', 'signing_certificate_mismatch'],
    ['wrong_issuer_serial', 'signing_certificate_mismatch'],
    ['sha1_certificate_hash', 'signing_certificate_missing'],
    ['without_certificate_hash', 'signing_certificate_missing'],
    ['without_certificates', 'signer_certificate_missing'],
    ['two_signers', 'malformed'],
    ['sha1_digest', 'digest_algorithm'],
  ];
  it.each(wrong)('with the fault %s is refused: %s', (fault, reason) => {
    expect(reasonOf(judged(stamped(fault)))).toBe(reason);
  });

  it('is refused when it is cut short anywhere, longer, or no answer at all', () => {
    const good = stamped();
    for (let length = 0; length < good.length; length += 1)
      expect(reasonOf(judged(good.subarray(0, length)))).toBe('malformed');
    expect(reasonOf(judged(Buffer.concat([good, Buffer.of(5, 0)])))).toBe('malformed');
    expect(reasonOf(judged(Buffer.alloc(70_000)))).toBe('too_large');
    expect(judged(writeTimestampRejection('no \u001b[31mpolicy\nlike that', 15))).toEqual({
      verdict: 'refused',
      reason: 'status_refused',
      detail: 'the authority answered rejection, unaccepted policy, no [31mpolicy like that',
    });
  });

  it('is never good with any single bit changed, and never makes the verifier fail', () => {
    const good = stamped();
    const stillGood: number[] = [];
    for (let bit = 0; bit < good.length * 8; bit += 1) {
      const changed = Buffer.from(good);
      changed[bit >> 3] = changed[bit >> 3]! ^ (0x80 >> (bit & 7));
      if (reasonOf(judged(changed)) === 'good') stillGood.push(bit);
    }
    expect(stillGood).toEqual([]);
  });

  it('of another anchor with the same name is refused', async () => {
    const other = await newKeys(now);
    expect(reasonOf(judged(stamped(), { anchors: [trustAnchor(other.anchor.certificate)] }))).toMatch(
      /^certificate_(untrusted_issuer|bad_signature)$/,
    );
    expect(reasonOf(judged(stamped(), { anchors: [] }))).toBe('certificate_untrusted_issuer');
    expect(await pkijsSays(stamped(), other.anchor.certificate)).toBe(false);
  });

  describe('with CRLs', () => {
    const hours = (n: number): Date => new Date(now.getTime() + n * 3_600_000);
    const withCrl = (
      revoked: Parameters<typeof timestampCrl>[2],
      change: Partial<TimestampCheck> = {},
    ): TimestampVerdict => judged(good, { crls: [timestampCrl(keys.anchor, hours(1), revoked)], ...change });
    let good: Buffer;
    let serial: Buffer;
    beforeAll(() => {
      good = stamped();
      serial = parseCertificate(parseTimestampResponse(good).token!.certificates[0]!).serial;
    });

    it('is good while its signer is not revoked, and says up to when that is known', () => {
      expect(withCrl([])).toMatchObject({ verdict: 'good', timestamp: { notRevokedUntilMs: hours(1).getTime() } });
      expect(
        reasonOf(withCrl([{ serial: Buffer.from('7f01', 'hex'), reason: 'key_compromise', revokedAt: hours(-9) }])),
      ).toBe('good');
    });
    it.each([
      ['key_compromise', 9, 'certificate_revoked'],
      ['key_compromise', -9, 'certificate_revoked'],
      ['unspecified', 9, 'certificate_revoked'],
      ['privilege_withdrawn', 9, 'certificate_revoked'],
      ['superseded', 9, 'good'],
      ['superseded', -9, 'certificate_revoked'],
      ['cessation_of_operation', 9, 'good'],
      ['affiliation_changed', 0, 'certificate_revoked'],
    ] as const)('whose signer was revoked for %s %d hours after it is %s', (reason, after, outcome) => {
      expect(reasonOf(withCrl([{ serial, reason, revokedAt: hours(after) }]))).toBe(outcome);
    });
    it('is refused when the CRLs do not speak of its signer, are none, or are not in force', () => {
      expect(reasonOf(judged(good, { crls: [] }))).toBe('revocation_unknown');
      expect(reasonOf(judged(good, { crls: [timestampCrl(keys.foreign, now)] }))).toBe('revocation_unknown');
      expect(reasonOf(judged(good, { crls: [Buffer.from('none')] }))).toBe('revocation_malformed');
      expect(reasonOf(withCrl([], { crlsInForceAt: hours(20).getTime() / 1000 }))).toBe('good');
      expect(reasonOf(withCrl([], { crlsInForceAt: hours(26).getTime() / 1000 }))).toBe('revocation_unknown');
    });
  });

  it('that pkijs refuses is never good here', async () => {
    // The other way round pkijs is milder: it looks at neither purposes, nor the identified certificate, nor nonce and
    // policy.
    for (const [fault] of wrong)
      if (!(await pkijsSays(stamped(fault), keys.anchor.certificate)))
        expect(reasonOf(judged(stamped(fault)))).not.toBe('good');
  });
});

describeUnless(peer('openssl'), 'openssl as authority and as judge', () => {
  it('accepts the tokens of our stand-in, and refuses what it should', () => {
    const anchor = file(
      'anchor.pem',
      `-----BEGIN CERTIFICATE-----\n${Buffer.from(keys.anchor.certificate).toString('base64')}\n-----END CERTIFICATE-----\n`,
    );
    const data = file('data', message);
    const at = new Date();
    const says = (fault: TimestampFault): boolean =>
      opensslJudges({ data, anchor, answer: file(`${fault}.tsr`, stamped(fault, at)) }).ok;
    expect(opensslJudges({ data, anchor, answer: file('good.tsr', stamped('none', at)) }).output).toContain(
      'Verification: OK',
    );
    for (const fault of [
      'wrong_imprint',
      'without_eku',
      'eku_not_critical',
      'extra_eku',
      'foreign_authority',
      'expired_signer',
      'tampered_attributes',
      'bad_signature',
      'wrong_digest',
      'wrong_certificate_hash',
      'other_tsa_name',
      'two_signers',
      'waiting',
      'key_encipherment',
    ] as const)
      expect([fault, says(fault)]).toEqual([fault, false]);
  });

  for (const key of ['rsa', 'ec'] as const) {
    describe(`with ${key} keys and an intermediate`, () => {
      let authority: OpensslTimestampAuthority;
      let good: Buffer;
      let roots: readonly TrustAnchor[];
      beforeAll(async () => {
        authority = await OpensslTimestampAuthority.start({ key });
        good = authority.reply(request);
        roots = splitSource(authority.anchorPem).map((der) => trustAnchor(der));
      }, 180_000);
      afterAll(() => authority.close());
      const openssled = (response: Uint8Array, change: Partial<TimestampCheck> = {}): TimestampVerdict =>
        judged(response, {
          policy: OPENSSL_POLICY,
          anchors: roots,
          notBeforeMs: Date.now() - 60_000,
          notAfterMs: Date.now() + 60_000,
          ...change,
        });

      it('makes tokens that hold', async () => {
        expect(openssled(good)).toMatchObject({
          verdict: 'good',
          timestamp: {
            accuracyMicroseconds: 1_500_100,
            ordering: true,
            policy: OPENSSL_POLICY,
            authority: 'CN=signer,O=stamp test',
          },
        });
        expect(await pkijsSays(good, splitSource(authority.anchorPem)[0]!)).toBe(true);
      });

      it('and that do not hold for anything else', () => {
        const middle = splitSource(readFileSync(path.join(authority.folder, 'middle.pem')))[0]!;
        const ask = (change: Partial<Parameters<typeof encodeTimestampRequest>[0]>): Buffer =>
          authority.reply(encodeTimestampRequest({ message, nonce, policy: null, ...change }));
        const table: readonly (readonly [string, TimestampVerdict])[] = [
          ['imprint_mismatch', openssled(good, { message: Buffer.from('another checkpoint') })],
          ['nonce_mismatch', openssled(ask({ nonce: Buffer.from('42', 'hex') }))],
          ['policy_mismatch', openssled(ask({ policy: '1.3.6.1.4.1.32473.2.2' }))],
          ['status_refused', openssled(ask({ policy: '1.3.6.1.4.1.32473.2.9' }))],
          ['certificate_untrusted_issuer', openssled(good, { anchors })],
          // An intermediate is not a root for our rules of anchors, but whoever trusts it may say so.
          ['good', openssled(good, { anchors: [trustAnchor(middle)] })],
          ['time_in_future', openssled(good, { notAfterMs: Date.now() - 3_600_000, notBeforeMs: null })],
          [
            'time_too_old',
            openssled(good, { notBeforeMs: Date.now() + 3_600_000, notAfterMs: Date.now() + 7_200_000 }),
          ],
          ['malformed', openssled(good.subarray(0, -1))],
          ['malformed', openssled(Buffer.concat([good, Buffer.of(0)]))],
          ['too_large', openssled(Buffer.concat([good, Buffer.alloc(100_000)]))],
        ];
        expect(table.map(([, verdict]) => reasonOf(verdict))).toEqual(table.map(([reason]) => reason));
      });

      it('and holds or not by the CRLs of both authorities', () => {
        const crls = authority.crls();
        expect(openssled(good, { crls, crlsInForceAt: Date.now() / 1000 })).toMatchObject({
          verdict: 'good',
          timestamp: { notRevokedUntilMs: expect.any(Number) },
        });
        expect(reasonOf(openssled(good, { crls: crls.slice(0, 1) }))).toBe('revocation_unknown');
        expect(reasonOf(openssled(good, { crls: crls.slice(1) }))).toBe('revocation_unknown');
        authority.revokeSigner('keyCompromise');
        expect(openssled(good, { crls: authority.crls() })).toMatchObject({
          reason: 'certificate_revoked',
          detail: expect.stringContaining('key_compromise'),
        });
      });

      it('and that no changed byte leaves good', () => {
        const stillGood: number[] = [];
        for (let at = 0; at < good.length; at += 1) {
          const changed = Buffer.from(good);
          changed[at] = changed[at]! ^ 0x15;
          if (reasonOf(openssled(changed)) === 'good') stillGood.push(at);
        }
        expect(stillGood).toEqual([]);
      });
    });
  }
});
