import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync, backup } from 'node:sqlite';
import type { PublishedCheckpoint } from '../../application/ports/audit/audit-log.js';
import { syncFolderNow, writeWholeNow } from '../audit/durable-file.js';
import { TileLog } from '../audit/log/tile-log.js';
import type { Config } from '../settings/config.js';
import type { EventStore } from '../../application/ports/store/event-store.js';
import type { Position } from '../../domain/event-envelope.js';
import { copyLog, isElsewhere } from '../event-store/log-file/copy-log.js';
import { EVENTS_FILE, openEventStore } from '../event-store/open-event-store.js';
import { WriterLock } from '../event-store/sqlite/writer-lock.js';
import { keyPaths } from '../installation/installation.js';
import { makePrivate } from '../data-folder/private-folder.js';
import { READ_MODEL_FILE } from '../read-model/read-model-database.js';
import { sealedFileOf, sealedFolderOf } from '../vault/encrypted-image-vault.js';
import { ErasedFile, readErasures } from '../vault/erased-file.js';
import { KeyRing } from '../vault/key-ring.js';
import {
  assertApart,
  BackupError,
  beginBackup,
  finishBackup,
  isInside,
  KEYS,
  writeDigests,
  type BackupManifest,
} from './backup-folder.js';
import { checkBackup, claimIn } from './check-backup.js';
import { copySealed, ownersOf, removeStages, stageCases, type OwnersAfter } from './copy-sealed.js';
import { copySignedLog, writePositions } from './copy-signed-log.js';

export interface BackupPlaces {
  readonly config: Config;
  /** Folder of the backup: not there yet, or empty. */
  readonly target: string;
  /** Folder of the keys: one for all backups of an installation, in which the newest keys replace the older ones. */
  readonly keys: string;
}

export interface MadeBackup {
  readonly manifest: BackupManifest;
  readonly sealedFiles: number;
  readonly erasures: number;
}

/** Copies an installation as it is at one moment, while it serves: events, read models, vault and signed log into one
 *  folder, all keys into another, and checks what was written. The keys of people lie with the keys, and the newest
 *  replace the older ones: who was erased is readable in no backup any more once the next one is taken.
 *  @param nowUtc when it is begun
 *  @throws {BackupError} in words; of a backup that fails nothing stays */
export async function makeBackup(places: BackupPlaces, nowUtc: string): Promise<MadeBackup> {
  const { config, target, keys } = places;
  const data = config.inData();
  assertApart({ data, target, keys });
  if (!isElsewhere(config) && !existsSync(config.inData(EVENTS_FILE)))
    throw new BackupError(`there is no event log in ${data}; set HONNIN_DATA, or give --data FOLDER`);
  const lock = WriterLock.acquire(
    config.inData('backup'),
    'another backup of this data folder is being made',
    'one after the other',
  );
  try {
    beginBackup(target, nowUtc);
    try {
      return await new Backup(places, nowUtc).run();
    } catch (error) {
      // A full disk must leave nothing that could be taken for a backup, nor stay full.
      rmSync(target, { recursive: true, force: true });
      rmSync(join(keys, `${KEYS.ring}.partial`), { force: true });
      throw error;
    }
  } finally {
    removeStages(config.inData('vault'));
    lock.release();
  }
}

class Backup {
  private readonly data: string;
  private readonly isElsewhere: boolean;

  constructor(
    private readonly places: BackupPlaces,
    private readonly nowUtc: string,
  ) {
    this.data = places.config.inData();
    this.isElsewhere = isElsewhere(places.config);
  }

  async run(): Promise<MadeBackup> {
    const { target, keys } = this.places;
    process.umask(0o077);
    mkdirSync(keys, { recursive: true, mode: 0o700 });
    makePrivate(keys);
    this.assertSameInstallation();
    removeStages(join(this.data, 'vault'));
    // The many first, so that little is left to be copied after the moment that all of it is of.
    let sealedFiles = await this.copyPeople(join(this.data, 'vault', 'keys.db'));
    // Its positions are those of the store elsewhere, and mean nothing in a copy of the events.
    const hasReadModel = !this.isElsewhere && existsSync(join(this.data, READ_MODEL_FILE));
    // Before the events: a position must never be ahead of the log.
    if (hasReadModel) await this.copyDatabase(READ_MODEL_FILE);
    const moment = await this.moment();
    copySignedLog(join(this.data, 'audit'), join(target, 'audit'), moment.checkpoint);
    if (this.isElsewhere && moment.checkpoint)
      writePositions(
        join(target, 'audit'),
        Array.from({ length: moment.checkpoint.size }, (_, index) => BigInt(index + 1)),
      );
    sealedFiles += await copySealed(moment.stage, join(target, 'vault', 'sealed'), moment.cases);
    sealedFiles += await this.copyPeople(moment.ring);
    this.removeWithdrawn();
    this.copyKeys();
    const erasures = this.copyErasures();
    const manifest = await this.manifest(moment, hasReadModel);
    const report = await checkBackup({ target, keys, ring: moment.ring, manifest, withDigests: false });
    if (report.problems.length > 0)
      throw new BackupError(
        ['the copy does not hold together:', ...report.problems.map((one) => `  ${one}`)].join('\n'),
      );
    renameSync(moment.ring, join(keys, KEYS.ring));
    syncFolderNow(keys);
    finishBackup(target, manifest);
    return { manifest, sealedFiles, erasures };
  }

