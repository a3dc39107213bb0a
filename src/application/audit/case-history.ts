import { Injectable } from '@nestjs/common';
import type { LeafEvent } from '../../domain/audit/log/leaf.js';
import type { AsOf } from '../../domain/audit/lists/list-certificate.js';
import { currentVersion } from '../../domain/event-registry.js';
import { positionFromText, type JsonObject, type StoredEvent } from '../../domain/event-envelope.js';
import { blinded } from '../../domain/audit/story/time-travel.js';
import { registrants } from '../decisions/aggregates.js';
import { AuditLog } from '../ports/audit/audit-log.js';
import { Clock } from '../ports/store/clock.js';
import { EVENT_LIMITS, EventStore } from '../ports/store/event-store.js';
import { ReadModels, type TimelineRow } from '../ports/store/read-models.js';
import { caughtUp, ReadSideBehindError } from '../queries/questions.js';
import { boundIn, caughtUpLog, momentIn, NoCheckpointError, type AskedMoment, type ClippedMoment } from './moments.js';

/** A case as it was at a moment. */
export interface CasePast {
  /** null: now, whatever the signed log has of it. */
  readonly asOf: AsOf | null;
  /** The moment that was asked for, where another one was taken: only of a bound. */
  readonly clipped: ClippedMoment | null;
  /** Empty when nothing was known of it. */
  readonly rows: readonly TimelineRow[];
}

const CATCH_UP_LIMIT_MS = 2_000;

/** Looks at one case at any moment: every event of it, and the erasure of its registrant. Opinions of a review that is
 * still blind are withheld from everybody but their givers, also where the past is shown: else a look back would end
 * the blindness. */
@Injectable()
export class CaseHistory {
  constructor(
    private readonly rows: ReadModels,
    private readonly store: EventStore,
    private readonly log: AuditLog,
    private readonly clock: Clock,
  ) {}

  /** @param viewer who looks
   *  @param bound which bound of a comparison the moment is; null: it is none, and must lie within the log
   *  @throws {MomentOutOfRangeError}, {NoCheckpointError}, {ReadSideBehindError} */
  async at(
    requestId: string,
    moment: AskedMoment,
    viewer: string,
    bound: ClippedMoment['bound'] | null = null,
  ): Promise<CasePast> {
    const head = await this.store.head();
    if (!(await caughtUp(this.rows, head))) throw new ReadSideBehindError();
    const now = await this.withErasure(this.rows.timeline(requestId, { atUtc: null }));
    const shown = (rows: readonly TimelineRow[]) =>
      blinded(
        rows as readonly (TimelineRow & { data: JsonObject })[],
        now as readonly (TimelineRow & { data: JsonObject })[],
        viewer,
      ).map((row) => (row.data['withheld'] === true ? { ...row, actor: 'officer:withheld' } : row));
    if (moment === 'now') return { asOf: null, clipped: null, rows: shown(now) };
    const checkpoint = await caughtUpLog(this.log, head, CATCH_UP_LIMIT_MS);
    if (!checkpoint || checkpoint.size === 0) throw new NoCheckpointError();
    const nowUtc = this.clock.nowUtc();
    const { asOf, clipped } =
      bound === null
        ? { asOf: momentIn(this.log, checkpoint.size, moment, nowUtc), clipped: null }
        : boundIn(this.log, checkpoint.size, { bound, moment, nowUtc });
    return { asOf, clipped, rows: shown(now.filter((row) => this.countsAt(asOf, row))) };
  }

  private countsAt(asOf: AsOf, row: TimelineRow): boolean {
    if ('atUtc' in asOf) return Date.parse(row.recordedAtUtc) <= Date.parse(asOf.atUtc);
    return positionFromText(row.position) <= this.log.positionOf(asOf.position);
  }

  /** A registrant is erased through one of the own requests; that it happened belongs to the story of each of them. */
  private async withErasure(rows: readonly TimelineRow[]): Promise<readonly TimelineRow[]> {
    const verified = rows.find((row) => row.type === 'CertificateVerified');
    const subjectKey = (verified?.data as { subjectKey?: unknown } | undefined)?.subjectKey;
    if (!verified || typeof subjectKey !== 'string' || rows.some((row) => row.type === 'RegistrantErased')) return rows;
    const after = positionFromText(verified.position);
    const stream = await this.store.readStream(registrants.streamOf(subjectKey), { limit: EVENT_LIMITS.eventsPerRead });
    const erased = stream.find((event) => event.type === 'RegistrantErased' && event.position > after);
    if (!erased) return rows;
    const at = rows.findIndex((row) => positionFromText(row.position) > erased.position);
    return at < 0 ? [...rows, timelineRow(erased)] : [...rows.slice(0, at), timelineRow(erased), ...rows.slice(at)];
  }
}

/** Rows of a history as the pure rules of the audit read events. */
export function asEvents(requestId: string, rows: readonly TimelineRow[]): readonly LeafEvent[] {
  return rows.map(({ stream, revision, position, type, data, actor, recordedAtUtc, policyVersion }) => ({
    stream,
    revision,
    id: position,
    type,
    schemaVersion: currentVersion(type),
    data: data as JsonObject,
    metadata: { actor, correlationId: requestId, causationId: requestId, recordedAtUtc, policyVersion },
  }));
}

function timelineRow({
  position,
  stream,
  revision,
  type,
  data,
  metadata: { recordedAtUtc, actor, policyVersion },
}: StoredEvent): TimelineRow {
  return { position: String(position), recordedAtUtc, stream, revision, type, actor, policyVersion, data };
}
