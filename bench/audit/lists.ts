import { AuditLists } from '../../dist/application/audit/audit-lists.js';
import type { EventStore } from '../../dist/application/ports/store/event-store.js';
import type { Pseudonyms } from '../../dist/application/ports/audit/pseudonyms.js';
import { LISTS, type ListName } from '../../dist/domain/audit/lists/list-drawer.js';
import { LogKeys } from '../../dist/infrastructure/audit/log-keys.js';
import { SystemClock } from '../../dist/infrastructure/clock/system-clock.js';
import type { BenchReport } from '../report.ts';
import { HistoryWriter, ORIGIN, World } from './world.ts';

const PAGE = 50;
const MORE = 100;
const LIMIT_MS = 300;

/** What a first page of each list costs with a history of this size, and what the present costs to be drawn. */
interface Cost {
  readonly size: number;
  /** Processor time of drawing the whole history, ms. */
  readonly drawnMs: number;
  /** The process's heap that the lists hold, MB. */
  readonly heldMb: number;
  /** First page after the whole history was drawn, and after the log has grown by little; ms of the clock. */
  readonly firstMs: ReadonlyMap<ListName, number>;
  readonly againMs: ReadonlyMap<ListName, number>;
}

/** Lists with their certificates over a log of two sizes: the present drawn from nothing, as after a start, then the
 * first page of each list, and once more when the log has grown.
 *  @param sizeMax the larger log, events; the smaller one has a tenth */
export async function lists(report: BenchReport, sizeMax: number): Promise<void> {
  const world = await World.create(process.cwd());
  const writer = new HistoryWriter(world);
  const builder = world.builder();
  const grow = async (size: number): Promise<void> => {
    writer.grow(size);
    while ((await builder.step()).isMore);
  };
  const costs: Cost[] = [];
  try {
    for (const size of [sizeMax / 10, sizeMax]) {
      report.progress(`a log of ${size.toLocaleString('en-US')} events ...`);
      await grow(size);
      const cost = await costOf(world, size, () => grow(size + MORE));
      costs.push(cost);
      report.row(`lists over ${size.toLocaleString('en-US')} events`, {
        drawnCpuMs: Math.round(cost.drawnMs),
        eventsPerCpuSecond: Math.round(size / (cost.drawnMs / 1000)),
        heldMb: Math.round(cost.heldMb),
      });
      report.row('  first page, ms', rounded(cost.firstMs));
      report.row('  first page after the log has grown, ms', rounded(cost.againMs));
    }
  } finally {
    await builder.close();
    world.remove();
  }
  const [small, large] = costs as [Cost, Cost];
  report.ratio('lists: the slowest first page / 300 ms', slowest(large.firstMs) / LIMIT_MS, 'at most 1');
  report.ratio('lists: the slowest page of a log that grew / 100 ms', slowest(large.againMs) / 100, 'at most 1');
  report.ratio(
    `lists: drawing an event at ${large.size.toLocaleString('en-US')} / at ${small.size.toLocaleString('en-US')} events`,
    large.drawnMs / large.size / (small.drawnMs / small.size),
    'at most 1.2',
  );
}

async function costOf(world: World, size: number, grow: () => Promise<void>): Promise<Cost> {
  const keys = await LogKeys.open({
    origin: ORIGIN,
    secretFolder: `${world.folder}/keys/audit`,
    auditFolder: world.auditFolder,
    create: false,
  });
  // Nothing waits for the store here: the log is where it is.
  const store = { head: async () => null } as unknown as EventStore;
  const made = new AuditLists(world.log, keys, store, {} as Pseudonyms, new SystemClock());
  const pages = async (): Promise<Map<ListName, number>> => {
    const times = new Map<ListName, number>();
    for (const list of LISTS) {
      const started = performance.now();
      await made.page({ list, filter: {}, moment: 'now', withNames: false, cursor: null, limit: PAGE });
      times.set(list, performance.now() - started);
    }
    return times;
  };
  globalThis.gc?.();
  const [heapBefore, before] = [process.memoryUsage().heapUsed, process.cpuUsage()];
  await made.keepUp();
  const { user, system } = process.cpuUsage(before);
  globalThis.gc?.();
  const heldMb = (process.memoryUsage().heapUsed - heapBefore) / 1e6;
  const firstMs = await pages();
  await grow();
  await made.keepUp();
  return { size, drawnMs: (user + system) / 1000, heldMb, firstMs, againMs: await pages() };
}

function rounded(times: ReadonlyMap<ListName, number>): Record<string, number> {
  return Object.fromEntries([...times].map(([list, ms]) => [list, Math.round(ms * 10) / 10]));
}

function slowest(times: ReadonlyMap<ListName, number>): number {
  return Math.max(...times.values());
}
