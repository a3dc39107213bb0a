import type { JsonObject } from '../../event-envelope.js';
import { canonicalJson } from '../../values/canonical-json.js';
import { isInstant } from '../../values/instant.js';
import type { Person } from '../log/commitment.js';
import { LISTS } from '../lists/list-drawer.js';

/** First line of every bundle. */
export const BUNDLE_LABEL = 'honnin audit bundle v1';

/** Everything but the leaves. All byte values are base64, all notes are texts. */
export interface BundleHeader {
  /** What was asked for. `range`: every leaf of a contiguous part of the log. `registration`: the streams of one
   * case. */
  readonly query: JsonObject & { readonly kind: 'range' | 'registration' };
  readonly createdAtUtc: string;
  readonly policyVersion: number | null;
  /** Indices of the leaves that were asked for; leaves of other streams' beginnings come with them so that decisions
   * can be made again. */
  readonly asked: { readonly first: number; readonly last: number } | null;
  /** Signed note of the log as of the export. */
  readonly checkpoint: string;
  /** Notes in which a key vouches for the next. */
  readonly successions: readonly string[];
  /** Proof for all leaves of the bundle together (`rootFromSet`). */
  readonly proof: readonly string[];
  /** Signed `populationText`. */
  readonly certificate: string;
  /** Rows of the lists that were asked for, as they were handed over. */
  readonly lists: Readonly<Record<string, readonly JsonObject[]>>;
  /** An RFC 3161 answer over an earlier or the same checkpoint, and why that one is the beginning of this. */
  readonly timestamp: { readonly checkpoint: string; readonly token: string; readonly proof: readonly string[] } | null;
  /** Earlier checkpoints that the reader already has, each with the proof that the log has only grown. */
  readonly known: readonly { readonly checkpoint: string; readonly proof: readonly string[] }[];
  /** Who the tokens stand for, where the reader may know; token → person and salt. */
  readonly openings: Readonly<Record<string, Person & { readonly salt: string }>>;
  /** Sealed certificate evidence by its id, base64, where the reader may have it and it is not erased. */
  readonly evidence: Readonly<Record<string, string>>;
}

/** What the certificate covers besides the leaves: the whole header but the certificate itself. */
export function coveredByCertificate(header: Omit<BundleHeader, 'certificate'>): string {
  const { certificate: _, ...rest } = header as BundleHeader;
  return canonicalJson(rest as unknown as JsonObject);
}

export interface BundleLeaf {
  readonly index: number;
  readonly text: string;
}

/** A bundle as lines: label, header, one line per leaf (`index space leaf`), an end line with the number of leaves.
 * Canonical JSON has no line breaks in it, so a leaf is always one line. */
export function* bundleLines(header: BundleHeader, leaves: Iterable<BundleLeaf>): Iterable<string> {
  yield BUNDLE_LABEL;
  yield canonicalJson(header as unknown as JsonObject);
  let count = 0;
  for (const { index, text } of leaves) {
    count += 1;
    yield `${index} ${text}`;
  }
  yield `end ${count}`;
}

export class BundleFormatError extends Error {}

/** The file as it is written: each line ends in one line feed. */
export function cutIntoLines(pieces: Iterable<string>): Iterable<string> {
  return { [Symbol.iterator]: () => lines(pieces) };
}

/** @throws {BundleFormatError} after the last whole line, where the file ends in the middle of one */
function* lines(pieces: Iterable<string>): Generator<string> {
  let rest = '';
  for (const piece of pieces) {
    const parts = (rest + piece).split('\n');
    rest = parts.pop() as string;
    yield* parts;
  }
  if (rest !== '') throw new BundleFormatError('the file ends in the middle of a line: it was cut');
}

/** Reads a bundle line by line. It takes what `bundleLines` writes and nothing else: one bundle has one text.
 *  @throws {BundleFormatError} naming the line. */
export function readBundle(text: Iterable<string>): {
  readonly header: BundleHeader;
  readonly leaves: Iterable<BundleLeaf>;
} {
  const iterator = text[Symbol.iterator]();
  const line = () => iterator.next().value as string | undefined;
  const label = line();
  if (label === `${BUNDLE_LABEL}\r`)
    throw new BundleFormatError('its lines end in CR LF: the file was converted on its way; copy it as it is');
  if (label !== BUNDLE_LABEL) throw new BundleFormatError(`line 1 is not "${BUNDLE_LABEL}"`);
  const header = parseHeader(line());
  return { header, leaves: readLeaves(line) };
}

