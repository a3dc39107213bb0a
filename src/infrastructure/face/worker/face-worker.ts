import { parentPort, workerData } from 'node:worker_threads';
import { FaceEngine } from '../engine/face-engine.js';
import { performFaceJob, type FaceJob, type FaceJobResult, type FaceRules } from './face-jobs.js';
import type { ModelSet } from '../model-set/model-set.js';
import type { FromWorker, ToWorker } from '../../threads/worker-pool.js';

/** What the comparer gives each worker thread. */
export interface FaceWorkerData {
  readonly set: ModelSet;
  readonly cacheDir: string;
  readonly rules: FaceRules;
}

/** Entry point of a worker thread: loads the networks once, then answers one job after the other. */
async function main(): Promise<void> {
  const port = parentPort;
  if (!port) throw new Error('face-worker runs as a worker thread only');
  const { set, cacheDir, rules } = workerData as FaceWorkerData;
  const reply = (message: FromWorker<FaceJobResult>): void => port.postMessage(message);
  const engine = await FaceEngine.load(set, cacheDir).catch((error: unknown) => {
    reply({ kind: 'start_failed', message: messageOf(error) });
    throw error;
  });
  port.on('message', ({ id, job }: ToWorker<FaceJob>) => {
    performFaceJob(engine, rules, job).then(
      (result) => reply({ kind: 'result', id, result }),
      (error: unknown) => reply({ kind: 'bug', id, message: messageOf(error) }),
    );
  });
  reply({ kind: 'ready' });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

await main();
