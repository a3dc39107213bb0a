import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BoothClient, type SignedRequest } from '../../src/booth/booth-client.js';
import { generateBoothKey } from '../../src/booth/booth-key.js';
import { DurableCaptureCounter } from '../../src/booth/capture-counter.js';
import { SqliteEventStore } from '../../src/infrastructure/event-store/sqlite/sqlite-event-store.js';
import { loadCardPhoto, loadDemoFace } from '../../src/sandbox/card/demo-faces.js';
import { sandboxSettings, startSandbox, type Sandbox } from '../../src/sandbox/sandbox.js';
import { soakCount, soakFactor } from '../support/soak.js';
import { enrol } from '../support/two-people.js';

const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const REQUESTS = 10;
const KILLS = Number(process.env['HONNIN_KILL_ROUNDS'] ?? soakCount({ ci: 3, soak: 6 }));
/** Milliseconds from "listening" to SIGKILL: early, in the middle of checks and comparisons, and late. Fixed, so that a
 * run repeats. */
const MOMENTS = [40, 260, 900, 120, 420, 650];

/** The server as a process of its own on one port, so that booths find it again after each death. */
class Server {
  private child: ChildProcess | null = null;
  private constructor(
    private readonly environment: Record<string, string>,
    readonly url: string,
  ) {}

  static async create(sandbox: Sandbox, folder: string): Promise<Server> {
    const port = await freePort();
    const inherited = Object.fromEntries(
      Object.entries(process.env).filter(
        ([name, value]) => value !== undefined && !name.startsWith('HONNIN_') && name !== 'NODE_OPTIONS',
      ),
    ) as Record<string, string>;
    return new Server(
      {
        ...inherited,
        ...sandboxSettings(sandbox),
        HONNIN_DATA: join(folder, 'data'),
        HONNIN_PORT: String(port),
        HONNIN_LOG_LEVEL: 'error',
      },
      `http://127.0.0.1:${port}`,
    );
  }

  async start(): Promise<void> {
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main], {
      env: this.environment,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.child = child;
    await new Promise<void>((resolve, reject) => {
      let output = '';
      child.stdout.on('data', (chunk: Buffer) => {
        output += chunk.toString();
        if (output.includes('"listening"')) resolve();
      });
      child.once('exit', (code) => reject(new Error(`the server ended with ${code} before it listened: ${output}`)));
    });
  }

  async kill(): Promise<void> {
    const { child } = this;
    if (!child) return;
    this.child = null;
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill('SIGKILL');
    await gone;
  }
}

describe('a server that is killed at any moment', () => {
  let folder: string;
  let sandbox: Sandbox;
  let server: Server;

  beforeAll(async () => {
    if (!existsSync(main)) throw new Error('dist/main.js is missing: build first (./honnin test does)');
    folder = mkdtempSync(join(tmpdir(), 'honnin-kill-'));
    sandbox = await startSandbox({ folder: join(folder, 'sandbox'), print: () => {} });
    server = await Server.create(sandbox, folder);
  }, 180_000);

  afterAll(async () => {
    await server?.kill();
    await sandbox?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  // @req R8 R12 R23 R24 A19
  it(
    `keeps every accepted request and submits each exactly once over ${KILLS} deaths`,
    async () => {
      await server.start();
      const key = generateBoothKey();
      await enrol(server.url, (user) => sandbox.tokens.signIn(user), 'booth-kill', key.publicKeySpki);
      const booth = new BoothClient({
        baseUrl: server.url,
        boothId: 'booth-kill',
        key,
        counter: new DurableCaptureCounter(join(folder, 'booth')),
        attemptsMax: 1_000,
        wait: () => new Promise((resolve) => setTimeout(resolve, 150)),
      });
      const requests = await signedRequests(booth, sandbox);

      // Booths send the same bytes until they have a receipt, while the server dies under them again and again.
      const receipts = Promise.all(requests.map(async (request) => (await booth.send(request)).receipt));
      for (let round = 0; round < KILLS; round += 1) {
        await new Promise((resolve) => setTimeout(resolve, MOMENTS[round % MOMENTS.length]));
        await server.kill();
        await server.start();
      }
      const received = await receipts;
      expect(new Set(received).size).toBe(REQUESTS);
      for (const receipt of received) {
        let last = '';
        for await (const { status } of booth.follow(receipt, { by: 'poll', pollMs: 200 })) last = status;
        expect({ receipt, last }).toEqual({ receipt, last: 'registered' });
      }
      await server.kill();

      const stored = sandbox.government.history.filter((attempt) => attempt.outcome === 'stored');
      expect(stored).toHaveLength(REQUESTS);
      expect(new Set(stored.map((attempt) => attempt.submissionId)).size).toBe(REQUESTS);
      expect(await eventCounts(join(folder, 'data', 'events.db'))).toMatchObject({
        RequestReceived: REQUESTS,
        ChallengeConsumed: REQUESTS,
        CertificateVerified: REQUESTS,
        FaceMatched: REQUESTS,
        SubmittedToGovernment: REQUESTS,
        GovernmentAccepted: REQUESTS,
      });
    },
    180_000 * soakFactor(),
  );
});

async function signedRequests(booth: BoothClient, sandbox: Sandbox): Promise<SignedRequest[]> {
  const card = await sandbox.jpki.issueCard({ faceImage: await loadCardPhoto('sample1-left-mirrored') });
  const photo = await loadDemoFace('sample1-left');
  const { authenticationPin: pin, accessNumber } = card.secrets;
  const requests: SignedRequest[] = [];
  for (let i = 0; i < REQUESTS; i += 1) {
    requests.push(
      await booth.prepare({
        card: card.connect(),
        pin,
        accessNumber,
        photo,
        consent: { textVersion: '2026-11', keepReferenceImage: i % 2 === 0 },
      }),
    );
  }
  return requests;
}

async function eventCounts(file: string): Promise<Record<string, number>> {
  const store = SqliteEventStore.open({ file, mode: 'read' });
  const counts: Record<string, number> = {};
  for (let after: Awaited<ReturnType<typeof store.head>> = null; ;) {
    const batch = await store.readAll(after, { limit: 1000 });
    for (const event of batch.events) counts[event.type] = (counts[event.type] ?? 0) + 1;
    if (batch.caughtUp) break;
    after = batch.position;
  }
  await store.close();
  return counts;
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}
