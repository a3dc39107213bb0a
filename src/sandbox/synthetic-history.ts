import {
  booths,
  dualActs,
  holdReviews,
  policies,
  POLICY_ID,
  registrants,
  registrations,
  sagas,
  type Aggregate,
} from '../application/decisions/aggregates.js';
import { derivedId } from '../application/decisions/ids.js';
import { sealedEvidenceSha256 } from '../application/case/sealed-evidence.js';
import type { DomainEvent } from '../domain/decider.js';
import type { ActReason, DualAct } from '../domain/dual-control/dual-act.events.js';
import type { JsonObject, NewEvent } from '../domain/event-envelope.js';
import { currentVersion } from '../domain/event-registry.js';
import type { PolicyValues } from '../domain/policy/policy.events.js';
import { activePolicy, DEFAULT_POLICY, type ActivePolicy } from '../domain/policy/policy.js';
import { referenceImage, tombstoneOf, type RegistrantState } from '../domain/registrant/registrant.js';
import { scoreComparison } from '../domain/registration/face-score.js';
import type {
  FaceFinding,
  GovernmentAnswer,
  RegistrationCommand,
  RegistrationState,
} from '../domain/registration/registration.js';
import type { ReceivedRequest } from '../domain/registration/registration.events.js';
import { SAGA_SOURCES, type SagaSource, type SagaState } from '../domain/saga/registration.saga.js';
import type { ScoreEvidence, ScoringRule } from '../domain/values/face-comparison.js';
import { addMs, msBetween } from '../domain/values/instant.js';

/** One append as the event store takes it. */
export interface SyntheticAppend {
  readonly stream: string;
  readonly events: readonly NewEvent[];
  readonly expected: number | 'no_stream';
}

interface Kept {
  state: unknown;
  revision: number;
}

const SOURCES: ReadonlySet<string> = new Set(SAGA_SOURCES);
const RETAINED_MAX = 100;
const VERIFIER = { id: 'synthetic-verifier', version: '1' };
const CANNOT_TELL = { outcome: 'cannot_tell', because: 'not_named' } as const;
/** What a certificate of user authentication and the authority say of an honest card. */
const SAME_CARD = {
  birthDate: CANNOT_TELL,
  sex: CANNOT_TELL,
  birthday: { outcome: 'equal' },
  expiry: { outcome: 'equal' },
  sameCard: { outcome: 'equal' },
} as const;
const ALGORITHM = { id: 'synthetic-faces', version: '2' };
/** The curve of the default model set. */
const SCORING: ScoringRule = { quality: 'dlib-1', slope: 417_000, offset: 253_830 };

/** A history as the server would have written it, made by the real rules out of made-up findings: for tests and
 * measurements of what reads histories. The same seed gives the same history. No image, no certificate, nobody. */
export class SyntheticHistory {
  private readonly kept = new Map<string, Kept>();
  private nowUtc: string;
  private steps = 0;
  private random: () => number;
  private out: SyntheticAppend[] = [];
  /** Refused cases whose evidence is not erased yet; of older ones nothing is told any more. */
  private readonly retained: string[] = [];
  /** People who were erased, with the key under which they come back. */
  private readonly cameBack = new Map<string, string>();

  constructor(options: { readonly seed?: number; readonly startUtc?: string } = {}) {
    this.nowUtc = options.startUtc ?? '2026-01-05T00:00:00.000Z';
    this.random = mulberry32(options.seed ?? 1);
  }

  /** Policy and booths, then cases without end when `cases` is not given. A closed case is forgotten, so memory stays
   * flat. */
  *appends(
    cases: number = Number.POSITIVE_INFINITY,
    options: { readonly registrants?: number } = {},
  ): Iterable<SyntheticAppend> {
    this.begin();
    yield* this.taken();
    for (let number = 0; number < cases; number += 1) {
      this.playCase(number, options.registrants ?? 500);
      yield* this.taken();
    }
  }

  /** Cases after those of `appends`, with people of before among them. */
  later(from: number, cases: number, registrants: number): SyntheticAppend[] {
    for (let number = from; number < from + cases; number += 1) this.playCase(number, registrants);
    return this.taken();
  }

