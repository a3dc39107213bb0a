import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { preparedPhoto } from '../booth/prepared-photo.js';
import { cardPhotoFrom } from '../sandbox/card/card-photo.js';
import { EXIT, UsageError, type CliCommand } from './command.js';
import { DEMO_CASES, People, type DemoCase } from './demo/demo-cases.js';
import { leaveHoldOpen } from './demo/open-hold.js';
import { CASE_ENDS, DemoWorld } from './demo/demo-world.js';
import { isOfTheCase, LiveTimeline } from './demo/print-timeline.js';

interface CaseReport {
  readonly name: string;
  readonly receipt: string | null;
  readonly expected: string | null;
  readonly outcome: string;
  readonly events: readonly string[];
  readonly elapsedMs: number;
  readonly problem: string | null;
}

const say = (line = ''): void => void process.stdout.write(`${line}\n`);

export const command: CliCommand = {
  help: `
Plays the main job: a server, stand-ins for the authentication server, the government server and sign-in, and one booth,
all on free ports with data in a temporary folder. Each case is printed as a timeline; a table sums them up.

  ./honnin demo [--keep] [--report FILE] [--photo FILE [--card-photo FILE]]

Options
  --keep             leave everything running afterwards and print addresses and sign-ins (end with Ctrl-C)
  --report FILE      write the cases as JSON: {"ok", "cases": [{"name", "receipt", "expected", "outcome", "events", "elapsedMs"}]}
  --photo FILE       play one case with your own picture as the photograph (JPEG or PNG); says what the booth
                     did to make it a plain JPEG
  --card-photo FILE  the picture on the card of that case; the same picture when absent

The exit code is 0 only when every case ended as expected.

Example
  ./honnin demo --keep
  ./honnin demo --photo me-today.jpg --card-photo me-last-year.jpg
`,
  async run(args) {
    const { values } = parseArgs({
      args,
      options: {
        keep: { type: 'boolean', default: false },
        report: { type: 'string' },
        photo: { type: 'string' },
        'card-photo': { type: 'string' },
      },
    });
    const cases = await chosenCases(values.photo, values['card-photo']);
    const ending = endOfProcess();
    const world = await DemoWorld.start(say);
    try {
      const reports = await playAll(world, cases);
      printSummary(reports);
      say(`\naudit log: ${await world.timestamps()}`);
      const ok = reports.every((r) => r.problem === null);
      if (values.report)
        writeFileSync(
          values.report,
          `${JSON.stringify({ ok, cases: reports.map(({ problem: _, ...report }) => report) }, null, 2)}\n`,
        );
      if (values.keep) await keepRunning(world, ending);
      return ok ? EXIT.ok : EXIT.failed;
    } finally {
      await world.close();
    }
  },
};

async function chosenCases(photo: string | undefined, cardPhoto: string | undefined): Promise<readonly DemoCase[]> {
  if (photo === undefined && cardPhoto !== undefined) throw new UsageError('--card-photo goes with --photo');
  if (photo === undefined) return DEMO_CASES;
  for (const file of [photo, cardPhoto ?? photo])
    if (!existsSync(file)) throw new UsageError(`there is no file ${file}`);
  const captured = await preparedPhoto(readFileSync(photo)).catch((error: unknown) => {
    if (error instanceof RangeError) throw new UsageError(`${photo}: ${error.message}`);
    throw error;
  });
  say(`${photo}: ${captured.done.length === 0 ? 'sent as it is' : captured.done.join('; ')}`);
  const faceImage = await cardPhotoFrom(readFileSync(cardPhoto ?? photo)).catch(() => {
    throw new UsageError(`${cardPhoto ?? photo} is not a picture that can be read; give a JPEG, PNG or WebP`);
  });
  return [
    {
      name: 'your pictures',
      expected: '',
      start: async (world) => world.register(await world.sandbox.jpki.issueCard({ faceImage }), captured.bytes),
    },
  ];
}

async function playAll(world: DemoWorld, cases: readonly DemoCase[]): Promise<CaseReport[]> {
  const people = new People(world);
  const reports: CaseReport[] = [];
  for (const [index, one] of cases.entries()) {
    say(`\n${index + 1}/${cases.length}  ${one.name}`);
    const report = await play(world, people, one);
    reports.push(report);
    say(
      `    ${report.problem === null ? 'as expected' : 'NOT AS EXPECTED'}: ${report.outcome}${report.problem ? ` (${report.problem})` : ''}`,
    );
  }
  return reports;
}

