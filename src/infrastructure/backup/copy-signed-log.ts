import { copyFileSync, cpSync, existsSync, mkdirSync, openSync, closeSync, readdirSync, readSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { PublishedCheckpoint } from '../../application/ports/audit/audit-log.js';
import { encodeEntries, tilePath, tileWidth, TILE_WIDTH } from '../../domain/audit/log/tiles.js';
import { writeAllWholeNow, writeWholeNow, type WholeFile } from '../audit/durable-file.js';
import { AuditLogDamagedError, encodePositions, POSITION_BYTES, TileLog } from '../audit/log/tile-log.js';

/** Copies the signed log as it was under one of its checkpoints, while it grows: tiles are only ever added, and a wider
 *  one begins with the narrower. The head that is kept beside the folder is that checkpoint's.
 *  @param target folder `audit` of the copy
 *  @throws {AuditLogDamagedError} naming the part that is not there */
export function copySignedLog(folder: string, target: string, checkpoint: PublishedCheckpoint | null): void {
  mkdirSync(target, { recursive: true, mode: 0o700 });
  if (existsSync(join(folder, 'keys'))) cpSync(join(folder, 'keys'), join(target, 'keys'), { recursive: true });
  if (checkpoint === null) return;
  const { size, note } = checkpoint;
  const log = new TileLog(folder);
  copyTiles(log, target, size);
  copyPositions(folder, target, size);
  copyArchive(log, target, size);
  copyTimestamps(folder, target, size);
  const cosigned = log.cosigned();
  if (cosigned && cosigned.size <= size) writeWholeNow(join(target, 'cosigned'), cosigned.note);
  writeAllWholeNow([
    { path: join(target, 'checkpoint'), bytes: note },
    { path: `${target}.head`, bytes: note },
  ]);
}

function copyTiles(log: TileLog, target: string, size: number): void {
  for (const { level, index, width } of tilesOf(size)) {
    const path = tilePath({ level, index, width });
    const [from, to] = [join(log.folder, path), join(target, path)];
    mkdirSync(dirname(to), { recursive: true, mode: 0o700 });
    if (width === TILE_WIDTH) copyFileSync(from, to);
    else writeWholeNow(to, partialTile(log, { level, index, width }, size));
  }
}

function partialTile(
  log: TileLog,
  tile: { readonly level: number | 'entries'; readonly index: number; readonly width: number },
  size: number,
): Uint8Array {
  const { level, index, width } = tile;
  if (level === 'entries') return encodeEntries(log.entries(index, size));
  const bytes = log.widerTile({ level, index, width });
  if (bytes === null) throw new AuditLogDamagedError(`${tilePath({ level, index, width })} is missing`);
  return bytes;
}

/** Every tile of a tree. */
function* tilesOf(
  size: number,
): Iterable<{ readonly level: number | 'entries'; readonly index: number; readonly width: number }> {
  const rows: [number | 'entries', number][] = [['entries', size]];
  for (let level = 0, count = size; count > 0; level += 1, count = Math.floor(count / TILE_WIDTH))
    rows.push([level, count]);
  for (const [level, count] of rows) {
    for (let index = 0; index * TILE_WIDTH < count; index += 1)
      yield { level, index, width: tileWidth(level, index, size) };
  }
}

function copyPositions(folder: string, target: string, size: number): void {
  const bytes = Buffer.alloc(size * POSITION_BYTES);
  const file = openSync(join(folder, 'positions'), 'r');
  try {
    for (let at = 0, read = 1; at < bytes.length && read > 0; at += read)
      read = readSync(file, bytes, at, bytes.length - at, at);
  } finally {
    closeSync(file);
  }
  writeWholeNow(join(target, 'positions'), bytes);
}

/** Says anew where the events of the first entries are in the store: they keep their order in another store, and not
 *  their positions. @param audit folder of the log */
export function writePositions(audit: string, positions: readonly bigint[]): void {
  writeWholeNow(join(audit, 'positions'), encodePositions(positions));
}

/** Checkpoints of up to this size, file by file as they are kept. */
function copyArchive(log: TileLog, target: string, size: number): void {
  const files = new Map<string, string[]>();
  for (const record of log.archive.after(0)) {
    if (record.size === null || record.size > size) continue;
    const notes = files.get(record.file) ?? [];
    notes.push(record.file.includes('-') ? `${record.note}\n` : record.note);
    files.set(record.file, notes);
  }
  const whole: WholeFile[] = [...files].map(([file, notes]) => ({
    path: join(target, 'checkpoints', file),
    bytes: notes.join(''),
  }));
  writeAllWholeNow(whole);
}

function copyTimestamps(folder: string, target: string, size: number): void {
  const from = join(folder, 'timestamps');
  if (!existsSync(from)) return;
  mkdirSync(join(target, 'timestamps'), { recursive: true, mode: 0o700 });
  const names = readdirSync(from).filter((name) => !name.endsWith('.tmp') && Number.parseInt(name, 10) <= size);
  for (const name of names) copyFileSync(join(from, name), join(target, 'timestamps', name));
}
