import { addMs } from '../values/instant.js';
import type { PolicyValues } from './policy.events.js';

/** When to try again: the delay doubles with every attempt up to the limit. Data, so that waiting survives a restart.
 *  @param attempt number of the attempt that just failed, 1 for the first. Source: decision A19. */
export function nextAttemptAt(nowUtc: string, attempt: number, retry: PolicyValues['retry']): string {
  const delaySeconds = Math.min(retry.firstDelaySeconds * 2 ** Math.min(attempt - 1, 30), retry.delaySecondsMax);
  return addMs(nowUtc, Math.round(delaySeconds * 1000));
}
