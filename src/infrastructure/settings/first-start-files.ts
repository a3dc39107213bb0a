import { readFileSync } from 'node:fs';
import { BOOTH_KEY_WORDS, isBoothKey } from '../../application/commands/manage-booth.js';
import type { FirstStartValues } from '../../application/first-start.js';
import { BOOTH_ID } from '../../domain/booth/booth.js';
import { DEFAULT_POLICY, policyProblem } from '../../domain/policy/policy.js';
import type { PolicyValues } from '../../domain/policy/policy.events.js';
import { ConfigError } from './config-error.js';

interface FirstStartSettings {
  readonly policyFile: string | null;
  readonly boothsFile: string | null;
}

/** Reads the files that the settings name for the very first start.
 *  @throws {ConfigError} for every file that is missing or says something else, all at once */
export function firstStartFiles({ values }: { readonly values: FirstStartSettings }): FirstStartValues {
  const { problems, found } = readFirstStartFiles(values);
  if (problems.length > 0) throw new ConfigError(problems);
  return found;
}

const POLICY = 'all values of a policy, as GET /v1/policies shows those in force';
const BOOTHS = 'a list: [{"boothId": "booth-0001", "publicKey": "MCow…"}]';

/** The same, with what is wrong beside what was found: name, what is there, what is expected. */
export function readFirstStartFiles({ policyFile, boothsFile }: FirstStartSettings): {
  readonly problems: readonly string[];
  readonly found: FirstStartValues;
} {
  const problems: string[] = [];
  const read = <T>(setting: string, file: string | null, expected: string, take: (value: unknown) => T): T | null => {
    if (file === null) return null;
    try {
      return take(JSON.parse(readFileSync(file, 'utf8')));
    } catch (error) {
      problems.push(`${setting}=${file}: ${instead(error)}; expected: ${expected}`);
      return null;
    }
  };
  const policy = read('HONNIN_POLICY_FILE', policyFile, POLICY, policyOf);
  const booths = read('HONNIN_BOOTHS_FILE', boothsFile, BOOTHS, boothsOf);
  return { problems, found: { policy, booths: booths ?? [] } };
}

/** What is there instead, in words. */
function instead(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EISDIR') return 'is a folder';
  if (code !== undefined) return `cannot be read (${code})`;
  return error instanceof SyntaxError ? 'is not JSON' : message;
}

function policyOf(value: unknown): PolicyValues {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) throw new Error('is no object');
  const missing = Object.keys(DEFAULT_POLICY).filter((name) => !Object.hasOwn(value, name));
  const problem = policyProblem({ ...DEFAULT_POLICY, ...value });
  const faults = [
    ...(problem ? [`${problem.field} ${problem.problem}`] : []),
    ...(missing.length > 0 ? [`says nothing about ${missing.join(', ')}`] : []),
  ];
  if (faults.length > 0) throw new Error(faults.join('; '));
  return value as PolicyValues;
}

function boothsOf(value: unknown): FirstStartValues['booths'] {
  if (!Array.isArray(value)) throw new Error('is no list');
  return value.map((entry: unknown, index) => {
    const { boothId, publicKey } = (entry ?? {}) as { readonly boothId?: unknown; readonly publicKey?: unknown };
    if (typeof boothId !== 'string' || !BOOTH_ID.test(boothId))
      throw new Error(`entry ${index + 1} has no boothId of the form ${BOOTH_ID.source}`);
    if (typeof publicKey !== 'string' || !isBoothKey(publicKey)) {
      throw new Error(`entry ${index + 1} (${boothId}) has a publicKey that is not ${BOOTH_KEY_WORDS}`);
    }
    return { boothId, publicKey };
  });
}
