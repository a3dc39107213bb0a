import { join } from 'node:path';
import type { PublishedCheckpoint } from '../../../application/ports/audit/audit-log.js';
import { toBase64 } from '../../../domain/audit/log/bytes.js';
import { judgeCosignature } from '../../../domain/audit/log/cosignature.js';
import { consistencyProof } from '../../../domain/audit/log/merkle-tree.js';
import {
  NoteFormatError,
  parseNote,
  writeNote,
  type NoteSignature,
  type VerifierKey,
} from '../../../domain/audit/log/signed-note.js';
import { WitnessForkError, type Outlet } from './checkpoint-outlet.js';
import { hasher, isSignedEd25519 } from '../digest.js';
import { syncFolder, writeWhole } from '../durable-file.js';
import { fetchProblem } from './fetch-problem.js';
import type { TileLog } from '../log/tile-log.js';

/** Somebody who is not the operator, remembers one checkpoint of each log, and cosigns only what grows from it. */
export interface Witness {
  /** Without a slash at its end; `/add-checkpoint` is asked below it. */
  readonly url: string;
  readonly key: VerifierKey;
}

const ANSWER_MS_MAX = 10_000;
const ANSWER_CHARACTERS_MAX = 65_536;
/** A witness says which size it knows, and is asked once more from there; a third time if another of our questions came
 * in between. */
const ATTEMPTS = 3;

/** Has the newest checkpoint cosigned by all witnesses (C2SP tlog-witness) and keeps it with their lines as `cosigned`,
 * where it has as many as are needed or none before had more. Fewer than needed is a failed delivery: told, and tried
 * again, while the log goes on. */
export function witnessOutlet(witnesses: readonly Witness[], needed: number, log: TileLog, everyMs: number): Outlet {
  const seen = new Map<Witness, number>();
  return {
    name: 'witness',
    everyMs,
    alsoAtStop: true,
    deliver: async (checkpoint) => {
      const asked = await Promise.allSettled(witnesses.map((witness) => cosigned(witness, checkpoint, log, seen)));
      const lines = asked.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
      const problems = asked.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason as Error] : []));
      if (lines.length > 0 && (lines.length >= needed || lines.length >= countKept(witnesses, log)))
        await keep(checkpoint, lines, log);
      const fork = problems.find((problem) => problem instanceof WitnessForkError);
      if (fork) throw fork;
      const reasons = problems.map(({ message }) => message).join('; ');
      if (lines.length < needed)
        throw new Error(
          `${lines.length} of ${witnesses.length} witnesses cosigned and ${needed} are needed: ${reasons}`,
        );
    },
  };
}

function countKept(witnesses: readonly Witness[], log: TileLog): number {
  const kept = log.cosigned();
  if (kept === null) return 0;
  const note = parseNote(kept.note);
  return witnesses.filter(({ key }) => judgeCosignature(note, key, isSignedEd25519).verdict === 'cosigned').length;
}

async function keep({ note }: PublishedCheckpoint, lines: readonly NoteSignature[], log: TileLog): Promise<void> {
  const { text, signatures } = parseNote(note);
  await writeWhole(join(log.folder, 'cosigned'), writeNote({ text, signatures: [...signatures, ...lines] }));
  await syncFolder(log.folder);
}

/** One witness, asked from the size that it knows. @throws {WitnessForkError} when what it has seen before is not how
 * this log begins */
async function cosigned(
  witness: Witness,
  checkpoint: PublishedCheckpoint,
  log: TileLog,
  seen: Map<Witness, number>,
): Promise<NoteSignature> {
  const { size, note } = checkpoint;
  const { url } = witness;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const old = seen.get(witness) ?? 0;
    if (old > size)
      throw new WitnessForkError(
        `${url} has seen ${old} entries of this log, and it has ${size}: the log was set back`,
      );
    const { status, text } = await ask(url, old, checkpoint, log);
    if (status === 200) {
      const line = lineOf(witness, note, text);
      seen.set(witness, size);
      return line;
    }
    if (status === 422)
      throw new WitnessForkError(
        `${url} has seen ${old} entries of this log that are not how it begins now: the log was rewritten, or another one goes on under its name`,
      );
    if (status !== 409) throw new Error(`${url} answered ${status}${WHY[status] ?? ''}`);
    const known = /^(?:0|[1-9]\d{0,15})\n?$/.test(text) ? Number(text) : null;
    if (known === null) throw new Error(`${url} answered 409 without the size that it knows`);
    if (known === old && old === size)
      throw new WitnessForkError(
        `${url} has seen another checkpoint of ${size} entries of this log: two histories go on under one name`,
      );
    seen.set(witness, known);
  }
  throw new Error(`${url} is asked by somebody else too: it names another size each time`);
}

const WHY: Readonly<Record<number, string>> = {
  400: ': it does not understand the question',
  403: ': it does not know the key that signed; give its operator the present key (./honnin audit key)',
  404: ': it does not know this log; give its operator name and key (./honnin audit key)',
};

async function ask(
  url: string,
  old: number,
  { size, note }: PublishedCheckpoint,
  log: TileLog,
): Promise<{ readonly status: number; readonly text: string }> {
  const proof =
    old === 0 || old === size ? [] : consistencyProof(hasher, log.nodes(size), { first: old, second: size });
  const body = [`old ${old}`, ...proof.map(toBase64), '', note].join('\n');
  try {
    const response = await fetch(`${url}/add-checkpoint`, {
      method: 'POST',
      body,
      redirect: 'error',
      signal: AbortSignal.timeout(ANSWER_MS_MAX),
    });
    return { status: response.status, text: (await response.text()).slice(0, ANSWER_CHARACTERS_MAX) };
  } catch (error) {
    throw new Error(`${url} does not answer: ${fetchProblem(error)}`, { cause: error });
  }
}

/** The witness's line out of its answer: a line of anybody else is none of its business. */
function lineOf({ url, key }: Witness, note: string, answer: string): NoteSignature {
  const { text } = parseNote(note);
  const lines = signaturesIn(`${text}\n${answer}`, url).filter(({ name, id }) => name === key.name && id === key.id);
  const [line] = lines;
  if (line === undefined)
    throw new Error(`${url} answered without a line of ${key.name}: is the key in HONNIN_WITNESSES the witness's?`);
  if (judgeCosignature({ text, signatures: lines }, key, isSignedEd25519).verdict !== 'cosigned')
    throw new Error(`${url} answered with a cosignature that does not fit its key`);
  return line;
}

function signaturesIn(note: string, url: string): readonly NoteSignature[] {
  try {
    return parseNote(note).signatures;
  } catch (error) {
    if (error instanceof NoteFormatError)
      throw new Error(`${url} answered with something else than signature lines`, { cause: error });
    throw error;
  }
}
