import { cutIntoLines, readBundle } from '../domain/audit/bundle.js';
import { explain } from '../domain/audit/explain.js';
import { hmacOf } from '../domain/audit/commitment.js';
import { parseLeaf } from '../domain/audit/leaf.js';
import { parseVerifierKey } from '../domain/audit/signed-note.js';
import { isSoundReport, verifyBundle, type VerifyReport } from '../domain/audit/verify-bundle.js';
import { printable } from '../domain/values/printable.js';
import { isSignedEd25519 } from './ed25519.js';
import { sha1 } from './sha1.js';
import { sha256 } from './sha256.js';

export interface PageReport extends VerifyReport {
  readonly sound: boolean;
}

/** How far the work is, 0 to 1, and what is being done. */
export type TellProgress = (what: 'reading' | 'verifying', share: number) => void;

/** Lines between two words about the progress. */
const LINES_PER_WORD = 2000;
const PIECE_BYTES = 1 << 24;

/** What the page runs, on a thread of its own where the browser has one: the same verifier as the command line, on cryptography that needs
 *  nothing but the language. Keeps the bundle that it has read. */
export class PageVerifier {
  private pieces: readonly string[] = [];
  private lineCount = 0;
  /** Of the verification that was made last of what was read last. */
  private report: PageReport | null = null;

  constructor(private readonly tell: TellProgress) {}

  /** Reads a bundle. It may be longer than the longest string of a browser, so it is kept in pieces. The bytes are UTF-8 as it was written.
   *  @throws {TypeError} for other bytes */
  async read(file: Blob): Promise<number> {
    this.pieces = [];
    this.lineCount = 0;
    this.report = null;
    const pieces: string[] = [];
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    for (let at = 0; at < file.size; at += PIECE_BYTES) {
      pieces.push(decoder.decode(await file.slice(at, at + PIECE_BYTES).arrayBuffer(), { stream: true }));
      this.tell('reading', Math.min(1, (at + PIECE_BYTES) / file.size));
    }
    pieces.push(decoder.decode());
    this.pieces = pieces;
    for (const piece of pieces) for (let at = piece.indexOf('\n'); at >= 0; at = piece.indexOf('\n', at + 1)) this.lineCount += 1;
    return this.lineCount;
  }

  /** @param keys verifier keys, one per line, as the operator published them
   *  @param known checkpoints that the reader has
   *  @throws {NoteFormatError} for a key that is none */
  verify(keys: string, known: readonly string[]): PageReport {
    this.report = null;
    return (this.report = verify(this.told(), keys, known));
  }

  /** What happened in a case, in plain words: out of proven leaves only. */
  story(requestId: string, language: 'ja' | 'en'): ReturnType<typeof story> {
    return mayBeShown(this.report) ? story(cutIntoLines(this.pieces), requestId, language) : [];
  }

  /** Cases of the bundle in log order, at most so many; none where the leaves are not proven. */
  cases(most: number): string[] {
    return mayBeShown(this.report) ? casesIn(cutIntoLines(this.pieces)).slice(0, most) : [];
  }

  private *told(): Iterable<string> {
    let count = 0;
    for (const line of cutIntoLines(this.pieces)) {
      if (count % LINES_PER_WORD === 0) this.tell('verifying', count / this.lineCount);
      count += 1;
      yield line;
    }
    this.tell('verifying', 1);
  }
}

/** Whether people may be shown what the leaves tell: they lead to the root of the checkpoint, and nothing speaks against its signature. */
export function mayBeShown(report: VerifyReport | null): boolean {
  if (report === null || !report.areLeavesProven) return false;
  return !report.discrepancies.some(({ code }) => code === 'checkpoint_signature' || code === 'leaf_malformed' || code === 'fork');
}

/** Verifies a bundle.
 *  @param keys verifier keys, one per line, as the operator published them */
export function verify(lines: Iterable<string>, keys: string, known: readonly string[]): PageReport {
  const trusted = keys.split('\n').map((line) => line.trim()).filter((line) => line !== '').map((line) => parseVerifierKey(line, sha256));
  const report = verifyBundle(lines, { hash: sha256, hmac: hmacOf(sha256), isSigned: isSignedEd25519, sha1 }, { trusted, known });
  return { ...report, sound: isSoundReport(report) };
}

/** The story of one case of the bundle in plain words.
 *  @param lines of a bundle whose leaves are proven (`mayBeShown`) */
export function story(lines: Iterable<string>, requestId: string, language: 'ja' | 'en'): { readonly index: number; readonly atUtc: string; readonly text: string }[] {
  const mark = `"correlationId":${JSON.stringify(requestId)}`;
  const told: { readonly index: number; readonly atUtc: string; readonly text: string }[] = [];
  for (const { index, text } of readBundle(lines).leaves) {
    const leaf = text.includes(mark) ? parseLeaf(text) : null;
    if (leaf?.metadata.correlationId !== requestId || /^(?:saga|challenge)-/.test(leaf.stream)) continue;
    told.push({ index, atUtc: printable(leaf.metadata.recordedAtUtc), text: printable(explain(leaf, language)) });
  }
  return told;
}

/** Cases that a bundle holds, in log order. @param lines of a bundle whose leaves are proven (`mayBeShown`) */
export function casesIn(lines: Iterable<string>): string[] {
  const cases: string[] = [];
  for (const { text } of readBundle(lines).leaves) {
    const leaf = text.includes('"type":"RequestReceived"') ? parseLeaf(text) : null;
    if (leaf?.type === 'RequestReceived') cases.push(leaf.metadata.correlationId);
  }
  return cases;
}
