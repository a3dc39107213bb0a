/** Writes and reads DER for the stand-ins. Written apart from the server's parser on purpose: two parties that share one
 *  ASN.1 library would agree on its mistakes. Source: ITU-T X.690. */

/** One element: tag, shortest definite length, content. */
export function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.of(tag), lengthOctets(content.length), content]);
}

function lengthOctets(length: number): Buffer {
  if (length < 0x80) return Buffer.of(length);
  const hex = length.toString(16);
  const octets = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
  return Buffer.concat([Buffer.of(0x80 | octets.length), octets]);
}

export const sequence = (...parts: readonly Uint8Array[]): Buffer => der(0x30, ...parts);
export const set = (...parts: readonly Uint8Array[]): Buffer => der(0x31, ...parts);
export const octetString = (content: Uint8Array): Buffer => der(0x04, content);
export const bitString = (content: Uint8Array, unusedBits = 0): Buffer => der(0x03, Buffer.of(unusedBits), content);
export const utf8String = (text: string): Buffer => der(0x0c, Buffer.from(text, 'utf8'));
export const printableString = (text: string): Buffer => der(0x13, Buffer.from(text, 'latin1'));
export const ia5String = (text: string): Buffer => der(0x16, Buffer.from(text, 'latin1'));
export const boolean = (value: boolean): Buffer => der(0x01, Buffer.of(value ? 0xff : 0));
export const enumerated = (value: number): Buffer => der(0x0a, Buffer.of(value));
export const nullValue = (): Buffer => der(0x05);
/** `[number]` constructed: an explicit tag, or an implicit one over a constructed type. */
export const context = (number: number, ...parts: readonly Uint8Array[]): Buffer => der(0xa0 | number, ...parts);
/** `[number]` primitive: an implicit tag over a primitive type. */
export const contextPrimitive = (number: number, content: Uint8Array): Buffer => der(0x80 | number, content);

/** INTEGER from unsigned big-endian bytes; leading zeros are normalised. */
export function integer(value: Uint8Array | number): Buffer {
  const hex = typeof value === 'number' ? value.toString(16) : Buffer.from(value).toString('hex');
  const digits = hex.replace(/^0+/, '') || '0';
  const bytes = Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, 'hex');
  const signed = (bytes[0] ?? 0) >= 0x80;
  return der(0x02, signed ? Buffer.concat([Buffer.of(0), bytes]) : bytes);
}

/** OBJECT IDENTIFIER from dotted decimal. */
export function objectIdentifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return der(0x06, Buffer.from([first * 40 + second, ...rest].flatMap(base128)));
}

function base128(value: number): number[] {
  const digits = [value % 128];
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) digits.unshift((rest % 128) | 0x80);
  return digits;
}

/** Time of a certificate or CRL: UTCTime up to 2049, GeneralizedTime from 2050. Source: RFC 5280 section 4.1.2.5. */
export function time(at: Date): Buffer {
  const year = at.getUTCFullYear();
  return year >= 1950 && year < 2050 ? der(0x17, Buffer.from(`${digitsOf(at).slice(2)}Z`, 'latin1')) : generalizedTime(at);
}

/** GeneralizedTime in whole seconds, as OCSP asks for it. */
export function generalizedTime(at: Date): Buffer {
  return der(0x18, Buffer.from(`${digitsOf(at)}Z`, 'latin1'));
}

function digitsOf(at: Date): string {
  return at.toISOString().replace(/\.\d+Z$/, '').replace(/\D/g, '');
}

/** Named bits of a BIT STRING (bit 0 is the first bit), without trailing zero bits. */
export function namedBits(bits: readonly number[]): Buffer {
  const highest = Math.max(...bits);
  const content = Buffer.alloc(Math.floor(highest / 8) + 1);
  for (const bit of bits) content[bit >> 3] = (content[bit >> 3] ?? 0) | (0x80 >> (bit & 7));
  return bitString(content, 7 - (highest & 7));
}

/** One element as it was read. */
export interface DerElement {
  readonly tag: number;
  readonly content: Buffer;
  /** The whole element, header included. */
  readonly raw: Buffer;
}

/** Reads a single element that fills the input. @throws {RangeError} on anything else. */
export function readDer(bytes: Uint8Array): DerElement {
  const elements = readElements(bytes);
  const [only] = elements;
  if (only === undefined || elements.length !== 1) throw new RangeError('expected one DER element');
  return only;
}

/** Reads the elements that stand one after another. @throws {RangeError} when one is cut short or has an unsupported header. */
export function readElements(bytes: Uint8Array): DerElement[] {
  const input = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const elements: DerElement[] = [];
  for (let offset = 0; offset < input.length; ) {
    const element = readElement(input, offset);
    elements.push(element);
    offset += element.raw.length;
  }
  return elements;
}

function readElement(input: Buffer, offset: number): DerElement {
  const tag = input[offset];
  const first = input[offset + 1];
  if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f) throw new RangeError('unsupported DER header');
  const octets = first < 0x80 ? 0 : first & 0x7f;
  if (first === 0x80 || octets > 4 || offset + 2 + octets > input.length) throw new RangeError('unsupported DER length');
  const length = octets === 0 ? first : input.readUIntBE(offset + 2, octets);
  const start = offset + 2 + octets;
  if (start + length > input.length) throw new RangeError('DER element is cut short');
  return { tag, content: input.subarray(start, start + length), raw: input.subarray(offset, start + length) };
}
