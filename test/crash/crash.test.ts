import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BoothClient, type SignedRequest } from '../../src/booth/booth-client.js';
import { generateBoothKey } from '../../src/booth/booth-key.js';
import { DurableCaptureCounter } from '../../src/booth/capture-counter.js';
import { upcast } from '../../src/domain/event-registry.js';
import type { StoredEvent } from '../../src/domain/event-envelope.js';
import { LogKeys } from '../../src/infrastructure/audit/log-keys.js';
import { fsck, type FsckReport } from '../../src/infrastructure/audit/fsck/fsck.js';
import { TileLog } from '../../src/infrastructure/audit/log/tile-log.js';
import { TileWriter } from '../../src/infrastructure/audit/log/tile-writer.js';
import { VaultPseudonyms } from '../../src/infrastructure/audit/vault-pseudonyms.js';
import { Config } from '../../src/infrastructure/settings/config.js';
import { checkEventLog } from '../../src/infrastructure/event-store/check-event-log.js';
import { SqliteEventStore } from '../../src/infrastructure/event-store/sqlite/sqlite-event-store.js';
import { keyFile } from '../../src/infrastructure/settings/key-files.js';
import { KeyedSecrets } from '../../src/infrastructure/settings/keyed-secrets.js';
import { ReadModelDatabase } from '../../src/infrastructure/read-model/read-model-database.js';
import { SqlitePositionStore } from '../../src/infrastructure/read-model/sqlite-position-store.js';
import { SqliteReadModel } from '../../src/infrastructure/read-model/sqlite-read-model.js';
import { EncryptedImageVault } from '../../src/infrastructure/vault/encrypted-image-vault.js';
import { KeyRing } from '../../src/infrastructure/vault/key-ring.js';
import { ALL_PROJECTIONS } from '../../src/projections/all-projections.js';
import { loadCardPhoto, loadDemoFace } from '../../src/sandbox/card/demo-faces.js';
import { sandboxSettings, startSandbox, type Sandbox } from '../../src/sandbox/sandbox.js';
import { LogWatcher } from '../simulation/invariants.js';
import { Random } from '../simulation/random.js';
import { soakCount, soakSeed } from '../support/soak.js';
import { enrol } from '../support/two-people.js';

const root = path.resolve(import.meta.dirname, '../..');
const main = path.join(root, 'dist/main.js');
/** 100 by `HONNIN_CRASHES=100 ./honnin test test/crash`; few in the everyday run, where each costs seconds. */
const CRASHES = Number(process.env['HONNIN_CRASHES'] ?? soakCount({ ci: 3, soak: 5 }));
/** What a case goes through whose certificate and face are good. */
const STEPS = ['RequestReceived', 'CertificateVerified', 'FaceMatched', 'SubmissionAttempted', 'GovernmentAccepted'];
const PIN = '7391';
const SEED = Number(process.env['HONNIN_CRASH_SEED'] ?? soakSeed(20261123));

/** The server as a process on one port, so that booths find it again after each death. */
class ServerProcess {
  private child: ChildProcess | null = null;
  readonly url: string;
  /** Everything that all its processes ever printed. */
  said = '';

  constructor(private readonly environment: Record<string, string>) {
    this.url = `http://127.0.0.1:${environment['HONNIN_PORT']}`;
  }

  async start(): Promise<void> {
    const { child, listening } = this.spawn();
    this.child = child;
    await listening;
  }

  /** Begins to start and is killed after this time, wherever it is then. */
  async startInVain(afterMs: number): Promise<void> {
    this.child = this.spawn().child;
    await sleep(afterMs);
    await this.kill();
  }

  async kill(): Promise<void> {
    const { child } = this;
    this.child = null;
    if (!child) return;
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill('SIGKILL');
    await gone;
  }

  /** Starts another process on the same data. @returns what it said before it gave up */
  async startSecond(port: number): Promise<string> {
    const { child, listening, output } = this.spawn({ HONNIN_PORT: String(port) });
    const limit = setTimeout(() => child.kill('SIGKILL'), 120_000);
    const code = await listening.then(
      () => null,
      () => child.exitCode,
    );
    clearTimeout(limit);
    if (code === null) child.kill('SIGKILL');
    return code === null ? 'it runs' : output();
  }

  private spawn(change: Record<string, string> = {}): {
    child: ChildProcess;
    listening: Promise<void>;
    output: () => string;
  } {
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main], {
      env: { ...this.environment, ...change },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    const listening = new Promise<void>((resolve, reject) => {
      for (const stream of [child.stdout, child.stderr]) {
        stream?.on('data', (chunk: Buffer) => {
          output += chunk.toString();
          this.said += chunk.toString();
          if (output.includes('"listening"')) resolve();
        });
      }
      child.once('close', (code) => reject(new Error(`the server ended with ${code} before it listened: ${output}`)));
    });
    listening.catch(() => {});
    return { child, listening, output: () => output };
  }
}

