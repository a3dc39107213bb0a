import { readFileSync } from 'node:fs';
import { isBoothKey } from '../application/commands/manage-booth.js';
import type { FirstStartValues } from '../application/first-start.js';
import { BOOTH_ID } from '../domain/booth/booth.js';
import { policyProblem } from '../domain/policy/policy.js';
import type { PolicyValues } from '../domain/policy/policy.events.js';
import { ConfigError, type Config } from './config.js';

/** Reads the files that the settings name for the very first start.
 *  @throws {ConfigError} for every file that is missing or says something else, all at once */
export function firstStartFiles({ values: { policyFile, boothsFile } }: Config): FirstStartValues {
  const problems: string[] = [];
  const read = <T>(setting: string, file: string | null, take: (value: unknown) => T, otherwise: T): T => {
    if (file === null) return otherwise;
    try {
      return take(JSON.parse(readFileSync(file, 'utf8')));
    } catch (error) {
      problems.push(`${setting}=${file}: ${error instanceof Error ? error.message : String(error)}`);
      return otherwise;
    }
  };
  const policy = read<PolicyValues | null>('HONNIN_POLICY_FILE', policyFile, policyOf, null);
  const booths = read('HONNIN_BOOTHS_FILE', boothsFile, boothsOf, []);
  if (problems.length > 0) throw new ConfigError(problems);
  return { policy, booths };
}

function policyOf(value: unknown): PolicyValues {
  const problem = policyProblem(value as PolicyValues);
  if (problem) throw new Error(`${problem.field} ${problem.problem}`);
  return value as PolicyValues;
}

function boothsOf(value: unknown): FirstStartValues['booths'] {
  if (!Array.isArray(value)) throw new Error('a list is expected: [{"boothId": "booth-0001", "publicKey": "MCow…"}]');
  return value.map((entry: unknown, index) => {
    const { boothId, publicKey } = (entry ?? {}) as { readonly boothId?: unknown; readonly publicKey?: unknown };
    if (typeof boothId !== 'string' || !BOOTH_ID.test(boothId)) throw new Error(`entry ${index + 1} has no boothId of the form ${BOOTH_ID.source}`);
    if (typeof publicKey !== 'string' || !isBoothKey(publicKey)) {
      throw new Error(`entry ${index + 1} (${boothId}) has no publicKey: an Ed25519 SubjectPublicKeyInfo, DER, base64 (openssl genpkey -algorithm ed25519)`);
    }
    return { boothId, publicKey };
  });
}
