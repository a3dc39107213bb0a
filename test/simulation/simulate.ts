import { parseArgs } from 'node:util';
import { Logger } from '@nestjs/common';
import { tellStory, type StoryResult } from './story.js';
import { VirtualTime } from './virtual-time.js';

const HELP = `Tells seeded stories of the whole program on simulated ports and checks after every step what must never happen.

  npm run simulate -- [--seed N] [--stories M] [--verbose] [--break FAULT] [--until WORDS]

Options
  --seed N      first seed (default 1); story k has seed N + k
  --stories M   how many (default 100)
  --verbose     print the last steps of a story that fails
  --break FAULT build a fault into the program, to see that it is found: submit-without-intent, lose-requests,
                view-without-record, lose-rows, rows-without-position, keep-evidence or lose-evidence
  --until WORDS end with the first story whose broken rule has these words (a regular expression)

Example
  npm run simulate -- --seed 4711 --stories 1 --verbose
`;

/** @returns 0 when every story kept every rule, else 1. */
export async function main(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      seed: { type: 'string', default: '1' },
      stories: { type: 'string', default: '100' },
      verbose: { type: 'boolean', default: false },
      break: { type: 'string' },
      until: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return print(HELP);
  Logger.overrideLogger(false);
  const begin = performance.now();
  const time = new VirtualTime(0);
  time.install();
  const results: StoryResult[] = [];
  for (let n = 0; n < Number(values.stories); n += 1) {
    const result = await tellStory(Number(values.seed) + n, time, values.break);
    results.push(result);
    if (result.violation) describe(result, values.verbose);
    if (values.until !== undefined && new RegExp(values.until).test(result.violation ?? '')) break;
  }
  summary(results, (performance.now() - begin) / 1000);
  return results.some((result) => result.violation) ? 1 : 0;
}

function describe({ seed, violation, steps, crashes, trace }: StoryResult, verbose: boolean): void {
  print(
    `seed ${seed}: ${violation}\n  after ${steps} steps and ${crashes} crashes; again: npm run simulate -- --seed ${seed} --stories 1 --verbose\n`,
  );
  if (verbose) print(`${trace.slice(-80).join('\n')}\n`);
}

function summary(results: readonly StoryResult[], seconds: number): void {
  const sum = (of: (result: StoryResult) => number): number => results.reduce((total, result) => total + of(result), 0);
  const ends: Record<string, number> = {};
  for (const result of results) for (const [end, n] of Object.entries(result.ends)) ends[end] = (ends[end] ?? 0) + n;
  print(
    `${results.length} stories, ${sum((r) => r.cases)} requests sent, ${sum((r) => r.steps)} steps, ${sum((r) => r.crashes)} crashes, ${Math.round(sum((r) => r.virtualMs) / 3_600_000)} hours of their time in ${seconds.toFixed(1)} s\n`,
  );
  print(
    `read models: built again and compared ${sum((r) => r.comparisons)} times, ${sum((r) => r.refused)} steps of dead processes refused; ${sum((r) => r.views)} photographs shown to officers; evidence of ${sum((r) => r.evidenceErased)} refused certificates there until its time and gone after it\n`,
  );
  print(
    `ends: ${Object.entries(ends)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([end, n]) => `${end} ${n}`)
      .join(', ')}\n`,
  );
  print(`${results.filter((result) => result.violation).length} stories broke a rule\n`);
}

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}
