import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import type { PublishedCheckpoint } from '../../application/ports/audit/audit-log.js';
import { keysThatFollow } from '../../domain/audit/log/key-succession.js';
import { utf8 } from '../../domain/audit/log/bytes.js';
import { commitmentToken, type Person } from '../../domain/audit/log/commitment.js';
import { leafText, parseLeaf } from '../../domain/audit/log/leaf.js';
import { GrowingTree, rootHash, sameHash } from '../../domain/audit/log/merkle-tree.js';
import { judgeNote } from '../../domain/audit/log/signed-note.js';
import { checkpointIn } from '../../domain/audit/bundle/verify-bundle.js';
import { hasher, hmacSha256, isSignedEd25519, sha256 } from '../audit/digest.js';
import { LogHead } from '../audit/log/log-head.js';
import { LogKeys } from '../audit/log-keys.js';
import { StoredEvents } from '../audit/log/stored-events.js';
import { TileLog } from '../audit/log/tile-log.js';
import { VaultPseudonyms } from '../audit/vault-pseudonyms.js';
import type { Config } from '../settings/config.js';
import { isElsewhere } from '../event-store/log-file/copy-log.js';
import { EVENTS_FILE } from '../event-store/open-event-store.js';
import { keyPaths } from '../installation/installation.js';
import { keyFile } from '../settings/key-files.js';
import { KeyedSecrets } from '../settings/keyed-secrets.js';
import { KeyRing } from '../vault/key-ring.js';

/** A loss cannot be found, proposed or accepted, in words for an operator. */
export class RecoveryError extends Error {}

/** What is left of an installation, and what is known to have been signed by it. */
export interface FoundLoss {
  readonly origin: string;
  /** The newest checkpoint that is known: of the folder, beside it, or kept by others. */
  readonly signed: PublishedCheckpoint;
  /** The newest one of the folder that the events still fit. */
  readonly kept: PublishedCheckpoint;
  /** Events in the store, and how many of the first of them are the ones that the log has signed. */
  readonly events: number;
  readonly agreed: number;
  readonly isLost: boolean;
}

/** Compares the signed log with the events, from the first one on. Changes nothing.
 *  @param eventsFile the log, or a copy of it with the positions that it has
 *  @param copies notes that others kept; only what this log has signed counts
 *  @throws {RecoveryError} where there is nothing to go on from */
export function findLoss(config: Config, eventsFile: string, copies: readonly string[]): FoundLoss {
  const folder = config.inData('audit');
  const log = new TileLog(folder);
  const signer = LogKeys.published(folder);
  const published = log.checkpoint();
  const newest = signer.keys().at(-1);
  if (!published || !newest) {
    throw new RecoveryError(
      `${folder} has no checkpoint or no keys: restore the folder from its newest copy, however old it is; a log ` +
        `goes on from what is left of it`,
    );
  }
  const keys = keysThatFollow(signer.keys().slice(0, 1), [...signer.successions(), ...signer.losses()], {
    hash: sha256,
    isSigned: isSignedEd25519,
  });
  const head = LogHead.beside(folder).note();
  const others = [...copies, ...(head === null ? [] : [head])].flatMap((note) => {
    const read = checkpointIn(note);
    const isOurs =
      read?.checkpoint.origin === newest.name && judgeNote(read.note, keys, isSignedEd25519).verdict === 'signed';
    return isOurs ? [{ ...read.checkpoint, note }] : [];
  });
  const signed = [published, ...others].toSorted((a, b) => b.size - a.size)[0] as PublishedCheckpoint;
  const { events, agreed } = compareWithEvents(log, published.size, eventsFile);
  // After a loss that leaves less than one before did, what is left was signed under a name of before.
  const names = new Set(keys.map(({ name }) => name));
  const kept = newestWithin(log, names, agreed);
  if (!kept)
    throw new RecoveryError(
      'no checkpoint of the log fits the events: the event log is another one, or of before the first checkpoint; ' +
        'restore one that is newer',
    );
  return {
    origin: newest.name,
    signed,
    kept,
    events,
    agreed,
    isLost: agreed < published.size || !leadsTo(config, eventsFile, { log, size: published.size, signed }),
  };
}

