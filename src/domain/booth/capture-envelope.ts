import { canonicalJson } from '../values/canonical-json.js';
import type { CertificateType } from '../values/certificate-status.js';

/** What becomes of an accepted photograph: it goes to the government server (claims 1-3), or stays in our registry
 * (claim 5). */
export type RegistrationMode = 'GOVERNMENT_SUBMISSION' | 'REGISTRY_ONLY';
export const REGISTRATION_MODES = [
  'GOVERNMENT_SUBMISSION',
  'REGISTRY_ONLY',
] as const satisfies readonly RegistrationMode[];

/** Keeps a signature made for this purpose from being used for another one. */
export const CAPTURE_LABEL = 'honnin/capture/v1';

/** Further frames that one capture may have beside its photograph. */
export const FRAMES_MAX = 4;

/** What booth and card sign in one card session. Digests are SHA-256, lower-case hex, of the exact bytes that are
 * sent. */
export interface CaptureEnvelope {
  /** The server's nonce from `POST /v1/challenges`, as given. */
  readonly nonce: string;
  readonly boothId: string;
  /** Counts the captures of this booth; never goes back. */
  readonly counter: number;
  readonly certificateType: CertificateType;
  readonly mode: RegistrationMode;
  readonly capturedAtUtc: string;
  readonly photoSha256: string;
  readonly certificateSha256: string;
  readonly cardRecordSha256: string;
  readonly cardIssuerCertificateSha256: string;
  /** Of further frames of the same session, in their order, at most {@link FRAMES_MAX}; absent or empty: none were
   * sent. */
  readonly framesSha256?: readonly string[];
  readonly consent: {
    /** Version of the text that was shown and agreed to before the capture. */
    readonly textVersion: string;
    /** Whether the holder also agreed that the photograph is kept as reference for later comparisons. */
    readonly keepReferenceImage: boolean;
  };
}

/** The text whose UTF-8 bytes are signed by the booth (Ed25519), by the card's certificate key, and, as active check,
 * by the key in the card's face record. One text for all three binds them to one session. @req R10 */
export function captureEnvelopeText(envelope: CaptureEnvelope): string {
  const {
    nonce,
    boothId,
    counter,
    certificateType,
    mode,
    capturedAtUtc,
    photoSha256,
    certificateSha256,
    cardRecordSha256,
    cardIssuerCertificateSha256,
    framesSha256 = [],
    consent,
  } = envelope;
  return canonicalJson({
    label: CAPTURE_LABEL,
    nonce,
    boothId,
    counter,
    certificateType,
    mode,
    capturedAtUtc,
    photoSha256,
    certificateSha256,
    cardRecordSha256,
    cardIssuerCertificateSha256,
    // Without frames the text is what it was before there were any.
    ...(framesSha256.length > 0 ? { framesSha256 } : {}),
    consent: { textVersion: consent.textVersion, keepReferenceImage: consent.keepReferenceImage },
  });
}
