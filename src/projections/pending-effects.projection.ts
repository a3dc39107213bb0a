import type { StoredEvent } from '../domain/event-envelope.js';
import type { SagaEvent, ScheduledEffect } from '../domain/saga/registration.saga.js';
import { assertNever } from '../domain/decider.js';
import type { Projection, ReadModelTransaction } from './projection.js';

/** Wishes of all saga instances that are not carried out yet; also the list of stuck cases that an operator sees. */
export const pendingEffectsProjection: Projection = {
  name: 'pending-effects',
  version: 1,
  tables: {
    pending_effects: {
      columns:
        'effect_id TEXT PRIMARY KEY, request_id TEXT NOT NULL, ordinal INTEGER NOT NULL, effect TEXT NOT NULL, due_at_utc TEXT, stuck TEXT, failures INTEGER NOT NULL, error TEXT',
      indexes: ['request_id'],
    },
  },
  handles: ['SagaReacted', 'EffectPerformed', 'EffectFailed', 'EffectStuck', 'EffectResumed'],
  apply,
};

function apply(rows: ReadModelTransaction, stored: StoredEvent): void {
  const event = { type: stored.type, data: stored.data } as unknown as SagaEvent;
  switch (event.type) {
    case 'SagaReacted':
      event.data.cancelled.forEach((effectId) => remove(rows, effectId));
      event.data.effects.forEach((effect, index) => insert(rows, stored, effect, index));
      return;
    case 'EffectPerformed':
      return remove(rows, event.data.effectId);
    case 'EffectFailed':
      return rows.run(
        'UPDATE {pending_effects} SET failures = ?, due_at_utc = ?, error = ? WHERE effect_id = ?',
        event.data.failures,
        event.data.nextAttemptAtUtc,
        event.data.error,
        event.data.effectId,
      );
    case 'EffectStuck':
      return rows.run(
        "UPDATE {pending_effects} SET stuck = 'attempts_exhausted', error = ? WHERE effect_id = ?",
        event.data.error,
        event.data.effectId,
      );
    case 'EffectResumed':
      return rows.run(
        'UPDATE {pending_effects} SET stuck = NULL, failures = 0, due_at_utc = NULL WHERE effect_id = ?',
        event.data.effectId,
      );
    default:
      return assertNever(event);
  }
}

function insert(
  rows: ReadModelTransaction,
  stored: StoredEvent,
  { effectId, effect, dueAtUtc, stuck }: ScheduledEffect,
  index: number,
): void {
  // Order within a case: revision of the reaction, then place in it. 64 effects per reaction are far more than any
  // reaction has.
  const ordinal = stored.revision * 64 + index;
  rows.run(
    'INSERT INTO {pending_effects} (effect_id, request_id, ordinal, effect, due_at_utc, stuck, failures, error) VALUES (?, ?, ?, ?, ?, ?, 0, NULL)',
    effectId,
    stored.metadata.correlationId,
    ordinal,
    JSON.stringify(effect),
    dueAtUtc,
    stuck,
  );
}

function remove(rows: ReadModelTransaction, effectId: string): void {
  rows.run('DELETE FROM {pending_effects} WHERE effect_id = ?', effectId);
}
