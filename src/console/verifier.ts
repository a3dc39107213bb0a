import { toHex, utf8 } from '../domain/audit/log/bytes.js';
import { cutIntoLines, readBundle } from '../domain/audit/bundle/bundle.js';
import { explain } from '../domain/audit/story/explain.js';
import { hmacOf } from '../domain/audit/log/commitment.js';
import { parseLeaf } from '../domain/audit/log/leaf.js';
import { parseWitnessKey, type WitnessPolicy } from '../domain/audit/log/cosignature.js';
import { NoteFormatError, parseVerifierKey, type VerifierKey } from '../domain/audit/log/signed-note.js';
import {
  beginVerification,
  isSoundReport,
  type Primitives,
  type VerifyReport,
} from '../domain/audit/bundle/verify-bundle.js';
import { isSoundList, verifyList, type ListReport } from '../domain/audit/lists/verify-list.js';
import { printable } from '../domain/values/printable.js';
import { certificateRules, type CertificateRuleOptions } from '../infrastructure/jpki/certificate-check.js';
import { certificateJudge } from '../infrastructure/jpki/judge-kept-verdict.js';
import { isObjectIdentifier } from '../infrastructure/x509/asn1/oids.js';
import { splitSource, trustAnchor, TrustAnchors } from '../infrastructure/x509/path/trust-anchors.js';
import {
  crlsIn,
  judgeBundleTimestamp,
  type TimestampFinding,
} from '../infrastructure/timestamp/judge-bundle-timestamp.js';
import { isSignedEd25519 } from './ed25519.js';
import { signatureDesk } from './platform/signatures.js';
import { sha1 } from './sha1.js';
import { sha256 } from './sha256.js';

export interface PageReport extends VerifyReport {
  readonly sound: boolean;
  readonly stamp: TimestampFinding;
}

/** What the reader trusts besides the key of the log, got elsewhere than from the bundle: contents of files, PEM or
 * DER. */
export interface PageTrust {
  /** Roots of the certification service, for both kinds of certificates: verdicts are made again with them. */
  readonly anchors: readonly Uint8Array[];
  /** Roots for certificates of one kind alone. */
  readonly authAnchors: readonly Uint8Array[];
  readonly signAnchors: readonly Uint8Array[];
  /** Roots of the timestamp authority, and CRLs of it. */
  readonly tsaAnchors: readonly Uint8Array[];
  readonly tsaCrls: readonly Uint8Array[];
  /** Whether a bundle without a timestamp that holds is wrong. */
  readonly isTimestampRequired: boolean;
  /** Keys of witnesses, one per line; a line that is a number says how many of them are needed, all without it. */
  readonly witnesses: string;
  /** What the server was told of the certification service, and the policy of the timestamp authority, as the options of
   *  the command: a name and its values on a line. */
  readonly settings: string;
}

const PRIMITIVES: Primitives = { hash: sha256, hmac: hmacOf(sha256), isSigned: isSignedEd25519, sha1 };
const NO_TRUST: PageTrust = {
  anchors: [],
  authAnchors: [],
  signAnchors: [],
  tsaAnchors: [],
  tsaCrls: [],
  isTimestampRequired: false,
  witnesses: '',
  settings: '',
};

/** How far the work is, 0 to 1, and what is being done. */
export type TellProgress = (what: 'reading' | 'verifying', share: number) => void;

/** Lines between two words about the progress. */
const LINES_PER_WORD = 2000;
const PIECE_BYTES = 1 << 24;

/** What the page runs, on a thread of its own where the browser has one: the same verifier as the command line, on
 * cryptography that needs nothing but the language. Keeps the bundle that it has read. */
export class PageVerifier {
  private pieces: readonly string[] = [];
  private lineCount = 0;
  /** Of the verification that was made last of what was read last. */
  private report: PageReport | null = null;

  constructor(private readonly tell: TellProgress) {}

