import type { VaultOwner } from '../ports/registrant/image-vault.js';

/** Names of a case's blobs in the vault. */
export const CASE_BLOBS = {
  photo: 'photo',
  certificate: 'certificate',
  cardRecord: 'card-record',
  cardIssuerCertificate: 'card-issuer-certificate',
  signatures: 'signatures',
} as const;

/** A blob whose digest the signed text names. */
export type SignedBlob = Exclude<keyof typeof CASE_BLOBS, 'signatures'>;

/** The name of the frame at `index`, 0..3. */
export function frameBlob(index: number): string {
  return `frame-${index}`;
}

export function caseOwner(requestId: string): VaultOwner {
  return `case:${requestId}`;
}

export function registrantOwner(subjectKey: string): VaultOwner {
  return `registrant:${subjectKey}`;
}

export function evidenceOwner(requestId: string): VaultOwner {
  return `evidence:${requestId}`;
}

/** The signed envelope and its signatures, kept with the case because the saga checks them after a restart too. */
export interface CaseSignatures {
  /** `captureEnvelopeText` as it was signed. */
  readonly envelopeText: string;
  /** Base64. */
  readonly boothSignature: string;
  readonly cardSignature: string;
  readonly cardChallengeSignature: string;
}
