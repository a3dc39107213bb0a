import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from '@jest/globals';
import { WorkerPool, type PoolOptions } from '../../src/infrastructure/threads/worker-pool.js';

interface Job {
  name: string;
  /** How many attempts go wrong, counted under `counter`. */
  faults?: number;
  fault?: 'crash' | 'exit' | 'hang' | 'bug';
  counter?: number;
  /** Answers only when the test sets this counter. */
  waitFor?: number;
}

const file = path.join(path.dirname(fileURLToPath(import.meta.url)), 'fixtures', 'faulty-worker.mjs');
let pool: WorkerPool<Job, string> | undefined;
let counters: Int32Array;

async function started(options: Partial<PoolOptions> = {}, workerData: object = {}): Promise<WorkerPool<Job, string>> {
  counters = new Int32Array(new SharedArrayBuffer(64));
  pool = new WorkerPool<Job, string>({
    name: 'tested',
    file,
    workerData: { counters: counters.buffer, ...workerData },
    workers: 1,
    queueLimit: 4,
    jobTimeoutMs: 5_000,
    startTimeoutMs: 10_000,
    ...options,
  });
  await pool.start();
  return pool;
}

function letGo(counter: number): void {
  Atomics.store(counters, counter, 1);
  Atomics.notify(counters, counter);
}

afterEach(async () => {
  await pool?.close();
  pool = undefined;
});

describe('the worker pool', () => {
  it('answers each job with its own result', async () => {
    const running = await started({ workers: 2, queueLimit: 20 });
    const outcomes = await Promise.all(Array.from({ length: 12 }, (_, i) => running.run({ name: String(i) })));
    expect(outcomes).toEqual(Array.from({ length: 12 }, (_, i) => ({ outcome: 'done', result: `done ${i}` })));
  });

  it.each(['crash', 'exit', 'hang'] as const)(
    'tries a job once more after a %s, on a new worker, and goes on with the next',
    async (fault) => {
      const running = await started({ jobTimeoutMs: 400 });
      const [first, second] = await Promise.all([
        running.run({ name: 'a', fault, faults: 1, counter: 1 }),
        running.run({ name: 'b' }),
      ]);
      expect(first).toEqual({ outcome: 'done', result: 'done a' });
      expect(second).toEqual({ outcome: 'done', result: 'done b' });
      expect(Atomics.load(counters, 1)).toBe(2);
      expect(running.load()).toEqual({ workers: 1, waiting: 0, running: 0 });
      expect(running.replacements()).toBe(1);
    },
  );

  it.each([
    ['crash', 'worker_failed'],
    ['exit', 'worker_failed'],
    ['hang', 'timeout'],
  ] as const)('gives a job up after two times %s, says so, and still serves others', async (fault, outcome) => {
    const running = await started({ jobTimeoutMs: 300 });
    expect(await running.run({ name: 'a', fault, faults: 99, counter: 1 })).toMatchObject({ outcome });
    expect(Atomics.load(counters, 1)).toBe(2);
    expect(await running.run({ name: 'b' })).toEqual({ outcome: 'done', result: 'done b' });
  });

  it('refuses as busy when the queue is full, and takes jobs again when it is not', async () => {
    const running = await started({ queueLimit: 2 });
    const held = running.run({ name: 'held', waitFor: 3 });
    const waiting = [running.run({ name: 'w1' }), running.run({ name: 'w2' })];
    expect(running.load()).toEqual({ workers: 1, waiting: 2, running: 1 });
    expect(await running.run({ name: 'too many' })).toMatchObject({ outcome: 'busy' });
    letGo(3);
    expect(await Promise.all([held, ...waiting])).toHaveLength(3);
    expect(await running.run({ name: 'later' })).toEqual({ outcome: 'done', result: 'done later' });
  });

  it('reports a bug of the worker as a thrown error, without a second try', async () => {
    const running = await started();
    await expect(running.run({ name: 'a', fault: 'bug', faults: 1, counter: 1 })).rejects.toThrow('a bug on purpose');
    expect(Atomics.load(counters, 1)).toBe(1);
    expect(await running.run({ name: 'b' })).toEqual({ outcome: 'done', result: 'done b' });
  });

  it('says why it cannot start', async () => {
    await expect(started({ workers: 2 }, { failStart: true })).rejects.toThrow('this worker never starts');
  });

  it('ends waiting and running jobs when it is closed', async () => {
    const running = await started();
    const jobs = [running.run({ name: 'held', waitFor: 3 }), running.run({ name: 'waiting' })];
    await running.close();
    for (const outcome of await Promise.all(jobs)) expect(outcome).toMatchObject({ outcome: 'worker_failed' });
    expect(await running.run({ name: 'late' })).toMatchObject({ outcome: 'worker_failed' });
  });
});
