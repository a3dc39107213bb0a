import { parentPort } from 'node:worker_threads';
import { readPhoto, type PhotoReading } from '../../domain/photo/photo-reader.js';
import type { FromWorker, ToWorker } from '../threads/worker-pool.js';

const port = parentPort;
if (!port) throw new Error('photo-worker runs as a worker thread only');
const reply = (message: FromWorker<PhotoReading>): void => port.postMessage(message);

port.on('message', ({ id, job }: ToWorker<Uint8Array>) => {
  try {
    reply({ kind: 'result', id, result: readPhoto(job) });
  } catch (error) {
    reply({ kind: 'bug', id, message: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
});
reply({ kind: 'ready' });
