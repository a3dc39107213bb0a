import { describe, expect, it } from '@jest/globals';
import { boothDecider } from '../../src/domain/booth/booth.js';
import { activePolicy, DEFAULT_POLICY, policyDecider } from '../../src/domain/policy/policy.js';
import type { PolicyEvent, PolicyValues } from '../../src/domain/policy/policy.events.js';
import { nextAttemptAt } from '../../src/domain/policy/retry.policy.js';
import {
  referenceImage,
  registrantDecider,
  tombstoneOf,
  type RegistrantCommand,
} from '../../src/domain/registrant/registrant.js';
import type { RegistrantEvent, Tombstone } from '../../src/domain/registrant/registrant.events.js';
import { scenario } from '../support/given.js';

describe('registrant (@req R12 R13)', () => {
  const given = scenario(registrantDecider);
  const registered = (imageId: string, capturedAtUtc: string): RegistrantEvent => ({
    type: 'FaceImageRegistered',
    data: { imageId, requestId: 'r', capturedAtUtc, image: 'aa' },
  });
  const confirmed = (imageId: string): RegistrantEvent => ({ type: 'FaceImageConfirmed', data: { imageId } });

  it('uses no provisional image as reference (@req A9)', () => {
    expect(referenceImage(given(registered('i1', '2026-01-01T00:00:00.000Z')).state())).toBeNull();
  });
  it('uses the newest confirmed image by capture time (@req A7)', () => {
    const state = given(
      registered('new', '2026-02-01T00:00:00.000Z'),
      registered('old', '2026-01-01T00:00:00.000Z'),
      confirmed('new'),
      confirmed('old'),
    ).state();
    expect(referenceImage(state)?.imageId).toBe('new');
  });
  it('withdraws the replaced reference when a newer image is confirmed (@req A15)', () =>
    given(registered('i1', '2026-01-01T00:00:00.000Z'), confirmed('i1'), registered('i2', '2026-02-01T00:00:00.000Z'))
      .when({ type: 'ConfirmImage', imageId: 'i2' })
      .then(confirmed('i2'), { type: 'FaceImageWithdrawn', data: { imageId: 'i1', reason: 'replaced' } }));
  it('withdraws the confirmed image itself when one that was captured later is the reference already', () =>
    given(registered('i2', '2026-02-01T00:00:00.000Z'), confirmed('i2'), registered('i1', '2026-01-01T00:00:00.000Z'))
      .when({ type: 'ConfirmImage', imageId: 'i1' })
      .then(confirmed('i1'), { type: 'FaceImageWithdrawn', data: { imageId: 'i1', reason: 'replaced' } }));
  it('withdraws a provisional image when the government refuses (@req A9)', () =>
    given(registered('i1', '2026-01-01T00:00:00.000Z'))
      .when({ type: 'WithdrawImage', imageId: 'i1', reason: 'government_refused' })
      .then({ type: 'FaceImageWithdrawn', data: { imageId: 'i1', reason: 'government_refused' } }));
  it('takes no image for an erased registrant', () =>
    given({ type: 'RegistrantErased', data: { rule: 'consent_withdrawn', by: 'x', tombstone: null } })
      .when({
        type: 'RegisterImage',
        imageId: 'i1',
        requestId: 'r',
        capturedAtUtc: '2026-01-01T00:00:00.000Z',
        image: 'aa',
      })
      .thenRefused({ code: 'registrant_erased' }));
  const erased = (tombstone: Tombstone | null) =>
    ({ type: 'RegistrantErased', data: { rule: 'request_of_the_person', by: 'x', tombstone } }) as const;
  /** @fault D2 */
  it.each<RegistrantCommand>([
    { type: 'GiveConsent', textVersion: 'v', requestId: 'r' },
    { type: 'AddCertificate', subjectKey: 'k', relation: 'renewal' },
    { type: 'LinkCertificate', registrantKey: 'k', relation: 'joined', source: 's' },
    { type: 'RegisterImage', imageId: 'i', requestId: 'r', capturedAtUtc: '2026-01-01T00:00:00.000Z', image: 'aa' },
  ])('lets nobody come back under the key of an erased one: $type', (command) => {
    for (const days of [0, 1, 3_650]) {
      const tombstone = tombstoneOf(days, '2026-01-01T00:00:00.000Z');
      given(erased(tombstone)).when(command).thenRefused({ code: 'registrant_erased' });
    }
  });
  it('goes on as it did after an erasure of before there were tombstones', () =>
    given(erased(null)).when({ type: 'GiveConsent', textVersion: 'v', requestId: 'r' }).thenTypes('ConsentGiven'));
  it('is erased once, with the tombstone of the first time', () => {
    const command = {
      type: 'EraseRegistrant',
      rule: 'request_of_the_person',
      by: 'x',
      tombstone: tombstoneOf(10, '2026-01-01T00:00:00.000Z'),
    } as const;
    given()
      .when(command)
      .then(erased({ days: 10, untilUtc: '2026-01-11T00:00:00.000Z' }));
    given(erased({ days: 0, untilUtc: null }))
      .when(command)
      .thenNothing();
  });
});

