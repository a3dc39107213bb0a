import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bench, BenchReport } from './report.ts';
import { BundleMaker } from '../dist/application/audit/bundle-maker.js';
import { bundleLines } from '../dist/domain/audit/bundle.js';
import { verifyBundle } from '../dist/domain/audit/verify-bundle.js';
import { hmacOf } from '../dist/domain/audit/commitment.js';
import { isSignedEd25519 as pageSigned } from '../dist/console/ed25519.js';
import { sha256 as pageSha256 } from '../dist/console/sha256.js';
import { AuditLogConsumer } from '../dist/infrastructure/audit/audit-log-consumer.js';
import { hmacSha256, isSignedEd25519, sha256 } from '../dist/infrastructure/audit/digest.js';
import { fsck } from '../dist/infrastructure/audit/fsck.js';
import { LogKeys } from '../dist/infrastructure/audit/log-keys.js';
import { TileLog } from '../dist/infrastructure/audit/tile-log.js';
import { TileWriter } from '../dist/infrastructure/audit/tile-writer.js';
import { VaultPseudonyms } from '../dist/infrastructure/audit/vault-pseudonyms.js';
import { SqliteEventStore } from '../dist/infrastructure/event-store/sqlite-event-store.js';
import { KeyedSecrets } from '../dist/infrastructure/keyed-secrets.js';
import { EncryptedImageVault } from '../dist/infrastructure/vault/encrypted-image-vault.js';
import { KeyRing } from '../dist/infrastructure/vault/key-ring.js';
import { SyntheticHistory } from '../dist/sandbox/synthetic-history.js';

const SMALL = 400;
const LARGE = 5_000;

/** A data folder with a synthetic history of so many cases, all of it in the audit log. */
async function world(cases: number, appendOnly: boolean) {
  const folder = mkdtempSync(join(tmpdir(), 'honnin-bench-audit-'));
  const store = SqliteEventStore.open({ file: join(folder, 'events.db') });
  const ring = new KeyRing(join(folder, 'keys.db'), new Uint8Array(32).fill(1));
  const pseudonyms = new VaultPseudonyms(ring, new KeyedSecrets(new Uint8Array(32).fill(2)));
  const keys = await LogKeys.open({ origin: 'bench.example/log', secretFolder: join(folder, 'secret'), auditFolder: join(folder, 'audit') });
  const consumer = new AuditLogConsumer(store, pseudonyms, () => TileWriter.open(join(folder, 'audit'), keys), 500);
  const made = [...new SyntheticHistory({ seed: 4 }).appends(cases, { registrants: 200 })];
  const events = made.reduce((sum, a) => sum + a.events.length, 0);
  const stop = new AbortController();
  const follow = async (): Promise<void> => {
    for await (const batch of store.subscribe({ after: null, signal: stop.signal, batchSize: 256 })) await consumer.handle(batch.events, { signal: stop.signal });
  };
  const following = appendOnly ? null : follow();
  const startMs = performance.now();
  for (let i = 0; i < made.length; i += 512) await Promise.all(made.slice(i, i + 512).map((a) => store.append(a.stream, a.events, a.expected)));
  const appendSeconds = (performance.now() - startMs) / 1000;
  const log = new TileLog(join(folder, 'audit'));
  if (!appendOnly) while ((log.checkpoint()?.size ?? 0) < events) await new Promise((done) => setTimeout(done, 50));
  const logSeconds = (performance.now() - startMs) / 1000;
  stop.abort();
  await following;
  const vault = new EncryptedImageVault(join(folder, 'sealed'), ring);
  const close = async (): Promise<void> => {
    await store.close();
    ring.close();
    rmSync(folder, { recursive: true, force: true });
  };
  return { folder, store, keys, pseudonyms, log, vault, events, appendSeconds, logSeconds, close };
}

export const bench: Bench = {
  summary: 'cost of the audit log while events are appended; rate and memory of fsck; time to verify a bundle',
  async run(report: BenchReport) {
    report.progress('appends with and without the audit log, alternating');
    const [without, withLog]: [number[], number[]] = [[], []];
    for (let round = 0; round < 3; round += 1) {
      for (const [appendOnly, list] of [[true, without], [false, withLog]] as const) {
        const w = await world(500, appendOnly);
        list.push(w.events / w.appendSeconds);
        await w.close();
      }
    }
    const median = (list: number[]) => list.toSorted((a, b) => a - b)[1] as number;
    report.row('append flat out, no audit log', { eventsPerSecond: Math.round(median(without)) });
    report.row('append flat out, audit log follows', { eventsPerSecond: Math.round(median(withLog)) });
    report.ratio('flat-out appends: with the log / without', median(withLog) / median(without), 'at least 0.90');

    const memory: number[] = [];
    for (const cases of [SMALL, LARGE]) {
      report.progress(`a history of ${cases} cases`);
      const w = await world(cases, false);
      report.row(`audit log of ${cases} cases`, { events: w.events, eventsPerSecond: Math.round(w.events / w.logSeconds) });
      globalThis.gc?.();
      let peak = 0;
      const options = { eventsFile: join(w.folder, 'events.db'), auditFolder: join(w.folder, 'audit'), signer: w.keys, pseudonyms: w.pseudonyms, vault: null, copies: [] };
      const checked = await fsck({ ...options, onProgress: () => (peak = Math.max(peak, process.memoryUsage().heapUsed)) });
      memory.push(peak);
      report.row(`fsck of ${cases} cases`, { events: checked.events, eventsPerSecond: Math.round(checked.events / checked.seconds), problems: checked.problems.length, heapPeakMb: Math.round(peak / 1e6) });
      if (cases === LARGE) {
        const maker = new BundleMaker(w.log, w.keys, w.store, w.pseudonyms, w.vault);
        const made = await maker.make({ kind: 'range', from: 0, to: null }, { lists: ['requests', 'holds'], withOpenings: false, withEvidence: false, known: [], nowUtc: '2026-11-23T12:00:00.000Z' });
        const lines = [...bundleLines(made.header, made.leaves)];
        for (const [name, primitives] of [['Node', { hash: sha256, hmac: hmacSha256, isSigned: isSignedEd25519 }], ["the page's own cryptography in Node", { hash: pageSha256, hmac: hmacOf(pageSha256), isSigned: pageSigned }]] as const) {
          const startMs = performance.now();
          const verdict = verifyBundle(lines, primitives, { trusted: w.keys.keys() });
          report.row(`verify ${LARGE} cases, ${name}`, { seconds: (performance.now() - startMs) / 1000, events: verdict.leaves, decisions: verdict.replay.decisions, reproduced: verdict.replay.reproduced, discrepancies: verdict.discrepancies.length });
        }
      }
      await w.close();
    }
    report.note(`fsck's heap peaks are of the whole process, which also holds the history that was appended; the cost of the log is measured in the same process and on the same disk as the appends.`);
  },
};
