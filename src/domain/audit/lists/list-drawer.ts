import { upcast, UnknownEventError } from '../../event-registry.js';
import type { Json, JsonObject } from '../../event-envelope.js';
import { policyDecider, type PolicyState } from '../../policy/policy.js';
import type { PolicyEvent } from '../../policy/policy.events.js';
import { canonicalJson } from '../../values/canonical-json.js';
import { toBase64 } from '../log/bytes.js';
import { DEED_LISTS, DEED_TYPES, DeedRows } from './deed-rows.js';
import type { Hash } from '../log/merkle-tree.js';
import type { LeafEvent } from '../log/leaf.js';

const LABEL = 'honnin population certificate v1';

/** What an export or a list claims about its own completeness. Signed as a note by the log's key; its first line is no
 * origin, so that it can never be read as a checkpoint. */
export interface PopulationClaim {
  readonly origin: string;
  readonly treeSize: number;
  readonly root: Hash;
  /** What was asked for, with every parameter. */
  readonly query: JsonObject;
  /** Policy in force when it was made. */
  readonly policyVersion: number | null;
  readonly count: number;
  readonly first: number | null;
  readonly last: number | null;
  /** True when every leaf from first to last is there. */
  readonly noGaps: boolean;
  /** SHA-256 over the leaf hashes in order, hex. */
  readonly leavesSha256: string;
  /** SHA-256 over the canonical rows of each list, hex. */
  readonly lists: Readonly<Record<string, { readonly rows: number; readonly sha256: string }>>;
  readonly createdAtUtc: string;
  /** SHA-256 over everything else that is handed over besides the leaves (`coveredByCertificate`), hex; null for
   * bundles of versions that did not state it. */
  readonly headerSha256: string | null;
}

export function populationText(claim: PopulationClaim): string {
  const {
    origin,
    treeSize,
    root,
    query,
    policyVersion,
    count,
    first,
    last,
    noGaps,
    leavesSha256,
    lists,
    createdAtUtc,
    headerSha256,
  } = claim;
  const lines = [
    LABEL,
    origin,
    treeSize,
    toBase64(root),
    `query ${canonicalJson(query)}`,
    `policy ${policyVersion ?? 'none'}`,
    `count ${count}`,
    `first ${first ?? 'none'}`,
    `last ${last ?? 'none'}`,
    `gaps ${noGaps ? 'none' : 'not claimed'}`,
    `leaves ${leavesSha256}`,
    ...Object.keys(lists)
      .sort()
      .map((name) => `list ${name} ${lists[name]?.rows} ${lists[name]?.sha256}`),
    `created ${createdAtUtc}`,
    ...(headerSha256 === null ? [] : [`header ${headerSha256}`]),
  ];
  return `${lines.join('\n')}\n`;
}

/** Lists that an auditor can draw from leaves alone, and draws again to check one that was handed over. */
export const LISTS = [
  'requests',
  'holds',
  'booths',
  'acts',
  'policies',
  'accesses',
  'dashboard',
  ...DEED_LISTS,
] as const;
export type ListName = (typeof LISTS)[number];

const ENDS: Readonly<Record<string, string>> = {
  CertificateRejected: 'certificate_rejected',
  FaceMismatched: 'face_mismatched',
  FaceNotComparable: 'face_not_comparable',
  HoldRejected: 'hold_rejected',
  RecaptureRequested: 'recapture',
  HoldExpired: 'hold_expired',
  GovernmentAccepted: 'accepted',
  GovernmentRefused: 'refused_by_government',
  KeptInRegistry: 'kept',
  RegistrationWithdrawn: 'withdrawn',
  RequestEndedByOperator: 'ended_by_operator',
};
const STAGE_OF: Readonly<Record<string, string>> = {
  RequestReceived: 'received',
  CertificateVerified: 'certificate_verified',
  FaceMatched: 'confirmed',
  Held: 'held',
  HoldReleased: 'confirmed',
  SubmissionAttempted: 'submitting',
  SubmittedToGovernment: 'submitted',
  MaterialDiffered: 'stopped',
  MaterialMissing: 'stopped',
  ...ENDS,
};
const OF_A_HOLD: ReadonlySet<string> = new Set([
  'Held',
  'OpinionGiven',
  'OpinionWithdrawn',
  'HoldResolved',
  'HoldClosed',
]);
/** What needs two people, by the newest event of it. */
const ACT_STAGE_OF: Readonly<Record<string, string>> = {
  ActProposed: 'proposed',
  ActApproved: 'approved',
  ActBegun: 'begun',
  ActDeclined: 'declined',
  ActCarriedOut: 'carried_out',
};
const ACT_STREAM = 'act-';
const OVER: ReadonlySet<unknown> = new Set(Object.values(ENDS));
/** Come also after the end of a case, where something that is still kept of it is not as it should be; they change no
 * outcome. */
