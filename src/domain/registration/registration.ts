import { accept, assertNever, refuse, type Decider, type Decision } from '../decider.js';
import type { ActivePolicy } from '../policy/policy.js';
import { nextAttemptAt } from '../policy/retry.policy.js';
import { addMs, msBetween } from '../values/instant.js';
import type {
  CertificateEvidence,
  InvalidCardRecordReason,
  InvalidCertificateReason,
  UnknownCertificateCause,
} from '../values/certificate-status.js';
import type { FaceAlgorithm, NotComparableReason, ScoreEvidence } from '../values/face-comparison.js';
import type { CardAgreement, OtherCertificate } from './card-agreement.js';
import { bandOf } from './face-match.policy.js';
import { scoreComparison, type ScoreBasis, type ScoredComparison } from './face-score.js';
import { decideHold } from './hold.policy.js';
import { poorMeasure } from './photo-quality.policy.js';
import type {
  ClosedOutcome,
  EndReason,
  FaceComparisonFacts,
  HoldOutcome,
  HoldReason,
  MaterialDifference,
  MaterialName,
  MaterialUse,
  NoComparisonReason,
  ReceivedRequest,
  RegistrationEvent,
  SubmissionProgress,
} from './registration.events.js';

const DAY_MS = 86_400_000;

export type RegistrationCommand =
  | { readonly type: 'ReceiveRequest'; readonly request: ReceivedRequest }
  | {
      readonly type: 'RecordCertificateVerdict';
      readonly verdict: CertificateFinding;
      readonly attempt: number;
      readonly policy: ActivePolicy;
      readonly nowUtc: string;
    }
  | {
      readonly type: 'RecordFaceComparison';
      readonly finding: FaceFinding;
      readonly attempt: number;
      readonly policy: ActivePolicy;
      readonly nowUtc: string;
    }
  | { readonly type: 'RecordHoldOutcome'; readonly outcome: HoldOutcome; readonly officers: readonly string[] }
  | { readonly type: 'BeginSubmission'; readonly submissionId: string; readonly attempt: number }
  | {
      readonly type: 'RecordSubmission';
      readonly submissionId: string;
      readonly attempt: number;
      readonly answer: GovernmentAnswer;
      readonly policy: ActivePolicy;
      readonly nowUtc: string;
    }
  | { readonly type: 'RecordKeptInRegistry'; readonly imageId: string }
  | { readonly type: 'WithdrawRegistration'; readonly by: string }
  | { readonly type: 'StopForMaterial'; readonly fault: MaterialFault }
  | {
      readonly type: 'EndByOperator';
      readonly reason: EndReason;
      readonly reference: string;
      readonly by: string;
      /** A step of the case that waits for an operator, or null. */
      readonly stuckEffectId: string | null;
    }
  /** @see RefusedEvidenceRetained */
  | { readonly type: 'RetainRefusedEvidence'; readonly refusedAtUtc: string; readonly policy: ActivePolicy }
  | { readonly type: 'RecordEvidenceErased'; readonly nowUtc: string }
  /** @see RequestLapsed */
  | { readonly type: 'LapseRequest'; readonly reason: LapseReason; readonly claimedAtUtc: string | null };

export type LapseReason = Extract<RegistrationEvent, { readonly type: 'RequestLapsed' }>['data']['reason'];

/** What is wrong with something that was opened, and for what it was opened. */
export type MaterialFault = { readonly material: MaterialName; readonly foundAt: MaterialUse } & (
  { readonly fault: 'missing' } | { readonly fault: 'differs'; readonly difference: MaterialDifference }
);

/** What the certificate effect found; bytes stay outside the domain. */
export type CertificateFinding =
  | {
      readonly verdict: 'valid';
      readonly subjectKey: string;
      readonly evidence: CertificateEvidence;
      readonly cardRecordIssuerKeyId: string;
      readonly verifier: { readonly id: string; readonly version: string };
      readonly cardRecordVerifier: { readonly id: string; readonly version: string };
      readonly agreement: CardAgreement;
      readonly otherCertificate: OtherCertificate;
      readonly erasedBefore: boolean;
      readonly material: { readonly certificate: string; readonly cardRecord: string };
      readonly sealedEvidenceId: string;
      readonly sealedEvidenceSha256: string | null;
    }
  | {
      readonly verdict: 'invalid';
      readonly reason: InvalidCertificateReason;
      readonly cardRecordReason: InvalidCardRecordReason | null;
      readonly evidence: CertificateEvidence | null;
      readonly verifier: { readonly id: string; readonly version: string };
      readonly sealedEvidenceId: string | null;
      readonly sealedEvidenceSha256: string | null;
    }
  | { readonly verdict: 'unknown'; readonly cause: UnknownCertificateCause | 'link_unknown' };

