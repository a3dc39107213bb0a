import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { registrants } from '../../application/aggregates.js';
import { DecideAndAppend } from '../../application/commands/decide-and-append.js';
import { CurrentPolicy } from '../../application/current-policy.js';
import { derivedId } from '../../application/ids.js';
import type { Clock } from '../../application/ports/clock.js';
import { keysThatFollow } from '../../domain/audit/key-succession.js';
import { judgeNote } from '../../domain/audit/signed-note.js';
import { checkpointIn } from '../../domain/audit/verify-bundle.js';
import { tombstoneOf } from '../../domain/registrant/registrant.js';
import type { RegistrantEvent } from '../../domain/registrant/registrant.events.js';
import { isSignedEd25519, sha256 } from '../audit/digest.js';
import { syncFolderNow, writeWholeNow } from '../audit/durable-file.js';
import { LogHead } from '../audit/log-head.js';
import { LogKeys } from '../audit/log-keys.js';
import { TileLog } from '../audit/tile-log.js';
import type { Config } from '../config.js';
import { EVENTS_FILE } from '../event-store/open-event-store.js';
import { SqliteEventStore } from '../event-store/sqlite-event-store.js';
import { RESTORE_MARK } from '../installation/foundation.js';
import { keyPaths } from '../installation/installation.js';
import { READ_MODEL_FILE } from '../read-model/read-model-database.js';
import { sealedFolderOf } from '../vault/encrypted-image-vault.js';
import { ErasedFile, hashOfOwner, readErasures, type NotedErasures } from '../vault/erased-file.js';
import { KeyRing } from '../vault/key-ring.js';
import { BackupError, filesOf, isInside, KEYS, readManifest, type BackupManifest } from './backup-folder.js';
import { checkBackup } from './check-backup.js';
import { ownersOf } from './copy-sealed.js';

type Rule = Extract<RegistrantEvent, { type: 'RegistrantErased' }>['data']['rule'];
const RULES: readonly string[] = [
  'consent_withdrawn',
  'retention_limit',
  'request_of_the_person',
] satisfies readonly Rule[];
const ACTOR = 'system:restore';

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
  /** The newest checkpoint that is known of this log, where it is beyond the events of the backup; null: none is known.
   *  */
  readonly signedBeyond: { readonly size: number; readonly note: string } | null;
}

export interface Restored {
  readonly judged: Judged;
  /** People whose erasure the copy did not know of. */
  readonly erasedAgain: number;
  /** Cases of theirs whose material was taken. */
  readonly cases: number;
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
          `${signedBeyond.size - manifest.events} are lost`
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
  const restore = new Restore(places, config, clock);
  restore.copyFiles(judged.manifest);
  const keysLeftOut = restore.leaveOutUnknown();
  const erased = await restore.eraseAgain();
  if (judged.signedBeyond) LogHead.beside(join(data, 'audit')).keep(judged.signedBeyond.note);
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
  const keys = keysThatFollow(signer.keys().slice(0, 1), signer.successions(), {
    hash: sha256,
    isSigned: isSignedEd25519,
  });
  const own = new TileLog(join(target, 'audit')).checkpoint();
  const signed = copies.flatMap((note) => {
    const read = checkpointIn(note);
    const isOurs =
      read !== null &&
      judgeNote(read.note, keys, isSignedEd25519).verdict === 'signed' &&
      read.checkpoint.origin === keys[0]?.name;
    return isOurs ? [{ size: read.checkpoint.size, note }] : [];
  });
  return [...signed, ...(own ? [own] : [])].toSorted((a, b) => b.size - a.size)[0] ?? null;
}

class Restore {
  private readonly ringFile: string;
  private readonly sealed: string;
  private readonly eventsFile: string;

  constructor(
    private readonly places: RestorePlaces,
    private readonly config: Config,
    private readonly clock: Clock,
  ) {
    this.ringFile = config.inData('vault', 'keys.db');
    this.sealed = config.inData('vault', 'sealed');
    this.eventsFile = config.inData(EVENTS_FILE);
  }

  copyFiles({ hasReadModel }: BackupManifest): void {
    const { target, keys } = this.places;
    const names = [EVENTS_FILE, ...(hasReadModel ? [READ_MODEL_FILE] : []), 'audit', 'audit.head', 'vault'];
    for (const name of names)
      if (existsSync(join(target, name))) cpSync(join(target, name), this.config.inData(name), { recursive: true });
    mkdirSync(this.sealed, { recursive: true, mode: 0o700 });
    cpSync(join(keys, KEYS.ring), this.ringFile);
    cpSync(join(keys, KEYS.log), this.config.inData('keys', 'audit'), { recursive: true });
    const { masterKey, serverSecret } = keyPaths(this.config);
    // A key that a setting names is where its administrator keeps it.
    if (masterKey.isOwn) cpSync(join(keys, KEYS.master), masterKey.file);
    if (serverSecret.isOwn) cpSync(join(keys, KEYS.server), serverSecret.file);
    if (this.config.values.erasedFile === null && existsSync(join(keys, KEYS.erased)))
      cpSync(join(keys, KEYS.erased), this.config.erasedFile);
  }

