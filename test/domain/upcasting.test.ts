import { describe, expect, it } from '@jest/globals';
import { UnknownEventError, upcast, upcastTo, type EventShape } from '../../src/domain/event-registry.js';

/** A name that lived through three versions: one field was split, then one was added. */
const shape: EventShape = {
  version: 3,
  upcasters: [
    ({ name, ...rest }) => ({
      ...rest,
      family: String(name).split(' ')[0] as string,
      given: String(name).split(' ')[1] as string,
    }),
    (data) => ({ ...data, source: 'before-sources' }),
  ],
};
const stored = (schemaVersion: number, data: Record<string, string>) => ({
  type: 'Named',
  schemaVersion,
  data,
  revision: 7,
});

describe('upcasting', () => {
  it.each([
    [1, { name: 'Honda Hana', note: 'n' }, { family: 'Honda', given: 'Hana', note: 'n', source: 'before-sources' }],
    [2, { family: 'Honda', given: 'Hana' }, { family: 'Honda', given: 'Hana', source: 'before-sources' }],
    [3, { family: 'Honda', given: 'Hana', source: 'booth' }, { family: 'Honda', given: 'Hana', source: 'booth' }],
  ])('leads version %i through every later version, each once', (version, data, today) => {
    expect(upcastTo(shape, stored(version, data))).toEqual({
      type: 'Named',
      schemaVersion: 3,
      data: today,
      revision: 7,
    });
  });

  it('leaves the stored event as it is: its bytes are in the audit log', () => {
    const event = stored(1, { name: 'Honda Hana' });
    upcastTo(shape, event);
    expect(event).toEqual(stored(1, { name: 'Honda Hana' }));
  });

  it.each([4, 0, -1, 1.5])('refuses version %s loudly, naming what this program knows', (version) => {
    expect(() => upcastTo(shape, stored(version, {}))).toThrow(
      new UnknownEventError(`Named has schema version ${version}; this program knows 1..3. Run the newer release.`),
    );
  });

  it('says of a certificate that was verified before anything was compared that nothing was', () => {
    const nothing = { outcome: 'cannot_tell', because: 'not_compared' };
    expect(upcast({ type: 'CertificateVerified', schemaVersion: 1, data: { subjectKey: 's' } })).toEqual({
      type: 'CertificateVerified',
      schemaVersion: 4,
      data: {
        subjectKey: 's',
        erasedBefore: false,
        agreement: { birthDate: nothing, sex: nothing, birthday: nothing, expiry: nothing, sameCard: nothing },
        otherCertificate: 'not_asked',
        sealedEvidenceSha256: null,
      },
    });
  });

  /** @fault L8 */
  it('says of evidence of before its SHA-256 was recorded that none was, wherever it is named', () => {
    const versions: readonly [string, number][] = [
      ['CertificateRejected', 1],
      ['RefusedEvidenceRetained', 1],
      ['RefusedEvidenceErased', 1],
    ];
    for (const [type, schemaVersion] of versions) {
      const data = { sealedEvidenceId: 'evidence-1' };
      expect(upcast({ type, schemaVersion, data })).toEqual({
        type,
        schemaVersion: schemaVersion + 1,
        data: { ...data, sealedEvidenceSha256: null },
      });
      const ofToday = {
        type,
        schemaVersion: schemaVersion + 1,
        data: { ...data, sealedEvidenceSha256: '5f'.repeat(32) },
      };
      expect(upcast(ofToday)).toEqual(ofToday);
    }
  });

  /** @fault D2 */
  it('says of a verdict of before there were tombstones that none was met, and of an erasure that none was set', () => {
    const verified = upcast({ type: 'CertificateVerified', schemaVersion: 2, data: { subjectKey: 's' } });
    expect(verified.data).toEqual({ subjectKey: 's', sealedEvidenceSha256: null, erasedBefore: false });
    expect(upcast({ type: 'CertificateVerified', schemaVersion: 3, data: {} }).data).toEqual({ erasedBefore: false });
    expect(upcast({ type: 'RegistrantErased', schemaVersion: 1, data: { rule: 'r', by: 'b' } })).toEqual({
      type: 'RegistrantErased',
      schemaVersion: 2,
      data: { rule: 'r', by: 'b', tombstone: null },
    });
  });

  it('says of a certificate that was linked before that it was renewed', () => {
    expect(upcast({ type: 'CertificateLinked', schemaVersion: 1, data: { registrantKey: 'r', source: 'x' } })).toEqual({
      type: 'CertificateLinked',
      schemaVersion: 2,
      data: { registrantKey: 'r', source: 'x', relation: 'renewal' },
    });
  });

  const CARD = {
    dualControlWaitMinutes: 0,
    erasedBeforeDays: 3_650,
    holdOnCardUnconfirmed: false,
    certificateTypesWithoutSameCard: ['user_authentication'],
    signingCertificateAtFirstRegistration: false,
  };
  it('gives a policy of before the values came the values of the day on which they came', () => {
    const proposed = (schemaVersion: number, data: object) =>
      upcast({ type: 'PolicyProposed', schemaVersion, data: data as never });
    const [values, upcastValues] = [
      { holdDueHours: 5 },
      { holdDueHours: 5, refusedEvidenceRetentionDays: 400, photoQualityHoldBelow: {}, caseOpenHoursMax: 173, ...CARD },
    ];
    const report = { sha256: 's', note: 'n' };
    expect(proposed(1, { version: 1, values })).toEqual({
      type: 'PolicyProposed',
      schemaVersion: 9,
      data: { version: 1, report: null, basedOn: null, values: upcastValues },
    });
    expect(proposed(2, { version: 1, values, report }).data).toEqual({
      basedOn: null,
      version: 1,
      report,
      values: upcastValues,
    });
    expect(proposed(3, { values: { holdDueHours: 72, refusedEvidenceRetentionDays: 7 } }).data).toEqual({
      basedOn: null,
      values: {
        holdDueHours: 72,
        refusedEvidenceRetentionDays: 7,
        photoQualityHoldBelow: {},
        caseOpenHoursMax: 240,
        ...CARD,
      },
    });
    expect(proposed(4, { values: { holdDueHours: 1, photoQualityHoldBelow: { EyesVisible: 50 } } }).data).toEqual({
      basedOn: null,
      values: { holdDueHours: 1, photoQualityHoldBelow: { EyesVisible: 50 }, caseOpenHoursMax: 169, ...CARD },
    });
    expect(proposed(5, { values: { caseOpenHoursMax: 9 } }).data).toEqual({
      basedOn: null,
      values: { caseOpenHoursMax: 9, ...CARD },
    });
    const asked = { holdOnCardUnconfirmed: true, certificateTypesWithoutSameCard: ['digital_signature'] };
    expect(proposed(6, { values: asked }).data).toEqual({
      basedOn: null,
      values: { ...asked, dualControlWaitMinutes: 0, erasedBeforeDays: 3_650 },
    });
    expect(proposed(7, { values: { dualControlWaitMinutes: 90 } }).data).toEqual({
      basedOn: null,
      values: { dualControlWaitMinutes: 90, erasedBeforeDays: 3_650 },
    });
    expect(proposed(8, { basedOn: 3, values: {} }).data).toEqual({ basedOn: 3, values: { erasedBeforeDays: 3_650 } });
    expect(proposed(9, { values: { erasedBeforeDays: 0 } }).data).toEqual({ values: { erasedBeforeDays: 0 } });
  });

  it('refuses a name that is not registered', () => {
    expect(() => upcast(stored(1, {}))).toThrow(UnknownEventError);
  });
});
