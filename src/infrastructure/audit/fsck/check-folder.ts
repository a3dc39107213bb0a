import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { readSuccession } from '../../../domain/audit/log/key-succession.js';
import { readLoss } from '../../../domain/audit/log/loss-declaration.js';
import { NoteFormatError, parseVerifierKey, verifierKeyText } from '../../../domain/audit/log/signed-note.js';
import {
  encodeEntries,
  parseTilePath,
  tilePath,
  tileWidth,
  TILE_WIDTH,
  type TileName,
} from '../../../domain/audit/log/tiles.js';
import { concatBytes } from '../../../domain/audit/log/bytes.js';
import { isSignedEd25519, sha256 } from '../digest.js';
import { AuditLogDamagedError, POSITION_BYTES, type TileLog } from '../log/tile-log.js';

export interface FolderProblem {
  /** `file_unknown`: nobody here writes such a file. `key_wrong`: the public keys and the notes between them.
   * `tile_differs`: an older, narrower tile that is still served is not the beginning of the present one. */
  readonly code: 'file_unknown' | 'key_wrong' | 'tile_differs';
  readonly detail: string;
}

/** Files that are written, by their path in the folder; what else checks each stands beside it. */
const OWNED: readonly RegExp[] = [
  /^checkpoint$/, // fsck: signature, root
  /^positions$/, // fsck, event by event: Positions
  /^checkpoints\/\d+(?:-\d+)?$/, // fsck: every note, in order
  /^keys\/[1-9]\d*\.(?:vkey|succession|loss)$/, // here
  /^timestamps\/\d+\.(?:tsr|checkpoint|\d+\.crl)$/, // check-timestamps
  /^cosigned$/, // check-folder: a state of this log
  /^outlets\/[\w.-]+\.json$/, // a memory of what was delivered: losing it delivers again
];
/** A file that was being written when the process died. */
const LEFT_OVER = /\.tmp$/;

/** Looks at every file of the audit folder: each has an owner and a check, also those that the present checkpoint does
 * not need any more and that are still served. @param size entries of the present checkpoint */
export function checkFolder(log: TileLog, size: number): FolderProblem[] {
  const problems: FolderProblem[] = [];
  const files = readdirSync(log.folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  for (const { parentPath, name } of files) {
    const path = join(parentPath, name)
      .slice(log.folder.length + 1)
      .replaceAll('\\', '/');
    const tile = parseTilePath(path);
    if (tile) problems.push(...tileProblem(log, size, tile));
    else if (!OWNED.some((form) => form.test(path)) && !LEFT_OVER.test(path))
      problems.push({ code: 'file_unknown', detail: `${path}: nobody writes such a file here; move it away` });
  }
  return [...problems, ...keyProblems(join(log.folder, 'keys'))];
}

/** Narrow tiles stay until nobody asks for them; a changed one would be handed out to whoever knows its address. */
function tileProblem(log: TileLog, size: number, tile: TileName): FolderProblem[] {
  // What a checkpoint does not cover yet is being written; what is as wide as the present tree is read with it.
  if (tile.width >= tileWidth(tile.level, tile.index, size)) return [];
  const path = tilePath(tile);
  const present = beginningOf(log, size, tile);
  if ('damage' in present)
    return [{ code: 'tile_differs', detail: `${path} is still served and cannot be compared: ${present.damage}` }];
  return present.bytes.equals(readFileSync(join(log.folder, path)))
    ? []
    : [{ code: 'tile_differs', detail: `${path} is still served and is not how the present tile begins` }];
}

/** The present tile may itself be damaged, which ends the comparison with it and nothing else. */
function beginningOf(
  log: TileLog,
  size: number,
  tile: TileName,
): { readonly bytes: Buffer } | { readonly damage: string } {
  try {
    return { bytes: beginning(log, size, tile) };
  } catch (error) {
    if (error instanceof AuditLogDamagedError) return { damage: error.message };
    throw error;
  }
}

function beginning(log: TileLog, size: number, { level, index, width }: TileName): Buffer {
  if (level === 'entries') return Buffer.from(encodeEntries(log.entries(index, size).slice(0, width)));
  const nodes = log.nodes(size);
  return Buffer.from(concatBytes(...Array.from({ length: width }, (_, k) => nodes(level * 8, index * TILE_WIDTH + k))));
}

/** Keys are numbered from 1, each written in one way, and each after the first is vouched for by the one before it. */
function keyProblems(folder: string): FolderProblem[] {
  const numbers = (existsSync(folder) ? readdirSync(folder) : [])
    .flatMap((name) => (/^\d+\.vkey$/.test(name) ? [Number.parseInt(name, 10)] : []))
    .toSorted((a, b) => a - b);
  const wrong = (detail: string): FolderProblem => ({ code: 'key_wrong', detail });
  const keys = new Map<number, string>();
  const problems: FolderProblem[] = [];
  numbers.forEach((number, i) => {
    if (number !== i + 1) problems.push(wrong(`keys/${i + 1}.vkey is missing: put it back from a copy`));
    const text = readFileSync(join(folder, `${number}.vkey`), 'utf8');
    const problem = keyProblem(text);
    if (problem === null) keys.set(number, text.trim());
    else problems.push(wrong(`keys/${number}.vkey: ${problem}`));
  });
  for (const number of numbers.slice(1)) {
    const read = noteOfKey(join(folder, `${number}.succession`)) ?? noteOfKey(join(folder, `${number}.loss`));
    const [from, to] = [keys.get(number - 1), keys.get(number)];
    const missing = `keys/${number}.succession (or .loss) is missing, or is not signed by both keys`;
    if (read === null) problems.push(wrong(missing));
    else if ((from !== undefined && read.from !== from) || (to !== undefined && read.to !== to))
      problems.push(wrong(`keys/${number}.succession speaks of other keys than ${number - 1}.vkey and ${number}.vkey`));
  }
  return problems;
}

function keyProblem(text: string): string | null {
  try {
    return `${verifierKeyText(parseVerifierKey(text, sha256))}\n` === text
      ? null
      : 'the key is not written as it should be';
  } catch (error) {
    if (error instanceof NoteFormatError) return error.message;
    throw error;
  }
}

/** The succession to a key, or the declaration of loss that begins its name. */
function noteOfKey(file: string): ReturnType<typeof readSuccession> {
  const check = { hash: sha256, isSigned: isSignedEd25519 };
  try {
    const text = readFileSync(file, 'utf8');
    const loss = readLoss(text, check);
    return loss ? { from: verifierKeyText(loss.from), to: verifierKeyText(loss.to) } : readSuccession(text, check);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Reads `positions` from its beginning on, in bounded memory. */
export class Positions {
  private readonly file: number;
  private buffer = Buffer.alloc(0);
  private at = 0;

  constructor(folder: string) {
    this.file = openSync(join(folder, 'positions'), 'r');
  }

  /** @returns where the event of the next entry is in the store; null at the end of the file */
  next(): bigint | null {
    if (this.at + POSITION_BYTES > this.buffer.length && !this.fill()) return null;
    const position = this.buffer.readBigUInt64BE(this.at);
    this.at += POSITION_BYTES;
    return position;
  }

  close(): void {
    closeSync(this.file);
  }

  private fill(): boolean {
    const chunk = Buffer.alloc(POSITION_BYTES * 8192);
    const length = readSync(this.file, chunk, 0, chunk.length, null);
    this.buffer = chunk.subarray(0, length - (length % POSITION_BYTES));
    this.at = 0;
    return this.buffer.length > 0;
  }
}
