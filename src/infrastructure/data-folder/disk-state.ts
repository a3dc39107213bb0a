import { constants } from 'node:fs';
import { access, statfs } from 'node:fs/promises';

/** @returns bytes that this process may still write below a folder
 *  @throws when the folder is gone or cannot be written */
export async function diskState(folder: string): Promise<{ readonly free: number }> {
  await access(folder, constants.W_OK);
  const { bavail, bsize } = await statfs(folder);
  return { free: bavail * bsize };
}
