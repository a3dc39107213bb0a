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

/** What the page runs: the same verifier as the command line, on cryptography that needs nothing but the language.
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
