import { timingSafeEqual } from 'node:crypto';
import type { ApiSettings } from '../api-settings.js';

/** Whether who asks may see measurements and the words of what is wrong: who shows the token of the settings. Where
 *  none is set, nobody may, on the port that booths use.
 *   @param authorization the header field, if any */
export function showsToken(
  { metricsToken }: Pick<ApiSettings, 'metricsToken'>,
  authorization: string | undefined,
): boolean {
  return metricsToken !== null && sameText(authorization ?? '', `Bearer ${metricsToken}`);
}

function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
