import { PublicationDirectory, type OpenConfirmation } from '../../application/ports/outside/publication-directory.js';
import { positionFromText, type Position } from '../../domain/event-envelope.js';
import type { SqliteReadModel } from './sqlite-read-model.js';

/** Answers from the rows of the embedded read model. */
export class SqlPublicationDirectory extends PublicationDirectory {
  constructor(private readonly model: SqliteReadModel) {
    super();
  }

  override registrationsOfErasure(erasureId: string): readonly string[] {
    return this.model
      .query('registrant-registrations')
      .all<{ id: string }>(
        'SELECT registration_id AS id FROM {registrant_registrations} WHERE erasure_id = ? ORDER BY ordinal',
        erasureId,
      )
      .map(({ id }) => id);
  }

  override erasedAt(registrationId: string): Position | null {
    const row = this.model
      .query('registrant-registrations')
      .get<{ position: string | null }>(
        'SELECT erased_position AS position FROM {registrant_registrations} WHERE registration_id = ?',
        registrationId,
      );
    return row?.position == null ? null : positionFromText(row.position);
  }

  override confirmations({
    includeConfirmed,
    limit,
  }: {
    readonly includeConfirmed: boolean;
    readonly limit: number;
  }): readonly OpenConfirmation[] {
    return this.model
      .query('erasure-confirmations')
      .all<OpenConfirmation>(
        `SELECT erasure_id AS erasureId, consumer, announced_at_utc AS announcedAtUtc, count(*) AS registrations, sum(confirmed_at_utc IS NULL) AS open
         FROM {erasure_confirmations} GROUP BY erasure_id, consumer ${includeConfirmed ? '' : 'HAVING open > 0'} ORDER BY announced_at_utc, erasure_id, consumer LIMIT ?`,
        limit,
      )
      .map((row) => ({ ...row }));
  }
}
