import path from 'node:path';
import { SubscriptionRunner } from '../../dist/application/subscriptions/subscription-runner.js';
import { AuditLogConsumer } from '../../dist/infrastructure/audit/log/audit-log-consumer.js';
import { SqliteEventStore } from '../../dist/infrastructure/event-store/sqlite/sqlite-event-store.js';
import { ReadModelDatabase } from '../../dist/infrastructure/read-model/read-model-database.js';
import { SqlitePositionStore } from '../../dist/infrastructure/read-model/sqlite-position-store.js';
import type { BenchReport } from '../report.ts';
import { history, inRound, registrantsOf, World, type Repeatable } from './world.ts';

const LANES = 64;
const SLICES = 12;
const WARM_MS = 700;
const SLICE_MS = 1800;
const ROUNDS_MAX = 20;

/** 64 writers, each with its streams, that append one after the other without a pause. */
class Load {
  private readonly lanes: Repeatable[][] = Array.from({ length: LANES }, () => []);
  private readonly cursors = Array.from({ length: LANES }, () => ({ round: 0, next: 0 }));
  events = 0;

  private readonly store: SqliteEventStore;

  constructor(store: SqliteEventStore, appends: readonly Repeatable[]) {
    this.store = store;
    const streams = new Map<string, Repeatable[]>();
    for (const append of appends) streams.set(append.stream, [...(streams.get(append.stream) ?? []), append]);
    // The longest streams first, each to the lane that has least: all lanes come round at about the same time.
    for (const list of [...streams.values()].sort((a, b) => b.length - a.length))
      this.lanes.toSorted((a, b) => a.length - b.length)[0]?.push(...list);
  }

  async run(untilMs: number): Promise<void> {
    await Promise.all(
      this.lanes.map((lane, n) => this.write(lane, this.cursors[n] as { round: number; next: number }, untilMs)),
    );
  }

  private async write(
    lane: readonly Repeatable[],
    cursor: { round: number; next: number },
    untilMs: number,
  ): Promise<void> {
    while (performance.now() < untilMs && cursor.round < ROUNDS_MAX) {
      const { stream, events, expected } = lane[cursor.next] as Repeatable;
      const result = await this.store.append(inRound(stream, cursor.round), events, expected);
      if (result.outcome !== 'appended') throw new Error(`${stream}: ${JSON.stringify(result)}`);
      this.events += events.length;
      cursor.next += 1;
      if (cursor.next === lane.length) Object.assign(cursor, { next: 0, round: cursor.round + 1 });
    }
    if (cursor.round >= ROUNDS_MAX)
      throw new Error('the history of this benchmark is too short for this machine: raise ROUNDS_MAX');
  }
}

interface Slice {
  readonly perSecond: number;
  readonly cpuMicrosPerEvent: number;
  readonly loggedShare: number;
}

/** What the audit log costs the writer. Two event stores under the same load in turn, one followed by the log as in the
 * server (runner, thread, 500 ms between checkpoints). A slice is measured only after the log has begun to follow, so
 * that its work falls into the slice; that it keeps up is part of the result. */
export async function appendCost(report: BenchReport): Promise<void> {
  report.progress(`appends with and without the audit log, ${SLICES} slices each in turn ...`);
  const [plain, logged] = [await World.create(process.cwd()), await World.create(process.cwd())];
  const appends = history(3000, 1500);
  const names = registrantsOf(appends);
  logged.addRegistrants(
    Array.from({ length: ROUNDS_MAX }, (_, round) => names.map((name) => inRound(name, round))).flat(),
  );
  const stores = [
    await SqliteEventStore.openOnThread({ file: plain.eventsFile }),
    await SqliteEventStore.openOnThread({ file: logged.eventsFile }),
  ] as const;
  const loads = [new Load(stores[0], appends), new Load(stores[1], appends)] as const;
  const database = ReadModelDatabase.open(path.join(logged.folder, 'readmodel.db'));
  const builder = logged.builder();
  const consumer = new AuditLogConsumer(builder, 500);
  const runner = new SubscriptionRunner({
    consumer: consumer.name,
    store: stores[1],
    positions: new SqlitePositionStore(database),
    handler: consumer,
    poison: 'stop',
    onStatus: ({ lastError }) => {
      if (lastError) throw new Error(lastError.message);
    },
  });
  runner.start();
  const slices: { without: Slice[]; with: Slice[] } = { without: [], with: [] };
  const sizeOfLog = (): number => logged.log.checkpoint()?.size ?? 0;
  try {
    for (let slice = -1; slice < SLICES; slice += 1) {
      // In turn A B, B A: a machine that grows slower or faster meanwhile favours neither.
      const made: Partial<Record<'without' | 'with', Slice>> = {};
      for (const side of slice % 2 === 0 ? (['without', 'with'] as const) : (['with', 'without'] as const)) {
        made[side] = side === 'without' ? await measured(loads[0], () => 0) : await measured(loads[1], sizeOfLog);
        while (sizeOfLog() < loads[1].events) await new Promise((done) => setTimeout(done, 20));
      }
      if (slice < 0) continue;
      slices.without.push(made.without as Slice);
      slices.with.push(made.with as Slice);
    }
  } finally {
    await runner.stop();
    await builder.close();
    for (const store of stores) await store.close();
    database.close();
    for (const world of [plain, logged]) world.remove();
  }
  const of = (list: readonly Slice[], key: keyof Slice) => median(list.map((slice) => slice[key]));
  for (const [name, list] of [
    ['64 writers flat out, no audit log', slices.without],
    ['64 writers flat out, audit log follows', slices.with],
  ] as const) {
    report.row(name, {
      eventsPerSecond: Math.round(of(list, 'perSecond')),
      slowest: Math.round(Math.min(...list.map((s) => s.perSecond))),
      fastest: Math.round(Math.max(...list.map((s) => s.perSecond))),
      cpuMicrosPerEvent: of(list, 'cpuMicrosPerEvent'),
    });
  }
  report.row('the log beside the writers', {
    leavesPerEventAppended: of(slices.with, 'loggedShare'),
    cpuMicrosPerLeaf: of(slices.with, 'cpuMicrosPerEvent') - of(slices.without, 'cpuMicrosPerEvent'),
  });
  const pairs = slices.with
    .map((slice, i) => slice.perSecond / (slices.without[i] as Slice).perSecond)
    .toSorted((x, y) => x - y);
  report.ratio(
    'flat-out appends: with the log / without (median of pairs)',
    median(pairs),
    `at least 0.90; the middle half of ${SLICES} pairs lies between ${(pairs[Math.floor(SLICES / 4)] as number).toFixed(2)} and ${(pairs[Math.floor((SLICES * 3) / 4)] as number).toFixed(2)}`,
  );
}

async function measured(load: Load, sizeOfLog: () => number): Promise<Slice> {
  await load.run(performance.now() + WARM_MS);
  const [startMs, events, logged, cpu] = [performance.now(), load.events, sizeOfLog(), process.cpuUsage()];
  await load.run(startMs + SLICE_MS);
  const [seconds, written, used] = [(performance.now() - startMs) / 1000, load.events - events, process.cpuUsage(cpu)];
  return {
    perSecond: written / seconds,
    cpuMicrosPerEvent: (used.user + used.system) / written,
    loggedShare: (sizeOfLog() - logged) / written,
  };
}

export function median(list: readonly number[]): number {
  return list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)] as number;
}
