import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { BenchReport } from '../report.ts';
import { HistoryWriter, ORIGIN, World } from './world.ts';

const SIZES = [10_000, 100_000, 500_000, 2_000_000];
const cli = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
/** Prints the largest resident set of the process and its processor time at its end. */
const TELL =
  'data:text/javascript,process.on("exit",()=>{const{user,system}=process.cpuUsage();process.stderr.write(`\\nRSS ${process.resourceUsage().maxRSS} CPU ${user+system}\\n`)})';
/** What the command costs before it reads its first event: a start of Node with all of its modules. */
const START_SECONDS_CPU = 0.6;

interface Checked {
  readonly report: { readonly events: number; readonly seconds: number; readonly problems: readonly unknown[] };
  readonly rssMb: number;
  readonly cpuSeconds: number;
}

/** The real command over logs of growing size: what it prints, and the largest resident set of its process.
 *  @param sizesMax the largest log, events */
export async function growth(report: BenchReport, sizesMax: number): Promise<void> {
  const world = await World.create(process.cwd());
  const writer = new HistoryWriter(world);
  const builder = world.builder();
  const checks: { size: number; checked: Checked }[] = [];
  try {
    for (const size of SIZES.filter((s) => s <= sizesMax)) {
      report.progress(`a log of ${size.toLocaleString('en-US')} events ...`);
      writer.grow(size);
      const [startMs, before] = [performance.now(), world.log.checkpoint()?.size ?? 0];
      while ((await builder.step()).isMore);
      const built = (size - before) / ((performance.now() - startMs) / 1000);
      const checked = await fsckOf(world);
      if (checked.report.problems.length > 0 || checked.report.events !== size)
        throw new Error(`fsck of a sound log: ${JSON.stringify(checked.report).slice(0, 500)}`);
      checks.push({ size, checked });
      report.row(`fsck of ${size.toLocaleString('en-US')} events`, {
        eventsPerSecond: Math.round(checked.report.events / checked.report.seconds),
        eventsPerCpuSecond: Math.round(checked.report.events / Math.max(0.05, checked.cpuSeconds - START_SECONDS_CPU)),
        seconds: checked.report.seconds,
        rssPeakMb: Math.round(checked.rssMb),
        logBuiltPerSecond: Math.round(built),
      });
    }
  } finally {
    await builder.close();
    world.remove();
  }
  const rates = checks
    .filter(({ size }) => size >= 100_000)
    .map(({ checked }) => checked.report.events / checked.report.seconds);
  if (rates.length > 0)
    report.ratio(
      'fsck: slowest rate from 100,000 events on / 50,000 events per second',
      Math.min(...rates) / 50_000,
      'at least 1',
    );
  const [small, middle, last] = [checks[0], checks.find(({ size }) => size === 100_000), checks.at(-1)];
  if (!small || !middle || !last) return;
  const name = (size: number) => size.toLocaleString('en-US');
  report.ratio(
    `fsck: peak memory at ${name(last.size)} / at ${name(middle.size)} events`,
    last.checked.rssMb / middle.checked.rssMb,
    'flat: at most 1.2',
  );
  report.ratio(
    `fsck: peak memory at ${name(last.size)} / at ${name(small.size)} events`,
    last.checked.rssMb / small.checked.rssMb,
    'flat: at most 2 (a run of a fifth of a second ends before the collector has found its pace)',
  );
}

async function fsckOf(world: World): Promise<Checked> {
  const child = spawn(
    process.execPath,
    [
      '--disable-warning=ExperimentalWarning',
      '--import',
      TELL,
      cli,
      'audit',
      'fsck',
      '--data',
      world.folder,
      '--no-vault',
      '--json',
    ],
    { env: { PATH: process.env['PATH'], HONNIN_AUDIT_ORIGIN: ORIGIN }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const [out, err] = [collected(child.stdout), collected(child.stderr)];
  const code = await new Promise<number | null>((done) => child.once('close', done));
  const [, rss, cpu] = /RSS (\d+) CPU (\d+)/.exec(await err) ?? [];
  if (code !== 0 || rss === undefined)
    throw new Error(`fsck ended with ${code}: ${(await err).slice(-500)}${(await out).slice(0, 500)}`);
  return {
    report: JSON.parse(await out) as Checked['report'],
    rssMb: Number(rss) / 1024,
    cpuSeconds: Number(cpu) / 1e6,
  };
}

async function collected(stream: AsyncIterable<Buffer>): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += chunk.toString();
  return text;
}
