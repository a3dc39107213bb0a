import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const cli = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

export interface Ended {
  readonly status: number | null;
  /** Both outputs. */
  readonly out: string;
}

/** A command of the built program. Not `spawnSync`: the stand-ins of the outside world live in this process and must
 *  answer meanwhile.
 *  @param options.killWhen looked at all the time; the first true kills it */
export function honnin(
  args: readonly string[],
  { killWhen, env = {} }: { readonly killWhen?: () => boolean; readonly env?: Record<string, string> } = {},
): Promise<Ended> {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(HONNIN_|NODE_OPTIONS$)/.test(name));
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', cli, ...args], {
    env: { ...Object.fromEntries(inherited), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (out += chunk.toString()));
  const looking = killWhen && setInterval(() => killWhen() && child.kill('SIGKILL'), 1);
  return new Promise((resolve) => {
    child.once('close', (status) => {
      clearInterval(looking);
      resolve({ status, out });
    });
  });
}
