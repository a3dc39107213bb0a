import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BoothClient, type Capture } from '../../src/booth/booth-client.js';
import { generateBoothKey } from '../../src/booth/booth-key.js';
import type { CardSession } from '../../src/booth/card-session.js';
import { SqliteEventStore } from '../../src/infrastructure/event-store/sqlite/sqlite-event-store.js';
import { loadCardPhoto, loadDemoFace } from '../../src/sandbox/card/demo-faces.js';
import { RealServer, until } from '../support/real-server.js';
import { soakCount, soakFactor } from '../support/soak.js';

const strangersFile = fileURLToPath(new URL('./processes/strangers.mjs', import.meta.url));
const probeFile = fileURLToPath(new URL('./processes/door-probe.mjs', import.meta.url));
const IS_LONG = soakFactor() > 1;
/** Registrations of honest booths during each attack: few in every run, 100 where there is time. */
const REGISTRATIONS = Math.min(100, soakCount({ ci: 5, soak: 10 }));
/** What an attack may make of the p99 of the server's own time for a 202, against the quiet right before. Asked for
 * where there is time for a hundred: other programs share the machine, and of ten the slowest says more about them. */
const TIMES_QUIET_MAX = 2;
/** Of one core, what strangers may take of the server beside booths. */
const CORE_SHARE_MAX = 0.6;
/** Connections of the kinds that are dearer for who sends them than for us, from one address; from 64 they come in
 * every run. */
const WHERE_THERE_IS_TIME = IS_LONG ? 16 : 0;
const AT_ONCE = 2;
const BOOTH = 'booth-honest';
/** Far above what the server needs, far below what uploads without bounds would take. */
const RSS_MIB_MAX = 900;
/** Bodies: less than all kinds of places for strangers may hold, and what waits for the collector. Bytes that are not
 * given back add up beyond it. */
const EXTERNAL_MIB_MAX = 350;

/** A card of which the door sees digests and lengths only; what is on it is judged later, and no face is looked at. */
const CARD: CardSession = {
  triesLeft: async () => 3,
  verifyPin: async () => {},
  verifyAccessNumber: async () => {},
  readCertificate: async () => Buffer.alloc(900, 1),
  readCardRecord: async () => Buffer.alloc(900, 2),
  readCardIssuerCertificate: async () => Buffer.alloc(500, 3),
  sign: async () => Buffer.alloc(256, 4),
  signChallenge: async () => Buffer.alloc(256, 5),
};

let server: RealServer;
let booth: BoothClient;
let photo: Buffer;
let receipts: string[];
let quiet: Measured;
const table: string[] = [];

beforeAll(async () => {
  server = await RealServer.beside('strangers', ['administrator', 'auditor']);
  // Nobody answers there: cases with a real card stay open, and so do the streams that tell of them.
  await server.start({
    preload: probeFile,
    env: {
      TEST_DOOR_PROBE: server.at('probe.json'),
      HONNIN_JPKI_OCSP_URL: 'http://127.0.0.1:9/ocsp',
      HONNIN_JPKI_STATUS_ORDER: 'ocsp',
    },
  });
  const key = generateBoothKey();
  await server.enrol(BOOTH, key.publicKeySpki);
  let count = 0;
  booth = new BoothClient({ baseUrl: server.url, boothId: BOOTH, key, counter: { next: () => (count += 1) } });
  photo = await loadDemoFace('sample1-left');
  const card = await server.sandbox.jpki.issueCard({ faceImage: await loadCardPhoto('sample1-left-mirrored') });
  const { authenticationPin: pin, accessNumber } = card.secrets;
  receipts = [];
  for (let i = 0; i < 12; i += 1)
    receipts.push((await booth.register(captureOf({ card: card.connect(), pin, accessNumber }))).receipt);
  await honest(REGISTRATIONS);
  quiet = await honest(REGISTRATIONS);
}, 180_000);

afterAll(async () => {
  console.log(
    [
      '| attack | from | honest | 202 outside, ms: p50, p99 | inside: p50, p99 | inside, quiet: p50, p99 | p99 to quiet: outside, inside | answers/s to strangers | CPU ms each | MiB |',
      '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
      ...table,
    ].join('\n'),
  );
  await server?.close();
});

function captureOf({ card = CARD, pin = '1234', accessNumber = '12345678901234' }: Partial<Capture> = {}): Capture {
  return { card, pin, accessNumber, photo, consent: { textVersion: '2026-11', keepReferenceImage: false } };
}

