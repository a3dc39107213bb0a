import type { CaptureEnvelope } from '../booth/capture-envelope.js';
import type { PolicyValues } from '../policy/policy.events.js';
import type { DoorRefusalCode } from '../refusal.js';
import { addMs } from '../values/instant.js';

/** Whether a signed capture may enter at all: its times, its consent and its mode.
 *  Times are inclusive: exactly as old, or exactly as far ahead, as the policy allows is accepted.
 *  @returns the code of the first rule that is broken, or null. Source: decisions A13, A15, A17. @req R10 R31 */
export function captureRefusal(
  envelope: CaptureEnvelope,
  receivedAtUtc: string,
  policy: PolicyValues,
): DoorRefusalCode | null {
  const { capturedAtUtc, consent, mode } = envelope;
  if (Date.parse(capturedAtUtc) > Date.parse(addMs(receivedAtUtc, policy.clockSkewSecondsMax * 1000)))
    return 'captured_in_future';
  if (Date.parse(capturedAtUtc) < Date.parse(addMs(receivedAtUtc, -policy.captureAgeMinutesMax * 60_000)))
    return 'captured_too_long_ago';
  if (!policy.consentTextVersions.includes(consent.textVersion)) return 'consent_text_unknown';
  if (mode === 'REGISTRY_ONLY' && !consent.keepReferenceImage) return 'consent_needed_for_registry';
  return null;
}