  /** Keys are newer than the copy where a later backup has replaced them: of people and cases that it does not know.
   *  Their names stay free. */
  leaveOutUnknown(): number {
    const events = new DatabaseSync(this.eventsFile, { readOnly: true });
    const ring = new KeyRing(this.ringFile, this.masterKey());
    try {
      const find = events.prepare('SELECT 1 FROM streams WHERE name IN (?, ?)');
      // A person is known by a stream, or by the verdict on a certificate alone.
      const verdicts = events.prepare(
        "SELECT DISTINCT json_extract(data, '$.subjectKey') AS key FROM events WHERE type = 'CertificateVerified'",
      );
      const verified = new Set((verdicts.all() as { key: string }[]).map(({ key }) => key));
      const isKnown = (owner: string) => {
        const id = owner.slice(owner.indexOf(':') + 1);
        const names = owner.startsWith('registrant:')
          ? ([`registrant-${id}`, id] as const)
          : ([`registration-${id}`, `claim-${id}`] as const);
        return verified.has(id) || find.get(...names) !== undefined;
      };
      const unknown = [...ownersOf((after, limit) => ring.allOwnersAfter(after, limit))].filter(
        (owner) => !isKnown(owner),
      );
      ring.together(() => unknown.forEach((owner) => ring.destroy(owner, { forever: false })));
      return unknown.length;
    } finally {
      events.close();
      ring.close();
    }
  }

  /** What was erased after the copy was made: the log is told, so that the erasure is in it as any other, and the files
   *  go now. The key of a person goes at the start, when the signed log holds the erasure under the token that the
   *  person has in it. */
  async eraseAgain(): Promise<Pick<Restored, 'erasedAgain' | 'cases'>> {
    const noted = this.noted();
    const ring = new KeyRing(this.ringFile, this.masterKey());
    const store = SqliteEventStore.open({ file: this.eventsFile });
    try {
      const byHash = new Map<string, string>();
      for (const owner of ownersOf((after, limit) => ring.allOwnersAfter(after, limit)))
        byHash.set(hashOfOwner(owner), owner);
      for (const name of this.registrantStreams()) byHash.set(hashOfOwner(`registrant:${name}`), `registrant:${name}`);
      let erasedAgain = 0;
      for (const { ownerHash, eventId, rule, atUtc } of noted.registrants) {
        const owner = byHash.get(ownerHash);
        if (owner === undefined || !RULES.includes(rule)) continue;
        if (await this.tellErasure(store, owner.slice('registrant:'.length), { eventId, rule: rule as Rule, atUtc }))
          erasedAgain += 1;
        else continue;
        rmSync(join(this.sealed, sealedFolderOf(owner)), { recursive: true, force: true });
      }
      const cases = [...noted.cases].flatMap((hash) => byHash.get(hash) ?? []);
      for (const owner of cases) {
        ring.destroy(owner, { forever: true });
        rmSync(join(this.sealed, sealedFolderOf(owner)), { recursive: true, force: true });
      }
      return { erasedAgain, cases: cases.length };
    } finally {
      await store.close();
      ring.close();
    }
  }

  /** @returns false where the log knows of it: what is left to do is done at the start */
  private async tellErasure(
    store: SqliteEventStore,
    key: string,
    { eventId, rule, atUtc }: { readonly eventId: string; readonly rule: Rule; readonly atUtc: string },
  ): Promise<boolean> {
    const known = await store.readStream(`registrant-${key}`, {});
    if (known.some(({ id }) => id === eventId)) return false;
    const commandId = derivedId('erase-again', eventId);
    const context = { commandId, actor: ACTOR, correlationId: commandId, causationId: eventId, policyVersion: null };
    const aggregates = new DecideAndAppend(store, this.clock);
    // Its days began with the erasure. The card is forgotten at the start, with the key.
    const { values } = await new CurrentPolicy(aggregates).get();
    const tombstone = tombstoneOf(values.erasedBeforeDays, atUtc);
    const done = await aggregates.execute(
      registrants,
      key,
      { type: 'EraseRegistrant', rule, by: ACTOR, tombstone },
      context,
    );
    return done.outcome === 'decided' && done.events > 0 && !done.repeated;
  }

  private registrantStreams(): string[] {
    const events = new DatabaseSync(this.eventsFile, { readOnly: true });
    try {
      const rows = events.prepare("SELECT name FROM streams WHERE name LIKE 'registrant-%'").all() as {
        name: string;
      }[];
      return rows.map(({ name }) => name.slice('registrant-'.length));
    } finally {
      events.close();
    }
  }

  private noted(): NotedErasures {
    const own = this.config.values.erasedFile === null ? [] : [this.config.erasedFile];
    const files = [join(this.places.keys, KEYS.erased), ...own, ...this.places.erased];
    return readErasures(files.flatMap((file) => ErasedFile.read(file).lines).join('\n'));
  }

  private masterKey(): Uint8Array {
    return new Uint8Array(readFileSync(join(this.places.keys, KEYS.master)));
  }
}