const AFTER_THE_END: ReadonlySet<string> = new Set(['MaterialDiffered', 'MaterialMissing', 'RequestEndedByOperator']);
/** Every stage that a row of `requests` can name. */
export const REQUEST_STAGES: readonly string[] = [...new Set(Object.values(STAGE_OF))];

/** A row of a list with the places in the log that made it. */
export interface DrawnRow {
  readonly row: JsonObject;
  /** What tells the row from the others of its list. */
  readonly key: string;
  /** Place of the event that began the row, and of the one that changed it last. */
  readonly first: number;
  readonly last: number;
  /** Places of events that name people of the office whose tokens are in the row. */
  readonly people: readonly number[];
}

type Row = { [name: string]: Json };
/** As much of an event as a list is drawn from. */
type Fed = Pick<LeafEvent, 'stream' | 'type' | 'data' | 'metadata'> & Partial<Pick<LeafEvent, 'schemaVersion' | 'id'>>;
interface Kept {
  /** Never changed, but put in another's place: who has drawn a list keeps the rows of its moment. */
  row: Row;
  readonly first: number;
  last: number;
  people: readonly number[];
}

/** Events from which any list is drawn; of all others only place and time count. */
const DRAWN_FROM: ReadonlySet<string> = new Set([
  ...Object.keys(STAGE_OF),
  ...OF_A_HOLD,
  ...Object.keys(ACT_STAGE_OF),
  ...['BoothEnrolled', 'BoothKeyRotated', 'BoothSuspended', 'BoothResumed'],
  ...['PolicyProposed', 'PolicyApproved', 'PolicyActivated'],
  ...['RequestRefusedAtDoor', 'RequestsRefusedAtDoor'],
  ...['BiometricViewed', 'RecordsViewed', 'AuditExported', 'AccessRefused'],
  ...DEED_TYPES,
]);

/** Whether a list can depend on more of an event than its place and time. */
export function isDrawnFrom(type: string): boolean {
  return DRAWN_FROM.has(type);
}

/** Draws lists out of a history, one event at a time. Pure: the same events give the same rows, in the server and in a
 * browser. */
export class ListDrawer {
  private readonly requests = new Map<string, Kept>();
  private readonly holds = new Map<string, Kept>();
  private readonly booths = new Map<string, Kept>();
  private readonly acts = new Map<string, Kept>();
  private readonly versions = new Map<number, Kept>();
  private readonly accesses: Kept[] = [];
  private policies: PolicyState = policyDecider.initial;
  private doorRefusals = 0;
  private next = 0;
  private newestUtc: string | null = null;
  private span: RecordedSpan | null = null;
  private readonly deeds: DeedRows;

  /** @param names lists that will be asked for: nothing is kept for the others */
  constructor(private readonly names: readonly ListName[] = LISTS) {
    this.deeds = new DeedRows(names);
  }

  /** The earliest and the latest time at which one of the events that were fed was recorded; null before the first. */
  get recorded(): RecordedSpan | null {
    return this.span;
  }

  /** Policy in force after the events that were fed. */
  get policyVersion(): number | null {
    return this.policies.active;
  }

  /** @param index place in the log; default: one after the one before */
  feed(leaf: Fed, index = this.next): void {
    this.pass(leaf.metadata.recordedAtUtc, index);
    // Here too, so that who reads all of a leaf and who reads no more than its end draw the same.
    if (!isDrawnFrom(leaf.type)) return;
    this.deeds.feed(leaf, index);
    const { type, data } = leaf;
    if (type === 'RequestReceived') this.beginRequest(leaf, index);
    if (Object.hasOwn(STAGE_OF, type)) this.moveRequest(leaf, index);
    if (OF_A_HOLD.has(type)) this.hold(leaf, index);
    if (type === 'BoothEnrolled' || type === 'BoothKeyRotated' || type === 'BoothSuspended' || type === 'BoothResumed')
      this.booth(leaf, index);
    if (Object.hasOwn(ACT_STAGE_OF, type)) this.act(leaf, index);
    if (type === 'PolicyProposed' || type === 'PolicyApproved' || type === 'PolicyActivated') this.policy(leaf, index);
    if (type === 'RequestRefusedAtDoor') this.doorRefusals += 1;
    if (type === 'RequestsRefusedAtDoor')
      for (const { count } of data['refusals'] as unknown as readonly { readonly count: number }[])
        this.doorRefusals += count;
    const access = this.names.includes('accesses') ? accessRow(type, data, leaf.metadata.recordedAtUtc) : null;
    if (access) this.accesses.push({ row: access, first: index, last: index, people: [index] });
  }

