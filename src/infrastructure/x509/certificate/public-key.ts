import { createPublicKey, verify, type KeyObject } from 'node:crypto';
import { DerError, DerReader, readInteger, readOid, TAG } from '../asn1/der.js';
import { OID } from '../asn1/oids.js';

export type Hash = 'sha1' | 'sha256' | 'sha384' | 'sha512';
export type Curve = 'P-256' | 'P-384' | 'P-521';

/** What a SubjectPublicKeyInfo holds, as far as signatures are concerned. */
export type KeyShape =
  | {
      readonly kind: 'rsa';
      readonly bits: number;
      /** Exponent; 0 when it does not fit into 48 bits. */
      readonly exponent: number;
    }
  | { readonly kind: 'ec'; readonly curve: Curve }
  | { readonly kind: 'other'; readonly oid: string };

/** A public key that is turned into a `KeyObject` only when a signature is checked with it. */
export class PublicKey {
  readonly shape: KeyShape;
  private keyObject: KeyObject | undefined;

  /** @param spki DER of SubjectPublicKeyInfo @throws {DerError} when it is not one */
  constructor(readonly spki: Buffer) {
    this.shape = readKeyShape(spki);
  }

  get key(): KeyObject {
    this.keyObject ??= createPublicKey({ key: this.spki, format: 'der', type: 'spki' });
    return this.keyObject;
  }
}

/** A key, or why the bytes are none. */
export function readPublicKey(spki: Buffer): PublicKey | DerError {
  try {
    return new PublicKey(spki);
  } catch (error) {
    if (error instanceof DerError) return error;
    throw error;
  }
}

const NULL_PARAMETERS = Buffer.from('0500', 'hex');
const CURVES = new Map<string, { curve: Curve; pointBytes: number }>([
  ['1.2.840.10045.3.1.7', { curve: 'P-256', pointBytes: 65 }],
  ['1.3.132.0.34', { curve: 'P-384', pointBytes: 97 }],
  ['1.3.132.0.35', { curve: 'P-521', pointBytes: 133 }],
]);
/** y² = x³ − 3x + b over the integers modulo p. Source: NIST SP 800-186 section 3.2.1. */
const EQUATIONS: Readonly<Record<Curve, { readonly p: bigint; readonly b: bigint }>> = {
  'P-256': {
    p: 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n,
    b: 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn,
  },
  'P-384': {
    p: 2n ** 384n - 2n ** 128n - 2n ** 96n + 2n ** 32n - 1n,
    b: 0xb3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aefn,
  },
  'P-521': {
    p: 2n ** 521n - 1n,
    b: 0x0051953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918ef109e156193951ec7e937b1652c0bd3bb1bf073573df883d2c34f1ef451fd46b503f00n,
  },
};
/** A modulus with a small factor is no product of two large primes (NIST SP 800-89 section 5.3.3 asks to look up to
 * 752). */
const SMALL_PRIMES = productOfPrimes(752);

function readKeyShape(spki: Buffer): KeyShape {
  const outer = new DerReader(spki);
  const r = outer.enter(TAG.sequence);
  outer.finish('public key');
  const algorithm = r.enter(TAG.sequence);
  const oid = readOid(algorithm);
  const parameters = algorithm.atEnd ? null : algorithm.element();
  algorithm.finish('key algorithm');
  const bits = r.read(TAG.bitString);
  r.finish('public key');
  if (bits[0] !== 0) throw new DerError('a key that is not whole bytes');
  if (oid === OID.rsaEncryption) return readRsaShape(parameters, bits.subarray(1));
  if (oid === OID.ecPublicKey) return readEcShape(parameters, bits.subarray(1));
  return { kind: 'other', oid };
}

function readRsaShape(parameters: Buffer | null, bits: Buffer): KeyShape {
  if (parameters === null || !parameters.equals(NULL_PARAMETERS))
    throw new DerError('an RSA key whose parameters are not NULL');
  const outer = new DerReader(bits);
  const r = outer.enter(TAG.sequence);
  outer.finish('RSA key');
  const modulus = readInteger(r);
  const exponent = readInteger(r);
  r.finish('RSA key');
  if (modulus[0]! >= 0x80 || exponent[0]! >= 0x80) throw new DerError('a negative number in an RSA key');
  if ((modulus.at(-1)! & 1) === 0 || hasSmallFactor(modulus))
    throw new DerError('an RSA modulus that is not a product of two large primes');
  const leadingZero = modulus[0] === 0 ? 1 : 0;
  const bitLength = (modulus.length - leadingZero) * 8 - (Math.clz32(modulus[leadingZero] ?? 0) - 24);
  return { kind: 'rsa', bits: bitLength, exponent: exponent.length > 6 ? 0 : exponent.readUIntBE(0, exponent.length) };
}

/** Named curves and uncompressed points only (RFC 5480 section 2.1.1): explicit parameters are how CVE-2020-0601
 * worked. */
