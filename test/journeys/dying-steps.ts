import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { soakCount } from '../support/soak.js';

const script = fileURLToPath(new URL('./processes/dying-steps.mjs', import.meta.url));
/** Deaths before other steps than the ones that are named, which are all tried. */
const OTHERS = soakCount({ ci: 2, soak: 4 });

export interface ToDie {
  readonly what: 'recover' | 'restore';
  /** The data folder that it works in, made anew for each death. */
  readonly data: string;
  readonly makeData: () => void;
  readonly needs: object;
  /** Steps before which it always dies: what is done, and to which file or folder. */
  readonly always: RegExp;
  /** Looks at what it left behind when it was carried out again after a death before this step. */
  readonly look: (step: string) => Promise<void>;
}

/** Lets something die before each of its steps that are named, and before some of the others, and carries it out again
 *  each time. @returns what it died before */
export async function dieAtEachStep({ what, data, makeData, needs, always, look }: ToDie): Promise<string[]> {
  const run = (at: number) =>
    spawnSync(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', script, what, String(at), JSON.stringify(needs)],
      { encoding: 'utf8' },
    );
  const afresh = () => {
    rmSync(data, { recursive: true, force: true });
    makeData();
  };
  afresh();
  const whole = run(0);
  if (whole.status !== 0) throw new Error(`${what} fails already without a death: ${whole.stderr}`);
  const steps = JSON.parse(whole.stdout) as string[];
  const numbered = steps.map((name, index) => ({ name, at: index + 1 }));
  const named = numbered.filter(({ name }) => always.test(name));
  const others = numbered.filter((step) => !named.includes(step));
  const every = Math.max(1, Math.ceil(others.length / OTHERS));
  const chosen = [...named, ...others.filter((_, index) => index % every === 0)];
  for (const { name, at } of chosen) {
    afresh();
    const died = run(at);
    if (died.signal !== 'SIGKILL') throw new Error(`it should have died before step ${at} (${name}): ${died.stderr}`);
    const again = run(0);
    if (again.status !== 0) throw new Error(`after a death before step ${at} (${name}): ${again.stderr}`);
    await look(`${at} (${name})`);
  }
  return chosen.map(({ name }) => name);
}
