import { canonicalJson } from '../values/canonical-json.js';

/** Keeps a signature under a question for a challenge from being used for anything else. */
export const CHALLENGE_REQUEST_LABEL = 'honnin/challenge-request/v1';

/** A booth's question for a challenge. */
export interface ChallengeRequest {
  readonly boothId: string;
  /** The booth's clock. */
  readonly requestedAtUtc: string;
}

/** The text whose UTF-8 bytes the booth signs (Ed25519), so that its questions are not counted with those of its
 * address. */
export function challengeRequestText({ boothId, requestedAtUtc }: ChallengeRequest): string {
  return canonicalJson({ label: CHALLENGE_REQUEST_LABEL, boothId, requestedAtUtc });
}
