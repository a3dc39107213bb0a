import { derivedIdInput, uuidFrom } from '../values/derived-id.js';
import { toHex, utf8 } from './bytes.js';
import type { HashFunction } from './merkle-tree.js';

/** The name under which evidence is sealed and an event names it: a UUID version 5 of the effect that asked and the SHA-256 of the bytes.
 *  It binds the bytes by 122 bits of SHA-1. @param effectId the effect that asked for the check */
export function sealedEvidenceName(effectId: string, bytes: Uint8Array, { sha256, sha1 }: { readonly sha256: HashFunction; readonly sha1: HashFunction }): string {
  return `evidence-${uuidFrom(sha1(derivedIdInput([effectId, toHex(sha256(bytes))], utf8)), 5)}`;
}
