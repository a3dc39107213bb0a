import { describe, expect, it } from '@jest/globals';
import { fold } from '../../src/domain/decider.js';
import { isOnlyRetained, nextRunnable, sagaDecider, type PendingEffect, type SagaSource, type SagaState } from '../../src/domain/saga/registration.saga.js';
import { certificateVerified, faceMatched, held, NOW, received, submitted } from '../support/registration-facts.js';

/** Feeds source events and completions, the way the reactor and the dispatcher do. */
class Case {
  state: SagaState = sagaDecider.initial;
  private next = 0;
  source(event: SagaSource, id = `e${this.next++}`): this {
    const decision = sagaDecider.decide(this.state, { type: 'React', source: { id, recordedAtUtc: NOW, event }, idOf: (i) => `${id}/${i}`, attemptsMax: 3 });
    if ('events' in decision) this.state = decision.events.reduce(sagaDecider.evolve, this.state);
    return this;
  }
  done(effect: string): this {
    const found = this.state.pending.find((p) => p.effect.effect === effect);
    if (!found) throw new Error(`${effect} is not pending: ${this.pending().join()}`);
    const decision = sagaDecider.decide(this.state, { type: 'RecordPerformed', effectId: found.effectId, refusal: null });
    if ('events' in decision) this.state = decision.events.reduce(sagaDecider.evolve, this.state);
    return this;
  }
  pending(): string[] {
    return this.state.pending.map((p) => p.effect.effect);
  }
}

