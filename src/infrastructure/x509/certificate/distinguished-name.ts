import { isUtf8 } from 'node:buffer';
import { DerError, DerReader, readOid, TAG } from '../asn1/der.js';
import { preparedText } from './name-preparation.js';

/** Whether two DER names are the same name. Equal bytes are the quick answer; otherwise attribute values of text types
 * are prepared and compared (`preparedText`), across the string types that have one reading. What cannot be compared is
 * the same only byte by byte. Source: RFC 5280 section 7.1, RFC 4518. */
export function sameName(a: Buffer, b: Buffer): boolean {
  if (a.equals(b)) return true;
  const [left, right] = [rdnsOf(a), rdnsOf(b)];
  // RDN by RDN: two holders of one authority differ in one of them, and preparing text for comparison is the costly
  // part.
  while (!left.atEnd && !right.atEnd) {
    const [x, y] = [left.element(TAG.set), right.element(TAG.set)];
    if (!x.equals(y) && canonicalRdn(new DerReader(x)) !== canonicalRdn(new DerReader(y))) return false;
  }
  return left.atEnd && right.atEnd;
}

/** Whether `name` lies in the subtree that starts at `base`: the RDNs of `base` are the first RDNs of `name`.
 * `undecidable`: nothing says that it lies outside, and a value is of a type without an agreed reading, or may not be
 * compared (RFC 4518 section 2.4). */
export function nameWithin(name: Buffer, base: Buffer): 'within' | 'outside' | 'undecidable' {
  const [names, bases] = [rdnsIn(name), rdnsIn(base)];
  if (bases.length > names.length) return 'outside';
  const found = bases.map((rdn, i) => compareRdns(names[i] as Attribute[], rdn));
  if (found.includes('different')) return 'outside';
  return found.includes('undecidable') ? 'undecidable' : 'within';
}

/** RDNs are sets: each attribute of one must be in the other. */
function compareRdns(a: readonly Attribute[], b: readonly Attribute[]): 'same' | 'different' | 'undecidable' {
  const typesOf = (rdn: readonly Attribute[]) =>
    rdn
      .map(({ type }) => type)
      .sort()
      .join();
  if (typesOf(a) !== typesOf(b)) return 'different';
  const found = b.map((wanted) =>
    a.filter(({ type }) => type === wanted.type).map((own) => compareValues(own, wanted)),
  );
  if (found.every((of) => of.includes('same'))) return 'same';
  return found.every((of) => of.includes('same') || of.includes('undecidable')) ? 'undecidable' : 'different';
}

function compareValues(a: Attribute, b: Attribute): 'same' | 'different' | 'undecidable' {
  if (a.tag === b.tag && a.value.equals(b.value)) return 'same';
  const [left, right] = [preparedValue(a), preparedValue(b)];
  if (left === null || right === null) return 'undecidable';
  return left === right ? 'same' : 'different';
}

/** @returns null for a value that has no agreed reading as text */
function preparedValue({ tag, value }: Attribute): string | null {
  const text = decodeText(tag, value);
  return text === null ? null : preparedText(text);
}

function rdnsIn(name: Buffer): Attribute[][] {
  const rdns = rdnsOf(name);
  const result: Attribute[][] = [];
  while (!rdns.atEnd) result.push(readRdn(rdns));
  return result;
}

/** One string per name, equal exactly when {@link sameName} holds; a key for maps. */
export function canonicalName(name: Buffer): string {
  return canonicalRdns(name).join('/');
}

function canonicalRdns(name: Buffer): string[] {
  const rdns = rdnsOf(name);
  const result: string[] = [];
  while (!rdns.atEnd) result.push(canonicalRdn(rdns));
  return result;
}

function canonicalRdn(rdns: DerReader): string {
  return readRdn(rdns)
    .map(({ type, tag, value }) => `${type}=${canonicalValue(tag, value)}`)
    .sort()
    .join('+');
}

function rdnsOf(name: Buffer): DerReader {
  const outer = new DerReader(name);
  const rdns = outer.enter(TAG.sequence);
  outer.finish('name');
  return rdns;
}

interface Attribute {
  readonly type: string;
  readonly tag: number;
  readonly value: Buffer;
}

