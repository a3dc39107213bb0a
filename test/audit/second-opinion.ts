import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { foreignEnvironment, peerProgram } from '../support/peers.js';

/** A bundle with what its reader holds besides. */
export interface AskedOpinion {
  readonly bundle: Uint8Array;
  /** Verifier keys as texts. */
  readonly keys: readonly string[];
  /** Checkpoints from elsewhere. */
  readonly known: readonly string[];
  /** Keys of witnesses as texts, and how many of them are needed. */
  readonly witnesses?: readonly string[];
  readonly needed?: number | null;
}

export interface Opinion {
  readonly outcome: 'right' | 'wrong' | 'undecided';
  readonly wrong: readonly string[];
  readonly undecided: readonly string[];
}

const VERIFIER = join(fileURLToPath(new URL('.', import.meta.url)), 'second-verifier', 'verifier.py');
/** As many bytes go to one process: its answers are small, and what it reads is not kept. */
const BYTES_MAX = 48 * 1024 * 1024;

/** What the second verifier, written from docs/bundle.md alone, says of bundles. */
export function secondOpinions(asked: readonly AskedOpinion[]): Opinion[] {
  const opinions: Opinion[] = [];
  for (let from = 0; from < asked.length;) {
    let [to, bytes] = [from, 0];
    while (to < asked.length && (to === from || bytes + (asked[to] as AskedOpinion).bundle.length < BYTES_MAX)) {
      bytes += (asked[to] as AskedOpinion).bundle.length;
      to += 1;
    }
    opinions.push(...ask(asked.slice(from, to)));
    from = to;
  }
  return opinions;
}

function ask(asked: readonly AskedOpinion[]): Opinion[] {
  const lines = asked.map(({ bundle, keys, known, witnesses = [], needed = null }) => {
    return `${JSON.stringify({ bundle: Buffer.from(bundle).toString('base64'), keys, known, witnesses, needed })}\n`;
  });
  const env = foreignEnvironment();
  const options = { env, input: lines.join(''), encoding: 'utf8', maxBuffer: 1024 * 1024 * 1024 } as const;
  const { status, stdout, stderr } = spawnSync(peerProgram('python3') as string, ['-B', VERIFIER, '--batch'], options);
  const opinions = stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Opinion);
  if (status !== 0 || opinions.length !== asked.length)
    throw new Error(`the second verifier ended with ${status}: ${stderr}`);
  return opinions;
}
