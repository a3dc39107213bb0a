import { readExtensionSequence } from '../certificate/certificate.js';
import {
  contextConstructed,
  decodeTimeAt,
  DerError,
  DerReader,
  readInteger,
  readSmallInteger,
  readTime,
  TAG,
} from '../asn1/der.js';
import { checkName } from '../certificate/distinguished-name.js';
import { readGeneralNames } from '../certificate/general-name.js';
import { revocationReason } from './ocsp-response.js';
import { OID } from '../asn1/oids.js';

/** A CRL after one pass over its bytes: every entry was read and checked, and is found by serial number without being
 * kept as an object. Plain data over two buffers, so that a worker thread can hand it over without copying. */
export interface IndexedCrl {
  /** The whole CRL, exactly as received. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Open-addressing hash table over serial numbers: start of an entry in `bytes`, or 0 for an empty slot. */
  readonly table: Uint32Array<ArrayBuffer>;
  readonly entryCount: number;
  /** Where in an indirect CRL the certificate issuer changes: from entry `at` on it is the name list at
   * `start`..`end`. */
  readonly issuerChanges: readonly { readonly at: number; readonly start: number; readonly end: number }[];
  /** OID of a critical entry extension that is not understood, or null. One of these makes the whole CRL unusable (RFC
   * 5280 section 5.3). */
  readonly unknownCriticalEntryExtension: string | null;
}

/** CRLs larger than this are refused before anything is allocated for them. */
export const CRL_BYTES_MAX = 64 * 1024 * 1024;
/** Version, algorithm, issuer and times come first; no honest CRL needs more room for them. */
const OUTLINE_BYTES_MAX = 64 * 1024;
/** An entry is a serial number of up to 20 bytes, a time and a few extensions. */
const ENTRY_BYTES_MIN = 20;
/** Equal or colliding serial numbers in a row; more is an attack on the table, not a CRL. */
const PROBES_MAX = 4096;

/** Reads a CRL in pieces as they arrive. Each entry is checked once and only its position is kept: 200,000 entries need
 *  their own bytes and four to eight megabytes for the table.
 *  @throws {DerError} from every method; afterwards the reader is of no use. Source: RFC 5280 section 5.1. */
export class CrlStreamReader {
  private readonly head = Buffer.alloc(6);
  private headLength = 0;
  private bytes: Buffer<ArrayBuffer> | null = null;
  private received = 0;
  private outline: CrlOutline | null = null;
  private position = 0;
  private table = new Uint32Array(0);
  private mask = 0;
  private entryCount = 0;
  private readonly issuerChanges: { at: number; start: number; end: number }[] = [];
  private unknownCritical: string | null = null;

  constructor(private readonly bytesMax: number = CRL_BYTES_MAX) {}

  write(chunk: Uint8Array): void {
    let rest = chunk;
    if (this.bytes === null) {
      const wanted = Math.min(this.head.length - this.headLength, rest.length);
      this.head.set(rest.subarray(0, wanted), this.headLength);
      this.headLength += wanted;
      rest = rest.subarray(wanted);
      if (this.headLength < this.head.length) return;
      this.allocate();
    }
    if (rest.length > this.bytes!.length - this.received) throw new DerError('CRL: bytes after the end');
    this.bytes!.set(rest, this.received);
    this.received += rest.length;
    this.advance();
  }

  /** @returns the CRL, once all of it was written */
  finish(): IndexedCrl {
    const { bytes } = this;
    if (bytes === null || this.received !== bytes.length) throw new DerError('the CRL ends too early');
    this.advance();
    parseCrlTail(bytes, this.outline!);
    return {
      bytes,
      table: this.table,
      entryCount: this.entryCount,
      issuerChanges: this.issuerChanges,
      unknownCriticalEntryExtension: this.unknownCritical,
    };
  }

  /** The first bytes state the whole length, so that the buffer is allocated once and never grows. */
  private allocate(): void {
    const { start, length } = readHeader(this.head, 0, this.head.length, TAG.sequence);
    const total = start + length;
    if (total > this.bytesMax) throw new DerError(`CRL larger than ${this.bytesMax} bytes`);
    if (total < this.head.length) throw new DerError('CRL: bytes after the end');
    this.bytes = Buffer.from(new ArrayBuffer(total));
    this.bytes.set(this.head);
    this.received = this.head.length;
  }