function readEcShape(parameters: Buffer | null, bits: Buffer): KeyShape {
  if (parameters === null) throw new DerError('an EC key without a curve');
  const r = new DerReader(parameters);
  if (r.peek() !== TAG.oid) return { kind: 'other', oid: OID.ecPublicKey };
  const known = CURVES.get(readOid(r));
  if (known === undefined) return { kind: 'other', oid: OID.ecPublicKey };
  if (bits.length !== known.pointBytes || bits[0] !== 0x04)
    throw new DerError('an EC point that is not in uncompressed form');
  if (!isOnCurve(bits, known.curve)) throw new DerError('an EC point that is not on its curve');
  return { kind: 'ec', curve: known.curve };
}

/** @param point uncompressed. The point at infinity has no such form, and (0, 0) is on none of these curves. */
function isOnCurve(point: Buffer, curve: Curve): boolean {
  const { p, b } = EQUATIONS[curve];
  const size = (point.length - 1) / 2;
  const [x, y] = [bigInt(point.subarray(1, 1 + size)), bigInt(point.subarray(1 + size))];
  return x < p && y < p && (y * y - (x * x * x - 3n * x + b)) % p === 0n;
}

function hasSmallFactor(modulus: Buffer): boolean {
  let [a, b] = [SMALL_PRIMES, bigInt(modulus) % SMALL_PRIMES];
  while (b !== 0n) [a, b] = [b, a % b];
  return a !== 1n;
}

function bigInt(bytes: Buffer): bigint {
  return BigInt(`0x${bytes.toString('hex') || '0'}`);
}

function productOfPrimes(limit: number): bigint {
  let product = 1n;
  for (let n = 2; n < limit; n += 1)
    if (Array.from({ length: Math.floor(Math.sqrt(n)) - 1 }, (_, i) => i + 2).every((d) => n % d !== 0))
      product *= BigInt(n);
  return product;
}

export interface SignatureRule {
  readonly name: string;
  readonly kind: 'rsa' | 'ec';
  readonly hash: Hash;
}

/** AlgorithmIdentifiers by their whole DER, so that wrong parameters are another algorithm (RFC 5758). RSA's NULL is
 * written first, for {@link signatureRuleByName}; RFC 4055 section 5 asks to accept its absence too. */
const SIGNATURE_RULES = new Map<string, SignatureRule>([
  ['300d06092a864886f70d0101050500', { name: 'sha1WithRSAEncryption', kind: 'rsa', hash: 'sha1' }],
  ['300d06092a864886f70d01010b0500', { name: 'sha256WithRSAEncryption', kind: 'rsa', hash: 'sha256' }],
  ['300d06092a864886f70d01010c0500', { name: 'sha384WithRSAEncryption', kind: 'rsa', hash: 'sha384' }],
  ['300d06092a864886f70d01010d0500', { name: 'sha512WithRSAEncryption', kind: 'rsa', hash: 'sha512' }],
  ['300b06092a864886f70d010105', { name: 'sha1WithRSAEncryption', kind: 'rsa', hash: 'sha1' }],
  ['300b06092a864886f70d01010b', { name: 'sha256WithRSAEncryption', kind: 'rsa', hash: 'sha256' }],
  ['300b06092a864886f70d01010c', { name: 'sha384WithRSAEncryption', kind: 'rsa', hash: 'sha384' }],
  ['300b06092a864886f70d01010d', { name: 'sha512WithRSAEncryption', kind: 'rsa', hash: 'sha512' }],
  ['300906072a8648ce3d0401', { name: 'ecdsa-with-SHA1', kind: 'ec', hash: 'sha1' }],
  ['300a06082a8648ce3d040302', { name: 'ecdsa-with-SHA256', kind: 'ec', hash: 'sha256' }],
  ['300a06082a8648ce3d040303', { name: 'ecdsa-with-SHA384', kind: 'ec', hash: 'sha384' }],
  ['300a06082a8648ce3d040304', { name: 'ecdsa-with-SHA512', kind: 'ec', hash: 'sha512' }],
]);

/** Algorithms whose signatures prove nothing any more, as opposed to those that we merely do not know. */
const WEAK_OIDS = new Set(['1.2.840.113549.1.1.2', '1.2.840.113549.1.1.3', '1.2.840.113549.1.1.4']);

/** Which signatures and keys are accepted. */
export interface AlgorithmPolicy {
  readonly signatures: ReadonlySet<string>;
  readonly rsaBitsMin: number;
  readonly rsaBitsMax: number;
  readonly rsaExponentMin: number;
  readonly curves: ReadonlySet<Curve>;
}

/** What cards carry today (RSA-2048 with SHA-256) and what the next card is announced to carry (P-384 with SHA-384). */
export const CARD_ALGORITHMS: AlgorithmPolicy = {
  signatures: new Set(['sha256WithRSAEncryption', 'ecdsa-with-SHA384']),
  rsaBitsMin: 2048,
  rsaBitsMax: 4096,
  rsaExponentMin: 65537,
  curves: new Set<Curve>(['P-384']),
};

export const GENERAL_ALGORITHMS: AlgorithmPolicy = {
  signatures: new Set([
    'sha256WithRSAEncryption',
    'sha384WithRSAEncryption',
    'sha512WithRSAEncryption',
    'ecdsa-with-SHA256',
    'ecdsa-with-SHA384',
    'ecdsa-with-SHA512',
  ]),
  rsaBitsMin: 2048,
  rsaBitsMax: 8192,
  rsaExponentMin: 3,
  curves: new Set<Curve>(['P-256', 'P-384', 'P-521']),
};

