import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { cutIntoLines } from '../../src/domain/audit/bundle/bundle.js';
import { verifyBundle } from '../../src/domain/audit/bundle/verify-bundle.js';
import { parseWitnessKey } from '../../src/domain/audit/log/cosignature.js';
import { parseVerifierKey } from '../../src/domain/audit/log/signed-note.js';
import { sha256 } from '../../src/infrastructure/audit/digest.js';
import { primitives } from './support.js';

interface StoredCase {
  readonly file: string;
  readonly about: string;
  readonly keys: readonly string[];
  readonly known: readonly string[];
  readonly witnesses?: readonly string[];
  readonly outcome: string;
}

const VECTORS = resolve('docs/bundle-vectors');
const { cases } = JSON.parse(readFileSync(join(VECTORS, 'vectors.json'), 'utf8')) as { cases: readonly StoredCase[] };

/** Here in small what second-verifier.test.ts asks both verifiers: quick enough to be run for each change of a rule. */
describe('the verifier of the repository', () => {
  it.each(cases.map((each) => [each.file, each] as const))('says of %s what the document says', (_, each) => {
    const { file, keys, known, outcome } = each;
    const witnesses = (each.witnesses ?? []).map((text) => parseWitnessKey(text, sha256));
    const { judgement } = verifyBundle(cutIntoLines([readFileSync(join(VECTORS, file), 'utf8')]), primitives, {
      trusted: keys.map((text) => parseVerifierKey(text, sha256)),
      known,
      ...(witnesses.length > 0 && { witnesses: { keys: witnesses, needed: witnesses.length } }),
    });
    expect(judgement).toBe(outcome);
  });
});