export type FaceFinding =
  | ({ readonly outcome: 'compared' } & Omit<FaceComparisonFacts, 'registered' | 'basis'> & {
        /** Where it is stated the points are reckoned from it, and those that came with it do not count. */
        readonly evidence?: ScoreEvidence | null;
        readonly registered:
          | {
              readonly comparison: 'compared';
              readonly points: number;
              readonly imageId: string;
              readonly imageCommitment: string;
            }
          | { readonly comparison: 'not_applicable'; readonly reason: NoComparisonReason };
      })
  | {
      readonly outcome: 'not_comparable';
      readonly image: 'captured' | 'card' | 'registered';
      readonly reason: NotComparableReason;
      /** Stated only where a history is decided again. */
      readonly measure?: string | null;
      readonly algorithm: FaceAlgorithm;
    }
  | { readonly outcome: 'unknown'; readonly cause: 'busy' | 'timeout' | 'worker_failed' };

/** `submitted`: the government has it and has not decided. `unknown`: it may or may not have it. */
export type GovernmentAnswer =
  | { readonly answer: 'submitted' }
  | { readonly answer: 'accepted'; readonly reference: string }
  | { readonly answer: 'refused'; readonly reason: string }
  | { readonly answer: 'unknown'; readonly cause: string };

type Known = { readonly request: ReceivedRequest };

/** What a face comparison has to know of the certificate check before it. */
export type CardFacts = {
  readonly agreement: CardAgreement;
  readonly otherCertificate: OtherCertificate;
  readonly erasedBefore: boolean;
};

/** One stage has only the fields that exist in it. */
export type RegistrationState =
  /** Nothing of it was received; once it has lapsed nothing can be any more. */
  | { readonly stage: 'none'; readonly isLapsed?: true }
  | ({ readonly stage: 'received' } & Known)
  | ({ readonly stage: 'certificate_verified'; readonly subjectKey: string; readonly card: CardFacts } & Known)
  | ({ readonly stage: 'confirmed'; readonly subjectKey: string } & Known)
  | ({
      readonly stage: 'held';
      readonly subjectKey: string;
      readonly reason: HoldReason;
      readonly dueAtUtc: string;
    } & Known)
  | ({
      readonly stage: 'submitting';
      readonly subjectKey: string;
      readonly submissionId: string;
      readonly attempt: number;
    } & Known)
  | ({
      readonly stage: 'submitted';
      readonly subjectKey: string;
      readonly submissionId: string;
      readonly attempt: number;
    } & Known)
  /** Nothing of it is judged, shown, kept or sent until an operator ends it. What the government says of a submission
   * is still heard. */
  | ({
      readonly stage: 'stopped';
      readonly stop: MaterialStop;
      readonly subjectKey: string | null;
      readonly submission: {
        readonly submissionId: string;
        readonly progress: Exclude<SubmissionProgress, 'not_attempted'>;
      } | null;
    } & Known)
  | ({
      readonly stage: 'closed';
      readonly outcome: ClosedOutcome;
      readonly subjectKey: string | null;
      readonly refusedEvidence: RefusedEvidence | null;
      /** Something is wrong with what is still kept of it, and no operator has taken note. */
      readonly stop: MaterialStop | null;
      /** What the operator said who ended it. */
      readonly ended: { readonly reason: EndReason; readonly reference: string } | null;
    } & Known);

export interface MaterialStop {
  readonly cause: 'material_differed' | 'material_missing';
  readonly material: MaterialName;
  readonly foundAt: MaterialUse;
}

/** Sealed evidence that no registrant owns: only a refused certificate leaves one. Of a verified certificate it is the
 * registrant's. */
export interface RefusedEvidence {
  readonly sealedEvidenceId: string;
  /** Null for a refusal of before its digest was recorded. */
  readonly sealedEvidenceSha256: string | null;
  /** null until it was said how long it is kept. */
  readonly eraseAtUtc: string | null;
  readonly isErased: boolean;
}

