import { Worker } from 'node:worker_threads';
import { builtFile } from '../threads/built-file.js';
import type { IndexedCrl } from '../x509/revocation/crl-stream.js';

export type ToCrlWorker = { readonly kind: 'chunk'; readonly bytes: Uint8Array } | { readonly kind: 'end' };
export type FromCrlWorker =
  { readonly kind: 'indexed'; readonly indexed: IndexedCrl } | { readonly kind: 'malformed'; readonly detail: string };

/** How the reading of a CRL ended. */
export type IndexingOutcome = FromCrlWorker | { readonly kind: 'failed'; readonly detail: string };

export interface CrlIndexingOptions {
  readonly bytesMax: number;
  /** From the last chunk to the result; then the worker is ended. */
  readonly timeoutMs: number;
}

/** Reads one CRL on a worker thread while it arrives. The thread ends with it, and all memory but the CRL's own goes
 * with the thread. */
export class CrlIndexing {
  private readonly worker: Worker;
  private readonly outcome: Promise<IndexingOutcome>;
  private deadline: NodeJS.Timeout | undefined;

  constructor(private readonly options: CrlIndexingOptions) {
    this.worker = new Worker(builtFile(import.meta.url, 'crl-worker.js'), {
      name: 'revocation',
      workerData: { bytesMax: options.bytesMax },
      resourceLimits: { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 4 },
    });
    this.worker.unref();
    this.outcome = new Promise((resolve) => {
      this.worker.once('message', (message: FromCrlWorker) => resolve(message));
      this.worker.once('error', (error) => resolve({ kind: 'failed', detail: error.message }));
      this.worker.once('exit', () => resolve({ kind: 'failed', detail: 'the CRL reader ended without a result' }));
    });
  }

  /** @param bytes copied before this returns */
  write(bytes: Uint8Array): void {
    // A copy of its own: posting a view would clone all of the memory that it is a view of.
    const own = Uint8Array.from(bytes);
    this.post({ kind: 'chunk', bytes: own }, [own.buffer]);
  }

  async finish(): Promise<IndexingOutcome> {
    this.worker.ref();
    this.deadline = setTimeout(() => this.abort(), this.options.timeoutMs);
    this.post({ kind: 'end' });
    const outcome = await this.outcome;
    this.abort();
    return outcome;
  }

  abort(): void {
    clearTimeout(this.deadline);
    void this.worker.terminate();
  }

  private post(message: ToCrlWorker, transfer: ArrayBuffer[] = []): void {
    this.worker.postMessage(message, transfer);
  }
}
