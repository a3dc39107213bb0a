import type { BoothCommand } from '../../booth/booth.js';
import type { BoothEvent } from '../../booth/booth.events.js';
import type { DualActCommand } from '../../dual-control/dual-act.js';
import type { DualActEvent } from '../../dual-control/dual-act.events.js';
import { OPINIONS_NEEDED, type HoldReviewCommand, type HoldReviewState } from '../../hold-review/hold-review.js';
import type { HoldReviewEvent } from '../../hold-review/hold-review.events.js';
import type { ActivePolicy, PolicyCommand } from '../../policy/policy.js';
import type { PolicyEvent } from '../../policy/policy.events.js';
import { tombstoneOf, type RegistrantCommand } from '../../registrant/registrant.js';
import type { RegistrantEvent, Tombstone } from '../../registrant/registrant.events.js';
import type { ScoreBasis, ScoredDistance } from '../../registration/face-score.js';
import type { FaceFinding, RegistrationCommand } from '../../registration/registration.js';
import type { FaceComparisonFacts, RegistrationEvent } from '../../registration/registration.events.js';
import type { ScoreEvidence } from '../../values/face-comparison.js';
import type { SagaCommand, SagaEvent, SagaSource, SagaState } from '../../saga/registration.saga.js';

/** The command that led to an event, put together again from what the event and its neighbours say.
 *  @param nowUtc when the event was recorded: the instant that the rule reckoned with
 *  @returns null where no command can be told from the history. */

export function registrationCommandOf(
  event: RegistrationEvent,
  next: RegistrationEvent | null,
  policy: ActivePolicy | null,
  nowUtc: string,
): RegistrationCommand | null {
  switch (event.type) {
    case 'RequestReceived':
      return { type: 'ReceiveRequest', request: event.data };
    case 'CertificateVerified':
      return (
        policy && {
          type: 'RecordCertificateVerdict',
          verdict: { verdict: 'valid', ...event.data },
          attempt: 1,
          policy,
          nowUtc,
        }
      );
    case 'CertificateRejected':
      return (
        policy && {
          type: 'RecordCertificateVerdict',
          verdict: { verdict: 'invalid', ...event.data },
          attempt: 1,
          policy,
          nowUtc,
        }
      );
    case 'CertificateCheckDeferred':
      return (
        policy && {
          type: 'RecordCertificateVerdict',
          verdict: { verdict: 'unknown', cause: event.data.cause },
          attempt: event.data.attempt,
          policy,
          nowUtc,
        }
      );
    case 'FaceMatched':
    case 'FaceReferred':
    case 'FaceMismatched':
      return policy && { type: 'RecordFaceComparison', finding: findingOf(event.data), attempt: 1, policy, nowUtc };
    case 'FaceNotComparable':
      return (
        policy && {
          type: 'RecordFaceComparison',
          finding: { outcome: 'not_comparable', ...event.data },
          attempt: 1,
          policy,
          nowUtc,
        }
      );
    case 'FaceComparisonDeferred':
      return (
        policy && {
          type: 'RecordFaceComparison',
          finding: { outcome: 'unknown', cause: event.data.cause },
          attempt: event.data.attempt,
          policy,
          nowUtc,
        }
      );
    case 'Held':
      // Always comes out of the comparison before it.
      return null;
    case 'HoldReleased':
      return { type: 'RecordHoldOutcome', outcome: 'released', officers: event.data.officers };
    case 'HoldRejected':
      return { type: 'RecordHoldOutcome', outcome: 'rejected', officers: event.data.officers };
    case 'RecaptureRequested':
      return { type: 'RecordHoldOutcome', outcome: 'recapture', officers: event.data.officers };
    case 'HoldExpired':
      return { type: 'RecordHoldOutcome', outcome: 'expired', officers: [] };
    case 'SubmissionAttempted':
      return { type: 'BeginSubmission', submissionId: event.data.submissionId, attempt: event.data.attempt };
    case 'SubmittedToGovernment': {
      const { submissionId, attempt } = event.data;
      const answer = (next && verdictOf(next, submissionId)) ?? { answer: 'submitted' as const };
      return policy && { type: 'RecordSubmission', submissionId, attempt, answer, policy, nowUtc };
    }
    case 'SubmissionDeferred': {
      const { submissionId, attempt, cause } = event.data;
      return (
        policy && {
          type: 'RecordSubmission',
          submissionId,
          attempt,
          answer: { answer: 'unknown', cause },
          policy,
          nowUtc,
        }
      );
    }
    case 'GovernmentAccepted':
    case 'GovernmentRefused': {
      const answer = verdictOf(event, event.data.submissionId);
      return (
        policy &&
        answer && {
          type: 'RecordSubmission',
          submissionId: event.data.submissionId,
          attempt: 1,
          answer,
          policy,
          nowUtc,
        }
      );
    }
    case 'KeptInRegistry':
      return { type: 'RecordKeptInRegistry', imageId: event.data.imageId };
    case 'RegistrationWithdrawn':
      return { type: 'WithdrawRegistration', by: event.data.by };
    case 'MaterialDiffered':
      return {
        type: 'StopForMaterial',
        fault: {
          fault: 'differs',
          material: event.data.material,
          difference: event.data.difference,
          foundAt: event.data.foundAt,
        },
      };
    case 'MaterialMissing':
      return {
        type: 'StopForMaterial',
        fault: { fault: 'missing', material: event.data.material, foundAt: event.data.foundAt },
      };
    case 'RequestEndedByOperator': {
      const { reason, reference, by, stuckEffectId } = event.data;
      return { type: 'EndByOperator', reason, reference, by, stuckEffectId };
    }
    case 'RefusedEvidenceRetained':
      return policy && { type: 'RetainRefusedEvidence', refusedAtUtc: event.data.refusedAtUtc, policy };
    case 'RefusedEvidenceErased':
      return { type: 'RecordEvidenceErased', nowUtc };
    case 'RequestLapsed':
      return { type: 'LapseRequest', ...event.data };
  }
}

