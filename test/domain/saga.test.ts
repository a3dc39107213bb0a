import { describe, expect, it } from '@jest/globals';
import { fold } from '../../src/domain/decider.js';
import {
  isOnlyRetained,
  nextRunnable,
  sagaDecider,
  type PendingEffect,
  type SagaSource,
  type SagaState,
} from '../../src/domain/saga/registration.saga.js';
import { certificateVerified, faceMatched, held, NOW, received, submitted } from '../support/registration-facts.js';

/** Feeds source events and completions, the way the reactor and the dispatcher do. */
class Case {
  state: SagaState = sagaDecider.initial;
  private next = 0;
  source(event: SagaSource, id = `e${this.next++}`): this {
    const decision = sagaDecider.decide(this.state, {
      type: 'React',
      source: { id, recordedAtUtc: NOW, event },
      idOf: (i) => `${id}/${i}`,
      attemptsMax: 3,
    });
    if ('events' in decision) this.state = decision.events.reduce(sagaDecider.evolve, this.state);
    return this;
  }
  done(effect: string): this {
    const found = this.state.pending.find((p) => p.effect.effect === effect);
    if (!found) throw new Error(`${effect} is not pending: ${this.pending().join()}`);
    const decision = sagaDecider.decide(this.state, {
      type: 'RecordPerformed',
      effectId: found.effectId,
      refusal: null,
    });
    if ('events' in decision) this.state = decision.events.reduce(sagaDecider.evolve, this.state);
    return this;
  }
  pending(): string[] {
    return this.state.pending.map((p) => p.effect.effect);
  }
}

