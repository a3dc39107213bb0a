import type { Outcome } from '../../application/decisions/outcome.js';
import { ProblemError } from './problems.js';

/** The value of an outcome. @throws {ProblemError} with the refusal's code and data. */
export function valueOf<T>(outcome: Outcome<T>): T {
  if ('ok' in outcome) return outcome.ok;
  const { refused } = outcome;
  throw new ProblemError(refused.code, 'data' in refused ? { extensions: { data: refused.data } } : {});
}

/** The answer of a query that may find nothing. @throws {ProblemError} `not_found`. */
export function found<T>(value: T | null | undefined): T {
  if (value === null || value === undefined) throw new ProblemError('not_found');
  return value;
}