  /** Another policy, proposed and approved by two people. */
  changePolicy(change: Partial<PolicyValues>): SyntheticAppend[] {
    const values = { ...this.policy().values, ...change };
    const version = this.policies().versions.length + 1;
    this.run(
      policies,
      POLICY_ID,
      { type: 'ProposePolicy', values, by: 'admin-a' },
      'officer:admin-a',
      `policy-${version}`,
      null,
    );
    this.run(
      policies,
      POLICY_ID,
      { type: 'ApprovePolicy', version, by: 'admin-b' },
      'officer:admin-b',
      `policy-${version}`,
      null,
    );
    this.run(
      policies,
      POLICY_ID,
      { type: 'ActivatePolicy', version, by: 'admin-b' },
      'officer:admin-b',
      `policy-${version}`,
      null,
    );
    return this.taken();
  }

  /** From here on the person behind the key comes under another one, and meets a tombstone. */
  eraseRegistrant(key: string): SyntheticAppend[] {
    const person = [...this.cameBack].find(([, now]) => now === key)?.[0] ?? key;
    this.cameBack.set(person, derivedId('came-back', key).replaceAll('-', ''));
    const [requestId, rule] = [derivedId('erase', key), 'request_of_the_person'] as const;
    const tombstone = tombstoneOf(this.policy().values.erasedBeforeDays, this.nowUtc);
    this.agreed({ act: 'erase_registrant', requestId, rule }, rule, requestId, (because) =>
      this.run(
        registrants,
        key,
        { type: 'EraseRegistrant', rule, by: 'admin-a', tombstone },
        'officer:admin-a',
        requestId,
        this.policy().version,
        because,
      ),
    );
    return this.taken();
  }

  /** Lets time pass until the evidence of every refused certificate is due, and erases it. */
  endRetention(): SyntheticAppend[] {
    for (const requestId of this.retained.splice(0)) {
      const [due] = this.sagaOf(requestId)?.pending ?? [];
      if (!due || due.dueAtUtc === null) continue;
      this.advance(Math.max(0, msBetween(this.nowUtc, due.dueAtUtc)) + this.upTo(300));
      this.command(
        requestId,
        { type: 'RecordEvidenceErased', nowUtc: this.nowUtc },
        'system:registration-saga',
        due.effectId,
      );
      this.note(requestId, due.effectId);
      this.forget(requestId);
    }
    return this.taken();
  }

  private begin(): void {
    const by = 'system:bootstrap';
    for (const command of [
      { type: 'ProposePolicy', values: DEFAULT_POLICY, by },
      { type: 'ApprovePolicy', version: 1, by },
      { type: 'ActivatePolicy', version: 1, by },
    ] as const)
      this.run(policies, POLICY_ID, command, by, 'bootstrap', null);
    for (const booth of ['booth-a', 'booth-b', 'booth-c']) this.enrol(booth);
  }

  private enrol(boothId: string): void {
    const publicKey = Buffer.from(boothId).toString('base64');
    this.agreed({ act: 'enrol_booth', boothId, publicKey }, 'new_site', boothId, (because) =>
      this.run(
        booths,
        boothId,
        { type: 'EnrolBooth', boothId, publicKey, by: 'admin-a' },
        'officer:admin-a',
        boothId,
        null,
        because,
      ),
    );
  }

  /** As two people do it.
   *  @param carryOut is given the id of the approval, which is what causes it */
  private agreed(
    proposal: DualAct,
    reason: ActReason,
    correlationId: string,
    carryOut: (because: string) => void,
  ): void {
    const act = derivedId('act', correlationId);
    const system = 'system:dual-acts';
    const propose = { type: 'ProposeAct', proposal, reason, reference: 'WO-1', by: 'admin-a' } as const;
    this.run(dualActs, act, propose, 'officer:admin-a', correlationId, null);
    const policy = this.policy();
    const approve = {
      type: 'ApproveAct',
      by: 'admin-b',
      nowUtc: this.nowUtc,
      waitMinutes: policy.values.dualControlWaitMinutes,
    } as const;
    const [approved] = this.run(dualActs, act, approve, 'officer:admin-b', correlationId, policy.version);
    this.run(dualActs, act, { type: 'BeginAct', nowUtc: this.nowUtc }, system, correlationId, null);
    carryOut(approved?.id ?? '');
    this.run(dualActs, act, { type: 'RecordActCarriedOut', refusal: null }, system, correlationId, null);
  }

