import type { DatabaseSync } from 'node:sqlite';
import type { ImageVault, VaultOwner } from '../../../application/ports/registrant/image-vault.js';

/** A claim that is older than this should have lapsed many times over: the sweep does not run. */
const CLAIM_MS_MAX = 24 * 3_600_000;
const PAGE = 500;

/** Looks for a key, and with it for material, that no story of the log explains: neither a request that was received
 * nor a claim that may still become one. Owners are read before the log, so that what begins meanwhile has its claim
 * when it is looked for. Reads only. */
export async function checkUnowned(
  database: DatabaseSync,
  vault: ImageVault,
  report: (detail: string) => void,
  atMs = Date.now(),
): Promise<void> {
  const first = database.prepare(
    "SELECT e.type, json_extract(e.metadata, '$.recordedAtUtc') AS atUtc FROM events e JOIN streams s ON s.no = e.stream_no WHERE s.name = ? AND e.revision = 0",
  );
  const firstOf = (stream: string) => first.get(stream) as { type: string; atUtc: string } | undefined;
  for (let after: VaultOwner | null = null; ;) {
    const owners: readonly VaultOwner[] = await vault.caseOwners(after, PAGE);
    for (const owner of owners) {
      const problem = problemOf(owner, firstOf, atMs);
      if (problem !== null) report(problem);
    }
    after = owners.at(-1) ?? null;
    if (after === null) return;
  }
}

function problemOf(
  owner: VaultOwner,
  firstOf: (stream: string) => { readonly type: string; readonly atUtc: string } | undefined,
  atMs: number,
): string | null {
  const requestId = owner.slice(owner.indexOf(':') + 1);
  const story = firstOf(`registration-${requestId}`);
  if (story?.type === 'RequestLapsed') return `${owner} has lapsed and still has a key`;
  if (story) return null;
  const claim = firstOf(`claim-${requestId}`);
  if (!claim) return `${owner} has a key, and the log knows neither a request nor a claim of that name`;
  const isOld = atMs - Date.parse(claim.atUtc) > CLAIM_MS_MAX;
  return isOld ? `${owner} was claimed at ${claim.atUtc}, was never received and has not lapsed` : null;
}