describe('registration saga (@req R6 R8 R9 R19)', () => {
  it('checks the certificate first and compares faces only after it (@req A4)', () => {
    const story = new Case().source(received());
    expect(story.pending()).toEqual(['CheckCertificate']);
    story.done('CheckCertificate').source(certificateVerified());
    expect(story.pending()).toEqual(['CompareFaces']);
  });
  it('submits a confirmed match, keeps the image, asks for the verdict, and erases at the end (@req A9 A15)', () => {
    const story = new Case()
      .source(received())
      .done('CheckCertificate')
      .source(certificateVerified())
      .done('CompareFaces')
      .source(faceMatched());
    expect(story.pending()).toEqual(['SubmitToGovernment']);
    story.done('SubmitToGovernment').source(submitted());
    expect(story.pending()).toEqual(['RegisterImage', 'AskGovernment']);
    story.source({ type: 'GovernmentAccepted', data: { submissionId: 'sub1', reference: 'G' } });
    expect(story.pending()).toEqual(['RegisterImage', 'ConfirmImage', 'EraseCaseMaterial']);
  });
  it('keeps no image without consent (@req A15)', () => {
    const story = new Case()
      .source(received({ consent: { textVersion: '2026-11', keepReferenceImage: false } }))
      .done('CheckCertificate')
      .source(certificateVerified())
      .done('CompareFaces')
      .source(faceMatched())
      .done('SubmitToGovernment')
      .source(submitted());
    expect(story.pending()).toEqual(['AskGovernment']);
  });
  it('keeps in the registry what is not for the government (@req R18 A12)', () => {
    const story = new Case()
      .source(received({ mode: 'REGISTRY_ONLY' }))
      .done('CheckCertificate')
      .source(certificateVerified())
      .done('CompareFaces')
      .source(faceMatched());
    expect(story.pending()).toEqual(['KeepInRegistry']);
  });
  it('opens a hold with its timer, and drops the timer when the hold is resolved', () => {
    const story = new Case()
      .source(received())
      .done('CheckCertificate')
      .source(certificateVerified())
      .done('CompareFaces')
      .source(faceMatched('on_hold'))
      .source(held());
    expect(story.pending()).toEqual(['OpenHold', 'ExpireHold']);
    story
      .done('OpenHold')
      .source({ type: 'HoldResolved', data: { requestId: 'r1', outcome: 'released', officers: ['a', 'b'] } });
    expect(story.pending()).toEqual(['RecordHoldOutcome']);
  });
  it('erases the evidence of a refusal when its time has come, and the case at once', () => {
    const rejected: SagaSource = {
      type: 'CertificateRejected',
      data: {
        reason: 'revoked',
        cardRecordReason: null,
        evidence: null,
        verifier: { id: 'v', version: '1' },
        sealedEvidenceId: 'e1',
        sealedEvidenceSha256: '5f'.repeat(32),
      },
    };
    const due = '2026-12-03T09:00:00.000Z';
    const story = new Case()
      .source(received())
      .done('CheckCertificate')
      .source(rejected)
      .source({
        type: 'RefusedEvidenceRetained',
        data: {
          sealedEvidenceId: 'e1',
          sealedEvidenceSha256: '5f'.repeat(32),
          refusedAtUtc: NOW,
          retentionDays: 10,
          eraseAtUtc: due,
        },
      });
    expect(story.pending()).toEqual(['EraseCaseMaterial', 'EraseRefusedEvidence']);
    expect(nextRunnable(story.state.pending, NOW)?.effect.effect).toBe('EraseCaseMaterial');
    story.done('EraseCaseMaterial');
    expect(isOnlyRetained(story.state.pending)).toBe(true);
    expect(nextRunnable(story.state.pending, '2026-12-03T08:59:59.999Z')).toBeNull();
    expect(nextRunnable(story.state.pending, due)?.effect.effect).toBe('EraseRefusedEvidence');
    story
      .done('EraseRefusedEvidence')
      .source({
        type: 'RefusedEvidenceErased',
        data: {
          sealedEvidenceId: 'e1',
          sealedEvidenceSha256: '5f'.repeat(32),
          rule: 'retention_limit',
          eraseAtUtc: due,
        },
      });
    expect(story.pending()).toEqual([]);
  });
  it.each<[string, SagaSource]>([
    [
      'differs',
      {
        type: 'MaterialDiffered',
        data: { material: 'photo', difference: 'other_bytes', foundAt: 'submission', submission: 'not_attempted' },
      },
    ],
    [
      'is missing',
      { type: 'MaterialMissing', data: { material: 'photo', foundAt: 'submission', submission: 'not_attempted' } },
    ],
  ])('does nothing more when the material %s, until an operator ends the case', (_, stop) => {
    const end: SagaSource = {
      type: 'RequestEndedByOperator',
      data: {
        cause: 'material_differed',
        stuckEffectId: null,
        reason: 'tampering_suspected',
        reference: 'I-1',
        by: 'a',
        earlierOutcome: null,
      },
    };
    const matched = () =>
      new Case().source(received()).done('CheckCertificate').source(certificateVerified()).done('CompareFaces');
    for (const before of [new Case().source(received()), matched().source(faceMatched())]) {
      expect(before.source(stop).pending()).toEqual([]);
      expect(before.source(end).pending()).toEqual(['EraseCaseMaterial']);
    }
    const onHold = matched().source(faceMatched('on_hold')).source(held()).done('OpenHold').source(stop);
    expect(onHold.pending()).toEqual(['CloseHold']);
    expect(onHold.done('CloseHold').source(end).pending()).toEqual(['EraseCaseMaterial']);
    // A hold that is not open yet is opened and closed, so that nothing waits for officers.
    expect(matched().source(faceMatched('on_hold')).source(held()).source(stop).pending()).toEqual([
      'OpenHold',
      'CloseHold',
    ]);
  });
  it('sends nothing again when the material differs, and asks what became of what was sent', () => {
    const stop = (submission: 'attempted' | 'submitted'): SagaSource => ({
      type: 'MaterialDiffered',
      data: { material: 'photo', difference: 'other_bytes', foundAt: 'submission', submission },
    });
    const deferred: SagaSource = {
      type: 'SubmissionDeferred',
      data: { submissionId: 'sub1', cause: 'timeout', attempt: 1, nextAttemptAtUtc: NOW },
    };
    const sending = () =>
      new Case()
        .source(received())
        .done('CheckCertificate')
        .source(certificateVerified())
        .done('CompareFaces')
        .source(faceMatched())
        .done('SubmitToGovernment');
    const attempted = sending().source(deferred).source(stop('attempted'));
    expect(attempted.pending()).toEqual(['AskGovernment']);
    expect(attempted.done('AskGovernment').source(deferred).pending()).toEqual(['AskGovernment']);
    // The government has it after all: nothing is kept of it, and an operator still has to look.
    expect(attempted.done('AskGovernment').source(submitted()).pending()).toEqual(['AskGovernment']);
    expect(
      attempted.source({ type: 'GovernmentAccepted', data: { submissionId: 'sub1', reference: 'G' } }).pending(),
    ).toEqual(['ConfirmImage']);
    expect(sending().source(submitted()).source(stop('submitted')).pending()).toEqual(['AskGovernment']);
  });
  it('ends a case with a step that is stuck: everything that was asked for goes, a provisional image too', () => {
    const end = (earlierOutcome: 'accepted' | null): SagaSource => ({
      type: 'RequestEndedByOperator',
      data: {
        cause: 'step_stuck',
        stuckEffectId: 'e',
        reason: 'outside_service_gone',
        reference: 'I-1',
        by: 'a',
        earlierOutcome,
      },
    });
    const sent = () =>
      new Case()
        .source(received())
        .done('CheckCertificate')
        .source(certificateVerified())
        .done('CompareFaces')
        .source(faceMatched())
        .done('SubmitToGovernment')
        .source(submitted())
        .done('RegisterImage');
    expect(sent().source(end(null)).pending()).toEqual(['WithdrawImage', 'EraseCaseMaterial']);
    expect(
      sent()
        .source({ type: 'GovernmentAccepted', data: { submissionId: 'sub1', reference: 'G' } })
        .source(end('accepted'))
        .pending(),
    ).toEqual(['WithdrawImage', 'EraseCaseMaterial']);
    expect(new Case().source(received()).source(end(null)).pending()).toEqual(['EraseCaseMaterial']);
    expect(
      new Case()
        .source(received({ mode: 'REGISTRY_ONLY' }))
        .source(end(null))
        .pending(),
    ).toEqual(['WithdrawImage', 'EraseCaseMaterial']);
    const onHold = new Case()
      .source(received())
      .done('CheckCertificate')
      .source(certificateVerified())
      .done('CompareFaces')
      .source(faceMatched('on_hold'))
      .source(held())
      .done('OpenHold');
    expect(onHold.source(end(null)).pending()).toEqual(['CloseHold', 'EraseCaseMaterial']);
  });
  it('reacts to an event once, however often it is delivered', () => {
    const story = new Case().source(received(), 'same').source(received(), 'same');
    expect(story.pending()).toEqual(['CheckCertificate']);
  });
  it('stops trying after the limit and waits for an operator', () => {
    const deferred = (attempt: number): SagaSource => ({
      type: 'CertificateCheckDeferred',
      data: { cause: 'responder_timeout', attempt, nextAttemptAtUtc: NOW },
    });
    const story = new Case()
      .source(received())
      .done('CheckCertificate')
      .source(deferred(2))
      .done('CheckCertificate')
      .source(deferred(3));
    expect(story.state.pending[0]).toMatchObject({ stuck: 'attempts_exhausted' });
    const effectId = story.state.pending[0]?.effectId as string;
    const resumed = sagaDecider.decide(story.state, { type: 'ResumeEffect', effectId, by: 'operator' });
    expect(
      'events' in resumed && fold({ ...sagaDecider, initial: story.state }, resumed.events).pending[0],
    ).toMatchObject({ stuck: null, failures: 0 });
  });
  it('never asks for a submission before a confirmed match, whatever order events come in', () => {
    const sources: SagaSource[] = [received(), certificateVerified(), faceMatched(), submitted(), held()];
    for (const order of permutations(sources)) {
      const story = new Case();
      let sawMatch = false;
      for (const event of order) {
        story.source(event);
        sawMatch ||= event.type === 'FaceMatched';
        if (!sawMatch) expect(story.pending()).not.toContain('SubmitToGovernment');
      }
    }
  });
});

