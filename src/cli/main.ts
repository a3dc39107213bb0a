import '../telemetry-off.js';
import { EXIT, UsageError, type CliCommand } from './command.js';

interface Entry {
  readonly summary: string;
  readonly load: () => Promise<{ command: CliCommand }>;
}

/** Every command, in the order of `honnin help`. Loaded only when asked for, so that start-up stays quick. */
const commands: Record<string, Entry> = {
  demo: {
    summary: 'play the main job with stand-ins and print each case as a timeline',
    load: () => import('./demo.js'),
  },
  start: { summary: 'run the server', load: () => import('./start.js') },
  doctor: { summary: 'check configuration, ports, keys, models and clock', load: () => import('./doctor.js') },
  audit: {
    summary: 'export, verify and check the audit log; look at any past moment',
    load: () => import('./audit.js'),
  },
  admin: {
    summary: 'booths, policies, erasures, proposals, stuck steps: list, propose, approve',
    load: () => import('./admin.js'),
  },
  policy: { summary: 'show what other thresholds would have done', load: () => import('./admin/policy.js') },
  sandbox: {
    summary: 'run the stand-ins for the authentication server, the government server and sign-in',
    load: () => import('./sandbox.js'),
  },
  projections: {
    summary: 'rebuild read models from the events and prove them equal',
    load: () => import('./data/projections.js'),
  },
  consumers: {
    summary: 'show events that a part of the server could not take; replay, resume, skip',
    load: () => import('./data/consumers.js'),
  },
  events: { summary: 'check, back up or print the event log', load: () => import('./data/events.js') },
  backup: {
    summary: 'copy the whole installation while it serves, keys apart',
    load: () => import('./data/backup.js'),
  },
  restore: { summary: 'judge a backup, and put it into an empty data folder', load: () => import('./data/restore.js') },
  recover: { summary: 'accept a loss by two people, and go on', load: () => import('./data/recover.js') },
  kafka: { summary: 'create topics, replay, show lag and unconfirmed erasures', load: () => import('./kafka.js') },
  schemas: { summary: 'keep and check the contracts of published events', load: () => import('./schemas.js') },
  face: { summary: 'compare faces, measure the comparer, calibrate it', load: () => import('./face/face.js') },
  models: { summary: 'build or install the face models', load: () => import('./face/models.js') },
  'verify-certificate': {
    summary: 'say whether a certificate is valid, and why',
    load: () => import('./certificate/verify-certificate.js'),
  },
  'verify-ocsp-response': {
    summary: 'say what an OCSP response proves',
    load: () => import('./certificate/verify-ocsp-response.js'),
  },
  'verify-crl': { summary: 'say what a CRL proves', load: () => import('./certificate/verify-crl.js') },
  'verify-signature': { summary: 'check one signature', load: () => import('./certificate/verify-signature.js') },
  bench: { summary: 'run a benchmark from bench/ and print ratios', load: () => import('./bench.js') },
};

/** Lines that `./honnin` itself carries out (set-up and tests). */
const scriptCommands: Record<string, string> = {
  test: 'run the tests; --quick takes a minute',
  soak: 'run the tests with large numbers, for hours',
  help: 'show this list',
};

function helpText(): string {
  const rows: [string, string][] = [
    ...Object.entries(commands).map(([name, e]): [string, string] => [name, e.summary]),
    ...Object.entries(scriptCommands),
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return [
    'honnin: registers face photographs, and can prove every decision later.',
    '',
    'Usage: ./honnin COMMAND [OPTIONS]      ./honnin COMMAND --help shows options and an example',
    '       ./honnin --version              the release, and the SHA-256 of its verifier page',
    '',
    ...rows.map(([name, summary]) => `  ${name.padEnd(width)}  ${summary}`),
    '',
  ].join('\n');
}

async function main(argv: string[]): Promise<number> {
  const [name, ...args] = argv;
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    process.stdout.write(helpText());
    return name === undefined ? EXIT.usage : EXIT.ok;
  }
  if (name === '--version') {
    const { verifierPageFile } = await import('../console/build-page.js');
    const { version, fileSha256 } = verifierPageFile().digests;
    process.stdout.write(`honnin ${version}\nverifier page ${fileSha256}\n`);
    return EXIT.ok;
  }
  const entry = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!entry) {
    process.stderr.write(`honnin: there is no command '${name}'. './honnin help' lists them.\n`);
    return EXIT.usage;
  }
  const { command } = await entry.load();
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(`${command.help.trim()}\n`);
    return EXIT.ok;
  }
  try {
    return await command.run(args);
  } catch (error) {
    if (isUsageError(error)) {
      process.stderr.write(`honnin ${name}: ${error.message}\nSee './honnin ${name} --help'.\n`);
      return EXIT.usage;
    }
    const code = await codeOfOperators(error);
    if (code === null) throw error;
    process.stderr.write(`honnin ${name}: ${(error as Error).message}\n`);
    return code;
  }
}

/** What an operator can put right is said in words, whatever the command: wrong settings, a log or a file that cannot
 *  be used. @returns the exit code, or null for a bug, which keeps its stack */
async function codeOfOperators(error: unknown): Promise<number | null> {
  const { ConfigError } = await import('../infrastructure/settings/config.js');
  if (error instanceof ConfigError) return EXIT.usage;
  const { EventStoreUnavailableError } = await import('../application/ports/store/event-store.js');
  if (error instanceof EventStoreUnavailableError) return EXIT.failed;
  const { EventNotHandled } = await import('../application/subscriptions/subscription-handler.js');
  if (error instanceof EventNotHandled) return EXIT.failed;
  return isOfSystem(error) ? EXIT.failed : null;
}

/** Errors of the operating system and of SQLite name a file or an address and say what is wrong with it. */
function isOfSystem(error: unknown): boolean {
  return error instanceof Error && ('syscall' in error || 'errcode' in error);
}

/** `parseArgs` of node:util reports unknown options with its own error codes. */
function isUsageError(error: unknown): error is Error {
  return (
    error instanceof UsageError ||
    (error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS_'))
  );
}

// A crash outside the promise below must not read as an answer either: 0, 1 and 2 mean something.
for (const kind of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(kind, (error: unknown) => {
    process.stderr.write(
      `honnin: internal error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    process.exit(EXIT.internal);
  });
}

// Whoever read our output has gone away (`honnin … | head`): there is nobody to tell anything to, and the answer is not
// known to have arrived.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(EXIT.outputClosed);
    throw error;
  });
}

/** What a failed command left open must not keep the process, nor the data folder that it holds. Output has its time to
 * arrive. */
function endSoon(): void {
  setTimeout(() => process.exit(), 3_000).unref();
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
    endSoon();
  },
  (error: unknown) => {
    process.stderr.write(
      `honnin: internal error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    process.exitCode = EXIT.internal;
    endSoon();
  },
);
