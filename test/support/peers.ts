import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Programs that tests compare with: names to look for, and how to ask for the version. `.ci/run` installs every one,
 *  so in CI none may lack. Each is tried by running it: a program that is there and broken is not there. */
const PEERS = {
  openssl: [['openssl'], 'version'],
  chromium: [['chromium', 'chromium-browser', 'google-chrome'], '--version'],
  kcat: [['kcat'], '-V'],
  strace: [['strace'], '-V'],
  java: [['java'], '-version'],
  mvn: [['mvn'], '-version'],
  go: [['go'], 'version'],
  cjpeg: [['cjpeg'], '-version'],
  python3: [['python3'], '--version'],
} as const;

export type PeerName = keyof typeof PEERS;

/** Why tests cannot run here. In CI that is a failure, unless it is something that nobody could install there. */
export interface Absence {
  readonly reason: string;
  readonly forgivenInCi: boolean;
}

const found = new Map<PeerName, string | null>();

/** The command of a peer that runs here, or null. */
export function peerProgram(name: PeerName): string | null {
  const known = found.get(name);
  if (known !== undefined) return known;
  const [names, version] = PEERS[name];
  const runs = (command: string): boolean =>
    spawnSync(command, [version], { timeout: 60_000, stdio: 'ignore' }).status === 0;
  const program = names.find(runs) ?? null;
  found.set(name, program);
  return program;
}

/** Null where the program runs, otherwise why tests that compare with it cannot. */
export function peer(name: PeerName): Absence | null {
  if (peerProgram(name) !== null) return null;
  return { reason: `the program ${name} is not here or does not run`, forgivenInCi: false };
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