describe('next runnable effect', () => {
  const effect = (name: string, change: Partial<PendingEffect> = {}): PendingEffect => ({
    effectId: name,
    effect: { effect: name } as PendingEffect['effect'],
    dueAtUtc: null,
    stuck: null,
    failures: 0,
    ...change,
  });
  it('takes the first that is due', () =>
    expect(
      nextRunnable([effect('ExpireHold', { dueAtUtc: '2026-11-24T00:00:00.000Z' }), effect('OpenHold')], NOW)?.effectId,
    ).toBe('OpenHold'));
  it('keeps what comes after a failed effect waiting, because it may build on it', () => {
    const later = '2026-11-24T00:00:00.000Z';
    expect(
      nextRunnable([effect('RegisterImage', { failures: 1, dueAtUtc: later }), effect('ConfirmImage')], NOW),
    ).toBeNull();
    expect(
      nextRunnable([effect('RegisterImage', { failures: 1, dueAtUtc: later }), effect('ConfirmImage')], later)
        ?.effectId,
    ).toBe('RegisterImage');
    expect(
      nextRunnable(
        [effect('RegisterImage', { failures: 7, stuck: 'attempts_exhausted' }), effect('ConfirmImage')],
        NOW,
      ),
    ).toBeNull();
  });
  it('runs a timer at its instant', () =>
    expect(nextRunnable([effect('ExpireHold', { dueAtUtc: NOW })], NOW)?.effectId).toBe('ExpireHold'));
  it('erases only when nothing else is left, not even something stuck', () => {
    expect(
      nextRunnable([effect('RegisterImage', { stuck: 'attempts_exhausted' }), effect('EraseCaseMaterial')], NOW),
    ).toBeNull();
    expect(nextRunnable([effect('EraseCaseMaterial')], NOW)?.effectId).toBe('EraseCaseMaterial');
  });
  it('lets neither evidence wait for a stuck case nor a case for evidence that is stuck', () => {
    const evidence = (change: Partial<PendingEffect> = {}) =>
      effect('EraseRefusedEvidence', { dueAtUtc: NOW, ...change });
    expect(
      nextRunnable([effect('EraseCaseMaterial', { stuck: 'attempts_exhausted' }), evidence()], NOW)?.effectId,
    ).toBe('EraseRefusedEvidence');
    expect(nextRunnable([evidence({ stuck: 'attempts_exhausted' }), effect('EraseCaseMaterial')], NOW)?.effectId).toBe(
      'EraseCaseMaterial',
    );
    expect(
      nextRunnable([evidence({ failures: 3, dueAtUtc: '2026-11-24T00:00:00.000Z' }), effect('EraseCaseMaterial')], NOW)
        ?.effectId,
    ).toBe('EraseCaseMaterial');
    expect(isOnlyRetained([evidence({ stuck: 'attempts_exhausted' })])).toBe(false);
  });
});

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length <= 1) return [[...items]];
  return items.flatMap((item, i) =>
    permutations([...items.slice(0, i), ...items.slice(i + 1)]).map((rest) => [item, ...rest]),
  );
}
