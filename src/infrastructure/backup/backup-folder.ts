import { createHash } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, renameSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { syncFolderNow, writeWholeNow } from '../audit/durable-file.js';

/** What a backup says of itself. It is written last: a folder without it is no backup. */
export interface BackupManifest {
  readonly format: 1;
  readonly installationId: string;
  /** Name of the signed log. */
  readonly origin: string;
  /** The moment that all of it is of. */
  readonly takenAtUtc: string;
  /** Events, and the newest of them. */
  readonly events: number;
  readonly newestEventId: string;
  /** Entries of the signed log under its checkpoint. */
  readonly entries: number;
  /** Changes that the key ring had seen: the keys beside it must have seen as many. */
  readonly ringChanges: number;
  readonly hasReadModel: boolean;
  /** SHA-256 of the file `digests`. */
  readonly digestsSha256: string;
}

/** A backup cannot be made, or restored, in words for an operator. */
export class BackupError extends Error {}

/** Says when an unfinished backup was begun; becomes the manifest in one renaming. */
const UNFINISHED = 'unfinished';
const MANIFEST = 'manifest.json';
/** A line for each file, as `sha256sum --check` reads it. */
export const DIGESTS = 'digests';

/** Names inside the folder of the keys. */
export const KEYS = {
  ring: 'ring.db',
  master: 'master.key',
  server: 'server.secret',
  log: 'audit',
  erased: 'erased',
} as const;

/** Where a path leads, links followed as far as it exists. */
export function realPath(path: string): string {
  if (existsSync(path)) return realpathSync(path);
  return join(realPath(dirname(path)), path.slice(dirname(path).length));
}

export function isInside(path: string, folder: string): boolean {
  const between = relative(realPath(folder), realPath(path));
  return between === '' || (!between.startsWith(`..${sep}`) && between !== '..');
}

/** Who has one of the two must not have the other: keys beside the data that they open protect nothing.
 *  @throws {BackupError} */
export function assertApart({
  data,
  target,
  keys,
}: {
  readonly data: string;
  readonly target: string;
  readonly keys: string;
}): void {
  const rules: [boolean, string][] = [
    [
      isInside(keys, target),
      `the keys must not lie within the backup: ${keys} is in ${target}. Give them a folder on another disk, with ` +
        `other people's rights`,
    ],
    [isInside(target, keys), `the backup must not lie within the folder of the keys: ${target} is in ${keys}`],
    [isInside(target, data), `the backup must not lie within the data folder: ${target} is in ${data}`],
    [isInside(keys, data), `the keys must not lie within the data folder: ${keys} is in ${data}`],
    [isInside(data, target) || isInside(data, keys), `the data folder ${data} lies within the backup or its keys`],
  ];
  const problems = rules.filter(([isWrong]) => isWrong).map(([, problem]) => problem);
  if (problems.length > 0) throw new BackupError(problems.join('\n'));
}

/** Begins a backup in an empty folder. @throws {BackupError} where there is anything: a backup writes over nothing */
export function beginBackup(target: string, nowUtc: string): void {
  if (existsSync(target) && readdirSync(target).length > 0) {
    const what =
      unfinishedSince(target) === null
        ? 'is not empty'
        : `holds a backup that was begun at ${unfinishedSince(target)} and is not finished`;
    throw new BackupError(`${target} ${what}: a backup goes into a folder of its own. Name one that does not exist`);
  }
  mkdirSync(target, { recursive: true, mode: 0o700 });
  writeWholeNow(join(target, UNFINISHED), `${nowUtc}\n`);
  syncFolderNow(target);
}

/** When the unfinished backup in this folder was begun; null where there is none. */
export function unfinishedSince(target: string): string | null {
  const mark = join(target, UNFINISHED);
  return existsSync(mark) && !existsSync(join(target, MANIFEST)) ? readFileSync(mark, 'utf8').trim() : null;
}

/** From here on it is a backup. */
export function finishBackup(target: string, manifest: BackupManifest): void {
  writeWholeNow(join(target, UNFINISHED), `${JSON.stringify(manifest, null, 2)}\n`);
  renameSync(join(target, UNFINISHED), join(target, MANIFEST));
  syncFolderNow(target);
}

/** @throws {BackupError} in words, where it is none */
export function readManifest(target: string): BackupManifest {
  const since = unfinishedSince(target);
  if (since !== null) {
    throw new BackupError(
      `${target} is an unfinished backup, begun at ${since}: it was interrupted, or still runs. ` +
        'Nothing in it can be relied on; ' +
        'take another one',
    );
  }
  if (!existsSync(join(target, MANIFEST))) throw new BackupError(`${target} is no backup: there is no ${MANIFEST}`);
  let read: Partial<BackupManifest>;
  try {
    read = JSON.parse(readFileSync(join(target, MANIFEST), 'utf8')) as Partial<BackupManifest>;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new BackupError(`${join(target, MANIFEST)} is damaged: it is no JSON`);
  }
  if (read.format !== 1)
    throw new BackupError(`${target} is a backup of another format (${String(read.format)}); use a newer program`);
  const texts = [read.installationId, read.origin, read.takenAtUtc, read.newestEventId, read.digestsSha256];
  const numbers = [read.events, read.entries, read.ringChanges];
  const isWhole = texts.every((one) => typeof one === 'string') && numbers.every((one) => Number.isSafeInteger(one));
  if (!isWhole) throw new BackupError(`${join(target, MANIFEST)} is damaged: a part of it is missing`);
  return read as BackupManifest;
}

/** Every file of a backup but what tells of it, by its path inside. */
export async function filesOf(target: string): Promise<string[]> {
  const entries = await readdir(target, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(target, join(entry.parentPath, entry.name)));
  return files.filter((file) => file !== UNFINISHED && file !== MANIFEST && file !== DIGESTS).sort();
}

export async function digestOfFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** Writes the digest of every file. @returns that of the list */
export async function writeDigests(target: string): Promise<string> {
  const lines: string[] = [];
  for (const file of await filesOf(target)) lines.push(`${await digestOfFile(join(target, file))}  ${file}\n`);
  writeWholeNow(join(target, DIGESTS), lines.join(''));
  return digestOfFile(join(target, DIGESTS));
}

/** What is not as it was written: changed, gone, or put there afterwards. */
export async function changedFiles(target: string, { digestsSha256 }: BackupManifest): Promise<string[]> {
  const list = join(target, DIGESTS);
  if (!existsSync(list) || (await digestOfFile(list)) !== digestsSha256)
    return [`${list} is missing or was changed: nothing can be compared`];
  const noted = new Map<string, string>();
  for (const line of readFileSync(list, 'utf8').split('\n'))
    if (line !== '') noted.set(line.slice(66), line.slice(0, 64));
  const there = new Set(await filesOf(target));
  const problems = [...noted.keys()].filter((file) => !there.has(file)).map((file) => `${file} is missing`);
  for (const file of there) {
    const digest = noted.get(file);
    if (digest === undefined) problems.push(`${file} was not part of the backup when it was made`);
    else if (digest !== (await digestOfFile(join(target, file)))) problems.push(`${file} is not as it was written`);
  }
  return problems;
}