/** @param nowUtc when the event was recorded: the instant from which the days of a tombstone were reckoned */
export function registrantCommandOf(
  event: RegistrantEvent,
  policy: ActivePolicy | null,
  nowUtc: string,
): RegistrantCommand | null {
  switch (event.type) {
    case 'ConsentGiven':
      return { type: 'GiveConsent', ...event.data };
    case 'FaceImageRegistered':
      return { type: 'RegisterImage', ...event.data };
    case 'FaceImageConfirmed':
      return { type: 'ConfirmImage', imageId: event.data.imageId };
    case 'FaceImageWithdrawn':
      return withdrawalOf(event.data);
    case 'CertificateAdded':
      return { type: 'AddCertificate', ...event.data };
    case 'CertificateLinked':
      return { type: 'LinkCertificate', ...event.data };
    case 'RegistrantErased':
      return { type: 'EraseRegistrant', ...event.data, tombstone: tombstoneAgain(event.data, policy, nowUtc) };
    case 'ConsentWithdrawn':
      // No command of today writes it.
      return null;
  }
}

/** As the policy gives it that the erasure names. Erasures of a person's other keys name none and take over the first
 * one's. */
function tombstoneAgain(
  { tombstone }: Extract<RegistrantEvent, { type: 'RegistrantErased' }>['data'],
  policy: ActivePolicy | null,
  nowUtc: string,
): Tombstone | null {
  return tombstone && policy ? tombstoneOf(policy.values.erasedBeforeDays, nowUtc) : tombstone;
}

/** Withdrawals that are asked for; the others come out of what was decided before them. */
function withdrawalOf({
  imageId,
  reason,
}: Extract<RegistrantEvent, { type: 'FaceImageWithdrawn' }>['data']): RegistrantCommand | null {
  const isAsked = reason === 'government_refused' || reason === 'request_ended' || reason === 'replaced';
  return isAsked ? { type: 'WithdrawImage', imageId, reason } : null;
}

export function holdCommandOf(
  state: HoldReviewState,
  event: HoldReviewEvent,
  next: HoldReviewEvent | null,
  actor: string,
): HoldReviewCommand | null {
  switch (event.type) {
    case 'HoldOpened':
      return { type: 'OpenHold', ...event.data };
    case 'OpinionGiven': {
      const outcome =
        state.stage === 'open' && state.opinions.length >= OPINIONS_NEEDED && next?.type === 'HoldResolved'
          ? next.data.outcome
          : 'expired';
      return outcome === 'expired'
        ? { type: 'GiveOpinion', ...event.data }
        : { type: 'ResolveHold', ...withoutOpinion(event.data), outcome };
    }
    case 'OpinionWithdrawn':
      return { type: 'WithdrawOpinion', officer: event.data.officer };
    case 'HoldResolved':
      if (event.data.outcome === 'expired') return { type: 'ExpireHold' };
      // The reason counts only where a third officer decides, and is in that officer's own opinion then.
      return {
        type: 'ResolveHold',
        officer: actor.replace(/^officer:/, ''),
        outcome: event.data.outcome,
        reason: 'same_person',
      };
    case 'HoldClosed':
      return { type: 'CloseHold' };
  }
}

function withoutOpinion({
  officer,
  reason,
  seen,
  note,
}: Extract<HoldReviewEvent, { type: 'OpinionGiven' }>['data']): Pick<
  Extract<HoldReviewCommand, { type: 'ResolveHold' }>,
  'officer' | 'reason' | 'seen' | 'note'
> {
  return { officer, reason, seen, note };
}

