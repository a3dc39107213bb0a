import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { EXIT, UsageError, type CliCommand } from './command.js';

const folder = fileURLToPath(new URL('../../bench/', import.meta.url));

type Values = Record<string, number | string>;
interface Result {
  readonly rows: { name: string; values: Values }[];
  readonly ratios: { name: string; value: number; target: string | null }[];
  readonly notes: string[];
}

export const command: CliCommand = {
  help: `
Runs a benchmark from bench/ and prints a table with ratios that were measured in this one run.

  ./honnin bench                 list the benchmarks
  ./honnin bench NAME [--json FILE]

Options
  --json FILE   also write the figures as JSON

Example
  ./honnin bench main-job --json main-job.json
`,
  async run(args) {
    const { values, positionals } = parseArgs({ args, allowPositionals: true, options: { json: { type: 'string' } } });
    const [name] = positionals;
    if (name === undefined) return list();
    const file = join(folder, `${name}.ts`);
    if (!/^[a-z0-9-]+$/.test(name) || !existsSync(file))
      throw new UsageError(`there is no benchmark '${name}'; './honnin bench' lists them`);
    const { bench } = (await import(pathToFileURL(file).href)) as {
      bench: { summary: string; run(report: object): Promise<void> };
    };
    const result: Result = { rows: [], ratios: [], notes: [] };
    process.stdout.write(
      `${name}: ${bench.summary}\n${cpus().length} cores, load ${loadavg()[0]?.toFixed(2)}, Node ${process.version}\n\n`,
    );
    await bench.run({
      row: (row: string, figures: Values) => result.rows.push({ name: row, values: figures }),
      ratio: (ratio: string, value: number, target?: string) =>
        result.ratios.push({ name: ratio, value, target: target ?? null }),
      note: (text: string) => result.notes.push(text),
      progress: (text: string) => process.stderr.write(`${text}\n`),
    });
    print(result);
    if (values.json)
      writeFileSync(
        values.json,
        `${JSON.stringify({ bench: name, at: new Date().toISOString(), cores: cpus().length, node: process.version, ...result }, null, 2)}\n`,
      );
    return EXIT.ok;
  },
};

async function list(): Promise<number> {
  const names = readdirSync(folder)
    .filter((f) => f.endsWith('.ts') && f !== 'report.ts')
    .map((f) => f.slice(0, -3));
  for (const name of names) {
    const { bench } = (await import(pathToFileURL(join(folder, `${name}.ts`)).href)) as { bench: { summary: string } };
    process.stdout.write(`  ${name.padEnd(16)} ${bench.summary}\n`);
  }
  return EXIT.ok;
}

function print({ rows, ratios, notes }: Result): void {
  const width = Math.max(0, ...rows.map((r) => r.name.length), ...ratios.map((r) => r.name.length));
  for (const { name, values } of rows) {
    process.stdout.write(
      `${name.padEnd(width)}  ${Object.entries(values)
        .map(([k, v]) => `${k} ${typeof v === 'number' ? figure(v) : v}`)
        .join('   ')}\n`,
    );
  }
  if (ratios.length > 0) process.stdout.write('\nratios of this run\n');
  for (const { name, value, target } of ratios)
    process.stdout.write(`${name.padEnd(width)}  ${value.toFixed(2)} ×${target ? `   target ${target}` : ''}\n`);
  for (const note of notes) process.stdout.write(`\n${note}\n`);
}

function figure(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toPrecision(4);
}
