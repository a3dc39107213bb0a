import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';

/** What a worker thread receives and answers. `ready` comes once after start, then one answer per job. */
export type FromWorker<Result> =
  | { readonly kind: 'ready' }
  | { readonly kind: 'start_failed'; readonly message: string }
  | { readonly kind: 'result'; readonly id: number; readonly result: Result }
  | { readonly kind: 'bug'; readonly id: number; readonly message: string };
export interface ToWorker<Job> {
  readonly id: number;
  readonly job: Job;
}

/** How a job ended. `busy`: never started, the queue was full. */
export type PoolOutcome<Result> =
  | { readonly outcome: 'done'; readonly result: Result }
  | { readonly outcome: 'busy' | 'timeout' | 'worker_failed'; readonly detail: string };

export interface PoolOptions {
  /** What the system calls the threads, so that whoever looks at their processor time knows them. */
  readonly name: string;
  /** Built JavaScript of the worker. */
  readonly file: string;
  readonly workerData: unknown;
  readonly workers: number;
  /** Jobs that may wait, beyond those being worked on. */
  readonly queueLimit: number;
  /** Time that one attempt may take; then its worker is ended and replaced. */
  readonly jobTimeoutMs: number;
  /** Time that a worker may take to load its models. */
  readonly startTimeoutMs: number;
}

/** A job's worker fault is retried once: a job that fails two workers is the cause itself. */
const ATTEMPTS_MAX = 2;

/** Without a limit V8 lets the heap for young objects grow in two steps from 16 to 100 MB per worker, the last after
 * some 1,300 jobs, and keeps it: jobs leave little behind that is not in buffers outside that heap. */
const HEAP_LIMITS = { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 16 };

interface Pending<Job, Result> {
  readonly id: number;
  readonly job: Job;
  attempts: number;
  readonly settle: (outcome: PoolOutcome<Result>) => void;
  readonly fail: (error: Error) => void;
}

interface Slot<Job, Result> {
  worker: Worker;
  state: 'starting' | 'idle' | 'working' | 'ended';
  current?: Pending<Job, Result>;
  timer?: NodeJS.Timeout;
}

/** Runs jobs on worker threads, one at a time each. A full queue refuses; a worker that crashes or hangs is replaced,
 * and its job tried once more on a fresh one. */
export class WorkerPool<Job, Result> {
  private readonly slots = new Set<Slot<Job, Result>>();
  private readonly queue: Pending<Job, Result>[] = [];
  private nextId = 1;
  private closed = false;
  /** Workers that died before they were ready, in a row: a pool that can never start must say so instead of
   * spinning. */
  private failedStarts = 0;
  private lastStartFailure = '';
  private replaced = 0;

  constructor(private readonly options: PoolOptions) {}

  /** @throws when a worker cannot start; the message is the worker's own. */
  async start(): Promise<void> {
    const starts = Array.from(
      { length: this.options.workers },
      () => new Promise<void>((ready, failed) => this.spawn({ ready, failed })),
    );
    try {
      await Promise.all(starts);
    } catch (error) {
      await Promise.allSettled(starts);
      await this.close();
      throw error;
    }
  }

  /** Ends all workers. Jobs that wait or run end as `worker_failed`. */
  async close(): Promise<void> {
    this.closed = true;
    const slots = [...this.slots];
    this.slots.clear();
    for (const pending of this.queue.splice(0))
      pending.settle({ outcome: 'worker_failed', detail: 'the comparer was closed' });
    await Promise.all(slots.map((slot) => this.end(slot, 'the comparer was closed')));
  }

  /** Workers alive, and jobs waiting or running. */
  load(): { workers: number; waiting: number; running: number } {
    const slots = [...this.slots];
    return {
      workers: slots.length,
      waiting: this.queue.length,
      running: slots.filter((slot) => slot.state === 'working').length,
    };
  }

  /** How many workers crashed or hung and were replaced since the start. */
  replacements(): number {
    return this.replaced;
  }

  /** @throws only when the worker reports a bug of its own */
  run(job: Job): Promise<PoolOutcome<Result>> {
    if (this.closed) return Promise.resolve({ outcome: 'worker_failed', detail: 'the comparer is closed' });
    const idle = [...this.slots].some((slot) => slot.state === 'idle');
    if (!idle && this.queue.length >= this.options.queueLimit) {
      return Promise.resolve({ outcome: 'busy', detail: `${this.queue.length} jobs are waiting, which is the limit` });
    }
    return new Promise((settle, fail) => {
      this.queue.push({ id: this.nextId++, job, attempts: 0, settle, fail });
      this.dispatch();
    });
  }

