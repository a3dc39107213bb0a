import { explain } from '../domain/audit/explain.js';
import { hmacOf } from '../domain/audit/commitment.js';
import { parseLeaf } from '../domain/audit/leaf.js';
import { parseVerifierKey } from '../domain/audit/signed-note.js';
import { isSoundReport, verifyBundle, type VerifyReport } from '../domain/audit/verify-bundle.js';
import { isSignedEd25519 } from './ed25519.js';
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
  private lines: readonly string[] = [];

  constructor(private readonly tell: TellProgress) {}

  /** Reads a bundle. It may be longer than the longest string of a browser, so it is cut into lines piece by piece. */
  async read(file: Blob): Promise<number> {
    const found: string[] = [];
    let rest = '';
    const decoder = new TextDecoder();
    for (let at = 0; at < file.size; at += PIECE_BYTES) {
      const parts = (rest + decoder.decode(await file.slice(at, at + PIECE_BYTES).arrayBuffer(), { stream: true })).split('\n');
      rest = parts.pop() as string;
      for (const part of parts) found.push(part);
      this.tell('reading', Math.min(1, (at + PIECE_BYTES) / file.size));
    }
    if (rest !== '') found.push(rest);
    this.lines = found;
    return found.length;
  }

  /** @param keys verifier keys, one per line, as the operator published them
   *  @param known checkpoints that the reader has
   *  @throws {NoteFormatError} for a key that is none */
  verify(keys: string, known: readonly string[]): PageReport {
    return verify(this.told(), keys, known);
  }

  story(requestId: string, language: 'ja' | 'en'): ReturnType<typeof story> {
    return story(this.lines, requestId, language);
  }

  /** Cases of the bundle in log order, at most so many. */
  cases(most: number): string[] {
    return casesIn(this.lines).slice(0, most);
  }

  private *told(): Iterable<string> {
    let count = 0;
    for (const line of this.lines) {
      if (count % LINES_PER_WORD === 0) this.tell('verifying', count / this.lines.length);
      count += 1;
      yield line;
    }
    this.tell('verifying', 1);
  }
}

/** Verifies a bundle.
 *  @param keys verifier keys, one per line, as the operator published them */
export function verify(lines: Iterable<string>, keys: string, known: readonly string[]): PageReport {
  const trusted = keys.split('\n').map((line) => line.trim()).filter((line) => line !== '').map((line) => parseVerifierKey(line, sha256));
  const report = verifyBundle(lines, { hash: sha256, hmac: hmacOf(sha256), isSigned: isSignedEd25519 }, { trusted, known });
  return { ...report, sound: isSoundReport(report) };
}

/** The story of one case of the bundle in plain words. */
export function story(lines: readonly string[], requestId: string, language: 'ja' | 'en'): { readonly index: number; readonly atUtc: string; readonly text: string }[] {
  const mark = `"correlationId":${JSON.stringify(requestId)}`;
  return lines.slice(2).flatMap((line) => {
    if (!line.includes(mark)) return [];
    const leaf = parseLeaf(line.slice(line.indexOf(' ') + 1));
    return leaf && !/^(?:saga|challenge)-/.test(leaf.stream) ? [{ index: Number.parseInt(line, 10), atUtc: leaf.metadata.recordedAtUtc, text: explain(leaf, language) }] : [];
  });
}

/** Cases that a bundle holds, in log order. */
export function casesIn(lines: readonly string[]): string[] {
  return lines.slice(2).flatMap((line) => (line.includes('"type":"RequestReceived"') ? [/"correlationId":"([^"]+)"/.exec(line)?.[1] ?? ''] : []));
}
