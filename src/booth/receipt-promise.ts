import { createHash, createHmac, createPublicKey, verify } from 'node:crypto';
import type { Primitives } from '../domain/audit/bundle/verify-bundle.js';
import { parseVerifierKey, type VerifierKey } from '../domain/audit/log/signed-note.js';
import {
  joinedPapers,
  papersOf,
  verifyReceipt,
  type ReceiptPapers,
  type ReceiptReport,
} from '../domain/audit/receipts/verify-receipt.js';

const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
const digest = (name: string) => (bytes: Uint8Array) => new Uint8Array(createHash(name).update(bytes).digest());
const sha256 = digest('sha256');

const PRIMITIVES: Primitives = {
  hash: sha256,
  sha1: digest('sha1'),
  hmac: (key, message) => new Uint8Array(createHmac('sha256', key).update(message).digest()),
  isSigned: (publicKey, message, signature) => {
    const key = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, publicKey]), format: 'der', type: 'spki' });
    return verify(null, message, key, signature);
  },
};

/** The key of a log as it was handed to the booth's operator (`./honnin audit key`). @throws {NoteFormatError} */
export function logKeyOf(text: string): VerifierKey {
  return parseVerifierKey(text, sha256);
}

/** Judges what the booth keeps of a receipt, together with later answers of the server.
 *  @param answers bodies of answers: of the registration, and of the question for the proof */
export function judgeReceipt(answers: readonly unknown[], trusted: readonly VerifierKey[]): ReceiptReport {
  const papers = answers.map(papersOf).filter((each): each is ReceiptPapers => each !== null);
  return verifyReceipt(joinedPapers(papers), PRIMITIVES, { trusted });
}
