import { constants } from 'node:fs';
import { mkdir, open, rename, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';

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

/** Folders are made when the first file of them is written. */
async function openInFolder(path: string): Promise<FileHandle> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC;
  try {
    return await open(path, flags, 0o644);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    const folder = dirname(path);
    await mkdir(folder, { recursive: true });
    await syncFolder(dirname(folder));
    return open(path, flags, 0o644);
  }
}
