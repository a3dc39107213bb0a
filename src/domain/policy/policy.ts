import { accept, refuse, assertNever, type Decider, type Decision } from '../decider.js';
import { CERTIFICATE_TYPES } from '../values/certificate-status.js';
import type { JsonObject } from '../event-envelope.js';
import { canonicalJson } from '../values/canonical-json.js';
import { PHOTO_MEASURES } from '../values/face-comparison.js';
import { isPoints } from '../values/similarity-score.js';
import type { AttachedReport, PolicyEvent, PolicyValues } from './policy.events.js';
import { isSamePerson } from '../values/staff-name.js';

export type PolicyCommand =
  | {
      readonly type: 'ProposePolicy';
      readonly values: PolicyValues;
      readonly by: string;
      /** Checked by whoever gives the command. */
      readonly report?: AttachedReport;
      /** Default: the one in force. */
      readonly basedOn?: number | null;
    }
  | { readonly type: 'ApprovePolicy'; readonly version: number; readonly by: string }
  | { readonly type: 'ActivatePolicy'; readonly version: number; readonly by: string };

export interface PolicyVersion {
  readonly version: number;
  readonly values: PolicyValues;
  readonly proposedBy: string;
  readonly approvedBy: string | null;
  readonly report: AttachedReport | null;
  readonly basedOn: number | null;
}

export interface PolicyState {
  readonly versions: readonly PolicyVersion[];
  readonly active: number | null;
}

/** The policy that a rule uses, with the version that its events name. */
export interface ActivePolicy {
  readonly version: number;
  readonly values: PolicyValues;
}

/** Longer would be for ever by another name. */
const RETENTION_DAYS_MAX = 3_650;
/** Thirty days: whoever asks to be erased has a right to it within a time. */
const DUAL_CONTROL_WAIT_MINUTES_MAX = 43_200;

/** Appended at the first start. What it asks of a photograph (docs/face.md, decision 0075) leaves the brightness of a
 * face alone:
 * `LuminanceMean` is a measure of skin as much as of light. Face thresholds follow the calibration of the default model
 * set (docs/face.md); why 400 days is in docs/decisions/0048. */
export const DEFAULT_POLICY: PolicyValues = {
  cardMatchPointsMin: 9_204,
  referralPointsMin: 4_865,
  holdInReferralBand: false,
  holdMarginPoints: 2_000,
  registeredMatchPointsMin: 4_865,
  holdOnRegisteredMismatch: false,
  holdOnFramesInconsistent: false,
  holdOnCardUnconfirmed: false,
  certificateTypesWithoutSameCard: ['user_authentication'],
  signingCertificateAtFirstRegistration: false,
  photoQualityMin: {
    UnderExposurePrevention: 20,
    OverExposurePrevention: 20,
    NaturalColour: 30,
    LeftwardCropOfTheFaceImage: 30,
    RightwardCropOfTheFaceImage: 30,
    MarginBelowOfTheFaceImage: 3,
    HeadPoseRoll: 80,
  },
  photoQualityHoldBelow: {
    NaturalColour: 30,
    EyesVisible: 50,
    MouthOcclusionPrevention: 50,
    FaceOcclusionPrevention: 50,
    LeftwardCropOfTheFaceImage: 60,
    RightwardCropOfTheFaceImage: 60,
  },
  holdDueHours: 72,
  // A hold, and on both sides of it a step that is tried until an operator is asked (50 hours each), twice before and
  // once after.
  caseOpenHoursMax: 240,
  refusedEvidenceRetentionDays: 400,
  erasedBeforeDays: 3_650,
  dualControlWaitMinutes: 0,
  clockSkewSecondsMax: 120,
  captureAgeMinutesMax: 24 * 60,
  challengeLifetimeSeconds: 600,
  photoBytesMax: 8 * 1024 * 1024,
  consentTextVersions: ['2026-11'],
  retry: { firstDelaySeconds: 2, delaySecondsMax: 900, attemptsMax: 200 },
};

/** Four eyes on thresholds: who proposes a policy does not approve it. The first policy comes from the system
 * itself. */
export const policyDecider: Decider<PolicyState, PolicyCommand, PolicyEvent> = {
  initial: { versions: [], active: null },
  decide,
  evolve,
};

/** The policy in force, or null before the first start. */
export function activePolicy(state: PolicyState): ActivePolicy | null {
  const found = state.versions.find((v) => v.version === state.active);
  return found ? { version: found.version, values: found.values } : null;
}

function decide(state: PolicyState, command: PolicyCommand): Decision<PolicyEvent> {
  switch (command.type) {
    case 'ProposePolicy': {
      const problem = policyProblem(command.values);
      if (problem) return refuse({ code: 'policy_invalid', data: problem });
      const { values, by: proposedBy, report = null, basedOn = state.active } = command;
      if (basedOn !== null && !state.versions.some((v) => v.version === basedOn))
        return refuse({ code: 'policy_version_unknown' });
      return accept({
        type: 'PolicyProposed',
        data: { version: state.versions.length + 1, values, proposedBy, report, basedOn },
      });
    }
    case 'ApprovePolicy': {
      const found = state.versions.find((v) => v.version === command.version);
      if (!found) return refuse({ code: 'policy_version_unknown' });
      if (found.approvedBy !== null) return accept();
      if (isSamePerson(found.proposedBy, command.by) && command.by !== 'system:bootstrap')
        return refuse({ code: 'policy_own_proposal' });
      return accept({ type: 'PolicyApproved', data: { version: command.version, approvedBy: command.by } });
    }
    case 'ActivatePolicy': {
      const found = state.versions.find((v) => v.version === command.version);
      if (!found) return refuse({ code: 'policy_version_unknown' });
      if (found.approvedBy === null) return refuse({ code: 'policy_not_approved' });
      if (state.active === command.version) return accept();
      // What came into force since the proposal was made would be undone without a word, by one person.
      if (found.basedOn !== null && found.basedOn !== state.active) {
        return refuse({
          code: 'policy_outdated',
          data: { basedOn: found.basedOn, active: state.active, undone: changed(state, found) },
        });
      }
      return accept({ type: 'PolicyActivated', data: { version: command.version, activatedBy: command.by } });
    }
    default:
      return assertNever(command);
  }
}

