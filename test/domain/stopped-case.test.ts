import { describe, expect, it } from '@jest/globals';
import { registrationCommandOf } from '../../src/domain/audit/replay/command-of.js';
import { fold } from '../../src/domain/decider.js';
import {
  registrationDecider,
  type MaterialFault,
  type RegistrationCommand,
} from '../../src/domain/registration/registration.js';
import type { RegistrationEvent } from '../../src/domain/registration/registration.events.js';
import { scenario } from '../support/given.js';
import {
  attempted,
  certificateVerified,
  compared,
  faceMatched,
  held,
  NOW,
  policy,
  received,
  submitted,
  VALID,
} from '../support/registration-facts.js';

const given = scenario(registrationDecider);
const DIFFERS: MaterialFault = {
  fault: 'differs',
  material: 'photo',
  difference: 'other_bytes',
  foundAt: 'submission',
};
const MISSING: MaterialFault = { fault: 'missing', material: 'signatures', foundAt: 'view' };
const stop = (fault: MaterialFault = DIFFERS): RegistrationCommand => ({ type: 'StopForMaterial', fault });
const end = (change: Partial<Extract<RegistrationCommand, { type: 'EndByOperator' }>> = {}): RegistrationCommand => ({
  type: 'EndByOperator',
  reason: 'tampering_suspected',
  reference: 'I-1',
  by: 'a',
  stuckEffectId: null,
  ...change,
});
const accepted: RegistrationEvent = { type: 'GovernmentAccepted', data: { submissionId: 'sub1', reference: 'G' } };
const differed = (submission: 'not_attempted' | 'attempted' | 'submitted' = 'not_attempted'): RegistrationEvent => ({
  type: 'MaterialDiffered',
  data: { material: 'photo', difference: 'other_bytes', foundAt: 'submission', submission },
});
const ended = (change: object = {}): RegistrationEvent => ({
  type: 'RequestEndedByOperator',
  data: {
    cause: 'material_differed',
    stuckEffectId: null,
    reason: 'tampering_suspected',
    reference: 'I-1',
    by: 'a',
    earlierOutcome: null,
    ...change,
  },
});

/** A history that leads to each stage, with what is known of a submission there. */
const STAGES: Readonly<
  Record<
    string,
    { readonly events: readonly RegistrationEvent[]; readonly submission: 'not_attempted' | 'attempted' | 'submitted' }
  >
> = {
  received: { events: [received()], submission: 'not_attempted' },
  certificate_verified: { events: [received(), certificateVerified()], submission: 'not_attempted' },
  confirmed: { events: [received(), certificateVerified(), faceMatched()], submission: 'not_attempted' },
  held: { events: [received(), certificateVerified(), faceMatched('on_hold'), held()], submission: 'not_attempted' },
  submitting: { events: [received(), certificateVerified(), faceMatched(), attempted()], submission: 'attempted' },
  submitted: {
    events: [received(), certificateVerified(), faceMatched(), attempted(), submitted()],
    submission: 'submitted',
  },
};
const OTHER_COMMANDS: readonly RegistrationCommand[] = [
  { type: 'RecordCertificateVerdict', verdict: VALID, attempt: 1, policy: policy(), nowUtc: NOW },
  { type: 'RecordFaceComparison', finding: compared(9500), attempt: 1, policy: policy(), nowUtc: NOW },
  { type: 'RecordHoldOutcome', outcome: 'released', officers: ['a', 'b'] },
  { type: 'BeginSubmission', submissionId: 'sub1', attempt: 1 },
  { type: 'RecordKeptInRegistry', imageId: 'i1' },
];

