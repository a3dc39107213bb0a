import { canonicalJson } from '../values/canonical-json.js';

/** Keeps a signature over a photo check from being used for a capture, and the other way round. */
export const PHOTO_CHECK_LABEL = 'honnin/photo-check/v1';

/** A booth's question whether a photograph would do. */
export interface PhotoCheck {
  readonly boothId: string;
  /** From `POST /v1/challenges`; asking does not use it up. */
  readonly nonce: string;
  /** SHA-256 of the photograph, lower-case hex. */
  readonly photoSha256: string;
}

/** The text whose UTF-8 bytes the booth signs (Ed25519). @req R21 */
export function photoCheckText({ boothId, nonce, photoSha256 }: PhotoCheck): string {
  return canonicalJson({ label: PHOTO_CHECK_LABEL, boothId, nonce, photoSha256 });
}
