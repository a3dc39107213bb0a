import type { Json, JsonObject } from '../event-envelope.js';
import { canonicalJson } from '../values/canonical-json.js';
import { toBase64 } from './bytes.js';
import type { Hash } from './merkle-tree.js';
import type { LeafEvent } from './leaf.js';

const LABEL = 'honnin population certificate v1';

/** What an export or a list claims about its own completeness. Signed as a note by the log's key; its first line is no origin, so that
 *  it can never be read as a checkpoint. */
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
}

export function populationText(claim: PopulationClaim): string {
  const { origin, treeSize, root, query, policyVersion, count, first, last, noGaps, leavesSha256, lists, createdAtUtc } = claim;
  const lines = [
    LABEL, origin, treeSize, toBase64(root),
    `query ${canonicalJson(query)}`,
    `policy ${policyVersion ?? 'none'}`,
    `count ${count}`,
    `first ${first ?? 'none'}`,
    `last ${last ?? 'none'}`,
    `gaps ${noGaps ? 'none' : 'not claimed'}`,
    `leaves ${leavesSha256}`,
    ...Object.keys(lists).sort().map((name) => `list ${name} ${lists[name]?.rows} ${lists[name]?.sha256}`),
    `created ${createdAtUtc}`,
  ];
  return `${lines.join('\n')}\n`;
}

/** Lists that an auditor can draw from leaves alone, and draws again to check one that was handed over. */
export const LISTS = ['requests', 'holds', 'booths', 'dashboard'] as const;
export type ListName = (typeof LISTS)[number];

const ENDS: Readonly<Record<string, string>> = {
  CertificateRejected: 'certificate_rejected', FaceMismatched: 'face_mismatched', FaceNotComparable: 'face_not_comparable', HoldRejected: 'hold_rejected', RecaptureRequested: 'recapture',
  HoldExpired: 'hold_expired', GovernmentAccepted: 'accepted', GovernmentRefused: 'refused_by_government', KeptInRegistry: 'kept', RegistrationWithdrawn: 'withdrawn',
};
const STAGES: Readonly<Record<string, string>> = {
  RequestReceived: 'received', CertificateVerified: 'certificate_verified', FaceMatched: 'confirmed', Held: 'held', HoldReleased: 'confirmed', SubmissionAttempted: 'submitting', SubmittedToGovernment: 'submitted', ...ENDS,
};

type Row = { [name: string]: Json };

/** Draws lists out of a history, one event at a time. Pure: the same events give the same rows, in the server and in a browser. */
export class ListDrawer {
  private readonly requests = new Map<string, Row>();
  private readonly holds = new Map<string, Row>();
  private readonly booths = new Map<string, Row>();
  private doorRefusals = 0;

  feed({ type, data, metadata }: Pick<LeafEvent, 'type' | 'data' | 'metadata'>): void {
    const { correlationId, recordedAtUtc } = metadata;
    if (type === 'RequestReceived') this.requests.set(correlationId, { requestId: correlationId, boothId: data['boothId'] as Json, mode: data['mode'] as Json, receivedAtUtc: data['receivedAtUtc'] as Json, stage: 'received', changedAtUtc: recordedAtUtc });
    const request = this.requests.get(correlationId);
    if (request && Object.hasOwn(STAGES, type)) Object.assign(request, { stage: STAGES[type], changedAtUtc: recordedAtUtc });
    if (type === 'Held') this.holds.set(correlationId, { requestId: correlationId, boothId: request?.['boothId'] ?? null, reason: data['reason'] as Json, openedAtUtc: recordedAtUtc, dueAtUtc: data['dueAtUtc'] as Json, opinions: 0, outcome: null, officers: [], resolvedAtUtc: null });
    const hold = this.holds.get(correlationId);
    if (hold && type === 'OpinionGiven') hold['opinions'] = (hold['opinions'] as number) + 1;
    if (hold && type === 'HoldResolved') Object.assign(hold, { outcome: data['outcome'], officers: data['officers'], resolvedAtUtc: recordedAtUtc });
    if (type === 'BoothEnrolled') this.booths.set(correlationId, { boothId: correlationId, state: 'enrolled', keyVersion: 1, changedAtUtc: recordedAtUtc });
    if (type === 'BoothKeyRotated') Object.assign(this.booths.get(correlationId) ?? {}, { keyVersion: data['keyVersion'], changedAtUtc: recordedAtUtc });
    if (type === 'BoothSuspended') Object.assign(this.booths.get(correlationId) ?? {}, { state: 'suspended', changedAtUtc: recordedAtUtc });
    if (type === 'RequestRefusedAtDoor') this.doorRefusals += 1;
  }

  rows(list: ListName): readonly JsonObject[] {
    switch (list) {
      case 'requests':
        return [...this.requests.values()];
      case 'holds':
        return [...this.holds.values()];
      case 'booths':
        return [...this.booths.values()];
      case 'dashboard':
        return [this.dashboard()];
    }
  }

  private dashboard(): JsonObject {
    const stages: Record<string, number> = {};
    for (const { stage } of this.requests.values()) stages[stage as string] = (stages[stage as string] ?? 0) + 1;
    const open = [...this.holds.values()].filter((hold) => hold['outcome'] === null).length;
    return { requests: this.requests.size, stages, holdsOpen: open, holdsResolved: this.holds.size - open, boothsEnrolled: [...this.booths.values()].filter((b) => b['state'] === 'enrolled').length, refusedAtDoor: this.doorRefusals };
  }
}
