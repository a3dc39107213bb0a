import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { fromBase64 } from '../../domain/audit/log/bytes.js';
import { parseCheckpoint } from '../../domain/audit/log/checkpoint.js';
import { judgeWitnesses, type WitnessPolicy } from '../../domain/audit/log/cosignature.js';
import {
  compareCopies,
  notesInText,
  sizesToProve,
  type CopyReport,
  type KeptCopy,
} from '../../domain/audit/copies/compare-copies.js';
import { keysThatFollow } from '../../domain/audit/log/key-succession.js';
import { consistencyProof, type Hash } from '../../domain/audit/log/merkle-tree.js';
import { judgeNote, parseVerifierKey, type VerifierKey } from '../../domain/audit/log/signed-note.js';
import { checkpointIn } from '../../domain/audit/bundle/verify-bundle.js';
import { hasher, isSignedEd25519, sha256 } from '../../infrastructure/audit/digest.js';
import { Config } from '../../infrastructure/settings/config.js';
import { checkpointTopic } from '../../infrastructure/kafka/kafka-checkpoint-topic.js';
import { EXIT, UsageError } from '../command.js';
import { say, sayJson, witnessedLine, witnessesOf } from './arguments.js';
import { OpenAudit } from './open-audit.js';

const TEXT = { type: 'string' } as const;
const MANY = { type: 'string', multiple: true } as const;
const COSIGNED = 'cosigned, as the log gives it out';
const ANSWER_BYTES_MAX = 512 * 1024 * 1024;

/** The log as it is handed out now, by its folder or by its server. */
interface PresentLog {
  readonly note: string;
  /** The newest checkpoint with the lines of witnesses, or null. */
  readonly cosigned: string | null;
  readonly stated: readonly VerifierKey[];
  readonly successions: readonly string[];
  /** Notes in which the log declares losses. */
  readonly losses: readonly string[];
  /** Proofs for these sizes against the present size, at hand. */
  readonly proofs: (sizes: readonly number[]) => Promise<(first: number, second: number) => readonly Hash[]>;
}

/** `honnin audit compare`: holds kept checkpoints against the present log. */
export async function compare(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      data: TEXT,
      server: TEXT,
      copies: MANY,
      key: MANY,
      witness: MANY,
      'witnesses-needed': TEXT,
      json: { type: 'boolean', default: false },
    },
  });
  if (!values.copies) throw new UsageError('compare needs --copies FOLDER|FILE|URL|kafka');
  const witnesses = witnessesOf({ witness: values.witness, needed: values['witnesses-needed'] });
  const kept = (await Promise.all(values.copies.map(copiesIn))).flat();
  const log = values.server ? await logOfServer(values.server.replace(/\/$/, '')) : await logInFolder(values.data);
  // What witnesses have cosigned is held against the log as every other copy is.
  const copies = log.cosigned === null ? kept : [...kept, { note: log.cosigned, where: COSIGNED }];
  const trusted = (values.key ?? []).map((key) =>
    parseVerifierKey(existsSync(key) ? readFileSync(key, 'utf8') : key, sha256),
  );
  const check = { hash: sha256, isSigned: isSignedEd25519 };
  const first = trusted.length > 0 ? trusted : log.stated.slice(0, 1);
  const keys = keysThatFollow(first, [...log.successions, ...log.losses], check);
  const proof = await log.proofs(sizesToProve(log.note, copies, log.losses));
  const report = await compareCopies({ present: log.note, copies, losses: log.losses, keys, ...check, proof });
  const judged = witnesses && witnessesOn(log, copies, keys, witnesses);
  const code = exitCode(report, trusted.length > 0, judged);
  if (values.json) sayJson({ ok: code === EXIT.ok, trusted: trusted.length > 0, ...report, witnesses: judged });
  else for (const line of [...linesOf(report, trusted.length > 0), ...witnessLines(judged)]) say(line);
  return code;
}

