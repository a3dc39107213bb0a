import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Runs a program for a trial, in the trial's own folder. */
type Run = (args: readonly string[], input?: string) => { readonly code: number | null; readonly out: string };

/** A program that tests compare with. */
interface Peer {
  /** Names to look for. */
  readonly names: readonly string[];
  /** Has it do what tests ask of it, in small. @returns null, or why it is of no use. @param folder empty, its own */
  readonly trial: (run: Run, folder: string) => string | null;
}

/** Whether a program ends well, and says or writes what was asked for. */
function says(what: RegExp, ...args: readonly string[]): Peer['trial'] {
  return (run) => {
    const { code, out } = run(args);
    if (code !== 0) return wordsOf(code, out);
    return what.test(out) ? null : `it says ${firstLine(out)}`;
  };
}

/** Whether the version that a program names is new enough. @param least major and minor version */
function atLeast(least: readonly [number, number], which: RegExp, ...args: readonly string[]): Peer['trial'] {
  return (run) => {
    const { code, out } = run(args);
    if (code !== 0) return wordsOf(code, out);
    const [major, minor] = (which.exec(out) ?? []).slice(1).map(Number);
    if (major === undefined || minor === undefined) return `it says ${firstLine(out)}`;
    if (major > least[0] || (major === least[0] && minor >= least[1])) return null;
    return `it is version ${major}.${minor}; tests need ${least.join('.')}`;
  };
}

/** The first of several trials that fails decides. */
const all =
  (...trials: readonly Peer['trial'][]): Peer['trial'] =>
  (run, folder) =>
    trials.reduce<string | null>((reason, trial) => reason ?? trial(run, folder), null);

const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', 'key.pem'];
const page = 'data:text/html,<p>a page of a test</p>';
const quiet = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--user-data-dir=profile'];

const ED25519 = 'from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey';

/** `.ci/run` installs every one, so in CI none may lack. What is there and half broken is not there: an OpenSSL without
 *  its settings, a kcat without JSON, a browser without its libraries, a tracer that may not trace. */
const PEERS = {
  openssl: {
    names: ['openssl'],
    trial: all(
      atLeast([3, 0], /OpenSSL (\d+)\.(\d+)/, 'version'),
      says(/BEGIN CERTIFICATE/, 'req', '-x509', ...key, '-days', '1', '-subj', '/CN=trial'),
    ),
  },
  chromium: {
    names: ['chromium', 'chromium-browser', 'google-chrome'],
    trial: says(/a page of a test/, ...quiet, '--dump-dom', page),
  },
  kcat: { names: ['kcat'], trial: says(/JSON/, '-V') },
  strace: {
    names: ['strace'],
    trial: (run, folder) => {
      const { code, out } = run(['-o', 'trace', 'true']);
      const wrote = existsSync(path.join(folder, 'trace')) && statSync(path.join(folder, 'trace')).size > 0;
      return code === 0 && wrote ? null : wordsOf(code, out);
    },
  },
  java: { names: ['java'], trial: says(/version/, '-version') },
  mvn: { names: ['mvn'], trial: says(/Maven/, '-version') },
  go: { names: ['go'], trial: atLeast([1, 19], /go(\d+)\.(\d+)/, 'version') },
  cjpeg: {
    names: ['cjpeg'],
    trial: (run) => {
      const { code, out } = run([], 'P2 1 1 255\n128\n');
      return code === 0 && out.includes('JFIF') ? null : wordsOf(code, out);
    },
  },
  python3: {
    names: ['python3'],
    trial: all(
      atLeast([3, 10], /Python (\d+)\.(\d+)/, '--version'),
      says(/^ready/, '-c', `${ED25519}; import decimal, hmac, json, unicodedata, uuid; print("ready")`),
    ),
  },
  'openapi-python-client': { names: ['openapi-python-client'], trial: says(/version: 0\.29\./, '--version') },
  promtool: { names: ['promtool'], trial: says(/promtool, version \d/, '--version') },
  schemathesis: { names: ['schemathesis'], trial: says(/schemathesis, version 4\./i, '--version') },
} as const satisfies Readonly<Record<string, Peer>>;

