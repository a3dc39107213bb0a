import { OpenCases, type OpenCaseCounts } from '../../application/ports/store/open-cases.js';
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
