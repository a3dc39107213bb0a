import { concatBytes, toHex, utf8 } from './bytes.js';
import type { HashFunction } from './merkle-tree.js';

/** Somebody or something that must not stand in a leaf in clear: the pseudonymous key of a registrant, the sign-in of a
 * person of the office, a receipt number (which opens the status page for whoever has it), content that is too large
 * for a leaf. */
export interface Person {
  readonly kind: 'registrant' | 'staff' | 'receipt' | 'content';
  readonly id: string;
}

/** HMAC-SHA256. Servers have a fast one; a page in a browser makes its own out of the hash function. */
export type Hmac = (key: Uint8Array, message: Uint8Array) => Uint8Array;

const TOKEN = /^committed:[0-9a-f]{64}$/;
const BLOCK_BYTES = 64;

/** What stands in a leaf in place of the person: the same for the same person and salt, so that a history can be
 * followed and every decision recomputed without knowing who it is. Without the salt nobody can find or confirm the
 * person: never a bare hash. */
export function commitmentToken(person: Person, salt: Uint8Array, hmac: Hmac): string {
  return `committed:${toHex(hmac(salt, utf8(`${person.kind}\n${person.id}`)))}`;
}

export function isCommitmentToken(text: string): boolean {
  return TOKEN.test(text);
}

/** HMAC of RFC 2104 out of a hash function with 64-byte blocks. */
export function hmacOf(hash: HashFunction): Hmac {
  return (key, message) => {
    const block = new Uint8Array(BLOCK_BYTES);
    block.set(key.length > BLOCK_BYTES ? hash(key) : key);
    const inner = hash(
      concatBytes(
        block.map((b) => b ^ 0x36),
        message,
      ),
    );
    return hash(
      concatBytes(
        block.map((b) => b ^ 0x5c),
        inner,
      ),
    );
  };
}