export type PeerName = keyof typeof PEERS;

/** Why tests cannot run here. In CI that is a failure, unless it is something that nobody could install there. */
export interface Absence {
  readonly reason: string;
  readonly forgivenInCi: boolean;
}

/** Foreign programs run in a locale that exists wherever they do: with one that is not installed, Java and Maven could
 *  not even name a folder that is not ASCII. */
export function foreignEnvironment(): NodeJS.ProcessEnv {
  const { LANGUAGE: _, ...env } = process.env;
  return { ...env, LC_ALL: 'C.UTF-8' };
}

/** An outcome that is found once in a run of all tests, whatever file asks first. `./honnin test` names the folder;
 *  without it, once in each test file. */
export function onceInARun<Outcome>(name: string, find: () => Outcome): Outcome {
  const known = found.get(name);
  if (known !== undefined) return known as Outcome;
  const folder = process.env['HONNIN_TEST_RUN'];
  const file = folder === undefined ? null : path.join(folder, `${name}.json`);
  const isThere = file !== null && existsSync(file);
  const outcome = isThere ? (JSON.parse(readFileSync(file, 'utf8')) as Outcome) : find();
  found.set(name, outcome);
  if (file !== null && !isThere) {
    // Two test files may find it at once: each writes its own, and the last one stays.
    writeFileSync(`${file}.${process.pid}`, JSON.stringify(outcome));
    renameSync(`${file}.${process.pid}`, file);
  }
  return outcome;
}

const found = new Map<string, unknown>();

type Tried = { readonly program: string } | { readonly reason: string };

function tried(name: PeerName): Tried {
  return onceInARun(`peer-${name}`, () => {
    const { names, trial }: Peer = PEERS[name];
    let reason = `the program ${name} is not here`;
    for (const program of names) {
      const folder = mkdtempSync(path.join(tmpdir(), `honnin-trial-${name}-`));
      try {
        const { isHere, why } = tryOut(program, trial, folder);
        if (why === null) return { program };
        if (isHere) reason = `the program ${program} is here and of no use: ${why}`;
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    }
    return { reason };
  });
}

function tryOut(program: string, trial: Peer['trial'], folder: string): { isHere: boolean; why: string | null } {
  let isHere = true;
  const run: Run = (args, input = '') => {
    const options = { cwd: folder, env: foreignEnvironment(), input, timeout: 60_000, encoding: 'latin1' } as const;
    const { error, status, stdout, stderr } = spawnSync(program, args, options);
    if ((error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') isHere = false;
    return { code: status, out: `${stdout ?? ''}\n${stderr ?? ''}` };
  };
  const why = trial(run, folder);
  return { isHere, why };
}

/** What a program that failed said, in a line. @param code null: a signal ended it, or the time was over */
export function wordsOf(code: number | null, out: string): string {
  return `it ${code === null ? 'was ended' : `ended with ${code}`}: ${firstLine(out)}`;
}

/** The line that says most: the first with the word error, or else the first. */
export function firstLine(out: string): string {
  const lines = out
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const line = lines.find((each) => /error|exception/i.test(each)) ?? lines[0] ?? 'nothing';
  return line.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 200);
}

/** The command of a peer that does here what tests ask of it, or null. */
export function peerProgram(name: PeerName): string | null {
  const outcome = tried(name);
  return 'program' in outcome ? outcome.program : null;
}

/** Null where the program does what tests ask of it, otherwise why tests that compare with it cannot run. */
export function peer(name: PeerName): Absence | null {
  const outcome = tried(name);
  return 'program' in outcome ? null : { reason: outcome.reason, forgivenInCi: false };
}

/** Null where a file of `dist` is there. Threads and child processes run from it; `./honnin test` builds it. */
export function built(file: string): Absence | null {
  if (existsSync(path.join(root, 'dist', file))) return null;
  return { reason: `dist/${file} is not built; './honnin test' builds it`, forgivenInCi: false };
}

/** Null without a reason; with one, an absence that CI forgives: no folder of case files, no server that one names. */
export function elsewhere(reason: string | null): Absence | null {
  return reason === null ? null : { reason, forgivenInCi: true };
}
