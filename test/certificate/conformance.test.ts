import { expect, it } from '@jest/globals';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { checkOffline } from '../../src/infrastructure/jpki/offline/offline-check.js';
import { limboCases, pkitsCases, suitesMissing, type ConformanceCase } from './support/conformance-data.js';
import { conformanceDocument, tally, tallyTable, type SuiteResult } from './support/conformance-report.js';
import { elsewhere } from '../support/peers.js';
import { describeUnless } from '../support/unless.js';

/** Every false refusal, with its reason. A case may leave this list, none may join it without one. */
const REFUSALS: Readonly<Record<string, string>> = {
  '4.1.4':
    'DSA: no card, authority or responder of this field uses it, and a key type that nobody needs is only a way in',
  '4.1.5': 'DSA with inherited parameters: as 4.1.4',
  '4.6.8':
    'the certificate in question is an authority; only certificates of holders are judged unless `allowAuthority` is set',
  '4.6.14': 'as 4.6.8',
  '4.8.6 (Subpart 1)': 'as 4.6.8',
  '4.8.6 (Subpart 2)': 'as 4.6.8',
  '4.14.13': 'as 4.6.8',
  '4.14.30': 'the only CRL about the CRL signer is signed by that signer: nobody vouches for it but itself',
  'pathlen::validation-ignores-pathlen-in-leaf': 'as 4.6.8',
  'rfc5280::ca-as-leaf': 'as 4.6.8; without a peer name it looks exactly like `ca-as-leaf-wrong-san`, which must fail',
};

/** What grows without end takes longer on any machine; a busy machine does not take this long. */
const CASE_MS_MAX = 10_000;

function run(cases: readonly ConformanceCase[], allowAuthority: boolean): SuiteResult[] {
  return cases.map((c) => {
    const started = performance.now();
    const verdict = checkOffline({ ...c.check, allowAuthority });
    return { case: c, verdict, elapsedMs: performance.now() - started };
  });
}

const key = ({ case: c }: SuiteResult): string =>
  /\(Subpart \d\)$/.exec(c.name) ? `${c.id} ${/\(Subpart \d\)$/.exec(c.name)![0]}` : c.id;
const describeResult = (r: SuiteResult): string =>
  `${key(r)} ${r.case.name}: ${r.verdict.verdict} (${r.verdict.reason}: ${r.verdict.detail})`;

// @req R6
describeUnless(elsewhere(suitesMissing), 'published suites', () => {
  const suites: [string, ConformanceCase[], number][] =
    suitesMissing === null
      ? [
          ['NIST PKITS 1.0.1', pkitsCases(), 249],
          ['x509-limbo', limboCases(), 137],
        ]
      : [];

  it.each(suites)(
    '%s: accepts nothing that the suite refuses, and refuses only what the list says',
    (name, cases, count) => {
      expect(cases.length).toBe(count);
      const results = run(cases, false);
      process.stdout.write(`\n${name}, ${count} cases\n${tallyTable(tally(results))}\n`);
      expect(results.filter((r) => r.verdict.verdict === 'valid' && !r.case.valid).map(describeResult)).toEqual([]);
      const refused = results.filter((r) => r.verdict.verdict !== 'valid' && r.case.valid);
      expect(refused.filter((r) => REFUSALS[key(r)] === undefined).map(describeResult)).toEqual([]);
      expect(
        results.filter((r) => r.elapsedMs > CASE_MS_MAX).map((r) => `${key(r)} ${Math.round(r.elapsedMs)} ms`),
      ).toEqual([]);
      if (name.includes('PKITS')) expect(refused.length).toBeLessThanOrEqual(12);
    },
  );

  it('without its CRLs, finds nothing valid in PKITS that needs a status', () => {
    const verdicts = pkitsCases().map((c) => checkOffline({ ...c.check, crls: [], revocation: 'crl' }).verdict);
    expect(verdicts).not.toContain('valid');
  });

  it('with authorities allowed, refuses three of PKITS and accepts nothing more of it', () => {
    const results = run(pkitsCases(), true);
    expect(results.filter((r) => r.verdict.verdict === 'valid' && !r.case.valid).map(describeResult)).toEqual([]);
    expect(results.filter((r) => r.verdict.verdict !== 'valid' && r.case.valid).map(key)).toEqual([
      '4.1.4',
      '4.1.5',
      '4.14.30',
    ]);
  });

  it('has a list of refusals without entries that no longer apply', () => {
    const refused = suites
      .flatMap(([, cases]) => run(cases, false))
      .filter((r) => r.verdict.verdict !== 'valid' && r.case.valid)
      .map(key);
    expect(Object.keys(REFUSALS).sort()).toEqual(refused.sort());
  });

  it('agrees with docs/conformance.md', () => {
    const file = fileURLToPath(new URL('../../docs/conformance.md', import.meta.url));
    const document = conformanceDocument({
      suites: suites.map(([name, cases]) => ({ name, results: run(cases, false) })),
      refusals: REFUSALS,
      keyOf: key,
    });
    if (process.env['HONNIN_WRITE_CONFORMANCE'] === '1') writeFileSync(file, document);
    expect(readFileSync(file, 'utf8')).toBe(document);
  });
});
