import { createHash } from 'node:crypto';
import { isEvidenceOf } from '../../application/case/sealed-evidence.js';
import type {
  CertificateJudge,
  KeptVerdict,
  UndecidedVerdict,
  VerdictJudgement,
} from '../../domain/audit/replay/certificate-replay.js';
import {
  compareCard,
  type CardAgreement,
  type CertificateStatements,
  type FaceRecordStatements,
} from '../../domain/registration/card-agreement.js';
import { canonicalJson } from '../../domain/values/canonical-json.js';
import type { CertificateSettings } from '../../application/ports/outside/certificate-verifier.js';
import type { CertificateType } from '../../domain/values/certificate-status.js';
import { certificateRules, settingsOf, withSettings, type CertificateRules } from './certificate-check.js';
import { differences, readKeptEvidence, recomputeVerdict, type KeptEvidence } from './recompute-verdict.js';

/** Members of the signed envelope that the log also tells in clear: card and log must agree on each. */
const SAME_IN_BOTH = ['boothId', 'counter', 'certificateType', 'mode', 'capturedAtUtc', 'consent'] as const;

/** A judge for the certificate verdicts of an audit bundle. Nothing is taken from the writer but the bytes of
 * certificate, status answer and signed envelope: anchors and rules are the reader's own, and the evidence must be the
 * very bytes that the signed log names.
 * @param rules the reader's anchors and rules. @req R6 R22 */