function parseHeader(text: string | undefined): BundleHeader {
  try {
    const header = JSON.parse(text ?? '') as BundleHeader;
    // A member twice, a space, a member that nobody knows: two readers could see two headers.
    if (isHeader(header) && canonicalJson(header as unknown as JsonObject) === text) return header;
  } catch {
    // Not JSON: the same fault as JSON of another shape.
  }
  throw new BundleFormatError('line 2 is not the header of a bundle');
}

const MEMBERS: readonly (keyof BundleHeader)[] = [
  'asked',
  'certificate',
  'checkpoint',
  'createdAtUtc',
  'evidence',
  'known',
  'lists',
  'openings',
  'policyVersion',
  'proof',
  'query',
  'successions',
  'timestamp',
];

/** The form of every member, so that what follows can trust it; nothing is said of what the members state. */
function isHeader(header: BundleHeader): boolean {
  if (!hasExactly(header, MEMBERS)) return false;
  const {
    query,
    createdAtUtc,
    policyVersion,
    asked,
    checkpoint,
    successions,
    proof,
    certificate,
    lists,
    timestamp,
    known,
    openings,
    evidence,
  } = header;
  return (
    isObject(query) &&
    (query.kind === 'range' || query.kind === 'registration') &&
    isText(createdAtUtc) &&
    isInstant(createdAtUtc) &&
    [checkpoint, certificate].every(isText) &&
    (policyVersion === null || Number.isSafeInteger(policyVersion)) &&
    (asked === null ||
      (hasExactly(asked, ['first', 'last']) &&
        Number.isSafeInteger(asked.first) &&
        Number.isSafeInteger(asked.last))) &&
    isTexts(successions) &&
    isTexts(proof) &&
    isObject(lists) &&
    Object.entries(lists).every(([name, rows]) => isList(name) && isRows(rows)) &&
    (timestamp === null ||
      (hasExactly(timestamp, ['checkpoint', 'proof', 'token']) && isProven(timestamp) && isText(timestamp.token))) &&
    Array.isArray(known) &&
    known.every((k) => hasExactly(k, ['checkpoint', 'proof']) && isProven(k)) &&
    isObject(openings) &&
    Object.values(openings).every(
      (o) => hasExactly(o, ['id', 'kind', 'salt']) && [o.kind, o.id, o.salt].every(isText),
    ) &&
    isObject(evidence) &&
    Object.values(evidence).every(isText)
  );
}

function isProven({ checkpoint, proof }: { readonly checkpoint: unknown; readonly proof: unknown }): boolean {
  return isText(checkpoint) && isTexts(proof);
}

function isList(name: string): boolean {
  return LISTS.some((known) => known === name);
}

function isRows(rows: unknown): boolean {
  return Array.isArray(rows) && rows.every(isObject);
}

function hasExactly(value: unknown, names: readonly string[]): boolean {
  return (
    isObject(value) &&
    Object.keys(value as object)
      .sort()
      .join() === names.join()
  );
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every(isText);
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function* readLeaves(line: () => string | undefined): Iterable<BundleLeaf> {
  let count = 0;
  let previous = -1;
  for (let number = 3; ; number += 1) {
    const text = line();
    if (text === undefined)
      throw new BundleFormatError(`the bundle ends after ${count} leaves without its end line: it was cut`);
    if (text.startsWith('end ')) {
      if (text !== `end ${count}`)
        throw new BundleFormatError(`the bundle states ${text.slice(4)} leaves and has ${count}`);
      if (line() !== undefined)
        throw new BundleFormatError(`line ${number + 1} comes after the end of the bundle: it was added`);
      return;
    }
    const space = text.indexOf(' ');
    const index = Number(text.slice(0, space));
    if (space < 1 || !Number.isSafeInteger(index) || String(index) !== text.slice(0, space))
      throw new BundleFormatError(`line ${number} is not a leaf`);
    if (index <= previous) throw new BundleFormatError(`line ${number}: leaf ${index} comes after leaf ${previous}`);
    previous = index;
    count += 1;
    yield { index, text: text.slice(space + 1) };
  }
}
