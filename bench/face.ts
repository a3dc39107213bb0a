import { createServer, get } from 'node:http';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { readPhoto, readPhotoOutline } from '../dist/domain/photo/photo-reader.js';
import { FaceEngine } from '../dist/infrastructure/face/engine/face-engine.js';
import { decodeImage, DEFAULT_IMAGE_LIMITS } from '../dist/infrastructure/face/image/image-decoder.js';
import { DEFAULT_MODEL_SET } from '../dist/infrastructure/face/model-set/model-set.js';
import { defaultModelCacheDir, OnnxFaceComparer } from '../dist/infrastructure/face/onnx-face-comparer.js';
import { DEMO_FACE_NAMES, loadCardPhoto, loadDemoFace } from '../dist/sandbox/card/demo-faces.js';
import { installPeers, runPeer } from './face/peers.ts';
import type { Bench, BenchReport } from './report.ts';

const cacheDir = process.env['HONNIN_MODEL_CACHE'] ?? defaultModelCacheDir();
const READS = 500;
/** Pictures of the memory run; 5,000 take some minutes, so the usual run does fewer. */
const MEMORY_IMAGES = Number(process.env['HONNIN_BENCH_FACE_IMAGES'] ?? '600');

export const bench: Bench = {
  summary:
    'finding and embedding a face: time per image, throughput, event-loop delay, memory, beside face-api on WebAssembly (HONNIN_BENCH_FACE_IMAGES=5000 for the long memory run)',
  async run(report) {
    const pictures = await Promise.all(DEMO_FACE_NAMES.map(wholePicture));
    // Makes the models where this is the first use.
    const comparer = new OnnxFaceComparer({ cacheDir, workers: 2, queueLimit: 1_000 });
    await comparer.start();
    try {
      await onOneThread(report, pictures);
      readerAlone(report, pictures);
      await strictAndNot(report, pictures);
      await throughput(report, comparer, pictures);
      await besidePeers(report, comparer, pictures);
      await loopDelay(report, comparer, pictures);
      await memory(report, comparer, pictures);
    } finally {
      await comparer.close();
    }
  },
};

/** A face of the sample photographs as a camera of 1280 x 960 would send it: the rows of the portrait are continued to
 * both sides. */
async function wholePicture(name: (typeof DEMO_FACE_NAMES)[number]): Promise<Buffer> {
  return sharp(await loadDemoFace(name))
    .extend({ left: 280, right: 280, extendWith: 'copy' })
    .jpeg({ quality: 90 })
    .toBuffer();
}

function spread(times: number[]): { p50Ms: number; p95Ms: number } {
  const sorted = [...times].sort((a, b) => a - b);
  return { p50Ms: sorted[sorted.length >> 1]!, p95Ms: sorted[Math.floor(sorted.length * 0.95)]! };
}

/** Stage by stage on this thread. */
async function onOneThread(report: BenchReport, pictures: readonly Uint8Array[]): Promise<void> {
  report.progress('one thread, stage by stage ...');
  const engine = await FaceEngine.load(DEFAULT_MODEL_SET, cacheDir);
  const cards = await Promise.all(DEMO_FACE_NAMES.map((name) => loadCardPhoto(name)));
  const run = async (bytes: Uint8Array): Promise<{ decode: number; find: number; embed: number; whole: number }> => {
    const start = performance.now();
    const image = await decodeImage(bytes, DEFAULT_IMAGE_LIMITS);
    const decoded = performance.now();
    const [face] = await engine.findFaces(image, 'largest');
    if (!face) throw new Error('a sample photograph without a face');
    const found = performance.now();
    await engine.embed(image, face);
    const end = performance.now();
    return { decode: decoded - start, find: found - decoded, embed: end - found, whole: end - start };
  };
  for (const picture of pictures.slice(0, 3)) await run(picture);
  const times: Awaited<ReturnType<typeof run>>[] = [];
  for (let round = 0; round < 3; round += 1) for (const picture of pictures) times.push(await run(picture));
  for (const stage of ['decode', 'find', 'embed', 'whole'] as const)
    report.row(`1280x960, one thread: ${stage}`, spread(times.map((t) => t[stage])));
  await run(cards[0]!);
  const cardTimes: Awaited<ReturnType<typeof run>>[] = [];
  for (const card of cards) cardTimes.push(await run(card));
  report.row('grey JPEG 2000 card 240x320: whole', spread(cardTimes.map((t) => t.whole)));
  const { p50Ms } = spread(times.map((t) => t.whole));
  report.ratio('whole image p50 ÷ 100 ms', p50Ms / 100, '≤ 1');
}

/** What reading for one reading costs: every bit, as the door does on its thread, and the outline, as the comparer
 * does. */
