import { fromBase64, toBase64, toHex, utf8 } from '../../domain/audit/log/bytes.js';

/** Bytes with what our readers of certificates use of Node's Buffer, for the page: a browser has none. Whatever is not
 * here is not used there; a test holds it against Node's. */
class PlatformBytes extends Uint8Array {
  equals(other: Uint8Array): boolean {
    return this.length === other.length && this.every((byte, i) => byte === other[i]);
  }

  override toString(encoding: 'hex' | 'latin1' | 'utf8' | 'base64' = 'utf8'): string {
    if (encoding === 'hex') return toHex(this);
    if (encoding === 'base64') return toBase64(this);
    if (encoding === 'utf8') return new TextDecoder('utf-8', { ignoreBOM: true }).decode(this);
    let text = '';
    for (const byte of this) text += String.fromCharCode(byte);
    return text;
  }

  /** A view, as Node's, and no copy as that of other arrays. */
  override slice(start?: number, end?: number): PlatformBytes {
    return this.subarray(start, end) as PlatformBytes;
  }

  /** Big-endian, up to six bytes. */
  readUIntBE(at: number, length: number): number {
    let value = 0;
    for (let i = 0; i < length; i += 1) value = value * 256 + byteAt(this, at + i);
    return value;
  }

  readUInt32BE(at: number): number {
    return this.readUIntBE(at, 4);
  }

  writeUInt16BE(value: number, at: number): number {
    if (!Number.isInteger(value) || value < 0 || value > 0xffff || at + 2 > this.length)
      throw new RangeError('not two bytes');
    this[at] = value >> 8;
    this[at + 1] = value & 255;
    return at + 2;
  }
}

/** What stands for Node's `Buffer` in the page. */
export const Buffer = {
  from(value: string | ArrayBuffer | ArrayLike<number>, second?: string | number, length?: number): PlatformBytes {
    if (typeof value === 'string') return fromText(value, second as string | undefined);
    if (value instanceof ArrayBuffer) return new PlatformBytes(value, second as number | undefined, length);
    return new PlatformBytes(Array.from(value, (byte) => byte & 255));
  },
  of: (...bytes: readonly number[]): PlatformBytes => new PlatformBytes(bytes),
  alloc: (size: number): PlatformBytes => new PlatformBytes(size),
  isBuffer: (value: unknown): boolean => value instanceof PlatformBytes,
  concat(parts: readonly Uint8Array[]): PlatformBytes {
    const bytes = new PlatformBytes(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  },
  compare(a: Uint8Array, b: Uint8Array): number {
    const at = a.findIndex((byte, i) => byte !== b[i]);
    if (at < 0) return Math.sign(a.length - b.length);
    return at >= b.length ? 1 : Math.sign((a[at] as number) - (b[at] as number));
  },
};

/** Whether the bytes are UTF-8, as `isUtf8` of node:buffer says it. */
export function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    // What it throws has no other cause.
    return false;
  }
}

function fromText(text: string, encoding = 'utf8'): PlatformBytes {
  if (encoding === 'hex') return fromHex(text);
  if (encoding === 'base64') return new PlatformBytes(fromBase64(canonicalBase64(text)));
  if (encoding === 'latin1')
    return new PlatformBytes(Array.from({ length: text.length }, (_, i) => text.charCodeAt(i) & 255));
  return new PlatformBytes(utf8(text));
}

/** Up to the first pair that is none, as Node reads it. */
function fromHex(text: string): PlatformBytes {
  const [whole = ''] = /^(?:[0-9a-fA-F]{2})*/.exec(text) ?? [];
  return new PlatformBytes(
    Array.from({ length: whole.length / 2 }, (_, i) => Number.parseInt(whole.slice(2 * i, 2 * i + 2), 16)),
  );
}

/** Node reads base64 of both alphabets up to the first "=", and overlooks what is neither. */
function canonicalBase64(text: string): string {
  const [kept = ''] = text.split('=');
  const letters = kept
    .replace(/-/g, '+')
    .replace(/_/g, '/')
    .replace(/[^A-Za-z0-9+/]/g, '');
  const whole = letters.length % 4 === 1 ? letters.slice(0, -1) : letters;
  const last = whole.at(-1) ?? 'A';
  // Bits that no byte takes are zero in our reader.
  const spare = whole.length % 4 === 2 ? 16 : whole.length % 4 === 3 ? 4 : 1;
  const value = ALPHABET.indexOf(last);
  const ended = whole === '' ? '' : whole.slice(0, -1) + (ALPHABET[value - (value % spare)] as string);
  return ended.padEnd(Math.ceil(ended.length / 4) * 4, '=');
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

function byteAt(bytes: Uint8Array, at: number): number {
  const byte = bytes[at];
  if (byte === undefined) throw new RangeError('there is no such byte');
  return byte;
}
