import { sha1 } from '../sha1.js';
import { sha256 } from '../sha256.js';
import { sha384, sha512 } from '../sha512.js';
import { Buffer } from './buffer.js';
import { signatureDesk, type SignatureQuestion } from './signatures.js';

/** What our readers of certificates use of node:crypto, for the page. Hashes are our own, which wait for nothing;
 *  signatures are the platform's. */
type HashName = SignatureQuestion['hash'];
type Bytes = ReturnType<typeof Buffer.of>;
interface PlatformKey {
  readonly spki: Uint8Array;
}

const HASHES: Readonly<Record<HashName, (bytes: Uint8Array) => Uint8Array>> = { sha1, sha256, sha384, sha512 };

class PlatformHash {
  private readonly parts: Uint8Array[] = [];

  constructor(private readonly name: HashName) {}

  update(part: Uint8Array | string): this {
    this.parts.push(typeof part === 'string' ? Buffer.from(part) : part);
    return this;
  }

  digest(): Bytes;
  digest(encoding: 'hex'): string;
  digest(encoding?: 'hex'): Bytes | string {
    const digest = Buffer.from(HASHES[this.name](Buffer.concat(this.parts)));
    return encoding === undefined ? digest : digest.toString(encoding);
  }
}

export function createHash(name: HashName): PlatformHash {
  return new PlatformHash(name);
}

export function hash(name: HashName, bytes: Uint8Array): Bytes {
  return createHash(name).update(bytes).digest();
}

/** Nothing here is secret: the name is Node's. */
export function timingSafeEqual(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

export function createPublicKey({ key }: { readonly key: Uint8Array }): PlatformKey {
  return { spki: key };
}

export function verify(name: HashName, message: Uint8Array, { spki }: PlatformKey, signature: Uint8Array): boolean {
  return signatureDesk.isSigned({ hash: name, message, spki, signature });
}