  private playCase(number: number, people: number): void {
    const requestId = derivedId('synthetic', number);
    const booth = ['booth-a', 'booth-b', 'booth-c'][number % 3] as string;
    this.advance(1000 + this.upTo(240_000));
    if (this.upTo(40) === 0)
      this.fact(
        `door-${derivedId('door', number)}`,
        { type: 'RequestRefusedAtDoor', data: { code: 'nonce_expired', boothId: booth } },
        'system:door',
      );
    this.fact(
      `challenge-${derivedId('nonce', number)}`,
      { type: 'ChallengeConsumed', data: { requestId, boothId: booth } },
      `booth:${booth}`,
      requestId,
    );
    this.command(
      requestId,
      { type: 'ReceiveRequest', request: this.request(requestId, booth, number) },
      `booth:${booth}`,
    );
    for (let limit = 0; limit < 60; limit += 1) {
      const effect = this.sagaOf(requestId)?.pending.find((each) => each.effect.effect !== 'EraseRefusedEvidence');
      if (!effect) break;
      this.perform(
        requestId,
        effect.effectId,
        effect.effect,
        derivedId('person', this.upTo(people)).replaceAll('-', ''),
      );
      this.note(requestId, effect.effectId);
    }
    if ((this.sagaOf(requestId)?.pending.length ?? 0) > 0) this.retained.push(requestId);
    else this.forget(requestId);
    if (this.retained.length > RETAINED_MAX) this.forget(this.retained.shift() as string);
  }

  private forget(requestId: string): void {
    for (const aggregate of [registrations, holdReviews, sagas]) this.kept.delete(aggregate.streamOf(requestId));
  }

  private perform(
    requestId: string,
    effectId: string,
    effect: SagaState['pending'][number]['effect'],
    person: string,
  ): void {
    const policy = this.policy();
    this.advance(20 + this.upTo(400));
    const record = (command: RegistrationCommand) =>
      this.command(requestId, command, 'system:registration-saga', effectId);
    const state = this.kept.get(registrations.streamOf(requestId))?.state as Exclude<
      RegistrationState,
      { stage: 'none' }
    >;
    const nowUtc = this.nowUtc;
    switch (effect.effect) {
      case 'CheckCertificate': {
        const dice = this.upTo(20);
        if (dice === 0 && effect.attempt < 3)
          return record({
            type: 'RecordCertificateVerdict',
            verdict: { verdict: 'unknown', cause: 'responder_timeout' },
            attempt: effect.attempt,
            policy,
            nowUtc,
          });
        if (dice === 1) {
          record({
            type: 'RecordCertificateVerdict',
            verdict: {
              verdict: 'invalid',
              reason: 'revoked',
              cardRecordReason: null,
              evidence: this.evidence('revoked'),
              verifier: VERIFIER,
              ...evidenceNameOf(effectId),
            },
            attempt: effect.attempt,
            policy,
            nowUtc,
          });
          return void this.run(
            registrations,
            requestId,
            { type: 'RetainRefusedEvidence', refusedAtUtc: nowUtc, policy },
            'system:evidence-retention',
            requestId,
            policy.version,
            effectId,
          );
        }
        const { material } = state.request;
        const subjectKey = this.cameBack.get(person) ?? person;
        const erasedBefore = subjectKey !== person && this.referenceOf(subjectKey) === null;
        return record({
          type: 'RecordCertificateVerdict',
          attempt: effect.attempt,
          policy,
          nowUtc,
          verdict: {
            verdict: 'valid',
            subjectKey,
            evidence: this.evidence('good'),
            cardRecordIssuerKeyId: '6000023',
            verifier: VERIFIER,
            cardRecordVerifier: VERIFIER,
            agreement: SAME_CARD,
            otherCertificate: 'told',
            erasedBefore,
            material: { certificate: material.certificate, cardRecord: material.cardRecord },
            ...evidenceNameOf(effectId),
          },
        });
      }
      case 'CompareFaces':
        return record({
          type: 'RecordFaceComparison',
          finding: this.finding(state),
          attempt: effect.attempt,
          policy,
          nowUtc,
        });
      case 'OpenHold':
        this.run(
          holdReviews,
          requestId,
          { type: 'OpenHold', requestId, reason: effect.reason, dueAtUtc: effect.dueAtUtc },
          'system:registration-saga',
          requestId,
          policy.version,
          effectId,
        );
        return this.review(requestId);
      case 'RecordHoldOutcome':
        return record({ type: 'RecordHoldOutcome', outcome: effect.outcome, officers: effect.officers });
      case 'SubmitToGovernment':
      case 'AskGovernment': {
        const submissionId = derivedId(requestId, 'submission');
        if (effect.effect === 'SubmitToGovernment')
          record({ type: 'BeginSubmission', submissionId, attempt: effect.attempt });
        this.advance(50);
        return record({
          type: 'RecordSubmission',
          submissionId,
          attempt: effect.attempt,
          answer: this.governmentAnswer(effect.attempt, requestId),
          policy,
          nowUtc: this.nowUtc,
        });
      }
      case 'RegisterImage':
        return this.registerImage(requestId, state, effectId);
      case 'ConfirmImage':
        return this.registrant(state, { type: 'ConfirmImage', imageId: `image-${requestId}` }, requestId, effectId);
      case 'WithdrawImage':
        return this.registrant(
          state,
          { type: 'WithdrawImage', imageId: `image-${requestId}`, reason: 'government_refused' },
          requestId,
          effectId,
        );
      case 'KeepInRegistry':
        this.registerImage(requestId, state, effectId);
        this.registrant(state, { type: 'ConfirmImage', imageId: `image-${requestId}` }, requestId, effectId);
        return record({ type: 'RecordKeptInRegistry', imageId: `image-${requestId}` });
      case 'ExpireHold':
        this.run(
          holdReviews,
          requestId,
          { type: 'ExpireHold' },
          'system:registration-saga',
          requestId,
          policy.version,
          effectId,
        );
        return;
      case 'CloseHold':
        this.run(
          holdReviews,
          requestId,
          { type: 'CloseHold' },
          'system:registration-saga',
          requestId,
          policy.version,
          effectId,
        );
        return;
      case 'EraseCaseMaterial':
      case 'EraseRefusedEvidence':
        return;
    }
  }

