import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TrustAnchor } from '../../x509/path/trust-anchors.js';
import { utf8 } from '../../../domain/audit/log/bytes.js';
import { verifyTimestamp } from '../../timestamp/timestamp-verifier.js';
import { readIfThere } from '../durable-file.js';
import type { TileLog } from '../log/tile-log.js';

const CLOCK_TOLERANCE_MS = 300_000;
const CRLS_MAX = 16;

/** CRLs that were kept with the timestamp over the checkpoint of this size. */
export function keptCrls(log: TileLog, size: number | undefined): readonly Uint8Array[] {
  const files = Array.from({ length: size === undefined ? 0 : CRLS_MAX }, (_, n) =>
    join(log.folder, 'timestamps', `${size}.${n + 1}.crl`),
  );
  return files.filter((file) => existsSync(file)).map((file) => readFileSync(file));
}

/** The note that was stamped, as a plain file. Tokens of older versions have none: their checkpoint has a file of its
 * own in `checkpoints/`. */
export function stampedNoteFile(log: TileLog, size: number): string {
  return join(log.folder, 'timestamps', `${size}.checkpoint`);
}

/** Every stored timestamp against the checkpoint that it lies beside.
 *  @param anchors trusted roots; null or empty: who signed cannot be judged, everything else is
 *  @returns what is wrong, by the last entry of the checkpoint */
export function* checkTimestamps(
  log: TileLog,
  anchors: readonly TrustAnchor[] | null,
): Iterable<{ readonly index: number; readonly detail: string }> {
  for (const size of log.timestamped()) {
    const problem = checkTimestamp(log, size, anchors);
    if (problem !== null)
      yield {
        index: size - 1,
        detail: `the timestamp over the checkpoint of ${size} leaves does not hold: ${problem}`,
      };
  }
}

/** @returns why the timestamp of this checkpoint does not hold, or null */
export function checkTimestamp(
  log: TileLog,
  size: number | undefined,
  anchors: readonly TrustAnchor[] | null,
): string | null {
  const [checkpoint, response] = size === undefined ? [null, null] : [log.checkpointOf(size), log.timestamp(size)];
  if (size === undefined || response === null) return null;
  if (checkpoint === null) return 'no checkpoint of this size was published';
  const beside = readIfThere(stampedNoteFile(log, size));
  if (beside !== null && beside.toString('utf8') !== checkpoint.note)
    return `timestamps/${size}.checkpoint is not the checkpoint that was published`;
  // Its own CRLs, and the newest that are kept: a key may have been lost since.
  const crls = [...keptCrls(log, size), ...keptCrls(log, log.timestamped().at(-1))];
  const verdict = verifyTimestamp({
    response,
    message: utf8(checkpoint.note),
    nonce: null,
    policy: null,
    anchors: anchors ?? [],
    notBeforeMs: null,
    notAfterMs: Date.now() + CLOCK_TOLERANCE_MS,
    ...(crls.length > 0 && { crls }),
  });
  // The path comes last: whatever else is wrong has been found before.
  const isOnlyUntrusted =
    verdict.verdict === 'refused' && verdict.reason === 'certificate_untrusted_issuer' && (anchors ?? []).length === 0;
  return verdict.verdict === 'good' || isOnlyUntrusted ? null : `${verdict.detail} [${verdict.reason}]`;
}
