import { describe, expect, it } from '@jest/globals';
import { DEFAULT_POLICY } from '../../src/domain/policy/policy.js';
import {
  registrationDecider,
  type CertificateFinding,
  type FaceFinding,
  type RegistrationCommand,
} from '../../src/domain/registration/registration.js';
import type { RegistrationEvent } from '../../src/domain/registration/registration.events.js';
import { registrationCommandOf } from '../../src/domain/audit/replay/command-of.js';
import { fold } from '../../src/domain/decider.js';
import { scenario } from '../support/given.js';
import {
  ALGORITHM,
  attempted,
  certificateVerified,
  compared,
  faceMatched,
  held,
  NOW,
  policy,
  received,
  request,
  submitted,
  VALID,
  VERIFIER,
} from '../support/registration-facts.js';

const given = scenario(registrationDecider);
const recordFaces = (finding: FaceFinding, p = policy()): RegistrationCommand => ({
  type: 'RecordFaceComparison',
  finding,
  attempt: 1,
  policy: p,
  nowUtc: NOW,
});
const recordCertificate = (verdict: CertificateFinding): RegistrationCommand => ({
  type: 'RecordCertificateVerdict',
  verdict,
  attempt: 1,
  policy: policy(),
  nowUtc: NOW,
});
const INVALID: CertificateFinding = {
  verdict: 'invalid',
  reason: 'revoked',
  cardRecordReason: null,
  evidence: null,
  verifier: VERIFIER,
  sealedEvidenceId: null,
  sealedEvidenceSha256: null,
};
const UNKNOWN: CertificateFinding = { verdict: 'unknown', cause: 'responder_timeout' };

describe('receiving a request', () => {
  it('makes one RequestReceived of one command (@req R4)', () =>
    given().when({ type: 'ReceiveRequest', request: request() }).then(received()));
  it('refuses a second one', () =>
    given(received()).when({ type: 'ReceiveRequest', request: request() }).thenRefused({ code: 'already_received' }));
});

describe('truth table: certificate × face × hold (@req R8 R9 R14 R17)', () => {
  const certificates: Record<string, CertificateFinding> = { valid: VALID, invalid: INVALID, unknown: UNKNOWN };
  const faces: Record<string, FaceFinding> = {
    same: compared(9500),
    'same, registered close': compared(9500, 9000),
    'same, gap at the bound': compared(9500, 7500),
    other: compared(1000),
    'other, registered far': compared(4000, 0),
    'no score': {
      outcome: 'not_comparable',
      image: 'captured',
      reason: 'no_face',
      algorithm: { id: 'a', version: '1' },
    },
    unknown: { outcome: 'unknown', cause: 'busy' },
  };
  const maySubmit = new Set(['valid/same', 'valid/same, registered close']);

  for (const [certificate, verdict] of Object.entries(certificates)) {
    for (const [face, finding] of Object.entries(faces)) {
      const row = `${certificate}/${face}`;
      it(`${row}: ${maySubmit.has(row) ? 'may be submitted' : 'is not submitted'}`, () => {
        const history: RegistrationEvent[] = [received()];
        for (const command of [recordCertificate(verdict), recordFaces(finding)]) {
          const decision = registrationDecider.decide(fold(registrationDecider, history), command);
          if ('events' in decision) history.push(...decision.events);
        }
        const submission = registrationDecider.decide(fold(registrationDecider, history), {
          type: 'BeginSubmission',
          submissionId: 'sub1',
          attempt: 1,
        });
        expect('events' in submission).toBe(maySubmit.has(row));
        const keep = registrationDecider.decide(fold(registrationDecider, history), {
          type: 'RecordKeptInRegistry',
          imageId: 'i1',
        });
        expect('events' in keep).toBe(false);
      });
    }
  }
});

describe('certificate verdict', () => {
  it('records a valid certificate with its evidence (@req R6)', () =>
    given(received()).when(recordCertificate(VALID)).then(certificateVerified()));
  it('waits, as data, while the authentication server cannot answer (@req A3)', () =>
    given(received())
      .when(recordCertificate(UNKNOWN))
      .then({
        type: 'CertificateCheckDeferred',
        data: { cause: 'responder_timeout', attempt: 1, nextAttemptAtUtc: '2026-11-23T09:00:02.000Z' },
      }));
  it('runs no biometrics before the certificate is good (@req A4)', () =>
    given(received())
      .when(recordFaces(compared(9999)))
      .thenRefused({ code: 'wrong_stage', data: { stage: 'received', command: 'RecordFaceComparison' } }));
});

