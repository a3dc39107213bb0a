import type { CertificateHolder } from '../outside/certificate-verifier.js';

/** What the authority is asked about. */
export interface LinkQuestion {
  readonly holder: CertificateHolder;
  /** SHA-256 of the card's own key in the face record (content of DF24), hex; null: only the certificates are asked
   *  about. */
  readonly cardKeySha256: string | null;
}

/** What the authentication server knows about a certificate: the one before it, the other one on the same card, and
 *  whether a face record is
 *  that card's. `not_told`: this service does not say. `no_service`: the operator has nobody to ask. `unknown`: no
 * answer now; asked again,
 *  never guessed. */
export type CardLinks =
  | {
      readonly answer: 'known';
      readonly previous: CertificateHolder | null;
      readonly otherCertificate: CertificateHolder | null | 'not_told';
      readonly faceRecord: 'same_card' | 'other_card' | 'not_told';
      /** Address that answered. */
      readonly source: string;
    }
  | { readonly answer: 'no_service' }
  | { readonly answer: 'unknown'; readonly cause: string };

/** The authentication server's knowledge of which certificates and cards belong together (decisions A14 and 0071).
 *  Used for nothing else. */
export abstract class SubjectLinker {
  /** Whether there is anybody to ask. */
  abstract readonly isConfigured: boolean;
  /** @throws only on a bug; every outcome of the outside world is an answer. */
  abstract linksOf(question: LinkQuestion): Promise<CardLinks>;
}