  private advance(): void {
    const bytes = this.bytes!;
    if (this.outline === null) {
      if (this.received < Math.min(bytes.length, OUTLINE_BYTES_MAX)) return;
      this.outline = parseCrlOutline(bytes);
      this.position = this.outline.entriesStart;
      this.allocateTable(Math.ceil((this.outline.entriesEnd - this.outline.entriesStart) / ENTRY_BYTES_MIN));
    }
    const { entriesEnd } = this.outline;
    const available = Math.min(this.received, entriesEnd);
    while (this.position < entriesEnd) {
      if (available - this.position < 6 && available < entriesEnd) return;
      const { start, length } = readHeader(bytes, this.position, entriesEnd, TAG.sequence);
      if (start + length > entriesEnd) throw new DerError('a CRL entry is longer than the list');
      if (start + length > available) return;
      this.readEntry(this.position, start, start + length);
      this.position = start + length;
    }
  }

  private allocateTable(entriesMax: number): void {
    let size = 16;
    while (size < entriesMax * 1.5) size *= 2;
    this.table = new Uint32Array(size);
    this.mask = size - 1;
  }

  private readEntry(at: number, start: number, end: number): void {
    const bytes = this.bytes!;
    const serialEnd = checkSerial(bytes, start, end);
    const timeEnd = checkEntryTime(bytes, serialEnd, end);
    if (timeEnd < end && !isPlainReason(bytes, timeEnd, end)) this.readEntryExtensions(at, timeEnd, end);
    if (timeEnd < end && this.outline!.version === 1) throw new DerError('entry extensions in a version 1 CRL');
    this.insert(at, start + 2, serialEnd);
    this.entryCount += 1;
  }

  private readEntryExtensions(at: number, start: number, end: number): void {
    const entry = readEntryExtensions(this.bytes!, start, end);
    if (entry.issuer !== null) this.issuerChanges.push({ at, start: entry.issuer.start, end: entry.issuer.end });
    this.unknownCritical ??= entry.unknownCritical;
  }

  private insert(at: number, serialStart: number, serialEnd: number): void {
    let slot = hashSerial(this.bytes!, serialStart, serialEnd) & this.mask;
    for (let probes = 0; this.table[slot] !== 0; probes++) {
      if (probes > PROBES_MAX) throw new DerError('CRL: too many entries with equal serial numbers');
      slot = (slot + 1) & this.mask;
    }
    this.table[slot] = at;
  }
}

/** Reads a CRL that is there as a whole. @throws {DerError} */
export function indexCrl(bytes: Uint8Array, bytesMax: number = CRL_BYTES_MAX): IndexedCrl {
  const reader = new CrlStreamReader(bytesMax);
  reader.write(bytes);
  return reader.finish();
}

/** Everything around the entries of a CRL. Offsets are into the whole CRL. */
export interface CrlOutline {
  readonly version: 1 | 2;
  readonly tbsStart: number;
  readonly tbsEnd: number;
  readonly tbsSignatureAlgorithm: Buffer;
  readonly issuer: Buffer;
  /** Seconds since 1970. */
  readonly thisUpdate: number;
  readonly nextUpdate: number | null;
  /** Equal when there are no entries. */
  readonly entriesStart: number;
  readonly entriesEnd: number;
  /** Where the CRL extensions begin, if there are any. */
  readonly tailStart: number;
}

