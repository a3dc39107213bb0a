import { createWriteStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { BundleMaker } from '../../dist/application/audit/bundle-maker.js';
import { verifierPage } from '../../dist/console/build-page.js';
import { isSignedEd25519 as pageSigned } from '../../dist/console/ed25519.js';
import { sha1 as pageSha1 } from '../../dist/console/sha1.js';
import { sha256 as pageSha256 } from '../../dist/console/sha256.js';
import { bundleLines } from '../../dist/domain/audit/bundle/bundle.js';
import { hmacOf } from '../../dist/domain/audit/log/commitment.js';
import { verifierKeyText, type VerifierKey } from '../../dist/domain/audit/log/signed-note.js';
import { verifyBundle } from '../../dist/domain/audit/bundle/verify-bundle.js';
import { NODE_PRIMITIVES } from '../../dist/infrastructure/audit/digest.js';
import { LogKeys } from '../../dist/infrastructure/audit/log-keys.js';
import { VaultPseudonyms } from '../../dist/infrastructure/audit/vault-pseudonyms.js';
import { SqliteEventStore } from '../../dist/infrastructure/event-store/sqlite/sqlite-event-store.js';
import { KeyedSecrets } from '../../dist/infrastructure/settings/keyed-secrets.js';
import { EncryptedImageVault } from '../../dist/infrastructure/vault/encrypted-image-vault.js';
import { KeyRing } from '../../dist/infrastructure/vault/key-ring.js';
import { openBrowser, type Tab } from '../../test/support/browser.ts';
import { peerProgram } from '../../test/support/peers.ts';
import type { BenchReport } from '../report.ts';
import { history, ORIGIN, registrantsOf, World } from './world.ts';

const CASES = 5_000;

/** A bundle of 5,000 cases, whole: verified in Node, by the page's own cryptography in Node, and by the page in a
 * browser. */
export async function bundle(report: BenchReport): Promise<void> {
  report.progress(`a bundle of ${CASES.toLocaleString('en-US')} cases ...`);
  const world = await World.create(process.cwd());
  const folder = mkdtempSync(path.join(tmpdir(), 'bench-bundle-'));
  try {
    const { lines, key } = await bundleOf(world);
    for (const [name, primitives] of [
      ['in Node', NODE_PRIMITIVES],
      [
        "by the page's own cryptography in Node",
        { hash: pageSha256, hmac: hmacOf(pageSha256), isSigned: pageSigned, sha1: pageSha1 },
      ],
    ] as const) {
      const startMs = performance.now();
      const verdict = verifyBundle(lines, primitives, { trusted: [key] });
      const seconds = (performance.now() - startMs) / 1000;
      if (verdict.discrepancies.length > 0)
        throw new Error(`a sound bundle: ${JSON.stringify(verdict.discrepancies[0])}`);
      report.row(`verify ${CASES} cases ${name}`, {
        seconds,
        events: verdict.leaves,
        decisions: verdict.replay.decisions,
        reproduced: verdict.replay.reproduced,
      });
      if (name === 'in Node') report.ratio(`verify ${CASES} cases in Node: seconds / 10`, seconds / 10, 'under 1');
    }
    await inBrowser(report, folder, lines, key);
  } finally {
    world.remove();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function bundleOf(world: World): Promise<{ readonly lines: readonly string[]; readonly key: VerifierKey }> {
  const appends = history(CASES, 2000);
  world.addRegistrants(registrantsOf(appends));
  const store = SqliteEventStore.open({ file: world.eventsFile });
  for (let i = 0; i < appends.length; i += 512)
    await Promise.all(appends.slice(i, i + 512).map((a) => store.append(a.stream, a.events, a.expected)));
  const builder = world.builder();
  while ((await builder.step()).isMore);
  await builder.close();
  const ring = new KeyRing(world.keyRingFile, new Uint8Array(32).fill(1));
  const keys = await LogKeys.open({
    origin: ORIGIN,
    secretFolder: path.join(world.folder, 'keys/audit'),
    auditFolder: world.auditFolder,
  });
  const maker = new BundleMaker(
    world.log,
    keys,
    store,
    new VaultPseudonyms(ring, new KeyedSecrets(new Uint8Array(32).fill(2))),
    new EncryptedImageVault(path.join(world.folder, 'vault/sealed'), ring),
  );
  const made = await maker.make(
    { kind: 'range', from: 0, to: null },
    {
      lists: ['requests', 'holds'],
      withOpenings: true,
      withEvidence: false,
      known: [],
      nowUtc: '2026-11-23T12:00:00.000Z',
    },
  );
  const lines = [...bundleLines(made.header, made.leaves)];
  ring.close();
  await store.close();
  return { lines, key: keys.keys()[0] as VerifierKey };
}

async function inBrowser(
  report: BenchReport,
  folder: string,
  lines: readonly string[],
  key: VerifierKey,
): Promise<void> {
  const program = peerProgram('chromium');
  if (program === null) return report.note('There is no Chromium here: the page was not measured in a browser.');
  const [page, file] = [path.join(folder, 'page.html'), path.join(folder, 'all.honnin')];
  writeFileSync(page, verifierPage());
  const out = createWriteStream(file);
  for (const line of lines) if (!out.write(`${line}\n`)) await once(out, 'drain');
  out.end();
  await once(out, 'close');
  const browser = await openBrowser({ program, profile: path.join(folder, 'profile'), url: pathToFileURL(page).href });
  try {
    await measurePage(report, browser.tab, file, key);
  } finally {
    await browser.close();
  }
}

async function measurePage(report: BenchReport, tab: Tab, file: string, key: VerifierKey): Promise<void> {
  await tab.until('document.readyState === "complete" && document.getElementById("lang").textContent !== ""');
  await tab.evaluate(`document.getElementById('keys').value = ${JSON.stringify(verifierKeyText(key))}`);
  // What the page itself feels: the longest time between two turns of its own thread.
  await tab.evaluate(
    'globalThis.gap = 0; let last = performance.now(); setInterval(() => { const now = performance.now(); gap = Math.max(gap, now - last); last = now; }, 5); 0',
  );
  const startMs = performance.now();
  await tab.choose('#bundle', [file]);
  const done = JSON.parse(await tab.until<string>('document.body.dataset.done', 180_000)) as {
    sound: boolean;
    seconds: number;
    thread: string;
    decisions: number;
    reproduced: number;
  };
  const seconds = (performance.now() - startMs) / 1000;
  if (!done.sound)
    throw new Error(`the page does not find a sound bundle sound: ${JSON.stringify(done).slice(0, 500)}`);
  report.row(`verify ${CASES} cases in Chromium, from the choice of the file to the verdict`, {
    seconds,
    verifySeconds: done.seconds,
    thread: done.thread,
    decisions: done.decisions,
    reproduced: done.reproduced,
    pageHeldUpMsMax: Math.round(await tab.evaluate<number>('gap')),
    progressShown: Number(await tab.evaluate('document.body.dataset.progress')),
  });
  report.ratio(`verify ${CASES} cases in Chromium: seconds / 30`, seconds / 30, 'under 1');
}
