import { existsSync, rmSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { PublishedCheckpoint } from '../../../application/ports/audit/audit-log.js';
import type { CheckpointSigner } from '../../../application/ports/audit/checkpoint-signer.js';
import type { SignedState } from '../../../application/ports/audit/signed-log.js';
import { checkpointText, parseCheckpoint } from '../../../domain/audit/log/checkpoint.js';
import { keysThatFollow } from '../../../domain/audit/log/key-succession.js';
import { GrowingTree, HASH_BYTES, sameHash, type Hash } from '../../../domain/audit/log/merkle-tree.js';
import { judgeNote, writeNote } from '../../../domain/audit/log/signed-note.js';
import { encodeEntries, tilePath, tileWidth, TILE_WIDTH } from '../../../domain/audit/log/tiles.js';
import type { Position } from '../../../domain/event-envelope.js';
import { hasher, isSignedEd25519, sha256 } from '../digest.js';
import { syncFolderNow, writeAfterNow, writeAllWholeNow, writeWholeNow } from '../durable-file.js';
import { holdsTree, LogHead, stateIn, whyNot } from './log-head.js';
import { encodePositions, POSITION_BYTES, storedPositions, TileLog } from './tile-log.js';

/** The files contradict what was signed before. The log stops rather than sign a second history. */
export class AuditLogForkError extends Error {}

export interface NewLeaf {
  readonly text: string;
  readonly position: Position;
}

/** Writes the log. One writer at a time. Order of one step: positions, entries, hash tiles, each synced; then the
 * signature, which is kept beside the folder ({@link LogHead}); then the archive and the checkpoint, which makes all of
 * it part of the log with one rename. A crash before the signature is kept leaves files that no checkpoint covers; they
 * are written again with the same content. After one behind it the next start publishes what was signed. A tree that
 * does not contain what was signed before is never signed, whatever was done to the folder. Synchronous: it belongs on
 * a thread of its own (`ThreadedLogBuilder`), where waiting for the disk holds nobody up. */
export class TileWriter {
  private constructor(
    private readonly log: TileLog,
    private readonly signer: CheckpointSigner,
    private tree: GrowingTree,
    /** Entries and node hashes of the tiles at the right edge: what a partial tile is made of. */
    private edge: Edge,
    /** The newest checkpoint as it was published; null before the first. */
    private published: string | null,
    /** Called before each step; tests make it throw or kill. */
    private readonly onStep: (step: string) => void,
  ) {}

  /** @param recorded states of this log that others tell of, which it must hold
   *  @throws {AuditLogForkError} when the files are not the log that was signed last. */
  static open(
    folder: string,
    signer: CheckpointSigner,
    onStep: (step: string) => void = () => {},
    recorded: readonly SignedState[] = [],
  ): TileWriter {
    const log = new TileLog(folder);
    const published = log.checkpoint();
    if (published) assertOurs(published.note, signer);
    const kept = keptBeside(folder);
    assertHolds(folder, kept, recorded);
    if (kept) assertOurs(kept.note, signer, LogHead.beside(folder).file);
    log.archive.repair();
    const later = log.archivedAfter(published?.size ?? 0);
    const newest = later.at(-1);
    if (newest !== undefined) {
      // Published means: renamed into place. The archive is written before, so only a crash between the two leaves it
      // one step ahead.
      const ahead = log.checkpointOf(newest);
      if (ahead === null || later.length > 1 || storedPositions(folder) < newest)
        throw new AuditLogForkError(
          `a checkpoint of ${newest} leaves was published and the present one says ${published?.size ?? 0}: the log was set back; restore it or move it away`,
        );
      assertOurs(ahead.note, signer);
      writeWholeNow(join(folder, 'checkpoint'), ahead.note);
      syncFolderNow(folder);
      return TileWriter.open(folder, signer, onStep, recorded);
    }
    if (kept && kept.size > (published?.size ?? 0)) {
      // A crash between the signature and what was to follow it. The files hold its tree.
      log.archive.append(kept.size, kept.note);
      writeWholeNow(join(folder, 'checkpoint'), kept.note);
      syncFolderNow(folder);
      return TileWriter.open(folder, signer, onStep, recorded);
    }
    // Not a thing that a crash can do, but damage can, and what was published stays in the archive.
    if (published && log.archive.noteOf(published.size) === null) log.archive.append(published.size, published.note);
    const size = published?.size ?? 0;
    const edge = new Edge();
    const tree = GrowingTree.resume(hasher, log.nodes(size), size, (level, index, hash) =>
      edge.node(level, index, hash),
    );
    if (published && !sameHash(tree.root(), published.root))
      throw new AuditLogForkError(
        `the tiles do not lead to the root of the checkpoint of ${size} leaves; run './honnin audit fsck'`,
      );
    edge.resume(log, size);
    // Logs of before there was a second place, and ones that a restored copy of that place is behind of.
    if (published && kept?.note !== published.note) LogHead.beside(folder).keep(published.note);
    return new TileWriter(log, signer, tree, edge, published?.note ?? null, onStep);
  }

  get size(): number {
    return this.tree.size;
  }

  /** Position of the newest event in the log, or null when it is empty. */
  lastPosition(): Position | null {
    this.assertUntouched();
    return this.size === 0 ? null : this.log.positionOf(this.size - 1);
  }

  /** Compares what lies on the disk now with what this writer has signed. Reads a handful of hashes.
   *  @param recorded states of this log that others tell of
   *  @throws {AuditLogForkError} in words that say what to restore; then the writer must be opened again */
  check(recorded: readonly SignedState[]): void {
    this.assertUntouched();
    const { folder } = this.log;
    assertHolds(folder, { size: this.size, root: this.tree.root() }, recorded);
  }

  /** Adds leaves and publishes a checkpoint over all of them. All or nothing; after an error the writer must be opened
   * again. */
  publish(leaves: readonly NewLeaf[]): void {
    if (leaves.length === 0) return;
    this.assertUntouched();
    const { folder } = this.log;
    const before = this.size;
    this.onStep('positions');
    writeAfterNow(
      join(folder, 'positions'),
      before * POSITION_BYTES,
      encodePositions(leaves.map((leaf) => leaf.position)),
    );
    for (const { text } of leaves) {
      const entry = Buffer.from(text, 'utf8');
      this.edge.entry(this.tree.size, entry);
      this.tree.append(hasher.leaf(entry));
    }
    writeAllWholeNow(
      [...this.edge.files(before, this.size)].map(({ path, bytes }) => ({ path: join(folder, path), bytes })),
      (step) => this.onStep(step.startsWith(folder) ? relative(folder, step) : step),
    );
    this.onStep('folders');
    for (const path of this.edge.folders(before, this.size)) syncFolderNow(join(folder, path));
    this.onStep('sign');
    const text = checkpointText({ origin: this.signer.origin, size: this.size, root: this.tree.root() });
    const note = writeNote({ text, signatures: this.signer.sign(text) });
    this.onStep('head');
    LogHead.beside(folder).keep(note);
    this.onStep('archive');
    this.log.archive.append(this.size, note);
    this.onStep('checkpoint');
    writeWholeNow(join(folder, 'checkpoint'), note);
    syncFolderNow(folder);
    this.onStep('clean');
    for (const path of this.edge.obsolete(before, this.size))
      if (existsSync(join(folder, path))) rmSync(join(folder, path), { recursive: true, force: true });
    this.edge.forget(this.size);
    this.published = note;
  }

  /** Somebody else's file under this writer would be written on, and signed. */
  private assertUntouched(): void {
    const { folder } = this.log;
    const [published, kept] = [this.log.checkpoint()?.note ?? null, LogHead.beside(folder).note()];
    if (published === this.published && kept === this.published) return;
    throw new AuditLogForkError(
      `the checkpoint in ${folder} or ${LogHead.beside(folder).file} is not the one that was written last: the log was exchanged while the server ran, or another process writes to it`,
    );
  }
}

/** What was signed last, as it is kept beside the folder; null where nothing ever was. */
function keptBeside(folder: string): PublishedCheckpoint | null {
  const head = LogHead.beside(folder);
  const note = head.note();
  if (note === null) return null;
  const state = stateIn(note);
  if (state === null)
    throw new AuditLogForkError(
      `${head.file} is no checkpoint: it was damaged. Restore it from its newest copy; it is never removed, because it says what was signed`,
    );
  return { ...state, note };
}

function assertHolds(folder: string, kept: SignedState | null, recorded: readonly SignedState[]): void {
  if (kept && !holdsTree(folder, kept)) throw new AuditLogForkError(whyNot(folder, kept, LogHead.beside(folder).file));
  const missing = recorded.find((state) => !holdsTree(folder, state));
  if (missing) throw new AuditLogForkError(whyNot(folder, missing, 'an event in the store says so'));
}

/** @param where file of the note, where it is not the log's own checkpoint */
function assertOurs(note: string, signer: CheckpointSigner, where: string | null = null): void {
  const { checkpoint, note: signed } = parseCheckpoint(note);
  const what = where === null ? 'the log' : `the log of ${where}`;
  if (checkpoint.origin !== signer.origin)
    throw new AuditLogForkError(`${what} is ${checkpoint.origin} and this server is ${signer.origin}`);
  const notes = [...signer.successions(), ...signer.losses()];
  const keys = keysThatFollow(signer.keys().slice(0, 1), notes, { hash: sha256, isSigned: isSignedEd25519 });
  if (judgeNote(signed, keys, isSignedEd25519).verdict !== 'signed')
    throw new AuditLogForkError(
      `the checkpoint of ${checkpoint.size} leaves${where === null ? '' : ` in ${where}`} is not signed by a key of this log`,
    );
}

/** What is needed to write the tiles at the right edge, and nothing more. */
class Edge {
  private entries = new Map<number, Uint8Array>();
  private readonly levels: Map<number, Hash>[] = [];

  entry(index: number, bytes: Uint8Array): void {
    this.entries.set(index, bytes);
  }

  node(level: number, index: number, hash: Hash): void {
    if (level % 8 !== 0) return;
    (this.levels[level / 8] ??= new Map()).set(index, hash);
  }

  /** Loads the partial tiles of a stored log. */
  resume(log: TileLog, size: number): void {
    const first = size - (size % TILE_WIDTH);
    if (first < size) log.entries(first / TILE_WIDTH, size).forEach((entry, k) => this.entries.set(first + k, entry));
    const nodes = log.nodes(size);
    for (let level = 0, count = size; count > 0; level += 1, count = Math.floor(count / TILE_WIDTH)) {
      for (let index = count - (count % TILE_WIDTH); index < count; index += 1)
        this.node(level * 8, index, Uint8Array.from(nodes(level * 8, index)));
    }
  }

  /** Every tile that differs between the two sizes. */
  *files(before: number, after: number): Iterable<{ readonly path: string; readonly bytes: Uint8Array }> {
    for (const { level, index, width } of changedTiles(before, after)) {
      const path = tilePath({ level, index, width });
      const from = index * TILE_WIDTH;
      if (level === 'entries') {
        yield {
          path,
          bytes: encodeEntries(Array.from({ length: width }, (_, k) => this.entries.get(from + k) as Uint8Array)),
        };
      } else {
        const bytes = new Uint8Array(width * HASH_BYTES);
        for (let k = 0; k < width; k += 1)
          bytes.set((this.levels[level] as Map<number, Hash>).get(from + k) as Hash, k * HASH_BYTES);
        yield { path, bytes };
      }
    }
  }

  folders(before: number, after: number): Set<string> {
    return new Set(changedTiles(before, after).map((tile) => dirname(tilePath(tile))));
  }

  /** Partial tiles of tiles that are full now. Clients of older checkpoints find the full one. */
  *obsolete(before: number, after: number): Iterable<string> {
    for (const { level, index, width } of changedTiles(before, after))
      if (width === TILE_WIDTH) yield `${tilePath({ level, index, width })}.p`;
  }

  /** Keeps only what partial tiles still need. */
  forget(size: number): void {
    for (const index of this.entries.keys()) if (index < size - (size % TILE_WIDTH)) this.entries.delete(index);
    for (let level = 0, count = size; level < this.levels.length; level += 1, count = Math.floor(count / TILE_WIDTH)) {
      const hashes = this.levels[level] as Map<number, Hash>;
      for (const index of hashes.keys()) if (index < count - (count % TILE_WIDTH)) hashes.delete(index);
    }
  }
}

/** Tiles of the tree of `after` leaves that the tree of `before` leaves has not, or has narrower. */
function changedTiles(before: number, after: number): { level: number | 'entries'; index: number; width: number }[] {
  const tiles: { level: number | 'entries'; index: number; width: number }[] = [];
  const add = (level: number | 'entries', from: number, to: number) => {
    for (let index = Math.floor(from / TILE_WIDTH); index * TILE_WIDTH < to; index += 1)
      tiles.push({ level, index, width: tileWidth(level, index, after) });
  };
  add('entries', before, after);
  for (
    let level = 0, from = before, to = after;
    to > 0;
    level += 1, from = Math.floor(from / TILE_WIDTH), to = Math.floor(to / TILE_WIDTH)
  )
    if (to > from) add(level, from, to);
  return tiles;
}