/** The part before the entries. @throws {DerError} */
export function parseCrlOutline(bytes: Buffer): CrlOutline {
  const list = new DerReader(bytes).enter(TAG.sequence);
  const tbs = list.enter(TAG.sequence);
  const [tbsStart, tbsEnd] = [list.elementStart, list.contentEnd];
  const version = tbs.peek() === TAG.integer ? readCrlVersion(tbs) : 1;
  const tbsSignatureAlgorithm = tbs.element(TAG.sequence);
  const issuer = tbs.element(TAG.sequence);
  checkName(issuer);
  const thisUpdate = readTime(tbs);
  const nextUpdate = tbs.peek() === TAG.utcTime || tbs.peek() === TAG.generalizedTime ? readTime(tbs) : null;
  let [entriesStart, entriesEnd, tailStart] = [tbs.contentEnd, tbs.contentEnd, tbs.contentEnd];
  if (tbs.peek() === TAG.sequence) {
    tbs.next();
    [entriesStart, entriesEnd, tailStart] = [tbs.contentStart, tbs.contentEnd, tbs.contentEnd];
    // RFC 5280 section 5.1.2.6: without entries the list is absent.
    if (entriesStart === entriesEnd) throw new DerError('CRL: an empty list of entries');
  }
  if (entriesStart > OUTLINE_BYTES_MAX) throw new DerError('CRL: too much before the entries');
  return {
    version,
    tbsStart,
    tbsEnd,
    tbsSignatureAlgorithm,
    issuer,
    thisUpdate,
    nextUpdate,
    entriesStart,
    entriesEnd,
    tailStart,
  };
}

function readCrlVersion(tbs: DerReader): 2 {
  if (readSmallInteger(tbs, 1) !== 1) throw new DerError('CRL: version 1 written out');
  return 2;
}

/** What follows the entries: extensions, algorithm and signature, as readers that have not been used yet.
 * @throws {DerError} */
export function parseCrlTail(
  bytes: Buffer,
  outline: CrlOutline,
): {
  readonly extensions: ReturnType<typeof readExtensionSequence>;
  readonly signatureAlgorithm: Buffer;
  readonly signature: Buffer;
} {
  const tbs = new DerReader(bytes, outline.tailStart, outline.tbsEnd);
  const explicit = tbs.enterOptional(contextConstructed(0));
  tbs.finish('CRL');
  if (explicit !== null && outline.version === 1) throw new DerError('extensions in a version 1 CRL');
  const extensions = explicit === null ? [] : readExtensionSequence(explicit.enter(TAG.sequence));
  explicit?.finish('CRL extensions');
  if (new Set(extensions.map((e) => e.oid)).size !== extensions.length) throw new DerError('CRL: an extension twice');
  const rest = new DerReader(bytes, outline.tbsEnd, bytes.length);
  const signatureAlgorithm = rest.element(TAG.sequence);
  const bits = rest.read(TAG.bitString);
  if (bits[0] !== 0) throw new DerError('a signature that is not whole bytes');
  rest.finish('CRL');
  return { extensions, signatureAlgorithm, signature: bits.subarray(1) };
}

export interface CrlEntryExtensions {
  readonly reasonCode: number | null;
  /** Since when the key was known or suspected to be bad, seconds since 1970; before the revocation perhaps (RFC 5280
   * section 5.3.2). */
  readonly invalidSince: number | null;
  /** Content of the GeneralNames of certificateIssuer. */
  readonly issuer: { readonly start: number; readonly end: number } | null;
  readonly unknownCritical: string | null;
}

/** The extensions of one entry, at `start`..`end`. @throws {DerError} Source: RFC 5280 section 5.3. */
export function readEntryExtensions(bytes: Buffer, start: number, end: number): CrlEntryExtensions {
  const outer = new DerReader(bytes, start, end);
  const list = readExtensionSequence(outer.enter(TAG.sequence));
  outer.finish('CRL entry');
  if (new Set(list.map((e) => e.oid)).size !== list.length) throw new DerError('CRL entry: an extension twice');
  let reasonCode: number | null = null;
  let issuer: CrlEntryExtensions['issuer'] = null;
  let invalidSince: number | null = null;
  let unknownCritical: string | null = null;
  for (const { oid, critical, value } of list) {
    const r = new DerReader(value);
    if (oid === OID.reasonCode) {
      reasonCode = readSmallInteger(r, 10, TAG.enumerated);
      revocationReason(reasonCode);
      r.finish('reason code');
    } else if (oid === OID.certificateIssuer) {
      if (!critical) throw new DerError('CRL entry: a certificate issuer that is not critical');
      readGeneralNames(r.enter(TAG.sequence));
      r.finish('certificate issuer');
      const contentEnd = value.byteOffset - bytes.byteOffset + value.length;
      issuer = { start: contentEnd - (r.contentEnd - r.contentStart), end: contentEnd };
    } else if (oid === OID.invalidityDate) {
      if (r.peek() !== TAG.generalizedTime) throw new DerError('CRL entry: invalidity date');
      invalidSince = readTime(r);
      r.finish('invalidity date');
    } else if (critical) unknownCritical = oid;
  }
  return { reasonCode, issuer, invalidSince, unknownCritical };
}

