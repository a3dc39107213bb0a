import { verify, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BoothClient } from '../dist/booth/booth-client.js';
import { generateBoothKey } from '../dist/booth/booth-key.js';
import { DurableCaptureCounter } from '../dist/booth/capture-counter.js';
import { OcspCertificateVerifier } from '../dist/infrastructure/jpki/ocsp-certificate-verifier.js';
import { SqliteEventStore } from '../dist/infrastructure/event-store/sqlite/sqlite-event-store.js';
import { FaceEngine } from '../dist/infrastructure/face/engine/face-engine.js';
import { decodeImage, DEFAULT_IMAGE_LIMITS } from '../dist/infrastructure/face/image/image-decoder.js';
import { DEFAULT_MODEL_SET } from '../dist/infrastructure/face/model-set/model-set.js';
import { defaultModelCacheDir, OnnxFaceComparer } from '../dist/infrastructure/face/onnx-face-comparer.js';
import { POLICY_OIDS } from '../dist/sandbox/pki/certificate-authority.js';
import { loadCardPhoto, loadDemoFace, type DemoFaceName } from '../dist/sandbox/card/demo-faces.js';
import { startJpkiServer } from '../dist/sandbox/jpki/jpki-server.js';
import { sandboxSettings, startSandbox } from '../dist/sandbox/sandbox.js';
import { startServer } from '../dist/server.js';
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
const REGISTRATIONS = 80;
const BOOTHS = 8;

export const bench: Bench = {
  summary: `${REGISTRATIONS} registrations by ${BOOTHS} booths at once, from the card to the government's answer, beside what face inference alone allows`,
  async run(report) {
    const folder = mkdtempSync(join(tmpdir(), 'honnin-bench-'));
    try {
      const inference = await inferenceAlone(report);
      const endToEnd = await mainJob(report, folder);
      await stages(report, folder);
      report.ratio(
        'end to end ÷ inference alone',
        endToEnd / inference,
        '1.00 would mean that nothing but faces costs time',
      );
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

/** Comparisons per second that the same worker threads do with nothing else to do: the limit on these cores. */
async function inferenceAlone(report: BenchReport): Promise<number> {
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
  const started = performance.now();
  const results = await Promise.all(
    Array.from({ length: REGISTRATIONS }, (_, i) => comparer.compare(jobs[i % jobs.length]!)),
  );
  const seconds = (performance.now() - started) / 1000;
  await comparer.close();
  const compared = results.filter((r) => r.outcome === 'compared').length;
  if (compared !== REGISTRATIONS) throw new Error(`only ${compared} of ${REGISTRATIONS} comparisons gave a score`);
  report.row('face inference alone', { comparisonsPerSecond: REGISTRATIONS / seconds });
  return REGISTRATIONS / seconds;
}

async function mainJob(report: BenchReport, folder: string): Promise<number> {
  report.progress('starting server and stand-ins, issuing cards ...');
  const sandbox = await startSandbox({ folder: join(folder, 'sandbox'), print: () => {} });
  const keys = FACES.map((_, i) => ({ boothId: `bench-booth-${i}`, key: generateBoothKey() }));
  const boothsFile = join(folder, 'booths.json');
  writeFileSync(
    boothsFile,
    JSON.stringify(keys.map(({ boothId, key }) => ({ boothId, publicKey: key.publicKeySpki }))),
  );
  const server = await startServer({
    ...sandboxSettings(sandbox),
    HONNIN_BOOTHS_FILE: boothsFile,
    HONNIN_LOG_LEVEL: 'silent',
    HONNIN_DATA: join(folder, 'data'),
    HONNIN_PORT: '0',
    HONNIN_FACE_QUEUE: '1000',
  });
  try {
    const people = await Promise.all(
      FACES.map(async (face) => ({
        card: await sandbox.jpki.issueCard({ faceImage: await loadCardPhoto(`${face}-mirrored` as DemoFaceName) }),
        photo: await loadDemoFace(face),
      })),
    );
    const booths = keys.map(
      ({ boothId, key }) =>
        new BoothClient({
          baseUrl: server.url,
          boothId,
          key,
          counter: new DurableCaptureCounter(join(folder, boothId)),
        }),
    );
    // Claims 1 and 2: no reference image, so that every registration is one comparison, like the baseline above.
    const consent = { textVersion: '2026-11', keepReferenceImage: false };
    report.progress('registering ...');
    const started = performance.now();
    const latencies: number[] = [];
    await Promise.all(
      booths.map(async (booth, b) => {
        const { card, photo } = people[b]!;
        for (let n = b; n < REGISTRATIONS; n += BOOTHS) {
          const begun = performance.now();
          const { authenticationPin: pin, accessNumber } = card.secrets;
          const { receipt } = await booth.register({ card: card.connect(), pin, accessNumber, photo, consent });
          for await (const { status } of booth.follow(receipt, { by: 'events' }))
            if (status === 'not_registered' || status === 'visit_again')
              throw new Error(`a registration ended as ${status}`);
          latencies.push(performance.now() - begun);
        }
      }),
    );
    const seconds = (performance.now() - started) / 1000;
    if (sandbox.government.submissions.length !== REGISTRATIONS)
      throw new Error(
        `the government server has ${sandbox.government.submissions.length} of ${REGISTRATIONS} submissions`,
      );
    latencies.sort((a, b) => a - b);
    report.row('main job, end to end', {
      registrationsPerSecond: REGISTRATIONS / seconds,
      p50Ms: latencies[Math.floor(latencies.length / 2)]!,
      p95Ms: latencies[Math.floor(latencies.length * 0.95)]!,
    });
    return REGISTRATIONS / seconds;
  } finally {
    await server.close();
    await sandbox.close();
    await whereTimeWent(report, join(folder, 'data', 'events.db'));
  }
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
