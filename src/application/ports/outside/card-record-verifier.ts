import type { FaceRecordStatements } from '../../../domain/registration/card-agreement.js';
import type { InvalidCardRecordReason } from '../../../domain/values/certificate-status.js';

/** What the booth read from the card's surface application (券面事項確認AP). */
export interface CardRecordCheck {
  /** EF 0002, the whole `FF20` record, without filler. */
  readonly cardRecord: Uint8Array;
  /** EF 0004, the `7F21` card-verifiable certificate of the issuer key. */
  readonly issuerCertificate: Uint8Array;
  /** The DigestInfo-signed server nonce (active check), made by the key in the record. */
  readonly challengeSignature: Uint8Array;
  /** The bytes whose SHA-256 the card's own key signed: the server's nonce. */
  readonly challenge: Uint8Array;
}

export type CardRecordVerdict =
  | {
      readonly verdict: 'valid';
      /** JPEG 2000 (JP2) bytes of tag DF27. */
      readonly faceImage: Uint8Array;
      /** Hex id of the issuer key that decided. */
      readonly issuerKeyId: string;
      readonly statements: FaceRecordStatements;
      /** SHA-256 of the card's own key (content of DF24), hex. */
      readonly cardKeySha256: string;
    }
  | { readonly verdict: 'invalid'; readonly reason: InvalidCardRecordReason; readonly detail: string };

/** Proves that the face record was issued (signature, issuer chain) and that this very card is present (active
 * challenge). Pure cryptography: no clock, no network. The photograph for comparison comes from here and nowhere else.
 * @req R5 */
export abstract class CardRecordVerifier {
  abstract readonly algorithm: { readonly id: string; readonly version: string };
  abstract verify(check: CardRecordCheck): CardRecordVerdict;
  /** The JP2 bytes of a record that was verified before (an officer looks at them), or null when there are none. Proves
   * nothing. */
  abstract faceImageOf(cardRecord: Uint8Array): Uint8Array | null;
}