  /** Two officers, a third one when they differ. */
  private review(requestId: string): void {
    const view = (officer: string) =>
      this.fact(
        `access-${this.nowUtc.slice(0, 10)}-${derivedId(requestId, officer).slice(0, 8)}`,
        {
          type: 'BiometricViewed',
          data: { officer, requestId, image: 'photo', purpose: 'hold_review', reference: null, grounds: 'open_hold' },
        },
        `officer:${officer}`,
        requestId,
      );
    const give = (officer: string, opinion: 'release' | 'reject') => {
      this.advance(60_000 + this.upTo(600_000));
      view(officer);
      this.run(
        holdReviews,
        requestId,
        {
          type: 'GiveOpinion',
          officer,
          opinion,
          reason: opinion === 'release' ? 'same_person' : 'different_person',
          seen: ['photo'],
        },
        `officer:${officer}`,
        requestId,
        this.policy().version,
      );
    };
    const [first, second] = [this.upTo(2) === 0, this.upTo(2) === 0].map((yes) =>
      yes ? ('release' as const) : ('reject' as const),
    ) as ['release' | 'reject', 'release' | 'reject'];
    give('officer-a', first);
    give('officer-b', second);
    const officer = first === second ? 'officer-a' : 'officer-c';
    this.run(
      holdReviews,
      requestId,
      { type: 'ResolveHold', officer, outcome: first === 'release' ? 'released' : 'rejected', reason: 'same_person' },
      `officer:${officer}`,
      requestId,
      this.policy().version,
    );
  }

  private referenceOf(subjectKey: string): ReturnType<typeof referenceImage> {
    const known = this.kept.get(registrants.streamOf(subjectKey))?.state as RegistrantState | undefined;
    return referenceImage(known ?? registrants.decider.initial);
  }

  private finding(state: Exclude<RegistrationState, { stage: 'none' }>): FaceFinding {
    const subjectKey = 'subjectKey' in state ? (state.subjectKey as string) : '';
    const reference = this.referenceOf(subjectKey);
    if (this.upTo(50) === 0)
      return { outcome: 'not_comparable', image: 'captured', reason: 'too_blurred', algorithm: ALGORITHM };
    const evidence = this.measuredFaces(reference !== null);
    const { cardPoints, registeredPoints } = scoreComparison(evidence);
    return {
      outcome: 'compared',
      cardPoints,
      evidence,
      algorithm: ALGORITHM,
      material: { photo: state.request.material.photo, cardRecord: state.request.material.cardRecord, frames: [] },
      quality: { sharpness: 60 + this.upTo(40) },
      signals: { nearDuplicateOfCard: false, nearDuplicateOfRegistered: 'not_assessed', frames: 'not_assessed' },
      registered: reference
        ? {
            comparison: 'compared',
            points: registeredPoints ?? 0,
            imageId: reference.imageId,
            imageCommitment: reference.image,
          }
        : {
            comparison: 'not_applicable',
            reason: state.request.consent.keepReferenceImage ? 'first_registration' : 'no_consent',
          },
    };
  }

