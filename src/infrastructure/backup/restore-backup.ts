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
import type { StoredEvent } from '../../domain/event-envelope.js';
import type { EventStore } from '../../application/ports/store/event-store.js';
import { isElsewhere } from '../event-store/log-file/copy-log.js';
import { assertBeginningOf, moveLog, OtherLogError } from '../event-store/log-file/move-log.js';
import { EVENTS_FILE, openEventStore } from '../event-store/open-event-store.js';
import { writePositions } from './copy-signed-log.js';
import { RESTORE_MARK } from '../installation/foundation.js';
import { keyPaths } from '../installation/installation.js';
import { READ_MODEL_FILE } from '../read-model/read-model-database.js';
import { BackupError, filesOf, isInside, KEYS, readManifest, type BackupManifest } from './backup-folder.js';
import { checkBackup } from './check-backup.js';
import { embeddedLog, erasuresIn, OlderCopy, RESTORE_ACTOR, type ErasedAgain } from './older-copy.js';

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
  removeInterrupted(data);
  assertEmpty(places, data);
  const judged = await judgeBackup(places);
  if (judged.problems.length > 0)
    throw new BackupError(['this backup cannot be restored:', ...judged.problems.map((one) => `  ${one}`)].join('\n'));
  if (isElsewhere(config)) await assertStoreFits(config, join(places.target, EVENTS_FILE));
  process.umask(0o077);
  mkdirSync(data, { recursive: true, mode: 0o700 });
  writeWholeNow(join(data, RESTORE_MARK), `${clock.nowUtc()}\n`);
  copyFiles(places, config, judged.manifest);
  const copy = new OlderCopy(config, clock, embeddedLog(config));
  const keysLeftOut = copy.leaveOutUnknown();
  const own = config.values.erasedFile === null ? [] : [config.erasedFile];
  const erased = await copy.eraseAgain(erasuresIn([join(places.keys, KEYS.erased), ...own, ...places.erased]));
  if (judged.signedBeyond) {
    LogHead.beside(join(data, 'audit')).keep(judged.signedBeyond.note);
    writeWholeNow(join(data, LOSS_MARK), `${clock.nowUtc()}\n`);
  }
  if (isElsewhere(config)) await moveEvents(config);
  await syncAll(data);
  rmSync(join(data, RESTORE_MARK));
  syncFolderNow(data);
  return { judged, keysLeftOut, ...erased };
}

/** A store that holds something else is somebody's: nothing may be written over it. */
async function assertStoreFits(config: Config, file: string): Promise<void> {
  const isOfRestore = ({ metadata }: StoredEvent) => metadata.actor === RESTORE_ACTOR;
  await withStore(config, (store) => assertBeginningOf(file, store, isOfRestore));
}

/** Writes the events, as they are in the data folder by now, into the store elsewhere, where a writing that was cut
 *  short goes on; the signed log then knows where they are. */
async function moveEvents(config: Config): Promise<void> {
  const file = config.inData(EVENTS_FILE);
  const positions = await withStore(config, (store) => moveLog(file, store));
  const size = new TileLog(config.inData('audit')).checkpoint()?.size ?? 0;
  if (size > 0) writePositions(config.inData('audit'), positions.slice(0, size));
  for (const end of ['', '-wal', '-shm', '.lock']) rmSync(`${file}${end}`, { force: true });
}

async function withStore<T>(config: Config, work: (store: EventStore) => Promise<T>): Promise<T> {
  const store = await openEventStore(config.values.eventStore, config.inData());
  try {
    return await work(store);
  } catch (error) {
    if (!(error instanceof OtherLogError)) throw error;
    throw new BackupError(
      `${error.message}: a backup is restored into an empty store, or into one that holds the beginning of it`,
    );
  } finally {
    await store.close();
  }
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

/** What an interrupted restore left. It began in an empty folder, and nothing starts in one that bears its mark. */
function removeInterrupted(data: string): void {
  if (!existsSync(data)) return;
  const names = readdirSync(data);
  if (!names.some((name) => name.startsWith(RESTORE_MARK))) return;
  // The mark goes last: while anything is left of it, it is a restore that was interrupted.
  for (const name of names.filter((each) => !each.startsWith(RESTORE_MARK)))
    rmSync(join(data, name), { recursive: true, force: true });
  for (const name of names) rmSync(join(data, name), { recursive: true, force: true });
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
  // Positions in the read models are those of the embedded log. Elsewhere they are built again.
  const names = [
    EVENTS_FILE,
    ...(hasReadModel && !isElsewhere(config) ? [READ_MODEL_FILE] : []),
    'audit',
    'audit.head',
    'vault',
  ];
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
