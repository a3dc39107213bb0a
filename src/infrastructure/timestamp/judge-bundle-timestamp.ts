import { fromBase64, utf8 } from '../../domain/audit/log/bytes.js';
import { parseCheckpoint } from '../../domain/audit/log/checkpoint.js';
import type { VerifyReport } from '../../domain/audit/bundle/verify-bundle.js';
import type { TrustAnchor } from '../x509/path/trust-anchors.js';
import { verifyTimestamp, type ProvenTime } from './timestamp-verifier.js';

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
  /** Instant before which these entries existed, by the authority's clock and its stated accuracy; null: not proven. */
  readonly existedBeforeUtc: string | null;
  readonly authority: string | null;
}

/** What the reader trusts, got elsewhere than from the bundle, and when it is judged. */
export interface TimestampTrust {
  readonly anchors: readonly TrustAnchor[];
  /** CRLs of the authorities in the path, DER; none: revocation is not judged. */
  readonly crls: readonly Uint8Array[];
  readonly policy: string | null;
  readonly nowMs: number;
}

/** What the timestamp in a bundle proves to somebody who trusts these authorities. With anchors a missing timestamp is
 *  wrong: a server that rewrote its log would leave it out. The same in the command and in the page. */
export function judgeBundleTimestamp(
  { timestamp, treeSize, wasRead }: Pick<VerifyReport, 'timestamp' | 'treeSize' | 'wasRead'>,
  { anchors, crls, policy, nowMs }: TimestampTrust,
): TimestampFinding {
  const nothing = { treeSize: null, existedBeforeUtc: null, authority: null };
  if (!wasRead) return { ...nothing, text: 'not read', isWrong: false, reason: null };
  if (timestamp === null) {
    if (anchors.length === 0) return { ...nothing, text: 'none', isWrong: false, reason: null };
    return {
      ...nothing,
      text: 'there is none, and you asked for one with --tsa-anchor',
      isWrong: true,
      reason: 'missing',
    };
  }
  const { size } = parseCheckpoint(timestamp.checkpoint).checkpoint;
  if (anchors.length === 0) {
    const hint = 'give the roots of its authority with --tsa-anchor to have it judged';
    const text = `there is one over the first ${size} entries; ${hint}`;
    return { ...nothing, treeSize: size, text, isWrong: false, reason: null };
  }
  const check = {
    response: bytesOf(timestamp.token),
    message: utf8(timestamp.checkpoint),
    nonce: null,
    policy,
    anchors,
  };
  const notAfterMs = nowMs + CLOCK_TOLERANCE_MS;
  const verdict = verifyTimestamp({ ...check, notBeforeMs: null, notAfterMs, ...(crls.length > 0 && { crls }) });
  if (verdict.verdict === 'refused') {
    return { ...nothing, treeSize: size, text: verdict.detail, isWrong: true, reason: verdict.reason };
  }
  const { timestamp: proven } = verdict;
  const existedBeforeUtc = latest(proven);
  const covers =
    size === treeSize
      ? `the checkpoint of all ${size} entries`
      : `the checkpoint of the first ${size} of ${treeSize} entries`;
  const exactness = proven.accuracyMicroseconds === null ? ' (the authority does not state its accuracy)' : '';
  const until = proven.notRevokedUntilMs;
  const revocation =
    until === null ? '' : `, whose certificates were not revoked up to ${new Date(until).toISOString()}`;
  const text = `${covers} existed before ${existedBeforeUtc}${exactness} by ${proven.authority}${revocation}`;
  return { text, isWrong: false, reason: null, treeSize: size, existedBeforeUtc, authority: proven.authority };
}

/** CRLs out of a file: DER, or one or several in PEM. */
export function crlsIn(file: Uint8Array): Uint8Array[] {
  const text = Buffer.from(file).toString('latin1');
  const blocks = [...text.matchAll(/-----BEGIN X509 CRL-----([\s\S]*?)-----END X509 CRL-----/g)];
  return blocks.length === 0
    ? [Buffer.from(file)]
    : blocks.map(([, base64]) => Buffer.from(base64 as string, 'base64'));
}

/** What is no base64 is no token either: the verifier says so in its words. */
function bytesOf(text: string): Uint8Array {
  try {
    return fromBase64(text);
  } catch {
    return new Uint8Array();
  }
}

/** The end of the interval in which the authority saw it, rounded up to a millisecond. */
function latest({ atMs, accuracyMicroseconds }: ProvenTime): string {
  // genTime may have finer fractions, which were cut off.
  return new Date(atMs + Math.ceil((accuracyMicroseconds ?? 0) / 1000) + 1).toISOString();
}
