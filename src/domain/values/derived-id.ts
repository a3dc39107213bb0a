/** Namespace of all ids that are derived from other ids here. */
const NAMESPACE = Uint8Array.of(
  0x8a,
  0x3f,
  0x4c,
  0x0e,
  0x52,
  0xd1,
  0x5b,
  0x7e,
  0x9a,
  0x64,
  0x6f,
  0x0c,
  0x1d,
  0x2e,
  0x3b,
  0x4a,
);

/** Lays 16 bytes out as a UUID of the given version (RFC 9562). @param bytes at least 16 bytes */
export function uuidFrom(bytes: Uint8Array, version: 5 | 8): string {
  const hex = Array.from(bytes.subarray(0, 16), (byte, i) => {
    const value = i === 6 ? (byte & 0x0f) | (version << 4) : i === 8 ? (byte & 0x3f) | 0x80 : byte;
    return value.toString(16).padStart(2, '0');
  }).join('');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** What is hashed for a UUID version 5 (RFC 9562) of these parts. @param encode UTF-8 */
export function derivedIdInput(parts: readonly (string | number)[], encode: (text: string) => Uint8Array): Uint8Array {
  const name = encode(parts.join('\n'));
  const input = new Uint8Array(NAMESPACE.length + name.length);
  input.set(NAMESPACE);
  input.set(name, NAMESPACE.length);
  return input;
}
