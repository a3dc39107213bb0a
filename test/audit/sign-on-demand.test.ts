import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { caughtUpLog } from '../../src/application/audit/moments.js';
import { AuditLogConsumer } from '../../src/infrastructure/audit/log/audit-log-consumer.js';
import type { TileLog } from '../../src/infrastructure/audit/log/tile-log.js';
import { SyntheticHistory } from '../../src/sandbox/synthetic-history.js';
import { AuditWorld } from './support.js';

const HOUR_MS = 3_600_000;
/** Longer than any machine takes, shorter than the interval. */
const PATIENCE_MS = 20_000;

let world: AuditWorld;
let log: TileLog;
let more: Iterator<Parameters<AuditWorld['append']>[0] extends Iterable<infer A> ? A : never>;
let steps: number;
let consumer: AuditLogConsumer;
beforeEach(async () => {
  world = await AuditWorld.open();
  log = world.log;
  steps = 0;
  const builder = world.builder();
  const counted = {
    step: () => {
      steps += 1;
      return builder.step();
    },
  };
  consumer = new AuditLogConsumer(counted as typeof builder, HOUR_MS, log);
  more = new SyntheticHistory({ seed: 41 }).appends(20, { registrants: 3 })[Symbol.iterator]();
  await world.append([more.next().value]);
  await delivered();
});
afterEach(() => world.close());

const delivered = async (signal = new AbortController().signal): Promise<void> => {
  const head = (await world.store.head())!;
  const { events } = await world.store.readAll((head - 1n) as never, { limit: 1 });
  await consumer.handle(events, { signal });
};

describe('a log that is written once an hour', () => {
  it('is written at once where somebody waits for it', async () => {
    await world.append([more.next().value]);
    const head = await world.store.head();
    const written = delivered();
    const checkpoint = await caughtUpLog(log, head, PATIENCE_MS);
    expect(log.positionOf(checkpoint!.size - 1)).toBe(head);
    await written;
  });

  it('is written once for many who wait at once, also before it is told of the event', async () => {
    await world.append([more.next().value]);
    const head = await world.store.head();
    const before = steps;
    const waiting = Array.from({ length: 50 }, () => caughtUpLog(log, head, PATIENCE_MS));
    await delivered();
    const sizes = (await Promise.all(waiting)).map((checkpoint) => checkpoint!.size);
    expect(new Set(sizes)).toEqual(new Set([log.checkpoint()!.size]));
    expect(steps - before).toBe(1);
  });

  it('waits for its turn where nobody does, and is written at a stop', async () => {
    await world.append([more.next().value]);
    const [before, stop] = [log.checkpoint()!.size, new AbortController()];
    const written = delivered(stop.signal);
    const isWritten = await Promise.race([written.then(() => true), new Promise((resolve) => setImmediate(resolve))]);
    expect(isWritten).not.toBe(true);
    expect(log.checkpoint()!.size).toBe(before);
    // Somebody whose moment is covered already makes no haste.
    await caughtUpLog(log, log.positionOf(before - 1), PATIENCE_MS);
    expect(log.checkpoint()!.size).toBe(before);
    stop.abort();
    await written;
    expect(log.checkpoint()!.size).toBeGreaterThan(before);
  });
});
