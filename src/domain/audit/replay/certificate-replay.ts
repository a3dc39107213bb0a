import type { CertificateEvidence } from '../../values/certificate-status.js';
import { currentVersion, UnknownEventError, upcast } from '../../event-registry.js';
import type { JsonObject } from '../../event-envelope.js';
import type { CardAgreement } from '../../registration/card-agreement.js';
import type { EvidenceName } from './evidence-name.js';
import { registrantOf, type LeafEvent } from '../log/leaf.js';

/** A certificate verdict of the history with everything that was kept of it. */
export interface KeptVerdict {
  readonly index: number;
  readonly requestId: string;
  readonly verdict: 'valid' | 'invalid';
  /** Why it was refused; null for a valid certificate. */
  readonly reason: string | null;
  readonly evidence: CertificateEvidence;
  /** What the event says of certificate and face record, in today's shape; null for a refusal. */
  readonly agreement: CardAgreement | null;
  readonly sealedEvidenceId: string;
  /** SHA-256 of the evidence as the event states it, hex; null in events of before it was recorded. */
  readonly sealedEvidenceSha256: string | null;
  /** Id of the effect that asked for the check: a part of the evidence's id. */
  readonly effectId: string;
  /** What was received, as the log tells it; null where the bundle does not have it. */
  readonly request: Readonly<Record<string, unknown>> | null;
  /** The sealed evidence, opened. */
  readonly sealed: Uint8Array;
}

/** Why a verdict whose evidence is whole cannot be judged: the reader does not have the roots with which it was made,
 *  or it
 *  follows with the settings that were kept with it and not with the reader's. */
export type UndecidedVerdict = 'certificate_anchor' | 'certificate_settings';

/** What became of one recomputation. `not_possible`: the evidence does not hold what is needed. */
export type VerdictJudgement =
  | { readonly judged: 'reproduced' }
  | { readonly judged: 'differs'; readonly detail: string }
  | { readonly judged: 'not_possible'; readonly why: string }
  | { readonly judged: 'undecided'; readonly code: UndecidedVerdict; readonly why: string };

/** Recomputes a verdict. It brings its own trust anchors: those of the log are those of whoever wrote it. */
export type CertificateJudge = (kept: KeptVerdict) => VerdictJudgement;

/** Why a verdict was not recomputed. `erased`: its evidence went with the registrant. `erased_after_retention`: a
 * refused card's, when the time that the policy gives was over. `not_permitted`: the bundle was asked for without
 * evidence. `not_kept`: the event itself says that there was none. `withheld`: evidence was asked for and is not there,
 * and the bundle does not say why. `no_anchors`: nobody gave trust anchors. `not_possible`: the evidence does not hold
 * what is needed. */
export type AbsenceReason =
  'erased' | 'erased_after_retention' | 'not_permitted' | 'not_kept' | 'withheld' | 'no_anchors' | 'not_possible';

export interface CertificateReport {
  /** Verdicts that the bundle tells of. */
  readonly verdicts: number;
  readonly recomputed: number;
  readonly reproduced: number;
  readonly absent: Readonly<Record<AbsenceReason, number>>;
  /** Evidence in the bundle by what binds it to the log: the SHA-256 in the event, or, in events of before that, its
   * name alone. */
  readonly boundBy: { readonly sha256: number; readonly name: number };
  /** The first of them, each with its place. */
  readonly absentCases: readonly {
    readonly index: number;
    readonly requestId: string;
    readonly why: AbsenceReason;
    readonly detail: string | null;
  }[];
  /** SHA-256 of the trust anchors that the verdicts name, with their number: for who has none yet, and must ask
   * somebody else. */
  readonly anchorsNamed: Readonly<Record<string, number>>;
  readonly differences: readonly { readonly index: number; readonly detail: string }[];
  /** Verdicts of which this reader cannot say more. */
  readonly undecided: readonly { readonly code: UndecidedVerdict; readonly index: number; readonly detail: string }[];
  /** Evidence in the bundle that is not what the event named, whether or not a reader has anchors. */
  readonly foreign: readonly { readonly index: number; readonly detail: string }[];
}

