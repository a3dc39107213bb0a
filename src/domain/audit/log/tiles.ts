import { HASH_BYTES, type Hash } from './merkle-tree.js';

/** Tiles of C2SP tlog-tiles: 256 hashes wide, so a tile stands for eight levels of the tree. */
export const TILE_WIDTH = 256;
const TILE_LEVELS = 8;
/** Length of an entry is written in two bytes. */
export const ENTRY_BYTES_MAX = 0xffff;

export interface TileName {
  /** 0 for leaf hashes, 1 for the roots of 256 of them, …; 'entries' for the entries themselves. */
  readonly level: number | 'entries';
  readonly index: number;
  /** Hashes in it: 256, or fewer at the right edge. */
  readonly width: number;
}

/** Path below the log's address: `tile/0/x001/234.p/5`. */
export function tilePath({ level, index, width }: TileName): string {
  const groups = [String(index % 1000).padStart(3, '0')];
  for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000))
    groups.unshift(`x${String(rest % 1000).padStart(3, '0')}`);
  return `tile/${level}/${groups.join('/')}${width === TILE_WIDTH ? '' : `.p/${width}`}`;
}

/** @returns null for a path that `tilePath` would not write: one tile has one address. */
export function parseTilePath(path: string): TileName | null {
  const [, levelText, groups, partial] =
    /^tile\/(entries|0|[1-9]\d?)\/((?:x\d{3}\/)*\d{3})(?:\.p\/([1-9]\d{0,2}))?$/.exec(path) ?? [];
  if (levelText === undefined || groups === undefined) return null;
  const index = Number(groups.replaceAll(/[x/]/g, ''));
  const name: TileName = {
    level: levelText === 'entries' ? 'entries' : Number(levelText),
    index,
    width: partial === undefined ? TILE_WIDTH : Number(partial),
  };
  const isGood =
    Number.isSafeInteger(index) &&
    name.width <= TILE_WIDTH &&
    (partial === undefined || name.width < TILE_WIDTH) &&
    (name.level === 'entries' || name.level < TILE_LEVELS);
  return isGood && tilePath(name) === path ? name : null;
}

/** How wide a tile is in a tree of this size; 0 when it is not there. */
export function tileWidth(level: number | 'entries', index: number, size: number): number {
  const hashes = Math.floor(size / TILE_WIDTH ** (level === 'entries' ? 0 : level));
  return Math.max(0, Math.min(TILE_WIDTH, hashes - index * TILE_WIDTH));
}

/** Which tile holds a node of the tree, and which of its subtrees it is. */
export function tileOfNode(
  level: number,
  index: number,
): { readonly level: number; readonly index: number; readonly from: number; readonly levelInTile: number } {
  const tileLevel = Math.floor(level / TILE_LEVELS);
  const levelInTile = level % TILE_LEVELS;
  const first = index * 2 ** levelInTile;
  return { level: tileLevel, index: Math.floor(first / TILE_WIDTH), from: first % TILE_WIDTH, levelInTile };
}

/** The k-th hash of a tile. */
export function hashInTile(tile: Uint8Array, k: number): Hash {
  return tile.subarray(k * HASH_BYTES, (k + 1) * HASH_BYTES);
}

/** Entries as a bundle: each with its length in two bytes, big-endian. */
export function encodeEntries(entries: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(entries.reduce((sum, entry) => sum + 2 + entry.length, 0));
  let at = 0;
  for (const entry of entries) {
    if (entry.length > ENTRY_BYTES_MAX)
      throw new RangeError(`an entry of ${entry.length} bytes does not fit into a bundle`);
    bytes[at] = entry.length >> 8;
    bytes[at + 1] = entry.length & 255;
    bytes.set(entry, at + 2);
    at += 2 + entry.length;
  }
  return bytes;
}

/** @returns null when the bytes are not a whole number of entries. */
export function decodeEntries(bundle: Uint8Array): Uint8Array[] | null {
  const entries: Uint8Array[] = [];
  for (let at = 0; at < bundle.length;) {
    if (at + 2 > bundle.length) return null;
    const end = at + 2 + (bundle[at] as number) * 256 + (bundle[at + 1] as number);
    if (end > bundle.length) return null;
    entries.push(bundle.subarray(at + 2, end));
    at = end;
  }
  return entries;
}
