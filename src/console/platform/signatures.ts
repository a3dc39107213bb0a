import { toHex, utf8 } from '../../domain/audit/log/bytes.js';
import { sha256 } from '../sha256.js';

/** One question to the platform's cryptography: does this signature fit. */
export interface SignatureQuestion {
  readonly hash: 'sha1' | 'sha256' | 'sha384' | 'sha512';
  readonly message: Uint8Array;
  /** DER of SubjectPublicKeyInfo. */
  readonly spki: Uint8Array;
  /** As certificates carry it: for ECDSA the DER of r and s. */
  readonly signature: Uint8Array;
}

/** Answers questions about signatures. */
export type Platform = (question: SignatureQuestion) => Promise<boolean>;

/** The port between rules that wait for nothing and cryptography that is waited for. The rules ask and go on with "no"
 *  where the answer is not known yet; whoever runs them throws that result away, has the answers fetched, and runs them
 *  again until nothing is asked any more. So the rules stay the very same code that runs on a server. */
export class SignatureDesk {
  private readonly answers = new Map<string, boolean>();
  private readonly open = new Map<string, SignatureQuestion>();

  constructor(private readonly platform: Platform) {}

  isSigned(question: SignatureQuestion): boolean {
    const name = nameOf(question);
    const answer = this.answers.get(name);
    if (answer === undefined) this.open.set(name, question);
    return answer ?? false;
  }

  /** @returns the result for which every signature was known */
  async settled<T>(judge: () => T): Promise<T> {
    for (;;) {
      this.open.clear();
      const result = judge();
      if (this.open.size === 0) return result;
      for (const [name, question] of this.open) this.answers.set(name, await this.platform(question));
    }
  }
}

/** WebCrypto's names. The key's kind is read from its algorithm, which our own reader has judged before. */
const RSA = '06092a864886f70d010101';
const CURVES = [
  { oid: '06082a8648ce3d030107', namedCurve: 'P-256', bytes: 32 },
  { oid: '06052b81040022', namedCurve: 'P-384', bytes: 48 },
  { oid: '06052b81040023', namedCurve: 'P-521', bytes: 66 },
] as const;
/** The algorithm stands before the key itself. */
const HEAD_BYTES = 32;
const HASHES = { sha1: 'SHA-1', sha256: 'SHA-256', sha384: 'SHA-384', sha512: 'SHA-512' } as const;

/** WebCrypto of the browser, and of Node where tests run it. @throws {Error} where a browser keeps it from the page */
export const webCryptography: Platform = async ({ hash, message, spki, signature }) => {
  const subtle = (globalThis.crypto as typeof globalThis.crypto | undefined)?.subtle;
  if (!subtle) throw new Error('this browser gives the page no cryptography here: open it from a file or over HTTPS');
  const head = toHex(spki.subarray(0, HEAD_BYTES));
  const curve = CURVES.find(({ oid }) => head.includes(oid));
  const raw = curve ? rawSignature(signature, curve.bytes) : signature;
  if (raw === null || (!curve && !head.includes(RSA))) return false;
  const algorithm = curve ? { name: 'ECDSA', namedCurve: curve.namedCurve } : { name: 'RSASSA-PKCS1-v1_5' };
  try {
    const key = await subtle.importKey('spki', copyOf(spki), { ...algorithm, hash: HASHES[hash] }, false, ['verify']);
    return await subtle.verify({ ...algorithm, hash: HASHES[hash] }, key, copyOf(raw), copyOf(message));
  } catch (error) {
    // Bytes that the platform takes for no key sign nothing, as on a server.
    if (error instanceof Error || error instanceof DOMException) return false;
    throw error;
  }
};

/** r and s side by side out of their DER; null for anything but DER. */
function rawSignature(der: Uint8Array, size: number): Uint8Array | null {
  const [length, start] = (der[1] ?? 0) === 0x81 ? [der[2] ?? 0, 3] : [der[1] ?? 0, 2];
  const isOneForm = start === 2 ? length < 0x80 : length >= 0x80;
  if (der[0] !== 0x30 || !isOneForm || der.length !== start + length) return null;
  const r = integerAt(der, start, size);
  const s = r && integerAt(der, r.end, size);
  if (!r || !s || s.end !== der.length) return null;
  const raw = new Uint8Array(2 * size);
  raw.set(r.bytes, size - r.bytes.length);
  raw.set(s.bytes, 2 * size - s.bytes.length);
  return raw;
}

/** A positive integer in its shortest form. */
function integerAt(
  der: Uint8Array,
  at: number,
  size: number,
): { readonly bytes: Uint8Array; readonly end: number } | null {
  const length = der[at + 1] ?? 0;
  const end = at + 2 + length;
  if (der[at] !== 0x02 || length === 0 || length >= 0x80 || end > der.length) return null;
  const bytes = der.subarray(at + 2, end);
  const [first = 0, second = 0] = bytes;
  if (first >= 0x80 || (first === 0 && length > 1 && second < 0x80)) return null;
  const value = first === 0 ? bytes.subarray(1) : bytes;
  return value.length > size ? null : { bytes: value, end };
}

function nameOf({ hash, message, spki, signature }: SignatureQuestion): string {
  return [hash, spki, signature, message]
    .map((part) => toHex(sha256(typeof part === 'string' ? utf8(part) : part)))
    .join();
}

/** WebCrypto takes no views on memory that may be shared. */
function copyOf(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(bytes);
}

/** The page's desk. Where this code runs on Node nobody asks it anything. */
export const signatureDesk = new SignatureDesk(webCryptography);
