import { canonicalJson } from '../values/canonical-json.js';

/** Keeps a signature for a place from being used for a capture or a photo check, and the other way round. */
export const UPLOAD_PLACE_LABEL = 'honnin/upload-place/v1';

/** A booth's claim to one of the places for uploads. */
export interface PlaceClaim {
  readonly boothId: string;
  /** From `POST /v1/challenges`; claiming a place does not use it up. */
  readonly nonce: string;
}

/** The text whose UTF-8 bytes the booth signs (Ed25519) to show that the upload that begins is its own. */
export function uploadPlaceText({ boothId, nonce }: PlaceClaim): string {
  return canonicalJson({ label: UPLOAD_PLACE_LABEL, boothId, nonce });
}
