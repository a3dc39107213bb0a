import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { AskedMoment } from '../../application/audit/moments.js';
import { parseCheckpoint } from '../../domain/audit/log/checkpoint.js';
import { parseWitnessKey, type Witnessed, type WitnessPolicy } from '../../domain/audit/log/cosignature.js';
import { notesInText } from '../../domain/audit/copies/compare-copies.js';
import { FILTERS_OF, type ListFilter } from '../../domain/audit/lists/list-certificate.js';
import { LISTS, REQUEST_STAGES, type ListName } from '../../domain/audit/lists/list-drawer.js';
import { NoteFormatError, parseVerifierKey, type VerifierKey } from '../../domain/audit/log/signed-note.js';
import { isInstant } from '../../domain/values/instant.js';
import { printable, printableJson } from '../../domain/values/printable.js';
import { sha256 } from '../../infrastructure/audit/digest.js';
import { UsageError } from '../command.js';

export const TEXT = { type: 'string' } as const;
export const MANY = { type: 'string', multiple: true } as const;
export const FLAG = { type: 'boolean', default: false } as const;

/** Writes one line. What strangers wrote into it moves no cursor, hides nothing and begins no other line. */
export const say = (line = ''): void => void process.stdout.write(`${printable(line)}\n`);
export const complain = (line: string): void => void process.stderr.write(`${printable(line)}\n`);
/** Writes a value as JSON for programs, which a terminal may show too. */
export const sayJson = (value: unknown): void =>
  void process.stdout.write(`${printableJson(JSON.stringify(value, null, 2))}\n`);

/** `--at INSTANT`, `--position N` (also `--index N`), or neither. @throws {UsageError} */
export function momentOf({
  at,
  position,
  index,
}: {
  readonly at?: string | undefined;
  readonly position?: string | undefined;
  readonly index?: string | undefined;
}): AskedMoment {
  const place = position ?? index;
  if (at !== undefined && place !== undefined) throw new UsageError('give --at or --position, not both');
  if (at === undefined) return place === undefined ? 'now' : { position: wholeNumber(place, 'position') };
  if (!isInstant(at)) throw new UsageError(`--at ${at}: an instant is written as 2026-11-23T08:15:30.000Z`);
  return { atUtc: at };
}

/** A moment in one option: digits are a position, anything else an instant. @throws {UsageError} */
export function eitherMomentOf(value: string | undefined, name: string): AskedMoment {
  const text = needed(value, name);
  if (/^-?\d+$/.test(text)) return { position: wholeNumber(text, name) };
  if (!isInstant(text))
    throw new UsageError(`--${name} ${text}: a position in the log, or an instant like 2026-11-23T08:15:30.000Z`);
  return { atUtc: text };
}

export function listOf(name: string): ListName {
  const found = LISTS.find((list) => list === name);
  if (!found) throw new UsageError(`there is no list ${name}; there are ${LISTS.join(', ')}`);
  return found;
}

/** What `--booth`, `--stage`, `--resolved` and `--of` restrict a list to. @throws {UsageError} for one that the list
 * does not know */
export function filterOf(
  list: ListName,
  {
    booth,
    stage,
    resolved,
    of,
    from,
    to,
  }: {
    readonly booth?: string | undefined;
    readonly stage?: string | undefined;
    readonly resolved?: boolean | undefined;
    readonly of?: string | undefined;
    readonly from?: string | undefined;
    readonly to?: string | undefined;
  },
): ListFilter {
  if (stage !== undefined && !REQUEST_STAGES.includes(stage))
    throw new UsageError(`there is no stage ${stage}; there are ${REQUEST_STAGES.join(', ')}`);
  const filter: ListFilter = {
    ...(booth === undefined ? {} : { boothId: booth }),
    ...(stage === undefined ? {} : { stage }),
    ...(resolved ? { include: 'resolved' as const } : {}),
    ...(of === undefined ? {} : { requestId: of }),
    ...(from === undefined ? {} : { from: boundOf(from, 'from') }),
    ...(to === undefined ? {} : { to: boundOf(to, 'to') }),
  };
  const options = {
    boothId: '--booth',
    stage: '--stage',
    include: '--resolved',
    requestId: '--of',
    from: '--from',
    to: '--to',
  } as const;
  for (const name of Object.keys(filter) as (keyof ListFilter)[])
    if (!FILTERS_OF[list].includes(name)) throw new UsageError(`the list ${list} has no ${options[name]}`);
  return filter;
}

