import { userInfo } from 'node:os';
import { join } from 'node:path';
import { existsSync } from 'node:fs';
import { AuditLists } from '../../application/audit/audit-lists.js';
import { AccessLog } from '../../application/access/access-log.js';
import { DecideAndAppend } from '../../application/decisions/decide-and-append.js';
import type { EventStore } from '../../application/ports/store/event-store.js';
import { ExportBundleHandler } from '../../application/access/export-bundle.js';
import { parseLeaf, type LeafEvent } from '../../domain/audit/log/leaf.js';
import { LogKeys } from '../../infrastructure/audit/log-keys.js';
import { TileLog } from '../../infrastructure/audit/log/tile-log.js';
import { VaultPseudonyms } from '../../infrastructure/audit/vault-pseudonyms.js';
import { Config } from '../../infrastructure/settings/config.js';
import { EVENTS_FILE, openEventStore } from '../../infrastructure/event-store/open-event-store.js';
import { keyFile } from '../../infrastructure/settings/key-files.js';
import { KeyedSecrets } from '../../infrastructure/settings/keyed-secrets.js';
import { SystemClock } from '../../infrastructure/clock/system-clock.js';
import { EncryptedImageVault } from '../../infrastructure/vault/encrypted-image-vault.js';
import type { CardTable } from '../../infrastructure/vault/card-keys.js';
import { KeyRing } from '../../infrastructure/vault/key-ring.js';
import { UsageError } from '../command.js';

export interface Recorder {
  readonly access: AccessLog;
  readonly lists: AuditLists;
  readonly close: () => Promise<void>;
}

/** Who works at the command line, as the record names it: the operating-system user, and the name in HONNIN_OPERATOR
 * where several people share one. The prefix keeps it apart from people who are signed in. */
export function operatorName({ values: { operator } }: Config): string {
  const user = systemUser();
  return operator === null ? `os:${user}` : `os:${user}:${operator}`;
}

function systemUser(): string {
  try {
    return encodeURIComponent(userInfo().username);
  } catch {
    // A container may run under a number that has no name.
    return `uid-${process.getuid?.() ?? 'unknown'}`;
  }
}

/** The audit parts of a data folder, opened without a server. */
export class OpenAudit {
  private constructor(
    readonly config: Config,
    readonly log: TileLog,
  ) {}

  /** @param data folder, or undefined for the one that the settings name */
  static at(data: string | undefined): OpenAudit {
    const config = Config.from({ ...process.env, ...(data === undefined ? {} : { HONNIN_DATA: data }) });
    const isHere = config.values.eventStore === 'sqlite';
    if (isHere && !existsSync(config.inData(EVENTS_FILE)))
      throw new UsageError(`there is no event log in ${config.inData()}; give --data FOLDER or set HONNIN_DATA`);
    return new OpenAudit(config, new TileLog(config.inData('audit')));
  }

  /** The log that is configured.
   *  @param mode `write` needs it for itself where it is embedded: not beside a running server */
  store(mode: 'read' | 'write'): Promise<EventStore> {
    return openEventStore(this.config.values.eventStore, this.config.inData(), { mode });
  }

  get auditFolder(): string {
    return this.config.inData('audit');
  }

  keys(): Promise<LogKeys> {
    const { auditOrigin: origin } = this.config.values;
    const secretFolder = this.config.inData('keys', 'audit');
    return LogKeys.open({ origin, secretFolder, auditFolder: this.auditFolder, create: false });
  }

  vault(): {
    readonly vault: EncryptedImageVault;
    readonly pseudonyms: VaultPseudonyms;
    readonly cards: CardTable;
    readonly close: () => void;
  } {
    const { masterKeyFile, serverSecretFile } = this.config.values;
    const ring = new KeyRing(
      this.config.inData('vault', 'keys.db'),
      keyFile(masterKeyFile ?? this.config.inData('keys', 'master.key'), { create: false }),
    );
    const secrets = new KeyedSecrets(
      keyFile(serverSecretFile ?? this.config.inData('keys', 'server.secret'), { create: false }),
    );
    return {
      vault: new EncryptedImageVault(join(this.config.inData('vault'), 'sealed'), ring),
      pseudonyms: new VaultPseudonyms(ring, secrets),
      cards: ring.cards,
      close: () => ring.close(),
    };
  }

  /** A handler that puts exports on record, which needs the right to write: not beside a running server. */
  async exporter(): Promise<{ readonly handler: ExportBundleHandler; readonly close: () => Promise<void> }> {
    const { store, keys, vault, pseudonyms, close } = await this.writing();
    const clock = new SystemClock();
    const aggregates = new DecideAndAppend(store, clock);
    const access = new AccessLog(store, aggregates, clock);
    const handler = new ExportBundleHandler(this.log, keys, store, pseudonyms, vault, access, clock, aggregates);
    return { handler, close };
  }

  /** What puts looks on record and draws lists: needs the right to write, so not beside a running server. */
  async recorder(): Promise<Recorder> {
    const { store, keys, pseudonyms, close } = await this.writing();
    const clock = new SystemClock();
    const lists = new AuditLists(this.log, keys, store, pseudonyms, clock);
    // Nobody carries the signed log on meanwhile.
    lists.catchUpLimitMs = 0;
    const access = new AccessLog(store, new DecideAndAppend(store, clock), clock);
    return { access, lists, close };
  }

  /** The log first, whose lock says that no server works here; then what goes with it. Where one of them cannot be
   *  opened none stays open. */
  private async writing() {
    const store = await this.store('write');
    try {
      const keys = await this.keys();
      const { vault, pseudonyms, close: closeVault } = this.vault();
      return { store, keys, vault, pseudonyms, close: () => store.close().finally(closeVault) };
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  *events(): Iterable<{ readonly index: number; readonly leaf: LeafEvent }> {
    let index = 0;
    for (const text of this.log.leaves(0, this.log.checkpoint()?.size ?? 0)) {
      const leaf = parseLeaf(text);
      if (!leaf) throw new Error(`leaf ${index} is not an event; run './honnin audit fsck'`);
      yield { index: index++, leaf };
    }
  }
}
