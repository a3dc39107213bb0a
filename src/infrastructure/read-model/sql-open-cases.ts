import {
  OpenCases,
  type OpenCaseCounts,
  type StoppedCase,
  type StuckStep,
  type WaitingCases,
} from '../../application/ports/store/open-cases.js';
import type { Effect } from '../../domain/saga/registration.saga.js';
import { ReadModelRebuildingError, type SqliteReadModel } from './sqlite-read-model.js';

/** Counts out of the rows of the embedded read model. */
export class SqlOpenCases extends OpenCases {
  constructor(private readonly model: SqliteReadModel) {
    super();
  }

  override count({ receivedBeforeUtc }: { readonly receivedBeforeUtc: string }): OpenCaseCounts | null {
    try {
      const rows = this.model.query('open-cases');
      const stopped = rows.all<{ stopped: 'material_differed' | 'material_missing'; n: number }>(
        'SELECT stopped, count(*) AS n FROM {open_case} WHERE stopped IS NOT NULL GROUP BY stopped',
      );
      const of = (cause: string) => stopped.find((row) => row.stopped === cause)?.n ?? 0;
      const overdue = rows.get<{ n: number }>(
        'SELECT count(*) AS n FROM {open_case} WHERE stopped IS NULL AND received_at_utc < ?',
        receivedBeforeUtc,
      );
      const oldest = rows.get<{ at: string }>(
        'SELECT received_at_utc AS at FROM {open_case} WHERE stopped IS NULL ORDER BY received_at_utc LIMIT 1',
      );
      return {
        stopped: { material_differed: of('material_differed'), material_missing: of('material_missing') },
        overdue: overdue?.n ?? 0,
        oldestReceivedAtUtc: oldest?.at ?? null,
      };
    } catch (error) {
      if (error instanceof ReadModelRebuildingError) return null;
      throw error;
    }
  }

  override waiting(): WaitingCases | null {
    try {
      const stopped = this.model
        .query('open-cases')
        .all<StoppedCase>(
          'SELECT request_id AS requestId, stopped AS cause, received_at_utc AS receivedAtUtc FROM {open_case}' +
            ' WHERE stopped IS NOT NULL ORDER BY received_at_utc, request_id',
        );
      const stuck = this.model
        .query('pending-effects')
        .all<StuckStep>(
          'SELECT request_id AS requestId, effect_id AS effectId, effect, error FROM {pending_effects}' +
            ' WHERE stuck IS NOT NULL ORDER BY request_id, ordinal',
        )
        .map((step) => ({ ...step, effect: (JSON.parse(step.effect) as Effect).effect }));
      return { stopped: stopped.map((row) => ({ ...row })), stuck };
    } catch (error) {
      if (error instanceof ReadModelRebuildingError) return null;
      throw error;
    }
  }

  override holds({ nowUtc }: { readonly nowUtc: string }): { readonly open: number; readonly overdue: number } | null {
    try {
      const rows = this.model.query('hold-desk');
      const sql =
        'SELECT count(*) AS open, coalesce(sum(due_at_utc <= ?), 0) AS overdue FROM {hold_desk} WHERE outcome IS NULL';
      return rows.get<{ open: number; overdue: number }>(sql, nowUtc) ?? { open: 0, overdue: 0 };
    } catch (error) {
      if (error instanceof ReadModelRebuildingError) return null;
      throw error;
    }
  }
}
