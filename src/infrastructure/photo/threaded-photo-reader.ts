import { PhotoReader, PhotoReaderBusyError } from '../../application/ports/outside/photo-reader.js';
import type { PhotoReading } from '../../domain/photo/photo-reader.js';
import { builtFile } from '../threads/built-file.js';
import { WorkerPool } from '../threads/worker-pool.js';

/** Files that may wait: as many as uploads are taken at the same time, with their frames. */
const QUEUE_MAX = 256;
/** The dearest file within the limits takes a tenth of this. */
const READ_MS_MAX = 20_000;
const START_MS_MAX = 60_000;

/** Reads photographs on one thread of its own, one after the other: never more than one file's tables and
 *  coefficients are in memory, and
 *  the thread that answers copies bytes and no more. */
export class ThreadedPhotoReader extends PhotoReader {
  private constructor(private readonly pool: WorkerPool<Uint8Array, PhotoReading>) {
    super();
  }

  /** @throws when the thread cannot start */
  static async open(): Promise<ThreadedPhotoReader> {
    const pool = new WorkerPool<Uint8Array, PhotoReading>({
      name: 'photographs',
      file: builtFile(import.meta.url, 'photo-worker.js'),
      workerData: null,
      workers: 1,
      queueLimit: QUEUE_MAX,
      jobTimeoutMs: READ_MS_MAX,
      startTimeoutMs: START_MS_MAX,
    });
    await pool.start();
    return new ThreadedPhotoReader(pool);
  }

  async read(photo: Uint8Array): Promise<PhotoReading> {
    const ended = await this.pool.run(photo);
    if (ended.outcome === 'done') return ended.result;
    throw new PhotoReaderBusyError(`the photograph was not read (${ended.outcome}): ${ended.detail}`);
  }

  async close(): Promise<void> {
    await this.pool.close();
  }
}
