import { verify, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OcspCertificateVerifier } from '../dist/infrastructure/jpki/ocsp-certificate-verifier.js';
import { SqliteEventStore } from '../dist/infrastructure/event-store/sqlite/sqlite-event-store.js';
import { FaceEngine } from '../dist/infrastructure/face/engine/face-engine.js';
import { decodeImage, DEFAULT_IMAGE_LIMITS } from '../dist/infrastructure/face/image/image-decoder.js';
import { isNearDuplicate, normalisedSmallGrey } from '../dist/infrastructure/face/judgement/presence-signals.js';
import { DEFAULT_MODEL_SET } from '../dist/infrastructure/face/model-set/model-set.js';
import { defaultModelCacheDir, OnnxFaceComparer } from '../dist/infrastructure/face/onnx-face-comparer.js';
import { POLICY_OIDS } from '../dist/sandbox/pki/certificate-authority.js';
import { loadCardPhoto, loadDemoFace, type DemoFaceName } from '../dist/sandbox/card/demo-faces.js';
import { startJpkiServer } from '../dist/sandbox/jpki/jpki-server.js';
import type { FromBooths, FromOutside, ToBooths, ToOutside } from './main-job/messages.ts';
import { ALL, cpuOf, ServerProcess, spentBetween, Talking, type CpuByThread } from './main-job/processes.ts';
import type { Bench, BenchReport } from './report.ts';

const FACES: readonly DemoFaceName[] = [
  'sample1-left',
  'sample4-first',
  'sample4-second',
  'sample3-left',
  'sample6-fourth',
  'sample6-second',
  'sample6-first',
  'sample6-third',
];
/** Each booth has one person. */
const BOOTHS = FACES.length;
const EACH = Number(process.env['HONNIN_BENCH_REGISTRATIONS_EACH'] ?? '10');
const REGISTRATIONS = BOOTHS * EACH;

