import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { BenchReport } from '../report.ts';

const peers = fileURLToPath(new URL('../peers/', import.meta.url));

/** Installs the packages that are compared with, if they are not there. @returns false where that is not possible */
export function installPeers(report: BenchReport): boolean {
  if (
    existsSync(`${peers}node_modules/@tensorflow/tfjs-backend-wasm`) &&
    existsSync(`${peers}node_modules/@vladmandic/face-api`)
  )
    return true;
  report.progress('installing the packages that are compared with (bench/peers) ...');
  try {
    execFileSync(
      'npm',
      [
        'install',
        '--prefix',
        peers,
        '--ignore-scripts',
        '--no-audit',
        '--no-fund',
        '--no-package-lock',
        '--loglevel=error',
      ],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    );
    return true;
  } catch (error) {
    report.note(
      `Not compared with face-api: its packages could not be installed (${error instanceof Error ? error.message.split('\n')[0] : String(error)}).`,
    );
    return false;
  }
}

export interface PeerResult {
  readonly p50Ms: number;
  readonly perSecond: number;
  /** Processor time of all threads per picture. */
  readonly cpuMs: number;
  readonly found: number;
}

/** Gives the pictures to `workers` threads, each working on one at a time. */
export async function runPeer(
  detector: 'tiny' | 'ssd',
  pictures: readonly Uint8Array[],
  workers: number,
): Promise<PeerResult> {
  const threads = await Promise.all(Array.from({ length: workers }, () => startPeer(detector)));
  try {
    // The first pictures compile kernels; they do not count.
    for (const thread of threads) await ask(thread, pictures[0]!);
    const times: number[] = [];
    let found = 0;
    const [start, cpu] = [performance.now(), process.cpuUsage()];
    const next = pictures.values();
    await Promise.all(
      threads.map(async (thread) => {
        for (const picture of next) {
          const answer = await ask(thread, picture);
          times.push(answer.ms);
          if (answer.found) found += 1;
        }
      }),
    );
    const seconds = (performance.now() - start) / 1000;
    const { user, system } = process.cpuUsage(cpu);
    return {
      p50Ms: times.sort((a, b) => a - b)[times.length >> 1]!,
      perSecond: pictures.length / seconds,
      cpuMs: (user + system) / 1_000 / pictures.length,
      found,
    };
  } finally {
    await Promise.all(threads.map((thread) => thread.terminate()));
  }
}

async function startPeer(detector: string): Promise<Worker> {
  const thread = new Worker(new URL('./peer-worker.mjs', import.meta.url), {
    workerData: { peers, detector },
    stdout: true,
    stderr: true,
  });
  await new Promise((ready, failed) => {
    thread.once('message', ready);
    thread.once('error', failed);
  });
  return thread;
}

function ask(thread: Worker, picture: Uint8Array): Promise<{ ms: number; found: boolean }> {
  return new Promise((answered, failed) => {
    thread.once('error', failed);
    thread.once('message', (answer: { ms: number; found: boolean }) => {
      thread.off('error', failed);
      answered(answer);
    });
    thread.postMessage(picture);
  });
}
