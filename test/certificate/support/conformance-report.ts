import { EXTENSION_TABLE } from './extension-table.js';
import type { OfflineVerdict } from '../../../src/infrastructure/jpki/offline/offline-check.js';
import type { ConformanceCase } from './conformance-data.js';

export interface SuiteResult {
  readonly case: ConformanceCase;
  readonly verdict: OfflineVerdict;
  readonly elapsedMs: number;
}

export interface Tally {
  readonly section: string;
  readonly cases: number;
  readonly agree: number;
  readonly falseAccepts: number;
  readonly falseRefusals: number;
}

/** Counts by section, and their sum last. `unknown` is not an acceptance. */
export function tally(results: readonly SuiteResult[]): Tally[] {
  const sections = [...new Set(results.map((r) => r.case.section))];
  const count = (section: string, list: readonly SuiteResult[]): Tally => {
    const falseAccepts = list.filter((r) => r.verdict.verdict === 'valid' && !r.case.valid).length;
    const falseRefusals = list.filter((r) => r.verdict.verdict !== 'valid' && r.case.valid).length;
    return {
      section,
      cases: list.length,
      agree: list.length - falseAccepts - falseRefusals,
      falseAccepts,
      falseRefusals,
    };
  };
  return [
    ...sections.map((s) =>
      count(
        s,
        results.filter((r) => r.case.section === s),
      ),
    ),
    count('all', results),
  ];
}

export function tallyTable(rows: readonly Tally[]): string {
  const head = '| section | cases | agree | false accepts | false refusals |\n| --- | ---: | ---: | ---: | ---: |';
  return [
    head,
    ...rows.map((r) => `| ${r.section} | ${r.cases} | ${r.agree} | ${r.falseAccepts} | ${r.falseRefusals} |`),
  ].join('\n');
}