/** One request of a booth, from its receipt to its end. @req R4 R8 R9 R17 R18 R20 */
export const registrationDecider: Decider<RegistrationState, RegistrationCommand, RegistrationEvent> = {
  initial: { stage: 'none' },
  decide,
  evolve,
};

function decide(state: RegistrationState, command: RegistrationCommand): Decision<RegistrationEvent> {
  if (command.type === 'ReceiveRequest') {
    return state.stage === 'none' && !state.isLapsed
      ? accept({ type: 'RequestReceived', data: command.request })
      : refuse({ code: 'already_received' });
  }
  if (command.type === 'LapseRequest') {
    if (state.stage !== 'none') return refuse({ code: 'already_received' });
    return state.isLapsed
      ? accept()
      : accept({ type: 'RequestLapsed', data: { reason: command.reason, claimedAtUtc: command.claimedAtUtc } });
  }
  if (state.stage === 'none') return refuse({ code: 'not_found' });
  const wrongStage = () => refuse({ code: 'wrong_stage', data: { stage: state.stage, command: command.type } });
  switch (command.type) {
    case 'RecordCertificateVerdict':
      return state.stage === 'received' ? certificateDecision(command) : wrongStage();
    case 'RecordFaceComparison':
      return state.stage === 'certificate_verified' ? faceDecision(state, command) : wrongStage();
    case 'RecordHoldOutcome':
      return state.stage === 'held' ? holdOutcomeDecision(state.dueAtUtc, command) : wrongStage();
    case 'BeginSubmission':
      if (state.stage === 'submitting' && state.submissionId !== command.submissionId)
        return refuse({ code: 'submission_id_mismatch' });
      if (state.stage === 'submitting' || state.stage === 'submitted')
        return accept(submissionAttempted(state.request, command));
      if (state.stage !== 'confirmed' || state.request.mode !== 'GOVERNMENT_SUBMISSION') return wrongStage();
      return accept(submissionAttempted(state.request, command));
    case 'RecordSubmission':
      if (state.stage === 'stopped') {
        if (state.submission === null) return wrongStage();
        if (state.submission.submissionId !== command.submissionId) return refuse({ code: 'submission_id_mismatch' });
        return submissionDecision(
          { request: state.request, isSubmitted: state.submission.progress === 'submitted' },
          command,
        );
      }
      if (state.stage !== 'submitting' && state.stage !== 'submitted') return wrongStage();
      if (state.submissionId !== command.submissionId) return refuse({ code: 'submission_id_mismatch' });
      return submissionDecision({ request: state.request, isSubmitted: state.stage === 'submitted' }, command);
    case 'RecordKeptInRegistry':
      if (state.stage !== 'confirmed' || state.request.mode !== 'REGISTRY_ONLY') return wrongStage();
      return accept({
        type: 'KeptInRegistry',
        data: { imageId: command.imageId, photo: state.request.material.photo },
      });
    case 'WithdrawRegistration':
      // Once the intent to submit is stored the government may have it, and withdrawing here would claim what we cannot
      // know.
      if (
        state.stage === 'submitting' ||
        state.stage === 'submitted' ||
        state.stage === 'closed' ||
        (state.stage === 'stopped' && state.submission !== null)
      )
        return wrongStage();
      return accept({ type: 'RegistrationWithdrawn', data: { by: command.by } });
    case 'StopForMaterial':
      // The first fault stops the case; what an operator has ended is not stopped again.
      if (state.stage === 'stopped' || (state.stage === 'closed' && (state.stop !== null || state.ended !== null)))
        return accept();
      return accept(stopped(command.fault, progressOf(state)));
    case 'EndByOperator':
      return endDecision(state, command);
    case 'RetainRefusedEvidence':
      return state.stage === 'closed' && state.refusedEvidence
        ? retentionDecision(state.refusedEvidence, command)
        : wrongStage();
    case 'RecordEvidenceErased': {
      const evidence = state.stage === 'closed' ? state.refusedEvidence : null;
      if (!evidence || !isRetentionOver(evidence, command.nowUtc)) return wrongStage();
      const { sealedEvidenceId, sealedEvidenceSha256, eraseAtUtc, isErased } = evidence;
      const data = { sealedEvidenceId, sealedEvidenceSha256, rule: 'retention_limit', eraseAtUtc } as const;
      return isErased ? accept() : accept({ type: 'RefusedEvidenceErased', data });
    }
    default:
      return assertNever(command);
  }
}

