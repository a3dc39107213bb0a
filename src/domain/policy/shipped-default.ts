import { activePolicy, DEFAULT_POLICY, type PolicyState } from './policy.js';
import type { PolicyValues } from './policy.events.js';

const ASKED_OF_PHOTOGRAPHS = ['photoQualityMin', 'photoQualityHoldBelow'] as const;

/** What the default of this program asks of photographs and the policy in force does not. */
export interface OlderPolicy {
  readonly version: number;
  readonly differences: readonly {
    readonly field: string;
    readonly inForce: number | null;
    readonly shipped: number;
  }[];
  /** The policy in force with what it does not ask for yet; its own thresholds and terms stay. */
  readonly proposal: PolicyValues;
}

/** Says whether the policy in force is from before the default of this program. A server changes no rule by itself when
 * its program is renewed, so that somebody has to be told.
 * @returns null where nothing is missing, also where a version up to the one in force was approved that asked for all
 *   of it: what is missing since then was decided. */
export function olderThanShipped(state: PolicyState): OlderPolicy | null {
  const active = activePolicy(state);
  if (!active) return null;
  const wasDecided = state.versions.some(
    ({ version, values, approvedBy }) =>
      version <= active.version && approvedBy !== null && missingFrom(values).length === 0,
  );
  if (wasDecided) return null;
  return { version: active.version, differences: missingFrom(active.values), proposal: withShipped(active.values) };
}

/** For logs and operators. */
export function olderInWords({ version, differences }: OlderPolicy): string {
  const asked = differences.map(({ field, shipped }) => `${field} ${shipped}`).join(', ');
  return (
    `policy ${version} is older than the default of this version, which also asks of photographs: ${asked}. ` +
    "An administrator proposes it with './honnin policy propose-default', and another one approves it"
  );
}

function missingFrom(values: PolicyValues): OlderPolicy['differences'] {
  return ASKED_OF_PHOTOGRAPHS.flatMap((field) =>
    Object.entries(DEFAULT_POLICY[field]).flatMap(([measure, shipped]) => {
      const inForce = values[field][measure] ?? null;
      return inForce !== null && inForce >= shipped ? [] : [{ field: `${field}.${measure}`, inForce, shipped }];
    }),
  );
}

function withShipped(values: PolicyValues): PolicyValues {
  const raised = (field: (typeof ASKED_OF_PHOTOGRAPHS)[number]): Record<string, number> => {
    const all = { ...values[field] };
    for (const [measure, shipped] of Object.entries(DEFAULT_POLICY[field]))
      all[measure] = Math.max(shipped, all[measure] ?? 0);
    return all;
  };
  return {
    ...values,
    photoQualityMin: raised('photoQualityMin'),
    photoQualityHoldBelow: raised('photoQualityHoldBelow'),
  };
}
