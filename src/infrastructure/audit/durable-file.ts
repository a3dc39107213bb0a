import {
  closeSync,
  constants,
  existsSync,
  fdatasyncSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { mkdir, open, rename, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';

const FOR_WRITING = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC;
const FOR_GROWING = constants.O_WRONLY | constants.O_CREAT;

/** Written beside, synced and renamed: the file is there whole or not at all. The folder's own entry is synced by
 * `syncFolder`, once for several files. */
export async function writeWhole(path: string, bytes: Uint8Array | string): Promise<void> {
  // One writer per log: the name need not be unique, and a left-over of a crash is simply overwritten.
  const temporary = `${path}.tmp`;
  const file = await openInFolder(temporary);
  try {
    await file.writeFile(bytes);
    await file.datasync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
}

export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export interface WholeFile {
  readonly path: string;
  readonly bytes: Uint8Array | string;
}

/** `writeWhole` for several files and for a thread that has nothing else to do. All are written, then all are synced,
 * then all are renamed: a file system that journals would wait for its journal once per file otherwise. A crash leaves
 * some of them under their names, each whole.
 * @param onStep told each path before it is written, and `rename` before each renaming */
export function writeAllWholeNow(files: readonly WholeFile[], onStep: (step: string) => void = () => {}): void {
  const open: number[] = [];
  try {
    for (const { path, bytes } of files) {
      onStep(path);
      const file = openInFolderNow(`${path}.tmp`);
      open.push(file);
      const all = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
      for (let at = 0; at < all.length;) at += writeSync(file, all, at);
    }
    for (const file of open) fdatasyncSync(file);
  } finally {
    for (const file of open) closeSync(file);
  }
  for (const { path } of files) {
    onStep('rename');
    renameSync(`${path}.tmp`, path);
  }
}

export function writeWholeNow(path: string, bytes: Uint8Array | string): void {
  writeAllWholeNow([{ path, bytes }]);
}

/** Writes at a place of a file that grows, and cuts off what was behind that place. Synced, with the folder's entry
 * when the file is new; a crash leaves a part of the bytes, and nothing before them is touched.
 * @returns where the file ends now */
export function writeAfterNow(path: string, place: number, bytes: Uint8Array | string): number {
  const isNew = !existsSync(path);
  const all = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
  const file = openInFolderNow(path, FOR_GROWING);
  try {
    ftruncateSync(file, place);
    for (let at = 0; at < all.length;) at += writeSync(file, all, at, all.length - at, place + at);
    fdatasyncSync(file);
  } finally {
    closeSync(file);
  }
  if (isNew) syncFolderNow(dirname(path));
  return place + all.length;
}

export function readIfThere(path: string): Buffer | null {
  try {
    return readFileSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR') return null;
    throw error;
  }
}

export function syncFolderNow(folder: string): void {
  const handle = openSync(folder, constants.O_RDONLY);
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** Folders are made when the first file of them is written. */
async function openInFolder(path: string): Promise<FileHandle> {
  try {
    return await open(path, FOR_WRITING, 0o644);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    const folder = dirname(path);
    await mkdir(folder, { recursive: true });
    await syncFolder(dirname(folder));
    return open(path, FOR_WRITING, 0o644);
  }
}

function openInFolderNow(path: string, flags = FOR_WRITING): number {
  try {
    return openSync(path, flags, 0o644);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    const folder = dirname(path);
    mkdirSync(folder, { recursive: true });
    syncFolderNow(dirname(folder));
    return openSync(path, flags, 0o644);
  }
}
