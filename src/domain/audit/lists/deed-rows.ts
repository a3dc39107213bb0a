import type { Json, JsonObject } from '../../event-envelope.js';
import type { LeafEvent } from '../log/leaf.js';

/** Lists of what was done: one row for each event, which no later event changes. `decisions`: what was decided about a
 * request. `erasures`: what was erased, and by which rule. `exports`: what left the house. */
export const DEED_LISTS = ['decisions', 'erasures', 'exports'] as const;
export type DeedList = (typeof DEED_LISTS)[number];

/** A row of a list of deeds. `people`: places of the events that name people of the office whose tokens are in it. */
export interface DeedRow {
  readonly row: JsonObject;
  readonly index: number;
  readonly people: readonly number[];
}

type Told = Pick<LeafEvent, 'stream' | 'type' | 'data' | 'metadata'> & Partial<Pick<LeafEvent, 'id'>>;

/** Events that decide about a request, in the order of a case. */
const DECISIONS: ReadonlySet<string> = new Set([
  'CertificateVerified',
  'CertificateRejected',
  'FaceMatched',
  'FaceReferred',
  'FaceMismatched',
  'FaceNotComparable',
  'Held',
  'HoldReleased',
  'HoldRejected',
  'RecaptureRequested',
  'HoldExpired',
  'GovernmentAccepted',
  'GovernmentRefused',
  'KeptInRegistry',
  'RegistrationWithdrawn',
  'RequestEndedByOperator',
]);
const COMPARISONS: ReadonlySet<string> = new Set(['FaceMatched', 'FaceReferred', 'FaceMismatched']);
/** What officers decided; before one of these no opinion is in any row. */
const OF_OFFICERS: ReadonlySet<string> = new Set(['HoldReleased', 'HoldRejected', 'RecaptureRequested']);
const OPENS_AN_ACT: ReadonlySet<string> = new Set(['ActProposed', 'ActApproved', 'ActBegun']);
const ACT_STREAM = 'act-';

/** What later rows of a case tell of earlier events. */
interface CaseSoFar {
  readonly boothId: Json;
  readonly cardPoints: Json;
  readonly registeredPoints: Json;
  readonly opinions: readonly { readonly index: number; readonly row: JsonObject }[];
}

/** Draws the lists of deeds out of a history, one event at a time. */
export class DeedRows {
  private readonly rows: Readonly<Record<DeedList, DeedRow[]>> = { decisions: [], erasures: [], exports: [] };
  private readonly cases = new Map<string, CaseSoFar>();
  /** The act of two people that an event belongs to, by the event's id. */
  private readonly acts = new Map<string, string>();

  /** @param names lists that will be asked for: nothing is kept for the others */
  constructor(private readonly names: readonly string[]) {}

  of(list: DeedList): readonly DeedRow[] {
    return this.rows[list];
  }

  feed(leaf: Told, index: number): void {
    if (this.names.includes('decisions')) this.decision(leaf, index);
    if (this.names.includes('erasures')) this.erasure(leaf, index);
    const left = this.names.includes('exports') ? exportRow(leaf, index) : null;
    if (left) this.rows.exports.push({ row: left, index, people: [index] });
  }

  private decision({ type, data, metadata }: Told, index: number): void {
    const { correlationId: requestId, recordedAtUtc, policyVersion } = metadata;
    const soFar = after(this.cases.get(requestId) ?? NOTHING_YET, { type, data }, index);
    if (soFar !== NOTHING_YET) this.cases.set(requestId, soFar);
    if (!DECISIONS.has(type)) return;
    const opinions = OF_OFFICERS.has(type) ? soFar.opinions : [];
    const row = {
      position: index,
      atUtc: recordedAtUtc,
      requestId,
      boothId: soFar.boothId,
      decision: type,
      reason: valueOf(data, 'reason'),
      policyVersion,
      cardPoints: soFar.cardPoints,
      registeredPoints: soFar.registeredPoints,
      boundPoints: valueOf(data, COMPARISONS.has(type) ? 'thresholdPoints' : 'boundPoints'),
      officers: valueOf(data, 'officers') ?? [],
      opinions: opinions.map((opinion) => opinion.row),
      by: valueOf(data, 'by'),
    };
    this.rows.decisions.push({ row, index, people: [index, ...opinions.map((opinion) => opinion.index)] });
  }