function readerAlone(report: BenchReport, pictures: readonly Uint8Array[]): void {
  report.progress('the reader of photographs ...');
  const cpuMsOf = (read: (bytes: Uint8Array) => unknown): number => {
    for (const picture of pictures) read(picture);
    const begin = process.cpuUsage();
    for (let i = 0; i < READS; i += 1) read(pictures[i % pictures.length]!);
    const { user, system } = process.cpuUsage(begin);
    return (user + system) / 1000 / READS;
  };
  const [whole, outline] = [cpuMsOf((bytes) => readPhoto(bytes)), cpuMsOf((bytes) => readPhotoOutline(bytes))];
  report.row('reading a photograph of 1280x960 (CPU)', { doorMs: whole, comparerMs: outline });
  report.ratio('CPU that the reader adds to the comparer, mean of 500 ÷ 1 ms', outline, '≤ 1');
}

/** What the strict reading changes of what is compared: its time, and not one pixel, so not one score either. */
async function strictAndNot(report: BenchReport, pictures: readonly Uint8Array[]): Promise<void> {
  report.progress('decoding with and without the strict reading ...');
  const cpuMs = { plain: 0, any: 0 };
  // Both read the same pictures, each first as often as second: what else the machine does, and what one leaves in the
  // caches for the other, must not be taken for the reader.
  for (let i = 0; i < READS; i += 1) {
    const isPlainFirst = Math.floor(i / pictures.length) % 2 === 0;
    for (const taken of isPlainFirst ? (['plain', 'any'] as const) : (['any', 'plain'] as const)) {
      const begin = process.cpuUsage();
      await decodeImage(pictures[i % pictures.length]!, DEFAULT_IMAGE_LIMITS, taken);
      const { user, system } = process.cpuUsage(begin);
      cpuMs[taken] += (user + system) / 1000 / READS;
    }
  }
  const decoding = { withMs: cpuMs.plain, withoutMs: cpuMs.any };
  report.row('decoding a photograph of 1280x960, with the strict reading and without (CPU)', decoding);
  report.ratio('CPU that the strict reading adds to a decoding, mean of 500 ÷ 1 ms', cpuMs.plain - cpuMs.any, '≤ 1');
  const photographs = [...pictures, ...labelledPhotographs()];
  let changed = 0;
  for (const photograph of photographs) {
    const strict = await decodeImage(photograph, DEFAULT_IMAGE_LIMITS, 'plain');
    const lenient = await decodeImage(photograph, DEFAULT_IMAGE_LIMITS, 'any');
    if (!Buffer.from(strict.data).equals(Buffer.from(lenient.data))) changed += 1;
  }
  report.row('photographs decoded both ways', { count: photographs.length, changed });
  report.ratio('photographs of which the strict reading changes a pixel', changed, '= 0');
}

/** Plain photographs of the shared folder, where there is one. */
function labelledPhotographs(): Buffer[] {
  const shared = process.env['HONNIN_SHARED'] ?? fileURLToPath(new URL('../../shared', import.meta.url));
  const folder = path.join(shared, 'faces');
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.jpg'))
    .sort();
  const photographs = files.slice(0, READS).map((file) => readFileSync(path.join(folder, file)));
  return photographs.filter((bytes) => readPhotoOutline(bytes).outcome === 'plain');
}

async function throughput(
  report: BenchReport,
  comparer: OnnxFaceComparer,
  pictures: readonly Uint8Array[],
): Promise<void> {
  report.progress('two workers ...');
  await analyseAll(comparer, pictures, 20);
  const { perSecond, cpuMs } = await rate(comparer, pictures, 120);
  report.row('1280x960, two workers', { imagesPerSecond: perSecond, cpuMs });
  report.ratio('two workers ÷ 20 images/s', perSecond / 20, '≥ 1');
}

/** Keeps three pictures under way, so that two workers never wait. */
async function analyseAll(
  comparer: OnnxFaceComparer,
  pictures: readonly Uint8Array[],
  count: number,
  onEach?: (done: number) => void,
): Promise<void> {
  let started = 0;
  let done = 0;
  const lane = async (): Promise<void> => {
    while (started < count) {
      const picture = pictures[started % pictures.length]!;
      started += 1;
      const ended = await comparer.analyse(picture, { quality: false });
      if (ended.outcome !== 'done' || ended.result.kind !== 'analysed') throw new Error(JSON.stringify(ended));
      done += 1;
      onEach?.(done);
    }
  };
  await Promise.all([lane(), lane(), lane()]);
}

interface Rate {
  readonly perSecond: number;
  /** Processor time of all threads per image: it hardly changes when other programs take the cores. */
  readonly cpuMs: number;
}

async function rate(comparer: OnnxFaceComparer, pictures: readonly Uint8Array[], count: number): Promise<Rate> {
  const [start, cpu] = [performance.now(), process.cpuUsage()];
  await analyseAll(comparer, pictures, count);
  const { user, system } = process.cpuUsage(cpu);
  return { perSecond: (1_000 * count) / (performance.now() - start), cpuMs: (user + system) / 1_000 / count };
}