  /** An event from which no list is drawn. */
  pass(recordedAtUtc: string, index = this.next): void {
    this.next = index + 1;
    this.newestUtc = recordedAtUtc;
    this.span = widened(this.span, recordedAtUtc);
  }

  /** Rows of a list in their order. @param atUtc the instant at which ages are told; default: that of the newest
   * event */
  rows(list: ListName, atUtc?: string): readonly JsonObject[] {
    return this.drawn(list, atUtc).map(({ row }) => row);
  }

  drawn(list: ListName, atUtc?: string): readonly DrawnRow[] {
    switch (list) {
      case 'requests':
        return [...this.requests].map(([key, kept]) => ({ key, ...kept }));
      case 'holds':
        return [...this.holds].map(([key, kept]) => ({ key, ...kept })).sort((a, b) => byDue(a.row, b.row));
      case 'booths':
        return [...this.booths].map(([key, kept]) => ({ key, ...kept }));
      case 'acts':
        return [...this.acts].map(([key, kept]) => ({ key, ...kept }));
      case 'policies':
        return [...this.versions].map(([key, kept]) => ({
          key: String(key),
          ...kept,
          row: { ...kept.row, inForce: this.policies.active === key },
        }));
      case 'accesses':
        return this.accesses.map((kept) => ({ key: String(kept.first), ...kept }));
      case 'decisions':
      case 'erasures':
      case 'exports':
        return this.deeds
          .of(list)
          .map(({ row, index, people }) => ({ row, key: String(index), first: index, last: index, people }));
      case 'dashboard':
        return [
          {
            key: 'dashboard',
            row: this.dashboard(atUtc ?? this.newestUtc),
            first: 0,
            last: Math.max(0, this.next - 1),
            people: [],
          },
        ];
    }
  }

  private beginRequest(
    { data, metadata: { correlationId, recordedAtUtc } }: Pick<LeafEvent, 'data' | 'metadata'>,
    index: number,
  ): void {
    const row = {
      requestId: correlationId,
      boothId: data['boothId'] as Json,
      mode: data['mode'] as Json,
      receivedAtUtc: data['receivedAtUtc'] as Json,
      stage: 'received',
      changedAtUtc: recordedAtUtc,
    };
    this.requests.set(correlationId, { row, first: index, last: index, people: [] });
  }

  private moveRequest(
    { type, metadata: { correlationId, recordedAtUtc } }: Pick<LeafEvent, 'type' | 'metadata'>,
    index: number,
  ): void {
    const request = this.requests.get(correlationId);
    if (!request || (AFTER_THE_END.has(type) && OVER.has(request.row['stage']))) return;
    change(request, { stage: STAGE_OF[type] as string, changedAtUtc: recordedAtUtc });
    request.last = index;
  }

  private hold(
    {
      type,
      data,
      metadata: { correlationId, recordedAtUtc, policyVersion },
    }: Pick<LeafEvent, 'type' | 'data' | 'metadata'>,
    index: number,
  ): void {
    if (type === 'Held') {
      const { reason, cardPoints, registeredPoints, differencePoints, boundPoints, dueAtUtc } = data as Record<
        string,
        Json
      >;
      const row = {
        requestId: correlationId,
        boothId: this.requests.get(correlationId)?.row['boothId'] ?? null,
        reason,
        cardPoints,
        registeredPoints,
        differencePoints,
        boundPoints,
        policyVersion,
        openedAtUtc: recordedAtUtc,
        dueAtUtc,
        opinions: 0,
        outcome: null,
        officers: [],
        resolvedAtUtc: null,
      } as Row;
      this.holds.set(correlationId, { row, first: index, last: index, people: [] });
    }
    const hold = this.holds.get(correlationId);
    if (!hold) return;
    hold.last = index;
    // Who gave an opinion is not for a list: it would end the blindness of the review.
    const opinions = hold.row['opinions'] as number;
    if (type === 'OpinionGiven') change(hold, { opinions: opinions + 1 });
    if (type === 'OpinionWithdrawn') change(hold, { opinions: opinions - 1 });
    if (type === 'HoldClosed') change(hold, { outcome: 'closed', resolvedAtUtc: recordedAtUtc });
    if (type !== 'HoldResolved') return;
    const { outcome, officers } = data as Record<string, Json>;
    change(hold, { outcome, officers, resolvedAtUtc: recordedAtUtc });
    hold.people = [index];
  }

