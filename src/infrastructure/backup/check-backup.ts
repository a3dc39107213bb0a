import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { EventStoreUnavailableError } from '../../application/ports/store/event-store.js';
import type { InstallationClaim } from '../../domain/installation/installation-parts.js';
import { fsck, type FsckProblem } from '../audit/fsck/fsck.js';
import { LogKeys } from '../audit/log-keys.js';
import { VaultPseudonyms } from '../audit/vault-pseudonyms.js';
import { checkEventLog } from '../event-store/check-event-log.js';
import { EVENTS_FILE } from '../event-store/open-event-store.js';
import { keyCheck, keyIfThere } from '../settings/key-files.js';
import { KeyedSecrets } from '../settings/keyed-secrets.js';
import { EncryptedImageVault } from '../vault/encrypted-image-vault.js';
import { ErasedFile } from '../vault/erased-file.js';
import { KeyRing } from '../vault/key-ring.js';
import { changedFiles, KEYS, type BackupManifest } from './backup-folder.js';

export interface BackupToCheck {
  readonly target: string;
  readonly keys: string;
  /** The key ring, where it is not the one among the keys. */
  readonly ring?: string;
  readonly manifest: BackupManifest;
  readonly withDigests: boolean;
}

export interface BackupReport {
  /** In words, what is there. */
  readonly found: readonly string[];
  /** In words, what is wrong with it; empty: it can be restored. */
  readonly problems: readonly string[];
}

/** What the next start carries out, and no fault of a copy: an erasure that was stored and not yet done. */
const CARRIED_OUT_LATER: readonly FsckProblem['code'][] = ['erased_key_alive'];
/** What keys tell that are newer than the copy: of people who were erased since, of cases that ended, of others that
 *  began. The files themselves were opened when the copy was made, and are known by their digests. */
const OF_NEWER_KEYS: readonly FsckProblem['code'][] = [
  'image_missing',
  'material_missing',
  'material_unowned',
  'leaf_differs',
];
const NONE = { registrants: [], unreadable: 0 } as const;

/** Judges a backup with its keys, without changing anything of it: every file against its digest, every event, every
 *  entry of the signed log against the events, every picture and all material that the events own, opened with the
 *  keys. */
export async function checkBackup(backup: BackupToCheck): Promise<BackupReport> {
  return new BackupCheck(backup).run();
}

class BackupCheck {
  private readonly found: string[] = [];
  private readonly problems: string[] = [];
  private readonly ring: string;
  private areKeysNewer = false;

  constructor(private readonly backup: BackupToCheck) {
    this.ring = backup.ring ?? join(backup.keys, KEYS.ring);
  }

  async run(): Promise<BackupReport> {
    const { target, manifest, withDigests } = this.backup;
    this.found.push(
      `installation ${manifest.installationId}, ${manifest.origin}, at ${manifest.takenAtUtc}: ${manifest.events} ` +
        `events, ${manifest.entries} entries of the signed log`,
    );
    if (withDigests) this.problems.push(...(await changedFiles(target, manifest)));
    const claim = await this.checkEvents();
    const keys = claim && this.checkKeys(claim);
    if (keys && this.problems.length === 0) await this.checkTogether(keys);
    this.tellErasures();
    return { found: this.found, problems: this.problems };
  }

  private async checkEvents(): Promise<InstallationClaim | null> {
    const { target, manifest } = this.backup;
    const file = join(target, EVENTS_FILE);
    try {
      const { events, problems } = await checkEventLog(file);
      this.problems.push(...problems);
      if (events !== manifest.events)
        this.problems.push(`${file} has ${events} events and had ${manifest.events} when it was made`);
      return claimIn(file);
    } catch (error) {
      if (!(error instanceof EventStoreUnavailableError)) throw error;
      this.problems.push(error.message);
      return null;
    }
  }