/** How many of the first events are those of the first leaves. */
function compareWithEvents(
  log: TileLog,
  size: number,
  eventsFile: string,
): { readonly events: number; readonly agreed: number } {
  const database = new DatabaseSync(eventsFile, { readOnly: true });
  try {
    const { events } = database.prepare('SELECT count(*) AS events FROM events').get() as { events: number };
    const rows = database.prepare('SELECT position, id FROM events ORDER BY position').iterate() as Iterator<{
      position: number;
      id: string;
    }>;
    let agreed = 0;
    for (const text of log.leaves(0, size)) {
      const row = rows.next().value as { position: number; id: string } | undefined;
      if (!row || parseLeaf(text)?.id !== row.id || Number(log.positionOf(agreed)) !== row.position) break;
      agreed += 1;
    }
    return { events, agreed };
  } finally {
    database.close();
  }
}

/** Whether the events after the newest entry of the folder, as leaves, lead to what was signed. */
function leadsTo(
  config: Config,
  eventsFile: string,
  { log, size, signed }: { readonly log: TileLog; readonly size: number; readonly signed: PublishedCheckpoint },
): boolean {
  if (signed.size === size) return sameHash(rootHash(hasher, log.nodes(size), size), signed.root);
  const { masterKey, serverSecret } = keyPaths(config);
  const ring = new KeyRing(
    config.inData('vault', 'keys.db'),
    config.masterKeyInMemory ?? keyFile(masterKey.file, { create: false }),
  );
  const events = StoredEvents.open(eventsFile);
  try {
    const pseudonyms = new VaultPseudonyms(ring, new KeyedSecrets(keyFile(serverSecret.file, { create: false })));
    // A person without a key has no token that could be made again: then it is not what was signed.
    const tokenOf = (person: Person) =>
      commitmentToken(person, pseudonyms.existingSaltOf(person) ?? new Uint8Array(32), hmacSha256);
    const tree = GrowingTree.resume(hasher, log.nodes(size), size);
    for (const row of events.each(Number(log.positionOf(size - 1)), signed.size - size))
      tree.append(hasher.leaf(utf8(leafText(row, tokenOf))));
    return tree.size === signed.size && sameHash(tree.root(), signed.root);
  } finally {
    events.close();
    ring.close();
  }
}

function newestWithin(log: TileLog, names: ReadonlySet<string>, agreed: number): PublishedCheckpoint | null {
  let kept: PublishedCheckpoint | null = null;
  for (const { size, note } of log.archive.after(0)) {
    const read = size === null || size > agreed ? null : checkpointIn(note);
    if (read && names.has(read.checkpoint.origin)) kept = { ...read.checkpoint, note };
  }
  return kept;
}

export interface Gone {
  /** Receipts and ids of events that others have and the store does not, in the order in which they were given. */
  readonly names: readonly string[];
  readonly asked: number;
  readonly sha256: string | null;
}

/** Holds what booths and consumers still have against the store: receipts, one on a line, or lines of JSON with a
 *  member `receipt` or `id` (an event as it was published). */
export function findGone(eventsFile: string, texts: readonly string[]): Gone {
  const named = [...new Set(texts.flatMap(namesIn))];
  if (named.length === 0) return { names: [], asked: 0, sha256: null };
  const known = knownIn(eventsFile);
  const names = named.filter((name) => !known.has(name));
  const list = names.map((name) => `${name}\n`).join('');
  return { names, asked: named.length, sha256: createHash('sha256').update(list).digest('hex') };
}

function namesIn(text: string): string[] {
  return text.split('\n').flatMap((line) => {
    if (!line.trim().startsWith('{')) return line.trim() === '' ? [] : [line.trim()];
    try {
      const { receipt, id } = JSON.parse(line) as { receipt?: unknown; id?: unknown };
      return [receipt, id].find((name) => typeof name === 'string') ?? [];
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      throw new RecoveryError(`a line of what others have is no JSON: ${line.slice(0, 60)}`);
    }
  }) as string[];
}

function knownIn(eventsFile: string): Set<string> {
  const database = new DatabaseSync(eventsFile, { readOnly: true });
  try {
    const ids = database.prepare('SELECT id AS name FROM events').all() as { name: string }[];
    const receipts = database
      .prepare("SELECT json_extract(data, '$.receipt') AS name FROM events WHERE type = 'RequestReceived'")
      .all() as { name: string }[];
    return new Set([...ids, ...receipts].map(({ name }) => name));
  } finally {
    database.close();
  }
}

/** The folder of the signed log; under the other name for a moment while a loss is carried out. */
const AUDIT_FOLDERS = ['audit', 'audit.recovering'];

/** Whether there is a folder to look at, for the words. */
export function hasLog(config: Config): boolean {
  return (
    (isElsewhere(config) || existsSync(config.inData(EVENTS_FILE))) &&
    AUDIT_FOLDERS.some((name) => existsSync(config.inData(name)))
  );
}