  /** Keys of another installation must not be written over. */
  private assertSameInstallation(): void {
    const [there, own] = [
      KeyRing.stateOf(join(this.places.keys, KEYS.ring)),
      KeyRing.stateOf(join(this.data, 'vault', 'keys.db')),
    ];
    if (!own?.mark?.isClaimed) throw new BackupError(`${this.data} is no whole installation: start the server once`);
    if (!there) return;
    const { keys } = this.places;
    if (there.mark?.installationId !== own.mark.installationId)
      throw new BackupError(
        `${keys} holds the keys of installation ${there.mark?.installationId ?? 'unknown'}: give this one a folder ` +
          `of its own`,
      );
    if (there.changes > own.changes)
      throw new BackupError(
        `${keys} holds newer keys than this data folder: it is an older copy itself, and would bring destroyed keys ` +
          `back`,
      );
  }

  /** One moment: nothing is made or destroyed in the ring while checkpoint, events and ring are taken. A key is made
   *  before the first event that needs it, and after the claim of its case, so that no key is missing and none is
   *  nobody's. */
  private async moment() {
    const ringFile = join(this.data, 'vault', 'keys.db');
    const ring = join(this.places.keys, `${KEYS.ring}.partial`);
    const stage = join(this.data, 'vault', `backup-${process.pid}`);
    const events = await this.events();
    const held = KeyRing.hold(ringFile);
    try {
      let cases: readonly string[];
      let checkpoint: PublishedCheckpoint | null;
      try {
        checkpoint = new TileLog(join(this.data, 'audit')).checkpoint();
        await events.begin();
        cases = stageCases(join(this.data, 'vault', 'sealed'), stage, held.allOwnersAfter);
        await copyOf(ringFile, ring);
      } finally {
        held.release();
      }
      await events.copyTo(join(this.places.target, EVENTS_FILE));
      return { checkpoint, cases, stage, ring };
    } finally {
      await events.close();
    }
  }

  private async events(): Promise<EventsOfAMoment> {
    const { values } = this.places.config;
    if (!this.isElsewhere) return embeddedEvents(join(this.data, EVENTS_FILE));
    return eventsElsewhere(await openEventStore(values.eventStore, this.data, { mode: 'read' }));
  }

  private async copyPeople(ringFile: string): Promise<number> {
    const ring = new DatabaseSync(ringFile, { readOnly: true, timeout: 5000 });
    // Pages, so that nobody who makes a key waits for all of it.
    const page = ring.prepare(
      `SELECT owner FROM data_key WHERE owner > ? AND owner > 'registrant:' AND owner < 'registrant;'
       ORDER BY owner LIMIT ?`,
    );
    const after: OwnersAfter = (last, limit) =>
      (page.all(last, limit) as { owner: string }[]).map(({ owner }) => owner);
    try {
      return await copySealed(
        join(this.data, 'vault', 'sealed'),
        join(this.places.target, 'vault', 'sealed'),
        ownersOf(after),
      );
    } finally {
      ring.close();
    }
  }

  private async copyDatabase(name: string): Promise<void> {
    await copyOf(join(this.data, name), join(this.places.target, name));
  }

  /** Pictures that were withdrawn before the moment, and copied before they were removed. */
  private removeWithdrawn(): void {
    const { target } = this.places;
    mkdirSync(join(target, 'vault', 'sealed'), { recursive: true, mode: 0o700 });
    const database = new DatabaseSync(join(target, EVENTS_FILE), { readOnly: true });
    try {
      const rows = database.prepare(
        `SELECT s.name, json_extract(e.data, '$.imageId') AS imageId
         FROM events e JOIN streams s ON s.no = e.stream_no WHERE e.type = 'FaceImageWithdrawn'`,
      );
      for (const { name, imageId } of rows.iterate() as Iterable<{ name: string; imageId: string }>) {
        const owner = `registrant:${name.slice('registrant-'.length)}`;
        rmSync(join(target, 'vault', 'sealed', sealedFolderOf(owner), sealedFileOf(imageId)), { force: true });
      }
    } finally {
      database.close();
    }
  }

