import type {
  AbsenceReason,
  CertificateJudge,
  CertificateReport,
} from '../../domain/audit/replay/certificate-replay.js';
import { certificateRules } from '../../infrastructure/jpki/certificate-check.js';
import { certificateJudge } from '../../infrastructure/jpki/judge-kept-verdict.js';
import { TrustAnchorError, TrustAnchors } from '../../infrastructure/x509/path/trust-anchors.js';
import { objectIdentifier, readInputFile, wholeNumber } from '../certificate/certificate-input.js';
import { UsageError } from '../command.js';

const MANY = { type: 'string', multiple: true } as const;

/** Options of `audit verify` with which a reader brings trust anchors and rules of their own. */
export const ANCHOR_OPTIONS = {
  anchors: MANY,
  'auth-anchors': MANY,
  'sign-anchors': MANY,
  'auth-policy': MANY,
  'sign-policy': MANY,
  'auth-usage': MANY,
  'sign-usage': MANY,
  'status-age': { type: 'string' },
} as const;

export interface AnchorValues {
  readonly anchors?: readonly string[];
  readonly 'auth-anchors'?: readonly string[];
  readonly 'sign-anchors'?: readonly string[];
  readonly 'auth-policy'?: readonly string[];
  readonly 'sign-policy'?: readonly string[];
  readonly 'auth-usage'?: readonly string[];
  readonly 'sign-usage'?: readonly string[];
  readonly 'status-age'?: string;
}

/** @returns undefined when no anchor was given: nothing can be recomputed then
 *  @throws {UsageError} for files that are no certificates */
export function judgeWith(values: AnchorValues): CertificateJudge | undefined {
  const both = values.anchors ?? [];
  const [auth, sign] = [
    [...both, ...(values['auth-anchors'] ?? [])],
    [...both, ...(values['sign-anchors'] ?? [])],
  ];
  if (auth.length + sign.length === 0) return undefined;
  try {
    // The reader chose these files one by one, so a test hierarchy among them is meant.
    const anchors = TrustAnchors.load(
      { user_authentication: auth.map(readInputFile), digital_signature: sign.map(readInputFile) },
      'test',
    );
    const age = values['status-age'];
    return certificateJudge(
      certificateRules(anchors, {
        policyOids: {
          user_authentication: oidsIn(values['auth-policy']),
          digital_signature: oidsIn(values['sign-policy']),
        },
        usageOids: {
          user_authentication: oidsIn(values['auth-usage']),
          digital_signature: oidsIn(values['sign-usage']),
        },
        status: age === undefined ? undefined : { maxStatusAgeSeconds: wholeNumber(age) },
      }),
    );
  } catch (error) {
    if (error instanceof TrustAnchorError) throw new UsageError(`--anchors: ${error.message}`);
    throw error;
  }
}

/** Each option may hold several, as in the server's settings. */
function oidsIn(options: readonly string[] | undefined): readonly string[] | undefined {
  return options?.flatMap((text) => text.split(',')).map((text) => objectIdentifier(text.trim()));
}

const WHY: Readonly<Record<AbsenceReason, string>> = {
  erased: 'evidence erased with the registrant',
  erased_after_retention: 'evidence of a refused certificate erased after retention',
  not_permitted: 'the bundle was made without evidence (export with --with-evidence, where you may)',
  not_kept: 'the log says that no evidence was kept',
  withheld: 'evidence was asked for and is NOT in the bundle, and no erasure in it says why',
  no_anchors: 'no trust anchors given (--anchors FILE)',
  not_possible: 'the evidence does not hold what is needed',
};
const CASES_SHOWN = 10;

/** What the report says about certificates, line by line; nothing where the bundle has none. */
export function certificateLines({
  verdicts,
  recomputed,
  reproduced,
  absent,
  absentCases,
  anchorsNamed,
  boundBy,
}: CertificateReport): string[] {
  if (verdicts === 0) return [];
  const number = (n: number) => n.toLocaleString('en-US');
  const reasons = (Object.keys(absent) as AbsenceReason[]).filter((why) => absent[why] > 0);
  const perCase = (why: AbsenceReason) =>
    absentCases
      .filter((c) => c.why === why)
      .slice(0, CASES_SHOWN)
      .map(
        ({ index, requestId, detail }) =>
          `           at ${index}, case ${requestId}${detail === null ? '' : `: ${detail}`}`,
      );
  return [
    `certificates  ${number(reproduced)} of ${number(verdicts)} certificate verdicts reproduced${recomputed === verdicts ? '' : `; ${number(verdicts - recomputed)} not recomputed`}`,
    ...(boundBy.sha256 > 0
      ? [`           evidence of ${number(boundBy.sha256)} is what the log names by SHA-256`]
      : []),
    ...(boundBy.name > 0
      ? [
          `           evidence of ${number(boundBy.name)} is bound by 122 bits of SHA-1 alone: its events are of before version 3`,
        ]
      : []),
    // Reasons that hold for the whole bundle need no list of cases.
    ...reasons.flatMap((why) => [
      `           ${number(absent[why])}: ${WHY[why]}`,
      ...(why === 'no_anchors' || why === 'not_permitted' ? [] : perCase(why)),
    ]),
    ...(absent.no_anchors > 0
      ? Object.entries(anchorsNamed).map(
          ([sha256, count]) =>
            `           ${number(count)} verdicts name the anchor with SHA-256 ${sha256}: compare with what the certification service publishes`,
        )
      : []),
  ];
}