/** For published test suites that are older than today's rules. The server never uses it. */
export function withSha1ForTest(policy: AlgorithmPolicy): AlgorithmPolicy {
  return {
    ...policy,
    signatures: new Set([...policy.signatures, 'sha1WithRSAEncryption', 'ecdsa-with-SHA1']),
    rsaBitsMin: 1024,
  };
}

export type SignatureProblem = {
  readonly reason: 'weak_algorithm' | 'limit_exceeded' | 'unsupported' | 'bad_signature' | 'malformed';
  readonly detail: string;
};

/** Checks one signature by a key, under a policy. The algorithm must suit the key: an RSA algorithm with an EC key is
 * refused, not tried.
 * @returns null when the signature is good */
export function checkSignature(signed: SignedBytes, key: PublicKey, policy: AlgorithmPolicy): SignatureProblem | null {
  const rule = suitableRule(signed.algorithm, key, policy);
  if ('reason' in rule) return rule;
  return verifyQuietly(rule.hash, signed.message, key, signed.signature) ? null : WRONG_SIGNATURE;
}

/** As {@link checkSignature}, for messages of megabytes: hashed on the thread pool, not on the event loop. */
export function checkLargeSignature(
  signed: SignedBytes,
  key: PublicKey,
  policy: AlgorithmPolicy,
): Promise<SignatureProblem | null> {
  const rule = suitableRule(signed.algorithm, key, policy);
  if ('reason' in rule) return Promise.resolve(rule);
  return new Promise((resolve) => {
    try {
      verify(rule.hash, signed.message, key.key, signed.signature, (error, good) =>
        resolve(error === null && good ? null : WRONG_SIGNATURE),
      );
    } catch {
      resolve(WRONG_SIGNATURE);
    }
  });
}

export interface SignedBytes {
  readonly message: Buffer;
  readonly signature: Buffer;
  /** DER of AlgorithmIdentifier, as it stands next to the signature. */
  readonly algorithm: Buffer;
}

const WRONG_SIGNATURE: SignatureProblem = {
  reason: 'bad_signature',
  detail: 'the signature does not belong to these bytes and this key',
};

function suitableRule(algorithm: Buffer, key: PublicKey, policy: AlgorithmPolicy): SignatureRule | SignatureProblem {
  const rule = SIGNATURE_RULES.get(algorithm.toString('hex'));
  if (rule === undefined) return unknownAlgorithm(algorithm);
  if (!policy.signatures.has(rule.name))
    return { reason: 'weak_algorithm', detail: `${rule.name} is not accepted here` };
  const keyProblem = checkKey(key.shape, policy);
  if (keyProblem !== null) return keyProblem;
  return key.shape.kind === rule.kind
    ? rule
    : { reason: 'bad_signature', detail: `${rule.name} with a key of another kind` };
}

/** Whether a key is of an accepted kind and size; null when it is. */
export function checkKey(shape: KeyShape, policy: AlgorithmPolicy): SignatureProblem | null {
  if (shape.kind === 'other') return { reason: 'unsupported', detail: `keys of type ${shape.oid} are not checked` };
  if (shape.kind === 'ec')
    return policy.curves.has(shape.curve)
      ? null
      : { reason: 'weak_algorithm', detail: `curve ${shape.curve} is not accepted here` };
  if (shape.bits < policy.rsaBitsMin) return { reason: 'weak_algorithm', detail: `RSA key of ${shape.bits} bits` };
  if (shape.bits > policy.rsaBitsMax) return { reason: 'limit_exceeded', detail: `RSA key of ${shape.bits} bits` };
  if (shape.exponent < policy.rsaExponentMin || shape.exponent % 2 === 0)
    return { reason: 'weak_algorithm', detail: 'RSA exponent' };
  return null;
}

/** Name and DER of a signature algorithm by its name in RFC 3279 and RFC 4055, or undefined. */
export function signatureRuleByName(name: string): { rule: SignatureRule; algorithm: Buffer } | undefined {
  for (const [hex, rule] of SIGNATURE_RULES)
    if (rule.name === name) return { rule, algorithm: Buffer.from(hex, 'hex') };
  return undefined;
}

function unknownAlgorithm(algorithm: Buffer): SignatureProblem {
  try {
    const oid = readOid(new DerReader(algorithm).enter(TAG.sequence));
    return WEAK_OIDS.has(oid)
      ? { reason: 'weak_algorithm', detail: `signature algorithm ${oid}` }
      : { reason: 'unsupported', detail: `signature algorithm ${oid} is not checked` };
  } catch {
    return { reason: 'malformed', detail: 'signature algorithm' };
  }
}

function verifyQuietly(hash: Hash, message: Buffer, key: PublicKey, signature: Buffer): boolean {
  try {
    return verify(hash, message, key.key, signature);
  } catch {
    // OpenSSL throws on keys that are not keys (a point off the curve); such a key signs nothing.
    return false;
  }
}
