import { createCipheriv, createDecipheriv, createHash, createSecretKey, randomBytes, type KeyObject } from 'node:crypto';
import { DatabaseSync, type StatementSync } from 'node:sqlite';

const WRAPPED_BYTES = 12 + 32 + 16;

/** What can be done with keys, at once or after a while. */
export interface Keys {
  keyFor(owner: string): Uint8Array | null | Promise<Uint8Array | null>;
  existingKey(owner: string): Uint8Array | null | Promise<Uint8Array | null>;
  destroy(owner: string, options: { readonly forever: boolean }): void | Promise<void>;
}

/** One data key per owner, wrapped by the master key, in a small database of its own that is kept apart from the event log and its
 *  backups: destroying a row here is what erases a person. */
export class KeyRing implements Keys {
  private readonly db: DatabaseSync;
  private readonly find: StatementSync;
  /** Made once: making a key object costs more than opening a data key with it. */
  private readonly masterKey: KeyObject;

  /** @param masterKey 32 bytes */
  constructor(
    file: string,
    masterKey: Uint8Array,
  ) {
    if (masterKey.length !== 32) throw new RangeError('the master key must have 32 bytes');
    this.masterKey = createSecretKey(masterKey);
    // The audit log and the checker read keys on connections of their own: one that is in the way for a moment is waited for.
    this.db = new DatabaseSync(file, { timeout: 5000 });
    // A deleted key must not survive in free pages or in the write-ahead log.
    this.db.exec('PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; CREATE TABLE IF NOT EXISTS data_key (owner TEXT PRIMARY KEY, wrapped BLOB NOT NULL) WITHOUT ROWID; CREATE TABLE IF NOT EXISTS gone (owner_hash BLOB PRIMARY KEY) WITHOUT ROWID');
    this.find = this.db.prepare('SELECT wrapped FROM data_key WHERE owner = ?');
  }

  /** The owner's key, made at first use. Durable before it is returned.
   *  @returns null for an owner whose key was destroyed for ever */
  keyFor(owner: string): Uint8Array | null {
    const existing = this.existingKey(owner);
    if (existing) return existing;
    // One statement, so that no key can be made between the look and the making.
    this.db
      .prepare('INSERT OR IGNORE INTO data_key (owner, wrapped) SELECT ?, ? WHERE NOT EXISTS (SELECT 1 FROM gone WHERE owner_hash = ?)')
      .run(owner, this.wrap(owner, randomBytes(32)), hashOf(owner));
    return this.existingKey(owner);
  }

  /** @returns null when there is none, or no more. @throws when the master key is not the one that wrapped it. */
  existingKey(owner: string): Uint8Array | null {
    const row = this.find.get(owner) as { wrapped: Uint8Array } | undefined;
    return row ? this.unwrap(owner, row.wrapped) : null;
  }

  /** @param options.forever the owner never gets a key again; of it only a hash is remembered */
  destroy(owner: string, { forever }: { readonly forever: boolean }): void {
    this.together(() => {
      this.db.prepare('DELETE FROM data_key WHERE owner = ?').run(owner);
      if (forever) this.db.prepare('INSERT OR IGNORE INTO gone (owner_hash) VALUES (?)').run(hashOf(owner));
    });
  }

  /** Does several things in one durable step: all of it or, when `work` or the disk fails, nothing. Inside another step it is a part of that. */
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

  private unwrap(owner: string, wrapped: Uint8Array): Uint8Array {
    if (wrapped.length !== WRAPPED_BYTES) throw new Error(`the key of ${owner} is damaged`);
    const decipher = createDecipheriv('aes-256-gcm', this.masterKey, wrapped.subarray(0, 12)).setAAD(Buffer.from(owner));
    decipher.setAuthTag(wrapped.subarray(44));
    try {
      return Buffer.concat([decipher.update(wrapped.subarray(12, 44)), decipher.final()]);
    } catch (cause) {
      throw new Error(`the key of ${owner} does not open: the master key is another one than at the time it was made`, { cause });
    }
  }
}

function hashOf(owner: string): Buffer {
  return createHash('sha256').update(owner).digest();
}
