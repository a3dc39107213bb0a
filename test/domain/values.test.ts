import { captureEnvelopeText } from '../../src/domain/booth/capture-envelope.js';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { canonicalJson } from '../../src/domain/values/canonical-json.js';
import { addMs, isInstant } from '../../src/domain/values/instant.js';
import { holdsMyNumber } from '../../src/domain/values/my-number.js';
import { captureRefusal } from '../../src/domain/registration/capture.policy.js';
import { upcast, UnknownEventError, currentVersion } from '../../src/domain/event-registry.js';
import { DEFAULT_POLICY } from '../../src/domain/policy/policy.js';

describe('canonical JSON (RFC 8785)', () => {
  it('gives the text of the RFC for its sample', () => {
    const sample = {
      numbers: [333333333.33333329, 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
      string: '\u20ac$\u000F\u000aA\'\u0042\u0022\u005c\\\"\/',
      literals: [null, true, false],
    };
    expect(canonicalJson(sample)).toBe(
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    );
  });
  it('sorts members by UTF-16 code units', () =>
    expect(
      canonicalJson({ '\u20ac': 1, '\r': 2, '\ufb33': 3, '1': 4, '\ud83d\ude00': 5, '\u0080': 6, '\u00f6': 7 }),
    ).toBe('{"\\r":2,"1":4,"\u0080":6,"ö":7,"€":1,"😀":5,"\ufb33":3}'));
  it('is the same for every order of members and parses back', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const shuffled = Object.fromEntries(Object.entries(value).reverse());
        const text = canonicalJson(JSON.parse(JSON.stringify(value)) as never);
        expect(canonicalJson(JSON.parse(JSON.stringify(shuffled)) as never)).toBe(text);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
      { seed: 7, numRuns: 200 },
    );
  });
});

describe('instants', () => {
  it.each([
    ['2026-11-23T09:00:00Z', true],
    ['2026-11-23T09:00:00.123Z', true],
    ['2026-11-23T09:00:00+09:00', false],
    ['2026-13-01T00:00:00Z', false],
    ['2026-11-23', false],
  ])('%s is an instant: %s', (text, expected) => expect(isInstant(text)).toBe(expected));
  it('adds', () => {
    expect(addMs('2026-11-23T23:59:59.500Z', 500)).toBe('2026-11-24T00:00:00.000Z');
  });
});

describe('My Number filter (@req A1)', () => {
  it.each([
    ['123456789012', true],
    ['my number is 1234 5678 9012.', true],
    ['1234-5678-9012', true],
    ['１２３４５６７８９０１２', true],
    ['{"n":"123456789012"}', true],
    ['1234567890123', false],
    ['12345678901', false],
    ['a123456789012', false],
    ['2026-11-23T09:00:00.123Z', false],
    ['9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08', false],
  ])('%s → %s', (text, expected) => expect(holdsMyNumber(text)).toBe(expected));
});

describe('capture policy (@req R10 R31 A13 A17)', () => {
  const envelope = (capturedAtUtc: string, change: object = {}) =>
    ({
      nonce: 'n',
      boothId: 'b',
      counter: 1,
      certificateType: 'user_authentication',
      mode: 'GOVERNMENT_SUBMISSION',
      capturedAtUtc,
      photoSha256: '',
      certificateSha256: '',
      cardRecordSha256: '',
      cardIssuerCertificateSha256: '',
      consent: { textVersion: '2026-11', keepReferenceImage: false },
      ...change,
    }) as const;
  const at = '2026-11-23T09:00:00.000Z';
  const policy = { ...DEFAULT_POLICY, clockSkewSecondsMax: 60, captureAgeMinutesMax: 10 };
  it.each([
    ['2026-11-23T09:01:00.000Z', null],
    ['2026-11-23T09:01:00.001Z', 'captured_in_future'],
    ['2026-11-23T08:50:00.000Z', null],
    ['2026-11-23T08:49:59.999Z', 'captured_too_long_ago'],
  ])('captured at %s → %s', (captured, expected) =>
    expect(captureRefusal(envelope(captured), at, policy)).toBe(expected),
  );
  it('knows the consent texts of the policy only', () =>
    expect(captureRefusal(envelope(at, { consent: { textVersion: 'x', keepReferenceImage: true } }), at, policy)).toBe(
      'consent_text_unknown',
    ));
  it('keeps nothing in the registry without consent to keep it', () =>
    expect(captureRefusal(envelope(at, { mode: 'REGISTRY_ONLY' }), at, policy)).toBe('consent_needed_for_registry'));
});

describe('event registry', () => {
  it('refuses a name that is not registered, and inherited names', () => {
    expect(() => currentVersion('Nothing')).toThrow(UnknownEventError);
    expect(() => currentVersion('toString')).toThrow(UnknownEventError);
  });
  it('stops at a version that is newer than this program', () =>
    expect(() => upcast({ type: 'Held', schemaVersion: 2, data: {} })).toThrow(/newer release/));
});

describe('the text that booth and card sign (@req R10)', () => {
  const envelope = {
    nonce: 'n',
    boothId: 'b',
    counter: 1,
    certificateType: 'user_authentication',
    mode: 'GOVERNMENT_SUBMISSION',
    capturedAtUtc: '2026-11-23T01:02:03.000Z',
    photoSha256: 'p',
    certificateSha256: 'c',
    cardRecordSha256: 'r',
    cardIssuerCertificateSha256: 'i',
    consent: { textVersion: '1', keepReferenceImage: false },
  } as const;
  const text = '"consent":{"keepReferenceImage":false,"textVersion":"1"},"counter":1,';
  const start =
    '{"boothId":"b","capturedAtUtc":"2026-11-23T01:02:03.000Z","cardIssuerCertificateSha256":"i","cardRecordSha256":"r","certificateSha256":"c","certificateType":"user_authentication",';
  const end = '"label":"honnin/capture/v1","mode":"GOVERNMENT_SUBMISSION","nonce":"n","photoSha256":"p"}';
  it('does not mention frames where there are none', () => {
    expect(captureEnvelopeText(envelope)).toBe(start + text + end);
    expect(captureEnvelopeText({ ...envelope, framesSha256: [] })).toBe(start + text + end);
  });
  it('names frames in their order', () =>
    expect(captureEnvelopeText({ ...envelope, framesSha256: ['2', '1'] })).toBe(
      `${start}${text}"framesSha256":["2","1"],${end}`,
    ));
});
