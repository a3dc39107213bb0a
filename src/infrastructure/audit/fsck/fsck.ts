import type { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { CheckpointSigner } from '../../../application/ports/audit/checkpoint-signer.js';
import type { PublishedCheckpoint } from '../../../application/ports/audit/audit-log.js';
import type { ImageVault } from '../../../application/ports/registrant/image-vault.js';
import type { SignedState } from '../../../application/ports/audit/signed-log.js';
import type { Pseudonyms } from '../../../application/ports/audit/pseudonyms.js';
import { fromBase64 } from '../../../domain/audit/log/bytes.js';
import { parseCheckpoint, type Checkpoint } from '../../../domain/audit/log/checkpoint.js';
import { commitmentToken, isCommitmentToken, type Person } from '../../../domain/audit/log/commitment.js';
import { keysThatFollow } from '../../../domain/audit/log/key-succession.js';
import { leafText, parseLeaf, registrantOf } from '../../../domain/audit/log/leaf.js';
import { GrowingTree, HASH_BYTES, sameHash } from '../../../domain/audit/log/merkle-tree.js';
import type { SignedLogEvent } from '../../../domain/audit/log/signed-log.events.js';
import { judgeNote, NoteFormatError, type VerifierKey } from '../../../domain/audit/log/signed-note.js';
import { tilePath, tileWidth, TILE_WIDTH } from '../../../domain/audit/log/tiles.js';
import { fold } from '../../../domain/decider.js';
import { referenceImage, registrantDecider } from '../../../domain/registrant/registrant.js';
import type { RegistrantEvent } from '../../../domain/registrant/registrant.events.js';
import type { TrustAnchor } from '../../x509/path/trust-anchors.js';
import { checkFolder, Positions } from './check-folder.js';
import { checkMaterial } from './check-material.js';
import { checkUnowned } from './check-unowned.js';
import { checkTimestamps } from './check-timestamps.js';
import type { ArchivedNote } from '../log/checkpoint-archive.js';
import { hasher, hmacSha256, isSignedEd25519, sha256 } from '../digest.js';
import { holdsTree, LogHead, stateIn, whyNot } from '../log/log-head.js';
import { isIntact, StoredEvents, type StoredRow } from '../log/stored-events.js';
import { AuditLogDamagedError, EntryReader, storedPositions, TileLog } from '../log/tile-log.js';

export interface FsckProblem {
  readonly code:
    | 'event_checksum'
    | 'event_missing'
    | 'revision_gap'
    | 'leaf_differs'
    | 'leaf_hash_differs'
    | 'tile_differs'
    | 'tile_missing'
    | 'root_differs'
    | 'checkpoint_signature'
    | 'checkpoint_malformed'
    | 'checkpoint_missing'
    | 'checkpoint_rolled_back'
    | 'copy_differs'
    | 'log_behind'
    | 'unreadable'
    | 'image_missing'
    | 'material_differs'
    | 'material_missing'
    | 'material_unowned'
    | 'erased_key_alive'
    | 'timestamp_wrong'
    | 'file_unknown'
    | 'key_wrong'
    | 'position_differs'
    | 'head_differs'
    | 'record_differs'
    | 'cosigned_wrong';
  /** Place in the log, or null where the fault has none. */
  readonly index: number | null;
  readonly detail: string;
}

export interface FsckReport {
  readonly events: number;
  readonly checkpoints: number;
  readonly images: number;
  /** Requests whose sealed material, and verdicts whose sealed evidence, was compared. */
  readonly material: number;
  readonly erased: number;
  readonly seconds: number;
  /** First the one with the lowest place. */
  readonly problems: readonly FsckProblem[];
}

export interface FsckOptions {
  readonly eventsFile: string;
  readonly auditFolder: string;
  readonly signer: Pick<CheckpointSigner, 'keys' | 'successions' | 'losses'>;
  readonly pseudonyms: Pseudonyms;
  /** null: vault references are not looked at. */
  readonly vault: ImageVault | null;
  /** Which keys cards lead to; absent: not looked at. */
  readonly cards?: { hasCardOf(subjectKey: string): boolean };
  /** Checkpoints kept elsewhere: the log must contain each. */
  readonly copies: readonly string[];
  /** Trusted roots of timestamp authorities; absent: who signed a timestamp is not judged. */
  readonly timestampAnchors?: readonly TrustAnchor[];
  /** The moment that the files are of, for what may take its time: of a backup, when it was made. Default: now. */
  readonly atMs?: number;
  readonly onProgress?: (checked: number, total: number, perSecond: number) => void;
}

/** Short pages die young: memory stays where it is, and the rate too. */
const PAGE = 256;
const PROBLEMS_MAX = 50;
const TOKENS_MAX = 20_000;

/** Recomputes the audit log from the stored events and compares it with what was published: leaf by leaf, tile by tile,
 * checkpoint by checkpoint. Reads only, beside a running server, in memory that does not grow with the log. */
export async function fsck(options: FsckOptions): Promise<FsckReport> {
  const events = StoredEvents.open(options.eventsFile);
  try {
    return await new Fsck(events, options).run();
  } finally {
    events.close();
  }
}

class Fsck {
  private readonly log: TileLog;
  private entries: EntryReader;
  private readonly problems: FsckProblem[] = [];
  private readonly tree = new GrowingTree(hasher, (level, index, hash) => this.compareNode(level, index, hash));
  private readonly tokens = new Map<string, string>();
  /** Registrants whose tokens nobody can recompute any more, with the token that the log has; each must turn out to be
   * erased. */
  private readonly unknown = new Map<string, { readonly token: string; readonly index: number }>();
  private size = 0;
  private archived: Iterator<ArchivedNote, undefined> = [].values();
  private nextArchived: ArchivedNote | undefined;
  private checkpoints = 0;
  private readonly records: { readonly index: number; readonly data: SignedLogEvent['data'] }[] = [];
  private positions: Positions | null = null;
  private images = 0;
  private material = 0;
  private erased = 0;
  /** The tile at the right edge of each level. */
  private readonly tiles: OpenTile[] = [];
  private readonly database: DatabaseSync;
  private copies: readonly { readonly note: string; readonly checkpoint: Checkpoint }[] = [];
  /** Copies by size, until the archived checkpoint of that size has been seen. */
  private readonly copiesLeft = new Map<number, Checkpoint[]>();

  constructor(
    private readonly events: StoredEvents,
    private readonly options: FsckOptions,
  ) {
    this.log = new TileLog(options.auditFolder);
    this.entries = new EntryReader(this.log, 0);
    this.database = events.database;
  }

  async run(): Promise<FsckReport> {
    const startMs = performance.now();
    const later = this.readable(() => this.later(), 'the newest checkpoint') ?? [];
    const published = this.readable(() => this.newestCheckpoint(later), 'the newest checkpoint');
    this.copies = this.options.copies.flatMap(
      (copy, i) =>
        this.readable(
          () => [{ note: copy, checkpoint: parseCheckpoint(copy).checkpoint }],
          `copy ${i + 1} of a checkpoint`,
        ) ?? [],
    );
    this.size = published?.size ?? 0;
    this.entries = new EntryReader(this.log, this.size);
    this.checkSignatures(published);
    if (published && !this.isArchived(published.note))
      this.wrong(
        'checkpoint_missing',
        null,
        `checkpoints/ does not hold the present checkpoint of ${this.size} leaves as it was published`,
      );
    this.archived = this.log.archive.after(0)[Symbol.iterator]();
    this.nextArchived = this.archived.next().value;
    const newest = later.at(-1) ?? 0;
    if (newest > this.size)
      this.wrong(
        'checkpoint_rolled_back',
        null,
        `a checkpoint of ${newest} leaves was published and the present one says ${this.size}`,
      );
    this.positions = this.size === 0 ? null : this.readable(() => new Positions(this.log.folder), 'positions');
    try {
      await this.readEvents(startMs);
    } catch (error) {
      this.wrong('unreadable', this.tree.size, error instanceof Error ? error.message : String(error));
    } finally {
      this.positions?.close();
    }
    if (this.tree.size === this.size && published && !sameHash(this.tree.root(), published.root))
      this.wrong('root_differs', null, `the events do not lead to the root of the checkpoint of ${this.size} leaves`);
    this.checkCopiesLeft();
    this.checkHead();
    this.readable(() => this.checkCosigned(), 'cosigned');
    if (published) this.checkRecords(published.origin);
    this.checkUnknown();
    this.checkRevisions();
    if (this.options.vault) await this.checkVault(this.options.vault);
    if (this.options.vault)
      this.material = await checkMaterial(this.database, this.options.vault, ({ code, detail }) =>
        this.wrong(code, null, detail),
      );
    if (this.options.vault) {
      const report = (detail: string) => this.wrong('material_unowned', null, detail);
      await checkUnowned(this.database, this.options.vault, report, this.options.atMs);
    }
    for (const { code, detail } of this.readable(() => checkFolder(this.log, this.size), 'the folder of the log') ?? [])
      this.wrong(code, null, detail);
    for (const { index, detail } of checkTimestamps(this.log, this.options.timestampAnchors ?? null))
      this.wrong('timestamp_wrong', index, detail);
    return {
      events: this.tree.size,
      checkpoints: this.checkpoints,
      images: this.images,
      material: this.material,
      erased: this.erased,
      seconds: (performance.now() - startMs) / 1000,
      problems: this.problems.toSorted(
        (a, b) => (a.index ?? Number.MAX_SAFE_INTEGER) - (b.index ?? Number.MAX_SAFE_INTEGER),
      ),
    };
  }

  private async readEvents(startMs: number): Promise<void> {
    for (let position = 0; this.tree.size < this.size && this.problems.length < PROBLEMS_MAX;) {
      let rows = 0;
      for (const row of this.events.each(position, Math.min(PAGE, this.size - this.tree.size))) {
        rows += 1;
        this.checkEvent(row);
        position = row.position;
      }
      if (rows === 0) {
        this.wrong(
          'event_missing',
          this.tree.size,
          `the log has ${this.size} leaves and the store has ${this.tree.size} events: events were removed at the end`,
        );
        return;
      }
      this.options.onProgress?.(this.tree.size, this.size, this.tree.size / ((performance.now() - startMs) / 1000));
      await nextTurn();
    }
    this.checkBehind();
  }

  private checkEvent(row: StoredRow): void {
    const index = this.tree.size;
    if (!isIntact(row))
      this.wrong('event_checksum', index, `${nameOf(row)}: a byte of it was changed, the checksum does not fit`);
    const entry = this.entries.next();
    const position = this.positions?.next();
    const isLeaf = this.isLeafOf(row, entry, index);
    // Where the leaf is another event's, its position is too, which needs no word of its own.
    if (isLeaf && position !== undefined && position !== BigInt(row.position)) {
      this.wrong(
        'position_differs',
        index,
        `positions says that entry ${index} is somewhere else in the store than at ${row.position}`,
      );
    }
    if (!isLeaf)
      this.wrong(
        'leaf_differs',
        index,
        `${nameOf(row)} is not what the log holds at place ${index}: ${parseLeaf(textOf(entry)) ? 'it was changed, moved, inserted or left out afterwards' : 'the entry is not an event'}`,
      );
    if (row.type === 'CheckpointRecorded')
      this.records.push({ index, data: JSON.parse(row.data) as SignedLogEvent['data'] });
    // The tree is made of what was published, so that one changed event is one problem and not one for each hash above
    // it.
    this.tree.append(hasher.leaf(entry));
    this.compareCheckpoints();
  }

  private isLeafOf(row: StoredRow, entry: Uint8Array, index: number): boolean {
    // Nearly always the tokens are those that can be made today; only where the bytes differ anything is read out of
    // the entry.
    let isKnown = true;
    const text = leafText(row, (person) => {
      const token = this.tokenOf(person);
      isKnown &&= token !== null;
      return token ?? '';
    });
    if (isKnown && Buffer.from(text).equals(entry)) return true;
    const entryText = textOf(entry);
    return this.leafOf(row, entryText, index) === entryText;
  }

  /** The leaf as it must be. A token that cannot be recomputed is taken from the entry, and remembered until an erasure
   * explains it. */
  private leafOf(row: StoredRow, entryText: string, index: number): string {
    let entryTokens: Map<string, string> | null = null;
    return leafText(row, (person) => {
      const token = this.tokenOf(person);
      if (person.kind !== 'registrant' || (token !== null && entryText.includes(token))) return token ?? '';
      entryTokens ??= registrantTokens(row.stream, entryText);
      const found = entryTokens.get(person.id) ?? entryTokens.get('') ?? '';
      const seen = this.unknown.get(person.id);
      if (!isCommitmentToken(found) || (seen && seen.token !== found && token !== null)) return token ?? '';
      if (!seen) this.unknown.set(person.id, { token: found, index });
      return found;
    });
  }

  private tokenOf(person: Person): string | null {
    const name = `${person.kind}\n${person.id}`;
    const known = person.kind === 'receipt' ? undefined : this.tokens.get(name);
    if (known !== undefined) return known;
    const salt = this.options.pseudonyms.existingSaltOf(person);
    if (!salt) return null;
    const token = commitmentToken(person, salt, hmacSha256);
    if (person.kind !== 'receipt') {
      if (this.tokens.size >= TOKENS_MAX) this.tokens.clear();
      this.tokens.set(name, token);
    }
    return token;
  }

  /** Every stored hash against the one that the entries give. */
  private compareNode(level: number, index: number, hash: Uint8Array): void {
    if (level % 8 !== 0) return;
    const number = Math.floor(index / TILE_WIDTH);
    const tile = this.openTile(level / 8, number);
    const k = index % TILE_WIDTH;
    if (tile.bytes === null) {
      // One problem for a missing tile, not one for each of its hashes.
      if (k === 0) this.wrong('tile_missing', index * 2 ** level, `${tile.path} is missing`);
    } else if (tile.bytes.length !== tile.width * HASH_BYTES || !isSameAt(tile.bytes, k * HASH_BYTES, hash)) {
      this.wrong(
        level === 0 ? 'leaf_hash_differs' : 'tile_differs',
        index * 2 ** level,
        `hash ${k} of ${tile.path} is not that of the entries`,
      );
    }
  }

  private openTile(level: number, number: number): OpenTile {
    const open = this.tiles[level];
    if (open?.number === number) return open;
    const width = tileWidth(level, number, this.size);
    const path = tilePath({ level, index: number, width });
    return (this.tiles[level] = {
      number,
      width,
      path,
      bytes: this.log.tileFile(path) ?? this.log.widerTile({ level, index: number, width }),
    });
  }

  /** Archived checkpoints up to where the tree is now: the archive is read along with the events, a file at a time. */
  private compareCheckpoints(): void {
    for (
      ;
      this.nextArchived && (this.nextArchived.size ?? 0) <= this.tree.size;
      this.nextArchived = this.archived.next().value
    )
      this.compareCheckpoint(this.nextArchived);
  }

  private compareCheckpoint({ size, note, file }: ArchivedNote): void {
    if (size === null)
      return this.wrong(
        'checkpoint_malformed',
        null,
        `checkpoints/${file} holds something that is no checkpoint of its sizes: it was damaged`,
      );
    const stored = this.readable(
      () => parseCheckpoint(note).checkpoint,
      `the checkpoint of ${size} leaves in checkpoints/${file}`,
    );
    if (stored === null) return;
    this.checkpoints += 1;
    if (!sameHash(stored.root, this.tree.root()))
      this.wrong('root_differs', size - 1, `the checkpoint of ${size} leaves was published with another root`);
    for (const copy of this.copiesLeft.get(size) ?? []) {
      if (!sameHash(stored.root, copy.root))
        this.wrong(
          'copy_differs',
          size - 1,
          `the copy of the checkpoint of ${size} leaves has another root: the log was rewritten and signed again`,
        );
    }
    this.copiesLeft.delete(size);
  }

  /** Copies of a size that the archive has not, as far as the tree was read. */
  private checkCopiesLeft(): void {
    for (const size of this.copiesLeft.keys())
      if (size > 0 && size <= this.tree.size)
        this.wrong(
          'copy_differs',
          size - 1,
          `a copy of a checkpoint of ${size} leaves was published and the log has none of that size`,
        );
  }

  /** The newest checkpoint as it is kept beside the folder. A log of before there was such a file has none until the
   * next start. */
  private checkHead(): void {
    const { folder } = this.log;
    const head = LogHead.beside(folder);
    const note = head.note();
    if (note === null) return;
    const state = stateIn(note);
    if (state === null) this.wrong('head_differs', null, `${head.file} is no checkpoint: it was damaged`);
    else if (!this.holds(state)) this.wrong('head_differs', null, whyNot(folder, state, head.file));
  }

  /** What witnesses have cosigned must be a state of this log, under its own signature; their lines are judged by who
   * has their keys. */
  private checkCosigned(): void {
    const cosigned = this.log.cosigned();
    if (cosigned === null) return;
    const ours = this.keys();
    const isSigned = judgeNote(parseCheckpoint(cosigned.note).note, ours, isSignedEd25519).verdict === 'signed';
    if (!isSigned || !this.holds(cosigned))
      this.wrong(
        'cosigned_wrong',
        null,
        `cosigned tells of ${cosigned.size} entries, and is no state of this log: ask the witnesses again and move it away`,
      );
  }

  /** What the store itself tells of the log. */
  private checkRecords(origin: string): void {
    for (const { index, data } of this.records) {
      const { size, root } = data;
      if (data.origin !== origin || this.holds({ size, root: fromBase64(root) })) continue;
      this.wrong(
        'record_differs',
        index,
        `the event at place ${index} tells of a checkpoint of ${size} entries under another root than the log has`,
      );
    }
  }

  /** What is damaged is named by the check of the tiles. */
  private holds(state: SignedState): boolean {
    try {
      return holdsTree(this.log.folder, state);
    } catch (error) {
      if (error instanceof AuditLogDamagedError) return true;
      throw error;
    }
  }

  /** What cannot be read is a problem with a name, not the end of the check. */
  private readable<T>(read: () => T, what: string): T | null {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof NoteFormatError) && (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      this.wrong('checkpoint_malformed', null, `${what} cannot be read: ${(error as Error).message}`);
      return null;
    }
  }

  /** Sizes in the archive beyond the present checkpoint. The checkpoint is read before and after: a server that runs
   * may publish meanwhile. */
  private later(): number[] {
    const archived = this.log.archivedAfter(this.log.checkpoint()?.size ?? 0);
    const size = this.log.checkpoint()?.size ?? 0;
    return archived.filter((later) => later > size);
  }

  /** The newest checkpoint that was signed. A crash between its archive and its renaming leaves one that the next start
   * of the server publishes: everything under it is on the disk, so it is what is checked. */
  private newestCheckpoint([ahead, ...more]: readonly number[]): PublishedCheckpoint | null {
    return ahead !== undefined && more.length === 0 && storedPositions(this.log.folder) >= ahead
      ? this.log.checkpointOf(ahead)
      : this.log.checkpoint();
  }

  /** A log that goes on after a loss has two of the size from which it does: the older name's, and the declaration. */
  private isArchived(note: string): boolean {
    for (const record of this.log.archive.after(this.size - 1)) if (record.note === note) return true;
    return false;
  }

  private keys(): readonly VerifierKey[] {
    const { signer } = this.options;
    const notes = [...signer.successions(), ...signer.losses()];
    return keysThatFollow(signer.keys().slice(0, 1), notes, { hash: sha256, isSigned: isSignedEd25519 });
  }

  private checkSignatures(current: PublishedCheckpoint | null): void {
    const keys = this.readable(() => this.keys(), 'a key of the log') ?? [];
    for (const note of [...(current ? [current.note] : []), ...this.copies.map((copy) => copy.note)]) {
      const { checkpoint, note: signed } = parseCheckpoint(note);
      if (judgeNote(signed, keys, isSignedEd25519).verdict !== 'signed')
        this.wrong(
          'checkpoint_signature',
          null,
          `the checkpoint of ${checkpoint.size} leaves is not signed by a key of this log`,
        );
    }
    for (const { checkpoint } of this.copies) {
      if (checkpoint.size > this.size)
        this.wrong(
          'checkpoint_rolled_back',
          null,
          `a copy of a checkpoint has ${checkpoint.size} leaves and the log has ${this.size}: the log was cut`,
        );
      else this.copiesLeft.set(checkpoint.size, [...(this.copiesLeft.get(checkpoint.size) ?? []), checkpoint]);
    }
  }

  /** A log that is far behind its store is a silent failure. */
  private checkBehind(): void {
    const { n, at } = this.database
      .prepare(
        "SELECT count(*) AS n, min(json_extract(metadata, '$.recordedAtUtc')) AS at FROM events WHERE position > (SELECT coalesce(min(position), 0) FROM (SELECT position FROM events ORDER BY position LIMIT 1 OFFSET ?))",
      )
      .get(Math.max(0, this.size - 1)) as { n: number; at: string | null };
    const atMs = this.options.atMs ?? Date.now();
    if (this.size > 0 && n > 0 && at !== null && atMs - Date.parse(at) > 60_000) {
      this.wrong('log_behind', this.size, `${n} stored events are not in the log; the oldest is of ${at}`);
    }
    if (this.size === 0 && (this.database.prepare('SELECT count(*) AS n FROM events').get() as { n: number }).n > 0)
      this.wrong('log_behind', 0, 'events are stored and the log has no checkpoint');
  }

  /** Tokens that could not be recomputed belong to registrants that were erased. */
  private checkUnknown(): void {
    const find = this.database.prepare(
      "SELECT count(*) AS n FROM events e JOIN streams s ON s.no = e.stream_no WHERE s.name = ? AND e.type = 'RegistrantErased'",
    );
    for (const [key, { index }] of this.unknown) {
      const { n } = find.get(`registrant-${key}`) as { n: number };
      if (n === 0)
        this.wrong(
          'leaf_differs',
          index,
          `the token of a registrant at place ${index} cannot be recomputed and nobody was erased: the event names another registrant, or a key was lost`,
        );
    }
  }

  private checkRevisions(): void {
    const holes = this.database
      .prepare(
        'SELECT s.name, count(*) AS n, max(e.revision) AS last FROM events e JOIN streams s ON s.no = e.stream_no GROUP BY e.stream_no HAVING n <> last + 1 LIMIT 10',
      )
      .all() as { name: string; n: number; last: number }[];
    for (const { name, n, last } of holes)
      this.wrong('revision_gap', null, `${name} has ${n} events and its last revision is ${last}`);
  }

  /** The reference image of each registrant opens and fits its commitment; erased registrants have no key. */
  private async checkVault(vault: ImageVault): Promise<void> {
    const streams = this.database.prepare(
      "SELECT no, name FROM streams WHERE no > ? AND name LIKE 'registrant-%' ORDER BY no LIMIT 500",
    );
    const read = this.database.prepare('SELECT type, data FROM events WHERE stream_no = ? ORDER BY revision');
    for (let no = 0; ;) {
      const page = streams.all(no) as { no: number; name: string }[];
      if (page.length === 0) return;
      for (const stream of page) {
        const events = (read.all(stream.no) as { type: string; data: string }[]).map(
          ({ type, data }) => ({ type, data: JSON.parse(data) as object }) as RegistrantEvent,
        );
        await this.checkRegistrant(vault, registrantOf(stream.name) as string, events);
        no = stream.no;
      }
    }
  }

  private async checkRegistrant(vault: ImageVault, key: string, events: readonly RegistrantEvent[]): Promise<void> {
    const state = fold(registrantDecider, events);
    if (state.erased) {
      this.erased += 1;
      if (this.options.pseudonyms.existingSaltOf({ kind: 'registrant', id: key }))
        this.wrong('erased_key_alive', null, `registrant ${key} was erased and still has a key`);
      if (state.tombstone && this.options.cards?.hasCardOf(key)) {
        this.wrong('erased_key_alive', null, `registrant ${key} was erased and a card still leads to it`);
      }
      return;
    }
    const reference = referenceImage(state);
    if (!reference) return;
    this.images += 1;
    const problem = await vault.open(`registrant:${key}`, reference.imageId, { commitment: reference.image }).then(
      () => null,
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    );
    if (problem) this.wrong('image_missing', null, `the reference image ${reference.imageId}: ${problem}`);
  }

  private wrong(code: FsckProblem['code'], index: number | null, detail: string): void {
    if (this.problems.length < PROBLEMS_MAX) this.problems.push({ code, index, detail });
  }
}

interface OpenTile {
  readonly number: number;
  readonly width: number;
  readonly path: string;
  /** null when the file is missing. */
  readonly bytes: Uint8Array | null;
}

function nameOf({ id, type, stream, revision, position }: StoredRow): string {
  return `event ${id} (${type}, ${stream} revision ${revision}, store position ${position})`;
}

function textOf(entry: Uint8Array): string {
  return Buffer.from(entry.buffer, entry.byteOffset, entry.length).toString('utf8');
}

function isSameAt(bytes: Uint8Array, at: number, hash: Uint8Array): boolean {
  for (let i = 0; i < HASH_BYTES; i += 1) if (bytes[at + i] !== hash[i]) return false;
  return true;
}

/** The token that an entry has for the registrant of its stream, or of its only registrant field. */
function registrantTokens(stream: string, entryText: string): Map<string, string> {
  const leaf = parseLeaf(entryText);
  const tokens = new Map<string, string>();
  if (!leaf) return tokens;
  const key = registrantOf(stream);
  const token = registrantOf(leaf.stream);
  if (key !== null && token !== null) tokens.set(key, token);
  const field = leaf.data['subjectKey'] ?? leaf.data['registrantKey'];
  if (typeof field === 'string') tokens.set('', field);
  return tokens;
}