  /** Distances of which some are far, between pictures of which some are soft or grey. */
  private measuredFaces(isKnown: boolean): ScoreEvidence {
    const near = () => 3_500 + this.upTo(2_000);
    const measures = (greyOneIn: number) => ({
      eyeDistance: 60 + this.upTo(80),
      detail: this.upTo(10) === 0 ? -250 - this.upTo(80) : -130 - this.upTo(60),
      noise: -160 - this.upTo(40),
      blocks: this.upTo(20),
      contrast: 30 + this.upTo(15),
      light: 110 + this.upTo(40),
      isGrey: this.upTo(greyOneIn) === 0,
    });
    return {
      scoring: SCORING,
      captured: measures(1_000),
      card: { distance: this.upTo(12) === 0 ? 5_501 + this.upTo(900) : near(), measures: measures(2) },
      registered: isKnown
        ? { distance: this.upTo(4) === 0 ? 5_450 + this.upTo(550) : near(), measures: measures(1_000) }
        : null,
    };
  }

  private governmentAnswer(attempt: number, requestId: string): GovernmentAnswer {
    const dice = this.upTo(20);
    if (dice === 0 && attempt < 4) return { answer: 'unknown', cause: 'timeout' };
    if (dice === 1 && attempt < 4) return { answer: 'submitted' };
    return dice === 2
      ? { answer: 'refused', reason: 'photo_not_acceptable' }
      : { answer: 'accepted', reference: `G-${requestId.slice(0, 8)}` };
  }

  private registerImage(
    requestId: string,
    state: Exclude<RegistrationState, { stage: 'none' }>,
    effectId: string,
  ): void {
    const { consent, capturedAtUtc, material } = state.request;
    this.registrant(state, { type: 'GiveConsent', textVersion: consent.textVersion, requestId }, requestId, effectId);
    this.registrant(
      state,
      { type: 'RegisterImage', imageId: `image-${requestId}`, requestId, capturedAtUtc, image: material.photo },
      requestId,
      effectId,
    );
  }

  private registrant(
    state: RegistrationState,
    command: Parameters<typeof registrants.decider.decide>[1],
    requestId: string,
    effectId: string,
  ): void {
    const subjectKey = 'subjectKey' in state ? (state.subjectKey as string) : '';
    this.run(registrants, subjectKey, command, 'system:registration-saga', requestId, this.policy().version, effectId);
  }

  private request(requestId: string, boothId: string, counter: number): ReceivedRequest {
    const hash = (name: string) => derivedId(requestId, name).replaceAll('-', '').repeat(2);
    return {
      requestId,
      receipt: derivedId(requestId, 'receipt').slice(0, 19).toUpperCase(),
      boothId,
      boothKeyVersion: 1,
      counter,
      mode: this.upTo(10) === 0 ? 'REGISTRY_ONLY' : 'GOVERNMENT_SUBMISSION',
      certificateType: 'user_authentication',
      capturedAtUtc: addMs(this.nowUtc, -30_000),
      receivedAtUtc: this.nowUtc,
      consent: { textVersion: '2026-11', keepReferenceImage: true },
      material: {
        photo: hash('photo'),
        certificate: hash('certificate'),
        cardRecord: hash('record'),
        cardIssuerCertificate: hash('issuer'),
        signatures: hash('signatures'),
      },
      frames: null,
      requestDigest: hash('digest'),
    };
  }

  private evidence(status: 'good' | 'revoked') {
    return {
      method: 'ocsp',
      source: 'http://127.0.0.1/ocsp',
      status,
      revocationReason: status === 'revoked' ? 'key_compromise' : null,
      revokedAtUtc: status === 'revoked' ? this.nowUtc : null,
      thisUpdateUtc: this.nowUtc,
      nextUpdateUtc: addMs(this.nowUtc, 3_600_000),
      responderKeySha256: '11'.repeat(32),
      trustAnchorSha256: '22'.repeat(32),
      pathLength: 2,
      checkedAtUtc: this.nowUtc,
    } as const;
  }

