import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';

/** What a program and all that it started did outside itself. */
export interface Traced {
  readonly code: number | null;
  readonly output: string;
  /** Absolute paths that were opened for writing, made, renamed or removed, successfully or not. */
  readonly written: readonly string[];
  /** Addresses that were connected to or sent to: `127.0.0.1:8080`, `[::1]:53`, or the path of a local socket. */
  readonly contacted: readonly string[];
}

const CALLS = [
  'open',
  'openat',
  'openat2',
  'creat',
  'mkdir',
  'mkdirat',
  'rename',
  'renameat',
  'renameat2',
  'unlink',
  'unlinkat',
  'rmdir',
  'link',
  'linkat',
  'symlink',
  'symlinkat',
  'truncate',
  'connect',
  'sendto',
  'sendmsg',
  'sendmmsg',
];
const OPENS = /^open(at2?)?$/;
const WRITES = /O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND/;

/** Runs a program under strace and reads from the trace what it wrote and whom it spoke to.
 *  @param file where the trace goes
 *  @param ends called with the output so far, again and again; true ends the program with SIGTERM */
export async function traced(
  file: string,
  [program, ...args]: readonly [string, ...string[]],
  { env, ends = () => false }: { env: NodeJS.ProcessEnv; ends?: (output: string) => boolean | Promise<boolean> },
): Promise<Traced> {
  const options = [
    '-D',
    '-f',
    '-qq',
    '-y',
    '-s',
    '4096',
    '-e',
    `trace=${CALLS.map((call) => `?${call}`).join(',')}`,
    '-e',
    'signal=none',
  ];
  // With -D the process that is started is the program itself, so that a signal reaches it.
  const child = spawn('strace', [...options, '-o', file, program, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let ending = false;
  const seen = async (chunk: Buffer): Promise<void> => {
    output += chunk.toString();
    if (ending || !(await ends(output)) || ending) return;
    ending = true;
    child.kill('SIGTERM');
  };
  child.stdout.on('data', seen);
  child.stderr.on('data', seen);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return { code, output, ...readTrace(readFileSync(file, 'utf8')) };
}

/** @param trace lines `PID call(…) = result` */
function readTrace(trace: string): Pick<Traced, 'written' | 'contacted'> {
  const written = new Set<string>();
  const contacted = new Set<string>();
  for (const line of trace.split('\n')) {
    const call = /^\d+\s+(\w+)\(/.exec(line)?.[1];
    if (call === undefined) continue;
    if (call === 'connect' || call.startsWith('send')) addresses(line).forEach((address) => contacted.add(address));
    else if (!OPENS.test(call) || WRITES.test(line)) paths(line).forEach((one) => written.add(one));
  }
  return { written: [...written], contacted: [...contacted] };
}

/** A name is often given from an open folder, whose path the trace shows before it: `unlinkat(17</tmp/x>, "name",
 * …)`. */
function paths(line: string): string[] {
  const named = [...line.matchAll(/(?:(?:\d+|AT_FDCWD)<([^>]*)>, )?"((?:[^"\\]|\\.)*)"/g)];
  return named.map(([, from = '/', text = '']) => path.resolve(from, text));
}

function addresses(line: string): string[] {
  const local = /sun_path=@?"([^"]*)"/.exec(line)?.[1];
  if (local !== undefined) return [local];
  const port = /sin6?_port=htons\((\d+)\)/.exec(line)?.[1];
  const v4 = /inet_addr\("([^"]*)"\)/.exec(line)?.[1];
  const v6 = /inet_pton\(AF_INET6, "([^"]*)"/.exec(line)?.[1];
  if (port === undefined || (v4 ?? v6) === undefined) return [];
  return [v4 === undefined ? `[${v6}]:${port}` : `${v4}:${port}`];
}
