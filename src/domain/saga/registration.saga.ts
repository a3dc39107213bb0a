import { accept, assertNever, refuse, type Decider, type Decision } from '../decider.js';
import { addMs } from '../values/instant.js';
import type { HoldReviewEvent } from '../hold-review/hold-review.events.js';
import type { HoldOutcome, HoldReason, RegistrationEvent } from '../registration/registration.events.js';

/** What the saga wants done. Data: stored before it is carried out, carried out at least once, harmless when
 * repeated. */
export type Effect =
  | { readonly effect: 'CheckCertificate'; readonly attempt: number }
  | { readonly effect: 'CompareFaces'; readonly attempt: number }
  | { readonly effect: 'OpenHold'; readonly reason: HoldReason; readonly dueAtUtc: string }
  | { readonly effect: 'ExpireHold' }
  | { readonly effect: 'CloseHold' }
  | { readonly effect: 'RecordHoldOutcome'; readonly outcome: HoldOutcome; readonly officers: readonly string[] }
  | { readonly effect: 'SubmitToGovernment'; readonly attempt: number }
  | { readonly effect: 'AskGovernment'; readonly attempt: number }
  | { readonly effect: 'RegisterImage' }
  | { readonly effect: 'ConfirmImage' }
  | { readonly effect: 'WithdrawImage' }
  | { readonly effect: 'KeepInRegistry' }
  | { readonly effect: 'EraseCaseMaterial' }
  | { readonly effect: 'EraseRefusedEvidence' };

export interface ScheduledEffect {
  readonly effectId: string;
  readonly effect: Effect;
  /** Not before this instant; null: at once. Waiting is data, so it survives a restart. */
  readonly dueAtUtc: string | null;
  /** Set when the retry limit is reached: nothing happens until an operator resumes it. */
  readonly stuck: 'attempts_exhausted' | null;
}

/** What the request itself says about the plan; learned once, from `RequestReceived`. */
export type CasePlan = {
  readonly mode: 'GOVERNMENT_SUBMISSION' | 'REGISTRY_ONLY';
  readonly keepReferenceImage: boolean;
};

export type SagaEvent =
  | {
      readonly type: 'SagaReacted';
      readonly data: {
        readonly sourceEventId: string;
        readonly sourceType: string;
        readonly effects: readonly ScheduledEffect[];
        readonly cancelled: readonly string[];
        readonly learned: CasePlan | null;
      };
    }
  | {
      readonly type: 'EffectPerformed';
      readonly data: {
        readonly effectId: string;
        readonly result: 'done' | 'refused';
        readonly refusal: string | null;
      };
    }
  /** The effect threw: a bug, or an outage that its port does not know as an answer. */
  | {
      readonly type: 'EffectFailed';
      readonly data: {
        readonly effectId: string;
        readonly failures: number;
        readonly error: string;
        readonly nextAttemptAtUtc: string;
      };
    }
  | { readonly type: 'EffectStuck'; readonly data: { readonly effectId: string; readonly error: string } }
  | { readonly type: 'EffectResumed'; readonly data: { readonly effectId: string; readonly by: string } };

export type SagaSource = RegistrationEvent | HoldReviewEvent;

export interface PendingEffect extends ScheduledEffect {
  readonly failures: number;
}

export interface SagaState {
  readonly plan: CasePlan | null;
  readonly submitted: boolean;
  /** Officers have a hold to decide on. */
  readonly held: boolean;
  /** Until an operator ends it nothing is done that needs the material, and the material stays. */
  readonly stopped: boolean;
  readonly pending: readonly PendingEffect[];
  /** Ids of the source events that were reacted to: a second delivery of one is nothing new. */
  readonly seen: ReadonlySet<string>;
}

export const SAGA_START: SagaState = {
  plan: null,
  submitted: false,
  held: false,
  stopped: false,
  pending: [],
  seen: new Set(),
};

/** Stored names that the registration saga listens to. */
export const SAGA_SOURCES = [
  'RequestReceived',
  'CertificateVerified',
  'CertificateRejected',
  'CertificateCheckDeferred',
  'FaceMatched',
  'FaceMismatched',
  'FaceNotComparable',
  'FaceComparisonDeferred',
  'Held',
  'HoldReleased',
  'HoldRejected',
  'RecaptureRequested',
  'HoldExpired',
  'SubmittedToGovernment',
  'SubmissionDeferred',
  'GovernmentAccepted',
  'GovernmentRefused',
  'KeptInRegistry',
  'RegistrationWithdrawn',
  'HoldResolved',
  'RefusedEvidenceRetained',
  'MaterialDiffered',
  'MaterialMissing',
  'RequestEndedByOperator',
] as const satisfies readonly SagaSource['type'][];