  private command(requestId: string, command: RegistrationCommand, actor: string, causationId = requestId): void {
    this.run(registrations, requestId, command, actor, requestId, this.policy().version, causationId);
  }

  /** Decides, keeps the state, and lets the saga react to what came of it. */
  private run<S, C, E extends DomainEvent>(
    aggregate: Aggregate<S, C, E>,
    id: string,
    command: C,
    actor: string,
    correlationId: string,
    policyVersion: number | null,
    causationId = correlationId,
  ): readonly NewEvent[] {
    const stream = aggregate.streamOf(id);
    const kept = this.kept.get(stream) ?? { state: aggregate.decider.initial, revision: -1 };
    const decision = aggregate.decider.decide(kept.state as S, command);
    if ('refused' in decision)
      throw new Error(`${stream} refused ${JSON.stringify(command)}: ${JSON.stringify(decision.refused)}`);
    if (decision.events.length === 0) return [];
    const events = this.append(stream, decision.events, kept.revision, {
      actor,
      correlationId,
      causationId,
      policyVersion,
    });
    kept.state = decision.events.reduce((state, event) => aggregate.decider.evolve(state, event), kept.state as S);
    kept.revision += events.length;
    this.kept.set(stream, kept);
    for (const event of events) if (SOURCES.has(event.type)) this.react(event);
    return events;
  }

  private react(source: NewEvent): void {
    const { correlationId, recordedAtUtc, policyVersion } = source.metadata;
    const event = { type: source.type, data: source.data } as unknown as SagaSource;
    this.run(
      sagas,
      correlationId,
      {
        type: 'React',
        source: { id: source.id, recordedAtUtc, event },
        idOf: (index) => derivedId(source.id, 'effect', index),
        attemptsMax: this.policy().values.retry.attemptsMax,
      },
      'system:registration-saga',
      correlationId,
      policyVersion,
      source.id,
    );
  }

  private note(requestId: string, effectId: string): void {
    this.run(
      sagas,
      requestId,
      { type: 'RecordPerformed', effectId, refusal: null },
      'system:registration-saga',
      requestId,
      null,
      effectId,
    );
  }

  private fact(stream: string, event: DomainEvent, actor: string, correlationId = stream): void {
    const kept = this.kept.get(stream);
    this.append(stream, [event], kept?.revision ?? -1, {
      actor,
      correlationId,
      causationId: correlationId,
      policyVersion: null,
    });
  }

  private append(
    stream: string,
    events: readonly DomainEvent[],
    revision: number,
    metadata: Omit<NewEvent['metadata'], 'recordedAtUtc'>,
  ): NewEvent[] {
    this.steps += 1;
    const made = events.map((event, index): NewEvent => ({
      id: derivedId('event', this.steps, index),
      type: event.type,
      schemaVersion: currentVersion(event.type),
      data: event.data as JsonObject,
      metadata: { ...metadata, recordedAtUtc: this.nowUtc },
    }));
    this.out.push({ stream, events: made, expected: revision < 0 ? 'no_stream' : revision });
    return made;
  }

  private taken(): SyntheticAppend[] {
    return this.out.splice(0);
  }

  private sagaOf(requestId: string): SagaState | undefined {
    return this.kept.get(sagas.streamOf(requestId))?.state as SagaState | undefined;
  }

  private policies() {
    return (this.kept.get(policies.streamOf(POLICY_ID))?.state ??
      policies.decider.initial) as typeof policies.decider.initial;
  }

  private policy(): ActivePolicy {
    return activePolicy(this.policies()) as ActivePolicy;
  }

  private advance(ms: number): void {
    this.nowUtc = addMs(this.nowUtc, ms);
  }

  private upTo(n: number): number {
    return Math.floor(this.random() * n);
  }
}

/** A small generator with a seed; good enough to mix cases. */
/** Names evidence that nobody has: a history of this kind has no vault. */
function evidenceNameOf(effectId: string): {
  readonly sealedEvidenceId: string;
  readonly sealedEvidenceSha256: string;
} {
  return {
    sealedEvidenceId: `evidence-${effectId}`,
    sealedEvidenceSha256: sealedEvidenceSha256(Buffer.from(effectId)),
  };
}

function mulberry32(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
