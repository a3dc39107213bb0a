import type { DatabaseSync } from 'node:sqlite';

/** Owner of the key under which tombstones are made, and nothing else is. Without it none of them answers. */
export const TOMBSTONE_KEY = 'tombstones';

/** What can be asked of the cards that a vault knows, at once or after a while. */
export interface CardKeys {
  /** @param card the keyed hash of a certificate */
  subjectOf(card: Uint8Array): string | null | Promise<string | null>;
  /** @param mark what a tombstone of the card would be: another keyed hash, under the key of tombstones
   *  @returns the subject key that the card has now */
  giveSubject(card: Uint8Array, mark: Uint8Array, subjectKey: string): string | Promise<string>;
  retireSubject(subjectKey: string, untilDay: string | null): void | Promise<void>;
  rememberMark(mark: Uint8Array, untilDay: string): void | Promise<void>;
  meetsTombstone(subjectKeys: readonly string[], today: string): boolean | Promise<boolean>;
  sweepTombstones(today: string): number | Promise<number>;
}

const TABLES = `
  CREATE TABLE IF NOT EXISTS card (card BLOB PRIMARY KEY, subject_key TEXT NOT NULL, mark BLOB NOT NULL) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS card_by_subject ON card (subject_key);
  CREATE TABLE IF NOT EXISTS tombstone (mark BLOB PRIMARY KEY, until_day TEXT NOT NULL) WITHOUT ROWID;
`;

/** Which cards stand for which subject keys, and the tombstones of cards whose registrant was erased: two tables beside
 *  the keys, because they must go and be gone as those do. A tombstone holds a keyed hash and a day, nothing that leads
 *  to a case; its place in the table is that of the hash, so that the order says nothing either. */
export class CardTable implements CardKeys {
  /** @param countChange called for each change, so that an older copy of the vault is known by its count */
  constructor(
    private readonly db: DatabaseSync,
    private readonly countChange: () => void,
  ) {
    db.exec(TABLES);
  }

  subjectOf(card: Uint8Array): string | null {
    const row = this.db.prepare('SELECT subject_key AS subjectKey FROM card WHERE card = ?').get(card);
    return (row as { subjectKey: string } | undefined)?.subjectKey ?? null;
  }

  giveSubject(card: Uint8Array, mark: Uint8Array, subjectKey: string): string {
    const { changes } = this.db
      .prepare('INSERT OR IGNORE INTO card (card, subject_key, mark) VALUES (?, ?, ?)')
      .run(card, subjectKey, mark);
    if (changes > 0) this.countChange();
    return this.subjectOf(card) as string;
  }

  retireSubject(subjectKey: string, untilDay: string | null): void {
    const rows = this.db.prepare('SELECT mark FROM card WHERE subject_key = ?').all(subjectKey);
    if (rows.length === 0) return;
    if (untilDay !== null) for (const { mark } of rows as { mark: Uint8Array }[]) this.rememberMark(mark, untilDay);
    this.db.prepare('DELETE FROM card WHERE subject_key = ?').run(subjectKey);
    this.countChange();
  }

  rememberMark(mark: Uint8Array, untilDay: string): void {
    const sql = `INSERT INTO tombstone (mark, until_day) VALUES (?, ?)
      ON CONFLICT (mark) DO UPDATE SET until_day = max(until_day, excluded.until_day)`;
    this.db.prepare(sql).run(mark, untilDay);
    this.countChange();
  }

  meetsTombstone(subjectKeys: readonly string[], today: string): boolean {
    const met = this.db.prepare(
      'SELECT 1 FROM card JOIN tombstone USING (mark) WHERE card.subject_key = ? AND tombstone.until_day > ? LIMIT 1',
    );
    return subjectKeys.some((key) => met.get(key, today) !== undefined);
  }

  sweepTombstones(today: string): number {
    const { changes } = this.db.prepare('DELETE FROM tombstone WHERE until_day <= ?').run(today);
    if (changes > 0) this.countChange();
    return Number(changes);
  }

  /** Whether a card still leads to this key. */
  hasCardOf(subjectKey: string): boolean {
    return this.db.prepare('SELECT 1 FROM card WHERE subject_key = ?').get(subjectKey) !== undefined;
  }
}