const FIRST_QUESTION_AFTER_MS = 1000;

/** A reaction before it has ids. */
interface Wanted {
  readonly effect: Effect;
  readonly dueAtUtc?: string;
}

/** What follows from an event. Pure: the same event in the same state always asks for the same effects. Order:
 * certificate first; only a valid one leads to a comparison (A4); only both positive facts lead to a submission.
 * @req R6 R8 R9 R19 */
export function wantedEffects(state: SagaState, event: SagaSource, recordedAtUtc: string): readonly Wanted[] {
  const erase: Wanted = { effect: { effect: 'EraseCaseMaterial' } };
  const closeHold: readonly Wanted[] = state.held ? [{ effect: { effect: 'CloseHold' } }] : [];
  // What is wrong with a stopped case has to be looked at first: it is erased when an operator ends it.
  const eraseUnlessStopped: readonly Wanted[] = state.stopped ? [] : [erase];
  const proceed = (): Wanted => ({
    effect:
      state.plan?.mode === 'REGISTRY_ONLY'
        ? { effect: 'KeepInRegistry' }
        : { effect: 'SubmitToGovernment', attempt: 1 },
  });
  switch (event.type) {
    case 'RequestReceived':
      return [{ effect: { effect: 'CheckCertificate', attempt: 1 } }];
    case 'CertificateCheckDeferred':
      return [
        {
          effect: { effect: 'CheckCertificate', attempt: event.data.attempt + 1 },
          dueAtUtc: event.data.nextAttemptAtUtc,
        },
      ];
    case 'CertificateVerified':
      return [{ effect: { effect: 'CompareFaces', attempt: 1 } }];
    case 'FaceComparisonDeferred':
      return [
        { effect: { effect: 'CompareFaces', attempt: event.data.attempt + 1 }, dueAtUtc: event.data.nextAttemptAtUtc },
      ];
    case 'FaceMatched':
      return event.data.confirmation === 'confirmed' ? [proceed()] : [];
    case 'Held':
      return [
        { effect: { effect: 'OpenHold', reason: event.data.reason, dueAtUtc: event.data.dueAtUtc } },
        { effect: { effect: 'ExpireHold' }, dueAtUtc: event.data.dueAtUtc },
      ];
    case 'HoldResolved':
      return [{ effect: { effect: 'RecordHoldOutcome', outcome: event.data.outcome, officers: event.data.officers } }];
    case 'HoldReleased':
      return [proceed()];
    case 'SubmissionDeferred': {
      const attempt = event.data.attempt + 1;
      return [
        {
          effect: { effect: state.submitted || state.stopped ? 'AskGovernment' : 'SubmitToGovernment', attempt },
          dueAtUtc: event.data.nextAttemptAtUtc,
        },
      ];
    }
    case 'SubmittedToGovernment':
      // The verdict is often the very next event, which cancels the question.
      return [
        ...(state.plan?.keepReferenceImage && !state.stopped ? [{ effect: { effect: 'RegisterImage' } } as const] : []),
        {
          effect: { effect: 'AskGovernment', attempt: event.data.attempt + 1 },
          dueAtUtc: addMs(recordedAtUtc, FIRST_QUESTION_AFTER_MS),
        },
      ];
    case 'GovernmentAccepted':
      return [
        ...(state.plan?.keepReferenceImage ? [{ effect: { effect: 'ConfirmImage' } } as const] : []),
        ...eraseUnlessStopped,
      ];
    case 'GovernmentRefused':
      return [
        ...(state.plan?.keepReferenceImage ? [{ effect: { effect: 'WithdrawImage' } } as const] : []),
        ...eraseUnlessStopped,
      ];
    case 'CertificateRejected':
    case 'FaceMismatched':
    case 'FaceNotComparable':
    case 'HoldRejected':
    case 'RecaptureRequested':
    case 'HoldExpired':
    case 'KeptInRegistry':
    case 'RegistrationWithdrawn':
      return [erase];
    case 'MaterialDiffered':
    case 'MaterialMissing':
      // Nothing is sent again, but what became of what was sent has to be known.
      return [
        ...closeHold,
        ...(event.data.submission === 'attempted'
          ? [{ effect: { effect: 'AskGovernment', attempt: 1 } } as const]
          : []),
      ];
    case 'RequestEndedByOperator': {
      // It may have been sealed before the event that names it: whatever was not confirmed goes.
      const mayHaveImage = state.plan?.keepReferenceImage && (state.submitted || state.plan.mode === 'REGISTRY_ONLY');
      return [...closeHold, ...(mayHaveImage ? [{ effect: { effect: 'WithdrawImage' } } as const] : []), erase];
    }
    case 'RefusedEvidenceRetained':
      return [{ effect: { effect: 'EraseRefusedEvidence' }, dueAtUtc: event.data.eraseAtUtc }];
    case 'RefusedEvidenceErased':
    case 'RequestLapsed':
    case 'FaceReferred':
    case 'SubmissionAttempted':
    case 'HoldOpened':
    case 'OpinionGiven':
    case 'OpinionWithdrawn':
    case 'HoldClosed':
      return [];
    default:
      return assertNever(event);
  }
}

