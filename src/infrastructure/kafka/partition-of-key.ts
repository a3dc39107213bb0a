/** Partition of a key as the Java client computes it (murmur2, sign bit cleared), so that every producer of every
 * language agrees. Computed here and sent along: a library's default partitioner has changed before, and that moves
 * keys. */
export function partitionOfKey(key: string, partitions: number): number {
  return (murmur2(Buffer.from(key)) & 0x7fff_ffff) % partitions;
}

/** MurmurHash2, 32 bits, seed 0x9747b28c, as a signed integer. */
export function murmur2(data: Uint8Array): number {
  const M = 0x5bd1e995;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  let hash = 0x9747b28c ^ data.length;
  let at = 0;
  for (; at + 4 <= data.length; at += 4) {
    let k = Math.imul(view.getInt32(at, true), M);
    k = Math.imul(k ^ (k >>> 24), M);
    hash = Math.imul(hash, M) ^ k;
  }
  const rest = data.length - at;
  if (rest > 0) {
    for (let i = rest - 1; i >= 0; i--) hash ^= (data[at + i] as number) << (8 * i);
    hash = Math.imul(hash, M);
  }
  hash = Math.imul(hash ^ (hash >>> 13), M);
  return hash ^ (hash >>> 15);
}