describe('policy', () => {
  const given = scenario(policyDecider);
  const proposed = {
    type: 'PolicyProposed',
    data: { version: 1, values: DEFAULT_POLICY, proposedBy: 'a', report: null, basedOn: null },
  } as const;
  it('is not approved by who proposed it', () => {
    given(proposed).when({ type: 'ApprovePolicy', version: 1, by: 'a' }).thenRefused({ code: 'policy_own_proposal' });
    given(proposed).when({ type: 'ApprovePolicy', version: 1, by: 'b' }).thenTypes('PolicyApproved');
  });
  it.each([
    [{ Sharpness: -1 }, 'photoQualityMin.Sharpness', 'must be an integer 0..100'],
    [{ Sharpness: 101 }, 'photoQualityMin.Sharpness', 'must be an integer 0..100'],
    [{ Sharpness: 0.5 }, 'photoQualityMin.Sharpness', 'must be an integer 0..100'],
    [{ sharpness: 50 }, 'photoQualityMin', 'names a measure that does not exist'],
  ])('refuses a minimum of quality that could never be meant: %j', (photoQualityMin, field, problem) =>
    given()
      .when({ type: 'ProposePolicy', values: { ...DEFAULT_POLICY, photoQualityMin }, by: 'a' })
      .thenRefused({ code: 'policy_invalid', data: { field, problem } }),
  );
  it.each([
    [{ EyesVisible: 101 }, 'photoQualityHoldBelow.EyesVisible', 'must be an integer 0..100'],
    [{ eyes: 50 }, 'photoQualityHoldBelow', 'names a measure that does not exist'],
  ])('refuses a bound for officers that could never be meant: %j', (photoQualityHoldBelow, field, problem) =>
    given()
      .when({ type: 'ProposePolicy', values: { ...DEFAULT_POLICY, photoQualityHoldBelow }, by: 'a' })
      .thenRefused({ code: 'policy_invalid', data: { field, problem } }),
  );
  it('takes minimums at both ends of the scale', () =>
    given()
      .when({
        type: 'ProposePolicy',
        values: { ...DEFAULT_POLICY, photoQualityMin: { Sharpness: 0, EyesOpen: 100 } },
        by: 'a',
      })
      .thenTypes('PolicyProposed'));
  it.each([
    [0, true],
    [1, true],
    [3_650, true],
    [-1, false],
    [3_651, false],
    [0.5, false],
  ])('knows a card as erased before for %d days: %s', (erasedBeforeDays, isGood) => {
    const tried = given().when({ type: 'ProposePolicy', values: { ...DEFAULT_POLICY, erasedBeforeDays }, by: 'a' });
    if (isGood) tried.thenTypes('PolicyProposed');
    else
      tried.thenRefused({
        code: 'policy_invalid',
        data: { field: 'erasedBeforeDays', problem: 'must be an integer 0..3650' },
      });
  });
  it.each([
    [1, true],
    [400, true],
    [3_650, true],
    [0, false],
    [-1, false],
    [3_651, false],
    [0.5, false],
    [Number.POSITIVE_INFINITY, false],
  ])('keeps evidence of refused certificates for %d days: %s', (refusedEvidenceRetentionDays, isGood) => {
    const tried = given().when({
      type: 'ProposePolicy',
      values: { ...DEFAULT_POLICY, refusedEvidenceRetentionDays },
      by: 'a',
    });
    if (isGood) tried.thenTypes('PolicyProposed');
    else
      tried.thenRefused({
        code: 'policy_invalid',
        data: { field: 'refusedEvidenceRetentionDays', problem: 'must be an integer 1..3650' },
      });
  });
  it('is not activated without approval', () =>
    given(proposed).when({ type: 'ActivatePolicy', version: 1, by: 'b' }).thenRefused({ code: 'policy_not_approved' }));
  it('is refused with a score that is not a whole number of points', () =>
    given()
      .when({ type: 'ProposePolicy', values: { ...DEFAULT_POLICY, holdMarginPoints: 0.2 }, by: 'a' })
      .thenRefused({
        code: 'policy_invalid',
        data: { field: 'holdMarginPoints', problem: 'must be an integer 0..10000' },
      }));
  it('is in force from its activation', () => {
    const state = given(
      proposed,
      { type: 'PolicyApproved', data: { version: 1, approvedBy: 'b' } },
      { type: 'PolicyActivated', data: { version: 1, activatedBy: 'b' } },
    ).state();
    expect(activePolicy(state)).toEqual({ version: 1, values: DEFAULT_POLICY });
  });
  // @fault O24
  describe('made from a version that is not in force any more', () => {
    const inForce = (version: number, values: PolicyValues, basedOn: number | null): PolicyEvent[] => [
      { type: 'PolicyProposed', data: { version, values, proposedBy: 'a', report: null, basedOn } },
      { type: 'PolicyApproved', data: { version, approvedBy: 'b' } },
      { type: 'PolicyActivated', data: { version, activatedBy: 'b' } },
    ];
    const [first, margin, days] = [
      DEFAULT_POLICY,
      { ...DEFAULT_POLICY, holdMarginPoints: 1_500 },
      { ...DEFAULT_POLICY, refusedEvidenceRetentionDays: 30 },
    ];
    const two = [...inForce(1, first, null), ...inForce(2, margin, 1)];
    const approved = (version: number, values: PolicyValues, basedOn: number | null) =>
      inForce(version, values, basedOn).slice(0, 2);

    it('does not undo what came into force since: it says what', () =>
      given(...two, ...approved(3, days, 1))
        .when({ type: 'ActivatePolicy', version: 3, by: 'c' })
        .thenRefused({ code: 'policy_outdated', data: { basedOn: 1, active: 2, undone: ['holdMarginPoints'] } }));
    it('is refused also where it undoes nothing, because nobody looked at them together', () =>
      given(...two, ...approved(3, { ...margin, holdDueHours: 24 }, 1))
        .when({ type: 'ActivatePolicy', version: 3, by: 'c' })
        .thenRefused({ code: 'policy_outdated', data: { basedOn: 1, active: 2, undone: [] } }));
    it('does not come back by one person alone', () =>
      given(...two, ...inForce(3, days, 2))
        .when({ type: 'ActivatePolicy', version: 2, by: 'c' })
        .thenRefused({
          code: 'policy_outdated',
          data: { basedOn: 1, active: 3, undone: ['refusedEvidenceRetentionDays'] },
        }));
    it('comes into force where it was made from the one in force', () => {
      given(...two, ...approved(3, days, 2))
        .when({ type: 'ActivatePolicy', version: 3, by: 'c' })
        .thenTypes('PolicyActivated');
      given(...two)
        .when({ type: 'ProposePolicy', values: days, by: 'a' })
        .then({
          type: 'PolicyProposed',
          data: { version: 3, values: days, proposedBy: 'a', report: null, basedOn: 2 },
        });
      given(...two)
        .when({ type: 'ProposePolicy', values: days, by: 'a', basedOn: 9 })
        .thenRefused({ code: 'policy_version_unknown' });
    });
    it('comes into force as before where its proposal is from before anybody said so', () =>
      given(...two, ...approved(3, days, null))
        .when({ type: 'ActivatePolicy', version: 3, by: 'c' })
        .thenTypes('PolicyActivated'));
  });
  it('doubles the wait with every attempt up to the limit', () => {
    const retry = { firstDelaySeconds: 2, delaySecondsMax: 10, attemptsMax: 5 };
    expect([1, 2, 3, 4, 99].map((n) => nextAttemptAt('2026-01-01T00:00:00.000Z', n, retry).slice(17, 19))).toEqual([
      '02',
      '04',
      '08',
      '10',
      '10',
    ]);
  });
});

describe('booth (@req R1 R21)', () => {
  const given = scenario(boothDecider);
  const enrolled = { type: 'BoothEnrolled', data: { boothId: 'b1', publicKey: 'k1', by: 'admin' } } as const;
  it('is enrolled once, and again only with the same key', () => {
    given().when({ type: 'EnrolBooth', boothId: 'b1', publicKey: 'k1', by: 'admin' }).then(enrolled);
    given(enrolled).when({ type: 'EnrolBooth', boothId: 'b1', publicKey: 'k1', by: 'admin' }).thenNothing();
    given(enrolled)
      .when({ type: 'EnrolBooth', boothId: 'b1', publicKey: 'k2', by: 'admin' })
      .thenRefused({ code: 'booth_exists' });
  });
  it('stays suspended', () =>
    given(enrolled, { type: 'BoothSuspended', data: { reason: 'lost', by: 'admin' } })
      .when({ type: 'EnrolBooth', boothId: 'b1', publicKey: 'k1', by: 'admin' })
      .thenRefused({ code: 'booth_exists' }));
});
