import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { LOSS_ID, losses } from '../../application/decisions/aggregates.js';
import { derivedId } from '../../application/decisions/ids.js';
import { DecideAndAppend, appendKnown } from '../../application/decisions/decide-and-append.js';
import type { Clock } from '../../application/ports/store/clock.js';
import type { EventStore } from '../../application/ports/store/event-store.js';
import type { Position } from '../../domain/event-envelope.js';
import { upcast } from '../../domain/event-registry.js';
import type { InstallationEvent } from '../../domain/installation/installation.events.js';
import { originAfter } from '../../domain/installation/loss.js';
import { judgeParts, type FoundParts, type InstallationClaim } from '../../domain/installation/installation-parts.js';
import { LogKeys } from '../audit/log-keys.js';
import { TileLog } from '../audit/log/tile-log.js';
import type { Config } from '../settings/config.js';
import { EVENTS_FILE } from '../event-store/open-event-store.js';
import { SqliteEventStore } from '../event-store/sqlite/sqlite-event-store.js';
import { keyCheck, keyFile, keyIfThere } from '../settings/key-files.js';
import { READ_MODEL_FILE, ReadModelDatabase } from '../read-model/read-model-database.js';
import { SystemClock } from '../clock/system-clock.js';
import { KeyRing } from '../vault/key-ring.js';

const CLAIM_STREAM = 'installation-claim';
const ACTOR = 'system:start';
const PAGE = 256;

/** The parts of this start do not belong together, or one of them is missing. The message says what to restore. */
export class InstallationError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(['this is not a whole installation:', ...problems.map((problem) => `  ${problem}`)].join('\n'));
  }
}

/** One installation: a log, the keys, the vault, the signed log and the read models that belong together. Opened
 *  once, at the start, before anything else is: it alone makes keys, and only where nothing is there of an earlier
 *  start. @req R23 */
export class Installation {
  private constructor(
    readonly id: string,
    readonly masterKey: Uint8Array,
    readonly serverSecret: Uint8Array,
  ) {}

  /** Compares all parts; makes them at a first start; claims the store for this installation where nobody has.
   *  @throws {InstallationError} naming each part that is missing, foreign or older. */
  static async open(config: Config, store: EventStore, clock: Clock): Promise<Installation> {
    const found = await findParts(config, store);
    const verdict = judgeParts(found);
    if (verdict.is === 'refused') throw new InstallationError(verdict.problems);
    if (verdict.is === 'claimed') return Installation.ofClaim(config, found, verdict.claim);
    const isFirstStart = verdict.is === 'first';
    const keys = openKeys(config, { create: isFirstStart });
    const id = verdict.installationId ?? randomUUID();
    const logKeys = await LogKeys.open({ ...logKeyFolders(config), create: isFirstStart });
    // Marked before the log names the installation: a start that dies in between goes on under the same id.
    await markParts(config, { installationId: id, masterKey: keys.masterKey, isClaimed: false });
    const claim: InstallationClaim = {
      installationId: id,
      origin: config.values.auditOrigin,
      logKeySha256: logKeys.firstSha256(),
      masterKeyCheck: keyCheck('master-key', keys.masterKey),
      serverSecretCheck: keyCheck('server-secret', keys.serverSecret),
      isFirstStart,
    };
    await claimStore(store, clock, claim);
    await markParts(config, { installationId: id, masterKey: keys.masterKey, isClaimed: true });
    return new Installation(id, keys.masterKey, keys.serverSecret);
  }

  private static async ofClaim(config: Config, found: FoundParts, claim: InstallationClaim): Promise<Installation> {
    const { masterKey, serverSecret } = openKeys(config, { create: false });
    const { installationId } = claim;
    const isNoted = found.vault.mark?.isClaimed && found.readModel.installationId === installationId;
    if (!isNoted) await markParts(config, { installationId, masterKey, isClaimed: true });
    return new Installation(installationId, masterKey, serverSecret);
  }
}

/** What a start would refuse of the parts that are there, for who asks before; makes and changes nothing. Beside a
 *  serving server the parts are read while they grow, so what seems wrong is looked at again. */
export async function findProblems(config: Config, store: EventStore): Promise<readonly string[]> {
  const look = async (): Promise<readonly string[]> => {
    const verdict = judgeParts(await findParts(config, store));
    return verdict.is === 'refused' ? verdict.problems : [];
  };
  const problems = await look();
  return problems.length === 0 ? [] : look();
}