export function certificateJudge(rules: CertificateRules): CertificateJudge {
  return (kept) => {
    try {
      return judge(kept, rules);
    } catch (error) {
      // Bytes that only a forger or a fault can have put there; which of the two is not for this program to say.
      return {
        judged: 'differs',
        detail: `the evidence cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      };
    }
  };
}

function judge(kept: KeptVerdict, rules: CertificateRules): VerdictJudgement {
  const named = { id: kept.sealedEvidenceId, sha256: kept.sealedEvidenceSha256 };
  if (!isEvidenceOf(named, kept.effectId, kept.sealed))
    return differs('the evidence in the bundle is not the one that the log names');
  const { sealed, presented } = readKeptEvidence(kept.sealed);
  if (!presented)
    return {
      judged: 'not_possible',
      why: "the card's signature was not kept with this evidence (kept by an earlier version)",
    };
  const other = otherRequest(kept, { sealed, presented });
  if (other !== null) return differs(other);
  return judgedWithAnchors(kept, { sealed, presented }, rules);
}

type Opened = KeptEvidence & { readonly presented: NonNullable<KeptEvidence['presented']> };

/** Roots are the reader's, and a reader need not have all that the server had: what was judged with one that the reader
 *  does
 *  not have is neither right nor wrong here. Which that was the verdict says, or, of a refusal without a path, what was
 *  kept
 *  with its evidence; evidence of before says nothing of it. */
function judgedWithAnchors(kept: KeptVerdict, opened: Opened, rules: CertificateRules): VerdictJudgement {
  const named =
    kept.evidence.trustAnchorSha256 === null
      ? (opened.sealed.settings?.anchors ?? null)
      : [kept.evidence.trustAnchorSha256];
  const mine = settingsOf(rules, opened.presented.certificateType).anchors;
  const missing = named?.filter((sha256) => !mine.includes(sha256)) ?? [];
  if (missing.length > 0)
    return undecided(
      'certificate_anchor',
      `it was made with roots that you did not give: SHA-256 ${missing.join(', ')}`,
    );
  const used = named === null ? rules : { ...rules, anchors: rules.anchors.only(named) };
  const found = judgedAgain(kept, opened, used);
  if (found.judged !== 'differs') return found;
  const own = byItsOwnSettings(kept, opened, { found, rules: used });
  if (own.judged !== 'differs' || named !== null || kept.verdict === 'valid') return own;
  return undecided('certificate_anchor', `which roots the server had then was not kept, and with yours ${own.detail}`);
}

function judgedAgain(kept: KeptVerdict, { sealed, presented }: Opened, rules: CertificateRules): VerdictJudgement {
  const again = recomputeVerdict({ sealed, ...presented, evidence: kept.evidence }, rules);
  // The card's face record is judged after its certificate; a refusal for it leaves a certificate that was good.
  const expected = kept.reason !== null && AFTER_A_GOOD_CERTIFICATE.has(kept.reason) ? 'valid' : kept.verdict;
  if (again.verdict !== expected)
    return differs(
      `it was ${kept.verdict}${kept.reason === null ? '' : ` (${kept.reason})`} and the evidence gives ${again.verdict}${reasonOf(again)}`,
    );
  if (again.verdict === 'invalid' && again.reason !== kept.reason)
    return differs(`it was refused for ${kept.reason} and the evidence gives ${again.reason}`);
  const fields = differences({ verdict: again.verdict, evidence: kept.evidence }, again);
  if (fields.length > 0) return differs(`the log states another ${fields.join(', ')} than the evidence gives`);
  const points = again.verdict === 'valid' ? otherAgreement(kept, again.statements, presented.faceRecord) : [];
  return points.length === 0
    ? { judged: 'reproduced' }
    : differs(
        `the log states another agreement of certificate and face record (${points.join(', ')}) than the evidence gives`,
      );
}

/** What an operator may set is not for the log to decide, nor for its reader: a verdict that follows from the evidence
 *  with the settings that were kept with it, and not with the reader's, is neither right nor wrong until somebody says
 *  which settings were to be used. */
function byItsOwnSettings(
  kept: KeptVerdict,
  opened: Opened,
  { found, rules }: { readonly found: VerdictJudgement; readonly rules: CertificateRules },
): VerdictJudgement {
  const type = opened.presented.certificateType;
  const [mine, its] = [settingsOf(rules, type), opened.sealed.settings ?? settingsOfBefore(rules, type)];
  const other = (Object.keys(OPTIONS) as (keyof typeof OPTIONS)[]).filter(
    (name) => canonicalJson(mine[name] as never) !== canonicalJson(its[name] as never),
  );
  if (other.length === 0 || judgedAgain(kept, opened, withSettings(rules, type, its)).judged !== 'reproduced')
    return found;
  const text = (value: CertificateSettings[keyof CertificateSettings]) =>
    typeof value === 'number' ? String(value) : value.join(',');
  const told = other.map((name) => `${OPTIONS[name](type)} ${text(its[name])} (yours: ${text(mine[name])})`).join(', ');
  return undecided(
    'certificate_settings',
    `it follows from the evidence with the settings that the server had, and not with yours: ${told}`,
  );
}

/** The option of `audit verify` for each setting. */
const OPTIONS: Readonly<Record<Exclude<keyof CertificateSettings, 'anchors'>, (type: CertificateType) => string>> = {
  policies: (type) => (type === 'user_authentication' ? '--auth-policy' : '--sign-policy'),
  extendedKeyUsages: (type) => (type === 'user_authentication' ? '--auth-usage' : '--sign-usage'),
  statusAgeSecondsMax: () => '--status-age',
};

/** Before settings were kept with the evidence, extended key usages could not be set: all servers had the profile's
 *  own. */
function settingsOfBefore(rules: CertificateRules, type: CertificateType): CertificateSettings {
  return {
    ...settingsOf(rules, type),
    extendedKeyUsages: settingsOf(certificateRules(rules.anchors), type).extendedKeyUsages,
  };
}

/** Refusals for what comes after the certificate: it was good. */
const AFTER_A_GOOD_CERTIFICATE: ReadonlySet<string> = new Set(['card_record', 'signing_certificate_needed']);

/** The comparisons made again from what was kept; the authority's word about the card came from outside and stays as it
 * is told.
 * @returns the points of which the log says something else */
function otherAgreement(
  { agreement }: KeptVerdict,
  statements: CertificateStatements,
  faceRecord: FaceRecordStatements | null,
): string[] {
  if (agreement === null || faceRecord === null) return [];
  const again = compareCard(statements, faceRecord, agreement.sameCard);
  return (Object.keys(again) as (keyof CardAgreement)[]).filter(
    (point) => canonicalJson(again[point]) !== canonicalJson(agreement[point]),
  );
}

/** @returns what shows that the card signed something else than the log says was received; null when both agree */
function otherRequest({ request }: KeptVerdict, { sealed, presented }: Opened): string | null {
  const signed = JSON.parse(Buffer.from(presented.signedBytes).toString('utf8')) as Record<string, unknown>;
  if (signed['certificateSha256'] !== createHash('sha256').update(sealed.certificate).digest('hex'))
    return 'the envelope that the card signed names another certificate';
  if (request === null) return null;
  const at = SAME_IN_BOTH.find(
    (name) => canonicalJson((signed[name] ?? null) as never) !== canonicalJson((request[name] ?? null) as never),
  );
  return at === undefined ? null : `the envelope that the card signed has another ${at} than the request in the log`;
}

function reasonOf(verdict: ReturnType<typeof recomputeVerdict>): string {
  return verdict.verdict === 'valid'
    ? ''
    : ` (${verdict.verdict === 'invalid' ? verdict.reason : verdict.cause}: ${verdict.detail})`;
}

function differs(detail: string): Extract<VerdictJudgement, { judged: 'differs' }> {
  return { judged: 'differs', detail };
}

function undecided(code: UndecidedVerdict, why: string): VerdictJudgement {
  return { judged: 'undecided', code, why };
}
