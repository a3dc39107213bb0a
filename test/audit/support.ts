import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BundleMaker, type BundleOptions, type BundleQuery } from '../../src/application/audit/bundle-maker.js';
import { bundleLines } from '../../src/domain/audit/bundle.js';
import { verifyBundle, type VerifyOptions, type VerifyReport } from '../../src/domain/audit/verify-bundle.js';
import { AuditLogConsumer } from '../../src/infrastructure/audit/audit-log-consumer.js';
import { NODE_PRIMITIVES } from '../../src/infrastructure/audit/digest.js';
import { PlainLogBuilder } from '../../src/infrastructure/audit/log-builder.js';
import { LogKeys } from '../../src/infrastructure/audit/log-keys.js';
import { TileLog } from '../../src/infrastructure/audit/tile-log.js';
import { TileWriter } from '../../src/infrastructure/audit/tile-writer.js';
import { VaultPseudonyms } from '../../src/infrastructure/audit/vault-pseudonyms.js';
import { SqliteEventStore } from '../../src/infrastructure/event-store/sqlite-event-store.js';
import { KeyedSecrets } from '../../src/infrastructure/keyed-secrets.js';
import { EncryptedImageVault } from '../../src/infrastructure/vault/encrypted-image-vault.js';
import { KeyRing } from '../../src/infrastructure/vault/key-ring.js';
import type { SyntheticAppend } from '../../src/sandbox/synthetic-history.js';

export const ORIGIN = 'log.example/honnin';
export const primitives = NODE_PRIMITIVES;

/** A data folder with everything that the audit log touches, as the server has it, without the server. */
export class AuditWorld {
  private constructor(
    readonly folder: string,
    readonly store: SqliteEventStore,
    readonly keyRing: KeyRing,
    readonly vault: EncryptedImageVault,
    readonly pseudonyms: VaultPseudonyms,
    readonly keys: LogKeys,
  ) {}

  static async open(folder = mkdtempSync(join(tmpdir(), 'honnin-audit-'))): Promise<AuditWorld> {
    const store = SqliteEventStore.open({ file: join(folder, 'events.db') });
    const keyRing = new KeyRing(join(folder, 'keys.db'), new Uint8Array(32).fill(7));
    const keys = await LogKeys.open({ origin: ORIGIN, secretFolder: join(folder, 'secret'), auditFolder: join(folder, 'audit') });
    return new AuditWorld(folder, store, keyRing, new EncryptedImageVault(join(folder, 'sealed'), keyRing), new VaultPseudonyms(keyRing, new KeyedSecrets(new Uint8Array(32).fill(9))), keys);
  }

  get auditFolder(): string {
    return join(this.folder, 'audit');
  }

  get log(): TileLog {
    return new TileLog(this.auditFolder);
  }

  async append(appends: Iterable<SyntheticAppend>): Promise<void> {
    for (const { stream, events, expected } of appends) {
      const result = await this.store.append(stream, events, expected);
      if (result.outcome !== 'appended') throw new Error(`${stream}: ${JSON.stringify(result)}`);
    }
  }

  consumer(onStep?: (step: string) => void): AuditLogConsumer {
    return new AuditLogConsumer(new PlainLogBuilder(this.store, this.pseudonyms, () => TileWriter.open(this.auditFolder, this.keys, onStep), 1024), 0);
  }

  /** Lets the log catch up with the store. */
  async publish(consumer = this.consumer()): Promise<void> {
    const { events } = await this.store.readAll(null, { limit: 1 });
    const head = await this.store.head();
    const newest = head === null ? [] : (await this.store.readAll((head - 1n) as typeof head, { limit: 1 })).events;
    if (events.length > 0) await consumer.handle(newest, { signal: new AbortController().signal });
  }

  maker(): BundleMaker {
    return new BundleMaker(this.log, this.keys, this.store, this.pseudonyms, this.vault);
  }

  async bundle(query: BundleQuery, options: Partial<BundleOptions> = {}): Promise<string[]> {
    const { header, leaves } = await this.maker().make(query, { lists: [], withOpenings: false, withEvidence: false, known: [], nowUtc: '2026-11-23T12:00:00.000Z', ...options });
    return [...bundleLines(header, leaves)];
  }

  verify(lines: Iterable<string>, options: Partial<VerifyOptions> = {}): VerifyReport {
    return verifyBundle(lines, primitives, { trusted: this.keys.keys().slice(0, 1), ...options });
  }

  async close({ keep = false } = {}): Promise<void> {
    await this.store.close();
    this.keyRing.close();
    if (!keep) rmSync(this.folder, { recursive: true, force: true });
  }
}