/** The reaction as an event.
 *  @param idOf gives the id of the i-th effect of this source event, the same at every call
 *  @param attemptsMax attempts of one step before an operator is asked
 *  @returns null when the event was reacted to before. */
export function react(
  state: SagaState,
  source: { readonly id: string; readonly recordedAtUtc: string; readonly event: SagaSource },
  options: { readonly idOf: (index: number) => string; readonly attemptsMax: number },
): Extract<SagaEvent, { type: 'SagaReacted' }> | null {
  if (state.seen.has(source.id)) return null;
  const effects = wantedEffects(state, source.event, source.recordedAtUtc).map(
    ({ effect, dueAtUtc }, index): ScheduledEffect => ({
      effectId: options.idOf(index),
      effect,
      dueAtUtc: dueAtUtc ?? null,
      stuck: 'attempt' in effect && effect.attempt > options.attemptsMax ? 'attempts_exhausted' : null,
    }),
  );
  const cancelled = state.pending.filter((p) => isOverBy(p.effect, source.event.type)).map((p) => p.effectId);
  return {
    type: 'SagaReacted',
    data: {
      sourceEventId: source.id,
      sourceType: source.event.type,
      effects,
      cancelled,
      learned: planOf(source.event),
    },
  };
}

function planOf(event: SagaSource): CasePlan | null {
  return event.type === 'RequestReceived'
    ? { mode: event.data.mode, keepReferenceImage: event.data.consent.keepReferenceImage }
    : null;
}

/** What a stopped case still does: it hears of its submission, ends its hold, and settles a registered image that was
 * sealed before. */
const GOES_ON_STOPPED: ReadonlySet<Effect['effect']> = new Set([
  'OpenHold',
  'CloseHold',
  'AskGovernment',
  'ConfirmImage',
  'WithdrawImage',
  'EraseRefusedEvidence',
]);

/** A hold's timer ends with the hold; waiting for the government's answer ends with the answer; withdrawal and an
 * operator's end end everything open. */
function isOverBy(effect: Effect, sourceType: SagaSource['type']): boolean {
  if (sourceType === 'RegistrationWithdrawn')
    return effect.effect !== 'EraseCaseMaterial' && effect.effect !== 'EraseRefusedEvidence';
  if (isStop(sourceType)) return !GOES_ON_STOPPED.has(effect.effect);
  if (sourceType === 'RequestEndedByOperator')
    return effect.effect !== 'CloseHold' && effect.effect !== 'EraseRefusedEvidence';
  if (effect.effect === 'ExpireHold') return sourceType === 'HoldResolved';
  if (effect.effect === 'AskGovernment')
    return sourceType === 'GovernmentAccepted' || sourceType === 'GovernmentRefused';
  return false;
}

const ENDS_HOLD: ReadonlySet<string> = new Set([
  'HoldResolved',
  'MaterialDiffered',
  'MaterialMissing',
  'RequestEndedByOperator',
] satisfies SagaSource['type'][]);

/** State of one saga instance after an event of its own stream. */
export function evolveSaga(state: SagaState, event: SagaEvent): SagaState {
  switch (event.type) {
    case 'SagaReacted': {
      const { sourceEventId, sourceType, effects, cancelled, learned } = event.data;
      return {
        plan: learned ?? state.plan,
        submitted: state.submitted || sourceType === 'SubmittedToGovernment',
        held: sourceType === 'Held' || (state.held && !ENDS_HOLD.has(sourceType)),
        stopped: (state.stopped || isStop(sourceType)) && sourceType !== 'RequestEndedByOperator',
        seen: new Set([...state.seen, sourceEventId]),
        pending: [
          ...state.pending.filter((p) => !cancelled.includes(p.effectId)),
          ...effects.map((e) => ({ ...e, failures: 0 })),
        ],
      };
    }
    case 'EffectPerformed':
      return { ...state, pending: state.pending.filter((p) => p.effectId !== event.data.effectId) };
    case 'EffectFailed':
      return withPending(state, event.data.effectId, {
        failures: event.data.failures,
        dueAtUtc: event.data.nextAttemptAtUtc,
      });
    case 'EffectStuck':
      return withPending(state, event.data.effectId, { stuck: 'attempts_exhausted' });
    case 'EffectResumed':
      return withPending(state, event.data.effectId, { stuck: null, failures: 0, dueAtUtc: null });
    default:
      return assertNever(event);
  }
}