/** Ours is measured before and after each peer, because a shared machine changes its speed within a minute. */
async function besidePeers(report: BenchReport, two: OnnxFaceComparer, pictures: readonly Uint8Array[]): Promise<void> {
  if (!installPeers(report)) return;
  const one = new OnnxFaceComparer({ cacheDir, workers: 1, queueLimit: 100 });
  await one.start();
  try {
    for (const [detector, target] of [
      ['tiny', '≥ 3'],
      ['ssd', '≥ 6'],
    ] as const) {
      for (const [workers, ours] of [
        [1, one],
        [2, two],
      ] as const) {
        report.progress(`face-api, ${detector} detector, ${workers} worker(s) ...`);
        // The tiny detector sees every picture, because it misses some of them, which is cheap for it.
        const count = (detector === 'tiny' ? pictures.length : 6) * workers;
        await analyseAll(ours, pictures, 4);
        const before = await rate(ours, pictures, 30 * workers);
        const peer = await runPeer(
          detector,
          Array.from({ length: count }, (_, i) => pictures[i % pictures.length]!),
          workers,
        );
        const after = await rate(ours, pictures, 30 * workers);
        report.row(`face-api WASM ${detector}, ${workers} worker(s)`, {
          p50Ms: peer.p50Ms,
          imagesPerSecond: peer.perSecond,
          found: `${peer.found} of ${count}`,
          cpuMs: peer.cpuMs,
          oursPerSecond: (before.perSecond + after.perSecond) / 2,
          oursCpuMs: (before.cpuMs + after.cpuMs) / 2,
        });
        report.ratio(
          `images/s: ours ÷ face-api WASM ${detector}, ${workers} worker(s)`,
          (before.perSecond + after.perSecond) / 2 / peer.perSecond,
          target,
        );
        report.ratio(
          `processor time: face-api WASM ${detector} ÷ ours, ${workers} worker(s)`,
          peer.cpuMs / ((before.cpuMs + after.cpuMs) / 2),
          target,
        );
      }
    }
  } finally {
    await one.close();
  }
  report.note(
    'A picture in which face-api finds no face costs it no landmarks and no embedding, and counts as a picture all the same.',
  );
}

/** How late the server's own thread comes to its timers, and answers HTTP, while both workers are full. */
async function loopDelay(
  report: BenchReport,
  comparer: OnnxFaceComparer,
  pictures: readonly Uint8Array[],
): Promise<void> {
  report.progress('event-loop delay ...');
  const server = createServer((_request, response) => response.end('ok')).listen(0, '127.0.0.1');
  await new Promise((listening) => server.once('listening', listening));
  const { port } = server.address() as AddressInfo;
  const answers: number[] = [];
  let asking = true;
  const client = (async () => {
    while (asking) {
      const start = performance.now();
      await new Promise<void>((done, failed) =>
        get({ port, host: '127.0.0.1', agent: false }, (response) => response.resume().on('end', done)).on(
          'error',
          failed,
        ),
      );
      answers.push(performance.now() - start);
      await new Promise((next) => setTimeout(next, 5));
    }
  })();
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  await analyseAll(comparer, pictures, 200);
  delay.disable();
  asking = false;
  await client;
  server.close();
  const ms = (nanoseconds: number): number => nanoseconds / 1e6;
  report.row('server thread while both workers are full', {
    loopDelayP50Ms: ms(delay.percentile(50)),
    loopDelayP99Ms: ms(delay.percentile(99)),
    httpP99Ms: [...answers].sort((a, b) => a - b)[Math.floor(answers.length * 0.99)]!,
  });
  report.ratio('event-loop delay p99 ÷ 20 ms', ms(delay.percentile(99)) / 20, '≤ 1');
}

async function memory(report: BenchReport, comparer: OnnxFaceComparer, pictures: readonly Uint8Array[]): Promise<void> {
  report.progress(`memory over ${MEMORY_IMAGES} images ...`);
  const samples: { done: number; mb: number }[] = [];
  const every = Math.max(20, Math.floor(MEMORY_IMAGES / 50));
  await analyseAll(comparer, pictures, MEMORY_IMAGES, (done) => {
    if (done % every === 0) samples.push({ done, mb: process.memoryUsage().rss / 1e6 });
  });
  const mean = (part: typeof samples): number => part.reduce((sum, { mb }) => sum + mb, 0) / part.length;
  const fifth = Math.max(1, Math.floor(samples.length / 5));
  // The first fifth fills pools and caches; growth is measured after it.
  const [early, late] = [mean(samples.slice(fifth, 2 * fifth)), mean(samples.slice(-fifth))];
  report.row(`memory over ${MEMORY_IMAGES} images`, {
    secondFifthMb: early,
    lastFifthMb: late,
    peakMb: Math.max(...samples.map(({ mb }) => mb)),
  });
  report.ratio('resident memory: last fifth ÷ second fifth', late / early, '≤ 1.05');
}
