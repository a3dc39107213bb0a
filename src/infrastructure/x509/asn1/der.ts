/** The bytes are not the DER that the structure asks for. Every parser here throws only this; callers turn it into
 * `malformed`. */
export class DerError extends Error {}

/** Tags of DER elements as they are written: class, constructed bit and number in one byte. */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  utf8String: 0x0c,
  printableString: 0x13,
  teletexString: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  universalString: 0x1c,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const;

/** Context-specific tag, primitive ([0] is 0x80). */
export const context = (n: number): number => 0x80 | n;
/** Context-specific tag, constructed ([0] is 0xa0). */
export const contextConstructed = (n: number): number => 0xa0 | n;

/** Reads DER element by element, by schema: it never recurses by itself, so nesting in the input cannot deepen the
 * stack.
 *
 * Strict: definite, shortest lengths; one-byte tags (X.509, OCSP and CRLs use no others); nothing outlives its parent.
 * All returned buffers are views on the input, never copies. Source: ITU-T X.690 clauses 8 and 10. */
export class DerReader {
  /** Bounds of the element read last, in `bytes`. */
  elementStart = 0;
  contentStart = 0;
  contentEnd = 0;
  private position: number;

  constructor(
    readonly bytes: Buffer,
    start = 0,
    readonly end: number = bytes.length,
  ) {
    this.position = start;
  }

  get atEnd(): boolean {
    return this.position >= this.end;
  }

  /** Tag of the next element, or -1 at the end. */
  peek(): number {
    return this.position < this.end ? this.bytes[this.position]! : -1;
  }

  /** Steps over the next element, whatever it is. @returns its tag; its bounds are in the fields. */
  next(): number {
    const { bytes, end } = this;
    let p = this.position;
    if (p + 2 > end) throw new DerError('the structure ends too early');
    this.elementStart = p;
    const tag = bytes[p++]!;
    if ((tag & 0x1f) === 0x1f) throw new DerError('a tag of more than one byte');
    let length = bytes[p++]!;
    if (length >= 0x80) {
      const count = length & 0x7f;
      if (count === 0 || count > 4)
        throw new DerError(count === 0 ? 'indefinite length' : 'length of more than four bytes');
      if (p + count > end) throw new DerError('the structure ends inside a length');
      length = 0;
      for (let i = 0; i < count; i++) length = length * 256 + bytes[p++]!;
      if (length < 0x80 || length < 2 ** (8 * (count - 1))) throw new DerError('length not in its shortest form');
    }
    if (length > end - p) throw new DerError('an element is longer than what holds it');
    this.contentStart = p;
    this.contentEnd = p + length;
    this.position = p + length;
    return tag;
  }

  /** Content of the next element, which must have this tag. */
  read(tag: number): Buffer {
    this.expect(tag);
    return this.bytes.subarray(this.contentStart, this.contentEnd);
  }

  /** A reader over the content of the next element, which must have this tag. */
  enter(tag: number): DerReader {
    this.expect(tag);
    return new DerReader(this.bytes, this.contentStart, this.contentEnd);
  }

  /** As {@link enter}, or null when the next element has another tag or there is none. */
  enterOptional(tag: number): DerReader | null {
    return this.peek() === tag ? this.enter(tag) : null;
  }

  /** The next element with its tag and length. @param tag checked when given */
  element(tag?: number): Buffer {
    if (tag === undefined) this.next();
    else this.expect(tag);
    return this.bytes.subarray(this.elementStart, this.contentEnd);
  }

  /** @throws {DerError} when anything is left: trailing bytes are data that nobody checked. */
  finish(what: string): void {
    if (this.position !== this.end) throw new DerError(`${what}: bytes after the end`);
  }

  private expect(tag: number): void {
    const found = this.next();
    if (found !== tag) throw new DerError(`expected tag 0x${tag.toString(16)}, found 0x${found.toString(16)}`);
  }
}

