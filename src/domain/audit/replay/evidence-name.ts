import { derivedIdInput, uuidFrom } from '../../values/derived-id.js';
import { toHex, utf8 } from '../log/bytes.js';
import type { HashFunction } from '../log/merkle-tree.js';

/** How an event names evidence: its id, and the SHA-256 of its bytes; null in events of before it was recorded. */
export interface EvidenceName {
  readonly id: string;
  readonly sha256: string | null;
}

export interface EvidenceHashes {
  readonly sha256: HashFunction;
  readonly sha1: HashFunction;
}

/** Whether these are the bytes that an event names. Id and digest must both fit: the digest binds the bytes, the id
 * binds them to the effect that asked for the check. */
export function isNamedEvidence(
  { id, sha256 }: EvidenceName,
  effectId: string,
  bytes: Uint8Array,
  hashes: EvidenceHashes,
): boolean {
  if (sha256 !== null && toHex(hashes.sha256(bytes)) !== sha256) return false;
  return sealedEvidenceName(effectId, bytes, hashes) === id;
}

/** The name under which evidence is sealed and an event names it: a UUID version 5 of the effect that asked and the
 * SHA-256 of the bytes. Alone it binds the bytes by 122 bits of SHA-1. @param effectId the effect that asked for the
 * check */
export function sealedEvidenceName(effectId: string, bytes: Uint8Array, { sha256, sha1 }: EvidenceHashes): string {
  return `evidence-${uuidFrom(sha1(derivedIdInput([effectId, toHex(sha256(bytes))], utf8)), 5)}`;
}
