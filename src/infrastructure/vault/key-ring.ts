import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createSecretKey,
  randomBytes,
  type KeyObject,
} from 'node:crypto';
import { existsSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { openDatabase } from '../data-folder/open-database.js';
import { CardTable, TOMBSTONE_KEY } from './card-keys.js';

const WRAPPED_BYTES = 12 + 32 + 16;

/** The owner's wrapped key is not one that this ring made for it: damaged, exchanged, or another owner's. */
export class KeyDiffersError extends Error {}

/** What can be done with keys, at once or after a while. */
export interface Keys {
  keyFor(owner: string): Uint8Array | null | Promise<Uint8Array | null>;
  existingKey(owner: string): Uint8Array | null | Promise<Uint8Array | null>;
  destroy(owner: string, options: { readonly forever: boolean }): void | Promise<void>;
  /** Owners of cases and evidence that have a key, in the order of their names. */
  ownersAfter(after: string, limit: number): readonly string[] | Promise<readonly string[]>;
}

/** What was made under the key of tombstones, and how that key is. */
export interface RingTombstones {
  readonly marks: number;
  readonly key: 'there' | 'missing' | 'damaged';
}

/** What a key ring says of itself. */
export interface RingState {
  readonly owners: number;
  /** The installation that it belongs to; `isClaimed` once the log names the same. Null: it was never marked. */
  readonly mark: { readonly installationId: string; readonly isClaimed: boolean } | null;
  /** Keys made and destroyed since the mark: an older copy has fewer. */
  readonly changes: number;
}

const FROM_BACKUP =
  'nothing that is sealed opens without it; restore the whole installation from its newest backup (honnin restore)';

const TABLES = `
  CREATE TABLE IF NOT EXISTS data_key (owner TEXT PRIMARY KEY, wrapped BLOB NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS gone (owner_hash BLOB PRIMARY KEY) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS installation (
    one INTEGER PRIMARY KEY CHECK (one = 1), id TEXT NOT NULL, claimed INTEGER NOT NULL, changes INTEGER NOT NULL
  );
`;

/** One data key per owner, wrapped by the master key, in a small database of its own that is kept apart from the event
 * log and its backups: destroying a row here is what erases a person. */
export class KeyRing implements Keys {
  readonly cards: CardTable;
  private readonly db: DatabaseSync;
  private readonly find: StatementSync;
  private readonly countChange: StatementSync;
  /** Made once: making a key object costs more than opening a data key with it. */
  private readonly masterKey: KeyObject;

  /** @param masterKey 32 bytes */
  constructor(file: string, masterKey: Uint8Array) {
    if (masterKey.length !== 32) throw new RangeError('the master key must have 32 bytes');
    this.masterKey = createSecretKey(masterKey);
    // The audit log and the checker read keys on connections of their own: one that is in the way for a moment is
    // waited for.
    this.db = openDatabase(file, FROM_BACKUP, { timeout: 5000 });
    // A deleted key must not survive in free pages or in the write-ahead log.
    this.db.exec(`PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; ${TABLES}`);
    this.find = this.db.prepare('SELECT wrapped FROM data_key WHERE owner = ?');
    this.countChange = this.db.prepare('UPDATE installation SET changes = changes + 1');
    this.cards = new CardTable(this.db, () => void this.countChange.run());
  }

  /** The owner's key, made at first use. Durable before it is returned.
   *  @returns null for an owner whose key was destroyed for ever */
  keyFor(owner: string): Uint8Array | null {
    const existing = this.existingKey(owner);
    if (existing) return existing;
    this.together(() => {
      // One statement, so that no key can be made between the look and the making.
      const isNotGone = 'NOT EXISTS (SELECT 1 FROM gone WHERE owner_hash = ?)';
      const { changes } = this.db
        .prepare(`INSERT OR IGNORE INTO data_key (owner, wrapped) SELECT ?, ? WHERE ${isNotGone}`)
        .run(owner, this.wrap(owner, randomBytes(32)), hashOf(owner));
      if (changes > 0) this.countChange.run();
    });
    return this.existingKey(owner);
  }

  /** @returns null when there is none, or no more.
   * @throws {KeyDiffersError} when the row is not what this ring made; another error when the master key opens nothing
   *   here, which says nothing about one owner. */
  existingKey(owner: string): Uint8Array | null {
    const row = this.find.get(owner) as { wrapped: Uint8Array } | undefined;
    if (!row) return null;
    const key = unwrap(this.masterKey, owner, row.wrapped);
    if (key) return key;
    if (this.opensAnother(owner))
      throw new KeyDiffersError(`the key of ${owner} does not open: it is damaged or was exchanged`);
    throw new Error(`the key of ${owner} does not open: the master key is another one than at the time it was made`);
  }

  /** @param options.forever the owner never gets a key again; of it only a hash is remembered */
  destroy(owner: string, { forever }: { readonly forever: boolean }): void {
    this.together(() => {
      this.db.prepare('DELETE FROM data_key WHERE owner = ?').run(owner);
      if (forever) this.db.prepare('INSERT OR IGNORE INTO gone (owner_hash) VALUES (?)').run(hashOf(owner));
      this.countChange.run();
    });
  }

  /** Notes to which installation this ring belongs: proposed before the log says so, and claimed after it. */
  markFor(installationId: string, { isClaimed }: { readonly isClaimed: boolean }): void {
    const insert = `INSERT INTO installation (one, id, claimed, changes) VALUES (1, ?, ?, 0)
      ON CONFLICT (one) DO UPDATE SET id = excluded.id, claimed = excluded.claimed`;
    this.db.prepare(insert).run(installationId, isClaimed ? 1 : 0);
  }

  /** Keys made and destroyed since the mark; 0 while there is none. */
  changes(): number {
    return (this.db.prepare('SELECT changes FROM installation').get() as { changes: number } | undefined)?.changes ?? 0;
  }

  /** What the ring in this file says of itself, without changing it. @returns null where there is no file */
  static stateOf(file: string): RingState | null {
    if (!existsSync(file)) return null;
    // Not for reading only: what a killed process left half done must be taken back first.
    const db = openDatabase(file, FROM_BACKUP, { timeout: 5000 });
    try {
      const has = (table: string) => db.prepare('SELECT 1 FROM sqlite_schema WHERE name = ?').get(table);
      const owners = has('data_key') ? (db.prepare('SELECT count(*) AS n FROM data_key').get() as { n: number }).n : 0;
      const row = has('installation') && (db.prepare('SELECT id, claimed, changes FROM installation').get() as MarkRow);
      if (!row) return { owners, mark: null, changes: 0 };
      return { owners, mark: { installationId: row.id, isClaimed: row.claimed === 1 }, changes: row.changes };
    } finally {
      db.close();
    }
  }

  /** How many cards and tombstones are marked under the key of tombstones, and how that key is. Changes nothing.
   *  @param masterKey null: whether the key opens is not known, and it is there */
  static tombstonesOf(file: string, masterKey: Uint8Array | null): RingTombstones {
    if (!existsSync(file)) return { marks: 0, key: 'missing' };
    const db = openDatabase(file, FROM_BACKUP, { timeout: 5000 });
    try {
      const has = (table: string) => db.prepare('SELECT 1 FROM sqlite_schema WHERE name = ?').get(table);
      const count = (table: string) =>
        has(table) ? (db.prepare(`SELECT count(*) AS n FROM ${table}`).get() as { n: number }).n : 0;
      const marks = count('card') + count('tombstone');
      const find = has('data_key') && db.prepare('SELECT wrapped FROM data_key WHERE owner = ?').get(TOMBSTONE_KEY);
      if (!find) return { marks, key: 'missing' };
      const { wrapped } = find as { wrapped: Uint8Array };
      const opens = masterKey === null || unwrap(createSecretKey(masterKey), TOMBSTONE_KEY, wrapped) !== null;
      return { marks, key: opens ? 'there' : 'damaged' };
    } finally {
      db.close();
    }
  }

  /** Every owner that has a key, of whatever kind, in pages. */
  allOwnersAfter(after: string, limit: number): readonly string[] {
    return namesAfter(this.db, after, limit);
  }

  /** Keeps keys from being made and destroyed until it is let go; they can be read. Waits for at most five seconds. */
  static hold(file: string): HeldRing {
    const db = openDatabase(file, FROM_BACKUP, { timeout: 5000 });
    try {
      db.exec('BEGIN IMMEDIATE');
    } catch (error) {
      db.close();
      throw error;
    }
    return {
      allOwnersAfter: (after, limit) => namesAfter(db, after, limit),
      release: () => {
        db.exec('ROLLBACK');
        db.close();
      },
    };
  }

  ownersAfter(after: string, limit: number): readonly string[] {
    const isOfCase = "(owner > 'case:' AND owner < 'case;' OR owner > 'evidence:' AND owner < 'evidence;')";
    const rows = this.db
      .prepare(`SELECT owner FROM data_key WHERE owner > ? AND ${isOfCase} ORDER BY owner LIMIT ?`)
      .all(after, limit);
    return (rows as { owner: string }[]).map(({ owner }) => owner);
  }

  /** Does several things in one durable step: all of it or, when `work` or the disk fails, nothing. Inside another step
   * it is a part of that. */
  together<Result>(work: () => Result): Result {
    if (this.db.isTransaction) return work();
    this.db.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.db.exec('COMMIT');
      return result;
    } catch (error) {
      if (this.db.isTransaction) this.db.exec('ROLLBACK');
      throw error;
    }
  }

  close(): void {
    this.db.close();
  }

  private wrap(owner: string, key: Uint8Array): Uint8Array {
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', this.masterKey, nonce).setAAD(Buffer.from(owner));
    return Buffer.concat([nonce, cipher.update(key), cipher.final(), cipher.getAuthTag()]);
  }

  /** Tells one bad row from a wrong master key. A ring with a single row cannot tell, and then nothing is said of the
   * owner. */
  private opensAnother(owner: string): boolean {
    const others = this.db.prepare('SELECT owner, wrapped FROM data_key WHERE owner <> ? LIMIT 50').all(owner) as {
      owner: string;
      wrapped: Uint8Array;
    }[];
    return others.some((other) => unwrap(this.masterKey, other.owner, other.wrapped) !== null);
  }
}

/** A ring in which nothing changes for a moment. */
export interface HeldRing {
  allOwnersAfter(after: string, limit: number): readonly string[];
  release(): void;
}

function namesAfter(db: DatabaseSync, after: string, limit: number): readonly string[] {
  const rows = db.prepare('SELECT owner FROM data_key WHERE owner > ? ORDER BY owner LIMIT ?').all(after, limit);
  return (rows as { owner: string }[]).map(({ owner }) => owner);
}

/** @returns null when it does not open. */
function unwrap(masterKey: KeyObject, owner: string, wrapped: Uint8Array): Uint8Array | null {
  if (wrapped.length !== WRAPPED_BYTES) return null;
  const decipher = createDecipheriv('aes-256-gcm', masterKey, wrapped.subarray(0, 12)).setAAD(Buffer.from(owner));
  decipher.setAuthTag(wrapped.subarray(44));
  const key = decipher.update(wrapped.subarray(12, 44));
  try {
    decipher.final();
    return key;
  } catch {
    // The one thing that it says in this way: the tag does not fit.
    return null;
  }
}

type MarkRow = { readonly id: string; readonly claimed: number; readonly changes: number } | undefined;

function hashOf(owner: string): Buffer {
  return createHash('sha256').update(owner).digest();
}