export const bench: Bench = {
  summary:
    `${REGISTRATIONS} registrations by ${BOOTHS} booths at once, from the card to the government's answer, beside what ` +
    'face inference alone costs; server, booths and outside world are processes of their own ' +
    '(HONNIN_BENCH_REGISTRATIONS_EACH)',
  async run(report) {
    const folder = mkdtempSync(join(tmpdir(), 'honnin-bench-'));
    try {
      const inference = await inferenceAlone(report);
      const job = await mainJob(report, folder);
      await stages(report, folder);
      const clock = job.perSecond / inference.perSecond;
      report.ratio('clock: main job ÷ inference alone', clock, '1.00 would mean that nothing but faces takes time');
      const cpu = job.cpuMs === null ? null : inference.cpuMs / job.cpuMs;
      if (cpu !== null) report.ratio('CPU: inference ÷ server, a registration', cpu, '≥ 0.65');
      const inRun = job.facesMs === null || job.cpuMs === null ? null : job.facesMs / job.cpuMs;
      // The stricter one: threads that all compute at once cost each other time, and alone they do so more.
      if (inRun !== null)
        report.ratio('CPU: threads of faces ÷ server, in the run itself', inRun, 'the bound of the above');
      report.note(`ratio cpu ${cpu === null ? 'not measured' : cpu.toFixed(2)}, ratio clock ${clock.toFixed(2)}`);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

interface Speed {
  readonly perSecond: number;
  /** Processor time of one, of all threads. */
  readonly cpuMs: number;
}

interface MainJob {
  readonly perSecond: number;
  /** Processor time of a registration in the server, and of that in the threads that compare faces; null: not told. */
  readonly cpuMs: number | null;
  readonly facesMs: number | null;
}

/** Comparisons that the same worker threads do with nothing else to do: the limit on these cores. To look whether a
 *  photograph was sent twice is no inference: it is taken off the processor time. */
async function inferenceAlone(report: BenchReport): Promise<Speed> {
  report.progress('inference alone ...');
  const comparer = new OnnxFaceComparer({ queueLimit: 1000 });
  await comparer.start();
  const jobs = await Promise.all(
    FACES.map(async (face) => ({
      captured: await loadDemoFace(face),
      card: await loadCardPhoto(`${face}-mirrored` as DemoFaceName),
      registered: null,
    })),
  );
  await Promise.all(jobs.map((job) => comparer.compare(job)));
  const [started, before] = [performance.now(), process.cpuUsage()];
  const results = await Promise.all(
    Array.from({ length: REGISTRATIONS }, (_, i) => comparer.compare(jobs[i % jobs.length]!)),
  );
  const seconds = (performance.now() - started) / 1000;
  const compareMs = spentMs(before) / REGISTRATIONS;
  await comparer.close();
  const compared = results.filter((r) => r.outcome === 'compared').length;
  if (compared !== REGISTRATIONS) throw new Error(`only ${compared} of ${REGISTRATIONS} comparisons gave a score`);
  const duplicateMs = await nearDuplicateMs(jobs[0]!);
  report.row('faces alone', {
    comparisonsPerSecond: REGISTRATIONS / seconds,
    cpuMs: compareMs,
    ofThatNearDuplicateMs: duplicateMs,
  });
  return { perSecond: REGISTRATIONS / seconds, cpuMs: compareMs - duplicateMs };
}

async function nearDuplicateMs({ captured, card }: { captured: Uint8Array; card: Uint8Array }): Promise<number> {
  const engine = await FaceEngine.load(DEFAULT_MODEL_SET, defaultModelCacheDir());
  const [one, other] = await Promise.all(
    [captured, card].map(async (bytes) => {
      const image = await decodeImage(bytes, DEFAULT_IMAGE_LIMITS);
      const [face] = await engine.findFaces(image, 'largest');
      if (!face) throw new Error('no face in the sample');
      return { image, face };
    }),
  );
  const fixed = normalisedSmallGrey(one!);
  isNearDuplicate(fixed, other!);
  const before = process.cpuUsage();
  for (let i = 0; i < 40; i += 1) isNearDuplicate(fixed, other!);
  return spentMs(before) / 40;
}

function spentMs(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

async function mainJob(report: BenchReport, folder: string): Promise<MainJob> {
  report.progress('starting the outside world, the booths and the server ...');
  const outside = new Talking<ToOutside, FromOutside>('outside.ts', [folder, FACES.join(',')]);
  const booths = new Talking<ToBooths, FromBooths>('booths.ts', [folder, FACES.join(',')]);
  const [world, known] = [await outside.next(), await booths.next()];
  if (world.is !== 'ready' || known.is !== 'known') throw new Error('a process said something else than it should');
  const boothsFile = join(folder, 'booths.json');
  writeFileSync(boothsFile, JSON.stringify(known.booths));
  const server = await ServerProcess.start({
    ...world.settings,
    HONNIN_BOOTHS_FILE: boothsFile,
    HONNIN_LOG_LEVEL: 'silent',
    HONNIN_DATA: join(folder, 'data'),
    HONNIN_PORT: '0',
    HONNIN_FACE_QUEUE: '1000',
  });
  try {
    report.progress('registering ...');
    // Once each before it counts: every connection, table and compiled function is there.
    booths.tell({ do: 'open', url: server.url, cards: world.cards });
    await registered(booths, 1);
    const [started, before] = [performance.now(), [server, booths, outside].map(({ pid }) => cpuOf(pid))];
    const latencies = await registered(booths, EACH);
    const seconds = (performance.now() - started) / 1000;
    const after = [server, booths, outside].map(({ pid }) => cpuOf(pid));
    const counted = await outside.ask({ do: 'count' });
    if (counted.is !== 'counted' || counted.submissions !== REGISTRATIONS + BOOTHS)
      throw new Error(`the government server says ${JSON.stringify(counted)} of ${REGISTRATIONS + BOOTHS}`);
    latencies.sort((a, b) => a - b);
    report.row('main job, end to end', {
      registrationsPerSecond: REGISTRATIONS / seconds,
      p50Ms: latencies[Math.floor(latencies.length / 2)]!,
      p95Ms: latencies[Math.floor(latencies.length * 0.95)]!,
    });
    const [ofServer, ofBooths, ofOutside] = after.map((now, i) => perRegistration(before[i]!, now));
    if (!ofServer || !ofBooths || !ofOutside) return { perSecond: REGISTRATIONS / seconds, cpuMs: null, facesMs: null };
    const { [ALL]: all = 0, ...threads } = ofServer;
    report.row('  server, CPU ms a registration', { all, ...largestFirst(threads) });
    report.row('  not ours, CPU ms a registration', { booths: ofBooths[ALL]!, outside: ofOutside[ALL]! });
    return { perSecond: REGISTRATIONS / seconds, cpuMs: all, facesMs: threads['faces'] ?? null };
  } finally {
    await server.close();
    await booths.end({ do: 'end' });
    await outside.end({ do: 'end' });
    await whereTimeWent(report, join(folder, 'data', 'events.db'));
  }
}

async function registered(booths: Talking<ToBooths, FromBooths>, each: number): Promise<number[]> {
  const answer = await booths.ask({ do: 'register', each });
  if (answer.is !== 'registered') throw new Error(answer.is === 'failed' ? answer.why : 'the booths said nothing');
  return [...answer.latencies];
}

function perRegistration(before: CpuByThread | null, after: CpuByThread | null): CpuByThread | null {
  if (!before || !after) return null;
  const spent = Object.entries(spentBetween(before, after));
  return Object.fromEntries(spent.map(([name, ms]) => [name, ms / REGISTRATIONS]));
}

/** Threads that hardly did anything are left out. */
function largestFirst(threads: CpuByThread): CpuByThread {
  const seen = Object.entries(threads).filter(([, ms]) => ms >= 0.5);
  return Object.fromEntries(seen.sort(([, a], [, b]) => b - a));
}

/** Reads the log that the run wrote: the wall time between the events of a case, waiting for a free worker included. */
async function whereTimeWent(report: BenchReport, file: string): Promise<void> {
  const store = SqliteEventStore.open({ file, mode: 'read' });
  const times = new Map<string, Record<string, number>>();
  for (let after: Awaited<ReturnType<typeof store.head>> = null; ;) {
    const batch = await store.readAll(after, { limit: 1000, filter: { streamPrefixes: ['registration-'] } });
    for (const e of batch.events)
      times.set(e.stream, { ...times.get(e.stream), [e.type]: Date.parse(e.metadata.recordedAtUtc) });
    if (batch.caughtUp) break;
    after = batch.position;
  }
  await store.close();
  const between = (from: string, to: string): number => median([...times.values()].map((t) => t[to]! - t[from]!));
  report.row('  median wall time in the run', {
    certificateCheckMs: between('RequestReceived', 'CertificateVerified'),
    faceComparisonMs: between('CertificateVerified', 'FaceMatched'),
    toSubmissionMs: between('FaceMatched', 'SubmissionAttempted'),
    submissionMs: between('SubmissionAttempted', 'GovernmentAccepted'),
  });
}

/** Each stage alone, one after the other on one thread: what a registration costs when nobody waits for anybody. */
async function stages(report: BenchReport, folder: string): Promise<void> {
  report.progress('stages alone ...');
  await appendAlone(report, folder);
  await verifyAlone(report);
  await facesAlone(report);
}

async function appendAlone(report: BenchReport, folder: string): Promise<void> {
  const store = SqliteEventStore.open({ file: join(folder, 'append.db') });
  const metadata = {
    actor: 'bench',
    correlationId: 'bench',
    causationId: 'bench',
    recordedAtUtc: new Date().toISOString(),
    policyVersion: 1,
  };
  const ms = await medianOf(200, (i) =>
    store.append(
      `bench-${i}`,
      [
        {
          id: `00000000-0000-5000-8000-${String(i).padStart(12, '0')}`,
          type: 'Bench',
          schemaVersion: 1,
          data: { i },
          metadata,
        },
      ],
      'no_stream',
    ),
  );
  await store.close();
  report.row('  one durable append', { ms });
}

async function verifyAlone(report: BenchReport): Promise<void> {
  const jpki = await startJpkiServer({ print: () => {} });
  try {
    const card = await jpki.issueCard({ faceImage: await loadCardPhoto('sample1-left') });
    const signedBytes = Buffer.from('bench');
    const session = card.connect();
    await session.verifyPin('user_authentication', card.secrets.authenticationPin);
    const signature = await session.sign('user_authentication', signedBytes);
    const certificate = card.certificate('user_authentication');
    const verifier = new OcspCertificateVerifier({
      trustAnchors: { user_authentication: [jpki.anchors.user_authentication], digital_signature: [] },
      environment: 'test',
      order: 'ocsp',
      ocsp: { url: jpki.ocspUrl },
      crl: null,
      policyOids: { user_authentication: [POLICY_OIDS.user_authentication] },
    });
    const whole = await medianOf(60, async () => {
      const verdict = await verifier.verify({
        certificate,
        certificateType: 'user_authentication',
        signedBytes,
        signature,
        at: new Date().toISOString(),
      });
      if (verdict.verdict !== 'valid') throw new Error(`the certificate is ${verdict.verdict}`);
    });
    const key = new X509Certificate(certificate).publicKey;
    const bare = await medianOf(60, async () => verify('sha256', signedBytes, key, signature));
    report.row('  certificate check', { withOcspRoundTripMs: whole, oneRsaVerificationMs: bare });
  } finally {
    await jpki.close();
  }
}

async function facesAlone(report: BenchReport): Promise<void> {
  const engine = await FaceEngine.load(DEFAULT_MODEL_SET, defaultModelCacheDir());
  const photo = await loadDemoFace('sample1-left');
  const card = await loadCardPhoto('sample1-left');
  const image = await decodeImage(photo, DEFAULT_IMAGE_LIMITS);
  const [face] = await engine.findFaces(image, 'largest');
  if (!face) throw new Error('no face in the sample');
  report.row('  faces, one thread', {
    decodeJpegMs: await medianOf(20, () => decodeImage(photo, DEFAULT_IMAGE_LIMITS)),
    decodeCardMs: await medianOf(20, () => decodeImage(card, DEFAULT_IMAGE_LIMITS)),
    detectAndLandmarksMs: await medianOf(20, () => engine.findFaces(image, 'largest')),
    embedMs: await medianOf(20, () => engine.embed(image, face)),
  });
}

async function medianOf(runs: number, work: (i: number) => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < runs; i += 1) {
    const started = performance.now();
    await work(i);
    times.push(performance.now() - started);
  }
  return median(times);
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