type WitnessJudgement = ReturnType<typeof judgeWitnesses> & { readonly isWrong: boolean };

/** Cosignatures on the present checkpoint and on copies that this log signed. A wrong line in a copy is the doing of
 * whoever kept it; one in what the log itself gives out is the log's. */
function witnessesOn(
  log: PresentLog,
  copies: readonly KeptCopy[],
  keys: readonly VerifierKey[],
  policy: WitnessPolicy,
): WitnessJudgement {
  const origin = checkpointIn(log.note)?.checkpoint.origin;
  const signed = (notes: readonly string[]) =>
    notes.flatMap((text) => {
      const read = checkpointIn(text);
      const isOurs =
        read !== null &&
        read.checkpoint.origin === origin &&
        judgeNote(read.note, keys, isSignedEd25519).verdict === 'signed';
      return isOurs ? [{ size: read.checkpoint.size, note: read.note }] : [];
    });
  const own = judgeWitnesses(
    signed([log.note, ...(log.cosigned === null ? [] : [log.cosigned])]),
    policy,
    isSignedEd25519,
  );
  const all = judgeWitnesses(signed([log.note, ...copies.map(({ note }) => note)]), policy, isSignedEd25519);
  return { ...all, isWrong: own.wrong.length > 0 };
}

function witnessLines(judged: WitnessJudgement | null): string[] {
  if (judged === null) return [];
  const wrong = judged.wrong.map(
    ({ size, witness }) =>
      `${judged.isWrong ? 'WRONG      ' : 'NOTE       '}${size} entries: the line of ${witness} is not its cosignature`,
  );
  return [witnessedLine(judged.witnessed), ...wrong];
}

/** Nothing compared is not "all is well", and neither is a key that only the log itself states. */
function exitCode(report: CopyReport, hasKey: boolean, judged: WitnessJudgement | null): number {
  const { discrepancies, checkpoints, losses } = report;
  if (discrepancies.length > 0 || judged?.isWrong === true) return EXIT.failed;
  const isWitnessed = judged === null || judged.witnessed.isEnough;
  return checkpoints > 0 && hasKey && isWitnessed && losses.length === 0 ? EXIT.ok : EXIT.unknown;
}

function linesOf(report: CopyReport, hasKey: boolean): string[] {
  const { origin, treeSize, checkpoints, consistent, consistentUpTo, firstFork, ignored, discrepancies } = report;
  const { losses, lost } = report;
  const lines = [
    `log        ${origin ?? 'unknown'}, ${treeSize ?? 0} entries now`,
    `copies     ${checkpoints} different checkpoints of this log${ignored > 0 ? `; ${ignored} records are not signed by it and were left aside` : ''}`,
    `agree      ${consistent} of ${checkpoints}${consistentUpTo === null ? '' : `, the largest has ${consistentUpTo} entries`}`,
  ];
  for (const loss of losses) lines.push(`LOSS       ${loss}`);
  if (lost > 0)
    lines.push(`LOSS       ${lost} copies are of what is declared lost: nothing is left to compare them with`);
  for (const { code, size, where, detail } of discrepancies.slice(0, 50))
    lines.push(`WRONG      ${size === null ? '' : `${size} entries: `}${detail} (${where}) [${code}]`);
  if (firstFork)
    lines.push(
      `FORK       first at the checkpoint of ${firstFork.size} entries (${firstFork.where}): something in entries ${firstFork.afterEntry} to ${firstFork.size - 1} was changed, removed or added after it was given out`,
    );
  else if (checkpoints === 0) lines.push('nothing was compared: there is no checkpoint of this log among the copies');
  else if (discrepancies.length === 0 && losses.length > 0)
    lines.push('nothing else is wrong; what was declared lost stays lost');
  else if (discrepancies.length === 0)
    lines.push(
      hasKey
        ? 'the log has only grown since each of these checkpoints'
        : 'the log has only grown since each of these checkpoints, but nobody knows whose log it is: give its key with --key',
    );
  return lines;
}