/** Start of every entry that has this serial number. @param serial content of the INTEGER */
export function findEntries(crl: Pick<IndexedCrl, 'bytes' | 'table'>, serial: Buffer): number[] {
  const { table } = crl;
  const bytes = crl.bytes as Buffer;
  const mask = table.length - 1;
  const found: number[] = [];
  if (mask < 0) return found;
  for (let slot = hashSerial(serial, 0, serial.length) & mask; table[slot] !== 0; slot = (slot + 1) & mask) {
    const { start } = readHeader(bytes, table[slot]!, bytes.length, TAG.sequence);
    if (bytes[start + 1] === serial.length && serial.equals(bytes.subarray(start + 2, start + 2 + serial.length)))
      found.push(table[slot]!);
  }
  return found;
}

/** Bounds of the parts of the entry at `at`. */
export function entryParts(
  bytes: Buffer,
  at: number,
): { readonly time: number; readonly extensions: CrlEntryExtensions | null } {
  const { start, length } = readHeader(bytes, at, bytes.length, TAG.sequence);
  const entry = new DerReader(bytes, start, start + length);
  readInteger(entry);
  const time = readTime(entry);
  return { time, extensions: entry.atEnd ? null : readEntryExtensions(bytes, entry.contentEnd, start + length) };
}

/** FNV-1a. */
function hashSerial(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}

/** Tag and length at a position, without allocating: this runs once per entry. */
function readHeader(bytes: Uint8Array, at: number, end: number, tag: number): { start: number; length: number } {
  if (at + 2 > end || bytes[at] !== tag) throw new DerError('CRL: not the expected element');
  const first = bytes[at + 1]!;
  if (first < 0x80) return { start: at + 2, length: first };
  const count = first & 0x7f;
  if (count === 0 || count > 4 || at + 2 + count > end) throw new DerError('CRL: a length that is not DER');
  let length = 0;
  for (let i = 0; i < count; i++) length = length * 256 + bytes[at + 2 + i]!;
  if (length < 0x80 || length < 2 ** (8 * (count - 1))) throw new DerError('length not in its shortest form');
  return { start: at + 2 + count, length };
}

/** @returns where the serial number ends */
function checkSerial(bytes: Uint8Array, start: number, end: number): number {
  const length = bytes[start + 1]!;
  if (start + 2 > end || bytes[start] !== TAG.integer || length === 0 || length > 64 || start + 2 + length > end)
    throw new DerError('CRL entry: serial number');
  const [first, second] = [bytes[start + 2]!, bytes[start + 3]!];
  if (length > 1 && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80)))
    throw new DerError('INTEGER not in its shortest form');
  return start + 2 + length;
}

/** @returns where the time ends */
function checkEntryTime(bytes: Buffer, start: number, end: number): number {
  const tag = bytes[start]!;
  const length = bytes[start + 1]!;
  if (start + 2 + length > end || (tag !== TAG.utcTime && tag !== TAG.generalizedTime) || length >= 0x80)
    throw new DerError('CRL entry: revocation date');
  decodeTimeAt(bytes, { tag, start: start + 2, end: start + 2 + length });
  return start + 2 + length;
}

const PLAIN_REASON = Buffer.from('300c300a0603551d1504030a01', 'hex');

/** The commonest extensions by far: a reason code and nothing else. Recognised by its bytes, because decoding 200,000
 * of them takes a second. */
function isPlainReason(bytes: Buffer, start: number, end: number): boolean {
  if (end - start !== PLAIN_REASON.length + 1) return false;
  for (let i = 0; i < PLAIN_REASON.length; i++) if (bytes[start + i] !== PLAIN_REASON[i]) return false;
  const code = bytes[end - 1]!;
  return code <= 10 && code !== 7;
}