  /** @returns the keys, where all of them are there and this installation's */
  private checkKeys(
    claim: InstallationClaim,
  ): { readonly masterKey: Uint8Array; readonly serverSecret: Uint8Array } | null {
    const { keys, target, manifest } = this.backup;
    const masterKey = this.key('master-key', KEYS.master, claim.masterKeyCheck);
    const serverSecret = this.key('server-secret', KEYS.server, claim.serverSecretCheck);
    const logKeys = LogKeys.found({ secretFolder: join(keys, KEYS.log), auditFolder: join(target, 'audit') });
    if (logKeys.firstSha256 !== claim.logKeySha256)
      this.problems.push(`${logKeys.publicFolder} does not begin with the key of this installation's signed log`);
    if (!logKeys.isSecretThere)
      this.problems.push(`${logKeys.secretFile} is missing: the signed log could not be carried on`);
    const ring = KeyRing.stateOf(this.ring);
    if (ring === null) this.problems.push(`${this.ring} is missing: without it no picture can be opened`);
    else if (ring.mark?.installationId !== claim.installationId)
      this.problems.push(`${this.ring} belongs to another installation`);
    else if (ring.changes < manifest.ringChanges) {
      this.problems.push(
        `${this.ring} is older than this backup: it knows of ${ring.changes} changes of keys, and ` +
          `${manifest.ringChanges} had been made; take the keys that were written with it, or later ones`,
      );
    } else {
      this.areKeysNewer = ring.changes > manifest.ringChanges;
      const newer = this.areKeysNewer ? ', newer than the backup: who was erased in between stays erased' : '';
      this.found.push(`keys of ${ring.owners} people and open cases${newer}`);
    }
    return masterKey && serverSecret && ring ? { masterKey, serverSecret } : null;
  }

  private key(kind: Parameters<typeof keyCheck>[0], name: string, claimed: string): Uint8Array | null {
    const file = join(this.backup.keys, name);
    const key = keyIfThere(file);
    if (key === null) this.problems.push(`${file} is missing`);
    else if (keyCheck(kind, key) !== claimed) this.problems.push(`${file} is not the one of this installation`);
    return key;
  }

  /** Events, signed log and vault against each other, as `audit fsck` does it. */
  private async checkTogether({
    masterKey,
    serverSecret,
  }: {
    readonly masterKey: Uint8Array;
    readonly serverSecret: Uint8Array;
  }): Promise<void> {
    const { target, manifest } = this.backup;
    const ring = new KeyRing(this.ring, masterKey);
    try {
      const report = await fsck({
        eventsFile: join(target, EVENTS_FILE),
        auditFolder: join(target, 'audit'),
        signer: LogKeys.published(join(target, 'audit')),
        pseudonyms: new VaultPseudonyms(ring, new KeyedSecrets(serverSecret)),
        vault: new EncryptedImageVault(join(target, 'vault', 'sealed'), ring),
        copies: [],
        atMs: Date.parse(manifest.takenAtUtc),
      });
      for (const { code, index, detail } of report.problems) {
        if (CARRIED_OUT_LATER.includes(code) || (this.areKeysNewer && OF_NEWER_KEYS.includes(code))) continue;
        // A log that stands still is no reason to have no backup.
        const told = code === 'log_behind' ? this.found : this.problems;
        told.push(`${index === null ? '' : `entry ${index}: `}${detail}`);
      }
      this.found.push(
        `${report.events} entries recomputed, ${report.images} pictures and the material of ${report.material} ` +
          `cases compared`,
      );
    } finally {
      ring.close();
    }
  }

  private tellErasures(): void {
    const file = join(this.backup.keys, KEYS.erased);
    const { registrants, unreadable } = existsSync(file) ? ErasedFile.read(file) : NONE;
    const newest = registrants
      .map(({ atUtc }) => atUtc)
      .toSorted()
      .at(-1);
    this.found.push(
      newest === undefined
        ? `no erasures are noted in ${file}`
        : `${registrants.length} erasures are noted in ${file}, the newest of ${newest}`,
    );
    if (unreadable > 0) this.found.push(`${unreadable} lines of ${file} cannot be read`);
  }
}

/** @returns null where the log names no installation */
export function claimIn(file: string): InstallationClaim | null {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    const claim =
      "SELECT e.data FROM events e JOIN streams s ON s.no = e.stream_no WHERE s.name = 'installation-claim'";
    const row = database.prepare(claim).get() as { data: string } | undefined;
    return row ? (JSON.parse(row.data) as InstallationClaim) : null;
  } finally {
    database.close();
  }
}
