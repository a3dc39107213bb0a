import type { CardSession, CardSecretName } from '../../booth/card-session.js';
import type { CertificateType } from '../../domain/values/certificate-status.js';
import type { SyntheticCard } from './synthetic-card.js';

/** What a dishonest booth can do with two cards: certificate and signature are the one's, face record and active
 *  check the other's, all in one
 *  request. To the server it looks like one stay of one card. For tests. */
export class MixedCards implements CardSession {
  private readonly jpki: CardSession;
  private readonly surface: CardSession;

  /** @param certificateOf whose certificate is presented @param faceRecordOf whose face is compared */
  constructor({
    certificateOf,
    faceRecordOf,
  }: {
    readonly certificateOf: SyntheticCard;
    readonly faceRecordOf: SyntheticCard;
  }) {
    this.jpki = certificateOf.connect();
    this.surface = faceRecordOf.connect();
  }

  triesLeft(secret: CardSecretName): Promise<number> {
    return (secret === 'accessNumber' ? this.surface : this.jpki).triesLeft(secret);
  }

  verifyPin(type: CertificateType, pin: string): Promise<void> {
    return this.jpki.verifyPin(type, pin);
  }

  verifyAccessNumber(accessNumber: string): Promise<void> {
    return this.surface.verifyAccessNumber(accessNumber);
  }

  readCertificate(type: CertificateType): Promise<Uint8Array> {
    return this.jpki.readCertificate(type);
  }

  readCardRecord(): Promise<Uint8Array> {
    return this.surface.readCardRecord();
  }

  readCardIssuerCertificate(): Promise<Uint8Array> {
    return this.surface.readCardIssuerCertificate();
  }

  sign(type: CertificateType, message: Uint8Array): Promise<Uint8Array> {
    return this.jpki.sign(type, message);
  }

  signChallenge(challenge: Uint8Array): Promise<Uint8Array> {
    return this.surface.signChallenge(challenge);
  }
}