export const NO_CERTIFICATES: CertificateReport = {
  verdicts: 0,
  recomputed: 0,
  reproduced: 0,
  absent: {
    erased: 0,
    erased_after_retention: 0,
    not_permitted: 0,
    not_kept: 0,
    withheld: 0,
    no_anchors: 0,
    not_possible: 0,
  },
  boundBy: { sha256: 0, name: 0 },
  absentCases: [],
  anchorsNamed: {},
  differences: [],
  undecided: [],
  foreign: [],
};

const ABSENT_CASES_MAX = 1000;

interface Verdict extends Omit<KeptVerdict, 'sealed' | 'sealedEvidenceId'> {
  readonly sealedEvidenceId: string | null;
  /** The event is of a version that states the digest of its evidence, and does not state one, or states one of
   * nothing. */
  readonly isDigestAmiss: boolean;
  /** Token of the registrant under whose key the evidence lies; null for a refused card, whose evidence stands for
   * itself. */
  readonly registrant: string | null;
}

/** Collects the certificate verdicts of a history and has each recomputed from the evidence in the bundle. Fed one
 * event at a time. */
export class CertificateReplay {
  private readonly requests = new Map<string, Readonly<Record<string, unknown>>>();
  private readonly verdicts: Verdict[] = [];
  private readonly erased = new Set<string>();
  /** Ids of evidence of which the history says that it was erased when its retention was over. */
  private readonly ended = new Set<string>();

  feed(index: number, original: LeafEvent): void {
    const { type, stream, metadata } = original;
    const data = NAMING_EVIDENCE.has(original.type) ? inTodaysShape(original) : original.data;
    if (type === 'RequestReceived') this.requests.set(metadata.correlationId, data);
    if (type === 'RegistrantErased') this.erased.add(registrantOf(stream) ?? '');
    if (type === 'RefusedEvidenceErased') this.ended.add(String(data['sealedEvidenceId']));
    if (type !== 'CertificateVerified' && type !== 'CertificateRejected') return;
    const isValid = type === 'CertificateVerified';
    this.verdicts.push({
      index,
      requestId: metadata.correlationId,
      verdict: isValid ? 'valid' : 'invalid',
      reason: isValid ? null : String(data['reason']),
      evidence: data['evidence'] as unknown as CertificateEvidence,
      agreement: isValid ? (data['agreement'] as unknown as CardAgreement) : null,
      ...evidenceIn(original, data),
      effectId: metadata.causationId,
      request: this.requests.get(metadata.correlationId) ?? null,
      registrant: isValid ? String(data['subjectKey']) : null,
    });
  }

  /** Ids of all evidence that the history names. */
  evidenceIds(): ReadonlySet<string> {
    return new Set(this.verdicts.flatMap(({ sealedEvidenceId }) => sealedEvidenceId ?? []));
  }

