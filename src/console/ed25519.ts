import { sha512 } from './sha512.js';

/** Verification of Ed25519 signatures (RFC 8032, section 5.1.7) over BigInt, for a page without a network. Only public
 * values go through it, so its time may depend on them. */
const P = 2n ** 255n - 19n;
const L = 2n ** 252n + 27742317777372353535851937790883648493n;
const D = mod(-121665n * inverse(121666n));
const SQRT_M1 = power(2n, (P - 1n) / 4n);
const BASE = point(mod(4n * inverse(5n)), 0n) as Point;

/** Extended coordinates: x = X/Z, y = Y/Z, x·y = T/Z. */
interface Point {
  readonly x: bigint;
  readonly y: bigint;
  readonly z: bigint;
  readonly t: bigint;
}

/** @param publicKey 32 bytes @param signature 64 bytes */
export function isSignedEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== 32 || signature.length !== 64) return false;
  const a = decode(publicKey);
  const r = decode(signature.subarray(0, 32));
  const s = number(signature.subarray(32));
  if (!a || !r || s >= L) return false;
  const digest = new Uint8Array(64 + message.length);
  digest.set(signature.subarray(0, 32));
  digest.set(publicKey, 32);
  digest.set(message, 64);
  const k = number(sha512(digest)) % L;
  return isSame(times(BASE, s), plus(r, times(a, k)));
}

function decode(bytes: Uint8Array): Point | null {
  const value = number(bytes);
  const y = value & ((1n << 255n) - 1n);
  return y >= P ? null : point(y, value >> 255n);
}

/** The point with this y and this lowest bit of x, or null when there is none. RFC 8032, section 5.1.3. */
function point(y: bigint, sign: bigint): Point | null {
  const u = mod(y * y - 1n);
  const v = mod(D * y * y + 1n);
  let x = mod(u * v ** 3n * power(mod(u * v ** 7n), (P - 5n) / 8n));
  if (mod(v * x * x) === mod(-u)) x = mod(x * SQRT_M1);
  if (mod(v * x * x) !== u || (x === 0n && sign === 1n)) return null;
  if ((x & 1n) !== sign) x = P - x;
  return { x, y, z: 1n, t: mod(x * y) };
}

function plus(p: Point, q: Point): Point {
  const a = mod((p.y - p.x) * (q.y - q.x));
  const b = mod((p.y + p.x) * (q.y + q.x));
  const c = mod(2n * D * p.t * q.t);
  const d = mod(2n * p.z * q.z);
  const [e, f, g, h] = [b - a, d - c, d + c, b + a];
  return { x: mod(e * f), y: mod(g * h), z: mod(f * g), t: mod(e * h) };
}

function times(p: Point, n: bigint): Point {
  let sum: Point = { x: 0n, y: 1n, z: 1n, t: 0n };
  for (let add = p; n > 0n; n >>= 1n, add = plus(add, add)) if (n & 1n) sum = plus(sum, add);
  return sum;
}

function isSame(p: Point, q: Point): boolean {
  return mod(p.x * q.z) === mod(q.x * p.z) && mod(p.y * q.z) === mod(q.y * p.z);
}

/** Little-endian. */
function number(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

function mod(n: bigint): bigint {
  const rest = n % P;
  return rest < 0n ? rest + P : rest;
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (let b = mod(base), e = exponent; e > 0n; e >>= 1n, b = mod(b * b)) if (e & 1n) result = mod(result * b);
  return result;
}

function inverse(n: bigint): bigint {
  return power(n, P - 2n);
}