export function policyCommandOf(event: PolicyEvent): PolicyCommand {
  switch (event.type) {
    case 'PolicyProposed':
      return {
        type: 'ProposePolicy',
        values: event.data.values,
        by: event.data.proposedBy,
        basedOn: event.data.basedOn,
        ...(event.data.report && { report: event.data.report }),
      };
    case 'PolicyApproved':
      return { type: 'ApprovePolicy', version: event.data.version, by: event.data.approvedBy };
    case 'PolicyActivated':
      return { type: 'ActivatePolicy', version: event.data.version, by: event.data.activatedBy };
  }
}

export function boothCommandOf(event: BoothEvent): BoothCommand {
  switch (event.type) {
    case 'BoothEnrolled':
      return { type: 'EnrolBooth', ...event.data };
    case 'BoothKeyRotated':
      return { type: 'RotateBoothKey', publicKey: event.data.publicKey, by: event.data.by };
    case 'BoothSuspended':
      return { type: 'SuspendBooth', ...event.data };
    case 'BoothResumed':
      return { type: 'ResumeBooth', by: event.data.by };
  }
}

/** @param nowUtc when the event was recorded: the instant from which the wait was reckoned */
export function dualActCommandOf(
  event: DualActEvent,
  policy: ActivePolicy | null,
  nowUtc: string,
): DualActCommand | null {
  switch (event.type) {
    case 'ActProposed':
      return { type: 'ProposeAct', ...event.data };
    case 'ActApproved':
      return (
        policy && { type: 'ApproveAct', by: event.data.by, nowUtc, waitMinutes: policy.values.dualControlWaitMinutes }
      );
    case 'ActDeclined':
      return { type: 'DeclineAct', by: event.data.by };
    case 'ActBegun':
      return { type: 'BeginAct', nowUtc };
    case 'ActCarriedOut':
      return { type: 'RecordActCarriedOut', refusal: event.data.refusal };
  }
}

/** @param sourceOf the event that the saga reacted to, or null when the history at hand does not have it */
export function sagaCommandOf(
  state: SagaState,
  event: SagaEvent,
  sourceOf: (id: string) => { readonly id: string; readonly recordedAtUtc: string; readonly event: SagaSource } | null,
  attemptsMax: number,
): SagaCommand | null {
  switch (event.type) {
    case 'SagaReacted': {
      const source = sourceOf(event.data.sourceEventId);
      // Effect ids are hashes of the source's id; here they are only told apart.
      return (
        source && {
          type: 'React',
          source,
          idOf: (index) => event.data.effects[index]?.effectId ?? `missing-${index}`,
          attemptsMax,
        }
      );
    }
    case 'EffectPerformed':
      return { type: 'RecordPerformed', effectId: event.data.effectId, refusal: event.data.refusal };
    case 'EffectFailed':
      return {
        type: 'RecordFailure',
        effectId: event.data.effectId,
        error: event.data.error,
        nextAttemptAtUtc: event.data.nextAttemptAtUtc,
        failuresMax: Number.MAX_SAFE_INTEGER,
      };
    case 'EffectStuck': {
      const failures = state.pending.find((p) => p.effectId === event.data.effectId)?.failures ?? 0;
      return {
        type: 'RecordFailure',
        effectId: event.data.effectId,
        error: event.data.error,
        nextAttemptAtUtc: ANY_TIME,
        failuresMax: failures + 1,
      };
    }
    case 'EffectResumed':
      return { type: 'ResumeEffect', effectId: event.data.effectId, by: event.data.by };
  }
}

/** What the comparer found, without what the rule added to it. */
export function findingOf(facts: FaceComparisonFacts): Extract<FaceFinding, { outcome: 'compared' }> {
  const { cardPoints, registered, algorithm, basis, material, quality, signals } = facts;
  const rest = {
    outcome: 'compared',
    cardPoints,
    algorithm,
    evidence: basis && evidenceOf(basis),
    material,
    quality,
    signals,
  } as const;
  if (registered.comparison === 'not_applicable') return { ...rest, registered };
  const { belowAdvisory: _, ...found } = registered;
  return { ...rest, registered: found };
}

/** What was measured, without what was reckoned from it. */
function evidenceOf({ scoring, captured, card, registered }: ScoreBasis): ScoreEvidence {
  const measured = ({ distance, measures }: ScoredDistance) => ({ distance, measures });
  return { scoring, captured, card: measured(card), registered: registered && measured(registered) };
}

/** For commands whose outcome does not depend on the time. */
const ANY_TIME = '1970-01-01T00:00:00.000Z';

function verdictOf(event: RegistrationEvent, submissionId: string) {
  if (event.type === 'GovernmentAccepted' && event.data.submissionId === submissionId)
    return { answer: 'accepted' as const, reference: event.data.reference };
  if (event.type === 'GovernmentRefused' && event.data.submissionId === submissionId)
    return { answer: 'refused' as const, reason: event.data.reason };
  return null;
}
