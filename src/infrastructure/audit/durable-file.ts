import { closeSync, constants, fdatasyncSync, fsyncSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { mkdir, open, rename, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';

const FOR_WRITING = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC;

/** Written beside, synced and renamed: the file is there whole or not at all. The folder's own entry is synced by `syncFolder`, once for
 *  several files. */
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

/** `writeWhole` for several files and for a thread that has nothing else to do. All are written, then all are synced, then all are renamed:
 *  a file system that journals would wait for its journal once per file otherwise. A crash leaves some of them under their names, each whole.
 *  @param onStep told each path before it is written, and `rename` before each renaming */
export function writeAllWholeNow(files: readonly WholeFile[], onStep: (step: string) => void = () => {}): void {
  const open: number[] = [];
  try {
    for (const { path, bytes } of files) {
      onStep(path);
      const file = openInFolderNow(`${path}.tmp`);
      open.push(file);
      const all = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
      for (let at = 0; at < all.length; ) at += writeSync(file, all, at);
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

function openInFolderNow(path: string): number {
  try {
    return openSync(path, FOR_WRITING, 0o644);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    const folder = dirname(path);
    mkdirSync(folder, { recursive: true });
    syncFolderNow(dirname(folder));
    return openSync(path, FOR_WRITING, 0o644);
  }
}