describe('sealed evidence of a refused certificate', () => {
  const rejected: RegistrationEvent = {
    type: 'CertificateRejected',
    data: {
      reason: 'revoked',
      cardRecordReason: null,
      evidence: null,
      verifier: VERIFIER,
      sealedEvidenceId: 'evidence-1',
      sealedEvidenceSha256: '5f'.repeat(32),
    },
  };
  const retained: RegistrationEvent = {
    type: 'RefusedEvidenceRetained',
    data: {
      sealedEvidenceId: 'evidence-1',
      sealedEvidenceSha256: '5f'.repeat(32),
      refusedAtUtc: NOW,
      retentionDays: 10,
      eraseAtUtc: '2026-12-03T09:00:00.000Z',
    },
  };
  const erased: RegistrationEvent = {
    type: 'RefusedEvidenceErased',
    data: {
      sealedEvidenceId: 'evidence-1',
      sealedEvidenceSha256: '5f'.repeat(32),
      rule: 'retention_limit',
      eraseAtUtc: '2026-12-03T09:00:00.000Z',
    },
  };
  const retain: RegistrationCommand = {
    type: 'RetainRefusedEvidence',
    refusedAtUtc: NOW,
    policy: policy({ refusedEvidenceRetentionDays: 10 }),
  };
  const recordErased = (nowUtc: string): RegistrationCommand => ({ type: 'RecordEvidenceErased', nowUtc });

  it('is kept for the days of the policy, from the refusal on', () =>
    given(received(), rejected).when(retain).then(retained));
  it('keeps the time that was set, under a later policy too', () =>
    given(received(), rejected, retained)
      .when({ ...retain, policy: policy({ refusedEvidenceRetentionDays: 1 }) })
      .thenNothing());
  it.each([
    ['a millisecond before its time', '2026-12-03T08:59:59.999Z', false],
    ['at the very instant', '2026-12-03T09:00:00.000Z', true],
    ['long after', '2036-12-03T09:00:00.000Z', true],
  ])('is erased or not %s', (_, nowUtc, isOver) => {
    const tried = given(received(), rejected, retained).when(recordErased(nowUtc));
    if (isOver) tried.then(erased);
    else tried.thenRefused({ code: 'wrong_stage', data: { stage: 'closed', command: 'RecordEvidenceErased' } });
  });
  it('is erased once', () =>
    given(received(), rejected, retained, erased).when(recordErased('2027-01-01T00:00:00.000Z')).thenNothing());
  it('is not erased before it was said how long it is kept', () =>
    given(received(), rejected)
      .when(recordErased('2099-01-01T00:00:00.000Z'))
      .thenRefused({ code: 'wrong_stage', data: { stage: 'closed', command: 'RecordEvidenceErased' } }));
  it.each<[string, RegistrationEvent[]]>([
    ['a request that is not decided', [received()]],
    ["a verified certificate: it is the registrant's", [received(), certificateVerified()]],
    ['a withdrawn request', [received(), { type: 'RegistrationWithdrawn', data: { by: 'holder' } }]],
    [
      'an expired hold',
      [
        received(),
        certificateVerified(),
        faceMatched('on_hold'),
        held(),
        { type: 'HoldExpired', data: { dueAtUtc: NOW } },
      ],
    ],
    [
      'a refusal by the government',
      [
        received(),
        certificateVerified(),
        faceMatched(),
        attempted(),
        submitted(),
        { type: 'GovernmentRefused', data: { submissionId: 'sub1', reason: 'r' } },
      ],
    ],
    [
      'a refusal of which nothing was kept',
      [received(), { ...rejected, data: { ...rejected.data, sealedEvidenceId: null, sealedEvidenceSha256: null } }],
    ],
  ])('is none of %s', (_, history) => {
    const { stage } = fold(registrationDecider, history);
    for (const command of [retain, recordErased(NOW)])
      given(...history)
        .when(command)
        .thenRefused({ code: 'wrong_stage', data: { stage, command: command.type } });
  });
});