  private copyKeys(): void {
    const { config, keys } = this.places;
    const { masterKey, serverSecret } = keyPaths(config);
    for (const [{ file }, name] of [
      [masterKey, KEYS.master],
      [serverSecret, KEYS.server],
    ] as const) {
      if (!existsSync(file))
        throw new BackupError(`${file} is missing, and without it nothing of the backup could be opened`);
      writeWholeNow(join(keys, name), readFileSync(file));
    }
    cpSync(config.inData('keys', 'audit'), join(keys, KEYS.log), { recursive: true });
  }

  /** What was noted before stays noted: only lines are added. @returns erasures of people that are known now */
  private copyErasures(): number {
    const { config, keys } = this.places;
    const [kept, own] = [ErasedFile.read(join(keys, KEYS.erased)), ErasedFile.read(config.erasedFile)];
    const lines = [...new Set([...kept.lines, ...own.lines])];
    const isSame = isInside(config.erasedFile, join(keys, KEYS.erased));
    if (!isSame) writeWholeNow(join(keys, KEYS.erased), lines.map((line) => `${line}\n`).join(''));
    return readErasures(lines.join('\n')).registrants.length;
  }

  private async manifest(
    { checkpoint, ring }: { readonly checkpoint: PublishedCheckpoint | null; readonly ring: string },
    hasReadModel: boolean,
  ): Promise<BackupManifest> {
    const { target } = this.places;
    const database = new DatabaseSync(join(target, EVENTS_FILE), { readOnly: true });
    try {
      const newest = database.prepare('SELECT position, id FROM events ORDER BY position DESC LIMIT 1').get() as {
        position: number;
        id: string;
      };
      const claim = claimIn(join(target, EVENTS_FILE));
      if (!claim) throw new BackupError('the log does not name its installation yet: start the server once');
      const { installationId, origin } = claim;
      return {
        format: 1,
        installationId,
        origin,
        takenAtUtc: this.nowUtc,
        events: newest.position,
        newestEventId: newest.id,
        entries: checkpoint?.size ?? 0,
        ringChanges: KeyRing.stateOf(ring)?.changes ?? 0,
        hasReadModel,
        digestsSha256: await writeDigests(target),
      };
    } finally {
      database.close();
    }
  }
}

/** An event log, copied as it was at one moment while it grows. The copy is in the form of the embedded log. */
interface EventsOfAMoment {
  /** Makes it the moment. Nothing but milliseconds: keys are held meanwhile. */
  begin(): Promise<void>;
  copyTo(file: string): Promise<void>;
  close(): Promise<void>;
}

function embeddedEvents(file: string): EventsOfAMoment {
  const events = new DatabaseSync(file, { readOnly: true, timeout: 5000 });
  return {
    // What is read on this connection from here on, and copied from it, is of this moment.
    begin: async () => {
      events.exec('BEGIN');
      events.prepare('SELECT max(position) FROM events').get();
    },
    copyTo: (copy) => copyFrom(events, copy),
    close: async () => events.close(),
  };
}

/** Events up to a position never change: what comes after it is of a later moment. */
function eventsElsewhere(store: EventStore): EventsOfAMoment {
  let through: Position | null = null;
  return {
    begin: async () => {
      through = await store.head();
    },
    copyTo: async (copy) => void (await copyLog(store, copy, { through, positions: 'counted' })),
    close: () => store.close(),
  };
}

async function copyOf(file: string, target: string): Promise<void> {
  const source = new DatabaseSync(file, { readOnly: true, timeout: 5000 });
  try {
    await copyFrom(source, target);
  } finally {
    source.close();
  }
}

/** All pages in one step: one moment of the file. The copy is a single file, whatever the source was. */
async function copyFrom(source: DatabaseSync, target: string): Promise<void> {
  mkdirSync(dirname(target), { recursive: true, mode: 0o700 });
  rmSync(target, { force: true });
  await backup(source, target, { rate: 0x7fffffff });
  const copy = new DatabaseSync(target);
  try {
    copy.exec('PRAGMA journal_mode = DELETE');
  } finally {
    copy.close();
  }
}
