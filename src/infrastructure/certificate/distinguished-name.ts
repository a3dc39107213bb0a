import { isUtf8 } from 'node:buffer';
import { DerError, DerReader, readOid, TAG } from './der.js';

/** Whether two DER names are the same name. Equal bytes are the quick answer; otherwise attribute values of text types are compared
 *  without regard to case and runs of white space, and across PrintableString and UTF8String.
 *  Source: RFC 5280 section 7.1 (with RFC 4518 preparation reduced to NFKC, case folding and white space). */
export function sameName(a: Buffer, b: Buffer): boolean {
  if (a.equals(b)) return true;
  const [left, right] = [rdnsOf(a), rdnsOf(b)];
  // RDN by RDN: two holders of one authority differ in one of them, and preparing text for comparison is the costly part.
  while (!left.atEnd && !right.atEnd) {
    const [x, y] = [left.element(TAG.set), right.element(TAG.set)];
    if (!x.equals(y) && canonicalRdn(new DerReader(x)) !== canonicalRdn(new DerReader(y))) return false;
  }
  return left.atEnd && right.atEnd;
}

/** Whether `name` lies in the subtree that starts at `base`: the RDNs of `base` are the first RDNs of `name`. */
export function nameWithin(name: Buffer, base: Buffer): boolean {
  const names = canonicalRdns(name);
  const bases = canonicalRdns(base);
  return bases.length <= names.length && bases.every((rdn, i) => rdn === names[i]);
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
  return readRdn(rdns).map(({ type, tag, value }) => `${type}=${canonicalValue(tag, value)}`).sort().join('+');
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
    // Text that cannot be decoded is not a name that anyone can have been meant by. Found here, at parse time, no comparison can fail later.
    if ((tag === TAG.utf8String && !isUtf8(value)) || (tag === TAG.bmpString && !isBmp(value))) throw new DerError('a name with undecodable text');
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
    for (const { type, tag, value } of readRdn(rdns)) if (type === oid) values.push(decodeText(tag, value) ?? value.toString('latin1'));
  }
  return values;
}

function canonicalValue(tag: number, value: Buffer): string {
  const text = decodeText(tag, value);
  // Quoting keeps a value that contains separators from looking like two attributes.
  return text === null ? `#${tag.toString(16)}:${value.toString('hex')}` : JSON.stringify(foldText(text));
}

function foldText(text: string): string {
  return text.normalize('NFKC').toLowerCase().trim().replace(/\s+/gu, ' ');
}

const utf16 = new TextDecoder('utf-16be', { fatal: true, ignoreBOM: true });

function isBmp(value: Buffer): boolean {
  try {
    utf16.decode(value);
    return true;
  } catch {
    return false;
  }
}

/** Text of a string type, or null for types that are compared byte by byte (Teletex has no agreed reading). */
function decodeText(tag: number, value: Buffer): string | null {
  if (tag === TAG.printableString || tag === TAG.ia5String) return value.toString('latin1');
  if (tag === TAG.utf8String) return value.toString('utf8');
  return tag === TAG.bmpString ? utf16.decode(value) : null;
}

const SHORT_NAMES: Readonly<Record<string, string>> = {
  '2.5.4.3': 'CN', '2.5.4.5': 'serialNumber', '2.5.4.6': 'C', '2.5.4.7': 'L', '2.5.4.8': 'ST', '2.5.4.10': 'O', '2.5.4.11': 'OU',
  '0.9.2342.19200300.100.1.25': 'DC', '1.2.840.113549.1.9.1': 'emailAddress',
};

/** A name for people: `CN=…,O=…,C=…`, most specific first (RFC 4514). Never throws; what cannot be read is shown as hex. */
export function describeName(name: Buffer): string {
  try {
    const rdns = new DerReader(name).enter(TAG.sequence);
    const parts: string[] = [];
    while (!rdns.atEnd) parts.unshift(readRdn(rdns).map(({ type, tag, value }) => `${SHORT_NAMES[type] ?? type}=${decodeText(tag, value) ?? `#${value.toString('hex')}`}`).join('+'));
    return parts.join(',');
  } catch {
    return `#${name.subarray(0, 64).toString('hex')}`;
  }
}
