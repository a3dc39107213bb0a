import { describe, it } from '@jest/globals';
import type { Absence } from './peers.js';

type Test = () => void | Promise<void>;

/** `describe`, or in its place one skipped test that says why; in CI one that fails, unless the absence is forgiven. */
export function describeUnless(absence: Absence | null, name: string, tests: () => void): void {
  if (absence === null) describe(name, tests);
  else describe(name, () => inPlaceOf('its tests', absence, name));
}

/** `it`, or in its place a skipped test that says why; in CI one that fails, unless the absence is forgiven. */
export function itUnless(absence: Absence | null, name: string, test: Test, timeoutMs?: number): void {
  if (absence === null) it(name, test, timeoutMs);
  else inPlaceOf(name, absence);
}

/** @param said what the line names: a suite is said once, by its own name */
function inPlaceOf(name: string, absence: Absence, said: string = name): void {
  if (failsFor(absence, process.env['CI'])) {
    it(name, () => {
      throw new Error(`${absence.reason}. In CI nothing is skipped that .ci/run can install`);
    });
    return;
  }
  process.stdout.write(`skipped: ${said}: ${absence.reason}\n`);
  it.skip(`${name} (skipped: ${absence.reason})`, () => {});
}

/** Whether an absence is a failure. @param ci the variable CI, as .ci/run and its kind set it */
export function failsFor({ forgivenInCi }: Absence, ci: string | undefined): boolean {
  return ci === 'true' && !forgivenInCi;
}
