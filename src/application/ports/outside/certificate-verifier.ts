import type { CertificateStatements } from '../../../domain/registration/card-agreement.js';
import type {
  CertificateType,
  InvalidCertificateReason,
  UnknownCertificateCause,
  CertificateEvidence,
} from '../../../domain/values/certificate-status.js';

/** One certificate check as the saga asks for it. All byte fields are the exact bytes that the booth sent. */
export interface CertificateCheck {
  /** DER of the card's certificate. */
  readonly certificate: Uint8Array;
  readonly certificateType: CertificateType;
  /** The bytes that the card's key signed (the canonical capture envelope, which holds the server's nonce). */
  readonly signedBytes: Uint8Array;
  /** The card's signature: PKCS#1 v1.5 over SHA-256 for RSA, DER-encoded ECDSA for P-384/SHA-384. */
  readonly signature: Uint8Array;
  /** The instant at which validity is judged, ISO-8601 UTC. */
  readonly at: string;
}

/** Everything that is needed to recompute the verdict later; sealed in the vault, never in an event. */
export interface SealedCertificateEvidence {
  readonly certificate: Uint8Array;
  /** DER of the OCSP response or CRL that decided, or null when the path alone decided. */
  readonly statusResponse: Uint8Array | null;
  readonly statusKind: 'ocsp' | 'crl' | null;
  /** Hex of the nonce that we sent with the OCSP request, or null. */
  readonly ocspNonce: string | null;
  /** What the operator had set when the verdict was made; null in evidence of before that was kept. */
  readonly settings: CertificateSettings | null;
}

/** Settings from which a verdict follows beside the bytes. Who makes it again later with others must be able to tell
 *  that from a lie. */
export interface CertificateSettings {
  /** Certificate policies of which the leaf had to name one. */
  readonly policies: readonly string[];
  /** Extended key usages of which the leaf had to allow one, where it limited its use. */
  readonly extendedKeyUsages: readonly string[];
  /** Oldest acceptable thisUpdate of an OCSP answer. */
  readonly statusAgeSecondsMax: number;
  /** SHA-256 of each trust anchor for this type of certificate, hex: a refusal without a path names none. */
  readonly anchors: readonly string[];
}

export type CertificateVerdict =
  | {
      readonly verdict: 'valid';
      readonly evidence: CertificateEvidence;
      readonly sealed: SealedCertificateEvidence;
      readonly holder: CertificateHolder;
      readonly statements: CertificateStatements;
    }
  | {
      readonly verdict: 'invalid';
      readonly reason: InvalidCertificateReason;
      readonly detail: string;
      readonly evidence: CertificateEvidence;
      readonly sealed: SealedCertificateEvidence;
    }
  | { readonly verdict: 'unknown'; readonly cause: UnknownCertificateCause; readonly detail: string };

/** What names the certificate among all certificates. Personal data: only ever used as input of the subject linker's
 * keyed hash. */
export interface CertificateHolder {
  /** DER of the issuer's name. */
  readonly issuerName: Uint8Array;
  /** Hexadecimal serial number, lower case, no leading zeros. */
  readonly serialNumber: string;
}

/** Checks the card's certificate with the authentication server. Never guesses: an outage is `unknown`. @req R6 */
export abstract class CertificateVerifier {
  /** Id and version of the verification rules, recorded with every verdict. */
  abstract readonly algorithm: { readonly id: string; readonly version: string };
  /** @throws only on a bug; every outcome of the outside world is a verdict. */
  abstract verify(check: CertificateCheck): Promise<CertificateVerdict>;
}