  /** @param evidence opened evidence by its id
   *  @param isNamed whether an event names these bytes
   *  @param judge null: the reader has no trust anchors, or no means */
  finish({
    evidence,
    isNamed,
    wasAsked,
    judge,
  }: {
    readonly evidence: (id: string) => Uint8Array | null;
    readonly isNamed: (name: EvidenceName, effectId: string, bytes: Uint8Array) => boolean;
    readonly wasAsked: boolean;
    readonly judge: CertificateJudge | null;
  }): CertificateReport {
    const absent = { ...NO_CERTIFICATES.absent };
    const absentCases: CertificateReport['absentCases'][number][] = [];
    const differences: { index: number; detail: string }[] = [];
    const undecided: CertificateReport['undecided'][number][] = [];
    const foreign: { index: number; detail: string }[] = [];
    const anchorsNamed: Record<string, number> = {};
    let [recomputed, reproduced] = [0, 0];
    const leaveOut = ({ index, requestId }: Verdict, why: AbsenceReason, detail: string | null = null): void => {
      absent[why] += 1;
      if (absentCases.length < ABSENT_CASES_MAX) absentCases.push({ index, requestId, why, detail });
    };
    const boundBy = { sha256: 0, name: 0 };
    for (const verdict of this.verdicts) {
      const anchor = verdict.evidence?.trustAnchorSha256;
      if (typeof anchor === 'string') anchorsNamed[anchor] = (anchorsNamed[anchor] ?? 0) + 1;
      const { sealedEvidenceId, sealedEvidenceSha256: sha256 } = verdict;
      if (verdict.isDigestAmiss)
        foreign.push({
          index: verdict.index,
          detail: 'the event does not state the SHA-256 of its evidence as its version does',
        });
      const sealed = sealedEvidenceId === null ? null : evidence(sealedEvidenceId);
      if (sealedEvidenceId === null) leaveOut(verdict, 'not_kept');
      else if (sealed && this.isEnded(verdict))
        differences.push({
          index: verdict.index,
          detail: 'the history says that its evidence was erased, and here it is',
        });
      else if (!sealed) leaveOut(verdict, this.whyAbsent(verdict, wasAsked));
      else if (!isNamed({ id: sealedEvidenceId, sha256 }, verdict.effectId, sealed)) {
        foreign.push({
          index: verdict.index,
          detail: `the evidence in the bundle is not the one that the log names for case ${verdict.requestId}`,
        });
      } else {
        boundBy[sha256 === null ? 'name' : 'sha256'] += 1;
        if (!judge) {
          leaveOut(verdict, 'no_anchors');
          continue;
        }
        const judgement = judge({ ...verdict, sealedEvidenceId, sealed });
        if (judgement.judged === 'not_possible') leaveOut(verdict, 'not_possible', judgement.why);
        else if (judgement.judged !== 'undecided') recomputed += 1;
        if (judgement.judged === 'reproduced') reproduced += 1;
        if (judgement.judged === 'undecided')
          undecided.push({ code: judgement.code, index: verdict.index, detail: judgement.why });
        if (judgement.judged === 'differs') differences.push({ index: verdict.index, detail: judgement.detail });
      }
    }
    return {
      verdicts: this.verdicts.length,
      recomputed,
      reproduced,
      absent,
      boundBy,
      absentCases,
      anchorsNamed,
      differences,
      undecided,
      foreign,
    };
  }

  private whyAbsent(verdict: Verdict, wasAsked: boolean): AbsenceReason {
    const { registrant } = verdict;
    if (this.isEnded(verdict)) return 'erased_after_retention';
    if (registrant !== null && this.erased.has(registrant)) return 'erased';
    return wasAsked ? 'withheld' : 'not_permitted';
  }

  /** Only evidence of a refusal has a time of its own. */
  private isEnded({ registrant, sealedEvidenceId }: Verdict): boolean {
    return registrant === null && sealedEvidenceId !== null && this.ended.has(sealedEvidenceId);
  }
}

/** Events in whose data evidence is named. */
const NAMING_EVIDENCE: ReadonlySet<string> = new Set(['CertificateVerified', 'CertificateRejected']);

/** Version of each from which on the SHA-256 of the evidence stands in it. */
const WITH_DIGEST: Readonly<Record<string, number>> = { CertificateVerified: 3, CertificateRejected: 2 };

function evidenceIn(
  { type, schemaVersion }: LeafEvent,
  data: JsonObject,
): Pick<Verdict, 'sealedEvidenceId' | 'sealedEvidenceSha256' | 'isDigestAmiss'> {
  const [id, digest] = [data['sealedEvidenceId'], data['sealedEvidenceSha256']];
  const sealedEvidenceId = typeof id === 'string' ? id : null;
  const sealedEvidenceSha256 = typeof digest === 'string' ? digest : null;
  const isStated = schemaVersion >= (WITH_DIGEST[type] ?? 0) && sealedEvidenceId !== null;
  const isAmiss = isStated ? !/^[0-9a-f]{64}$/.test(sealedEvidenceSha256 ?? '') : sealedEvidenceSha256 !== null;
  return { sealedEvidenceId, sealedEvidenceSha256, isDigestAmiss: isAmiss && schemaVersion <= currentVersion(type) };
}

/** A version that this program does not know is named by the decisions' replay; here its data are read as they are. */
function inTodaysShape(event: LeafEvent): JsonObject {
  try {
    return upcast(event).data;
  } catch (error) {
    if (error instanceof UnknownEventError) return event.data;
    throw error;
  }
}
