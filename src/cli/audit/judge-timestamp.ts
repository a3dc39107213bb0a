import { existsSync, readFileSync } from 'node:fs';
import { fromBase64, utf8 } from '../../domain/audit/bytes.js';
import { parseCheckpoint } from '../../domain/audit/checkpoint.js';
import type { VerifyReport } from '../../domain/audit/verify-bundle.js';
import { timestampAnchors } from '../../infrastructure/audit/configured-outlets.js';
import { verifyTimestamp, type ProvenTime } from '../../infrastructure/timestamp/timestamp-verifier.js';
import { UsageError } from '../command.js';

/** The clock of whoever checks may be a little behind that of the authority. */
const CLOCK_TOLERANCE_MS = 300_000;

export interface TimestampFinding {
  /** One line for people. */
  readonly text: string;
  readonly isWrong: boolean;
  /** Why it is wrong, or null. */
  readonly reason: string | null;
  /** Entries that the stamped checkpoint covers, or null without a timestamp. */
  readonly treeSize: number | null;
  /** Instant before which these entries existed, by the authority's clock and its stated accuracy; null unless that was proven. */
  readonly existedBeforeUtc: string | null;
  readonly authority: string | null;
}

/** What the reader trusts, got elsewhere than from the bundle. */
export interface TimestampTrust {
  readonly anchors: readonly string[];
  /** CRLs of the authorities in the path; none: revocation is not judged. */
  readonly crls: readonly string[];
  readonly policy: string | null;
}

/** What the timestamp in a bundle proves to somebody who trusts these authorities. With anchors a missing timestamp is wrong: a server that
 *  rewrote its log would leave it out.
 *  @param trust files, PEM or DER */
export function judgeTimestamp({ timestamp, treeSize, wasRead }: VerifyReport, { anchors, crls, policy }: TimestampTrust): TimestampFinding {
  const nothing = { treeSize: null, existedBeforeUtc: null, authority: null };
  if (!wasRead) return { ...nothing, text: 'not read', isWrong: false, reason: null };
  if (timestamp === null) return anchors.length === 0 ? { ...nothing, text: 'none', isWrong: false, reason: null } : { ...nothing, text: 'there is none, and you asked for one with --tsa-anchor', isWrong: true, reason: 'missing' };
  const { size } = parseCheckpoint(timestamp.checkpoint).checkpoint;
  if (anchors.length === 0) return { ...nothing, treeSize: size, text: `there is one over the first ${size} entries; give the roots of its authority with --tsa-anchor to have it judged`, isWrong: false, reason: null };
  const response = bytesOf(timestamp.token);
  const verdict = verifyTimestamp({ response, message: utf8(timestamp.checkpoint), nonce: null, policy, anchors: timestampAnchors(anchors, '--tsa-anchor'), notBeforeMs: null, notAfterMs: Date.now() + CLOCK_TOLERANCE_MS, ...(crls.length > 0 && { crls: crls.flatMap(crlsIn) }) });
  if (verdict.verdict === 'refused') return { ...nothing, treeSize: size, text: verdict.detail, isWrong: true, reason: verdict.reason };
  const { timestamp: proven } = verdict;
  const existedBeforeUtc = latest(proven);
  const covers = size === treeSize ? `the checkpoint of all ${size} entries` : `the checkpoint of the first ${size} of ${treeSize} entries`;
  const exactness = proven.accuracyMicroseconds === null ? ' (the authority does not state its accuracy)' : '';
  return { text: `${covers} existed before ${existedBeforeUtc}${exactness} by ${proven.authority}${proven.notRevokedUntilMs === null ? '' : `, whose certificates were not revoked up to ${new Date(proven.notRevokedUntilMs).toISOString()}`}`, isWrong: false, reason: null, treeSize: size, existedBeforeUtc, authority: proven.authority };
}

/** What is no base64 is no token either: the verifier says so in its words. */
function bytesOf(text: string): Uint8Array {
  try {
    return fromBase64(text);
  } catch {
    return new Uint8Array();
  }
}

/** A CRL in DER, or one or several in PEM. @throws {UsageError} for a file that cannot be read */
function crlsIn(file: string): Uint8Array[] {
  if (!existsSync(file)) throw new UsageError(`there is no file ${file}`);
  const bytes = readFileSync(file);
  const blocks = [...bytes.toString('latin1').matchAll(/-----BEGIN X509 CRL-----([\s\S]*?)-----END X509 CRL-----/g)];
  return blocks.length === 0 ? [bytes] : blocks.map(([, base64]) => Buffer.from(base64 as string, 'base64'));
}

/** The end of the interval in which the authority saw it, rounded up to a millisecond. */
function latest({ atMs, accuracyMicroseconds }: ProvenTime): string {
  // genTime may have finer fractions, which were cut off.
  return new Date(atMs + Math.ceil((accuracyMicroseconds ?? 0) / 1000) + 1).toISOString();
}