  private booth(
    { type, data, metadata: { correlationId, recordedAtUtc } }: Pick<LeafEvent, 'type' | 'data' | 'metadata'>,
    index: number,
  ): void {
    const boothId = typeof data['boothId'] === 'string' ? data['boothId'] : correlationId;
    if (type === 'BoothEnrolled')
      this.booths.set(boothId, {
        row: { boothId, state: 'enrolled', keyVersion: 1, changedAtUtc: recordedAtUtc },
        first: index,
        last: index,
        people: [],
      });
    const booth = this.booths.get(boothId);
    if (!booth) return;
    booth.last = index;
    if (type === 'BoothKeyRotated') change(booth, { keyVersion: data['keyVersion'], changedAtUtc: recordedAtUtc });
    if (type === 'BoothSuspended') change(booth, { state: 'suspended', changedAtUtc: recordedAtUtc });
    if (type === 'BoothResumed') change(booth, { state: 'enrolled', changedAtUtc: recordedAtUtc });
  }

  private act({ stream, type, data, metadata: { recordedAtUtc } }: Fed, index: number): void {
    const actId = stream.slice(ACT_STREAM.length);
    if (type === 'ActProposed') {
      const { proposal, reason, reference, by } = data as Record<string, Json>;
      const { act, ...of } = proposal as JsonObject;
      const row = {
        actId,
        act,
        of,
        reason,
        reference,
        stage: 'proposed',
        proposedBy: by,
        proposedAtUtc: recordedAtUtc,
        approvedBy: null,
        notBeforeUtc: null,
        declinedBy: null,
        refusal: null,
        changedAtUtc: recordedAtUtc,
      } as Row;
      this.acts.set(actId, { row, first: index, last: index, people: [index] });
    }
    const act = this.acts.get(actId);
    if (!act) return;
    act.last = index;
    if (data['by'] !== undefined && type !== 'ActProposed') act.people = [...act.people, index];
    change(act, { stage: ACT_STAGE_OF[type], changedAtUtc: recordedAtUtc });
    if (type === 'ActApproved') change(act, { approvedBy: data['by'], notBeforeUtc: data['notBeforeUtc'] });
    if (type === 'ActDeclined') change(act, { declinedBy: data['by'] });
    if (type === 'ActCarriedOut' && data['refusal'] !== null)
      change(act, { stage: 'refused', refusal: data['refusal'] });
  }

  private policy(
    leaf: Pick<LeafEvent, 'type' | 'data' | 'metadata'> & Partial<Pick<LeafEvent, 'schemaVersion'>>,
    index: number,
  ): void {
    const event = inTodaysShape(leaf);
    if (!event) return;
    this.policies = policyDecider.evolve(this.policies, event);
    const at = leaf.metadata.recordedAtUtc;
    if (event.type === 'PolicyProposed') {
      const { version, proposedBy, report } = event.data;
      // The values as they were proposed, not in today's shape: a list that was signed earlier must still come out the
      // same.
      this.versions.set(version, {
        row: {
          version,
          values: leaf.data['values'] ?? null,
          proposedBy,
          proposedAtUtc: at,
          reportSha256: report?.sha256 ?? null,
          approvedBy: null,
          approvedAtUtc: null,
          activatedBy: null,
          activatedAtUtc: null,
        },
        first: index,
        last: index,
        people: [],
      });
    }
    const kept = this.versions.get(event.data.version);
    if (!kept) return;
    kept.last = index;
    kept.people = [...kept.people, index];
    if (event.type === 'PolicyApproved') change(kept, { approvedBy: event.data.approvedBy, approvedAtUtc: at });
    if (event.type === 'PolicyActivated') change(kept, { activatedBy: event.data.activatedBy, activatedAtUtc: at });
  }