/** The text of docs/conformance.md. */
export function conformanceDocument(input: {
  readonly suites: readonly { readonly name: string; readonly results: readonly SuiteResult[] }[];
  readonly refusals: Readonly<Record<string, string>>;
  readonly keyOf: (result: SuiteResult) => string;
}): string {
  const sections = input.suites.map(
    ({ name, results }) =>
      `## ${name}\n\n${tallyTable(tally(results))}\n\n${refusalTable(results, input.refusals, input.keyOf)}`,
  );
  return `# Conformance of the certificate verifier

These figures are written by \`test/certificate/conformance.test.ts\`, which fails when they are no longer true:
\`HONNIN_WRITE_CONFORMANCE=1 ./honnin test test/certificate/conformance.test.ts\` writes them anew.

Each case is judged by \`checkOffline\`, the function behind \`./honnin verify-certificate\`; path, signatures, OCSP answers and CRLs go
through the same code as in the server. Profile \`rfc5280\`, every certificate of a path needs a status where the case brings CRLs, and
\`unknown\` counts as not accepted. A false accept is a case that the suite refuses and we call valid; there must be none. A false refusal is
a case that the suite accepts and we do not; each has its reason below.

PKITS is judged at its own time with SHA-1 allowed (an option of the tools that the server does not have), x509-limbo at each case's time.
Of x509-limbo the \`webpki::\` cases are left out: they are about names of TLS servers.

${sections.join('\n\n')}

## Certificate and card

What is compared between a verified certificate and a genuine face record, and what follows
([0070](decisions/0070-certificate-and-face-record-are-compared.md)):

| compared | with user authentication (利用者証明用) | with digital signature (署名用) | a difference |
| --- | --- | --- | --- |
| date of birth | cannot be told: not named | certificate against DF22 | held for two officers |
| sex | cannot be told: not named | certificate against DF23 | held |
| ends on a birthday | last day in Japan against DF22 | the same | held |
| does not outlive the card | last day against DF29, which is not signed | the same | held |
| the authority's word on both | where a link service tells | the same | refused: \`other_card\` |
| name, address | never: pictures in the record | never: pictures in the record | – |

**What no server can know**: that the booth read certificate and face record in one stay of one card. Both keys sign
the same envelope, so both cards were on a reader of that booth while the nonce lived; that it was one card, only the
booth has seen. With certificates of user authentication and no authority that tells, two people with the same
birthday cannot be told apart; the record says \`cannot_tell\`, and \`holdOnCardUnconfirmed\` has two officers look. With
signing certificates two people of the same date of birth and sex cannot. The face is compared with the face record,
so what such a fraud gains is another person's certificate under one's own face: claim 4's hold finds it where the
person was registered before, whichever of the person's certificates is used
([0071](decisions/0071-one-registrant-for-all-certificates.md)).

${EXTENSION_TABLE}

## What else is held against it

| test | what it shows |
| --- | --- |
| \`test/certificate/differential.test.ts\` | certificates, CRLs and OCSP answers with one thing wrong and with seeded combinations: wherever \`openssl verify\` or \`openssl ocsp\` says no, we do not say yes |
| \`test/certificate/fuzz.test.ts\` | seeded mutation of certificates, OCSP answers, CRLs, keys, signatures, card records and of the suites above: no exception, nothing slower than 250 ms, nothing that was not valid becomes valid |
| \`test/certificate/undecidable.test.ts\` | every kind of fault that was found in other software and here: evaded constraints, keys that are none, extensions that nothing acts upon, lists that hide lists |
| \`test/certificate/pkijs-peer.test.ts\` | every field of the suites' certificates and CRLs reads as pkijs reads it |
| \`test/certificate/ocsp-certificate-verifier.test.ts\`, \`crl-store.test.ts\` | a real \`openssl ocsp\` responder, and responders and CRL servers that lie, stall, drip and redirect |
| \`test/audit/timestamp.test.ts\` | RFC 3161 answers of \`openssl ts\` and of a stand-in with 49 faults: what \`openssl ts -verify\` or pkijs refuse is never good here, each fault has its named reason, and no single changed bit of a whole answer leaves it good |
| \`test/audit/lists.test.ts\` | 25 ways to lie with a list and its certificate (a row or page dropped, added, changed, moved, another count, an old checkpoint, another key, a certificate of another list): each is found and named, with the place in the log |
| \`test/api/access.test.ts\` | for every route that shows records: no answer before its record, and no word of it where the record cannot be stored |
| \`test/journeys/one-card.test.ts\` | two cards in one request, two certificates of one card at once and over a renewal, an authority that denies, does not tell or is away, and an erasure that takes every key: on the real server |
| \`test/domain/card-agreement.test.ts\`, \`birthday.test.ts\` | every comparison with its exceptions; 15,000 honest cards of seeded people, renewed twice, never differ |
| \`test/contract/subject-linker.contract.ts\` | what every linker and its stand-ins say about which cards belong together |
| \`test/journeys/erasure.test.ts\` | a person is erased on the real server: bundles of before and after verify, neither file bytes nor key are on the disk, a sealed file that is put back opens for nobody |
| \`./honnin bench certificate\` | time beside \`node:crypto\` alone and pkijs, and a CRL of 200,000 entries |

The vectors of boringssl (OCSP, CRL) and Wycheproof (signatures) are not part of this project; \`verify-ocsp-response\`, \`verify-crl\` and
\`verify-signature\` take them with \`--batch\`.
`;
}

function refusalTable(
  results: readonly SuiteResult[],
  refusals: Readonly<Record<string, string>>,
  keyOf: (result: SuiteResult) => string,
): string {
  const refused = results.filter((r) => r.verdict.verdict !== 'valid' && r.case.valid);
  if (refused.length === 0) return 'No false refusals.';
  const rows = refused.map((r) => `| ${keyOf(r)} | ${r.verdict.reason} | ${refusals[keyOf(r)] ?? 'not explained'} |`);
  return ['False refusals:', '', '| case | our answer | why |', '| --- | --- | --- |', ...rows].join('\n');
}
