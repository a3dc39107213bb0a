/** Which of the card's two certificates was presented (利用者証明用 or 署名用). */
export type CertificateType = 'user_authentication' | 'digital_signature';
export const CERTIFICATE_TYPES = [
  'user_authentication',
  'digital_signature',
] as const satisfies readonly CertificateType[];

/** Why a certificate is not valid. A closed list: a new reason is a new version of the verifier. */
export type InvalidCertificateReason =
  | 'expired'
  | 'not_yet_valid'
  | 'untrusted_issuer'
  | 'bad_signature'
  | 'weak_algorithm'
  | 'critical_extension'
  | 'duplicate_extension'
  | 'basic_constraints'
  | 'path_length'
  | 'key_usage'
  | 'extended_key_usage'
  | 'policy'
  | 'name_chaining'
  | 'name_constraints'
  | 'unsupported'
  | 'revoked'
  | 'malformed'
  | 'limit_exceeded'
  | 'card_signature'
  | 'card_record'
  /** Valid, and the policy asks for the signing certificate of a person who is not registered yet. */
  | 'signing_certificate_needed';

/** Why the card's face record cannot be relied on. */
export type InvalidCardRecordReason =
  | 'malformed'
  | 'unknown_issuer'
  | 'issuer_certificate'
  | 'record_signature'
  | 'challenge_signature'
  | 'no_face_image'
  /** The authority knows the face record as that of another card. */
  | 'other_card';

/** Why nothing can be said about the certificate now. Retried, never treated as either answer. */
export type UnknownCertificateCause =
  | 'responder_unreachable'
  | 'responder_timeout'
  | 'responder_error'
  | 'responder_unauthorised'
  | 'status_unknown'
  | 'status_stale'
  | 'status_malformed'
  /** The signature of the answer is wrong. */
  | 'status_signature'
  /** The answer is about another certificate, or there are several about this one. */
  | 'status_mismatch'
  | 'nonce_mismatch'
  | 'no_status_source';

/** Reasons of revocation as the authentication server states them (RFC 5280 CRLReason names in snake case). */
export type RevocationReason =
  | 'unspecified'
  | 'key_compromise'
  | 'ca_compromise'
  | 'affiliation_changed'
  | 'superseded'
  | 'cessation_of_operation'
  | 'certificate_hold'
  | 'remove_from_crl'
  | 'privilege_withdrawn'
  | 'aa_compromise';

/** What the event says of the check. No serial, no name, no certificate bytes. */
export interface CertificateEvidence {
  readonly method: 'ocsp' | 'crl' | 'none';
  /** Configured address that answered, or null. */
  readonly source: string | null;
  readonly status: 'good' | 'revoked' | 'not_checked';
  readonly revocationReason: RevocationReason | null;
  readonly revokedAtUtc: string | null;
  readonly thisUpdateUtc: string | null;
  readonly nextUpdateUtc: string | null;
  /** SHA-256 of the responder's (or CRL signer's) public key, hex, or null. */
  readonly responderKeySha256: string | null;
  /** SHA-256 of the trust anchor certificate that the path ended in, hex, or null. */
  readonly trustAnchorSha256: string | null;
  /** Number of certificates between leaf and anchor, both counted; 0 when no path was found. */
  readonly pathLength: number;
  readonly checkedAtUtc: string;
}