describe(`a server process that is killed ${CRASHES} times @req R8 R12 R22 R23 R24`, () => {
  const random = new Random(SEED);
  /** What the cards' holders typed in, as it would look where it must not be. */
  const secrets = new Set<string>();
  let folder: string;
  let data: string;
  let sandbox: Sandbox;
  let server: ServerProcess;
  let booth: BoothClient;

  beforeAll(async () => {
    if (!existsSync(main)) throw new Error('dist/main.js is missing: build first (./honnin test does)');
    folder = mkdtempSync(path.join(tmpdir(), 'honnin-crash-'));
    data = path.join(folder, 'data');
    sandbox = await startSandbox({ folder: path.join(folder, 'sandbox'), print: () => {} });
    const inherited = Object.fromEntries(
      Object.entries(process.env).filter(
        ([name, value]) => value !== undefined && !name.startsWith('HONNIN_') && name !== 'NODE_OPTIONS',
      ),
    ) as Record<string, string>;
    server = new ServerProcess({
      ...inherited,
      ...sandboxSettings(sandbox),
      HONNIN_DATA: data,
      HONNIN_PORT: String(await freePort()),
      HONNIN_LOG_LEVEL: 'info',
    });
    await server.start();
    const key = generateBoothKey();
    await enrol(server.url, (user) => sandbox.tokens.signIn(user), 'booth-crash', key.publicKeySpki);
    await until('the audit log has begun', async () => new TileLog(path.join(data, 'audit')).checkpoint() !== null);
    booth = new BoothClient({
      baseUrl: server.url,
      boothId: 'booth-crash',
      key,
      counter: new DurableCaptureCounter(path.join(folder, 'booth')),
      attemptsMax: 10_000,
      wait: () => sleep(100),
    });
  }, 180_000);

  afterAll(async () => {
    await server?.kill();
    await sandbox?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it(
    'keeps every accepted request, submits each once, ends every case, signs every event in the audit log, and its read models follow from its events',
    async () => {
      const receipts: Promise<string>[] = [];
      const leaves: number[] = [];
      for (let crash = 0; crash < CRASHES; crash += 1) {
        for (let n = random.between(1, 3); n > 0; n -= 1) receipts.push(send(await prepare()));
        // From the first bytes of a request to long after its end, and sometimes a second time while the server is
        // starting up again.
        await sleep(random.between(5, 1200));
        await server.kill();
        if (random.chance(0.2)) await server.startInVain(random.between(50, 1500));
        leaves.push(await expectWholeAuditLog());
        await server.start();
      }
      // What was signed once is never taken back by a death.
      expect(leaves).toEqual(leaves.toSorted((a, b) => a - b));
      const received = await Promise.all(receipts);
      expect(new Set(received).size).toBe(received.length);
      for (const receipt of received) await follow(receipt);
      await pendingEffectsDone();
      await until(
        'everything is in the audit log',
        async () => (await wholeLog()).length === new TileLog(path.join(data, 'audit')).checkpoint()?.size,
      );
      await server.kill();

      const log = await wholeLog();
      expect(await expectWholeAuditLog()).toBe(log.length);
      const watcher = new LogWatcher();
      for (const event of log) watcher.see(event);
      expect([...watcher.cases.values()].map(({ request }) => request.receipt).sort()).toEqual([...received].sort());
      for (const [requestId, { ended }] of watcher.cases) {
        expect(ended).toBe('GovernmentAccepted');
        const facts = log.filter((event) => event.stream === `registration-${requestId}`).map((event) => event.type);
        expect(facts.filter((type) => STEPS.includes(type))).toEqual(STEPS);
      }
      expectOneSubmissionEach(watcher);
      expect((await checkEventLog(path.join(data, 'events.db'))).problems).toEqual([]);
      await expectReadModelsEqual();
      expectNoSecretKept(received[0] as string);
    },
    120_000 + CRASHES * 20_000,
  );

  it('refuses to share its data folder with a second server, in words', async () => {
    await server.start();
    const said = await server.startSecond(await freePort());
    expect(said).toMatch(/another server works in this data folder \(process \d+ on /);
    await server.kill();
  }, 180_000);

  async function prepare(): Promise<SignedRequest> {
    const card = await sandbox.jpki.issueCard({
      faceImage: await loadCardPhoto('sample1-left-mirrored'),
      authenticationPin: PIN,
    });
    const { authenticationPin: pin, accessNumber } = card.secrets;
    secrets.add(accessNumber).add(`"${pin}"`);
    return booth.prepare({
      card: card.connect(),
      pin,
      accessNumber,
      photo: await loadDemoFace('sample1-left'),
      consent: { textVersion: '2026-11', keepReferenceImage: random.chance(0.5) },
    });
  }

  /** The same bytes until there is a receipt, while the server dies under them. */
  async function send(request: SignedRequest): Promise<string> {
    return (await booth.send(request)).receipt;
  }

  async function follow(receipt: string): Promise<void> {
    let last = '';
    for await (const { status } of booth.follow(receipt, { by: 'poll', pollMs: 100 })) last = status;
    expect({ receipt, last }).toEqual({ receipt, last: 'registered' });
  }

  /** The last effects of a case come after its end. */
  async function pendingEffectsDone(): Promise<void> {
    await until('no effect is pending', async () => {
      const open = new Set<string>();
      for (const { type, data: facts } of await wholeLog()) {
        if (type === 'SagaReacted')
          for (const { effectId } of facts['effects'] as unknown as { effectId: string }[]) open.add(effectId);
        if (type === 'SagaReacted')
          for (const effectId of facts['cancelled'] as unknown as string[]) open.delete(effectId);
        if (type === 'EffectPerformed') open.delete(facts['effectId'] as string);
      }
      return open.size === 0;
    });
  }

  /** The published log against the stored events, leaf by leaf, with the images that they name. @returns its leaves */
  async function expectWholeAuditLog(): Promise<number> {
    const signer = await LogKeys.open({
      origin: Config.from({}).values.auditOrigin,
      secretFolder: path.join(data, 'keys', 'audit'),
      auditFolder: path.join(data, 'audit'),
    });
    // As the next start does it: a death between the two files of a checkpoint leaves the second one to be written.
    await TileWriter.open(path.join(data, 'audit'), signer);
    const ring = new KeyRing(
      path.join(data, 'vault', 'keys.db'),
      keyFile(path.join(data, 'keys', 'master.key'), { create: false }),
    );
    try {
      const report: FsckReport = await fsck({
        eventsFile: path.join(data, 'events.db'),
        auditFolder: path.join(data, 'audit'),
        signer,
        pseudonyms: new VaultPseudonyms(
          ring,
          new KeyedSecrets(keyFile(path.join(data, 'keys', 'server.secret'), { create: false })),
        ),
        vault: new EncryptedImageVault(path.join(data, 'vault', 'sealed'), ring),
        copies: [],
      });
      expect(report.problems).toEqual([]);
      return report.events;
    } finally {
      ring.close();
    }
  }

  async function wholeLog(): Promise<StoredEvent[]> {
    const store = SqliteEventStore.open({ file: path.join(data, 'events.db'), mode: 'read' });
    const all: StoredEvent[] = [];
    for (let after: Awaited<ReturnType<typeof store.head>> = null; ;) {
      const batch = await store.readAll(after, { limit: 4096 });
      all.push(...batch.events);
      after = batch.position;
      if (batch.caughtUp) break;
    }
    await store.close();
    return all;
  }

  function expectOneSubmissionEach(watcher: LogWatcher): void {
    const attempts = sandbox.government.history.filter(({ method }) => method === 'POST');
    // A repetition after a death says the same: one content under each id.
    expect(new Set(attempts.map(({ submissionId, contentSha256 }) => `${submissionId} ${contentSha256}`)).size).toBe(
      watcher.cases.size,
    );
    const stored = attempts.filter((attempt) => attempt.outcome === 'stored').map((attempt) => attempt.submissionId);
    expect(new Set(stored).size).toBe(stored.length);
    expect([...stored].sort()).toEqual([...watcher.cases.values()].map(({ submissionId }) => submissionId).sort());
  }

  /** Neither a PIN nor a 照合番号 in any file of the server, or in anything that it printed. */
  function expectNoSecretKept(kept: string): void {
    expect(secrets.size).toBeGreaterThan(1);
    const files = readdirSync(data, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const holding = (text: string): string[] =>
      files
        .filter(({ parentPath, name }) => readFileSync(path.join(parentPath, name)).includes(text))
        .map(({ name }) => name);
    // The search finds what is there.
    expect(holding(kept).some((name) => name.startsWith('events.db'))).toBe(true);
    expect(server.said).toContain('"listening"');
    for (const secret of secrets) {
      expect(holding(secret)).toEqual([]);
      expect(server.said).not.toContain(secret);
    }
  }

  /** Whatever the projections lived through, building them from the first event gives the same rows. */
  async function expectReadModelsEqual(): Promise<void> {
    const store = SqliteEventStore.open({ file: path.join(data, 'events.db'), mode: 'read' });
    const database = ReadModelDatabase.open(path.join(data, 'readmodel.db'));
    const model = new SqliteReadModel(database, new SqlitePositionStore(database), ALL_PROJECTIONS);
    for (const name of model.names()) {
      const { comparison } = await model.rebuild(name, { store, upcast: (event) => [upcast(event)], then: 'check' });
      expect({ name, equal: comparison?.equal }).toEqual({ name, equal: true });
    }
    database.close();
    await store.close();
  }
});

async function until(what: string, reached: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 120_000;
  while (!(await reached())) {
    if (performance.now() > deadline) throw new Error(`waited in vain until ${what}`);
    await sleep(200);
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}