async function play(world: DemoWorld, people: People, one: DemoCase): Promise<CaseReport> {
  const startedMs = Date.now();
  let receipt: string | null = null;
  let events: Awaited<ReturnType<DemoWorld['history']>> = [];
  let problem: string | null = null;
  const timeline = new LiveTimeline(say);
  world.onHistory = (seen) => timeline.update(seen);
  try {
    receipt = await one.start(world, people);
    const requestId = await world.requestIdOf(receipt);
    await one.meanwhile?.(world, requestId);
    await world.until(requestId, [...CASE_ENDS, ...(one.expected === '' ? ['Held'] : [])]);
    events = await world.settled(requestId);
    problem = (await one.check?.(world, requestId)) ?? null;
  } catch (error) {
    problem = error instanceof Error ? error.message : String(error);
  }
  const outcome = events.findLast((e) => CASE_ENDS.includes(e.type) || e.type === 'Held')?.type ?? 'none';
  if (problem === null && one.expected !== '' && outcome !== one.expected) problem = `expected ${one.expected}`;
  const names = events.filter(isOfTheCase).map((e) => e.type);
  return {
    name: one.name,
    receipt,
    expected: one.expected === '' ? null : one.expected,
    outcome,
    events: names,
    elapsedMs: Date.now() - startedMs,
    problem,
  };
}

function printSummary(reports: readonly CaseReport[]): void {
  const width = Math.max(...reports.map((r) => r.name.length));
  say(`\n${'case'.padEnd(width)}  ${'receipt'.padEnd(19)}  ${'outcome'.padEnd(20)}  seconds  as expected`);
  for (const { name, receipt, outcome, elapsedMs, problem } of reports) {
    say(
      `${name.padEnd(width)}  ${(receipt ?? '').padEnd(19)}  ${outcome.padEnd(20)}  ${(elapsedMs / 1000).toFixed(1).padStart(7)}  ${problem === null ? 'yes' : `NO: ${problem}`}`,
    );
  }
}

async function keepRunning(world: DemoWorld, ending: EndOfProcess): Promise<void> {
  ending.isAwaited = true;
  const { server, sandbox, folder } = world;
  world.onHistory = () => {};
  await leaveHoldOpen(world);
  say('\neverything keeps running; Ctrl-C ends it and removes the data');
  say(`  officers' console      ${server.url}/console/   (one hold waits there for two officers)`);
  say(`  API and documentation  ${server.url}/docs`);
  say(
    `  health, metrics        ${server.url}/health/ready  ${server.url}/metrics  (bearer token: ${world.operatorToken})`,
  );
  say(`  authentication server  ${sandbox.jpki.url}`);
  say(`  government server      ${sandbox.government.url}`);
  say(`  sign-in                ${sandbox.tokens.issuer}`);
  say(`  timestamps             ${sandbox.timestamps.tsaUrl}`);
  say(`  data                   ${folder}`);
  say(
    '\nsample sign-ins (password = name): ' +
      sandbox.tokens.users.map((u) => `${u.username} (${u.roles.join(', ')})`).join('  '),
  );
  say('for example, the open and resolved holds as officer-a sees them:');
  say(
    `  TOKEN=$(curl -s ${sandbox.tokens.tokenUrl} -d grant_type=password -d username=officer-a -d password=officer-a | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')`,
  );
  say(`  curl -s -H "Authorization: Bearer $TOKEN" '${server.url}/v1/holds?include=resolved'`);
  await ending.asked;
}

interface EndOfProcess {
  readonly asked: Promise<void>;
  /** Whether somebody waits for it and ends in order; otherwise the process ends at once. */
  isAwaited: boolean;
}

/** Ctrl-C and its kind. However the process ends, the folder of the demonstration is removed with it. */
function endOfProcess(): EndOfProcess {
  let tell = (): void => {};
  const ending: EndOfProcess = { asked: new Promise((resolve) => (tell = resolve)), isAwaited: false };
  for (const [signal, code] of Object.entries({ SIGINT: 130, SIGTERM: 143, SIGHUP: 129 })) {
    process.on(signal, () => {
      // Asked for the second time: at once.
      if (!ending.isAwaited) process.exit(code);
      ending.isAwaited = false;
      tell();
    });
  }
  return ending;
}