describe('face comparison', () => {
  const before = [received(), certificateVerified()] as const;
  it('matches at the pass mark and not one point below it (@req R7 A5)', () => {
    given(...before)
      .when(recordFaces(compared(9204)))
      .thenTypes('FaceMatched');
    given(...before)
      .when(recordFaces(compared(9203)))
      .thenTypes('FaceMismatched');
  });
  it('holds when the difference equals the bound, with both scores, the difference, the bound and the due time', () => {
    const decision = registrationDecider.decide(fold(registrationDecider, before), recordFaces(compared(9500, 7500)));
    expect('events' in decision && decision.events[1]).toEqual({
      type: 'Held',
      data: {
        reason: 'registered_gap',
        cardPoints: 9500,
        registeredPoints: 7500,
        differencePoints: 2000,
        boundPoints: 2000,
        dueAtUtc: '2026-11-26T09:00:00.000Z',
      },
    });
  });
  it('refers the band below the pass mark to a person only where the policy says so', () => {
    given(...before)
      .when(recordFaces(compared(6000)))
      .thenTypes('FaceMismatched');
    given(...before)
      .when(recordFaces(compared(6000), policy({ holdInReferralBand: true })))
      .thenTypes('FaceReferred', 'Held');
    given(...before)
      .when(recordFaces(compared(4864), policy({ holdInReferralBand: true })))
      .thenTypes('FaceMismatched');
  });
  it('says of a first registration that the registered comparison did not apply (@req R14)', () => {
    const decision = registrationDecider.decide(fold(registrationDecider, before), recordFaces(compared(9500)));
    expect('events' in decision && decision.events[0]?.data).toMatchObject({
      registered: { comparison: 'not_applicable', reason: 'first_registration' },
    });
  });
  it('records the reference image and whether it fell below the advisory mark (@req R13)', () => {
    const decision = registrationDecider.decide(fold(registrationDecider, before), recordFaces(compared(9500, 8000)));
    expect('events' in decision && decision.events[0]?.data).toMatchObject({
      registered: { comparison: 'compared', points: 8000, imageId: 'i0', imageCommitment: 'ff', belowAdvisory: false },
    });
  });
});

describe('frames in the policy', () => {
  const before = [received(), certificateVerified()] as const;
  const frames = { count: 2, samePerson: true, movement: true, promptFollowed: false } as const;
  const finding = (points: number) =>
    recordFaces(
      compared(points, 'none', {
        signals: { nearDuplicateOfCard: false, nearDuplicateOfRegistered: 'not_assessed', frames },
      }),
      asking,
    );
  let asking = policy();
  it('are recorded and decide nothing by default', () => {
    asking = policy();
    const decision = registrationDecider.decide(fold(registrationDecider, before), finding(9500));
    expect('events' in decision && decision.events).toMatchObject([
      { type: 'FaceMatched', data: { confirmation: 'confirmed', signals: { frames } } },
    ]);
  });
  it('hold a case where the policy says so, and it is not submitted (@req R17)', () => {
    asking = policy({ holdOnFramesInconsistent: true });
    const decision = registrationDecider.decide(fold(registrationDecider, before), finding(9500));
    const events = 'events' in decision ? decision.events : [];
    expect(events).toMatchObject([
      { type: 'FaceMatched', data: { confirmation: 'on_hold' } },
      {
        type: 'Held',
        data: {
          reason: 'frames_inconsistent',
          cardPoints: 9500,
          registeredPoints: null,
          differencePoints: null,
          boundPoints: null,
        },
      },
    ]);
    expect(
      registrationDecider.decide(fold(registrationDecider, [...before, ...events]), {
        type: 'BeginSubmission',
        submissionId: 'sub1',
        attempt: 1,
      }),
    ).toMatchObject({ refused: { code: 'wrong_stage' } });
  });
  it('are the named reason in the referral band, and never lift a mismatch to a hold', () => {
    asking = policy({ holdOnFramesInconsistent: true, holdInReferralBand: true });
    const decision = registrationDecider.decide(fold(registrationDecider, before), finding(6000));
    expect('events' in decision && decision.events).toMatchObject([
      { type: 'FaceReferred' },
      { type: 'Held', data: { reason: 'frames_inconsistent' } },
    ]);
    given(...before)
      .when(finding(100))
      .thenTypes('FaceMismatched');
  });
});

