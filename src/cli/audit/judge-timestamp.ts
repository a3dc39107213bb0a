import { existsSync, readFileSync } from 'node:fs';
import type { VerifyReport } from '../../domain/audit/bundle/verify-bundle.js';
import { timestampAnchors } from '../../infrastructure/audit/outlets/configured-outlets.js';
import {
  crlsIn,
  judgeBundleTimestamp,
  type TimestampFinding,
} from '../../infrastructure/timestamp/judge-bundle-timestamp.js';
import { UsageError } from '../command.js';

export type { TimestampFinding };

/** Files, PEM or DER, with what the reader trusts. */
export interface TimestampTrustFiles {
  readonly anchors: readonly string[];
  readonly crls: readonly string[];
  readonly policy: string | null;
  readonly isRequired: boolean;
}

/** What the timestamp in a bundle proves to somebody who trusts these authorities. */
export function judgeTimestamp(
  report: VerifyReport,
  { anchors, crls, policy, isRequired }: TimestampTrustFiles,
): TimestampFinding {
  const trust = {
    anchors: timestampAnchors(anchors, '--tsa-anchor'),
    crls: crls.flatMap(crlsOf),
    policy,
    isRequired,
    nowMs: Date.now(),
  };
  return judgeBundleTimestamp(report, trust);
}

/** @throws {UsageError} for a file that cannot be read */
function crlsOf(file: string): Uint8Array[] {
  if (!existsSync(file)) throw new UsageError(`there is no file ${file}`);
  return crlsIn(readFileSync(file));
}