/** A view of the same memory as a Buffer. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Content of an INTEGER in its shortest form, as written (two's complement). */
export function readInteger(reader: DerReader, tag: number = TAG.integer): Buffer {
  const content = reader.read(tag);
  if (content.length === 0) throw new DerError('an empty INTEGER');
  if (
    content.length > 1 &&
    ((content[0] === 0 && content[1]! < 0x80) || (content[0] === 0xff && content[1]! >= 0x80))
  ) {
    throw new DerError('INTEGER not in its shortest form');
  }
  return content;
}

/** A small non-negative INTEGER. @param max the largest that makes sense here. */
export function readSmallInteger(reader: DerReader, max: number, tag: number = TAG.integer): number {
  const content = readInteger(reader, tag);
  if (content[0]! >= 0x80) throw new DerError('a negative INTEGER');
  if (content.length > 5) throw new DerError('INTEGER too large');
  let value = 0;
  for (const byte of content) value = value * 256 + byte;
  if (value > max) throw new DerError('INTEGER too large');
  return value;
}

/** BOOLEAN: 00 or FF, nothing else. */
export function readBoolean(reader: DerReader, tag: number = TAG.boolean): boolean {
  const content = reader.read(tag);
  if (content.length !== 1 || (content[0] !== 0 && content[0] !== 0xff))
    throw new DerError('a BOOLEAN that is neither 00 nor FF');
  return content[0] === 0xff;
}

/** A BOOLEAN with DEFAULT FALSE: DER writes only TRUE (X.690 section 11.5). */
export function readDefaultFalse(reader: DerReader, tag: number = TAG.boolean): boolean {
  if (reader.peek() !== tag) return false;
  if (!readBoolean(reader, tag)) throw new DerError('FALSE written out');
  return true;
}

/** A BIT STRING that holds whole bytes (keys, signatures). */
export function readBitStringBytes(reader: DerReader, tag: number = TAG.bitString): Buffer {
  const content = reader.read(tag);
  if (content.length === 0 || content[0] !== 0) throw new DerError('a BIT STRING that is not whole bytes');
  return content.subarray(1);
}

/** A BIT STRING of named bits as a number: bit 0 (the first) is the lowest bit of the result.
 *  Trailing zero bits must be absent (X.690 11.2.2) and at most 16 bits are named anywhere here. */
export function readNamedBits(reader: DerReader, tag: number = TAG.bitString): number {
  const content = reader.read(tag);
  if (content.length === 0 || content.length > 3) throw new DerError('a list of named bits of the wrong size');
  const unused = content[0]!;
  if (unused > 7 || (content.length === 1 && unused !== 0)) throw new DerError('a wrong count of unused bits');
  if (content.length > 1) {
    const last = content[content.length - 1]!;
    if (last === 0 || (last & ((1 << unused) - 1)) !== 0 || (last & (1 << unused)) === 0)
      throw new DerError('named bits with trailing zeros');
  }
  let bits = 0;
  for (let i = 0; i < (content.length - 1) * 8; i++) {
    if ((content[1 + (i >> 3)]! & (0x80 >> (i & 7))) !== 0) bits |= 1 << i;
  }
  return bits;
}

/** Every OID is decoded once; the same few dozen appear in all certificates. Bounded, because certificates come from
 * outside. */
const decodedOids = new Map<string, string>();
const DECODED_OIDS_MAX = 1000;

/** An OBJECT IDENTIFIER in dotted form. */
export function readOid(reader: DerReader, tag: number = TAG.oid): string {
  const content = reader.read(tag);
  const key = content.toString('latin1');
  const known = decodedOids.get(key);
  if (known !== undefined) return known;
  const oid = decodeOid(content);
  if (decodedOids.size < DECODED_OIDS_MAX) decodedOids.set(key, oid);
  return oid;
}