describe('truth table: stage × what is wrong × what is asked (@req R5 R9)', () => {
  describe.each(Object.entries(STAGES))('a case that is %s', (_stage, { events, submission }) => {
    it('stops when its material differs, and says what the government may have', () =>
      given(...events)
        .when(stop())
        .then(differed(submission)));
    it('stops when its material is gone', () =>
      given(...events)
        .when(stop(MISSING))
        .then({ type: 'MaterialMissing', data: { material: 'signatures', foundAt: 'view', submission } }));
    it('is not ended by an operator while it can go on', () =>
      given(...events)
        .when(end())
        .thenRefused({ code: 'case_can_go_on', data: { stage: fold(registrationDecider, events).stage } }));
    it('is ended where a step waits for an operator', () =>
      given(...events)
        .when(end({ stuckEffectId: 'e1' }))
        .then(ended({ cause: 'step_stuck', stuckEffectId: 'e1' })));
    it('does nothing more once it is stopped, and stops once', () => {
      const stopped = [...events, differed(submission)];
      expect(fold(registrationDecider, stopped)).toMatchObject({
        stage: 'stopped',
        stop: { cause: 'material_differed', material: 'photo', foundAt: 'submission' },
      });
      for (const command of OTHER_COMMANDS)
        given(...stopped)
          .when(command)
          .thenRefused({ code: 'wrong_stage', data: { stage: 'stopped', command: command.type } });
      given(...stopped)
        .when(stop(MISSING))
        .thenNothing();
    });
    it('is ended by an operator once it is stopped, the same way twice is once, another way is refused', () => {
      given(...events, differed(submission))
        .when(end())
        .then(ended());
      const over = [...events, differed(submission), ended()];
      expect(fold(registrationDecider, over)).toMatchObject({
        stage: 'closed',
        outcome: 'ended_by_operator',
        stop: null,
      });
      given(...over)
        .when(end({ by: 'b' }))
        .thenNothing();
      for (const other of [{ reason: 'storage_failed' }, { reference: 'I-2' }] as const)
        given(...over)
          .when(end(other))
          .thenRefused({ code: 'wrong_stage', data: { stage: 'closed', command: 'EndByOperator' } });
      for (const command of OTHER_COMMANDS)
        given(...over)
          .when(command)
          .thenRefused({ code: 'wrong_stage', data: { stage: 'closed', command: command.type } });
    });
  });

  it('names the stop and not the step where both are there', () =>
    given(...STAGES['confirmed']!.events, differed())
      .when(end({ stuckEffectId: 'e1' }))
      .then(ended()));
  it('hears what the government says of what was sent before the case stopped', () => {
    const answer: RegistrationCommand = {
      type: 'RecordSubmission',
      submissionId: 'sub1',
      attempt: 2,
      answer: { answer: 'accepted', reference: 'G' },
      policy: policy(),
      nowUtc: NOW,
    };
    given(...STAGES['submitting']!.events, differed('attempted'))
      .when(answer)
      .thenTypes('SubmittedToGovernment', 'GovernmentAccepted');
    given(...STAGES['submitted']!.events, differed('submitted'))
      .when(answer)
      .thenTypes('GovernmentAccepted');
    given(...STAGES['submitted']!.events, differed('submitted'))
      .when({ ...answer, submissionId: 'sub2' })
      .thenRefused({ code: 'submission_id_mismatch' });
    given(...STAGES['confirmed']!.events, differed())
      .when(answer)
      .thenRefused({ code: 'wrong_stage', data: { stage: 'stopped', command: 'RecordSubmission' } });
    const history = [...STAGES['submitting']!.events, differed('attempted'), submitted(), accepted];
    expect(fold(registrationDecider, history)).toMatchObject({
      stage: 'closed',
      outcome: 'accepted',
      stop: { material: 'photo' },
    });
  });
  it('keeps the outcome of a case that was over when something of it was found to be wrong', () => {
    const over = [...STAGES['submitted']!.events, accepted];
    given(...over)
      .when(end())
      .thenRefused({ code: 'wrong_stage', data: { stage: 'closed', command: 'EndByOperator' } });
    given(...over)
      .when(stop())
      .then(differed('submitted'));
    given(...over, differed('submitted'))
      .when(end())
      .then(ended({ earlierOutcome: 'accepted' }));
    const noted = [...over, differed('submitted'), ended({ earlierOutcome: 'accepted' })];
    expect(fold(registrationDecider, noted)).toMatchObject({ stage: 'closed', outcome: 'accepted', stop: null });
    given(...noted)
      .when(stop())
      .thenNothing();
  });
  it('ends an earlier refusal with a step that is stuck, and leaves its evidence as it is', () => {
    const rejected: RegistrationEvent = {
      type: 'CertificateRejected',
      data: {
        reason: 'revoked',
        cardRecordReason: null,
        evidence: null,
        verifier: { id: 'v', version: '1' },
        sealedEvidenceId: 'evidence-1',
        sealedEvidenceSha256: '5f'.repeat(32),
      },
    };
    given(received(), rejected)
      .when(end({ stuckEffectId: 'e1' }))
      .then(ended({ cause: 'step_stuck', stuckEffectId: 'e1', earlierOutcome: 'certificate_rejected' }));
    expect(
      fold(registrationDecider, [received(), rejected, ended({ earlierOutcome: 'certificate_rejected' })]),
    ).toMatchObject({
      outcome: 'certificate_rejected',
      refusedEvidence: { sealedEvidenceId: 'evidence-1', sealedEvidenceSha256: '5f'.repeat(32) },
    });
  });
  it('is decided again from its events alone', () => {
    for (const [history, event] of [
      [STAGES['held']!.events, differed()],
      [[...STAGES['held']!.events, differed()], ended()],
      [STAGES['held']!.events, ended({ cause: 'step_stuck', stuckEffectId: 'e1' })],
    ] as const) {
      const command = registrationCommandOf(event, null, policy(), NOW);
      expect(command && registrationDecider.decide(fold(registrationDecider, history), command)).toEqual({
        events: [event],
      });
    }
  });
});