function boundOf(text: string, name: string): string {
  if (isInstant(text)) return text;
  throw new UsageError(`--${name} ${text}: an instant is written as 2026-11-23T08:15:30.000Z`);
}

export function wholeNumber(text: string | undefined, name: string): number {
  if (text === undefined || !/^\d{1,15}$/.test(text)) throw new UsageError(`--${name} must be a whole number from 0`);
  return Number(text);
}

export function needed(value: string | undefined, name: string): string {
  if (value === undefined) throw new UsageError(`--${name} is needed`);
  return value;
}

/** Notes of a file, or of every file of a folder of copies; a file has one or several. @throws {UsageError} naming a
 * file that has none */
export function notesIn(path: string): string[] {
  if (!existsSync(path)) throw new UsageError(`there is no file ${path}`);
  const files = statSync(path).isDirectory()
    ? readdirSync(path)
        .filter((name) => !name.startsWith('.'))
        .map((name) => join(path, name))
    : [path];
  return files.flatMap((file) => {
    const text = readFileSync(file, 'utf8');
    const notes = notesInText(text);
    if (notes.length === 0 || !notes.every(isNote))
      throw new UsageError(`${file} is no checkpoint: it should hold signed notes as the log gives them out`);
    return notes;
  });
}

function isNote(text: string): boolean {
  try {
    parseCheckpoint(text);
    return true;
  } catch (error) {
    if (error instanceof NoteFormatError) return false;
    throw error;
  }
}

/** `--witness KEY|FILE` (repeatable) and `--witnesses-needed N`; without a number all of them. @throws {UsageError} */
export function witnessesOf({
  witness,
  needed,
}: {
  readonly witness: readonly string[] | undefined;
  readonly needed: string | undefined;
}): WitnessPolicy | null {
  if (witness === undefined && needed === undefined) return null;
  const keys = (witness ?? []).map((key) => {
    try {
      return parseWitnessKey(existsSync(key) ? readFileSync(key, 'utf8') : key, sha256);
    } catch (error) {
      if (error instanceof NoteFormatError) throw new UsageError(`--witness ${key}: ${error.message}`);
      throw error;
    }
  });
  const count = needed === undefined ? keys.length : wholeNumber(needed, 'witnesses-needed');
  if (count < 1 || count > keys.length)
    throw new UsageError(`--witnesses-needed must be 1 to ${keys.length}: so many witnesses are named with --witness`);
  return { keys, needed: count };
}

/** What witnesses say, in a line. */
export function witnessedLine({ isEnough, size, by, atUtc, needed, of }: Witnessed): string {
  const who =
    size === null
      ? 'none of your witnesses has cosigned anything'
      : `the first ${size} entries are cosigned by ${by.join(', ')}, since ${atUtc}`;
  return `witnesses  ${who}${isEnough ? '' : `: ${needed} of ${of} are needed`}`;
}

/** Keys as texts or files. @throws {UsageError} for what is no key */
export function keysOf(keys: readonly string[] | undefined): VerifierKey[] {
  return (keys ?? []).map((key) => {
    try {
      return parseVerifierKey(existsSync(key) ? readFileSync(key, 'utf8') : key, sha256);
    } catch (error) {
      if (error instanceof NoteFormatError) throw new UsageError(`--key ${key}: ${error.message}`);
      throw error;
    }
  });
}