function stopped(fault: MaterialFault, submission: SubmissionProgress): RegistrationEvent {
  const { material, foundAt } = fault;
  if (fault.fault === 'missing') return { type: 'MaterialMissing', data: { material, foundAt, submission } };
  return { type: 'MaterialDiffered', data: { material, difference: fault.difference, foundAt, submission } };
}

function progressOf(state: RegistrationState): SubmissionProgress {
  if (state.stage === 'submitting') return 'attempted';
  if (state.stage === 'submitted') return 'submitted';
  return state.stage === 'closed' && (state.outcome === 'accepted' || state.outcome === 'refused_by_government')
    ? 'submitted'
    : 'not_attempted';
}

/** Only what cannot go on is ended: everything else comes to an end of its own, and a click must not take a
 * registration away. */
function endDecision(
  state: Exclude<RegistrationState, { stage: 'none' }>,
  { reason, reference, by, stuckEffectId }: Extract<RegistrationCommand, { type: 'EndByOperator' }>,
): Decision<RegistrationEvent> {
  const isOver = state.stage === 'closed';
  if (isOver && state.ended !== null) {
    const isTheSame = state.ended.reason === reason && state.ended.reference === reference;
    return isTheSame
      ? accept()
      : refuse({ code: 'wrong_stage', data: { stage: state.stage, command: 'EndByOperator' } });
  }
  const stop = 'stop' in state ? state.stop : null;
  if (stop === null && stuckEffectId === null) {
    return isOver
      ? refuse({ code: 'wrong_stage', data: { stage: state.stage, command: 'EndByOperator' } })
      : refuse({ code: 'case_can_go_on', data: { stage: state.stage } });
  }
  const cause = stop?.cause ?? 'step_stuck';
  return accept({
    type: 'RequestEndedByOperator',
    data: {
      cause,
      stuckEffectId: stop === null ? stuckEffectId : null,
      reason,
      reference,
      by,
      earlierOutcome: isOver ? state.outcome : null,
    },
  });
}

/** Whether the evidence may go: at the very instant it may. */
export function isRetentionOver(
  evidence: RefusedEvidence,
  nowUtc: string,
): evidence is RefusedEvidence & { readonly eraseAtUtc: string } {
  return evidence.eraseAtUtc !== null && msBetween(evidence.eraseAtUtc, nowUtc) >= 0;
}

/** Set once: what was promised at the refusal holds, also under a later policy. */
function retentionDecision(
  { sealedEvidenceId, sealedEvidenceSha256, eraseAtUtc }: RefusedEvidence,
  { refusedAtUtc, policy }: Extract<RegistrationCommand, { type: 'RetainRefusedEvidence' }>,
): Decision<RegistrationEvent> {
  if (eraseAtUtc !== null) return accept();
  const retentionDays = policy.values.refusedEvidenceRetentionDays;
  const until = addMs(refusedAtUtc, retentionDays * DAY_MS);
  return accept({
    type: 'RefusedEvidenceRetained',
    data: { sealedEvidenceId, sealedEvidenceSha256, refusedAtUtc, retentionDays, eraseAtUtc: until },
  });
}

function certificateDecision({
  verdict,
  attempt,
  policy,
  nowUtc,
}: Extract<RegistrationCommand, { type: 'RecordCertificateVerdict' }>): Decision<RegistrationEvent> {
  switch (verdict.verdict) {
    case 'valid': {
      const {
        subjectKey,
        evidence,
        cardRecordIssuerKeyId,
        verifier,
        cardRecordVerifier,
        agreement,
        otherCertificate,
        material,
      } = verdict;
      const checked = {
        subjectKey,
        evidence,
        cardRecordIssuerKeyId,
        verifier,
        cardRecordVerifier,
        agreement,
        otherCertificate,
        material,
      };
      const { erasedBefore, sealedEvidenceId, sealedEvidenceSha256 } = verdict;
      return accept({
        type: 'CertificateVerified',
        data: { ...checked, erasedBefore, sealedEvidenceId, sealedEvidenceSha256 },
      });
    }
    case 'invalid': {
      const { reason, cardRecordReason, evidence, verifier, sealedEvidenceId, sealedEvidenceSha256 } = verdict;
      const data = { reason, cardRecordReason, evidence, verifier, sealedEvidenceId, sealedEvidenceSha256 };
      return accept({ type: 'CertificateRejected', data });
    }
    case 'unknown':
      return accept({
        type: 'CertificateCheckDeferred',
        data: { cause: verdict.cause, attempt, nextAttemptAtUtc: nextAttemptAt(nowUtc, attempt, policy.values.retry) },
      });
    default:
      return assertNever(verdict);
  }
}

