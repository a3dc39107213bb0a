import { hash } from 'node:crypto';
import {
  isNamedEvidence,
  sealedEvidenceName,
  type EvidenceHashes,
  type EvidenceName,
} from '../../domain/audit/replay/evidence-name.js';
import type { FaceRecordStatements } from '../../domain/registration/card-agreement.js';
import type { CertificateType } from '../../domain/values/certificate-status.js';
import type { SealedCertificateEvidence } from '../ports/outside/certificate-verifier.js';

/** What the card signed, as it is sealed with the answer about its certificate. */
export interface PresentedForEvidence {
  readonly certificateType: CertificateType;
  /** `captureEnvelopeText` as it was signed. */
  readonly signedText: string;
  /** Base64. */
  readonly signature: string;
  /** The instant at which the path was judged, ISO-8601 UTC. */
  readonly at: string;
  /** What the face record says that the certificate says too; null where the certificate was refused before anybody
   * looked. */
  readonly faceRecord: FaceRecordStatements | null;
}

/** The bytes that go into the vault after a certificate check: everything from which the verdict can be made again.
 * What the card signed is kept with the answer, because the case's own copy is erased with the case, and without it
 * nobody could say later that the card was there. */
export function evidenceBytes(sealed: SealedCertificateEvidence, presented: PresentedForEvidence): Uint8Array {
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
  const { certificate, statusKind, statusResponse, ocspNonce, settings } = sealed;
  const answer = { statusKind, statusResponse: statusResponse === null ? null : text(statusResponse), ocspNonce };
  return Buffer.from(
    JSON.stringify({ certificate: text(certificate), ...answer, ...(settings && { settings }), presented }),
  );
}

/** The name under which evidence is sealed. The content is a part of it: an effect that runs again after a crash gets a
 * new answer with a new nonce, and the event that names the evidence, once it is in the signed log, fixes its bytes.
 * @param effectId the effect that asked for the check */
export function sealedEvidenceId(effectId: string, bytes: Uint8Array): string {
  return sealedEvidenceName(effectId, bytes, HASHES);
}

/** What an event states of the bytes. A bare digest gives nothing away: the card's signature and the authority's answer
 * in them cannot be guessed. Hex. */
export function sealedEvidenceSha256(bytes: Uint8Array): string {
  return hash('sha256', bytes, 'hex');
}

/** Whether an event names these bytes. @param effectId the effect that asked for the check */
export function isEvidenceOf(name: EvidenceName, effectId: string, bytes: Uint8Array): boolean {
  return isNamedEvidence(name, effectId, bytes, HASHES);
}

const HASHES: EvidenceHashes = {
  sha256: (bytes) => hash('sha256', bytes, 'buffer'),
  sha1: (bytes) => hash('sha1', bytes, 'buffer'),
};
