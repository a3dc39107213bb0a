/** SHA-512 and SHA-384 (FIPS 180-4) over BigInt: slow and short, for the handful of signatures of a bundle. Its
 * constants are computed as the standard defines them, from the roots of the first primes. */
const MASK = (1n << 64n) - 1n;
const PRIMES = firstPrimes(80);
const K = PRIMES.map((p) => root(p << 192n, 3n) & MASK);
const START = PRIMES.slice(0, 8).map((p) => root(p << 128n, 2n) & MASK);
const START_384 = PRIMES.slice(8, 16).map((p) => root(p << 128n, 2n) & MASK);

export function sha512(message: Uint8Array): Uint8Array {
  return digest(message, START);
}

export function sha384(message: Uint8Array): Uint8Array {
  return digest(message, START_384).slice(0, 48);
}

function digest(message: Uint8Array, start: readonly bigint[]): Uint8Array {
  const padded = new Uint8Array(Math.ceil((message.length + 17) / 128) * 128);
  padded.set(message);
  padded[message.length] = 0x80;
  new DataView(padded.buffer).setBigUint64(padded.length - 8, BigInt(message.length) * 8n);
  const view = new DataView(padded.buffer);
  let state = [...start];
  for (let at = 0; at < padded.length; at += 128) state = compress(state, view, at);
  const out = new Uint8Array(64);
  state.forEach((word, i) => new DataView(out.buffer).setBigUint64(i * 8, word));
  return out;
}

function compress(state: readonly bigint[], view: DataView, at: number): bigint[] {
  const w: bigint[] = Array.from({ length: 16 }, (_, i) => view.getBigUint64(at + i * 8));
  for (let i = 16; i < 80; i += 1) {
    const [x, y] = [w[i - 15] as bigint, w[i - 2] as bigint];
    const s0 = rotate(x, 1n) ^ rotate(x, 8n) ^ (x >> 7n);
    const s1 = rotate(y, 19n) ^ rotate(y, 61n) ^ (y >> 6n);
    w.push(((w[i - 16] as bigint) + s0 + (w[i - 7] as bigint) + s1) & MASK);
  }
  let [a, b, c, d, e, f, g, h] = state as [bigint, bigint, bigint, bigint, bigint, bigint, bigint, bigint];
  for (let i = 0; i < 80; i += 1) {
    const t1 =
      h +
      (rotate(e, 14n) ^ rotate(e, 18n) ^ rotate(e, 41n)) +
      ((e & f) ^ (~e & MASK & g)) +
      (K[i] as bigint) +
      (w[i] as bigint);
    const t2 = (rotate(a, 28n) ^ rotate(a, 34n) ^ rotate(a, 39n)) + ((a & b) ^ (a & c) ^ (b & c));
    [a, b, c, d, e, f, g, h] = [(t1 + t2) & MASK, a, b, c, (d + t1) & MASK, e, f, g];
  }
  return [a, b, c, d, e, f, g, h].map((word, i) => (word + (state[i] as bigint)) & MASK);
}

function rotate(x: bigint, n: bigint): bigint {
  return (x >> n) | ((x << (64n - n)) & MASK);
}

function firstPrimes(count: number): bigint[] {
  const primes: bigint[] = [];
  for (let n = 2n; primes.length < count; n += 1n) if (primes.every((p) => n % p !== 0n)) primes.push(n);
  return primes;
}

/** The largest whole number whose k-th power is not above n. */
function root(n: bigint, k: bigint): bigint {
  let [low, high] = [0n, 1n << 80n];
  while (low < high) {
    const middle = (low + high + 1n) >> 1n;
    if (middle ** k <= n) low = middle;
    else high = middle - 1n;
  }
  return low;
}