function faceDecision(
  state: Extract<RegistrationState, { stage: 'certificate_verified' }>,
  { finding, attempt, policy, nowUtc }: Extract<RegistrationCommand, { type: 'RecordFaceComparison' }>,
): Decision<RegistrationEvent> {
  switch (finding.outcome) {
    case 'unknown':
      return accept({
        type: 'FaceComparisonDeferred',
        data: { cause: finding.cause, attempt, nextAttemptAtUtc: nextAttemptAt(nowUtc, attempt, policy.values.retry) },
      });
    case 'not_comparable':
      return accept({
        type: 'FaceNotComparable',
        data: {
          image: finding.image,
          reason: finding.reason,
          measure: finding.measure ?? null,
          algorithm: finding.algorithm,
        },
      });
    case 'compared':
      return scoredDecision(state, finding, policy, nowUtc);
    default:
      return assertNever(finding);
  }
}

function scoredDecision(
  { card, request }: Extract<RegistrationState, { stage: 'certificate_verified' }>,
  finding: Extract<FaceFinding, { outcome: 'compared' }>,
  policy: ActivePolicy,
  nowUtc: string,
): Decision<RegistrationEvent> {
  const { values } = policy;
  // Before the score is looked at: what a poor photograph scores says nothing about the person.
  const measure = poorMeasure(finding.quality, values);
  if (measure !== null)
    return accept({
      type: 'FaceNotComparable',
      data: { image: 'captured', reason: 'poor_quality', measure, algorithm: finding.algorithm },
    });
  const facts = comparisonFacts(finding, values.registeredMatchPointsMin);
  const registeredPoints = facts.registered.comparison === 'compared' ? facts.registered.points : null;
  const dueAtUtc = addMs(nowUtc, values.holdDueHours * 3_600_000);
  const band = bandOf(facts, values);
  const seen = {
    frames: facts.signals.frames,
    quality: facts.quality,
    onCard: {
      ...card,
      certificateType: request.certificateType,
      erasedBefore: card.erasedBefore || wasErasedMeanwhile(facts),
    },
  };
  const hold = decideHold(facts.cardPoints, registeredPoints ?? 'none', values, seen);

  if (band === 'no_match') {
    return accept({ type: 'FaceMismatched', data: { ...facts, thresholdPoints: values.cardMatchPointsMin } });
  }
  if (band === 'refer') {
    return accept(
      {
        type: 'FaceReferred',
        data: { ...facts, thresholdPoints: values.cardMatchPointsMin, referralPoints: values.referralPointsMin },
      },
      {
        type: 'Held',
        // A gap to the registered image, a card that contradicts itself, or frames that do not fit, are the stronger
        // finding: named even where the band alone would have held the case.
        data: hold
          ? {
              reason: hold.reason,
              cardPoints: facts.cardPoints,
              registeredPoints,
              differencePoints: hold.differencePoints,
              boundPoints: hold.boundPoints,
              dueAtUtc,
            }
          : {
              reason: 'referral_band',
              cardPoints: facts.cardPoints,
              registeredPoints,
              differencePoints: registeredPoints === null ? null : facts.cardPoints - registeredPoints,
              boundPoints: values.cardMatchPointsMin,
              dueAtUtc,
            },
      },
    );
  }
  const matched = (confirmation: 'confirmed' | 'on_hold'): RegistrationEvent => ({
    type: 'FaceMatched',
    data: { ...facts, thresholdPoints: values.cardMatchPointsMin, confirmation },
  });
  if (hold === null) return accept(matched('confirmed'));
  return accept(matched('on_hold'), {
    type: 'Held',
    data: {
      reason: hold.reason,
      cardPoints: facts.cardPoints,
      registeredPoints,
      differencePoints: hold.differencePoints,
      boundPoints: hold.boundPoints,
      dueAtUtc,
    },
  });
}

