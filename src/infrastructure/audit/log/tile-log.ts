import { closeSync, existsSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { AuditLog, type PublishedCheckpoint } from '../../../application/ports/audit/audit-log.js';
import { parseCheckpoint } from '../../../domain/audit/log/checkpoint.js';
import { HASH_BYTES, type Hash, type NodeReader } from '../../../domain/audit/log/merkle-tree.js';
import {
  decodeEntries,
  encodeEntries,
  hashInTile,
  parseTilePath,
  tileOfNode,
  tilePath,
  tileWidth,
  TILE_WIDTH,
} from '../../../domain/audit/log/tiles.js';
import type { Position } from '../../../domain/event-envelope.js';
import { CheckpointArchive } from './checkpoint-archive.js';
import { hasher } from '../digest.js';
import { readIfThere } from '../durable-file.js';

/** Length of a place in `positions`. */
export const POSITION_BYTES = 8;
const CACHED_TILES_MAX = 512;
const READ_ATTEMPTS = 3;

/** A part of the published log is missing or unreadable: the message names the file. */
export class AuditLogDamagedError extends Error {}

/** The audit log as files in the C2SP tlog-tiles layout, read on demand. Beside the public layout there are `positions`
 * (eight bytes per leaf: where its event is in the store), `checkpoints/` (each checkpoint that was ever published,
 * {@link CheckpointArchive}) and
 * `timestamps/`. */
export class TileLog extends AuditLog {
  private readonly cache = new Map<string, Uint8Array>();
  readonly archive: CheckpointArchive;

  constructor(readonly folder: string) {
    super();
    this.archive = new CheckpointArchive(join(folder, 'checkpoints'));
  }

  override checkpoint(): PublishedCheckpoint | null {
    const bytes = readIfThere(join(this.folder, 'checkpoint'));
    return bytes === null ? null : published(bytes.toString('utf8'));
  }

  override checkpointOf(size: number): PublishedCheckpoint | null {
    const note = this.archive.noteOf(size);
    return note === null ? null : published(note);
  }

  /** Sizes of the archived checkpoints that have more entries than this one, ascending. One at most, which a crash kept
   * from being renamed into place, unless the log was set back. */
  archivedAfter(size: number): number[] {
    return [...this.archive.after(size)].flatMap((record) => record.size ?? []);
  }

  override nodes(size: number): NodeReader {
    return (level, index) => {
      const place = tileOfNode(level, index);
      const width = 2 ** place.levelInTile;
      const tile = this.tile(place.level, place.index, size);
      if ((place.from + width) * HASH_BYTES > tile.length)
        throw new AuditLogDamagedError(`tile ${place.level}/${place.index} is too short`);
      return hashOver(tile, place.from, width);
    };
  }

  override leaf(index: number): string {
    const size = this.checkpoint()?.size ?? 0;
    if (!Number.isSafeInteger(index) || index < 0 || index >= size)
      throw new RangeError(`the log has ${size} leaves and no leaf ${index}`);
    return Buffer.from(this.entries(Math.floor(index / TILE_WIDTH), size)[index % TILE_WIDTH] as Uint8Array).toString(
      'utf8',
    );
  }

  override *leaves(from: number, to: number): Iterable<string> {
    const size = this.checkpoint()?.size ?? 0;
    if (to > size) throw new RangeError(`the log has ${size} leaves, not ${to}`);
    for (let bundle = Math.floor(from / TILE_WIDTH); bundle * TILE_WIDTH < to; bundle += 1) {
      const first = bundle * TILE_WIDTH;
      const entries = this.entries(bundle, size);
      for (let k = Math.max(0, from - first); k < Math.min(entries.length, to - first); k += 1)
        yield Buffer.from(entries[k] as Uint8Array).toString('utf8');
    }
  }

  /** Entries of one bundle as the tree of this size has them. @throws {AuditLogDamagedError} */
  entries(bundle: number, size: number): readonly Uint8Array[] {
    const entries = decodeEntries(this.readTile('entries', bundle, tileWidth('entries', bundle, size)));
    const width = tileWidth('entries', bundle, size);
    if (!entries || entries.length < width)
      throw new AuditLogDamagedError(
        `${tilePath({ level: 'entries', index: bundle, width })} does not hold ${width} entries`,
      );
    return entries.slice(0, width);
  }

  override positionOf(index: number): Position {
    return this.withPositions((file) => readPosition(file, index));
  }

  override indexOf(position: Position): number | null {
    const size = this.checkpoint()?.size ?? 0;
    if (size === 0) return null;
    return this.withPositions((file) => {
      let [low, high] = [0, size - 1];
      while (low <= high) {
        const middle = Math.floor((low + high) / 2);
        const found = readPosition(file, middle);
        if (found === position) return middle;
        if (found < position) low = middle + 1;
        else high = middle - 1;
      }
      return null;
    });
  }

  override cosigned(): PublishedCheckpoint | null {
    const bytes = readIfThere(join(this.folder, 'cosigned'));
    return bytes === null ? null : published(bytes.toString('utf8'));
  }

  override timestamp(size: number): Uint8Array | null {
    return readIfThere(join(this.folder, 'timestamps', `${size}.tsr`));
  }

  override timestamped(): readonly number[] {
    return sizesIn(join(this.folder, 'timestamps'), /^(\d+)\.tsr$/);
  }

  override file(path: string): Uint8Array | null {
    // Only the public layout, and only what a checkpoint covers: a tile that is being written is nobody's yet.
    if (path === 'checkpoint' || path === 'cosigned') return readIfThere(join(this.folder, path));
    const name = parseTilePath(path);
    const size = this.checkpoint()?.size ?? 0;
    if (!name || name.width > tileWidth(name.level, name.index, size)) return null;
    return readIfThere(join(this.folder, path));
  }

  /** A tile as it lies on the disk, whatever a checkpoint covers: for the checker. */
  tileFile(path: string): Uint8Array | null {
    return readIfThere(join(this.folder, path));
  }

  /** The beginning of a wider tile, where the log has grown since the checkpoint in question; null when there is
   * none. */
  widerTile({
    level,
    index,
    width,
  }: {
    readonly level: number;
    readonly index: number;
    readonly width: number;
  }): Uint8Array | null {
    try {
      const wider = this.readTile(level, index, width);
      return wider.length < width * HASH_BYTES ? null : wider.subarray(0, width * HASH_BYTES);
    } catch (error) {
      if (error instanceof AuditLogDamagedError) return null;
      throw error;
    }
  }

  private tile(level: number, index: number, size: number): Uint8Array {
    return this.readTile(level, index, tileWidth(level, index, size));
  }

  /** A full tile when it is there, else a partial one that is wide enough; a wider one begins with the narrower. */
  private readTile(level: number | 'entries', index: number, width: number): Uint8Array {
    for (let attempt = 1; ; attempt += 1) {
      const found = this.readTileOnce(level, index, width);
      if (found) return found;
      // A partial tile that is there one moment is gone the next when the writer has put a wider one in its place.
      if (attempt === READ_ATTEMPTS) throw new AuditLogDamagedError(`${tilePath({ level, index, width })} is missing`);
    }
  }

  private readTileOnce(level: number | 'entries', index: number, width: number): Uint8Array | null {
    const full = tilePath({ level, index, width: TILE_WIDTH });
    const cached = this.cache.get(full);
    if (cached) return cached;
    const bytes = readIfThere(join(this.folder, full));
    if (bytes) {
      // Entries are twenty times as large as hashes, and who reads them reads on to the next bundle.
      if (level === 'entries') return bytes;
      if (this.cache.size >= CACHED_TILES_MAX) this.cache.delete(this.cache.keys().next().value as string);
      this.cache.set(full, bytes);
      return bytes;
    }
    const partials = sizesIn(join(this.folder, `${full}.p`), /^(\d+)$/);
    const wide = partials.find((w) => w >= width);
    return wide === undefined ? null : readIfThere(join(this.folder, tilePath({ level, index, width: wide })));
  }

  private withPositions<T>(read: (file: number) => T): T {
    const file = openSync(join(this.folder, 'positions'), 'r');
    try {
      return read(file);
    } finally {
      closeSync(file);
    }
  }
}

/** Entries one after the other for who reads a whole log: one buffer that each bundle uses again, and one view at a
 * time. Anything kept longer would grow old in memory, and what is old is given back late. */
export class EntryReader {
  private bytes: Buffer = Buffer.alloc(1 << 18);
  private length = 0;
  private at = 0;
  private index = 0;

  constructor(
    private readonly log: TileLog,
    /** Size of the tree whose entries are read. */
    private readonly size: number,
  ) {}

  /** The next entry; it holds until the next call. @throws {AuditLogDamagedError} when it is not there */
  next(): Uint8Array {
    const bundle = Math.floor(this.index / TILE_WIDTH);
    if (this.index % TILE_WIDTH === 0) this.open(bundle);
    const from = this.at + 2;
    const to = from + (this.bytes[this.at] as number) * 256 + (this.bytes[this.at + 1] as number);
    if (from > this.length || to > this.length)
      throw new AuditLogDamagedError(
        `${tilePath({ level: 'entries', index: bundle, width: tileWidth('entries', bundle, this.size) })} does not hold entry ${this.index}`,
      );
    this.at = to;
    this.index += 1;
    return this.bytes.subarray(from, to);
  }

  private open(bundle: number): void {
    const full = this.fill(join(this.log.folder, tilePath({ level: 'entries', index: bundle, width: TILE_WIDTH })));
    if (full === null) {
      this.bytes = Buffer.from(encodeEntries(this.log.entries(bundle, this.size)));
      this.length = this.bytes.length;
    } else this.length = full;
    this.at = 0;
  }

  /** @returns the number of bytes read, or null when there is no full bundle */
  private fill(path: string): number | null {
    let file: number;
    try {
      file = openSync(path, 'r');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
    try {
      const { size } = fstatSync(file);
      if (size > this.bytes.length) this.bytes = Buffer.alloc(size * 2);
      let at = 0;
      for (let read = 1; at < size && read > 0; at += read) read = readSync(file, this.bytes, at, size - at, at);
      return at;
    } finally {
      closeSync(file);
    }
  }
}

function published(note: string): PublishedCheckpoint {
  return { ...parseCheckpoint(note).checkpoint, note };
}

/** Number of whole positions in the file; 0 when there is none. */
export function storedPositions(folder: string): number {
  const path = join(folder, 'positions');
  if (!existsSync(path)) return 0;
  const file = openSync(path, 'r');
  try {
    return Math.floor(fstatSync(file).size / POSITION_BYTES);
  } finally {
    closeSync(file);
  }
}

export function encodePositions(positions: readonly bigint[]): Buffer {
  const bytes = Buffer.alloc(positions.length * POSITION_BYTES);
  positions.forEach((position, i) => bytes.writeBigUInt64BE(position, i * POSITION_BYTES));
  return bytes;
}

function readPosition(file: number, index: number): Position {
  const bytes = Buffer.alloc(POSITION_BYTES);
  if (readSync(file, bytes, 0, POSITION_BYTES, index * POSITION_BYTES) !== POSITION_BYTES)
    throw new AuditLogDamagedError(`positions has no entry ${index}`);
  return bytes.readBigUInt64BE() as Position;
}

/** Root over hashes of a tile: the upper levels inside a tile are not stored. */
function hashOver(tile: Uint8Array, from: number, width: number): Hash {
  if (width === 1) return hashInTile(tile, from);
  return hasher.node(hashOver(tile, from, width / 2), hashOver(tile, from + width / 2, width / 2));
}

function sizesIn(folder: string, form: RegExp): number[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .flatMap((name) => {
      const found = form.exec(name);
      return found ? [Number(found[1])] : [];
    })
    .sort((a, b) => a - b);
}