describe('quality in the policy (@req R7)', () => {
  const before = [received(), certificateVerified()] as const;
  const asking = policy({ photoQualityMin: { Sharpness: 40, EyesOpen: 60 } });
  const photograph = (quality: Record<string, number | 'not_assessed'>, points = 9500): RegistrationCommand =>
    recordFaces(compared(points, 'none', { quality }), asking);
  const poor = (measure: 'Sharpness' | 'EyesOpen'): RegistrationEvent => ({
    type: 'FaceNotComparable',
    data: { image: 'captured', reason: 'poor_quality', measure, algorithm: ALGORITHM },
  });

  it('gives no score one below the minimum, and one at it and above it', () => {
    given(...before)
      .when(photograph({ Sharpness: 39, EyesOpen: 60 }))
      .then(poor('Sharpness'));
    given(...before)
      .when(photograph({ Sharpness: 40, EyesOpen: 60 }))
      .thenTypes('FaceMatched');
    given(...before)
      .when(photograph({ Sharpness: 41, EyesOpen: 61 }))
      .thenTypes('FaceMatched');
    given(...before)
      .when(photograph({ Sharpness: 40, EyesOpen: 59 }))
      .then(poor('EyesOpen'));
  });
  it('holds nothing against a measure that was not assessed or is not there', () => {
    given(...before)
      .when(photograph({ Sharpness: 'not_assessed', EyesOpen: 'not_assessed' }))
      .thenTypes('FaceMatched');
    given(...before)
      .when(photograph({}))
      .thenTypes('FaceMatched');
  });
  it("names the first of several measures in the standard's order", () =>
    given(...before)
      .when(photograph({ EyesOpen: 0, Sharpness: 0 }))
      .then(poor('Sharpness')));
  it("says that there is no score also where the score would have been another person's", () =>
    given(...before)
      .when(photograph({ Sharpness: 39 }, 10))
      .then(poor('Sharpness')));
  it('comes out the same when its history is decided again', () => {
    const event = poor('Sharpness');
    const again = registrationCommandOf(event, null, asking, '2026-11-23T08:05:00.000Z');
    if (again === null) throw new Error('no command leads to this event');
    given(...before)
      .when(again)
      .then(event);
  });
  it('asks by default for light, colour, margins and an upright head, and never for a bright face', () => {
    const byDefault = (quality: Record<string, number | 'not_assessed'>) =>
      given(...before).when(recordFaces(compared(9500, 'none', { quality })));
    byDefault({ Sharpness: 0, LuminanceMean: 0, EyesOpen: 0 }).thenTypes('FaceMatched');
    byDefault({
      LuminanceMean: 0,
      NaturalColour: 30,
      HeadPoseRoll: 80,
      UnderExposurePrevention: 20,
      OverExposurePrevention: 20,
    }).thenTypes('FaceMatched');
    for (const [measure, minimum] of Object.entries(DEFAULT_POLICY.photoQualityMin))
      byDefault({ [measure]: minimum - 1 }).thenTypes('FaceNotComparable');
    expect(Object.keys(DEFAULT_POLICY.photoQualityMin)).not.toContain('LuminanceMean');
  });
  it('holds by default a photograph of which it cannot tell whether it is a portrait, and it is not submitted (@req R16 R17)', () => {
    const decision = registrationDecider.decide(
      fold(registrationDecider, before),
      recordFaces(compared(9500, 'none', { quality: { EyesVisible: 20, EyesOpen: 'not_assessed' } })),
    );
    const events = 'events' in decision ? decision.events : [];
    expect(events).toMatchObject([
      { type: 'FaceMatched', data: { confirmation: 'on_hold' } },
      {
        type: 'Held',
        data: { reason: 'portrait_doubtful', registeredPoints: null, differencePoints: null, boundPoints: null },
      },
    ]);
    expect(
      registrationDecider.decide(fold(registrationDecider, [...before, ...events]), {
        type: 'BeginSubmission',
        submissionId: 'sub1',
        attempt: 1,
      }),
    ).toMatchObject({ refused: { code: 'wrong_stage' } });
  });
});