async function logInFolder(data: string | undefined): Promise<PresentLog> {
  const audit = OpenAudit.at(data);
  const { log } = audit;
  const checkpoint = log.checkpoint();
  if (!checkpoint) throw new UsageError('the audit log has no checkpoint yet');
  const keys = await audit.keys();
  return {
    note: checkpoint.note,
    cosigned: log.cosigned()?.note ?? null,
    stated: keys.keys(),
    successions: keys.successions(),
    losses: keys.losses(),
    proofs: async () => (first, second) => consistencyProof(hasher, log.nodes(second), { first, second }),
  };
}

async function logOfServer(server: string): Promise<PresentLog> {
  const get = async (path: string): Promise<Response> => {
    const response = await fetch(`${server}/v1/audit/${path}`, { signal: AbortSignal.timeout(30_000) });
    if (!response.ok) throw new Error(`${server}/v1/audit/${path} answered ${response.status}`);
    return response;
  };
  // First what witnesses have cosigned: the present checkpoint is not older.
  const witnessed = await fetch(`${server}/v1/audit/log/cosigned`, { signal: AbortSignal.timeout(30_000) });
  const told = witnessed.ok ? await witnessed.text() : '';
  const cosigned = checkpointIn(told) === null ? null : told;
  const note = await (await get('log/checkpoint')).text();
  const answer = (await (await get('keys')).json()) as { keys: string[]; successions: string[]; losses?: string[] };
  const { keys, successions, losses = [] } = answer;
  const { size } = parseCheckpoint(note).checkpoint;
  return {
    note,
    cosigned,
    stated: keys.map((key) => parseVerifierKey(key, sha256)),
    successions,
    losses,
    proofs: async (sizes) => {
      const fetched = new Map<number, readonly Hash[] | Error>();
      for (const first of sizes)
        fetched.set(
          first,
          await get(`proofs/consistency?first=${first}&second=${size}`).then(
            async (answer) => ((await answer.json()) as { proof: string[] }).proof.map((hash) => fromBase64(hash)),
            (error: unknown) => error as Error,
          ),
        );
      return (first) => {
        const proof = fetched.get(first);
        if (proof === undefined || 'message' in proof) throw proof ?? new Error('it was not asked for');
        return proof;
      };
    },
  };
}

/** A folder of notes, a file or an address with one or several, or the topic of HONNIN_AUDIT_COPY_KAFKA_*. */
async function copiesIn(place: string): Promise<KeptCopy[]> {
  if (place === 'kafka') return copiesOnTopic();
  if (/^https?:\/\//.test(place)) return copiesAt(place);
  if (!existsSync(place)) throw new UsageError(`there is no file or folder ${place}`);
  const files = statSync(place).isDirectory()
    ? readdirSync(place)
        .filter((name) => !name.startsWith('.') && !name.endsWith('.tmp'))
        .map((name) => join(place, name))
    : [place];
  return files
    .filter((file) => statSync(file).isFile())
    .flatMap((file) => notesInText(readFileSync(file, 'utf8')).map((note) => ({ note, where: file })));
}

async function copiesAt(url: string): Promise<KeptCopy[]> {
  const response = await fetch(url, { signal: AbortSignal.timeout(60_000) });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  if (Number(response.headers.get('content-length') ?? 0) > ANSWER_BYTES_MAX)
    throw new Error(`${url} answers with more than ${ANSWER_BYTES_MAX} bytes`);
  return notesInText(await response.text()).map((note, index) => ({ note, where: `${url}#${index + 1}` }));
}

async function copiesOnTopic(): Promise<KeptCopy[]> {
  const topic = checkpointTopic(Config.from(process.env));
  if (topic === null)
    throw new UsageError(
      '--copies kafka needs HONNIN_AUDIT_COPY_KAFKA_BROKERS, with the rights of whoever reads the topic',
    );
  const copies: KeptCopy[] = [];
  await topic.read((copy) => void copies.push(copy));
  return copies;
}