function readRdn(rdns: DerReader): Attribute[] {
  const set = rdns.enter(TAG.set);
  if (set.atEnd) throw new DerError('an empty RDN');
  const attributes: Attribute[] = [];
  while (!set.atEnd) {
    const pair = set.enter(TAG.sequence);
    const type = readOid(pair);
    const tag = pair.next();
    const value = pair.bytes.subarray(pair.contentStart, pair.contentEnd);
    // Text that cannot be decoded is not a name that anyone can have been meant by. Found here, at parse time, no
    // comparison can fail later.
    if (decodeText(tag, value) === null && DECODED.has(tag)) throw new DerError('a name with undecodable text');
    attributes.push({ type, tag, value });
    pair.finish('name attribute');
  }
  return attributes;
}

/** Checks the outline of a name and that its text can be read, without comparing it. @throws {DerError} */
export function checkName(name: Buffer): void {
  const rdns = rdnsOf(name);
  while (!rdns.atEnd) readRdn(rdns);
}

/** Values of one attribute type in a name as text, for example the e-mail addresses in a subject. */
export function attributeValues(name: Buffer, oid: string): string[] {
  const rdns = new DerReader(name).enter(TAG.sequence);
  const values: string[] = [];
  while (!rdns.atEnd) {
    for (const { type, tag, value } of readRdn(rdns))
      if (type === oid) values.push(decodeText(tag, value) ?? value.toString('latin1'));
  }
  return values;
}

function canonicalValue(tag: number, value: Buffer): string {
  const text = decodeText(tag, value);
  const prepared = text === null ? null : preparedText(text);
  // Quoting keeps a value that contains separators from looking like two attributes.
  return prepared === null ? `#${tag.toString(16)}:${value.toString('hex')}` : JSON.stringify(prepared);
}

const utf16 = new TextDecoder('utf-16be', { fatal: true, ignoreBOM: true });
const VISIBLE_STRING = 0x1a;
const NUMERIC_STRING = 0x12;
const UNIVERSAL_STRING = 0x1c;
/** String types with one reading. Teletex and the other historic ones have none that everybody agrees on. */
const DECODED = new Set<number>([
  TAG.printableString,
  TAG.ia5String,
  TAG.utf8String,
  TAG.bmpString,
  VISIBLE_STRING,
  NUMERIC_STRING,
  UNIVERSAL_STRING,
]);

/** Text of a string type; null for a type without an agreed reading, and for bytes that are no text of their type. */
function decodeText(tag: number, value: Buffer): string | null {
  switch (tag) {
    case TAG.printableString:
    case TAG.ia5String:
    case VISIBLE_STRING:
    case NUMERIC_STRING:
      return value.toString('latin1');
    case TAG.utf8String:
      return isUtf8(value) ? value.toString('utf8') : null;
    case TAG.bmpString:
      return decodedBmp(value);
    case UNIVERSAL_STRING:
      return decodedUniversal(value);
    default:
      return null;
  }
}

function decodedBmp(value: Buffer): string | null {
  try {
    return utf16.decode(value);
  } catch {
    // Half a pair, or an odd number of bytes.
    return null;
  }
}

/** UTF-32, big end first. */
function decodedUniversal(value: Buffer): string | null {
  if (value.length % 4 !== 0) return null;
  let text = '';
  for (let at = 0; at < value.length; at += 4) {
    const code = value.readUInt32BE(at);
    if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return null;
    text += String.fromCodePoint(code);
  }
  return text;
}

const SHORT_NAMES: Readonly<Record<string, string>> = {
  '2.5.4.3': 'CN',
  '2.5.4.5': 'serialNumber',
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
  '0.9.2342.19200300.100.1.25': 'DC',
  '1.2.840.113549.1.9.1': 'emailAddress',
};

/** A name for people: `CN=…,O=…,C=…`, most specific first (RFC 4514). Never throws; what cannot be read is shown as
 * hex. */
export function describeName(name: Buffer): string {
  try {
    const rdns = new DerReader(name).enter(TAG.sequence);
    const parts: string[] = [];
    while (!rdns.atEnd)
      parts.unshift(
        readRdn(rdns)
          .map(
            ({ type, tag, value }) =>
              `${SHORT_NAMES[type] ?? type}=${decodeText(tag, value) ?? `#${value.toString('hex')}`}`,
          )
          .join('+'),
      );
    return parts.join(',');
  } catch {
    return `#${name.subarray(0, 64).toString('hex')}`;
  }
}
