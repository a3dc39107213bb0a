import { createPublicKey, hash, verify, type KeyObject } from 'node:crypto';
import { hmacOf } from '../../domain/audit/log/commitment.js';
import { treeHasher } from '../../domain/audit/log/merkle-tree.js';
import type { Primitives } from '../../domain/audit/bundle/verify-bundle.js';

/** SHA-256 of Node, as the pure code takes it. */
export function sha256(bytes: Uint8Array): Uint8Array {
  // One call instead of three objects: a tree of a million leaves makes two million hashes.
  return Buffer.from(hash('sha256', bytes, 'binary'), 'binary');
}

/** SHA-1 of Node, for names that were made with it. */
export function sha1(bytes: Uint8Array): Uint8Array {
  return hash('sha1', bytes, 'buffer');
}

/** For keys that are used once or twice: Node takes three times as long to make a key object as two hashes take. */
export const hmacSha256 = hmacOf(sha256);

export const hasher = treeHasher(sha256);

const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
const keys = new Map<string, KeyObject>();

/** Ed25519 by Node. @param publicKey the 32 raw bytes */
export function isSignedEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const name = Buffer.from(publicKey).toString('hex');
  let key = keys.get(name);
  if (!key)
    keys.set(
      name,
      (key = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, publicKey]), format: 'der', type: 'spki' })),
    );
  return verify(null, message, key, signature);
}

/** What the verifiers of bundles and lists run on here. */
export const NODE_PRIMITIVES: Primitives = { hash: sha256, hmac: hmacSha256, isSigned: isSignedEd25519, sha1 };