  private dashboard(atUtc: string | null): JsonObject {
    const stages: Record<string, number> = {};
    const byBooth: Record<string, Record<string, number>> = {};
    for (const { row } of this.requests.values()) {
      const [stage, booth] = [row['stage'] as string, String(row['boothId'])];
      stages[stage] = (stages[stage] ?? 0) + 1;
      const counts = (byBooth[booth] ??= {});
      counts[stage] = (counts[stage] ?? 0) + 1;
    }
    const open = [...this.holds.values()].filter(({ row }) => row['outcome'] === null);
    const outcomes: Record<string, number> = {};
    for (const { row } of this.holds.values())
      if (row['outcome'] !== null) outcomes[String(row['outcome'])] = (outcomes[String(row['outcome'])] ?? 0) + 1;
    return {
      atUtc,
      policyVersion: this.policies.active,
      requests: this.requests.size,
      stages,
      byBooth,
      holdsOpen: open.length,
      holdAges: ages(
        open.map(({ row }) => row),
        atUtc,
      ),
      holdOutcomes: outcomes,
      boothsEnrolled: [...this.booths.values()].filter(({ row }) => row['state'] === 'enrolled').length,
      refusedAtDoor: this.doorRefusals,
    };
  }
}

function change(kept: Kept, members: { readonly [name: string]: Json | undefined }): void {
  kept.row = { ...kept.row, ...members } as Row;
}

/** Clocks go back at times, so the newest event is not always the one of the latest time. */
export interface RecordedSpan {
  readonly earliestUtc: string;
  readonly latestUtc: string;
}

function widened(span: RecordedSpan | null, atUtc: string): RecordedSpan {
  if (span === null) return { earliestUtc: atUtc, latestUtc: atUtc };
  const { earliestUtc, latestUtc } = span;
  const [atMs, earliestMs, latestMs] = [atUtc, earliestUtc, latestUtc].map(Date.parse) as [number, number, number];
  if (atMs > latestMs) return { earliestUtc, latestUtc: atUtc };
  return atMs < earliestMs ? { earliestUtc: atUtc, latestUtc } : span;
}

const HOUR_MS = 3_600_000;

/** How long open holds have been waiting. */
function ages(holds: readonly Row[], atUtc: string | null): JsonObject {
  const counts = { under24h: 0, from24h: 0, from48h: 0, overdue: 0 };
  if (atUtc === null) return counts;
  const atMs = Date.parse(atUtc);
  for (const { openedAtUtc, dueAtUtc } of holds) {
    const hours = (atMs - Date.parse(String(openedAtUtc))) / HOUR_MS;
    if (atMs >= Date.parse(String(dueAtUtc))) counts.overdue += 1;
    else if (hours >= 48) counts.from48h += 1;
    else if (hours >= 24) counts.from24h += 1;
    else counts.under24h += 1;
  }
  return counts;
}

/** Open holds first, the ones due first at the top. */
function byDue(a: JsonObject, b: JsonObject): number {
  const isResolved = (row: JsonObject) => (row['outcome'] === null ? 0 : 1);
  return (
    isResolved(a) - isResolved(b) ||
    compare(String(a['dueAtUtc']), String(b['dueAtUtc'])) ||
    compare(String(a['requestId']), String(b['requestId']))
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Who looked at what, and who was not let in; null for other events. */
function accessRow(type: string, data: JsonObject, atUtc: string): Row | null {
  const row = (by: unknown, what: unknown, requestId: unknown, detail: unknown): Row => ({
    atUtc,
    act: type,
    by: (by ?? null) as Json,
    what: (what ?? null) as Json,
    requestId: (requestId ?? null) as Json,
    detail: (detail ?? null) as Json,
  });
  switch (type) {
    case 'BiometricViewed':
      return row(data['officer'], data['image'], data['requestId'], data['purpose']);
    case 'RecordsViewed':
      return row(data['by'], data['what'], data['requestId'], data['query']);
    case 'AuditExported':
      return row(data['by'], 'export', null, data['query']);
    case 'AccessRefused':
      return row(data['subject'], data['what'], null, data['reason']);
    default:
      return null;
  }
}

/** null for an event that no program of today can read: whoever makes the decisions again names it. */
function inTodaysShape(
  leaf: Pick<LeafEvent, 'type' | 'data'> & Partial<Pick<LeafEvent, 'schemaVersion'>>,
): PolicyEvent | null {
  try {
    return upcast({
      type: leaf.type,
      data: leaf.data,
      schemaVersion: leaf.schemaVersion ?? 1,
    }) as unknown as PolicyEvent;
  } catch (error) {
    if (error instanceof UnknownEventError) return null;
    throw error;
  }
}