  /** Reads a bundle. It may be longer than the longest string of a browser, so it is kept in pieces. The bytes are
   * UTF-8 as it was written.
   * @throws {TypeError} for other bytes */
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
    for (const piece of pieces)
      for (let at = piece.indexOf('\n'); at >= 0; at = piece.indexOf('\n', at + 1)) this.lineCount += 1;
    return this.lineCount;
  }

  /** @param keys verifier keys, one per line, as the operator published them
   *  @param known checkpoints that the reader has
   *  @param nowMs the reader's clock: a timestamp of the future is none
   *  @throws {NoteFormatError} for a key that is none, {TrustAnchorError} for roots that are none */
  async verify(
    keys: string,
    known: readonly string[],
    trust = NO_TRUST,
    nowMs = Number.MAX_SAFE_INTEGER,
  ): Promise<PageReport> {
    this.report = null;
    return (this.report = await verify(this.told(), keys, known, { trust, nowMs }));
  }

  /** Draws a list again from the bundle that was read. @param files contents: one answer or an array of answers, each
   * JSON
   * @throws {SyntaxError} for a file that is not JSON */
  verifyList(
    files: readonly Uint8Array[],
    keys: string,
    known: readonly string[],
    witnesses = '',
  ): ListReport & { readonly sound: boolean } {
    const pages = files.flatMap((file) => {
      const value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(file)) as unknown;
      return Array.isArray(value) ? (value as unknown[]) : [value];
    });
    const bundle = { [Symbol.iterator]: () => cutIntoLines(this.pieces)[Symbol.iterator]() };
    const report = verifyList(pages, PRIMITIVES, { trusted: keysIn(keys), bundle, known, ...witnessesIn(witnesses) });
    return { ...report, sound: isSoundList(report) };
  }

  /** SHA-256 in hex, for the report: of a text, or of a file. */
  async digestOf(what: string | Blob): Promise<string> {
    const bytes = typeof what === 'string' ? utf8(what) : new Uint8Array(await what.arrayBuffer());
    const subtle = (globalThis.crypto as typeof globalThis.crypto | undefined)?.subtle;
    // A bundle may be large, and the platform is quicker; a browser that keeps it from the page is only slower.
    return toHex(subtle ? new Uint8Array(await subtle.digest('SHA-256', Uint8Array.from(bytes))) : sha256(bytes));
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

/** Whether people may be shown what the leaves tell: they lead to the root of the checkpoint, and nothing speaks
 * against its signature. */
export function mayBeShown(report: VerifyReport | null): boolean {
  if (report === null || !report.areLeavesProven) return false;
  return !report.discrepancies.some(
    ({ code }) => code === 'checkpoint_signature' || code === 'leaf_malformed' || code === 'fork',
  );
}

/** Verifies a bundle.
 *  @param keys verifier keys, one per line, as the operator published them */
export async function verify(
  lines: Iterable<string>,
  keys: string,
  known: readonly string[],
  { trust, nowMs }: { readonly trust: PageTrust; readonly nowMs: number } = {
    trust: NO_TRUST,
    nowMs: Number.MAX_SAFE_INTEGER,
  },
): Promise<PageReport> {
  const trusted = keysIn(keys);
  const stampRoots = trust.tsaAnchors.flatMap((file) => splitSource(file)).map((der) => trustAnchor(der));
  const { rules, policy } = settingsIn(trust.settings);
  const anchors = anchorsIn(trust);
  const judge = anchors && certificateJudge(certificateRules(anchors, rules));
  const begun = beginVerification(lines, PRIMITIVES, { trusted, known, ...witnessesIn(trust.witnesses) });
  if (judge) for (const kept of begun.kept) await signatureDesk.settled(() => judge(kept));
  const report = begun.finish(judge);
  const stampTrust = { anchors: stampRoots, crls: trust.tsaCrls.flatMap(crlsIn), policy, nowMs };
  const stamp = await signatureDesk.settled(() =>
    judgeBundleTimestamp(report, { ...stampTrust, isRequired: trust.isTimestampRequired }),
  );
  return { ...report, stamp, sound: isSoundReport(report) && stamp.judgement === 'right' };
}

/** @returns null without any root: nothing can be made again then
 *  @throws {TrustAnchorError} for roots that are none */
function anchorsIn({ anchors, authAnchors, signAnchors }: PageTrust): TrustAnchors | null {
  const both = anchors.flatMap((file) => splitSource(file));
  const auth = [...both, ...authAnchors.flatMap((file) => splitSource(file))];
  const sign = [...both, ...signAnchors.flatMap((file) => splitSource(file))];
  if (auth.length + sign.length === 0) return null;
  // The reader chose these files one by one, so a test hierarchy among them is meant.
  return TrustAnchors.load({ user_authentication: auth, digital_signature: sign }, 'test');
}

/** @throws {NoteFormatError} for a key that is none, and for a number of which there are not so many */
function witnessesIn(text: string): { readonly witnesses?: WitnessPolicy } {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const [number] = lines.filter((line) => /^\d+$/.test(line));
  const keys = lines.filter((line) => !/^\d+$/.test(line)).map((line) => parseWitnessKey(line, sha256));
  const needed = number === undefined ? keys.length : Number(number);
  if (lines.length === 0) return {};
  if (needed < 1 || needed > keys.length) throw new NoteFormatError(`witnesses needed must be 1 to ${keys.length}`);
  return { witnesses: { keys, needed } };
}

const SETTINGS = ['auth-policy', 'sign-policy', 'auth-usage', 'sign-usage', 'status-age', 'tsa-policy'] as const;

/** @returns what the certification service is told by, and the policy that a timestamp must name
 *  @throws {RangeError} for a line that is none of the settings */
function settingsIn(text: string): { readonly rules: CertificateRuleOptions; readonly policy: string | null } {
  const given: Partial<Record<(typeof SETTINGS)[number], string[]>> = {};
  for (const line of text
    .split('\n')
    .map((each) => each.trim())
    .filter((each) => each !== '')) {
    const [first = '', ...values] = line.split(/[\s,]+/);
    const name = SETTINGS.find((known) => known === first.replace(/^--/, ''));
    const isValue = name === 'status-age' ? (value: string) => /^\d{1,9}$/.test(value) : isObjectIdentifier;
    if (!name || values.length === 0 || !values.every(isValue)) {
      throw new RangeError(`'${line}': a line is one of ${SETTINGS.join(', ')}, and its object identifiers or seconds`);
    }
    given[name] = [...(given[name] ?? []), ...values];
  }
  const age = given['status-age']?.at(-1);
  const rules = {
    policyOids: { user_authentication: given['auth-policy'], digital_signature: given['sign-policy'] },
    usageOids: { user_authentication: given['auth-usage'], digital_signature: given['sign-usage'] },
    ...(age !== undefined && { status: { maxStatusAgeSeconds: Number(age) } }),
  };
  return { rules, policy: given['tsa-policy']?.at(-1) ?? null };
}

/** @param keys one per line */
function keysIn(keys: string): VerifierKey[] {
  const lines = keys
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  return lines.map((line) => parseVerifierKey(line, sha256));
}

/** The story of one case of the bundle in plain words.
 *  @param lines of a bundle whose leaves are proven (`mayBeShown`) */
export function story(
  lines: Iterable<string>,
  requestId: string,
  language: 'ja' | 'en',
): { readonly index: number; readonly atUtc: string; readonly text: string }[] {
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