describe('registration saga (@req R6 R8 R9 R19)', () => {
  it('checks the certificate first and compares faces only after it', () => {
    const story = new Case().source(received());
    expect(story.pending()).toEqual(['CheckCertificate']);
    story.done('CheckCertificate').source(certificateVerified());
    expect(story.pending()).toEqual(['CompareFaces']);
  });
  it('submits a confirmed match, keeps the image, asks for the verdict, and erases at the end', () => {
    const story = new Case().source(received()).done('CheckCertificate').source(certificateVerified()).done('CompareFaces').source(faceMatched());
    expect(story.pending()).toEqual(['SubmitToGovernment']);
    story.done('SubmitToGovernment').source(submitted());
    expect(story.pending()).toEqual(['RegisterImage', 'AskGovernment']);
    story.source({ type: 'GovernmentAccepted', data: { submissionId: 'sub1', reference: 'G' } });
    expect(story.pending()).toEqual(['RegisterImage', 'ConfirmImage', 'EraseCaseMaterial']);
  });
  it('keeps no image without consent', () => {
    const story = new Case().source(received({ consent: { textVersion: '2026-11', keepReferenceImage: false } })).done('CheckCertificate').source(certificateVerified()).done('CompareFaces').source(faceMatched()).done('SubmitToGovernment').source(submitted());
    expect(story.pending()).toEqual(['AskGovernment']);
  });
  it('keeps in the registry what is not for the government (@req R18)', () => {
    const story = new Case().source(received({ mode: 'REGISTRY_ONLY' })).done('CheckCertificate').source(certificateVerified()).done('CompareFaces').source(faceMatched());
    expect(story.pending()).toEqual(['KeepInRegistry']);
  });
  it('opens a hold with its timer, and drops the timer when the hold is resolved', () => {
    const story = new Case().source(received()).done('CheckCertificate').source(certificateVerified()).done('CompareFaces').source(faceMatched('on_hold')).source(held());
    expect(story.pending()).toEqual(['OpenHold', 'ExpireHold']);
    story.done('OpenHold').source({ type: 'HoldResolved', data: { requestId: 'r1', outcome: 'released', officers: ['a', 'b'] } });
    expect(story.pending()).toEqual(['RecordHoldOutcome']);
  });
  it('erases the evidence of a refusal when its time has come, and the case at once', () => {
    const rejected: SagaSource = { type: 'CertificateRejected', data: { reason: 'revoked', cardRecordReason: null, evidence: null, verifier: { id: 'v', version: '1' }, sealedEvidenceId: 'e1' } };
    const due = '2026-12-03T09:00:00.000Z';
    const story = new Case().source(received()).done('CheckCertificate').source(rejected).source({ type: 'RefusedEvidenceRetained', data: { sealedEvidenceId: 'e1', refusedAtUtc: NOW, retentionDays: 10, eraseAtUtc: due } });
    expect(story.pending()).toEqual(['EraseCaseMaterial', 'EraseRefusedEvidence']);
    expect(nextRunnable(story.state.pending, NOW)?.effect.effect).toBe('EraseCaseMaterial');
    story.done('EraseCaseMaterial');
    expect(isOnlyRetained(story.state.pending)).toBe(true);
    expect(nextRunnable(story.state.pending, '2026-12-03T08:59:59.999Z')).toBeNull();
    expect(nextRunnable(story.state.pending, due)?.effect.effect).toBe('EraseRefusedEvidence');
    story.done('EraseRefusedEvidence').source({ type: 'RefusedEvidenceErased', data: { sealedEvidenceId: 'e1', rule: 'retention_limit', eraseAtUtc: due } });
    expect(story.pending()).toEqual([]);
  });
  it('reacts to an event once, however often it is delivered', () => {
    const story = new Case().source(received(), 'same').source(received(), 'same');
    expect(story.pending()).toEqual(['CheckCertificate']);
  });
  it('stops trying after the limit and waits for an operator', () => {
    const deferred = (attempt: number): SagaSource => ({ type: 'CertificateCheckDeferred', data: { cause: 'responder_timeout', attempt, nextAttemptAtUtc: NOW } });
    const story = new Case().source(received()).done('CheckCertificate').source(deferred(2)).done('CheckCertificate').source(deferred(3));
    expect(story.state.pending[0]).toMatchObject({ stuck: 'attempts_exhausted' });
    const effectId = story.state.pending[0]?.effectId as string;
    const resumed = sagaDecider.decide(story.state, { type: 'ResumeEffect', effectId, by: 'operator' });
    expect('events' in resumed && fold({ ...sagaDecider, initial: story.state }, resumed.events).pending[0]).toMatchObject({ stuck: null, failures: 0 });
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
  const effect = (name: string, change: Partial<PendingEffect> = {}): PendingEffect => ({ effectId: name, effect: { effect: name } as PendingEffect['effect'], dueAtUtc: null, stuck: null, failures: 0, ...change });
  it('takes the first that is due', () => expect(nextRunnable([effect('ExpireHold', { dueAtUtc: '2026-11-24T00:00:00.000Z' }), effect('OpenHold')], NOW)?.effectId).toBe('OpenHold'));
  it('keeps what comes after a failed effect waiting, because it may build on it', () => {
    const later = '2026-11-24T00:00:00.000Z';
    expect(nextRunnable([effect('RegisterImage', { failures: 1, dueAtUtc: later }), effect('ConfirmImage')], NOW)).toBeNull();
    expect(nextRunnable([effect('RegisterImage', { failures: 1, dueAtUtc: later }), effect('ConfirmImage')], later)?.effectId).toBe('RegisterImage');
    expect(nextRunnable([effect('RegisterImage', { failures: 7, stuck: 'attempts_exhausted' }), effect('ConfirmImage')], NOW)).toBeNull();
  });
  it('runs a timer at its instant', () => expect(nextRunnable([effect('ExpireHold', { dueAtUtc: NOW })], NOW)?.effectId).toBe('ExpireHold'));
  it('erases only when nothing else is left, not even something stuck', () => {
    expect(nextRunnable([effect('RegisterImage', { stuck: 'attempts_exhausted' }), effect('EraseCaseMaterial')], NOW)).toBeNull();
    expect(nextRunnable([effect('EraseCaseMaterial')], NOW)?.effectId).toBe('EraseCaseMaterial');
  });
  it('lets neither evidence wait for a stuck case nor a case for evidence that is stuck', () => {
    const evidence = (change: Partial<PendingEffect> = {}) => effect('EraseRefusedEvidence', { dueAtUtc: NOW, ...change });
    expect(nextRunnable([effect('EraseCaseMaterial', { stuck: 'attempts_exhausted' }), evidence()], NOW)?.effectId).toBe('EraseRefusedEvidence');
    expect(nextRunnable([evidence({ stuck: 'attempts_exhausted' }), effect('EraseCaseMaterial')], NOW)?.effectId).toBe('EraseCaseMaterial');
    expect(nextRunnable([evidence({ failures: 3, dueAtUtc: '2026-11-24T00:00:00.000Z' }), effect('EraseCaseMaterial')], NOW)?.effectId).toBe('EraseCaseMaterial');
    expect(isOnlyRetained([evidence({ stuck: 'attempts_exhausted' })])).toBe(false);
  });
});

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length <= 1) return [[...items]];
  return items.flatMap((item, i) => permutations([...items.slice(0, i), ...items.slice(i + 1)]).map((rest) => [item, ...rest]));
}
