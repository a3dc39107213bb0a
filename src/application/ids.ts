import { createHash } from 'node:crypto';

/** Namespace of all ids that are derived from other ids here. */
const NAMESPACE = '8a3f4c0e-52d1-5b7e-9a64-6f0c1d2e3b4a';

/** UUID version 5 (RFC 9562): the same name always gives the same id, so that repeating a command repeats its event ids. */
export function derivedId(...parts: readonly (string | number)[]): string {
  const hash = createHash('sha1').update(Buffer.from(NAMESPACE.replaceAll('-', ''), 'hex')).update(parts.join('\n')).digest();
  return uuidFrom(hash, 5);
}

/** Lays 16 bytes out as a UUID of the given version. @param bytes at least 16 bytes */
export function uuidFrom(bytes: Uint8Array, version: 5 | 8): string {
  const b = Buffer.from(bytes.subarray(0, 16));
  b[6] = ((b[6] as number) & 0x0f) | (version << 4);
  b[8] = ((b[8] as number) & 0x3f) | 0x80;
  const hex = b.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
