import { fork, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const QUIET = '--disable-warning=ExperimentalWarning';

/** A process that one talks with. */
export class Talking<To extends object, From> {
  private readonly child: ChildProcess;
  private readonly heard: From[] = [];
  private wake: (() => void) | null = null;
  private ended: number | null | undefined;

  constructor(program: string, args: readonly string[]) {
    this.child = fork(join(import.meta.dirname, program), args, { execArgv: [QUIET] });
    this.child.on('message', (message) => {
      this.heard.push(message as From);
      this.wake?.();
    });
    this.child.once('exit', (code) => {
      this.ended = code;
      this.wake?.();
    });
  }

  get pid(): number {
    return this.child.pid!;
  }

  async next(): Promise<From> {
    while (this.heard.length === 0) {
      if (this.ended !== undefined) throw new Error(`${this.child.spawnargs.join(' ')} ended with ${this.ended}`);
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
    return this.heard.shift()!;
  }

  tell(message: To): void {
    this.child.send(message);
  }

  async ask(message: To): Promise<From> {
    this.tell(message);
    return this.next();
  }

  async end(message: To): Promise<void> {
    if (this.ended !== undefined) return;
    const over = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.send(message);
    await over;
  }
}

/** The server as it is started for use. */
export class ServerProcess {
  readonly url: string;
  private readonly child: ChildProcess;

  private constructor(child: ChildProcess, url: string) {
    this.child = child;
    this.url = url;
  }

  static async start(settings: Readonly<Record<string, string>>): Promise<ServerProcess> {
    const main = join(import.meta.dirname, '../../dist/cli/main.js');
    // Settings of this bench are none of the server's.
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('HONNIN_'));
    const child = spawn(process.execPath, [QUIET, main, 'start'], {
      env: { ...Object.fromEntries(inherited), ...settings },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const url = await new Promise<string>((resolve, reject) => {
      let output = '';
      child.stderr.on('data', (chunk: Buffer) => {
        output += chunk.toString();
        const found = /honnin listens on (\S+)/.exec(output)?.[1];
        if (found) resolve(found);
      });
      child.once('exit', (code) => reject(new Error(`the server ended with ${code}: ${output}`)));
    });
    return new ServerProcess(child, url);
  }

  get pid(): number {
    return this.child.pid!;
  }

  async close(): Promise<void> {
    const over = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill('SIGTERM');
    await over;
  }
}

/** Milliseconds of processor time by the name of the thread, and all together. */
export type CpuByThread = Readonly<Record<string, number>>;

/** Ticks of /proc are hundredths of a second. */
const TICK_MS = 10;

/** @returns null where the system does not tell (it has no /proc) */
export function cpuOf(pid: number): CpuByThread | null {
  const folder = `/proc/${pid}`;
  if (!existsSync(`${folder}/task`)) return null;
  const threads: Record<string, number> = {};
  for (const task of readdirSync(`${folder}/task`)) {
    const spent = ticksIn(`${folder}/task/${task}/stat`);
    if (spent !== null) threads[spent.name] = (threads[spent.name] ?? 0) + spent.ms;
  }
  const whole = ticksIn(`${folder}/stat`);
  return { ...threads, [ALL]: whole?.ms ?? 0 };
}

export const ALL = 'all threads';

/** What was spent between two looks. Threads that ended in between are in the whole alone. */
export function spentBetween(before: CpuByThread, after: CpuByThread): CpuByThread {
  return Object.fromEntries(Object.entries(after).map(([name, ms]) => [name, ms - (before[name] ?? 0)]));
}

/** The name stands in brackets and may hold blanks; user and system time are the 12th and 13th member behind it. */
function ticksIn(file: string): { readonly name: string; readonly ms: number } | null {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    // It ended between the list and the look.
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return null;
    throw error;
  }
  const close = text.lastIndexOf(')');
  const members = text.slice(close + 2).split(' ');
  return { name: text.slice(text.indexOf('(') + 1, close), ms: TICK_MS * (Number(members[11]) + Number(members[12])) };
}