function evolve(state: PolicyState, event: PolicyEvent): PolicyState {
  switch (event.type) {
    case 'PolicyProposed': {
      const { version, values, proposedBy, report, basedOn } = event.data;
      return {
        ...state,
        versions: [...state.versions, { version, values, proposedBy, approvedBy: null, report, basedOn }],
      };
    }
    case 'PolicyApproved':
      return {
        ...state,
        versions: state.versions.map((v) =>
          v.version === event.data.version ? { ...v, approvedBy: event.data.approvedBy } : v,
        ),
      };
    case 'PolicyActivated':
      return { ...state, active: event.data.version };
    default:
      return assertNever(event);
  }
}

/** Values of the policy in force that are neither what the proposal was made from nor what it proposes. */
function changed({ versions, active }: PolicyState, { basedOn, values }: PolicyVersion): readonly string[] {
  const valuesOf = (version: number | null): PolicyValues | undefined =>
    versions.find((v) => v.version === version)?.values;
  const [base, current] = [valuesOf(basedOn), valuesOf(active)];
  if (!base || !current) return [];
  const text = (of: PolicyValues, name: string): string => canonicalJson((of as unknown as JsonObject)[name] ?? null);
  return Object.keys(current)
    .filter((name) => text(current, name) !== text(base, name) && text(current, name) !== text(values, name))
    .sort();
}

/** What makes no sense in these values, or null. */
export function policyProblem(values: PolicyValues): { field: string; problem: string } | null {
  for (const field of [
    'cardMatchPointsMin',
    'referralPointsMin',
    'holdMarginPoints',
    'registeredMatchPointsMin',
  ] as const) {
    if (!isPoints(values[field])) return { field, problem: 'must be an integer 0..10000' };
  }
  if (values.referralPointsMin > values.cardMatchPointsMin)
    return { field: 'referralPointsMin', problem: 'must not be above cardMatchPointsMin' };
  for (const field of [
    'holdDueHours',
    'caseOpenHoursMax',
    'clockSkewSecondsMax',
    'captureAgeMinutesMax',
    'challengeLifetimeSeconds',
    'photoBytesMax',
  ] as const) {
    if (!Number.isInteger(values[field]) || values[field] < 1) return { field, problem: 'must be a positive integer' };
  }
  if (values.caseOpenHoursMax <= values.holdDueHours)
    return { field: 'caseOpenHoursMax', problem: 'must be more than holdDueHours' };
  const { refusedEvidenceRetentionDays } = values;
  if (
    !Number.isInteger(refusedEvidenceRetentionDays) ||
    refusedEvidenceRetentionDays < 1 ||
    refusedEvidenceRetentionDays > RETENTION_DAYS_MAX
  ) {
    return { field: 'refusedEvidenceRetentionDays', problem: `must be an integer 1..${RETENTION_DAYS_MAX}` };
  }
  const { erasedBeforeDays } = values;
  if (!Number.isInteger(erasedBeforeDays) || erasedBeforeDays < 0 || erasedBeforeDays > RETENTION_DAYS_MAX) {
    return { field: 'erasedBeforeDays', problem: `must be an integer 0..${RETENTION_DAYS_MAX}` };
  }
  const { dualControlWaitMinutes: wait } = values;
  if (!Number.isInteger(wait) || wait < 0 || wait > DUAL_CONTROL_WAIT_MINUTES_MAX) {
    return { field: 'dualControlWaitMinutes', problem: `must be an integer 0..${DUAL_CONTROL_WAIT_MINUTES_MAX}` };
  }
  for (const field of ['photoQualityMin', 'photoQualityHoldBelow'] as const) {
    for (const [measure, minimum] of Object.entries(values[field])) {
      if (!PHOTO_MEASURES.some((known) => known === measure))
        return { field, problem: 'names a measure that does not exist' };
      if (!Number.isInteger(minimum) || minimum < 0 || minimum > 100)
        return { field: `${field}.${measure}`, problem: 'must be an integer 0..100' };
    }
  }
  const { certificateTypesWithoutSameCard: types } = values;
  const isList =
    Array.isArray(types) &&
    types.length > 0 &&
    types.every((type) => CERTIFICATE_TYPES.includes(type)) &&
    new Set(types).size === types.length;
  if (!isList)
    return { field: 'certificateTypesWithoutSameCard', problem: 'must name one type of certificate or both' };
  if (values.consentTextVersions.length === 0)
    return { field: 'consentTextVersions', problem: 'must name at least one text' };
  const { firstDelaySeconds, delaySecondsMax, attemptsMax } = values.retry;
  if (!(firstDelaySeconds > 0 && delaySecondsMax >= firstDelaySeconds))
    return { field: 'retry', problem: 'delays must be positive and rising' };
  if (!Number.isInteger(attemptsMax) || attemptsMax < 1)
    return { field: 'retry.attemptsMax', problem: 'must be a positive integer' };
  return null;
}
