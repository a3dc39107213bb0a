import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect } from '@jest/globals';
import { BundleMaker, type BundleOptions, type BundleQuery } from '../../src/application/audit/bundle-maker.js';
import type { SignedState } from '../../src/application/ports/audit/signed-log.js';
import { bundleLines } from '../../src/domain/audit/bundle/bundle.js';
import { verifierKeyText } from '../../src/domain/audit/log/signed-note.js';
import {
  verifyBundle,
  type Judgement,
  type VerifyOptions,
  type VerifyReport,
} from '../../src/domain/audit/bundle/verify-bundle.js';
import { AuditLogConsumer } from '../../src/infrastructure/audit/log/audit-log-consumer.js';
import { NODE_PRIMITIVES } from '../../src/infrastructure/audit/digest.js';
import { PlainLogBuilder } from '../../src/infrastructure/audit/log/log-builder.js';
import { LogKeys } from '../../src/infrastructure/audit/log-keys.js';
import { TileLog } from '../../src/infrastructure/audit/log/tile-log.js';
import { TileWriter } from '../../src/infrastructure/audit/log/tile-writer.js';
import { VaultPseudonyms } from '../../src/infrastructure/audit/vault-pseudonyms.js';
import { SqliteEventStore } from '../../src/infrastructure/event-store/sqlite/sqlite-event-store.js';
import { KeyedSecrets } from '../../src/infrastructure/settings/keyed-secrets.js';
import { EncryptedImageVault } from '../../src/infrastructure/vault/encrypted-image-vault.js';
import { KeyRing } from '../../src/infrastructure/vault/key-ring.js';
import type { SyntheticAppend } from '../../src/sandbox/synthetic-history.js';
import { peer } from '../support/peers.js';
import { soakCount, soakFactor } from '../support/soak.js';
import { secondOpinions, type AskedOpinion } from './second-opinion.js';

/** Bundles of a suite that the second verifier judges as well when the suite is over. */
const BUNDLES_MAX = 120 * soakFactor();
/** Of one test: the first few of each kind, so that a test with many leaves room for those behind it. */
const OF_ONE_TEST_MAX = soakCount({ ci: 4, soak: 120 });
const judgedOfTest = new Map<string, number>();
const judged = new Map<string, { readonly asked: AskedOpinion; readonly judgement: Judgement }>();

function keepForSecondOpinion(
  lines: readonly string[],
  { trusted, known = [] }: VerifyOptions,
  judgement: Judgement,
): void {
  const test = expect.getState().currentTestName ?? '';
  const before = judgedOfTest.get(test) ?? 0;
  if (judged.size >= BUNDLES_MAX || before >= OF_ONE_TEST_MAX) return;
  judgedOfTest.set(test, before + 1);
  const [text, keys] = [`${lines.join('\n')}\n`, trusted.map(verifierKeyText)];
  const name = createHash('sha256')
    .update(JSON.stringify([text, keys, known]))
    .digest('hex');
  judged.set(name, { asked: { bundle: Buffer.from(text), keys, known }, judgement });
}

afterAll(() => {
  if (judged.size === 0 || peer('python3') !== null) return;
  const all = [...judged.values()];
  judged.clear();
  const theirs = secondOpinions(all.map(({ asked }) => asked));
  const differences = theirs.flatMap((opinion, i) => {
    const { judgement, asked } = all[i] as (typeof all)[number];
    return opinion.outcome === judgement
      ? []
      : [{ judgement, opinion, bundle: Buffer.from(asked.bundle).toString().slice(0, 2_000) }];
  });
  expect(differences).toEqual([]);
}, 300_000 * soakFactor());

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
    const keys = await LogKeys.open({
      origin: ORIGIN,
      secretFolder: join(folder, 'secret'),
      auditFolder: join(folder, 'audit'),
    });
    return new AuditWorld(
      folder,
      store,
      keyRing,
      new EncryptedImageVault(join(folder, 'sealed'), keyRing),
      new VaultPseudonyms(keyRing, new KeyedSecrets(new Uint8Array(32).fill(9))),
      keys,
    );
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
    return new AuditLogConsumer(this.builder(onStep), 0);
  }

  builder(onStep?: (step: string) => void): PlainLogBuilder {
    const open = (recorded: readonly SignedState[]) => TileWriter.open(this.auditFolder, this.keys, onStep, recorded);
    return new PlainLogBuilder(this.store, this.pseudonyms, open, 1024);
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
    const { header, leaves } = await this.maker().make(query, {
      lists: [],
      withOpenings: false,
      withEvidence: false,
      known: [],
      nowUtc: '2026-11-23T12:00:00.000Z',
      ...options,
    });
    return [...bundleLines(header, leaves)];
  }

  verify(lines: Iterable<string>, options: Partial<VerifyOptions> = {}): VerifyReport {
    const all = { trusted: this.keys.keys().slice(0, 1), ...options };
    const report = verifyBundle(lines, primitives, all);
    // Anchors and witnesses are nothing that the second verifier takes.
    if (!Array.isArray(lines) || all.certificates) return report;
    const { witnesses, ...plain } = all;
    keepForSecondOpinion(
      lines as readonly string[],
      plain,
      witnesses ? verifyBundle(lines, primitives, plain).judgement : report.judgement,
    );
    return report;
  }

  async close({ keep = false } = {}): Promise<void> {
    await this.store.close();
    this.keyRing.close();
    if (!keep) rmSync(this.folder, { recursive: true, force: true });
  }
}
