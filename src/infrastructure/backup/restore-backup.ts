import { cpSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../application/ports/store/clock.js';
import { keysThatFollow } from '../../domain/audit/log/key-succession.js';
import { judgeNote } from '../../domain/audit/log/signed-note.js';
import { checkpointIn } from '../../domain/audit/bundle/verify-bundle.js';
import { isSignedEd25519, sha256 } from '../audit/digest.js';
import { syncFolderNow, writeWholeNow } from '../audit/durable-file.js';
import { LogHead } from '../audit/log/log-head.js';
import { LogKeys } from '../audit/log-keys.js';
import { LOSS_MARK } from '../audit/fsck/lost-events.js';
import { TileLog } from '../audit/log/tile-log.js';
import type { Config } from '../settings/config.js';
import { EVENTS_FILE } from '../event-store/open-event-store.js';
import { RESTORE_MARK } from '../installation/foundation.js';
import { keyPaths } from '../installation/installation.js';
import { READ_MODEL_FILE } from '../read-model/read-model-database.js';
import { BackupError, filesOf, isInside, KEYS, readManifest, type BackupManifest } from './backup-folder.js';
import { checkBackup } from './check-backup.js';
import { erasuresIn, OlderCopy, type ErasedAgain } from './older-copy.js';

export interface RestorePlaces {
  readonly target: string;
  readonly keys: string;
  /** Files that tell of erasures, beside the one among the keys. */
  readonly erased: readonly string[];
  /** Checkpoints that others kept. */
  readonly copies: readonly string[];
}

export interface Judged {
  readonly manifest: BackupManifest;
  readonly found: readonly string[];
  readonly problems: readonly string[];
  /** The newest checkpoint that is known of this log, where it is beyond the events of the backup; null: none is. */
  readonly signedBeyond: { readonly size: number; readonly note: string } | null;
}

export interface Restored extends ErasedAgain {
  readonly judged: Judged;
  /** Keys of people and cases that the copy does not know. */
  readonly keysLeftOut: number;
}

/** Judges a backup and what is known beside it. Changes nothing. @throws {BackupError} where it is none */
export async function judgeBackup({ target, keys, copies }: RestorePlaces): Promise<Judged> {
  const manifest = readManifest(target);
  if (!existsSync(keys)) throw new BackupError(`there is no folder ${keys}: a backup without its keys opens nothing`);
  const { found, problems } = await checkBackup({ target, keys, manifest, withDigests: true });
  if (problems.length > 0) return { manifest, found, problems, signedBeyond: null };
  const newest = newestOf(target, copies);
  const signedBeyond = newest && newest.size > manifest.events ? newest : null;
  const told =
    copies.length === 0
      ? 'no copies of checkpoints were given (--copies): nobody knows whether the log had signed more than the ' +
        'backup holds'
      : signedBeyond
        ? `the log had signed ${signedBeyond.size} entries, and the backup holds ${manifest.events}: ` +
          `${signedBeyond.size - manifest.events} are lost: it will ` +
          "not be served until they are restored, or two administrators accept the loss ('./honnin recover')"
        : 'the copies of checkpoints tell of nothing that the backup does not hold';
  return { manifest, found: [...found, told], problems, signedBeyond };
}

/** Puts an installation into an empty data folder, from a backup that holds together. What was erased after the backup
 *  was made is erased in it before anything is started.
 *  @throws {BackupError} in words; then the folder is as it was, or says that it is unfinished */
export async function restoreBackup(places: RestorePlaces, config: Config, clock: Clock): Promise<Restored> {
  const data = config.inData();
  assertEmpty(places, data);
  const judged = await judgeBackup(places);
  if (judged.problems.length > 0)
    throw new BackupError(['this backup cannot be restored:', ...judged.problems.map((one) => `  ${one}`)].join('\n'));
  process.umask(0o077);
  mkdirSync(data, { recursive: true, mode: 0o700 });
  writeWholeNow(join(data, RESTORE_MARK), `${clock.nowUtc()}\n`);
  copyFiles(places, config, judged.manifest);
  const copy = new OlderCopy(config, clock);
  const keysLeftOut = copy.leaveOutUnknown();
  const own = config.values.erasedFile === null ? [] : [config.erasedFile];
  const erased = await copy.eraseAgain(erasuresIn([join(places.keys, KEYS.erased), ...own, ...places.erased]));
  if (judged.signedBeyond) {
    LogHead.beside(join(data, 'audit')).keep(judged.signedBeyond.note);
    writeWholeNow(join(data, LOSS_MARK), `${clock.nowUtc()}\n`);
  }
  await syncAll(data);
  rmSync(join(data, RESTORE_MARK));
  syncFolderNow(data);
  return { judged, keysLeftOut, ...erased };
}

/** A power cut must not leave a data folder that calls itself whole. */
async function syncAll(data: string): Promise<void> {
  for (const name of await filesOf(data)) {
    const file = await open(join(data, name), 'r');
    try {
      await file.sync();
    } finally {
      await file.close();
    }
  }
}

function assertEmpty({ target, keys }: RestorePlaces, data: string): void {
  if (existsSync(data) && readdirSync(data).length > 0) {
    throw new BackupError(
      `${data} is not empty: a backup is restored into an empty data folder. Move away what is there; do not throw ` +
        `it away, it may know of what the backup does not`,
    );
  }
  if (isInside(data, target) || isInside(data, keys))
    throw new BackupError(`the data folder ${data} must not lie within the backup or the keys`);
}

/** Of the checkpoints that the log's own keys have signed, the one with most entries. */
function newestOf(target: string, copies: readonly string[]): Judged['signedBeyond'] {
  const signer = LogKeys.published(join(target, 'audit'));
  const keys = keysThatFollow(signer.keys().slice(0, 1), [...signer.successions(), ...signer.losses()], {
    hash: sha256,
    isSigned: isSignedEd25519,
  });
  const own = new TileLog(join(target, 'audit')).checkpoint();
  const origin = signer.keys().at(-1)?.name;
  const signed = copies.flatMap((note) => {
    const read = checkpointIn(note);
    const isOurs =
      read !== null &&
      judgeNote(read.note, keys, isSignedEd25519).verdict === 'signed' &&
      read.checkpoint.origin === origin;
    return isOurs ? [{ size: read.checkpoint.size, note }] : [];
  });
  return [...signed, ...(own ? [own] : [])].toSorted((a, b) => b.size - a.size)[0] ?? null;
}

/** Copies what is in both folders to its places. */
function copyFiles({ target, keys }: RestorePlaces, config: Config, { hasReadModel }: BackupManifest): void {
  const names = [EVENTS_FILE, ...(hasReadModel ? [READ_MODEL_FILE] : []), 'audit', 'audit.head', 'vault'];
  for (const name of names)
    if (existsSync(join(target, name))) cpSync(join(target, name), config.inData(name), { recursive: true });
  mkdirSync(config.inData('vault', 'sealed'), { recursive: true, mode: 0o700 });
  cpSync(join(keys, KEYS.ring), config.inData('vault', 'keys.db'));
  cpSync(join(keys, KEYS.log), config.inData('keys', 'audit'), { recursive: true });
  const { masterKey, serverSecret } = keyPaths(config);
  // A key that a setting names is where its administrator keeps it.
  if (masterKey.isOwn) cpSync(join(keys, KEYS.master), masterKey.file);
  if (serverSecret.isOwn) cpSync(join(keys, KEYS.server), serverSecret.file);
  if (config.values.erasedFile === null && existsSync(join(keys, KEYS.erased)))
    cpSync(join(keys, KEYS.erased), config.erasedFile);
}
