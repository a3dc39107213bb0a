import type { CertificateType } from '../domain/values/certificate-status.js';

/** A secret of the card: 利用者証明用 PIN, 署名用 password, 照合番号B. */
export type CardSecretName = 'authenticationPin' | 'signingPassword' | 'accessNumber';

/** What the booth needs of a card on the reader. Changing between the JPKI and the surface application forgets what was
 * verified, so the order of the calls matters. No call can reach the 12-digit My Number: 照合番号B does not open it.
 * @req R2 */
export interface CardSession {
  /** Tries left; asking costs none. */
  triesLeft(secret: CardSecretName): Promise<number>;
  verifyPin(type: CertificateType, pin: string): Promise<void>;
  verifyAccessNumber(accessNumber: string): Promise<void>;
  /** DER. */
  readCertificate(type: CertificateType): Promise<Uint8Array>;
  /** EF 0002 of the surface application, without filler. */
  readCardRecord(): Promise<Uint8Array>;
  /** EF 0004. */
  readCardIssuerCertificate(): Promise<Uint8Array>;
  /** Signature by the certificate's key. */
  sign(type: CertificateType, message: Uint8Array): Promise<Uint8Array>;
  /** Signature by the key in the face record. */
  signChallenge(challenge: Uint8Array): Promise<Uint8Array>;
}
