import { PendingEffects } from '../../application/ports/store/pending-effects.js';
import type { Position } from '../../domain/event-envelope.js';
import type { Effect, PendingEffect } from '../../domain/saga/registration.saga.js';
import { type SqliteReadModel } from './sqlite-read-model.js';

interface EffectRow {
  readonly requestId: string;
  readonly effectId: string;
  readonly effect: string;
  readonly dueAtUtc: string | null;
  readonly stuck: PendingEffect['stuck'];
  readonly failures: number;
}

const SELECT =
  'SELECT request_id AS requestId, effect_id AS effectId, effect, due_at_utc AS dueAtUtc, stuck, failures FROM {pending_effects} ORDER BY request_id, ordinal';

/** Where a restarted dispatcher begins. Rows and position are of one moment: an effect that was done between two reads
 * would either be lost or come back for ever. */
export class SqlPendingEffects extends PendingEffects {
  constructor(private readonly model: SqliteReadModel) {
    super();
  }

  /** Before the first event was projected, and while rows of another version are being built again, the answer is the
   * beginning of the log: reading everything is slow and never wrong. */
  override snapshot(): {
    readonly position: Position | null;
    readonly effects: readonly { readonly requestId: string; readonly effect: PendingEffect }[];
  } {
    const found = this.model.readWithPosition('pending-effects', (query) => query.all<EffectRow>(SELECT).map(toEffect));
    return { position: found?.position ?? null, effects: found?.rows ?? [] };
  }
}

function toEffect({ requestId, effectId, effect, dueAtUtc, stuck, failures }: EffectRow): {
  requestId: string;
  effect: PendingEffect;
} {
  return { requestId, effect: { effectId, effect: JSON.parse(effect) as Effect, dueAtUtc, stuck, failures } };
}