describe('a held request', () => {
  const before = [received(), certificateVerified(), faceMatched('on_hold'), held()] as const;
  it('is not submitted (@req R17)', () =>
    given(...before)
      .when({ type: 'BeginSubmission', submissionId: 'sub1', attempt: 1 })
      .thenRefused({ code: 'wrong_stage', data: { stage: 'held', command: 'BeginSubmission' } }));
  it('goes on when released', () =>
    given(...before, { type: 'HoldReleased', data: { officers: ['a', 'b'] } })
      .when({ type: 'BeginSubmission', submissionId: 'sub1', attempt: 1 })
      .then(attempted()));
  it.each([
    ['rejected', 'HoldRejected'],
    ['recapture', 'RecaptureRequested'],
    ['expired', 'HoldExpired'],
  ] as const)('ends when %s', (outcome, type) => {
    given(...before)
      .when({ type: 'RecordHoldOutcome', outcome, officers: ['a', 'b'] })
      .thenTypes(type);
  });
});

describe('submission', () => {
  const confirmed = [received(), certificateVerified(), faceMatched()] as const;
  const answer = (
    a: Parameters<typeof registrationDecider.decide>[1] extends infer C
      ? C extends { answer: infer A }
        ? A
        : never
      : never,
    attempt = 1,
  ): RegistrationCommand => ({
    type: 'RecordSubmission',
    submissionId: 'sub1',
    attempt,
    answer: a,
    policy: policy(),
    nowUtc: NOW,
  });

  it('stores the intent with the capture time before anything is sent (@req R10 R11)', () =>
    given(...confirmed)
      .when({ type: 'BeginSubmission', submissionId: 'sub1', attempt: 1 })
      .then(attempted()));
  it('never changes the submission id (@req A19)', () =>
    given(...confirmed, attempted())
      .when({ type: 'BeginSubmission', submissionId: 'sub2', attempt: 2 })
      .thenRefused({ code: 'submission_id_mismatch' }));
  it('records that it was sent once, before the verdict (@req R12)', () =>
    given(...confirmed, attempted())
      .when(answer({ answer: 'accepted', reference: 'G1' }))
      .thenTypes('SubmittedToGovernment', 'GovernmentAccepted'));
  it('does not record it a second time', () =>
    given(...confirmed, attempted(), submitted())
      .when(answer({ answer: 'refused', reason: 'duplicate' }))
      .thenTypes('GovernmentRefused'));
  it('waits when nobody knows whether it arrived', () =>
    given(...confirmed, attempted())
      .when(answer({ answer: 'unknown', cause: 'timeout' }, 3))
      .then({
        type: 'SubmissionDeferred',
        data: { submissionId: 'sub1', cause: 'timeout', attempt: 3, nextAttemptAtUtc: '2026-11-23T09:00:08.000Z' },
      }));
  it('takes no second verdict', () =>
    given(...confirmed, attempted(), submitted(), {
      type: 'GovernmentAccepted',
      data: { submissionId: 'sub1', reference: 'G1' },
    })
      .when(answer({ answer: 'accepted', reference: 'G2' }))
      .thenRefused({ code: 'wrong_stage', data: { stage: 'closed', command: 'RecordSubmission' } }));
  it('is not withdrawn any more once the government may have it', () =>
    given(...confirmed, attempted())
      .when({ type: 'WithdrawRegistration', by: 'holder' })
      .thenRefused({ code: 'wrong_stage', data: { stage: 'submitting', command: 'WithdrawRegistration' } }));
});

describe('registry-only mode (@req R18 R20 R22 A12)', () => {
  const confirmed = [received({ mode: 'REGISTRY_ONLY' }), certificateVerified(), faceMatched()] as const;
  it('keeps the photograph and never submits it', () => {
    given(...confirmed)
      .when({ type: 'RecordKeptInRegistry', imageId: 'i1' })
      .then({ type: 'KeptInRegistry', data: { imageId: 'i1', photo: 'aa' } });
    given(...confirmed)
      .when({ type: 'BeginSubmission', submissionId: 'sub1', attempt: 1 })
      .thenRefused({ code: 'wrong_stage', data: { stage: 'confirmed', command: 'BeginSubmission' } });
  });
  it('keeps nothing in the other mode', () =>
    given(received(), certificateVerified(), faceMatched())
      .when({ type: 'RecordKeptInRegistry', imageId: 'i1' })
      .thenRefused({ code: 'wrong_stage', data: { stage: 'confirmed', command: 'RecordKeptInRegistry' } }));
});
