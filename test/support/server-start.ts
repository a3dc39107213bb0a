import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { AS_OPERATOR, OPERATOR_TOKEN } from './operator.js';

const cli = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
/** A start that neither listens nor ends in this time is stuck. */
export const START_MS_MAX = 120_000;

interface StartWith {
  readonly node?: readonly string[];
  readonly under?: readonly string[];
  readonly says?: RegExp;
}

/** One start of the built server as a process, with nothing around it: either it listens, or it ends and has said
 *  why. */
export class ServerStart {
  private constructor(
    readonly child: ChildProcess,
    /** Null when it ended instead. */
    readonly url: string | null,
    readonly said: string,
    /** What it has said up to now. */
    readonly saidSoFar: () => string,
  ) {}

  /** @param options.node arguments for Node itself; `options.under` a program that starts it, with its arguments;
   *  `options.says` words that it is waited for, with its address. Default: that it listens */
  static async of(
    data: string,
    env: Record<string, string> = {},
    { node = [], under = [], says = /honnin listens on (\S+)/ }: StartWith = {},
  ): Promise<ServerStart> {
    if (!existsSync(cli)) throw new Error('dist is missing: build first (./honnin test does)');
    const inherited = Object.entries(process.env).filter(([name]) => !/^(HONNIN_|NODE_OPTIONS$)/.test(name));
    const own = {
      HONNIN_DATA: data,
      HONNIN_PORT: '0',
      HONNIN_LOG_LEVEL: 'silent',
      HONNIN_ENVIRONMENT: 'test',
      HONNIN_METRICS_TOKEN: OPERATOR_TOKEN,
      // A second one takes half a second of a start, and no test here is about how many faces are read at once.
      HONNIN_FACE_WORKERS: '1',
    };
    const [program, ...args] = [
      ...under,
      process.execPath,
      '--disable-warning=ExperimentalWarning',
      ...node,
      cli,
      'start',
    ];
    const child = spawn(program as string, args, {
      env: { ...Object.fromEntries(inherited), ...own, ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    const url = await new Promise<string | null>((resolve) => {
      const stuck = setTimeout(() => {
        said += '\n(killed: it neither listened nor ended)';
        child.kill('SIGKILL');
      }, START_MS_MAX);
      child.once('close', () => {
        clearTimeout(stuck);
        resolve(null);
      });
      child.stderr.on('data', (chunk: Buffer) => {
        said += chunk.toString();
        const found = says.exec(said)?.[1];
        if (!found) return;
        clearTimeout(stuck);
        resolve(found);
      });
    });
    return new ServerStart(child, url, said, () => said);
  }

  /** What `/health/ready` says of its parts, and the status of the answer. */
  async ready(): Promise<{
    readonly status: number;
    readonly parts: Readonly<Record<string, { readonly ok: boolean; readonly detail: string }>>;
  }> {
    const answer = await fetch(`${this.url}/health/ready`, AS_OPERATOR);
    const { parts } = (await answer.json()) as Pick<Awaited<ReturnType<ServerStart['ready']>>, 'parts'>;
    return { status: answer.status, parts };
  }

  /** Asks for a challenge as a stranger's booth. */
  challenge(): Promise<Response> {
    const body = JSON.stringify({ boothId: 'booth-nobody' });
    return fetch(`${this.url}/v1/challenges`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
  }

  async end(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = new Promise<void>((resolve) => this.child.once('exit', () => resolve()));
    this.child.kill(signal);
    await gone;
  }
}