interface Measured {
  /** From the question for a nonce to the receipt, as the booth sees it. */
  readonly outside: readonly number[];
  /** From the first header of the upload to its 202, as the server sees it. */
  readonly inside: readonly number[];
  readonly failures: readonly string[];
  readonly seconds: number;
  /** Of the server, for everything that it did meanwhile. */
  readonly cpuMs: number;
  readonly answers: number;
}

/** Registers as booths do, so many times, and tells how long it took and what failed. */
async function honest(count: number): Promise<Measured> {
  const outside: number[] = [];
  const failures: string[] = [];
  let left = count;
  const one = async (): Promise<void> => {
    while (left-- > 0) {
      const started = performance.now();
      try {
        expect((await booth.register(captureOf())).receipt).toMatch(/^[0-9A-Z-]{19}$/);
        outside.push(performance.now() - started);
      } catch (error) {
        failures.push(`${String(error)} ${String((error as Error).cause ?? '')}`);
      }
    }
  };
  await probed();
  const started = performance.now();
  await Promise.all(Array.from({ length: AT_ONCE }, one));
  const seconds = (performance.now() - started) / 1000;
  const { taken: inside, cpuMs, answers } = await probed();
  return { outside, inside, failures, seconds, cpuMs, answers };
}

/** What the server noted since the last time. */
async function probed(): Promise<{ taken: number[]; cpuMs: number; answers: number }> {
  const file = server.at('probe.json');
  rmSync(file, { force: true });
  writeFileSync(`${file}.ask`, '');
  return until('the probe', () =>
    existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Awaited<ReturnType<typeof probed>>) : null,
  );
}

interface Strangers {
  readonly opened: number;
  readonly statuses: Readonly<Record<string, number>>;
}

/** Lets strangers do as they like while `work` runs. */
async function beside<T>(order: object, work: () => Promise<T>): Promise<{ result: T; strangers: Strangers }> {
  const child = spawn(
    process.execPath,
    [strangersFile, JSON.stringify({ port: Number(new URL(server.url).port), boothId: BOOTH, receipts, ...order })],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  // Strangers have machines of their own. Here they take the cores that nobody else wants, so that what is measured is
  // our server.
  setPriority(child.pid as number, constants.priority.PRIORITY_LOW);
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  try {
    await until('the strangers', () => (openConnections() >= 16 ? true : null), 120_000);
    const result = await work();
    child.stdin.end();
    await once(child, 'exit');
    return { result, strangers: JSON.parse(output) as Strangers };
  } finally {
    child.kill('SIGKILL');
  }
}

/** Connections of the server's process, as the kernel counts them. */
function openConnections(): number {
  const port = Number(new URL(server.url).port).toString(16).toUpperCase().padStart(4, '0');
  return readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .filter((line) => new RegExp(`^\\s*\\d+: [0-9A-F]{8}:${port} [0-9A-F]{8}:[0-9A-F]{4} 01`).test(line)).length;
}

function rssMib(): number {
  return Math.round(Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))?.[1]) / 1024);
}

/** What the server's own objects take outside the heap, bodies above all; the rest of its size is what the allocator
 * keeps. */
async function externalMib(): Promise<number> {
  const text = await (await server.asOperator('/metrics')).text();
  return Math.round(Number(/^nodejs_external_memory_bytes (\S+)$/m.exec(text)?.[1]) / 1024 / 1024);
}

function at(milliseconds: readonly number[], share: number): number {
  const sorted = [...milliseconds].sort((a, b) => a - b);
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN);
}

/** Milliseconds: what the server used beyond the registrations, which cost what they cost in the quiet. */
function cpuOfStrangers({ cpuMs }: Measured): number {
  return Math.max(0, cpuMs - (quiet.cpuMs * REGISTRATIONS) / quiet.outside.length);
}

/** A line of the table. */
function told(measured: Measured, { attack, name, rss }: { attack: string; name: string; rss: number }): string {
  const { outside, inside, answers, seconds } = measured;
  const strangers = answers - 2 * REGISTRATIONS;
  const pair = (times: readonly number[]): string => `${at(times, 0.5)}, ${at(times, 0.99)}`;
  const ratio = (times: readonly number[], calm: readonly number[]): string =>
    (at(times, 0.99) / at(calm, 0.99)).toFixed(1);
  const cost = strangers > 20 ? (cpuOfStrangers(measured) / strangers).toFixed(2) : '';
  return `| ${[attack, name, `${outside.length} of ${REGISTRATIONS}`, pair(outside), pair(inside), pair(quiet.inside), `${ratio(outside, quiet.outside)}, ${ratio(inside, quiet.inside)}`, Math.round(strangers / seconds), cost, rss].join(' | ')} |`;
}