  private dispatch(): void {
    for (const slot of this.slots) {
      if (slot.state !== 'idle') continue;
      const pending = this.queue.shift();
      if (!pending) return;
      pending.attempts += 1;
      slot.state = 'working';
      slot.current = pending;
      slot.timer = setTimeout(
        () => this.replace(slot, 'timeout', `no answer within ${this.options.jobTimeoutMs} ms`),
        this.options.jobTimeoutMs,
      );
      const message: ToWorker<Job> = { id: pending.id, job: pending.job };
      slot.worker.postMessage(message);
    }
  }

  private spawn(start?: { ready: () => void; failed: (error: Error) => void }): void {
    const worker = new Worker(this.options.file, {
      name: this.options.name,
      workerData: this.options.workerData,
      resourceLimits: HEAP_LIMITS,
    });
    const slot: Slot<Job, Result> = { worker, state: 'starting' };
    this.slots.add(slot);
    const startFailed = (message: string): void => {
      this.lastStartFailure = message;
      start?.failed(new Error(message));
    };
    slot.timer = setTimeout(() => {
      startFailed(`a worker was not ready within ${this.options.startTimeoutMs} ms`);
      this.replace(slot, 'worker_failed', this.lastStartFailure);
    }, this.options.startTimeoutMs);
    worker.on('message', (message: FromWorker<Result>) => {
      if (message.kind === 'ready') start?.ready();
      if (message.kind === 'start_failed') startFailed(message.message);
      this.receive(slot, message);
    });
    worker.on('error', (error: unknown) => {
      const detail = error instanceof Error ? error.message : String(error);
      if (slot.state === 'starting') startFailed(detail);
      this.replace(slot, 'worker_failed', detail);
    });
    worker.on('exit', (code) => {
      if (slot.state === 'starting')
        startFailed(this.lastStartFailure || `a worker ended with code ${code} before it was ready`);
      this.replace(slot, 'worker_failed', `the worker ended with code ${code}`);
    });
  }

  private receive(slot: Slot<Job, Result>, message: FromWorker<Result>): void {
    if (slot.state === 'ended' || message.kind === 'start_failed') return;
    clearTimeout(slot.timer);
    if (message.kind === 'ready') this.failedStarts = 0;
    else {
      const pending = slot.current;
      delete slot.current;
      if (pending?.id !== message.id) return this.replace(slot, 'worker_failed', 'the worker answered another job');
      if (message.kind === 'result') pending.settle({ outcome: 'done', result: message.result });
      else pending.fail(new Error(message.message));
    }
    slot.state = 'idle';
    this.dispatch();
  }

  /** Ends a worker, puts its job back in front (or gives it up), and starts another worker. */
  private replace(slot: Slot<Job, Result>, cause: 'timeout' | 'worker_failed', detail: string): void {
    if (slot.state === 'ended') return;
    if (!this.closed) this.replaced += 1;
    if (slot.state === 'starting') this.failedStarts += 1;
    const pending = slot.current;
    delete slot.current;
    this.slots.delete(slot);
    void this.end(slot, detail);
    if (pending && pending.attempts < ATTEMPTS_MAX) this.queue.unshift(pending);
    else pending?.settle({ outcome: cause, detail: `${detail}, ${pending.attempts} times` });
    if (this.closed) return;
    if (this.failedStarts < ATTEMPTS_MAX * this.options.workers) this.spawn();
    else if (this.slots.size === 0) this.giveUp();
  }

  /** Without any worker nothing would ever answer the waiting jobs. */
  private giveUp(): void {
    const detail = `no worker can start: ${this.lastStartFailure}`;
    for (const pending of this.queue.splice(0)) pending.settle({ outcome: 'worker_failed', detail });
    // The next job tries again: the cause may be gone, and the saga waits between its attempts.
    this.failedStarts = 0;
    for (let i = 0; i < this.options.workers; i += 1) this.spawn();
  }

  private async end(slot: Slot<Job, Result>, detail: string): Promise<void> {
    clearTimeout(slot.timer);
    slot.state = 'ended';
    const pending = slot.current;
    delete slot.current;
    pending?.settle({ outcome: 'worker_failed', detail });
    await slot.worker.terminate();
  }
}

/** Half of a small machine's cores would leave the comparer slower than the booths; more than two need more memory (230
 * MB each). */
export function defaultWorkers(): number {
  return Math.min(2, availableParallelism());
}
