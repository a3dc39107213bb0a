import { fromBase64, utf8 } from '../../domain/audit/log/bytes.js';
import { parseCheckpoint } from '../../domain/audit/log/checkpoint.js';
import type { Judgement, VerifyReport } from '../../domain/audit/bundle/verify-bundle.js';
import type { TrustAnchor } from '../x509/path/trust-anchors.js';
import { verifyTimestamp, type ProvenTime, type TimestampReason } from './timestamp-verifier.js';

/** The clock of whoever checks may be a little behind that of the authority. */
const CLOCK_TOLERANCE_MS = 300_000;

export interface TimestampFinding {
  /** One line for people. */
  readonly text: string;
  /** `right` also where nothing was asked: no roots were given, and no timestamp was demanded. */
  readonly judgement: Judgement;
  /** Why it is not right, or null. */
  readonly reason: 'absent' | 'no_roots' | TimestampReason | null;
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
  /** The reader knows that this log is stamped: anything but a timestamp that holds is wrong. */
  readonly isRequired: boolean;
}

/** What may be the reader's doing and not the log's: roots of another authority or generation, CRLs that do not speak of
 *  the signer, or are none, a clock that is behind. */
const UNDECIDABLE: ReadonlySet<TimestampReason> = new Set([
  'certificate_untrusted_issuer',
  'certificate_bad_signature',
  'revocation_unknown',
  'revocation_malformed',
  'time_in_future',
]);

/** What the timestamp in a bundle proves to somebody who trusts these authorities. A log that was never stamped and one
 *  that was rewritten, whose server leaves the timestamp out, look the same: neither is right, and the words say so.
 *  The same in the command and in the page. */
export function judgeBundleTimestamp(
  { timestamp, treeSize, wasRead }: Pick<VerifyReport, 'timestamp' | 'treeSize' | 'wasRead'>,
  trust: TimestampTrust,
): TimestampFinding {
  const { anchors, isRequired } = trust;
  const nothing = {
    treeSize: null,
    existedBeforeUtc: null,
    authority: null,
    judgement: 'right',
    reason: null,
  } as const;
  const short = isRequired ? 'wrong' : 'undecided';
  if (!wasRead) return { ...nothing, text: 'not read' };
  if (timestamp === null) {
    if (isRequired)
      return { ...nothing, judgement: 'wrong', reason: 'absent', text: 'there is none, and you require one' };
    return anchors.length === 0
      ? { ...nothing, text: 'none' }
      : { ...nothing, judgement: 'undecided', reason: 'absent', text: ABSENT };
  }
  const { size } = parseCheckpoint(timestamp.checkpoint).checkpoint;
  if (anchors.length === 0) {
    const hint = 'give the roots of its authority with --tsa-anchor to have it judged';
    const text = `there is one over the first ${size} entries; ${hint}`;
    const open = isRequired ? ({ judgement: 'undecided', reason: 'no_roots' } as const) : {};
    return { ...nothing, treeSize: size, text, ...open };
  }
  const verdict = judgeToken(timestamp, trust);
  if (verdict.verdict === 'refused') {
    const { reason, detail } = verdict;
    const judgement = UNDECIDABLE.has(reason) ? short : 'wrong';
    return { ...nothing, treeSize: size, judgement, reason, text: `${detail}${hintFor(reason)}` };
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
  return { ...nothing, text, treeSize: size, existedBeforeUtc, authority: proven.authority };
}

const ABSENT =
  'there is none: either this log was not stamped, or whoever rewrote it left the timestamp out; ' +
  'if you know that it is stamped, require one (--require-timestamp)';

function judgeToken(
  { token, checkpoint }: NonNullable<VerifyReport['timestamp']>,
  { anchors, crls, policy, nowMs }: TimestampTrust,
): ReturnType<typeof verifyTimestamp> {
  const check = { response: bytesOf(token), message: utf8(checkpoint), nonce: null, policy, anchors };
  const notAfterMs = nowMs + CLOCK_TOLERANCE_MS;
  return verifyTimestamp({ ...check, notBeforeMs: null, notAfterMs, ...(crls.length > 0 && { crls }) });
}

/** What a reader may have to do about it. */
function hintFor(reason: TimestampReason): string {
  if (reason === 'certificate_untrusted_issuer' || reason === 'certificate_bad_signature')
    return ': the roots that you gave are of another authority or generation, or the token is forged';
  if (reason === 'time_in_future') return ': the clock of this machine is behind, or that of the authority was ahead';
  return '';
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