// Strangers must not keep booths out: half-open uploads were the fault, the others are its brothers.
describe.each([
  ['half-open uploads', 32, 128],
  ['slow uploads just fast enough', 32, 128],
  ['replayed challenges', 32, 256],
  ['large bodies', 16, 64],
  ['silent connections', 600, 4_300],
  ['half a header', 600, 1_280],
  ['half a question', 600, 1_280],
  ['streams of one receipt', 300, 640],
  ['streams of many receipts', 300, 1_280],
  ['refused garbage', 16, 64],
  ['refused requests of form', 16, 64],
  ['challenges', 16, 64],
  ['wrong signatures', WHERE_THERE_IS_TIME, 64],
  ['wrong signatures on new connections', WHERE_THERE_IS_TIME, 64],
  ['questions with wrong signatures', WHERE_THERE_IS_TIME, 64],
  ['forged tokens', WHERE_THERE_IS_TIME, 64],
  ['questions about receipts', WHERE_THERE_IS_TIME, 64],
  ['questions about its health', WHERE_THERE_IS_TIME, 64],
  ['questions for its measurements', WHERE_THERE_IS_TIME, 64],
  ['questions for its description', WHERE_THERE_IS_TIME, 64],
])('while strangers come with %s', (attack, fromOne, fromMany) => {
  const ways = [
    ['one address', 1, fromOne],
    ['64 addresses', 64, fromMany],
  ] as const;
  it.each(ways.filter(([, , connections]) => connections > 0))(
    'from %s, every honest registration is taken',
    async (name, addresses, connections) => {
      // What else the machine does changes from minute to minute.
      if (IS_LONG) quiet = await honest(REGISTRATIONS);
      const { result, strangers } = await beside({ attack, addresses, connections }, () => honest(REGISTRATIONS));
      const rss = rssMib();
      const external = await externalMib();
      table.push(told(result, { attack, name, rss }));
      console.log(
        `${table.at(-1)} ${external} MiB external, ${strangers.opened} connections, answers ${JSON.stringify(strangers.statuses)}`,
      );
      expect(result.failures).toEqual([]);
      expect(result.outside).toHaveLength(REGISTRATIONS);
      expect(cpuOfStrangers(result) / (result.seconds * 1000)).toBeLessThan(CORE_SHARE_MAX);
      if (IS_LONG) expect(at(result.inside, 0.99) / at(quiet.inside, 0.99)).toBeLessThanOrEqual(TIMES_QUIET_MAX);
      expect(rss).toBeLessThan(RSS_MIB_MAX);
      expect(external).toBeLessThan(EXTERNAL_MIB_MAX);
    },
    180_000 * (IS_LONG ? 5 : 1),
  );
});

describe('refusals that were only counted', () => {
  const garbage = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i += 1) {
      const headers = { 'content-type': 'multipart/form-data; boundary=b', 'idempotency-key': `g${i}` };
      expect((await fetch(`${server.url}/v1/registrations`, { method: 'POST', headers, body: 'x' })).status).toBe(400);
    }
  };
  const stored = async (): Promise<number> => {
    const store = SqliteEventStore.open({ file: join(server.data, 'events.db'), mode: 'read' });
    let sum = 0;
    for (let after: Awaited<ReturnType<typeof store.head>> = null; ;) {
      const { events, position, caughtUp } = await store.readAll(after, { limit: 1000 });
      for (const { type, data } of events) {
        if (type === 'RequestsRefusedAtDoor')
          sum += (data['refusals'] as unknown as { count: number }[]).reduce((all, { count }) => all + count, 0);
      }
      if (caughtUp) break;
      after = position;
    }
    await store.close();
    return sum;
  };

  it('are in the log when the process ends in order; one that is killed loses those of its last minute and nothing else', async () => {
    await server.end();
    const before = await stored();
    await server.start({ env: { HONNIN_REFUSALS_PER_ADDRESS: '0' } });
    await garbage(7);
    await server.end();
    expect(await stored()).toBe(before + 7);
    await server.start({ env: { HONNIN_REFUSALS_PER_ADDRESS: '0' } });
    await garbage(5);
    await server.end('SIGKILL');
    expect(await stored()).toBeLessThanOrEqual(before + 12);
    const { status, stdout } = server.honnin('events', 'check', '--data', server.data);
    expect({ status, stdout }).toMatchObject({ status: 0 });
  }, 120_000);
});