function comparisonFacts(
  finding: Extract<FaceFinding, { outcome: 'compared' }>,
  registeredMatchPointsMin: number,
): FaceComparisonFacts {
  const { registered, algorithm, material, quality, signals } = finding;
  const { cardPoints, registeredPoints, basis } = scoresOf(finding);
  const points = registeredPoints ?? 0;
  return {
    cardPoints,
    registered:
      registered.comparison === 'compared'
        ? { ...registered, points, belowAdvisory: points < registeredMatchPointsMin }
        : registered,
    algorithm,
    basis,
    material,
    quality,
    signals,
  };
}

/** The registrant was there when the certificate was checked and is erased by now. */
function wasErasedMeanwhile({ registered }: FaceComparisonFacts): boolean {
  return registered.comparison === 'not_applicable' && registered.reason === 'erased';
}

/** @throws {RangeError} where the evidence says otherwise than the finding whether a registered image was compared */
function scoresOf({
  cardPoints,
  registered,
  evidence,
}: Extract<FaceFinding, { outcome: 'compared' }>): Omit<ScoredComparison, 'basis'> & {
  readonly basis: ScoreBasis | null;
} {
  const givenPoints = registered.comparison === 'compared' ? registered.points : null;
  if (!evidence) return { cardPoints, registeredPoints: givenPoints, basis: null };
  if ((evidence.registered === null) !== (givenPoints === null))
    throw new RangeError('the evidence and the comparison differ on whether there was a registered image');
  return scoreComparison(evidence);
}

function holdOutcomeDecision(
  dueAtUtc: string,
  { outcome, officers }: Extract<RegistrationCommand, { type: 'RecordHoldOutcome' }>,
): Decision<RegistrationEvent> {
  switch (outcome) {
    case 'released':
      return accept({ type: 'HoldReleased', data: { officers } });
    case 'rejected':
      return accept({ type: 'HoldRejected', data: { officers } });
    case 'recapture':
      return accept({ type: 'RecaptureRequested', data: { officers } });
    case 'expired':
      return accept({ type: 'HoldExpired', data: { dueAtUtc } });
    default:
      return assertNever(outcome);
  }
}

function submissionAttempted(
  request: ReceivedRequest,
  { submissionId, attempt }: { submissionId: string; attempt: number },
): RegistrationEvent {
  return {
    type: 'SubmissionAttempted',
    data: { submissionId, attempt, capturedAtUtc: request.capturedAtUtc, photo: request.material.photo },
  };
}

function submissionDecision(
  { request, isSubmitted }: Known & { readonly isSubmitted: boolean },
  { submissionId, attempt, answer, policy, nowUtc }: Extract<RegistrationCommand, { type: 'RecordSubmission' }>,
): Decision<RegistrationEvent> {
  // A verdict implies that the photograph was sent; the fact is stored once, before the verdict. @req R12
  const submitted: RegistrationEvent[] = isSubmitted
    ? []
    : [
        {
          type: 'SubmittedToGovernment',
          data: { submissionId, attempt, photo: request.material.photo, capturedAtUtc: request.capturedAtUtc },
        },
      ];
  switch (answer.answer) {
    case 'unknown':
      return accept({
        type: 'SubmissionDeferred',
        data: {
          submissionId,
          cause: answer.cause,
          attempt,
          nextAttemptAtUtc: nextAttemptAt(nowUtc, attempt, policy.values.retry),
        },
      });
    case 'submitted':
      // Asking again and hearing "not decided yet" is a wait, recorded as data like every other wait.
      if (isSubmitted)
        return accept({
          type: 'SubmissionDeferred',
          data: {
            submissionId,
            cause: 'not_decided_yet',
            attempt,
            nextAttemptAtUtc: nextAttemptAt(nowUtc, attempt, policy.values.retry),
          },
        });
      return accept(...submitted);
    case 'accepted':
      return accept(...submitted, { type: 'GovernmentAccepted', data: { submissionId, reference: answer.reference } });
    case 'refused':
      return accept(...submitted, { type: 'GovernmentRefused', data: { submissionId, reason: answer.reason } });
    default:
      return assertNever(answer);
  }
}