function decodeOid(content: Buffer): string {
  if (content.length === 0 || content.length > 64) throw new DerError('an OBJECT IDENTIFIER of the wrong size');
  const arcs: bigint[] = [];
  let arc = 0n;
  let fresh = true;
  for (const byte of content) {
    if (fresh && byte === 0x80) throw new DerError('an OBJECT IDENTIFIER with a padded arc');
    arc = (arc << 7n) | BigInt(byte & 0x7f);
    fresh = byte < 0x80;
    if (!fresh) continue;
    arcs.push(arc);
    arc = 0n;
  }
  if (!fresh) throw new DerError('an OBJECT IDENTIFIER that ends inside an arc');
  const first = arcs[0]!;
  const top = first < 40n ? 0n : first < 80n ? 1n : 2n;
  return [top, first - top * 40n, ...arcs.slice(1)].join('.');
}

/** UTCTime or GeneralizedTime in the only form RFC 5280 allows: seconds present, no fraction, `Z`.
 *  @returns seconds since 1970. Source: RFC 5280 sections 4.1.2.5.1 and 4.1.2.5.2. */
export function readTime(reader: DerReader): number {
  const tag = reader.peek();
  if (tag !== TAG.utcTime && tag !== TAG.generalizedTime) throw new DerError('expected a time');
  return decodeTime(tag, reader.read(tag));
}

/** GeneralizedTime only, as OCSP asks for. @returns seconds since 1970 */
export function readGeneralizedTime(reader: DerReader, tag: number = TAG.generalizedTime): number {
  return decodeTime(TAG.generalizedTime, reader.read(tag));
}

function decodeTime(tag: number, content: Buffer): number {
  return decodeTimeAt(content, { tag, start: 0, end: content.length });
}

/** Content of a time element with this tag. Allocates nothing, because a CRL has hundreds of thousands.
 * @returns seconds since 1970 */
export function decodeTimeAt(
  bytes: Uint8Array,
  { tag, start, end }: { readonly tag: number; readonly start: number; readonly end: number },
): number {
  const utc = tag === TAG.utcTime;
  if (end - start !== (utc ? 13 : 15) || bytes[end - 1] !== 0x5a)
    throw new DerError('a time not written as RFC 5280 asks');
  const written = twoDigits(bytes, start);
  const year = utc ? (written >= 50 ? 1900 + written : 2000 + written) : written * 100 + twoDigits(bytes, start + 2);
  const month = twoDigits(bytes, end - 11);
  const day = twoDigits(bytes, end - 9);
  const hour = twoDigits(bytes, end - 7);
  const minute = twoDigits(bytes, end - 5);
  const second = twoDigits(bytes, end - 3);
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month) || hour > 23 || minute > 59 || second > 59)
    throw new DerError('a time that does not exist');
  return daysSince1970(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
}

function twoDigits(bytes: Uint8Array, at: number): number {
  const tens = bytes[at]! - 0x30;
  const ones = bytes[at + 1]! - 0x30;
  if (tens < 0 || tens > 9 || ones < 0 || ones > 9) throw new DerError('a time with something other than digits');
  return tens * 10 + ones;
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** Days from 1970-01-01 in the proleptic Gregorian calendar (years 0 to 9999). */
function daysSince1970(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146097 + dayOfEra - 719468;
}

/** One DER element. @param parts contents, joined */
export function encodeDer(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const length = content.length;
  if (length < 0x80) return Buffer.concat([Buffer.of(tag, length), content]);
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Buffer.concat([Buffer.of(tag, 0x80 | bytes.length, ...bytes), content]);
}

/** An OBJECT IDENTIFIER element from its dotted form. */
export function encodeOid(oid: string): Buffer {
  const [top, second, ...rest] = oid.split('.').map(BigInt);
  if (top === undefined || second === undefined) throw new RangeError(`not an OID: ${oid}`);
  return encodeDer(TAG.oid, Buffer.from([top * 40n + second, ...rest].flatMap(encodeArc)));
}

function encodeArc(arc: bigint): number[] {
  const bytes = [Number(arc & 0x7fn)];
  for (let rest = arc >> 7n; rest > 0n; rest >>= 7n) bytes.unshift(Number(rest & 0x7fn) | 0x80);
  return bytes;
}
