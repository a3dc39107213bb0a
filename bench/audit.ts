import type { Bench, BenchReport } from './report.ts';
import { appendCost } from './audit/append-cost.ts';
import { bundle } from './audit/bundle.ts';
import { growth } from './audit/growth.ts';
import { lists } from './audit/lists.ts';

/** The largest log that fsck is measured on. */
const EVENTS_MAX = Number(process.env['HONNIN_BENCH_EVENTS'] ?? '2000000');
const PARTS: Readonly<Record<string, (report: BenchReport) => Promise<void>>> = {
  append: appendCost,
  bundle,
  fsck: (report) => growth(report, EVENTS_MAX),
  lists: (report) => lists(report, EVENTS_MAX),
};

export const bench: Bench = {
  summary:
    'cost of the audit log while events are appended; rate and memory of fsck up to 2,000,000 events; time to verify a bundle; lists over 200,000 and 2,000,000 events (HONNIN_BENCH_PARTS=append,fsck,bundle,lists for some of them)',
  async run(report: BenchReport) {
    const wanted = process.env['HONNIN_BENCH_PARTS']?.split(',') ?? Object.keys(PARTS);
    for (const [name, part] of Object.entries(PARTS)) if (wanted.includes(name)) await part(report);
  },
};