function withPending(state: SagaState, effectId: string, change: Partial<PendingEffect>): SagaState {
  return { ...state, pending: state.pending.map((p) => (p.effectId === effectId ? { ...p, ...change } : p)) };
}

export type SagaCommand =
  | {
      readonly type: 'React';
      readonly source: { readonly id: string; readonly recordedAtUtc: string; readonly event: SagaSource };
      readonly idOf: (index: number) => string;
      readonly attemptsMax: number;
    }
  | { readonly type: 'RecordPerformed'; readonly effectId: string; readonly refusal: string | null }
  | {
      readonly type: 'RecordFailure';
      readonly effectId: string;
      readonly error: string;
      readonly nextAttemptAtUtc: string;
      readonly failuresMax: number;
    }
  | { readonly type: 'ResumeEffect'; readonly effectId: string; readonly by: string };

/** One saga instance per request, in a stream of its own. */
export const sagaDecider: Decider<SagaState, SagaCommand, SagaEvent> = {
  initial: SAGA_START,
  decide: decideSaga,
  evolve: evolveSaga,
};

/** The next effect that may run now. Effects of one case run in the order in which they were asked for. One that waits
 * for its due time lets later ones pass; one that failed or is stuck does not, because what comes after it may build on
 * it (an image is registered before it is confirmed). Erasing waits until nothing is left that could still need the
 * material. The end of sealed evidence stands apart: for as long as it is retained nothing of the case waits for it,
 * and it waits for nothing of the case.
 * @returns null when there is nothing to do now. */
export function nextRunnable(pending: readonly PendingEffect[], nowUtc: string): PendingEffect | null {
  return (
    nextOfWork(
      pending.filter((p) => !isRetention(p)),
      nowUtc,
    ) ??
    pending.find((p) => isRetention(p) && isDue(p, nowUtc)) ??
    null
  );
}

/** Whether a case has nothing left but evidence whose time has not come. */
export function isOnlyRetained(pending: readonly PendingEffect[]): boolean {
  return pending.every((p) => isRetention(p) && p.failures === 0 && p.stuck === null);
}

function nextOfWork(work: readonly PendingEffect[], nowUtc: string): PendingEffect | null {
  for (const p of work) {
    if (isDue(p, nowUtc) && (p.effect.effect !== 'EraseCaseMaterial' || work.length === 1)) return p;
    if (p.failures > 0 || p.stuck !== null) return null;
  }
  return null;
}

/** Remembered also where nothing follows from it at once. */
function isStop(type: string): boolean {
  return type === 'MaterialDiffered' || type === 'MaterialMissing';
}

/** Steps of the case that wait for an operator: not the end of retained evidence, which stands apart. */
export function stuckSteps(pending: readonly PendingEffect[]): readonly PendingEffect[] {
  return pending.filter((p) => p.stuck !== null && !isRetention(p));
}

function isDue({ stuck, dueAtUtc }: PendingEffect, nowUtc: string): boolean {
  return stuck === null && (dueAtUtc === null || Date.parse(dueAtUtc) <= Date.parse(nowUtc));
}

function isRetention({ effect }: PendingEffect): boolean {
  return effect.effect === 'EraseRefusedEvidence';
}

function decideSaga(state: SagaState, command: SagaCommand): Decision<SagaEvent> {
  if (command.type === 'React') {
    const reaction = react(state, command.source, command);
    return reaction &&
      (reaction.data.effects.length > 0 || reaction.data.cancelled.length > 0 || isStop(command.source.event.type))
      ? accept(reaction)
      : accept();
  }
  const pending = state.pending.find((p) => p.effectId === command.effectId);
  switch (command.type) {
    case 'RecordPerformed':
      if (!pending) return accept();
      return accept({
        type: 'EffectPerformed',
        data: {
          effectId: command.effectId,
          result: command.refusal === null ? 'done' : 'refused',
          refusal: command.refusal,
        },
      });
    case 'RecordFailure': {
      if (!pending) return accept();
      const { effectId, error, nextAttemptAtUtc, failuresMax } = command;
      if (pending.failures + 1 >= failuresMax) return accept({ type: 'EffectStuck', data: { effectId, error } });
      return accept({
        type: 'EffectFailed',
        data: { effectId, failures: pending.failures + 1, error, nextAttemptAtUtc },
      });
    }
    case 'ResumeEffect':
      if (!pending) return refuse({ code: 'not_found' });
      if (pending.stuck === null) return accept();
      return accept({ type: 'EffectResumed', data: { effectId: command.effectId, by: command.by } });
    default:
      return assertNever(command);
  }
}
