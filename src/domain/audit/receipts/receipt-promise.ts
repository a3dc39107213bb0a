import { addMs, isInstant } from '../../values/instant.js';
import { fromBase64, toBase64, toHex, utf8 } from '../log/bytes.js';
import { HASH_BYTES, type Hash, type HashFunction } from '../log/merkle-tree.js';

/** First lines. They have spaces, so that none of these notes can be read as a checkpoint. */
const PROMISE_LABEL = 'honnin receipt promise v1';
const ABSENCE_LABEL = 'honnin receipt absence v1';
const RECEIPT_LABEL = 'honnin receipt v1';

/** How long after a request is stored its entry may be missing from the signed log. Milliseconds. */
export const PROMISED_MS = 60_000;

/** What a log promises with a receipt, as a certificate transparency log does with its SCT (RFC 6962, section 3.2). */
export interface ReceiptPromise {
  /** Name of the log. */
  readonly origin: string;
  /** `receiptDigest` of the number: the paper's number opens the status page, the promise must not. */
  readonly receiptSha256: string;
  /** Leaf hash of the first event of the request. */
  readonly leaf: Hash;
  /** When that event was stored. */
  readonly recordedAtUtc: string;
  /** Until when it will be under a signed checkpoint. */
  readonly dueAtUtc: string;
}

/** What a log states when it is asked for a proof that it cannot give yet: its newest checkpoint does not hold the
 * entry. After the time that was promised this is the log's own word against its promise. */
export interface ReceiptAbsence {
  readonly origin: string;
  readonly size: number;
  readonly root: Hash;
  readonly leaf: Hash;
  readonly createdAtUtc: string;
}

/** SHA-256 of `honnin receipt v1`, a line feed and the number as it is printed; hexadecimal. The number has 80 random
 * bits, so nobody finds it from its digest. */
export function receiptDigest(receipt: string, hash: HashFunction): string {
  return toHex(hash(utf8(`${RECEIPT_LABEL}\n${receipt}`)));
}

export function dueAfter(recordedAtUtc: string): string {
  return addMs(recordedAtUtc, PROMISED_MS);
}

export function promiseText({ origin, receiptSha256, leaf, recordedAtUtc, dueAtUtc }: ReceiptPromise): string {
  return `${PROMISE_LABEL}\n${origin}\nreceipt ${receiptSha256}\nleaf ${toBase64(leaf)}\nrecorded ${recordedAtUtc}\nby ${dueAtUtc}\n`;
}

/** Reads what `promiseText` wrote. @returns null for any other text */
export function parsePromise(text: string): ReceiptPromise | null {
  const form = new RegExp(
    `^${PROMISE_LABEL}\\n([^\\n]+)\\nreceipt ([0-9a-f]{64})\\nleaf (\\S+)\\nrecorded (\\S+)\\nby (\\S+)\\n$`,
  );
  const [, origin, receiptSha256, leaf, recordedAtUtc, dueAtUtc] = form.exec(text) ?? [];
  const hash = hashOf(leaf);
  if (!origin || !receiptSha256 || !hash || !isTime(recordedAtUtc) || !isTime(dueAtUtc)) return null;
  const promise = { origin, receiptSha256, leaf: hash, recordedAtUtc, dueAtUtc };
  return promiseText(promise) === text ? promise : null;
}

export function absenceText({ origin, size, root, leaf, createdAtUtc }: ReceiptAbsence): string {
  return `${ABSENCE_LABEL}\n${origin}\n${size}\n${toBase64(root)}\nleaf ${toBase64(leaf)}\ncreated ${createdAtUtc}\n`;
}

/** Reads what `absenceText` wrote. @returns null for any other text */
export function parseAbsence(text: string): ReceiptAbsence | null {
  const form = new RegExp(
    `^${ABSENCE_LABEL}\\n([^\\n]+)\\n(0|[1-9]\\d{0,14})\\n(\\S+)\\nleaf (\\S+)\\ncreated (\\S+)\\n$`,
  );
  const [, origin, size, rootBase64, leafBase64, createdAtUtc] = form.exec(text) ?? [];
  const [root, leaf] = [hashOf(rootBase64), hashOf(leafBase64)];
  if (!origin || !root || !leaf || !isTime(createdAtUtc)) return null;
  const absence = { origin, size: Number(size), root, leaf, createdAtUtc };
  return absenceText(absence) === text ? absence : null;
}

/** 32 bytes in base64, or null. */
export function hashOf(text: unknown): Hash | null {
  try {
    const bytes = typeof text === 'string' ? fromBase64(text) : null;
    return bytes?.length === HASH_BYTES ? bytes : null;
  } catch {
    // Not base64: no hash.
    return null;
  }
}

function isTime(text: string | undefined): text is string {
  return text !== undefined && isInstant(text);
}
