import { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { CheckpointSigner } from '../../application/ports/checkpoint-signer.js';
import type { ImageVault } from '../../application/ports/image-vault.js';
import type { Pseudonyms } from '../../application/ports/pseudonyms.js';
import { parseCheckpoint } from '../../domain/audit/checkpoint.js';
import { commitmentToken, isCommitmentToken, type Person } from '../../domain/audit/commitment.js';
import { keysThatFollow } from '../../domain/audit/key-succession.js';
import { leafText, parseLeaf, registrantOf } from '../../domain/audit/leaf.js';
import { GrowingTree, HASH_BYTES, sameHash } from '../../domain/audit/merkle-tree.js';
import { judgeNote } from '../../domain/audit/signed-note.js';
import { hashInTile, tilePath, tileWidth, TILE_WIDTH } from '../../domain/audit/tiles.js';
import { fold } from '../../domain/decider.js';
import { referenceImage, registrantDecider } from '../../domain/registrant/registrant.js';
import type { RegistrantEvent } from '../../domain/registrant/registrant.events.js';
import { prepareSchema, rowChecksum, type ChecksummedRow } from '../event-store/sqlite-schema.js';
import { hasher, hmacSha256, isSignedEd25519, sha256 } from './digest.js';
import { TileLog } from './tile-log.js';

export interface FsckProblem {
  readonly code:
    | 'event_checksum' | 'event_missing' | 'revision_gap' | 'leaf_differs' | 'leaf_hash_differs' | 'tile_differs' | 'tile_missing' | 'root_differs' | 'checkpoint_signature' | 'checkpoint_rolled_back' | 'copy_differs' | 'log_behind' | 'unreadable'
    | 'image_missing' | 'erased_key_alive';
  /** Place in the log, or null where the fault has none. */
  readonly index: number | null;
  readonly detail: string;
}

export interface FsckReport {
  readonly events: number;
  readonly checkpoints: number;
  readonly images: number;
  readonly erased: number;
  readonly seconds: number;
  /** First the one with the lowest place. */
  readonly problems: readonly FsckProblem[];
}

export interface FsckOptions {
  readonly eventsFile: string;
  readonly auditFolder: string;
  readonly signer: Pick<CheckpointSigner, 'keys' | 'successions'>;
  readonly pseudonyms: Pseudonyms;
  /** null: vault references are not looked at. */
  readonly vault: ImageVault | null;
  /** Checkpoints kept elsewhere: the log must contain each. */
  readonly copies: readonly string[];
  readonly onProgress?: (checked: number, total: number, perSecond: number) => void;
}

const PAGE = 2048;
const PROBLEMS_MAX = 50;
const TOKENS_MAX = 20_000;

type Row = ChecksummedRow & { readonly checksum: number };

/** Recomputes the audit log from the stored events and compares it with what was published: leaf by leaf, tile by tile, checkpoint by
 *  checkpoint. Reads only, beside a running server, in memory that does not grow with the log. */
export async function fsck(options: FsckOptions): Promise<FsckReport> {
  const database = new DatabaseSync(options.eventsFile, { readOnly: true, timeout: 5000 });
  try {
    prepareSchema(database, options.eventsFile, 'read');
    return await new Fsck(database, options).run();
  } finally {
    database.close();
  }
}

class Fsck {
  private readonly log: TileLog;
  private readonly problems: FsckProblem[] = [];
  private readonly tree = new GrowingTree(hasher, (level, index, hash) => this.compareNode(level, index, hash));
  private readonly tokens = new Map<string, string>();
  /** Registrants whose tokens nobody can recompute any more, with the token that the log has; each must turn out to be erased. */
  private readonly unknown = new Map<string, { readonly token: string; readonly index: number }>();
  private size = 0;
  private checkpointsLeft: number[] = [];
  private checkpoints = 0;
  private images = 0;
  private erased = 0;
  private tile: { path: string; bytes: Uint8Array } | null = null;

  constructor(
    private readonly database: DatabaseSync,
    private readonly options: FsckOptions,
  ) {
    this.log = new TileLog(options.auditFolder);
  }

  async run(): Promise<FsckReport> {
    const startMs = performance.now();
    const published = this.log.checkpoint();
    this.size = published?.size ?? 0;
    this.checkpointsLeft = this.log.published();
    this.checkSignatures();
    const newest = this.checkpointsLeft.at(-1) ?? 0;
    if (newest > this.size) this.wrong('checkpoint_rolled_back', null, `a checkpoint of ${newest} leaves was published and the present one says ${this.size}`);
    try {
      await this.readEvents(startMs);
    } catch (error) {
      this.wrong('unreadable', this.tree.size, error instanceof Error ? error.message : String(error));
    }
    if (this.tree.size === this.size && published && !sameHash(this.tree.root(), published.root)) this.wrong('root_differs', null, `the events do not lead to the root of the checkpoint of ${this.size} leaves`);
    this.checkUnknown();
    this.checkRevisions();
    if (this.options.vault) await this.checkVault(this.options.vault);
    return {
      events: this.tree.size, checkpoints: this.checkpoints, images: this.images, erased: this.erased, seconds: (performance.now() - startMs) / 1000,
      problems: this.problems.toSorted((a, b) => (a.index ?? Number.MAX_SAFE_INTEGER) - (b.index ?? Number.MAX_SAFE_INTEGER)),
    };
  }

  private async readEvents(startMs: number): Promise<void> {
    const page = this.database.prepare(`
      SELECT e.position, s.name AS stream, e.revision, e.id, e.type, e.schema_version, e.data, e.metadata, e.checksum
      FROM events e JOIN streams s ON s.no = e.stream_no WHERE e.position > ? ORDER BY e.position LIMIT ${PAGE}`);
    for (let position = 0; this.tree.size < this.size && this.problems.length < PROBLEMS_MAX; ) {
      const rows = page.all(position) as unknown as Row[];
      if (rows.length === 0) {
        this.wrong('event_missing', this.tree.size, `the log has ${this.size} leaves and the store has ${this.tree.size} events: events were removed at the end`);
        return;
      }
      for (const row of rows.slice(0, this.size - this.tree.size)) this.checkEvent(row);
      position = (rows.at(-1) as Row).position;
      this.options.onProgress?.(this.tree.size, this.size, this.tree.size / ((performance.now() - startMs) / 1000));
      await nextTurn();
    }
    this.checkBehind();
  }

  private checkEvent(row: Row): void {
    const index = this.tree.size;
    const name = `event ${row.id} (${row.type}, ${row.stream} revision ${row.revision}, store position ${row.position})`;
    if (rowChecksum(row) !== row.checksum) this.wrong('event_checksum', index, `${name}: a byte of it was changed, the checksum does not fit`);
    const entry = this.entry(index);
    const entryText = Buffer.from(entry).toString('utf8');
    const text = this.leafOf(row, entryText, index);
    if (text !== entryText) this.wrong('leaf_differs', index, `${name} is not what the log holds at place ${index}: ${parseLeaf(entryText) ? 'it was changed, moved, inserted or left out afterwards' : 'the entry is not an event'}`);
    // The tree is made of what was published, so that one changed event is one problem and not one for each hash above it.
    this.tree.append(hasher.leaf(entry));
    this.compareCheckpoint();
  }

  /** The leaf as it must be. A token that cannot be recomputed is taken from the entry, and remembered until an erasure explains it. */
  private leafOf(row: Row, entryText: string, index: number): string {
    let entryTokens: Map<string, string> | null = null;
    return leafText({ ...row, schemaVersion: row.schema_version }, (person) => {
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

  private bundle: { number: number; entries: readonly Uint8Array[] } | null = null;

  private entry(index: number): Uint8Array {
    const number = Math.floor(index / TILE_WIDTH);
    if (this.bundle?.number !== number) this.bundle = { number, entries: this.log.entries(number, this.size) };
    return this.bundle.entries[index % TILE_WIDTH] as Uint8Array;
  }

  /** Every stored hash against the one that the entries give. */
  private compareNode(level: number, index: number, hash: Uint8Array): void {
    if (level % 8 !== 0) return;
    const tileLevel = level / 8;
    const number = Math.floor(index / TILE_WIDTH);
    const width = tileWidth(tileLevel, number, this.size);
    const path = tilePath({ level: tileLevel, index: number, width });
    if (tileLevel === 0 && this.tile?.path === path) return this.compareHash(path, this.tile.bytes, index, hash, width);
    const bytes = this.log.file(path);
    if (!bytes) return this.wrong('tile_missing', tileLevel === 0 ? index : index * TILE_WIDTH ** tileLevel, `${path} is missing`);
    if (tileLevel === 0) this.tile = { path, bytes };
    this.compareHash(path, bytes, index, hash, width);
  }

  private compareHash(path: string, bytes: Uint8Array, index: number, hash: Uint8Array, width: number): void {
    const k = index % TILE_WIDTH;
    if (bytes.length === width * HASH_BYTES && Buffer.compare(hashInTile(bytes, k), hash) === 0) return;
    const level = Number(/^tile\/(\d+)/.exec(path)?.[1]);
    this.wrong(level === 0 ? 'leaf_hash_differs' : 'tile_differs', index * TILE_WIDTH ** level, `hash ${k} of ${path} is not that of the entries`);
  }

  private compareCheckpoint(): void {
    if (this.checkpointsLeft[0] === undefined || this.checkpointsLeft[0] > this.tree.size) return;
    const size = this.checkpointsLeft.shift() as number;
    const stored = this.log.checkpointOf(size);
    this.checkpoints += 1;
    if (size === this.tree.size && stored && !sameHash(stored.root, this.tree.root())) this.wrong('root_differs', size - 1, `the checkpoint of ${size} leaves was published with another root`);
    for (const copy of this.options.copies) {
      const { checkpoint } = parseCheckpoint(copy);
      if (checkpoint.size === size && stored && !sameHash(stored.root, checkpoint.root)) this.wrong('copy_differs', size - 1, `the copy of the checkpoint of ${size} leaves has another root: the log was rewritten and signed again`);
    }
  }

  private checkSignatures(): void {
    const keys = keysThatFollow(this.options.signer.keys().slice(0, 1), this.options.signer.successions(), { hash: sha256, isSigned: isSignedEd25519 });
    const current = this.log.checkpoint();
    for (const note of [...(current ? [current.note] : []), ...this.options.copies]) {
      const { checkpoint, note: signed } = parseCheckpoint(note);
      if (judgeNote(signed, keys, isSignedEd25519).verdict !== 'signed') this.wrong('checkpoint_signature', null, `the checkpoint of ${checkpoint.size} leaves is not signed by a key of this log`);
    }
    for (const copy of this.options.copies) {
      const { checkpoint } = parseCheckpoint(copy);
      if (checkpoint.size > this.size) this.wrong('checkpoint_rolled_back', null, `a copy of a checkpoint has ${checkpoint.size} leaves and the log has ${this.size}: the log was cut`);
      else if (checkpoint.size > 0 && !this.log.checkpointOf(checkpoint.size)) this.wrong('copy_differs', checkpoint.size - 1, `a copy of a checkpoint of ${checkpoint.size} leaves was published and the log has none of that size`);
    }
  }

  /** A log that is far behind its store is a silent failure. */
  private checkBehind(): void {
    const { n, at } = this.database.prepare("SELECT count(*) AS n, min(json_extract(metadata, '$.recordedAtUtc')) AS at FROM events WHERE position > (SELECT coalesce(min(position), 0) FROM (SELECT position FROM events ORDER BY position LIMIT 1 OFFSET ?))").get(Math.max(0, this.size - 1)) as { n: number; at: string | null };
    if (this.size > 0 && n > 0 && at !== null && Date.now() - Date.parse(at) > 60_000) this.wrong('log_behind', this.size, `${n} stored events are not in the log; the oldest is of ${at}`);
    if (this.size === 0 && (this.database.prepare('SELECT count(*) AS n FROM events').get() as { n: number }).n > 0) this.wrong('log_behind', 0, 'events are stored and the log has no checkpoint');
  }

  /** Tokens that could not be recomputed belong to registrants that were erased. */
  private checkUnknown(): void {
    const find = this.database.prepare("SELECT count(*) AS n FROM events e JOIN streams s ON s.no = e.stream_no WHERE s.name = ? AND e.type = 'RegistrantErased'");
    for (const [key, { index }] of this.unknown) {
      const { n } = find.get(`registrant-${key}`) as { n: number };
      if (n === 0) this.wrong('leaf_differs', index, `the token of a registrant at place ${index} cannot be recomputed and nobody was erased: the event names another registrant, or a key was lost`);
    }
  }

  private checkRevisions(): void {
    const holes = this.database.prepare('SELECT s.name, count(*) AS n, max(e.revision) AS last FROM events e JOIN streams s ON s.no = e.stream_no GROUP BY e.stream_no HAVING n <> last + 1 LIMIT 10').all() as { name: string; n: number; last: number }[];
    for (const { name, n, last } of holes) this.wrong('revision_gap', null, `${name} has ${n} events and its last revision is ${last}`);
  }

  /** The reference image of each registrant opens and fits its commitment; erased registrants have no key. */
  private async checkVault(vault: ImageVault): Promise<void> {
    const streams = this.database.prepare("SELECT no, name FROM streams WHERE no > ? AND name LIKE 'registrant-%' ORDER BY no LIMIT 500");
    const read = this.database.prepare('SELECT type, data FROM events WHERE stream_no = ? ORDER BY revision');
    for (let no = 0; ; ) {
      const page = streams.all(no) as { no: number; name: string }[];
      if (page.length === 0) return;
      for (const stream of page) {
        const events = (read.all(stream.no) as { type: string; data: string }[]).map(({ type, data }) => ({ type, data: JSON.parse(data) as object }) as RegistrantEvent);
        await this.checkRegistrant(vault, registrantOf(stream.name) as string, events);
        no = stream.no;
      }
    }
  }

  private async checkRegistrant(vault: ImageVault, key: string, events: readonly RegistrantEvent[]): Promise<void> {
    const state = fold(registrantDecider, events);
    if (state.erased) {
      this.erased += 1;
      if (this.options.pseudonyms.existingSaltOf({ kind: 'registrant', id: key })) this.wrong('erased_key_alive', null, `registrant ${key} was erased and still has a key`);
      return;
    }
    const reference = referenceImage(state);
    if (!reference) return;
    this.images += 1;
    const problem = await vault.open(`registrant:${key}`, reference.imageId).then(({ commitment }) => (commitment === reference.image ? null : 'is not the one that was registered'), (error: unknown) => (error instanceof Error ? error.message : String(error)));
    if (problem) this.wrong('image_missing', null, `the reference image ${reference.imageId}: ${problem}`);
  }

  private wrong(code: FsckProblem['code'], index: number | null, detail: string): void {
    if (this.problems.length < PROBLEMS_MAX) this.problems.push({ code, index, detail });
  }
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