/** What is there, without making or changing anything. */
export async function findParts(config: Config, store: EventStore): Promise<FoundParts> {
  const { masterKey, serverSecret } = keyPaths(config);
  const vaultFile = config.inData('vault', 'keys.db');
  const ring = KeyRing.stateOf(vaultFile);
  const sealedFolder = config.inData('vault', 'sealed');
  const audit = config.inData('audit');
  const readModel = config.inData(READ_MODEL_FILE);
  return {
    log: {
      name: nameOf(config, store),
      events: await countEvents(store),
      claim: await readClaim(store),
      originAfterLoss: originAfter((await new DecideAndAppend(store, new SystemClock()).load(losses, LOSS_ID)).state),
    },
    origin: config.values.auditOrigin,
    masterKey: { file: masterKey.file, check: masterKeyCheck(config, masterKey.file) },
    serverSecret: { file: serverSecret.file, check: checkOf('server-secret', serverSecret.file) },
    logKeys: LogKeys.found(logKeyFolders(config)),
    vault: {
      file: vaultFile,
      isThere: ring !== null,
      ...(ring ?? { owners: 0, mark: null, changes: 0 }),
      sealedFolder,
      isSealedThere: existsSync(sealedFolder),
      tombstones: KeyRing.tombstonesOf(vaultFile, config.masterKeyInMemory ?? keyIfThere(masterKey.file)),
    },
    audit: { folder: audit, entries: new TileLog(audit).checkpoint()?.size ?? 0 },
    readModel: { file: readModel, ...ReadModelDatabase.stateOf(readModel) },
  };
}

/** The claim of a store, or null where nobody has claimed it. */
async function readClaim(store: EventStore): Promise<InstallationClaim | null> {
  const [first] = await store.readStream(CLAIM_STREAM, { limit: 1 });
  return first ? (upcast(first).data as unknown as InstallationClaim) : null;
}

/** @throws {InstallationError} when another installation was faster. */
async function claimStore(store: EventStore, clock: Clock, claim: InstallationClaim): Promise<void> {
  const commandId = derivedId('claim-installation', claim.installationId);
  const context = { commandId, actor: ACTOR, correlationId: commandId, causationId: commandId, policyVersion: null };
  const event: InstallationEvent = { type: 'InstallationClaimed', data: claim };
  const envelope = new DecideAndAppend(store, clock).envelope(event, 0, context);
  const { outcome } = await appendKnown(store, CLAIM_STREAM, [envelope], 'no_stream');
  if (outcome === 'appended') return;
  const winner = await readClaim(store);
  throw new InstallationError([
    `installation ${winner?.installationId ?? 'unknown'} has claimed this store a moment ago; one store serves one ` +
      'installation: give this one a store of its own',
  ]);
}

/** Events of ours in the store; null: there are some, and this store does not count them. */
async function countEvents(store: EventStore): Promise<number | null> {
  // Positions of the embedded log are the number of its events.
  if (store instanceof SqliteEventStore) return Number((await store.head()) ?? 0n);
  for (let after: Position | null = null; ;) {
    const batch = await store.readAll(after, { limit: PAGE });
    if (batch.events.length > 0) return null;
    if (batch.caughtUp) return 0;
    after = batch.position;
  }
}

function nameOf(config: Config, store: EventStore): string {
  if (store instanceof SqliteEventStore) return `the event log ${config.inData(EVENTS_FILE)}`;
  return 'the event store that HONNIN_EVENT_STORE names';
}

interface KeyPath {
  readonly file: string;
  /** False where a setting names the file. */
  readonly isOwn: boolean;
}

/** Where the two keys of an installation are. */
export function keyPaths(config: Config): Record<'masterKey' | 'serverSecret', KeyPath> {
  const { masterKeyFile, serverSecretFile } = config.values;
  const own = (name: string) => config.inData('keys', name);
  return {
    masterKey: { file: masterKeyFile ?? own('master.key'), isOwn: masterKeyFile === null },
    serverSecret: { file: serverSecretFile ?? own('server.secret'), isOwn: serverSecretFile === null },
  };
}

/** A key file that a setting names is never made: whoever named it has it somewhere. */
function openKeys(
  config: Config,
  { create }: { readonly create: boolean },
): Pick<Installation, 'masterKey' | 'serverSecret'> {
  const { masterKey, serverSecret } = keyPaths(config);
  return {
    masterKey: config.masterKeyInMemory ?? keyFile(masterKey.file, { create: create && masterKey.isOwn }),
    serverSecret: keyFile(serverSecret.file, { create: create && serverSecret.isOwn }),
  };
}

function checkOf(kind: Parameters<typeof keyCheck>[0], file: string): string | null {
  const key = keyIfThere(file);
  return key && keyCheck(kind, key);
}

function masterKeyCheck({ masterKeyInMemory }: Config, file: string): string | null {
  return masterKeyInMemory ? keyCheck('master-key', masterKeyInMemory) : checkOf('master-key', file);
}

function logKeyFolders(config: Config) {
  const { auditOrigin: origin } = config.values;
  return { origin, secretFolder: config.inData('keys', 'audit'), auditFolder: config.inData('audit') };
}

interface PartsMark {
  readonly installationId: string;
  readonly masterKey: Uint8Array;
  readonly isClaimed: boolean;
}

/** Vault and read models say to whom they belong. */
async function markParts(config: Config, { installationId, masterKey, isClaimed }: PartsMark): Promise<void> {
  mkdirSync(config.inData('vault', 'sealed'), { recursive: true, mode: 0o700 });
  const vaultFile = config.inData('vault', 'keys.db');
  const ring = new KeyRing(vaultFile, masterKey);
  try {
    ring.markFor(installationId, { isClaimed });
  } finally {
    ring.close();
  }
  const database = ReadModelDatabase.open(config.inData(READ_MODEL_FILE));
  try {
    await database.markFor(installationId, KeyRing.stateOf(vaultFile)?.changes ?? 0);
  } finally {
    database.close();
  }
}
