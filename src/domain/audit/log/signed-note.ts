import { concatBytes, fromBase64, toBase64, utf8 } from './bytes.js';
import type { HashFunction } from './merkle-tree.js';

/** Ed25519 in the C2SP signed-note format. */
const ED25519 = 0x01;
/** The format asks readers to accept at least 16; more than this is an attack on our time. */
const SIGNATURES_MAX = 64;
const NOTE_CHARACTERS_MAX = 1_000_000;

/** A key that notes are checked with. */
export interface VerifierKey {
  readonly name: string;
  /** First four bytes of SHA-256(name ‖ 0x0A ‖ type ‖ key), as a number. */
  readonly id: number;
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
}

/** Whether an Ed25519 signature fits. */
export type SignatureCheck = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean;

export interface NoteSignature {
  readonly name: string;
  readonly id: number;
  /** Signature without the key id. */
  readonly bytes: Uint8Array;
}

export interface SignedNote {
  /** With its final newline: what was signed. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

export type NoteVerdict =
  | { readonly verdict: 'signed'; readonly by: readonly VerifierKey[] }
  | { readonly verdict: 'unsigned' }
  | { readonly verdict: 'bad_signature'; readonly by: VerifierKey };

export class NoteFormatError extends Error {}

/** @param type first byte of the key's encoding: what kind of signature it makes */
export function verifierKey(name: string, publicKey: Uint8Array, hash: HashFunction, type = ED25519): VerifierKey {
  if (name === '' || /[\s+]/u.test(name)) throw new NoteFormatError(`not a key name: ${JSON.stringify(name)}`);
  if (publicKey.length !== 32) throw new NoteFormatError('an Ed25519 key has 32 bytes');
  const id = hash(concatBytes(utf8(`${name}\n`), Uint8Array.of(type), publicKey));
  return { name, id: word(id), publicKey };
}

/** `name+hex id+base64(type ‖ key)`: the form in which auditors keep a log's key. */
export function verifierKeyText({ name, id, publicKey }: VerifierKey): string {
  return `${name}+${hexId(id)}+${toBase64(concatBytes(Uint8Array.of(ED25519), publicKey))}`;
}

/** @throws {NoteFormatError} when the text is no key, or its id is not that of its key. */
export function parseVerifierKey(text: string, hash: HashFunction, type = ED25519): VerifierKey {
  const [, name = '', id, encoded = ''] = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(text.trim()) ?? [];
  const bytes = decoded(encoded);
  if (bytes === null || bytes[0] !== type) {
    throw new NoteFormatError(`not ${type === ED25519 ? 'an Ed25519 verifier key' : 'the key of a witness'}: ${text}`);
  }
  const key = verifierKey(name, bytes.slice(1), hash, type);
  if (hexId(key.id) !== id)
    throw new NoteFormatError(`the key id ${id} does not belong to this key; it would be ${hexId(key.id)}`);
  return key;
}

export function hexId(id: number): string {
  return id.toString(16).padStart(8, '0');
}

/** A note with its signatures. @param text ends in a newline and has no empty line at its end */
export function writeNote({ text, signatures }: SignedNote): string {
  assertText(text);
  const lines = signatures.map(
    ({ name, id, bytes }) => `\u2014 ${name} ${toBase64(concatBytes(fourBytes(id), bytes))}\n`,
  );
  return `${text}\n${lines.join('')}`;
}

/** @throws {NoteFormatError} naming what is wrong with the form. */
export function parseNote(note: string): SignedNote {
  if (note.length > NOTE_CHARACTERS_MAX) throw new NoteFormatError('the note is too long');
  const cut = note.lastIndexOf('\n\n');
  if (cut < 0 || !note.endsWith('\n'))
    throw new NoteFormatError('a signed note has a text, an empty line and signature lines');
  const text = note.slice(0, cut + 1);
  assertText(text);
  const lines = note.slice(cut + 2, -1).split('\n');
  if (lines.length > SIGNATURES_MAX) throw new NoteFormatError('the note has too many signatures');
  return { text, signatures: lines.map(parseSignature) };
}

/** Judges a note by known keys. Signatures of unknown keys are ignored, as the format asks; a wrong signature under the
 * id of a known key rejects the note. */
export function judgeNote(
  { text, signatures }: SignedNote,
  keys: readonly VerifierKey[],
  isSigned: SignatureCheck,
): NoteVerdict {
  const message = utf8(text);
  const by: VerifierKey[] = [];
  for (const { name, id, bytes } of signatures) {
    const key = keys.find((k) => k.name === name && k.id === id);
    if (!key) continue;
    if (bytes.length !== 64 || !isSigned(key.publicKey, message, bytes)) return { verdict: 'bad_signature', by: key };
    if (!by.includes(key)) by.push(key);
  }
  return by.length > 0 ? { verdict: 'signed', by } : { verdict: 'unsigned' };
}

function parseSignature(line: string): NoteSignature {
  const [, name = '', encoded = ''] = /^\u2014 ([^\s+]+) ([A-Za-z0-9+/=]+)$/u.exec(line) ?? [];
  const bytes = decoded(encoded);
  if (bytes === null || bytes.length < 5)
    throw new NoteFormatError('a signature line has not the form "— name base64"');
  return { name, id: word(bytes), bytes: bytes.slice(4) };
}

function assertText(text: string): void {
  // Control characters other than newline could show a reader something else than what is signed.
  if (!text.endsWith('\n') || /[\u0000-\u0009\u000b-\u001f\ufffd]/u.test(text))
    throw new NoteFormatError('the text of a note ends in a newline and has no control characters');
}

function decoded(text: string): Uint8Array | null {
  try {
    return fromBase64(text);
  } catch {
    // Not base64: the caller says which line it is.
    return null;
  }
}

function word(bytes: Uint8Array): number {
  return (
    (((bytes[0] as number) << 24) |
      ((bytes[1] as number) << 16) |
      ((bytes[2] as number) << 8) |
      (bytes[3] as number)) >>>
    0
  );
}

function fourBytes(id: number): Uint8Array {
  return Uint8Array.of(id >>> 24, (id >>> 16) & 255, (id >>> 8) & 255, id & 255);
}