function evolve(state: RegistrationState, event: RegistrationEvent): RegistrationState {
  if (event.type === 'RequestReceived') return { stage: 'received', request: event.data };
  if (event.type === 'RequestLapsed') return { stage: 'none', isLapsed: true };
  if (state.stage === 'none') return state;
  const { request } = state;
  const subjectKey = 'subjectKey' in state ? state.subjectKey : null;
  const stop = 'stop' in state ? state.stop : null;
  const closed = (
    outcome: ClosedOutcome,
    refusedEvidence: RefusedEvidence | null = null,
  ): Extract<RegistrationState, { stage: 'closed' }> => ({
    stage: 'closed',
    outcome,
    subjectKey,
    refusedEvidence,
    stop,
    ended: null,
    request,
  });
  switch (event.type) {
    case 'CertificateVerified':
      return { stage: 'certificate_verified', subjectKey: event.data.subjectKey, card: cardFacts(event.data), request };
    case 'CertificateRejected': {
      const { sealedEvidenceId, sealedEvidenceSha256 } = event.data;
      const kept =
        sealedEvidenceId === null
          ? null
          : { sealedEvidenceId, sealedEvidenceSha256, eraseAtUtc: null, isErased: false };
      return closed('certificate_rejected', kept);
    }
    case 'RefusedEvidenceRetained':
      return withEvidence(state, { eraseAtUtc: event.data.eraseAtUtc });
    case 'RefusedEvidenceErased':
      return withEvidence(state, { isErased: true });
    case 'FaceMatched':
      return subjectKey === null || event.data.confirmation === 'on_hold'
        ? state
        : { stage: 'confirmed', subjectKey, request };
    case 'FaceMismatched':
      return closed('face_mismatched');
    case 'FaceNotComparable':
      return closed('face_not_comparable');
    case 'Held':
      return subjectKey === null
        ? state
        : { stage: 'held', subjectKey, reason: event.data.reason, dueAtUtc: event.data.dueAtUtc, request };
    case 'HoldReleased':
      return subjectKey === null ? state : { stage: 'confirmed', subjectKey, request };
    case 'HoldRejected':
      return closed('hold_rejected');
    case 'RecaptureRequested':
      return closed('recapture');
    case 'HoldExpired':
      return closed('hold_expired');
    case 'SubmissionAttempted':
      if (subjectKey === null || state.stage === 'submitted') return state;
      return {
        stage: 'submitting',
        subjectKey,
        submissionId: event.data.submissionId,
        attempt: event.data.attempt,
        request,
      };
    case 'SubmittedToGovernment':
      if (state.stage === 'stopped')
        return state.submission === null
          ? state
          : { ...state, submission: { ...state.submission, progress: 'submitted' } };
      return subjectKey === null
        ? state
        : {
            stage: 'submitted',
            subjectKey,
            submissionId: event.data.submissionId,
            attempt: event.data.attempt,
            request,
          };
    case 'GovernmentAccepted':
      return closed('accepted');
    case 'GovernmentRefused':
      return closed('refused_by_government');
    case 'KeptInRegistry':
      return closed('kept');
    case 'RegistrationWithdrawn':
      return { ...closed('withdrawn'), stop: null };
    case 'MaterialDiffered':
    case 'MaterialMissing':
      return withStop(state, {
        cause: event.type === 'MaterialDiffered' ? 'material_differed' : 'material_missing',
        material: event.data.material,
        foundAt: event.data.foundAt,
      });
    case 'RequestEndedByOperator': {
      const { reason, reference } = event.data;
      const over = state.stage === 'closed' ? state : closed('ended_by_operator');
      return { ...over, stop: null, ended: { reason, reference } };
    }
    case 'CertificateCheckDeferred':
    case 'FaceReferred':
    case 'FaceComparisonDeferred':
    case 'SubmissionDeferred':
      return state;
    default:
      return assertNever(event);
  }
}

function cardFacts({ agreement, otherCertificate, erasedBefore }: CardFacts): CardFacts {
  return { agreement, otherCertificate, erasedBefore };
}

function withStop(state: Exclude<RegistrationState, { stage: 'none' }>, stop: MaterialStop): RegistrationState {
  if (state.stage === 'closed') return { ...state, stop };
  const subjectKey = 'subjectKey' in state ? state.subjectKey : null;
  const submission =
    state.stage === 'submitting' || state.stage === 'submitted'
      ? {
          submissionId: state.submissionId,
          progress: state.stage === 'submitting' ? ('attempted' as const) : ('submitted' as const),
        }
      : null;
  return { stage: 'stopped', stop, subjectKey, submission, request: state.request };
}

function withEvidence(state: RegistrationState, change: Partial<RefusedEvidence>): RegistrationState {
  return state.stage === 'closed' && state.refusedEvidence
    ? { ...state, refusedEvidence: { ...state.refusedEvidence, ...change } }
    : state;
}