  private erasure({ stream, type, id, data, metadata }: Told, index: number): void {
    const isOfAct = OPENS_AN_ACT.has(type);
    const act = isOfAct ? stream.slice(ACT_STREAM.length) : (this.acts.get(metadata.causationId) ?? null);
    // An erasure of a person's other keys names the erasure of the first one as its cause.
    if (id !== undefined && act !== null && (isOfAct || type === 'RegistrantErased')) this.acts.set(id, act);
    const erased = ERASED_BY[type];
    if (erased === undefined) return;
    const row = {
      position: index,
      atUtc: metadata.recordedAtUtc,
      requestId: metadata.correlationId,
      erased,
      rule: valueOf(data, type === 'RegistrantErased' || type === 'RefusedEvidenceErased' ? 'rule' : 'reason'),
      by: valueOf(data, 'by'),
      actId: act,
    };
    this.rows.erasures.push({ row, index, people: [index] });
  }
}

const NOTHING_YET: CaseSoFar = { boothId: null, cardPoints: null, registeredPoints: null, opinions: [] };

/** What is gone after an event. */
const ERASED_BY: Readonly<Record<string, string>> = {
  RegistrantErased: 'registrant',
  FaceImageWithdrawn: 'registered_image',
  RefusedEvidenceErased: 'refused_evidence',
  RequestLapsed: 'unfinished_request',
};

/** Events from which a list of deeds is drawn; all others leave it as it is. */
export const DEED_TYPES: readonly string[] = [
  ...DECISIONS,
  ...COMPARISONS,
  ...OPENS_AN_ACT,
  ...Object.keys(ERASED_BY),
  'RequestReceived',
  'OpinionGiven',
  'OpinionWithdrawn',
  'AuditExported',
  'BiometricViewed',
];

function after(soFar: CaseSoFar, { type, data }: Pick<Told, 'type' | 'data'>, index: number): CaseSoFar {
  if (type === 'RequestReceived') return { ...NOTHING_YET, boothId: valueOf(data, 'boothId') };
  if (type === 'OpinionGiven') return { ...soFar, opinions: [...soFar.opinions, { index, row: opinionOf(data) }] };
  if (type === 'OpinionWithdrawn')
    return { ...soFar, opinions: soFar.opinions.filter(({ row }) => row['officer'] !== valueOf(data, 'officer')) };
  return COMPARISONS.has(type) ? { ...soFar, ...pointsOf(data) } : soFar;
}

function opinionOf(data: JsonObject): JsonObject {
  return { officer: valueOf(data, 'officer'), opinion: valueOf(data, 'opinion'), reason: valueOf(data, 'reason') };
}

function pointsOf(data: JsonObject): Pick<CaseSoFar, 'cardPoints' | 'registeredPoints'> {
  const registered = data['registered'] as JsonObject | undefined | null;
  return { cardPoints: valueOf(data, 'cardPoints'), registeredPoints: registered?.['points'] ?? null };
}

/** What left the house: a bundle, or a picture that was given to somebody else; null for other events. */
function exportRow({ type, data, metadata }: Told, index: number): JsonObject | null {
  const isPicture = type === 'BiometricViewed' && data['purpose'] === 'disclosure';
  if (type !== 'AuditExported' && !isPicture) return null;
  return {
    position: index,
    atUtc: metadata.recordedAtUtc,
    act: type,
    by: valueOf(data, isPicture ? 'officer' : 'by'),
    what: isPicture ? valueOf(data, 'image') : 'bundle',
    requestId: valueOf(data, 'requestId'),
    reference: valueOf(data, 'reference'),
    query: valueOf(data, 'query'),
    leaves: valueOf(data, 'leaves'),
    withOpenings: valueOf(data, 'withOpenings'),
    withEvidence: valueOf(data, 'withEvidence'),
    // Exports of before stated none, and their rows stay what certificates were signed over.
    ...(!isPicture && valueOf(data, 'purpose') !== null && { purpose: valueOf(data, 'purpose') }),
  };
}

function valueOf(data: JsonObject, name: string): Json {
  return data[name] ?? null;
}
