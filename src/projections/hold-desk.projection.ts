import type { StoredEvent } from '../domain/event-envelope.js';
import type { HoldReviewEvent } from '../domain/hold-review/hold-review.events.js';
import type { ReceivedRequest, RegistrationEvent } from '../domain/registration/registration.events.js';
import type { Projection, ReadModelTransaction } from './projection.js';

type Handled =
  | Extract<RegistrationEvent, { type: 'RequestReceived' | 'Held' }>
  | Extract<HoldReviewEvent, { type: 'OpinionGiven' | 'OpinionWithdrawn' | 'HoldResolved' | 'HoldClosed' }>;

/** A hold as an officer sees it who opens it; lists of holds are drawn from the signed log. A row shows how many
 * opinions are in, never what they say: that would end the blindness. */
export const holdDeskProjection: Projection = {
  name: 'hold-desk',
  version: 1,
  tables: {
    /** Which booth a request came from; the row of a hold needs it later. */
    hold_origin: { columns: 'request_id TEXT PRIMARY KEY, booth_id TEXT NOT NULL' },
    hold_desk: {
      columns:
        'request_id TEXT PRIMARY KEY, booth_id TEXT NOT NULL, reason TEXT NOT NULL, card_points INTEGER NOT NULL, registered_points INTEGER, difference_points INTEGER, bound_points INTEGER, policy_version INTEGER, opened_at_utc TEXT NOT NULL, due_at_utc TEXT NOT NULL, opinions INTEGER NOT NULL, outcome TEXT',
    },
  },
  handles: ['RequestReceived', 'Held', 'OpinionGiven', 'OpinionWithdrawn', 'HoldResolved', 'HoldClosed'],
  apply,
};

function apply(rows: ReadModelTransaction, stored: StoredEvent): void {
  const event = { type: stored.type, data: stored.data } as unknown as Handled;
  const { correlationId, recordedAtUtc, policyVersion } = stored.metadata;
  switch (event.type) {
    case 'RequestReceived': {
      const { requestId, boothId }: ReceivedRequest = event.data;
      return rows.run('INSERT INTO {hold_origin} (request_id, booth_id) VALUES (?, ?)', requestId, boothId);
    }
    case 'Held': {
      const { reason, cardPoints, registeredPoints, differencePoints, boundPoints, dueAtUtc } = event.data;
      const origin = rows.get<{ booth_id: string }>(
        'SELECT booth_id FROM {hold_origin} WHERE request_id = ?',
        correlationId,
      );
      return rows.run(
        'INSERT INTO {hold_desk} (request_id, booth_id, reason, card_points, registered_points, difference_points, bound_points, policy_version, opened_at_utc, due_at_utc, opinions, outcome) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, NULL)',
        correlationId,
        origin?.booth_id ?? '',
        reason,
        cardPoints,
        registeredPoints,
        differencePoints,
        boundPoints,
        policyVersion,
        recordedAtUtc,
        dueAtUtc,
      );
    }
    case 'OpinionGiven':
      return rows.run('UPDATE {hold_desk} SET opinions = opinions + 1 WHERE request_id = ?', correlationId);
    case 'OpinionWithdrawn':
      return rows.run('UPDATE {hold_desk} SET opinions = opinions - 1 WHERE request_id = ?', correlationId);
    case 'HoldResolved':
      return rows.run('UPDATE {hold_desk} SET outcome = ? WHERE request_id = ?', event.data.outcome, correlationId);
    case 'HoldClosed':
      return rows.run("UPDATE {hold_desk} SET outcome = 'closed' WHERE request_id = ?", correlationId);
  }
}
